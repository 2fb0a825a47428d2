// A line holds the places of the last dimension that the window touches, and at each of them the
// elements of the dimension behind it, if there is one: rows of pixels with their channels, or
// without.
//
//   across   the lines under a window are combined into one, element by element
//   along    the places of that line that a result's window covers are combined
//
// So a window of n x m costs n + m operations for a result instead of n m where windows overlap,
// and both are loops over what lies side by side. Long lines are cut so that the combined one stays
// in the cache. The order of a sum is by columns of the window. Padding is the init value: every
// result begins with it. 16-bit floats are combined as F32 and rounded at the end.
//
// Products of floats in another order may overflow on their way, so where windows slide along
// several dimensions they take the lines under a window as they are, place by place in its order.
//
// Of the usual types and operations both are loops of their own (window_lines_variant.h) over a
// combined line with its padding, so that no window is at an edge.
#include "routine/window_lines.h"

#include <string.h>

#include "eval/float.h"
#include "eval/strided.h"
#include "routine/fold_ops.h"
#include "routine/variant.h"

// out[i] = op(.. op(xs[0][i], xs[1][i]) .., xs[count - 1][i]); |out| is none of |xs|.
typedef void PjAcrossFn(int64_t n, int count, const void *const *xs, void *out);
// out[j * inner + i] = op(.. op(init, x[0]) .., x[(places - 1) * place_step]), x = line + j * step
// + i, for j < results and i < inner, and |line| each of |count| in turn: more than one for
// products alone. Where |inner| is less than a vector (PJ_LINE_LANES suffice), two vectors behind
// the last of a line may be read.
typedef void PjAlongFn(int64_t results, int64_t inner, int64_t step, int64_t places,
                       int64_t place_step, int64_t count, const void *const *lines,
                       const void *init, void *out);
enum { PJ_LINE_LANES = 16 };
typedef struct PjLineKernels {
  PjAcrossFn *across;
  PjAlongFn *along;
  PjAlongFn *along_all; // of several lines; NULL but for products
} PjLineKernels;

#define PJ_VARIANT_FILE "routine/window_lines_variant.h"
#include "routine/variants.h"

enum { LINE = 8192, MANY = 32 }; // elements of a combined line; lines combined at a time

typedef struct Lines {
  PjRoutine routine;
  PjWindow w;
  PjDtype dtype, comp;
  size_t elem, comp_elem;
  PjPairsFn *pairs;
  PjManyFn *many;        // or NULL
  PjLineKernels kernels; // or NULL: the loops above
  bool ordered;          // products of floats along several dimensions
  int64_t most;          // lines at a time: 1, but of ordered ones
  int32_t d;             // the dimension along which windows slide; those before it number the rows
  int64_t inner;         // elements at a place
  int64_t rows, chunk;   // results of a row at a time
  int64_t strides[PJ_MAX_RANK];
  int64_t (*ranges)[2]; // of every place of the window: the results for which it is in the array
} Lines;

typedef struct Run {
  const Lines *s;
  const char *in;
  const void *init;
  char *out, *scratch;
} Run;

// Combines |n| elements of lines: *|sum| is NULL, or what was combined so far. One line alone stays
// where it is.
static void add_lines(const Lines *s, int64_t n, int count, const void *const *lines, char *to,
                      const void **sum) {
  int i = 0;
  if (s->comp != s->dtype) {
    for (; i < count; ++i) {
      char *line = *sum ? to + LINE * sizeof(float) : to;
      pj_float_decode_n(s->dtype, n, lines[i], (float *)line);
      if (*sum)
        s->pairs(n, to, line, 1, to);
      *sum = to;
    }
    return;
  }
  if (!*sum && count > 1 && s->kernels.across) {
    s->kernels.across(n, count, lines, to);
    *sum = to;
    return;
  }
  if (!*sum)
    *sum = lines[i++];
  if (i < count && *sum != to) {
    s->pairs(n, *sum, lines[i++], 1, to);
    *sum = to;
  }
  if (s->many && i < count) {
    s->many(n, count - i, lines + i, to);
    return;
  }
  for (; i < count; ++i)
    s->pairs(n, to, lines[i], 1, to);
}

// The places k of a window in [*low, *high) that lie in the array, for base dilation 1; others are
// asked one by one.
static void places_inside(const PjWindow *w, int32_t d, int64_t start, int64_t *low,
                          int64_t *high) {
  *low = 0;
  *high = w->size[d];
  if (w->base_dilation[d] != 1)
    return;
  const int64_t dilation = w->dilation[d], room = w->in[d] - start;
  if (start < 0)
    *low = dilation == 1 ? -start : pj__divide_up(-start, dilation);
  *high = room <= 0 ? 0 : pj__min(*high, dilation == 1 ? room : pj__divide_up(room, dilation));
}

