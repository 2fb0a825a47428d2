// Conversions of vectors.
#include "emit/x86/lower.h"

enum { P = X86_P66, M = X86_M0F };
enum { AND = P | M | 0xdb, OR = P | M | 0xeb };

// ---- twice and half the width

// The upper 16 bytes of a part.
static X86Op upper_half(Lower *l, X86Op part) {
  return x86_mr(l, X86_VEC, X86_M3A | P | 0x39, 32, part, 1); // vextracti128
}

Parts x86_widen(Lower *l, const Parts *from, int lanes, int bytes, bool is_signed) {
  int at = bytes == 1 ? 0 : bytes == 2 ? 1 : 2;
  static const uint8_t codes[2][3] = {{0x30, 0x33, 0x35}, {0x20, 0x23, 0x25}};
  uint32_t enc = X86_M38 | P | codes[is_signed][at];
  Parts out = {.n = x86_num_parts(lanes, 2 * bytes)};
  if (out.n > X86_MAX_PARTS) {
    x86_refuse(l, "too wide");
    return *from;
  }
  int size = x86_part_size(lanes, 2 * bytes);
  for (int i = 0; i < out.n; ++i) {
    X86Op source = x86_in_reg(l, X86_VEC, from->op[i / 2]);
    // Two parts come of one if it is full.
    bool upper = out.n > 1 && i % 2;
    out.op[i] = x86_rm(l, X86_VEC, enc, size, upper ? upper_half(l, source) : source);
  }
  return out;
}

// Two operands of one part's size become one: of 8 bytes by a shuffle, of 4 and 2 by packing. The
// instructions work in halves of 16 bytes, which vpermq puts in order.
//
// What is known of the numbers: nothing; that they fit without a sign; that they fit with one.
typedef enum Range { ANY, FITS, FITS_SIGNED } Range;

static X86Op pack(Lower *l, int bytes, Range range, int size, X86Op low, X86Op high) {
  low = x86_in_reg(l, X86_VEC, low);
  X86Op packed;
  if (bytes == 8)
    packed = x86_rvmi(l, M | 0xc6, size, low, high, 0x88); // vshufps
  else {
    bool same = low.kind == high.kind && low.id == high.id;
    if (range == ANY) {
      X86Op keep = x86_splat_const(l, bytes, bytes == 4 ? 0xffff : 0xff);
      low = x86_rvm_commuting(l, AND, size, low, keep);
      high = same ? low : x86_rvm_commuting(l, AND, size, high, keep);
    }
    uint32_t enc = range == FITS_SIGNED ? (bytes == 4 ? M | 0x6b : M | 0x63)
                                        : (bytes == 4 ? X86_M38 | 0x2b : M | 0x67);
    packed = x86_rvm(l, P | enc, size, low, high);
  }
  return size == 32 ? x86_rmi(l, X86_M3A | P | X86_W | 0x00, 32, packed, 0xd8) : packed;
}

static Parts narrow(Lower *l, const Parts *from, int lanes, int bytes, Range range) {
  int total = lanes * bytes;
  Parts out = {.n = x86_num_parts(lanes, bytes / 2)};
  if (total > 32)
    for (int i = 0; i < out.n; ++i)
      out.op[i] = pack(l, bytes, range, 32, from->op[2 * i], from->op[2 * i + 1]);
  else if (total == 32) {
    X86Op part = x86_in_reg(l, X86_VEC, from->op[0]);
    out.op[0] = pack(l, bytes, range, 16, part, upper_half(l, part));
  } else {
    X86Op part = x86_in_reg(l, X86_VEC, from->op[0]);
    out.op[0] = pack(l, bytes, range, 16, part, part);
  }
  return out;
}

// Bytes to four times the width: eight at a time, which the instruction takes from the low end.
static Parts widen_bytes(Lower *l, const Parts *from, int lanes, bool is_signed) {
  uint32_t enc = X86_M38 | P | (is_signed ? 0x21 : 0x31);
  Parts out = {.n = x86_num_parts(lanes, 4)};
  X86Op half = {0};
  for (int i = 0; i < out.n; ++i) {
    if (i % 4 == 0)
      half = x86_in_reg(l, X86_VEC, from->op[i / 4]);
    else if (i % 4 == 2)
      half = upper_half(l, half);
    X86Op source = i % 2 ? x86_rmi(l, M | P | 0x70, 16, half, 0xee) : half; // vpshufd
    out.op[i] = x86_rm(l, X86_VEC, enc, x86_part_size(lanes, 4), source);
  }
  return out;
}

Parts x86_narrow(Lower *l, const Parts *from, int lanes, int bytes, bool saturated) {
  return narrow(l, from, lanes, bytes, saturated ? FITS_SIGNED : ANY);
}

static Parts resize(Lower *l, Parts parts, int lanes, int from, int to, bool is_signed) {
  if (from == 1 && to >= 4 && x86_num_parts(lanes, 4) <= X86_MAX_PARTS) {
    parts = widen_bytes(l, &parts, lanes, is_signed);
    from = 4;
  }
  for (; from < to; from *= 2)
    parts = x86_widen(l, &parts, lanes, from, is_signed);
  for (; from > to; from /= 2)
    parts = x86_narrow(l, &parts, lanes, from, false);
  return parts;
}

