// Lanes: splat, extract, shuffle, and vectors made of scalars.
//
// A shuffle works on lanes of four bytes: lanes of eight are two of them, lanes of two and one may
// move in groups of four. Each part of the result is gathered from the parts that it takes lanes
// of: what comes from one part is put in order by one instruction, and blended in. Narrow lanes
// that move otherwise are gathered by sixteen bytes.
#include "emit/x86/masks.h"

// ---- splat

X86Op x86_broadcast(Lower *l, PjKirElem elem, int size, X86Op scalar) {
  static const uint32_t codes[] = {
      [PJ_KIR_I8] = X86_VPBROADCASTB,  [PJ_KIR_I16] = X86_VPBROADCASTW,
      [PJ_KIR_I32] = X86_VPBROADCASTD, [PJ_KIR_I64] = X86_VPBROADCASTQ,
      [PJ_KIR_F32] = X86_VBROADCASTSS, [PJ_KIR_F64] = X86_VBROADCASTSD};
  static const uint32_t from_gpr[] = {[PJ_KIR_I8] = X86_VPBROADCASTB_FROM,
                                      [PJ_KIR_I16] = X86_VPBROADCASTW_FROM,
                                      [PJ_KIR_I32] = X86_VPBROADCASTD_FROM,
                                      [PJ_KIR_I64] = X86_VPBROADCASTQ_FROM};
  if (elem == PJ_KIR_F32 || elem == PJ_KIR_F64) // the instruction for f64 begins at 32 bytes
    return x86_rm(l, X86_VEC, elem == PJ_KIR_F64 && size == 16 ? X86_VMOVDDUP16 : codes[elem], size,
                  x86_in_reg(l, X86_VEC, scalar));
  scalar = x86_in_reg(l, X86_GPR, scalar);
  if (l->avx512)
    return x86_from_reg(l, X86_VEC, from_gpr[elem], size, scalar);
  X86Op low = x86_rm(l, X86_VEC, elem == PJ_KIR_I64 ? X86_VMOVQ : X86_VMOVD, 16, scalar);
  return x86_rm(l, X86_VEC, codes[elem], size, low);
}

static void lower_splat(Lower *l, PjKirVal v) {
  const PjKirInst *inst = pj_kir_inst(l->k, v);
  PjKirElem elem = (PjKirElem)inst->type.elem;
  int lanes = inst->type.lanes;
  if (lanes == 1) {
    x86_set_one(l, v,
                elem == PJ_KIR_F32 || elem == PJ_KIR_F64 ? x86_parts(l, inst->args[0])->op[0]
                                                         : x86_scalar(l, inst->args[0]));
    return;
  }
  if (elem == PJ_KIR_I1) { // as 32-bit lanes
    X86Shape s = x86_shape(l, lanes, 4);
    X86Op all = l->masks->splat(l, s, x86_scalar(l, inst->args[0]));
    Parts parts = {.n = s.n};
    for (int i = 0; i < parts.n; ++i)
      parts.op[i] = all;
    x86_set_mask(l, v, &parts, 4);
    return;
  }
  int bytes = x86_bytes(inst->type);
  X86Op scalar = x86_is_gpr(pj_kir_typeof(l->k, inst->args[0]))
                     ? x86_scalar(l, inst->args[0])
                     : x86_parts(l, inst->args[0])->op[0];
  X86Op all = scalar.kind == X86_POOL || l->values[inst->args[0]].splat
                  ? scalar // constants are splat already
                  : x86_broadcast(l, elem, x86_part_size(l, lanes, bytes), scalar);
  Parts parts = {.n = x86_num_parts(l, lanes, bytes)};
  for (int i = 0; i < parts.n; ++i)
    parts.op[i] = all;
  x86_set(l, v, &parts);
}

// ---- extract

