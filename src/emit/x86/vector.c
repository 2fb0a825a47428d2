// Vectors of integers and masks: arithmetic, comparisons, choices. What there is no instruction for
// goes lane by lane.
#include "emit/x86/lower.h"

enum { P = X86_P66, M = X86_M0F };

// Opcodes by bytes of a lane: 1, 2, 4, 8; 0: there is none.
typedef uint32_t Codes[4];
static const Codes add = {P | M | 0xfc, P | M | 0xfd, P | M | 0xfe, P | M | 0xd4};
static const Codes sub = {P | M | 0xf8, P | M | 0xf9, P | M | 0xfa, P | M | 0xfb};
static const Codes mul = {0, P | M | 0xd5, P | X86_M38 | 0x40, 0};
static const Codes smin = {P | X86_M38 | 0x38, P | M | 0xea, P | X86_M38 | 0x39, 0};
static const Codes smax = {P | X86_M38 | 0x3c, P | M | 0xee, P | X86_M38 | 0x3d, 0};
static const Codes umin = {P | M | 0xda, P | X86_M38 | 0x3a, P | X86_M38 | 0x3b, 0};
static const Codes umax = {P | M | 0xde, P | X86_M38 | 0x3e, P | X86_M38 | 0x3f, 0};
static const Codes equal = {P | M | 0x74, P | M | 0x75, P | M | 0x76, P | X86_M38 | 0x29};
static const Codes greater = {P | M | 0x64, P | M | 0x65, P | M | 0x66, P | X86_M38 | 0x37};
enum { AND = P | M | 0xdb, ANDN = P | M | 0xdf, OR = P | M | 0xeb, XOR = P | M | 0xef };

static int log2_of(int bytes) {
  return bytes == 1 ? 0 : bytes == 2 ? 1 : bytes == 4 ? 2 : 3;
}

// What the functions below need to know of a vector.
typedef struct Shape {
  int bytes, size, n, at; // bytes of a lane, of a part; parts; log2 of |bytes|
} Shape;

static Shape shape_of(int lanes, int bytes) {
  return (Shape){bytes, x86_part_size(lanes, bytes), x86_num_parts(lanes, bytes), log2_of(bytes)};
}

static X86Op all_ones(Lower *l) {
  return x86_splat_const(l, 8, ~0ull);
}

static X86Op invert(Lower *l, int size, X86Op a) {
  return x86_rvm_commuting(l, XOR, size, a, all_ones(l));
}

// ---- integers

static X86Op blend(Lower *l, Shape s, X86Op mask, X86Op yes, X86Op no) {
  static const uint32_t codes[] = {0x4c, 0x4c, 0x4a, 0x4b};
  return x86_blend(l, X86_M3A | P | codes[s.at], s.size, no, yes, mask);
}

static X86Op flip_sign(Lower *l, Shape s, X86Op a) {
  return x86_rvm_commuting(l, XOR, s.size, a,
                           x86_splat_const(l, s.bytes, 1ull << (8 * s.bytes - 1)));
}

// Where a < b.
static X86Op less(Lower *l, Shape s, bool is_signed, X86Op a, X86Op b) {
  if (!is_signed && !umax[s.at]) {
    a = flip_sign(l, s, a);
    b = flip_sign(l, s, b);
    is_signed = true;
  }
  if (is_signed)
    return x86_rvm(l, greater[s.at], s.size, b, a);
  // a >= b is max(a, b) == a
  return invert(
      l, s.size,
      x86_rvm_commuting(l, equal[s.at], s.size, x86_rvm_commuting(l, umax[s.at], s.size, a, b), a));
}

static X86Op less_or_equal(Lower *l, Shape s, bool is_signed, X86Op a, X86Op b) {
  if (!is_signed && umin[s.at])
    return x86_rvm_commuting(l, equal[s.at], s.size, x86_rvm_commuting(l, umin[s.at], s.size, a, b),
                             a);
  return invert(l, s.size, less(l, s, is_signed, b, a));
}

