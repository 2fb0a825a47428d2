// Conversions of vectors.
#include "emit/x86/masks.h"

// ---- pieces of parts

X86Op x86_chunk(Lower *l, X86Op part, int i) {
  part = x86_in_reg(l, X86_VEC, part);
  return i ? x86_mr(l, X86_VEC, X86_VEXTRACTI128, i < 2 ? 32 : 64, part, i) : part;
}

// Bytes of memory |bytes| behind |at|.
static X86Op behind(Lower *l, X86Op at, int bytes) {
  X86Mem m = l->f->mems.data[at.id];
  m.disp += bytes;
  return x86_memory(l, m);
}

// The part of |size| bytes at place |i|, in the low bytes. |*chunk|: what was taken out before for
// an |i| that is even.
static X86Op piece(Lower *l, X86Op part, int size, int i, X86Op *chunk) {
  if (size == 32)
    return i ? x86_mr(l, X86_VEC, X86_VEXTRACTI64X4, 64, part, i) : part;
  int per_chunk = 16 / size, within = i % per_chunk;
  if (!within)
    *chunk = x86_chunk(l, part, i / per_chunk);
  return within ? x86_rmi(l, X86_VPSHUFD, 16, *chunk, size == 8 ? 0xee : 0x55 * within) : *chunk;
}

X86Op x86_join(Lower *l, int size, X86Op low, X86Op high) {
  if (size == 32)
    return x86_rvmi(l, X86_VINSERTI64X4, 64, low, high, 1);
  return size == 16 ? x86_rvmi(l, X86_VINSERTI128, 32, low, high, 1)
                    : x86_rvm(l, X86_VUNPCKLPD, 16, low, high);
}

// ---- other widths

// Each part of the result by an instruction that reads lanes of |from| bytes and writes lanes of
// |to|, which is more.
static Parts spread(Lower *l, const Parts *parts, int lanes, int from, int to, uint32_t enc) {
  Parts out = {.n = x86_num_parts(l, lanes, to)};
  if (out.n > X86_MAX_PARTS) {
    x86_refuse(l, "too wide");
    return *parts;
  }
  int times = to / from, size = l->f->vector_bytes / times;
  X86Op source = {0}, chunk = {0};
  for (int i = 0; i < out.n; ++i) {
    X86Op part = parts->op[i / times];
    if (part.kind == X86_MEM) { // memory.c, stays_in_memory
      out.op[i] =
          x86_rm(l, X86_VEC, enc, x86_part_size(l, lanes, to), behind(l, part, i % times * size));
      continue;
    }
    if (i % times == 0)
      source = x86_in_reg(l, X86_VEC, parts->op[i / times]);
    out.op[i] = x86_rm(l, X86_VEC, enc, x86_part_size(l, lanes, to),
                       piece(l, source, size, i % times, &chunk));
  }
  return out;
}

static Parts extend(Lower *l, const Parts *parts, int lanes, int from, int to, bool is_signed) {
  static const uint32_t codes[3][4] = {
      {0, X86_VPMOVSXBW, X86_VPMOVSXBD, X86_VPMOVSXBQ},
      {0, 0, X86_VPMOVSXWD, X86_VPMOVSXWQ},
      {0, 0, 0, X86_VPMOVSXDQ},
  };
  uint32_t enc = codes[x86_log2(from)][x86_log2(to)] | (is_signed ? 0 : X86_UNSIGNED_OF);
  return spread(l, parts, lanes, from, to, enc);
}

Parts x86_widen(Lower *l, const Parts *from, int lanes, int bytes, bool is_signed) {
  return extend(l, from, lanes, bytes, 2 * bytes, is_signed);
}

// AVX2: two operands of one part's size become one: of 8 bytes by a shuffle, of 4 and 2 by packing.
// The instructions work in halves of 16 bytes, which vpermq puts in order.
//
// What is known of the numbers: nothing; that they fit without a sign; that they fit with one.
typedef enum Range { ANY, FITS, FITS_SIGNED } Range;

