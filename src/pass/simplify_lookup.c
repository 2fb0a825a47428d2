// Rules of gathers of what need not be looked up.
//
//   %t = a few operations on iota : tensor<256xf32>                a table of positions
//   %r = gather %t, %i              =>   the same operations on %i
//
//   %s = concatenate %a, %b, dim = 0 : tensor<2x8x9xf32>           a choice between few arrays
//   %r = gather %s, [%i, iota, iota]   =>   select %i < 1, %a, %b
//
// A look-up is a load for each lane; so many vectors' worth of arithmetic takes no longer.
#include "ir/flops.h"
#include "pass/shapes.h"
#include "pass/simplify.h"

enum {
  MOST_STEPS = 12, // operations that a table is computed by
  MOST_PARTS = 4,  // of what is joined
  MOST_OPERANDS = 3,
};

// Whether |op| takes single elements at places that the indices alone say.
static bool takes_elements(const PjOp *op) {
  const PjType *from = op->operands[0]->type;
  uint32_t num_offset, num_batching, num_map;
  PJ_INTS(op, offset_dims, &num_offset);
  PJ_INTS(op, operand_batching_dims, &num_batching);
  const int64_t *map = PJ_INTS(op, start_index_map, &num_map);
  if (num_offset || num_batching || num_map != (uint32_t)from->rank)
    return false;
  for (uint32_t i = 0; i < num_map; ++i)
    if (map[i] != i)
      return false;
  return true;
}

// ------------------------------------------------------------------------------- computed tables

// Whether element i of |table|, of one dimension, can be computed from i in |*left| operations.
static bool is_computed(const PjValue *table, int *left) {
  const PjOp *def = table->def;
  double functions;
  if (!def || pj_dtype_is_complex(table->type->dtype))
    return false;
  if (pj_const_splat(table))
    return true;
  if (def->kind == PJ_OP_IOTA)
    return table->type->rank == 1;
  const bool joins = def->kind == PJ_OP_CONCATENATE;
  pj_op_flops(def, &functions);
  if (def->num_operands > (joins ? MOST_PARTS : MOST_OPERANDS) || def->num_results != 1 ||
      functions > 0 || --*left < 0 || (!joins && !(pj_op_info[def->kind].traits & PJ_TRAIT_ELEM)))
    return false;
  for (uint32_t i = 0; i < def->num_operands; ++i)
    if (def->operands[i]->type->rank != 1 || !is_computed(def->operands[i], left))
      return false;
  return true;
}

// x + |add| in the type of |x|.
static PjValue *plus(PjRewrite *rw, PjOp *at, PjValue *x, int64_t add) {
  return add ? pj_build_binary(rw, at, PJ_OP_ADD, x, pj_build_int(rw, at, x->type, add)) : x;
}

static PjValue *is_below(PjRewrite *rw, PjOp *at, PjValue *x, int64_t limit) {
  const bool is_signed = pj_dtype_class(x->type->dtype) == PJ_CLASS_SINT;
  return pj_build_compare(rw, at, x, pj_build_int(rw, at, x->type, limit), PJ_CMP_LT,
                          is_signed ? PJ_CMPTYPE_SIGNED : PJ_CMPTYPE_UNSIGNED);
}

// The element of |table| at |i|.
static PjValue *compute(PjRewrite *rw, PjOp *at, const PjValue *table, PjValue *i) {
  PjOp *def = table->def;
  const PjType *type = pj_type_with_dtype(rw->arena, i->type, table->type->dtype);
  const void *element = pj_const_splat(table);
  if (element)
    return pj_build_splat(rw, at, type, element);
  if (def->kind == PJ_OP_IOTA)
    return pj_build_convert(rw, at, i, type->dtype);
  if (def->kind != PJ_OP_CONCATENATE) {
    PjValue *operands[MOST_OPERANDS];
    for (uint32_t o = 0; o < def->num_operands; ++o)
      operands[o] = compute(rw, at, def->operands[o], i);
    return pj_build_like(rw, at, def, operands, type);
  }
  int64_t start = table->type->dims[0];
  PjValue *result = NULL;
  for (uint32_t o = def->num_operands; o-- > 0;) {
    const int64_t end = start;
    start -= def->operands[o]->type->dims[0];
    PjValue *part = compute(rw, at, def->operands[o], plus(rw, at, i, -start));
    result = result ? pj_build_select(rw, at, is_below(rw, at, i, end), part, result) : part;
  }
  return result;
}

