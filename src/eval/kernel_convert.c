// Conversion between all pairs of element types.
//
// Integers are cut to the width of the result. A float becomes the integer towards zero, the
// nearest one in range when it is too large, and 0 when it is NaN (as XLA's CPU has it; the
// specification leaves both open). Complex numbers lose their imaginary part. PRED is "not zero".
// Integers and doubles are rounded once, also to the narrowest formats.
//
// Types with a C type of their own are converted by direct loops, all others by way of one, block
// by block.
#include <math.h>
#include <string.h>

#include "eval/float.h"
#include "eval/kernel.h"

typedef void ConvertFn(int64_t n, const void *in, void *out);

#define CAST(F, T, FS, TS)                                         \
  static void FS##_to_##TS(int64_t n, const void *in, void *out) { \
    const F *a = in;                                               \
    T *r = out;                                                    \
    PJ_LOOP(i, n) r[i] = (T)a[i];                                  \
  }
// To integers only the width of the result matters; from them the sign too.
#define CASTS_FROM_INT(F, FS) \
  CAST(F, uint8_t, FS, 8)     \
  CAST(F, uint16_t, FS, 16)   \
  CAST(F, uint32_t, FS, 32)   \
  CAST(F, uint64_t, FS, 64)   \
  CAST(F, float, FS, f32)     \
  CAST(F, double, FS, f64)
CASTS_FROM_INT(int8_t, s8)
CASTS_FROM_INT(int16_t, s16)
CASTS_FROM_INT(int32_t, s32)
CASTS_FROM_INT(int64_t, s64)
CASTS_FROM_INT(uint8_t, u8)
CASTS_FROM_INT(uint16_t, u16)
CASTS_FROM_INT(uint32_t, u32)
CASTS_FROM_INT(uint64_t, u64)
CAST(float, double, f32, f64)
CAST(double, float, f64, f32)

// LOW and END: the smallest integer and the first power of two past the largest, both exact in the
// float type. BELOW: the largest float under END, so that the cast itself is always defined.
#define SATURATE(F, T, FS, TS, LOW, END, BELOW, MAX)               \
  static void FS##_to_##TS(int64_t n, const void *in, void *out) { \
    const F *a = in;                                               \
    T *r = out;                                                    \
    PJ_LOOP(i, n) {                                                \
      F x = a[i];                                                  \
      F inside = x == x ? x : 0;                                   \
      inside = inside < (LOW) ? (LOW) : inside;                    \
      inside = inside > (BELOW) ? (BELOW) : inside;                \
      T whole = (T)inside;                                         \
      r[i] = x >= (END) ? (MAX) : whole;                           \
    }                                                              \
  }
#define SATURATES(F, FS, MINUS_31, MINUS_32, MINUS_64)                            \
  SATURATE(F, int8_t, FS, s8, -128, 128, 127, 127)                                \
  SATURATE(F, int16_t, FS, s16, -32768, 32768, 32767, 32767)                      \
  SATURATE(F, int32_t, FS, s32, -0x1p31f, 0x1p31f, 0x1p31f - MINUS_31, INT32_MAX) \
  SATURATE(F, int64_t, FS, s64, -0x1p63f, 0x1p63f, 0x1p63f - MINUS_64, INT64_MAX) \
  SATURATE(F, uint8_t, FS, u8, 0, 256, 255, 255)                                  \
  SATURATE(F, uint16_t, FS, u16, 0, 65536, 65535, 65535)                          \
  SATURATE(F, uint32_t, FS, u32, 0, 0x1p32f, 0x1p32f - MINUS_32, UINT32_MAX)      \
  SATURATE(F, uint64_t, FS, u64, 0, 0x1p64f, 0x1p64f - 2 * MINUS_64, UINT64_MAX)  \
  SATURATE(F, int8_t, FS, s4, -8, 8, 7, 7)                                        \
  SATURATE(F, int8_t, FS, s2, -2, 2, 1, 1)                                        \
  SATURATE(F, uint8_t, FS, u4, 0, 16, 15, 15)                                     \
  SATURATE(F, uint8_t, FS, u2, 0, 4, 3, 3)
// Of a double, 32 bits leave fractions: the integer below is large enough.
SATURATES(float, f32, 0x1p7f, 0x1p8f, 0x1p39f)
SATURATES(double, f64, 1.0, 1.0, 0x1p10)

#define NONZERO(F, FS)                                             \
  static void FS##_to_pred(int64_t n, const void *in, void *out) { \
    const F *a = in;                                               \
    uint8_t *r = out;                                              \
    PJ_LOOP(i, n) r[i] = a[i] != 0;                                \
  }
NONZERO(uint8_t, u8)
NONZERO(uint16_t, u16)
NONZERO(uint32_t, u32)
NONZERO(uint64_t, u64)
NONZERO(float, f32)
NONZERO(double, f64)

