// Clients, their devices and memories.
//
// A client joins a device vtable and a compiler vtable. Its devices and memories live as long as it
// does. A host should destroy it after everything else that was made from it; but where buffers
// stay (JAX destroys its clients when Python ends, before the arrays that views of NumPy's keep),
// devices and memories stay with the last of them, so that they can be destroyed.
#pragma once
#include <pthread.h>

#include "base/threads.h"
#include "device/device.h"
#include "runtime/compiler.h"
#include "runtime/topology.h"
#include "runtime/workers.h"

// What a plugin offers.
typedef struct PjPlatform {
  const PjDeviceOps *device;
  const PjCompilerOps *compiler;
  const char *version; // free text; part of hosts' cache keys
  const char *fault;   // why no client can be had, or NULL
} PjPlatform;

extern const PjPlatform pj_platform_cpu, pj_platform_null;

typedef struct PjClient PjClient;
typedef struct PjDevice PjDevice;
typedef struct PjUserData PjUserData;

typedef struct PjMemory {
  const void *surface_table; // first word: belongs to the PJRT surface
  PjClient *client;
  PjDevice *device;
  PjMemoryKind kind;
  bool host_visible; // the host can address it
  int id;
  char debug_string[64], to_string[64];
  pthread_mutex_t lock;
  PjUserData *user_data; // under |lock|
} PjMemory;

struct PjDevice {
  PjClient *client;
  PjDeviceDesc *desc;
  int index;                                // for the driver
  PjMemory *memories[PJ_MEMORY_KIND_COUNT]; // by kind
  // Bytes of arrays that the driver did not allocate (results of programs).
  _Atomic int64_t adopted_bytes, peak_adopted_bytes, adopted_count;
};

struct PjClient {
  const PjPlatform *platform;
  PjDriver *driver;
  PjTopology *topology;
  PjWorkers *workers; // tasks: executions and transfers that wait, devices that meet
  PjThreads *threads; // loops: what one execution or transfer splits
  bool asynchronous;  // executions may go on after the call returns
  bool remote;        // some memory is not visible to the host
  bool queued;        // and its device works by itself while the host goes on
  int process_index;
  _Atomic int64_t refs; // the host's and one of each array
  int num_devices, num_memories;
  PjDevice **devices;
  PjMemory **memories;
  _Atomic uint64_t next_run_id;
  struct PjMeetingPlace *places; // where calls for one device each meet (meeting.h)
  pthread_mutex_t places_lock;
  pthread_mutex_t started_lock;
  pthread_cond_t started_fewer;
  // What a device does by itself (start.h), and that of it whose completion waits for the others;
  // under |started_lock|.
  int64_t num_started, num_settling;
  bool closing; // nothing more is begun; under |started_lock|
};

typedef struct PjClientOptions {
  int device_count; // 0: the driver's choice
  int threads;      // of a loop, 0: as PJRT_THREADS says
  bool synchronous;
  size_t num_driver_options;
  const PjDriverOption *driver_options;
} PjClientOptions;

PjStatus pj_client_create(const PjPlatform *platform, const PjClientOptions *options,
                          PjClient **out_client);
// Waits for running work and ends the client's threads; nothing but the release of arrays may come
// afterwards. NULL allowed.
void pj_client_destroy(PjClient *client);
// The references of arrays.
void pj_client_retain(PjClient *client);
void pj_client_release(PjClient *client);

// The device with a global id, or with a local hardware id; INVALID_ARGUMENT if there is none.
PjStatus pj_client_device(PjClient *client, int id, PjDevice **out);
PjStatus pj_client_local_device(PjClient *client, int local_hardware_id, PjDevice **out);

// Writes |num_replicas| * |num_partitions| device ids, replica-major. Errors: INVALID_ARGUMENT for
// counts below one, FAILED_PRECONDITION if |room| is too small, INVALID_ARGUMENT with more devices
// than the client has.
PjStatus pj_client_default_assignment(PjClient *client, int64_t num_replicas,
                                      int64_t num_partitions, size_t room, int *out_ids);

// Counters of the device's memory.
PjStatus pj_device_stats(PjDevice *device, PjDeviceStats *out_stats);
PjStatus pj_device_reset_stats(PjDevice *device);

// Data that a host attaches to a memory, by key; the destructor runs when it is replaced or the
// client goes.
void *pj_memory_get_user_data(PjMemory *memory, const void *key);
void pj_memory_set_user_data(PjMemory *memory, const void *key, void *data, void (*dtor)(void *));

// A piece of work that waits for an event.
typedef struct PjJob PjJob;
struct PjJob {
  PjTask task;
  PjEventWaiter waiter;
  PjWorkers *workers;
  PjEvent *after; // retained while waiting
  PjStatus failure;
  void (*run)(PjJob *job, PjStatus failure); // |failure| of the event is borrowed
};
// Calls |run| on a worker once |event| is ready (with |heavy|), or right where it becomes so. The
// job is the caller's, and belongs to |run| then.
void pj_job_after(PjJob *job, PjClient *client, PjEvent *event, bool heavy,
                  void (*run)(PjJob *job, PjStatus failure));
