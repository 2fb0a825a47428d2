// See op_sharding.h.
//
// OpSharding: type 1 (REPLICATED 0, TUPLE 2, OTHER 3), tile_assignment_dimensions 3,
// tile_assignment_devices 4, tuple_shardings 5, replicate_on_last_tile_dim 6, last_tile_dims 8
// (REPLICATED 0), iota_reshape_dims 9, iota_transpose_perm 10.
#include "partition/op_sharding.h"

#include <string.h>

#include "base/alloc.h"
#include "base/proto.h"

enum { REPLICATED = 0, TUPLE = 2, OTHER = 3, MAX_DIMS = PJ_MAX_RANK + 4 };

// --- Writing -------------------------------------------------------------------------------------

void pj_op_sharding_of(PjArena *arena, const PjMesh *mesh, const PjLay *lay, PjOpSharding *out) {
  int64_t parts = 1, count = mesh->num_devices;
  *out = (PjOpSharding){.num_devices = count};
  for (int32_t d = 0; d < lay->rank; ++d)
    parts *= out->dims[d] = pj_axes_product(&lay->dims[d]);
  if (parts == 1)
    return;
  int64_t copies = count / parts;
  int64_t *devices = PJ_NEW_ARRAY(arena, int64_t, (size_t)count);
  int64_t *found = PJ_NEW_ARRAY(arena, int64_t, (size_t)parts);
  for (int64_t p = 0; p < count; ++p) {
    int64_t part = 0;
    for (int32_t d = 0; d < lay->rank; ++d)
      part = part * out->dims[d] + pj_axes_index(mesh, &lay->dims[d], p);
    devices[part * copies + found[part]++] = mesh->device_ids ? mesh->device_ids[p] : p;
  }
  out->num_dims = (uint32_t)lay->rank;
  out->copies = copies > 1;
  if (out->copies)
    out->dims[out->num_dims++] = copies;
  out->devices = devices;
}

void pj_op_sharding_write(const PjOpSharding *sharding, PjStrBuf *out) {
  if (!sharding->num_dims) {
    pj_proto_put_varint(out, 1, REPLICATED);
    return;
  }
  pj_proto_put_varint(out, 1, OTHER);
  pj_proto_put_ints(out, 3, sharding->dims, sharding->num_dims);
  pj_proto_put_ints(out, 4, sharding->devices, (size_t)sharding->num_devices);
  if (sharding->copies)
    pj_proto_put_varint(out, 6, 1);
}

// --- Reading -------------------------------------------------------------------------------------

typedef struct Numbers {
  uint32_t count;
  int64_t values[MAX_DIMS];
} Numbers;

typedef struct Message {
  uint64_t type;
  Numbers dims, reshape, order, last;
  int64_t *devices; // as many as the mesh has, where they are listed
  int64_t num_listed;
  bool copies;
} Message;

static bool read_numbers(const PjProtoField *field, Numbers *out) {
  PjProtoInts cursor = {0};
  int64_t value;
  while (pj_proto_ints(field, &cursor, &value)) {
    if (out->count == MAX_DIMS || value < 0 || value > PJ_MAX_DEVICES)
      return false;
    out->values[out->count++] = value;
  }
  return !cursor.failed;
}

static bool read_devices(const PjProtoField *field, int64_t count, Message *out) {
  PjProtoInts cursor = {0};
  int64_t value;
  while (pj_proto_ints(field, &cursor, &value)) {
    if (out->num_listed == count)
      return false;
    out->devices[out->num_listed++] = value;
  }
  return !cursor.failed;
}

static bool read_message(PjStr bytes, int64_t count, Message *out) {
  PjProtoReader reader = pj_proto_reader(bytes.ptr, bytes.len);
  PjProtoField field;
  bool good = true;
  while (good && pj_proto_next(&reader, &field)) {
    switch (field.number) {
    case 1:
      out->type = field.value;
      break;
    case 3:
      good = read_numbers(&field, &out->dims);
      break;
    case 4:
      good = read_devices(&field, count, out);
      break;
    case 6:
      out->copies = field.value;
      break;
    case 8:
      good = read_numbers(&field, &out->last);
      break;
    case 9:
      good = read_numbers(&field, &out->reshape);
      break;
    case 10:
      good = read_numbers(&field, &out->order);
      break;
    default:
      break;
    }
  }
  return good && !reader.failed;
}

static int64_t product(const Numbers *n) {
  int64_t product = 1;
  for (uint32_t i = 0; i < n->count && product <= PJ_MAX_DEVICES; ++i)
    product *= n->values[i];
  return product;
}

// Devices as numbers in the order of an array that is transposed; false: they are no such.
static bool list_devices(Message *m, int64_t count) {
  if (!m->reshape.count)
    return m->num_listed == count;
  int64_t steps[MAX_DIMS] = {0}, step = 1;
  uint32_t seen = 0;
  if (product(&m->reshape) != count)
    return false;
  for (uint32_t i = m->reshape.count; i-- > 0; step *= m->reshape.values[i])
    steps[i] = step;
  if (!m->order.count)
    for (; m->order.count < m->reshape.count; ++m->order.count)
      m->order.values[m->order.count] = m->order.count;
  for (uint32_t i = 0; i < m->order.count; ++i) {
    if (m->order.values[i] >= m->reshape.count)
      return false;
    seen |= 1u << m->order.values[i];
  }
  if (m->order.count != m->reshape.count || seen != (1u << m->reshape.count) - 1)
    return false;
  for (int64_t i = 0; i < count; ++i) {
    int64_t rest = i, device = 0;
    for (uint32_t k = m->order.count; k-- > 0;) {
      int64_t axis = m->order.values[k];
      device += rest % m->reshape.values[axis] * steps[axis];
      rest /= m->reshape.values[axis];
    }
    m->devices[i] = device;
  }
  return true;
}

