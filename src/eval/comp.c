// Conversions between tensors and the types that contractions compute in.
#include "eval/comp.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "eval/float.h"

static bool is_wide(PjDtype d) {
  return d == PJ_DT_F64 || d == PJ_DT_C128;
}

PjComp pj_comp_pick(PjDtype lhs, PjDtype rhs, PjDtype result) {
  const PjDtype all[] = {lhs, rhs, result};
  bool complex = false, real = false, wide = false, wide_int = false, pred = true;
  for (int i = 0; i < 3; ++i) {
    complex |= pj_dtype_is_complex(all[i]);
    real |= pj_dtype_is_float(all[i]);
    wide |= is_wide(all[i]);
    wide_int |= pj_dtype_is_int(all[i]) && pj_dtype_bytes(all[i]) >= (i == 2 ? 8 : 4);
    pred &= all[i] == PJ_DT_PRED;
  }
  if (complex)
    return wide ? PJ_COMP_C128 : PJ_COMP_C64;
  if (real)
    return wide || wide_int ? PJ_COMP_F64 : PJ_COMP_F32;
  if (pred)
    return PJ_COMP_F32; // a sum of zeros and ones is zero only if all are
  for (int i = 0; i < 3; ++i)
    if (pj_dtype_bytes(all[i]) == 8)
      return PJ_COMP_U64;
  return PJ_COMP_U32;
}

bool pj_comp_is_native(PjComp comp, PjDtype dtype) {
  switch (comp) {
  case PJ_COMP_F32:
    return dtype == PJ_DT_F32;
  case PJ_COMP_F64:
    return dtype == PJ_DT_F64;
  case PJ_COMP_U32:
    return dtype == PJ_DT_U32 || dtype == PJ_DT_S32;
  case PJ_COMP_U64:
    return dtype == PJ_DT_U64 || dtype == PJ_DT_S64 || dtype == PJ_DT_INDEX;
  case PJ_COMP_C64:
    return dtype == PJ_DT_C64;
  case PJ_COMP_C128:
    return dtype == PJ_DT_C128;
  }
  return false;
}

// --- loading -------------------------------------------------------------------------------------

static double int_to_double(PjDtype dtype, const void *element) {
  int64_t value = pj_int_decode(dtype, element);
  return dtype == PJ_DT_U64 ? (double)(uint64_t)value : (double)value;
}

static void load_f32(PjDtype dtype, int64_t n, const void *in, float *out) {
  const size_t bytes = pj_dtype_bytes(dtype);
  const char *from = in;
  if (dtype == PJ_DT_F64)
    for (int64_t i = 0; i < n; ++i)
      out[i] = (float)((const double *)in)[i];
  else if (pj_dtype_is_float(dtype))
    pj_float_decode_n(dtype, n, in, out);
  else
    for (int64_t i = 0; i < n; ++i, from += bytes)
      out[i] = (float)int_to_double(dtype, from);
}

static void load_f64(PjDtype dtype, int64_t n, const void *in, double *out) {
  const size_t bytes = pj_dtype_bytes(dtype);
  const char *from = in;
  if (dtype == PJ_DT_F64)
    memcpy(out, in, (size_t)n * 8);
  else if (dtype == PJ_DT_F32)
    for (int64_t i = 0; i < n; ++i)
      out[i] = ((const float *)in)[i];
  else if (pj_dtype_is_float(dtype))
    for (int64_t i = 0; i < n; ++i, from += bytes)
      out[i] = pj_double_decode(dtype, from);
  else
    for (int64_t i = 0; i < n; ++i, from += bytes)
      out[i] = int_to_double(dtype, from);
}

#define LOAD_INTS(FROM, TO)                     \
  for (int64_t i = 0; i < n; ++i)               \
    ((TO *)out)[i] = (TO)((const FROM *)in)[i]; \
  return
