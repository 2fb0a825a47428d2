// select_and_scatter whose selection is one comparison and whose scatter is one simple operation:
// the gradient of max-pooling.
//
// The array is [outer, touched.., inner]: dimensions in front of and behind those that the window
// touches. Parts of (outer, inner) have nothing to do with each other and are shared by threads;
// within one, windows come in order, each a vector of |inner| elements for which the places of the
// window compete. Where |inner| is 1, neighbours along the last dimension that lie within the array
// are the elements of a vector instead.
#include <string.h>

#include "eval/float.h"
#include "eval/strided.h"
#include "eval/window.h"
#include "routine/copy.h"
#include "routine/fold.h"
#include "routine/variant.h"

typedef void ChooseFn(int64_t n, void *best, int32_t *place, const void *x, int32_t where);

#define PJ_VARIANT_FILE "routine/select_scatter_variant.h"
#include "routine/variants.h"

enum { WIDTH = 256 };

typedef struct Select {
  PjRoutine routine;
  PjWindow w;                              // of the touched dimensions
  int64_t outer, inner, in_size, out_size; // products of the touched dimensions' sizes
  int64_t strides[PJ_MAX_RANK];
  PjDtype dtype;
  bool half; // 16-bit floats: compared and combined as F32
  size_t elem;
  ChooseFn *choose;
  PjFoldKind kind;
  PjPairsFn *pairs;
} Select;

typedef struct Run {
  const Select *s;
  const char *in, *source;
  char *out;
} Run;

// Element j is |step| elements behind element j - 1, at its own place.
static void scatter(const Select *s, int64_t n, int64_t step, const int32_t *place,
                    const char *source, char *out) {
  if (s->dtype == PJ_DT_F32 && s->kind == PJ_FOLD_ADD) {
    for (int64_t j = 0; j < n; ++j)
      ((float *)out)[place[j] * s->inner + j * step] += ((const float *)source)[j];
    return;
  }
  for (int64_t j = 0; j < n; ++j) {
    char *acc = out + (size_t)(place[j] * s->inner + j * step) * s->elem;
    const char *x = source + (size_t)j * s->elem;
    if (!s->half) {
      s->pairs(1, acc, x, 1, acc);
      continue;
    }
    float a, b;
    pj_float_decode_n(s->dtype, 1, acc, &a);
    pj_float_decode_n(s->dtype, 1, x, &b);
    s->pairs(1, &a, &b, 1, &a);
    pj_float_encode_n(s->dtype, 1, &a, acc);
  }
}

typedef struct Lines {
  char best[WIDTH * 8] __attribute__((aligned(64)));
  char line[WIDTH * 8] __attribute__((aligned(64)));
  float wide[WIDTH] __attribute__((aligned(64)));
  int32_t place[WIDTH];
} Lines;

// One window: |at| its position, |n| elements wide, |step| apart. False if none of its places is
// inside.
static bool choose(const Select *s, const int64_t *at, int64_t n, int64_t step, const char *in,
                   Lines *l) {
  const PjWindow *w = &s->w;
  int64_t k[PJ_MAX_RANK] = {0};
  bool any = false;
  for (;;) {
    int64_t where = 0;
    bool inside = true;
    for (int32_t d = 0; inside && d < w->rank; ++d) {
      const int64_t i = at[d] * w->stride[d] + k[d] - w->low[d];
      inside = i >= 0 && i < w->in[d];
      where += i * s->strides[d];
    }
    if (inside) {
      const char *x = in + (size_t)(where * s->inner) * s->elem;
      if (step != 1 && n > 1) {
        const int64_t one = 1;
        pj_strided_copy(s->elem, 1, &n, x, &step, l->line, &one);
        x = l->line;
      }
      if (s->half) {
        pj_float_decode_n(s->dtype, n, x, l->wide);
        x = (const char *)l->wide;
      }
      if (any) {
        s->choose(n, l->best, l->place, x, (int32_t)where);
      } else {
        memcpy(l->best, x, (size_t)n * (s->half ? sizeof(float) : s->elem));
        for (int64_t j = 0; j < n; ++j)
          l->place[j] = (int32_t)where;
      }
      any = true;
    }
    int32_t d = w->rank - 1;
    for (; d >= 0 && ++k[d] == w->size[d]; --d)
      k[d] = 0;
    if (d < 0)
      return any;
  }
}

// Windows from |at| on along the last dimension that can be one vector: at least one.
static int64_t neighbours(const PjWindow *w, int64_t at) {
  const int32_t d = w->rank - 1;
  const int64_t stride = w->stride[d], first = pj__divide_up(w->low[d], stride),
                room = w->in[d] + w->low[d] - w->size[d],
                last = room < 0 ? 0 : pj__min(room / stride + 1, w->out[d]);
  return at >= first && at < last ? pj__min(last - at, WIDTH) : 1;
}