static X86Op pack(Lower *l, int bytes, Range range, int size, X86Op low, X86Op high) {
  low = x86_in_reg(l, X86_VEC, low);
  X86Op packed;
  if (bytes == 8)
    packed = x86_rvmi(l, X86_VSHUFPS, size, low, high, 0x88);
  else {
    bool same = low.kind == high.kind && low.id == high.id;
    if (range == ANY) {
      X86Op keep = x86_splat_const(l, bytes, bytes == 4 ? 0xffff : 0xff);
      low = x86_rvm_commuting(l, X86_VPAND, size, low, keep);
      high = same ? low : x86_rvm_commuting(l, X86_VPAND, size, high, keep);
    }
    uint32_t enc = range == FITS_SIGNED ? (bytes == 4 ? X86_VPACKSSDW : X86_VPACKSSWB)
                                        : (bytes == 4 ? X86_VPACKUSDW : X86_VPACKUSWB);
    packed = x86_rvm(l, enc, size, low, high);
  }
  return size == 32 ? x86_rmi(l, X86_VPERMQ, 32, packed, 0xd8) : packed;
}

static Parts halve(Lower *l, const Parts *from, int lanes, int bytes, Range range) {
  int total = lanes * bytes;
  Parts out = {.n = x86_num_parts(l, lanes, bytes / 2)};
  if (total > 32)
    for (int i = 0; i < out.n; ++i)
      out.op[i] = pack(l, bytes, range, 32, from->op[2 * i], from->op[2 * i + 1]);
  else {
    X86Op part = x86_in_reg(l, X86_VEC, from->op[0]);
    out.op[0] = pack(l, bytes, range, 16, part, total == 32 ? x86_chunk(l, part, 1) : part);
  }
  return out;
}

// AVX-512: every other lane of 4 or 2 bytes of two whole parts, from |first| on.
static X86Op every_other(Lower *l, int bytes, int first, X86Op low, X86Op high) {
  uint8_t index[64] = {0};
  for (int i = 0; i < 64 / bytes; ++i)
    index[i * bytes] = (uint8_t)(2 * i + first);
  return x86_tied(l, bytes == 4 ? X86_VPERMI2D : X86_VPERMI2W, 64, x86_pool(l, index), low, high);
}

// AVX-512: each part by an instruction to a piece; pieces are joined.
static Parts cut(Lower *l, const Parts *from, int lanes, int bytes, int to) {
  static const uint32_t codes[3][4] = {
      {0, X86_VPMOVWB, X86_VPMOVDB, X86_VPMOVQB},
      {0, 0, X86_VPMOVDW, X86_VPMOVQW},
      {0, 0, 0, X86_VPMOVQD},
  };
  Parts parts = *from;
  if (parts.n > 1 && bytes == 2 * to && to > 1) {
    parts.n /= 2;
    for (int i = 0; i < parts.n; ++i)
      parts.op[i] = every_other(l, to, 0, from->op[2 * i], from->op[2 * i + 1]);
    return parts;
  }
  for (int i = 0; i < parts.n; ++i)
    parts.op[i] = x86_mr(l, X86_VEC, codes[x86_log2(to)][x86_log2(bytes)],
                         x86_part_size(l, lanes, bytes), parts.op[i], -1);
  for (int size = 64 * to / bytes; size < 64 && parts.n > 1; size *= 2) {
    parts.n /= 2;
    for (int i = 0; i < parts.n; ++i)
      parts.op[i] = x86_join(l, size, parts.op[2 * i], parts.op[2 * i + 1]);
  }
  return parts;
}

static Parts narrow(Lower *l, Parts parts, int lanes, int from, int to, Range range) {
  if (l->avx512 && from > to)
    return cut(l, &parts, lanes, from, to);
  for (; from > to; from /= 2)
    parts = halve(l, &parts, lanes, from, range);
  return parts;
}