static bool look_up_computed(PjRewrite *rw, PjOp *op) {
  PjValue *table = op->operands[0], *indices = op->operands[1];
  const PjType *type = op->results[0].type;
  const PjDtype dtype = indices->type->dtype;
  int left = MOST_STEPS;
  PjRange range;
  if (table->type->rank != 1 || pj_dtype_bits(dtype) < 32 || !is_computed(table, &left))
    return false;
  const int64_t last = table->type->dims[0] - 1;
  const bool known = pj_range_of(indices, &range), above = !known || range.high > last,
             below = !known || range.low < 0;
  if ((above || below) && pj_dtype_class(dtype) != PJ_CLASS_SINT)
    return false;
  PjValue *i = pj_build_reshape(rw, op, indices, pj_type_with_dtype(rw->arena, type, dtype));
  if (below)
    i = pj_build_binary(rw, op, PJ_OP_MAXIMUM, i, pj_build_int(rw, op, i->type, 0));
  if (above)
    i = pj_build_binary(rw, op, PJ_OP_MINIMUM, i, pj_build_int(rw, op, i->type, last));
  return pj_rw_become(rw, op, compute(rw, op, table, i));
}

// --------------------------------------------------------------------------------------- choices

// Whether part |k| of an index vector counts along dimension |dim| of a result of as many elements.
static bool counts_along(const PjValue *part, int32_t dim, const PjType *type) {
  const PjOp *def = part->def;
  return def && def->kind == PJ_OP_IOTA && PJ_INT(def, iota_dimension) == dim &&
         part->type->rank > dim && part->type->dims[dim] == type->dims[dim];
}

static bool choose_of_few(PjRewrite *rw, PjOp *op) {
  PjOp *stack = pj_def(op->operands[0], PJ_OP_CONCATENATE),
       *vector = pj_def(op->operands[1], PJ_OP_CONCATENATE);
  const PjType *type = op->results[0].type;
  const int32_t rank = type->rank;
  if (!stack || !vector || PJ_INT(stack, dimension) != 0 || stack->num_operands > MOST_PARTS ||
      vector->num_operands != (uint32_t)rank + 1 || op->operands[1]->type->rank != rank + 1 ||
      PJ_INT(vector, dimension) != rank || PJ_INT(op, index_vector_dim) != rank ||
      op->operands[0]->type->rank != rank + 1 || pj_dtype_bits(op->operands[1]->type->dtype) < 32)
    return false;
  for (uint32_t i = 0; i < stack->num_operands; ++i)
    if (stack->operands[i]->type->dims[0] != 1)
      return false;
  for (int32_t d = 0; d < rank; ++d)
    if (op->operands[0]->type->dims[d + 1] != type->dims[d] ||
        !counts_along(vector->operands[d + 1], d, type))
      return false;
  PjValue *which =
      pj_build_reshape(rw, op, vector->operands[0],
                       pj_type_with_dtype(rw->arena, type, op->operands[1]->type->dtype));
  PjValue *result = NULL;
  for (uint32_t i = stack->num_operands; i-- > 0;) {
    PjValue *part = pj_build_reshape(rw, op, stack->operands[i], type);
    result = result ? pj_build_select(rw, op, is_below(rw, op, which, (int64_t)i + 1), part, result)
                    : part;
  }
  return pj_rw_become(rw, op, result);
}

bool pj_rule_lookup(PjRewrite *rw, PjOp *op) {
  return takes_elements(op) && (look_up_computed(rw, op) || choose_of_few(rw, op));
}
