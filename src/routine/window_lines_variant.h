// The loops of window_lines.c.
#include "routine/fold_wide.h"

// PjAcrossFn. The last vector overlaps the one before it.
#define ACROSS(NAME, T, I, OP, VOP)                                                      \
  PJ_TARGET static void PJ_V(across_##NAME)(int64_t n, int count, const void *const *xs, \
                                            void *po) {                                  \
    typedef T Vec __attribute__((vector_size(PJ_VB), aligned(sizeof(T)), may_alias));    \
    typedef I Ints __attribute__((vector_size(PJ_VB), unused));                          \
    enum { LANES = PJ_VB / sizeof(T) };                                                  \
    T *o = po;                                                                           \
    int64_t i = 0;                                                                       \
    for (; i + 2 * LANES <= n; i += 2 * LANES) {                                         \
      const T *x = (const T *)xs[0] + i;                                                 \
      Vec a = *(const Vec *)x, b = *(const Vec *)(x + LANES);                            \
      for (int k = 1; k < count; ++k) {                                                  \
        x = (const T *)xs[k] + i;                                                        \
        a = VOP(a, *(const Vec *)x);                                                     \
        b = VOP(b, *(const Vec *)(x + LANES));                                           \
      }                                                                                  \
      *(Vec *)(o + i) = a;                                                               \
      *(Vec *)(o + i + LANES) = b;                                                       \
    }                                                                                    \
    for (; n >= LANES && i < n; i += LANES) {                                            \
      const int64_t at = pj__min(i, n - LANES);                                          \
      Vec a = *(const Vec *)((const T *)xs[0] + at);                                     \
      for (int k = 1; k < count; ++k)                                                    \
        a = VOP(a, *(const Vec *)((const T *)xs[k] + at));                               \
      *(Vec *)(o + at) = a;                                                              \
    }                                                                                    \
    for (; i < n; ++i) {                                                                 \
      T a = ((const T *)xs[0])[i];                                                       \
      for (int k = 1; k < count; ++k)                                                    \
        a = OP(T, a, ((const T *)xs[k])[i]);                                             \
      o[i] = a;                                                                          \
    }                                                                                    \
  }

// A vector of results, whose windows begin at |at|; LOAD: the elements at place |x|.
#define COMBINE(VOP, LISTED, at, LOAD)                               \
  Vec a = first;                                                     \
  for (int64_t l = 0; l < (LISTED ? count : 1); ++l) {               \
    const Elem *x = (LISTED ? (const Elem *)lines[l] : line) + (at); \
    for (int64_t k = 0; k < places; ++k, x += place_step)            \
      a = VOP(a, LOAD);                                              \
  }
#define PLAIN *(const Vec *)x
// Every second lane, up to the last one that is wanted.
#define SECOND(...) \
  __builtin_shufflevector(*(const Vec *)x, *(const Vec *)(x + LANES - 1), __VA_ARGS__)
#if PJ_LEVEL == 2
#define SECOND_4 SECOND(0, 2, 4, 6, 8, 10, 12, 14, 17, 19, 21, 23, 25, 27, 29, 31)
#define SECOND_8 SECOND(0, 2, 4, 6, 9, 11, 13, 15)
#elif PJ_LEVEL == 1
#define SECOND_4 SECOND(0, 2, 4, 6, 9, 11, 13, 15)
#define SECOND_8 SECOND(0, 2, 5, 7)
#else
#define SECOND_4 SECOND(0, 2, 5, 7)
#define SECOND_8 SECOND(0, 3)
#endif
// |have| results at |to|, of which |left| may be written: what is too much is written again later.
#define PUT(to, have, left) \
  if ((left) >= LANES)      \
    *(Vec *)(to) = a;       \
  else                      \
    memcpy(to, &a, (size_t)(have) * sizeof(Elem));

