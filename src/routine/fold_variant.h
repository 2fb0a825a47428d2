// Loops of the operations that reductions, scans and windows use most, on native types.
//
//   pairs  out[i] = op(a[i], b[i * b_stride])
//   scan   out[i] = op(carry, x[0] op .. op x[i]), then the carry becomes the last of them;
//   backwards: from x[n - 1] down.
//          |out| may be NULL.
//
// A scan works on vectors: within one by steps of 1, 2, 4 lanes, from one to the next by the last
// lane. So its rounding depends on the length of blocks only; |neutral| fills the lanes before the
// first.
#define PAIRS(NAME, T, OP)                                                            \
  PJ_TARGET static void PJ_V(pairs_##NAME)(int64_t n, const void *pa, const void *pb, \
                                           int64_t b_stride, void *po) {              \
    const T *a = pa, *b = pb;                                                         \
    T *o = po;                                                                        \
    if (b_stride == 1) {                                                              \
      PJ_IVDEP for (int64_t i = 0; i < n; ++i) o[i] = OP(T, a[i], b[i]);              \
    } else if (b_stride == 2) { /* pooling's */                                       \
      PJ_IVDEP for (int64_t i = 0; i < n; ++i) o[i] = OP(T, a[i], b[2 * i]);          \
    } else {                                                                          \
      for (int64_t i = 0; i < n; ++i)                                                 \
        o[i] = OP(T, a[i], b[i * b_stride]);                                          \
    }                                                                                 \
  }

// acc[i] = op(.. op(acc[i], xs[0][i]) .., xs[count - 1][i]). Whole vectors are never taken one by
// one: then which of two NaNs stays does not depend on where columns are cut (at whole lines).
#define MANY(NAME, T, I, OP, VOP)                                                      \
  PJ_TARGET static void PJ_V(many_##NAME)(int64_t n, int count, const void *const *xs, \
                                          void *pacc) {                                \
    typedef T Vec __attribute__((vector_size(PJ_VB), aligned(sizeof(T)), may_alias));  \
    typedef I Ints __attribute__((vector_size(PJ_VB), unused));                        \
    enum { LANES = PJ_VB / sizeof(T) };                                                \
    T *acc = pacc;                                                                     \
    int64_t i = 0;                                                                     \
    for (; i + 2 * LANES <= n; i += 2 * LANES) {                                       \
      Vec a = *(const Vec *)(acc + i), b = *(const Vec *)(acc + i + LANES);            \
      for (int k = 0; k < count; ++k) {                                                \
        const Vec x = *(const Vec *)((const T *)xs[k] + i),                            \
                  y = *(const Vec *)((const T *)xs[k] + i + LANES);                    \
        a = VOP(a, x);                                                                 \
        b = VOP(b, y);                                                                 \
      }                                                                                \
      *(Vec *)(acc + i) = a;                                                           \
      *(Vec *)(acc + i + LANES) = b;                                                   \
    }                                                                                  \
    for (; i + LANES <= n; i += LANES) {                                               \
      Vec a = *(const Vec *)(acc + i);                                                 \
      for (int k = 0; k < count; ++k)                                                  \
        a = VOP(a, *(const Vec *)((const T *)xs[k] + i));                              \
      *(Vec *)(acc + i) = a;                                                           \
    }                                                                                  \
    for (int k = 0; i < n && k < count; ++k) {                                         \
      const T *x = xs[k];                                                              \
      PJ_IVDEP for (int64_t j = i; j < n; ++j) acc[j] = OP(T, acc[j], x[j]);           \
    }                                                                                  \
  }

#define UP_8(v, none, op)                                              \
  v = op(__builtin_shufflevector(v, none, 8, 0, 1, 2, 3, 4, 5, 6), v); \
  v = op(__builtin_shufflevector(v, none, 8, 8, 0, 1, 2, 3, 4, 5), v); \
  v = op(__builtin_shufflevector(v, none, 8, 8, 8, 8, 0, 1, 2, 3), v);
#define UP_4(v, none, op)                                  \
  v = op(__builtin_shufflevector(v, none, 4, 0, 1, 2), v); \
  v = op(__builtin_shufflevector(v, none, 4, 4, 0, 1), v);
