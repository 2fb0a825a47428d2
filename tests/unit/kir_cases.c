// Kernels for every emitter: every operation on values at the edges, every way to touch memory,
// control, and random expressions. The interpreter of kir_eval.c says what is right.
#include "kir_cases.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "kir_eval.h"
#include "kir_run.h"

static unsigned ways;

// ------------------------------------------------------------------------------------------------
// values at the edges

enum { EDGES = 24 };

static const uint64_t int_edges[EDGES] = {
    0,
    1,
    2,
    3,
    7,
    8,
    0x7F,
    0x80,
    0x81,
    0xFF,
    0x7FFF,
    0x8000,
    0x8001,
    0xFFFF,
    0x7FFFFFFF,
    0x80000000,
    0x80000001,
    0xFFFFFFFF,
    0x7FFFFFFFFFFFFFFF,
    0x8000000000000000,
    0x8000000000000001,
    0xFFFFFFFFFFFFFFFF,
    0xFFFFFFFFFFFFFFFE,
    0x9E3779B97F4A7C15,
};
static const double f64_edges[EDGES] = {
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.5,
    -0.5,
    1.5,
    2.5,
    -2.5,
    3.0,
    INFINITY,
    -INFINITY,
    NAN,
    4.9e-324,
    -1e-310,
    2.2250738585072014e-308,
    1.7976931348623157e308,
    1e16,
    4503599627370497.5,
    -4503599627370495.5,
    3.14159265358979,
    1e-20,
    65520.0,
    100000.75,
};
static const float f32_edges[EDGES] = {
    0.0f,    -0.0f,           1.0f,           -1.0f,       0.5f,       -0.5f,       1.5f,
    2.5f,    -2.5f,           3.0f,           INFINITY,    -INFINITY,  NAN,         1e-45f,
    -1e-40f, 1.17549435e-38f, 3.40282347e38f, 16777216.0f, 8388609.0f, -4194305.5f, 3.14159274f,
    1e-20f,  65520.0f,        6.1e-5f,
};

// Buffers 0, 1, 2: every edge with every other, so EDGES * EDGES elements.
static void *edges(PjKirElem elem, int which) {
  size_t bytes = (size_t)pj_kir_elem_bytes(elem);
  char *data = malloc(EDGES * EDGES * bytes);
  for (int i = 0; i < EDGES * EDGES; ++i) {
    int at = which == 0 ? i % EDGES : which == 1 ? i / EDGES : (i * 7 + i / EDGES * 5 + 3) % EDGES;
    const void *from = elem == PJ_KIR_F32   ? (const void *)&f32_edges[at]
                       : elem == PJ_KIR_F64 ? (const void *)&f64_edges[at]
                                            : (const void *)&int_edges[at];
    memcpy(data + (size_t)i * bytes, from, bytes);
  }
  return data;
}

static KirBuffer output(PjKirElem elem) {
  return (KirBuffer){elem, EDGES * EDGES, calloc(EDGES * EDGES, 8)};
}

static void free_case(KirCase *kase) {
  for (uint32_t i = 0; i < kase->num_buffers; ++i)
    free(kase->buffers[i].data);
}

// -------------------------------------------------------------------------------------------
// operations lane by lane

typedef struct Shape {
  PjKirElem elem;
  int lanes;
} Shape;

// Stores |v|; masks as i8.
static void put(PjKir *k, PjKirVal v, uint32_t buffer, PjKirVal i) {
  if (pj_kir_typeof(k, v).elem == PJ_KIR_I1)
    v = pj_kir_cast(k, PJ_KIR_ZEXT, PJ_KIR_I8, v);
  pj_kir_store(k, v, pj_kir_buffer(k, buffer), i, 0);
}

// A second operand for which |op| is defined.
static PjKirVal defined(PjKir *k, PjKirOp op, PjKirVal a, PjKirVal b) {
  PjKirType type = pj_kir_typeof(k, a);
  uint64_t width = 8 * (uint64_t)pj_kir_elem_bytes((PjKirElem)type.elem);
  if (op == PJ_KIR_SHL || op == PJ_KIR_LSHR || op == PJ_KIR_ASHR)
    return pj_kir_and(k, b, pj_kir_const(k, type, width - 1));
  if (op < PJ_KIR_UDIV || op > PJ_KIR_SREM)
    return b;
  PjKirVal bad = pj_kir_eq(k, b, pj_kir_const(k, type, 0));
  PjKirVal least = pj_kir_eq(k, a, pj_kir_const(k, type, 1ull << (width - 1)));
  PjKirVal minus = pj_kir_eq(k, b, pj_kir_const(k, type, ~0ull));
  return pj_kir_select(k, pj_kir_or(k, bad, pj_kir_and(k, least, minus)), pj_kir_const(k, type, 3),
                       b);
}

static uint32_t shape_ops(PjKirElem elem, PjKirOp *ops) {
  bool is_float = elem == PJ_KIR_F32 || elem == PJ_KIR_F64;
  uint32_t n = 0;
  for (int op = PJ_KIR_ADD; op <= PJ_KIR_UNO; ++op) {
    bool of_float =
        (op >= PJ_KIR_FADD && op <= PJ_KIR_RINT) || (op >= PJ_KIR_FEQ && op <= PJ_KIR_UNO);
    if (of_float == is_float && !(op == PJ_KIR_UMULH && elem == PJ_KIR_I8))
      ops[n++] = (PjKirOp)op;
  }
  return n;
}

// How many numbers of lanes are tried: a C compiler takes long for the wide ones, which stand
// behind the first |few|.
static int lanes_to_try(int few, int all) {
  return ways == KIR_JIT ? all : few;
}

static void build_ops(PjKir *k, const void *context) {
  const Shape *shape = context;
  PjKirType type = pj_kir_type(shape->elem, shape->lanes);
  PjKirOp ops[PJ_KIR_OP_COUNT];
  uint32_t n = shape_ops(shape->elem, ops);
  PjKirVal i = pj_kir_for_begin(k, pj_kir_begin(k), pj_kir_end(k), pj_kir_i64(k, shape->lanes), 0,
                                NULL, NULL);
  PjKirVal a = pj_kir_load(k, type, pj_kir_buffer(k, 0), i, 0, true);
  PjKirVal b = pj_kir_load(k, type, pj_kir_buffer(k, 1), i, 0, true);
  PjKirVal c = pj_kir_load(k, type, pj_kir_buffer(k, 2), i, 0, false);
  for (uint32_t o = 0; o < n; ++o) {
    int operands = pj_kir_op_info[ops[o]].operands;
    PjKirVal v = operands == 1   ? pj_kir_1(k, ops[o], a)
                 : operands == 2 ? pj_kir_2(k, ops[o], a, defined(k, ops[o], a, b))
                                 : pj_kir_fma(k, a, b, c);
    put(k, v, 3 + o, i);
  }
  pj_kir_for_end(k, 0, NULL, NULL);
}

