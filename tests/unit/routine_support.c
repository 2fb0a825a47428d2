// Helpers of the routines' tests.
#include "routine_support.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "eval/float.h"
#include "import/import.h"

enum { GUARD = 256, POISON = 0xA5, MAX_RESULTS = 8, MAX_OPERANDS = 16 };

typedef struct Open {
  const char *text;
  PjOpKind kind;
  RoutineCase *out;
} Open;

static PjStatus open_guarded(void *context) {
  Open *open = context;
  PjModule *module;
  PJ_TRY(pj_import(open->out->arena, open->text, strlen(open->text), &module));
  const PjOp *entry = pj_module_entry(module);
  for (const PjOp *op = entry->regions[0].first; op; op = op->next)
    if (op->kind == open->kind)
      open->out->op = op;
  PJ_FAIL_IF(!open->out->op, NOT_FOUND, "no such operation");
  open->out->routine = pj_routine_select(open->out->arena, open->out->op);
  return PJ_STATUS_OK;
}

void routine_open(const char *text, PjOpKind kind, RoutineCase *out) {
  *out = (RoutineCase){0};
  assert_null(pj_arena_create(0, &out->arena));
  Open open = {text, kind, out};
  PjStatus status = pj_arena_guard(out->arena, open_guarded, &open);
  if (status)
    fail_msg("%s\n%s", pj_status_message(status), text);
}

void routine_close(RoutineCase *c) {
  pj_arena_destroy(c->arena);
}

// Memory with guards on both sides. |misalign| moves it, for routines may not rely on more than
// elements' alignment.
static char *guarded_new(size_t bytes, size_t misalign) {
  char *all = pj_malloc_aligned(bytes + 2 * GUARD + misalign, 64);
  assert_non_null(all);
  memset(all, POISON, bytes + 2 * GUARD + misalign);
  return all + GUARD + misalign;
}

static void guarded_free(char *data, size_t bytes, size_t misalign, const char *what) {
  for (size_t i = 1; i <= GUARD; ++i) {
    if ((unsigned char)data[-(ptrdiff_t)i] != POISON)
      fail_msg("%s: written %zu bytes before its memory", what, i);
    if ((unsigned char)data[bytes + i - 1] != POISON)
      fail_msg("%s: written %zu bytes behind its memory", what, i);
  }
  pj_free_aligned(data - GUARD - misalign);
}

PjStatus routine_run(const RoutineCase *c, int count, bool in_place, PjTensor *const *inputs,
                     PjTensor **outputs) {
  const PjOp *op = c->op;
  const void *in[MAX_OPERANDS];
  void *out[MAX_RESULTS];
  size_t bytes[MAX_RESULTS], misalign[MAX_RESULTS];
  PjThreads *threads = NULL;
  assert_true(op->num_operands <= MAX_OPERANDS && op->num_results <= MAX_RESULTS);
  if (count > 1)
    assert_null(pj_threads_create(count, &threads));
  for (uint32_t i = 0; i < op->num_operands; ++i) {
    const PjValue *operand = op->operands[i];
    if (operand->region) {
      in[i] = inputs[operand->index]->data;
    } else { // a constant, of one element
      assert_int_equal(operand->def->kind, PJ_OP_CONSTANT);
      in[i] = PJ_ATTR(operand->def, value)->data;
    }
  }
  for (uint32_t i = 0; i < op->num_results; ++i) {
    const PjType *type = op->results[i].type;
    outputs[i] = pj_tensor_new(type->dtype, type->rank, type->dims);
    assert_non_null(outputs[i]);
    bytes[i] = outputs[i]->bytes;
    misalign[i] = count > 1 ? pj_dtype_bytes(type->dtype) : 0;
    out[i] = guarded_new(bytes[i], misalign[i]);
  }
  if (in_place) {
    memcpy(out[0], in[c->routine->in_place], bytes[0]);
    in[c->routine->in_place] = out[0];
  }
  const size_t scratch_bytes = pj_routine_scratch(c->routine, threads);
  char *scratch = guarded_new(scratch_bytes, 0);
  PjStatus status = c->routine->run(c->routine, threads, in, out, scratch);
  guarded_free(scratch, scratch_bytes, 0, "scratch");
  for (uint32_t i = 0; i < op->num_results; ++i) {
    memcpy(outputs[i]->data, out[i], bytes[i]);
    guarded_free(out[i], bytes[i], misalign[i], "result");
  }
  pj_threads_destroy(threads);
  return status;
}

