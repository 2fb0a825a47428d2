// Scalars: integers in general registers, comparisons with their consumers, conversions.
#include "emit/x86/masks.h"

enum { ALU_ADD = 0, ALU_OR = 1, ALU_AND = 4, ALU_SUB = 5, ALU_XOR = 6 };
enum { SHIFT_LEFT = 4, SHIFT_RIGHT = 5, SHIFT_SIGNED = 7 };

static int bits_of(PjKirElem elem) {
  return elem == PJ_KIR_I1 ? 1 : 8 * pj_kir_elem_bytes(elem);
}

X86Op x86_extend(Lower *l, X86Op op, PjKirElem elem, bool is_signed) {
  if (elem != PJ_KIR_I8 && elem != PJ_KIR_I16)
    return op;
  if (op.kind == X86_IMM)
    return pj_x86_imm(is_signed ? op.imm : op.imm & ((1ll << bits_of(elem)) - 1));
  uint32_t enc = elem == PJ_KIR_I8 ? 0xb6 : 0xb7;
  return x86_gpr_rm(l, X86_M0F | (is_signed ? enc + 8 : enc), 4, op);
}

// Zeros above the lower 32 bits, for instructions that read 64.
static X86Op zero_extend_32(Lower *l, X86Op op) {
  if (op.kind == X86_IMM)
    return pj_x86_imm((int64_t)(uint32_t)op.imm);
  return x86_gpr_rm(l, 0x8b, 4, op);
}

static X86Op gpr(Lower *l, X86Op op) {
  return x86_in_reg(l, X86_GPR, op);
}

// ---- integers

// a (1 + 2^log2), as addresses are made: in one cycle instead of three.
static X86Op multiple(Lower *l, int size, X86Op a, int log2) {
  X86Op at = x86_memory(l, (X86Mem){.base = a.id, .index = a.id, .scale = (uint8_t)log2});
  X86Reg d = x86_new_reg(l, X86_GPR);
  X86Ins *ins = x86_ins(l, X86_G_LEA, size);
  ins->enc = 0x8d;
  ins->d = d;
  ins->b = at;
  return pj_x86_reg(d);
}

X86Op x86_product(Lower *l, int size, X86Op a, X86Op b) {
  if (a.kind == X86_IMM) {
    X86Op swap = a;
    a = b;
    b = swap;
  }
  a = gpr(l, a);
  for (int log2 = 1; b.kind == X86_IMM && log2 <= 3; ++log2)
    if (b.imm == 1 + (1 << log2))
      return multiple(l, size, a, log2);
  if (b.kind == X86_IMM && b.imm != (int32_t)b.imm)
    b = gpr(l, b);
  X86Ins *ins = x86_ins(l, X86_G_IMUL, size);
  ins->a = a;
  ins->b = b;
  X86Reg d = x86_new_reg(l, X86_GPR);
  ins->d = d;
  return pj_x86_reg(d);
}

static X86Op high_product(Lower *l, PjKirElem elem, X86Op a, X86Op b) {
  if (elem == PJ_KIR_I16)
    return x86_shift(
        l, SHIFT_RIGHT, 4,
        x86_product(l, 4, x86_extend(l, a, elem, false), x86_extend(l, b, elem, false)), 16);
  return x86_high_product(l, x86_gpr_size(elem), a, b);
}

// |test| compares a and b; d = yes where |cc| holds.
static X86Op choose(Lower *l, X86Class cls, X86Compare compare, int size, X86Op a, X86Op b, int cc,
                    X86Op yes, X86Op no) {
  if (b.kind == X86_IMM && b.imm != (int32_t)b.imm)
    b = gpr(l, b);
  X86Reg d = x86_new_reg(l, cls);
  X86Ins *ins = x86_ins(l, X86_G_CSEL, size);
  ins->compare = (uint8_t)compare;
  ins->a = a;
  ins->b = b;
  ins->cc = (uint8_t)cc;
  ins->sel[0] = yes;
  ins->sel[1] = no;
  ins->d = d;
  return pj_x86_reg(d);
}