static void operations(void **state) {
  static const PjKirElem elems[] = {PJ_KIR_I8,  PJ_KIR_I16, PJ_KIR_I32,
                                    PJ_KIR_I64, PJ_KIR_F32, PJ_KIR_F64};
  static const int lanes[] = {1, 8, 64};
  KirCase cases[18];
  Shape shapes[18];
  int count = 6 * lanes_to_try(2, 3);
  for (int s = 0; s < count; ++s) {
    shapes[s] = (Shape){elems[s % 6], lanes[s / 6]};
    PjKirOp ops[PJ_KIR_OP_COUNT];
    uint32_t n = shape_ops(shapes[s].elem, ops);
    cases[s] = (KirCase){.name = "operations",
                         .build = build_ops,
                         .context = &shapes[s],
                         .num_buffers = 3 + n,
                         .end = EDGES * EDGES};
    for (int i = 0; i < 3; ++i)
      cases[s].buffers[i] = (KirBuffer){shapes[s].elem, EDGES * EDGES, edges(shapes[s].elem, i)};
    for (uint32_t o = 0; o < n; ++o)
      cases[s].buffers[3 + o] = output(ops[o] >= PJ_KIR_EQ ? PJ_KIR_I8 : shapes[s].elem);
  }
  kir_run_cases(ways, cases, (size_t)count);
  for (int s = 0; s < count; ++s)
    free_case(&cases[s]);
}

// --------------------------------------------------------------------------------------------------------
// conversions

typedef struct Cast {
  PjKirOp op;
  PjKirElem from, to;
} Cast;

static const Cast casts[] = {
    {PJ_KIR_SEXT, PJ_KIR_I8, PJ_KIR_I16},      {PJ_KIR_SEXT, PJ_KIR_I8, PJ_KIR_I64},
    {PJ_KIR_SEXT, PJ_KIR_I16, PJ_KIR_I32},     {PJ_KIR_SEXT, PJ_KIR_I32, PJ_KIR_I64},
    {PJ_KIR_ZEXT, PJ_KIR_I8, PJ_KIR_I16},      {PJ_KIR_ZEXT, PJ_KIR_I8, PJ_KIR_I32},
    {PJ_KIR_ZEXT, PJ_KIR_I16, PJ_KIR_I64},     {PJ_KIR_ZEXT, PJ_KIR_I32, PJ_KIR_I64},
    {PJ_KIR_TRUNC, PJ_KIR_I64, PJ_KIR_I32},    {PJ_KIR_TRUNC, PJ_KIR_I64, PJ_KIR_I8},
    {PJ_KIR_TRUNC, PJ_KIR_I32, PJ_KIR_I16},    {PJ_KIR_TRUNC, PJ_KIR_I16, PJ_KIR_I8},
    {PJ_KIR_TRUNC, PJ_KIR_I32, PJ_KIR_I1},     {PJ_KIR_TRUNC, PJ_KIR_I8, PJ_KIR_I1},
    {PJ_KIR_SITOFP, PJ_KIR_I8, PJ_KIR_F32},    {PJ_KIR_SITOFP, PJ_KIR_I32, PJ_KIR_F32},
    {PJ_KIR_SITOFP, PJ_KIR_I64, PJ_KIR_F32},   {PJ_KIR_SITOFP, PJ_KIR_I64, PJ_KIR_F64},
    {PJ_KIR_SITOFP, PJ_KIR_I16, PJ_KIR_F64},   {PJ_KIR_UITOFP, PJ_KIR_I8, PJ_KIR_F32},
    {PJ_KIR_UITOFP, PJ_KIR_I32, PJ_KIR_F32},   {PJ_KIR_UITOFP, PJ_KIR_I64, PJ_KIR_F32},
    {PJ_KIR_UITOFP, PJ_KIR_I64, PJ_KIR_F64},   {PJ_KIR_FPTOSI, PJ_KIR_F32, PJ_KIR_I32},
    {PJ_KIR_FPTOSI, PJ_KIR_F32, PJ_KIR_I8},    {PJ_KIR_FPTOSI, PJ_KIR_F32, PJ_KIR_I64},
    {PJ_KIR_FPTOSI, PJ_KIR_F64, PJ_KIR_I64},   {PJ_KIR_FPTOSI, PJ_KIR_F64, PJ_KIR_I16},
    {PJ_KIR_FPTOUI, PJ_KIR_F32, PJ_KIR_I32},   {PJ_KIR_FPTOUI, PJ_KIR_F32, PJ_KIR_I8},
    {PJ_KIR_FPTOUI, PJ_KIR_F64, PJ_KIR_I64},   {PJ_KIR_FPTOUI, PJ_KIR_F32, PJ_KIR_I64},
    {PJ_KIR_FPEXT, PJ_KIR_F32, PJ_KIR_F64},    {PJ_KIR_FPTRUNC, PJ_KIR_F64, PJ_KIR_F32},
    {PJ_KIR_BITCAST, PJ_KIR_F32, PJ_KIR_I32},  {PJ_KIR_BITCAST, PJ_KIR_I32, PJ_KIR_F32},
    {PJ_KIR_BITCAST, PJ_KIR_F64, PJ_KIR_I64},  {PJ_KIR_BITCAST, PJ_KIR_I64, PJ_KIR_F64},
    {PJ_KIR_F32TOF16, PJ_KIR_F32, PJ_KIR_I16},
};
enum { CASTS = sizeof casts / sizeof *casts };

// Zero where the conversion is undefined.
static PjKirVal convertible(PjKir *k, const Cast *cast, PjKirVal a) {
  if (cast->op != PJ_KIR_FPTOSI && cast->op != PJ_KIR_FPTOUI)
    return a;
  PjKirType type = pj_kir_typeof(k, a);
  int bits = 8 * pj_kir_elem_bytes(cast->to);
  bool is_signed = cast->op == PJ_KIR_FPTOSI;
  PjKirVal top = pj_kir_float(k, type, ldexp(1, is_signed ? bits - 1 : bits));
  PjKirVal low = pj_kir_float(k, type, is_signed ? -ldexp(1, bits - 1) : 0);
  PjKirVal fits = pj_kir_and(k, pj_kir_fle(k, low, a), pj_kir_flt(k, a, top));
  return pj_kir_select(k, fits, a, pj_kir_float(k, type, 0));
}

