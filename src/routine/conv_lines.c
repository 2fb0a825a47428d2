// Convolution with features last (NHWC): tiles of neighbouring positions by vectors of output
// features. A task has some rows of positions; it copies what they meet of the input, with zeros
// around, so that neighbouring windows are one step apart everywhere. Then a row of a window is a
// run of numbers for all positions of a tile, and nothing is packed or looked up but the window,
// once for all tasks.
//
// Quads are neighbouring positions of one row; the quads of a tile may be of different rows. A sum
// goes over the window's places, then features, in order and in one piece, so that its bits depend
// on nothing else.
#include <string.h>

#include "routine/conv.h"
#include "routine/variant.h"

enum { QUADS = 3, SIZES = 3 }; // kernels of two vectors of columns, of one, and of half a one
typedef void LinesFn(int64_t num, const int64_t *runs, int64_t n, const void *const *a,
                     int64_t step, const void *b, void *const *c, int64_t c_row);
typedef struct Kernels {
  int quad, quads, nr; // positions of a quad, quads of a tile, output features
  LinesFn *tile[QUADS];
} Kernels;

#define PJ_VARIANT_FILE "routine/conv_lines_variant.h"
#include "routine/variants.h"

enum {
  FEW_COLS = 6,
  FEW_SUMS = 8,    // of a run,
  MANY_SUMS = 176, // and where looking up its rows costs nothing, if registers hold where they lie
  MOST_RUNS = 512,
  WINDOW_BYTES = 768 << 10, // of the packed window: it should stay in the second cache
  INPUT_BYTES = 160 << 10,  // of a task's input, about
  MOST_INPUT_BYTES = 1 << 20,
  POSITIONS = 384, // of a task, about
  TASKS_EACH = 4,  // wanted for each thread
  MAX_QUAD = 4,
  MAX_BESIDE = QUADS * MAX_QUAD * 2 * 64, // bytes of a tile
};

// A dimension: |count| positions, windows of |taps|.
typedef struct Dim {
  int64_t count, step, taps, tap_step, low, in;
  int64_t lhs, out; // strides
} Dim;

typedef struct ConvLines {
  PjRoutine routine;
  const PjConvShape *shape;
  const Kernels *kernels, *last; // of the slivers, of the last one
  size_t elem;
  Dim z, y, x;
  PjPanel window;
  int64_t sums, sliver;  // of a window; elements of a packed sliver
  int64_t rows, columns; // of positions, of a task at most
  int64_t in_rows, in_columns;
  int64_t num, run; // runs of a window, and elements of each
  const int64_t *runs;
  size_t window_bytes, input_bytes; // of all, of a thread
} ConvLines;

typedef struct Run {
  const ConvLines *p;
  const char *in, *window;
  char *out, *scratch;
  int64_t slivers; // of a group
  int64_t rows, row_blocks, column_blocks;
} Run;

typedef struct Task {
  const ConvLines *p;
  int64_t group, image, z, y, rows, x, columns;
  char *input;
} Task;

static const Kernels *sliver_kernels(const ConvLines *p, int64_t col) {
  return col + p->kernels->nr < p->shape->out_features ? p->kernels : p->last;
}

static void pack_slivers(void *context, int64_t begin, int64_t end, int thread) {
  const Run *run = context;
  const ConvLines *p = run->p;
  const PjConvShape *s = p->shape;
  char *temp = pj__thread_scratch(&p->routine, run->scratch, thread);
  for (int64_t i = begin; i < end; ++i) {
    const int64_t group = i / run->slivers, col = i % run->slivers * p->kernels->nr;
    const int nr = sliver_kernels(p, col)->nr;
    p->window.pack(&p->window, run->window + group * s->rhs_group * (int64_t)p->elem, col,
                   pj__min(nr, s->out_features - col), 0, p->sums, nr,
                   run->scratch + (size_t)(i * p->sliver) * p->elem, p->sliver, temp);
  }
}

