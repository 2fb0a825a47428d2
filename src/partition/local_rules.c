// Localising: what single operations need (local.h).
#include <string.h>

#include "partition/local.h"
#include "partition/partitioners.h"
#include "pass/constant.h"

// --- Reducers ------------------------------------------------------------------------------------

// Whether each device may begin with |init|: it changes nothing, however often it comes in.
static bool is_neutral(PjOpKind kind, const PjValue *init) {
  switch (kind) {
  case PJ_OP_ADD:
    return pj_const_is_zero(init) || pj_const_is_neg_zero(init);
  case PJ_OP_MULTIPLY:
    return pj_const_is_one(init);
  default:
    return kind != PJ_OP_INVALID; // x op x = x
  }
}

PjOpKind pj_local_joins(const PjOp *op) {
  switch (op->kind) {
  case PJ_OP_DOT_GENERAL:
  case PJ_OP_DOT:
  case PJ_OP_CONVOLUTION:
    return PJ_OP_ADD;
  case PJ_OP_REDUCE: {
    PjOpKind kind = pj_shard_reducer(&op->regions[0]);
    bool known = op->num_results == 1 && (kind == PJ_OP_ADD || is_neutral(kind, op->operands[1]));
    return known && op->regions[0].first->results[0].type->dtype == op->operands[0]->type->dtype
               ? kind
               : PJ_OP_INVALID;
  }
  case PJ_OP_SCATTER:
    return op->num_results == 1 && pj_shard_reducer(&op->regions[0]) == PJ_OP_ADD ? PJ_OP_ADD
                                                                                  : PJ_OP_INVALID;
  default:
    return PJ_OP_INVALID;
  }
}

// The first device keeps |x|, others begin with zero.
static PjValue *only_first(PjLocal *l, const PjAxes *axes, PjValue *x) {
  return pj_local_select(l, pj_local_is_first(l, axes), x, pj_local_zero(l, x->type, true));
}

void pj_local_prepare(PjLocal *l, const PjOp *op, const PjAxes *axes, PjValue **operands) {
  if (op->kind == PJ_OP_SCATTER && !pj_const_is_zero(op->operands[0]))
    operands[0] = only_first(l, axes, operands[0]);
  if (op->kind == PJ_OP_REDUCE && !is_neutral(pj_local_joins(op), op->operands[1]))
    operands[1] = only_first(l, axes, operands[1]);
}

// --- What divides --------------------------------------------------------------------------------

static bool has_factor(const PjFactorMap *map, int64_t d, uint32_t factor) {
  for (uint32_t i = map->first[d]; d < map->rank && i < map->first[d + 1]; ++i)
    if (map->factors[i] == factor)
      return true;
  return false;
}

// The dimension of a tensor that |factor| is in, or -1.
static int64_t dim_of(const PjFactorMap *map, uint32_t factor) {
  for (int32_t d = 0; d < map->rank; ++d)
    if (has_factor(map, d, factor))
      return d;
  return -1;
}

static bool is_padded(const PjOp *op, int64_t d) {
  return PJ_INTS(op, edge_padding_low, NULL)[d] || PJ_INTS(op, edge_padding_high, NULL)[d] ||
         PJ_INTS(op, interior_padding, NULL)[d];
}

// Of a custom call that the program does not say a rule of: by names that are known.
static bool is_pointwise_call(const PjOp *op) {
  static const char *const names[] = {"annotate_device_placement", "LayoutConstraint", "mhlo.erf",
                                      "MoveToDevice", "MoveToHost"};
  for (size_t i = 0; i < sizeof names / sizeof *names; ++i)
    if (pj_str_is(PJ_STRATTR(op, call_target_name), names[i]))
      return true;
  return false;
}

// Whether |factor| is in all arrays of a call: what it does with others is not known.
static bool is_everywhere(const PjShardingRule *rule, uint32_t factor) {
  for (uint32_t t = 0; t < rule->num_operands + rule->num_results; ++t)
    if (dim_of(&rule->maps[t], factor) < 0)
      return false;
  return true;
}

static bool reduces_along(const PjOp *op, const PjShardingRule *rule, uint32_t factor) {
  if (pj_local_joins(op) == PJ_OP_INVALID)
    return false;
  if (op->kind == PJ_OP_CONVOLUTION) // not within windows
    return has_factor(&rule->maps[1], PJ_INT(op, kernel_input_feature_dimension), factor);
  return true;
}

bool pj_local_divides(const PjOp *op, const PjShardingRule *rule, uint32_t factor) {
  PjFactorKind kind = rule->factors[factor].kind;
  if (kind == PJ_FACTOR_REDUCE)
    return reduces_along(op, rule, factor);
  if (kind != PJ_FACTOR_PASS)
    return false;
  int64_t in = op->num_operands ? dim_of(&rule->maps[0], factor) : -1,
          out = op->num_results ? dim_of(&rule->maps[op->num_operands], factor) : -1;
  switch (op->kind) {
  case PJ_OP_PAD: // an array may be moved without getting larger
    return in >= 0 && !is_padded(op, in);
  case PJ_OP_DYNAMIC_UPDATE_SLICE:
    return in >= 0 && has_factor(&rule->maps[1], in, factor);
  case PJ_OP_CHLO_TOP_K:
    return in >= 0 && in < op->operands[0]->type->rank - 1;
  case PJ_OP_SCATTER: // dimensions that indices go along are whole, but for batches
    return in < 0 || dim_of(&rule->maps[op->num_operands - 1], factor) >= 0;
  case PJ_OP_RNG_BIT_GENERATOR:
    return false;
  case PJ_OP_CUSTOM_CALL:
    return is_pointwise_call(op) ||
           ((pj_attr_get(op->extra, "sdy.sharding_rule") ||
             pj_partitioner_has_batches(PJ_STRATTR(op, call_target_name))) &&
            is_everywhere(rule, factor));
  case PJ_OP_REDUCE_WINDOW:
  case PJ_OP_SELECT_AND_SCATTER:
    return in >= 0 && out >= 0 && op->operands[0]->type->dims[in] == op->results[0].type->dims[out];
  default:
    return true;
  }
}