enum { CAST_LANES = 5 };

static void build_cast(PjKir *k, const void *context) {
  const Cast *cast = context;
  static const int lanes[CAST_LANES] = {1, 8, 16, 2, 64};
  for (uint32_t s = 0; s < (uint32_t)lanes_to_try(3, CAST_LANES); ++s) {
    PjKirVal i =
        pj_kir_for_begin(k, pj_kir_begin(k), pj_kir_end(k), pj_kir_i64(k, lanes[s]), 0, NULL, NULL);
    PjKirVal a =
        pj_kir_load(k, pj_kir_type(cast->from, lanes[s]), pj_kir_buffer(k, 0), i, 0, false);
    PjKirVal v = pj_kir_cast(k, cast->op, cast->to, convertible(k, cast, a));
    put(k, v, 1 + s, i);
    if (cast->to == PJ_KIR_I1) { // Masks widened, in both ways.
      PjKirVal wide = pj_kir_cast(k, PJ_KIR_SEXT, PJ_KIR_I8, v);
      put(k, wide, 1 + CAST_LANES, i);
    }
    pj_kir_for_end(k, 0, NULL, NULL);
  }
}

static void conversions(void **state) {
  KirCase cases[CASTS];
  for (int i = 0; i < CASTS; ++i) {
    PjKirElem to = casts[i].to == PJ_KIR_I1 ? PJ_KIR_I8 : casts[i].to;
    cases[i] = (KirCase){.name = pj_kir_op_info[casts[i].op].text,
                         .build = build_cast,
                         .context = &casts[i],
                         .num_buffers = 2 + CAST_LANES,
                         .end = EDGES * EDGES};
    cases[i].buffers[0] = (KirBuffer){casts[i].from, EDGES * EDGES, edges(casts[i].from, 0)};
    for (int b = 1; b < 2 + CAST_LANES; ++b)
      cases[i].buffers[b] = output(to);
  }
  kir_run_cases(ways, cases, CASTS);
  for (int i = 0; i < CASTS; ++i)
    free_case(&cases[i]);
}

// All 65,536 halves to float, back, and floats around every half.
static void build_halves(PjKir *k, const void *context) {
  PjKirVal i =
      pj_kir_for_begin(k, pj_kir_begin(k), pj_kir_end(k), pj_kir_i64(k, 16), 0, NULL, NULL);
  PjKirVal half = pj_kir_load(k, PJ_KIR_T(I16, 16), pj_kir_buffer(k, 0), i, 0, false);
  PjKirVal wide = pj_kir_cast(k, PJ_KIR_F16TOF32, PJ_KIR_F32, half);
  put(k, wide, 1, i);
  PjKirVal bits = pj_kir_bitcast(k, PJ_KIR_I32, wide);
  static const int offsets[] = {0, -1, 1, 0xFFF, 0x1000, 0x1001};
  for (uint32_t o = 0; o < 6; ++o) {
    PjKirVal near =
        pj_kir_add(k, bits, pj_kir_const(k, PJ_KIR_T(I32, 16), (uint64_t)(int64_t)offsets[o]));
    PjKirVal value = pj_kir_bitcast(k, PJ_KIR_F32, near);
    PjKirVal number = pj_kir_select(k, pj_kir_2(k, PJ_KIR_UNO, value, value),
                                    pj_kir_float(k, PJ_KIR_T(F32, 16), 1), value);
    put(k, pj_kir_cast(k, PJ_KIR_F32TOF16, PJ_KIR_I16, number), 2 + o, i);
  }
  pj_kir_for_end(k, 0, NULL, NULL);
}

static void halves(void **state) {
  KirCase kase = {.name = "halves", .build = build_halves, .num_buffers = 8, .end = 65536};
  for (int b = 0; b < 8; ++b)
    kase.buffers[b] = (KirBuffer){b == 1 ? PJ_KIR_F32 : PJ_KIR_I16, 65536, calloc(65536, 4)};
  for (int i = 0; i < 65536; ++i)
    ((uint16_t *)kase.buffers[0].data)[i] = (uint16_t)i;
  kir_run_cases(ways, &kase, 1);
  free_case(&kase);
}

// -------------------------------------------------------------------------------------------------------------
// memory

enum { N = 64 };

#define I64X8 PJ_KIR_T(I64, 8)
#define I32X8 PJ_KIR_T(I32, 8)

// Masks of every kind of access, of vectors and scalars, indices of both widths, equal indices in a
// scatter.
static void build_memory(PjKir *k, const void *context) {
  const Shape *shape = context;
  PjKirType type = pj_kir_type(shape->elem, shape->lanes),
            index = pj_kir_type(PJ_KIR_I64, shape->lanes);
  PjKirVal in = pj_kir_buffer(k, 0), at = pj_kir_buffer(k, 1);
  PjKirVal i = pj_kir_for_begin(k, pj_kir_begin(k), pj_kir_end(k), pj_kir_i64(k, shape->lanes), 0,
                                NULL, NULL);
  PjKirVal where = pj_kir_load(k, index, at, i, 0, false);
  PjKirVal odd = pj_kir_cast(k, PJ_KIR_TRUNC, PJ_KIR_I1, where);
  PjKirVal narrow = pj_kir_cast(k, PJ_KIR_TRUNC, PJ_KIR_I32, where);
  k->alias = 1;
  pj_kir_store(k, pj_kir_load(k, type, in, i, odd, false), pj_kir_buffer(k, 2), i, 0);
  pj_kir_store(k, pj_kir_load(k, type, in, i, 0, true), pj_kir_buffer(k, 3), i, odd);
  pj_kir_store(k, pj_kir_gather(k, type, in, where, 0, false), pj_kir_buffer(k, 4), i, 0);
  pj_kir_store(k, pj_kir_gather(k, type, in, narrow, odd, true), pj_kir_buffer(k, 5), i, 0);
  if (shape->lanes > 1) { // which lanes are on is known: all but the first ones
    PjKirVal few = pj_kir_2(
        k, PJ_KIR_ULT, pj_kir_add(k, pj_kir_iota(k, index), pj_kir_const(k, index, -(uint64_t)1)),
        pj_kir_const(k, index, (uint64_t)shape->lanes));
    PjKirVal small = pj_kir_cast(k, PJ_KIR_ZEXT, PJ_KIR_I64, narrow);
    pj_kir_store(k, pj_kir_gather(k, type, in, small, few, false), pj_kir_buffer(k, 9), i, 0);
  }
  PjKirVal value = pj_kir_load(k, type, in, i, 0, true);
  pj_kir_scatter(k, value, pj_kir_buffer(k, 6), pj_kir_and(k, where, pj_kir_const(k, index, 15)),
                 0);
  pj_kir_scatter(k, value, pj_kir_buffer(k, 7), narrow, odd);
  // The address as base plus bytes, counted from the end.
  int bytes = pj_kir_elem_bytes(shape->elem);
  PjKirVal last = pj_kir_ptradd(k, pj_kir_buffer(k, 8), pj_kir_i64(k, (N - shape->lanes) * bytes));
  pj_kir_store(k, value, last, pj_kir_sub(k, pj_kir_i64(k, 0), i),
               pj_kir_const(k, PJ_KIR_T(I1, 1), 1));
  pj_kir_for_end(k, 0, NULL, NULL);
}

