// Rules that bring elementwise operations into choices.
//
//   %1 = select %p, %g, 0   ; %2 = select %p, -0, %h   ; %3 = add %1, %2
//     =>  %1 = add %g, -0 ; %2 = add %h, 0 ; %3 = select %p, %1, %2, and the first sum is %g
//
// The operands of one operation are chosen by one predicate, and of those that meet one is a
// constant of equal elements: so there are no more operations than before, and one select less. The
// derivative of abs is such, whose two sides JAX writes apart. Where all that is chosen from is
// constant, any operation is done when the program is compiled. Elements are computed by the same
// operations as before, so bits stay.
#include "pass/simplify.h"

enum { MAX_OPERANDS = 3 };

// How operand |i| is chosen.
typedef struct Choice {
  PjValue *arm[2];
  bool constant[2];
} Choice;

// The predicate by which all operands are chosen, those aside that are constant; NULL for none.
static PjValue *common_predicate(const PjRewrite *rw, const PjOp *op, Choice *choices, bool *once) {
  PjValue *predicate = NULL;
  *once = true;
  for (uint32_t i = 0; i < op->num_operands; ++i) {
    PjValue *x = op->operands[i];
    PjOp *select = pj_def(x, PJ_OP_SELECT);
    if (pj_const_splat(x)) {
      choices[i] = (Choice){{x, x}, {true, true}};
      continue;
    }
    if (!select || (predicate && predicate != select->operands[0]) ||
        x->type->rank != op->results[0].type->rank)
      return NULL;
    predicate = select->operands[0];
    *once &= pj_rw_uses(rw, x) == 1;
    for (int side = 0; side < 2; ++side) {
      choices[i].arm[side] = select->operands[1 + side];
      choices[i].constant[side] = pj_const_splat(select->operands[1 + side]);
    }
  }
  return predicate;
}

bool pj_rule_choice(PjRewrite *rw, PjOp *op) {
  Choice choices[MAX_OPERANDS];
  PjValue *arms[2];
  bool once, all = true, each = true;
  if (op->num_results != 1 || op->num_operands > MAX_OPERANDS || op->num_regions ||
      op->kind == PJ_OP_SELECT)
    return false;
  PjValue *predicate = common_predicate(rw, op, choices, &once);
  if (!predicate)
    return false;
  for (int side = 0; side < 2; ++side) {
    bool any = false;
    for (uint32_t i = 0; i < op->num_operands; ++i) {
      any |= choices[i].constant[side] && pj_def(op->operands[i], PJ_OP_SELECT);
      all &= choices[i].constant[side];
    }
    each &= any;
  }
  const bool pair = once && (op->kind == PJ_OP_ADD || op->kind == PJ_OP_SUBTRACT) &&
                    pj_def(op->operands[0], PJ_OP_SELECT) && pj_def(op->operands[1], PJ_OP_SELECT);
  const bool sign =
      once && op->kind == PJ_OP_NEGATE && (choices[0].constant[0] || choices[0].constant[1]);
  if (!all && !sign && !(pair && each))
    return false;
  for (int side = 0; side < 2; ++side) {
    PjValue *operands[MAX_OPERANDS];
    for (uint32_t i = 0; i < op->num_operands; ++i)
      operands[i] = choices[i].arm[side];
    arms[side] = pj_build_like(rw, op, op, operands, op->results[0].type);
  }
  return pj_rw_become(rw, op, pj_build_select(rw, op, predicate, arms[0], arms[1]));
}
