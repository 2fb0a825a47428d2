// Convolution of an input with holes, as transposed convolutions and the gradients of strided ones
// have it: most products are with the zeros of the holes.
//
// Outputs whose distance is a multiple of the dilation use the same places of the window, so they
// are a convolution without holes of a part of the window: one per phase. Each is computed on its
// own, with features last at its places, else beside the result, and then moved there, two that
// share rows in turn; small ones
// side by side, a thread has whole phases and waits for nobody; else all threads share each. A zero
// times infinity is NaN, though: where the window holds numbers that are not finite, the
// convolution is computed as it is defined.
#include <string.h>

#include "eval/strided.h"
#include "routine/conv.h"
#include "routine/copy.h"

enum {
  MOST_PHASES = 64,
  SMALL_BYTES = 2 << 20, // scratch of a thread with its own phase
  RANK = PJ_CONV_SPATIAL + 2,
};

typedef struct Phase {
  const PjRoutine *routine; // NULL: no place of the window is used, all are zeros
  bool in_place;            // computed at its places
  PjCopy copy;              // from beside the result
  size_t first;             // of the result, in bytes
  int64_t row;              // elements of it along the last dimension
  bool joined;              // with the next one
  int64_t dims[RANK];       // of it
  double work;              // elements times places
} Phase;

typedef struct Phases {
  PjRoutine routine;
  const PjRoutine *full; // with the holes
  PjDtype rhs_dtype;
  int64_t rhs_count;
  size_t beside; // bytes, in front of the other scratch; as many again if any are joined
  bool joins; // phases come in pairs, whose elements take turns along the result's last dimension
  size_t elem;
  int32_t num_outer; // dimensions of the result, but for the last one
  int64_t outer_step[RANK];
  size_t own; // scratch of a phase that one thread computes alone, or 0: it is too much
  int32_t num;
  Phase *phases;
} Phases;

// Two phases, beside, that take turns in rows of the result.
typedef struct Join {
  const Phases *p;
  const char *even, *odd;
  char *to;
  int64_t even_row, odd_row;
  int64_t dims[RANK]; // of the rows
} Join;

typedef struct Run {
  const Phases *p;
  const void *const *in;
  char *out, *scratch;
  PjStatus *status; // of each part
  int32_t per;      // phases of a part
} Run;

#define TAKE_TURNS(NAME, T)                                                             \
  static void NAME(int64_t even, int64_t odd, const void *a, const void *b, void *to) { \
    const T *x = a, *y = b;                                                             \
    T *z = to;                                                                          \
    for (int64_t i = 0; i < odd; ++i) {                                                 \
      z[2 * i] = x[i];                                                                  \
      z[2 * i + 1] = y[i];                                                              \
    }                                                                                   \
    if (even > odd)                                                                     \
      z[2 * odd] = x[odd];                                                              \
  }
TAKE_TURNS(take_turns_4, uint32_t)
TAKE_TURNS(take_turns_8, uint64_t)
#undef TAKE_TURNS

static void join_rows(void *context, int64_t begin, int64_t end, int thread) {
  const Join *j = context;
  const Phases *p = j->p;
  const int64_t elem = (int64_t)p->elem;
  int64_t at[RANK], rest = begin, to = 0;
  for (int32_t d = p->num_outer - 1; d >= 0; --d) {
    at[d] = rest % j->dims[d];
    rest /= j->dims[d];
    to += at[d] * p->outer_step[d];
  }
  for (int64_t row = begin; row < end; ++row) {
    (elem == 4 ? take_turns_4 : take_turns_8)(j->even_row, j->odd_row,
                                              j->even + row * j->even_row * elem,
                                              j->odd + row * j->odd_row * elem, j->to + to * elem);
    for (int32_t d = p->num_outer - 1; d >= 0; --d) {
      to += p->outer_step[d];
      if (++at[d] < j->dims[d])
        break;
      to -= at[d] * p->outer_step[d];
      at[d] = 0;
    }
  }
}

// Computes |phase|, and the next one if they are joined.
static PjStatus run_phase(const Run *run, PjThreads *threads, const Phase *phase, char *scratch) {
  const Phases *p = run->p;
  void *const beside = scratch, *const second = scratch + p->beside,
              *const places = run->out + phase->first;
  char *rest = scratch + (p->joins ? 2 : 1) * p->beside;
  if (phase->routine)
    PJ_TRY(phase->routine->run(phase->routine, threads, run->in,
                               phase->in_place ? &places : &beside, rest));
  else
    memset(beside, 0, 16);
  if (phase->joined && run->per == 2) {
    PJ_TRY(phase[1].routine->run(phase[1].routine, threads, run->in, &second, rest));
    Join join = {p, beside, second, places, phase->row, phase[1].row, {0}};
    int64_t rows = 1;
    for (int32_t d = 0; d < p->num_outer; ++d)
      rows *= join.dims[d] = phase->dims[d];
    pj_threads_for(threads, rows, pj__grain(rows, 2 * (double)phase->row), join_rows, &join);
    return PJ_STATUS_OK;
  }
  if (!phase->in_place)
    pj__copy_run(&phase->copy, threads, beside, places);
  return PJ_STATUS_OK;
}