static X86Op extreme(Lower *l, Shape s, PjKirOp op, X86Op a, X86Op b) {
  const uint32_t *codes = op == PJ_KIR_SMIN   ? smin
                          : op == PJ_KIR_SMAX ? smax
                          : op == PJ_KIR_UMIN ? umin
                                              : umax;
  if (codes[s.at])
    return x86_rvm_commuting(l, codes[s.at], s.size, a, b);
  bool is_signed = op == PJ_KIR_SMIN || op == PJ_KIR_SMAX,
       least = op == PJ_KIR_SMIN || op == PJ_KIR_UMIN;
  a = x86_in_reg(l, X86_VEC, a);
  b = x86_in_reg(l, X86_VEC, b);
  X86Op first = less(l, s, is_signed, a, b); // a < b
  return least ? blend(l, s, first, a, b) : blend(l, s, first, b, a);
}

static X86Op shift_by(Lower *l, Shape s, PjKirOp op, X86Op a, int amount) {
  // Opcodes of the groups for 16, 32 and 64 bits; which of the group by |ext|.
  static const uint32_t codes[] = {0, P | M | 0x71, P | M | 0x72, P | M | 0x73};
  int ext = op == PJ_KIR_SHL ? 6 : op == PJ_KIR_LSHR ? 2 : 4;
  if (!amount)
    return a;
  return x86_vmi(l, codes[s.at], ext, s.size, a, amount);
}

// Shifts of 64-bit lanes that bring copies of the sign in: the bits, shifted, with the sign where
// it then stands, less it.
static X86Op shift_signed_64(Lower *l, Shape s, X86Op shifted, X86Op sign) {
  return x86_rvm(l, sub[3], s.size, x86_rvm_commuting(l, XOR, s.size, shifted, sign), sign);
}

static X86Op shift_8_by(Lower *l, Shape s, PjKirOp op, X86Op a, int amount) {
  Shape wide = s;
  wide.at = 1;
  uint32_t keep = op == PJ_KIR_SHL ? 0xffu << amount & 0xff : 0xffu >> amount;
  X86Op moved = shift_by(l, wide, op == PJ_KIR_SHL ? PJ_KIR_SHL : PJ_KIR_LSHR, a, amount);
  moved = x86_rvm_commuting(l, AND, s.size, moved, x86_splat_const(l, 1, keep));
  if (op != PJ_KIR_ASHR)
    return moved;
  X86Op sign = x86_splat_const(l, 1, 0x80u >> amount);
  return x86_rvm(l, sub[0], s.size, x86_rvm_commuting(l, XOR, s.size, moved, sign), sign);
}