// ---- comparing
static PjDtype part_at(const PjTensor *tensor, int64_t *count) {
  const bool complex = pj_dtype_is_complex(tensor->dtype);
  *count = tensor->count * (complex ? 2 : 1);
  return pj_dtype_part(tensor->dtype);
}

static double unit(PjDtype dtype) {
  switch (dtype) {
  case PJ_DT_F64:
    return 0x1p-53;
  case PJ_DT_F16:
    return 0x1p-11;
  case PJ_DT_BF16:
    return 0x1p-8;
  case PJ_DT_F32:
    return 0x1p-24;
  default:
    return 0x1p-2;
  }
}

static void compare(const char *text, const char *what, const PjTensor *have, const PjTensor *want,
                    const PjTensor *bound, bool norm, double factor) {
  int64_t count;
  const PjDtype part = part_at(want, &count);
  const size_t elem = pj_dtype_bytes(part);
  double largest = 0;
  for (int64_t i = 0; norm && i < count; ++i)
    largest =
        fmax(largest, fabs(pj_double_decode(part, (const char *)want->data + (size_t)i * elem)));
  if (!memcmp(have->data, want->data, want->bytes))
    return;
  for (int64_t i = 0; i < count; ++i) {
    const char *a = (const char *)have->data + (size_t)i * elem,
               *b = (const char *)want->data + (size_t)i * elem;
    if (!memcmp(a, b, elem))
      continue;
    if (!pj_dtype_is_float(part))
      fail_msg("%s: element %lld is %lld, expected %lld\n%s", what, (long long)i,
               (long long)pj_int_decode(part, a), (long long)pj_int_decode(part, b), text);
    const double x = pj_double_decode(part, a), y = pj_double_decode(part, b);
    if (isnan(x) && isnan(y))
      continue;
    if (norm && fabs(x - y) <= factor * unit(part) * largest)
      continue;
    if (bound) {
      double size = 0;
      if (pj_dtype_is_complex(want->dtype)) // the parts of a bound mix; their sum bounds both
        size =
            fabs(pj_double_decode(part, (const char *)bound->data + (size_t)(i / 2 * 2) * elem)) +
            fabs(
                pj_double_decode(part, (const char *)bound->data + (size_t)(i / 2 * 2 + 1) * elem));
      else
        size = fabs(pj_double_decode(part, (const char *)bound->data + (size_t)i * elem));
      // Where sums of finite products overflow, infinite or not a number depends on their order.
      const bool overflows = !isfinite(size) && !isfinite(x) && !isfinite(y);
      const double sum_unit = part == PJ_DT_F64 ? 0x1p-53 : 0x1p-24;
      const double allowed = factor * sum_unit * size +
                             2 * unit(part) * fabs(y) * (part != PJ_DT_F32 && part != PJ_DT_F64);
      if (isfinite(x) && isfinite(y) ? fabs(x - y) <= allowed : overflows)
        continue;
    }
    fail_msg("%s: element %lld is %.17g, expected %.17g\n%s", what, (long long)i, x, y, text);
  }
}

static PjTensor *magnitudes(const PjTensor *tensor) {
  PjTensor *copy = pj_tensor_new(tensor->dtype, tensor->rank, tensor->dims);
  assert_non_null(copy);
  memcpy(copy->data, tensor->data, tensor->bytes);
  int64_t count;
  const PjDtype part = part_at(tensor, &count);
  const size_t elem = pj_dtype_bytes(part);
  for (int64_t i = 0; pj_dtype_is_float(part) && i < count; ++i) {
    char *at = (char *)copy->data + (size_t)i * elem;
    const double value = pj_double_decode(part, at);
    pj_double_encode(part, isfinite(value) ? fabs(value) : 0, at);
  }
  return copy;
}