static PjStatus run_part(const Run *run, PjThreads *threads, int64_t part, char *scratch) {
  const Phase *phase = &run->p->phases[part * run->per];
  PJ_TRY(run_phase(run, threads, phase, scratch));
  return run->per == 2 && !phase->joined ? run_phase(run, threads, phase + 1, scratch)
                                         : PJ_STATUS_OK;
}

static void own_parts(void *context, int64_t begin, int64_t end, int thread) {
  const Run *run = context;
  char *scratch = pj__thread_scratch(&run->p->routine, run->scratch, thread);
  for (int64_t i = begin; i < end; ++i)
    run->status[i] = run_part(run, NULL, i, scratch);
}

static PjStatus run_phases(const PjRoutine *self, PjThreads *threads, const void *const *in,
                           void *const *out, void *scratch) {
  const Phases *p = (const Phases *)self;
  if (!pj__conv_is_finite(threads, p->rhs_dtype, p->rhs_count, in[1]))
    return p->full->run(p->full, threads, in, out, scratch);
  PjStatus status[MOST_PHASES];
  const int count = pj_threads_count(threads);
  Run run = {p, in, out[0], scratch, status, p->joins ? 2 : 1};
  bool own = p->own && count > 1;
  if (own && p->num / run.per % count && p->num % count == 0)
    run.per = 1; // rather than wait
  const int32_t parts = p->num / run.per;
  own &= parts % count == 0;
  if (own)
    pj_threads_for(threads, parts, 1, own_parts, &run);
  for (int32_t i = 0; !own && i < parts; ++i)
    status[i] = run_part(&run, threads, i, scratch);
  PjStatus first = PJ_STATUS_OK;
  for (int32_t i = 0; i < parts; ++i)
    if (!first)
      first = status[i];
    else
      pj_status_free(status[i]);
  return first;
}

// The convolution of the outputs at |at| modulo the dilations; its outputs lie densely, in the
// order of the result's dimensions.
static void make_shape(const PjConvShape *s, const PjOp *op, const int64_t *at, PjConvShape *sub,
                       int64_t *dims) {
  const PjType *out = pj__out(op, 0);
  const int64_t *out_dims = PJ_INTS(op, output_spatial_dimensions, NULL);
  int64_t strides[PJ_MAX_RANK];
  *sub = *s;
  sub->window_size = 1;
  memcpy(dims, out->dims, (size_t)out->rank * sizeof *dims);
  for (int32_t d = 0; d < s->spatial; ++d) {
    const int64_t step = s->in_dilation[d];
    if (step > 1) {
      const int64_t place = ((s->low[d] - at[d]) % step + step) % step;
      sub->in_dilation[d] = 1;
      sub->window[d] = place < s->window[d] ? pj__divide_up(s->window[d] - place, step) : 0;
      sub->out[d] = pj__divide_up(s->out[d] - at[d], step);
      sub->low[d] = (s->low[d] - at[d] - place) / step;
      sub->rhs_start += place * s->rhs_spatial[d];
      sub->rhs_spatial[d] *= step;
    }
    sub->window_size *= sub->window[d];
    dims[out_dims[d]] = sub->out[d];
  }
  pj_strides(out->rank, dims, strides);
  sub->out_batch = strides[PJ_INT(op, output_batch_dimension)];
  sub->out_feature = strides[PJ_INT(op, output_feature_dimension)];
  sub->out_group = sub->out_features * sub->out_feature;
  for (int32_t d = 0; d < s->spatial; ++d)
    sub->out_spatial[d] = strides[out_dims[d]];
}

