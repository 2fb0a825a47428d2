// A vendor's device as a driver of the runtime: its memory is the default one, the host's kinds are
// the heap or what the vendor allocates; copies and launches go through its queue.
#include <stddef.h>
#include <string.h>

#include "base/alloc.h"
#include "base/block.h"
#include "sdk/internal.h"

typedef struct Attributes {
  size_t count;
  PjDriverOption *list;
} Attributes;

struct PjDriver {
  PjsDriver *vendor;
  int device_count;
  Attributes *attributes; // by device
};

static const PjsDeviceOps *ops(void) {
  return &pj_sdk()->device;
}

static PjsAddress address_of(const void *ptr) {
  return (PjsAddress)(uintptr_t)ptr;
}

PjsDriver *pj_sdk_driver(PjDriver *driver) {
  return driver->vendor;
}

// --- Life ----------------------------------------------------------------------------------------

static char *text_of(const char *text, size_t size) {
  return pj_strndup(text ? text : "", text ? size : 0);
}

static void free_options(PjsOption *options, size_t count) {
  for (size_t i = 0; options && i < count; i++) {
    pj_free((void *)(uintptr_t)options[i].name);
    pj_free((void *)(uintptr_t)options[i].text);
  }
  pj_free(options);
}

static PjStatus copy_options(const PjDriverConfig *config, PjsOption **out) {
  static const PjsOptionKind kinds[] = {[PJ_DRIVER_OPTION_TEXT] = PJS_OPTION_TEXT,
                                        [PJ_DRIVER_OPTION_INT] = PJS_OPTION_INTEGER,
                                        [PJ_DRIVER_OPTION_FLOAT] = PJS_OPTION_NUMBER,
                                        [PJ_DRIVER_OPTION_BOOL] = PJS_OPTION_BOOL};
  PjsOption *options = *out = pj_calloc(config->num_options, sizeof *options);
  if (!options)
    return pj_status_oom();
  for (size_t i = 0; i < config->num_options; i++) {
    const PjDriverOption *from = &config->options[i];
    options[i] = (PjsOption){.name = text_of(from->name, from->name_size),
                             .kind = kinds[from->kind],
                             .text = text_of(from->text, from->text_size),
                             .integer = from->integer,
                             .number = from->number};
    if (!options[i].name || !options[i].text)
      return pj_status_oom();
  }
  return PJ_STATUS_OK;
}

// As the vendor says, until |close|.
static PjsDeviceInfo info_of(const PjDriver *driver, int device) {
  PjsDeviceInfo info = {.struct_size = sizeof info, .local_hardware_id = device};
  if (ops()->device_info)
    ops()->device_info(driver->vendor, device, &info);
  return info;
}

static size_t length(const char *text) {
  return text ? strlen(text) : 0;
}

static PjStatus read_attributes(PjDriver *driver) {
  static const PjDriverOptionKind kinds[] = {[PJS_OPTION_TEXT] = PJ_DRIVER_OPTION_TEXT,
                                             [PJS_OPTION_INTEGER] = PJ_DRIVER_OPTION_INT,
                                             [PJS_OPTION_NUMBER] = PJ_DRIVER_OPTION_FLOAT,
                                             [PJS_OPTION_BOOL] = PJ_DRIVER_OPTION_BOOL};
  driver->attributes = pj_calloc((size_t)driver->device_count, sizeof *driver->attributes);
  if (!driver->attributes)
    return pj_status_oom();
  for (int i = 0; i < driver->device_count; i++) {
    PjsDeviceInfo info = info_of(driver, i);
    Attributes *attributes = &driver->attributes[i];
    attributes->list = pj_calloc(info.num_attributes, sizeof *attributes->list);
    if (!attributes->list)
      return pj_status_oom();
    attributes->count = info.num_attributes;
    for (size_t k = 0; k < info.num_attributes; k++) {
      const PjsOption *from = &info.attributes[k];
      PJ_FAIL_IF(!from->name || (unsigned)from->kind > PJS_OPTION_BOOL, INTERNAL,
                 "platform %s: attribute %zu of device %d has no name or no kind", pj_sdk()->name,
                 k, i);
      attributes->list[k] = (PjDriverOption){.name = from->name,
                                             .name_size = length(from->name),
                                             .text = from->text,
                                             .text_size = length(from->text),
                                             .kind = kinds[from->kind],
                                             .integer = from->integer,
                                             .number = from->number};
    }
  }
  return PJ_STATUS_OK;
}