#define TURN_8(v) __builtin_shufflevector(v, v, 7, 6, 5, 4, 3, 2, 1, 0)
#define TURN_4(v) __builtin_shufflevector(v, v, 3, 2, 1, 0)
#define LAST_8(v) __builtin_shufflevector(v, v, 7, 7, 7, 7, 7, 7, 7, 7)
#define LAST_4(v) __builtin_shufflevector(v, v, 3, 3, 3, 3)

#define SCAN(NAME, T, I, OP, VOP, LANES)                                                          \
  PJ_TARGET static void PJ_V(scan_##NAME)(int64_t n, const void *px, void *po, bool backwards,    \
                                          const void *neutral, void *pcarry) {                    \
    typedef T Vec __attribute__((vector_size(LANES * sizeof(T)), aligned(sizeof(T)), may_alias)); \
    typedef I Ints __attribute__((vector_size(LANES * sizeof(T)), unused));                       \
    const T *x = px, carry = *(const T *)pcarry;                                                  \
    T *o = po, local = *(const T *)neutral;                                                       \
    Vec none, outer, locals;                                                                      \
    for (int k = 0; k < LANES; ++k) {                                                             \
      none[k] = locals[k] = local;                                                                \
      outer[k] = carry;                                                                           \
    }                                                                                             \
    int64_t i = 0;                                                                                \
    for (; i + LANES <= n; i += LANES) {                                                          \
      const int64_t at = backwards ? n - LANES - i : i;                                           \
      Vec v = *(const Vec *)(x + at);                                                             \
      if (backwards)                                                                              \
        v = TURN_##LANES(v);                                                                      \
      UP_##LANES(v, none, VOP) v = VOP(locals, v);                                                \
      locals = LAST_##LANES(v);                                                                   \
      if (!o)                                                                                     \
        continue;                                                                                 \
      v = VOP(outer, v);                                                                          \
      if (backwards)                                                                              \
        v = TURN_##LANES(v);                                                                      \
      *(Vec *)(o + at) = v;                                                                       \
    }                                                                                             \
    local = locals[0];                                                                            \
    for (; i < n; ++i) {                                                                          \
      const int64_t at = backwards ? n - 1 - i : i;                                               \
      local = OP(T, local, x[at]);                                                                \
      if (o)                                                                                      \
        o[at] = OP(T, carry, local);                                                              \
    }                                                                                             \
    *(T *)pcarry = OP(T, carry, local);                                                           \
  }

#define ADD(T, a, b) ((T)((a) + (b)))
#define MUL(T, a, b) ((T)((a) * (b)))
// Numbers narrower than int become int before they are multiplied, and could overflow that.
#define UMUL(T, a, b)      ((T)(1u * (a) * (b)))
#define MAX(T, a, b)       ((a) > (b) ? (a) : (b))
#define MIN(T, a, b)       ((a) < (b) ? (a) : (b))
#define AND(T, a, b)       ((T)((a) & (b)))
#define OR(T, a, b)        ((T)((a) | (b)))
#define XOR(T, a, b)       ((T)((a) ^ (b)))
#define VADD(a, b)         ((a) + (b))
#define VMUL(a, b)         ((a) * (b))
#define CHOOSE(mask, a, b) ((Vec)(((Ints)(a) & (mask)) | ((Ints)(b) & ~(mask))))
#define VMAX(a, b)         CHOOSE((Ints)((a) > (b)), a, b)
#define VMIN(a, b)         CHOOSE((Ints)((a) < (b)), a, b)
// IEEE 754-2019 maximum and minimum: NaN wins, and -0 < +0; equal numbers differ in nothing but the
// sign of zero.
#define FMAX(T, a, b) max_##T((a), (b))
#define FMIN(T, a, b) min_##T((a), (b))
#define VFMAX(a, b)             \
  CHOOSE((Ints)((a) != (a)), a, \
         CHOOSE((Ints)((a) == (b)), (Vec)((Ints)(a) & (Ints)(b)), VMAX(a, b)))
#define VFMIN(a, b)             \
  CHOOSE((Ints)((a) != (a)), a, \
         CHOOSE((Ints)((a) == (b)), (Vec)((Ints)(a) | (Ints)(b)), VMIN(a, b)))

