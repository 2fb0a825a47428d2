// Convolution of many groups of one feature: depthwise, and its gradient by the kernel.
//
//   groups  the groups lie next to each other in all arrays (NHWC): a vector of groups is the sum
//   over the window of
//           products of two vectors
//   rows    they do not, but neighbouring windows do (NCHW): a row of results is a sum of shifted
//   rows
#include <string.h>

#include "routine/conv.h"
#include "routine/variant.h"

typedef void GroupsFn(int64_t n, int count, const void *const *xs, const void *const *ws,
                      bool first, void *out);
typedef void StripFn(int64_t strips, int64_t n, int count, const void *const *xs,
                     const void *const *ws, int64_t step, int64_t ahead, void *out);
enum { PJ_STRIP = 4 };
typedef void RowFn(int64_t n, const void *x, int64_t step, const void *w, void *out);

#define PJ_VARIANT_FILE "routine/conv_depth_variant.h"
#include "routine/variants.h"

enum {
  PLACES = 64,
  GROUPS = 64,
  COPY_BYTES = 4 << 20,
  VECTOR_BYTES = 64,   // the longest
  PIECE = 32,          // positions of a row that one thread computes
  FAR_BYTES = 2 << 20, // of an input that has left the second cache
  STRIPS_AHEAD = 2,    // that are fetched of such
};

// A place of a small window: where it is in the dilated input, from the window's start, and in the
// operands.
typedef struct Place {
  int64_t at[PJ_CONV_SPATIAL];
  int64_t in, kernel;
} Place;

typedef struct Depthwise {
  PjRoutine routine;
  const PjConvShape *shape;
  GroupsFn *groups;
  RowFn *row;
  size_t elem;
  bool copied;             // the kernel is brought to [window, feature, group] first
  int64_t positions, part; // of the output; groups in one part
  const Place *places;     // of a small window over an input without dilation, or NULL
  StripFn *strips;         // of small windows: some neighbouring positions at once, or NULL
  int64_t inner[2];        // positions of a row whose windows lie within the row
  int64_t ahead;           // elements from a strip to what is fetched meanwhile, or 0
} Depthwise;

typedef struct Run {
  const Depthwise *p;
  const char *in, *kernel;
  char *out;
  const char *copy; // of the kernel, or NULL
} Run;

// Splits the number of a position into the window's start in the dilated input; returns the offset
// of its batch in the input, and that of the position in the output.
static int64_t locate(const PjConvShape *s, int64_t position, int64_t *start, int64_t *out_offset) {
  int64_t offset = 0;
  for (int32_t d = s->spatial - 1; d >= 0; --d) {
    const int64_t at = position % s->out[d];
    position /= s->out[d];
    start[d] = at * s->stride[d] - s->low[d];
    offset += at * s->out_spatial[d];
  }
  *out_offset = offset + position * s->out_batch;
  return position * s->lhs_batch;
}

// The input's offset and the kernel's of a place of the window; false where it lies outside.
static bool place_offset(const PjConvShape *s, const int64_t *start, int64_t place, int64_t *in,
                         int64_t *kernel) {
  *in = 0;
  *kernel = s->rhs_start;
  for (int32_t d = s->spatial - 1; d >= 0; --d) {
    const int64_t w = place % s->window[d],
                  at = pj__conv_locate(s, d, start[d] + w * s->window_dilation[d]);
    place /= s->window[d];
    if (at < 0)
      return false;
    *in += at * s->lhs_spatial[d];
    *kernel += w * s->rhs_spatial[d];
  }
  return true;
}

// The operands of the sums of one position of a small window, in elements; their number.
static int small_window(const Depthwise *p, const int64_t *start, int64_t *in, int64_t *kernel) {
  const PjConvShape *s = p->shape;
  int count = 0;
  int64_t origin = 0;
  bool inside = true;
  for (int32_t d = 0; d < s->spatial; ++d) {
    origin += start[d] * s->lhs_spatial[d];
    inside &= start[d] >= 0 && start[d] + (s->window[d] - 1) * s->window_dilation[d] < s->in[d];
  }
  for (int64_t i = 0; i < s->window_size; ++i) {
    const Place *place = &p->places[i];
    bool here = true;
    for (int32_t d = 0; !inside && d < s->spatial; ++d)
      here &= (uint64_t)(start[d] + place->at[d]) < (uint64_t)s->in[d];
    in[count] = origin + place->in;
    kernel[count] = place->kernel;
    count += here;
  }
  return count;
}