static X86Op shift(Lower *l, PjKirOp op, PjKirElem elem, X86Op a, X86Op b) {
  int size = x86_gpr_size(elem);
  if (op != PJ_KIR_SHL)
    a = x86_extend(l, a, elem, op == PJ_KIR_ASHR);
  if (b.kind == X86_IMM)
    return x86_shift(l,
                     op == PJ_KIR_SHL    ? SHIFT_LEFT
                     : op == PJ_KIR_LSHR ? SHIFT_RIGHT
                                         : SHIFT_SIGNED,
                     size, a, (int)(b.imm & (size * 8 - 1)));
  uint32_t enc = X86_M38 | 0xf7 |
                 (op == PJ_KIR_SHL    ? X86_P66
                  : op == PJ_KIR_LSHR ? X86_PF2
                                      : X86_PF3);
  a = gpr(l, a);
  X86Reg d = x86_new_reg(l, X86_GPR);
  X86Ins *ins = x86_ins(l, X86_RMV, size);
  ins->enc = enc | (size == 8 ? X86_W : 0);
  ins->d = d;
  ins->a = a;
  ins->b = b; // bits of it above the width do not count
  return pj_x86_reg(d);
}

static X86Op count_bits(Lower *l, PjKirOp op, PjKirElem elem, X86Op a) {
  int size = x86_gpr_size(elem);
  a = gpr(l, x86_extend(l, a, elem, false));
  X86Op count = x86_gpr_rm(l, X86_PF3 | X86_M0F | (op == PJ_KIR_CTLZ ? 0xbd : 0xb8), size, a);
  int extra = op == PJ_KIR_CTLZ ? size * 8 - bits_of(elem) : 0;
  return extra ? x86_alu(l, ALU_SUB, size, count, pj_x86_imm(extra)) : count;
}

static X86Op pick_extreme(Lower *l, PjKirOp op, PjKirElem elem, X86Op a, X86Op b) {
  bool is_signed = op == PJ_KIR_SMIN || op == PJ_KIR_SMAX,
       least = op == PJ_KIR_SMIN || op == PJ_KIR_UMIN;
  a = gpr(l, x86_extend(l, a, elem, is_signed));
  b = gpr(l, x86_extend(l, b, elem, is_signed));
  int cc = is_signed ? (least ? X86_CC_L : X86_CC_G) : (least ? X86_CC_B : X86_CC_A);
  return choose(l, X86_GPR, X86_CMP_INT, x86_gpr_size(elem), a, b, cc, a, b);
}

X86Op x86_scalar_int(Lower *l, PjKirOp op, PjKirElem elem, X86Op a, X86Op b) {
  int size = x86_gpr_size(elem);
  switch (op) {
  case PJ_KIR_ADD:
    return x86_alu(l, ALU_ADD, size, a, b);
  case PJ_KIR_SUB:
    if (b.kind == X86_IMM && b.imm != INT64_MIN && -b.imm == (int32_t)-b.imm)
      return x86_alu(l, ALU_ADD, size, a, pj_x86_imm(-b.imm));
    return x86_alu(l, ALU_SUB, size, a, b);
  case PJ_KIR_AND:
    return x86_alu(l, ALU_AND, size, a, b);
  case PJ_KIR_OR:
    return x86_alu(l, ALU_OR, size, a, b);
  case PJ_KIR_XOR:
    return x86_alu(l, ALU_XOR, size, a, b);
  case PJ_KIR_MUL:
    return x86_product(l, size, a, b);
  case PJ_KIR_UMULH:
    return high_product(l, elem, a, b);
  case PJ_KIR_UDIV:
  case PJ_KIR_SDIV:
  case PJ_KIR_UREM:
  case PJ_KIR_SREM:
    return x86_divide(l, op, elem, a, b);
  case PJ_KIR_SMIN:
  case PJ_KIR_SMAX:
  case PJ_KIR_UMIN:
  case PJ_KIR_UMAX:
    return pick_extreme(l, op, elem, a, b);
  case PJ_KIR_SHL:
  case PJ_KIR_LSHR:
  case PJ_KIR_ASHR:
    return shift(l, op, elem, a, b);
  default:
    return count_bits(l, op, elem, a);
  }
}

// ---- comparisons