X86Op x86_extract(Lower *l, const Parts *from, PjKirElem elem, int lane) {
  int bytes = pj_kir_elem_bytes(elem), per_part = l->f->vector_bytes / bytes;
  X86Op part = x86_in_reg(l, X86_VEC, from->op[lane / per_part]);
  lane %= per_part;
  part = x86_chunk(l, part, lane * bytes / 16);
  lane %= 16 / bytes;
  switch (elem) {
  case PJ_KIR_F32:
    return lane ? x86_rmi(l, X86_VPERMILPS, 16, part, lane) : part;
  case PJ_KIR_F64:
    return lane ? x86_rmi(l, X86_VPERMILPD, 16, part, 1) : part;
  case PJ_KIR_I64:
    return lane ? x86_mr(l, X86_GPR, X86_VPEXTRQ, 16, part, 1)
                : x86_mr(l, X86_GPR, X86_VMOVQ_TO, 16, part, -1);
  case PJ_KIR_I32:
    return lane ? x86_mr(l, X86_GPR, X86_VPEXTRD, 16, part, lane)
                : x86_mr(l, X86_GPR, X86_VMOVD_TO, 16, part, -1);
  case PJ_KIR_I16: {
    X86Op d = x86_from_reg(l, X86_GPR, X86_VPEXTRW_REG, 16, part);
    X86Ins *ins = &l->f->code.data[l->f->code.len - 1];
    ins->has_imm = true;
    ins->imm = lane;
    return d;
  }
  default:
    return x86_mr(l, X86_GPR, X86_VPEXTRB, 16, part, lane);
  }
}

// All ones or all zeros in lanes of 4 bytes.
static Parts mask_as_lanes(Lower *l, PjKirVal v) {
  Parts mask = x86_mask(l, v, 4);
  for (int i = 0; i < mask.n; ++i)
    mask.op[i] =
        l->masks->to_int(l, x86_shape(l, pj_kir_typeof(l->k, v).lanes, 4), mask.op[i], true);
  return mask;
}

static void lower_extract(Lower *l, PjKirVal v) {
  const PjKirInst *inst = pj_kir_inst(l->k, v);
  PjKirType t = pj_kir_typeof(l->k, inst->args[0]);
  if (t.elem == PJ_KIR_I1 && t.lanes > 1) {
    Parts mask = mask_as_lanes(l, inst->args[0]);
    X86Op lane = x86_extract(l, &mask, PJ_KIR_I32, (int)inst->imm);
    x86_set_one(l, v, x86_alu(l, 4, 4, lane, pj_x86_imm(1)));
  } else if (x86_is_gpr(t))
    x86_set_one(l, v, x86_scalar(l, inst->args[0]));
  else if (t.lanes == 1)
    x86_set_one(l, v, x86_parts(l, inst->args[0])->op[0]);
  else
    x86_set_one(l, v,
                x86_extract(l, x86_parts(l, inst->args[0]), (PjKirElem)t.elem, (int)inst->imm));
}

// ---- vectors of scalars

// The first lane of a vector register; the others hold anything.
static X86Op first_lane(Lower *l, PjKirElem elem, X86Op s) {
  static const uint32_t codes[] = {[PJ_KIR_I32] = X86_VMOVD,
                                   [PJ_KIR_I64] = X86_VMOVQ,
                                   [PJ_KIR_F32] = X86_VMOVSS_LOAD,
                                   [PJ_KIR_F64] = X86_VMOVSD_LOAD};
  bool in_memory = s.kind == X86_MEM || s.kind == X86_POOL;
  if (in_memory && pj_kir_elem_bytes(elem) >= 4)
    return x86_rm(l, X86_VEC, codes[elem], 16, s);
  if (elem == PJ_KIR_F32 || elem == PJ_KIR_F64)
    return s;
  if (in_memory)
    s = x86_gpr_rm(l, X86_M0F | (elem == PJ_KIR_I8 ? 0xb6 : 0xb7), 4, s);
  return x86_rm(l, X86_VEC, elem == PJ_KIR_I64 ? X86_VMOVQ : X86_VMOVD, 16,
                x86_in_reg(l, X86_GPR, s));
}

