// Convolution with a window nearly as large as the input and few positions: the gradient by the
// window, whatever the order of the features. Seen from there an element of the result is of a tap
// (a position), an input feature (a batch) and an output feature, and the sum goes over the places
// where the forward window stood (the window) and the images (the features). Of three spatial
// dimensions, places of the first count as images, each a slice of one.
//
// A task has some input features, rows of taps and output features, and all of the sum. For some
// rows of the window at a time it copies what they meet of the input to [row, column, feature],
// with zeros around, and the window to slivers [place, output feature]. Then neighbouring taps and
// features of a place are neighbouring numbers, which a tile multiplies by a sliver: each number of
// the input is copied once for all taps. Sums that are not done lie in the task's memory.
//
// Blocks of the sum follow from the shape, so the bits do not depend on tasks.
#include <string.h>

#include "routine/conv.h"
#include "routine/variant.h"

enum { HEIGHTS = PJ_GEMM_HEIGHTS, NARROW = 2 }; // NARROW: kernels of one vector of columns
typedef void TapsFn(int64_t num, const int64_t *runs, int64_t n, const void *a, int64_t step,
                    const void *b, void *c, int64_t c_row, bool add, const char *ahead,
                    int64_t ahead_step);
typedef struct Kernels {
  int mr, low, nr; // as in PjMicro
  TapsFn *tile[HEIGHTS];
} Kernels;

#define PJ_VARIANT_FILE "routine/conv_window_variant.h"
#include "routine/variants.h"

enum {
  FEW_ROWS = 8,         // taps and features that are worth copying the window for,
  FEW_ROWS_TURNED = 48, // and transposing it
  FEW_COLS = 5,
  FEW_PLACES = 96,         // of the window: then patches are as good,
  FEW_TURNED = 256,        // where copying transposes planes are
  SUMS = 256,              // places in one block, about
  MOST_SUMS = 640,         // and at most
  MOST_TAPS = 256,         // of a dimension
  ROWS = 192,              // taps and features of a task, about
  COLS = 256,              // output features of a task
  SUM_BYTES = 192 << 10,   // of a task's sums, about
  INPUT_BYTES = 512 << 10, // of a block's input at most
  TASKS_EACH = 3,          // wanted for each thread
  LINE = 64,
  PACK = 32, // lines that are transposed at a time
};

// A dimension: |count| places of the window, |taps| positions.
typedef struct Dim {
  int64_t count, step; // places, and how far they are apart in the input
  int64_t taps, tap_step, low, in;
  int64_t lhs, rhs, out; // strides
} Dim;

// How the result is cut.
typedef struct Cut {
  int64_t features, taps, cols; // of a task at most: features of the input, rows of taps
} Cut;

typedef struct ConvWindow {
  PjRoutine routine;
  const PjConvShape *shape;
  const Kernels *kernels;
  size_t elem;
  Dim z, y, x;
  bool joined; // neighbouring taps are neighbours in the copied input
  Cut cut;
  int64_t images,
      rows; // of a block: rows of the window of each image; several images only if whole
  int64_t in_rows, in_columns;                             // that these meet
  size_t input_bytes, window_bytes, sum_bytes, runs_bytes; // of a thread
} ConvWindow;

typedef struct Run {
  const ConvWindow *p;
  const char *in, *window;
  char *out, *scratch;
  Cut cut;
  int64_t chunks, tap_parts, col_parts;
} Run;

// Where a slice of an image lies: of the window, and of the input, which may not have it.
typedef struct Slice {
  int64_t window, input;
  bool inside;
} Slice;

typedef struct Task {
  const ConvWindow *p;
  int64_t group, feature, features, slice, tap, taps, col, cols; // slice: a tap of z
  int64_t strip, strips,
      strip_rows; // neighbouring numbers, how many such in a row of taps; rounded up
  int64_t slivers;
  char *input, *window, *sums;
  int64_t *runs;
} Task;

