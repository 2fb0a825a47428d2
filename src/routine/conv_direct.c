// Convolution straight from its definition: small ones, for which packing costs more than it saves,
// and those of complex numbers. Each product is rounded before it is added, window place by window
// place and feature by feature, as expected values from other implementations have it.
#include <string.h>

#include "routine/conv.h"

typedef struct Direct {
  PjRoutine routine;
  PjConvShape s;
  bool skip;                    // places outside the input
  int64_t positions;            // of one group
  size_t lhs_bytes, rhs_bytes;  // of the converted operands in scratch; 0: as they lie
  int64_t lhs_count, rhs_count; // elements
  size_t elem, out_elem;        // bytes of comp, of the result's type
} Direct;

typedef struct Run {
  const Direct *d;
  const char *lhs, *rhs;
  char *out, *scratch;
} Run;

// A place of the window: offsets in elements. What lies outside the input, or between its elements,
// is zero, and counts: it makes NaN of an infinite weight. Groups of one real feature leave it out,
// as everywhere.
typedef struct Tap {
  int64_t lhs, rhs;
  bool inside;
} Tap;

#define REAL(NAME, T)                                                                              \
  static void NAME(const PjConvShape *s, int64_t count, const Tap *taps, const void *lhs,          \
                   const void *rhs, void *out) {                                                   \
    const T *x = lhs, *w = rhs;                                                                    \
    T sum = 0;                                                                                     \
    for (const Tap *tap = taps; tap < taps + count; ++tap)                                         \
      for (int64_t f = 0; f < s->features; ++f)                                                    \
        sum += (tap->inside ? x[tap->lhs + f * s->lhs_feature] : 0) * w[tap->rhs + f * s->rhs_in]; \
    memcpy(out, &sum, sizeof sum);                                                                 \
  }
#define COMPLEX(NAME, T)                                                                        \
  static void NAME(const PjConvShape *s, int64_t count, const Tap *taps, const void *lhs,       \
                   const void *rhs, void *out) {                                                \
    static const T zero[2];                                                                     \
    T sum[2] = {0};                                                                             \
    for (const Tap *tap = taps; tap < taps + count; ++tap)                                      \
      for (int64_t f = 0; f < s->features; ++f) {                                               \
        const T *x = tap->inside ? (const T *)lhs + 2 * (tap->lhs + f * s->lhs_feature) : zero, \
                *w = (const T *)rhs + 2 * (tap->rhs + f * s->rhs_in);                           \
        sum[0] += x[0] * w[0] - x[1] * w[1];                                                    \
        sum[1] += x[0] * w[1] + x[1] * w[0];                                                    \
      }                                                                                         \
    memcpy(out, sum, sizeof sum);                                                               \
  }
REAL(sum_f32, float)
REAL(sum_f64, double)
REAL(sum_u32, uint32_t)
REAL(sum_u64, uint64_t)
COMPLEX(sum_c64, float)
COMPLEX(sum_c128, double)

typedef void SumFn(const PjConvShape *s, int64_t count, const Tap *taps, const void *lhs,
                   const void *rhs, void *out);
static SumFn *const sums[] = {
    [PJ_COMP_F32] = sum_f32, [PJ_COMP_F64] = sum_f64, [PJ_COMP_U32] = sum_u32,
    [PJ_COMP_U64] = sum_u64, [PJ_COMP_C64] = sum_c64, [PJ_COMP_C128] = sum_c128,
};

// The places of the window at position |at| (spatial dimensions only), for group 0, batch 0.
static int64_t find_taps(const PjConvShape *s, bool skip, const int64_t *at, Tap *taps) {
  int64_t place[PJ_CONV_SPATIAL] = {0}, count = 0;
  for (int64_t i = 0; i < s->window_size; ++i) {
    Tap tap = {0, s->rhs_start, true};
    for (int32_t d = 0; d < s->spatial; ++d) {
      const int64_t in = pj__conv_locate(
          s, d, at[d] * s->stride[d] - s->low[d] + place[d] * s->window_dilation[d]);
      tap.inside = tap.inside && in >= 0;
      tap.lhs += in * s->lhs_spatial[d];
      tap.rhs += place[d] * s->rhs_spatial[d];
    }
    if (tap.inside || !skip)
      taps[count++] = tap;
    for (int32_t d = s->spatial - 1; d >= 0 && ++place[d] == s->window[d]; --d)
      place[d] = 0;
  }
  return count;
}

