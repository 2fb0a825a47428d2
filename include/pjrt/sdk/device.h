/* SDK, level (a): a device. Its memory, its queue, and how programs are launched on it; libpjrt's
 * compiler makes them.
 *
 * A PjsDriver is the vendor's state of one opened platform; each client of a host opens one. All
 * functions but |open| and |close| may be called by several threads at once.
 */
#ifndef PJRT_SDK_DEVICE_H
#define PJRT_SDK_DEVICE_H

#include "pjrt/sdk/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Defined by the vendor: struct PjsDriver { ... }; */
typedef struct PjsDriver PjsDriver;

/* A place in a device's memory: what |allocate| returned plus an offset in bytes. Not 0. Whether
 * the number is an address that anything else understands is the device's affair. */
typedef uint64_t PjsAddress;

typedef enum PjsOptionKind {
  PJS_OPTION_TEXT,
  PJS_OPTION_INTEGER,
  PJS_OPTION_NUMBER,
  PJS_OPTION_BOOL
} PjsOptionKind;

/* A named value: an option that the host created its client with, or what a device says of itself.
 */
typedef struct PjsOption {
  const char *name; /* ends with a NUL, as does |text| */
  PjsOptionKind kind;
  const char *text;
  int64_t integer; /* also of BOOL: 0 or 1 */
  double number;
} PjsOption;

typedef struct PjsOpenOptions {
  size_t struct_size;
  int device_count; /* devices to offer (option device_count of the client); 0: as many as there are
                     */
  size_t num_options;
  const PjsOption *options; /* those that libpjrt does not know; gone after the call */
} PjsOpenOptions;

typedef struct PjsDeviceInfo {
  size_t struct_size;
  const char *kind; /* the model, up to 31 characters, e.g. "Toy 1"; lives as long as the driver.
                       All devices of a driver have the same. */
  int local_hardware_id; /* as |device| when it comes in */
  /* What hosts shall know besides: sizes, revisions, places in a network. JAX shows them as members
   * of its device. They live as long as the driver. */
  size_t num_attributes;
  const PjsOption *attributes;
} PjsDeviceInfo;

/* Counters of a device's memory, in bytes; -1: not known. */
typedef struct PjsDeviceStats {
  size_t struct_size;
  int64_t bytes_in_use, peak_bytes_in_use, num_allocs, largest_alloc_size, bytes_limit;
  int64_t pool_bytes, peak_pool_bytes; /* in use or kept for reuse */
} PjsDeviceStats;

/* One run of a compiled program on a device. All arrays are in its memory, row-major and dense. */
typedef struct PjsLaunch {
  size_t struct_size;
  const char *name; /* of the program */
  uint32_t num_inputs, num_outputs;
  const PjsAddress *inputs, *outputs;
  const size_t *input_bytes, *output_bytes;
} PjsLaunch;

/* Does the work of a launch on the calling thread, which stands for the device's processor:
 * |inputs| and |outputs| are the arrays where this thread can read and write them, aligned to 64.
 * Once per launch, before its completion. The program takes scratch memory from the host's heap.
 * May use libpjrt's other threads. */
PjsError *pjs_launch_run(const PjsLaunch *launch, void *const *inputs, void *const *outputs);

typedef struct PjsDeviceOps {
  size_t struct_size; /* sizeof(PjsDeviceOps) */

  /* --- Life. Opens the devices: loads the vendor's library, finds the boards. Errors: UNAVAILABLE
   * without devices, INVALID_ARGUMENT for an option that is unknown or wrong. */
  PjsError *(*open)(const PjsOpenOptions *options, PjsDriver **out_driver);
  /* Everything that was allocated is freed, nothing is in the queues. */
  void (*close)(PjsDriver *driver);

  /* 1 or more, always the same; devices are 0 to count - 1. */
  int (*device_count)(PjsDriver *driver);
  /* Optional (NULL: the kind is the platform's name). Fills |info|, which comes with its
   * struct_size set. */
  void (*device_info)(PjsDriver *driver, int device, PjsDeviceInfo *info);

  /* --- Memory. |size| may be 0, and the address is then still one of its own. Where somebody reads
   * the memory in place (|host_pointer|, |launch|), that place is aligned to 64. Errors:
   * RESOURCE_EXHAUSTED, saying how much was asked for and left. */
  PjsError *(*allocate)(PjsDriver *driver, int device, size_t size, PjsAddress *out);
  /* What |allocate| gave, with the same |size|; nothing in the queue uses it any more. Cannot fail.
   */
  void (*free)(PjsDriver *driver, int device, PjsAddress address, size_t size);
  /* Optional (NULL: the host cannot address the memory). Where the host reads and writes it in
   * place. With this, libpjrt copies arrays and runs programs itself, and nothing goes through the
   * queue. */
  void *(*host_pointer)(PjsDriver *driver, int device, PjsAddress address);
  /* Optional (NULL: no), for devices with |host_pointer|. Whether host memory at |data| can serve
   * as the device's as it is (zero-copy), at the address (PjsAddress)(uintptr_t)data, to which
   * |host_pointer| answers |data|. */
  bool (*can_alias)(PjsDriver *driver, int device, const void *data);

  /* --- Memory of the host that the device reaches fast. Optional, both or none (NULL: the heap).
   * 64-byte aligned. */
  PjsError *(*host_allocate)(PjsDriver *driver, int device, size_t size, void **out);
  void (*host_free)(PjsDriver *driver, int device, void *data, size_t size);
  /* Optional, both or none: a host's own memory is prepared for transfers, and released. */
  PjsError *(*pin)(PjsDriver *driver, void *data, size_t size);
  PjsError *(*unpin)(PjsDriver *driver, void *data);

  /* --- The queue. Each function begins work and returns; |done| is told when it is done
   * (pjs_done), perhaps before the return. Both sides stay as they are until then. Work may be done
   * in any order: what depends on a completion is begun after it. |size| is at least 1. Addresses
   * may lie inside of an allocation. Required without |host_pointer|. */
  void (*copy_in)(PjsDriver *driver, int device, PjsAddress to, const void *from, size_t size,
                  PjsDone *done);
  void (*copy_out)(PjsDriver *driver, int device, void *to, PjsAddress from, size_t size,
                   PjsDone *done);
  /* Optional (NULL: through the host). Between two devices, or within one. */
  void (*copy)(PjsDriver *driver, int to_device, PjsAddress to, int from_device, PjsAddress from,
               size_t size, PjsDone *done);
  /* Optional, for devices without |host_pointer| (NULL: programs run on the host, on copies). Runs
   * a program: see pjs_launch_run. |launch| and its arrays stay until |done| is told. Launches of
   * one device do not wait for each other. Programs that span several devices do not come here. */
  void (*launch)(PjsDriver *driver, int device, const PjsLaunch *launch, PjsDone *done);

  /* --- Statistics. Optional, both or none. |stats| comes with its struct_size set and -1
   * everywhere. */
  void (*stats)(PjsDriver *driver, int device, PjsDeviceStats *stats);
  void (*reset_stats)(PjsDriver *driver, int device); /* peaks become what is in use */

  /* --- Views. Optional, for devices without |host_pointer| (NULL: none). Whether the |size| bytes
   * at |address| are memory of the device that an array may lie in though it is not libpjrt's: a
   * host hands over an address that it knows from another array or from the vendor's own software.
   * The host keeps the memory while the array lives. |address| may be anything. */
  bool (*can_view)(PjsDriver *driver, int device, PjsAddress address, size_t size);
} PjsDeviceOps;

#ifdef __cplusplus
}
#endif

#endif
