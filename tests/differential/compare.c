// See compare.h.
#include "compare.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "eval/float.h"

static size_t parts_of(const PjTensor *tensor) {
  return (size_t)tensor->count * (pj_dtype_is_complex(tensor->dtype) ? 2 : 1);
}

// Exact for every type: a long double holds 64-bit integers.
static long double part_at(const PjTensor *tensor, size_t i) {
  PjDtype dtype = pj_dtype_part(tensor->dtype);
  const char *at = (const char *)tensor->data + i * pj_dtype_bytes(dtype);
  if (pj_dtype_is_float(dtype))
    return pj_double_decode(dtype, at);
  int64_t value = pj_int_decode(dtype, at);
  return dtype == PJ_DT_U64 ? (long double)(uint64_t)value : (long double)value;
}

static bool part_bits_equal(const PjTensor *a, const PjTensor *b, size_t i) {
  size_t bytes = pj_dtype_bytes(pj_dtype_part(a->dtype));
  return !memcmp((const char *)a->data + i * bytes, (const char *)b->data + i * bytes, bytes);
}

bool compare_same_bits(const PjTensor *a, const PjTensor *b) {
  return a->bytes == b->bytes && (!a->bytes || !memcmp(a->data, b->data, a->bytes));
}

// Formats without NaN have a zero in its place, whose sign is as little defined as that of NaN.
static bool lacks_nan(PjDtype dtype) {
  return dtype == PJ_DT_F4E2M1FN || dtype == PJ_DT_F6E2M3FN || dtype == PJ_DT_F6E3M2FN;
}

static bool parts_equal(const PjTensor *want, const PjTensor *have, size_t i) {
  if (part_bits_equal(want, have, i))
    return true;
  long double a = part_at(want, i), b = part_at(have, i);
  return (isnan(a) && isnan(b)) || (lacks_nan(want->dtype) && a == 0 && b == 0);
}

bool compare_equal(const PjTensor *want, const PjTensor *have) {
  if (compare_same_bits(want, have))
    return true;
  for (size_t i = 0, n = parts_of(want); i < n; ++i)
    if (!parts_equal(want, have, i))
      return false;
  return want->bytes == have->bytes;
}

static int64_t element_of(const PjTensor *tensor, size_t part) {
  return (int64_t)(pj_dtype_is_complex(tensor->dtype) ? part / 2 : part);
}

void compare_find(const PjTensor *want, const PjTensor *have, Mismatch *out) {
  out->count = 0;
  for (size_t i = 0, n = parts_of(want); i < n; ++i)
    if (!parts_equal(want, have, i) && !out->count++)
      out->element = element_of(want, i);
  out->worst = INFINITY;
}

bool spread_init(Spread *spread, const PjTensor *want, bool with) {
  size_t n = parts_of(want);
  *spread = (Spread){.count = n,
                     .least = calloc(n + 1, sizeof(long double)),
                     .greatest = calloc(n + 1, sizeof(long double)),
                     .distance = calloc(n + 1, sizeof(long double)),
                     .nan = calloc(n + 1, 1),
                     .plus = calloc(n + 1, 1),
                     .minus = calloc(n + 1, 1)};
  if (!spread->least || !spread->greatest || !spread->distance || !spread->nan || !spread->plus ||
      !spread->minus)
    return false;
  for (size_t i = 0; i < n; ++i) {
    long double value = with ? part_at(want, i) : NAN;
    spread->nan[i] = with && isnan(value);
    spread->least[i] = isnan(value) ? INFINITY : value;
    spread->greatest[i] = isnan(value) ? -INFINITY : value;
  }
  return true;
}

void spread_free(Spread *spread) {
  free(spread->least);
  free(spread->greatest);
  free(spread->distance);
  free(spread->nan);
  free(spread->plus);
  free(spread->minus);
  *spread = (Spread){0};
}

