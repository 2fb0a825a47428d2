// Every operation of kernel IR that computes, on edge values, scalars and vectors, each instruction
// set of this machine, against the same operation in plain C.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "jit_support.h"

enum { MAX_VALUES = 40, MAX_ROWS = 1024, MAX_OPS = 64 };

// ---- values

static double as_double(PjKirElem elem, uint64_t bits) {
  if (elem == PJ_KIR_F32) {
    float f;
    uint32_t low = (uint32_t)bits;
    memcpy(&f, &low, 4);
    return f;
  }
  double d;
  memcpy(&d, &bits, 8);
  return d;
}

static uint64_t float_bits(float f) {
  uint32_t u;
  memcpy(&u, &f, 4);
  return u;
}

static uint64_t double_bits(double d) {
  uint64_t u;
  memcpy(&u, &d, 8);
  return u;
}

static uint64_t of_double(PjKirElem elem, double value) {
  return elem == PJ_KIR_F32 ? float_bits((float)value) : double_bits(value);
}

static int width(PjKirElem elem) {
  return elem == PJ_KIR_I1 ? 1 : pj_kir_elem_bytes(elem) * 8;
}

static uint64_t cut(PjKirElem elem, uint64_t bits) {
  return width(elem) == 64 ? bits : bits & ((1ull << width(elem)) - 1);
}

static int64_t sign_extend(PjKirElem elem, uint64_t bits) {
  return (int64_t)(bits << (64 - width(elem))) >> (64 - width(elem));
}

static bool is_nan(PjKirElem elem, uint64_t bits) {
  return (elem == PJ_KIR_F32 || elem == PJ_KIR_F64) && isnan(as_double(elem, bits));
}

static uint64_t random_state = 1;
static uint64_t random_bits(void) {
  random_state = random_state * 6364136223846793005u + 1442695040888963407u;
  return random_state >> 1 ^ random_state << 31;
}

static uint32_t edge_values(PjKirElem elem, uint64_t *out) {
  uint32_t n = 0;
  if (elem == PJ_KIR_F32 || elem == PJ_KIR_F64) {
    bool single = elem == PJ_KIR_F32;
    const double plain[] = {0.0,  1.0, -1.0, 0.5,       1.5,         2.5,          -2.5, 3.7,
                            -3.2, 1e9, 3e9,  8388607.5, 2147483520., -2147483648., 1e18, 0.1};
    for (size_t i = 0; i < sizeof plain / sizeof *plain; ++i)
      out[n++] = of_double(elem, plain[i]);
    const uint64_t f32[] = {0x80000000, 1,          0x807fffff, 0x00800000, 0x7f7fffff, 0x7f800000,
                            0xff800000, 0x7fc00000, 0xffc12345, 0x7fa00001, 0x4b000001, 0x5f000000};
    const uint64_t f64[] = {0x8000000000000000, 1,
                            0x800fffffffffffff, 0x0010000000000000,
                            0x7fefffffffffffff, 0x7ff0000000000000,
                            0xfff0000000000000, 0x7ff8000000000000,
                            0xfff8000012345678, 0x7ff4000000000001,
                            0x4330000000000001, 0x43e0000000000000};
    for (int i = 0; i < 12; ++i)
      out[n++] = single ? f32[i] : f64[i];
  } else {
    const int64_t plain[] = {0,  1,  2,    3,   7,    10, -1,
                             -2, -7, 0x55, 100, -100, 31, 0x0123456789abcdef};
    for (size_t i = 0; i < sizeof plain / sizeof *plain; ++i)
      out[n++] = cut(elem, (uint64_t)plain[i]);
    uint64_t least = 1ull << (width(elem) - 1);
    const uint64_t edges[] = {least,     least + 1,  least - 1,
                              least - 2, least >> 1, 0x5555555555555555};
    for (size_t i = 0; i < sizeof edges / sizeof *edges; ++i)
      out[n++] = cut(elem, edges[i]);
  }
  while (n < 32)
    out[n++] = cut(elem, random_bits());
  return n;
}

// ---- reference

