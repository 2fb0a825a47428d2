/* The null device: host memory offered as a device, in the smallest plugin that is complete.
 *
 * The host addresses this memory (host_pointer), so libpjrt copies arrays and runs programs itself:
 * there is no queue. Start here for a device whose memory is the host's (an integrated accelerator,
 * a mapped card); start from ../toy for one with memory of its own. Each function says what a real
 * device does in its place.
 */
#include <stdatomic.h>
#include <stdlib.h>

#include <pjrt/sdk/sdk.h>

enum { MAX_DEVICES = 16, ALIGNMENT = 64 };

typedef struct Memory {
  _Atomic int64_t in_use, peak, count, largest;
} Memory;

struct PjsDriver {
  int device_count;
  Memory memories[MAX_DEVICES]; /* by device */
};

/* A real device loads its vendor's library here, answers UNAVAILABLE without it, and lists its
 * boards. */
static PjsError *null_open(const PjsOpenOptions *options, PjsDriver **out_driver) {
  if (options->num_options)
    return pjs_error(PJRT_Error_Code_INVALID_ARGUMENT,
                     "unknown option \"%s\": there is device_count", options->options[0].name);
  if (options->device_count > MAX_DEVICES)
    return pjs_error(PJRT_Error_Code_INVALID_ARGUMENT, "there are %d devices at most, not %d",
                     MAX_DEVICES, options->device_count);
  PjsDriver *driver = calloc(1, sizeof *driver);
  if (!driver)
    return pjs_out_of_memory();
  driver->device_count = options->device_count ? options->device_count : 1;
  *out_driver = driver;
  return NULL;
}

static void null_close(PjsDriver *driver) {
  free(driver);
}

static int null_device_count(PjsDriver *driver) {
  return driver->device_count;
}

static void null_device_info(PjsDriver *driver, int device, PjsDeviceInfo *info) {
  (void)driver;
  (void)device;
  info->kind = "Null 1";
}

static void raise_to(_Atomic int64_t *counter, int64_t value) {
  int64_t old = *counter;
  while (value > old && !atomic_compare_exchange_weak(counter, &old, value)) {
  }
}

/* A real device allocates in its memory, and its addresses may be whatever it likes but 0. */
static PjsError *null_allocate(PjsDriver *driver, int device, size_t size, PjsAddress *out) {
  size_t rounded = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  void *data = rounded >= size ? aligned_alloc(ALIGNMENT, rounded ? rounded : ALIGNMENT) : NULL;
  if (!data)
    return pjs_error(PJRT_Error_Code_RESOURCE_EXHAUSTED,
                     "cannot allocate %zu bytes on null device %d", size, device);
  Memory *memory = &driver->memories[device];
  raise_to(&memory->peak, atomic_fetch_add(&memory->in_use, (int64_t)size) + (int64_t)size);
  raise_to(&memory->largest, (int64_t)size);
  memory->count++;
  *out = (PjsAddress)(uintptr_t)data;
  return NULL;
}

static void null_free(PjsDriver *driver, int device, PjsAddress address, size_t size) {
  driver->memories[device].in_use -= (int64_t)size;
  free((void *)(uintptr_t)address);
}

/* Device memory that is mapped into the host's address space answers that place. */
static void *null_host_pointer(PjsDriver *driver, int device, PjsAddress address) {
  (void)driver;
  (void)device;
  return (void *)(uintptr_t)address;
}

/* Zero-copy: arrays of the host serve as they are. */
static bool null_can_alias(PjsDriver *driver, int device, const void *data) {
  (void)driver;
  (void)device;
  (void)data;
  return true;
}

static void null_stats(PjsDriver *driver, int device, PjsDeviceStats *stats) {
  const Memory *memory = &driver->memories[device];
  stats->bytes_in_use = stats->pool_bytes = memory->in_use;
  stats->peak_bytes_in_use = stats->peak_pool_bytes = memory->peak;
  stats->num_allocs = memory->count;
  stats->largest_alloc_size = memory->largest;
}

static void null_reset_stats(PjsDriver *driver, int device) {
  driver->memories[device].peak = driver->memories[device].in_use;
}

static const PjsDeviceOps device = {
    .struct_size = sizeof(PjsDeviceOps),
    .open = null_open,
    .close = null_close,
    .device_count = null_device_count,
    .device_info = null_device_info,
    .allocate = null_allocate,
    .free = null_free,
    .host_pointer = null_host_pointer,
    .can_alias = null_can_alias,
    .stats = null_stats,
    .reset_stats = null_reset_stats,
};

static const PjsPlatform platform = {
    .struct_size = sizeof(PjsPlatform),
    .sdk_version = PJS_VERSION,
    .name = "null",
    .version = "null 1.0",
    .device = &device,
};

PJRT_SDK_PLUGIN(platform)
