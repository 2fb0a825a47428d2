// Conversions between the float formats of dtypes.def and float / double.
//
// Every narrow format is described by a row of pj_float_formats. A value is rounded once, to
// nearest even, from the bits of a float; a double is first brought to a float by rounding to odd,
// which keeps enough to round correctly afterwards (Boldo and Melquiond, "Emulation of FMA and
// correctly rounded sums", IEEE Trans. Computers 57(4), 2008).
//
// Codes for NaN and overflow are those of ml_dtypes (0.5), which JAX and XLA share.
#include "eval/float.h"

#include <math.h>
#include <pthread.h>
#include <string.h>

#include "base/cpu.h"
#include "eval/half.h"
#include "ir/float_bits.h"

static inline uint32_t tf32_encode(float value) {
  uint32_t bits = pj_float_bits(value);
  uint32_t rounded = (bits + 0xFFF + (bits >> 13 & 1)) >> 13;
  return (bits & 0x7FFFFFFFu) > 0x7F800000u ? bits >> 13 | 0x200u : rounded;
}

// ------------------------------------------------------------------ up to 8 bits
static float small_decode(const PjFloatFormat *f, uint32_t code) {
  uint32_t sign_bit = 1u << (f->exponent + f->mantissa), magnitude = code & (sign_bit - 1);
  uint32_t exponent = magnitude >> f->mantissa, mantissa = magnitude & ((1u << f->mantissa) - 1);
  uint32_t ones = (1u << f->exponent) - 1;
  bool negative = code & sign_bit;
  if (f->specials == PJ_FLOAT_SCALE)
    return code == 0xFF ? NAN : ldexpf(1, (int)code - f->bias);
  if (f->specials == PJ_FLOAT_FNUZ && code == sign_bit)
    return -NAN;
  if (f->specials == PJ_FLOAT_ONLY_NAN && magnitude == sign_bit - 1)
    return negative ? -NAN : NAN;
  if (f->specials == PJ_FLOAT_IEEE && exponent == ones) {
    float value = mantissa ? NAN : INFINITY;
    return negative ? -value : value;
  }
  float value = exponent ? ldexpf((float)(mantissa | 1u << f->mantissa),
                                  (int)exponent - f->bias - f->mantissa)
                         : ldexpf((float)mantissa, 1 - f->bias - f->mantissa);
  return negative ? -value : value;
}

// The code of the largest finite value.
static uint32_t largest(const PjFloatFormat *f) {
  uint32_t all = (1u << (f->exponent + f->mantissa)) - 1;
  switch (f->specials) {
  case PJ_FLOAT_IEEE:
    return all - (1u << f->mantissa);
  case PJ_FLOAT_ONLY_NAN:
  case PJ_FLOAT_SCALE:
    return all - 1;
  default:
    return all;
  }
}

static uint32_t small_encode(const PjFloatFormat *f, float value) {
  uint32_t bits = pj_float_bits(value), magnitude = bits & 0x7FFFFFFFu, negative = bits >> 31;
  uint32_t sign = negative << (f->exponent + f->mantissa),
           nan_bit = f->mantissa ? 1u << (f->mantissa - 1) : 0;
  uint32_t max = largest(f),
           past = max + 1; // in IEEE formats |past| is infinity, in ONLY_NAN it is NaN
  if (f->specials == PJ_FLOAT_SCALE) {
    // Ties round up, and so does all between 2^-127 and 2^-126: what ml_dtypes and XLA do.
    if (negative || !magnitude || magnitude > 0x7F800000u)
      return 0xFF;
    return magnitude <= 0x00400000u ? 0 : (magnitude + 0x00400000u) >> 23;
  }
  if (magnitude > 0x7F800000u) {
    switch (f->specials) {
    case PJ_FLOAT_IEEE:
      return sign | past | nan_bit;
    case PJ_FLOAT_ONLY_NAN:
      return sign | past;
    case PJ_FLOAT_FNUZ:
      return 1u << (f->exponent + f->mantissa);
    default:
      return sign ^ 1u << (f->exponent + f->mantissa); // no NaN: the zero of the other sign
    }
  }
  int exponent = (int)(magnitude >> 23) - 127 + f->bias;
  uint32_t code;
  if (exponent >= 1) {
    uint32_t drop = 23u - f->mantissa;
    uint64_t rounded = magnitude + (1u << (drop - 1)) - 1 + (magnitude >> drop & 1);
    code = (uint32_t)(rounded >> drop) - ((uint32_t)(127 - f->bias) << f->mantissa);
  } else {
    uint32_t drop = 23u - f->mantissa + (uint32_t)(1 - exponent),
             mantissa = (magnitude & 0x7FFFFFu) | 0x800000u;
    // More than one place below the smallest subnormal number nothing is left (nor is a float's own
    // subnormal).
    code = drop > 25 || magnitude < 0x00800000u
               ? 0
               : (mantissa + (1u << (drop - 1)) - 1 + (mantissa >> drop & 1)) >> drop;
  }
  if (code > max) {
    switch (f->specials) {
    case PJ_FLOAT_FNUZ:
      return 1u << (f->exponent + f->mantissa);
    case PJ_FLOAT_FINITE:
      code = max;
      break;
    default:
      code = past;
      break;
    }
  }
  return f->specials == PJ_FLOAT_FNUZ && !code ? 0 : sign | code;
}