static void memory(void **state) {
  static const PjKirElem elems[] = {PJ_KIR_I8,  PJ_KIR_I16, PJ_KIR_I32,
                                    PJ_KIR_I64, PJ_KIR_F32, PJ_KIR_F64};
  static const int lanes[] = {8, 1, 2, 16, 64};
  enum { COUNT = 6 * sizeof lanes / sizeof *lanes };
  KirCase cases[COUNT];
  Shape shapes[COUNT];
  int count = 6 * lanes_to_try(2, COUNT / 6);
  for (int s = 0; s < count; ++s) {
    shapes[s] = (Shape){elems[s % 6], lanes[s / 6]};
    cases[s] = (KirCase){.name = "memory",
                         .build = build_memory,
                         .context = &shapes[s],
                         .num_buffers = 10,
                         .end = N};
    for (int b = 0; b < 10; ++b)
      cases[s].buffers[b] = (KirBuffer){b == 1 ? PJ_KIR_I64 : shapes[s].elem, N, calloc(N, 8)};
    for (int i = 0; i < N; ++i) {
      ((int64_t *)cases[s].buffers[1].data)[i] = (i * 37 + 5) % N;
      memcpy((char *)cases[s].buffers[0].data + i * pj_kir_elem_bytes(shapes[s].elem),
             &(uint64_t){0x0101010101010101ull * (uint64_t)(i + 1)},
             (size_t)pj_kir_elem_bytes(shapes[s].elem));
    }
  }
  kir_run_cases(ways, cases, (size_t)count);
  for (int s = 0; s < count; ++s)
    free_case(&cases[s]);
}

// ------------------------------------------------------------------------------------------------------------
// shuffles

enum { SHUFFLES = 16 };

static int shuffled_lane(int how, int lane, int lanes) {
  switch (how) {
  case 0: // reversed
    return lanes - 1 - lane;
  case 1: // the second one's first half behind the first one's
    return lane < lanes / 2 ? lane : lane + lanes / 2;
  case 2: // every other
    return 2 * lane;
  case 3:
    return 2 * lane + 1;
  case 4: // in turn
    return lane / 2 + lane % 2 * lanes;
  case 5:
    return lanes / 2 + lane / 2 + lane % 2 * lanes;
  case 6: // the second one's first lane comes in
    return lane + 1;
  case 7: // pairs change places
    return lane ^ 1;
  case 8: // one lane
    return lanes - 1;
  case 9: // fours in any order
    return (lane / 4 * 4 * 5 + lane % 4) % (2 * lanes);
  case 10: // upper halves
    return lane < lanes / 2 ? lane + lanes / 2 : lane + lanes;
  case 11: // fours: lower halves in turn,
    return lane / 4 * 4 + lane % 4 / 2 + lane % 2 * lanes;
  case 12: // and upper ones, the second one's first
    return lane / 4 * 4 + 2 + lane % 4 / 2 + (1 - lane % 2) * lanes;
  case 13: // two of each
    return lane / 4 * 4 + (3 * lane + 1) % 4 + lane % 4 / 2 * lanes;
  case 14: // an upper half and a lower one
    return lane < lanes / 2 ? lane + lanes / 2 + lanes : lane - lanes / 2;
  default: // anything
    return (lane * 11 + 3) % (2 * lanes);
  }
}

// Orders of lanes of two operands and of one, of masks, and whether any lane of a mask is on.
static void build_shuffles(PjKir *k, const void *context) {
  const Shape *shape = context;
  int lanes = shape->lanes;
  PjKirType type = pj_kir_type(shape->elem, lanes);
  PjKirVal i =
      pj_kir_for_begin(k, pj_kir_begin(k), pj_kir_end(k), pj_kir_i64(k, lanes), 0, NULL, NULL);
  PjKirVal x = pj_kir_load(k, type, pj_kir_buffer(k, 0), i, 0, false);
  PjKirVal y = pj_kir_load(k, type, pj_kir_buffer(k, 1), i, 0, false);
  bool floats = pj_kir_is_float(type);
  PjKirVal less = pj_kir_2(k, floats ? PJ_KIR_FLT : PJ_KIR_SLT, x, y);
  for (int how = 0; how < SHUFFLES; ++how) {
    uint8_t both[PJ_KIR_MAX_LANES], one[PJ_KIR_MAX_LANES];
    for (int lane = 0; lane < lanes; ++lane) {
      both[lane] = (uint8_t)shuffled_lane(how, lane, lanes);
      one[lane] = both[lane] % lanes;
    }
    put(k, pj_kir_shuffle(k, x, y, lanes, both), 2 + 2 * (uint32_t)how, i);
    PjKirVal turned = pj_kir_shuffle(k, x, x, lanes, one);
    if (lanes <= 32) {
      PjKirVal mask = pj_kir_shuffle(k, less, less, lanes, one);
      turned = pj_kir_select(k, mask, turned, y);
    }
    put(k, turned, 3 + 2 * (uint32_t)how, i);
  }
  PjKirVal top = pj_kir_shuffle(k, x, y, lanes / 2, (uint8_t[PJ_KIR_MAX_LANES]){0});
  PjKirVal any = pj_kir_reduce_lanes(k, PJ_KIR_OR, less);
  PjKirVal beyond = pj_kir_2(k, floats ? PJ_KIR_FLT : PJ_KIR_SLT, x, pj_kir_const(k, type, 0));
  PjKirVal found;
  pj_kir_if_begin(k, pj_kir_reduce_lanes(k, PJ_KIR_OR, beyond));
  pj_kir_if_else(k, 1, &x);
  pj_kir_if_end(k, 1, &y, &found);
  put(k, pj_kir_select(k, any, found, pj_kir_join(k, top, top)), 2 + 2 * SHUFFLES, i);
  pj_kir_for_end(k, 0, NULL, NULL);
}