static void group_parts(void *context, int64_t begin, int64_t end, int thread) {
  const Run *run = context;
  const Depthwise *p = run->p;
  const PjConvShape *s = p->shape;
  const int64_t parts = pj__divide_up(s->groups, p->part);
  const void *xs[PLACES], *ws[PLACES];
  for (int64_t at = begin; at < end; ++at) {
    const int64_t first = at % parts * p->part, n = pj__min(p->part, s->groups - first);
    int64_t start[PJ_CONV_SPATIAL], out_offset;
    const int64_t batch = locate(s, at / parts, start, &out_offset);
    char *out = run->out + (size_t)(out_offset + first) * p->elem;
    int count = 0;
    bool none = true;
    if (p->places) {
      int64_t ins[PLACES], kernels[PLACES];
      count = small_window(p, start, ins, kernels);
      for (int i = 0; i < count; ++i) {
        xs[i] = run->in + (batch + ins[i] + first) * (int64_t)p->elem;
        ws[i] = (run->copy ? run->copy : run->kernel) + (kernels[i] + first) * (int64_t)p->elem;
      }
      p->groups(n, count, xs, ws, true, out);
      continue;
    }
    for (int64_t place = 0; place < s->window_size; ++place) {
      int64_t in, kernel;
      if (!place_offset(s, start, place, &in, &kernel))
        continue;
      for (int64_t f = 0; f < s->features; ++f) {
        xs[count] = run->in + (batch + in + f * s->lhs_feature + first) * (int64_t)p->elem;
        ws[count++] =
            run->copy
                ? run->copy + (size_t)((place * s->features + f) * s->groups + first) * p->elem
                : run->kernel + (kernel + f * s->rhs_in + first) * (int64_t)p->elem;
        if (count == PLACES) {
          p->groups(n, count, xs, ws, none, out);
          none = false;
          count = 0;
        }
      }
    }
    if (count || none)
      p->groups(n, count, xs, ws, none, out);
  }
}

// Pieces of rows of positions along the last spatial dimension, all groups. Cut alike for any
// number of threads: which positions are computed together must not depend on it, for ways of
// adding differ in which of two NaN they keep.
static void row_pieces(void *context, int64_t begin, int64_t end, int thread) {
  const Run *run = context;
  const Depthwise *p = run->p;
  const PjConvShape *s = p->shape;
  const int64_t length = s->out[s->spatial - 1], pieces = pj__divide_up(length, PIECE),
                step = s->stride[s->spatial - 1] * s->lhs_spatial[s->spatial - 1];
  const char *kernel = run->copy ? run->copy : run->kernel;
  for (int64_t piece = begin; piece < end; ++piece) {
    const int64_t row = piece / pieces * length, first = piece % pieces * PIECE,
                  stop = pj__min(length, first + PIECE);
    for (int64_t j = first, next; j < stop; j = next) {
      const int64_t strips =
          j < p->inner[0] ? 0 : (pj__min(stop, p->inner[1]) - j) / PJ_STRIP; // or less than 0
      int64_t start[PJ_CONV_SPATIAL], out_offset, ins[PLACES], kernels[PLACES];
      const void *xs[PLACES], *ws[PLACES];
      const int64_t batch = locate(s, row + j, start, &out_offset);
      const int count = small_window(p, start, ins, kernels);
      for (int i = 0; i < count; ++i) {
        xs[i] = run->in + (batch + ins[i]) * (int64_t)p->elem;
        ws[i] = kernel + kernels[i] * (int64_t)p->elem;
      }
      next = j + (strips > 0 ? strips * PJ_STRIP : 1);
      char *out = run->out + (size_t)out_offset * p->elem;
      if (strips > 0)
        p->strips(strips, s->groups, count, xs, ws, step, count ? p->ahead : 0, out);
      else
        p->groups(s->groups, count, xs, ws, true, out);
    }
  }
}