// Is the result of |op| on these operands defined?
static bool is_defined(PjKirOp op, PjKirElem from, PjKirElem to, uint64_t a, uint64_t b) {
  switch ((int)op) {
  case PJ_KIR_UDIV:
  case PJ_KIR_UREM:
    return b != 0;
  case PJ_KIR_SDIV:
  case PJ_KIR_SREM:
    return b != 0 && !(sign_extend(from, b) == -1 && a == 1ull << (width(from) - 1));
  case PJ_KIR_SHL:
  case PJ_KIR_LSHR:
  case PJ_KIR_ASHR:
    return b < (uint64_t)width(from);
  case PJ_KIR_FPTOSI: {
    double limit = ldexp(1, width(to) - 1), x = trunc(as_double(from, a));
    return x >= -limit && x < limit;
  }
  case PJ_KIR_FPTOUI: {
    double x = trunc(as_double(from, a));
    return x >= 0 && x < ldexp(1, width(to));
  }
  default:
    return true;
  }
}

static uint64_t high_product(PjKirElem elem, uint64_t a, uint64_t b) {
  return (uint64_t)((unsigned __int128)a * b >> width(elem));
}

static uint64_t pick_float(PjKirElem elem, bool first, uint64_t a, uint64_t b) {
  return first ? a : b;
}

// Float arithmetic in the type itself: double would round twice.
static uint64_t float_arithmetic(PjKirOp op, PjKirElem elem, uint64_t a, uint64_t b, uint64_t c) {
  double x = as_double(elem, a), y = as_double(elem, b), z = as_double(elem, c);
  if (elem == PJ_KIR_F32) {
    float f = (float)x, g = (float)y, h = (float)z;
    switch ((int)op) {
    case PJ_KIR_FADD:
      return float_bits(f + g);
    case PJ_KIR_FSUB:
      return float_bits(f - g);
    case PJ_KIR_FMUL:
      return float_bits(f * g);
    case PJ_KIR_FDIV:
      return float_bits(f / g);
    case PJ_KIR_FMA:
      return float_bits(fmaf(f, g, h));
    case PJ_KIR_FSQRT:
      return float_bits(sqrtf(f));
    default:
      break;
    }
  }
  switch ((int)op) {
  case PJ_KIR_FADD:
    return of_double(elem, x + y);
  case PJ_KIR_FSUB:
    return of_double(elem, x - y);
  case PJ_KIR_FMUL:
    return of_double(elem, x * y);
  case PJ_KIR_FDIV:
    return of_double(elem, x / y);
  case PJ_KIR_FMA:
    return of_double(elem, fma(x, y, z));
  case PJ_KIR_FSQRT:
    return of_double(elem, sqrt(x));
  case PJ_KIR_FLOOR:
    return of_double(elem, floor(x));
  case PJ_KIR_CEIL:
    return of_double(elem, ceil(x));
  case PJ_KIR_FTRUNC:
    return of_double(elem, trunc(x));
  default:
    return of_double(elem, rint(x));
  }
}

// Of f16, by the definition: the nearest of all, ties to the even one.
static double f16_value(uint64_t h) {
  int exponent = (int)(h >> 10 & 31);
  double fraction = (double)(h & 1023);
  double value = exponent == 31  ? (h & 1023 ? NAN : INFINITY)
                 : exponent == 0 ? ldexp(fraction, -24)
                                 : ldexp(1024 + fraction, exponent - 25);
  return h & 0x8000 ? -value : value;
}

static uint64_t f16_nearest(double x) {
  uint64_t sign = signbit(x) ? 0x8000 : 0;
  x = fabs(x);
  if (isnan(x))
    return sign | 0x7e00;
  if (x >= 65520)
    return sign | 0x7c00;
  uint64_t low = 0, high = 0x7c00; // f16_value(low) <= x
  while (high - low > 1) {
    uint64_t middle = (low + high) / 2;
    if (f16_value(middle) <= x)
      low = middle;
    else
      high = middle;
  }
  double above = high == 0x7c00 ? 65536 : f16_value(high);
  double up = above - x, down = x - f16_value(low);
  return sign | (down < up || (down == up && !(low & 1)) ? low : high);
}