static int64_t round_up(int64_t n, int64_t to) {
  return (n + to - 1) / to * to;
}

// Rows of the sums of a task.
static void shape_strips(const ConvWindow *p, Task *t) {
  t->strip = t->features * (p->joined ? p->x.taps : 1);
  t->strips = p->joined ? 1 : p->x.taps;
  t->strip_rows = round_up(t->strip, p->kernels->low);
}

// Copies |n| columns of |features| features, the columns |step| and the features |apart| elements
// apart, to [column, feature].
static void copy_row(const ConvWindow *p, const char *from, int64_t n, int64_t features,
                     int64_t step, int64_t apart, char *to) {
  const int64_t elem = (int64_t)p->elem;
  if (apart == 1) {
    if (step == features) {
      memcpy(to, from, (size_t)(n * features * elem));
      return;
    }
    for (int64_t i = 0; i < n; ++i)
      memcpy(to + i * features * elem, from + i * step * elem, (size_t)(features * elem));
    return;
  }
  for (int64_t f = 0; f < features; f += PACK) {
    const void *lines[PACK];
    const int have = (int)pj__min(PACK, features - f);
    for (int i = 0; i < have; ++i)
      lines[i] = from + (f + i) * apart * elem;
    pj__pack_lines(p->elem)(lines, have, (int)features, n, 0, to + f * elem);
  }
}

// Slice |image|, counted over all images.
static Slice find_slice(const Task *t, int64_t image) {
  const ConvWindow *p = t->p;
  const PjConvShape *s = p->shape;
  const int64_t place = image % p->z.count,
                z = place * p->z.step + t->slice * p->z.tap_step - p->z.low;
  image /= p->z.count;
  return (Slice){.window = t->group * s->rhs_group + image * s->rhs_in + place * p->z.rhs +
                           t->col * s->rhs_out,
                 .input = t->group * s->lhs_group + image * s->lhs_feature + z * p->z.lhs +
                          t->feature * s->lhs_batch,
                 .inside = z >= 0 && z < p->z.in};
}

// What rows [row, row + rows) of the window meet of |slice|, for the task's taps.
static void copy_input(const Run *run, const Task *t, const Slice *slice, int64_t row, int64_t rows,
                       char *to) {
  const ConvWindow *p = t->p;
  const PjConvShape *s = p->shape;
  const int64_t elem = (int64_t)p->elem;
  const int64_t pitch = p->in_columns * t->features * elem, first = -p->x.low,
                low = pj__min(p->in_columns, pj__max(0, -first)),
                high = pj__max(low, pj__min(p->in_columns, p->x.in - first));
  const int64_t begin = row * p->y.step + t->tap * p->y.tap_step - p->y.low,
                count = (rows - 1) * p->y.step + (t->taps - 1) * p->y.tap_step + 1;
  for (int64_t i = 0; i < count; ++i, to += pitch) {
    const int64_t y = begin + i;
    if (!slice->inside || y < 0 || y >= p->y.in || low == high) {
      memset(to, 0, (size_t)pitch);
      continue;
    }
    memset(to, 0, (size_t)(low * t->features * elem));
    copy_row(p, run->in + (slice->input + y * p->y.lhs + (first + low) * p->x.lhs) * elem,
             high - low, t->features, p->x.lhs, s->lhs_batch, to + low * t->features * elem);
    memset(to + high * t->features * elem, 0,
           (size_t)((p->in_columns - high) * t->features * elem));
  }
}

