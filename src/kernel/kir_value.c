// The builder's front: one function per kind of value. Scalars are splatted where lanes must agree,
// and every operation that works lane by lane passes folding and simplification before it becomes
// an instruction.
#include "kernel/kir_build.h"

// ------------------------------------------------------------------------------------------------------------
// lanes

PjKirVal pj_kir_splat(PjKir *k, PjKirVal v, int lanes) {
  PjKirType type = pj_kir_typeof(k, v);
  uint64_t bits;
  if (type.lanes == lanes)
    return v;
  type.lanes = (uint8_t)lanes;
  if (pj_kir_is_const(k, v, &bits))
    return pj_kir_const(k, type, bits);
  PjKirInst inst = {.op = PJ_KIR_SPLAT, .type = type, .num_args = 1, .args = &v};
  return pj_kir__value(k, &inst);
}

PjKirVal pj_kir_extract(PjKir *k, PjKirVal v, int lane) {
  for (;;) {
    const PjKirInst *from = pj_kir_inst(k, v);
    PjKirType scalar = {from->type.elem, 1};
    if (from->type.lanes <= 1)
      return v;
    if (from->op == PJ_KIR_SPLAT)
      return from->args[0];
    if (from->op == PJ_KIR_CONST)
      return pj_kir_const(k, scalar, from->imm);
    if (from->op == PJ_KIR_IOTA)
      return pj_kir_const(k, scalar, (uint64_t)lane);
    if (from->op != PJ_KIR_SHUFFLE) {
      PjKirInst inst = {
          .op = PJ_KIR_EXTRACT, .type = scalar, .imm = (uint64_t)lane, .num_args = 1, .args = &v};
      return pj_kir__value(k, &inst);
    }
    int half = pj_kir_typeof(k, from->args[0]).lanes;
    lane = from->pattern[lane];
    v = from->args[lane >= half];
    lane %= half;
  }
}

PjKirVal pj_kir_shuffle(PjKir *k, PjKirVal a, PjKirVal b, int lanes, const uint8_t *pattern) {
  PjKirType type = pj_kir_typeof(k, a);
  int from = type.lanes;
  if (lanes == 1)
    return pattern[0] < from ? pj_kir_extract(k, a, pattern[0])
                             : pj_kir_extract(k, b, pattern[0] - from);
  if (from == 1) { // A shuffle is of vectors.
    uint8_t wider[PJ_KIR_MAX_LANES];
    for (int i = 0; i < lanes; ++i)
      wider[i] = pattern[i] ? 2 : 0;
    return pj_kir_shuffle(k, pj_kir_splat(k, a, 2), pj_kir_splat(k, b, 2), lanes, wider);
  }
  uint8_t lane[PJ_KIR_MAX_LANES];
  bool of_a = false, of_b = false;
  for (int i = 0; i < lanes; ++i) {
    lane[i] = pattern[i];
    if (a == b)
      lane[i] %= from;
    of_a |= lane[i] < from;
    of_b |= lane[i] >= from;
  }
  if (!of_a) {
    a = b;
    for (int i = 0; i < lanes; ++i)
      lane[i] -= (uint8_t)from;
  }
  if (!of_a || !of_b) {
    b = a;
    const PjKirInst *inner = pj_kir_inst(k, a);
    if (inner->op == PJ_KIR_SPLAT)
      return pj_kir_splat(k, inner->args[0], lanes);
    if (inner->op == PJ_KIR_CONST)
      return pj_kir_const(k, pj_kir_type((PjKirElem)type.elem, lanes), inner->imm);
    if (inner->op == PJ_KIR_SHUFFLE) { // One shuffle does the work of two.
      for (int i = 0; i < lanes; ++i)
        lane[i] = inner->pattern[lane[i]];
      return pj_kir_shuffle(k, inner->args[0], inner->args[1], lanes, lane);
    }
    bool identity = lanes == from;
    for (int i = 0; i < lanes && identity; ++i)
      identity = lane[i] == i;
    if (identity)
      return a;
  }
  PjKirVal args[2] = {a, b};
  type.lanes = (uint8_t)lanes;
  PjKirInst inst = {
      .op = PJ_KIR_SHUFFLE, .type = type, .num_args = 2, .args = args, .pattern = lane};
  return pj_kir__value(k, &inst);
}