// The lines under the windows of row |at|, places [from, to), as one; NULL if all are padding.
// Where they are |ordered|, they are listed in |lines| instead, their number in |num|, and |room|
// is NULL.
static const void *across(const Run *run, const int64_t *at, int64_t from, int64_t to, char *room,
                          const void *lines[MANY], int *num) {
  const Lines *s = run->s;
  const PjWindow *w = &s->w;
  int64_t start[PJ_MAX_RANK], low[PJ_MAX_RANK], high[PJ_MAX_RANK], k[PJ_MAX_RANK];
  const void *sum = NULL;
  int count = 0;
  *num = 0;
  for (int32_t d = 0; d < s->d; ++d) {
    start[d] = at[d] * w->stride[d] - w->low[d];
    places_inside(w, d, start[d], &low[d], &high[d]);
    if (low[d] >= high[d])
      return NULL;
    k[d] = low[d];
  }
  const int32_t last = s->d - 1;
  const int64_t n = (to - from) * s->inner;
  for (;;) {
    int64_t offset = from * s->inner;
    bool inside = true;
    for (int32_t d = 0; inside && d < last; ++d) {
      const int64_t i = pj_window_place(w, d, start[d] + k[d] * w->dilation[d]);
      inside = i >= 0;
      offset += i * s->strides[d];
    }
    if (last < 0) {
      lines[count++] = run->in + offset * (int64_t)s->elem;
      break;
    }
    for (int64_t j = low[last]; inside && j < high[last]; ++j) {
      const int64_t i = pj_window_place(w, last, start[last] + j * w->dilation[last]);
      if (i < 0)
        continue;
      if (count == MANY) { // never of ordered ones
        add_lines(s, n, count, lines, room, &sum);
        count = 0;
      }
      lines[count++] = run->in + (offset + i * s->strides[last]) * (int64_t)s->elem;
    }
    int32_t d = last - 1;
    for (; d >= 0 && ++k[d] == high[d]; --d)
      k[d] = low[d];
    if (d < 0)
      break;
  }
  *num = count;
  if (count && room)
    add_lines(s, n, count, lines, room, &sum);
  return sum;
}

// Results [first, end) of a row, which hold the init value, from the combined places [from, ..).
static void along(const Lines *s, const char *line, int64_t from, int64_t first, int64_t end,
                  char *acc) {
  const PjWindow *w = &s->w;
  const int32_t d = s->d;
  const int64_t step = (int64_t)s->comp_elem * s->inner; // bytes of a place
  if (s->inner == 1 || (w->stride[d] == 1 && w->base_dilation[d] == 1)) {
    // All results take the same place of their windows at once.
    for (int64_t k = 0; k < w->size[d]; ++k) {
      const int64_t begin = pj__max(s->ranges[k][0], first), stop = pj__min(s->ranges[k][1], end);
      const int64_t place = begin * w->stride[d] + k * w->dilation[d] - w->low[d] - from;
      char *to = acc + (begin - first) * step;
      if (begin < stop)
        s->pairs((stop - begin) * s->inner, to, line + place * step, w->stride[d], to);
    }
    return;
  }
  for (int64_t j = first; j < end; ++j, acc += step) {
    const void *places[MANY];
    int count = 0;
    for (int64_t k = 0; k < w->size[d]; ++k) {
      const int64_t place =
          pj_window_place(w, d, j * w->stride[d] + k * w->dilation[d] - w->low[d]);
      if (place < 0)
        continue;
      const char *at = line + (place - from) * step;
      if (!s->many)
        s->pairs(s->inner, acc, at, 1, acc);
      else
        places[count++] = at;
      if (count == MANY) {
        s->many(s->inner, count, places, acc);
        count = 0;
      }
    }
    if (count)
      s->many(s->inner, count, places, acc);
  }
}

// The places of the array that the windows of results [first, end) of a row cover.
static void reach(const PjWindow *w, int32_t d, int64_t first, int64_t end, int64_t *from,
                  int64_t *to) {
  const int64_t dilation = w->base_dilation[d], begin = first * w->stride[d] - w->low[d],
                last = (end - 1) * w->stride[d] + (w->size[d] - 1) * w->dilation[d] - w->low[d];
  *from = begin <= 0 ? 0 : pj__divide_up(begin, dilation);
  *to = last < 0 ? 0 : pj__min(last / dilation + 1, w->in[d]);
}

