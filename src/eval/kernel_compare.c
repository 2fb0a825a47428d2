// Comparisons, selection and clamping.
//
// Total order of floats: -NaN < -inf < ... < -0 < +0 < ... < +inf < +NaN, which is the order of the
// bits read as an integer once the magnitude bits of negative numbers are flipped.
#include <math.h>
#include <string.h>

#include "eval/kernel.h"

#define COMPARES(T, S)                                                  \
  PJ_KERNEL_2(eq_##S, uint8_t, T, x == y)                               \
  PJ_KERNEL_2(ne_##S, uint8_t, T, x != y)                               \
  PJ_KERNEL_2(ge_##S, uint8_t, T, x >= y)                               \
  PJ_KERNEL_2(gt_##S, uint8_t, T, x > y)                                \
  PJ_KERNEL_2(le_##S, uint8_t, T, x <= y)                               \
  PJ_KERNEL_2(lt_##S, uint8_t, T, x < y)                                \
  static PjKernelFn *const compare_##S[] = {                            \
      [PJ_CMP_EQ] = eq_##S, [PJ_CMP_NE] = ne_##S, [PJ_CMP_GE] = ge_##S, \
      [PJ_CMP_GT] = gt_##S, [PJ_CMP_LE] = le_##S, [PJ_CMP_LT] = lt_##S};
COMPARES(int8_t, s8)
COMPARES(int16_t, s16)
COMPARES(int32_t, s32)
COMPARES(int64_t, s64)
COMPARES(uint8_t, u8)
COMPARES(uint16_t, u16)
COMPARES(uint32_t, u32)
COMPARES(uint64_t, u64)
COMPARES(float, f32)
COMPARES(double, f64)

static inline int32_t order32(int32_t bits) {
  return bits ^ (int32_t)((uint32_t)(bits >> 31) >> 1);
}
static inline int64_t order64(int64_t bits) {
  return bits ^ (int64_t)((uint64_t)(bits >> 63) >> 1);
}

#define TOTAL(T, W, S)                                                     \
  PJ_KERNEL_2(teq_##S, uint8_t, T, x == y)                                 \
  PJ_KERNEL_2(tne_##S, uint8_t, T, x != y)                                 \
  PJ_KERNEL_2(tge_##S, uint8_t, T, order##W(x) >= order##W(y))             \
  PJ_KERNEL_2(tgt_##S, uint8_t, T, order##W(x) > order##W(y))              \
  PJ_KERNEL_2(tle_##S, uint8_t, T, order##W(x) <= order##W(y))             \
  PJ_KERNEL_2(tlt_##S, uint8_t, T, order##W(x) < order##W(y))              \
  static PjKernelFn *const total_##S[] = {                                 \
      [PJ_CMP_EQ] = teq_##S, [PJ_CMP_NE] = tne_##S, [PJ_CMP_GE] = tge_##S, \
      [PJ_CMP_GT] = tgt_##S, [PJ_CMP_LE] = tle_##S, [PJ_CMP_LT] = tlt_##S};
TOTAL(int32_t, 32, f32)
TOTAL(int64_t, 64, f64)

PjKernelFn *pj_kernel_compare(PjDtype dtype, int64_t direction, bool total_order) {
  if (direction < PJ_CMP_EQ || direction > PJ_CMP_LT)
    return NULL;
  switch (dtype) {
  case PJ_DT_S2:
  case PJ_DT_S4:
  case PJ_DT_S8:
    return compare_s8[direction];
  case PJ_DT_S16:
    return compare_s16[direction];
  case PJ_DT_S32:
    return compare_s32[direction];
  case PJ_DT_S64:
  case PJ_DT_INDEX:
    return compare_s64[direction];
  case PJ_DT_PRED:
  case PJ_DT_U2:
  case PJ_DT_U4:
  case PJ_DT_U8:
    return compare_u8[direction];
  case PJ_DT_U16:
    return compare_u16[direction];
  case PJ_DT_U32:
    return compare_u32[direction];
  case PJ_DT_U64:
    return compare_u64[direction];
  case PJ_DT_F32:
    return total_order ? total_f32[direction] : compare_f32[direction];
  case PJ_DT_F64:
    return total_order ? total_f64[direction] : compare_f64[direction];
  case PJ_DT_C64:
  case PJ_DT_C128:
    return pj_kernel_complex_compare(dtype, direction);
  default:
    return NULL;
  }
}

// ------------------------------------------------------------------ selection
typedef struct Wide {
  uint64_t low, high;
} Wide;

#define SELECT(T, S)                                                                       \
  static void select_##S(const PjKernel *k, int64_t n, const void *const *in, void *out) { \
    const uint8_t *p = in[0];                                                              \
    const T *a = in[1], *b = in[2];                                                        \
    T *r = out;                                                                            \
    PJ_LOOP(i, n) {                                                                        \
      T x = a[i], y = b[i];                                                                \
      r[i] = p[i] ? x : y;                                                                 \
    }                                                                                      \
  }
SELECT(uint8_t, 1)
SELECT(uint16_t, 2)
SELECT(uint32_t, 4)
SELECT(uint64_t, 8)
SELECT(Wide, 16)

PjKernelFn *pj_kernel_select_bytes(size_t bytes) {
  switch (bytes) {
  case 1:
    return select_1;
  case 2:
    return select_2;
  case 4:
    return select_4;
  case 8:
    return select_8;
  case 16:
    return select_16;
  default:
    return NULL;
  }
}

// ------------------------------------------------------------------ clamp: min(max(x, low), high)
// Of integers in one loop; of floats and complex numbers by the kernels of maximum and minimum,
// with their rules for NaN and zeros.
#define CLAMP(T, S)                                                                       \
  static void clamp_##S(const PjKernel *k, int64_t n, const void *const *in, void *out) { \
    const T *low = in[0], *a = in[1], *high = in[2];                                      \
    T *r = out;                                                                           \
    PJ_LOOP(i, n) {                                                                       \
      T x = a[i] > low[i] ? a[i] : low[i];                                                \
      r[i] = x < high[i] ? x : high[i];                                                   \
    }                                                                                     \
  }
CLAMP(int8_t, s8)
CLAMP(int16_t, s16)
CLAMP(int32_t, s32)
CLAMP(int64_t, s64)
CLAMP(uint8_t, u8)
CLAMP(uint16_t, u16)
CLAMP(uint32_t, u32)
CLAMP(uint64_t, u64)

static void clamp_parts(const PjKernel *k, int64_t n, const void *const *in, void *out) {
  size_t bytes = pj_dtype_bytes(k->in_dtype);
  _Alignas(16) char block[PJ_KERNEL_BLOCK * 16];
  const char *low = in[0], *x = in[1], *high = in[2];
  char *r = out;
  PjKernel max, min;
  if (!pj_kernel_make(PJ_OP_MAXIMUM, k->in_dtype, k->out_dtype, 0, 0, &max) ||
      !pj_kernel_make(PJ_OP_MINIMUM, k->in_dtype, k->out_dtype, 0, 0, &min))
    return;
  for (int64_t done = 0; done < n; done += PJ_KERNEL_BLOCK) {
    int64_t m = n - done < PJ_KERNEL_BLOCK ? n - done : PJ_KERNEL_BLOCK;
    size_t at = (size_t)done * bytes;
    max.fn(&max, m, (const void *[]){x + at, low + at}, block);
    min.fn(&min, m, (const void *[]){block, high + at}, r + at);
  }
}

PjKernelFn *pj_kernel_clamp(PjDtype dtype) {
  switch (dtype) {
  case PJ_DT_S2:
  case PJ_DT_S4:
  case PJ_DT_S8:
    return clamp_s8;
  case PJ_DT_S16:
    return clamp_s16;
  case PJ_DT_S32:
    return clamp_s32;
  case PJ_DT_S64:
  case PJ_DT_INDEX:
    return clamp_s64;
  case PJ_DT_PRED:
  case PJ_DT_U2:
  case PJ_DT_U4:
  case PJ_DT_U8:
    return clamp_u8;
  case PJ_DT_U16:
    return clamp_u16;
  case PJ_DT_U32:
    return clamp_u32;
  case PJ_DT_U64:
    return clamp_u64;
  default:
    return clamp_parts;
  }
}
