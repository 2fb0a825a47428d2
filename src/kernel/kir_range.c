// Ranges of values; see kir_range.h.
//
// Each operation tells the range of its result from those of its operands, by the rules of interval
// arithmetic: bounds are computed with the operation itself, which is monotone in each operand and
// rounds as the code will. A float is also known to be a multiple of 2^grid. Sums are of the
// coarser grid's kind: what a sum loses by rounding is below its own last place, which is no finer.
// So a number that is not zero is no smaller than 2^grid, and nothing near the subnormal numbers
// happens to it.
#include "kernel/kir_range.h"

#include <math.h>

#include "kernel/kir_build.h"

enum { MAX_DEPTH = 32, FINEST = -126, ANY_GRID = 1 << 16 };
static const double LARGEST = 0x1p100;

static PjKirRange integers(int64_t lo, int64_t hi) {
  return (PjKirRange){.known = lo <= hi, .lo = lo, .hi = hi};
}

static int64_t least(PjKirElem elem) {
  return elem == PJ_KIR_I1 ? 0 : -(int64_t)(pj_kir__mask(elem) >> 1) - 1;
}
static int64_t greatest(PjKirElem elem) {
  return elem == PJ_KIR_I1 ? 1 : (int64_t)(pj_kir__mask(elem) >> 1);
}
static PjKirRange all_of(PjKirElem elem) {
  return integers(least(elem), greatest(elem));
}

// |r|, if no number of it wraps around in |elem|.
static PjKirRange within(PjKirElem elem, PjKirRange r) {
  return r.known && r.lo >= least(elem) && r.hi <= greatest(elem) ? r : all_of(elem);
}

static double rounded(PjKirElem elem, double v) {
  return elem == PJ_KIR_F32 ? (double)(float)v : v;
}

// Not known where numbers are so large or so fine that overflow or underflow could come near.
static PjKirRange floats(PjKirElem elem, double low, double high, int grid, bool no_minus_zero) {
  PjKirRange r = {.known = true,
                  .low = rounded(elem, low),
                  .high = rounded(elem, high),
                  .grid = grid,
                  .no_minus_zero = no_minus_zero};
  r.known = r.low >= -LARGEST && r.high <= LARGEST && r.low <= r.high && grid >= FINEST;
  return r;
}

static PjKirRange of_constant(PjKirElem elem, uint64_t bits) {
  if (elem != PJ_KIR_F32 && elem != PJ_KIR_F64) {
    int64_t v = elem == PJ_KIR_I1 ? (int64_t)(bits & 1) : pj_kir__signed(elem, bits);
    return integers(v, v);
  }
  double v;
  float narrow;
  uint32_t low = (uint32_t)bits;
  memcpy(&narrow, &low, 4);
  memcpy(&v, &bits, 8);
  if (elem == PJ_KIR_F32)
    v = narrow;
  if (!isfinite(v))
    return (PjKirRange){0};
  int grid = ANY_GRID;
  if (v != 0) {
    for (grid = ilogb(v); ldexp(v, -grid) != trunc(ldexp(v, -grid));)
      --grid;
  }
  return floats(elem, v, v, grid, !signbit(v) || v != 0);
}

static int finer(int a, int b) {
  return a < b ? a : b;
}

static PjKirRange join(PjKirRange a, PjKirRange b) {
  if (!a.known || !b.known)
    return (PjKirRange){0};
  return (PjKirRange){.known = true,
                      .lo = a.lo < b.lo ? a.lo : b.lo,
                      .hi = a.hi > b.hi ? a.hi : b.hi,
                      .low = fmin(a.low, b.low),
                      .high = fmax(a.high, b.high),
                      .grid = finer(a.grid, b.grid),
                      .no_minus_zero = a.no_minus_zero && b.no_minus_zero};
}

// ---- integers