static uint64_t reference(PjKirOp op, PjKirElem from, PjKirElem to, uint64_t a, uint64_t b,
                          uint64_t c) {
  int64_t sa = from == PJ_KIR_F32 || from == PJ_KIR_F64 ? 0 : sign_extend(from, a);
  int64_t sb = from == PJ_KIR_F32 || from == PJ_KIR_F64 ? 0 : sign_extend(from, b);
  double x = as_double(from, a), y = as_double(from, b);
  uint64_t sign = 1ull << (width(from) - 1);
  switch ((int)op) {
  case PJ_KIR_ADD:
    return cut(from, a + b);
  case PJ_KIR_SUB:
    return cut(from, a - b);
  case PJ_KIR_MUL:
    return cut(from, a * b);
  case PJ_KIR_UMULH:
    return high_product(from, a, b);
  case PJ_KIR_UDIV:
    return a / b;
  case PJ_KIR_SDIV:
    return cut(from, (uint64_t)(sa / sb));
  case PJ_KIR_UREM:
    return a % b;
  case PJ_KIR_SREM:
    return cut(from, (uint64_t)(sa % sb));
  case PJ_KIR_SMIN:
    return sa < sb ? a : b;
  case PJ_KIR_SMAX:
    return sa > sb ? a : b;
  case PJ_KIR_UMIN:
    return a < b ? a : b;
  case PJ_KIR_UMAX:
    return a > b ? a : b;
  case PJ_KIR_AND:
    return a & b;
  case PJ_KIR_OR:
    return a | b;
  case PJ_KIR_XOR:
    return a ^ b;
  case PJ_KIR_SHL:
    return cut(from, a << b);
  case PJ_KIR_LSHR:
    return a >> b;
  case PJ_KIR_ASHR:
    return cut(from, (uint64_t)(sa >> b));
  case PJ_KIR_CTLZ: {
    uint64_t zeros = 0;
    while (zeros < (uint64_t)width(from) && !(a >> (width(from) - 1 - (int)zeros) & 1))
      ++zeros;
    return zeros;
  }
  case PJ_KIR_POPCNT: {
    uint64_t ones = 0;
    for (uint64_t rest = a; rest; rest &= rest - 1)
      ++ones;
    return ones;
  }
  case PJ_KIR_FMIN:
    return pick_float(from, x < y, a, b);
  case PJ_KIR_FMAX:
    return pick_float(from, x > y, a, b);
  case PJ_KIR_FNEG:
    return a ^ sign;
  case PJ_KIR_FABS:
    return a & ~sign;
  case PJ_KIR_COPYSIGN:
    return (a & ~sign) | (b & sign);
  case PJ_KIR_EQ:
    return a == b;
  case PJ_KIR_NE:
    return a != b;
  case PJ_KIR_SLT:
    return sa < sb;
  case PJ_KIR_SLE:
    return sa <= sb;
  case PJ_KIR_ULT:
    return a < b;
  case PJ_KIR_ULE:
    return a <= b;
  case PJ_KIR_FEQ:
    return x == y;
  case PJ_KIR_FNE:
    return x != y;
  case PJ_KIR_FLT:
    return x < y;
  case PJ_KIR_FLE:
    return x <= y;
  case PJ_KIR_UNO:
    return isnan(x) || isnan(y);
  case PJ_KIR_SEXT:
    return cut(to, (uint64_t)sa);
  case PJ_KIR_ZEXT:
  case PJ_KIR_BITCAST:
    return a;
  case PJ_KIR_TRUNC:
    return cut(to, a);
  case PJ_KIR_SITOFP:
    return to == PJ_KIR_F32 ? float_bits((float)sa) : double_bits((double)sa);
  case PJ_KIR_UITOFP:
    return to == PJ_KIR_F32 ? float_bits((float)a) : double_bits((double)a);
  case PJ_KIR_FPTOSI:
    return cut(to, (uint64_t)(int64_t)x);
  case PJ_KIR_FPTOUI:
    return cut(to, x < 0 ? 0 : (uint64_t)x);
  case PJ_KIR_FPEXT:
    return double_bits(x);
  case PJ_KIR_FPTRUNC:
    return float_bits((float)x);
  case PJ_KIR_F16TOF32:
    return float_bits((float)f16_value(a));
  case PJ_KIR_F32TOF16:
    return f16_nearest(x);
  default:
    return float_arithmetic(op, from, a, b, c);
  }
}