static void driver_destroy(PjDriver *driver) {
  for (int i = 0; driver->attributes && i < driver->device_count; i++)
    pj_free(driver->attributes[i].list);
  pj_free(driver->attributes);
  pj_free(driver);
}

static void sdk_close(PjDriver *driver) {
  ops()->close(driver->vendor);
  driver_destroy(driver);
}

// What |open| promised.
static PjStatus check_opened(PjDriver *driver) {
  const char *name = pj_sdk()->name;
  PJ_FAIL_IF(!driver->vendor, INTERNAL, "platform %s: open succeeded without a driver", name);
  driver->device_count = ops()->device_count(driver->vendor);
  PJ_FAIL_IF(driver->device_count < 1 || driver->device_count > PJ_MAX_TOPOLOGY_DEVICES, INTERNAL,
             "platform %s: device_count says %d, not 1 to %d", name, driver->device_count,
             PJ_MAX_TOPOLOGY_DEVICES);
  return read_attributes(driver);
}

static PjStatus sdk_open(const PjDriverConfig *config, PjDriver **out_driver) {
  *out_driver = NULL;
  PjDriver *driver = pj_calloc(1, sizeof *driver);
  if (!driver)
    return pj_status_oom();
  PjsOpenOptions options = {.struct_size = sizeof options,
                            .device_count = config->device_count,
                            .num_options = config->num_options};
  PjsOption *list = NULL;
  PjStatus status = copy_options(config, &list);
  options.options = list;
  if (!status)
    status = pj_status_prefix(pj_sdk_status(ops()->open(&options, &driver->vendor)), "platform %s",
                              pj_sdk()->name);
  bool opened = !status;
  if (opened)
    status = check_opened(driver);
  free_options(list, config->num_options);
  if (!status) {
    *out_driver = driver;
    return PJ_STATUS_OK;
  }
  if (opened && driver->vendor)
    ops()->close(driver->vendor);
  driver_destroy(driver);
  return status;
}

static int sdk_device_count(PjDriver *driver) {
  return driver->device_count;
}

static void sdk_device_info(PjDriver *driver, int device, PjDeviceInfo *out_info) {
  PjsDeviceInfo info = info_of(driver, device);
  *out_info = (PjDeviceInfo){.kind = info.kind ? info.kind : pj_sdk()->name,
                             .local_hardware_id = info.local_hardware_id,
                             .num_attributes = driver->attributes[device].count,
                             .attributes = driver->attributes[device].list};
}

// --- Memory --------------------------------------------------------------------------------------

static PjStatus sdk_allocate(PjDriver *driver, int device, PjMemoryKind kind, size_t size,
                             void **out) {
  *out = NULL;
  if (kind == PJ_MEMORY_PINNED_HOST && ops()->host_allocate)
    return pj_sdk_status(ops()->host_allocate(driver->vendor, device, size, out));
  if (kind != PJ_MEMORY_DEVICE) {
    *out = pj_block_alloc(size);
    return *out ? PJ_STATUS_OK : pj_status_oom();
  }
  PjsAddress address = 0;
  PJ_TRY(pj_sdk_status(ops()->allocate(driver->vendor, device, size, &address)));
  PJ_FAIL_IF(!address, INTERNAL, "platform %s: allocate succeeded with address 0", pj_sdk()->name);
  *out = (void *)(uintptr_t)address;
  return PJ_STATUS_OK;
}

static void sdk_free(PjDriver *driver, int device, PjMemoryKind kind, void *ptr, size_t size) {
  if (kind == PJ_MEMORY_DEVICE)
    ops()->free(driver->vendor, device, address_of(ptr), size);
  else if (kind == PJ_MEMORY_PINNED_HOST && ops()->host_free)
    ops()->host_free(driver->vendor, device, ptr, size);
  else
    pj_block_free(ptr, size);
}

static bool sdk_host_visible(PjDriver *driver, int device, PjMemoryKind kind) {
  return kind != PJ_MEMORY_DEVICE || ops()->host_pointer;
}

static void *sdk_host_pointer(PjDriver *driver, int device, PjMemoryKind kind, void *ptr) {
  return kind == PJ_MEMORY_DEVICE ? ops()->host_pointer(driver->vendor, device, address_of(ptr))
                                  : ptr;
}