static void shuffles(void **state) {
  static const PjKirElem elems[] = {PJ_KIR_I8,  PJ_KIR_I16, PJ_KIR_I32,
                                    PJ_KIR_I64, PJ_KIR_F32, PJ_KIR_F64};
  static const int lanes[] = {8, 4, 16, 32, 64};
  enum { COUNT = 6 * sizeof lanes / sizeof *lanes, BUFFERS = 3 + 2 * SHUFFLES };
  KirCase cases[COUNT];
  Shape shapes[COUNT];
  int count = 6 * lanes_to_try(2, COUNT / 6);
  for (int s = 0; s < count; ++s) {
    shapes[s] = (Shape){elems[s % 6], lanes[s / 6]};
    cases[s] = (KirCase){.name = "shuffles",
                         .build = build_shuffles,
                         .context = &shapes[s],
                         .num_buffers = BUFFERS,
                         .end = N};
    int bytes = pj_kir_elem_bytes(shapes[s].elem);
    for (int b = 0; b < BUFFERS; ++b)
      cases[s].buffers[b] = (KirBuffer){shapes[s].elem, N, calloc(N, 8)};
    for (int i = 0; i < 2 * N * bytes; ++i) // exponents that are no NaN's
      ((uint8_t *)cases[s].buffers[i / (N * bytes)].data)[i % (N * bytes)] =
          (uint8_t)(1 + i * 37 % 61 + (i % bytes == bytes - 1 && i % 5 == 0 ? 128 : 0));
  }
  kir_run_cases(ways, cases, (size_t)count);
  for (int s = 0; s < count; ++s)
    free_case(&cases[s]);
}

// ------------------------------------------------------------------------------------------------------------
// control

// Lanes: iota, shuffles, halves, reductions, single lanes of values and of masks, selects by one
// mask.
static void build_lanes(PjKir *k, const void *context) {
  PjKirVal i = pj_kir_for_begin(k, pj_kir_begin(k), pj_kir_end(k), pj_kir_i64(k, 8), 0, NULL, NULL);
  PjKirVal x = pj_kir_load(k, I32X8, pj_kir_buffer(k, 0), i, 0, false);
  PjKirVal y = pj_kir_add(k, x, pj_kir_iota(k, I32X8));
  PjKirVal mixed = pj_kir_shuffle(k, x, y, 8, (const uint8_t[]){15, 0, 8, 1, 9, 2, 10, 7});
  put(k, mixed, 1, i);
  PjKirVal low = pj_kir_half(k, y, 0), high = pj_kir_half(k, y, 1);
  put(k, pj_kir_join(k, pj_kir_sub(k, high, low), low), 2, i);
  PjKirVal sum = pj_kir_reduce_lanes(k, PJ_KIR_ADD, y),
           most = pj_kir_reduce_lanes(k, PJ_KIR_SMAX, x);
  put(k, pj_kir_splat(k, pj_kir_xor(k, sum, most), 8), 3, i);
  PjKirVal less = pj_kir_slt(k, x, mixed);
  PjKirVal any = pj_kir_reduce_lanes(k, PJ_KIR_OR, less), third = pj_kir_extract(k, less, 3);
  put(k, pj_kir_select(k, any, x, y), 4, i);
  PjKirVal turned = pj_kir_shuffle(k, less, less, 8, (const uint8_t[]){7, 6, 5, 4, 3, 2, 1, 0});
  put(k, pj_kir_select(k, pj_kir_not(k, turned), x, pj_kir_select(k, third, y, mixed)), 5, i);
  PjKirVal differ = pj_kir_xor(k, pj_kir_and(k, less, turned), pj_kir_splat(k, third, 8));
  put(k, pj_kir_cast(k, PJ_KIR_SEXT, PJ_KIR_I32, pj_kir_or(k, differ, less)), 6, i);
  PjKirVal pair = pj_kir_join(k, sum, most);
  put(k, pj_kir_shuffle(k, pair, pair, 8, (const uint8_t[]){0, 1, 1, 0, 1, 1, 1, 0}), 7, i);
  pj_kir_for_end(k, 0, NULL, NULL);
}

// Loops whose carried values change places; nested; of no trip; a branch with results in the loop.
static void build_loops(PjKir *k, const void *context) {
  PjKirVal zero = pj_kir_i64(k, 0), one = pj_kir_i64(k, 1), outer[3], inner[2], out[3];
  PjKirVal init[3] = {pj_kir_param(k, PJ_KIR_T(I64, 1), 0), pj_kir_param(k, PJ_KIR_T(I64, 1), 1),
                      zero};
  PjKirVal i =
      pj_kir_for_begin(k, pj_kir_begin(k), pj_kir_end(k), pj_kir_i64(k, 3), 3, init, outer);
  PjKirVal start[2] = {outer[0], i};
  PjKirVal j = pj_kir_for_begin(k, zero, i, one, 2, start, inner);
  PjKirVal next[2] = {pj_kir_add(k, pj_kir_mul(k, inner[0], pj_kir_i64(k, 7)), j), inner[0]};
  pj_kir_for_end(k, 2, next, inner);
  PjKirVal choice;
  pj_kir_if_begin(k, pj_kir_slt(k, inner[0], inner[1]));
  pj_kir_store(k, inner[0], pj_kir_buffer(k, 0), i, 0);
  PjKirVal product = pj_kir_mul(k, inner[0], outer[2]);
  pj_kir_if_else(k, 1, &product);
  pj_kir_if_begin(k, pj_kir_2(k, PJ_KIR_ULT, inner[1], pj_kir_i64(k, 1000)));
  pj_kir_store(k, outer[2], pj_kir_buffer(k, 1), i, 0);
  pj_kir_if_else(k, 0, NULL);
  pj_kir_if_end(k, 0, NULL, NULL);
  PjKirVal sum = pj_kir_add(k, outer[2], one);
  pj_kir_if_end(k, 1, &sum, &choice);
  PjKirVal rotated[3] = {outer[1], pj_kir_xor(k, inner[0], outer[0]), choice};
  pj_kir_for_end(k, 3, rotated, out);
  for (int r = 0; r < 3; ++r)
    pj_kir_store(k, out[r], pj_kir_buffer(k, 2), pj_kir_i64(k, r), 0);
}

