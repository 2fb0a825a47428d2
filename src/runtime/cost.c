// See cost.h. A walk over the IR in textual order.
#include "runtime/cost.h"

#include "runtime/ffi_call.h"

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
  case PJ_OP_CUSTOM_CALL:
    out->may_wait = true;
    out->host_callbacks |= pj_ffi_is_python_callback(PJ_STRATTR(op, call_target_name));
    break;
  case PJ_OP_WHILE:
    out->has_loops = true;
    break;
  case PJ_OP_SEND:
  case PJ_OP_RECV:
  case PJ_OP_INFEED:
  case PJ_OP_OUTFEED:
    out->may_wait = true;
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
    out->may_wait = true;
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