Parts x86_narrow(Lower *l, const Parts *from, int lanes, int bytes, bool saturated) {
  return narrow(l, *from, lanes, bytes, bytes / 2, saturated ? FITS_SIGNED : ANY);
}

static Parts resize(Lower *l, Parts parts, int lanes, int from, int to, bool is_signed) {
  return from < to ? extend(l, &parts, lanes, from, to, is_signed)
                   : narrow(l, parts, lanes, from, to, ANY);
}

PjKirVal x86_high_words(const Lower *l, PjKirVal v) {
  const PjKirInst *inst = pj_kir_inst(l->k, v);
  if (!l->avx512 || inst->op != PJ_KIR_TRUNC || inst->type.elem != PJ_KIR_I16 ||
      inst->type.lanes * 4 <= l->f->vector_bytes)
    return 0;
  const PjKirInst *shift = pj_kir_inst(l->k, inst->args[0]);
  uint64_t amount;
  return shift->op == PJ_KIR_LSHR && shift->type.elem == PJ_KIR_I32 &&
                 pj_kir_is_const(l->k, shift->args[1], &amount) && amount == 16
             ? shift->args[0]
             : 0;
}

static Parts high_words(Lower *l, const Parts *from) {
  Parts parts = {.n = from->n / 2};
  for (int i = 0; i < parts.n; ++i)
    parts.op[i] = every_other(l, 2, 1, from->op[2 * i], from->op[2 * i + 1]);
  return parts;
}

// Numbers that fit after a shift to the right are packed as they are.
static Parts truncate(Lower *l, PjKirVal v, int lanes, int from, int to) {
  const PjKirInst *inst = pj_kir_inst(l->k, v);
  uint64_t amount;
  bool fits = from == 4 && inst->op == PJ_KIR_LSHR &&
              pj_kir_is_const(l->k, inst->args[1], &amount) && amount >= 32 - 8 * (uint64_t)to &&
              amount < 32;
  return narrow(l, *x86_parts(l, v), lanes, from, to, fits ? FITS : ANY);
}

// ---- masks

static Parts mask_to_int(Lower *l, PjKirVal mask, int lanes, int bytes, bool is_signed) {
  Parts parts = x86_mask(l, mask, bytes);
  for (int i = 0; i < parts.n; ++i)
    parts.op[i] = l->masks->to_int(l, x86_shape(l, lanes, bytes), parts.op[i], is_signed);
  return parts;
}

static void int_to_mask(Lower *l, PjKirVal v, PjKirVal from) {
  PjKirType t = pj_kir_typeof(l->k, from);
  X86Shape s = x86_shape(l, t.lanes, x86_bytes(t));
  Parts parts = *x86_parts(l, from);
  for (int i = 0; i < parts.n; ++i)
    parts.op[i] = l->masks->of_lowest_bits(l, s, parts.op[i]);
  x86_set_mask(l, v, &parts, s.bytes);
}

// ---- integers and floats

static Parts each_part(Lower *l, Parts parts, int size, uint32_t enc) {
  for (int i = 0; i < parts.n; ++i)
    parts.op[i] = x86_rm(l, X86_VEC, enc, size, x86_in_reg(l, X86_VEC, parts.op[i]));
  return parts;
}

// Lanes of |from| bytes, each part of which gives half a part, which are joined.
static Parts join_halves(Lower *l, Parts parts) {
  if (parts.n == 1)
    return parts;
  parts.n /= 2;
  for (int i = 0; i < parts.n; ++i)
    parts.op[i] = x86_join(l, l->f->vector_bytes / 2, parts.op[2 * i], parts.op[2 * i + 1]);
  return parts;
}

// By an instruction that makes lanes of 4 bytes of lanes of 8.
static Parts gather_halves(Lower *l, const Parts *from, int lanes, uint32_t enc) {
  return join_halves(l, each_part(l, *from, x86_part_size(l, lanes, 8), enc));
}