// Collatz: steps until 1, for every start; the largest value goes through memory of the function.
static void build_while(PjKir *k, const void *context) {
  PjKirVal zero = pj_kir_i64(k, 0), one = pj_kir_i64(k, 1), carried[2], out[2];
  PjKirVal memory = pj_kir_stack(k, 16);
  PjKirVal i = pj_kir_for_begin(k, pj_kir_begin(k), pj_kir_end(k), one, 0, NULL, NULL);
  pj_kir_store(k, zero, memory, one, 0);
  pj_kir_while_begin(k, 2, (PjKirVal[]){pj_kir_add(k, i, one), zero}, carried);
  PjKirVal n = carried[0], half = pj_kir_lshr(k, n, one);
  pj_kir_while_test(k, pj_kir_ne(k, half, zero));
  PjKirVal most =
      pj_kir_2(k, PJ_KIR_UMAX, pj_kir_load(k, PJ_KIR_T(I64, 1), memory, one, 0, false), n);
  pj_kir_store(k, most, memory, one, 0);
  PjKirVal odd = pj_kir_cast(k, PJ_KIR_TRUNC, PJ_KIR_I1, n);
  PjKirVal up = pj_kir_add(k, pj_kir_mul(k, n, pj_kir_i64(k, 3)), one);
  PjKirVal next[2] = {pj_kir_select(k, odd, up, half), pj_kir_add(k, carried[1], one)};
  pj_kir_while_end(k, 2, next, out);
  pj_kir_store(k, out[1], pj_kir_buffer(k, 0), i, 0);
  pj_kir_store(k, pj_kir_load(k, PJ_KIR_T(I64, 1), memory, one, 0, false), pj_kir_buffer(k, 1), i,
               0);
  pj_kir_for_end(k, 0, NULL, NULL);
}

// Calls, scratch memory, parameters of every type.
static void build_calls(PjKir *k, const void *context) {
  PjKirVal zero = pj_kir_i64(k, 0), scratch = pj_kir_scratch(k), bytes = pj_kir_i64(k, 64);
  PjKirVal fill = pj_kir_param(k, PJ_KIR_T(I32, 1), 0);
  pj_kir_call(k, PJ_KIR_EXTERN_MEMSET, 3, (PjKirVal[]){scratch, fill, bytes});
  PjKirVal shifted = pj_kir_ptradd(k, scratch, pj_kir_i64(k, 8));
  pj_kir_call(k, PJ_KIR_EXTERN_MEMCPY, 3, (PjKirVal[]){scratch, pj_kir_buffer(k, 0), bytes});
  pj_kir_call(k, PJ_KIR_EXTERN_MEMMOVE, 3, (PjKirVal[]){shifted, scratch, bytes});
  pj_kir_call(k, PJ_KIR_EXTERN_MEMCPY, 3,
              (PjKirVal[]){pj_kir_buffer(k, 1), scratch, pj_kir_i64(k, 128)});
  PjKirVal x = pj_kir_param(k, PJ_KIR_T(F64, 1), 1), y = pj_kir_param(k, PJ_KIR_T(F32, 1), 2);
  PjKirVal wide = pj_kir_call(k, PJ_KIR_EXTERN_FMOD, 2,
                              (PjKirVal[]){x, pj_kir_float(k, PJ_KIR_T(F64, 1), 0.7)});
  PjKirVal narrow = pj_kir_call(k, PJ_KIR_EXTERN_FMODF, 2,
                                (PjKirVal[]){y, pj_kir_float(k, PJ_KIR_T(F32, 1), -0.7)});
  pj_kir_store(k, wide, pj_kir_buffer(k, 2), zero, 0);
  pj_kir_store(k, narrow, pj_kir_buffer(k, 3), zero, 0);
  PjKirVal flag = pj_kir_param(k, PJ_KIR_T(I1, 1), 3);
  PjKirVal small = pj_kir_cast(k, PJ_KIR_SEXT, PJ_KIR_I64, pj_kir_param(k, PJ_KIR_T(I8, 1), 4));
  PjKirVal middle = pj_kir_cast(k, PJ_KIR_ZEXT, PJ_KIR_I64, pj_kir_param(k, PJ_KIR_T(I16, 1), 5));
  PjKirVal full = pj_kir_param(k, PJ_KIR_T(I64, 1), 6);
  pj_kir_store(k, pj_kir_select(k, flag, small, middle), pj_kir_buffer(k, 4), zero, 0);
  pj_kir_store(k, pj_kir_select(k, pj_kir_not(k, flag), small, full), pj_kir_buffer(k, 4),
               pj_kir_i64(k, 1), 0);
  // Constants of every kind.
  static const double floats[] = {-0.0, 1e300,    0.1,       INFINITY, -INFINITY,
                                  NAN,  4.9e-324, 123456789, -7,       1e-5};
  for (int i = 0; i < 10; ++i)
    pj_kir_store(k, pj_kir_float(k, PJ_KIR_T(F64, 1), floats[i]), pj_kir_buffer(k, 2),
                 pj_kir_i64(k, 1 + i), 0);
  for (int i = 0; i < 10; ++i)
    pj_kir_store(k, pj_kir_float(k, PJ_KIR_T(F32, 1), floats[i]), pj_kir_buffer(k, 3),
                 pj_kir_i64(k, 1 + i), 0);
  for (int i = 0; i < EDGES; ++i)
    pj_kir_store(k, pj_kir_i64(k, (int64_t)int_edges[i]), pj_kir_buffer(k, 4), pj_kir_i64(k, 2 + i),
                 0);
  for (int i = 0; i < EDGES; ++i)
    pj_kir_store(k, pj_kir_const(k, PJ_KIR_T(I32, 1), int_edges[i]), pj_kir_buffer(k, 5),
                 pj_kir_i64(k, i), 0);
  for (int i = 0; i < EDGES; ++i)
    pj_kir_store(k, pj_kir_const(k, PJ_KIR_T(I8, 1), int_edges[i]), pj_kir_buffer(k, 6),
                 pj_kir_i64(k, i), 0);
}