// Parts of axes as small as can be, so that any sharding is along some of them.
static uint32_t split_axes(const PjMesh *mesh, PjAxisRef *out) {
  uint32_t count = 0;
  for (uint32_t a = 0; a < mesh->num_axes; ++a) {
    int32_t pre = 1;
    for (int64_t rest = mesh->sizes[a], p = 2; rest > 1; ++p)
      for (; rest % p == 0 && count < PJ_MAX_REFS; rest /= p) {
        out[count++] = (PjAxisRef){(uint16_t)a, pre, (int32_t)p};
        pre *= (int32_t)p;
      }
  }
  return count;
}

// The axes along which the device at position p has part number index[p] of |count|. False: none.
static bool find_axes(const PjMesh *mesh, const int64_t *index, int64_t count, PjAxes *out) {
  PjAxisRef refs[PJ_MAX_REFS];
  PjAxes found = {0};
  int64_t steps[PJ_MAX_REFS] = {0};
  uint32_t num_refs = split_axes(mesh, refs);
  for (uint32_t i = 0; i < num_refs; ++i) {
    int64_t step = index[pj_axis_step(mesh, refs[i])];
    if (!step)
      continue;
    uint32_t at = found.count++;
    for (; at && steps[at - 1] < step; --at) { // major first
      steps[at] = steps[at - 1];
      found.refs[at] = found.refs[at - 1];
    }
    steps[at] = step;
    found.refs[at] = refs[i];
  }
  if (pj_axes_product(&found) != count)
    return false;
  for (int64_t p = 0; p < mesh->num_devices; ++p)
    if (pj_axes_index(mesh, &found, p) != index[p])
      return false;
  out->count = 0;
  for (uint32_t i = 0; i < found.count; ++i)
    pj_axes_add(out, found.refs[i]);
  return true;
}

// Positions in the mesh by what devices are called. False: a list that is none of all devices.
static bool find_places(PjArena *arena, const PjMesh *mesh, const int64_t *devices,
                        int64_t **out_places) {
  int64_t count = mesh->num_devices;
  int64_t *position = PJ_NEW_ARRAY(arena, int64_t, (size_t)count);
  int64_t *places = *out_places = PJ_NEW_ARRAY(arena, int64_t, (size_t)count);
  for (int64_t p = 0; p < count; ++p) {
    int64_t device = mesh->device_ids ? mesh->device_ids[p] : p;
    if (device >= 0 && device < count)
      position[device] = p + 1;
  }
  for (int64_t i = 0; i < count; ++i) {
    if (devices[i] < 0 || devices[i] >= count || !position[devices[i]])
      return false;
    places[i] = position[devices[i]] - 1;
    position[devices[i]] = 0; // named once
  }
  return true;
}

PjStatus pj_op_sharding_read(PjArena *arena, const PjMesh *mesh, PjStr bytes, int32_t rank,
                             PjLay **out) {
  int64_t count = mesh->num_devices, *places;
  Message m = {.devices = PJ_NEW_ARRAY(arena, int64_t, (size_t)count)};
  PjLay *lay = *out = pj_lay_new(arena, rank);
  PJ_FAIL_IF(!read_message(bytes, count, &m), INVALID_ARGUMENT,
             "a sharding of %zu bytes that is no message", bytes.len);
  if (m.type == REPLICATED)
    return PJ_STATUS_OK;
  PJ_FAIL_IF(m.type != OTHER, UNIMPLEMENTED, "a sharding of type %llu", (unsigned long long)m.type);
  for (uint32_t i = 0; i < m.last.count; ++i)
    PJ_FAIL_IF(m.last.values[i] != REPLICATED, UNIMPLEMENTED, "a sharding with groups of type %lld",
               (long long)m.last.values[i]);
  uint32_t groups = m.last.count ? m.last.count : m.copies;
  PJ_FAIL_IF(m.dims.count != (uint32_t)rank + groups || product(&m.dims) != count ||
                 !list_devices(&m, count) || !find_places(arena, mesh, m.devices, &places),
             INVALID_ARGUMENT, "a sharding that is none of an array of rank %d on %lld devices",
             rank, (long long)count);
  int64_t *index = PJ_NEW_ARRAY(arena, int64_t, (size_t)count), behind = count;
  for (int32_t d = 0; d < rank; ++d) {
    int64_t size = m.dims.values[d];
    behind /= size;
    for (int64_t i = 0; i < count; ++i)
      index[places[i]] = i / behind % size;
    PJ_FAIL_IF(!find_axes(mesh, index, size, &lay->dims[d]), UNIMPLEMENTED,
               "a sharding whose parts are not along axes of the mesh");
  }
  return PJ_STATUS_OK;
}

PjStatus pj_op_sharding_leaves(PjStr bytes, uint32_t count, PjStr *out) {
  PjProtoReader reader = pj_proto_reader(bytes.ptr, bytes.len);
  PjProtoField field;
  uint64_t type = REPLICATED;
  uint32_t found = 0;
  while (pj_proto_next(&reader, &field)) {
    if (field.number == 1)
      type = field.value;
    if (field.number == 5 && field.type == PJ_WIRE_BYTES) {
      if (found < count)
        out[found] = field.bytes;
      ++found;
    }
  }
  PJ_FAIL_IF(reader.failed || type != TUPLE || found != count, INVALID_ARGUMENT,
             "a sharding of a tuple of %u arrays, expected %u", found, count);
  return PJ_STATUS_OK;
}