#define LOAD_INT(NAME, TO, SIGNED_TO)                                     \
  static void NAME(PjDtype dtype, int64_t n, const void *in, void *out) { \
    switch (dtype) {                                                      \
    case PJ_DT_S2:                                                        \
    case PJ_DT_S4:                                                        \
    case PJ_DT_S8:                                                        \
      LOAD_INTS(int8_t, SIGNED_TO);                                       \
    case PJ_DT_S16:                                                       \
      LOAD_INTS(int16_t, SIGNED_TO);                                      \
    case PJ_DT_S32:                                                       \
      LOAD_INTS(int32_t, SIGNED_TO);                                      \
    case PJ_DT_PRED:                                                      \
    case PJ_DT_U2:                                                        \
    case PJ_DT_U4:                                                        \
    case PJ_DT_U8:                                                        \
      LOAD_INTS(uint8_t, TO);                                             \
    case PJ_DT_U16:                                                       \
      LOAD_INTS(uint16_t, TO);                                            \
    case PJ_DT_U32:                                                       \
      LOAD_INTS(uint32_t, TO);                                            \
    default:                                                              \
      LOAD_INTS(uint64_t, TO);                                            \
    }                                                                     \
  }
LOAD_INT(load_u32, uint32_t, int32_t)
LOAD_INT(load_u64, uint64_t, int64_t)

// Elements of a real type that a complex load converts at a time.
enum { CHUNK = 256 };

void pj_comp_load(PjComp comp, PjDtype dtype, int64_t n, const void *in, void *out) {
  if (pj_comp_is_native(comp, dtype)) {
    if (n)
      memcpy(out, in, (size_t)n * pj_comp_bytes(comp));
    return;
  }
  switch (comp) {
  case PJ_COMP_F32:
    load_f32(dtype, n, in, out);
    return;
  case PJ_COMP_F64:
    load_f64(dtype, n, in, out);
    return;
  case PJ_COMP_U32:
    load_u32(dtype, n, in, out);
    return;
  case PJ_COMP_U64:
    load_u64(dtype, n, in, out);
    return;
  default:
    break;
  }
  if (pj_dtype_is_complex(dtype)) { // the other width: twice as many reals
    if (comp == PJ_COMP_C64)
      load_f32(PJ_DT_F64, 2 * n, in, out);
    else
      load_f64(PJ_DT_F32, 2 * n, in, out);
    return;
  }
  double part[CHUNK];
  for (int64_t done = 0; done < n; done += CHUNK) {
    const int64_t now = n - done < CHUNK ? n - done : CHUNK;
    load_f64(dtype, now, (const char *)in + (size_t)done * pj_dtype_bytes(dtype), part);
    for (int64_t i = 0; i < now; ++i) {
      if (comp == PJ_COMP_C64) {
        ((float *)out)[2 * (done + i)] = (float)part[i];
        ((float *)out)[2 * (done + i) + 1] = 0;
      } else {
        ((double *)out)[2 * (done + i)] = part[i];
        ((double *)out)[2 * (done + i) + 1] = 0;
      }
    }
  }
}

// --- storing -------------------------------------------------------------------------------------

// Saturates; NaN gives 0.
static void store_int(PjDtype dtype, double value, void *out) {
  const unsigned bits = pj_dtype_bits(dtype);
  const bool is_signed = pj_dtype_class(dtype) == PJ_CLASS_SINT;
  const double top = ldexp(1, (int)(bits - is_signed)), bottom = is_signed ? -top : 0;
  int64_t result;
  if (isnan(value))
    result = 0;
  else if (value >= top)
    result =
        (int64_t)(bits - is_signed == 64 ? UINT64_MAX : (UINT64_C(1) << (bits - is_signed)) - 1);
  else if (value <= bottom)
    result = is_signed ? (int64_t)(UINT64_C(0) - (UINT64_C(1) << (bits - 1))) : 0;
  else
    result = value >= 0x1p63 ? (int64_t)(uint64_t)value : (int64_t)value;
  pj_int_encode(dtype, result, out);
}

