// The checks of test programs: custom call targets and the check dialect.
//
// The distance of two floats in ULPs is the difference of their magnitudes' bit patterns, or the
// sum when the signs differ, so that neighbours are 1 apart across every power of two; equal bits,
// both zeros and any two NaNs are 0 apart; a number and a non-finite value are infinitely far
// apart.
#include "eval/check.h"

#include <math.h>

#include "eval/float.h"
#include "eval/run.h"

static uint64_t raw_bits(PjDtype dtype, const void *element) {
  uint64_t bits = 0;
  memcpy(&bits, element, pj_dtype_bytes(dtype));
  return bits;
}

enum { FAR = -1 }; // as uint64_t: farther than any two finite numbers

static uint64_t ulp_distance(PjDtype dtype, const void *a, const void *b) {
  double x = pj_double_decode(dtype, a), y = pj_double_decode(dtype, b);
  uint64_t bits_x = raw_bits(dtype, a), bits_y = raw_bits(dtype, b);
  if (bits_x == bits_y || (isnan(x) && isnan(y)) || (x == 0 && y == 0))
    return 0;
  if (!isfinite(x) || !isfinite(y))
    return (uint64_t)FAR;
  uint64_t sign = (uint64_t)1 << (pj_dtype_bits(dtype) - 1);
  uint64_t magnitude_x = bits_x & ~sign, magnitude_y = bits_y & ~sign;
  if ((bits_x & sign) != (bits_y & sign))
    return magnitude_x + magnitude_y;
  return magnitude_x > magnitude_y ? magnitude_x - magnitude_y : magnitude_y - magnitude_x;
}

static bool floats_match(const PjCheck *check, PjDtype dtype, const void *a, const void *b) {
  double x = pj_double_decode(dtype, a), y = pj_double_decode(dtype, b);
  switch (check->rule) {
  case PJ_CHECK_EQ:
    return x == y;
  case PJ_CHECK_ALMOST:
    return x == y || (isnan(x) && isnan(y)) || fabs(x - y) <= check->tolerance;
  case PJ_CHECK_ULP:
    break;
  }
  uint64_t distance = ulp_distance(dtype, a, b);
  return distance >= check->low && distance <= check->high;
}

static bool match(const PjCheck *check, PjDtype dtype, const char *a, const char *b) {
  if (!pj_dtype_is_float(dtype) && !pj_dtype_is_complex(dtype))
    return !memcmp(a, b, pj_dtype_bytes(dtype));
  PjDtype part = pj_dtype_part(dtype);
  size_t step = pj_dtype_bytes(part);
  if (!pj_dtype_is_complex(dtype))
    return floats_match(check, part, a, b);
  if (check->rule == PJ_CHECK_ULP) { // the larger of the two distances counts
    uint64_t real = ulp_distance(part, a, b), imag = ulp_distance(part, a + step, b + step);
    uint64_t distance = real > imag ? real : imag;
    return distance >= check->low && distance <= check->high;
  }
  return floats_match(check, part, a, b) && floats_match(check, part, a + step, b + step);
}

static void print_element(PjStrBuf *out, PjDtype dtype, const char *element) {
  PjDtype part = pj_dtype_part(dtype);
  if (pj_dtype_is_complex(dtype))
    pj_strbuf_printf(out, "(%.17g,%.17g)", pj_double_decode(part, element),
                     pj_double_decode(part, element + pj_dtype_bytes(part)));
  else if (pj_dtype_is_float(dtype))
    pj_strbuf_printf(out, "%.17g", pj_double_decode(dtype, element));
  else
    pj_strbuf_printf(out, "%lld", (long long)pj_int_decode(dtype, element));
}

static PjStatus mismatch(const PjTensor *actual, const PjTensor *expected, int64_t at,
                         int64_t wrong) {
  size_t size = pj_dtype_bytes(actual->dtype);
  PjStrBuf text = {0};
  int64_t rest = at, index[PJ_MAX_RANK];
  for (int32_t d = actual->rank - 1; d >= 0; rest /= actual->dims[d--])
    index[d] = rest % actual->dims[d];
  pj_strbuf_puts(&text, "element [");
  for (int32_t d = 0; d < actual->rank; ++d)
    pj_strbuf_printf(&text, d ? ",%lld" : "%lld", (long long)index[d]);
  pj_strbuf_puts(&text, "] is ");
  print_element(&text, actual->dtype, (const char *)actual->data + (size_t)at * size);
  pj_strbuf_puts(&text, ", expected ");
  print_element(&text, actual->dtype, (const char *)expected->data + (size_t)at * size);
  PjStatus status =
      PJ_ERROR(FAILED_PRECONDITION, "%s (%lld of %lld differ)", text.data ? text.data : "",
               (long long)wrong, (long long)actual->count);
  pj_strbuf_free(&text);
  return status;
}

