/* A PJRT plugin to begin with: a device with memory of its own, reached by copies.
 *
 * It works as it is: its "memory" is the heap, its copies are done at once, and programs run on the
 * host, on copies of the arrays. Rename mydevice, then replace the bodies one by one by calls of
 * your library; `pjrt check` says what still holds. <pjrt/sdk/device.h> documents every function,
 * and more that you can add: launch, statistics, pinned host memory.
 */
#include <stdlib.h>
#include <string.h>

#include <pjrt/sdk/sdk.h>

struct PjsDriver {
  int device_count;
};

/* TODO: load your library (UNAVAILABLE without it), find the devices. */
static PjsError *my_open(const PjsOpenOptions *options, PjsDriver **out_driver) {
  if (options->num_options)
    return pjs_error(PJRT_Error_Code_INVALID_ARGUMENT, "unknown option \"%s\"",
                     options->options[0].name);
  PjsDriver *driver = calloc(1, sizeof *driver);
  if (!driver)
    return pjs_out_of_memory();
  driver->device_count = options->device_count ? options->device_count : 1;
  *out_driver = driver;
  return NULL;
}

/* TODO: unload it. */
static void my_close(PjsDriver *driver) {
  free(driver);
}

static int my_device_count(PjsDriver *driver) {
  return driver->device_count;
}

/* TODO: allocate in the device's memory. An address is any number but 0. */
static PjsError *my_allocate(PjsDriver *driver, int device, size_t size, PjsAddress *out) {
  (void)driver;
  void *data = malloc(size ? size : 1);
  if (!data)
    return pjs_error(PJRT_Error_Code_RESOURCE_EXHAUSTED, "cannot allocate %zu bytes on device %d",
                     size, device);
  *out = (PjsAddress)(uintptr_t)data;
  return NULL;
}

static void my_free(PjsDriver *driver, int device, PjsAddress address, size_t size) {
  (void)driver;
  (void)device;
  (void)size;
  free((void *)(uintptr_t)address);
}

/* TODO: begin a transfer, return, and call pjs_done from wherever you learn that it is done. */
static void my_copy_in(PjsDriver *driver, int device, PjsAddress to, const void *from, size_t size,
                       PjsDone *done) {
  (void)driver;
  (void)device;
  memcpy((void *)(uintptr_t)to, from, size);
  pjs_done(done, NULL);
}

static void my_copy_out(PjsDriver *driver, int device, void *to, PjsAddress from, size_t size,
                        PjsDone *done) {
  (void)driver;
  (void)device;
  memcpy(to, (const void *)(uintptr_t)from, size);
  pjs_done(done, NULL);
}

static const PjsDeviceOps device = {
    .struct_size = sizeof(PjsDeviceOps),
    .open = my_open,
    .close = my_close,
    .device_count = my_device_count,
    .allocate = my_allocate,
    .free = my_free,
    .copy_in = my_copy_in,
    .copy_out = my_copy_out,
};

static const PjsPlatform platform = {
    .struct_size = sizeof(PjsPlatform),
    .sdk_version = PJS_VERSION,
    .name = "mydevice",
    .version = "mydevice 0.1",
    .device = &device,
};

PJRT_SDK_PLUGIN(platform)