// Rows of results along the last spatial dimension, of one group each.
static void row_parts(void *context, int64_t begin, int64_t end, int thread) {
  const Run *run = context;
  const Depthwise *p = run->p;
  const PjConvShape *s = p->shape;
  const int32_t last = s->spatial - 1;
  const int64_t rows = p->positions / s->out[last];
  for (int64_t at = begin; at < end; ++at) {
    const int64_t group = at / rows, row = at % rows;
    int64_t start[PJ_CONV_SPATIAL], out_offset;
    const int64_t batch = locate(s, row * s->out[last], start, &out_offset);
    char *out = run->out + (size_t)(out_offset + group * s->out_group) * p->elem;
    memset(out, 0, (size_t)s->out[last] * p->elem);
    for (int64_t place = 0; place < s->window_size; ++place) {
      const int64_t w = place % s->window[last];
      int64_t in = batch + group * s->lhs_group,
              kernel = s->rhs_start + group * s->rhs_group + w * s->rhs_spatial[last],
              rest = place / s->window[last];
      bool inside = true;
      for (int32_t d = last - 1; inside && d >= 0; --d) {
        const int64_t k = rest % s->window[d],
                      i = pj__conv_locate(s, d, start[d] + k * s->window_dilation[d]);
        rest /= s->window[d];
        inside = i >= 0;
        in += i * s->lhs_spatial[d];
        kernel += k * s->rhs_spatial[d];
      }
      if (!inside)
        continue;
      const int64_t shift = start[last] + w * s->window_dilation[last], step = s->stride[last];
      const int64_t room = s->in[last] - shift, low = shift < 0 ? pj__divide_up(-shift, step) : 0;
      const int64_t high = room <= 0 ? 0 : pj__min(s->out[last], pj__divide_up(room, step));
      if (low < high)
        p->row(high - low, run->in + (in + shift + low * step) * (int64_t)p->elem, step,
               run->kernel + kernel * (int64_t)p->elem, out + (size_t)low * p->elem);
    }
  }
}

static PjStatus run_depthwise(const PjRoutine *self, PjThreads *threads, const void *const *in,
                              void *const *out, void *scratch) {
  const Depthwise *p = (const Depthwise *)self;
  const PjConvShape *s = p->shape;
  Run run = {
      .p = p, .in = in[0], .kernel = in[1], .out = out[0], .copy = p->copied ? scratch : NULL};
  const double sums = (double)s->window_size * (double)s->features;
  if (p->row) {
    const int64_t parts = p->positions / s->out[s->spatial - 1] * s->groups;
    pj_threads_for(threads, parts, pj__grain(parts, (double)s->out[s->spatial - 1] * sums),
                   row_parts, &run);
    return PJ_STATUS_OK;
  }
  if (p->copied) {
    char *to = scratch;
    for (int64_t i = 0; i < s->window_size * s->features; ++i) {
      int64_t from = s->rhs_start + i % s->features * s->rhs_in, place = i / s->features;
      for (int32_t d = s->spatial - 1; d >= 0; --d) {
        from += place % s->window[d] * s->rhs_spatial[d];
        place /= s->window[d];
      }
      for (int64_t g = 0; g < s->groups; ++g, to += p->elem)
        memcpy(to, run.kernel + (from + g * s->rhs_group) * (int64_t)p->elem, p->elem);
    }
  }
  if (p->strips) {
    const int64_t length = s->out[s->spatial - 1],
                  pieces = p->positions / length * pj__divide_up(length, PIECE);
    const double work = (double)pj__min(PIECE, length) * (double)s->groups * sums;
    pj_threads_for(threads, pieces, pj__grain(pieces, work / 8), row_pieces, &run);
    return PJ_STATUS_OK;
  }
  const int64_t parts = p->positions * pj__divide_up(s->groups, p->part);
  pj_threads_for(threads, parts, pj__grain(parts, (double)p->part * sums), group_parts, &run);
  return PJ_STATUS_OK;
}

