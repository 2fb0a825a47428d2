// Vectors of integers and masks: arithmetic, comparisons, choices. What there is no instruction for
// goes lane by lane.
#include "emit/x86/masks.h"

// Encodings by bytes of a lane: 1, 2, 4, 8; 0: there is none.
typedef uint32_t Codes[4];
static const Codes add = {X86_VPADDB, X86_VPADDW, X86_VPADDD, X86_VPADDQ};
static const Codes sub = {X86_VPSUBB, X86_VPSUBW, X86_VPSUBD, X86_VPSUBQ};
static const Codes mul = {0, X86_VPMULLW, X86_VPMULLD, X86_VPMULLQ};
static const Codes smin = {X86_VPMINSB, X86_VPMINSW, X86_VPMINSD, X86_VPMINSQ};
static const Codes smax = {X86_VPMAXSB, X86_VPMAXSW, X86_VPMAXSD, X86_VPMAXSQ};
static const Codes umin = {X86_VPMINUB, X86_VPMINUW, X86_VPMINUD, X86_VPMINUQ};
static const Codes umax = {X86_VPMAXUB, X86_VPMAXUW, X86_VPMAXUD, X86_VPMAXUQ};
static const Codes shl = {0, X86_VPSLLVW, X86_VPSLLVD, X86_VPSLLVQ};
static const Codes lshr = {0, X86_VPSRLVW, X86_VPSRLVD, X86_VPSRLVQ};
static const Codes ashr = {0, X86_VPSRAVW, X86_VPSRAVD, X86_VPSRAVQ};

// 0 also where the instruction set does not have it.
static uint32_t code_of(const Lower *l, const uint32_t *codes, X86Shape s) {
  uint32_t code = codes[s.at];
  return code & X86_EVEX && !l->avx512 ? 0 : code;
}

// ---- integers

X86Op x86_extreme(Lower *l, X86Shape s, PjKirOp op, X86Op a, X86Op b) {
  const uint32_t *codes = op == PJ_KIR_SMIN   ? smin
                          : op == PJ_KIR_SMAX ? smax
                          : op == PJ_KIR_UMIN ? umin
                                              : umax;
  uint32_t code = code_of(l, codes, s);
  if (code)
    return x86_rvm_commuting(l, code, s.size, a, b);
  bool is_signed = op == PJ_KIR_SMIN || op == PJ_KIR_SMAX,
       least = op == PJ_KIR_SMIN || op == PJ_KIR_UMIN;
  a = x86_in_reg(l, X86_VEC, a);
  b = x86_in_reg(l, X86_VEC, b);
  X86Op first = l->masks->compare(l, s, is_signed ? PJ_KIR_SLT : PJ_KIR_ULT, a, b);
  return least ? l->masks->choose(l, s, false, first, a, b)
               : l->masks->choose(l, s, false, first, b, a);
}

X86Op x86_shift_lanes(Lower *l, X86Shape s, PjKirOp op, X86Op a, int amount) {
  static const uint32_t codes[] = {0, X86_VPSHIFTW, X86_VPSHIFTD, X86_VPSHIFTQ};
  int ext = op == PJ_KIR_SHL    ? X86_SHIFT_LEFT_OF
            : op == PJ_KIR_LSHR ? X86_SHIFT_RIGHT_OF
                                : X86_SHIFT_SIGNED_OF;
  if (!amount)
    return a;
  return x86_vmi(l, op == PJ_KIR_ASHR && s.bytes == 8 ? X86_VPSRAQ : codes[s.at], ext, s.size, a,
                 amount);
}

// Shifts of 64-bit lanes that bring copies of the sign in: the bits, shifted, with the sign where
// it then stands, less it.
static X86Op shift_signed_64(Lower *l, X86Shape s, X86Op shifted, X86Op sign) {
  return x86_rvm(l, sub[3], s.size, x86_rvm_commuting(l, X86_VPXOR, s.size, shifted, sign), sign);
}

static X86Op shift_8_by(Lower *l, X86Shape s, PjKirOp op, X86Op a, int amount) {
  X86Shape wide = s;
  wide.at = 1;
  uint32_t keep = op == PJ_KIR_SHL ? 0xffu << amount & 0xff : 0xffu >> amount;
  X86Op moved = x86_shift_lanes(l, wide, op == PJ_KIR_SHL ? PJ_KIR_SHL : PJ_KIR_LSHR, a, amount);
  moved = x86_rvm_commuting(l, X86_VPAND, s.size, moved, x86_splat_const(l, 1, keep));
  if (op != PJ_KIR_ASHR)
    return moved;
  X86Op sign = x86_splat_const(l, 1, 0x80u >> amount);
  return x86_rvm(l, sub[0], s.size, x86_rvm_commuting(l, X86_VPXOR, s.size, moved, sign), sign);
}

