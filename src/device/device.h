// The device vtable: what a kind of device must supply so that the runtime can offer it through
// PJRT.
//
// A driver is one opened instance of it and serves one client. Its functions are called from
// several threads at once. Transfers are synchronous; the runtime gives them to a worker thread
// where that pays. To add a device, copy src/device/null and fill it in.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

typedef struct PjDriver PjDriver; // defined by each device

// The memories of a device. ORDER memory-kind
typedef enum PjMemoryKind {
  PJ_MEMORY_DEVICE,        // where programs run; the default
  PJ_MEMORY_PINNED_HOST,   // host memory that the device can reach
  PJ_MEMORY_UNPINNED_HOST, // any host memory
  PJ_MEMORY_KIND_COUNT
} PjMemoryKind;

// A named value: an option that a host gave for the device alone, or what a device says of itself.
typedef enum PjDriverOptionKind {
  PJ_DRIVER_OPTION_TEXT,
  PJ_DRIVER_OPTION_INT,
  PJ_DRIVER_OPTION_FLOAT,
  PJ_DRIVER_OPTION_BOOL, // integer 0 or 1
} PjDriverOptionKind;

typedef struct PjDriverOption {
  const char *name, *text; // not NUL-terminated
  size_t name_size, text_size;
  PjDriverOptionKind kind;
  int64_t integer;
  double number;
} PjDriverOption;

typedef struct PjDriverConfig {
  int device_count; // devices to offer, 0: as many as there are, or as the environment says
  size_t num_options;
  const PjDriverOption *options;
} PjDriverConfig;

// What memory of others must be aligned to before a device uses it in place. Views that a host asks
// for by name may be aligned to their elements only on devices with |reads_elements|.
enum { PJ_ALIAS_ALIGNMENT = 16 };

// Texts live as long as the driver.
typedef struct PjDeviceInfo {
  const char *kind; // model of the device, e.g. "cpu"
  int local_hardware_id;
  uint64_t memory_bytes; // 0: unknown
  size_t num_attributes; // what hosts shall know besides
  const PjDriverOption *attributes;
} PjDeviceInfo;

typedef struct PjDeviceStats {
  int64_t bytes_in_use, peak_bytes_in_use;
  int64_t num_allocs;
  int64_t largest_alloc_size;
  int64_t pool_bytes, peak_pool_bytes; // in use or kept for reuse
  int64_t bytes_limit;                 // -1: unknown
} PjDeviceStats;

// What waits for something asynchronous; lies in memory of whoever waits. |fn| is called once, on
// any thread; |status| is taken.
typedef struct PjCompletion PjCompletion;
struct PjCompletion {
  void (*fn)(PjCompletion *self, PjStatus status);
};

typedef enum PjCopyKind { PJ_COPY_IN, PJ_COPY_OUT, PJ_COPY_ACROSS } PjCopyKind;

// One copy. The host's side, if there is one, has an address alone.
typedef struct PjDeviceCopy {
  PjCopyKind kind;
  void *dst;
  const void *src;
  size_t size;
  int dst_device, src_device;
  PjMemoryKind dst_kind, src_kind;
} PjDeviceCopy;

// One run of a program of the host's compiler by a device that runs such code itself: on a
// processor of its own that can address the device's memory.
typedef struct PjDeviceRun {
  const char *name; // of the program
  uint32_t num_inputs, num_outputs;
  void *const *inputs; // as |allocate| returned them, in the device's default memory
  void *const *outputs;
  const size_t *input_bytes, *output_bytes;
  // Does the work on the calling thread, which reads and writes at the given addresses. Once.
  PjStatus (*run)(void *context, void *const *inputs, void *const *outputs);
  void *context;
} PjDeviceRun;

typedef struct PjDeviceOps {
  // Name of the platform ("cpu") that the host sees.
  const char *name;
  bool takes_options; // |open| looks at options, and refuses what it does not know

  // Opens the driver. Errors: INVALID_ARGUMENT for a configuration that cannot be, UNAVAILABLE
  // without devices.
  PjStatus (*open)(const PjDriverConfig *config, PjDriver **out_driver);
  // Closes it; everything allocated from it has been freed.
  void (*close)(PjDriver *driver);

  int (*device_count)(PjDriver *driver);
  void (*device_info)(PjDriver *driver, int device, PjDeviceInfo *out_info);

  // Allocates |size| bytes (0 allowed) in a memory, aligned to 64. Errors: RESOURCE_EXHAUSTED.
  PjStatus (*allocate)(PjDriver *driver, int device, PjMemoryKind kind, size_t size, void **out);
  // Frees what |allocate| returned for the same device, kind and size.
  void (*free)(PjDriver *driver, int device, PjMemoryKind kind, void *ptr, size_t size);

  // Whether the host can address a memory. The same answer each time. Host kinds: always true.
  bool (*host_visible)(PjDriver *driver, int device, PjMemoryKind kind);
  // The address at which the host reads and writes |ptr| of a visible memory in place.
  void *(*host_pointer)(PjDriver *driver, int device, PjMemoryKind kind, void *ptr);

  // Copies between host and device memory, and between memories (of any two devices of the driver).
  PjStatus (*copy_in)(PjDriver *driver, int device, PjMemoryKind kind, void *dst, const void *src,
                      size_t size);
  PjStatus (*copy_out)(PjDriver *driver, int device, PjMemoryKind kind, void *dst, const void *src,
                       size_t size);
  PjStatus (*copy)(PjDriver *driver, int dst_device, PjMemoryKind dst_kind, void *dst,
                   int src_device, PjMemoryKind src_kind, const void *src, size_t size);

  // Begins a copy as above and returns; |done| is told the outcome, perhaps before the return. The
  // bytes on both sides stay until then. Optional (NULL: copies block).
  void (*start)(PjDriver *driver, const PjDeviceCopy *copy, PjCompletion *done);

  // Whether host memory at |ptr| can serve as memory of the device as it is (zero-copy).
  bool (*can_alias)(PjDriver *driver, int device, PjMemoryKind kind, const void *ptr);
  // Whether programs read arrays at any multiple of their elements, as the host's processor does:
  // slower off its cache lines, so that such arrays of the host are copied if they may be.
  bool reads_elements;

  // Of memory that the host cannot address: whether |size| bytes at |ptr|, an address as |allocate|
  // returns it, may be an array's (a view of what others own). Optional (NULL: no).
  bool (*can_view)(PjDriver *driver, int device, PjMemoryKind kind, const void *ptr, size_t size);

  // Prepares a host range for fast transfers, and undoes it. Optional (NULL: nothing to do).
  PjStatus (*pin)(PjDriver *driver, void *ptr, size_t size);
  PjStatus (*unpin)(PjDriver *driver, void *ptr);

  // Begins to run a program on the device and tells |done| when it is done, perhaps before it
  // returns; |run| stays until then. Optional (NULL: the host runs programs; where it cannot
  // address the memory, on copies).
  void (*launch)(PjDriver *driver, int device, const PjDeviceRun *run, PjCompletion *done);

  // Counters of a device's allocator. Optional (NULL: none are kept).
  void (*stats)(PjDriver *driver, int device, PjDeviceStats *out_stats);
  void (*reset_stats)(PjDriver *driver, int device);
} PjDeviceOps;

extern const PjDeviceOps pj_device_cpu;
extern const PjDeviceOps pj_device_null;

// "device", "pinned_host", "unpinned_host".
const char *pj_memory_kind_name(PjMemoryKind kind);