// Sixteen bytes, or fewer, of lanes.
static X86Op build_chunk(Lower *l, PjKirElem elem, int lanes, int first, X86LaneOf *of,
                         void *context) {
  static const uint32_t codes[] = {[PJ_KIR_I8] = X86_VPINSRB,
                                   [PJ_KIR_I16] = X86_VPINSRW,
                                   [PJ_KIR_I32] = X86_VPINSRD,
                                   [PJ_KIR_I64] = X86_VPINSRQ,
                                   [PJ_KIR_F32] = X86_VINSERTPS};
  X86Op x = first_lane(l, elem, of(l, context, first));
  for (int i = 1; i < lanes; ++i) {
    X86Op s = of(l, context, first + i);
    bool in_memory = s.kind == X86_MEM || s.kind == X86_POOL;
    if (!in_memory)
      s = x86_in_reg(l, elem == PJ_KIR_F32 || elem == PJ_KIR_F64 ? X86_VEC : X86_GPR, s);
    if (elem == PJ_KIR_F64)
      x = x86_rvm(l, in_memory ? X86_VMOVHPD : X86_VUNPCKLPD, 16, x, s);
    else
      x = x86_rvmi(l, codes[elem], 16, x, s, elem == PJ_KIR_F32 ? i << 4 : i);
  }
  return x;
}

static X86Op build_part(Lower *l, PjKirElem elem, int lanes, int first, X86LaneOf *of,
                        void *context) {
  int size = lanes * pj_kir_elem_bytes(elem);
  if (size <= 16)
    return build_chunk(l, elem, lanes, first, of, context);
  X86Op low = build_part(l, elem, lanes / 2, first, of, context);
  return x86_join(l, size / 2, low, build_part(l, elem, lanes / 2, first + lanes / 2, of, context));
}

Parts x86_build_of(Lower *l, PjKirElem elem, int lanes, X86LaneOf *of, void *context) {
  Parts out = {.n = x86_num_parts(l, lanes, pj_kir_elem_bytes(elem))};
  for (int i = 0; i < out.n; ++i)
    out.op[i] = build_part(l, elem, lanes / out.n, i * (lanes / out.n), of, context);
  return out;
}

static X86Op of_array(Lower *l, void *context, int lane) {
  const X86Op *scalars = context;
  X86Op s = scalars[lane];
  // Constants of floats are in memory in all lanes.
  return s.kind == X86_POOL ? x86_in_reg(l, X86_VEC, s) : s;
}

Parts x86_build(Lower *l, PjKirElem elem, int lanes, X86Op *scalars) {
  return x86_build_of(l, elem, lanes, of_array, scalars);
}

// ---- shuffle

enum { ANY = X86_ANY_LANE };

// A pattern of lanes of |bytes| as one of lanes of |unit|; false if they do not move in such
// groups.
static bool in_units(const uint8_t *pattern, int lanes, int bytes, int unit, int16_t *out,
                     int *out_lanes) {
  int times = bytes > unit ? bytes / unit : 1, group = bytes < unit ? unit / bytes : 1;
  if (lanes % group || lanes * times > 2 * PJ_KIR_MAX_LANES)
    return false;
  for (int i = 0; i < lanes; i += group) {
    if (pattern[i] % group)
      return false;
    for (int j = 1; j < group; ++j)
      if (pattern[i + j] != pattern[i] + j)
        return false;
    for (int j = 0; j < times; ++j)
      out[i / group * times + j] = (int16_t)(pattern[i] / group * times + j);
  }
  *out_lanes = lanes / group * times;
  return true;
}

