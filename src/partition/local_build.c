// Localising: making operations (local.h).
#include <string.h>

#include "partition/local.h"

PjOp *pj_local_begin(PjLocal *l, PjOpKind kind, uint32_t num_operands, PjValue *const *operands,
                     const PjType *type) {
  PjOp *op = pj_op_create(l->arena, kind, num_operands, type ? 1 : 0, 0);
  for (uint32_t i = 0; i < num_operands; ++i)
    op->operands[i] = operands[i];
  if (type)
    op->results[0].type = type;
  op->loc = l->loc;
  return op;
}

PjValue *pj_local_end(PjLocal *l, PjOp *op) {
  pj_op_fill_defaults(l->arena, op);
  pj_op_append(l->at, op);
  return op->num_results ? &op->results[0] : NULL;
}

PjValue *pj_local_unary(PjLocal *l, PjOpKind kind, PjValue *x, const PjType *type) {
  return pj_local_end(l, pj_local_begin(l, kind, 1, &x, type));
}

PjValue *pj_local_binary(PjLocal *l, PjOpKind kind, PjValue *x, PjValue *y) {
  PjValue *operands[] = {x, y};
  return pj_local_end(l, pj_local_begin(l, kind, 2, operands, x->type));
}

PjValue *pj_local_select(PjLocal *l, PjValue *pred, PjValue *x, PjValue *y) {
  PjValue *operands[] = {pred, x, y};
  return pj_local_end(l, pj_local_begin(l, PJ_OP_SELECT, 3, operands, x->type));
}

static const PjType *scalar(PjLocal *l, PjDtype dtype) {
  return pj_type_tensor(l->arena, dtype, 0, NULL);
}

static PjValue *constant(PjLocal *l, const PjType *type, const void *data, size_t size,
                         bool splat) {
  PjOp *op = pj_local_begin(l, PJ_OP_CONSTANT, 0, NULL, type);
  pj_op_set_attr(op, PJ_KEY_value, pj_attr_elements(l->arena, type, data, size, splat));
  return pj_local_end(l, op);
}

// Sets the sign of a float of |bytes|.
static void negate(uint8_t *element, size_t bytes) {
  element[bytes - 1] |= 0x80;
}

// The types of floats whose top bit is a sign and whose zeros are two.
static bool has_two_zeros(PjDtype dtype) {
  return dtype == PJ_DT_F16 || dtype == PJ_DT_BF16 || dtype == PJ_DT_F32 || dtype == PJ_DT_F64;
}

PjValue *pj_local_zero(PjLocal *l, const PjType *type, bool negative) {
  size_t bytes = pj_dtype_bytes(type->dtype);
  uint8_t *element = pj_arena_calloc(l->arena, 2, 8 + bytes);
  PjDtype part = pj_dtype_part(type->dtype);
  size_t part_bytes = pj_dtype_bytes(part);
  for (size_t at = 0; negative && has_two_zeros(part) && at < bytes; at += part_bytes)
    negate(element + at, part_bytes);
  int64_t count = 1;
  pj_type_num_elements(type, &count);
  return constant(l, type, element, count ? bytes : 0, count > 1);
}

PjValue *pj_local_int(PjLocal *l, int64_t value) {
  int32_t *element = PJ_NEW(l->arena, int32_t);
  *element = (int32_t)value;
  return constant(l, scalar(l, PJ_DT_S32), element, sizeof *element, false);
}

PjValue *pj_local_spread(PjLocal *l, PjValue *x, const PjType *type) {
  PjOp *op = pj_local_begin(l, PJ_OP_BROADCAST_IN_DIM, 1, &x, type);
  pj_op_set_attr(op, PJ_KEY_broadcast_dimensions, pj_attr_ints(l->arena, 0, NULL));
  return pj_local_end(l, op);
}

// --- This device ---------------------------------------------------------------------------------

static PjValue *device_number(PjLocal *l) {
  if (!l->device)
    l->device =
        pj_local_end(l, pj_local_begin(l, PJ_OP_PARTITION_ID, 0, NULL, scalar(l, PJ_DT_U32)));
  return l->device;
}

// Looks the device up in a table of all.
static PjValue *look_up(PjLocal *l, const PjAxes *axes, int64_t scale) {
  const PjMesh *mesh = l->mesh->mesh;
  int64_t count = mesh->num_devices, one = 1;
  int32_t *table = PJ_NEW_ARRAY(l->arena, int32_t, (size_t)count);
  for (int64_t p = 0; p < count; ++p)
    table[mesh->device_ids ? mesh->device_ids[p] : p] =
        (int32_t)(scale * pj_axes_index(mesh, axes, p));
  PjValue *device = device_number(l);
  PjValue *operands[] = {constant(l, pj_type_tensor(l->arena, PJ_DT_S32, 1, &count), table,
                                  (size_t)count * sizeof *table, false),
                         device};
  PjOp *op = pj_local_begin(l, PJ_OP_DYNAMIC_SLICE, 2, operands,
                            pj_type_tensor(l->arena, PJ_DT_S32, 1, &one));
  pj_op_set_attr(op, PJ_KEY_slice_sizes, pj_attr_ints(l->arena, 1, &one));
  return pj_local_unary(l, PJ_OP_RESHAPE, pj_local_end(l, op), scalar(l, PJ_DT_S32));
}