// Values of all codes of the formats of up to 8 bits.
static float small_values[PJ_DT_COUNT][256];
static pthread_once_t small_once = PTHREAD_ONCE_INIT;

static void fill_small_values(void) {
  for (PjDtype d = 0; d < PJ_DT_COUNT; ++d)
    if (pj_float_formats[d].exponent && pj_dtype_bits(d) <= 8)
      for (uint32_t code = 0; code < 256; ++code)
        small_values[d][code] =
            small_decode(&pj_float_formats[d], code & ((1u << pj_dtype_bits(d)) - 1));
}

static const float *values_of(PjDtype dtype) {
  pthread_once(&small_once, fill_small_values);
  return small_values[dtype];
}

// ------------------------------------------------------------------ one element
float pj_float_round_odd(double value) {
  float rounded = (float)value;
  if ((double)rounded == value || isnan(value))
    return rounded;
  uint32_t bits = pj_float_bits(rounded);
  if (bits & 1)
    return rounded;
  return pj_bits_float(fabs((double)rounded) > fabs(value) ? bits - 1 : bits + 1);
}

float pj_float_decode(PjDtype dtype, const void *element) {
  switch (dtype) {
  case PJ_DT_F32:
    return *(const float *)element;
  case PJ_DT_F64:
    return (float)*(const double *)element;
  case PJ_DT_F16:
    return pj_f16_decode(*(const uint16_t *)element);
  case PJ_DT_BF16:
    return pj_bf16_decode(*(const uint16_t *)element);
  case PJ_DT_TF32:
    return pj_bits_float(*(const uint32_t *)element << 13);
  default:
    return values_of(dtype)[*(const uint8_t *)element];
  }
}

double pj_double_decode(PjDtype dtype, const void *element) {
  return dtype == PJ_DT_F64 ? *(const double *)element : (double)pj_float_decode(dtype, element);
}

void pj_float_encode(PjDtype dtype, float value, void *element) {
  switch (dtype) {
  case PJ_DT_F32:
    *(float *)element = value;
    break;
  case PJ_DT_F64:
    *(double *)element = (double)value;
    break;
  case PJ_DT_F16:
    *(uint16_t *)element = pj_f16_encode(value);
    break;
  case PJ_DT_BF16:
    *(uint16_t *)element = pj_bf16_encode(value);
    break;
  case PJ_DT_TF32:
    *(uint32_t *)element = tf32_encode(value);
    break;
  default:
    *(uint8_t *)element = (uint8_t)small_encode(&pj_float_formats[dtype], value);
    break;
  }
}

void pj_double_encode(PjDtype dtype, double value, void *element) {
  if (dtype == PJ_DT_F64)
    *(double *)element = value;
  else
    pj_float_encode(dtype, dtype == PJ_DT_F32 ? (float)value : pj_float_round_odd(value), element);
}

// ------------------------------------------------------------------ arrays
// The loops over 16 bits, for one instruction set.
typedef struct Halves {
  void (*decode_f16)(int64_t n, const uint16_t *in, float *out);
  void (*decode_bf16)(int64_t n, const uint16_t *in, float *out);
  void (*encode_f16)(int64_t n, const float *in, uint16_t *out);
  void (*encode_bf16)(int64_t n, const float *in, uint16_t *out);
} Halves;
#define LOOP(SET, TARGET, WAY, FROM, TO)                               \
  TARGET static void WAY##_##SET(int64_t n, const FROM *in, TO *out) { \
    for (int64_t i = 0; i < n; ++i)                                    \
      out[i] = pj_##WAY(in[i]);                                        \
  }