// --- Attributes ----------------------------------------------------------------------------------

static void set_ints(PjLocal *l, PjOp *op, PjKey key, size_t count, const int64_t *values) {
  pj_op_set_attr(op, key, pj_attr_ints(l->arena, count, values));
}

void pj_local_adjust(PjLocal *l, PjOp *copy, const PjOp *op) {
  int64_t sizes[PJ_MAX_RANK];
  const PjType *in = op->num_operands ? op->operands[0]->type : NULL,
               *part = op->num_operands ? copy->operands[0]->type : NULL;
  switch (op->kind) {
  case PJ_OP_SLICE: // dimensions that are cut are not sliced
    memcpy(sizes, PJ_INTS(op, limit_indices, NULL), (size_t)in->rank * sizeof *sizes);
    for (int32_t d = 0; d < in->rank; ++d)
      sizes[d] = part->dims[d] != in->dims[d] ? part->dims[d] : sizes[d];
    set_ints(l, copy, PJ_KEY_limit_indices, (size_t)in->rank, sizes);
    break;
  case PJ_OP_DYNAMIC_SLICE:
    set_ints(l, copy, PJ_KEY_slice_sizes, (size_t)in->rank, copy->results[0].type->dims);
    break;
  case PJ_OP_GATHER:
    memcpy(sizes, PJ_INTS(op, slice_sizes, NULL), (size_t)in->rank * sizeof *sizes);
    for (int32_t d = 0; d < in->rank; ++d)
      if (part->dims[d] != in->dims[d] && sizes[d] == in->dims[d])
        sizes[d] = part->dims[d];
    set_ints(l, copy, PJ_KEY_slice_sizes, (size_t)in->rank, sizes);
    break;
  case PJ_OP_CONVOLUTION: {
    const PjType *kernel = copy->operands[1]->type, *out = copy->results[0].type;
    int64_t channels = kernel->dims[PJ_INT(op, kernel_input_feature_dimension)],
            batches = out->dims[PJ_INT(op, output_batch_dimension)];
    if (channels && PJ_INT(op, feature_group_count) > 1)
      pj_op_set_attr(
          copy, PJ_KEY_feature_group_count,
          pj_attr_i64(l->arena, part->dims[PJ_INT(op, input_feature_dimension)] / channels));
    if (batches && PJ_INT(op, batch_group_count) > 1)
      pj_op_set_attr(
          copy, PJ_KEY_batch_group_count,
          pj_attr_i64(l->arena, part->dims[PJ_INT(op, input_batch_dimension)] / batches));
    break;
  }
  default:
    break;
  }
}

// --- Values out of nothing -----------------------------------------------------------------------

static bool is_splat(const PjAttr *value) {
  return value->splat && value->kind == PJ_ATTR_ELEMENTS;
}

static PjValue *part_of_splat(PjLocal *l, const PjOp *op, const PjType *part) {
  const PjAttr *value = PJ_ATTR(op, value);
  int64_t count = 0;
  pj_type_num_elements(part, &count);
  PjOp *copy = pj_local_begin(l, op->kind, 0, NULL, part);
  pj_op_set_attr(
      copy, PJ_KEY_value,
      pj_attr_elements(l->arena, part, value->data, count ? value->data_size : 0, count > 1));
  return pj_local_end(l, copy);
}

static PjValue *iota(PjLocal *l, const PjType *type, int64_t dim) {
  PjOp *op = pj_local_begin(l, PJ_OP_IOTA, 0, NULL, type);
  pj_op_set_attr(op, PJ_KEY_iota_dimension, pj_attr_i64(l->arena, dim));
  return pj_local_end(l, op);
}

// Counts where the part begins; in i32 where the type does not hold all integers.
static PjValue *part_of_iota(PjLocal *l, const PjOp *op, const PjLay *lay, const PjType *part) {
  int64_t dim = PJ_INT(op, iota_dimension);
  if (!lay->dims[dim].count)
    return iota(l, part, dim);
  PjValue *offset = pj_local_offset(l, &lay->dims[dim], part->dims[dim]);
  bool direct = pj_dtype_is_int(part->dtype);
  const PjType *type = direct ? part : pj_type_with_dtype(l->arena, part, PJ_DT_S32);
  if (direct && part->dtype != PJ_DT_S32)
    offset =
        pj_local_unary(l, PJ_OP_CONVERT, offset, pj_type_tensor(l->arena, part->dtype, 0, NULL));
  PjValue *sum =
      pj_local_binary(l, PJ_OP_ADD, iota(l, type, dim), pj_local_spread(l, offset, type));
  return direct ? sum : pj_local_unary(l, PJ_OP_CONVERT, sum, part);
}

bool pj_local_source(PjLocal *l, const PjOp *op, const PjLay *wanted) {
  if (!wanted || wanted->unreduced.count || pj_lay_is_whole(wanted))
    return false;
  const PjType *part = pj_lay_part(l->arena, wanted, op->results[0].type);
  PjValue *value;
  if (op->kind == PJ_OP_CONSTANT && is_splat(PJ_ATTR(op, value)))
    value = part_of_splat(l, op, part);
  else if (op->kind == PJ_OP_IOTA)
    value = part_of_iota(l, op, wanted, part);
  else
    return false;
  pj_local_set(l, &op->results[0], value, wanted);
  return true;
}
