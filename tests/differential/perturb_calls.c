// The custom calls of perturbed programs: moves of numbers, orders of terms, signs. See
// perturb_calls.h.
#include "perturb_calls.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "eval/float.h"

const char perturb_move[] = "pj.perturb", perturb_reorder[] = "pj.reorder",
           perturb_half[] = "pj.half", perturb_nans[] = "pj.nan", perturb_noise[] = "pj.noise",
           perturb_scale[] = "pj.scale", perturb_windows[] = "pj.windows",
           perturb_fused[] = "pj.fused";

// ----------------------------------------------------------------------------------------------
// The move itself: a custom call of one operand. Its configuration: by how many units in the last
// place at most, of how many elements one is moved, and by how many units at most all are moved
// together.
static _Thread_local Rand rand_state;

// Of a hundred calls, and of a hundred elements of the others, that stay as they are: what is an
// integer may be so for everybody, and the power of a negative number be no NaN.
enum { STILL = 12 };

static bool is_ieee(PjDtype dtype) {
  return dtype == PJ_DT_F16 || dtype == PJ_DT_BF16 || dtype == PJ_DT_F32 || dtype == PJ_DT_F64;
}

// The sign of a zero part of a complex result is as open as that of NaN.
static void turn_zero(PjDtype part, void *element) {
  if (pj_double_decode(part, element) == 0 && rand_chance(&rand_state, 50))
    ((char *)element)[pj_dtype_bytes(part) - 1] ^= (char)0x80;
}

// Moves a finite number other than zero by |steps| representable ones, without leaving its sign.
static void move(PjDtype dtype, int64_t steps, void *element) {
  double value = pj_double_decode(dtype, element);
  if (!isfinite(value) || value == 0)
    return;
  size_t bytes = pj_dtype_bytes(dtype);
  unsigned bits = pj_dtype_bits(dtype);
  uint64_t raw = 0, sign = dtype == PJ_DT_F8E8M0FNU ? 0 : (uint64_t)1 << (bits - 1);
  memcpy(&raw, element, bytes);
  int64_t magnitude = (int64_t)(raw & (sign ? sign - 1 : 0xFF));
  if (dtype != PJ_DT_F64)
    magnitude += steps;
  else if (steps < 0 || magnitude < INT64_MAX - steps)
    magnitude += steps;
  uint64_t moved = (raw & sign) | (uint64_t)(magnitude < 1 ? 1 : magnitude);
  memcpy(element, &moved, bytes);
  double now = pj_double_decode(dtype, element);
  // Past the largest number lies infinity, or, without one, nothing to move to.
  if (!isfinite(now) && !(is_ieee(dtype) && isinf(now)))
    memcpy(element, &raw, bytes);
}

static PjStatus perturb(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out,
                        void *user) {
  PjStr config = PJ_STRATTR(op, backend_config);
  char text[64];
  snprintf(text, sizeof text, "%.*s", PJ_STR_ARG(config));
  long long ulps = 1, every = 1, all = 0;
  sscanf(text, "%lld %lld %lld", &ulps, &every, &all);
  int64_t drift = rand_int(&rand_state, -all, all);
  bool none = rand_chance(&rand_state, STILL);
  PjTensor *result = out[0] = pj_eval_take(ev, op, in, 0);
  PjDtype part = pj_dtype_part(result->dtype);
  size_t step = pj_dtype_bytes(part);
  for (size_t at = 0; at + step <= result->bytes; at += step) {
    if (none || rand_chance(&rand_state, STILL) ||
        (every > 1 && rand_int(&rand_state, 1, every) != 1))
      continue;
    // Mostly more than half of the bound, to either side: a few runs then come near the extremes.
    // Some less: what follows may round the extremes as it rounds the value itself, but not a near
    // one.
    double least = rand_chance(&rand_state, 75) ? 0.5 : 0;
    int64_t steps = (int64_t)ceil((least + (1 - least) * rand_unit(&rand_state)) * (double)ulps);
    if (rand_chance(&rand_state, 50))
      steps = -steps;
    move(part, steps + drift, (char *)result->data + at);
    if (part != result->dtype)
      turn_zero(part, (char *)result->data + at);
  }
  return PJ_STATUS_OK;
}

// Another order of the places along some dimensions together: configuration `key dimensions`. Calls
// of one key use one order.
static _Thread_local uint64_t run_seed;

// Which place along |dims| element |i| of an array of shape |x| lies at, and where those elements
// begin that differ from it only there.
static int64_t place_of(const PjTensor *x, const bool *chosen, int64_t i, int64_t *base) {
  int64_t place = 0, sizes = 1, stride = 1;
  *base = i;
  for (int d = x->rank - 1; d >= 0; --d) {
    int64_t at = i % x->dims[d];
    if (chosen[d]) {
      place += at * sizes;
      sizes *= x->dims[d];
      *base -= at * stride;
    }
    stride *= x->dims[d];
    i /= x->dims[d];
  }
  return place;
}