#define PARTS(T, S)                                               \
  static void S##_to_real(int64_t n, const void *in, void *out) { \
    const T *a = in;                                              \
    T *r = out;                                                   \
    for (int64_t i = 0; i < n; ++i)                               \
      r[i] = a[2 * i];                                            \
  }                                                               \
  static void real_to_##S(int64_t n, const void *in, void *out) { \
    const T *a = in;                                              \
    T *r = out;                                                   \
    for (int64_t i = 0; i < n; ++i) {                             \
      r[2 * i] = a[i];                                            \
      r[2 * i + 1] = 0;                                           \
    }                                                             \
  }                                                               \
  static void S##_to_pred(int64_t n, const void *in, void *out) { \
    const T *a = in;                                              \
    uint8_t *r = out;                                             \
    for (int64_t i = 0; i < n; ++i)                               \
      r[i] = a[2 * i] != 0 || a[2 * i + 1] != 0;                  \
  }
PARTS(float, c64)
PARTS(double, c128)

static void c64_to_c128(int64_t n, const void *in, void *out) {
  f32_to_f64(2 * n, in, out);
}
static void c128_to_c64(int64_t n, const void *in, void *out) {
  f64_to_f32(2 * n, in, out);
}

// Integers are read with their sign, so the signed types alone decide what a wider result gets.
#define FROM_INT(S)                                                              \
  {                                                                              \
    [PJ_DT_S8] = S##_to_8, [PJ_DT_U8] = S##_to_8, [PJ_DT_S16] = S##_to_16,       \
    [PJ_DT_U16] = S##_to_16, [PJ_DT_S32] = S##_to_32, [PJ_DT_U32] = S##_to_32,   \
    [PJ_DT_S64] = S##_to_64, [PJ_DT_U64] = S##_to_64, [PJ_DT_INDEX] = S##_to_64, \
    [PJ_DT_F32] = S##_to_f32, [PJ_DT_F64] = S##_to_f64,                          \
  }
#define FROM_FLOAT(S)                                                             \
  {                                                                               \
    [PJ_DT_S8] = S##_to_s8, [PJ_DT_S16] = S##_to_s16, [PJ_DT_S32] = S##_to_s32,   \
    [PJ_DT_S64] = S##_to_s64, [PJ_DT_INDEX] = S##_to_s64, [PJ_DT_U8] = S##_to_u8, \
    [PJ_DT_U16] = S##_to_u16, [PJ_DT_U32] = S##_to_u32, [PJ_DT_U64] = S##_to_u64, \
    [PJ_DT_S4] = S##_to_s4, [PJ_DT_S2] = S##_to_s2, [PJ_DT_U4] = S##_to_u4,       \
    [PJ_DT_U2] = S##_to_u2, [PJ_DT_PRED] = S##_to_pred,                           \
  }
// clang-format off
static ConvertFn *const from_s8[PJ_DT_COUNT] = FROM_INT(s8);
static ConvertFn *const from_s16[PJ_DT_COUNT] = FROM_INT(s16);
static ConvertFn *const from_s32[PJ_DT_COUNT] = FROM_INT(s32);
static ConvertFn *const from_s64[PJ_DT_COUNT] = FROM_INT(s64);
static ConvertFn *const from_u8[PJ_DT_COUNT] = FROM_INT(u8);
static ConvertFn *const from_u16[PJ_DT_COUNT] = FROM_INT(u16);
static ConvertFn *const from_u32[PJ_DT_COUNT] = FROM_INT(u32);
static ConvertFn *const from_u64[PJ_DT_COUNT] = FROM_INT(u64);
static ConvertFn *const from_f32[PJ_DT_COUNT] = FROM_FLOAT(f32);
static ConvertFn *const from_f64[PJ_DT_COUNT] = FROM_FLOAT(f64);
// clang-format on

// The table of the C type in which elements of |dtype| are stored, or NULL: it has none.
static ConvertFn *const *table_of(PjDtype dtype) {
  switch (dtype) {
  case PJ_DT_S2:
  case PJ_DT_S4:
  case PJ_DT_S8:
    return from_s8;
  case PJ_DT_S16:
    return from_s16;
  case PJ_DT_S32:
    return from_s32;
  case PJ_DT_S64:
  case PJ_DT_INDEX:
    return from_s64;
  case PJ_DT_PRED:
  case PJ_DT_U2:
  case PJ_DT_U4:
  case PJ_DT_U8:
    return from_u8;
  case PJ_DT_U16:
    return from_u16;
  case PJ_DT_U32:
    return from_u32;
  case PJ_DT_U64:
    return from_u64;
  case PJ_DT_F32:
    return from_f32;
  case PJ_DT_F64:
    return from_f64;
  default:
    return NULL;
  }
}

