// Ops that meet other devices or the host: collectives, device ids, send, recv, infeed, outfeed.
//
// Spec: "Distribution" and the sections of the ops. How many replicas and partitions there are is
// known only when the program runs; so are the sizes of mesh-axes groups.
#include <inttypes.h>

#include "ir/verify/check.h"

// ---------------------------------------------------------------------- replica groups

// The axes of a group given by a mesh must be the mesh's.
static PjStatus check_mesh_axes(PjCheck *check, const PjOp *op, const PjAttr *groups) {
  const PjAttr *mesh = pj_attr_get(groups, "mesh"), *axes = pj_attr_get(groups, "axes");
  PJ_REQUIRE(op,
             mesh && (mesh->kind == PJ_ATTR_STRUCT || mesh->kind == PJ_ATTR_SYMBOL ||
                      mesh->kind == PJ_ATTR_STRING),
             "replica_groups: mesh must be a symbol or a mesh");
  PJ_REQUIRE(op, axes && axes->kind == PJ_ATTR_ARRAY, "replica_groups: axes must be an array");
  PJ_REQUIRE(op, mesh->kind == PJ_ATTR_STRUCT || pj__symbol(check, op, mesh->str),
             "replica_groups: mesh symbol '@%.*s' not found", PJ_STR_ARG(mesh->str));
  const PjAttr *known = pj_attr_get(pj__mesh(check, op, mesh), "axes");
  for (uint32_t i = 0; i < axes->count; ++i) {
    const PjAttr *name = pj_attr_get(axes->elems[i], "name");
    PJ_REQUIRE(op, name && name->kind == PJ_ATTR_STRING,
               "replica_groups: expected references to mesh axes");
    bool found = !known || known->kind != PJ_ATTR_ARRAY;
    for (uint32_t j = 0; known && known->kind == PJ_ATTR_ARRAY && j < known->count; ++j) {
      const PjAttr *other = pj_attr_get(known->elems[j], "name");
      found = found || (other && pj_str_eq(other->str, name->str));
    }
    PJ_REQUIRE(op, found, "replica_groups: axis '%.*s' is not an axis of the mesh",
               PJ_STR_ARG(name->str));
  }
  return NULL;
}

// |uniform|: groups have one size, so no padding with -1. |group_size|: the size they must have, or
// -1.
static PjStatus check_groups(PjCheck *check, const PjOp *op, bool uniform, bool global_ids,
                             int64_t group_size) {
  const PjAttr *groups = PJ_ATTR(op, replica_groups);
  if (groups->kind == PJ_ATTR_STRUCT)
    return check_mesh_axes(check, op, groups);
  PJ_REQUIRE(op, !global_ids || groups->count,
             "replica_groups must not be empty when use_global_device_ids is set");
  unsigned char *seen = PJ_NEW_ARRAY(check->arena, unsigned char, groups->count);
  uint32_t distinct = 0;
  int64_t highest = -1;
  for (uint32_t i = 0; i < groups->count; ++i) {
    int64_t id = groups->ints[i];
    if (id == -1 && !uniform)
      continue;
    PJ_REQUIRE(op, id >= 0, "invalid replica id %" PRId64 " in replica_groups", id);
    // Ids are 0 to n - 1, so one that is not below their number means that another is missing.
    if (id < groups->count) {
      PJ_REQUIRE(op, !seen[id], "replica id #%" PRId64 " seen more than once in replica_groups",
                 id);
      seen[id] = 1;
    }
    if (id > highest)
      highest = id;
    ++distinct;
  }
  for (uint32_t id = 0; id < distinct; ++id)
    PJ_REQUIRE(op, seen[id], "replica id #%u not seen in replica_groups, whose highest is %" PRId64,
               id, highest);
  PJ_REQUIRE(op, group_size < 0 || groups->columns == group_size,
             "the group size of replica_groups must be %" PRId64 ", but is %d", group_size,
             groups->columns);
  PJ_REQUIRE(op, group_size < 0 || groups->count,
             "replica_groups must not be empty: its group size must be %" PRId64, group_size);
  return NULL;
}