// The eight lanes of |part| in the order of |want|; ANY: whatever.
static X86Op order(Lower *l, X86Op part, const int16_t want[8], int size) {
  bool same = true, within = true, upper = true, doubled = true;
  int imm = 0, repeated[4] = {ANY, ANY, ANY, ANY};
  for (int i = 0; i < 8; ++i) {
    if (want[i] == ANY)
      continue;
    same &= want[i] == i;
    upper &= i < 4 && want[i] == i + 4;
    doubled &= want[i] == i % 4;
    within &= want[i] / 4 == i / 4 && (repeated[i % 4] == ANY || repeated[i % 4] == want[i] % 4);
    repeated[i % 4] = want[i] % 4;
  }
  if (same)
    return part;
  part = x86_in_reg(l, X86_VEC, part);
  if (upper)
    return x86_chunk(l, part, 1);
  if (within) { // the same in both halves
    for (int i = 0; i < 4; ++i)
      imm |= (repeated[i] == ANY ? i : repeated[i]) << (2 * i);
    return x86_rmi(l, X86_VPSHUFD, size, part, imm);
  }
  if (doubled)
    return x86_join(l, 16, part, part);
  bool pairs = true; // vpermq
  imm = 0;
  for (int i = 0; i < 8; i += 2) {
    int first = want[i] == ANY ? want[i + 1] - 1 : want[i];
    if (want[i] == ANY && want[i + 1] == ANY)
      first = i;
    pairs &= first >= 0 && first % 2 == 0 && (want[i + 1] == ANY || want[i + 1] == first + 1);
    imm |= (first / 2 & 3) << i;
  }
  if (pairs)
    return x86_rmi(l, X86_VPERMQ, 32, part, imm);
  int32_t index[8];
  for (int i = 0; i < 8; ++i)
    index[i] = want[i] == ANY ? i : want[i];
  return x86_rvm(l, X86_VPERMD, 32, x86_pool(l, index), part);
}

// Every other lane of two parts that follow each other, from lane |*out_first| of the first on.
static bool is_every_other(const int16_t pattern[8], int num_sources, int *out_first) {
  *out_first = pattern[0] & 1;
  for (int i = 0; i < 8; ++i)
    if (pattern[i] == ANY || pattern[i] != pattern[0] + 2 * i)
      return false;
  return (pattern[0] - *out_first) % 8 == 0 && pattern[7] / 8 < num_sources;
}

// Lanes |from| (of two parts) as |at| says, the same in both halves and of the same half, where
// they matter.
static bool each_half(const int16_t from[8], const int8_t at[4]) {
  for (int i = 0; i < 8; ++i)
    if (from[i] != ANY && from[i] != (at[i % 4] & 3) + i / 4 * 4 + (at[i % 4] & 8))
      return false;
  return true;
}

// Lanes of two parts by one instruction: as vunpcklps, vunpckhps, vshufps or vperm2i128 have them.
// |from|: 0 to 7 of |a|, 8 to 15 of |b|.
static bool of_two(Lower *l, X86Op a, X86Op b, const int16_t from[8], int size, X86Op *out) {
  if (each_half(from, (const int8_t[]){0, 8, 1, 9})) {
    *out = x86_rvm(l, X86_VUNPCKLPS, size, x86_in_reg(l, X86_VEC, a), b);
    return true;
  }
  if (each_half(from, (const int8_t[]){2, 10, 3, 11})) {
    *out = x86_rvm(l, X86_VUNPCKHPS, size, x86_in_reg(l, X86_VEC, a), b);
    return true;
  }
  int8_t pairs[4];
  for (int i = 0; i < 4; ++i) {
    const int16_t lane = from[i] != ANY ? from[i] : from[i + 4] != ANY ? from[i + 4] : 0;
    pairs[i] = (int8_t)((lane & 3) | (i < 2 ? 0 : 8));
  }
  if (each_half(from, pairs)) {
    const int imm =
        (pairs[0] & 3) | (pairs[1] & 3) << 2 | (pairs[2] & 3) << 4 | (pairs[3] & 3) << 6;
    *out = x86_rvmi(l, X86_VSHUFPS, size, x86_in_reg(l, X86_VEC, a), b, imm);
    return true;
  }
  int half[2] = {0, 0};
  for (int i = 0; i < 8; ++i)
    if (from[i] != ANY)
      half[i / 4] = from[i] / 4;
  for (int i = 0; i < 8; ++i)
    if (size < 32 || (from[i] != ANY && from[i] != half[i / 4] * 4 + i % 4))
      return false;
  *out =
      half[0] == 0 && half[1] == 2
          ? x86_join(l, 16, x86_in_reg(l, X86_VEC, a), x86_in_reg(l, X86_VEC, b))
          : x86_rvmi(l, X86_VPERM2I128, 32, x86_in_reg(l, X86_VEC, a), b, half[0] | half[1] << 4);
  return true;
}