// Row |row| of the window of |slice| to slivers whose places are |places|, from |place| on.
static void copy_window(const Run *run, const Task *t, const Slice *slice, int64_t row,
                        int64_t place, int64_t places) {
  const ConvWindow *p = t->p;
  const PjConvShape *s = p->shape;
  const int64_t elem = (int64_t)p->elem, n = p->x.count;
  const int nr = p->kernels->nr;
  const char *from = run->window + (slice->window + row * p->y.rhs) * elem;
  char *to = t->window + place * nr * elem;
  if (s->rhs_out == 1) {
    pj__pack_copy(p->elem)(from, NULL, p->x.rhs, t->cols, n, nr, to, places * nr);
    return;
  }
  for (int64_t j = 0; j < t->cols; j += nr, to += places * nr * elem) {
    const void *lines[PACK];
    const int have = (int)pj__min(nr, t->cols - j);
    for (int i = 0; i < have; ++i)
      lines[i] = from + (j + i) * s->rhs_out * elem;
    pj__pack_lines(p->elem)(lines, have, nr, n, 0, to);
  }
}

// Memory that is read later: |lines| side by side from |at| on, and so on each |step| bytes.
typedef struct Ahead {
  const char *at;
  int64_t lines, step;
} Ahead;

// What the next block reads of the window and the input, where places are evenly apart.
static void ahead_of(const Run *run, const Task *t, int64_t image, int64_t row, Ahead *out) {
  const ConvWindow *p = t->p;
  const PjConvShape *s = p->shape;
  const int64_t elem = (int64_t)p->elem;
  out[0] = out[1] = (Ahead){0};
  if (image >= s->features * p->z.count)
    return;
  const Slice slice = find_slice(t, image);
  if (s->rhs_out == 1 && p->y.rhs == p->x.count * p->x.rhs)
    out[0] = (Ahead){run->window + (slice.window + row * p->y.rhs) * elem,
                     pj__divide_up(t->cols * elem, LINE), p->x.rhs * elem};
  // The first rows of it are those that this block read last.
  const int64_t y = row * p->y.step - p->y.low + (row ? (p->y.taps - 1) * p->y.tap_step : 0);
  if (slice.inside && s->lhs_batch == 1 && p->y.lhs == p->x.in * p->x.lhs && y < p->y.in)
    out[1] = (Ahead){run->in + (slice.input + pj__max(0, y) * p->y.lhs) * elem,
                     pj__divide_up(t->features * elem, LINE) * p->y.step, p->x.lhs * elem};
}

// Adds the products of a block: |num| rows of the window, whose input begins at |t->runs|.
static void multiply(const Task *t, int64_t num, Ahead *ahead, bool add) {
  const ConvWindow *p = t->p;
  const Kernels *k = p->kernels;
  const int64_t elem = (int64_t)p->elem, n = p->x.count, c_row = t->slivers * k->nr;
  const int64_t pitch = p->in_columns * t->features;
  for (int64_t j = 0; j < t->slivers; ++j) {
    const char *b = t->window + j * num * n * k->nr * elem;
    char *c = t->sums + j * k->nr * elem;
    for (int64_t tap = 0; tap < t->taps; ++tap)
      for (int64_t strip = 0; strip < t->strips; ++strip) {
        const char *a =
            t->input + (tap * p->y.tap_step * pitch + strip * p->x.tap_step * t->features) * elem;
        for (int64_t i = 0; i < t->strip_rows; i += k->mr) {
          const int64_t height = pj__min(k->mr, t->strip_rows - i);
          Ahead *at = ahead->lines ? ahead : &ahead[1];
          const char *next = b;
          int64_t step = 0;
          if (at->lines) {
            next = at->at;
            step = at->step;
            at->at += LINE;
            --at->lines;
          }
          k->tile[height / k->low - 1](num, t->runs, n, a + i * elem, p->x.step * t->features, b, c,
                                       c_row, add, next, step);
          c += height * c_row * elem;
        }
      }
  }
}