static PjStatus check_channel(const PjOp *op, bool global_ids, int64_t least) {
  PJ_REQUIRE(op, !global_ids || PJ_INT(op, channel_id) >= least,
             "channel_id must be %s when use_global_device_ids is set, but is %" PRId64,
             least ? "positive" : "not negative", PJ_INT(op, channel_id));
  return NULL;
}

// ---------------------------------------------------------------------- gather, scatter, permute
PjStatus pj_verify_all_gather(PjCheck *check, const PjOp *op) {
  bool global_ids = PJ_INT(op, use_global_device_ids) != 0;
  int64_t dim = PJ_INT(op, all_gather_dim);
  PJ_TRY(check_groups(check, op, true, global_ids, -1));
  PJ_TRY(check_channel(op, global_ids, 0));
  PJ_REQUIRE(op, op->num_operands == op->num_results,
             "requires the same number of operands and results, but has %u and %u",
             op->num_operands, op->num_results);
  for (uint32_t i = 0; i < op->num_operands; ++i) {
    const PjType *operand = pj__in(op, i), *result = pj__out(op, i);
    PJ_REQUIRE(op, pj__elements_eq(operand, result),
               "requires the same element type for operand and result, but got %s and %s",
               pj__type_text(check, operand), pj__type_text(check, result));
    PJ_TRY(pj__check_dim(op, "all_gather_dim", dim, operand->rank, "the operand's rank"));
    PJ_REQUIRE(op, operand->dims[dim] != 0,
               "the size of the operand's dimension all_gather_dim must not be zero: %s",
               pj__type_text(check, operand));
    PJ_REQUIRE(op, operand->rank == result->rank,
               "operand and result must have the same rank, but got %s and %s",
               pj__type_text(check, operand), pj__type_text(check, result));
    for (int32_t d = 0; d < operand->rank; ++d)
      PJ_REQUIRE(op, d == dim || pj__dims_compatible(operand->dims[d], result->dims[d]),
                 "operand and result must have the same shape but for dimension all_gather_dim, "
                 "but got %s and %s",
                 pj__type_text(check, operand), pj__type_text(check, result));
    int64_t from = operand->dims[dim], to = result->dims[dim];
    PJ_REQUIRE(
        op, from == PJ_DYN || to == PJ_DYN || to % from == 0,
        "the size %" PRId64
        " of the result's dimension all_gather_dim must be a multiple of the operand's, %" PRId64,
        to, from);
  }
  return NULL;
}

PjStatus pj_infer_all_to_all(PjCheck *check, const PjOp *op, const PjType **out) {
  int64_t split = PJ_INT(op, split_dimension), concat = PJ_INT(op, concat_dimension),
          count = PJ_INT(op, split_count);
  PJ_REQUIRE(op, count > 0, "split_count must be positive, but is %" PRId64, count);
  PJ_TRY(check_groups(check, op, true, false, count));
  PJ_REQUIRE(op, op->num_operands == op->num_results,
             "requires the same number of operands and results, but has %u and %u",
             op->num_operands, op->num_results);
  for (uint32_t i = 0; i < op->num_operands; ++i) {
    const PjType *operand = pj__in(op, i);
    int64_t dims[PJ_MAX_RANK], bounds[PJ_MAX_RANK];
    PJ_TRY(pj__check_dim(op, "split_dimension", split, operand->rank, "the operand's rank"));
    PJ_TRY(pj__check_dim(op, "concat_dimension", concat, operand->rank, "the operand's rank"));
    for (int32_t d = 0; d < operand->rank; ++d) {
      dims[d] = operand->dims[d];
      bounds[d] = pj__bound(operand, d);
    }
    PJ_REQUIRE(op, dims[split] == PJ_DYN || dims[split] % count == 0,
               "the split dimension has size %" PRId64
               ", which is not a multiple of split_count %" PRId64,
               dims[split], count);
    bool fits = true;
    if (dims[split] != PJ_DYN)
      dims[split] /= count;
    if (bounds[split] != PJ_DYN)
      bounds[split] /= count;
    if (dims[concat] != PJ_DYN)
      fits = pj_mul_i64(dims[concat], count, &dims[concat]);
    if (bounds[concat] != PJ_DYN)
      fits = pj_mul_i64(bounds[concat], count, &bounds[concat]) && fits;
    PJ_REQUIRE(op, fits, "the size of dimension %" PRId64 " of the result overflows", concat);
    out[i] = pj__tensor(check, operand, operand->rank, dims, bounds);
  }
  return NULL;
}