static void positions(void *context, int64_t begin, int64_t end, int thread) {
  const Run *run = context;
  const Direct *d = run->d;
  const PjConvShape *s = &d->s;
  Tap *taps = pj__thread_scratch(&d->routine, run->scratch, thread);
  char sum[16] __attribute__((aligned(16)));
  for (int64_t p = begin; p < end; ++p) {
    int64_t at[PJ_CONV_SPATIAL], rest = p, out = 0;
    for (int32_t i = s->spatial - 1; i >= 0; rest /= s->out[i--]) {
      at[i] = rest % s->out[i];
      out += at[i] * s->out_spatial[i];
    }
    out += rest * s->out_batch; // what is left is the batch
    const int64_t count = find_taps(s, d->skip, at, taps);
    for (int64_t g = 0; g < s->groups; ++g) {
      const char *lhs = run->lhs + (size_t)(g * s->lhs_group + rest * s->lhs_batch) * d->elem;
      for (int64_t o = 0; o < s->out_features; ++o) {
        const char *rhs = run->rhs + (size_t)(g * s->rhs_group + o * s->rhs_out) * d->elem;
        sums[s->comp](s, count, taps, lhs, rhs, sum);
        pj_comp_store(s->comp, s->out_dtype, 1, sum,
                      run->out +
                          (size_t)(out + g * s->out_group + o * s->out_feature) * d->out_elem);
      }
    }
  }
}

static PjStatus run_direct(const PjRoutine *self, PjThreads *threads, const void *const *in,
                           void *const *out, void *scratch) {
  const Direct *d = (const Direct *)self;
  Run run = {d, in[0], in[1], out[0], scratch};
  if (d->lhs_bytes) {
    pj_comp_load(d->s.comp, d->s.lhs_dtype, d->lhs_count, in[0], scratch);
    run.lhs = scratch;
  }
  if (d->rhs_bytes) {
    char *copy = (char *)scratch + d->lhs_bytes;
    pj_comp_load(d->s.comp, d->s.rhs_dtype, d->rhs_count, in[1], copy);
    run.rhs = copy;
  }
  const double work = (double)(d->s.groups * d->s.out_features) * (double)d->s.window_size *
                      (double)d->s.features * 2;
  pj_threads_for(threads, d->positions, pj__grain(d->positions, work), positions, &run);
  return PJ_STATUS_OK;
}

const PjRoutine *pj__conv_direct(PjArena *arena, const PjConvShape *s, const PjType *lhs,
                                 const PjType *rhs, bool skip_outside) {
  Direct *d = PJ_NEW(arena, Direct);
  *d = (Direct){.s = *s,
                .skip = skip_outside,
                .positions = s->batch,
                .lhs_count = pj__count(lhs),
                .rhs_count = pj__count(rhs),
                .elem = pj_comp_bytes(s->comp),
                .out_elem = pj_dtype_bytes(s->out_dtype)};
  for (int32_t i = 0; i < s->spatial; ++i)
    d->positions *= s->out[i];
  if (!pj_comp_is_native(s->comp, s->lhs_dtype))
    d->lhs_bytes = pj__scratch_round((size_t)d->lhs_count * d->elem);
  if (!pj_comp_is_native(s->comp, s->rhs_dtype))
    d->rhs_bytes = pj__scratch_round((size_t)d->rhs_count * d->elem);
  d->routine = (PjRoutine){.name = "conv_direct", .run = run_direct, .in_place = -1};
  d->routine.scratch_bytes = d->lhs_bytes + d->rhs_bytes;
  d->routine.thread_scratch_bytes = pj__scratch_round((size_t)s->window_size * sizeof(Tap));
  return &d->routine;
}