#define HALVES(SET, TARGET)                                                                  \
  LOOP(SET, TARGET, f16_decode, uint16_t, float)                                             \
  LOOP(SET, TARGET, bf16_decode, uint16_t, float)                                            \
  LOOP(SET, TARGET, f16_encode, float, uint16_t)                                             \
  LOOP(SET, TARGET, bf16_encode, float, uint16_t)                                            \
  static const Halves halves_##SET = {f16_decode_##SET, bf16_decode_##SET, f16_encode_##SET, \
                                      bf16_encode_##SET};
HALVES(base, )
#if defined(__x86_64__)
HALVES(avx2, __attribute__((target("avx2"))))
HALVES(avx512, __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq"))))
#endif
#undef LOOP
#undef HALVES

static const Halves *halves(void) {
#if defined(__x86_64__)
  if (pj_cpu_has(PJ_CPU_AVX512))
    return &halves_avx512;
  if (pj_cpu_has(PJ_CPU_AVX2))
    return &halves_avx2;
#endif
  return &halves_base;
}

void pj_float_decode_n(PjDtype dtype, int64_t n, const void *in, float *out) {
  const uint8_t *in8 = in;
  const uint16_t *in16 = in;
  const uint32_t *in32 = in;
  const double *in64 = in;
  switch (dtype) {
  case PJ_DT_F32:
    memmove(out, in, (size_t)n * sizeof *out);
    break;
  case PJ_DT_F64:
    for (int64_t i = 0; i < n; ++i)
      out[i] = (float)in64[i];
    break;
  case PJ_DT_F16:
    halves()->decode_f16(n, in16, out);
    break;
  case PJ_DT_BF16:
    halves()->decode_bf16(n, in16, out);
    break;
  case PJ_DT_TF32:
    for (int64_t i = 0; i < n; ++i)
      out[i] = pj_bits_float(in32[i] << 13);
    break;
  default: {
    const float *values = values_of(dtype);
    for (int64_t i = 0; i < n; ++i)
      out[i] = values[in8[i]];
  }
  }
}

void pj_float_encode_n(PjDtype dtype, int64_t n, const float *in, void *out) {
  uint8_t *out8 = out;
  uint16_t *out16 = out;
  uint32_t *out32 = out;
  double *out64 = out;
  switch (dtype) {
  case PJ_DT_F32:
    memmove(out, in, (size_t)n * sizeof *in);
    break;
  case PJ_DT_F64:
    for (int64_t i = 0; i < n; ++i)
      out64[i] = (double)in[i];
    break;
  case PJ_DT_F16:
    halves()->encode_f16(n, in, out16);
    break;
  case PJ_DT_BF16:
    halves()->encode_bf16(n, in, out16);
    break;
  case PJ_DT_TF32:
    for (int64_t i = 0; i < n; ++i)
      out32[i] = tf32_encode(in[i]);
    break;
  default:
    for (int64_t i = 0; i < n; ++i)
      out8[i] = (uint8_t)small_encode(&pj_float_formats[dtype], in[i]);
  }
}

// ------------------------------------------------------------------ integers
int64_t pj_int_decode(PjDtype dtype, const void *element) {
  if (pj_dtype_class(dtype) == PJ_CLASS_SINT) {
    switch (pj_dtype_bytes(dtype)) {
    case 1:
      return *(const int8_t *)element;
    case 2:
      return *(const int16_t *)element;
    case 4:
      return *(const int32_t *)element;
    default:
      return *(const int64_t *)element;
    }
  }
  switch (pj_dtype_bytes(dtype)) {
  case 1:
    return *(const uint8_t *)element;
  case 2:
    return *(const uint16_t *)element;
  case 4:
    return *(const uint32_t *)element;
  default:
    return *(const int64_t *)element;
  }
}

void pj_int_encode(PjDtype dtype, int64_t value, void *element) {
  switch (dtype) {
  case PJ_DT_PRED:
    *(uint8_t *)element = value & 1;
    return;
  case PJ_DT_U2:
    *(uint8_t *)element = value & 3;
    return;
  case PJ_DT_U4:
    *(uint8_t *)element = value & 15;
    return;
  case PJ_DT_S2:
    *(int8_t *)element = (int8_t)((value & 3) - ((value & 2) << 1));
    return;
  case PJ_DT_S4:
    *(int8_t *)element = (int8_t)((value & 15) - ((value & 8) << 1));
    return;
  default:
    break;
  }
  switch (pj_dtype_bytes(dtype)) {
  case 1:
    *(uint8_t *)element = (uint8_t)value;
    break;
  case 2:
    *(uint16_t *)element = (uint16_t)value;
    break;
  case 4:
    *(uint32_t *)element = (uint32_t)value;
    break;
  default:
    *(int64_t *)element = value;
    break;
  }
}