PjStatus pj_verify_all_to_all(PjCheck *check, const PjOp *op) {
  for (uint32_t i = 0; i < op->num_operands; ++i)
    PJ_REQUIRE(op, pj__elements_eq(pj__in(op, i), pj__out(op, i)),
               "requires the same element type for operand and result, but got %s and %s",
               pj__type_text(check, pj__in(op, i)), pj__type_text(check, pj__out(op, i)));
  return NULL;
}

// A set of non-negative ids that need not be dense.
typedef struct IdSet {
  int64_t *slots; // id + 1, 0: free
  uint32_t mask;
} IdSet;

static IdSet id_set(PjCheck *check, uint32_t count) {
  uint32_t size = 16;
  while (size < 2 * (uint64_t)count)
    size *= 2;
  return (IdSet){PJ_NEW_ARRAY(check->arena, int64_t, size), size - 1};
}

// Checks that |id|, of the attribute |name|, is not negative and adds it to the set; it must not be
// there yet.
static PjStatus add_id(const PjOp *op, const char *name, const char *what, IdSet *set, int64_t id) {
  PJ_REQUIRE(op, id >= 0 && id < INT64_MAX, "%s must not have negative ids, but has %" PRId64, name,
             id);
  uint32_t at = (uint32_t)((uint64_t)id * 0x9E3779B97F4A7C15ull >> 32) & set->mask;
  for (; set->slots[at]; at = (at + 1) & set->mask)
    PJ_REQUIRE(op, set->slots[at] != id + 1, "%s %" PRId64 " seen more than once in %s", what, id,
               name);
  set->slots[at] = id + 1;
  return NULL;
}

PjStatus pj_infer_collective_permute(PjCheck *check, const PjOp *op, const PjType **out) {
  PjInts pairs = PJ_LIST(op, source_target_pairs);
  IdSet sources = id_set(check, pairs.n / 2), targets = id_set(check, pairs.n / 2);
  for (uint32_t i = 0; i + 1 < pairs.n; i += 2) {
    PJ_TRY(add_id(op, "source_target_pairs", "source", &sources, pairs.v[i]));
    PJ_TRY(add_id(op, "source_target_pairs", "target", &targets, pairs.v[i + 1]));
  }
  out[0] = pj__in(op, 0);
  return NULL;
}

// ---------------------------------------------------------------------- reductions

// Each operand is reduced alone by the body; the result has the operand's shape and the
// accumulator's element type.
static PjStatus reduced_types(PjCheck *check, const PjOp *op, uint32_t count, const PjType **out) {
  const PjRegion *body = &op->regions[0];
  uint32_t returned;
  for (uint32_t i = 0; i < count; ++i) {
    const PjType *operand = pj__in(op, i);
    PJ_TRY(pj__check_reducer(check, op, body, 1, &operand, &operand));
    const PjType *acc = pj__returned(body, &returned)[0]->type;
    out[i] = pj__with_element(check, operand, acc->dtype, acc->quant);
  }
  return NULL;
}

PjStatus pj_infer_all_reduce(PjCheck *check, const PjOp *op, const PjType **out) {
  bool global_ids = PJ_INT(op, use_global_device_ids) != 0;
  PJ_TRY(check_groups(check, op, false, global_ids, -1));
  PJ_TRY(check_channel(op, global_ids, 1));
  PJ_REQUIRE(op, op->num_operands == op->num_results,
             "requires the same number of operands and results, but has %u and %u",
             op->num_operands, op->num_results);
  return reduced_types(check, op, op->num_operands, out);
}