static int64_t offset_of(const PjTensor *x, const bool *chosen, int64_t place) {
  int64_t offset = 0, stride = 1;
  for (int d = x->rank - 1; d >= 0; --d) {
    if (chosen[d]) {
      offset += place % x->dims[d] * stride;
      place /= x->dims[d];
    }
    stride *= x->dims[d];
  }
  return offset;
}

static PjStatus reorder(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out,
                        void *user) {
  const PjTensor *x = in[0];
  char text[256];
  snprintf(text, sizeof text, "%.*s", PJ_STR_ARG(PJ_STRATTR(op, backend_config)));
  char *at = text, *end;
  bool chosen[PJ_MAX_RANK] = {false};
  int64_t n = 1;
  unsigned long long key = strtoull(at, &at, 10);
  for (long d = strtol(at, &end, 10); end != at; at = end, d = strtol(at, &end, 10)) {
    chosen[d] = true;
    n *= x->dims[d];
  }
  size_t bytes = pj_dtype_bytes(x->dtype);
  PjTensor *result = out[0] = pj_tensor_new(x->dtype, x->rank, x->dims);
  int64_t *order = malloc((size_t)(n + 1) * sizeof *order);
  if (!result || !order) {
    free(order);
    return pj_status_oom();
  }
  Rand r = {rand_mix(run_seed * 31 + key)};
  rand_order(&r, n, order);
  for (int64_t i = 0; i < x->count; ++i) {
    int64_t base, place = place_of(x, chosen, i, &base);
    memcpy((char *)result->data + (size_t)i * bytes,
           (const char *)x->data + (size_t)(base + offset_of(x, chosen, order[place])) * bytes,
           bytes);
  }
  free(order);
  return PJ_STATUS_OK;
}

// Zeros instead of half of the elements along one dimension: configuration `dimension key which`.
// Calls of one key leave the same ones, those of which 0 the ones that those of which 1 take away.
static PjStatus halve(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out, void *user) {
  char text[64];
  snprintf(text, sizeof text, "%.*s", PJ_STR_ARG(PJ_STRATTR(op, backend_config)));
  int dim = 0, which = 0;
  unsigned long long key = 0;
  sscanf(text, "%d %llu %d", &dim, &key, &which);
  PjTensor *result = out[0] = pj_eval_take(ev, op, in, 0);
  int64_t n = result->dims[dim], outer = 1;
  size_t inner = pj_dtype_bytes(result->dtype);
  for (int i = 0; i < result->rank; ++i)
    if (i < dim)
      outer *= result->dims[i];
    else if (i > dim)
      inner *= (size_t)result->dims[i];
  Rand r = {rand_mix(run_seed * 31 + key)};
  for (int64_t i = 0; i < n; ++i) {
    if (rand_chance(&r, 50) == which)
      for (int64_t o = 0; o < outer; ++o)
        memset((char *)result->data + (size_t)(o * n + i) * inner, 0, inner);
  }
  return PJ_STATUS_OK;
}

static bool has_signed_nans(PjDtype dtype) {
  return is_ieee(dtype) || dtype == PJ_DT_F8E5M2 || dtype == PJ_DT_F8E4M3 ||
         dtype == PJ_DT_F8E4M3FN || dtype == PJ_DT_F8E3M4;
}

// The sign of a NaN that was computed is anything: here of each one alone, or the same of all.
static PjStatus turn_nans(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out,
                          void *user) {
  PjTensor *result = out[0] = pj_eval_take(ev, op, in, 0);
  PjDtype part = pj_dtype_part(result->dtype);
  size_t step = pj_dtype_bytes(part), sign_byte = step - 1;
  int minus = (int)rand_int(&rand_state, 0, 2) * 50; // of a hundred
  for (size_t at = 0; at + step <= result->bytes && has_signed_nans(part); at += step) {
    char *element = (char *)result->data + at;
    if (!isnan(pj_double_decode(part, element)))
      continue;
    element[sign_byte] &= 0x7F;
    if (rand_chance(&rand_state, minus))
      element[sign_byte] |= (char)0x80;
  }
  return PJ_STATUS_OK;
}

// What a transform has read of |x|, in groups of |group| bytes: the square root of the sum of
// squares of the finite numbers of one, and the sum of their magnitudes.
typedef struct Read {
  double norm, sum;
  bool infinite; // or NaN
} Read;

static Read read_group(const PjTensor *x, size_t at, size_t group) {
  PjDtype part = pj_dtype_part(x->dtype);
  Read r = {0};
  for (size_t end = at + group; at < end; at += pj_dtype_bytes(part)) {
    double value = fabs(pj_double_decode(part, (const char *)x->data + at));
    r.infinite |= !isfinite(value);
    if (!isfinite(value))
      continue;
    r.norm = hypot(r.norm, value);
    r.sum += value;
  }
  return r;
}