static PjKirRange multiply(PjKirRange a, PjKirRange b) {
  const int64_t x[] = {a.lo, a.hi}, y[] = {b.lo, b.hi};
  PjKirRange r = {0};
  for (int i = 0; i < 4; ++i) {
    int64_t product;
    if (__builtin_mul_overflow(x[i / 2], y[i % 2], &product))
      return (PjKirRange){0};
    r = i ? join(r, integers(product, product)) : integers(product, product);
  }
  return r;
}

static PjKirRange of_integers(PjKirOp op, PjKirElem elem, PjKirRange a, PjKirRange b) {
  PjKirRange r = {0};
  bool by = b.known && b.lo == b.hi && b.lo >= 0 && b.lo < 63; // a number of bits
  if (!a.known || !b.known)
    return all_of(elem);
  switch (op) {
  case PJ_KIR_ADD:
    if (!__builtin_add_overflow(a.lo, b.lo, &r.lo) && !__builtin_add_overflow(a.hi, b.hi, &r.hi))
      r.known = true;
    break;
  case PJ_KIR_SUB:
    if (!__builtin_sub_overflow(a.lo, b.hi, &r.lo) && !__builtin_sub_overflow(a.hi, b.lo, &r.hi))
      r.known = true;
    break;
  case PJ_KIR_MUL:
    r = multiply(a, b);
    break;
  case PJ_KIR_SHL:
    r = by ? multiply(a, integers((int64_t)1 << b.lo, (int64_t)1 << b.lo)) : r;
    break;
  case PJ_KIR_ASHR:
    r = by ? integers(a.lo >> b.lo, a.hi >> b.lo) : r;
    break;
  case PJ_KIR_LSHR:
    r = by && a.lo >= 0 ? integers(a.lo >> b.lo, a.hi >> b.lo) : r;
    break;
  case PJ_KIR_SMIN:
    r = integers(a.lo < b.lo ? a.lo : b.lo, a.hi < b.hi ? a.hi : b.hi);
    break;
  case PJ_KIR_SMAX:
    r = integers(a.lo > b.lo ? a.lo : b.lo, a.hi > b.hi ? a.hi : b.hi);
    break;
  case PJ_KIR_AND:
    if (a.lo >= 0 || b.lo >= 0) // what has no sign bounds the result
      r = integers(0, b.lo < 0 || (a.lo >= 0 && a.hi < b.hi) ? a.hi : b.hi);
    break;
  default:
    break;
  }
  return within(elem, r);
}

// ---- floats

static PjKirRange product(PjKirElem elem, PjKirRange a, PjKirRange b) {
  const double all[] = {a.low * b.low, a.low * b.high, a.high * b.low, a.high * b.high};
  double low = all[0], high = all[0];
  for (int i = 1; i < 4; ++i) {
    low = fmin(low, all[i]);
    high = fmax(high, all[i]);
  }
  bool positive = a.no_minus_zero && b.no_minus_zero && a.low >= 0 && b.low >= 0;
  return floats(elem, low, high, a.grid + b.grid, positive);
}

// By one number. The least quotient that is not zero is 2^grid / |c|, and its last place the grid.
static PjKirRange quotient(PjKirElem elem, PjKirRange a, PjKirRange b) {
  double c = b.low, x = a.low / c, y = a.high / c;
  if (c != b.high || c == 0)
    return (PjKirRange){0};
  int grid = a.grid - ilogb(c) - 1 - (elem == PJ_KIR_F32 ? 23 : 52);
  return floats(elem, fmin(x, y), fmax(x, y), grid, a.no_minus_zero && c > 0);
}