PjStatus pj_verify_reduce_scatter(PjCheck *check, const PjOp *op) {
  bool global_ids = PJ_INT(op, use_global_device_ids) != 0;
  const PjType *operand = pj__in(op, 0), *result = pj__out(op, 0), *reduced;
  int64_t dim = PJ_INT(op, scatter_dimension);
  PJ_TRY(check_groups(check, op, true, global_ids, -1));
  PJ_TRY(check_channel(op, global_ids, 1));
  PJ_TRY(reduced_types(check, op, 1, &reduced));
  PJ_REQUIRE(op, operand->rank == result->rank,
             "operand and result must have the same rank, but got %s and %s",
             pj__type_text(check, operand), pj__type_text(check, result));
  PJ_TRY(
      pj__check_dim(op, "scatter_dimension", dim, operand->rank, "the rank of operand and result"));
  int64_t from = operand->dims[dim], to = result->dims[dim];
  PJ_REQUIRE(op, to != 0,
             "the size of the result's dimension scatter_dimension must not be zero: %s",
             pj__type_text(check, result));
  PJ_REQUIRE(op, from != 0,
             "the size of the operand's dimension scatter_dimension must not be zero: %s",
             pj__type_text(check, operand));
  PJ_REQUIRE(
      op, from == PJ_DYN || to == PJ_DYN || from % to == 0,
      "the size %" PRId64
      " of the operand's dimension scatter_dimension must be a multiple of the result's, %" PRId64,
      from, to);
  for (int32_t d = 0; d < operand->rank; ++d)
    PJ_REQUIRE(op, d == dim || pj__dims_compatible(operand->dims[d], result->dims[d]),
               "operand and result must have the same shape but for dimension scatter_dimension, "
               "but got %s and %s",
               pj__type_text(check, operand), pj__type_text(check, result));
  PJ_REQUIRE(
      op, pj__elements_eq(reduced, result),
      "the result must have the element type that the body returns, as in %s, but has type %s",
      pj__type_text(check, reduced), pj__type_text(check, result));
  return NULL;
}

// ---------------------------------------------------------------------- from and to one device

// has_dynamic_root: the last operand tells the root of each of the others.
// |*out_count| is the number of others.
static PjStatus check_root(PjCheck *check, const PjOp *op, uint32_t *out_count) {
  bool dynamic = PJ_INT(op, has_dynamic_root) != 0;
  uint32_t count = op->num_operands - dynamic;
  PJ_REQUIRE(op, op->num_operands >= 1u + dynamic,
             dynamic
                 ? "with has_dynamic_root needs at least two operands (data and root), but has %u"
                 : "needs at least one data operand, but has %u",
             op->num_operands);
  if (dynamic) {
    const PjType *root = pj__in(op, count);
    PJ_REQUIRE(op, root->rank == 1 && root->dtype == PJ_DT_S32 && !root->quant,
               "with has_dynamic_root the last operand must be an i32 tensor of rank 1, but is %s",
               pj__type_text(check, root));
    PJ_REQUIRE(op, root->dims[0] == count,
               "with has_dynamic_root the last operand must have as many elements as there are "
               "data operands (%u), but is %s",
               count, pj__type_text(check, root));
  }
  PJ_REQUIRE(op, op->num_results == count, "needs one result per data operand (%u), but has %u",
             count, op->num_results);
  *out_count = count;
  return NULL;
}

PjStatus pj_infer_collective_broadcast(PjCheck *check, const PjOp *op, const PjType **out) {
  uint32_t count;
  const PjAttr *groups = PJ_ATTR(op, replica_groups);
  if (groups->kind == PJ_ATTR_STRUCT) {
    PJ_TRY(check_mesh_axes(check, op, groups));
  } else { // not all processes need take part, so that ids may have gaps
    IdSet ids = id_set(check, groups->count);
    for (uint32_t i = 0; i < groups->count; ++i)
      PJ_TRY(add_id(op, "replica_groups", "replica id", &ids, groups->ints[i]));
  }
  PJ_TRY(check_root(check, op, &count));
  for (uint32_t i = 0; i < count; ++i)
    out[i] = pj__in(op, i);
  return NULL;
}

