// fft (StableHLO specification, "fft"): up to three of the innermost dimensions, one after the
// other, line by line. Lines are computed in double whatever the element type; between dimensions
// they are stored in the result's type.
#include <string.h>

#include "base/alloc.h"
#include "eval/fft_plan.h"

enum { LINES = 8 }; // neighbouring lines gathered together: a cache line's worth of complex floats

static inline void load_line(bool wide, const char *from, int64_t n, int64_t stride, double *to) {
  for (int64_t i = 0; i < n; ++i) {
    const int64_t at = 2 * i * stride;
    to[2 * i] = wide ? ((const double *)from)[at] : ((const float *)from)[at];
    to[2 * i + 1] = wide ? ((const double *)from)[at + 1] : ((const float *)from)[at + 1];
  }
}

static inline void store_line(bool wide, const double *from, int64_t n, int64_t stride, char *to) {
  for (int64_t i = 0; i < n; ++i) {
    const int64_t at = 2 * i * stride;
    if (wide) {
      ((double *)to)[at] = from[2 * i];
      ((double *)to)[at + 1] = from[2 * i + 1];
    } else {
      ((float *)to)[at] = (float)from[2 * i];
      ((float *)to)[at + 1] = (float)from[2 * i + 1];
    }
  }
}

static double *new_doubles(PjEval *ev, int64_t count) {
  size_t bytes;
  if (!pj_mul_size((size_t)count, sizeof(double), &bytes))
    pj_arena_exhausted(ev->arena);
  return pj_eval_scratch(ev, bytes);
}

// Transforms complex |data| [outer, n, inner] along its middle dimension.
static void transform(PjEval *ev, bool wide, bool inverse, int64_t outer, int64_t n, int64_t inner,
                      char *data) {
  PjFftPlan *plan = pj_fft_plan(ev, n);
  double *lines = new_doubles(ev, 2 * LINES * n), *work = new_doubles(ev, pj_fft_work(plan));
  const size_t bytes = wide ? 16 : 8;
  for (int64_t o = 0; o < outer; ++o) {
    for (int64_t i = 0; i < inner; i += LINES) {
      const int64_t count = inner - i < LINES ? inner - i : LINES;
      char *at = data + (size_t)(o * n * inner + i) * bytes;
      for (int64_t l = 0; l < count; ++l)
        load_line(wide, at + (size_t)l * bytes, n, inner, lines + 2 * l * n);
      for (int64_t l = 0; l < count; ++l)
        pj_fft_run(plan, inverse, lines + 2 * l * n, work);
      for (int64_t l = 0; l < count; ++l)
        store_line(wide, lines + 2 * l * n, n, inner, at + (size_t)l * bytes);
    }
  }
  pj_eval_free(ev, lines);
  pj_eval_free(ev, work);
  pj_fft_free(ev, plan);
}

// Real |from| [outer, n] to complex |to| [outer, n / 2 + 1], or, |inverse|, the other way round.
static void transform_real(PjEval *ev, bool wide, bool inverse, int64_t outer, int64_t n,
                           const char *from, char *to) {
  PjFftPlan *plan = pj_fft_plan_real(ev, n);
  const int64_t half = n / 2 + 1;
  double *real = new_doubles(ev, n), *complex = new_doubles(ev, 2 * half),
         *work = new_doubles(ev, pj_fft_work(plan));
  const size_t real_bytes = (size_t)n * (wide ? 8 : 4),
               complex_bytes = (size_t)half * (wide ? 16 : 8);
  for (int64_t o = 0; o < outer; ++o) {
    if (inverse) {
      load_line(wide, from, half, 1, complex);
      pj_fft_run_real_inverse(plan, complex, real, work);
      for (int64_t i = 0; i < n; ++i) {
        if (wide)
          ((double *)to)[i] = real[i];
        else
          ((float *)to)[i] = (float)real[i];
      }
      from += complex_bytes;
      to += real_bytes;
    } else {
      for (int64_t i = 0; i < n; ++i)
        real[i] = wide ? ((const double *)from)[i] : ((const float *)from)[i];
      pj_fft_run_real(plan, real, complex, work);
      store_line(wide, complex, half, 1, to);
      from += real_bytes;
      to += complex_bytes;
    }
  }
  pj_eval_free(ev, real);
  pj_eval_free(ev, complex);
  pj_eval_free(ev, work);
  pj_fft_free(ev, plan);
}