static const uint32_t *shift_codes(PjKirOp op) {
  return op == PJ_KIR_SHL ? shl : op == PJ_KIR_LSHR ? lshr : ashr;
}

static bool lower_shift(Lower *l, PjKirVal v, X86Shape s) {
  const PjKirInst *inst = pj_kir_inst(l->k, v);
  PjKirOp op = (PjKirOp)inst->op;
  uint64_t amount;
  bool uniform = pj_kir_is_const(l->k, inst->args[1], &amount) && amount < (uint64_t)s.bytes * 8;
  bool by_parts = op == PJ_KIR_ASHR && s.bytes == 8 && !l->avx512;
  uint32_t code = code_of(l, shift_codes(by_parts ? PJ_KIR_LSHR : op), s);
  Parts out = {.n = s.n};
  for (int i = 0; i < s.n; ++i) {
    X86Op a = x86_parts(l, inst->args[0])->op[i];
    if (uniform && s.bytes == 1)
      out.op[i] = shift_8_by(l, s, op, a, (int)amount);
    else if (uniform && !by_parts)
      out.op[i] = x86_shift_lanes(l, s, op, a, (int)amount);
    else if (uniform) {
      X86Op sign = x86_splat_const(l, 8, 0x8000000000000000 >> amount);
      out.op[i] = shift_signed_64(l, s, x86_shift_lanes(l, s, PJ_KIR_LSHR, a, (int)amount), sign);
    } else if (code) {
      X86Op b = x86_parts(l, inst->args[1])->op[i];
      out.op[i] = x86_rvm(l, code, s.size, a, b);
      if (by_parts) {
        X86Op sign = x86_rvm(l, code, s.size, x86_splat_const(l, 8, 0x8000000000000000), b);
        out.op[i] = shift_signed_64(l, s, out.op[i], sign);
      }
    } else
      return false;
  }
  x86_set(l, v, &out);
  return true;
}

// Through 32 or 16 bits: |make| on the halves, which come together again.
static bool through_wider(Lower *l, PjKirVal v, bool is_signed, PjKirOp op) {
  const PjKirInst *inst = pj_kir_inst(l->k, v);
  int lanes = inst->type.lanes, bytes = x86_bytes(inst->type);
  // Shifts of 16 bits by amounts of each lane are AVX-512's.
  int wide = bytes == 1 && (op == PJ_KIR_MUL || l->avx512) ? 2 : 4;
  if (x86_num_parts(l, lanes, wide) > X86_MAX_PARTS)
    return false;
  Parts a = *x86_parts(l, inst->args[0]), b = *x86_parts(l, inst->args[1]);
  for (int have = bytes; have < wide; have *= 2) {
    a = x86_widen(l, &a, lanes, have, is_signed);
    b = x86_widen(l, &b, lanes, have, false);
  }
  X86Shape s = x86_shape(l, lanes, wide);
  for (int i = 0; i < s.n; ++i)
    a.op[i] = op == PJ_KIR_MUL ? x86_rvm_commuting(l, mul[s.at], s.size, a.op[i], b.op[i])
                               : x86_rvm(l, shift_codes(op)[s.at], s.size, a.op[i], b.op[i]);
  for (int have = wide; have > bytes; have /= 2)
    a = x86_narrow(l, &a, lanes, have, false);
  x86_set(l, v, &a);
  return true;
}

// Low halves of products of 64 bits from products of 32.
static X86Op multiply_64(Lower *l, X86Shape s, X86Op a, X86Op b) {
  a = x86_in_reg(l, X86_VEC, a);
  b = x86_in_reg(l, X86_VEC, b);
  X86Op cross =
      x86_rvm_commuting(l, X86_VPMULUDQ, s.size, x86_shift_lanes(l, s, PJ_KIR_LSHR, a, 32), b);
  X86Op other =
      x86_rvm_commuting(l, X86_VPMULUDQ, s.size, x86_shift_lanes(l, s, PJ_KIR_LSHR, b, 32), a);
  cross = x86_shift_lanes(l, s, PJ_KIR_SHL, x86_rvm_commuting(l, add[3], s.size, cross, other), 32);
  return x86_rvm_commuting(l, add[3], s.size, x86_rvm_commuting(l, X86_VPMULUDQ, s.size, a, b),
                           cross);
}