static PjKirRange of_floats(PjKirOp op, PjKirElem elem, PjKirRange a, PjKirRange b, PjKirRange c) {
  int grid = finer(a.grid, b.grid);
  if (!a.known || !b.known || !c.known)
    return (PjKirRange){0};
  switch (op) {
  case PJ_KIR_FADD:
    return floats(elem, a.low + b.low, a.high + b.high, grid, a.no_minus_zero || b.no_minus_zero);
  case PJ_KIR_FSUB: // equal numbers leave +0
    return floats(elem, a.low - b.high, a.high - b.low, grid, a.no_minus_zero);
  case PJ_KIR_FMUL:
    return product(elem, a, b);
  case PJ_KIR_FDIV:
    return quotient(elem, a, b);
  case PJ_KIR_FMA: {
    PjKirRange p = product(PJ_KIR_F64, a, b);
    if (!p.known)
      return p;
    // In double the bounds may round before they round to float: one place more.
    double low = p.low + c.low, high = p.high + c.high;
    return floats(elem, low - fabs(low) * 0x1p-50, high + fabs(high) * 0x1p-50,
                  finer(p.grid, c.grid), c.no_minus_zero);
  }
  case PJ_KIR_FMIN:
    return floats(elem, fmin(a.low, b.low), fmin(a.high, b.high), grid,
                  a.no_minus_zero && b.no_minus_zero);
  case PJ_KIR_FMAX:
    return floats(elem, fmax(a.low, b.low), fmax(a.high, b.high), grid,
                  a.no_minus_zero && b.no_minus_zero);
  default:
    return (PjKirRange){0};
  }
}

static PjKirRange of_float(PjKirOp op, PjKirElem elem, PjKirRange a) {
  if (!a.known)
    return a;
  int whole = a.grid > 0 ? a.grid : 0;
  bool positive = a.no_minus_zero && a.low >= 0; // of (-1, 0) rounding makes -0
  switch (op) {
  case PJ_KIR_FNEG:
    return floats(elem, -a.high, -a.low, a.grid, a.low > 0 || a.high < 0);
  case PJ_KIR_FABS:
    return floats(elem,
                  a.low > 0    ? a.low
                  : a.high < 0 ? -a.high
                               : 0,
                  fmax(-a.low, a.high), a.grid, true);
  case PJ_KIR_FLOOR:
    return floats(elem, floor(a.low), floor(a.high), whole, a.no_minus_zero);
  case PJ_KIR_CEIL:
    return floats(elem, ceil(a.low), ceil(a.high), whole, positive);
  case PJ_KIR_FTRUNC:
    return floats(elem, trunc(a.low), trunc(a.high), whole, positive);
  case PJ_KIR_RINT:
    return floats(elem, rint(a.low), rint(a.high), whole, positive);
  default:
    return (PjKirRange){0};
  }
}

// ---- values

static PjKirRange range_of(PjKir *k, PjKirVal v, int depth);

static PjKirRange converted(PjKirOp op, PjKirElem from, PjKirElem to, PjKirRange a) {
  uint64_t ones = pj_kir__mask(from);
  bool from_float = from == PJ_KIR_F32 || from == PJ_KIR_F64;
  if (!a.known)
    return pj_kir__is_int(to) ? all_of(to) : (PjKirRange){0};
  switch (op) {
  case PJ_KIR_SEXT: // of i1: 0 or -1
    return from == PJ_KIR_I1 ? integers(-a.hi, -a.lo) : a;
  case PJ_KIR_ZEXT:
    return a.lo >= 0 ? a : integers(0, (int64_t)ones);
  case PJ_KIR_TRUNC:
    return to == PJ_KIR_I1 ? all_of(to) : within(to, a);
  case PJ_KIR_UITOFP:
    if (a.lo < 0 && from == PJ_KIR_I64)
      return (PjKirRange){0};
    if (a.lo < 0)
      return floats(to, 0, (double)ones, 0, true);
    return floats(to, (double)a.lo, (double)a.hi, 0, true);
  case PJ_KIR_SITOFP:
    return floats(to, (double)a.lo, (double)a.hi, 0, true);
  case PJ_KIR_FPTOSI:
    if (a.low < -0x1p62 || a.high > 0x1p62)
      return all_of(to);
    return within(to, integers((int64_t)a.low, (int64_t)a.high));
  case PJ_KIR_FPEXT:
    return a;
  default:
    return from_float || !pj_kir__is_int(to) ? (PjKirRange){0} : all_of(to);
  }
}