// Conversions of whole numbers by width and sign, of which AVX2 has those of int32 only.
typedef struct IntCodes {
  uint32_t to_f32, to_f64, of_f32, of_f64;
} IntCodes;

static const IntCodes *int_codes(const Lower *l, int bytes, bool is_signed) {
  static const IntCodes i32 = {X86_VCVTDQ2PS, X86_VCVTDQ2PD, X86_VCVTTPS2DQ, X86_VCVTTPD2DQ};
  static const IntCodes u32 = {X86_VCVTUDQ2PS, X86_VCVTUDQ2PD, X86_VCVTTPS2UDQ, X86_VCVTTPD2UDQ};
  static const IntCodes i64 = {X86_VCVTQQ2PS, X86_VCVTQQ2PD, X86_VCVTTPS2QQ, X86_VCVTTPD2QQ};
  static const IntCodes u64 = {X86_VCVTUQQ2PS, X86_VCVTUQQ2PD, X86_VCVTTPS2UQQ, X86_VCVTTPD2UQQ};
  if (bytes < 4 || (bytes == 4 && is_signed))
    return &i32;
  return !l->avx512 ? NULL : bytes == 4 ? &u32 : is_signed ? &i64 : &u64;
}

// What AVX2 has no instruction for (convert_wide.c), through lanes of 8 bytes where either side has
// them or where the integers of 4 bytes have no sign.
static Parts wide_int_to_float(Lower *l, Parts parts, int lanes, int bytes, bool is_signed,
                               bool f64) {
  if (bytes == 4 && !f64) {
    for (int i = 0; i < parts.n; ++i)
      parts.op[i] = x86_u32_to_f32(l, x86_part_size(l, lanes, 4), parts.op[i]);
    return parts;
  }
  if (bytes == 4)
    parts = extend(l, &parts, lanes, 4, 8, false);
  int size = x86_part_size(l, lanes, 8);
  for (int i = 0; i < parts.n; ++i) {
    X86Op a = f64 ? parts.op[i] : x86_int64_for_f32(l, size, parts.op[i], is_signed);
    parts.op[i] =
        bytes == 4 ? x86_u32_in_64_to_f64(l, size, a) : x86_int64_to_f64(l, size, a, is_signed);
  }
  return f64 ? parts : gather_halves(l, &parts, lanes, X86_VCVTPD2PS);
}

static Parts float_to_wide_int(Lower *l, Parts parts, int lanes, int bytes, bool f64) {
  if (bytes == 4 && !f64) {
    for (int i = 0; i < parts.n; ++i)
      parts.op[i] = x86_f32_to_u32(l, x86_part_size(l, lanes, 4), parts.op[i]);
    return parts;
  }
  if (!f64)
    parts = spread(l, &parts, lanes, 4, 8, X86_VCVTPS2PD);
  int size = x86_part_size(l, lanes, 8);
  for (int i = 0; i < parts.n; ++i)
    parts.op[i] = bytes == 4 ? x86_f64_to_u32_in_64(l, size, parts.op[i])
                             : x86_f64_to_int64(l, size, parts.op[i]);
  return bytes == 4 ? narrow(l, parts, lanes, 8, 4, ANY) : parts;
}

static Parts int_to_float(Lower *l, const PjKirInst *inst) {
  PjKirType t = pj_kir_typeof(l->k, inst->args[0]);
  int bytes = x86_bytes(t), lanes = t.lanes, wide = bytes == 8 ? 8 : 4;
  bool is_signed = inst->op == PJ_KIR_SITOFP, f64 = inst->type.elem == PJ_KIR_F64;
  const IntCodes *codes = int_codes(l, bytes, is_signed);
  Parts parts = *x86_parts(l, inst->args[0]);
  if (!codes)
    return wide_int_to_float(l, parts, lanes, bytes, is_signed, f64);
  if (bytes < wide)
    parts = resize(l, parts, lanes, bytes, wide, is_signed);
  if (wide == 4)
    return f64 ? spread(l, &parts, lanes, 4, 8, codes->to_f64)
               : each_part(l, parts, x86_part_size(l, lanes, 4), codes->to_f32);
  return f64 ? each_part(l, parts, x86_part_size(l, lanes, 8), codes->to_f64)
             : gather_halves(l, &parts, lanes, codes->to_f32);
}