bool x86_is_comparison(const PjKirInst *inst) {
  return inst->type.lanes == 1 && inst->op >= PJ_KIR_EQ && inst->op <= PJ_KIR_UNO;
}

// A comparison as flags: what to compare, and the condition code.
typedef struct Flags {
  X86Compare compare;
  int size, cc;
  X86Op a, b;
} Flags;

// False if one condition code does not do: floats that are equal or not, where the flags of NaNs
// are in the way.
static bool flags_of(Lower *l, const PjKirInst *inst, Flags *out) {
  PjKirElem elem = (PjKirElem)pj_kir_typeof(l->k, inst->args[0]).elem;
  if (elem == PJ_KIR_F32 || elem == PJ_KIR_F64) {
    bool swapped = inst->op == PJ_KIR_FLT ||
                   inst->op == PJ_KIR_FLE; // "above" is false for NaNs, "below" is not
    X86Op a = x86_parts(l, inst->args[swapped])->op[0],
          b = x86_parts(l, inst->args[!swapped])->op[0];
    if (inst->op == PJ_KIR_FEQ || inst->op == PJ_KIR_FNE)
      return false;
    *out = (Flags){elem == PJ_KIR_F32 ? X86_CMP_F32 : X86_CMP_F64, 16,
                   inst->op == PJ_KIR_FLT   ? X86_CC_A
                   : inst->op == PJ_KIR_FLE ? X86_CC_AE
                                            : X86_CC_P,
                   x86_in_reg(l, X86_VEC, a), b};
    return true;
  }
  static const uint8_t codes[] = {X86_CC_E,  X86_CC_NE, X86_CC_L,
                                  X86_CC_LE, X86_CC_B,  X86_CC_BE}; // ORDER kir-op
  bool is_signed = inst->op == PJ_KIR_SLT || inst->op == PJ_KIR_SLE;
  X86Op a = gpr(l, x86_extend(l, x86_scalar(l, inst->args[0]), elem, is_signed));
  X86Op b = x86_extend(l, x86_scalar(l, inst->args[1]), elem, is_signed);
  if (b.kind == X86_IMM && b.imm != (int32_t)b.imm)
    b = gpr(l, b);
  *out = (Flags){X86_CMP_INT, x86_gpr_size(elem), codes[inst->op - PJ_KIR_EQ], a, b};
  return true;
}

// A mask of the lowest lane.
static X86Op float_mask(Lower *l, const PjKirInst *inst) {
  bool f32 = pj_kir_typeof(l->k, inst->args[0]).elem == PJ_KIR_F32;
  static const uint8_t codes[] = {0, 4, 1, 2, 3}; // FEQ FNE FLT FLE UNO, ORDER kir-op
  uint32_t enc = X86_VCMP | (f32 ? X86_SS : X86_SD);
  X86Op a = x86_parts(l, inst->args[0])->op[0], b = x86_parts(l, inst->args[1])->op[0];
  int how = codes[inst->op - PJ_KIR_FEQ];
  return l->avx512 ? x86_compare_bits(l, enc | X86_EVEX, 16, a, b, how)
                   : x86_rvmi(l, enc, 16, a, b, how);
}

X86Op x86_scalar_compare(Lower *l, const PjKirInst *inst) {
  Flags flags;
  if (!flags_of(l, inst, &flags)) {
    X86Op mask = float_mask(l, inst);
    mask = l->avx512 ? x86_from_reg(l, X86_GPR, X86_KMOVQ_TO, 16, mask)
                     : x86_mr(l, X86_GPR, X86_VMOVD_TO, 16, mask, -1);
    return x86_alu(l, ALU_AND, 4, mask, pj_x86_imm(1));
  }
  X86Reg d = x86_new_reg(l, X86_GPR);
  X86Ins *ins = x86_ins(l, X86_G_SETCC, flags.size);
  ins->compare = (uint8_t)flags.compare;
  ins->a = flags.a;
  ins->b = flags.b;
  ins->cc = (uint8_t)flags.cc;
  ins->d = d;
  return pj_x86_reg(d);
}

