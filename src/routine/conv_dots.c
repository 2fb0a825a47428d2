// Convolution with a window nearly as large as the input and few positions: the gradient by the
// window of one whose features come first. Lanes go along the rows of the window, so an element of
// the result is a sum of products of rows: tiles of output features by positions (columns) multiply
// rows of both operands where they lie in planes, and keep their sums lane by lane until the end.
//
// A task has some output features and some batches of the input (which are the input's features in
// the forward convolution), and all of the sum. Rows of the window are filled up to whole vectors
// with zeros, and what they meet in the input is masked, so that 0 times what is not finite is not
// seen. Blocks of the sum follow from the shape: the same bits for any number of threads.
#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "routine/planes.h"
#include "routine/variant.h"

enum { TILE_LOW = 4, TILE_COLUMNS = 3, MAX_LANES = 16 };
enum { TILE_HEIGHTS = TILE_LOW + 1 }; // of tiles: one to TILE_LOW rows, and the most

// Rows of both operands: |count| features, and of each rows along the first two dimensions. A step
// is that from one to the next, in elements; rows of neighbouring output features are a_row apart.
typedef struct Block {
  int64_t count[3], a_step[3], x_step[3], a_row;
  int64_t whole; // elements of a row in whole vectors
  bool tail;     // and one more, whose lanes |mask| keeps
  const void *mask;
} Block;

typedef void DotsFn(const Block *block, const void *a, const void *const *x, const void *from,
                    void *to, int64_t sums_row);
typedef struct Kernels {
  int lanes, tile_rows; // tile_rows: of the highest tile
  DotsFn *dots[TILE_HEIGHTS][TILE_COLUMNS];
  void (*add)(int64_t n, const void *sums, void *out); // lanes of n vectors; |out| may be |sums|
} Kernels;

#define PJ_VARIANT_FILE "routine/conv_dots_variant.h"
#include "routine/variants.h"

enum {
  FEW_PLACES = 256,      // of the window: copies for each place cost less, unless
  FEW_FEATURES = 8,      // few features share them
  MOST_TAPS = 64,        // positions of the output
  ROW_BYTES = 96 << 10,  // of one operand's rows in a task
  SUM_BYTES = 144 << 10, // of a task's sums, lane by lane
  TASK_ROWS = 32,        // output features of a task
  TASKS = 12,            // wanted
  FEW_PRODUCTS = 24,     // vectors along the sum that are worth a tile
};

typedef struct ConvDots {
  PjRoutine routine;
  const PjConvShape *shape;
  const Kernels *kernels;
  size_t elem;
  PjPlanes planes;                 // positions are the window's places, taps those of the output
  int64_t rhs_step[PJ_PLANE_DIMS]; // of the window's places
  int64_t features, rows, columns; // of a task: of the sum at a time, of the output, batches
  int64_t taps, width;             // of the output; elements of a filled up row of the window
  const int32_t *tap_at;           // in a set of planes
  const int64_t *tap_out;          // in the output
  const char *mask;
  bool native_out;
  size_t a_bytes, x_bytes, sum_bytes, line; // of a thread
} ConvDots;

typedef struct Run {
  const ConvDots *p;
  const char *in, *window;
  char *out, *scratch;
  int64_t row_blocks, rows, column_blocks, columns;
} Run;

typedef struct Task {
  const ConvDots *p;
  int64_t group, row, rows, column, columns;
  char *a, *x, *sums, *line;
} Task;

// Rows of the window for features [feature, feature + features) of the sum: as [row, feature, i, j,
// width].
static void copy_window(const Run *run, const Task *t, int64_t feature, int64_t features,
                        const int64_t *start, const int64_t *count) {
  const ConvDots *p = t->p;
  const PjConvShape *s = p->shape;
  const int64_t elem = (int64_t)pj_dtype_bytes(s->rhs_dtype);
  const bool native = pj_comp_is_native(s->comp, s->rhs_dtype);
  char *to = t->a;
  for (int64_t r = 0; r < t->rows; ++r)
    for (int64_t f = 0; f < features; ++f)
      for (int64_t i = 0; i < count[0]; ++i)
        for (int64_t j = 0; j < count[1]; ++j, to += (size_t)p->width * p->elem) {
          const char *from =
              run->window + (s->rhs_start + t->group * s->rhs_group + (t->row + r) * s->rhs_out +
                             (feature + f) * s->rhs_in + (start[0] + i) * p->rhs_step[0] +
                             (start[1] + j) * p->rhs_step[1] + start[2]) *
                                elem;
          if (native)
            memcpy(to, from, (size_t)count[2] * p->elem);
          else
            pj_comp_load(s->comp, s->rhs_dtype, count[2], from, to);
          memset(to + (size_t)count[2] * p->elem, 0, (size_t)(p->width - count[2]) * p->elem);
        }
}