// High halves of products of 32 bits: even lanes and odd lanes apart. |uniform|: all of |b| are the
// same.
static X86Op high_product_32(Lower *l, X86Shape s, X86Op a, X86Op b, bool uniform) {
  X86Shape wide = s;
  wide.at = 3;
  X86Op even =
      x86_shift_lanes(l, wide, PJ_KIR_LSHR, x86_rvm_commuting(l, X86_VPMULUDQ, s.size, a, b), 32);
  X86Op odd =
      x86_rvm_commuting(l, X86_VPMULUDQ, s.size, x86_shift_lanes(l, wide, PJ_KIR_LSHR, a, 32),
                        uniform ? b : x86_shift_lanes(l, wide, PJ_KIR_LSHR, b, 32));
  if (!l->avx512)
    return x86_rvmi(l, X86_VPBLENDD, s.size, even, odd, 0xaa);
  odd = x86_rvm_commuting(l, X86_VPAND, s.size, odd, x86_splat_const(l, 8, 0xffffffff00000000));
  return x86_rvm_commuting(l, X86_VPOR, s.size, even, odd);
}

static X86Op count_ones(Lower *l, X86Shape s, X86Op a) {
  uint8_t ones[64];
  for (int i = 0; i < 64; ++i)
    ones[i] = (uint8_t)((i & 1) + (i >> 1 & 1) + (i >> 2 & 1) + (i >> 3 & 1));
  X86Op table = x86_in_reg(l, X86_VEC, x86_pool(l, ones)), low = x86_splat_const(l, 1, 15);
  X86Shape words = s;
  words.at = 1;
  X86Op high =
      x86_rvm_commuting(l, X86_VPAND, s.size, x86_shift_lanes(l, words, PJ_KIR_LSHR, a, 4), low);
  X86Op sum = x86_rvm_commuting(
      l, add[0], s.size, x86_rvm(l, X86_VPSHUFB, s.size, table, high),
      x86_rvm(l, X86_VPSHUFB, s.size, table, x86_rvm_commuting(l, X86_VPAND, s.size, a, low)));
  if (s.bytes == 8) // sums of 8 bytes each
    return x86_rvm(l, X86_VPSADBW, s.size, sum, x86_zero(l));
  if (s.bytes == 1)
    return sum;
  // The bytes of a lane: by ones to pairs, then pairs.
  sum = x86_rvm(l, X86_VPMADDUBSW, s.size, sum, x86_splat_const(l, 1, 1));
  return s.bytes == 2 ? sum : x86_rvm(l, X86_VPMADDWD, s.size, sum, x86_splat_const(l, 2, 1));
}

// AVX2: zeros above the highest bit of 32, by the exponent of a float. Without the ones behind
// others no number is rounded up to the next power of two; 0 has the exponent -127, and what has
// the highest bit set is negative: saturation makes that 0.
static X86Op leading_zeros(Lower *l, X86Shape s, X86Op a) {
  a = x86_in_reg(l, X86_VEC, a);
  X86Op next = x86_shift_lanes(l, s, PJ_KIR_LSHR, a, 1);
  X86Op number = x86_rm(l, X86_VEC, X86_VCVTDQ2PS, s.size, x86_rvm(l, X86_VPANDN, s.size, next, a));
  X86Op exponent = x86_shift_lanes(l, s, PJ_KIR_LSHR, number, 23);
  X86Op zeros = x86_rvm(l, X86_VPSUBUSW, s.size, x86_splat_const(l, 4, 127 + 31), exponent);
  return x86_rvm_commuting(l, X86_VPMINSW, s.size, zeros, x86_splat_const(l, 4, 32));
}

static X86Op plain(Lower *l, X86Shape s, const uint32_t *codes, X86Op a, X86Op b) {
  return codes == sub ? x86_rvm(l, codes[s.at], s.size, a, b)
                      : x86_rvm_commuting(l, codes[s.at], s.size, a, b);
}

// Bytes within words: those that lie low by a product of the words, of whose high halves nobody
// asks, the others by one in which they begin it.
static X86Op multiply_8(Lower *l, X86Shape s, X86Op a, X86Op b) {
  X86Shape words = s;
  words.at = 1;
  a = x86_in_reg(l, X86_VEC, a);
  b = x86_in_reg(l, X86_VEC, b);
  X86Op even = x86_rvm_commuting(l, mul[1], s.size, a, b);
  X86Op high = x86_rvm_commuting(l, X86_VPAND, s.size, b, x86_splat_const(l, 2, 0xff00));
  X86Op odd =
      x86_rvm_commuting(l, mul[1], s.size, x86_shift_lanes(l, words, PJ_KIR_LSHR, a, 8), high);
  even = x86_rvm_commuting(l, X86_VPAND, s.size, even, x86_splat_const(l, 2, 0x00ff));
  return x86_rvm_commuting(l, X86_VPOR, s.size, even, odd);
}

