// Topologies: devices described, whether or not they are at hand.
#pragma once
#include "base/str.h"
#include "device/device.h"

typedef struct PjDeviceDesc {
  int id, process_index, local_hardware_id;
  char kind[32], debug_string[64], to_string[64];
  void *attributes; // belong to the PJRT surface; freed with the topology (pj_free)
  size_t num_attributes;
} PjDeviceDesc;

// Immutable and reference-counted.
typedef struct PjTopology {
  _Atomic int refs;
  char platform_name[32], platform_version[96];
  int num_devices;
  PjDeviceDesc **descs; // num_devices, then the same as a block
  uint64_t fingerprint;
  int memory_kind_ids[PJ_MEMORY_KIND_COUNT];
} PjTopology;

// |name| is the platform ("cpu"), |kind| the devices' model. Errors: INVALID_ARGUMENT,
// RESOURCE_EXHAUSTED.
PjStatus pj_topology_create(const char *name, const char *version, const char *kind,
                            int num_devices, PjTopology **out);
void pj_topology_release(PjTopology *topology); // NULL allowed

// Bytes of our own format into |out|, appending; and back. Errors of the latter: INVALID_ARGUMENT.
void pj_topology_serialize(const PjTopology *topology, PjStrBuf *out);
PjStatus pj_topology_deserialize(const void *bytes, size_t size, PjTopology **out);

// The number of a memory kind, never 0, equal in all topologies.
int pj_memory_kind_id(PjMemoryKind kind);

enum { PJ_MAX_TOPOLOGY_DEVICES = 1 << 16 };