// So, if |pattern| has lanes of two of the |sources|, not all of them in their places.
static bool gather_two(Lower *l, const X86Op *sources, const int16_t pattern[8], int size,
                       X86Op *out) {
  int two[2] = {ANY, ANY};
  bool in_place = true;
  for (int i = 0; i < 8; ++i) {
    if (pattern[i] == ANY)
      continue;
    const int source = pattern[i] / 8;
    in_place &= pattern[i] % 8 == i;
    if (two[0] == ANY || two[0] == source)
      two[0] = source;
    else if (two[1] == ANY || two[1] == source)
      two[1] = source;
    else
      return false;
  }
  if (two[1] == ANY || in_place)
    return false;
  for (int swapped = 0; swapped < 2; ++swapped) {
    int16_t from[8];
    for (int i = 0; i < 8; ++i)
      from[i] = pattern[i] == ANY
                    ? (int16_t)ANY
                    : (int16_t)(pattern[i] % 8 + 8 * (pattern[i] / 8 == two[!swapped]));
    if (of_two(l, sources[two[swapped]], sources[two[!swapped]], from, size, out))
      return true;
  }
  return false;
}

// One part of the result: lanes |pattern| of all |sources|.
static X86Op gather_part(Lower *l, const X86Op *sources, int num_sources, const int16_t pattern[8],
                         int size) {
  X86Op out = {0};
  int first;
  if (size == 32 && is_every_other(pattern, num_sources, &first)) { // vshufps in halves, vpermq
    const X86Op *two = sources + pattern[0] / 8;
    X86Op halves = x86_rvmi(l, X86_VSHUFPS, 32, two[0], two[1], first ? 0xdd : 0x88);
    return x86_rmi(l, X86_VPERMQ, 32, halves, 0xd8);
  }
  if (gather_two(l, sources, pattern, size, &out))
    return out;
  for (int s = 0; s < num_sources; ++s) {
    int16_t want[8];
    int mask = 0;
    for (int i = 0; i < 8; ++i) {
      bool mine = pattern[i] != ANY && pattern[i] / 8 == s;
      want[i] = mine ? pattern[i] % 8 : ANY;
      mask |= mine << i;
    }
    if (!mask)
      continue;
    X86Op ordered = order(l, sources[s], want, size);
    if (out.kind == X86_NONE)
      out = ordered;
    else if (mask == 0xf0) // the upper half as a whole may come from elsewhere more cheaply, but
                           // this is general
      out = x86_rvmi(l, X86_VPBLENDD, 32, out, ordered, mask);
    else
      out = x86_rvmi(l, X86_VPBLENDD, size, out, ordered, mask);
  }
  return out;
}

