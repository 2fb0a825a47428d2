// Integers that are made of the bits of single floats and become floats again: a power of two, a
// fraction, a sign. They stay where floats are, since the way to a general register and back takes
// longer than a few operations do there, and this is what a loop over one number waits for. A sign
// that chooses between floats stays there, too.
#include "emit/x86/lower.h"

enum { MAX_STEPS = 5 }; // operations on them take longer than in general registers

static bool is_shift(PjKirOp op) {
  return op == PJ_KIR_SHL || op == PJ_KIR_LSHR || op == PJ_KIR_ASHR;
}

static bool is_extreme(PjKirOp op) {
  return op >= PJ_KIR_SMIN && op <= PJ_KIR_UMAX;
}

static bool is_single_float(PjKirType t) {
  return t.lanes == 1 && pj_kir_is_float(t);
}

static bool turns_to_float(const Lower *l, const PjKirInst *user, PjKirVal v) {
  const PjKirElem elem = (PjKirElem)pj_kir_typeof(l->k, v).elem;
  return is_single_float(user->type) &&
         (user->op == PJ_KIR_BITCAST || (user->op == PJ_KIR_SITOFP && elem == PJ_KIR_I32));
}

// The operations that |v| is from the float it is made of, and one; 0: from none.
static int steps_of(const Lower *l, PjKirVal v) {
  const PjKir *k = l->k;
  const PjKirInst *inst = pj_kir_inst(k, v);
  const PjKirOp op = (PjKirOp)inst->op;
  uint64_t bits;
  int left, most = 0;
  if (inst->type.lanes > 1 || (inst->type.elem != PJ_KIR_I32 && inst->type.elem != PJ_KIR_I64))
    return 0;
  if (op == PJ_KIR_BITCAST)
    return is_single_float(pj_kir_typeof(k, inst->args[0]));
  if (x86_rotated(l, v, &left))
    return 0;
  if (is_shift(op)) {
    if (!pj_kir_is_const(k, inst->args[1], &bits) || bits >= 8 * (uint64_t)x86_bytes(inst->type) ||
        (op == PJ_KIR_ASHR && inst->type.elem == PJ_KIR_I64 && !l->avx512))
      return 0;
    most = l->values[inst->args[0]].steps;
  } else if (op == PJ_KIR_ADD || op == PJ_KIR_SUB || op == PJ_KIR_AND || op == PJ_KIR_OR ||
             op == PJ_KIR_XOR || (is_extreme(op) && (l->avx512 || inst->type.elem == PJ_KIR_I32))) {
    for (int i = 0; i < 2; ++i) {
      const int steps = l->values[inst->args[i]].steps;
      if (!steps && !pj_kir_is_const(k, inst->args[i], &bits))
        return 0;
      most = steps > most ? steps : most;
    }
  }
  return most && most <= MAX_STEPS ? most + 1 : 0;
}

// Whether |user| takes a scalar integer from wherever it is.
static bool takes_any(const PjKirInst *user) {
  const PjKirOp op = (PjKirOp)user->op;
  return user->type.lanes == 1 && op >= PJ_KIR_ADD && op <= PJ_KIR_F32TOF16 &&
         (op < PJ_KIR_UDIV || op > PJ_KIR_SREM) && op != PJ_KIR_SELECT;
}

void x86_find_float_bits(Lower *l) {
  const PjKir *k = l->k;
  const size_t n = k->insts.len;
  uint8_t *wanted = pj_arena_calloc(l->f->arena, n, 1),
          *elsewhere = pj_arena_calloc(l->f->arena, n, 1);
  int left;
  for (PjKirVal v = 1; v < n; ++v)
    l->values[v].steps = (uint8_t)steps_of(l, v);
  for (PjKirVal v = (PjKirVal)n; v-- > 1;) { // users come behind
    const PjKirInst *inst = pj_kir_inst(k, v);
    if (!wanted[v] || elsewhere[v])
      l->values[v].steps = 0;
    const bool rotates = x86_rotated(l, v, &left) != 0;
    for (uint32_t i = 0; i < inst->num_args; ++i) {
      const PjKirVal of = inst->args[i];
      wanted[of] |= turns_to_float(l, inst, of) || l->values[v].steps;
      elsewhere[of] |= rotates || !takes_any(inst);
    }
    const PjKirVal by_sign = x86_chosen_by_sign(l, v);
    if (by_sign)
      wanted[by_sign] = true;
  }
}

// |v|, which lies in a vector register or is a constant.
static X86Op where_floats_are(Lower *l, PjKirVal v, PjKirType t) {
  uint64_t bits;
  if (pj_kir_is_const(l->k, v, &bits))
    return x86_splat_const(l, x86_bytes(t), bits);
  if (l->values[v].steps)
    return x86_parts(l, v)->op[0];
  return x86_rm(l, X86_VEC, t.elem == PJ_KIR_I64 ? X86_VMOVQ : X86_VMOVD, 16,
                x86_in_reg(l, X86_GPR, x86_scalar(l, v)));
}

void x86_lower_float_bits(Lower *l, PjKirVal v) {
  const PjKirInst *inst = pj_kir_inst(l->k, v);
  const PjKirType t = inst->type;
  const PjKirOp op = (PjKirOp)inst->op;
  if (op == PJ_KIR_BITCAST) {
    x86_set_one(l, v, x86_parts(l, inst->args[0])->op[0]);
    return;
  }
  const X86Op a = where_floats_are(l, inst->args[0], t);
  uint64_t amount = 0;
  if (is_shift(op)) {
    pj_kir_is_const(l->k, inst->args[1], &amount);
    x86_set_one(l, v, x86_shift_lanes(l, x86_shape(l, 1, x86_bytes(t)), op, a, (int)amount));
    return;
  }
  const X86Op b = where_floats_are(l, inst->args[1], t);
  if (is_extreme(op)) {
    x86_set_one(l, v, x86_extreme(l, x86_shape(l, 1, x86_bytes(t)), op, a, b));
    return;
  }
  const bool wide = t.elem == PJ_KIR_I64;
  x86_set_one(l, v,
              op == PJ_KIR_SUB
                  ? x86_rvm(l, wide ? X86_VPSUBQ : X86_VPSUBD, 16, a, b)
                  : x86_rvm_commuting(l,
                                      op == PJ_KIR_ADD   ? (wide ? X86_VPADDQ : X86_VPADDD)
                                      : op == PJ_KIR_AND ? X86_VPAND
                                      : op == PJ_KIR_OR  ? X86_VPOR
                                                         : X86_VPXOR,
                                      16, a, b));
}

X86Op x86_float_of_bits(Lower *l, const PjKirInst *inst) {
  const X86Op a = x86_parts(l, inst->args[0])->op[0];
  if (inst->op == PJ_KIR_BITCAST)
    return a;
  return x86_rm(l, X86_VEC, inst->type.elem == PJ_KIR_F32 ? X86_VCVTDQ2PS : X86_VCVTDQ2PD, 16, a);
}

X86Op x86_bits_in_general(Lower *l, PjKirVal v) {
  return x86_mr(l, X86_GPR, pj_kir_typeof(l->k, v).elem == PJ_KIR_I64 ? X86_VMOVQ_TO : X86_VMOVD_TO,
                16, x86_in_reg(l, X86_VEC, x86_parts(l, v)->op[0]), -1);
}