// Adds the products of one block of the sum.
static void multiply(const Run *run, const Task *t, int64_t feature, int64_t features,
                     const int64_t *start, const int64_t *count, bool first) {
  const ConvDots *p = t->p;
  const PjConvShape *s = p->shape;
  const int64_t lanes = p->kernels->lanes;
  const size_t lhs_elem = pj_dtype_bytes(s->lhs_dtype);
  PjPlaneSpan span;
  pj__planes_span(&p->planes, start, &span);
  for (int64_t n = 0; n < t->columns; ++n)
    for (int64_t f = 0; f < features; ++f)
      pj__planes_fill(&p->planes, &span,
                      run->in + (t->group * s->lhs_group + (t->column + n) * s->lhs_batch +
                                 (feature + f) * s->lhs_feature) *
                                    (int64_t)lhs_elem,
                      t->x + (size_t)((n * p->features + f) * p->planes.set) * p->elem, t->line);
  copy_window(run, t, feature, features, start, count);
  const Block block = {
      .count = {features, count[0], count[1]},
      .a_step = {count[0] * count[1] * p->width, count[1] * p->width, p->width},
      .x_step = {p->planes.set, p->planes.length[1] * p->planes.pitch, p->planes.pitch},
      .a_row = features * count[0] * count[1] * p->width,
      .whole = count[2] / lanes * lanes,
      .tail = count[2] % lanes != 0,
      .mask = p->mask,
  };
  const int64_t all = t->columns * p->taps, sums_row = all * lanes;
  const int64_t most = p->kernels->tile_rows;
  for (int64_t r = 0, rows; r < t->rows; r += rows) {
    rows = t->rows - r >= most ? most : pj__min(TILE_LOW, t->rows - r);
    const char *a = t->a + (size_t)(r * block.a_row) * p->elem;
    for (int64_t c = 0; c < all;) {
      const int64_t left = all - c, width = left == 4 ? 2 : pj__min(left, TILE_COLUMNS);
      const void *x[TILE_COLUMNS];
      for (int64_t i = 0; i < width; ++i)
        x[i] = t->x + (size_t)((c + i) / p->taps * p->features * p->planes.set +
                               p->tap_at[(c + i) % p->taps]) *
                          p->elem;
      char *sums = t->sums + (size_t)(r * sums_row + c * lanes) * p->elem;
      p->kernels->dots[pj__min(rows, TILE_HEIGHTS) - 1][width - 1](
          &block, a, x, first ? NULL : sums, sums, sums_row);
      c += width;
    }
  }
}

static void store(const Run *run, const Task *t) {
  const ConvDots *p = t->p;
  const PjConvShape *s = p->shape;
  const int64_t elem = (int64_t)pj_dtype_bytes(s->out_dtype);
  const char *from = t->sums;
  p->kernels->add(t->rows * t->columns * p->taps, t->sums, t->sums);
  for (int64_t r = 0; r < t->rows; ++r)
    for (int64_t n = 0; n < t->columns; ++n) {
      char *to = run->out + (t->group * s->out_group + (t->row + r) * s->out_feature +
                             (t->column + n) * s->out_batch) *
                                elem;
      for (int64_t i = 0; i < p->taps; ++i, from += p->elem) {
        if (p->native_out)
          memcpy(to + p->tap_out[i] * elem, from, p->elem);
        else
          pj_comp_store(s->comp, s->out_dtype, 1, from, to + p->tap_out[i] * elem);
      }
    }
}

static void run_task(const Run *run, const Task *t) {
  const ConvDots *p = t->p;
  const int64_t *block = p->planes.block;
  bool first = true;
  for (int64_t f = 0; f < p->shape->features; f += p->features) {
    const int64_t features = pj__min(p->features, p->shape->features - f);
    int64_t start[PJ_PLANE_DIMS] = {0}, count[PJ_PLANE_DIMS];
    const PjPlaneDim *dims = p->planes.dims;
    count[2] = dims[2].count;
    for (start[0] = 0; start[0] < dims[0].count; start[0] += block[0])
      for (start[1] = 0; start[1] < dims[1].count; start[1] += block[1]) {
        for (int32_t d = 0; d < 2; ++d)
          count[d] = pj__min(block[d], dims[d].count - start[d]);
        multiply(run, t, f, features, start, count, first);
        first = false;
      }
  }
  store(run, t);
}