// |pattern|: for each lane of |unit| bytes, of which there are |num_lanes|, the lane of all
// sources.
static void shuffle_units(Lower *l, PjKirVal v, const X86Op *sources, int num_sources,
                          const int16_t *pattern, int num_lanes, int unit) {
  int per_part = l->f->vector_bytes / unit;
  Parts out = {.n = num_lanes > per_part ? num_lanes / per_part : 1};
  for (int i = 0; i < out.n; ++i) {
    if (l->avx512) {
      out.op[i] = x86_permute(l, sources, pattern + i * per_part,
                              num_lanes < per_part ? num_lanes : per_part, unit);
      continue;
    }
    int16_t mine[8];
    for (int lane = 0; lane < 8; ++lane)
      mine[lane] = i * 8 + lane < num_lanes ? pattern[i * 8 + lane] : ANY;
    out.op[i] = gather_part(l, sources, num_sources, mine, num_lanes > 4 ? 32 : 16);
  }
  x86_set(l, v, &out);
}

// Sixteen bytes of an operand.
static X86Op chunk_of(Lower *l, const Parts *parts, int chunk) {
  int per_part = l->f->vector_bytes / 16;
  return x86_chunk(l, parts->op[chunk / per_part], chunk % per_part);
}

// Sixteen bytes of the result: those of each chunk of the operands in order, zeros for the others',
// and all together. |wanted|: bytes of both operands, the second one's from |seam| on; ANY where
// nobody looks.
static X86Op shuffle_chunk(Lower *l, const Parts *a, const Parts *b, const int16_t wanted[16],
                           int seam) {
  X86Op out = {0};
  for (int operand = 0; operand < 2; ++operand)
    for (int chunk = 0; chunk * 16 < seam; ++chunk) {
      uint8_t order[64];
      bool any = false;
      for (int i = 0; i < 16; ++i) {
        int at = wanted[i] - operand * seam - chunk * 16;
        bool mine = wanted[i] != ANY && wanted[i] / seam == operand && at >= 0 && at < 16;
        for (int copy = i; copy < 64; copy += 16)
          order[copy] = mine ? (uint8_t)at : 0x80;
        any |= mine;
      }
      if (!any)
        continue;
      X86Op bytes =
          x86_rvm(l, X86_VPSHUFB, 16, chunk_of(l, operand ? b : a, chunk), x86_pool(l, order));
      out = out.kind == X86_NONE ? bytes : x86_rvm_commuting(l, X86_VPOR, 16, out, bytes);
    }
  return out.kind == X86_NONE ? x86_zero(l) : out;
}

// Lanes of one and two bytes, by sixteen bytes of the result.
static X86Op join_chunks(Lower *l, const X86Op *chunks, int count) {
  if (count == 1)
    return chunks[0];
  X86Op low = x86_in_reg(l, X86_VEC, join_chunks(l, chunks, count / 2));
  return x86_join(l, 8 * count, low, join_chunks(l, chunks + count / 2, count / 2));
}

static void shuffle_bytes(Lower *l, PjKirVal v, const Parts *a, const Parts *b,
                          const uint8_t *pattern, int lanes, int from, int bytes) {
  int total = lanes * bytes;
  Parts out = {.n = x86_num_parts(l, lanes, bytes)};
  X86Op chunks[PJ_KIR_MAX_LANES * 2 / 16];
  for (int begin = 0; begin < total; begin += 16) {
    int16_t wanted[16];
    for (int i = 0; i < 16; ++i)
      wanted[i] = begin + i < total
                      ? (int16_t)(pattern[(begin + i) / bytes] * bytes + (begin + i) % bytes)
                      : ANY;
    chunks[begin / 16] = shuffle_chunk(l, a, b, wanted, from * bytes);
  }
  int per_part = total <= 16 ? 1 : total / 16 / out.n;
  for (int i = 0; i < out.n; ++i)
    out.op[i] = join_chunks(l, chunks + i * per_part, per_part);
  x86_set(l, v, &out);
}

