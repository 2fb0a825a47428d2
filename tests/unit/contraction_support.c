#include "contraction_support.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "eval/float.h"

Value value_get(const PjTensor *t, int64_t i) {
  const char *at = (const char *)t->data + (size_t)i * pj_dtype_bytes(t->dtype);
  if (t->dtype == PJ_DT_C64)
    return (Value){((const float *)at)[0], ((const float *)at)[1], 0};
  if (t->dtype == PJ_DT_C128)
    return (Value){((const double *)at)[0], ((const double *)at)[1], 0};
  if (pj_dtype_is_float(t->dtype))
    return (Value){pj_double_decode(t->dtype, at), 0, 0};
  return (Value){0, 0, (uint64_t)pj_int_decode(t->dtype, at)};
}

void value_add_product(Value *sum, Value a, Value b) {
  sum->re += a.re * b.re - a.im * b.im;
  sum->im += a.re * b.im + a.im * b.re;
  sum->integer += a.integer * b.integer;
}

void expect_sum(const PjTensor *t, int64_t i, Value want, int64_t terms) {
  const Value have = value_get(t, i);
  if (t->dtype == PJ_DT_PRED) {
    assert_int_equal(have.integer, want.integer != 0);
  } else if (pj_dtype_is_int(t->dtype)) {
    uint64_t stored;
    pj_int_encode(t->dtype, (int64_t)want.integer, &stored);
    assert_true(have.integer == (uint64_t)pj_int_decode(t->dtype, &stored));
  } else {
    const double eps = t->dtype == PJ_DT_F64 || t->dtype == PJ_DT_C128 ? 1e-15
                       : t->dtype == PJ_DT_F16                         ? 1e-3
                       : t->dtype == PJ_DT_BF16                        ? 8e-3
                                                                       : 3e-7;
    const double limit = eps * (4 * (double)terms + 4);
    assert_true(fabs(have.re - want.re) <= limit && fabs(have.im - want.im) <= limit);
  }
}

PjTensor *random_operand(PjDtype dtype, int32_t rank, const int64_t *dims) {
  PjTensor *t = make_tensor(dtype, rank, dims, NULL);
  const size_t bytes = pj_dtype_bytes(dtype);
  for (int64_t i = 0; i < t->count; ++i) {
    char *at = (char *)t->data + (size_t)i * bytes;
    const double value = (double)random_int(-64, 64) / 32;
    if (pj_dtype_is_complex(dtype)) {
      pj_double_encode(pj_dtype_part(dtype), value, at);
      pj_double_encode(pj_dtype_part(dtype), (double)random_int(-64, 64) / 32, at + bytes / 2);
    } else if (pj_dtype_is_float(dtype)) {
      pj_double_encode(dtype, value, at);
    } else {
      pj_int_encode(
          dtype, dtype == PJ_DT_PRED ? random_int(0, 1) : random_int(-1000000007, 1000000007), at);
    }
  }
  return t;
}

void program_start(const PjTensor *a, const PjTensor *b, PjDtype dtype, int32_t rank,
                   const int64_t *dims) {
  text_start();
  text_add("func.func @main(%%a: ");
  text_type(a->dtype, a->rank, a->dims);
  text_add(", %%b: ");
  text_type(b->dtype, b->rank, b->dims);
  text_add(") -> ");
  text_type(dtype, rank, dims);
  text_add(" {\n");
}

PjTensor *program_finish(PjTensor *a, PjTensor *b, const char *more, PjDtype dtype, int32_t rank,
                         const int64_t *dims) {
  PjTensor *in[] = {a, b}, *out;
  text_add(" : (");
  text_type(a->dtype, a->rank, a->dims);
  text_add(", ");
  text_type(b->dtype, b->rank, b->dims);
  text_add("%s) -> ", more);
  text_type(dtype, rank, dims);
  text_add("\nreturn %%r : ");
  text_type(dtype, rank, dims);
  text_add("\n}\n");
  evaluate_ok(text_get(), 2, in, 1, &out);
  assert_int_equal(out->rank, rank);
  assert_memory_equal(out->dims, dims, (size_t)rank * sizeof *dims);
  return out;
}

void random_order(int64_t n, int64_t *order) {
  for (int64_t i = 0; i < n; ++i)
    order[i] = i;
  for (int64_t i = n - 1; i > 0; --i) {
    const int64_t j = random_int(0, i), other = order[i];
    order[i] = order[j];
    order[j] = other;
  }
}