static double get_real(PjComp comp, const void *in, int64_t i) {
  switch (comp) {
  case PJ_COMP_F32:
    return ((const float *)in)[i];
  case PJ_COMP_F64:
    return ((const double *)in)[i];
  case PJ_COMP_C64:
    return ((const float *)in)[2 * i];
  case PJ_COMP_C128:
    return ((const double *)in)[2 * i];
  case PJ_COMP_U32:
    return ((const uint32_t *)in)[i];
  case PJ_COMP_U64:
    return (double)((const uint64_t *)in)[i];
  }
  return 0;
}

void pj_comp_store(PjComp comp, PjDtype dtype, int64_t n, const void *in, void *out) {
  const size_t bytes = pj_dtype_bytes(dtype);
  char *to = out;
  if (pj_comp_is_native(comp, dtype)) {
    if (n)
      memcpy(out, in, (size_t)n * bytes);
  } else if (pj_dtype_is_complex(dtype)) {
    const PjDtype part = pj_dtype_part(dtype);
    if (comp == PJ_COMP_C64)
      load_f64(PJ_DT_F32, 2 * n, in, out);
    else if (comp == PJ_COMP_C128)
      load_f32(PJ_DT_F64, 2 * n, in, out);
    else
      for (int64_t i = 0; i < n; ++i, to += bytes) {
        memset(to, 0, bytes);
        pj_double_encode(part, get_real(comp, in, i), to);
      }
  } else if (dtype == PJ_DT_PRED) {
    for (int64_t i = 0; i < n; ++i)
      to[i] = get_real(comp, in, i) != 0;
  } else if (pj_dtype_is_float(dtype)) {
    if (comp == PJ_COMP_F32)
      pj_float_encode_n(dtype, n, in, out);
    else
      for (int64_t i = 0; i < n; ++i, to += bytes)
        pj_double_encode(dtype, get_real(comp, in, i), to);
  } else if (comp == PJ_COMP_U32) {
    for (int64_t i = 0; i < n; ++i, to += bytes)
      pj_int_encode(dtype, (int32_t)((const uint32_t *)in)[i], to);
  } else if (comp == PJ_COMP_U64) {
    for (int64_t i = 0; i < n; ++i, to += bytes)
      pj_int_encode(dtype, (int64_t)((const uint64_t *)in)[i], to);
  } else {
    for (int64_t i = 0; i < n; ++i, to += bytes)
      store_int(dtype, get_real(comp, in, i), to);
  }
}

// --- tensors -------------------------------------------------------------------------------------

void *pj_comp_scratch(PjEval *ev, PjComp comp, int64_t count) {
  size_t bytes;
  if (count < 0 || !pj_mul_size((size_t)count, pj_comp_bytes(comp), &bytes))
    pj_arena_exhausted(ev->arena);
  return pj_eval_scratch(ev, bytes);
}

const void *pj_comp_operand(PjEval *ev, PjComp comp, const PjTensor *tensor, void **out_scratch) {
  *out_scratch = NULL;
  if (pj_comp_is_native(comp, tensor->dtype))
    return tensor->data;
  *out_scratch = pj_comp_scratch(ev, comp, tensor->count);
  pj_comp_load(comp, tensor->dtype, tensor->count, tensor->data, *out_scratch);
  return *out_scratch;
}

void *pj_comp_target(PjEval *ev, PjComp comp, PjTensor *tensor) {
  return pj_comp_is_native(comp, tensor->dtype) ? tensor->data
                                                : pj_comp_scratch(ev, comp, tensor->count);
}

void pj_comp_finish(PjEval *ev, PjComp comp, PjTensor *tensor, void *target) {
  if (target == tensor->data)
    return;
  pj_comp_store(comp, tensor->dtype, tensor->count, target, tensor->data);
  pj_eval_free(ev, target);
}