PjKirVal pj_kir_half(PjKir *k, PjKirVal v, int which) {
  int lanes = pj_kir_typeof(k, v).lanes / 2;
  uint8_t pattern[PJ_KIR_MAX_LANES];
  for (int i = 0; i < lanes; ++i)
    pattern[i] = (uint8_t)(i + which * lanes);
  return pj_kir_shuffle(k, v, v, lanes, pattern);
}

PjKirVal pj_kir_join(PjKir *k, PjKirVal low, PjKirVal high) {
  int lanes = pj_kir_typeof(k, low).lanes * 2;
  uint8_t pattern[PJ_KIR_MAX_LANES];
  for (int i = 0; i < lanes && i < PJ_KIR_MAX_LANES; ++i)
    pattern[i] = (uint8_t)i;
  return pj_kir_shuffle(k, low, high, lanes, pattern);
}

PjKirVal pj_kir_reduce_lanes(PjKir *k, PjKirOp op, PjKirVal v) {
  while (pj_kir_typeof(k, v).lanes > 1) {
    PjKirVal low = pj_kir_half(k, v, 0), high = pj_kir_half(k, v, 1);
    v = pj_kir_2(k, op, low, high);
  }
  return v;
}

// -----------------------------------------------------------------------------------------------------
// lane by lane

static bool is_uniform(const PjKir *k, PjKirVal v) {
  const PjKirInst *inst = pj_kir_inst(k, v);
  return inst->op == PJ_KIR_SPLAT || inst->op == PJ_KIR_CONST || inst->type.lanes == 1;
}

// The constant result of constant operands.
static bool fold(PjKir *k, PjKirOp op, PjKirType type, uint32_t n, const PjKirVal *args,
                 PjKirVal *out) {
  uint64_t bits[3], result;
  for (uint32_t i = 0; i < n; ++i)
    if (!pj_kir_is_const(k, args[i], &bits[i]))
      return false;
  if (!pj_kir__fold(op, (PjKirElem)pj_kir_typeof(k, args[0]).elem, (PjKirElem)type.elem, bits,
                    &result))
    return false;
  *out = pj_kir_const(k, type, result);
  return true;
}

static PjKirVal lanewise(PjKir *k, PjKirOp op, PjKirType type, uint32_t n, const PjKirVal *args) {
  PjKirVal sorted[3] = {args[0], n > 1 ? args[1] : 0, n > 2 ? args[2] : 0}, value;
  uint64_t bits;
  if (pj_kir_op_info[op].commutes || op == PJ_KIR_FMA) { // Constants last, else in order of making.
    bool last0 = pj_kir_is_const(k, sorted[0], &bits), last1 = pj_kir_is_const(k, sorted[1], &bits);
    if (last0 != last1 ? last0 : sorted[0] > sorted[1]) {
      sorted[0] = args[1];
      sorted[1] = args[0];
    }
  }
  if (fold(k, op, type, n, sorted, &value))
    return value;
  value = pj_kir__simplify(k, op, type, sorted);
  if (value)
    return value;
  if (type.lanes > 1) {
    bool uniform = true;
    for (uint32_t i = 0; i < n; ++i)
      uniform &= is_uniform(k, sorted[i]);
    if (uniform) {
      for (uint32_t i = 0; i < n; ++i)
        sorted[i] = pj_kir_extract(k, sorted[i], 0);
      value = pj_kir__lanewise(k, op, (PjKirType){type.elem, 1}, n, sorted);
      return pj_kir_splat(k, value, type.lanes);
    }
  }
  PjKirInst inst = {.op = (uint8_t)op, .type = type, .num_args = n, .args = sorted};
  return pj_kir__value(k, &inst);
}

// |v|, or the constant that it is known to be here.
static PjKirVal as_decided(PjKir *k, PjKirVal v) {
  const int decided = pj_kir__decided(k, v);
  return decided < 0 ? v : pj_kir_const(k, PJ_KIR_T(I1, 1), (uint64_t)decided);
}

PjKirVal pj_kir__lanewise(PjKir *k, PjKirOp op, PjKirType type, uint32_t n, const PjKirVal *args) {
  PjKirVal decided[3] = {0};
  for (uint32_t i = 0; i < n; ++i)
    decided[i] = as_decided(k, args[i]);
  return as_decided(k, lanewise(k, op, type, n, decided));
}

// Splats the scalar one of two operands.
static void unify(PjKir *k, PjKirVal *a, PjKirVal *b) {
  int lanes_a = pj_kir_typeof(k, *a).lanes, lanes_b = pj_kir_typeof(k, *b).lanes;
  if (lanes_a == 1)
    *a = pj_kir_splat(k, *a, lanes_b);
  else if (lanes_b == 1)
    *b = pj_kir_splat(k, *b, lanes_a);
}

