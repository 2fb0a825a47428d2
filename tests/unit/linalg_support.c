#include "linalg_support.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "eval/float.h"

const PjDtype linalg_types[4] = {PJ_DT_F32, PJ_DT_F64, PJ_DT_C64, PJ_DT_C128};

bool is_wide(PjDtype dtype) {
  return pj_dtype_part(dtype) == PJ_DT_F64;
}

Number number_get(const PjTensor *t, int64_t i) {
  const char *at = (const char *)t->data + (size_t)i * pj_dtype_bytes(t->dtype);
  if (t->dtype == PJ_DT_C64)
    return ((const float *)at)[0] + I * ((const float *)at)[1];
  if (t->dtype == PJ_DT_C128)
    return ((const double *)at)[0] + I * ((const double *)at)[1];
  return pj_dtype_is_float(t->dtype) ? pj_double_decode(t->dtype, at)
                                     : (double)pj_int_decode(t->dtype, at);
}

void number_set(PjTensor *t, int64_t i, Number value) {
  char *at = (char *)t->data + (size_t)i * pj_dtype_bytes(t->dtype);
  pj_double_encode(pj_dtype_part(t->dtype), creal(value), at);
  if (pj_dtype_is_complex(t->dtype))
    pj_double_encode(pj_dtype_part(t->dtype), cimag(value), at + pj_dtype_bytes(t->dtype) / 2);
}

PjTensor *random_matrix(PjDtype dtype, int64_t batch, int64_t rows, int64_t cols) {
  PjTensor *t = make_tensor(dtype, 3, (int64_t[]){batch, rows, cols}, NULL);
  for (int64_t i = 0; i < t->count; ++i) {
    const double re = (double)random_int(-1000, 1000) / 1000;
    number_set(t, i,
               pj_dtype_is_complex(dtype) ? re + I * ((double)random_int(-1000, 1000) / 1000) : re);
  }
  return t;
}

void run_op(const char *op, uint32_t num_in, PjTensor *const *in, uint32_t num_out,
            const Result *results, PjTensor **out) {
  text_start();
  text_add("func.func @main(");
  for (uint32_t i = 0; i < num_in; ++i) {
    text_add("%s%%a%u: ", i ? ", " : "", i);
    text_type(in[i]->dtype, in[i]->rank, in[i]->dims);
  }
  text_add(") -> (");
  for (uint32_t i = 0; i < num_out; ++i) {
    if (i)
      text_add(", ");
    text_type(results[i].dtype, results[i].rank, results[i].dims);
  }
  text_add(") {\n%%r:%u = %s : (", num_out, op);
  for (uint32_t i = 0; i < num_in; ++i) {
    if (i)
      text_add(", ");
    text_type(in[i]->dtype, in[i]->rank, in[i]->dims);
  }
  text_add(") -> (");
  for (uint32_t i = 0; i < num_out; ++i) {
    if (i)
      text_add(", ");
    text_type(results[i].dtype, results[i].rank, results[i].dims);
  }
  text_add(")\nreturn ");
  for (uint32_t i = 0; i < num_out; ++i)
    text_add("%s%%r#%u", i ? ", " : "", i);
  text_add(" : ");
  for (uint32_t i = 0; i < num_out; ++i) {
    if (i)
      text_add(", ");
    text_type(results[i].dtype, results[i].rank, results[i].dims);
  }
  text_add("\n}\n");
  evaluate_ok(text_get(), num_in, in, num_out, out);
}

void release_all(uint32_t count, PjTensor **tensors) {
  for (uint32_t i = 0; i < count; ++i)
    pj_tensor_release(tensors[i]);
}

void expect_number(Number have, Number want, PjDtype dtype, double scale) {
  assert_true(cabs(have - want) <= (is_wide(dtype) ? 1e-12 : 1e-4) * scale);
}

Number matrix_at(const PjTensor *t, int64_t b, int64_t i, int64_t j) {
  return number_get(t, (b * t->dims[1] + i) * t->dims[2] + j);
}

PjTensor *positive_definite(PjDtype dtype, int64_t batch, int64_t n) {
  PjTensor *x = random_matrix(dtype, batch, n, n), *a = random_matrix(dtype, batch, n, n);
  for (int64_t e = 0; e < a->count; ++e) {
    const int64_t b = e / (n * n), i = e / n % n, j = e % n;
    Number sum = i == j;
    for (int64_t k = 0; k < n; ++k)
      sum += number_get(x, (b * n + i) * n + k) * conj(number_get(x, (b * n + j) * n + k));
    number_set(a, e, sum);
  }
  pj_tensor_release(x);
  return a;
}