// Where rows |row| of results, one after the other, lie in the space of windows.
static void locate_row(const Lines *s, int64_t row, int64_t *at) {
  for (int32_t d = s->d - 1; d >= 0; --d) {
    at[d] = row % s->w.out[d];
    row /= s->w.out[d];
  }
}

static void next_row(const Lines *s, int64_t *at) {
  for (int32_t d = s->d - 1; d >= 0 && ++at[d] == s->w.out[d]; --d)
    at[d] = 0;
}

// Results [first, stop) of rows [begin, end) by kernels, some rows at a time: what was just written
// across is not yet read along. Their lines lie in the array or in |room|, there behind padding.
static void padded_rows(const Run *run, int64_t begin, int64_t end, int64_t first, int64_t stop,
                        const char *element, char *room, char *results) {
  enum { GROUP = 8 };
  const Lines *s = run->s;
  const PjWindow *w = &s->w;
  const int64_t stride = w->stride[s->d], begins = first * stride - w->low[s->d],
                span = (w->size[s->d] - 1) * w->dilation[s->d] + 1,
                ends = begins + (stop - 1 - first) * stride + span;
  const int64_t place = s->inner * (int64_t)s->comp_elem, n = (stop - first) * s->inner,
                length = w->out[s->d] * s->inner;
  const bool flat = stride == 1; // all places of all results side by side
  const int64_t count = flat ? 1 : stop - first, inner = flat ? n : s->inner;
  int64_t from, to, at[PJ_MAX_RANK];
  reach(w, s->d, first, stop, &from, &to);
  from = pj__min(from, to);
  const int64_t low = from < to ? from - begins : 0, high = from < to ? ends - to : 0;
  const bool padded = low || high || inner < PJ_LINE_LANES;
  const int64_t pitch = (ends - begins) * place,
                fit = LINE * (int64_t)s->comp_elem / (pitch * s->most),
                group = pj__max(1, pj__min(GROUP, fit));
  for (int64_t i = 0; i < group * s->most; ++i) {
    pj_fill(s->comp_elem, low * s->inner, element, room + i * pitch);
    pj_fill(s->comp_elem, high * s->inner, element, room + (i + 1) * pitch - high * place);
  }
  locate_row(s, begin, at);
  for (int64_t row = begin; row < end; row += group) {
    const void *lists[GROUP][MANY];
    int nums[GROUP] = {0};
    const int64_t rows = pj__min(group, end - row);
    for (int64_t i = 0; i < rows; ++i, next_row(s, at)) {
      char *own = room + i * s->most * pitch;
      const void **lines = lists[i], *sum = NULL;
      if (from < to)
        sum = across(run, at, from, to, s->ordered ? NULL : own + low * place, lines, &nums[i]);
      if (sum) {
        lines[0] = sum;
        nums[i] = 1;
      }
      for (int k = 0; k < nums[i] && padded; ++k, own += pitch) {
        if (lines[k] != own + low * place)
          memcpy(own + low * place, lines[k], (size_t)((to - from) * place));
        lines[k] = own;
      }
    }
    for (int64_t i = 0; i < rows; ++i) {
      char *out = run->out + ((row + i) * length + first * s->inner) * (int64_t)s->elem,
           *acc = s->comp != s->dtype ? results : out;
      if (nums[i])
        s->kernels.along(count, inner, stride * s->inner, w->size[s->d],
                         w->dilation[s->d] * s->inner, nums[i], lists[i], element, acc);
      else
        pj_fill(s->comp_elem, n, element, acc);
      if (acc == results)
        pj_float_encode_n(s->dtype, n, (const float *)acc, out);
    }
  }
}