static void store(const Run *run, const Task *t) {
  const ConvWindow *p = t->p;
  const PjConvShape *s = p->shape;
  const int64_t elem = (int64_t)p->elem, c_row = t->slivers * p->kernels->nr;
  char *out = run->out + (t->group * s->out_group + t->feature * s->out_batch +
                          t->slice * p->z.out + t->tap * p->y.out + t->col * s->out_feature) *
                             elem;
  const char *strip = t->sums;
  for (int64_t y = 0; y < t->taps; ++y)
    for (int64_t i = 0; i < t->strips; ++i, strip += t->strip_rows * c_row * elem)
      for (int64_t r = 0; r < t->strip; ++r) {
        const int64_t x = p->joined ? r / t->features : i, f = p->joined ? r % t->features : r;
        char *to = out + (y * p->y.out + x * p->x.out + f * s->out_batch) * elem;
        const char *from = strip + r * c_row * elem;
        if (s->out_feature == 1) {
          memcpy(to, from, (size_t)(t->cols * elem));
          continue;
        }
        for (int64_t j = 0; j < t->cols; ++j)
          memcpy(to + j * s->out_feature * elem, from + j * elem, (size_t)elem);
      }
}

static void run_task(const Run *run, Task *t) {
  const ConvWindow *p = t->p;
  const int nr = p->kernels->nr;
  shape_strips(p, t);
  t->slivers = pj__divide_up(t->cols, nr);
  const int64_t pitch = p->in_columns * t->features;
  const int64_t all = p->shape->features * p->z.count;
  for (int64_t image = 0; image < all; image += p->images)
    for (int64_t row = 0; row < p->y.count; row += p->rows) {
      const int64_t images = pj__min(p->images, all - image),
                    rows = pj__min(p->rows, p->y.count - row), num = images * rows;
      pj__pack_clear(p->elem, t->cols, num * p->x.count, nr, t->window, num * p->x.count * nr);
      for (int64_t n = 0; n < images; ++n) {
        const Slice slice = find_slice(t, image + n);
        copy_input(run, t, &slice, row, rows, t->input + n * p->in_rows * pitch * (int64_t)p->elem);
        for (int64_t r = 0; r < rows; ++r) {
          t->runs[n * rows + r] = (n * p->in_rows + r * p->y.step) * pitch;
          copy_window(run, t, &slice, row + r, (n * rows + r) * p->x.count, num * p->x.count);
        }
      }
      Ahead ahead[2];
      const bool more = row + p->rows < p->y.count;
      ahead_of(run, t, more ? image : image + p->images, more ? row + p->rows : 0, ahead);
      multiply(t, num, ahead, image || row);
    }
  store(run, t);
}

static void tasks(void *context, int64_t begin, int64_t end, int thread) {
  const Run *run = context;
  const ConvWindow *p = run->p;
  const Cut *cut = &run->cut;
  char *at = pj__thread_scratch(&p->routine, run->scratch, thread);
  Task t = {.p = p, .input = at};
  t.window = t.input + p->input_bytes;
  t.sums = t.window + p->window_bytes;
  t.runs = (int64_t *)(t.sums + p->sum_bytes);
  for (int64_t task = begin; task < end; ++task) {
    int64_t rest = task;
    t.col = rest % run->col_parts * cut->cols;
    rest /= run->col_parts;
    t.tap = rest % run->tap_parts * cut->taps;
    rest /= run->tap_parts;
    t.slice = rest % p->z.taps;
    rest /= p->z.taps;
    t.feature = rest % run->chunks * cut->features;
    t.group = rest / run->chunks;
    t.cols = pj__min(cut->cols, p->shape->out_features - t.col);
    t.taps = pj__min(cut->taps, p->y.taps - t.tap);
    t.features = pj__min(cut->features, p->shape->batch - t.feature);
    run_task(run, &t);
  }
}

static int64_t count_tasks(const ConvWindow *p, const Cut *cut) {
  return p->shape->groups * pj__divide_up(p->shape->batch, cut->features) * p->z.taps *
         pj__divide_up(p->y.taps, cut->taps) * pj__divide_up(p->shape->out_features, cut->cols);
}