static ConvertFn *direct(PjDtype from, PjDtype to) {
  if (from == PJ_DT_F32 && to == PJ_DT_F64)
    return f32_to_f64;
  if (from == PJ_DT_F64 && to == PJ_DT_F32)
    return f64_to_f32;
  if (from == PJ_DT_C64)
    return to == PJ_DT_C128   ? c64_to_c128
           : to == PJ_DT_F32  ? c64_to_real
           : to == PJ_DT_PRED ? c64_to_pred
                              : NULL;
  if (from == PJ_DT_C128)
    return to == PJ_DT_C64    ? c128_to_c64
           : to == PJ_DT_F64  ? c128_to_real
           : to == PJ_DT_PRED ? c128_to_pred
                              : NULL;
  if (to == PJ_DT_C64)
    return from == PJ_DT_F32 ? real_to_c64 : NULL;
  if (to == PJ_DT_C128)
    return from == PJ_DT_F64 ? real_to_c128 : NULL;
  if (to == PJ_DT_PRED && !pj_dtype_is_float(from)) {
    static ConvertFn *const by_bytes[] = {
        [1] = u8_to_pred, [2] = u16_to_pred, [4] = u32_to_pred, [8] = u64_to_pred};
    return by_bytes[pj_dtype_bytes(from)];
  }
  ConvertFn *const *table = table_of(from);
  return table ? table[to] : NULL;
}

// An integer as a double that rounds to any format of at most 24 digits as the integer itself does:
// of more than 53 bits the lowest are replaced by one that says whether any was set.
static double sticky(uint64_t magnitude, bool negative) {
  if (magnitude >> 53)
    magnitude = (magnitude >> 11 | ((magnitude & 0x7FF) != 0)) << 11;
  return negative ? -(double)magnitude : (double)magnitude;
}

static void encode_ints(PjDtype from, PjDtype to, int64_t n, const void *in, void *out) {
  size_t from_bytes = pj_dtype_bytes(from), to_bytes = pj_dtype_bytes(to);
  bool is_signed = pj_dtype_class(from) == PJ_CLASS_SINT;
  for (int64_t i = 0; i < n; ++i) {
    int64_t value = pj_int_decode(from, (const char *)in + (size_t)i * from_bytes);
    bool negative = is_signed && value < 0;
    double wide = sticky(negative ? 0 - (uint64_t)value : (uint64_t)value, negative);
    pj_double_encode(to, wide, (char *)out + (size_t)i * to_bytes);
  }
}

static void encode_doubles(PjDtype to, int64_t n, const double *in, void *out) {
  size_t bytes = pj_dtype_bytes(to);
  for (int64_t i = 0; i < n; ++i)
    pj_double_encode(to, in[i], (char *)out + (size_t)i * bytes);
}

static void cut_ints(PjDtype to, int64_t n, const int8_t *in, void *out) {
  for (int64_t i = 0; i < n; ++i)
    pj_int_encode(to, in[i], (char *)out + i);
}

// A type on the way from |from| to |to| when there is no direct loop; every step comes closer to
// one.
static PjDtype between(PjDtype from, PjDtype to) {
  if (pj_dtype_is_complex(from))
    return pj_dtype_part(from);
  if (pj_dtype_is_complex(to))
    return pj_dtype_part(to);
  if (pj_dtype_is_float(from))
    return PJ_DT_F32; // exact: |from| is narrower
  return PJ_DT_S8;    // to integers of 2 and 4 bits
}

void pj_convert_n(PjDtype from, PjDtype to, int64_t n, const void *in, void *out) {
  size_t from_bytes = pj_dtype_bytes(from), to_bytes = pj_dtype_bytes(to);
  if (from == to) {
    if (in != out && n)
      memmove(out, in, (size_t)n * from_bytes);
    return;
  }
  ConvertFn *fn = direct(from, to);
  if (fn) {
    fn(n, in, out);
    return;
  }
  bool narrow = pj_dtype_is_float(to) && to != PJ_DT_F32 && to != PJ_DT_F64;
  if (narrow && !pj_dtype_is_float(from) && !pj_dtype_is_complex(from)) {
    encode_ints(from, to, n, in, out);
  } else if (narrow && from == PJ_DT_F64) {
    encode_doubles(to, n, in, out);
  } else if (narrow && from == PJ_DT_F32) {
    pj_float_encode_n(to, n, in, out);
  } else if (to == PJ_DT_F32 && pj_dtype_is_float(from)) {
    pj_float_decode_n(from, n, in, out);
  } else if (from == PJ_DT_S8 && pj_dtype_is_int(to)) {
    cut_ints(to, n, in, out);
  } else {
    PjDtype via = between(from, to);
    _Alignas(16) char block[PJ_KERNEL_BLOCK * 16];
    for (int64_t done = 0; done < n; done += PJ_KERNEL_BLOCK) {
      int64_t m = n - done < PJ_KERNEL_BLOCK ? n - done : PJ_KERNEL_BLOCK;
      pj_convert_n(from, via, m, (const char *)in + (size_t)done * from_bytes, block);
      pj_convert_n(via, to, m, block, (char *)out + (size_t)done * to_bytes);
    }
  }
}
