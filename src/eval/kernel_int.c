// Loops over integers of 8 to 64 bits and over PRED.
//
// Where the specification leaves a result open, it is XLA's: x / 0 has all bits set, x % 0 is x,
// the smallest number divided by -1 is itself, shifts by the width or more (the count read as
// unsigned) leave nothing but sign bits.
#include "eval/kernel.h"

// The bodies, for one signed or unsigned type T with W bits; U is its unsigned type. Arithmetic is
// done in U, which wraps.
#define INT_POWER(T, U)                                                \
  static inline T power_##T(T base, T exponent) {                      \
    U result = 1, square = (U)base, left = (U)exponent;                \
    if (exponent < 0) { /* only 1 and -1 have an integer as inverse */ \
      if (base != 1 && (U)base != (U)-1)                               \
        return 0;                                                      \
      left = (U)exponent & 1;                                          \
    }                                                                  \
    for (; left; left >>= 1) {                                         \
      if (left & 1)                                                    \
        result = (U)((uint64_t)result * square);                       \
      square = (U)((uint64_t)square * square);                         \
    }                                                                  \
    return (T)result;                                                  \
  }

#define INT_SHARED(T, U, W)                                                           \
  PJ_KERNEL_2(add_##T, T, T, (U)((uint64_t)x + (uint64_t)y))                          \
  PJ_KERNEL_2(sub_##T, T, T, (U)((uint64_t)x - (uint64_t)y))                          \
  PJ_KERNEL_2(mul_##T, T, T, (U)((U)x * (uint64_t)(U)y))                              \
  PJ_KERNEL_2(and_##T, T, T, x &y)                                                    \
  PJ_KERNEL_2(or_##T, T, T, x | y)                                                    \
  PJ_KERNEL_2(xor_##T, T, T, x ^ y)                                                   \
  PJ_KERNEL_2(max_##T, T, T, x > y ? x : y)                                           \
  PJ_KERNEL_2(min_##T, T, T, x < y ? x : y)                                           \
  PJ_KERNEL_2(shl_##T, T, T, (U)y >= W ? 0 : (U)((uint64_t)(U)x << ((U)y & (W - 1)))) \
  PJ_KERNEL_2(shr_##T, T, T, (U)y >= W ? 0 : (U)x >> ((U)y & (W - 1)))                \
  PJ_KERNEL_1(not_##T, T, T, ~x)                                                      \
  PJ_KERNEL_1(neg_##T, T, T, (U)(0 - (uint64_t)x))                                    \
  PJ_KERNEL_1(popcnt_##T, T, T, __builtin_popcountll((uint64_t)(U)x))                 \
  PJ_KERNEL_1(clz_##T, T, T, (U)x ? __builtin_clzll((uint64_t)(U)x) - (64 - W) : W)   \
  INT_POWER(T, U)                                                                     \
  PJ_KERNEL_2(pow_##T, T, T, power_##T(x, y))

#define INT_SIGNED(T, U, W)                                                               \
  INT_SHARED(T, U, W)                                                                     \
  PJ_KERNEL_2(div_##T, T, T, !y ? (T)-1 : y == -1 ? (T)(U)(0 - (uint64_t)x) : (T)(x / y)) \
  PJ_KERNEL_2(rem_##T, T, T, !y ? x : y == -1 ? (T)0 : (T)(x % y))                        \
  PJ_KERNEL_2(sar_##T, T, T, x >> ((U)y >= W ? W - 1 : (U)y))                             \
  PJ_KERNEL_1(abs_##T, T, T, x < 0 ? (U)(0 - (uint64_t)x) : (U)x)                         \
  PJ_KERNEL_1(sign_##T, T, T, (x > 0) - (x < 0))                                          \
  PJ_KERNEL_2(mulhi_##T, T, T, (__int128)x *y >> W)

#define INT_UNSIGNED(T, U, W)                                                                  \
  INT_SHARED(T, U, W)                                                                          \
  PJ_KERNEL_2(div_##T, T, T, !y ? (T)-1 : (T)(x / y))                                          \
  PJ_KERNEL_2(rem_##T, T, T, !y ? x : (T)(x % y))                                              \
  PJ_KERNEL_2(sar_##T, T, T,                                                                   \
              (T)((int64_t)((uint64_t)x << (64 - W)) >> (63 - W + 1) >> (y >= W ? W - 1 : y))) \
  PJ_KERNEL_1(abs_##T, T, T, x)                                                                \
  PJ_KERNEL_1(sign_##T, T, T, x != 0)                                                          \
  PJ_KERNEL_2(mulhi_##T, T, T, (unsigned __int128)x *y >> W)

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wtype-limits"
INT_SIGNED(int8_t, uint8_t, 8)
INT_SIGNED(int16_t, uint16_t, 16)
INT_SIGNED(int32_t, uint32_t, 32)
INT_SIGNED(int64_t, uint64_t, 64)
INT_UNSIGNED(uint8_t, uint8_t, 8)
INT_UNSIGNED(uint16_t, uint16_t, 16)
INT_UNSIGNED(uint32_t, uint32_t, 32)
INT_UNSIGNED(uint64_t, uint64_t, 64)
#pragma GCC diagnostic pop

// clang-format off
#define INT_TABLE(T)                                                                              \
  {                                                                                               \
    [PJ_OP_ADD] = add_##T, [PJ_OP_SUBTRACT] = sub_##T, [PJ_OP_MULTIPLY] = mul_##T,                \
    [PJ_OP_DIVIDE] = div_##T, [PJ_OP_REMAINDER] = rem_##T, [PJ_OP_POWER] = pow_##T,               \
    [PJ_OP_AND] = and_##T, [PJ_OP_OR] = or_##T, [PJ_OP_XOR] = xor_##T, [PJ_OP_NOT] = not_##T,     \
    [PJ_OP_MAXIMUM] = max_##T, [PJ_OP_MINIMUM] = min_##T, [PJ_OP_SHIFT_LEFT] = shl_##T,           \
    [PJ_OP_SHIFT_RIGHT_LOGICAL] = shr_##T, [PJ_OP_SHIFT_RIGHT_ARITHMETIC] = sar_##T,              \
    [PJ_OP_NEGATE] = neg_##T, [PJ_OP_ABS] = abs_##T, [PJ_OP_SIGN] = sign_##T,                     \
    [PJ_OP_POPCNT] = popcnt_##T, [PJ_OP_COUNT_LEADING_ZEROS] = clz_##T,                           \
    [PJ_OP_CHLO_MULHI] = mulhi_##T, [PJ_OP_CHLO_SQUARE] = square_##T,                             \
  }
// clang-format on

#define INT_SQUARE(T, U) PJ_KERNEL_1(square_##T, T, T, (U)((U)x * (uint64_t)(U)x))
INT_SQUARE(int8_t, uint8_t)
INT_SQUARE(int16_t, uint16_t)
INT_SQUARE(int32_t, uint32_t)
INT_SQUARE(int64_t, uint64_t)
INT_SQUARE(uint8_t, uint8_t)
INT_SQUARE(uint16_t, uint16_t)
INT_SQUARE(uint32_t, uint32_t)
INT_SQUARE(uint64_t, uint64_t)

static PjKernelFn *const table_s8[PJ_OP_COUNT] = INT_TABLE(int8_t);
static PjKernelFn *const table_s16[PJ_OP_COUNT] = INT_TABLE(int16_t);
static PjKernelFn *const table_s32[PJ_OP_COUNT] = INT_TABLE(int32_t);
static PjKernelFn *const table_s64[PJ_OP_COUNT] = INT_TABLE(int64_t);
static PjKernelFn *const table_u8[PJ_OP_COUNT] = INT_TABLE(uint8_t);
static PjKernelFn *const table_u16[PJ_OP_COUNT] = INT_TABLE(uint16_t);
static PjKernelFn *const table_u32[PJ_OP_COUNT] = INT_TABLE(uint32_t);
static PjKernelFn *const table_u64[PJ_OP_COUNT] = INT_TABLE(uint64_t);

// PRED holds 0 or 1. Addition is `or`, multiplication `and`.
PJ_KERNEL_2(and_pred, uint8_t, uint8_t, x &y)
PJ_KERNEL_2(or_pred, uint8_t, uint8_t, x | y)
PJ_KERNEL_2(xor_pred, uint8_t, uint8_t, x ^ y)
PJ_KERNEL_1(not_pred, uint8_t, uint8_t, x ^ 1)

static PjKernelFn *const table_pred[PJ_OP_COUNT] = {
    [PJ_OP_ADD] = or_pred,       [PJ_OP_OR] = or_pred,       [PJ_OP_MAXIMUM] = or_pred,
    [PJ_OP_AND] = and_pred,      [PJ_OP_MINIMUM] = and_pred, [PJ_OP_MULTIPLY] = and_pred,
    [PJ_OP_SUBTRACT] = xor_pred, [PJ_OP_XOR] = xor_pred,     [PJ_OP_NOT] = not_pred,
};

PjKernelFn *pj_kernel_int(PjOpKind kind, PjDtype dtype) {
  switch (dtype) {
  case PJ_DT_PRED:
    return table_pred[kind];
  case PJ_DT_S8:
    return table_s8[kind];
  case PJ_DT_S16:
    return table_s16[kind];
  case PJ_DT_S32:
    return table_s32[kind];
  case PJ_DT_S64:
  case PJ_DT_INDEX:
    return table_s64[kind];
  case PJ_DT_U8:
    return table_u8[kind];
  case PJ_DT_U16:
    return table_u16[kind];
  case PJ_DT_U32:
    return table_u32[kind];
  case PJ_DT_U64:
    return table_u64[kind];
  default:
    return NULL;
  }
}
