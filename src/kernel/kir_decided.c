// Conditions that the control operations around the block at hand decide: what a branch or a loop
// asked holds, or does not, in the part that is being built, and so does what follows from it.
//
//   while (b != 0) { r = b == 0 ? 1 : a % b }   =>   while (b != 0) { r = a % b }
//
// Values are in SSA form, so what was asked of them once stays true of them. A condition joined by
// "and" that holds says that both of its parts do; a comparison also decides its opposite.
#include "kernel/kir_build.h"

enum { UNDECIDED = -1, MAX_PARTS = 8 };

PjKirOp pj_kir__opposite(PjKirOp op, bool *turned) {
  *turned = false;
  switch (op) {
  case PJ_KIR_EQ:
    return PJ_KIR_NE;
  case PJ_KIR_NE:
    return PJ_KIR_EQ;
  case PJ_KIR_FEQ:
    return PJ_KIR_FNE;
  case PJ_KIR_FNE:
    return PJ_KIR_FEQ;
  default:
    break;
  }
  *turned = true;
  switch (op) {
  case PJ_KIR_SLT:
    return PJ_KIR_SLE;
  case PJ_KIR_SLE:
    return PJ_KIR_SLT;
  case PJ_KIR_ULT:
    return PJ_KIR_ULE;
  case PJ_KIR_ULE:
    return PJ_KIR_ULT;
  default:
    return PJ_KIR_CONST;
  }
}

// Whether |b| is what |a| is not.
static bool is_opposite(const PjKirInst *a, const PjKirInst *b) {
  bool turned;
  return pj_kir__opposite((PjKirOp)a->op, &turned) == (PjKirOp)b->op && b->op != PJ_KIR_CONST &&
         a->args[0] == b->args[turned] && a->args[1] == b->args[!turned];
}

// The condition that |v| negates; 0: it negates none.
static PjKirVal negated(const PjKir *k, PjKirVal v) {
  const PjKirInst *inst = pj_kir_inst(k, v);
  uint64_t bits;
  return inst->op == PJ_KIR_XOR && pj_kir_is_const(k, inst->args[1], &bits) ? inst->args[0] : 0;
}

// What follows for |v| if the condition |fact| is |truth|.
static int follows(const PjKir *k, PjKirVal fact, bool truth, PjKirVal v, int *parts) {
  if (--*parts < 0)
    return UNDECIDED;
  if (fact == v)
    return truth;
  const PjKirInst *inst = pj_kir_inst(k, fact);
  const PjKirVal inner = negated(k, fact);
  if (inner)
    return follows(k, inner, !truth, v, parts);
  if (inst->op == (truth ? PJ_KIR_AND : PJ_KIR_OR)) {
    const int first = follows(k, inst->args[0], truth, v, parts);
    return first != UNDECIDED ? first : follows(k, inst->args[1], truth, v, parts);
  }
  return is_opposite(inst, pj_kir_inst(k, v)) ? !truth : UNDECIDED;
}

int pj_kir__decided(const PjKir *k, PjKirVal v) {
  const PjKirTable *t = k->table;
  const PjKirType type = pj_kir_typeof(k, v);
  if (type.elem != PJ_KIR_I1 || type.lanes != 1 || pj_kir_inst(k, v)->op == PJ_KIR_CONST)
    return UNDECIDED;
  for (size_t i = t->open.len; i-- > 0;) {
    const PjKirOpen *open = &t->open.data[i];
    int parts = MAX_PARTS, result = UNDECIDED;
    if (open->op == PJ_KIR_IF)
      result = follows(k, open->operands[0], !open->blocks[1], v, &parts);
    else if (open->op == PJ_KIR_WHILE && open->blocks[1])
      result = follows(k, open->condition, true, v, &parts);
    if (result != UNDECIDED)
      return result;
  }
  const PjKirVal inner = negated(k, v);
  const int opposite = inner ? pj_kir__decided(k, inner) : UNDECIDED;
  return opposite == UNDECIDED ? UNDECIDED : !opposite;
}
