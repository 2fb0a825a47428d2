// Micro-kernels of the packed product: c[i, j] (+)= sum over p < k of a[p * MR + i] * b[p * NR +
// j]. A tile of ROWS rows of VECTORS vectors stays in registers: MR rows, or fewer at the lower
// edge of c; two vectors, or one where c has no more columns. With each p a line from |ahead| on
// comes nearer.
#define MICRO_BEGIN(T, ROWS, VECTORS)                                               \
  typedef T Vec __attribute__((vector_size(PJ_VB), aligned(sizeof(T)), may_alias)); \
  enum { LANES = PJ_VB / sizeof(T) };                                               \
  const T *b = pb;                                                                  \
  T *c = pc;                                                                        \
  Vec sum[ROWS][VECTORS];                                                           \
  memset(sum, 0, sizeof sum);                                                       \
  PJ_UNROLL for (int i = 0; i < ROWS; ++i) __builtin_prefetch(c + i * c_row, 1);
#define MICRO_STEP(ROWS, VECTORS, A)                                                   \
  Vec x[VECTORS];                                                                      \
  PJ_UNROLL for (int v = 0; v < VECTORS; ++v) x[v] = *(const Vec *)(b + v * LANES);    \
  PJ_UNROLL for (int i = 0; i < ROWS; ++i) PJ_UNROLL for (int v = 0; v < VECTORS; ++v) \
      sum[i][v] += (A)*x[v];                                                           \
  __builtin_prefetch(ahead, 0, 2);                                                     \
  ahead += step;
#define MICRO_END(ROWS, VECTORS)                       \
  PJ_UNROLL for (int i = 0; i < ROWS; ++i, c += c_row) \
      PJ_UNROLL for (int v = 0; v < VECTORS; ++v) {    \
    if (add)                                           \
      sum[i][v] += *(const Vec *)(c + v * LANES);      \
    *(Vec *)(c + v * LANES) = sum[i][v];               \
  }
#define MICRO(NAME, T, ROWS, VECTORS)                                                          \
  PJ_TARGET static void PJ_V(NAME)(int64_t k, const void *pa, const void *pb, void *pc,        \
                                   int64_t c_row, bool add, const char *ahead, int64_t step) { \
    MICRO_BEGIN(T, ROWS, VECTORS)                                                              \
    const T *a = pa;                                                                           \
    for (int64_t p = 0; p < k; ++p, a += PJ_GEMM_MR, b += VECTORS * LANES) {                   \
      MICRO_STEP(ROWS, VECTORS, a[i])                                                          \
    }                                                                                          \
    MICRO_END(ROWS, VECTORS)                                                                   \
  }
// The same where a is not packed: row i of run r is sums[r] elements from lines[r * MR + i] on.
#define MICRO_LINES(NAME, T, ROWS, VECTORS)                                                     \
  PJ_TARGET static void PJ_V(NAME)(int64_t runs, const int64_t *sums, const void *const *lines, \
                                   const void *pb, void *pc, int64_t c_row, bool add,           \
                                   const char *ahead, int64_t step) {                           \
    MICRO_BEGIN(T, ROWS, VECTORS)                                                               \
    for (int64_t r = 0; r < runs; ++r, lines += PJ_GEMM_MR) {                                   \
      const int64_t k = sums[r];                                                                \
      const T *a[ROWS];                                                                         \
      PJ_UNROLL for (int i = 0; i < ROWS; ++i) a[i] = (const T *)lines[i] + k;                  \
      for (int64_t p = -k; p < 0; ++p, b += VECTORS * LANES) {                                  \
        MICRO_STEP(ROWS, VECTORS, a[i][p])                                                      \
      }                                                                                         \
    }                                                                                           \
    MICRO_END(ROWS, VECTORS)                                                                    \
  }
#define MICROS(S, T)                                  \
  MICRO(micro_##S, T, PJ_GEMM_MR, 2)                  \
  MICRO(micro_low_##S, T, PJ_GEMM_LOW, 2)             \
  MICRO(micro_mid_##S, T, PJ_GEMM_MID, 2)             \
  MICRO(micro_narrow_##S, T, PJ_GEMM_MR, 1)           \
  MICRO_LINES(micro_lines_##S, T, PJ_GEMM_MR, 2)      \
  MICRO_LINES(micro_lines_low_##S, T, PJ_GEMM_LOW, 2) \
  MICRO_LINES(micro_lines_mid_##S, T, PJ_GEMM_MID, 2) \
  MICRO_LINES(micro_narrow_lines_##S, T, PJ_GEMM_MR, 1)
MICROS(f32, float)
MICROS(f64, double)
MICROS(u32, uint32_t)
MICROS(u64, uint64_t)
#undef MICROS
#undef MICRO
#undef MICRO_LINES
#undef MICRO_BEGIN
#undef MICRO_STEP
#undef MICRO_END

#define WIDE(S, BYTES)                                                            \
  {                                                                               \
    PJ_GEMM_MR, 2 * PJ_VB / BYTES, PJ_GEMM_LOW,                                   \
        {PJ_V(micro_low_##S), PJ_V(micro_mid_##S), PJ_V(micro_##S)}, {            \
      PJ_V(micro_lines_low_##S), PJ_V(micro_lines_mid_##S), PJ_V(micro_lines_##S) \
    }                                                                             \
  }
#define NARROW(S, BYTES)                                               \
  {                                                                    \
    PJ_GEMM_MR, PJ_VB / BYTES, PJ_GEMM_MR, {PJ_V(micro_narrow_##S)}, { \
      PJ_V(micro_narrow_lines_##S)                                     \
    }                                                                  \
  }
static const Micro PJ_V(micros)[] = {
    [PJ_COMP_F32] = WIDE(f32, 4),
    [PJ_COMP_F64] = WIDE(f64, 8),
    [PJ_COMP_U32] = WIDE(u32, 4),
    [PJ_COMP_U64] = WIDE(u64, 8),
};
static const Micro PJ_V(narrow_micros)[] = {
    [PJ_COMP_F32] = NARROW(f32, 4),
    [PJ_COMP_F64] = NARROW(f64, 8),
    [PJ_COMP_U32] = NARROW(u32, 4),
    [PJ_COMP_U64] = NARROW(u64, 8),
};
#undef WIDE
#undef NARROW