// PjAlongFn.
#define ALONG(NAME, T, I, BYTES, VOP, LISTED)                                                      \
  PJ_TARGET static void PJ_V(along_##NAME)(int64_t results, int64_t inner, int64_t step,           \
                                           int64_t places, int64_t place_step, int64_t count,      \
                                           const void *const *lines, const void *init, void *po) { \
    typedef T Elem;                                                                                \
    typedef T Vec __attribute__((vector_size(PJ_VB), aligned(sizeof(T)), may_alias));              \
    typedef I Ints __attribute__((vector_size(PJ_VB), unused));                                    \
    enum { LANES = PJ_VB / sizeof(T) };                                                            \
    const T *line = LISTED ? NULL : lines[0], number = *(const T *)init;                           \
    T *o = po;                                                                                     \
    Vec first;                                                                                     \
    int64_t from = 0;                                                                              \
    PJ_UNROLL for (int i = 0; i < LANES; ++i) first[i] = number;                                   \
    if (inner >= LANES) {                                                                          \
      for (int64_t j = 0; j < results; ++j, from += step, o += inner)                              \
        for (int64_t i = 0; i < inner; i += LANES) {                                               \
          const int64_t at = pj__min(i, inner - LANES);                                            \
          COMBINE(VOP, LISTED, from + at, PLAIN)                                                   \
          *(Vec *)(o + at) = a;                                                                    \
        }                                                                                          \
    } else if (inner == 1 && step == 2) {                                                          \
      for (int64_t j = 0; j < results; j += LANES) {                                               \
        COMBINE(VOP, LISTED, 2 * j, SECOND_##BYTES)                                                \
        PUT(o + j, results - j, results - j)                                                       \
      }                                                                                            \
    } else {                                                                                       \
      for (int64_t left = results * inner; left > 0; left -= inner, from += step, o += inner) {    \
        COMBINE(VOP, LISTED, from, PLAIN)                                                          \
        PUT(o, inner, left)                                                                        \
      }                                                                                            \
    }                                                                                              \
  }
#define LINES(NAME, T, I, BYTES, OP, VOP) \
  ACROSS(NAME, T, I, OP, VOP) ALONG(NAME, T, I, BYTES, VOP, false)

LINES(add_f32, float, uint32_t, 4, ADD, VADD)
LINES(max_f32, float, uint32_t, 4, FMAX, WIDE_MAX_f32)
LINES(min_f32, float, uint32_t, 4, FMIN, WIDE_MIN_f32)
LINES(mul_f32, float, uint32_t, 4, MUL, VMUL)
ALONG(mul_all_f32, float, uint32_t, 4, VMUL, true)
LINES(mul_f64, double, uint64_t, 8, MUL, VMUL)
ALONG(mul_all_f64, double, uint64_t, 8, VMUL, true)
LINES(add_f64, double, uint64_t, 8, ADD, VADD)
LINES(max_f64, double, uint64_t, 8, FMAX, WIDE_MAX_f64)
LINES(min_f64, double, uint64_t, 8, FMIN, WIDE_MIN_f64)
LINES(add_s32, uint32_t, uint32_t, 4, ADD, VADD)
LINES(max_s32, int32_t, uint32_t, 4, MAX, VMAX)
LINES(min_s32, int32_t, uint32_t, 4, MIN, VMIN)
LINES(max_u32, uint32_t, uint32_t, 4, MAX, VMAX)
LINES(min_u32, uint32_t, uint32_t, 4, MIN, VMIN)

#define PRODUCT(S) \
  [PJ_FOLD_MUL] = {PJ_V(across_mul_##S), PJ_V(along_mul_##S), PJ_V(along_mul_all_##S)},
#define NONE
#define ROW(ADDS, S, MORE)                                                         \
  {                                                                                \
    MORE[PJ_FOLD_ADD] = {PJ_V(across_add_##ADDS), PJ_V(along_add_##ADDS)},         \
    [PJ_FOLD_MAX] = {PJ_V(across_max_##S), PJ_V(along_max_##S)}, [PJ_FOLD_MIN] = { \
      PJ_V(across_min_##S),                                                        \
      PJ_V(along_min_##S)                                                          \
    }                                                                              \
  }
static const PjLineKernels PJ_V(line_kernels)[PJ_DT_COUNT][PJ_FOLDS] = {
    [PJ_DT_F32] = ROW(f32, f32, PRODUCT(f32)),
    [PJ_DT_F64] = ROW(f64, f64, PRODUCT(f64)),
    [PJ_DT_S32] = ROW(s32, s32, NONE),
    [PJ_DT_U32] = ROW(s32, u32, NONE),
};
#undef ACROSS
#undef COMBINE
#undef PLAIN
#undef SECOND
#undef SECOND_4
#undef SECOND_8
#undef PUT
#undef ALONG
#undef LINES
#undef ROW
#undef PRODUCT
#undef NONE