static PjStatus run_window(const PjRoutine *self, PjThreads *threads, const void *const *in,
                           void *const *out, void *scratch) {
  const ConvWindow *p = (const ConvWindow *)self;
  const PjConvShape *s = p->shape;
  const int nr = p->kernels->nr;
  Run run = {
      .p = p, .in = in[0], .window = in[1], .out = out[0], .scratch = scratch, .cut = p->cut};
  Cut *cut = &run.cut;
  const int64_t wanted =
      pj_threads_count(threads) > 1 ? (int64_t)pj_threads_count(threads) * TASKS_EACH : 1;
  // Smaller tasks copy more.
  while (count_tasks(p, cut) < wanted) {
    if (cut->cols > 2 * nr)
      cut->cols = round_up(cut->cols / 2, nr);
    else if (cut->taps > 1)
      cut->taps = pj__divide_up(cut->taps, 2);
    else if (cut->cols > nr)
      cut->cols = nr;
    else
      break;
  }
  run.chunks = pj__divide_up(s->batch, cut->features);
  run.tap_parts = pj__divide_up(p->y.taps, cut->taps);
  run.col_parts = pj__divide_up(s->out_features, cut->cols);
  const int64_t count = count_tasks(p, cut);
  const double work = (double)(cut->features * cut->taps * p->x.taps) * (double)cut->cols *
                      (double)s->window_size * (double)s->features / 8;
  pj_threads_for(threads, count, pj__grain(count, work), tasks, &run);
  return PJ_STATUS_OK;
}

// ---- plan
static Dim plan_dim(const PjConvShape *s, int32_t d) {
  if (d < 0)
    return (Dim){.count = 1, .step = 1, .taps = 1, .tap_step = 1, .in = 1};
  return (Dim){.count = s->window[d],
               .step = s->window_dilation[d],
               .taps = s->out[d],
               .tap_step = s->stride[d],
               .low = s->low[d],
               .in = s->in[d],
               .lhs = s->lhs_spatial[d],
               .rhs = s->rhs_spatial[d],
               .out = s->out_spatial[d]};
}

// Elements of a dimension of the input that |count| places and |taps| taps span; -1: too many.
static int64_t span(const Dim *d, int64_t count, int64_t taps) {
  enum { MOST = 1 << 20 };
  if (d->step > MOST || d->tap_step > MOST || count > MOST)
    return -1;
  const int64_t all = (count - 1) * d->step + (taps - 1) * d->tap_step + 1;
  return all > MOST ? -1 : all;
}