// Moves numbers by units of the largest one of their group: configuration `ulps size`. Infinity
// counts as what it has just passed: the sums that overflowed are part of the others, too. A second
// operand is what a transform has read, configuration `ulps size from by times`: |from| elements
// for a group, each |times| times, and the sums are divided by |by|. Results that are NaN do not
// show how large the terms were, and what infinity makes of sums, or sums that may overflow on the
// way, depends on how a transform is composed.
static PjStatus add_noise(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out,
                          void *user) {
  PjStr config = PJ_STRATTR(op, backend_config);
  char text[64];
  snprintf(text, sizeof text, "%.*s", PJ_STR_ARG(config));
  double ulps = 0, by = 1, times = 1;
  long long size = 1, source = 0;
  sscanf(text, "%lf %lld %lld %lf %lf", &ulps, &size, &source, &by, &times);
  const PjTensor *x = in[1];
  PjTensor *result = out[0] = pj_eval_take(ev, op, in, 0);
  PjDtype part = pj_dtype_part(result->dtype);
  size_t step = pj_dtype_bytes(part), group = (size_t)size * pj_dtype_bytes(result->dtype);
  double unit = ldexp(1, part == PJ_DT_F64 ? -53 : part == PJ_DT_F32 ? -24 : -8);
  double largest = ldexp(1, part == PJ_DT_F64 ? 1023 : part == PJ_DT_F16 ? 16 : 128);
  for (size_t from = 0; from + group <= result->bytes; from += group) {
    char *data = (char *)result->data + from;
    double most = 0;
    Read read = {0};
    if (source) {
      size_t bytes = (size_t)source * pj_dtype_bytes(x->dtype);
      read = read_group(x, from / group * bytes, bytes);
      most = sqrt(times) * read.norm / by;
    }
    for (size_t at = 0; at < group; at += step) {
      double value = fabs(pj_double_decode(part, data + at));
      most = isnan(value) ? most : fmax(most, fmin(value, largest));
    }
    most *= ulps * unit;
    for (size_t at = 0; at < group; at += step) {
      double value = pj_double_decode(part, data + at);
      double moved = value + most * (2 * rand_unit(&rand_state) - 1);
      // What is no more than noise may as well be zero, which is neither side of it.
      if (fabs(value) <= most && rand_chance(&rand_state, 25))
        moved = rand_chance(&rand_state, 50) ? 0 : -0.0;
      if ((read.infinite || times * read.sum > largest) && rand_chance(&rand_state, 30))
        moved = isnan(value) ? copysign(INFINITY, rand_unit(&rand_state) - 0.5) : NAN;
      pj_double_encode(part, moved, data + at);
    }
  }
  return PJ_STATUS_OK;
}

// Multiplies by a power of two, the real and the imaginary part each: configuration `exponent`.
static PjStatus scale(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out, void *user) {
  PjStr config = PJ_STRATTR(op, backend_config);
  char text[64];
  snprintf(text, sizeof text, "%.*s", PJ_STR_ARG(config));
  int exponent = 0;
  sscanf(text, "%d", &exponent);
  PjTensor *result = out[0] = pj_eval_take(ev, op, in, 0);
  PjDtype part = pj_dtype_part(result->dtype);
  size_t step = pj_dtype_bytes(part);
  for (size_t at = 0; at + step <= result->bytes; at += step) {
    char *element = (char *)result->data + at;
    pj_double_encode(part, ldexp(pj_double_decode(part, element), exponent), element);
  }
  return PJ_STATUS_OK;
}

static PjStatus sum_windows(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out,
                            void *user) {
  return perturb_sum_windows(ev, op, in, out, &rand_state);
}

static PjStatus sum_products(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out,
                             void *user) {
  return perturb_sum_products(ev, op, in, out, rand_chance(&rand_state, 50));
}

PjStatus perturb_start(uint64_t seed) {
  rand_state.state = rand_mix(seed + 77);
  run_seed = seed;
  PJ_TRY(pj_custom_call_register(pj_str(perturb_half), halve, NULL));
  PJ_TRY(pj_custom_call_register(pj_str(perturb_reorder), reorder, NULL));
  PJ_TRY(pj_custom_call_register(pj_str(perturb_nans), turn_nans, NULL));
  PJ_TRY(pj_custom_call_register(pj_str(perturb_noise), add_noise, NULL));
  PJ_TRY(pj_custom_call_register(pj_str(perturb_scale), scale, NULL));
  PJ_TRY(pj_custom_call_register(pj_str(perturb_windows), sum_windows, NULL));
  PJ_TRY(pj_custom_call_register(pj_str(perturb_fused), sum_products, NULL));
  return pj_custom_call_register(pj_str(perturb_move), perturb, NULL);
}
