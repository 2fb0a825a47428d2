// See fingerprint.h. A walk over the IR in textual order; values are hashed by their dense number
// in the function.
#include "runtime/fingerprint.h"
#include "base/hash.h"

typedef struct Hash {
  uint64_t a, b;
} Hash;

static void mix(Hash *hash, uint64_t value) {
  hash->a = pj_hash_u64(hash->a, value);
  hash->b = pj_hash_u64(hash->b + 0x632be59bd9b4e019ull, value);
}

static void mix_bytes(Hash *hash, const void *data, size_t size) {
  mix(hash, size);
  if (!size)
    return;
  hash->a = pj_hash_bytes(hash->a, data, size);
  hash->b = pj_hash_bytes(hash->b ^ 0x9e3779b97f4a7c15ull, data, size);
}

static void mix_ints(Hash *hash, const int64_t *ints, size_t count) {
  mix_bytes(hash, ints, ints ? count * sizeof *ints : 0);
}

static void mix_type(Hash *hash, const PjType *type) {
  if (!type) {
    mix(hash, 0);
    return;
  }
  mix(hash, 1 + (uint64_t)type->kind);
  mix(hash, (uint64_t)type->dtype);
  mix_ints(hash, type->dims, (size_t)type->rank);
  mix_ints(hash, type->bounds, type->bounds ? (size_t)type->rank : 0);
  if (type->quant) {
    mix(hash, (uint64_t)type->quant->expressed);
    mix(hash, (uint64_t)type->quant->min);
    mix(hash, (uint64_t)type->quant->max);
    mix(hash, (uint64_t)type->quant->axis);
    mix_bytes(hash, type->quant->scales, type->quant->num_scales * sizeof(double));
    mix_ints(hash, type->quant->zero_points, type->quant->num_scales);
  }
  mix(hash, type->num_elems);
  for (uint32_t i = 0; i < type->num_elems; i++)
    mix_type(hash, type->elems[i]);
  mix(hash, type->num_results);
  for (uint32_t i = 0; i < type->num_results; i++)
    mix_type(hash, type->results[i]);
}

static void mix_attr(Hash *hash, const PjAttr *attr) {
  if (!attr) {
    mix(hash, 0);
    return;
  }
  mix(hash, 1 + (uint64_t)attr->kind);
  mix(hash, (uint64_t)attr->enum_kind);
  mix(hash, (uint64_t)attr->i64);
  mix(hash, (uint64_t)attr->i64b);
  mix_bytes(hash, &attr->f64, sizeof attr->f64);
  mix_bytes(hash, &attr->f64b, sizeof attr->f64b);
  mix_bytes(hash, attr->str.ptr, attr->str.len);
  mix_type(hash, attr->type);
  mix(hash, attr->count);
  mix(hash, (uint64_t)attr->columns);
  mix_ints(hash, attr->ints, attr->ints ? attr->count : 0);
  for (uint32_t i = 0; attr->names && i < attr->count; i++)
    mix_bytes(hash, attr->names[i].ptr, attr->names[i].len);
  for (uint32_t i = 0; attr->elems && i < attr->count; i++)
    mix_attr(hash, attr->elems[i]);
  if (attr->more)
    mix_attr(hash, attr->more);
  mix_bytes(hash, attr->data, attr->data ? attr->data_size : 0);
}

static void mix_region(Hash *hash, const PjRegion *region);

static void mix_op(Hash *hash, const PjOp *op) {
  mix(hash, (uint64_t)op->kind);
  mix(hash, op->num_operands);
  for (uint32_t i = 0; i < op->num_operands; i++)
    mix(hash, op->operands[i]->id);
  mix(hash, op->num_results);
  for (uint32_t i = 0; i < op->num_results; i++)
    mix_type(hash, op->results[i].type);
  for (uint32_t i = 0; i < pj_op_info[op->kind].num_attrs; i++)
    mix_attr(hash, op->attrs[i]);
  mix_attr(hash, op->extra);
  for (uint32_t i = 0; i < op->num_regions; i++)
    mix_region(hash, &op->regions[i]);
}

static void mix_region(Hash *hash, const PjRegion *region) {
  mix(hash, region->num_args);
  for (uint32_t i = 0; i < region->num_args; i++)
    mix_type(hash, region->args[i].type);
  for (const PjOp *op = region->first; op; op = op->next)
    mix_op(hash, op);
}

