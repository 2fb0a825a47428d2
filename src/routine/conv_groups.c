// Convolution by groups of some features, features last: a group has too few of them to be columns
// of a product, so vectors hold output features of several groups. The input's lanes are picked
// from the vector of the same groups' features; the kernel is brought to [place, feature, output
// feature] first. Sums run over places, then features, from zero.
#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "routine/conv.h"
#include "routine/variant.h"

enum { MOST_TILE = 14, MOST_PLACES = 64, MOST_FEATURES = 16 };

// What tiles of a row of positions have in common. |xs|: per place of the window, where each
// position's features lie; |index|: per feature, the lanes of a vector; steps in elements.
typedef struct PjGroupsTile {
  int places, features;
  int64_t w_step, out_step;
  const int32_t *index;
  const float *xs[MOST_PLACES * MOST_TILE];
} PjGroupsTile;
// A vector of output features at |out| for |count| positions; their inputs begin |in| elements
// behind |xs|, their kernel at |w|.
typedef void PjGroupsFn(const PjGroupsTile *t, int64_t in, const float *w, float *out, int count);
typedef struct PjGroupsKernels {
  int lanes, tile;
  PjGroupsFn *within, *across;
} PjGroupsKernels;

#define PJ_VARIANT_FILE "routine/conv_groups_variant.h"
#include "routine/variants.h"

typedef struct Groups {
  PjRoutine routine;
  const PjConvShape *shape;
  PjGroupsKernels kernels;
  int64_t rows;        // of positions
  int64_t outs;        // output features of all groups
  size_t kernel_bytes; // of the copy; behind it in the scratch are zeros for all features
  int32_t index[MOST_FEATURES * 16];
} Groups;

typedef struct Run {
  const Groups *p;
  const float *in, *kernel, *zeros;
  float *out;
} Run;

// Positions [first, first + count) of the last dimension: where the places of their windows lie.
// |start|: of the window in the other dimensions; |in|: of the batch.
static void locate_tile(const Groups *p, const int64_t *start, const float *in, const float *zeros,
                        int64_t first, int count, PjGroupsTile *t) {
  const PjConvShape *s = p->shape;
  const int32_t last = s->spatial - 1;
  const float **xs = t->xs;
  for (int64_t place = 0; place < s->window_size; ++place) {
    int64_t rest = place / s->window[last], offset = 0;
    bool inside = true;
    for (int32_t d = last - 1; d >= 0; --d) {
      const int64_t at = start[d] + rest % s->window[d] * s->window_dilation[d];
      rest /= s->window[d];
      inside &= at >= 0 && at < s->in[d];
      offset += at * s->lhs_spatial[d];
    }
    const int64_t shift = place % s->window[last] * s->window_dilation[last] - s->low[last];
    const int64_t begin = first * s->stride[last] + shift,
                  end = begin + (count - 1) * s->stride[last];
    if (inside && count == p->kernels.tile && begin >= 0 && end < s->in[last]) { // nearly always
      const float *x = in + offset + begin * s->lhs_spatial[last];
      for (int i = 0; i < count; ++i, x += s->stride[last] * s->lhs_spatial[last])
        *xs++ = x;
      continue;
    }
    for (int i = 0; i < p->kernels.tile; ++i) {
      const int64_t at = (first + pj__min(i, count - 1)) * s->stride[last] + shift;
      *xs++ =
          inside && at >= 0 && at < s->in[last] ? in + offset + at * s->lhs_spatial[last] : zeros;
    }
  }
}

static void group_rows(void *context, int64_t begin, int64_t end, int thread) {
  const Run *run = context;
  const Groups *p = run->p;
  const PjConvShape *s = p->shape;
  const int32_t last = s->spatial - 1;
  const int64_t lanes = p->kernels.lanes;
  PjGroupsTile t = {.places = (int)s->window_size,
                    .features = (int)s->features,
                    .w_step = p->outs,
                    .out_step = s->out_spatial[last],
                    .index = p->index};
  for (int64_t row = begin; row < end; ++row) {
    int64_t start[PJ_CONV_SPATIAL], rest = row, out_offset = 0;
    for (int32_t d = last - 1; d >= 0; --d) {
      const int64_t at = rest % s->out[d];
      rest /= s->out[d];
      start[d] = at * s->stride[d] - s->low[d];
      out_offset += at * s->out_spatial[d];
    }
    const float *in = run->in + rest * s->lhs_batch;
    float *out = run->out + out_offset + rest * s->out_batch;
    for (int64_t first = 0; first < s->out[last]; first += p->kernels.tile) {
      const int count = (int)pj__min(p->kernels.tile, s->out[last] - first);
      locate_tile(p, start, in, run->zeros, first, count, &t);
      for (int64_t o = 0; o < p->outs; o += lanes)
        (s->out_features < lanes ? p->kernels.within : p->kernels.across)(
            &t, o / s->out_features * s->features, run->kernel + o, out + first * t.out_step + o,
            count);
    }
  }
}