// What the task's windows meet: [slice, row, column, feature], with zeros around.
static void copy_input(const Run *run, const Task *t) {
  const ConvLines *p = t->p;
  const PjConvShape *s = p->shape;
  const int64_t elem = (int64_t)p->elem, column = s->features * elem,
                pitch = p->in_columns * column,
                rows = (t->rows - 1) * p->y.step + (p->y.taps - 1) * p->y.tap_step + 1;
  const int64_t first = t->x * p->x.step - p->x.low,
                width = (t->columns - 1) * p->x.step + (p->x.taps - 1) * p->x.tap_step + 1,
                low = pj__min(width, pj__max(0, -first)),
                high = pj__max(low, pj__min(width, p->x.in - first));
  const char *from = run->in + (t->group * s->lhs_group + t->image * s->lhs_batch) * elem;
  for (int64_t k = 0; k < p->z.taps; ++k) {
    const int64_t z = t->z * p->z.step - p->z.low + k * p->z.tap_step;
    char *to = t->input + k * p->in_rows * pitch;
    for (int64_t i = 0; i < rows; ++i, to += pitch) {
      const int64_t y = t->y * p->y.step - p->y.low + i;
      if (z < 0 || z >= p->z.in || y < 0 || y >= p->y.in || low == high) {
        memset(to, 0, (size_t)(width * column));
        continue;
      }
      memset(to, 0, (size_t)(low * column));
      const char *line = from + (z * p->z.lhs + y * p->y.lhs + (first + low) * p->x.lhs) * elem;
      if (p->x.lhs == s->features)
        memcpy(to + low * column, line, (size_t)((high - low) * column));
      else
        for (int64_t x = low; x < high; ++x, line += p->x.lhs * elem)
          memcpy(to + x * column, line, (size_t)column);
      memset(to + high * column, 0, (size_t)((width - high) * column));
    }
  }
}

// Neighbouring positions: where their windows begin in the copied input, and they in the output.
typedef struct Quad {
  const char *in;
  char *out;
  int64_t count;
} Quad;

// |num| quads by |cols| output features.
static void tile(const ConvLines *p, int num, const Quad *quads, const char *window, int64_t col,
                 int64_t cols) {
  const Kernels *k = sliver_kernels(p, col);
  const int64_t elem = (int64_t)p->elem;
  _Alignas(64) char beside[MAX_BESIDE];
  const void *a[QUADS] = {0};
  void *c[QUADS] = {0};
  bool whole = cols == k->nr;
  for (int q = 0; q < num; ++q) {
    a[q] = quads[q].in;
    c[q] = quads[q].out + col * elem;
    whole &= quads[q].count == k->quad;
  }
  const int64_t step = p->x.step * p->shape->features;
  if (whole) {
    k->tile[num - 1](p->num, p->runs, p->run, a, step, window, c, p->x.out);
    return;
  }
  for (int q = 0; q < num; ++q)
    c[q] = beside + q * k->quad * k->nr * elem;
  k->tile[num - 1](p->num, p->runs, p->run, a, step, window, c, k->nr);
  for (int q = 0; q < num; ++q)
    for (int64_t i = 0; i < quads[q].count; ++i)
      memcpy(quads[q].out + (i * p->x.out + col) * elem, beside + (q * k->quad + i) * k->nr * elem,
             (size_t)(cols * elem));
}

static void run_task(const Run *run, const Task *t) {
  const ConvLines *p = t->p;
  const PjConvShape *s = p->shape;
  const Kernels *k = p->kernels;
  const int64_t elem = (int64_t)p->elem, row_quads = pj__divide_up(t->columns, k->quad),
                all = t->rows * row_quads;
  copy_input(run, t);
  char *out = run->out + (t->group * s->out_group + t->image * s->out_batch + t->z * p->z.out +
                          t->y * p->y.out + t->x * p->x.out) *
                             elem;
  for (int64_t j = 0; j < run->slivers; ++j) {
    const char *window =
        run->scratch + (size_t)((t->group * run->slivers + j) * p->sliver) * p->elem;
    const int64_t col = j * k->nr, cols = pj__min(k->nr, s->out_features - col);
    int64_t y = 0, x = 0;
    for (int64_t i = 0; i < all; i += k->quads) {
      const int num = (int)pj__min(k->quads, all - i);
      Quad quads[QUADS];
      for (int q = 0; q < num; ++q) {
        quads[q] = (Quad){
            t->input + ((y * p->y.step * p->in_columns + x * p->x.step) * s->features) * elem,
            out + (y * p->y.out + x * p->x.out) * elem, pj__min(k->quad, t->columns - x)};
        x += k->quad;
        if (x >= t->columns) {
          x = 0;
          ++y;
        }
      }
      tile(p, num, quads, window, col, cols);
    }
  }
}

static void tasks(void *context, int64_t begin, int64_t end, int thread) {
  const Run *run = context;
  const ConvLines *p = run->p;
  Task t = {.p = p, .input = pj__thread_scratch(&p->routine, run->scratch, thread)};
  for (int64_t task = begin; task < end; ++task) {
    int64_t rest = task;
    t.x = rest % run->column_blocks * p->columns;
    rest /= run->column_blocks;
    t.y = rest % run->row_blocks * run->rows;
    rest /= run->row_blocks;
    t.z = rest % p->z.count;
    rest /= p->z.count;
    t.image = rest % p->shape->batch;
    t.group = rest / p->shape->batch;
    t.columns = pj__min(p->columns, p->x.count - t.x);
    t.rows = pj__min(run->rows, p->y.count - t.y);
    run_task(run, &t);
  }
}