PjValue *pj_local_offset(PjLocal *l, const PjAxes *axes, int64_t scale) {
  for (size_t i = 0; i < l->tables.len; ++i)
    if (l->tables.data[i].scale == scale && pj_axes_eq(&l->tables.data[i].axes, axes))
      return l->tables.data[i].value;
  PjRegion *at = l->at;
  l->at = &l->front;
  PjLocalTable table = {*axes, scale, look_up(l, axes, scale)};
  l->at = at;
  PJ_PUSH(l->scratch, &l->tables, table);
  return table.value;
}

PjValue *pj_local_is_first(PjLocal *l, const PjAxes *axes) {
  PjValue *operands[] = {pj_local_offset(l, axes, 1), pj_local_int(l, 0)};
  PjOp *op = pj_local_begin(l, PJ_OP_COMPARE, 2, operands, scalar(l, PJ_DT_PRED));
  pj_op_set_attr(op, PJ_KEY_comparison_direction,
                 pj_attr_enum(l->arena, PJ_ENUM_COMPARE_DIRECTION, PJ_CMP_EQ));
  pj_op_set_attr(op, PJ_KEY_compare_type,
                 pj_attr_enum(l->arena, PJ_ENUM_COMPARE_TYPE, PJ_CMPTYPE_SIGNED));
  return pj_local_end(l, op);
}

// --- Copies --------------------------------------------------------------------------------------

// |dict| without what says how values lie.
static const PjAttr *without_shardings(PjArena *arena, const PjAttr *dict) {
  if (!pj_attr_get(dict, "sdy.sharding") && !pj_attr_get(dict, "sdy.sharding_rule"))
    return dict;
  uint32_t kept = 0;
  PjStr *names = PJ_NEW_ARRAY(arena, PjStr, dict->count);
  const PjAttr **values = PJ_NEW_ARRAY(arena, const PjAttr *, dict->count);
  for (uint32_t i = 0; i < dict->count; ++i) {
    if (pj_str_is(dict->names[i], "sdy.sharding") || pj_str_is(dict->names[i], "sdy.sharding_rule"))
      continue;
    names[kept] = dict->names[i];
    values[kept++] = dict->elems[i];
  }
  return kept ? pj_attr_dict(arena, kept, names, values) : NULL;
}

static const PjLay *whole_of(PjLocal *l, const PjType *type) {
  return pj_type_is_tensor(type) ? pj_lay_new(l->scratch, type->rank) : NULL;
}

static void clone_region(PjLocal *l, const PjRegion *from, PjRegion *to) {
  const PjType **types = PJ_NEW_ARRAY(l->arena, const PjType *, from->num_args + 1);
  for (uint32_t i = 0; i < from->num_args; ++i)
    types[i] = from->args[i].type;
  pj_region_set_args(l->arena, to, from->num_args, types);
  for (uint32_t i = 0; i < from->num_args; ++i)
    pj_local_set(l, &from->args[i], &to->args[i], whole_of(l, types[i]));
  for (const PjOp *op = from->first; op; op = op->next) {
    PjValue **operands = PJ_NEW_ARRAY(l->arena, PjValue *, op->num_operands + 1);
    const PjType **results = PJ_NEW_ARRAY(l->arena, const PjType *, op->num_results + 1);
    for (uint32_t i = 0; i < op->num_operands; ++i)
      operands[i] = pj_local_get(l, op->operands[i], whole_of(l, op->operands[i]->type));
    if (op->kind == PJ_OP_SDY_SHARDING_GROUP)
      continue;
    if (op->kind == PJ_OP_SDY_SHARDING_CONSTRAINT || op->kind == PJ_OP_SDY_PROPAGATION_BARRIER) {
      pj_local_set(l, &op->results[0], operands[0], whole_of(l, op->results[0].type));
      continue;
    }
    for (uint32_t i = 0; i < op->num_results; ++i)
      results[i] = op->results[i].type;
    PjOp *copy = pj_local_clone(l, op, operands, results);
    pj_op_append(to, copy);
    for (uint32_t i = 0; i < op->num_results; ++i)
      pj_local_set(l, &op->results[i], &copy->results[i], whole_of(l, results[i]));
  }
}

PjOp *pj_local_clone(PjLocal *l, const PjOp *op, PjValue *const *operands,
                     const PjType *const *types) {
  PjOp *copy = pj_op_create(l->arena, op->kind, op->num_operands, op->num_results, op->num_regions);
  for (uint32_t i = 0; i < pj_op_info[op->kind].num_attrs; ++i)
    copy->attrs[i] = op->attrs[i];
  copy->extra = without_shardings(l->arena, op->extra);
  copy->loc = op->loc;
  for (uint32_t i = 0; i < op->num_operands; ++i)
    copy->operands[i] = operands[i];
  for (uint32_t i = 0; i < op->num_results; ++i)
    copy->results[i].type = types[i];
  for (uint32_t r = 0; r < op->num_regions; ++r)
    clone_region(l, &op->regions[r], &copy->regions[r]);
  return copy;
}