PjKirVal pj_kir_1(PjKir *k, PjKirOp op, PjKirVal a) {
  return pj_kir__lanewise(k, op, pj_kir_typeof(k, a), 1, &a);
}

PjKirVal pj_kir_2(PjKir *k, PjKirOp op, PjKirVal a, PjKirVal b) {
  if (op == PJ_KIR_PTRADD)
    return pj_kir_ptradd(k, a, b);
  unify(k, &a, &b);
  PjKirType type = pj_kir_typeof(k, a);
  if (op >= PJ_KIR_EQ && op <= PJ_KIR_UNO) {
    if (type.elem == PJ_KIR_I1) { // Masks know and, or, xor only.
      PjKirVal differ = pj_kir_xor(k, a, b);
      return op == PJ_KIR_EQ ? pj_kir_not(k, differ) : differ;
    }
    type.elem = PJ_KIR_I1;
  }
  PjKirVal args[2] = {a, b};
  return pj_kir__lanewise(k, op, type, 2, args);
}

PjKirVal pj_kir_fma(PjKir *k, PjKirVal a, PjKirVal b, PjKirVal c) {
  unify(k, &a, &b);
  unify(k, &b, &c);
  unify(k, &a, &b);
  PjKirVal args[3] = {a, b, c};
  return pj_kir__lanewise(k, PJ_KIR_FMA, pj_kir_typeof(k, c), 3, args);
}

PjKirVal pj_kir_muladd(PjKir *k, PjKirVal a, PjKirVal b, PjKirVal c) {
  return k->target->fma ? pj_kir_fma(k, a, b, c) : pj_kir_fadd(k, pj_kir_fmul(k, a, b), c);
}

PjKirVal pj_kir_select(PjKir *k, PjKirVal mask, PjKirVal a, PjKirVal b) {
  unify(k, &a, &b);
  int lanes = pj_kir_typeof(k, mask).lanes;
  if (lanes > 1) {
    a = pj_kir_splat(k, a, lanes);
    b = pj_kir_splat(k, b, lanes);
    if (pj_kir_inst(k, mask)->op == PJ_KIR_SPLAT)
      mask = pj_kir_inst(k, mask)->args[0];
  }
  PjKirVal args[3] = {mask, a, b};
  return pj_kir__lanewise(k, PJ_KIR_SELECT, pj_kir_typeof(k, a), 3, args);
}

PjKirVal pj_kir_not(PjKir *k, PjKirVal a) {
  return pj_kir_xor(k, a, pj_kir_const(k, pj_kir_typeof(k, a), ~0ull));
}

PjKirVal pj_kir_cast(PjKir *k, PjKirOp op, PjKirElem elem, PjKirVal a) {
  PjKirType type = {(uint8_t)elem, pj_kir_typeof(k, a).lanes};
  return pj_kir__lanewise(k, op, type, 1, &a);
}

PjKirVal pj_kir_bitcast(PjKir *k, PjKirElem elem, PjKirVal a) {
  return pj_kir_cast(k, PJ_KIR_BITCAST, elem, a);
}

// -----------------------------------------------------------------------------------------------------------
// memory

bool pj_kir_is_from_outside(const PjKir *k, PjKirVal a, PjKirVal b) {
  const PjKirBlock *blocks = k->blocks.data;
  return blocks[pj_kir_inst(k, a)->block].depth < blocks[pj_kir_inst(k, b)->block].depth;
}

PjKirVal pj_kir_ptradd(PjKir *k, PjKirVal ptr, PjKirVal bytes) {
  uint64_t more, first;
  if (pj_kir_is_const(k, bytes, &more)) {
    if (!more)
      return ptr;
    const PjKirInst *inner = pj_kir_inst(k, ptr);
    if (inner->op == PJ_KIR_PTRADD && pj_kir_is_const(k, inner->args[1], &first)) {
      ptr = inner->args[0];
      bytes = pj_kir_i64(k, (int64_t)(first + more));
      if (first + more == 0)
        return ptr;
    }
  }
  PjKirVal args[2] = {ptr, bytes};
  PjKirInst inst = {.op = PJ_KIR_PTRADD, .type = PJ_KIR_T(PTR, 1), .num_args = 2, .args = args};
  return pj_kir__value(k, &inst);
}