#define INT_PAIRS(S, T)   \
  PAIRS(add_##S, T, ADD)  \
  PAIRS(mul_##S, T, UMUL) \
  PAIRS(max_##S, T, MAX)  \
  PAIRS(min_##S, T, MIN)  \
  PAIRS(and_##S, T, AND)  \
  PAIRS(or_##S, T, OR)    \
  PAIRS(xor_##S, T, XOR)
// Sums and products of signed numbers are those of unsigned ones.
INT_PAIRS(u8, uint8_t)
INT_PAIRS(u16, uint16_t)
INT_PAIRS(u32, uint32_t)
INT_PAIRS(u64, uint64_t)
#define SIGNED_PAIRS(S, T) PAIRS(max_##S, T, MAX) PAIRS(min_##S, T, MIN)
SIGNED_PAIRS(s8, int8_t)
SIGNED_PAIRS(s16, int16_t)
SIGNED_PAIRS(s32, int32_t)
SIGNED_PAIRS(s64, int64_t)
#define FLOAT_PAIRS(S, T) \
  PAIRS(add_##S, T, ADD) PAIRS(mul_##S, T, MUL) PAIRS(max_##S, T, FMAX) PAIRS(min_##S, T, FMIN)
FLOAT_PAIRS(f32, float)
FLOAT_PAIRS(f64, double)

#define SCANS(S, T, I, LANES, MAXS, MINS, VMAXS, VMINS) \
  SCAN(add_##S, T, I, ADD, VADD, LANES)                 \
  SCAN(mul_##S, T, I, MUL, VMUL, LANES)                 \
  SCAN(max_##S, T, I, MAXS, VMAXS, LANES)               \
  SCAN(min_##S, T, I, MINS, VMINS, LANES)
SCANS(u32, uint32_t, uint32_t, 8, MAX, MIN, VMAX, VMIN)
SCANS(u64, uint64_t, uint64_t, 4, MAX, MIN, VMAX, VMIN)
SCANS(f32, float, uint32_t, 8, FMAX, FMIN, VFMAX, VFMIN)
SCANS(f64, double, uint64_t, 4, FMAX, FMIN, VFMAX, VFMIN)
SCAN(max_s32, int32_t, int32_t, MAX, VMAX, 8)
SCAN(min_s32, int32_t, int32_t, MIN, VMIN, 8)
SCAN(max_s64, int64_t, int64_t, MAX, VMAX, 4)
SCAN(min_s64, int64_t, int64_t, MIN, VMIN, 4)

#define MANIES(S, T, I, MAXS, MINS, VMAXS, VMINS) \
  MANY(add_##S, T, I, ADD, VADD)                  \
  MANY(mul_##S, T, I, MUL, VMUL)                  \
  MANY(max_##S, T, I, MAXS, VMAXS)                \
  MANY(min_##S, T, I, MINS, VMINS)
MANIES(u32, uint32_t, uint32_t, MAX, MIN, VMAX, VMIN)
MANIES(f32, float, uint32_t, FMAX, FMIN, VFMAX, VFMIN)
MANIES(f64, double, uint64_t, FMAX, FMIN, VFMAX, VFMIN)
MANY(max_s32, int32_t, int32_t, MAX, VMAX)
MANY(min_s32, int32_t, int32_t, MIN, VMIN)

#define INT_ROW(S, U)                                                         \
  {                                                                           \
    [PJ_FOLD_ADD] = PJ_V(pairs_add_##U), [PJ_FOLD_MUL] = PJ_V(pairs_mul_##U), \
    [PJ_FOLD_MAX] = PJ_V(pairs_max_##S), [PJ_FOLD_MIN] = PJ_V(pairs_min_##S), \
    [PJ_FOLD_AND] = PJ_V(pairs_and_##U), [PJ_FOLD_OR] = PJ_V(pairs_or_##U),   \
    [PJ_FOLD_XOR] = PJ_V(pairs_xor_##U)                                       \
  }
#define FLOAT_ROW(S)                                                          \
  {                                                                           \
    [PJ_FOLD_ADD] = PJ_V(pairs_add_##S), [PJ_FOLD_MUL] = PJ_V(pairs_mul_##S), \
    [PJ_FOLD_MAX] = PJ_V(pairs_max_##S), [PJ_FOLD_MIN] = PJ_V(pairs_min_##S)  \
  }
static PjPairsFn *const PJ_V(pairs)[PJ_DT_COUNT][PJ_FOLDS] = {
    // On truth values addition is `or` and multiplication is `and`.
    [PJ_DT_PRED] = {[PJ_FOLD_ADD] = PJ_V(pairs_or_u8),
                    [PJ_FOLD_MUL] = PJ_V(pairs_and_u8),
                    [PJ_FOLD_MAX] = PJ_V(pairs_or_u8),
                    [PJ_FOLD_MIN] = PJ_V(pairs_and_u8),
                    [PJ_FOLD_AND] = PJ_V(pairs_and_u8),
                    [PJ_FOLD_OR] = PJ_V(pairs_or_u8),
                    [PJ_FOLD_XOR] = PJ_V(pairs_xor_u8)},
    [PJ_DT_S8] = INT_ROW(s8, u8),
    [PJ_DT_S16] = INT_ROW(s16, u16),
    [PJ_DT_S32] = INT_ROW(s32, u32),
    [PJ_DT_S64] = INT_ROW(s64, u64),
    [PJ_DT_INDEX] = INT_ROW(s64, u64),
    [PJ_DT_U8] = INT_ROW(u8, u8),
    [PJ_DT_U16] = INT_ROW(u16, u16),
    [PJ_DT_U32] = INT_ROW(u32, u32),
    [PJ_DT_U64] = INT_ROW(u64, u64),
    [PJ_DT_F32] = FLOAT_ROW(f32),
    [PJ_DT_F64] = FLOAT_ROW(f64),
};
#define SCAN_ROW(S, U)                                                      \
  {                                                                         \
    [PJ_FOLD_ADD] = PJ_V(scan_add_##U), [PJ_FOLD_MUL] = PJ_V(scan_mul_##U), \
    [PJ_FOLD_MAX] = PJ_V(scan_max_##S), [PJ_FOLD_MIN] = PJ_V(scan_min_##S)  \
  }
static PjScanFn *const PJ_V(scans)[PJ_DT_COUNT][PJ_FOLDS] = {
    [PJ_DT_S32] = SCAN_ROW(s32, u32),   [PJ_DT_S64] = SCAN_ROW(s64, u64),
    [PJ_DT_INDEX] = SCAN_ROW(s64, u64), [PJ_DT_U32] = SCAN_ROW(u32, u32),
    [PJ_DT_U64] = SCAN_ROW(u64, u64),   [PJ_DT_F32] = SCAN_ROW(f32, f32),
    [PJ_DT_F64] = SCAN_ROW(f64, f64),
};
#define MANY_ROW(S, U)                                                      \
  {                                                                         \
    [PJ_FOLD_ADD] = PJ_V(many_add_##U), [PJ_FOLD_MUL] = PJ_V(many_mul_##U), \
    [PJ_FOLD_MAX] = PJ_V(many_max_##S), [PJ_FOLD_MIN] = PJ_V(many_min_##S)  \
  }
static PjManyFn *const PJ_V(manies)[PJ_DT_COUNT][PJ_FOLDS] = {
    [PJ_DT_S32] = MANY_ROW(s32, u32),
    [PJ_DT_U32] = MANY_ROW(u32, u32),
    [PJ_DT_F32] = MANY_ROW(f32, f32),
    [PJ_DT_F64] = MANY_ROW(f64, f64),
};
#undef MANY
#undef MANIES
#undef MANY_ROW
#undef PAIRS
#undef SCAN
#undef SCANS
#undef UP_8
#undef UP_4
#undef TURN_8
#undef TURN_4
#undef LAST_8
#undef LAST_4
#undef ADD
#undef MUL
#undef UMUL
#undef MAX
#undef MIN
#undef AND
#undef OR
#undef XOR
#undef VADD
#undef VMUL
#undef CHOOSE
#undef VMAX
#undef VMIN
#undef FMAX
#undef FMIN
#undef VFMAX
#undef VFMIN
#undef INT_PAIRS
#undef SIGNED_PAIRS
#undef FLOAT_PAIRS
#undef INT_ROW
#undef FLOAT_ROW
#undef SCAN_ROW