static PjStatus run_lines(const PjRoutine *self, PjThreads *threads, const void *const *in,
                          void *const *out, void *scratch) {
  const ConvLines *p = (const ConvLines *)self;
  const PjConvShape *s = p->shape;
  Run run = {.p = p,
             .in = in[0],
             .window = in[1],
             .out = out[0],
             .scratch = scratch,
             .slivers = pj__divide_up(s->out_features, p->kernels->nr),
             .rows = p->rows,
             .column_blocks = pj__divide_up(p->x.count, p->columns)};
  const int64_t slivers = s->groups * run.slivers;
  pj_threads_for(threads, slivers, pj__grain(slivers, (double)p->sliver), pack_slivers, &run);
  const int64_t others = s->groups * s->batch * p->z.count * run.column_blocks;
  const int64_t wanted =
      pj_threads_count(threads) > 1 ? (int64_t)pj_threads_count(threads) * TASKS_EACH : 1;
  while (run.rows > 1 && others * pj__divide_up(p->y.count, run.rows) < wanted)
    run.rows = pj__divide_up(run.rows, 2);
  run.row_blocks = pj__divide_up(p->y.count, run.rows);
  const int64_t count = others * run.row_blocks;
  const double work = (double)(run.rows * p->columns) * (double)s->out_features * (double)p->sums;
  pj_threads_for(threads, count, pj__grain(count, work / 8), tasks, &run);
  return PJ_STATUS_OK;
}

// ---- plan
// The narrowest kernels for |columns| output features; the widest, if they are more than any has.
static const Kernels *fitting(const Kernels *sizes, int64_t columns) {
  int i = SIZES - 1;
  while (i && sizes[i].nr < columns)
    --i;
  return &sizes[i];
}

// The kernels of all slivers but the last, and of that one, so that few columns are computed for
// nothing: 24 of vectors of 16 are one and a half of them, not two. Two vectors share what is read
// of the input: one must save a sixth.
static void plan_slivers(ConvLines *p, const Kernels *sizes) {
  const int64_t features = p->shape->out_features;
  int64_t least = INT64_MAX; // columns
  for (int i = 0; i < SIZES && sizes[i].nr; ++i) {
    const int64_t whole = (features - 1) / sizes[i].nr * sizes[i].nr;
    const Kernels *last = fitting(sizes, features - whole);
    if (last >= &sizes[i] && whole + last->nr < least - least / 6) {
      least = whole + last->nr;
      p->kernels = &sizes[i];
      p->last = last;
    }
  }
}

// Whether the positions behind the ends of rows, and columns behind the last, that are computed for
// nothing, are fewer than those columns of the plain product, but for a sixteenth: it takes two
// vectors for all slivers, or one.
static bool few_for_nothing(const ConvLines *p, const Kernels *sizes) {
  const int64_t features = p->shape->out_features, quad = p->kernels->quad, nr = sizes[0].nr,
                columns = (features - 1) / p->kernels->nr * p->kernels->nr + p->last->nr,
                product = features <= sizes[1].nr ? sizes[1].nr : pj__divide_up(features, nr) * nr;
  return (double)pj__divide_up(p->x.count, quad) * (double)quad * (double)columns * 16 <=
         (double)p->x.count * (double)product * 17;
}

static Dim plan_dim(const PjConvShape *s, int32_t d) {
  if (d < 0)
    return (Dim){.count = 1, .step = 1, .taps = 1, .tap_step = 1, .in = 1};
  return (Dim){.count = s->out[d],
               .step = s->stride[d],
               .taps = s->window[d],
               .tap_step = s->window_dilation[d],
               .low = s->low[d],
               .in = s->in[d],
               .lhs = s->lhs_spatial[d],
               .out = s->out_spatial[d]};
}

// Elements of a dimension of the input that |count| positions meet; a large number for too many.
static int64_t span(const Dim *d, int64_t count) {
  enum { MOST = 1 << 20 };
  if (d->step > MOST || d->tap_step > MOST || count > MOST || d->taps > MOST)
    return MOST;
  return pj__min(MOST, (count - 1) * d->step + (d->taps - 1) * d->tap_step + 1);
}

static double input_bytes(const ConvLines *p) {
  return (double)p->z.taps * (double)span(&p->y, p->rows) * (double)span(&p->x, p->columns) *
         (double)p->shape->features * (double)p->elem;
}