// What a mask says of all lanes together.
typedef enum MaskState { MASK_SOME, MASK_ALL, MASK_NONE } MaskState;

static MaskState mask_state(PjKir *k, PjKirVal *mask, int lanes) {
  uint64_t bits;
  if (!*mask)
    return MASK_ALL;
  if (pj_kir_is_const(k, *mask, &bits)) {
    *mask = 0;
    return bits ? MASK_ALL : MASK_NONE;
  }
  *mask = pj_kir_splat(k, *mask, lanes);
  return MASK_SOME;
}

static PjKirVal access(PjKir *k, PjKirOp op, PjKirType type, uint32_t n, PjKirVal *args,
                       PjKirVal mask) {
  bool always = op == PJ_KIR_READ && k->always,
       past = op == PJ_KIR_STORE && k->past && pj_kir_typeof(k, args[0]).lanes > 1;
  if (mask)
    args[n++] = mask;
  PjKirInst inst = {.op = (uint8_t)op,
                    .type = type,
                    .alias = k->alias,
                    .num_args = n,
                    .args = args,
                    .imm = !mask && (always || past)};
  return pj_kir__value(k, &inst);
}

PjKirVal pj_kir_load(PjKir *k, PjKirType type, PjKirVal ptr, PjKirVal index, PjKirVal mask,
                     bool readonly) {
  if (mask_state(k, &mask, type.lanes) == MASK_NONE)
    return pj_kir_const(k, type, 0);
  PjKirVal args[3] = {ptr, index};
  if (readonly)
    return access(k, PJ_KIR_READ, type, 2, args, mask);
  PjKirVal value =
      mask ? pj_kir__recall_some(k, type, ptr, index, mask) : pj_kir__recall(k, type, ptr, index);
  if (mask)
    return value ? value : access(k, PJ_KIR_LOAD, type, 2, args, mask);
  if (!value) {
    value = access(k, PJ_KIR_LOAD, type, 2, args, 0);
    pj_kir__remember(k, ptr, index, value, false);
  }
  return value;
}

static PjKirVal wide_index(PjKir *k, PjKirVal index) {
  return pj_kir_typeof(k, index).elem == PJ_KIR_I64
             ? index
             : pj_kir_cast(k, PJ_KIR_SEXT, PJ_KIR_I64, index);
}

PjKirVal pj_kir_gather(PjKir *k, PjKirType type, PjKirVal ptr, PjKirVal indices, PjKirVal mask,
                       bool readonly) {
  if (mask_state(k, &mask, type.lanes) == MASK_NONE)
    return pj_kir_const(k, type, 0);
  if (type.lanes == 1)
    return pj_kir_load(k, type, ptr, wide_index(k, indices), mask, readonly);
  if (!mask && is_uniform(k, indices)) // One element in all lanes.
    return pj_kir_splat(k,
                        pj_kir_load(k, pj_kir_type((PjKirElem)type.elem, 1), ptr,
                                    wide_index(k, pj_kir_extract(k, indices, 0)), 0, readonly),
                        type.lanes);
  PjKirVal args[3] = {ptr, pj_kir_splat(k, indices, type.lanes)};
  return access(k, readonly ? PJ_KIR_READG : PJ_KIR_GATHER, type, 2, args, mask);
}

void pj_kir_store(PjKir *k, PjKirVal value, PjKirVal ptr, PjKirVal index, PjKirVal mask) {
  if (mask_state(k, &mask, pj_kir_typeof(k, value).lanes) == MASK_NONE)
    return;
  PjKirVal args[4] = {value, ptr, index};
  access(k, PJ_KIR_STORE, (PjKirType){0}, 3, args, mask);
  pj_kir__overwrite(k, ptr, index, pj_kir_typeof(k, value));
  if (!mask)
    pj_kir__remember(k, ptr, index, value, true);
}

void pj_kir_scatter(PjKir *k, PjKirVal value, PjKirVal ptr, PjKirVal indices, PjKirVal mask) {
  unify(k, &value, &indices);
  int lanes = pj_kir_typeof(k, value).lanes;
  if (mask_state(k, &mask, lanes) == MASK_NONE)
    return;
  if (lanes == 1) {
    pj_kir_store(k, value, ptr, wide_index(k, indices), mask);
    return;
  }
  PjKirVal args[4] = {value, ptr, indices};
  access(k, PJ_KIR_SCATTER, (PjKirType){0}, 3, args, mask);
  pj_kir__overwrite(k, ptr, 0, pj_kir_typeof(k, value));
}