void pj_module_fingerprint(const PjModule *module, uint64_t out[2]) {
  Hash hash = {PJ_HASH_SEED, ~PJ_HASH_SEED};
  mix_attr(&hash, module->attrs);
  mix_region(&hash, &module->body);
  out[0] = hash.a;
  out[1] = hash.b;
}

// --- Cost ----------------------------------------------------------------------------------------

static double elements(const PjType *type) {
  int64_t count;
  return type && pj_type_is_tensor(type) && pj_type_num_elements(type, &count) ? (double)count : 0;
}

static double bytes(const PjType *type) {
  size_t size;
  return type && pj_type_is_tensor(type) && pj_type_num_bytes(type, &size) ? (double)size : 0;
}

static bool is_transcendental(PjOpKind kind) {
  switch (kind) {
  case PJ_OP_EXPONENTIAL:
  case PJ_OP_EXPONENTIAL_MINUS_ONE:
  case PJ_OP_LOG:
  case PJ_OP_LOG_PLUS_ONE:
  case PJ_OP_LOGISTIC:
  case PJ_OP_SINE:
  case PJ_OP_COSINE:
  case PJ_OP_TAN:
  case PJ_OP_TANH:
  case PJ_OP_SQRT:
  case PJ_OP_RSQRT:
  case PJ_OP_CBRT:
  case PJ_OP_POWER:
  case PJ_OP_ATAN2:
    return true;
  default:
    return false;
  }
}

// Product of the sizes of |type| at the given dimensions.
static double extent(const PjType *type, const int64_t *dims, uint32_t count) {
  double product = 1;
  for (uint32_t i = 0; i < count; i++)
    if (dims[i] >= 0 && dims[i] < type->rank)
      product *= (double)type->dims[dims[i]];
  return product;
}

static void add_cost(const PjOp *op, PjCost *out) {
  out->ops++;
  double result = op->num_results ? elements(op->results[0].type) : 0;
  switch (op->kind) {
  case PJ_OP_WHILE:
  case PJ_OP_CUSTOM_CALL:
  case PJ_OP_SEND:
  case PJ_OP_RECV:
  case PJ_OP_INFEED:
  case PJ_OP_OUTFEED:
    out->may_block = true;
    break;
  case PJ_OP_DOT_GENERAL: {
    uint32_t count;
    const int64_t *dims = PJ_INTS(op, lhs_contracting_dimensions, &count);
    out->flops += 2 * result * extent(op->operands[0]->type, dims, count);
    break;
  }
  case PJ_OP_CONVOLUTION: {
    const PjType *kernel = op->operands[1]->type;
    int64_t feature = PJ_INT(op, kernel_output_feature_dimension);
    double outputs = feature >= 0 && feature < kernel->rank ? (double)kernel->dims[feature] : 1;
    if (outputs > 0)
      out->flops += 2 * result * elements(kernel) / outputs;
    break;
  }
  case PJ_OP_REDUCE:
    for (uint32_t i = 0; i < op->num_operands / 2; i++)
      out->flops += elements(op->operands[i]->type);
    break;
  default:
    if (is_transcendental(op->kind))
      out->transcendentals += result;
    else if (pj_op_info[op->kind].traits & PJ_TRAIT_ELEM)
      out->flops += result;
    break;
  }
  if (pj_op_info[op->kind].traits & (PJ_TRAIT_COLL | PJ_TRAIT_EFFECT))
    out->may_block = true;
}

static void walk_cost(const PjRegion *region, bool outermost, PjCost *out) {
  for (const PjOp *op = region->first; op; op = op->next) {
    add_cost(op, out);
    // What bodies of reductions and the like touch was counted with the op around them.
    if (outermost || op->kind == PJ_OP_WHILE) {
      for (uint32_t i = 0; i < op->num_operands; i++)
        out->bytes_accessed += bytes(op->operands[i]->type);
      for (uint32_t i = 0; i < op->num_results; i++)
        out->bytes_accessed += bytes(op->results[i].type);
    }
    for (uint32_t i = 0; i < op->num_regions; i++)
      walk_cost(&op->regions[i], op->kind == PJ_OP_FUNC, out);
  }
}

void pj_module_cost(const PjModule *module, PjCost *out) {
  *out = (PjCost){0};
  walk_cost(&module->body, false, out);
}
