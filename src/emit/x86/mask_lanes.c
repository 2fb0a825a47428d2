// Masks of AVX2: vectors of lanes of all ones or all zeros.
#include "emit/x86/masks.h"

static X86Op all_ones(Lower *l) {
  return x86_splat_const(l, 8, ~0ull);
}

static X86Op constant(Lower *l, bool on) {
  return on ? all_ones(l) : x86_zero(l);
}

static X86Op splat(Lower *l, X86Shape s, X86Op scalar) {
  return x86_broadcast(l, PJ_KIR_I64, s.size, x86_negative(l, scalar));
}

static X86Op invert(Lower *l, X86Shape s, X86Op a) {
  return x86_rvm_commuting(l, X86_VPXOR, s.size, a, all_ones(l));
}

// ---- comparisons

static X86Op flip_sign(Lower *l, X86Shape s, X86Op a) {
  return x86_rvm_commuting(l, X86_VPXOR, s.size, a,
                           x86_splat_const(l, s.bytes, 1ull << (8 * s.bytes - 1)));
}

static X86Op equal(Lower *l, X86Shape s, X86Op a, X86Op b) {
  static const uint32_t codes[] = {X86_VPCMPEQB, X86_VPCMPEQW, X86_VPCMPEQD, X86_VPCMPEQQ};
  return x86_rvm_commuting(l, codes[s.at], s.size, a, b);
}

// Where a < b.
static X86Op less(Lower *l, X86Shape s, bool is_signed, X86Op a, X86Op b) {
  static const uint32_t greater[] = {X86_VPCMPGTB, X86_VPCMPGTW, X86_VPCMPGTD, X86_VPCMPGTQ};
  if (!is_signed && s.bytes == 8) {
    a = flip_sign(l, s, a);
    b = flip_sign(l, s, b);
    is_signed = true;
  }
  if (is_signed)
    return x86_rvm(l, greater[s.at], s.size, b, a);
  // a >= b is max(a, b) == a
  return invert(l, s, equal(l, s, x86_extreme(l, s, PJ_KIR_UMAX, a, b), a));
}

static X86Op less_or_equal(Lower *l, X86Shape s, bool is_signed, X86Op a, X86Op b) {
  if (!is_signed && s.bytes < 8)
    return equal(l, s, x86_extreme(l, s, PJ_KIR_UMIN, a, b), a);
  return invert(l, s, less(l, s, is_signed, b, a));
}

static X86Op compare(Lower *l, X86Shape s, PjKirOp op, X86Op a, X86Op b) {
  static const uint8_t floats[] = {0, 4, 1, 2, 3}; // FEQ FNE FLT FLE UNO, ORDER kir-op
  switch (op) {
  case PJ_KIR_EQ:
    return equal(l, s, a, b);
  case PJ_KIR_NE:
    return invert(l, s, equal(l, s, a, b));
  case PJ_KIR_SLT:
  case PJ_KIR_ULT:
    return less(l, s, op == PJ_KIR_SLT, a, b);
  case PJ_KIR_SLE:
  case PJ_KIR_ULE:
    return less_or_equal(l, s, op == PJ_KIR_SLE, a, b);
  default:
    return x86_rvmi(l, X86_VCMP | x86_packed(s.bytes == 8 ? PJ_KIR_F64 : PJ_KIR_F32), s.size, a, b,
                    floats[op - PJ_KIR_FEQ]);
  }
}

// ---- logic and choices

static X86Op logic(Lower *l, X86Shape s, PjKirOp op, X86Op a, X86Op b) {
  (void)s;
  uint32_t code = op == PJ_KIR_AND ? X86_VPAND : op == PJ_KIR_OR ? X86_VPOR : X86_VPXOR;
  return x86_rvm_commuting(l, code, 32, a, b);
}

static X86Op choose(Lower *l, X86Shape s, bool floats, X86Op mask, X86Op yes, X86Op no) {
  static const uint32_t codes[] = {X86_VPBLENDVB, X86_VPBLENDVB, X86_VBLENDVPS, X86_VBLENDVPD};
  if (x86_is_zero(l, no))
    return x86_rvm_commuting(l, floats ? X86_VAND | X86_PS : X86_VPAND, s.size, mask, yes);
  if (x86_is_zero(l, yes))
    return x86_rvm(l, floats ? X86_VANDN | X86_PS : X86_VPANDN, s.size, mask, no);
  return x86_blend(l, codes[s.at], s.size, no, yes, mask);
}

static X86Op choose_mask(Lower *l, X86Shape s, X86Op mask, X86Op yes, X86Op no) {
  return choose(l, s, false, mask, yes, no);
}

// ---- other widths, integers, bits

static Parts widen(Lower *l, const Parts *mask, int lanes, int bytes) {
  return x86_widen(l, mask, lanes, bytes, true);
}

static Parts narrow(Lower *l, const Parts *mask, int lanes, int bytes) {
  return x86_narrow(l, mask, lanes, bytes, true);
}

static X86Op of_lowest_bits(Lower *l, X86Shape s, X86Op lanes) {
  X86Op one = x86_splat_const(l, s.bytes, 1);
  return equal(l, s, x86_rvm_commuting(l, X86_VPAND, s.size, lanes, one), one);
}

static X86Op of_lanes(Lower *l, X86Shape s, X86Op lanes) {
  (void)l;
  (void)s;
  return lanes;
}

static X86Op to_int(Lower *l, X86Shape s, X86Op mask, bool is_signed) {
  return is_signed ? mask
                   : x86_rvm_commuting(l, X86_VPAND, s.size, mask, x86_splat_const(l, s.bytes, 1));
}

static X86Op bits(Lower *l, X86Shape s, X86Op mask) {
  uint32_t enc = s.bytes == 4 ? X86_VMOVMSKPS : s.bytes == 8 ? X86_VMOVMSKPD : X86_VPMOVMSKB;
  return x86_from_reg(l, X86_GPR, enc, s.size, x86_in_reg(l, X86_VEC, mask));
}

static int bits_per_lane(int bytes) {
  return bytes >= 4 ? 1 : bytes;
}

// ---- memory

static bool can_access(int lanes, int bytes) {
  return bytes >= 4 && lanes * bytes >= 16;
}

static X86Op load(Lower *l, X86Shape s, int lanes, X86Op mask, X86Op at) {
  (void)lanes;
  return x86_rvm(l, s.bytes == 4 ? X86_VMASKMOVPS_LOAD : X86_VMASKMOVPD_LOAD, s.size, mask, at);
}

static void store(Lower *l, X86Shape s, int lanes, X86Op mask, X86Op value, X86Op at) {
  (void)lanes;
  value = x86_in_reg(l, X86_VEC, value);
  mask = x86_in_reg(l, X86_VEC, mask);
  X86Ins *ins = x86_ins(l, X86_ST, s.size);
  ins->enc = s.bytes == 4 ? X86_VMASKMOVPS_STORE : X86_VMASKMOVPD_STORE;
  ins->a = value;
  ins->b = at;
  ins->c = mask;
}

const X86Masks x86_mask_lanes = {.cls = X86_VEC,
                                 .constant = constant,
                                 .splat = splat,
                                 .compare = compare,
                                 .logic = logic,
                                 .choose = choose,
                                 .choose_mask = choose_mask,
                                 .widen = widen,
                                 .narrow = narrow,
                                 .of_lowest_bits = of_lowest_bits,
                                 .of_lanes = of_lanes,
                                 .to_int = to_int,
                                 .bits = bits,
                                 .bits_per_lane = bits_per_lane,
                                 .can_access = can_access,
                                 .load = load,
                                 .store = store};