static void copy_kernel(const PjConvShape *s, const float *kernel, float *to) {
  for (int64_t i = 0; i < s->window_size * s->features; ++i) {
    int64_t from = s->rhs_start + i % s->features * s->rhs_in, place = i / s->features;
    for (int32_t d = s->spatial - 1; d >= 0; --d) {
      from += place % s->window[d] * s->rhs_spatial[d];
      place /= s->window[d];
    }
    for (int64_t g = 0; g < s->groups; ++g)
      for (int64_t o = 0; o < s->out_features; ++o)
        *to++ = kernel[from + g * s->rhs_group + o * s->rhs_out];
  }
}

static PjStatus run_groups(const PjRoutine *self, PjThreads *threads, const void *const *in,
                           void *const *out, void *scratch) {
  const Groups *p = (const Groups *)self;
  const PjConvShape *s = p->shape;
  float *zeros = (float *)((char *)scratch + p->kernel_bytes);
  copy_kernel(s, in[1], scratch);
  memset(zeros, 0, (size_t)(s->groups * s->features) * sizeof *zeros);
  Run run = {.p = p, .in = in[0], .kernel = scratch, .zeros = zeros, .out = out[0]};
  const double work = (double)s->out[s->spatial - 1] * (double)p->outs * (double)s->features *
                      (double)s->window_size;
  pj_threads_for(threads, p->rows, pj__grain(p->rows, work / 8), group_rows, &run);
  return PJ_STATUS_OK;
}

#if defined(__x86_64__)
static bool filled(const PjGroupsKernels *kernels, const PjConvShape *s) {
  const int64_t lanes = kernels->lanes, outs = s->out_features;
  const bool within = outs < lanes && lanes % outs == 0 && outs == s->features;
  return s->groups * outs % lanes == 0 && (within || outs == lanes);
}
#endif

// Kernels whose vectors groups fill: the widest.
static const PjGroupsKernels *pick(const PjConvShape *s) {
#if defined(__x86_64__)
  if (pj_cpu_has(PJ_CPU_AVX512 | PJ_CPU_F16C) && filled(&groups_kernels_avx512, s))
    return &groups_kernels_avx512;
  if (pj_cpu_has(PJ_CPU_AVX2 | PJ_CPU_F16C) && filled(&groups_kernels_avx2, s))
    return &groups_kernels_avx2;
#endif
  return NULL;
}

const PjRoutine *pj__conv_groups(PjArena *arena, const PjConvShape *s) {
  if (s->groups < 2 || s->features < 2 || s->features > MOST_FEATURES || s->spatial < 1 ||
      s->window_size > MOST_PLACES || s->comp != PJ_COMP_F32 || s->lhs_dtype != PJ_DT_F32 ||
      s->rhs_dtype != PJ_DT_F32 || s->out_dtype != PJ_DT_F32 || s->lhs_feature != 1 ||
      s->out_feature != 1 || s->lhs_group != s->features)
    return NULL;
  for (int32_t d = 0; d < s->spatial; ++d)
    if (s->in_dilation[d] != 1)
      return NULL;
  const PjGroupsKernels *kernels = pick(s);
  if (!kernels)
    return NULL;
  Groups *p = PJ_NEW(arena, Groups);
  *p = (Groups){
      .shape = s, .kernels = *kernels, .rows = s->batch, .outs = s->groups * s->out_features};
  for (int32_t d = 0; d < s->spatial - 1; ++d)
    p->rows *= s->out[d];
  for (int64_t f = 0; f < s->features; ++f)
    for (int64_t lane = 0; lane < kernels->lanes; ++lane)
      p->index[f * kernels->lanes + lane] = (int32_t)(lane / s->out_features * s->features + f);
  p->kernel_bytes =
      pj__scratch_round((size_t)(s->window_size * s->features * p->outs) * sizeof(float));
  p->routine = (PjRoutine){.name = "conv_groups", .run = run_groups, .in_place = -1};
  p->routine.scratch_bytes =
      p->kernel_bytes + pj__scratch_round((size_t)(s->groups * s->features) * sizeof(float));
  return &p->routine;
}
