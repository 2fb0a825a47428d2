// Masks of AVX-512: bits of mask registers, one per lane. Bits above the lanes may be anything.
#include "emit/x86/masks.h"

// Encodings by bytes of a lane: those of even places with EW.
static uint32_t by_width(X86Shape s, uint32_t narrow, uint32_t wide) {
  return (s.bytes <= 2 ? narrow : wide) | (s.bytes == 2 || s.bytes == 8 ? X86_EW : 0);
}

static X86Op constant(Lower *l, bool on) {
  (void)l;
  return pj_x86_imm(on ? -1 : 0);
}

static X86Op splat(Lower *l, X86Shape s, X86Op scalar) {
  (void)s;
  return x86_from_reg(l, X86_MASK, X86_KMOVQ_FROM, 16, x86_negative(l, scalar));
}

static X86Op compare(Lower *l, X86Shape s, PjKirOp op, X86Op a, X86Op b) {
  static const uint8_t codes[] = {0, 4, 1, 2, 1, 2, // EQ NE SLT SLE ULT ULE
                                  0, 4, 1, 2, 3};   // FEQ FNE FLT FLE UNO, ORDER kir-op
  enum { GREATER = 14, NOT_LESS = 13 };
  uint32_t enc;
  if (op >= PJ_KIR_FEQ) {
    enc = X86_VCMP | X86_EVEX | x86_packed(s.bytes == 8 ? PJ_KIR_F64 : PJ_KIR_F32);
    if ((op == PJ_KIR_FLT || op == PJ_KIR_FLE) && !x86_is_reg(a) && x86_is_reg(b))
      return x86_compare_bits(l, enc, s.size, b, a, op == PJ_KIR_FLT ? GREATER : NOT_LESS);
  } else if (op == PJ_KIR_ULT || op == PJ_KIR_ULE)
    enc = by_width(s, X86_VPCMPUB, X86_VPCMPUD);
  else
    enc = by_width(s, X86_VPCMPB, X86_VPCMPD);
  return x86_compare_bits(l, enc, s.size, a, b, codes[op - PJ_KIR_EQ]);
}

// Of an instruction on masks with as many bits as lanes need: there are twice as many places for
// short ones.
static uint32_t by_lanes(X86Shape s, uint32_t q) {
  int lanes = s.size / s.bytes;
  return lanes > 32 ? q : lanes > 16 ? q | X86_P66 : q & ~(uint32_t)X86_W;
}

static X86Op invert(Lower *l, X86Shape s, X86Op mask) {
  return x86_from_reg(l, X86_MASK, by_lanes(s, X86_KNOTQ), 16, x86_in_reg(l, X86_MASK, mask));
}

static X86Op logic(Lower *l, X86Shape s, PjKirOp op, X86Op a, X86Op b) {
  if (op == PJ_KIR_XOR && (a.kind == X86_IMM || b.kind == X86_IMM)) {
    X86Op same = a.kind == X86_IMM ? b : a;
    return (a.kind == X86_IMM ? a : b).imm ? invert(l, s, same) : same;
  }
  uint32_t code = op == PJ_KIR_AND ? X86_KANDQ : op == PJ_KIR_OR ? X86_KORQ : X86_KXORQ;
  return x86_mask_op(l, by_lanes(s, code), a, b);
}

static X86Op choose(Lower *l, X86Shape s, bool floats, X86Op mask, X86Op yes, X86Op no) {
  (void)floats;
  mask = x86_in_reg(l, X86_MASK, mask);
  if (x86_is_zero(l, no)) {
    uint32_t move = s.bytes == 1   ? X86_VMOVDQU8_LOAD
                    : s.bytes == 2 ? X86_VMOVDQU16_LOAD
                    : s.bytes == 4 ? X86_VMOVUPS_LOAD
                                   : X86_VMOVUPD_LOAD;
    return x86_zero_where_off(l, mask, x86_rm(l, X86_VEC, move, s.size, yes));
  }
  no = x86_in_reg(l, X86_VEC, no);
  X86Op d = x86_rvm(l, by_width(s, X86_VPBLENDMB, X86_VBLENDMPS), s.size, no, yes);
  l->f->code.data[l->f->code.len - 1].mask = mask.id;
  return d;
}