// ---- running

typedef struct Case {
  PjKirOp op;
  PjKirElem from, to;
  uint32_t arity;
} Case;

// Cases that share the operands' element: one kernel runs them all.
typedef struct Suite {
  PjKirElem from;
  int lanes;
  uint32_t num_cases;
  Case cases[MAX_OPS];
  uint32_t num_rows[MAX_OPS];
  uint8_t *operands[MAX_OPS][3], *results[MAX_OPS];
} Suite;

static PjKirVal load_operand(PjKir *k, PjKirElem elem, int lanes, PjKirVal buffer, PjKirVal index) {
  if (elem != PJ_KIR_I1)
    return pj_kir_load(k, pj_kir_type(elem, lanes), buffer, index, 0, false);
  PjKirVal bytes = pj_kir_load(k, pj_kir_type(PJ_KIR_I8, lanes), buffer, index, 0, false);
  return pj_kir_cast(k, PJ_KIR_TRUNC, PJ_KIR_I1, bytes);
}

static PjKirVal apply(PjKir *k, const Case *c, const PjKirVal *args) {
  if (c->arity == 3)
    return pj_kir_fma(k, args[0], args[1], args[2]);
  if (c->arity == 2)
    return pj_kir_2(k, c->op, args[0], args[1]);
  if (c->op == PJ_KIR_BITCAST)
    return pj_kir_bitcast(k, c->to, args[0]);
  return c->from == c->to ? pj_kir_1(k, c->op, args[0]) : pj_kir_cast(k, c->op, c->to, args[0]);
}

static void build_suite(PjKir *k, void *context) {
  Suite *s = context;
  PjKirVal index =
      pj_kir_for_begin(k, pj_kir_begin(k), pj_kir_end(k), pj_kir_i64(k, s->lanes), 0, NULL, NULL);
  for (uint32_t i = 0; i < s->num_cases; ++i) {
    const Case *c = &s->cases[i];
    PjKirVal args[3];
    for (uint32_t j = 0; j < c->arity; ++j)
      args[j] = load_operand(k, c->from, s->lanes, pj_kir_buffer(k, i * 4 + j), index);
    PjKirVal value = apply(k, c, args);
    if (c->to == PJ_KIR_I1)
      value = pj_kir_cast(k, PJ_KIR_ZEXT, PJ_KIR_I8, value);
    pj_kir_store(k, value, pj_kir_buffer(k, i * 4 + 3), index, 0);
  }
  pj_kir_for_end(k, 0, NULL, NULL);
}

static uint64_t read_elem(PjKirElem elem, const uint8_t *data, uint32_t index) {
  uint64_t bits = 0;
  size_t size = (size_t)pj_kir_elem_bytes(elem);
  memcpy(&bits, data + index * size, size);
  return bits;
}

static void write_elem(PjKirElem elem, uint8_t *data, uint32_t index, uint64_t bits) {
  size_t size = (size_t)pj_kir_elem_bytes(elem);
  memcpy(data + index * size, &bits, size);
}

// All pairs of edge values for which the operation is defined, then repeated up to MAX_ROWS.
static void fill_operands(Suite *s, uint32_t which) {
  const Case *c = &s->cases[which];
  uint64_t values[MAX_VALUES];
  uint32_t n = edge_values(c->from, values), rows = 0;
  if (c->from == PJ_KIR_I1)
    n = 2, values[0] = 0, values[1] = 1;
  bool wide = c->arity == 1 && n > 2;
  while (rows < MAX_ROWS)
    for (uint32_t i = 0; i < n * n && rows < MAX_ROWS; ++i) {
      uint64_t a = wide && i >= n ? cut(c->from, random_bits()) : values[i % n], b = values[i / n];
      if (c->op == PJ_KIR_SHL || c->op == PJ_KIR_LSHR || c->op == PJ_KIR_ASHR)
        b %= (uint64_t)width(c->from);
      uint64_t third = values[(i * 7 + i / n) % n];
      if (!is_defined(c->op, c->from, c->to, a, b))
        continue;
      write_elem(c->from, s->operands[which][0], rows, a);
      write_elem(c->from, s->operands[which][1], rows, b);
      write_elem(c->from, s->operands[which][2], rows, third);
      ++rows;
    }
}