static bool plan_blocks(ConvLines *p) {
  const int64_t tile = p->kernels->quad * p->kernels->quads;
  p->rows = 1;
  p->columns = p->x.count;
  if (p->columns > 2 * POSITIONS)
    p->columns = POSITIONS / tile * tile;
  while (input_bytes(p) > MOST_INPUT_BYTES && p->columns > tile)
    p->columns = pj__divide_up(p->columns / 2, tile) * tile;
  if (input_bytes(p) > MOST_INPUT_BYTES)
    return false;
  while (p->rows < p->y.count && p->rows * p->columns < POSITIONS) {
    ++p->rows;
    if (input_bytes(p) > INPUT_BYTES) {
      --p->rows;
      break;
    }
  }
  p->rows = pj__divide_up(p->y.count, pj__divide_up(p->y.count, p->rows)); // all alike
  p->in_rows = span(&p->y, p->rows);
  p->in_columns = span(&p->x, p->columns);
  return true;
}

static void plan_runs(PjArena *arena, ConvLines *p, bool joined) {
  const PjConvShape *s = p->shape;
  int64_t *runs = PJ_NEW_ARRAY(arena, int64_t, (size_t)p->num), num = 0;
  for (int64_t z = 0; z < p->z.taps; ++z)
    for (int64_t y = 0; y < p->y.taps; ++y)
      for (int64_t x = 0; x < (joined ? 1 : p->x.taps); ++x)
        runs[num++] = ((z * p->in_rows + y * p->y.tap_step) * p->in_columns + x * p->x.tap_step) *
                      s->features;
  p->runs = runs;
}

const PjRoutine *pj__conv_lines(PjArena *arena, const PjConvShape *s) {
  const bool wide = s->comp == PJ_COMP_F64;
  if ((s->comp != PJ_COMP_F32 && !wide) || s->skip_outside || s->spatial < 1 || s->spatial > 3 ||
      s->lhs_feature != 1 || s->out_feature != 1 || s->out_features < FEW_COLS ||
      !pj_comp_is_native(s->comp, s->lhs_dtype) || !pj_comp_is_native(s->comp, s->rhs_dtype) ||
      !pj_comp_is_native(s->comp, s->out_dtype))
    return NULL;
  for (int32_t d = 0; d < s->spatial; ++d)
    if (s->in_dilation[d] != 1)
      return NULL;
  ConvLines *p = PJ_NEW(arena, ConvLines);
  *p =
      (ConvLines){.shape = s, .elem = pj_comp_bytes(s->comp), .sums = s->window_size * s->features};
  plan_slivers(p, PJ_PICK(kernels)[wide]);
  const Kernels *k = p->kernels;
  p->z = plan_dim(s, s->spatial - 3);
  p->y = plan_dim(s, s->spatial - 2);
  p->x = plan_dim(s, s->spatial - 1);
  const bool joined = p->x.tap_step == 1 || p->x.taps == 1;
  p->run = joined ? p->x.taps * s->features : s->features;
  p->num = s->window_size * s->features / p->run;
  p->sliver = p->sums * k->nr;
  const double window_bytes = (double)s->groups * (double)pj__divide_up(s->out_features, k->nr) *
                              (double)p->sliver * (double)p->elem;
  if (p->run < FEW_SUMS || p->num > MOST_RUNS || window_bytes > WINDOW_BYTES ||
      (p->run > MANY_SUMS && k->quad == MAX_QUAD) || !few_for_nothing(p, PJ_PICK(kernels)[wide]) ||
      !plan_blocks(p) || !pj__panel_init(&p->window, s->comp, s->rhs_dtype, false))
    return NULL;
  pj__conv_kernel_panel(arena, s, &p->window);
  plan_runs(arena, p, joined);
  p->window_bytes = pj__scratch_round((size_t)window_bytes);
  // Positions behind the last of a row are computed, too.
  p->input_bytes = pj__scratch_round(
      (size_t)(input_bytes(p) + (double)(MAX_QUAD * p->x.step * s->features * 8)));
  if (p->input_bytes < PJ_PACK_TEMP)
    p->input_bytes = PJ_PACK_TEMP;
  p->routine = (PjRoutine){.name = "conv_lines",
                           .run = run_lines,
                           .in_place = -1,
                           .scratch_bytes = p->window_bytes,
                           .thread_scratch_bytes = p->input_bytes};
  return &p->routine;
}

bool pj__conv_lines_fill(const PjRoutine *routine) {
  if (!routine || routine->run != run_lines)
    return false;
  const ConvLines *p = (const ConvLines *)routine;
  const int64_t rest = (p->shape->out_features - 1) % p->kernels->nr + 1;
  return 8 * rest >= 7 * p->last->nr;
}