static void tasks(void *context, int64_t begin, int64_t end, int thread) {
  const Run *run = context;
  const ConvDots *p = run->p;
  char *at = pj__thread_scratch(&p->routine, run->scratch, thread);
  Task t = {.p = p, .a = at};
  t.x = t.a + p->a_bytes;
  t.sums = t.x + p->x_bytes;
  t.line = t.sums + p->sum_bytes;
  for (int64_t task = begin; task < end; ++task) {
    t.column = task % run->column_blocks * run->columns;
    t.columns = pj__min(run->columns, p->shape->batch - t.column);
    t.row = task / run->column_blocks % run->row_blocks * run->rows;
    t.rows = pj__min(run->rows, p->shape->out_features - t.row);
    t.group = task / run->column_blocks / run->row_blocks;
    run_task(run, &t);
  }
}

static PjStatus run_dots(const PjRoutine *self, PjThreads *threads, const void *const *in,
                         void *const *out, void *scratch) {
  const ConvDots *p = (const ConvDots *)self;
  const PjConvShape *s = p->shape;
  Run run = {.p = p,
             .in = in[0],
             .window = in[1],
             .out = out[0],
             .scratch = scratch,
             .rows = p->rows,
             .columns = p->columns};
  run.row_blocks = pj__divide_up(s->out_features, run.rows);
  run.column_blocks = pj__divide_up(s->batch, run.columns);
  const int64_t count = s->groups * run.row_blocks * run.column_blocks;
  const double work = (double)run.rows * (double)(run.columns * p->taps) * (double)s->window_size *
                      (double)s->features / 8;
  pj_threads_for(threads, count, pj__grain(count, work), tasks, &run);
  return PJ_STATUS_OK;
}

// ---- plan
static bool joins(const PjConvShape *s, int32_t d, const PjPlaneDim *next, int64_t rhs_step) {
  return s->out[d] == 1 && next->taps == 1 && !s->low[d] && !next->low &&
         s->window_dilation[d] == 1 && next->step == 1 && s->window[d] == s->in[d] &&
         next->count == next->in && s->lhs_spatial[d] == next->in * next->input &&
         s->rhs_spatial[d] == next->count * rhs_step;
}

// Dimensions of the planes, and the offsets of the positions.
static bool plan_dims(PjArena *arena, ConvDots *p, int32_t *place_of) {
  const PjConvShape *s = p->shape;
  PjPlaneDim *dims = p->planes.dims;
  int32_t at = PJ_PLANE_DIMS;
  for (int32_t d = 0; d < PJ_PLANE_DIMS; ++d)
    dims[d] = (PjPlaneDim){.count = 1, .step = 1, .taps = 1, .dilation = 1, .in = 1};
  for (int32_t d = s->spatial - 1; d >= 0; --d) {
    if (at < PJ_PLANE_DIMS && joins(s, d, &dims[at], p->rhs_step[at])) {
      dims[at].count *= s->window[d];
      dims[at].in *= s->in[d];
    } else {
      dims[--at] = (PjPlaneDim){.count = s->window[d],
                                .step = s->window_dilation[d],
                                .taps = s->out[d],
                                .dilation = s->stride[d],
                                .low = s->low[d],
                                .in = s->in[d],
                                .input = s->lhs_spatial[d]};
      p->rhs_step[at] = s->rhs_spatial[d];
    }
    place_of[d] = at;
  }
  p->planes.comp = s->comp;
  p->planes.dtype = s->lhs_dtype;
  const int32_t last = PJ_PLANE_DIMS - 1;
  return dims[last].input == 1 && p->rhs_step[last] == 1 && pj__planes_init(&p->planes);
}