// The type of the floats that |v|, which is left to its users, compares, also several times; 0: it
// does not.
static int compared_floats(const Lower *l, PjKirVal v) {
  const PjKirInst *inst = pj_kir_inst(l->k, v);
  if (!l->values[v].lazy)
    return PJ_KIR_VOID;
  if (x86_is_comparison(inst))
    return inst->op >= PJ_KIR_FEQ ? pj_kir_typeof(l->k, inst->args[0]).elem : PJ_KIR_VOID;
  return compared_floats(l, inst->args[0]);
}

bool x86_joins_comparisons(const Lower *l, PjKirVal v) {
  const PjKirInst *inst = pj_kir_inst(l->k, v);
  if (inst->type.elem != PJ_KIR_I1 || inst->type.lanes != 1 ||
      (inst->op != PJ_KIR_AND && inst->op != PJ_KIR_OR && inst->op != PJ_KIR_XOR))
    return false;
  const int of = compared_floats(l, inst->args[0]);
  return of != PJ_KIR_VOID && of == compared_floats(l, inst->args[1]);
}

X86Op x86_scalar_lazy(Lower *l, PjKirVal v) {
  const PjKirInst *inst = pj_kir_inst(l->k, v);
  if (x86_is_comparison(inst))
    return x86_scalar_compare(l, inst);
  X86Op a = x86_scalar(l, inst->args[0]), b = x86_scalar(l, inst->args[1]);
  return x86_scalar_int(l, (PjKirOp)inst->op, PJ_KIR_I1, a, b);
}

// The same as a mask of the lowest lane: selects of floats need no general register then.
static X86Op float_mask_of(Lower *l, X86Shape s, PjKirVal v) {
  const PjKirInst *inst = pj_kir_inst(l->k, v);
  if (x86_is_comparison(inst))
    return float_mask(l, inst);
  X86Op a = float_mask_of(l, s, inst->args[0]), b = float_mask_of(l, s, inst->args[1]);
  return l->masks->logic(l, s, (PjKirOp)inst->op, a, b);
}

// The condition as flags: a comparison, or a register that is not zero.
static Flags condition_of(Lower *l, PjKirVal v) {
  Flags flags;
  const PjKirInst *inst = pj_kir_inst(l->k, v);
  if (l->values[v].lazy && x86_is_comparison(inst) && flags_of(l, inst, &flags))
    return flags;
  X86Op value = gpr(l, x86_scalar(l, v));
  return (Flags){X86_CMP_TEST, 4, X86_CC_NE, value, value};
}

void x86_branch(Lower *l, PjKirVal condition, bool when, uint32_t label) {
  Flags flags = condition_of(l, condition);
  X86Ins *ins = x86_ins(l, X86_JCC, flags.size);
  ins->compare = (uint8_t)flags.compare;
  ins->a = flags.a;
  ins->b = flags.b;
  ins->cc = (uint8_t)(flags.cc ^ !when);
  ins->label = label;
}

PjKirVal x86_chosen_by_sign(const Lower *l, PjKirVal v) {
  const PjKir *k = l->k;
  const PjKirInst *inst = pj_kir_inst(k, v);
  bool scalar = inst->type.lanes == 1;
  if (inst->op != PJ_KIR_SELECT || (scalar && !pj_kir_is_float(inst->type)))
    return 0;
  const PjKirInst *test = pj_kir_inst(k, inst->args[0]);
  uint64_t zero;
  if (test->op != PJ_KIR_SLT || !pj_kir_is_const(k, test->args[1], &zero) || zero)
    return 0;
  if (!scalar) // masks of bits are made by one instruction, too
    return !l->avx512 && test->type.lanes > 1 && x86_bytes(inst->type) >= 4 &&
                   inst->type.elem != PJ_KIR_I1 &&
                   x86_bytes(pj_kir_typeof(k, test->args[0])) == x86_bytes(inst->type)
               ? test->args[0]
               : 0;
  const PjKirInst *bits = pj_kir_inst(k, test->args[0]);
  if (bits->op == PJ_KIR_BITCAST)
    return pj_kir_typeof(k, bits->args[0]).elem == inst->type.elem ? bits->args[0] : 0;
  return l->values[test->args[0]].steps && x86_bytes(bits->type) == x86_bytes(inst->type)
             ? test->args[0]
             : 0;
}

