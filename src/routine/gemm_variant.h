// Micro-kernels of the packed product: c[i, j] (+)= sum over p < k of a[p * MR + i] * b[p * NR +
// j]. A tile of MR rows of two vectors stays in registers.
#define MICRO(NAME, T)                                                                   \
  PJ_TARGET static void PJ_V(NAME)(int64_t k, const void *pa, const void *pb, void *pc,  \
                                   int64_t c_row, bool add) {                            \
    typedef T Vec __attribute__((vector_size(PJ_VB), aligned(sizeof(T)), may_alias));    \
    enum { LANES = PJ_VB / sizeof(T) };                                                  \
    const T *a = pa, *b = pb;                                                            \
    T *c = pc;                                                                           \
    Vec sum[PJ_GEMM_MR][2];                                                              \
    memset(sum, 0, sizeof sum);                                                          \
    PJ_UNROLL for (int i = 0; i < PJ_GEMM_MR; ++i) __builtin_prefetch(c + i * c_row, 1); \
    for (int64_t p = 0; p < k; ++p, a += PJ_GEMM_MR, b += 2 * LANES) {                   \
      const Vec b0 = *(const Vec *)b, b1 = *(const Vec *)(b + LANES);                    \
      PJ_UNROLL for (int i = 0; i < PJ_GEMM_MR; ++i) {                                   \
        sum[i][0] += a[i] * b0;                                                          \
        sum[i][1] += a[i] * b1;                                                          \
      }                                                                                  \
    }                                                                                    \
    PJ_UNROLL for (int i = 0; i < PJ_GEMM_MR; ++i, c += c_row) {                         \
      if (add) {                                                                         \
        sum[i][0] += *(const Vec *)c;                                                    \
        sum[i][1] += *(const Vec *)(c + LANES);                                          \
      }                                                                                  \
      *(Vec *)c = sum[i][0];                                                             \
      *(Vec *)(c + LANES) = sum[i][1];                                                   \
    }                                                                                    \
  }
MICRO(micro_f32, float)
MICRO(micro_f64, double)
MICRO(micro_u32, uint32_t)
MICRO(micro_u64, uint64_t)
#undef MICRO

// The same where a is not packed: row i of run r is sums[r] elements from lines[r * MR + i] on.
#define MICRO_LINES(NAME, T)                                                                    \
  PJ_TARGET static void PJ_V(NAME)(int64_t runs, const int64_t *sums, const void *const *lines, \
                                   const void *pb, void *pc, int64_t c_row, bool add) {         \
    typedef T Vec __attribute__((vector_size(PJ_VB), aligned(sizeof(T)), may_alias));           \
    enum { LANES = PJ_VB / sizeof(T) };                                                         \
    const T *b = pb;                                                                            \
    T *c = pc;                                                                                  \
    Vec sum[PJ_GEMM_MR][2];                                                                     \
    memset(sum, 0, sizeof sum);                                                                 \
    PJ_UNROLL for (int i = 0; i < PJ_GEMM_MR; ++i) __builtin_prefetch(c + i * c_row, 1);        \
    for (int64_t r = 0; r < runs; ++r, lines += PJ_GEMM_MR) {                                   \
      const int64_t k = sums[r];                                                                \
      const T *a[PJ_GEMM_MR];                                                                   \
      PJ_UNROLL for (int i = 0; i < PJ_GEMM_MR; ++i) a[i] = (const T *)lines[i] + k;            \
      for (int64_t p = -k; p < 0; ++p, b += 2 * LANES) {                                        \
        const Vec b0 = *(const Vec *)b, b1 = *(const Vec *)(b + LANES);                         \
        PJ_UNROLL for (int i = 0; i < PJ_GEMM_MR; ++i) {                                        \
          sum[i][0] += a[i][p] * b0;                                                            \
          sum[i][1] += a[i][p] * b1;                                                            \
        }                                                                                       \
      }                                                                                         \
    }                                                                                           \
    PJ_UNROLL for (int i = 0; i < PJ_GEMM_MR; ++i, c += c_row) {                                \
      if (add) {                                                                                \
        sum[i][0] += *(const Vec *)c;                                                           \
        sum[i][1] += *(const Vec *)(c + LANES);                                                 \
      }                                                                                         \
      *(Vec *)c = sum[i][0];                                                                    \
      *(Vec *)(c + LANES) = sum[i][1];                                                          \
    }                                                                                           \
  }
MICRO_LINES(micro_lines_f32, float)
MICRO_LINES(micro_lines_f64, double)
MICRO_LINES(micro_lines_u32, uint32_t)
MICRO_LINES(micro_lines_u64, uint64_t)
#undef MICRO_LINES

static const Micro PJ_V(micros)[] = {
    [PJ_COMP_F32] = {PJ_GEMM_MR, 2 * PJ_VB / 4, PJ_V(micro_f32), PJ_V(micro_lines_f32)},
    [PJ_COMP_F64] = {PJ_GEMM_MR, 2 * PJ_VB / 8, PJ_V(micro_f64), PJ_V(micro_lines_f64)},
    [PJ_COMP_U32] = {PJ_GEMM_MR, 2 * PJ_VB / 4, PJ_V(micro_u32), PJ_V(micro_lines_u32)},
    [PJ_COMP_U64] = {PJ_GEMM_MR, 2 * PJ_VB / 8, PJ_V(micro_u64), PJ_V(micro_lines_u64)},
};