// Rows and features of a block: some vectors, in memory that stays near.
static bool plan_blocks(ConvDots *p) {
  const PjConvShape *s = p->shape;
  const PjPlaneDim *dims = p->planes.dims;
  const int64_t lanes = p->kernels->lanes, elem = (int64_t)p->elem;
  p->width = pj__divide_up(dims[2].count, lanes) * lanes;
  p->rows = pj__min(s->out_features, TASK_ROWS);
  p->columns = pj__max(1, pj__min(s->batch, SUM_BYTES / (p->rows * p->taps * lanes * elem)));
  // The cuts follow from the shape, too: with them go the widths of tiles, and with those which of
  // two NaN a sum becomes.
  const int64_t blocks = pj__divide_up(s->out_features, p->rows) * s->groups;
  p->columns = pj__min(p->columns, pj__divide_up(s->batch, pj__divide_up(TASKS, blocks)));
  const int64_t most = pj__max(1, ROW_BYTES / (pj__max(p->rows, p->columns) * p->width * elem));
  int64_t block[PJ_PLANE_DIMS] = {1, 1, dims[2].count};
  block[1] = pj__divide_up(dims[1].count, pj__divide_up(dims[1].count, most));
  if (block[1] == dims[1].count)
    block[0] = pj__min(dims[0].count, pj__max(1, most / block[1]));
  p->features = 1;
  if (block[0] == dims[0].count)
    p->features = pj__min(s->features, pj__max(1, most / (block[0] * block[1])));
  if (pj__planes_block(&p->planes, block) < 0)
    return false;
  const double x_bytes =
                   (double)p->columns * (double)p->features * (double)p->planes.set * (double)elem,
               a_bytes = (double)(p->rows * p->features * block[0] * block[1]) * (double)p->width *
                         (double)elem;
  const double used = (double)dims[2].count / (double)p->width;
  return x_bytes < 4 << 20 && a_bytes < 4 << 20 && used > 0.6 &&
         p->features * block[0] * block[1] * (p->width / lanes) >= FEW_PRODUCTS;
}

const PjRoutine *pj__conv_dots(PjArena *arena, const PjConvShape *s) {
  const bool wide = s->comp == PJ_COMP_F64;
  int64_t taps = 1;
  if ((s->comp != PJ_COMP_F32 && !wide) || s->skip_outside || s->spatial < 1 ||
      s->spatial > PJ_PLANE_DIMS)
    return NULL;
  if (s->window_size <= FEW_PLACES && s->out_features > FEW_FEATURES)
    return NULL;
  for (int32_t d = 0; d < s->spatial; ++d) {
    taps *= pj__min(s->out[d], MOST_TAPS + 1);
    if (taps > MOST_TAPS || s->in_dilation[d] != 1 || s->rhs_spatial[d] < 0)
      return NULL;
  }
  ConvDots *p = PJ_NEW(arena, ConvDots);
  *p = (ConvDots){
      .shape = s, .kernels = &PJ_PICK(kernels)[wide], .elem = pj_comp_bytes(s->comp), .taps = taps};
  int32_t place_of[PJ_CONV_SPATIAL];
  if (!plan_dims(arena, p, place_of) || !plan_blocks(p))
    return NULL;
  int32_t *tap_at = PJ_NEW_ARRAY(arena, int32_t, (size_t)taps);
  int64_t *tap_out = PJ_NEW_ARRAY(arena, int64_t, (size_t)taps);
  for (int64_t i = 0; i < taps; ++i) {
    int64_t rest = i, tap[PJ_PLANE_DIMS] = {0};
    for (int32_t d = s->spatial - 1; d >= 0; --d) {
      const int64_t at = rest % s->out[d];
      rest /= s->out[d];
      tap_out[i] += at * s->out_spatial[d];
      if (s->out[d] > 1)
        tap[place_of[d]] = at;
    }
    tap_at[i] = (int32_t)pj__planes_tap(&p->planes, tap);
  }
  const int64_t lanes = p->kernels->lanes, left = p->planes.dims[PJ_PLANE_DIMS - 1].count % lanes;
  char *mask = PJ_NEW_ARRAY(arena, char, (size_t)lanes * p->elem);
  memset(mask, 0xFF, (size_t)left * p->elem);
  p->tap_at = tap_at;
  p->tap_out = tap_out;
  p->mask = mask;
  const int64_t *block = p->planes.block;
  p->a_bytes =
      pj__scratch_round((size_t)(p->rows * p->features * block[0] * block[1] * p->width) * p->elem);
  p->x_bytes = pj__scratch_round((size_t)(p->columns * p->features * p->planes.set) * p->elem +
                                 MAX_LANES * 4);
  p->sum_bytes = pj__scratch_round((size_t)(p->rows * p->columns * taps * lanes) * p->elem);
  p->line = pj__planes_line(&p->planes);
  p->routine = (PjRoutine){.name = "conv_dots", .run = run_dots, .in_place = -1};
  p->routine.thread_scratch_bytes = p->a_bytes + p->x_bytes + p->sum_bytes + p->line;
  return &p->routine;
}