PjStatus pj_check_compare(const PjCheck *check, const PjTensor *actual, const PjTensor *expected) {
  PJ_FAIL_IF(actual->dtype != expected->dtype || actual->rank != expected->rank,
             FAILED_PRECONDITION, "a %s of rank %d is compared with a %s of rank %d",
             pj_dtype_text(actual->dtype), actual->rank, pj_dtype_text(expected->dtype),
             expected->rank);
  for (int32_t d = 0; d < actual->rank; ++d)
    PJ_FAIL_IF(actual->dims[d] != expected->dims[d], FAILED_PRECONDITION,
               "dimension %d is %lld, expected %lld", d, (long long)actual->dims[d],
               (long long)expected->dims[d]);
  size_t size = pj_dtype_bytes(actual->dtype);
  int64_t wrong = 0, first = 0;
  for (int64_t i = 0; i < actual->count; ++i) {
    const char *a = (const char *)actual->data + (size_t)i * size,
               *b = (const char *)expected->data + (size_t)i * size;
    if (match(check, actual->dtype, a, b))
      continue;
    if (!wrong++)
      first = i;
  }
  return wrong ? mismatch(actual, expected, first, wrong) : PJ_STATUS_OK;
}

// ----------------------------------------------------------------------------------------------
// custom call targets
static PjStatus check_target(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out,
                             void *user) {
  if (op->num_operands != 2 || op->num_results > 1)
    return PJ_OP_ERROR(op, INVALID_ARGUMENT, "a check takes two operands");
  PjStatus status = pj_check_compare(user, in[0], in[1]);
  if (status)
    return pj_op_blame(op, status);
  if (op->num_results) {
    out[0] = pj_eval_new(ev, PJ_DT_PRED, 0, NULL);
    *(uint8_t *)out[0]->data = 1;
  }
  return PJ_STATUS_OK;
}

PjStatus pj_check_register(void) {
  static PjCheck exact = {PJ_CHECK_EQ, 0, 0, 0}, close = {PJ_CHECK_ULP, 0, 0, 3};
  static PjCheck almost = {PJ_CHECK_ALMOST, 1e-3, 0, 0}, quantized = {PJ_CHECK_ALMOST, 1e-4, 0, 0};
  PJ_TRY(pj_custom_call_register(PJ_STR("check.expect_eq"), check_target, &exact));
  PJ_TRY(pj_custom_call_register(PJ_STR("check.expect_close"), check_target, &close));
  PJ_TRY(pj_custom_call_register(PJ_STR("check.expect_almost_eq"), check_target, &almost));
  return pj_custom_call_register(PJ_STR("check.eq"), check_target, &quantized);
}

// ----------------------------------------------------------------------------------------------
// check dialect
static double float_or(const PjAttr *attr, double otherwise) {
  return attr ? attr->f64 : otherwise;
}

static uint64_t int_or(const PjAttr *attr, uint64_t otherwise) {
  return attr ? (uint64_t)attr->i64 : otherwise;
}

static PjStatus check_dialect(PjEval *ev, const PjOp *op, PjTensor *const *in) {
  PjTensor *expected = op->num_operands > 1 ? in[1] : NULL;
  if (op->kind == PJ_OP_CHECK_EXPECT_EQ_CONST || op->kind == PJ_OP_CHECK_EXPECT_ALMOST_EQ_CONST) {
    PjOp constant = {.kind = PJ_OP_CONSTANT,
                     .num_results = 1,
                     .results = &(PjValue){.type = PJ_ATTR(op, value)->type},
                     .attrs = (const PjAttr *[]){PJ_ATTR(op, value)}};
    PJ_TRY(pj_ev_constant(ev, &constant, NULL, &expected));
  }
  PjCheck check = {.rule = PJ_CHECK_EQ};
  if (op->kind == PJ_OP_CHECK_EXPECT_ALMOST_EQ || op->kind == PJ_OP_CHECK_EXPECT_ALMOST_EQ_CONST) {
    check.rule = PJ_CHECK_ALMOST;
    check.tolerance = float_or(PJ_ATTR(op, tolerance), 1e-4);
  } else if (op->kind == PJ_OP_CHECK_EXPECT_CLOSE) {
    check.rule = PJ_CHECK_ULP;
    check.low = int_or(PJ_ATTR(op, min_ulp_difference), 0);
    check.high = int_or(PJ_ATTR(op, max_ulp_difference), 1);
  } else if (op->kind == PJ_OP_CHECK_EXPECT_SERIALIZED_EQ) {
    const PjAttr *iteration = PJ_ATTR(op, iteration);
    const PjTensor *probed =
        pj__eval_probed(ev, PJ_STRATTR(op, probe_id), iteration ? iteration->i64 : 0);
    PJ_FAIL_IF(!probed, FAILED_PRECONDITION, "nothing was probed as \"%.*s\"",
               PJ_STR_ARG(PJ_STRATTR(op, probe_id)));
    return pj_check_compare(&check, in[0], probed);
  }
  return pj_check_compare(&check, in[0], expected);
}

PjStatus pj_ev_check(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out) {
  (void)out;
  PjStatus status = check_dialect(ev, op, in);
  return status ? pj_op_blame(op, status) : PJ_STATUS_OK;
}

// Remembers the value under its name; the n-th time an operation runs is iteration n, from 1.
PjStatus pj_ev_interpreter_probe(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out) {
  pj__eval_probe(ev, PJ_STRATTR(op, probe_id), in[0]);
  return pj_ev_forward(ev, op, in, out);
}

// Printing is for whoever runs the program: the library itself writes nothing.
PjStatus pj_ev_interpreter_print(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out) {
  (void)out;
  if (ev->options->print)
    ev->options->print(ev->options->print_context, op, in[0]);
  return PJ_STATUS_OK;
}
