// See topology.h. Serialised form: the fields of a protobuf message {1 name, 2 version, 3 kind, 4
// devices} behind a magic.
#include "runtime/topology.h"

#include <ctype.h>
#include <stdatomic.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/proto.h"

static const char magic[8] = "PJTOPO1";

static bool copy_text(char *dst, size_t room, const char *src) {
  int n = snprintf(dst, room, "%s", src);
  return n >= 0 && (size_t)n < room;
}

PjStatus pj_topology_create(const char *name, const char *version, const char *kind,
                            int num_devices, PjTopology **out) {
  *out = NULL;
  PJ_FAIL_IF(num_devices < 1 || num_devices > PJ_MAX_TOPOLOGY_DEVICES, INVALID_ARGUMENT,
             "a topology must have 1 to %d devices, but has %d", PJ_MAX_TOPOLOGY_DEVICES,
             num_devices);
  PjTopology *topology = pj_calloc(1, sizeof *topology);
  PjDeviceDesc *block = pj_calloc((size_t)num_devices, sizeof *block);
  PjDeviceDesc **descs = pj_calloc((size_t)num_devices, sizeof *descs);
  if (!topology || !block || !descs) {
    pj_free(topology);
    pj_free(block);
    pj_free(descs);
    return pj_status_oom();
  }
  atomic_init(&topology->refs, 1);
  topology->num_devices = num_devices;
  topology->descs = descs;
  descs[0] = block;
  bool fits = copy_text(topology->platform_name, sizeof topology->platform_name, name) &&
              copy_text(topology->platform_version, sizeof topology->platform_version, version);
  // As XLA's CPU client names them: "CpuDevice(id=0)" for users, "cpu:0" for logs.
  for (int i = 0; i < num_devices; i++) {
    PjDeviceDesc *desc = descs[i] = &block[i];
    desc->id = desc->local_hardware_id = i;
    fits = fits && copy_text(desc->kind, sizeof desc->kind, kind);
    snprintf(desc->debug_string, sizeof desc->debug_string, "%s:%d", topology->platform_name, i);
    snprintf(desc->to_string, sizeof desc->to_string, "%sDevice(id=%d)", topology->platform_name,
             i);
    desc->to_string[0] = (char)toupper((unsigned char)desc->to_string[0]);
  }
  if (!fits) {
    pj_topology_release(topology);
    return PJ_ERROR(INVALID_ARGUMENT,
                    "a topology's platform name, version or device kind is too long");
  }
  for (int i = 0; i < PJ_MEMORY_KIND_COUNT; i++)
    topology->memory_kind_ids[i] = pj_memory_kind_id((PjMemoryKind)i);
  uint64_t hash = pj_hash_bytes(PJ_HASH_SEED, name, strlen(name));
  hash = pj_hash_bytes(hash, version, strlen(version));
  hash = pj_hash_bytes(hash, kind, strlen(kind));
  topology->fingerprint = pj_hash_u64(hash, (uint64_t)num_devices);
  *out = topology;
  return PJ_STATUS_OK;
}

void pj_topology_release(PjTopology *topology) {
  if (!topology || atomic_fetch_sub_explicit(&topology->refs, 1, memory_order_acq_rel) != 1)
    return;
  for (int i = 0; i < topology->num_devices; i++)
    pj_free(topology->descs[i]->attributes);
  pj_free(topology->descs[0]);
  pj_free(topology->descs);
  pj_free(topology);
}

void pj_topology_serialize(const PjTopology *topology, PjStrBuf *out) {
  pj_strbuf_append(out, magic, sizeof magic);
  pj_proto_put_bytes(out, 1, pj_str(topology->platform_name));
  pj_proto_put_bytes(out, 2, pj_str(topology->platform_version));
  pj_proto_put_bytes(out, 3, pj_str(topology->descs[0]->kind));
  pj_proto_put_varint(out, 4, (uint64_t)topology->num_devices);
}

PjStatus pj_topology_deserialize(const void *bytes, size_t size, PjTopology **out) {
  *out = NULL;
  PJ_FAIL_IF(size < sizeof magic || memcmp(bytes, magic, sizeof magic) != 0, INVALID_ARGUMENT,
             "the %zu bytes are no serialized topology of this plugin", size);
  PjProtoReader reader = pj_proto_reader((const char *)bytes + sizeof magic, size - sizeof magic);
  PjProtoField field;
  char text[3][96] = {{0}};
  uint64_t devices = 0;
  while (pj_proto_next(&reader, &field)) {
    if (field.number >= 1 && field.number <= 3 && field.type == PJ_WIRE_BYTES) {
      PJ_FAIL_IF(field.bytes.len >= sizeof text[0], INVALID_ARGUMENT,
                 "a serialized topology holds an overlong text");
      memcpy(text[field.number - 1], field.bytes.ptr, field.bytes.len);
      text[field.number - 1][field.bytes.len] = 0;
    }
    if (field.number == 4 && field.type == PJ_WIRE_VARINT)
      devices = field.value;
  }
  PJ_FAIL_IF(reader.failed || devices < 1 || devices > PJ_MAX_TOPOLOGY_DEVICES, INVALID_ARGUMENT,
             "a serialized topology is damaged");
  return pj_topology_create(text[0], text[1], text[2], (int)devices, out);
}

int pj_memory_kind_id(PjMemoryKind kind) {
  return (int)kind + 1;
}
