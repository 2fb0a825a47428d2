// Two bitwise operations on vectors, one inside of the other: AVX-512 has an instruction for any
// function of three. And those on the bits of single floats, which stay where floats are.
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

// The float whose bits |v| is; 0: it is none's.
static PjKirVal float_of(const PjKir *k, PjKirVal v) {
  const PjKirInst *inst = pj_kir_inst(k, v);
  return inst->op == PJ_KIR_BITCAST && pj_kir_is_float(pj_kir_typeof(k, inst->args[0]))
             ? inst->args[0]
             : 0;
}

bool x86_logic_of_float(const Lower *l, PjKirVal v, X86FloatLogic *out) {
  const PjKirInst *cast = pj_kir_inst(l->k, v);
  if (cast->op != PJ_KIR_BITCAST || cast->type.lanes != 1 || !pj_kir_is_float(cast->type))
    return false;
  const PjKirInst *inner = pj_kir_inst(l->k, cast->args[0]);
  if (!is_logic(inner) || inner->block != cast->block || l->values[cast->args[0]].uses)
    return false;
  for (int i = 0; i < 2; ++i) {
    PjKirVal of = float_of(l->k, inner->args[i]), with = inner->args[!i];
    if (of) {
      *out = (X86FloatLogic){(PjKirOp)inner->op, of,
                             float_of(l->k, with) ? float_of(l->k, with) : with};
      return true;
    }
  }
  return false;
}

void x86_lower_float_logic(Lower *l, PjKirVal v, const X86FloatLogic *logic) {
  PjKirType t = pj_kir_typeof(l->k, v);
  const bool wide = t.elem == PJ_KIR_F64;
  const uint32_t code = logic->op == PJ_KIR_AND  ? X86_VAND
                        : logic->op == PJ_KIR_OR ? X86_VOR
                                                 : X86_VXOR;
  uint64_t bits;
  X86Op with;
  if (pj_kir_is_const(l->k, logic->with, &bits))
    with = x86_splat_const(l, wide ? 8 : 4, bits);
  else if (pj_kir_is_float(pj_kir_typeof(l->k, logic->with)) || l->values[logic->with].steps)
    with = x86_parts(l, logic->with)->op[0];
  else
    with = x86_rm(l, X86_VEC, wide ? X86_VMOVQ : X86_VMOVD, 16,
                  x86_in_reg(l, X86_GPR, x86_scalar(l, logic->with)));
  x86_set_one(l, v,
              x86_rvm_commuting(l, code | x86_packed((PjKirElem)t.elem), 16,
                                x86_parts(l, logic->of)->op[0], with));
}
