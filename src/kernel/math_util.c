// What the math expansions share: polynomials, exact sums and products, calls lane by lane.
#include "kernel/math_util.h"

#include <string.h>

PjKirVal pj_math__horner(PjKir *k, PjKirVal v, size_t n, const double *coefficients) {
  PjKirVal x = v, sum = C(coefficients[n - 1]);
  for (size_t i = n - 1; i-- > 0;)
    sum = MADD(sum, v, C(coefficients[i]));
  return sum;
}

// Up to 2^level terms, the halves side by side; |powers| are v, v^2, v^4 ... |first|: in place of
// the first one, if not 0.
static PjKirVal halves(PjKir *k, const PjKirVal *powers, int level, PjKirVal first, size_t n,
                       const double *coefficients) {
  PjKirVal x = powers[0];
  if (n == 1)
    return first ? first : C(coefficients[0]);
  const size_t half = (size_t)1 << --level;
  PjKirVal low = halves(k, powers, level, first, n < half ? n : half, coefficients);
  if (n <= half)
    return low;
  return MADD(halves(k, powers, level, 0, n - half, coefficients + half), powers[level], low);
}

PjKirVal pj_math__poly(PjKir *k, PjKirVal v, size_t n, const double *coefficients) {
  enum { SHORT = 4, PAIRS = 6, PAIRS_OF_F32 = 9 }; // vectors of f32 feel one product more
  if (n <= SHORT)
    return pj_math__horner(k, v, n, coefficients);
  const int level = n <= (pj__wide(k, v) ? PAIRS : PAIRS_OF_F32) ? 1 : 2;
  PjKirVal powers[3] = {v};
  for (int i = 0; i < level; ++i)
    powers[i + 1] = MUL(powers[i], powers[i]);
  const size_t step = (size_t)1 << level;
  size_t i = (n - 1) / step * step;
  PjKirVal sum = halves(k, powers, level, 0, n - i, coefficients + i);
  while (i > 0) {
    i -= step;
    sum = MADD(sum, powers[level], halves(k, powers, level, 0, step, coefficients + i));
  }
  return sum;
}

PjKirVal pj_math__estrin(PjKir *k, PjKirVal v, PjKirVal first, size_t n,
                         const double *coefficients) {
  enum { MOST = 32, LEVELS = 5 };
  double all[MOST] = {0};
  PjKirVal powers[LEVELS] = {v}; // which all wait for, so they come first
  int level = 1;
  memcpy(all + 1, coefficients, n * sizeof *coefficients);
  for (; (size_t)1 << level <= n; ++level)
    powers[level] = MUL(powers[level - 1], powers[level - 1]);
  return halves(k, powers, level, first, n + 1, all);
}

PjKirVal pj_math__any(PjKir *k, PjKirVal mask) {
  return pj_kir_reduce_lanes(k, PJ_KIR_OR, mask);
}

// ------------------------------------------------------------------ exact sums and products
// Dekker, "A floating-point technique for extending the available precision", Numerische
// Mathematik 18, 1971.

PjPair pj_math__two_sum(PjKir *k, PjKirVal a, PjKirVal b) {
  PjKirVal sum = ADD(a, b), b_part = SUB(sum, a), a_part = SUB(sum, b_part);
  return (PjPair){sum, ADD(SUB(a, a_part), SUB(b, b_part))};
}

PjPair pj_math__fast_two_sum(PjKir *k, PjKirVal a, PjKirVal b) {
  PjKirVal sum = ADD(a, b);
  return (PjPair){sum, SUB(b, SUB(sum, a))};
}

// |a| as two numbers of half its digits.
static PjPair split(PjKir *k, PjKirVal a) {
  PjKirVal x = a, big = MUL(a, CW(0x1.001p12, 0x1.0000002p27)), high = SUB(big, SUB(big, a));
  return (PjPair){high, SUB(a, high)};
}

PjPair pj_math__two_prod(PjKir *k, PjKirVal a, PjKirVal b) {
  PjKirVal product = MUL(a, b);
  if (k->target->fma)
    return (PjPair){product, pj_kir_fma(k, a, b, NEG(product))};
  if (!pj__wide(k, a)) {
    PjKirVal exact = MUL(pj__widen(k, a), pj__widen(k, b));
    return (PjPair){product, pj__narrow(k, SUB(exact, pj__widen(k, product)))};
  }
  PjPair p = split(k, a), q = split(k, b);
  PjKirVal rest = SUB(MUL(p.hi, q.hi), product);
  rest = ADD(ADD(ADD(rest, MUL(p.hi, q.lo)), MUL(p.lo, q.hi)), MUL(p.lo, q.lo));
  return (PjPair){product, rest};
}

PjKirVal pj_math__fma(PjKir *k, PjKirVal a, PjKirVal b, PjKirVal c) {
  if (k->target->fma)
    return pj_kir_fma(k, a, b, c);
  if (!pj__wide(k, a))
    return pj__narrow(k, ADD(MUL(pj__widen(k, a), pj__widen(k, b)), pj__widen(k, c)));
  PjPair product = pj_math__two_prod(k, a, b), sum = pj_math__two_sum(k, product.hi, c);
  return ADD(sum.hi, ADD(sum.lo, product.lo));
}

PjPair pj_math__pair_mul(PjKir *k, PjPair a, PjPair b) {
  PjPair product = pj_math__two_prod(k, a.hi, b.hi);
  PjKirVal cross = MADD(a.hi, b.lo, MADD(a.lo, b.hi, product.lo));
  return pj_math__fast_two_sum(k, product.hi, cross);
}

// ------------------------------------------------------------------ calls

PjKirVal pj_math__call_lanes(PjKir *k, PjKirExtern callee, uint32_t n, const PjKirVal *args) {
  PjKirType type = pj_kir_typeof(k, args[0]);
  enum { MAX_ARGS = 2 };
  PjKirVal scalars[MAX_ARGS], memory[MAX_ARGS], zero = pj_kir_i64(k, 0);
  PjKirType scalar = pj_kir_type((PjKirElem)type.elem, 1);
  if (type.lanes == 1)
    return pj_kir_call(k, callee, n, args);
  uint64_t bytes = (uint64_t)pj_kir_elem_bytes((PjKirElem)type.elem) * type.lanes;
  for (uint32_t i = 0; i < n; ++i) {
    memory[i] = pj_kir_stack(k, bytes);
    pj_kir_store(k, args[i], memory[i], zero, 0);
  }
  PjKirVal lane =
      pj_kir_for_begin(k, zero, pj_kir_i64(k, type.lanes), pj_kir_i64(k, 1), 0, NULL, NULL);
  for (uint32_t i = 0; i < n; ++i)
    scalars[i] = pj_kir_load(k, scalar, memory[i], lane, 0, false);
  pj_kir_store(k, pj_kir_call(k, callee, n, scalars), memory[0], lane, 0);
  pj_kir_for_end(k, 0, NULL, NULL);
  return pj_kir_load(k, type, memory[0], zero, 0, false);
}