static bool make_phase(PjArena *arena, Phases *p, const PjConvShape *s, const PjOp *op,
                       const PjType *rhs, const int64_t *at) {
  const PjType *out = pj__out(op, 0);
  const int64_t *out_dims = PJ_INTS(op, output_spatial_dimensions, NULL);
  const size_t elem = pj_dtype_bytes(s->out_dtype);
  PjConvShape *sub = PJ_NEW(arena, PjConvShape);
  Phase *phase = &p->phases[p->num++];
  int64_t dims[PJ_MAX_RANK], from[PJ_MAX_RANK], to[PJ_MAX_RANK];
  make_shape(s, op, at, sub, dims);
  pj_strides(out->rank, dims, from);
  pj_strides(out->rank, out->dims, to);
  for (int32_t d = 0; d < s->spatial; ++d) {
    phase->first += (size_t)(at[d] * s->out_spatial[d]) * elem;
    to[out_dims[d]] *= s->in_dilation[d];
  }
  if (sub->window_size) {
    PjConvShape *places = pj_arena_memdup(arena, sub, sizeof *sub);
    places->out_batch = s->out_batch;
    places->out_feature = s->out_feature;
    places->out_group = s->out_group;
    for (int32_t d = 0; d < s->spatial; ++d)
      places->out_spatial[d] = s->out_spatial[d] * s->in_dilation[d];
    phase->routine = pj__conv_groups(arena, places);
    if (!phase->routine && sub->window_size > 1)
      phase->routine = pj__conv_lines(arena, places);
    phase->in_place = phase->routine;
    if (!phase->routine)
      phase->routine = pj__conv_dense(arena, sub, rhs);
    if (!phase->routine)
      return false;
    int64_t count = 1;
    for (int32_t d = 0; d < out->rank; ++d)
      count *= dims[d];
    if (!phase->in_place)
      p->beside = (size_t)pj__max((int64_t)p->beside, count * (int64_t)elem);
    PjRoutine *all = &p->routine;
    all->scratch_bytes =
        (size_t)pj__max((int64_t)all->scratch_bytes, (int64_t)phase->routine->scratch_bytes);
    all->thread_scratch_bytes = (size_t)pj__max((int64_t)all->thread_scratch_bytes,
                                                (int64_t)phase->routine->thread_scratch_bytes);
  } else {
    memset(from, 0, sizeof from); // one zero for all
  }
  phase->work = (double)sub->window_size;
  for (int32_t d = 0; d < s->spatial; ++d)
    phase->work *= (double)sub->out[d];
  pj__copy_plan(&phase->copy, elem, out->rank, dims, from, to);
  memcpy(phase->dims, dims, (size_t)out->rank * sizeof *dims);
  phase->row = dims[out->rank - 1];
  memcpy(p->outer_step, to, (size_t)(out->rank - 1) * sizeof *to);
  return true;
}

// Joins pairs of phases beside the result where those along its last dimension are two.
static void plan_joins(Phases *p, const PjConvShape *s, const PjOp *op) {
  const PjType *out = pj__out(op, 0);
  const int32_t last = s->spatial - 1;
  if (PJ_INTS(op, output_spatial_dimensions, NULL)[last] != out->rank - 1 ||
      s->in_dilation[last] != 2 || s->out[last] < 2 || (p->elem != 4 && p->elem != 8))
    return;
  p->num_outer = out->rank - 1;
  for (int32_t i = 0; i < p->num; i += 2) {
    const Phase *odd = &p->phases[i + 1];
    p->phases[i].joined =
        p->phases[i].routine && !p->phases[i].in_place && odd->routine && !odd->in_place;
    p->joins |= p->phases[i].joined;
  }
}

// Whether no phase is much more work than the others, so that no thread waits for another.
static bool is_even(const Phases *p) {
  double all = 0, most = 0;
  for (int32_t i = 0; i < p->num; ++i) {
    all += p->phases[i].work;
    most = p->phases[i].work > most ? p->phases[i].work : most;
  }
  return most * p->num <= 1.1 * all;
}

const PjRoutine *pj__conv_phases(PjArena *arena, const PjConvShape *s, const PjOp *op,
                                 const PjType *rhs) {
  int64_t at[PJ_CONV_SPATIAL] = {0}, phases = 1;
  for (int32_t d = 0; d < s->spatial; ++d) {
    if (s->in_dilation[d] == 1)
      continue;
    if (s->stride[d] != 1 || s->window_dilation[d] != 1 || s->in_dilation[d] > MOST_PHASES)
      return NULL;
    phases *= pj__min(s->in_dilation[d], s->out[d]);
    if (phases > MOST_PHASES)
      return NULL;
  }
  if (phases == 1)
    return NULL;
  Phases *p = PJ_NEW(arena, Phases);
  p->routine = (PjRoutine){.name = "conv_phases", .run = run_phases, .in_place = -1};
  p->rhs_dtype = s->rhs_dtype;
  p->rhs_count = pj__count(rhs);
  p->beside = 16;
  p->elem = pj_dtype_bytes(s->out_dtype);
  p->phases = PJ_NEW_ARRAY(arena, Phase, (size_t)phases);
  p->full = pj__conv_product(arena, s);
  if (!p->full)
    return NULL;
  for (int64_t i = 0; i < phases; ++i) {
    if (!make_phase(arena, p, s, op, rhs, at))
      return NULL;
    for (int32_t d = s->spatial - 1; d >= 0; --d) {
      if (s->in_dilation[d] == 1)
        continue;
      if (++at[d] < pj__min(s->in_dilation[d], s->out[d]))
        break;
      at[d] = 0;
    }
  }
  p->beside = pj__scratch_round(p->beside);
  plan_joins(p, s, op);
  const size_t besides = (p->joins ? 2 : 1) * p->beside;
  PjRoutine *all = &p->routine;
  p->own = besides + all->scratch_bytes + all->thread_scratch_bytes;
  if (p->own > SMALL_BYTES || !is_even(p))
    p->own = 0;
  all->scratch_bytes =
      (size_t)pj__max((int64_t)(besides + all->scratch_bytes), (int64_t)p->full->scratch_bytes);
  all->thread_scratch_bytes =
      (size_t)pj__max((int64_t)all->thread_scratch_bytes, (int64_t)p->full->thread_scratch_bytes);
  all->thread_scratch_bytes = (size_t)pj__max((int64_t)all->thread_scratch_bytes, (int64_t)p->own);
  return &p->routine;
}
