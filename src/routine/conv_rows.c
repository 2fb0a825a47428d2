// Depthwise convolution with features first: each group is an image of its own, copied into padded
// planes (planes.h), where tiles of some rows of positions add the window's places one by one.
//
// Groups of one feature leave out what lies outside the input; here it is zero and counts. So then
// this is for windows of finite numbers only: see pj__conv_guarded.
#include <string.h>

#include "routine/planes.h"
#include "routine/variant.h"

enum { TILE_SIZES = 3, TILE_VECTORS = 3, MAX_TILE = 4 * TILE_VECTORS * 64 }; // bytes

typedef void TileFn(int64_t taps, const void *weights, const int32_t *offsets, const void *x,
                    int64_t x_row, void *to, int64_t to_row);
typedef struct Kernels {
  int lanes;
  TileFn *tile[TILE_SIZES][TILE_VECTORS]; // of 1, 2 and 4 rows
} Kernels;

#define PJ_VARIANT_FILE "routine/conv_rows_variant.h"
#include "routine/variants.h"

enum { MOST_TAPS = 256, PLANE_BYTES = 128 << 10, MOST_PLANE_BYTES = 4 << 20 };

typedef struct ConvRows {
  PjRoutine routine;
  const PjConvShape *shape;
  const Kernels *kernels;
  size_t elem;
  PjPlanes planes;
  int64_t out_step[PJ_PLANE_DIMS];
  int64_t blocks[PJ_PLANE_DIMS]; // of positions, along each dimension
  const int32_t *offsets;        // of the taps in a set of planes
  const int64_t *weights;        // and in the window of a group
} ConvRows;

typedef struct Run {
  const ConvRows *p;
  const char *in, *window;
  char *out, *scratch;
} Run;

// Rows [0, rows) of |width| positions each, of one slice of planes at |x|.
static void multiply(const ConvRows *p, const char *weights, const char *x, char *out, int64_t rows,
                     int64_t width) {
  const int64_t lanes = p->kernels->lanes, elem = (int64_t)p->elem,
                out_row = p->out_step[PJ_PLANE_DIMS - 2], taps = p->shape->window_size;
  _Alignas(64) char beside[MAX_TILE];
  for (int64_t r = 0; r < rows;) {
    const int size = rows - r >= 4 ? 2 : rows - r >= 2 ? 1 : 0;
    for (int64_t k = 0; k < width;) {
      const int64_t vectors = pj__min(TILE_VECTORS, pj__divide_up(width - k, lanes));
      TileFn *const tile = p->kernels->tile[size][vectors - 1];
      const char *from = x + (r * p->planes.pitch + k) * elem;
      char *to = out + (r * out_row + k) * elem;
      if (k + vectors * lanes <= width) {
        tile(taps, weights, p->offsets, from, p->planes.pitch, to, out_row);
      } else {
        tile(taps, weights, p->offsets, from, p->planes.pitch, beside, vectors * lanes);
        for (int64_t i = 0; i < 1 << size; ++i)
          memcpy(to + i * out_row * elem, beside + i * vectors * lanes * elem,
                 (size_t)((width - k) * elem));
      }
      k += vectors * lanes;
    }
    r += 1 << size;
  }
}

static void parts(void *context, int64_t begin, int64_t end, int thread) {
  const Run *run = context;
  const ConvRows *p = run->p;
  const PjConvShape *s = p->shape;
  const PjPlaneDim *dims = p->planes.dims;
  const int64_t elem = (int64_t)p->elem;
  char *planes = pj__thread_scratch(&p->routine, run->scratch, thread), weights[MOST_TAPS * 8];
  for (int64_t part = begin; part < end; ++part) {
    int64_t rest = part, start[PJ_PLANE_DIMS], count[PJ_PLANE_DIMS];
    for (int32_t d = PJ_PLANE_DIMS - 1; d >= 0; --d) {
      start[d] = rest % p->blocks[d] * p->planes.block[d];
      count[d] = pj__min(p->planes.block[d], dims[d].count - start[d]);
      rest /= p->blocks[d];
    }
    const int64_t image = rest % s->batch, group = rest / s->batch;
    const char *window = run->window + (s->rhs_start + group * s->rhs_group) * elem;
    for (int64_t t = 0; t < s->window_size; ++t)
      memcpy(weights + t * elem, window + p->weights[t] * elem, p->elem);
    PjPlaneSpan span;
    pj__planes_span(&p->planes, start, &span);
    pj__planes_fill(&p->planes, &span,
                    run->in + (group * s->lhs_group + image * s->lhs_batch) * elem, planes, NULL);
    char *out = run->out + (group * s->out_group + image * s->out_batch) * elem;
    for (int32_t d = 0; d < PJ_PLANE_DIMS; ++d)
      out += start[d] * p->out_step[d] * elem;
    for (int64_t i = 0; i < count[0]; ++i)
      multiply(p, weights, planes + i * p->planes.length[1] * p->planes.pitch * elem,
               out + i * p->out_step[0] * elem, count[1], count[2]);
  }
}