// Operations that make new numbers give any NaN; those that move bits give the operand's.
static bool keeps_bits(PjKirOp op) {
  return op == PJ_KIR_FNEG || op == PJ_KIR_FABS || op == PJ_KIR_COPYSIGN || op == PJ_KIR_FMIN ||
         op == PJ_KIR_FMAX || op == PJ_KIR_BITCAST;
}

static void check_case(const Suite *s, uint32_t which, PjIsa isa) {
  const Case *c = &s->cases[which];
  PjKirElem to = c->to == PJ_KIR_I1 ? PJ_KIR_I8 : c->to;
  for (uint32_t row = 0; row < MAX_ROWS; ++row) {
    uint64_t v[3] = {0};
    for (uint32_t j = 0; j < 3; ++j)
      v[j] = read_elem(c->from, s->operands[which][j], row);
    uint64_t want = reference(c->op, c->from, c->to, v[0], v[1], v[2]);
    uint64_t got = read_elem(to, s->results[which], row);
    bool same = got == want || (!keeps_bits(c->op) && is_nan(to, want) && is_nan(to, got));
    if (c->op == PJ_KIR_F32TOF16 && (want & 0x7fff) == 0x7e00)
      same = (got & 0x7e00) == 0x7e00;
    if (!same)
      fail_msg("%s %s elem %d -> %d lanes %d: (%llx, %llx, %llx) gives %llx, not %llx",
               pj_isa_name(isa), pj_kir_op_info[c->op].text, c->from, c->to, s->lanes,
               (unsigned long long)v[0], (unsigned long long)v[1], (unsigned long long)v[2],
               (unsigned long long)got, (unsigned long long)want);
  }
}

static void run_suite(Suite *s, PjIsa isa) {
  void *buffers[MAX_OPS * 4] = {0};
  for (uint32_t i = 0; i < s->num_cases; ++i) {
    for (int j = 0; j < 3; ++j)
      buffers[i * 4 + (uint32_t)j] = s->operands[i][j];
    memset(s->results[i], 0xee, MAX_ROWS * 8);
    buffers[i * 4 + 3] = s->results[i];
  }
  PjJitCode *code = test_compile(isa, "ops", build_suite, s);
  pj_jit_entry(code)(buffers, NULL, 0, MAX_ROWS, NULL);
  pj_jit_release(code);
  for (uint32_t i = 0; i < s->num_cases; ++i)
    check_case(s, i, isa);
}

static void add(Suite *s, PjKirOp op, uint32_t arity, PjKirElem to) {
  uint32_t i = s->num_cases++;
  assert_true(i < MAX_OPS);
  s->cases[i] = (Case){op, s->from, to, arity};
  for (int j = 0; j < 3; ++j)
    s->operands[i][j] = malloc(MAX_ROWS * 8);
  s->results[i] = malloc(MAX_ROWS * 8);
  fill_operands(s, i);
}

static void run_all(Suite *s) {
  PjIsa isas[PJ_ISA_COUNT];
  uint32_t n = test_isas(isas);
  static const int lanes[] = {8, 1, 2, 16, 64};
  for (uint32_t i = 0; i < n; ++i)
    for (size_t j = 0; j < (i + 1 < n ? 1 : sizeof lanes / sizeof *lanes);
         ++j) { // the host's set: all
      s->lanes = lanes[j];
      run_suite(s, isas[i]);
    }
  for (uint32_t i = 0; i < s->num_cases; ++i) {
    for (int j = 0; j < 3; ++j)
      free(s->operands[i][j]);
    free(s->results[i]);
  }
  *s = (Suite){0};
}

static const PjKirElem ints[] = {PJ_KIR_I8, PJ_KIR_I16, PJ_KIR_I32, PJ_KIR_I64};
static const PjKirElem floats[] = {PJ_KIR_F32, PJ_KIR_F64};