// --- Collectives ---------------------------------------------------------------------------------

// The devices that differ along |axes| only, in their order there: a row each.
static const PjAttr *groups_along(PjLocal *l, const PjAxes *axes) {
  const PjMesh *mesh = l->mesh->mesh;
  int64_t count = mesh->num_devices, columns = pj_axes_product(axes), rows = 0;
  int64_t *ids = PJ_NEW_ARRAY(l->scratch, int64_t, (size_t)count);
  for (int64_t first = 0; first < count; ++first) {
    if (pj_axes_index(mesh, axes, first))
      continue;
    for (int64_t k = 0; k < columns; ++k) {
      int64_t position = first, rest = k;
      for (uint32_t i = axes->count; i-- > 0; rest /= axes->refs[i].size)
        position += rest % axes->refs[i].size * pj_axis_step(mesh, axes->refs[i]);
      ids[rows * columns + k] = mesh->device_ids ? mesh->device_ids[position] : position;
    }
    ++rows;
  }
  return pj_attr_matrix(l->arena, (size_t)rows, (size_t)columns, ids);
}

static PjOp *begin_collective(PjLocal *l, PjOpKind kind, PjValue *x, const PjAxes *axes,
                              const PjType *type, uint32_t num_regions) {
  PjOp *op = pj_op_create(l->arena, kind, 1, 1, num_regions);
  op->operands[0] = x;
  op->results[0].type = type;
  op->loc = l->loc;
  pj_op_set_attr(op, PJ_KEY_channel_id, pj_attr_i64(l->arena, 1));
  pj_op_set_attr(op, PJ_KEY_use_global_device_ids, pj_attr_bool(l->arena, true));
  pj_op_set_attr(op, PJ_KEY_replica_groups, groups_along(l, axes));
  return op;
}

static void add_reducer(PjLocal *l, PjOp *op, PjOpKind kind) {
  const PjType *type = scalar(l, op->operands[0]->type->dtype);
  PjRegion *body = &op->regions[0], *at = l->at;
  pj_region_set_args(l->arena, body, 2, (const PjType *[]){type, type});
  l->at = body;
  PjValue *sum = pj_local_binary(l, kind, &body->args[0], &body->args[1]);
  pj_local_end(l, pj_local_begin(l, PJ_OP_RETURN, 1, &sum, NULL));
  l->at = at;
}

PjValue *pj_local_all_reduce(PjLocal *l, PjValue *x, const PjAxes *axes, PjOpKind kind) {
  PjOp *op = begin_collective(l, PJ_OP_ALL_REDUCE, x, axes, x->type, 1);
  add_reducer(l, op, kind);
  return pj_local_end(l, op);
}

// The type of |x| with |dim| so many times as long, and so many times shorter.
static const PjType *resized(PjLocal *l, const PjType *type, int32_t dim, int64_t times,
                             int64_t parts) {
  int64_t dims[PJ_MAX_RANK];
  memcpy(dims, type->dims, (size_t)type->rank * sizeof *dims);
  dims[dim] = dims[dim] * times / parts;
  return pj_type_with_dims(l->arena, type, type->rank, dims);
}

PjValue *pj_local_reduce_scatter(PjLocal *l, PjValue *x, const PjAxes *axes, int32_t dim) {
  PjOp *op = begin_collective(l, PJ_OP_REDUCE_SCATTER, x, axes,
                              resized(l, x->type, dim, 1, pj_axes_product(axes)), 1);
  pj_op_set_attr(op, PJ_KEY_scatter_dimension, pj_attr_i64(l->arena, dim));
  add_reducer(l, op, PJ_OP_ADD);
  return pj_local_end(l, op);
}

PjValue *pj_local_all_gather(PjLocal *l, PjValue *x, const PjAxes *axes, int32_t dim) {
  PjOp *op = begin_collective(l, PJ_OP_ALL_GATHER, x, axes,
                              resized(l, x->type, dim, pj_axes_product(axes), 1), 0);
  pj_op_set_attr(op, PJ_KEY_all_gather_dim, pj_attr_i64(l->arena, dim));
  return pj_local_end(l, op);
}

PjValue *pj_local_all_to_all(PjLocal *l, PjValue *x, const PjAxes *axes, int32_t split,
                             int32_t concat) {
  int64_t count = pj_axes_product(axes);
  const PjType *type = resized(l, resized(l, x->type, split, 1, count), concat, count, 1);
  PjOp *op = begin_collective(l, PJ_OP_ALL_TO_ALL, x, axes, type, 0);
  pj_op_set_attr(op, PJ_KEY_split_dimension, pj_attr_i64(l->arena, split));
  pj_op_set_attr(op, PJ_KEY_concat_dimension, pj_attr_i64(l->arena, concat));
  pj_op_set_attr(op, PJ_KEY_split_count, pj_attr_i64(l->arena, count));
  return pj_local_end(l, op);
}