static bool plan_blocks(ConvWindow *p) {
  const PjConvShape *s = p->shape;
  const Kernels *k = p->kernels;
  const int64_t elem = (int64_t)p->elem;
  // As many features as make whole tiles; more where copying transposes.
  const bool turns = s->lhs_batch != 1 || s->rhs_out != 1;
  const int64_t few = p->joined && p->x.taps > 2 ? 16 : p->joined && p->x.taps > 1 ? 24 : 48;
  const int64_t most = turns ? pj__max(few, 3 * ROWS / (p->x.taps * p->y.taps)) : few;
  p->cut.features =
      turns ? pj__min(s->batch, round_up(pj__divide_up(s->batch, pj__divide_up(s->batch, most)), 4))
            : pj__min(s->batch, few);
  const int64_t row = p->cut.features * p->x.taps;
  p->cut.taps = pj__max(1, pj__min(p->y.taps, (turns ? 3 * ROWS : ROWS) / row));
  const int64_t strips = p->joined ? 1 : p->x.taps,
                rows = p->cut.taps * strips * round_up(row / strips, k->low);
  p->cut.cols = pj__min(round_up(pj__min(s->out_features, COLS), k->nr),
                        pj__max(k->nr, SUM_BYTES / (rows * elem) / k->nr * k->nr));
  p->in_columns = span(&p->x, p->x.count, p->x.taps);
  if (p->x.count > MOST_SUMS || p->in_columns < 0)
    return false;
  p->rows = pj__max(1, pj__min(p->y.count, SUMS / p->x.count));
  p->rows = pj__divide_up(p->y.count, pj__divide_up(p->y.count, p->rows));
  for (;; p->rows = pj__divide_up(p->rows, 2)) {
    p->in_rows = span(&p->y, p->rows, p->cut.taps);
    if (p->in_rows < 0)
      return false;
    if ((double)p->in_rows * (double)(p->in_columns * p->cut.features * elem) <= INPUT_BYTES)
      break;
    if (p->rows == 1)
      return false;
  }
  const int64_t image = p->in_rows * p->in_columns * p->cut.features * elem;
  p->images = 1;
  if (p->rows == p->y.count)
    p->images = pj__max(1, pj__min(pj__min(s->features * p->z.count, SUMS / (p->rows * p->x.count)),
                                   INPUT_BYTES / image));
  const int64_t num = p->images * p->rows;
  p->input_bytes = pj__scratch_round((size_t)(p->images * image + k->mr * elem));
  p->window_bytes = pj__scratch_round((size_t)(num * p->x.count * p->cut.cols * elem));
  p->sum_bytes = pj__scratch_round((size_t)(rows * p->cut.cols * elem));
  p->runs_bytes = pj__scratch_round((size_t)num * sizeof(int64_t));
  return true;
}

const PjRoutine *pj__conv_window(PjArena *arena, const PjConvShape *s) {
  const bool wide = s->comp == PJ_COMP_F64;
  if ((s->comp != PJ_COMP_F32 && !wide) || s->skip_outside || s->spatial < 1 || s->spatial > 3 ||
      s->rhs_start || !pj_comp_is_native(s->comp, s->lhs_dtype) ||
      !pj_comp_is_native(s->comp, s->rhs_dtype) || !pj_comp_is_native(s->comp, s->out_dtype))
    return NULL;
  int64_t taps = 1;
  for (int32_t d = 0; d < s->spatial; ++d) {
    if (s->in_dilation[d] != 1 || s->rhs_spatial[d] < 0 || s->out[d] > MOST_TAPS)
      return NULL;
    taps *= s->out[d];
  }
  const bool turns = s->lhs_batch != 1 || s->rhs_out != 1;
  const int64_t few = turns ? FEW_ROWS_TURNED : FEW_ROWS;
  if (s->window_size < 2 * taps || s->window_size <= (turns ? FEW_TURNED : FEW_PLACES) ||
      taps * pj__min(s->batch, few) < few || s->out_features < FEW_COLS)
    return NULL;
  ConvWindow *p = PJ_NEW(arena, ConvWindow);
  *p = (ConvWindow){.shape = s, .kernels = &PJ_PICK(kernels)[wide], .elem = pj_comp_bytes(s->comp)};
  if (s->out_features <= p->kernels->nr / 2)
    p->kernels = &PJ_PICK(kernels)[NARROW + wide];
  p->z = plan_dim(s, s->spatial - 3);
  p->y = plan_dim(s, s->spatial - 2);
  if (p->y.taps == 1 && p->z.taps > 1) { // rather than one task for each tap
    const Dim z = p->z;
    p->z = p->y;
    p->y = z;
  }
  p->x = plan_dim(s, s->spatial - 1);
  p->joined = p->x.tap_step == 1;
  // What is copied lies in lines.
  if ((s->lhs_batch != 1 && p->x.lhs != 1) || (s->rhs_out != 1 && p->x.rhs != 1) || !plan_blocks(p))
    return NULL;
  p->routine = (PjRoutine){.name = "conv_window", .run = run_window, .in_place = -1};
  p->routine.thread_scratch_bytes = p->input_bytes + p->window_bytes + p->sum_bytes + p->runs_bytes;
  return &p->routine;
}
