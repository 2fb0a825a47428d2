// The CPU as a device, or as several virtual ones that share its memory: all memories are host
// memory.
//
// Each device has counters of its own; the three memory kinds of a device share them.
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/machine.h"
#include "base/options.h"
#include "device/cpu/memory.h"
#include "device/device.h"

enum {
  MAX_DEVICES = 4096,
};

struct PjDriver {
  int device_count;
  uint64_t memory_bytes;
  PjCpuMemory **memories; // one per device
};

static void cpu_close(PjDriver *driver) {
  if (!driver)
    return;
  if (driver->memories)
    for (int i = 0; i < driver->device_count; i++)
      pj_cpu_memory_destroy(driver->memories[i]);
  pj_free(driver->memories);
  pj_free(driver);
}

// Reads a device count; false if |text| is no number in the range.
static bool parse_count(const char *text, const char *stop_chars, int *out) {
  char *end;
  long value = strtol(text, &end, 10);
  if (end == text || (*end && !strchr(stop_chars, *end)) || value < 1 || value > MAX_DEVICES)
    return false;
  *out = (int)value;
  return true;
}

// The count that the environment asks for: PJRT_CPU_DEVICES, else XLA_FLAGS as for XLA's own CPU
// client, else 1.
static PjStatus count_from_environment(int *out_count) {
  *out_count = 1;
  const char *own = pj_option_text(PJ_OPTION_CPU_DEVICES);
  if (*own) {
    PJ_FAIL_IF(!parse_count(own, "", out_count), INVALID_ARGUMENT,
               "PJRT_CPU_DEVICES must be a number from 1 to %d, but is \"%s\"", MAX_DEVICES, own);
    return PJ_STATUS_OK;
  }
  const char *flags = getenv("XLA_FLAGS");
  static const char flag[] = "--xla_force_host_platform_device_count=";
  // The last one wins, as in XLA.
  for (const char *at = flags; at && (at = strstr(at, flag)) != NULL;) {
    at += sizeof flag - 1;
    PJ_FAIL_IF(!parse_count(at, " \t\n", out_count), INVALID_ARGUMENT,
               "%s in XLA_FLAGS must be a number from 1 to %d: \"%.40s\"", flag, MAX_DEVICES, at);
  }
  return PJ_STATUS_OK;
}

static PjStatus cpu_open(const PjDriverConfig *config, PjDriver **out_driver) {
  *out_driver = NULL;
  int count = config->device_count;
  if (count == 0)
    PJ_TRY(count_from_environment(&count));
  PJ_FAIL_IF(count < 1 || count > MAX_DEVICES, INVALID_ARGUMENT,
             "the number of CPU devices must be from 1 to %d, but is %d", MAX_DEVICES, count);
  PjDriver *driver = pj_calloc(1, sizeof *driver);
  if (!driver)
    return pj_status_oom();
  driver->memory_bytes = pj_memory_limit();
  driver->device_count = count;
  driver->memories = pj_calloc((size_t)count, sizeof *driver->memories);
  if (!driver->memories) {
    cpu_close(driver);
    return pj_status_oom();
  }
  for (int i = 0; i < count; i++) {
    driver->memories[i] = pj_cpu_memory_create();
    if (!driver->memories[i]) {
      cpu_close(driver);
      return pj_status_oom();
    }
  }
  *out_driver = driver;
  return PJ_STATUS_OK;
}

static int cpu_device_count(PjDriver *driver) {
  return driver->device_count;
}

static void cpu_device_info(PjDriver *driver, int device, PjDeviceInfo *out_info) {
  *out_info = (PjDeviceInfo){
      .kind = "cpu", .local_hardware_id = device, .memory_bytes = driver->memory_bytes};
}

static PjStatus cpu_allocate(PjDriver *driver, int device, PjMemoryKind kind, size_t size,
                             void **out) {
  *out = pj_cpu_memory_alloc(driver->memories[device], size);
  PJ_FAIL_IF(!*out, RESOURCE_EXHAUSTED, "out of memory: cannot allocate %zu bytes on CPU device %d",
             size, device);
  return PJ_STATUS_OK;
}

static void cpu_free(PjDriver *driver, int device, PjMemoryKind kind, void *ptr, size_t size) {
  pj_cpu_memory_free(driver->memories[device], ptr, size);
}

static bool cpu_host_visible(PjDriver *driver, int device, PjMemoryKind kind) {
  return true;
}

static void *cpu_host_pointer(PjDriver *driver, int device, PjMemoryKind kind, void *ptr) {
  return ptr;
}

static PjStatus cpu_copy_in(PjDriver *driver, int device, PjMemoryKind kind, void *dst,
                            const void *src, size_t size) {
  if (size)
    memcpy(dst, src, size);
  return PJ_STATUS_OK;
}

static PjStatus cpu_copy(PjDriver *driver, int dst_device, PjMemoryKind dst_kind, void *dst,
                         int src_device, PjMemoryKind src_kind, const void *src, size_t size) {
  if (size)
    memcpy(dst, src, size);
  return PJ_STATUS_OK;
}

static bool cpu_can_alias(PjDriver *driver, int device, PjMemoryKind kind, const void *ptr) {
  return ptr && (uintptr_t)ptr % PJ_ALIAS_ALIGNMENT == 0;
}

static void cpu_stats(PjDriver *driver, int device, PjDeviceStats *out_stats) {
  pj_cpu_memory_stats(driver->memories[device], out_stats);
  if (driver->memory_bytes)
    out_stats->bytes_limit = (int64_t)driver->memory_bytes;
}

static void cpu_reset_stats(PjDriver *driver, int device) {
  pj_cpu_memory_reset_peaks(driver->memories[device]);
}

const PjDeviceOps pj_device_cpu = {
    .name = "cpu",
    .open = cpu_open,
    .close = cpu_close,
    .device_count = cpu_device_count,
    .device_info = cpu_device_info,
    .allocate = cpu_allocate,
    .free = cpu_free,
    .host_visible = cpu_host_visible,
    .host_pointer = cpu_host_pointer,
    .copy_in = cpu_copy_in,
    .copy_out = cpu_copy_in,
    .copy = cpu_copy,
    .can_alias = cpu_can_alias,
    .reads_elements = true, // operands of compiled code and of routines are loaded unaligned
    .stats = cpu_stats,
    .reset_stats = cpu_reset_stats,
};