// The dimensions of |shape| from the last but |first| to the last but |count| - 1.
static void transform_dims(PjEval *ev, bool wide, bool inverse, const PjTensor *shape,
                           uint32_t first, uint32_t count, char *data) {
  for (uint32_t i = first; i < count; ++i) {
    const int32_t axis = shape->rank - 1 - (int32_t)i;
    int64_t outer = 1, inner = 1;
    for (int32_t d = 0; d < axis; ++d)
      outer *= shape->dims[d];
    for (int32_t d = axis + 1; d < shape->rank; ++d)
      inner *= shape->dims[d];
    transform(ev, wide, inverse, outer, shape->dims[axis], inner, data);
  }
}

PjStatus pj_ev_fft(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out) {
  uint32_t count;
  const int64_t *lengths = PJ_INTS(op, fft_length, &count);
  const int64_t type = PJ_INT(op, fft_type);
  const PjTensor *operand = in[0];
  const PjDtype dtype = op->results[0].type->dtype;
  const bool wide = pj_dtype_part(dtype) == PJ_DT_F64;
  if (pj_dtype_part(dtype) != pj_dtype_part(operand->dtype) ||
      (!wide && pj_dtype_part(dtype) != PJ_DT_F32))
    return PJ_OP_ERROR(op, UNIMPLEMENTED,
                       "element types %s and %s, expected f32, f64 and their complex types",
                       pj_dtype_text(operand->dtype), pj_dtype_text(dtype));
  int64_t shape[PJ_MAX_RANK];
  memcpy(shape, operand->dims, (size_t)operand->rank * sizeof *shape);
  const int64_t n = lengths[count - 1];
  if (type == PJ_FFT_RFFT)
    shape[operand->rank - 1] = n ? n / 2 + 1 : 0;
  if (type == PJ_FFT_IRFFT)
    shape[operand->rank - 1] = n;
  // Sizes known only at run time must be those transformed.
  for (uint32_t i = 0; i < count; ++i) {
    const int32_t axis = operand->rank - (int32_t)count + (int32_t)i;
    int64_t want = lengths[i];
    if (type == PJ_FFT_IRFFT && i + 1 == count)
      want = n ? n / 2 + 1 : operand->dims[axis];
    if (operand->dims[axis] != want)
      return PJ_OP_ERROR(op, INVALID_ARGUMENT, "dimension %d has size %lld, expected %lld", axis,
                         (long long)operand->dims[axis], (long long)want);
  }
  PjTensor *result = out[0] = pj_eval_new(ev, dtype, operand->rank, shape);
  if (!result->count)
    return PJ_STATUS_OK;

  const bool inverse = type == PJ_FFT_IFFT || type == PJ_FFT_IRFFT;
  if (type == PJ_FFT_RFFT) {
    transform_real(ev, wide, false, operand->count / n, n, operand->data, result->data);
    transform_dims(ev, wide, false, result, 1, count, result->data);
  } else if (type == PJ_FFT_IRFFT) {
    char *copy = operand->data;
    if (count > 1) {
      copy = pj_eval_scratch(ev, operand->bytes);
      memcpy(copy, operand->data, operand->bytes);
      transform_dims(ev, wide, true, operand, 1, count, copy);
    }
    transform_real(ev, wide, true, result->count / n, n, copy, result->data);
    if (count > 1)
      pj_eval_free(ev, copy);
  } else {
    memcpy(result->data, operand->data, operand->bytes);
    transform_dims(ev, wide, inverse, result, 0, count, result->data);
  }
  return PJ_STATUS_OK;
}