static void control(void **state) {
  KirCase cases[] = {
      {.name = "lanes", .build = build_lanes, .num_buffers = 8, .end = N},
      {.name = "loops",
       .build = build_loops,
       .num_buffers = 3,
       .params = {5, 11},
       .begin = -4,
       .end = 40},
      {.name = "while", .build = build_while, .num_buffers = 2, .end = N},
      {.name = "calls",
       .build = build_calls,
       .num_buffers = 7,
       .params = {0x1A5, 0x40091EB851EB851F, 0xC0490FDB, 2, 0x180, 0xFFFF1, ~5ull}},
  };
  for (int c = 0; c < 4; ++c)
    for (uint32_t b = 0; b < cases[c].num_buffers; ++b) {
      PjKirElem elem = c == 0             ? PJ_KIR_I32
                       : c == 3 && b == 2 ? PJ_KIR_F64
                       : c == 3 && b == 3 ? PJ_KIR_F32
                                          : PJ_KIR_I64;
      cases[c].buffers[b] = (KirBuffer){elem, N, calloc(N, 8)};
      for (int i = 0; i < N && b == 0; ++i)
        memcpy((char *)cases[c].buffers[0].data + i * pj_kir_elem_bytes(elem),
               &(uint64_t){(uint64_t)(i * 0x9E3779B9)}, (size_t)pj_kir_elem_bytes(elem));
    }
  kir_run_cases(ways, cases, 4);
  for (int c = 0; c < 4; ++c)
    free_case(&cases[c]);
}

// --------------------------------------------------------------------------------------------------
// random expressions

// A random straight-line function over eight lanes, and what it gives, computed beside it from the
// operations that were asked for; so the builder's simplifications are tested as well.
enum { VALUES = 60, POOL = VALUES + 8 };

typedef struct Random {
  uint64_t state;
  void *outputs[32]; // filled while building
} Random;

static uint64_t draw(Random *r, uint64_t below) {
  r->state = r->state * 6364136223846793005ull + 1442695040888963407ull;
  return (r->state >> 33) % below;
}

typedef struct Pool {
  PjKir *k;
  Random *r;
  PjKirVal values[POOL];
  KirLanes lanes[POOL];
  int len;
} Pool;

static int add(Pool *p, PjKirVal v, KirLanes lanes) {
  p->values[p->len] = v;
  p->lanes[p->len] = lanes;
  return p->len++;
}

static int add_const(Pool *p, PjKirType type, uint64_t bits) {
  PjKirType none = {0};
  if (type.elem == PJ_KIR_I1)
    bits &= 1;
  return add(p, pj_kir_const(p->k, type, bits),
             kir_eval_op(PJ_KIR_CONST, type, bits, NULL, &none, NULL));
}

// Constants that identities look for, or an edge.
static int add_some_const(Pool *p, PjKirType type) {
  static const double simple[] = {0, -0.0, 1, -1, 2, 0.5, -8, 0.125};
  static const int64_t whole[] = {0, 1, -1, 2, 3, 8, 64, 0x7F};
  uint64_t at = draw(p->r, 8), edge = draw(p->r, EDGES), bits = 0;
  bool is_edge = draw(p->r, 2);
  float narrow = is_edge ? f32_edges[edge] : (float)simple[at];
  double wide = is_edge ? f64_edges[edge] : simple[at];
  if (type.elem == PJ_KIR_F32)
    memcpy(&bits, &narrow, 4);
  else if (type.elem == PJ_KIR_F64)
    memcpy(&bits, &wide, 8);
  else
    bits = is_edge ? int_edges[edge] : (uint64_t)whole[at];
  return add_const(p, type, bits);
}

// A value of |type|: often a constant or a young one, which is where identities are met.
static int pick(Pool *p, PjKirType type) {
  if (draw(p->r, 4) == 0)
    return add_some_const(p, type);
  uint64_t recent = draw(p->r, 2) ? 12 : (uint64_t)p->len;
  for (int tries = 0; tries < 40; ++tries) {
    int at = p->len - 1 - (int)draw(p->r, recent < (uint64_t)p->len ? recent : (uint64_t)p->len);
    if (pj_kir_type_eq(pj_kir_typeof(p->k, p->values[at]), type))
      return at;
  }
  return add_some_const(p, type);
}

static bool is_nan(PjKirType type, uint64_t bits) {
  return (type.elem == PJ_KIR_F32 && (bits & 0x7FFFFFFF) > 0x7F800000) ||
         (type.elem == PJ_KIR_F64 && (bits & INT64_MAX) > 0x7FF0000000000000);
}

static void apply(Pool *p, PjKirOp op, PjKirType result, int n, const int *args) {
  PjKirType types[3] = {{0}};
  KirLanes lanes[3] = {{{0}}};
  PjKirVal v[3] = {0};
  for (int i = 0; i < n; ++i) {
    v[i] = p->values[args[i]];
    types[i] = pj_kir_typeof(p->k, v[i]);
    lanes[i] = p->lanes[args[i]];
  }
  // The bits of a NaN are the processor's: they must not be looked at.
  int looked_at = op == PJ_KIR_COPYSIGN                           ? 1
                  : op == PJ_KIR_BITCAST || op == PJ_KIR_F32TOF16 ? 0
                                                                  : -1;
  for (int l = 0; l < 8 && looked_at >= 0; ++l)
    if (is_nan(types[looked_at], lanes[looked_at].lane[l]))
      return;
  KirLanes out = kir_eval_op(op, result, 0, NULL, types, lanes);
  PjKirVal made = op == PJ_KIR_SELECT ? pj_kir_select(p->k, v[0], v[1], v[2])
                  : n == 3            ? pj_kir_fma(p->k, v[0], v[1], v[2])
                  : op >= PJ_KIR_SEXT && n == 1
                      ? pj_kir_cast(p->k, op, (PjKirElem)result.elem, v[0])
                  : n == 1 ? pj_kir_1(p->k, op, v[0])
                           : pj_kir_2(p->k, op, v[0], v[1]);
  add(p, made, out);
}