static bool lower_integers(Lower *l, PjKirVal v, X86Shape s) {
  const PjKirInst *inst = pj_kir_inst(l->k, v);
  PjKirOp op = (PjKirOp)inst->op;
  if (op == PJ_KIR_SHL || op == PJ_KIR_LSHR || op == PJ_KIR_ASHR)
    return lower_shift(l, v, s) || through_wider(l, v, op == PJ_KIR_ASHR, op);
  const bool bytes = op == PJ_KIR_MUL && s.bytes == 1;
  if (bytes && inst->type.lanes < 16)
    return through_wider(l, v, false, op);
  Parts out = {.n = s.n};
  uint64_t bits;
  for (int i = 0; i < s.n; ++i) {
    X86Op a = x86_parts(l, inst->args[0])->op[i];
    X86Op b = inst->num_args > 1 ? x86_parts(l, inst->args[1])->op[i] : a;
    switch (op) {
    case PJ_KIR_ADD:
      out.op[i] = plain(l, s, add, a, b);
      break;
    case PJ_KIR_SUB:
      out.op[i] = plain(l, s, sub, a, b);
      break;
    case PJ_KIR_MUL:
      out.op[i] = bytes                ? multiply_8(l, s, a, b)
                  : code_of(l, mul, s) ? plain(l, s, mul, a, b)
                                       : multiply_64(l, s, a, b);
      break;
    case PJ_KIR_UMULH:
      if (s.bytes == 2) {
        out.op[i] = x86_rvm_commuting(l, X86_VPMULHUW, s.size, a, b);
        break;
      }
      if (s.bytes != 4)
        return false;
      out.op[i] = high_product_32(l, s, x86_in_reg(l, X86_VEC, a), x86_in_reg(l, X86_VEC, b),
                                  pj_kir_is_const(l->k, inst->args[1], &bits));
      break;
    case PJ_KIR_SMIN:
    case PJ_KIR_SMAX:
    case PJ_KIR_UMIN:
    case PJ_KIR_UMAX:
      out.op[i] = x86_extreme(l, s, op, a, b);
      break;
    case PJ_KIR_AND:
      out.op[i] = x86_rvm_commuting(l, X86_VPAND, s.size, a, b);
      break;
    case PJ_KIR_OR:
      out.op[i] = x86_rvm_commuting(l, X86_VPOR, s.size, a, b);
      break;
    case PJ_KIR_XOR:
      out.op[i] = x86_rvm_commuting(l, X86_VPXOR, s.size, a, b);
      break;
    case PJ_KIR_POPCNT:
      out.op[i] = count_ones(l, s, x86_in_reg(l, X86_VEC, a));
      break;
    case PJ_KIR_CTLZ:
      if (s.bytes < 4 || (s.bytes == 8 && !l->avx512))
        return false;
      out.op[i] = !l->avx512
                      ? leading_zeros(l, s, a)
                      : x86_rm(l, X86_VEC, s.bytes == 4 ? X86_VPLZCNTD : X86_VPLZCNTQ, s.size, a);
      break;
    default:
      return false;
    }
  }
  x86_set(l, v, &out);
  return true;
}

// ---- masks

static bool lower_comparison(Lower *l, PjKirVal v) {
  const PjKirInst *inst = pj_kir_inst(l->k, v);
  PjKirType t = pj_kir_typeof(l->k, inst->args[0]);
  X86Shape s = x86_shape(l, t.lanes, x86_bytes(t));
  Parts out = {.n = s.n};
  for (int i = 0; i < s.n; ++i)
    out.op[i] = l->masks->compare(l, s, (PjKirOp)inst->op, x86_parts(l, inst->args[0])->op[i],
                                  x86_parts(l, inst->args[1])->op[i]);
  x86_set_mask(l, v, &out, s.bytes);
  return true;
}

static bool lower_mask_logic(Lower *l, PjKirVal v) {
  const PjKirInst *inst = pj_kir_inst(l->k, v);
  // The width of the operand that is no constant.
  int bytes = l->values[inst->args[pj_kir_inst(l->k, inst->args[0])->op == PJ_KIR_CONST]].mask;
  if (!bytes)
    return false;
  Parts a = x86_mask(l, inst->args[0], bytes), b = x86_mask(l, inst->args[1], bytes);
  X86Shape s = x86_shape(l, inst->type.lanes, bytes);
  for (int i = 0; i < a.n; ++i)
    a.op[i] = l->masks->logic(l, s, (PjKirOp)inst->op, a.op[i], b.op[i]);
  x86_set_mask(l, v, &a, bytes);
  return true;
}