static bool sdk_can_alias(PjDriver *driver, int device, PjMemoryKind kind, const void *ptr) {
  if (!ptr || (uintptr_t)ptr % PJ_ALIAS_ALIGNMENT)
    return false;
  return kind != PJ_MEMORY_DEVICE ||
         (ops()->can_alias && ops()->can_alias(driver->vendor, device, ptr));
}

static bool sdk_can_view(PjDriver *driver, int device, PjMemoryKind kind, const void *ptr,
                         size_t size) {
  return kind == PJ_MEMORY_DEVICE && ops()->can_view &&
         ops()->can_view(driver->vendor, device, (PjsAddress)(uintptr_t)ptr, size);
}

static PjStatus sdk_pin(PjDriver *driver, void *ptr, size_t size) {
  return ops()->pin ? pj_sdk_status(ops()->pin(driver->vendor, ptr, size)) : PJ_STATUS_OK;
}

static PjStatus sdk_unpin(PjDriver *driver, void *ptr) {
  return ops()->unpin ? pj_sdk_status(ops()->unpin(driver->vendor, ptr)) : PJ_STATUS_OK;
}

// --- The queue -----------------------------------------------------------------------------------

// Between two devices that have no way of their own.
static PjStatus copy_through_host(PjDriver *driver, const PjDeviceCopy *copy) {
  void *staging = pj_block_alloc(copy->size);
  if (!staging)
    return pj_status_oom();
  PjWait wait;
  pj_wait_begin(&wait);
  ops()->copy_out(driver->vendor, copy->src_device, staging, address_of(copy->src), copy->size,
                  pj_sdk_done(&wait.completion));
  PjStatus status = pj_wait_end(&wait);
  if (!status) {
    pj_wait_begin(&wait);
    ops()->copy_in(driver->vendor, copy->dst_device, address_of(copy->dst), staging, copy->size,
                   pj_sdk_done(&wait.completion));
    status = pj_wait_end(&wait);
  }
  pj_block_free(staging, copy->size);
  return status;
}

static void sdk_start(PjDriver *driver, const PjDeviceCopy *copy, PjCompletion *done) {
  bool to_device = copy->kind != PJ_COPY_OUT && copy->dst_kind == PJ_MEMORY_DEVICE;
  bool from_device = copy->kind != PJ_COPY_IN && copy->src_kind == PJ_MEMORY_DEVICE;
  if (!copy->size) {
    done->fn(done, PJ_STATUS_OK);
  } else if (!to_device && !from_device) {
    memcpy(copy->dst, copy->src, copy->size);
    done->fn(done, PJ_STATUS_OK);
  } else if (!from_device) {
    ops()->copy_in(driver->vendor, copy->dst_device, address_of(copy->dst), copy->src, copy->size,
                   pj_sdk_done(done));
  } else if (!to_device) {
    ops()->copy_out(driver->vendor, copy->src_device, copy->dst, address_of(copy->src), copy->size,
                    pj_sdk_done(done));
  } else if (ops()->copy) {
    ops()->copy(driver->vendor, copy->dst_device, address_of(copy->dst), copy->src_device,
                address_of(copy->src), copy->size, pj_sdk_done(done));
  } else {
    done->fn(done, copy_through_host(driver, copy));
  }
}

static PjStatus start_and_wait(PjDriver *driver, const PjDeviceCopy *copy) {
  PjWait wait;
  pj_wait_begin(&wait);
  sdk_start(driver, copy, &wait.completion);
  return pj_wait_end(&wait);
}

static PjStatus sdk_copy_in(PjDriver *driver, int device, PjMemoryKind kind, void *dst,
                            const void *src, size_t size) {
  return start_and_wait(driver, &(PjDeviceCopy){.kind = PJ_COPY_IN,
                                                .dst = dst,
                                                .src = src,
                                                .size = size,
                                                .dst_device = device,
                                                .dst_kind = kind});
}

static PjStatus sdk_copy_out(PjDriver *driver, int device, PjMemoryKind kind, void *dst,
                             const void *src, size_t size) {
  return start_and_wait(driver, &(PjDeviceCopy){.kind = PJ_COPY_OUT,
                                                .dst = dst,
                                                .src = src,
                                                .size = size,
                                                .src_device = device,
                                                .src_kind = kind});
}