static PjKirRange compute(PjKir *k, PjKirVal v, int depth) {
  PjKirInst inst = *pj_kir_inst(k, v);
  PjKirElem elem = (PjKirElem)inst.type.elem;
  PjKirOp op = (PjKirOp)inst.op;
  bool is_float = pj_kir_is_float(inst.type),
       numeric = is_float || pj_kir__is_int(elem) || elem == PJ_KIR_I1;
  PjKirRange any = !is_float && numeric ? all_of(elem) : (PjKirRange){0}, a[3];
  for (int i = 0; i < 3; ++i)
    a[i] = any;
  if (!numeric || depth > MAX_DEPTH)
    return any;
  if (op == PJ_KIR_CONST)
    return of_constant(elem, inst.imm);
  if (op == PJ_KIR_IOTA)
    return integers(0, inst.type.lanes - 1);
  if (!pj_kir_op_info[op].pure || op == PJ_KIR_READ || op == PJ_KIR_READG || !inst.num_args)
    return any;
  for (uint32_t i = 0; i < inst.num_args && i < 3; ++i)
    a[i] = range_of(k, inst.args[i], depth + 1);
  switch (op) {
  case PJ_KIR_SPLAT:
  case PJ_KIR_EXTRACT:
    return a[0];
  case PJ_KIR_SHUFFLE:
    return join(a[0], a[1]);
  case PJ_KIR_SELECT:
    return join(a[1], a[2]);
  default:
    break;
  }
  if (op >= PJ_KIR_SEXT && op <= PJ_KIR_F32TOF16)
    return converted(op, (PjKirElem)pj_kir_typeof(k, inst.args[0]).elem, elem, a[0]);
  if (is_float && inst.num_args == 1)
    return of_float(op, elem, a[0]);
  if (is_float) {
    if (inst.num_args == 2)
      a[2] = a[1];
    return of_floats(op, elem, a[0], a[1], a[2]);
  }
  return inst.num_args == 2 && elem != PJ_KIR_I1 ? of_integers(op, elem, a[0], a[1]) : any;
}

// What was found or assumed, by value.
static PjKirRange **entry(PjKir *k, PjKirVal v) {
  PjKirTable *t = k->table;
  while (t->ranges.len <= v)
    PJ_PUSH(k->arena, &t->ranges, (PjKirRange *)NULL);
  return &t->ranges.data[v];
}

static PjKirRange keep(PjKir *k, PjKirVal v, PjKirRange r) {
  *entry(k, v) = pj_arena_memdup(k->arena, &r, sizeof r);
  return r;
}

static PjKirRange range_of(PjKir *k, PjKirVal v, int depth) {
  PjKirRange *known = *entry(k, v);
  if (known)
    return *known;
  // What lies too deep is asked for again from nearer by.
  return depth > MAX_DEPTH ? compute(k, v, depth) : keep(k, v, compute(k, v, depth));
}

PjKirRange pj_kir_range(PjKir *k, PjKirVal v) {
  return range_of(k, v, 0);
}

void pj_kir_assume(PjKir *k, PjKirVal v, int64_t lo, int64_t hi) {
  keep(k, v, integers(lo, hi));
}

void pj_kir_assume_bits(PjKir *k, PjKirVal v, uint64_t bits) {
  keep(k, v, of_constant((PjKirElem)pj_kir_typeof(k, v).elem, bits));
}

void pj_kir__assume_quotient(PjKir *k, PjKirVal v, PjKirVal a, PjKirVal b) {
  PjKirElem elem = (PjKirElem)pj_kir_typeof(k, v).elem;
  keep(k, v, quotient(elem, pj_kir_range(k, a), pj_kir_range(k, b)));
}
