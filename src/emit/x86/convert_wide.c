// Conversions of vectors that AVX2 has no instruction for: between floats and integers of 64 bits
// or of 32 without a sign. The bits of an integer stand in the fractions of large floats, whose
// sums and differences are exact but for one.
#include "emit/x86/masks.h"

enum { TOWARDS_ZERO = 11, DOWN = 9 };

static const uint64_t TWO_52 = 0x4330000000000000, TWO_84 = 0x4530000000000000;

static X86Op f64(Lower *l, uint64_t bits) {
  return x86_splat_const(l, 8, bits);
}

static X86Op add(Lower *l, int size, X86Op a, X86Op b) {
  return x86_rvm_commuting(l, X86_VADD | X86_PD, size, a, b);
}

static X86Op shift_right(Lower *l, int size, X86Op a, int amount) {
  return x86_vmi(l, X86_VPSHIFTQ, X86_SHIFT_RIGHT_OF, size, a, amount);
}

// The halves stand in the fractions of two large floats, whose sum less what they were large by is
// the number.
X86Op x86_u32_to_f32(Lower *l, int size, X86Op a) {
  a = x86_in_reg(l, X86_VEC, a);
  X86Op low = x86_rvmi(l, X86_VPBLENDW, size, a, x86_splat_const(l, 4, 0x4b000000), 0xaa);
  X86Op high = x86_rvm_commuting(l, X86_VPOR, size,
                                 x86_vmi(l, X86_VPSHIFTD, X86_SHIFT_RIGHT_OF, size, a, 16),
                                 x86_splat_const(l, 4, 0x53000000));
  X86Op rest = x86_rvm(l, X86_VSUB | X86_PS, size, high, x86_splat_const(l, 4, 0x53000080));
  return x86_rvm_commuting(l, X86_VADD | X86_PS, size, rest, low);
}

X86Op x86_u32_in_64_to_f64(Lower *l, int size, X86Op a) {
  X86Op above = x86_rvm_commuting(l, X86_VPOR, size, a, f64(l, TWO_52));
  return x86_rvm(l, X86_VSUB | X86_PD, size, above, f64(l, TWO_52));
}

// 2^52 and the lower half; 2^84 and the upper one, with its sign bit exchanged: then 2^63 more.
X86Op x86_int64_to_f64(Lower *l, int size, X86Op a, bool is_signed) {
  a = x86_in_reg(l, X86_VEC, a);
  X86Op low = x86_rvmi(l, X86_VPBLENDD, size, a, f64(l, TWO_52), 0xaa);
  X86Op high = x86_rvm_commuting(l, X86_VPXOR, size, shift_right(l, size, a, 32),
                                 f64(l, TWO_84 | (is_signed ? 0x80000000 : 0)));
  // 2^84 + 2^52, and 2^63
  X86Op large = f64(l, TWO_84 | 0x100000 | (is_signed ? 0x80000000 : 0));
  return add(l, size, x86_rvm(l, X86_VSUB | X86_PD, size, high, large), low);
}

// Of more than 53 bits the lowest are replaced by one that says whether any was set: then the
// double is exact, and rounds to f32 as the integer does.
X86Op x86_int64_for_f32(Lower *l, int size, X86Op a, bool is_signed) {
  a = x86_in_reg(l, X86_VEC, a);
  X86Op low = x86_splat_const(l, 8, 0x7ff);
  X86Op any =
      x86_rvm_commuting(l, X86_VPADDQ, size, x86_rvm_commuting(l, X86_VPAND, size, a, low), low);
  X86Op marked = x86_rvm(l, X86_VPANDN, size, low, x86_rvm_commuting(l, X86_VPOR, size, any, a));
  X86Op positive =
      is_signed ? x86_rvm_commuting(l, X86_VPADDQ, size, a, x86_splat_const(l, 8, 0x20000000000000))
                : a;
  X86Op narrow = x86_rvm_commuting(
      l, X86_VPCMPEQQ, size, shift_right(l, size, positive, is_signed ? 54 : 53), x86_zero(l));
  return x86_blend(l, X86_VBLENDVPD, size, marked, a, narrow);
}

// Numbers from 2^31 on are 0x80000000 for the instruction; less 2^31 they have the other bits.
X86Op x86_f32_to_u32(Lower *l, int size, X86Op a) {
  a = x86_in_reg(l, X86_VEC, a);
  X86Op small = x86_rm(l, X86_VEC, X86_VCVTTPS2DQ, size, a);
  X86Op less = x86_rvm(l, X86_VSUB | X86_PS, size, a, x86_splat_const(l, 4, 0x4f000000));
  X86Op other = x86_rm(l, X86_VEC, X86_VCVTTPS2DQ, size, less);
  X86Op large = x86_vmi(l, X86_VPSHIFTD, X86_SHIFT_SIGNED_OF, size, small, 31);
  return x86_rvm_commuting(l, X86_VPOR, size, small,
                           x86_rvm_commuting(l, X86_VPAND, size, other, large));
}

X86Op x86_f64_to_u32_in_64(Lower *l, int size, X86Op a) {
  X86Op whole = x86_rmi(l, X86_VROUNDPD, size, x86_in_reg(l, X86_VEC, a), TOWARDS_ZERO);
  return add(l, size, whole, f64(l, TWO_52)); // in the lower half
}

// The upper half is what of the whole number is left of 2^32, rounded down; the lower one the rest,
// from 0 to 2^32. 2^52 and half of it hold either's bits whatever the sign.
X86Op x86_f64_to_int64(Lower *l, int size, X86Op a) {
  const uint64_t large = TWO_52 | 0x8000000000000;
  X86Op whole = x86_rmi(l, X86_VROUNDPD, size, x86_in_reg(l, X86_VEC, a), TOWARDS_ZERO);
  X86Op scaled = x86_rvm_commuting(l, X86_VMUL | X86_PD, size, whole, f64(l, 0x3df0000000000000));
  X86Op high = x86_rmi(l, X86_VROUNDPD, size, scaled, DOWN);
  X86Op back = x86_rvm_commuting(l, X86_VMUL | X86_PD, size, high, f64(l, 0x41f0000000000000));
  X86Op low = add(l, size, x86_rvm(l, X86_VSUB | X86_PD, size, whole, back), f64(l, large));
  X86Op up =
      x86_vmi(l, X86_VPSHIFTQ, X86_SHIFT_LEFT_OF, size, add(l, size, high, f64(l, large)), 32);
  return x86_rvmi(l, X86_VPBLENDD, size, low, up, 0xaa);
}