static void integers(void **state) {
  for (int t = 0; t < 4; ++t) {
    Suite s = {.from = ints[t]};
    for (int op = PJ_KIR_ADD; op <= PJ_KIR_ASHR; ++op)
      if (op != PJ_KIR_UMULH || ints[t] != PJ_KIR_I8)
        add(&s, (PjKirOp)op, 2, s.from);
    add(&s, PJ_KIR_CTLZ, 1, s.from);
    add(&s, PJ_KIR_POPCNT, 1, s.from);
    for (int op = PJ_KIR_EQ; op <= PJ_KIR_ULE; ++op)
      add(&s, (PjKirOp)op, 2, PJ_KIR_I1);
    run_all(&s);
  }
}

static void masks(void **state) {
  Suite s = {.from = PJ_KIR_I1};
  add(&s, PJ_KIR_AND, 2, PJ_KIR_I1);
  add(&s, PJ_KIR_OR, 2, PJ_KIR_I1);
  add(&s, PJ_KIR_XOR, 2, PJ_KIR_I1);
  for (int t = 0; t < 4; ++t) {
    add(&s, PJ_KIR_SEXT, 1, ints[t]);
    add(&s, PJ_KIR_ZEXT, 1, ints[t]);
  }
  run_all(&s);
}

static void float_operations(void **state) {
  for (int t = 0; t < 2; ++t) {
    Suite s = {.from = floats[t]};
    for (int op = PJ_KIR_FADD; op <= PJ_KIR_RINT; ++op)
      add(&s, (PjKirOp)op, (uint32_t)pj_kir_op_info[op].operands, s.from);
    for (int op = PJ_KIR_FEQ; op <= PJ_KIR_UNO; ++op)
      add(&s, (PjKirOp)op, 2, PJ_KIR_I1);
    run_all(&s);
  }
}

static void conversions(void **state) {
  for (int t = 0; t < 4; ++t) {
    Suite s = {.from = ints[t]};
    for (int u = 0; u < 4; ++u)
      if (u > t) {
        add(&s, PJ_KIR_SEXT, 1, ints[u]);
        add(&s, PJ_KIR_ZEXT, 1, ints[u]);
      } else if (u < t)
        add(&s, PJ_KIR_TRUNC, 1, ints[u]);
    add(&s, PJ_KIR_TRUNC, 1, PJ_KIR_I1);
    for (int u = 0; u < 2; ++u) {
      add(&s, PJ_KIR_SITOFP, 1, floats[u]);
      add(&s, PJ_KIR_UITOFP, 1, floats[u]);
    }
    if (s.from == PJ_KIR_I32)
      add(&s, PJ_KIR_BITCAST, 1, PJ_KIR_F32);
    if (s.from == PJ_KIR_I64)
      add(&s, PJ_KIR_BITCAST, 1, PJ_KIR_F64);
    if (s.from == PJ_KIR_I16)
      add(&s, PJ_KIR_F16TOF32, 1, PJ_KIR_F32);
    run_all(&s);
  }
  for (int t = 0; t < 2; ++t) {
    Suite s = {.from = floats[t]};
    for (int u = 0; u < 4; ++u) {
      add(&s, PJ_KIR_FPTOSI, 1, ints[u]);
      add(&s, PJ_KIR_FPTOUI, 1, ints[u]);
    }
    add(&s, PJ_KIR_BITCAST, 1, t ? PJ_KIR_I64 : PJ_KIR_I32);
    add(&s, t ? PJ_KIR_FPTRUNC : PJ_KIR_FPEXT, 1, t ? PJ_KIR_F32 : PJ_KIR_F64);
    if (!t)
      add(&s, PJ_KIR_F32TOF16, 1, PJ_KIR_I16);
    run_all(&s);
  }
}

int main(void) {
  if (!pj_jit_available()) {
    printf("no code generator for this processor: nothing to test\n");
    return 0;
  }
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(integers),
      cmocka_unit_test(masks),
      cmocka_unit_test(float_operations),
      cmocka_unit_test(conversions),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
