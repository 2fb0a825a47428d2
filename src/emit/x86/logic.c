// Two bitwise operations on vectors, one inside of the other: AVX-512 has an instruction for any
// function of three.
#include "emit/x86/lower.h"

static bool is_logic(const PjKirInst *inst) {
  return inst->op == PJ_KIR_AND || inst->op == PJ_KIR_OR || inst->op == PJ_KIR_XOR;
}

static int apply(const PjKirInst *inst, int a, int b) {
  return inst->op == PJ_KIR_AND ? a & b : inst->op == PJ_KIR_OR ? a | b : a ^ b;
}

bool x86_logic_of_three(const Lower *l, PjKirVal v, X86Logic *out) {
  const PjKirInst *outer = pj_kir_inst(l->k, v);
  if (!l->avx512 || !is_logic(outer) || outer->type.lanes == 1 || outer->type.elem == PJ_KIR_I1)
    return false;
  for (int i = 0, left; i < 2; ++i) {
    const PjKirInst *inner = pj_kir_inst(l->k, outer->args[i]);
    // What others read is made anyway.
    if (!is_logic(inner) || inner->block != outer->block || l->values[outer->args[i]].uses ||
        x86_rotated(l, outer->args[i], &left))
      continue;
    *out = (X86Logic){{outer->args[!i], inner->args[0], inner->args[1]}, 0};
    for (int bits = 0; bits < 8; ++bits)
      out->table |= apply(outer, bits >> 2, apply(inner, bits >> 1 & 1, bits & 1)) << bits;
    return true;
  }
  return false;
}

void x86_lower_logic(Lower *l, PjKirVal v, const X86Logic *logic) {
  PjKirType t = pj_kir_typeof(l->k, v);
  int size = x86_part_size(l, t.lanes, x86_bytes(t));
  Parts out = {.n = x86_num_parts(l, t.lanes, x86_bytes(t))};
  for (int i = 0; i < out.n; ++i)
    out.op[i] = x86_ternary(l, size, logic->table, x86_parts(l, logic->of[0])->op[i],
                            x86_parts(l, logic->of[1])->op[i], x86_parts(l, logic->of[2])->op[i]);
  x86_set(l, v, &out);
}
