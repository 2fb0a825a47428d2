// See flops.h.
#include "ir/flops.h"

static double elements(const PjType *type) {
  int64_t count;
  return type && pj_type_is_tensor(type) && pj_type_num_elements(type, &count) ? (double)count : 0;
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

double pj_op_flops(const PjOp *op, double *out_transcendentals) {
  double result = op->num_results ? elements(op->results[0].type) : 0, flops = 0;
  *out_transcendentals = 0;
  switch (op->kind) {
  case PJ_OP_DOT_GENERAL: {
    uint32_t count;
    const int64_t *dims = PJ_INTS(op, lhs_contracting_dimensions, &count);
    return 2 * result * extent(op->operands[0]->type, dims, count);
  }
  case PJ_OP_CONVOLUTION: {
    const PjType *kernel = op->operands[1]->type;
    int64_t feature = PJ_INT(op, kernel_output_feature_dimension);
    double outputs = feature >= 0 && feature < kernel->rank ? (double)kernel->dims[feature] : 1;
    return outputs > 0 ? 2 * result * elements(kernel) / outputs : 0;
  }
  case PJ_OP_REDUCE:
    for (uint32_t i = 0; i < op->num_operands / 2; i++)
      flops += elements(op->operands[i]->type);
    return flops;
  default:
    if (is_transcendental(op->kind))
      *out_transcendentals = result;
    else if (pj_op_info[op->kind].traits & PJ_TRAIT_ELEM)
      return result;
    return 0;
  }
}
