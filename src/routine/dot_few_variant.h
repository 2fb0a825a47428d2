// Some rows of a by b as it lies, its columns side by side: c[i, j] (+)= sum over p < k of a[i, p]
// * b[p, j] for ROWS rows and vectors of columns at |b|.
#define FEW_TILE(NAME, T, ROWS, VECTORS)                                                \
  PJ_TARGET static void PJ_V(NAME)(const PjFewBlock *f, const void *pa, const void *pb, \
                                   void *pc) {                                          \
    typedef T Vec __attribute__((vector_size(PJ_VB), aligned(sizeof(T)), may_alias));   \
    enum { LANES = PJ_VB / sizeof(T) };                                                 \
    const T *a = pa, *b = pb;                                                           \
    const int64_t row = f->a_row, a_sum = f->a_sum, b_sum = f->b_sum, ahead = f->ahead; \
    T *c = pc;                                                                          \
    Vec sum[ROWS][VECTORS];                                                             \
    memset(sum, 0, sizeof sum);                                                         \
    for (int64_t p = 0; p < f->sums; ++p, a += a_sum, b += b_sum) {                     \
      Vec x[VECTORS];                                                                   \
      if (ahead)                                                                        \
        PJ_UNROLL for (int v = 0; v < VECTORS * PJ_VB; v += PJ_FEW_LINE)                \
            __builtin_prefetch((const char *)(b + ahead) + v, 0, 2);                    \
      PJ_UNROLL for (int v = 0; v < VECTORS; ++v) x[v] = *(const Vec *)(b + v * LANES); \
      PJ_UNROLL for (int i = 0; i < ROWS; ++i) {                                        \
        const T y = a[i * row];                                                         \
        PJ_UNROLL for (int v = 0; v < VECTORS; ++v) sum[i][v] += y * x[v];              \
      }                                                                                 \
    }                                                                                   \
    PJ_UNROLL for (int i = 0; i < ROWS; ++i, c += f->c_row)                             \
        PJ_UNROLL for (int v = 0; v < VECTORS; ++v) {                                   \
      if (f->add)                                                                       \
        sum[i][v] += *(const Vec *)(c + v * LANES);                                     \
      *(Vec *)(c + v * LANES) = sum[i][v];                                              \
    }                                                                                   \
  }
#define FEW(S, T)                                                                     \
  FEW_TILE(few_##S##_11, T, 1, 1)                                                     \
  FEW_TILE(few_##S##_21, T, 2, 1)                                                     \
  FEW_TILE(few_##S##_31, T, 3, 1)                                                     \
  FEW_TILE(few_##S##_41, T, 4, 1)                                                     \
  FEW_TILE(few_##S##_13, T, 1, 3)                                                     \
  FEW_TILE(few_##S##_23, T, 2, 3)                                                     \
  FEW_TILE(few_##S##_33, T, 3, 3)                                                     \
  FEW_TILE(few_##S##_43, T, 4, 3)                                                     \
  static PjFewTile *const PJ_V(few_##S)[] = {                                         \
      PJ_V(few_##S##_11), PJ_V(few_##S##_21), PJ_V(few_##S##_31), PJ_V(few_##S##_41), \
      PJ_V(few_##S##_13), PJ_V(few_##S##_23), PJ_V(few_##S##_33), PJ_V(few_##S##_43)};
FEW(f32, float)
FEW(f64, double)
static const PjFewKernels PJ_V(few_kernels)[] = {
    [PJ_COMP_F32] = {PJ_VB / 4, PJ_V(few_f32)},
    [PJ_COMP_F64] = {PJ_VB / 8, PJ_V(few_f64)},
};
#undef FEW
#undef FEW_TILE