// Numbers that fit after a shift to the right are packed as they are.
static Parts truncate(Lower *l, PjKirVal v, int lanes, int from, int to) {
  const PjKirInst *inst = pj_kir_inst(l->k, v);
  uint64_t amount;
  if (from != 4 || inst->op != PJ_KIR_LSHR || !pj_kir_is_const(l->k, inst->args[1], &amount) ||
      amount < 32 - 8 * (uint64_t)to || amount > 31)
    return resize(l, *x86_parts(l, v), lanes, from, to, false);
  Parts parts = *x86_parts(l, v);
  for (; from > to; from /= 2)
    parts = narrow(l, &parts, lanes, from, FITS);
  return parts;
}

// ---- masks

static Parts mask_to_int(Lower *l, PjKirVal mask, int lanes, int bytes, bool is_signed) {
  Parts parts = x86_mask(l, mask, bytes);
  int size = x86_part_size(lanes, bytes);
  for (int i = 0; i < parts.n && !is_signed; ++i)
    parts.op[i] = x86_rvm_commuting(l, AND, size, parts.op[i], x86_splat_const(l, bytes, 1));
  return parts;
}

static void int_to_mask(Lower *l, PjKirVal v, PjKirVal from) {
  static const uint32_t equal[] = {P | M | 0x74, P | M | 0x75, P | M | 0x76, P | X86_M38 | 0x29};
  PjKirType t = pj_kir_typeof(l->k, from);
  int bytes = x86_bytes(t), size = x86_part_size(t.lanes, bytes);
  Parts parts = *x86_parts(l, from);
  X86Op one = x86_splat_const(l, bytes, 1);
  for (int i = 0; i < parts.n; ++i) {
    X86Op low = x86_rvm_commuting(l, AND, size, parts.op[i], one);
    parts.op[i] = x86_rvm_commuting(l,
                                    equal[bytes == 1   ? 0
                                          : bytes == 2 ? 1
                                          : bytes == 4 ? 2
                                                       : 3],
                                    size, low, one);
  }
  x86_set_mask(l, v, &parts, bytes);
}

// ---- integers and floats

// Unsigned 32-bit integers to f32 with one rounding: the halves stand in the fractions of two large
// floats, whose sum less what they were large by is the number.
static X86Op u32_to_f32(Lower *l, int size, X86Op a) {
  a = x86_in_reg(l, X86_VEC, a);
  X86Op low =
      x86_rvmi(l, X86_M3A | P | 0x0e, size, a, x86_splat_const(l, 4, 0x4b000000), 0xaa); // vpblendw
  X86Op high = x86_rvm_commuting(l, OR, size, x86_vmi(l, P | M | 0x72, 2, size, a, 16),
                                 x86_splat_const(l, 4, 0x53000000));
  X86Op rest = x86_rvm(l, M | 0x5c, size, high, x86_splat_const(l, 4, 0x53000080));
  return x86_rvm_commuting(l, M | 0x58, size, rest, low);
}

// A vector of four-byte lanes to one of eight-byte lanes, part by part, by an instruction that
// reads the lower half.
static Parts spread(Lower *l, const Parts *from, int lanes, uint32_t enc) {
  Parts out = {.n = x86_num_parts(lanes, 8)};
  for (int i = 0; i < out.n; ++i) {
    X86Op source = x86_in_reg(l, X86_VEC, from->op[i / 2]);
    out.op[i] = x86_rm(l, X86_VEC, enc, x86_part_size(lanes, 8),
                       out.n > 1 && i % 2 ? upper_half(l, source) : source);
  }
  return out;
}

// The other way round: each part gives half a part.
static Parts gather_halves(Lower *l, const Parts *from, int lanes, uint32_t enc) {
  Parts out = {.n = x86_num_parts(lanes, 4)};
  int size = x86_part_size(lanes, 8);
  for (int i = 0; i < out.n; ++i) {
    if (lanes <= 4) {
      out.op[i] = x86_rm(l, X86_VEC, enc, size, x86_in_reg(l, X86_VEC, from->op[i]));
      continue;
    }
    X86Op low = x86_rm(l, X86_VEC, enc, size, x86_in_reg(l, X86_VEC, from->op[2 * i]));
    X86Op high = x86_rm(l, X86_VEC, enc, size, x86_in_reg(l, X86_VEC, from->op[2 * i + 1]));
    out.op[i] = x86_rvmi(l, X86_M3A | P | 0x18, 32, low, high, 1); // vinsertf128
  }
  return out;
}

static Parts each_part(Lower *l, Parts parts, int size, uint32_t enc) {
  for (int i = 0; i < parts.n; ++i)
    parts.op[i] = x86_rm(l, X86_VEC, enc, size, x86_in_reg(l, X86_VEC, parts.op[i]));
  return parts;
}