void spread_add(Spread *spread, const PjTensor *want, const PjTensor *perturbed) {
  for (size_t i = 0; i < spread->count; ++i) {
    long double value = part_at(perturbed, i), centre = part_at(want, i);
    if (isnan(value)) {
      spread->nan[i] = true;
      continue;
    }
    *(signbit(value) ? &spread->minus[i] : &spread->plus[i]) = true;
    if (value < spread->least[i])
      spread->least[i] = value;
    if (value > spread->greatest[i])
      spread->greatest[i] = value;
    long double distance = fabsl(value - centre);
    if (isfinite(distance) && distance > spread->distance[i])
      spread->distance[i] = distance;
  }
}

// Where numbers get subnormal a unit in the last place is no longer relative, and zero is near.
static long double floor_of(PjDtype dtype) {
  switch (dtype) {
  case PJ_DT_F32:
  case PJ_DT_BF16:
    return 8 * 0x1p-149L;
  case PJ_DT_F64:
    return 8 * 0x1p-1074L;
  default:
    return 0;
  }
}

// Number |i| where the evaluator has none: |far| are runs in which nothing overflows. Those must
// have numbers; then what overflows elsewhere is anything, and what does not is near to them.
static bool far_allows(const Spread *far, size_t i, long double centre, long double value) {
  if (!far->count || isfinite(centre) || far->nan[i] || !isfinite(far->least[i]) ||
      !isfinite(far->greatest[i]))
    return false;
  long double width = far->greatest[i] - far->least[i];
  return !isfinite(value) || (value >= far->least[i] - width && value <= far->greatest[i] + width);
}

bool spread_allows(const Spread *spread, const Spread *far, const PjTensor *want,
                   const PjTensor *have, Mismatch *out) {
  long double least_step = floor_of(pj_dtype_part(want->dtype));
  out->count = 0;
  out->worst = 0;
  for (size_t i = 0; i < spread->count; ++i) {
    if (parts_equal(want, have, i))
      continue;
    long double value = part_at(have, i), centre = part_at(want, i),
                bound = 2 * spread->distance[i] + least_step, distance = fabsl(value - centre);
    bool allowed;
    if (isnan(value))
      allowed = spread->nan[i];
    else if (isinf(value) && !isnan(centre) && spread->nan[i]) // so infinite in others
      allowed = true;
    else if (isnan(centre) && isinf(value)) // a number in some runs, so infinite in others
      allowed = spread->least[i] <= spread->greatest[i];
    else if (isnan(centre)) { // numbers of some runs: as far from them as they are from each other
      long double width = spread->greatest[i] - spread->least[i];
      width = isfinite(width) ? width : 0;
      allowed = value >= spread->least[i] - width && value <= spread->greatest[i] + width;
    } else
      allowed = (value >= spread->least[i] && value <= spread->greatest[i]) ||
                (isfinite(distance) && distance <= bound);
    // A zero of the other sign only where the runs saw that sign.
    if (value == 0 && centre == 0)
      allowed = signbit(value) ? spread->minus[i] : spread->plus[i];
    if (allowed || far_allows(far, i, centre, value))
      continue;
    long double ratio = isfinite(distance) && bound > 0 ? distance / bound : INFINITY;
    if (!out->count++)
      out->element = element_of(want, i);
    if (ratio > out->worst)
      out->worst = ratio;
  }
  return !out->count;
}

void compare_print_element(PjStrBuf *out, const PjTensor *tensor, int64_t element) {
  bool complex = pj_dtype_is_complex(tensor->dtype);
  PjDtype dtype = pj_dtype_part(tensor->dtype);
  size_t bytes = pj_dtype_bytes(dtype);
  for (int p = 0; p <= complex; ++p) {
    size_t i = (size_t)element * (complex ? 2 : 1) + (size_t)p;
    const char *at = (const char *)tensor->data + i * bytes;
    uint64_t raw = 0;
    memcpy(&raw, at, bytes);
    if (pj_dtype_is_float(dtype))
      pj_strbuf_printf(out, "%s%.17g (0x%" PRIx64 ")", p ? ", " : "", pj_double_decode(dtype, at),
                       raw);
    else
      pj_strbuf_printf(out, "%" PRId64, pj_int_decode(dtype, at));
  }
}