static void shuffle_scalars(Lower *l, PjKirVal v) {
  const PjKirInst *inst = pj_kir_inst(l->k, v);
  PjKirElem elem = (PjKirElem)inst->type.elem;
  bool gpr = x86_is_gpr(pj_kir_typeof(l->k, inst->args[0]));
  X86Op both[2], lanes[PJ_KIR_MAX_LANES];
  for (int i = 0; i < 2; ++i)
    both[i] = gpr ? x86_scalar(l, inst->args[i]) : x86_parts(l, inst->args[i])->op[0];
  for (int i = 0; i < inst->type.lanes; ++i)
    lanes[i] = both[inst->pattern[i]];
  if (inst->type.lanes == 1) {
    x86_set_one(l, v, lanes[0]);
    return;
  }
  Parts parts = x86_build(l, elem, inst->type.lanes, lanes);
  x86_set(l, v, &parts);
}

static void lower_shuffle(Lower *l, PjKirVal v) {
  const PjKirInst *inst = pj_kir_inst(l->k, v);
  PjKirType from = pj_kir_typeof(l->k, inst->args[0]);
  int lanes = inst->type.lanes;
  bool masks = inst->type.elem == PJ_KIR_I1;
  if (masks && (from.lanes == 1 || lanes == 1 || from.lanes > 32 || lanes > 64)) {
    x86_refuse(l, "a shuffle of masks");
    return;
  }
  if (from.lanes == 1) {
    shuffle_scalars(l, v);
    return;
  }
  int bytes = masks ? 4 : x86_bytes(inst->type);
  Parts a = masks ? mask_as_lanes(l, inst->args[0]) : *x86_parts(l, inst->args[0]);
  Parts b = inst->args[0] == inst->args[1] ? a
            : masks                        ? mask_as_lanes(l, inst->args[1])
                                           : *x86_parts(l, inst->args[1]);
  if (lanes == 1) {
    int lane = inst->pattern[0];
    bool second = lane >= from.lanes;
    x86_set_one(l, v,
                x86_extract(l, second ? &b : &a, (PjKirElem)inst->type.elem,
                            lane - (second ? from.lanes : 0)));
    return;
  }
  int16_t pattern[2 * PJ_KIR_MAX_LANES];
  int units, unit = 4;
  bool by_units =
      from.lanes * bytes >= 4 && in_units(inst->pattern, lanes, bytes, 4, pattern, &units);
  while (!by_units && l->avx512 && unit > (l->vbmi ? 1 : 2)) {
    unit /= 2;
    by_units =
        from.lanes * bytes >= unit && in_units(inst->pattern, lanes, bytes, unit, pattern, &units);
  }
  if (!by_units) {
    shuffle_bytes(l, v, &a, &b, inst->pattern, lanes, from.lanes, bytes);
    return;
  }
  // An operand shorter than a part still takes one.
  int per_operand = from.lanes * bytes / unit, room = a.n * (l->f->vector_bytes / unit);
  bool same = inst->args[0] == inst->args[1];
  X86Op sources[2 * X86_MAX_PARTS];
  memcpy(sources, a.op, (size_t)a.n * sizeof *sources);
  memcpy(sources + a.n, b.op, (size_t)b.n * sizeof *sources);
  for (int i = 0; i < units; ++i)
    if (pattern[i] >= per_operand)
      pattern[i] = (int16_t)(pattern[i] - per_operand + (same ? 0 : room));
  shuffle_units(l, v, sources, same ? a.n : a.n + b.n, pattern, units, unit);
  if (!masks)
    return;
  Parts shuffled = *x86_parts(l, v);
  for (int i = 0; i < shuffled.n; ++i)
    shuffled.op[i] = l->masks->of_lanes(l, x86_shape(l, lanes, 4), shuffled.op[i]);
  x86_set_mask(l, v, &shuffled, 4);
}

bool x86_lower_lanes(Lower *l, PjKirVal v) {
  switch ((PjKirOp)pj_kir_inst(l->k, v)->op) {
  case PJ_KIR_SPLAT:
    lower_splat(l, v);
    return true;
  case PJ_KIR_EXTRACT:
    lower_extract(l, v);
    return true;
  case PJ_KIR_SHUFFLE:
    lower_shuffle(l, v);
    return true;
  default:
    return false;
  }
}