X86Op x86_choose_by_sign(Lower *l, X86Shape s, X86Op of, X86Op yes, X86Op no) {
  of = x86_in_reg(l, X86_VEC, of);
  if (!l->avx512 && !x86_is_zero(l, yes) && !x86_is_zero(l, no)) // that is all blends look at
    return x86_blend(l, s.bytes == 4 ? X86_VBLENDVPS : X86_VBLENDVPD, s.size, no, yes, of);
  return l->masks->choose(l, s, true, l->masks->compare(l, s, PJ_KIR_SLT, of, x86_zero(l)), yes,
                          no);
}

X86Op x86_scalar_select(Lower *l, PjKirVal v) {
  const PjKirInst *inst = pj_kir_inst(l->k, v);
  PjKirVal mask = inst->args[0];
  if (x86_is_gpr(inst->type)) {
    X86Op yes = x86_scalar(l, inst->args[1]), no = x86_scalar(l, inst->args[2]);
    Flags flags = condition_of(l, mask);
    return choose(l, X86_GPR, flags.compare, flags.size, flags.a, flags.b, flags.cc, gpr(l, yes),
                  no);
  }
  X86Op yes = x86_parts(l, inst->args[1])->op[0], no = x86_parts(l, inst->args[2])->op[0];
  X86Shape s = x86_shape(l, 1, x86_bytes(inst->type));
  PjKirVal by_sign = x86_chosen_by_sign(l, v);
  if (by_sign)
    return x86_choose_by_sign(l, s, x86_parts(l, by_sign)->op[0], yes, no);
  X86Op lanes = compared_floats(l, mask) == inst->type.elem
                    ? float_mask_of(l, s, mask)
                    : l->masks->splat(l, s, x86_scalar(l, mask));
  return l->masks->choose(l, s, true, lanes, yes, no);
}

// ---- conversions

// A register whose upper lanes conversions may keep: they read them.
static X86Op clear(Lower *l) {
  return x86_in_reg(l, X86_VEC, x86_zero(l));
}

static uint32_t format(PjKirElem elem) {
  return x86_format(pj_kir_type(elem, 1));
}

// The same but for what it says of memory, which here holds an integer of |size| bytes.
static uint32_t of_integer(PjKirElem to, int size) {
  return (to == PJ_KIR_F32 ? X86_PF3 : X86_PF2) | (size == 8 ? X86_WW | X86_N8 : X86_N4);
}

static X86Op int_to_float(Lower *l, uint32_t enc, X86Op a, int size, PjKirElem to) {
  a = gpr(l, a);
  return x86_rvm(l, enc | of_integer(to, size), 16, clear(l), a);
}

static X86Op float_to_int(Lower *l, uint32_t enc, X86Op a, int size, PjKirElem from) {
  uint32_t of_float = from == PJ_KIR_F32 ? X86_SS : X86_PF2 | X86_N8; // W is the integer's
  return x86_rm(l, X86_GPR, enc | of_float | (size == 8 ? X86_WW : 0), 16,
                x86_in_reg(l, X86_VEC, a));
}

// Half of it with the lowest bit kept for rounding, converted and doubled, where the sign bit is
// set.
static X86Op u64_to_float(Lower *l, X86Op a, PjKirElem to) {
  if (l->avx512)
    return int_to_float(l, X86_VCVTUSI2F, a, 8, to);
  a = gpr(l, a);
  X86Op half = x86_alu(l, ALU_OR, 8, x86_shift(l, SHIFT_RIGHT, 8, a, 1),
                       x86_alu(l, ALU_AND, 8, a, pj_x86_imm(1)));
  X86Op small = choose(l, X86_GPR, X86_CMP_INT, 8, a, pj_x86_imm(0), X86_CC_L, half, a);
  X86Op f = int_to_float(l, X86_VCVTSI2F, small, 8, to);
  X86Op twice = x86_rvm(l, X86_VADD | format(to), 16, f, f);
  return choose(l, X86_VEC, X86_CMP_INT, 8, a, pj_x86_imm(0), X86_CC_L, twice, f);
}

