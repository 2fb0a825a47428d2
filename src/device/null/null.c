// The null device: the skeleton to copy for a new one. It has one device whose memory the host
// cannot see, so that every transfer goes through the copy functions, and nothing that runs
// programs: the host does that, on copies.
//
// Each function below says what a real device does in its place. Outside of this tree a device is
// written with the SDK (doc/new-device.md).
#include <string.h>

#include "base/alloc.h"
#include "device/device.h"

struct PjDriver {
  int device_count;
};

// A real device loads its vendor's library here (and answers UNAVAILABLE without it), and lists its
// devices.
static PjStatus null_open(const PjDriverConfig *config, PjDriver **out_driver) {
  *out_driver = NULL;
  PJ_FAIL_IF(config->device_count < 0 || config->device_count > 16, INVALID_ARGUMENT,
             "the null platform has 1 to 16 devices, but %d were asked for", config->device_count);
  PjDriver *driver = pj_calloc(1, sizeof *driver);
  if (!driver)
    return pj_status_oom();
  driver->device_count = config->device_count ? config->device_count : 1;
  *out_driver = driver;
  return PJ_STATUS_OK;
}

static void null_close(PjDriver *driver) {
  pj_free(driver);
}

static int null_device_count(PjDriver *driver) {
  return driver->device_count;
}

static void null_device_info(PjDriver *driver, int device, PjDeviceInfo *out_info) {
  *out_info = (PjDeviceInfo){.kind = "null", .local_hardware_id = device};
}

// A real device allocates in its own memory, or in pinned host memory for the kinds that say so.
static PjStatus null_allocate(PjDriver *driver, int device, PjMemoryKind kind, size_t size,
                              void **out) {
  *out = pj_malloc_aligned(size, 64);
  PJ_FAIL_IF(!*out, RESOURCE_EXHAUSTED,
             "out of memory: cannot allocate %zu bytes on null device %d", size, device);
  return PJ_STATUS_OK;
}

static void null_free(PjDriver *driver, int device, PjMemoryKind kind, void *ptr, size_t size) {
  pj_free_aligned(ptr);
}

// Device memory that the host can map says so here, and answers its address below.
static bool null_host_visible(PjDriver *driver, int device, PjMemoryKind kind) {
  return kind != PJ_MEMORY_DEVICE;
}

static void *null_host_pointer(PjDriver *driver, int device, PjMemoryKind kind, void *ptr) {
  return kind == PJ_MEMORY_DEVICE ? NULL : ptr;
}

static PjStatus null_copy_in(PjDriver *driver, int device, PjMemoryKind kind, void *dst,
                             const void *src, size_t size) {
  if (size)
    memcpy(dst, src, size);
  return PJ_STATUS_OK;
}

static PjStatus null_copy_out(PjDriver *driver, int device, PjMemoryKind kind, void *dst,
                              const void *src, size_t size) {
  if (size)
    memcpy(dst, src, size);
  return PJ_STATUS_OK;
}

static PjStatus null_copy(PjDriver *driver, int dst_device, PjMemoryKind dst_kind, void *dst,
                          int src_device, PjMemoryKind src_kind, const void *src, size_t size) {
  if (size)
    memcpy(dst, src, size);
  return PJ_STATUS_OK;
}

static bool null_can_alias(PjDriver *driver, int device, PjMemoryKind kind, const void *ptr) {
  return false;
}

// Its memory is the heap, of which nothing more is known.
static bool null_can_view(PjDriver *driver, int device, PjMemoryKind kind, const void *ptr,
                          size_t size) {
  return (uintptr_t)ptr % 64 == 0;
}

const PjDeviceOps pj_device_null = {
    .name = "null",
    .open = null_open,
    .close = null_close,
    .device_count = null_device_count,
    .device_info = null_device_info,
    .allocate = null_allocate,
    .free = null_free,
    .host_visible = null_host_visible,
    .host_pointer = null_host_pointer,
    .copy_in = null_copy_in,
    .copy_out = null_copy_out,
    .copy = null_copy,
    .can_alias = null_can_alias,
    .can_view = null_can_view,
};