// Under ThreadSanitizer accumulators are spilled around its calls and come back as second operands,
// so which of two NaNs stays depends on the loop; only there is any NaN like any other.
static bool same_bits(const PjTensor *a, const PjTensor *b) {
  if (!memcmp(a->data, b->data, a->bytes))
    return true;
#ifdef __SANITIZE_THREAD__
  const size_t bytes = pj_dtype_bytes(a->dtype);
  bool same = pj_dtype_is_float(a->dtype);
  for (size_t at = 0; same && at < a->bytes; at += bytes) {
    const char *x = (const char *)a->data + at, *y = (const char *)b->data + at;
    same = !memcmp(x, y, bytes) ||
           (isnan(pj_double_decode(a->dtype, x)) && isnan(pj_double_decode(a->dtype, y)));
  }
  return same;
#else
  return false;
#endif
}

void check_routine(const char *text, PjOpKind kind, uint32_t num_inputs, PjTensor *const *inputs,
                   RoutineMatch match, double factor) {
  RoutineCase c;
  PjTensor *want[MAX_RESULTS], *bound[MAX_RESULTS] = {0}, *first[MAX_RESULTS], *have[MAX_RESULTS];
  routine_open(text, kind, &c);
  if (!c.routine)
    fail_msg("no routine\n%s", text);
  const uint32_t results = c.op->num_results;
  evaluate_ok(text, num_inputs, inputs, results, want);
  if (match == MATCH_SUM) {
    PjTensor *sizes[MAX_OPERANDS];
    for (uint32_t i = 0; i < num_inputs; ++i)
      sizes[i] = magnitudes(inputs[i]);
    evaluate_ok(text, num_inputs, sizes, results, bound);
    for (uint32_t i = 0; i < num_inputs; ++i)
      pj_tensor_release(sizes[i]);
  }
  static const int counts[] = {1, 2, 5};
  for (int round = 0; round < 4; ++round) {
    const bool in_place = round == 3;
    if (in_place && c.routine->in_place < 0)
      break;
    PjStatus status = routine_run(&c, counts[round % 3], in_place, inputs, round ? have : first);
    if (status)
      fail_msg("%s\n%s", pj_status_message(status), text);
    for (uint32_t i = 0; i < results; ++i) {
      if (!round) {
        compare(text, c.routine->name, first[i], want[i], bound[i], match == MATCH_NORM, factor);
      } else {
        if (!same_bits(have[i], first[i]))
          fail_msg("%s: other bits with %d threads%s\n%s", c.routine->name, counts[round % 3],
                   in_place ? ", in place" : "", text);
        pj_tensor_release(have[i]);
      }
    }
  }
  for (uint32_t i = 0; i < results; ++i) {
    pj_tensor_release(want[i]);
    pj_tensor_release(bound[i]);
    pj_tensor_release(first[i]);
  }
  routine_close(&c);
}

PjTensor *random_tensor(PjDtype dtype, int32_t rank, const int64_t *dims, bool special) {
  PjTensor *tensor = pj_tensor_new(dtype, rank, dims);
  assert_non_null(tensor);
  int64_t count;
  const PjDtype part = part_at(tensor, &count);
  const size_t elem = pj_dtype_bytes(part);
  for (int64_t i = 0; i < count; ++i) {
    char *at = (char *)tensor->data + (size_t)i * elem;
    if (!pj_dtype_is_float(part)) {
      pj_int_encode(part, random_int(0, 9) ? random_int(-9, 9) : random_int(INT32_MIN, INT32_MAX),
                    at);
      continue;
    }
    double value = (double)random_int(-1000, 1000) / 256;
    if (special && !random_int(0, 20)) {
      static const double odd[] = {NAN,  -NAN,  INFINITY, -INFINITY, 0.0,
                                   -0.0, 1e-40, -1e-40,   1e30,      -1e-30};
      value = odd[random_int(0, 9)];
    }
    pj_double_encode(part, value, at);
  }
  return tensor;
}