static Parts float_to_int(Lower *l, const PjKirInst *inst) {
  PjKirType t = pj_kir_typeof(l->k, inst->args[0]);
  int lanes = t.lanes, bytes = x86_bytes(inst->type), wide = bytes == 8 ? 8 : 4;
  bool f64 = t.elem == PJ_KIR_F64;
  const IntCodes *codes = int_codes(l, bytes, inst->op == PJ_KIR_FPTOSI);
  Parts parts = *x86_parts(l, inst->args[0]);
  if (!codes)
    return float_to_wide_int(l, parts, lanes, bytes, f64);
  if (wide == 4)
    parts = f64 ? gather_halves(l, &parts, lanes, codes->of_f64)
                : each_part(l, parts, x86_part_size(l, lanes, 4), codes->of_f32);
  else
    parts = f64 ? each_part(l, parts, x86_part_size(l, lanes, 8), codes->of_f64)
                : spread(l, &parts, lanes, 4, 8, codes->of_f32);
  return bytes < wide ? narrow(l, parts, lanes, wide, bytes, ANY) : parts;
}

static Parts f32_to_f16(Lower *l, PjKirVal v) {
  const PjKirInst *inst = pj_kir_inst(l->k, v);
  int lanes = inst->type.lanes;
  Parts parts = *x86_parts(l, inst->args[0]);
  for (int i = 0; i < parts.n; ++i)
    parts.op[i] = x86_mr(l, X86_VEC, X86_VCVTPS2PH, x86_part_size(l, lanes, 4), parts.op[i], 0);
  if (parts.n > 1)
    l->values[v].halves = pj_arena_memdup(l->f->arena, &parts, sizeof parts);
  return join_halves(l, parts);
}

// What was rounded a moment ago comes as it was before it was joined, which nobody needs then.
static Parts f16_to_f32(Lower *l, const PjKirInst *inst) {
  PjKirVal from = inst->args[0];
  int lanes = inst->type.lanes;
  if (l->values[from].halves)
    return each_part(l, *l->values[from].halves, x86_part_size(l, lanes, 4), X86_VCVTPH2PS);
  return spread(l, x86_parts(l, from), lanes, 2, 4, X86_VCVTPH2PS);
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
    PjKirVal whole = x86_high_words(l, v);
    out = whole ? high_words(l, x86_parts(l, whole))
                : truncate(l, inst->args[0], to.lanes, x86_bytes(from), x86_bytes(to));
    break;
  case PJ_KIR_SITOFP:
  case PJ_KIR_UITOFP:
    out = int_to_float(l, inst);
    break;
  case PJ_KIR_FPTOSI:
  case PJ_KIR_FPTOUI:
    out = float_to_int(l, inst);
    break;
  case PJ_KIR_FPEXT:
    out = spread(l, x86_parts(l, inst->args[0]), to.lanes, 4, 8, X86_VCVTPS2PD);
    break;
  case PJ_KIR_FPTRUNC:
    out = gather_halves(l, x86_parts(l, inst->args[0]), to.lanes, X86_VCVTPD2PS);
    break;
  case PJ_KIR_BITCAST:
    out = *x86_parts(l, inst->args[0]);
    break;
  case PJ_KIR_F16TOF32:
    out = f16_to_f32(l, inst);
    break;
  default:
    out = f32_to_f16(l, v);
  }
  x86_set(l, v, &out);
  return true;
}