PjStatus pj_infer_collective_reduce(PjCheck *check, const PjOp *op, const PjType **out) {
  bool global_ids = PJ_INT(op, use_global_device_ids) != 0;
  uint32_t count;
  PJ_TRY(check_groups(check, op, false, global_ids, -1));
  PJ_TRY(check_channel(op, global_ids, 1));
  PJ_TRY(check_root(check, op, &count));
  return reduced_types(check, op, count, out);
}

PjStatus pj_infer_cross_replica_sum(PjCheck *check, const PjOp *op, const PjType **out) {
  PJ_TRY(check_groups(check, op, false, false, -1));
  out[0] = pj__in(op, 0);
  return NULL;
}

PjStatus pj_infer_device_id(PjCheck *check, const PjOp *op, const PjType **out) {
  out[0] = pj_type_tensor(check->arena, PJ_DT_U32, 0, NULL);
  return NULL;
}

// ---------------------------------------------------------------------- host and channels
enum { DEVICE_TO_DEVICE = 1, DEVICE_TO_HOST = 2, HOST_TO_DEVICE = 3 };

static PjStatus check_transfer(const PjOp *op, int64_t host_type, const char *host_name) {
  int64_t type = PJ_INT(op, channel_type);
  if (PJ_INT(op, is_host_transfer))
    PJ_REQUIRE(op, type == host_type,
               "channel_type must be %s (%" PRId64
               ") when is_host_transfer is true, but is %" PRId64,
               host_name, host_type, type);
  else
    PJ_REQUIRE(
        op, type == DEVICE_TO_DEVICE,
        "channel_type must be DEVICE_TO_DEVICE (1) when is_host_transfer is false, but is %" PRId64,
        type);
  return NULL;
}

PjStatus pj_infer_send(PjCheck *check, const PjOp *op, const PjType **out) {
  PJ_TRY(check_transfer(op, DEVICE_TO_HOST, "DEVICE_TO_HOST"));
  return pj_infer_token(check, op, out);
}

// recv and infeed: any number of tensors, then a token.
static PjStatus check_received(PjCheck *check, const PjOp *op) {
  PJ_REQUIRE(op, op->num_results > 0, "needs at least one result, a token");
  for (uint32_t i = 0; i + 1 < op->num_results; ++i)
    PJ_REQUIRE(op, pj_type_is_tensor(pj__out(op, i)),
               "all results but the last must be tensors, but #%u is %s", i,
               pj__type_text(check, pj__out(op, i)));
  const PjType *last = pj__out(op, op->num_results - 1);
  PJ_REQUIRE(op, last->kind == PJ_TYPE_TOKEN, "the last result must be a token, but is %s",
             pj__type_text(check, last));
  return NULL;
}

PjStatus pj_verify_recv(PjCheck *check, const PjOp *op) {
  PJ_TRY(check_transfer(op, HOST_TO_DEVICE, "HOST_TO_DEVICE"));
  return check_received(check, op);
}

PjStatus pj_verify_infeed(PjCheck *check, const PjOp *op) {
  const PjAttr *layout = PJ_ATTR(op, layout);
  PJ_TRY(check_received(check, op));
  if (!layout->count)
    return NULL;
  PJ_REQUIRE(op, layout->count == op->num_results - 1,
             "layout must have one element per result but the token (%u), but has %u",
             op->num_results - 1, layout->count);
  for (uint32_t i = 0; i < layout->count; ++i) {
    const PjAttr *one = layout->elems[i];
    PJ_REQUIRE(op, one && (one->kind == PJ_ATTR_ARRAY || one->kind == PJ_ATTR_INTS),
               "the elements of layout must be arrays");
    for (uint32_t j = 0; one->kind == PJ_ATTR_ARRAY && j < one->count; ++j)
      PJ_REQUIRE(op, one->elems[j] && one->elems[j]->kind == PJ_ATTR_INT,
                 "the elements of layout must be arrays of integers");
  }
  return NULL;
}