// All lanes of a scalar i1.
static Parts spread_mask(Lower *l, PjKirVal mask, X86Shape s) {
  X86Op all = l->masks->splat(l, s, x86_scalar(l, mask));
  Parts parts = {.n = s.n};
  for (int i = 0; i < s.n; ++i)
    parts.op[i] = all;
  return parts;
}

static void select_by_sign(Lower *l, PjKirVal v, PjKirVal of) {
  const PjKirInst *inst = pj_kir_inst(l->k, v);
  X86Shape s = x86_shape(l, inst->type.lanes, x86_bytes(inst->type));
  Parts out = {.n = s.n};
  for (int i = 0; i < s.n; ++i)
    out.op[i] =
        x86_choose_by_sign(l, s, x86_parts(l, of)->op[i], x86_parts(l, inst->args[1])->op[i],
                           x86_parts(l, inst->args[2])->op[i]);
  x86_set(l, v, &out);
}

static bool lower_select(Lower *l, PjKirVal v) {
  const PjKirInst *inst = pj_kir_inst(l->k, v);
  PjKirVal by_sign = x86_chosen_by_sign(l, v);
  if (by_sign) {
    select_by_sign(l, v, by_sign);
    return true;
  }
  PjKirVal mask = inst->args[0];
  bool of_masks = inst->type.elem == PJ_KIR_I1;
  int bytes = of_masks ? l->values[inst->args[1]].mask : x86_bytes(inst->type);
  if (of_masks && pj_kir_inst(l->k, inst->args[1])->op == PJ_KIR_CONST)
    bytes = l->values[inst->args[2]].mask;
  if (!bytes)
    return false;
  X86Shape s = x86_shape(l, inst->type.lanes, bytes);
  Parts m =
      pj_kir_typeof(l->k, mask).lanes == 1 ? spread_mask(l, mask, s) : x86_mask(l, mask, bytes);
  Parts yes = of_masks ? x86_mask(l, inst->args[1], bytes) : *x86_parts(l, inst->args[1]);
  Parts no = of_masks ? x86_mask(l, inst->args[2], bytes) : *x86_parts(l, inst->args[2]);
  Parts out = {.n = s.n};
  for (int i = 0; i < s.n; ++i)
    out.op[i] = of_masks ? l->masks->choose_mask(l, s, m.op[i], yes.op[i], no.op[i])
                         : l->masks->choose(l, s, pj_kir_is_float(inst->type), m.op[i], yes.op[i],
                                            no.op[i]);
  if (of_masks)
    x86_set_mask(l, v, &out, bytes);
  else
    x86_set(l, v, &out);
  return true;
}

// ---- lane by lane

Parts x86_scalarize(Lower *l, const PjKirInst *inst) {
  PjKirElem from = (PjKirElem)pj_kir_typeof(l->k, inst->args[0]).elem,
            to = (PjKirElem)inst->type.elem;
  X86Op lanes[PJ_KIR_MAX_LANES];
  for (int lane = 0; lane < inst->type.lanes; ++lane) {
    X86Op a = x86_extract(l, x86_parts(l, inst->args[0]), from, lane);
    X86Op b = inst->num_args > 1 ? x86_extract(l, x86_parts(l, inst->args[1]), from, lane)
                                 : pj_x86_imm(0);
    lanes[lane] = inst->op >= PJ_KIR_SEXT ? x86_scalar_convert(l, (PjKirOp)inst->op, from, to, a)
                                          : x86_scalar_int(l, (PjKirOp)inst->op, from, a, b);
  }
  return x86_build(l, to, inst->type.lanes, lanes);
}

bool x86_lower_vector(Lower *l, PjKirVal v) {
  const PjKirInst *inst = pj_kir_inst(l->k, v);
  PjKirOp op = (PjKirOp)inst->op;
  if (op == PJ_KIR_SELECT)
    return lower_select(l, v);
  if (op >= PJ_KIR_EQ && op <= PJ_KIR_UNO)
    return lower_comparison(l, v);
  if (op < PJ_KIR_ADD || op > PJ_KIR_POPCNT)
    return false;
  if (inst->type.elem == PJ_KIR_I1)
    return lower_mask_logic(l, v);
  if (lower_integers(l, v, x86_shape(l, inst->type.lanes, x86_bytes(inst->type))))
    return true;
  Parts parts = x86_scalarize(l, inst);
  x86_set(l, v, &parts);
  return true;
}