static X86Op choose_mask(Lower *l, X86Shape s, X86Op mask, X86Op yes, X86Op no) {
  return x86_mask_op(l, by_lanes(s, X86_KORQ), x86_mask_op(l, by_lanes(s, X86_KANDQ), mask, yes),
                     x86_mask_op(l, by_lanes(s, X86_KANDNQ), mask, no));
}

// ---- other widths, integers, bits

static X86Op shift(Lower *l, uint32_t enc, X86Op mask, int amount) {
  mask = x86_from_reg(l, X86_MASK, enc, 16, x86_in_reg(l, X86_MASK, mask));
  X86Ins *ins = &l->f->code.data[l->f->code.len - 1];
  ins->has_imm = true;
  ins->imm = amount;
  return mask;
}

// A part with more lanes than one of the wider lanes has becomes two.
static Parts widen(Lower *l, const Parts *mask, int lanes, int bytes) {
  Parts out = {.n = x86_num_parts(l, lanes, 2 * bytes)};
  int per_part = l->f->vector_bytes / (2 * bytes);
  for (int i = 0; i < out.n; ++i)
    out.op[i] = i % 2 ? shift(l, X86_KSHIFTRQ, mask->op[i / 2], per_part) : mask->op[i / 2];
  return out;
}

static Parts narrow(Lower *l, const Parts *mask, int lanes, int bytes) {
  uint32_t code = bytes == 8 ? X86_KUNPCKBW : bytes == 4 ? X86_KUNPCKWD : X86_KUNPCKDQ;
  Parts out = {.n = x86_num_parts(l, lanes, bytes / 2)};
  for (int i = 0; i < out.n; ++i)
    out.op[i] =
        mask->n == 1 ? mask->op[0] : x86_mask_op(l, code, mask->op[2 * i + 1], mask->op[2 * i]);
  return out;
}

static X86Op of_lowest_bits(Lower *l, X86Shape s, X86Op lanes) {
  return x86_compare_bits(l, by_width(s, X86_VPTESTMB, X86_VPTESTMD), s.size, lanes,
                          x86_splat_const(l, s.bytes, 1), -1);
}

static X86Op of_lanes(Lower *l, X86Shape s, X86Op lanes) {
  return of_lowest_bits(l, s, lanes);
}

static X86Op to_int(Lower *l, X86Shape s, X86Op mask, bool is_signed) {
  if (!is_signed)
    return choose(l, s, false, mask, x86_splat_const(l, s.bytes, 1), x86_zero(l));
  return x86_from_reg(l, X86_VEC, by_width(s, X86_VPMOVM2B, X86_VPMOVM2D), s.size,
                      x86_in_reg(l, X86_MASK, mask));
}

static X86Op bits(Lower *l, X86Shape s, X86Op mask) {
  (void)s;
  return x86_from_reg(l, X86_GPR, X86_KMOVQ_TO, 16, x86_in_reg(l, X86_MASK, mask));
}

static int bits_per_lane(int bytes) {
  (void)bytes;
  return 1;
}

// ---- memory

static bool can_access(int lanes, int bytes) {
  return lanes > 1 && lanes * bytes > 1;
}

// Of less than 16 bytes, the lanes that are not there must be off.
static X86Op lanes_there(Lower *l, X86Shape s, int lanes, X86Op mask) {
  mask = x86_in_reg(l, X86_MASK, mask);
  if (lanes * s.bytes >= 16)
    return mask;
  return shift(l, X86_KSHIFTRQ, shift(l, X86_KSHIFTLQ, mask, 64 - lanes), 64 - lanes);
}

static X86Op load(Lower *l, X86Shape s, int lanes, X86Op mask, X86Op at) {
  return choose(l, s, false, lanes_there(l, s, lanes, mask), at, x86_zero(l));
}

static void store(Lower *l, X86Shape s, int lanes, X86Op mask, X86Op value, X86Op at) {
  static const uint32_t codes[] = {X86_VMOVDQU8_STORE, X86_VMOVDQU16_STORE, X86_VMOVUPS_STORE,
                                   X86_VMOVUPD_STORE};
  mask = lanes_there(l, s, lanes, mask);
  value = x86_in_reg(l, X86_VEC, value);
  X86Ins *ins = x86_ins(l, X86_ST, s.size);
  ins->enc = codes[s.at];
  ins->a = value;
  ins->b = at;
  ins->mask = mask.id;
}

const X86Masks x86_mask_bits = {.cls = X86_MASK,
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
