// Which devices take part in a collective: lists of groups, in three generations of messages.
#include <inttypes.h>

#include "base/alloc.h"
#include "import/hlo/builders.h"

enum { MAX_DEVICES = 65536 };

// Short groups are filled up with -1.
static PjStatus list_attr(PjHloSite *s, const PjHloSlices *groups, const PjAttr **out) {
  PjHloReplicaGroupMsg *msgs = PJ_NEW_ARRAY(s->h->arena, PjHloReplicaGroupMsg, groups->len);
  uint32_t longest = 0;
  for (uint32_t i = 0; i < groups->len; ++i) {
    PJ_TRY(pj_hlo_decode(s->h, groups->data[i], PJ_HLO_ReplicaGroup, &msgs[i]));
    longest = msgs[i].replica_ids.len > longest ? msgs[i].replica_ids.len : longest;
  }
  PJ_FAIL_IF((uint64_t)longest * groups->len > MAX_DEVICES, INVALID_ARGUMENT,
             "groups of more than %d devices", MAX_DEVICES);
  int64_t *ids = PJ_NEW_ARRAY(s->h->arena, int64_t, (size_t)longest * groups->len);
  for (uint32_t i = 0; i < groups->len; ++i)
    for (uint32_t j = 0; j < longest; ++j)
      ids[i * longest + j] = j < msgs[i].replica_ids.len ? msgs[i].replica_ids.data[j] : -1;
  *out = pj_attr_matrix(s->h->arena, longest ? groups->len : 0, longest, ids);
  return PJ_STATUS_OK;
}

PjStatus pj_hlo_iota(PjHloInts dims, PjHloInts perm, int64_t count, int64_t *out) {
  int64_t strides[PJ_MAX_RANK], step = 1, index[PJ_MAX_RANK] = {0};
  uint64_t seen = 0;
  PJ_FAIL_IF(dims.len > PJ_MAX_RANK || (perm.len && perm.len != dims.len), INVALID_ARGUMENT,
             "%zu dimensions and %zu numbers to transpose them", dims.len, perm.len);
  for (uint32_t i = dims.len; i-- > 0;) {
    PJ_FAIL_IF(dims.data[i] < 1 || dims.data[i] > count / step, INVALID_ARGUMENT,
               "dimensions that do not hold %" PRId64 " devices", count);
    strides[i] = step;
    step *= dims.data[i];
  }
  PJ_FAIL_IF(step != count, INVALID_ARGUMENT, "dimensions that do not hold %" PRId64 " devices",
             count);
  for (uint32_t i = 0; i < perm.len; ++i) {
    PJ_FAIL_IF(perm.data[i] < 0 || perm.data[i] >= (int64_t)dims.len || (seen >> perm.data[i] & 1),
               INVALID_ARGUMENT, "numbers to transpose by that are no permutation");
    seen |= (uint64_t)1 << perm.data[i];
  }
  for (int64_t at = 0, i = 0; i < count; ++i) {
    out[i] = at;
    for (uint32_t d = dims.len; d-- > 0;) {
      int64_t from = perm.len ? perm.data[d] : d;
      at += strides[from];
      if (++index[d] < dims.data[from])
        break;
      at -= strides[from] * dims.data[from];
      index[d] = 0;
    }
  }
  return PJ_STATUS_OK;
}

static PjStatus iota_attr(PjHloSite *s, PjStr bytes, const PjAttr **out) {
  PjHloIotaGroupsMsg msg = {0};
  PJ_TRY(pj_hlo_decode(s->h, bytes, PJ_HLO_IotaGroups, &msg));
  PJ_FAIL_IF(msg.num_groups < 1 || msg.group_size < 1 || msg.num_groups > MAX_DEVICES ||
                 msg.group_size > MAX_DEVICES / msg.num_groups,
             INVALID_ARGUMENT, "%" PRId64 " groups of %" PRId64 " devices", msg.num_groups,
             msg.group_size);
  int64_t count = msg.num_groups * msg.group_size;
  int64_t *ids = PJ_NEW_ARRAY(s->h->arena, int64_t, (size_t)count);
  PJ_TRY(pj_hlo_iota(msg.reshape_dims, msg.transpose_perm, count, ids));
  *out = pj_attr_matrix(s->h->arena, (size_t)msg.num_groups, (size_t)msg.group_size, ids);
  return PJ_STATUS_OK;
}

PjStatus pj_hlo_groups(PjHloSite *s, const PjAttr **out) {
  PjHloDeviceListMsg list = {0};
  PJ_FAIL_IF(s->msg.mesh_axes_replica_groups.len, UNIMPLEMENTED,
             "groups of devices by axes of a mesh are not supported");
  if (s->msg.replica_groups.len)
    return list_attr(s, &s->msg.replica_groups, out);
  if (s->msg.collective_device_list.ptr)
    PJ_TRY(pj_hlo_decode(s->h, s->msg.collective_device_list, PJ_HLO_DeviceList, &list));
  if (list.iota.ptr)
    return iota_attr(s, list.iota, out);
  if (!list.replica_groups.len && s->msg.iota_collective_device_list.ptr)
    return iota_attr(s, s->msg.iota_collective_device_list, out);
  return list_attr(s, &list.replica_groups, out);
}

PjStatus pj_hlo_pairs(PjHloSite *s, const PjAttr **out) {
  const PjHloSlices *pairs = &s->msg.source_target_pairs;
  int64_t *ids = PJ_NEW_ARRAY(s->h->arena, int64_t, 2 * (size_t)pairs->len);
  for (uint32_t i = 0; i < pairs->len; ++i) {
    PjHloSourceTargetMsg msg = {0};
    PJ_TRY(pj_hlo_decode(s->h, pairs->data[i], PJ_HLO_SourceTarget, &msg));
    ids[2 * i] = msg.source;
    ids[2 * i + 1] = msg.target;
  }
  *out = pj_attr_matrix(s->h->arena, pairs->len, 2, ids);
  return PJ_STATUS_OK;
}