static const Place *small_places(PjArena *arena, const PjConvShape *s, bool copied) {
  if (s->window_size > PLACES || s->features != 1)
    return NULL;
  for (int32_t d = 0; d < s->spatial; ++d)
    if (s->in_dilation[d] != 1)
      return NULL;
  Place *places = PJ_NEW_ARRAY(arena, Place, (size_t)s->window_size);
  for (int64_t i = 0; i < s->window_size; ++i) {
    int64_t rest = i;
    places[i].kernel = s->rhs_start;
    for (int32_t d = s->spatial - 1; d >= 0; --d) {
      const int64_t w = rest % s->window[d];
      rest /= s->window[d];
      places[i].at[d] = w * s->window_dilation[d];
      places[i].in += places[i].at[d] * s->lhs_spatial[d];
      places[i].kernel += w * s->rhs_spatial[d];
    }
    if (copied)
      places[i].kernel = i * s->groups;
  }
  return places;
}

// Lets neighbouring positions be computed together, if they lie side by side in the output.
static void plan_strips(Depthwise *p) {
  const PjConvShape *s = p->shape;
  const int32_t d = s->spatial - 1;
  if (!p->places || d < 0 || p->part != s->groups || s->out_spatial[d] != s->groups ||
      s->groups * (int64_t)p->elem < VECTOR_BYTES)
    return;
  // Of rows of three places reading each input once gains nothing: memory is what is waited for.
  const bool rows = s->window[d] == 5 && s->stride[d] == 1 && s->window_dilation[d] == 1;
  p->strips = PJ_PICK(strips)[p->elem == 8][rows];
  double bytes = (double)s->batch * (double)s->groups * (double)p->elem;
  for (int32_t i = 0; i < s->spatial; ++i)
    bytes *= (double)s->in[i];
  if (bytes >= FAR_BYTES)
    p->ahead = STRIPS_AHEAD * PJ_STRIP * s->stride[d] * s->lhs_spatial[d];
  const int64_t room = s->in[d] + s->low[d] - (s->window[d] - 1) * s->window_dilation[d];
  p->inner[0] = s->low[d] <= 0 ? 0 : pj__divide_up(s->low[d], s->stride[d]);
  p->inner[1] = room <= 0 ? 0 : pj__min(s->out[d], pj__divide_up(room, s->stride[d]));
}

const PjRoutine *pj__depthwise_select(PjArena *arena, const PjConvShape *s) {
  const bool wide = s->comp == PJ_COMP_F64;
  if (s->groups < 2 || s->out_features != 1 || (s->comp != PJ_COMP_F32 && !wide) ||
      !pj_comp_is_native(s->comp, s->lhs_dtype) || !pj_comp_is_native(s->comp, s->rhs_dtype) ||
      !pj_comp_is_native(s->comp, s->out_dtype))
    return NULL;
  const size_t elem = wide ? 8 : 4;
  const int32_t last = s->spatial - 1;
  Depthwise plan = {.shape = s, .elem = elem};
  plan.positions = s->batch;
  for (int32_t d = 0; d < s->spatial; ++d)
    plan.positions *= s->out[d];
  const double kernel_bytes =
      (double)s->groups * (double)s->window_size * (double)s->features * (double)elem;
  if (s->lhs_group == 1 && s->out_group == 1 && (s->rhs_group == 1 || kernel_bytes <= COPY_BYTES)) {
    plan.groups = PJ_PICK(groups)[wide];
    plan.copied = s->rhs_group != 1;
    plan.part = s->groups;
    plan.places = small_places(arena, s, plan.copied);
    // Few positions with long sums: parts of some groups.
    if (plan.positions < 64)
      plan.part = GROUPS;
    plan_strips(&plan);
  } else if (s->features == 1 && s->spatial > 0 && s->lhs_spatial[last] == 1 &&
             s->out_spatial[last] == 1 && s->in_dilation[last] == 1 && s->out[last] > 1) {
    plan.row = PJ_PICK(row)[wide];
  } else {
    return NULL;
  }
  plan.routine = (PjRoutine){.name = "depthwise", .run = run_depthwise, .in_place = -1};
  if (plan.copied)
    plan.routine.scratch_bytes = pj__scratch_round((size_t)kernel_bytes);
  return pj_arena_memdup(arena, &plan, sizeof plan);
}