static PjStatus run_rows(const PjRoutine *self, PjThreads *threads, const void *const *in,
                         void *const *out, void *scratch) {
  const ConvRows *p = (const ConvRows *)self;
  const PjConvShape *s = p->shape;
  Run run = {.p = p, .in = in[0], .window = in[1], .out = out[0], .scratch = scratch};
  int64_t count = s->groups * s->batch;
  double work = (double)s->window_size / 2;
  for (int32_t d = 0; d < PJ_PLANE_DIMS; ++d) {
    count *= p->blocks[d];
    work *= (double)p->planes.block[d];
  }
  pj_threads_for(threads, count, pj__grain(count, work), parts, &run);
  return PJ_STATUS_OK;
}

// Blocks of rows whose planes stay near.
static bool plan_blocks(ConvRows *p) {
  const PjPlaneDim *dims = p->planes.dims;
  int64_t block[PJ_PLANE_DIMS] = {dims[0].count, dims[1].count, dims[2].count}, set;
  for (int32_t d = 0;;) {
    set = pj__planes_block(&p->planes, block);
    if (set < 0 || set * (int64_t)p->elem <= PLANE_BYTES)
      break;
    if (block[d] == 1 && ++d == PJ_PLANE_DIMS - 1)
      break;
    block[d] = pj__divide_up(block[d], 2);
  }
  for (int32_t d = 0; d < PJ_PLANE_DIMS; ++d)
    p->blocks[d] = pj__divide_up(dims[d].count, p->planes.block[d]);
  return set > 0 && set * (int64_t)p->elem <= MOST_PLANE_BYTES;
}

const PjRoutine *pj__conv_rows(PjArena *arena, const PjConvShape *s) {
  const bool wide = s->comp == PJ_COMP_F64;
  const int32_t last = PJ_PLANE_DIMS - 1, first = PJ_PLANE_DIMS - s->spatial;
  if (s->features != 1 || s->out_features != 1 || (s->comp != PJ_COMP_F32 && !wide) ||
      s->spatial < 1 || s->spatial > PJ_PLANE_DIMS || s->window_size > MOST_TAPS ||
      !pj_comp_is_native(s->comp, s->lhs_dtype) || !pj_comp_is_native(s->comp, s->rhs_dtype) ||
      !pj_comp_is_native(s->comp, s->out_dtype))
    return NULL;
  ConvRows *p = PJ_NEW(arena, ConvRows);
  *p = (ConvRows){.shape = s,
                  .kernels = &PJ_PICK(kernels)[wide],
                  .elem = pj_comp_bytes(s->comp),
                  .planes = {.comp = s->comp, .dtype = s->lhs_dtype}};
  for (int32_t d = 0; d < PJ_PLANE_DIMS; ++d) {
    p->planes.dims[d] = (PjPlaneDim){.count = 1, .step = 1, .taps = 1, .dilation = 1, .in = 1};
    const int32_t from = d - first;
    if (from < 0)
      continue;
    if (s->in_dilation[from] != 1)
      return NULL;
    p->planes.dims[d] = (PjPlaneDim){.count = s->out[from],
                                     .step = s->stride[from],
                                     .taps = s->window[from],
                                     .dilation = s->window_dilation[from],
                                     .low = s->low[from],
                                     .in = s->in[from],
                                     .input = s->lhs_spatial[from]};
    p->out_step[d] = s->out_spatial[from];
  }
  if (p->planes.dims[last].input != 1 || p->out_step[last] != 1 || !pj__planes_init(&p->planes) ||
      !plan_blocks(p))
    return NULL;
  int32_t *offsets = PJ_NEW_ARRAY(arena, int32_t, (size_t)s->window_size);
  int64_t *weights = PJ_NEW_ARRAY(arena, int64_t, (size_t)s->window_size);
  for (int64_t t = 0; t < s->window_size; ++t) {
    int64_t rest = t, tap[PJ_PLANE_DIMS] = {0};
    for (int32_t d = s->spatial - 1; d >= 0; --d) {
      tap[first + d] = rest % s->window[d];
      rest /= s->window[d];
      weights[t] += tap[first + d] * s->rhs_spatial[d];
    }
    offsets[t] = (int32_t)pj__planes_tap(&p->planes, tap);
  }
  p->offsets = offsets;
  p->weights = weights;
  p->routine = (PjRoutine){.name = "conv_rows", .run = run_rows, .in_place = -1};
  p->routine.thread_scratch_bytes = // vectors end behind the last element
      pj__scratch_round((size_t)p->planes.set * p->elem + TILE_VECTORS * 64);
  return &p->routine;
}