static bool lower_shift(Lower *l, PjKirVal v, Shape s) {
  const PjKirInst *inst = pj_kir_inst(l->k, v);
  PjKirOp op = (PjKirOp)inst->op;
  uint64_t amount;
  bool uniform = pj_kir_is_const(l->k, inst->args[1], &amount) && amount < (uint64_t)s.bytes * 8;
  Parts out = {.n = s.n};
  for (int i = 0; i < s.n; ++i) {
    X86Op a = x86_parts(l, inst->args[0])->op[i];
    if (uniform && s.bytes == 1)
      out.op[i] = shift_8_by(l, s, op, a, (int)amount);
    else if (uniform && (op != PJ_KIR_ASHR || s.bytes != 8))
      out.op[i] = shift_by(l, s, op, a, (int)amount);
    else if (uniform) {
      X86Op sign = x86_splat_const(l, 8, 0x8000000000000000 >> amount);
      out.op[i] = shift_signed_64(l, s, shift_by(l, s, PJ_KIR_LSHR, a, (int)amount), sign);
    } else if (s.bytes >= 4) {
      X86Op b = x86_parts(l, inst->args[1])->op[i];
      uint32_t w = s.bytes == 8 ? X86_W : 0;
      uint32_t code = op == PJ_KIR_SHL ? 0x47 : op == PJ_KIR_ASHR && !w ? 0x46 : 0x45;
      out.op[i] = x86_rvm(l, P | X86_M38 | w | code, s.size, a, b);
      if (op == PJ_KIR_ASHR && w) {
        X86Op sign = x86_rvm(l, P | X86_M38 | w | 0x45, s.size,
                             x86_splat_const(l, 8, 0x8000000000000000), b);
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
  if (lanes * bytes * 2 > 32 * X86_MAX_PARTS)
    return false;
  Parts a = x86_widen(l, x86_parts(l, inst->args[0]), lanes, bytes, is_signed);
  Parts b = x86_widen(l, x86_parts(l, inst->args[1]), lanes, bytes, false);
  if (bytes == 1 && op != PJ_KIR_MUL) { // variable shifts begin at 32 bits
    if (lanes * 4 > 32 * X86_MAX_PARTS)
      return false;
    a = x86_widen(l, &a, lanes, 2, is_signed);
    b = x86_widen(l, &b, lanes, 2, false);
  }
  int wide = bytes == 1 && op == PJ_KIR_MUL ? 2 : 4;
  Shape s = shape_of(lanes, wide);
  for (int i = 0; i < s.n; ++i)
    if (op == PJ_KIR_MUL)
      a.op[i] = x86_rvm_commuting(l, mul[1], s.size, a.op[i], b.op[i]);
    else
      a.op[i] = x86_rvm(l,
                        P | X86_M38 |
                            (op == PJ_KIR_SHL    ? 0x47
                             : op == PJ_KIR_LSHR ? 0x45
                                                 : 0x46),
                        s.size, a.op[i], b.op[i]);
  a = x86_narrow(l, &a, lanes, wide, false);
  if (wide == 4 && bytes == 1)
    a = x86_narrow(l, &a, lanes, 2, false);
  x86_set(l, v, &a);
  return true;
}

// Low halves of products of 64 bits from products of 32.
static X86Op multiply_64(Lower *l, Shape s, X86Op a, X86Op b) {
  enum { PRODUCT = P | M | 0xf4 };
  a = x86_in_reg(l, X86_VEC, a);
  b = x86_in_reg(l, X86_VEC, b);
  X86Op cross = x86_rvm_commuting(l, PRODUCT, s.size, shift_by(l, s, PJ_KIR_LSHR, a, 32), b);
  X86Op other = x86_rvm_commuting(l, PRODUCT, s.size, shift_by(l, s, PJ_KIR_LSHR, b, 32), a);
  cross = shift_by(l, s, PJ_KIR_SHL, x86_rvm_commuting(l, add[3], s.size, cross, other), 32);
  return x86_rvm_commuting(l, add[3], s.size, x86_rvm_commuting(l, PRODUCT, s.size, a, b), cross);
}

// High halves of products of 32 bits: even lanes and odd lanes apart.
static X86Op high_product_32(Lower *l, Shape s, X86Op a, X86Op b) {
  enum { PRODUCT = P | M | 0xf4 };
  Shape wide = s;
  wide.at = 3;
  X86Op even = shift_by(l, wide, PJ_KIR_LSHR, x86_rvm_commuting(l, PRODUCT, s.size, a, b), 32);
  X86Op odd = x86_rvm_commuting(l, PRODUCT, s.size, shift_by(l, wide, PJ_KIR_LSHR, a, 32),
                                shift_by(l, wide, PJ_KIR_LSHR, b, 32));
  return x86_rvmi(l, X86_M3A | P | 0x02, s.size, even, odd, 0xaa); // vpblendd
}

static X86Op count_ones(Lower *l, Shape s, X86Op a) {
  static const uint8_t ones[32] = {0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4,
                                   0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4};
  X86Op table = x86_in_reg(l, X86_VEC, x86_pool(l, ones)), low = x86_splat_const(l, 1, 15);
  Shape words = s;
  words.at = 1;
  X86Op high = x86_rvm_commuting(l, AND, s.size, shift_by(l, words, PJ_KIR_LSHR, a, 4), low);
  X86Op sum = x86_rvm_commuting(
      l, add[0], s.size, x86_rvm(l, P | X86_M38 | 0x00, s.size, table, high),
      x86_rvm(l, P | X86_M38 | 0x00, s.size, table, x86_rvm_commuting(l, AND, s.size, a, low)));
  if (s.bytes == 8) // sums of 8 bytes each
    return x86_rvm(l, P | M | 0xf6, s.size, sum, x86_zero(l));
  if (s.bytes == 1)
    return sum;
  // The bytes of a lane: by ones to pairs, then pairs.
  sum = x86_rvm(l, P | X86_M38 | 0x04, s.size, sum, x86_splat_const(l, 1, 1)); // vpmaddubsw
  return s.bytes == 2 ? sum
                      : x86_rvm(l, P | M | 0xf5, s.size, sum, x86_splat_const(l, 2, 1)); // vpmaddwd
}

static X86Op plain(Lower *l, Shape s, const uint32_t *codes, X86Op a, X86Op b) {
  return codes == sub ? x86_rvm(l, codes[s.at], s.size, a, b)
                      : x86_rvm_commuting(l, codes[s.at], s.size, a, b);
}

static bool lower_integers(Lower *l, PjKirVal v, Shape s) {
  const PjKirInst *inst = pj_kir_inst(l->k, v);
  PjKirOp op = (PjKirOp)inst->op;
  if (op == PJ_KIR_SHL || op == PJ_KIR_LSHR || op == PJ_KIR_ASHR)
    return lower_shift(l, v, s) || through_wider(l, v, op == PJ_KIR_ASHR, op);
  if (op == PJ_KIR_MUL && s.bytes == 1)
    return through_wider(l, v, false, op);
  Parts out = {.n = s.n};
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
      out.op[i] = s.bytes == 8 ? multiply_64(l, s, a, b) : plain(l, s, mul, a, b);
      break;
    case PJ_KIR_UMULH:
      if (s.bytes == 2) {
        out.op[i] = x86_rvm_commuting(l, P | M | 0xe4, s.size, a, b); // vpmulhuw
        break;
      }
      if (s.bytes != 4)
        return false;
      out.op[i] = high_product_32(l, s, x86_in_reg(l, X86_VEC, a), x86_in_reg(l, X86_VEC, b));
      break;
    case PJ_KIR_SMIN:
    case PJ_KIR_SMAX:
    case PJ_KIR_UMIN:
    case PJ_KIR_UMAX:
      out.op[i] = extreme(l, s, op, a, b);
      break;
    case PJ_KIR_AND:
      out.op[i] = x86_rvm_commuting(l, AND, s.size, a, b);
      break;
    case PJ_KIR_OR:
      out.op[i] = x86_rvm_commuting(l, OR, s.size, a, b);
      break;
    case PJ_KIR_XOR:
      out.op[i] = x86_rvm_commuting(l, XOR, s.size, a, b);
      break;
    case PJ_KIR_POPCNT:
      out.op[i] = count_ones(l, s, x86_in_reg(l, X86_VEC, a));
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
  Shape s = shape_of(t.lanes, x86_bytes(t));
  static const uint8_t floats[] = {0, 4, 1, 2, 3}; // FEQ FNE FLT FLE UNO, ORDER kir-op
  Parts out = {.n = s.n};
  for (int i = 0; i < s.n; ++i) {
    X86Op a = x86_parts(l, inst->args[0])->op[i], b = x86_parts(l, inst->args[1])->op[i];
    bool is_signed = inst->op == PJ_KIR_SLT || inst->op == PJ_KIR_SLE;
    switch ((PjKirOp)inst->op) {
    case PJ_KIR_EQ:
      out.op[i] = x86_rvm_commuting(l, equal[s.at], s.size, a, b);
      break;
    case PJ_KIR_NE:
      out.op[i] = invert(l, s.size, x86_rvm_commuting(l, equal[s.at], s.size, a, b));
      break;
    case PJ_KIR_SLT:
    case PJ_KIR_ULT:
      out.op[i] = less(l, s, is_signed, a, b);
      break;
    case PJ_KIR_SLE:
    case PJ_KIR_ULE:
      out.op[i] = less_or_equal(l, s, is_signed, a, b);
      break;
    default:
      out.op[i] = x86_rvmi(l, M | 0xc2 | (s.bytes == 8 ? P : 0), s.size, a, b,
                           floats[inst->op - PJ_KIR_FEQ]);
    }
  }
  x86_set_mask(l, v, &out, s.bytes);
  return true;
}

static bool lower_mask_logic(Lower *l, PjKirVal v) {
  const PjKirInst *inst = pj_kir_inst(l->k, v);
  // The width of the operand that is no constant.
  int bytes = l->values[inst->args[pj_kir_inst(l->k, inst->args[0])->op == PJ_KIR_CONST]].mask;
  uint32_t code = inst->op == PJ_KIR_AND ? AND : inst->op == PJ_KIR_OR ? OR : XOR;
  if (!bytes)
    return false;
  Parts a = x86_mask(l, inst->args[0], bytes), b = x86_mask(l, inst->args[1], bytes);
  Shape s = shape_of(inst->type.lanes, bytes);
  for (int i = 0; i < s.n; ++i)
    a.op[i] = x86_rvm_commuting(l, code, s.size, a.op[i], b.op[i]);
  x86_set_mask(l, v, &a, bytes);
  return true;
}

// All lanes of a scalar i1.
static Parts spread_mask(Lower *l, PjKirVal mask, Shape s) {
  X86Op value = x86_in_reg(l, X86_GPR, x86_scalar(l, mask));
  X86Reg d = x86_new_reg(l, X86_GPR);
  X86Ins *ins = x86_ins(l, X86_G_NEG, 8);
  ins->a = value;
  ins->d = d;
  X86Op all = x86_broadcast(l, PJ_KIR_I64, s.size, pj_x86_reg(d));
  Parts parts = {.n = s.n};
  for (int i = 0; i < s.n; ++i)
    parts.op[i] = all;
  return parts;
}

static bool is_zero(Lower *l, PjKirVal v) {
  uint64_t bits;
  return pj_kir_inst(l->k, v)->op == PJ_KIR_CONST && pj_kir_is_const(l->k, v, &bits) && !bits;
}

static bool lower_select(Lower *l, PjKirVal v) {
  const PjKirInst *inst = pj_kir_inst(l->k, v);
  PjKirVal mask = inst->args[0];
  bool of_masks = inst->type.elem == PJ_KIR_I1;
  int bytes = of_masks ? l->values[inst->args[1]].mask : x86_bytes(inst->type);
  if (of_masks && pj_kir_inst(l->k, inst->args[1])->op == PJ_KIR_CONST)
    bytes = l->values[inst->args[2]].mask;
  if (!bytes)
    return false;
  Shape s = shape_of(inst->type.lanes, bytes);
  Parts m =
      pj_kir_typeof(l->k, mask).lanes == 1 ? spread_mask(l, mask, s) : x86_mask(l, mask, bytes);
  Parts yes = of_masks ? x86_mask(l, inst->args[1], bytes) : *x86_parts(l, inst->args[1]);
  Parts no = of_masks ? x86_mask(l, inst->args[2], bytes) : *x86_parts(l, inst->args[2]);
  bool floats = pj_kir_is_float(inst->type);
  uint32_t and_code = floats ? M | 0x54 : AND, andn_code = floats ? M | 0x55 : ANDN;
  Parts out = {.n = s.n};
  for (int i = 0; i < s.n; ++i)
    if (is_zero(l, inst->args[2]))
      out.op[i] = x86_rvm_commuting(l, and_code, s.size, m.op[i], yes.op[i]);
    else if (is_zero(l, inst->args[1]))
      out.op[i] = x86_rvm(l, andn_code, s.size, m.op[i], no.op[i]);
    else
      out.op[i] = blend(l, s, m.op[i], yes.op[i], no.op[i]);
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
  if (lower_integers(l, v, shape_of(inst->type.lanes, x86_bytes(inst->type))))
    return true;
  Parts parts = x86_scalarize(l, inst);
  x86_set(l, v, &parts);
  return true;
}