static PjStatus sdk_copy(PjDriver *driver, int dst_device, PjMemoryKind dst_kind, void *dst,
                         int src_device, PjMemoryKind src_kind, const void *src, size_t size) {
  return start_and_wait(driver, &(PjDeviceCopy){.kind = PJ_COPY_ACROSS,
                                                .dst = dst,
                                                .src = src,
                                                .size = size,
                                                .dst_device = dst_device,
                                                .src_device = src_device,
                                                .dst_kind = dst_kind,
                                                .src_kind = src_kind});
}

// --- Launches ------------------------------------------------------------------------------------

typedef struct Launch {
  PjsLaunch launch;        // first: what the vendor has
  PjCompletion completion; // told by the vendor
  PjCompletion *done;      // told by us then
  const PjDeviceRun *run;
  PjsAddress addresses[];
} Launch;

PjsError *pjs_launch_run(const PjsLaunch *handle, void *const *inputs, void *const *outputs) {
  const PjDeviceRun *run = ((const Launch *)handle)->run;
  return pj_sdk_error(run->run(run->context, inputs, outputs));
}

static void launch_told(PjCompletion *self, PjStatus status) {
  Launch *launch = (Launch *)((char *)self - offsetof(Launch, completion));
  PjCompletion *done = launch->done;
  pj_free(launch);
  done->fn(done, status);
}

// Of the table that says that there is a launch; the driver's platform may have none.
static void sdk_launch(PjDriver *driver, int device, const PjDeviceRun *run, PjCompletion *done) {
  size_t count = (size_t)run->num_inputs + run->num_outputs;
  Launch *launch = pj_calloc(1, sizeof *launch + count * sizeof *launch->addresses);
  if (!launch) {
    done->fn(done, pj_status_oom());
    return;
  }
  for (uint32_t i = 0; i < run->num_inputs; i++)
    launch->addresses[i] = address_of(run->inputs[i]);
  for (uint32_t i = 0; i < run->num_outputs; i++)
    launch->addresses[run->num_inputs + i] = address_of(run->outputs[i]);
  launch->launch = (PjsLaunch){.struct_size = sizeof launch->launch,
                               .name = run->name ? run->name : "",
                               .num_inputs = run->num_inputs,
                               .num_outputs = run->num_outputs,
                               .inputs = launch->addresses,
                               .outputs = launch->addresses + run->num_inputs,
                               .input_bytes = run->input_bytes,
                               .output_bytes = run->output_bytes};
  launch->run = run;
  launch->done = done;
  launch->completion.fn = launch_told;
  ops()->launch(driver->vendor, device, &launch->launch, pj_sdk_done(&launch->completion));
}

// --- Statistics ----------------------------------------------------------------------------------

static int64_t known(int64_t value) {
  return value < 0 ? 0 : value;
}

static void sdk_stats(PjDriver *driver, int device, PjDeviceStats *out_stats) {
  PjsDeviceStats s = {sizeof s, -1, -1, -1, -1, -1, -1, -1};
  ops()->stats(driver->vendor, device, &s);
  *out_stats = (PjDeviceStats){.bytes_in_use = known(s.bytes_in_use),
                               .peak_bytes_in_use = known(s.peak_bytes_in_use),
                               .num_allocs = known(s.num_allocs),
                               .largest_alloc_size = known(s.largest_alloc_size),
                               .pool_bytes = known(s.pool_bytes),
                               .peak_pool_bytes = known(s.peak_pool_bytes),
                               .bytes_limit = s.bytes_limit};
}

static void sdk_reset_stats(PjDriver *driver, int device) {
  ops()->reset_stats(driver->vendor, device);
}

// With every function; the platform takes out what the vendor has not.
const PjDeviceOps pj_sdk_device = {
    .name = NULL,
    .takes_options = true,
    .open = sdk_open,
    .close = sdk_close,
    .device_count = sdk_device_count,
    .device_info = sdk_device_info,
    .allocate = sdk_allocate,
    .free = sdk_free,
    .host_visible = sdk_host_visible,
    .host_pointer = sdk_host_pointer,
    .copy_in = sdk_copy_in,
    .copy_out = sdk_copy_out,
    .copy = sdk_copy,
    .start = sdk_start,
    .can_alias = sdk_can_alias,
    .can_view = sdk_can_view,
    .pin = sdk_pin,
    .unpin = sdk_unpin,
    .launch = sdk_launch,
    .stats = sdk_stats,
    .reset_stats = sdk_reset_stats,
};
