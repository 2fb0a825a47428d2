// Multiplications by a power of two that is made of an integer, as exponentials end: AVX-512 has an
// instruction for them.
//
// In kernel IR (kernel/math_exp.c) n + 2 bias stands in the low bits of a sum s = x c + b with b =
// 1.5 2^m + 2 bias, and p 2^n is (p 2^h) 2^r, where h is the half of that integer, r the rest, and
// the powers are integers shifted to where exponents stand. p 2^h is exact, so that the product is
// rounded once, as it is by the instruction, which takes n as the float s - b. Kernels compute that
// before. Where n is 0 at most, b = 1.5 2^m + bias + D and p 2^n is (p 2^(n + D)) 2^-D.
#include "emit/x86/lower.h"

enum { NEAR = 16 }; // instructions in which n follows its sum

// |v| as a float whose bits are an integer shifted up to the exponent: that integer; 0: it is none.
static PjKirVal power_of(const PjKir *k, PjKirVal v) {
  const PjKirInst *bits = pj_kir_inst(k, v);
  if (bits->op != PJ_KIR_BITCAST)
    return 0;
  const PjKirInst *shift = pj_kir_inst(k, bits->args[0]);
  uint64_t by;
  bool wide = bits->type.elem == PJ_KIR_F64;
  return shift->op == PJ_KIR_SHL && pj_kir_is_const(k, shift->args[1], &by) &&
                 by == (wide ? 52 : 23)
             ? shift->args[0]
             : 0;
}

// The bits of which |v| is the half, rounded down; 0: it is none.
static PjKirVal whole_of(const PjKir *k, PjKirVal v) {
  const PjKirInst *inst = pj_kir_inst(k, v);
  uint64_t by;
  return inst->op == PJ_KIR_LSHR && pj_kir_is_const(k, inst->args[1], &by) && by == 1
             ? inst->args[0]
             : 0;
}

// n, if |bits| are those of a sum as above with |low| as the low bits of b; 0: they are not.
static PjKirVal number_of(const PjKir *k, PjKirVal bits, uint64_t low) {
  const PjKirInst *cast = pj_kir_inst(k, bits);
  if (cast->op != PJ_KIR_BITCAST)
    return 0;
  PjKirVal sum = cast->args[0];
  const PjKirInst *made = pj_kir_inst(k, sum);
  bool wide = made->type.elem == PJ_KIR_F64;
  uint64_t big;
  if (made->op != PJ_KIR_FMA && made->op != PJ_KIR_FADD) // c may be 1
    return 0;
  PjKirVal added = made->args[made->num_args - 1];
  if (!pj_kir_is_const(k, added, &big) || big != (wide ? 0x4338000000000000 : 0x4b400000) + low)
    return 0;
  for (PjKirVal v = sum + 1; v < k->insts.len && v <= sum + NEAR; ++v) {
    const PjKirInst *inst = pj_kir_inst(k, v);
    if (inst->op == PJ_KIR_FSUB && inst->args[0] == sum && inst->args[1] == added &&
        inst->block == made->block)
      return v;
  }
  return 0;
}

// (p 2^(n + D)) 2^-D
static bool scaled_down(const PjKir *k, const PjKirInst *outer, X86Scaled *out) {
  enum { DOWN_F32 = 64, DOWN_F64 = 512 }; // ORDER exp-down
  bool wide = outer->type.elem == PJ_KIR_F64;
  uint64_t bits, low = wide ? 1023 + DOWN_F64 : 127 + DOWN_F32,
                 down = wide ? (uint64_t)(1023 - DOWN_F64) << 52 : (127 - DOWN_F32) << 23;
  for (int i = 0; i < 2; ++i) {
    const PjKirInst *inner = pj_kir_inst(k, outer->args[!i]);
    if (!pj_kir_is_const(k, outer->args[i], &bits) || bits != down || inner->op != PJ_KIR_FMUL)
      continue;
    for (int j = 0; j < 2; ++j) {
      PjKirVal whole = power_of(k, inner->args[j]);
      *out = (X86Scaled){inner->args[!j], whole ? number_of(k, whole, low) : 0};
      if (out->number)
        return true;
    }
  }
  return false;
}

bool x86_scaled(const Lower *l, PjKirVal v, X86Scaled *out) {
  const PjKir *k = l->k;
  const PjKirInst *outer = pj_kir_inst(k, v);
  if (!l->avx512 || outer->op != PJ_KIR_FMUL || outer->type.lanes == 1)
    return false;
  if (scaled_down(k, outer, out))
    return true;
  for (int i = 0; i < 2; ++i) {
    PjKirVal rest = power_of(k, outer->args[i]);
    const PjKirInst *left = pj_kir_inst(k, rest), *inner = pj_kir_inst(k, outer->args[!i]);
    if (!rest || left->op != PJ_KIR_SUB || inner->op != PJ_KIR_FMUL)
      continue;
    for (int j = 0; j < 2; ++j) {
      PjKirVal half = power_of(k, inner->args[j]), whole = half ? whole_of(k, half) : 0;
      if (!whole || left->args[0] != whole || left->args[1] != half)
        continue;
      *out = (X86Scaled){inner->args[!j],
                         number_of(k, whole, outer->type.elem == PJ_KIR_F64 ? 2046 : 254)};
      return out->number;
    }
  }
  return false;
}

void x86_lower_scaled(Lower *l, PjKirVal v, const X86Scaled *scaled) {
  PjKirType t = pj_kir_typeof(l->k, v);
  int size = x86_part_size(l, t.lanes, x86_bytes(t));
  Parts out = {.n = x86_num_parts(l, t.lanes, x86_bytes(t))};
  for (int i = 0; i < out.n; ++i)
    out.op[i] = x86_rvm(l, t.elem == PJ_KIR_F64 ? X86_VSCALEFPD : X86_VSCALEFPS, size,
                        x86_parts(l, scaled->of)->op[i], x86_parts(l, scaled->number)->op[i]);
  x86_set(l, v, &out);
}