static X86Op float_to_u64(Lower *l, X86Op a, PjKirElem from) {
  if (l->avx512)
    return float_to_int(l, X86_VCVTTF2USI, a, 8, from);
  bool f32 = from == PJ_KIR_F32;
  X86Op limit = x86_splat_const(l, f32 ? 4 : 8, f32 ? 0x5f000000 : 0x43e0000000000000); // 2^63
  a = x86_in_reg(l, X86_VEC, a);
  X86Op low = float_to_int(l, X86_VCVTTF2SI, a, 8, from);
  X86Op rest = x86_rvm(l, X86_VSUB | format(from), 16, a, limit);
  X86Op high = x86_alu(l, ALU_XOR, 8, float_to_int(l, X86_VCVTTF2SI, rest, 8, from),
                       gpr(l, pj_x86_imm(INT64_MIN)));
  return choose(l, X86_GPR, f32 ? X86_CMP_F32 : X86_CMP_F64, 16, a, limit, X86_CC_AE, high, low);
}

X86Op x86_scalar_convert(Lower *l, PjKirOp op, PjKirElem from, PjKirElem to, X86Op a) {
  bool f32 = from == PJ_KIR_F32;
  switch (op) {
  case PJ_KIR_SEXT:
    if (from == PJ_KIR_I1)
      return x86_alu(l, ALU_SUB, x86_gpr_size(to), pj_x86_imm(0), a);
    a = x86_extend(l, a, from, true);
    if (to != PJ_KIR_I64 || a.kind == X86_IMM)
      return a;
    return x86_gpr_rm(l, 0x63, 8, a); // movsxd
  case PJ_KIR_ZEXT:
    if (from == PJ_KIR_I32)
      return zero_extend_32(l, a);
    return x86_extend(l, a, from, false);
  case PJ_KIR_TRUNC:
    return to == PJ_KIR_I1 ? x86_alu(l, ALU_AND, 4, a, pj_x86_imm(1)) : a;
  case PJ_KIR_SITOFP:
    return int_to_float(l, X86_VCVTSI2F, x86_extend(l, a, from, true), x86_gpr_size(from), to);
  case PJ_KIR_UITOFP:
    if (from == PJ_KIR_I64)
      return u64_to_float(l, a, to);
    if (from == PJ_KIR_I32)
      return int_to_float(l, X86_VCVTSI2F, zero_extend_32(l, a), 8, to);
    return int_to_float(l, X86_VCVTSI2F, x86_extend(l, a, from, false), 4, to);
  case PJ_KIR_FPTOSI:
    return float_to_int(l, X86_VCVTTF2SI, a, x86_gpr_size(to), from);
  case PJ_KIR_FPTOUI:
    if (to == PJ_KIR_I64)
      return float_to_u64(l, a, from);
    return float_to_int(l, X86_VCVTTF2SI, a, to == PJ_KIR_I32 ? 8 : 4, from);
  case PJ_KIR_FPEXT:
    a = x86_in_reg(l, X86_VEC, a);
    return x86_rvm(l, X86_VCVTSS2SD, 16, a, a);
  case PJ_KIR_FPTRUNC:
    a = x86_in_reg(l, X86_VEC, a);
    return x86_rvm(l, X86_VCVTSD2SS, 16, a, a);
  case PJ_KIR_BITCAST: {
    bool wide = from == PJ_KIR_F64 || from == PJ_KIR_I64;
    if (f32 || from == PJ_KIR_F64)
      return x86_mr(l, X86_GPR, wide ? X86_VMOVQ_TO : X86_VMOVD_TO, 16, a, -1);
    return x86_rm(l, X86_VEC, wide ? X86_VMOVQ : X86_VMOVD, 16, gpr(l, a));
  }
  case PJ_KIR_F16TOF32:
    a = x86_rm(l, X86_VEC, X86_VMOVD, 16, gpr(l, a));
    return x86_rm(l, X86_VEC, X86_VCVTPH2PS, 16, a);
  case PJ_KIR_F32TOF16:
    a = x86_mr(l, X86_VEC, X86_VCVTPS2PH, 16, a, 0);
    return x86_mr(l, X86_GPR, X86_VMOVD_TO, 16, a, -1);
  default:
    x86_refuse(l, pj_kir_op_info[op].text);
    return a;
  }
}