static void line_rows(void *context, int64_t begin, int64_t end, int thread) {
  const Run *run = context;
  const Lines *s = run->s;
  const PjWindow *w = &s->w;
  const int64_t length = w->out[s->d];
  const bool convert = s->comp != s->dtype;
  char *room = pj__thread_scratch(&s->routine, run->scratch, thread),
       *init = room + LINE * sizeof(double), *results = init + LINE * sizeof(double);
  char element[16] __attribute__((aligned(16)));
  if (convert)
    pj_float_decode_n(s->dtype, 1, run->init, (float *)element);
  else
    memcpy(element, run->init, s->elem);
  if (s->kernels.along) {
    // Rows of several parts go one by one: the lines of a row's parts lie side by side.
    const int64_t rows = s->chunk < length ? 1 : end - begin;
    for (int64_t row = begin; row < end; row += rows)
      for (int64_t first = 0; first < length; first += s->chunk)
        padded_rows(run, row, row + rows, first, pj__min(first + s->chunk, length), element, room,
                    results);
    return;
  }
  pj_fill(s->comp_elem, pj__min(s->chunk, length) * s->inner, element, init);
  int64_t at[PJ_MAX_RANK];
  locate_row(s, begin, at);
  for (int64_t row = begin; row < end; ++row, next_row(s, at)) {
    for (int64_t first = 0; first < length; first += s->chunk) {
      const int64_t stop = pj__min(first + s->chunk, length), n = (stop - first) * s->inner;
      char *out = run->out + (size_t)((row * length + first) * s->inner) * s->elem,
           *acc = convert ? results : out;
      int64_t from, to;
      reach(w, s->d, first, stop, &from, &to);
      const void *lines[MANY];
      int num;
      const char *line = from < to ? across(run, at, from, to, room, lines, &num) : NULL;
      memcpy(acc, init, (size_t)n * s->comp_elem);
      if (line)
        along(s, line, from, first, stop, acc);
      if (convert)
        pj_float_encode_n(s->dtype, n, (const float *)acc, out);
    }
  }
}

static PjStatus run_lines(const PjRoutine *self, PjThreads *threads, const void *const *in,
                          void *const *out, void *scratch) {
  const Lines *s = (const Lines *)self;
  const PjWindow *w = &s->w;
  Run run = {s, in[0], in[1], out[0], scratch};
  double lines = 1;
  for (int32_t d = 0; d < s->d; ++d)
    lines *= (double)w->size[d];
  const double work = ((double)w->in[s->d] * lines + (double)(w->out[s->d] * w->size[s->d])) *
                      (double)s->inner * (double)s->elem;
  pj_threads_for(threads, s->rows, pj__grain(s->rows, work), line_rows, &run);
  return PJ_STATUS_OK;
}

const PjRoutine *pj__window_lines(PjArena *arena, const PjWindow *w, PjDtype dtype,
                                  PjFoldKind kind) {
  const bool beside = w->rank > 1 && pj_window_untouched(w, w->rank - 1);
  const int32_t d = w->rank - 1 - beside;
  Lines *s = PJ_NEW(arena, Lines);
  *s = (Lines){.w = *w, .dtype = dtype, .d = d, .inner = beside ? w->in[w->rank - 1] : 1};
  s->comp = dtype == PJ_DT_BF16 || dtype == PJ_DT_F16 ? PJ_DT_F32 : dtype;
  s->elem = pj_dtype_bytes(dtype);
  s->comp_elem = pj_dtype_bytes(s->comp);
  s->pairs = pj__fold_pairs(kind, s->comp);
  s->many = pj__fold_many(kind, s->comp);
  if (w->base_dilation[d] == 1)
    s->kernels = PJ_PICK(line_kernels)[s->comp][kind];
  int slides = 0; // dimensions
  for (int32_t i = 0; i < w->rank; ++i)
    slides += w->size[i] > 1;
  s->ordered = kind == PJ_FOLD_MUL && pj_dtype_is_float(dtype) && slides > 1;
  if (s->ordered)
    s->kernels.along = s->kernels.along_all;
  s->most = 1;
  for (int32_t i = 0; i < d && s->ordered; ++i)
    s->most = pj__min(MANY + 1, s->most * w->size[i]);
  if (!s->pairs || s->elem > 8 || (s->ordered && (!s->kernels.along || s->most > MANY)) ||
      (s->inner == 1 && w->base_dilation[d] != 1))
    return NULL;
  // Places under the windows of |chunk| results.
  const int64_t places = LINE / s->inner / s->most, span = (w->size[d] - 1) * w->dilation[d] + 1;
  if (s->inner > LINE || places < span)
    return NULL;
  s->chunk = pj__min((places - span) / w->stride[d] + 1, places);
  pj_strides(w->rank, w->in, s->strides);
  s->rows = 1;
  for (int32_t i = 0; i < d; ++i)
    s->rows *= w->out[i];
  s->routine = (PjRoutine){.name = "reduce_window", .run = run_lines, .in_place = -1};
  s->ranges = pj_arena_calloc(arena, (size_t)w->size[d], sizeof *s->ranges);
  for (int64_t k = 0; k < w->size[d]; ++k)
    pj_window_range(w, d, k, &s->ranges[k][0], &s->ranges[k][1]);
  s->routine.thread_scratch_bytes = 3 * LINE * sizeof(double);
  return &s->routine;
}