// One random operation on values that it is defined for.
static void grow(Pool *p) {
  static const PjKirElem elems[] = {PJ_KIR_I8,  PJ_KIR_I16, PJ_KIR_I32, PJ_KIR_I32, PJ_KIR_I64,
                                    PJ_KIR_F32, PJ_KIR_F32, PJ_KIR_F64, PJ_KIR_I1};
  PjKirType type = {(uint8_t)elems[draw(p->r, 9)], 8}, mask = PJ_KIR_T(I1, 8);
  int args[3];
  if (draw(p->r, 5) == 0) {
    const Cast *cast = &casts[draw(p->r, CASTS)];
    if (cast->op == PJ_KIR_FPTOSI || cast->op == PJ_KIR_FPTOUI)
      return;
    args[0] = pick(p, pj_kir_type(cast->from, 8));
    apply(p, cast->op, pj_kir_type(cast->to, 8), 1, args);
    return;
  }
  if (draw(p->r, 6) == 0) {
    args[0] = pick(p, mask);
    args[1] = pick(p, type);
    args[2] = pick(p, type);
    apply(p, PJ_KIR_SELECT, type, 3, args);
    return;
  }
  if (type.elem == PJ_KIR_I1) {
    args[0] = pick(p, mask);
    args[1] = pick(p, mask);
    apply(p, (PjKirOp)(PJ_KIR_AND + draw(p->r, 3)), mask, 2, args);
    return;
  }
  PjKirOp ops[PJ_KIR_OP_COUNT], op = ops[draw(p->r, shape_ops((PjKirElem)type.elem, ops))];
  int n = pj_kir_op_info[op].operands;
  for (int i = 0; i < n; ++i)
    args[i] = pick(p, type);
  uint64_t width = 8 * (uint64_t)pj_kir_elem_bytes((PjKirElem)type.elem);
  if (op >= PJ_KIR_UDIV && op <= PJ_KIR_SREM) // By a constant that is neither 0 nor -1.
    args[1] = add_const(p, type, 1 + draw(p->r, 100));
  if (op == PJ_KIR_SHL || op == PJ_KIR_LSHR || op == PJ_KIR_ASHR)
    args[1] = add_const(p, type, draw(p->r, width));
  apply(p, op, op >= PJ_KIR_EQ ? mask : type, n, args);
}

static void build_random(PjKir *k, const void *context) {
  Random *r = (Random *)context;
  Pool pool = {.k = k, .r = r}, *p = &pool;
  PjKirVal zero = pj_kir_i64(k, 0);
  static const PjKirElem inputs[] = {PJ_KIR_I8,  PJ_KIR_I16, PJ_KIR_I32,
                                     PJ_KIR_I64, PJ_KIR_F32, PJ_KIR_F64};
  uint64_t first = r->state;
  for (uint32_t b = 0; b < 6; ++b) {
    KirLanes lanes = {{0}};
    size_t bytes = (size_t)pj_kir_elem_bytes(inputs[b]);
    for (int l = 0; l < 8; ++l)
      memcpy(&lanes.lane[l], (char *)r->outputs[b] + (size_t)l * bytes, bytes);
    add(p, pj_kir_load(k, pj_kir_type(inputs[b], 8), pj_kir_buffer(k, b), zero, 0, true), lanes);
  }
  while (p->len < VALUES)
    grow(p);
  // Everything is stored, by types.
  int count[6] = {0};
  for (int v = 6; v < p->len; ++v) {
    PjKirVal value = p->values[v];
    uint32_t b = 0;
    if (pj_kir_typeof(k, value).elem == PJ_KIR_I1)
      value = pj_kir_cast(k, PJ_KIR_ZEXT, PJ_KIR_I8, value);
    while (inputs[b] != (PjKirElem)pj_kir_typeof(k, value).elem)
      ++b;
    pj_kir_store(k, value, pj_kir_buffer(k, 6 + b), pj_kir_i64(k, 8 * count[b]), 0);
    size_t bytes = (size_t)pj_kir_elem_bytes(inputs[b]);
    for (int l = 0; l < 8; ++l)
      memcpy((char *)r->outputs[6 + b] + (size_t)(8 * count[b] + l) * bytes, &p->lanes[v].lane[l],
             bytes);
    ++count[b];
  }
  r->state = first;
}

static unsigned random_count, random_seed;

static void random_expressions(void **state) {
  static const PjKirElem elems[] = {PJ_KIR_I8,  PJ_KIR_I16, PJ_KIR_I32,
                                    PJ_KIR_I64, PJ_KIR_F32, PJ_KIR_F64};
  KirCase *cases = calloc(random_count, sizeof *cases);
  Random *randoms = calloc(random_count, sizeof *randoms);
  for (unsigned c = 0; c < random_count; ++c) {
    randoms[c].state = (uint64_t)(random_seed + c) * 0x9E3779B97F4A7C15 + 1;
    cases[c] = (KirCase){.name = "random",
                         .build = build_random,
                         .context = &randoms[c],
                         .num_buffers = 12,
                         .expected = randoms[c].outputs};
    for (int b = 0; b < 12; ++b) {
      size_t bytes = (size_t)pj_kir_elem_bytes(elems[b % 6]), count = b < 6 ? 8 : 8 * POOL;
      cases[c].buffers[b] = (KirBuffer){elems[b % 6], count, calloc(count, 8)};
      char *all = b < 6 ? edges(elems[b], 0) : NULL;
      for (size_t l = 0; l < 8 && b < 6; ++l)
        memcpy((char *)cases[c].buffers[b].data + l * bytes, all + draw(&randoms[c], EDGES) * bytes,
               bytes);
      free(all);
      randoms[c].outputs[b] = calloc(count, 8);
      memcpy(randoms[c].outputs[b], cases[c].buffers[b].data, count * 8);
    }
  }
  kir_run_cases(ways, cases, random_count);
  for (unsigned c = 0; c < random_count; ++c) {
    free_case(&cases[c]);
    for (int b = 0; b < 12; ++b)
      free(randoms[c].outputs[b]);
  }
  free(cases);
  free(randoms);
}

int kir_random_main(unsigned how, unsigned seed, unsigned count) {
  ways = how;
  random_seed = seed;
  random_count = count;
  const struct CMUnitTest tests[] = {cmocka_unit_test(random_expressions)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

int kir_cases_main(unsigned how) {
  ways = how;
  random_seed = 1;
  random_count = 20;
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(operations),
      cmocka_unit_test(conversions),
      cmocka_unit_test(halves),
      cmocka_unit_test(memory),
      cmocka_unit_test(shuffles),
      cmocka_unit_test(control),
      cmocka_unit_test(random_expressions),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