static bool int_to_float(Lower *l, const PjKirInst *inst, Parts *out) {
  PjKirType t = pj_kir_typeof(l->k, inst->args[0]);
  int bytes = x86_bytes(t), lanes = t.lanes;
  bool is_signed = inst->op == PJ_KIR_SITOFP, f64 = inst->type.elem == PJ_KIR_F64;
  if (bytes == 8 || (bytes == 4 && !is_signed && f64))
    return false;
  Parts parts = resize(l, *x86_parts(l, inst->args[0]), lanes, bytes, 4, is_signed);
  int size = x86_part_size(lanes, 4);
  if (f64)
    *out = spread(l, &parts, lanes, M | X86_PF3 | 0xe6); // vcvtdq2pd
  else if (is_signed || bytes < 4)
    *out = each_part(l, parts, size, M | 0x5b); // vcvtdq2ps
  else {
    *out = parts;
    for (int i = 0; i < out->n; ++i)
      out->op[i] = u32_to_f32(l, size, out->op[i]);
  }
  return true;
}

static bool float_to_int(Lower *l, const PjKirInst *inst, Parts *out) {
  PjKirType t = pj_kir_typeof(l->k, inst->args[0]);
  int lanes = t.lanes, bytes = x86_bytes(inst->type);
  if (bytes == 8 || (bytes == 4 && inst->op == PJ_KIR_FPTOUI))
    return false;
  Parts parts = *x86_parts(l, inst->args[0]);
  if (t.elem == PJ_KIR_F64)
    parts = gather_halves(l, &parts, lanes, P | M | 0xe6); // vcvttpd2dq
  else
    parts = each_part(l, parts, x86_part_size(lanes, 4), M | X86_PF3 | 0x5b); // vcvttps2dq
  *out = resize(l, parts, lanes, 4, bytes, false);
  return true;
}

static Parts f16_to_f32(Lower *l, const PjKirInst *inst) {
  int lanes = inst->type.lanes;
  const Parts *from = x86_parts(l, inst->args[0]);
  Parts out = {.n = x86_num_parts(lanes, 4)};
  for (int i = 0; i < out.n; ++i) {
    X86Op source = x86_in_reg(l, X86_VEC, from->op[i / 2]);
    out.op[i] = x86_rm(l, X86_VEC, X86_M38 | P | 0x13, x86_part_size(lanes, 4),
                       out.n > 1 && i % 2 ? upper_half(l, source) : source);
  }
  return out;
}

static Parts f32_to_f16(Lower *l, const PjKirInst *inst) {
  int lanes = inst->type.lanes;
  Parts parts = *x86_parts(l, inst->args[0]);
  Parts out = {.n = x86_num_parts(lanes, 2)};
  for (int i = 0; i < parts.n; ++i)
    parts.op[i] = x86_mr(l, X86_VEC, X86_M3A | P | 0x1d, x86_part_size(lanes, 4), parts.op[i], 0);
  for (int i = 0; i < out.n; ++i)
    out.op[i] = parts.n == 1
                    ? parts.op[0]
                    : x86_rvmi(l, X86_M3A | P | 0x38, 32, parts.op[2 * i], parts.op[2 * i + 1], 1);
  return out;
}

bool x86_lower_convert(Lower *l, PjKirVal v) {
  const PjKirInst *inst = pj_kir_inst(l->k, v);
  if (inst->op < PJ_KIR_SEXT || inst->op > PJ_KIR_F32TOF16)
    return false;
  PjKirType from = pj_kir_typeof(l->k, inst->args[0]), to = inst->type;
  Parts out;
  switch ((PjKirOp)inst->op) {
  case PJ_KIR_SEXT:
  case PJ_KIR_ZEXT:
    if (from.elem == PJ_KIR_I1)
      out = mask_to_int(l, inst->args[0], to.lanes, x86_bytes(to), inst->op == PJ_KIR_SEXT);
    else
      out = resize(l, *x86_parts(l, inst->args[0]), to.lanes, x86_bytes(from), x86_bytes(to),
                   inst->op == PJ_KIR_SEXT);
    break;
  case PJ_KIR_TRUNC:
    if (to.elem == PJ_KIR_I1) {
      int_to_mask(l, v, inst->args[0]);
      return true;
    }
    out = truncate(l, inst->args[0], to.lanes, x86_bytes(from), x86_bytes(to));
    break;
  case PJ_KIR_SITOFP:
  case PJ_KIR_UITOFP:
    if (!int_to_float(l, inst, &out))
      out = x86_scalarize(l, inst);
    break;
  case PJ_KIR_FPTOSI:
  case PJ_KIR_FPTOUI:
    if (!float_to_int(l, inst, &out))
      out = x86_scalarize(l, inst);
    break;
  case PJ_KIR_FPEXT:
    out = spread(l, x86_parts(l, inst->args[0]), to.lanes, M | 0x5a);
    break;
  case PJ_KIR_FPTRUNC:
    out = gather_halves(l, x86_parts(l, inst->args[0]), to.lanes, P | M | 0x5a);
    break;
  case PJ_KIR_BITCAST:
    out = *x86_parts(l, inst->args[0]);
    break;
  case PJ_KIR_F16TOF32:
    out = f16_to_f32(l, inst);
    break;
  default:
    out = f32_to_f16(l, inst);
  }
  x86_set(l, v, &out);
  return true;
}
