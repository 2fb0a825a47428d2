// The tile of conv_groups.c: TILE positions by a vector of output features.
#if PJ_LEVEL > 0
#if PJ_LEVEL == 2
enum { PJ_V(TILE) = 14 };
#define PICK_LANES(index, x) (Vec) _mm512_permutexvar_ps((__m512i)(index), (__m512)(x))
#else
enum { PJ_V(TILE) = 12 };
#define PICK_LANES(index, x) (Vec) _mm256_permutevar8x32_ps((__m256)(x), (__m256i)(index))
#endif

typedef int32_t PJ_V(Lanes) __attribute__((vector_size(PJ_VB), aligned(4), may_alias));
#define GROUPS_TILE(NAME, KEPT, INDEX, NUMBER)                                                    \
  PJ_TARGET static void PJ_V(NAME)(const PjGroupsTile *t, int64_t in, const float *w, float *out, \
                                   int count) {                                                   \
    typedef float Vec __attribute__((vector_size(PJ_VB), aligned(4), may_alias));                 \
    Vec sum[PJ_V(TILE)];                                                                          \
    memset(sum, 0, sizeof sum);                                                                   \
    const float *const KEPT *xs = t->xs;                                                          \
    for (int place = 0; place < t->places; ++place, xs += PJ_V(TILE))                             \
      for (int f = 0; f < t->features; ++f, w += t->w_step) {                                     \
        const Vec each = *(const Vec *)w;                                                         \
        INDEX;                                                                                    \
        PJ_UNROLL for (int i = 0; i < PJ_V(TILE); ++i) sum[i] += each * (NUMBER);                 \
      }                                                                                           \
    for (int i = 0; i < PJ_V(TILE); ++i)                                                          \
      if (i < count)                                                                              \
        *(Vec *)(out + i * t->out_step) = sum[i];                                                 \
  }
// Groups within a vector: its lanes pick their group's feature.
GROUPS_TILE(groups_within, ,
            const PJ_V(Lanes) index = *(const PJ_V(Lanes) *)(t->index + f * (PJ_VB / 4)),
            PICK_LANES(index, *(const Vec *)(xs[i] + in)))
// A vector within a group. More addresses than there are registers for them are better read anew
// each time than kept in those of vectors: moves from there take what multiplies.
GROUPS_TILE(groups_across, volatile, , xs[i][in + f])
#undef GROUPS_TILE
#undef PICK_LANES

static const PjGroupsKernels PJ_V(groups_kernels) = {PJ_VB / 4, PJ_V(TILE), PJ_V(groups_within),
                                                     PJ_V(groups_across)};
#endif