static void select_parts(void *context, int64_t begin, int64_t end, int thread) {
  const Run *run = context;
  const Select *s = run->s;
  const PjWindow *w = &s->w;
  const int64_t parts = pj__divide_up(s->inner, WIDTH);
  const bool joins = s->inner == 1 && w->rank > 0;
  Lines lines;
  for (int64_t part = begin; part < end; ++part) {
    const int64_t first = part % parts * WIDTH, width = pj__min(WIDTH, s->inner - first),
                  o = part / parts;
    const char *in = run->in + (size_t)(o * s->in_size * s->inner + first) * s->elem;
    const char *source = run->source + (size_t)(o * s->out_size * s->inner + first) * s->elem;
    char *out = run->out + (size_t)(o * s->in_size * s->inner + first) * s->elem;
    int64_t at[PJ_MAX_RANK] = {0};
    for (int64_t i = 0, count = 1; i < s->out_size; i += count) {
      count = joins ? neighbours(w, at[w->rank - 1]) : 1;
      const int64_t n = joins ? count : width, step = joins ? w->stride[w->rank - 1] : 1;
      if (choose(s, at, n, step, in, &lines))
        scatter(s, n, step, lines.place, source, out);
      source += (size_t)(count * s->inner) * s->elem;
      if (joins)
        at[w->rank - 1] += count - 1;
      for (int32_t d = w->rank - 1; d >= 0 && ++at[d] == w->out[d]; --d)
        at[d] = 0;
    }
  }
}

static PjStatus run_select(const PjRoutine *self, PjThreads *threads, const void *const *in,
                           void *const *out, void *scratch) {
  const Select *s = (const Select *)self;
  Run run = {s, in[0], in[1], out[0]};
  pj__fill(threads, s->elem, s->outer * s->in_size * s->inner, in[2], out[0]);
  const int64_t parts = s->outer * pj__divide_up(s->inner, WIDTH);
  pj_threads_for(threads, parts, pj__grain(parts, s->routine.flops / (double)pj__max(parts, 1)),
                 select_parts, &run);
  return PJ_STATUS_OK;
}

// The comparison of the first argument with the second that |region| is, or -1.
static int64_t comparison(const PjRegion *region) {
  const PjOp *end = pj_region_terminator(region);
  const PjOp *compare = end && end->num_operands == 1 ? end->operands[0]->def : NULL;
  if (!compare || compare->kind != PJ_OP_COMPARE || region->num_args != 2 ||
      PJ_INT(compare, compare_type) == PJ_CMPTYPE_TOTALORDER)
    return -1;
  const int64_t direction = PJ_INT(compare, comparison_direction);
  if (direction != PJ_CMP_GE && direction != PJ_CMP_GT && direction != PJ_CMP_LE &&
      direction != PJ_CMP_LT)
    return -1;
  const PjValue *a = compare->operands[0], *b = compare->operands[1];
  if (a == &region->args[0] && b == &region->args[1])
    return direction;
  static const int64_t turned[] = {[PJ_CMP_GE] = PJ_CMP_LE,
                                   [PJ_CMP_GT] = PJ_CMP_LT,
                                   [PJ_CMP_LE] = PJ_CMP_GE,
                                   [PJ_CMP_LT] = PJ_CMP_GT};
  return a == &region->args[1] && b == &region->args[0] ? turned[direction] : -1;
}

static bool is_touched(const PjWindow *w, int32_t d) {
  return w->size[d] != 1 || w->stride[d] != 1 || w->low[d] || w->in[d] != w->out[d];
}

const PjRoutine *pj__routine_select_and_scatter(PjArena *arena, const PjOp *op) {
  const PjType *type = pj__in(op, 0);
  const PjTensor shape = {.rank = type->rank, .dims = (int64_t *)type->dims, .dtype = type->dtype};
  const int64_t direction = comparison(&op->regions[0]);
  PjWindow w;
  Select *s = PJ_NEW(arena, Select);
  if (direction < 0 || pj__out(op, 0)->dtype != type->dtype ||
      op->regions[0].args[0].type->dtype != type->dtype || op->regions[1].num_args != 2 ||
      op->regions[1].args[0].type->dtype != type->dtype || pj__in(op, 1)->dtype != type->dtype ||
      !pj__fold_kind(&op->regions[1], &s->kind))
    return NULL;
  PjStatus status = pj_window_init(op, &shape, &w);
  if (status) {
    pj_status_free(status);
    return NULL;
  }
  s->dtype = type->dtype;
  s->half = s->dtype == PJ_DT_BF16 || s->dtype == PJ_DT_F16;
  s->elem = pj_dtype_bytes(s->dtype);
  const PjDtype comp = s->half ? PJ_DT_F32 : s->dtype;
  s->choose = PJ_PICK(choices)[comp][direction];
  s->pairs = pj__fold_pairs(s->kind, comp);
  if (!s->choose || !s->pairs)
    return NULL;
  int32_t first = 0, last = w.rank - 1;
  s->outer = s->inner = s->in_size = s->out_size = 1;
  while (first < w.rank && !is_touched(&w, first))
    s->outer *= w.in[first++];
  while (last > first && !is_touched(&w, last))
    s->inner *= w.in[last--];
  double places = 1;
  for (int32_t d = first; d <= last; ++d) {
    const int32_t to = s->w.rank++;
    if (pj__in(op, 1)->dims[d] != w.out[d])
      return NULL;
    s->w.in[to] = w.in[d];
    s->w.out[to] = w.out[d];
    s->w.size[to] = w.size[d];
    s->w.stride[to] = w.stride[d];
    s->w.low[to] = w.low[d];
    s->in_size *= w.in[d];
    s->out_size *= w.out[d];
    places *= (double)w.size[d];
  }
  if (s->in_size > INT32_MAX)
    return NULL;
  pj_strides(s->w.rank, s->w.in, s->strides);
  s->routine = (PjRoutine){.name = "select_and_scatter", .run = run_select, .in_place = -1};
  s->routine.flops = (double)pj__count(pj__in(op, 1)) * places;
  s->routine.bytes = 2 * (double)pj__bytes(type) + (double)pj__bytes(pj__in(op, 1));
  return &s->routine;
}
