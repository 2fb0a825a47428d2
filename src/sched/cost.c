// What operations cost, and how many of them one kernel holds.
//
// Rough nanoseconds per element. Vectors take a fifth of them and less: the numbers serve to
// compare operations with each other and with limits in the same unit (roles.c, vectors.c).
#include "sched/lower.h"

enum {
  MAX_NODES = 320,   // operations that are computed together,
  MANY_NODES = 1024, // and if they are as cheap as most are
};
#define MANY_COST 120. // nanoseconds per element up to which many are

double pj_op_cost(const PjOp *op) {
  if (op->num_results == 0)
    return 0;
  double wide = pj_dtype_bytes(op->results[0].type->dtype) > 4 ? 2 : 1;
  switch (op->kind) {
  case PJ_OP_CONSTANT:
  case PJ_OP_BROADCAST_IN_DIM:
  case PJ_OP_RESHAPE:
    return 0;
  case PJ_OP_SLICE:
  case PJ_OP_IOTA:
  case PJ_OP_TRANSPOSE:
  case PJ_OP_DYNAMIC_SLICE:
    return 0.05;
  case PJ_OP_PAD:
  case PJ_OP_CONCATENATE:
  case PJ_OP_REVERSE:
    return 0.4;
  case PJ_OP_GATHER:
    return 0.6;
  case PJ_OP_EXPONENTIAL:
  case PJ_OP_LOG:
  case PJ_OP_LOGISTIC:
  case PJ_OP_TANH:
  case PJ_OP_EXPONENTIAL_MINUS_ONE:
  case PJ_OP_LOG_PLUS_ONE:
    return 1.5 * wide;
  case PJ_OP_SINE:
  case PJ_OP_COSINE:
  case PJ_OP_TAN:
  case PJ_OP_CBRT:
  case PJ_OP_CHLO_ERF:
  case PJ_OP_CHLO_ERFC:
    return 2.5 * wide;
  case PJ_OP_POWER:
  case PJ_OP_ATAN2:
  case PJ_OP_CHLO_ERF_INV:
    return 4 * wide;
  case PJ_OP_DIVIDE:
  case PJ_OP_REMAINDER:
    return pj_dtype_is_int(op->results[0].type->dtype) ? 3 * wide : 0.6 * wide;
  case PJ_OP_SQRT:
  case PJ_OP_RSQRT:
    return 0.8 * wide;
  default:
    return op->kind >= PJ_OP_CHLO_BROADCAST_ADD ? 6 : 0.12 * wide;
  }
}

// What has no register is on the stack, which costs far less than arrays that are written by one
// kernel and read by the next.
bool pj_fits_kernel(double nodes, double cost) {
  return nodes <= MAX_NODES || (nodes <= MANY_NODES && cost <= MANY_COST);
}
