// Convolution with positions next to each other (NCHW): tiles of some output features by some
// vectors of positions, whose windows are read where they lie.
//
// A task has a block of positions and of output features of one group. For some input features at a
// time it copies what the positions read into padded planes (planes.h), so every place of the
// window is one offset for all positions; a tile then needs the weights as they lie, rows of the
// sum, and nothing is packed. Where rows of the output are so short that vectors would be half
// empty, the planes are copied once more, to one run of positions per element of the sum.
//
// An element's sum goes over blocks of input features whose size follows from the shape, in order:
// the same bits wherever it is computed.
#include <stdlib.h>
#include <string.h>

#include "routine/copy.h"
#include "routine/planes.h"
#include "routine/variant.h"

enum { TILE_ROWS = 4, TILE_VECTORS = 3, MAX_LANES = 16 };

typedef void TileFn(int64_t k, const void *a, int64_t a_row, const int32_t *offsets,
                    const void *const *x, const void *from, int64_t from_row, void *const *to,
                    int64_t to_row);
typedef void RowsFn(int64_t rows, int64_t n, const int32_t *offsets, const void *from, void *to);
typedef struct Kernels {
  int lanes;
  TileFn *tile[TILE_ROWS][TILE_VECTORS];
  RowsFn *rows;
} Kernels;

#define PJ_VARIANT_FILE "routine/conv_planes_variant.h"
#include "routine/variants.h"

enum {
  SUMS = 288,              // elements of the sum in one block, about
  MOST_PLACES = 4096,      // of a window
  PLANE_BYTES = 200 << 10, // of the planes of a block
  MOST_PLANE_BYTES = 8 << 20,
  PATCH_BYTES = 224 << 10, // of the copies by element of the sum
  SUM_BYTES = 256 << 10,   // of sums that later blocks go on with
  POSITIONS = 1024,        // of a task at most, about
  FEW_POSITIONS = 96,
  TASKS_EACH = 4,     // wanted for each thread
  TASK_FEATURES = 64, // output features that are worth copying planes again
  LINE = 64,
};

typedef struct ConvPlanes {
  PjRoutine routine;
  const PjConvShape *shape;
  const Kernels *kernels;
  size_t elem; // bytes of comp
  PjPlanes planes;
  int64_t out_step[PJ_PLANE_DIMS];   // of positions, in the output
  int32_t place_of[PJ_CONV_SPATIAL]; // a spatial dimension among those of the planes
  int64_t places, features;          // of the window; input features in one block
  int64_t images;                    // of a task: more than one only if all their positions are
  int32_t cut;                       // dimension that tasks cut; those before it go one by one
  int64_t positions;                 // of a task at most
  bool patches, native_out;
  const int32_t *offsets; // of the elements of a block's sum
  const int32_t *taps;    // patches: of the window's places in a set of planes
  // Weights: as they lie or copied to rows [group, output feature, feature, place].
  int64_t rhs_start, rhs_group, rhs_row;
  int64_t rhs_count;  // elements to convert, or 0
  const PjCopy *pack; // or NULL
  size_t converted_bytes, packed_bytes;
  int64_t vectors, pieces;                                       // of a task at most
  size_t plane_bytes, patch_bytes, sum_bytes, table_bytes, line; // of a thread
  int64_t sum_features; // output features of a task at most
} ConvPlanes;

// Neighbouring lanes of a vector whose places in the output are neighbours.
typedef struct Piece {
  int32_t lane, count;
  int64_t out;
} Piece;
typedef struct Vector {
  int64_t at;                // its first position in the planes, or patches
  int32_t piece, num_pieces; // its first
} Vector;

typedef struct Task {
  const ConvPlanes *p;
  int64_t group, feature, features; // output features
  int64_t image, images;
  int64_t start[PJ_PLANE_DIMS], count[PJ_PLANE_DIMS];
  // Of the thread.
  char *planes, *patches, *sums, *line;
  Vector *vectors;
  Piece *pieces;
  int32_t *rows; // patches: where its rows begin in the planes
  int64_t num_vectors, num_rows, row;
} Task;

typedef struct Run {
  const ConvPlanes *p;
  const char *in, *weights;
  char *out, *scratch;
  int64_t feature_blocks, block_features;
  int64_t image_blocks, blocks[PJ_PLANE_DIMS];
} Run;

// ---- a task
// Where the positions of |t| lie, row by row: function of the rows' offsets in planes and output.
static int64_t out_offset(const Task *t, int64_t image, int64_t i, int64_t j, int64_t k) {
  const ConvPlanes *p = t->p;
  return (t->image + image) * p->shape->out_batch + (t->start[0] + i) * p->out_step[0] +
         (t->start[1] + j) * p->out_step[1] + (t->start[2] + k) * p->out_step[2];
}

// Vectors of whole rows: a row begins a vector.
static void list_rows(Task *t) {
  const ConvPlanes *p = t->p;
  const int64_t lanes = p->kernels->lanes, *length = p->planes.length;
  int64_t num = 0;
  for (int64_t n = 0; n < t->images; ++n)
    for (int64_t i = 0; i < t->count[0]; ++i)
      for (int64_t j = 0; j < t->count[1]; ++j)
        for (int64_t k = 0; k < t->count[2]; k += lanes, ++num) {
          t->vectors[num] =
              (Vector){n * p->planes.set + (i * length[1] + j) * length[2] + k, (int32_t)num, 1};
          t->pieces[num] =
              (Piece){0, (int32_t)pj__min(lanes, t->count[2] - k), out_offset(t, n, i, j, k)};
        }
  t->num_vectors = num;
}

// Vectors of neighbouring positions, and the rows that patches are copied from.
static void list_positions(Task *t) {
  const ConvPlanes *p = t->p;
  const int64_t lanes = p->kernels->lanes, *length = p->planes.length;
  int64_t at = 0, pieces = 0, vectors = 0;
  t->num_rows = 0;
  t->row = t->count[2];
  for (int64_t n = 0; n < t->images; ++n)
    for (int64_t i = 0; i < t->count[0]; ++i)
      for (int64_t j = 0; j < t->count[1]; ++j) {
        t->rows[t->num_rows++] = (int32_t)(n * p->planes.set + (i * length[1] + j) * length[2]);
        int64_t out = out_offset(t, n, i, j, 0);
        for (int64_t left = t->row, have; left > 0; left -= have, at += have, out += have) {
          const int64_t lane = at % lanes;
          Piece *before = pieces ? &t->pieces[pieces - 1] : NULL;
          have = pj__min(left, lanes - lane);
          if (!lane)
            t->vectors[vectors++] = (Vector){at, (int32_t)pieces, 0};
          else if (before->out + before->count == out) {
            before->count += (int32_t)have;
            continue;
          }
          t->pieces[pieces++] = (Piece){(int32_t)lane, (int32_t)have, out};
          ++t->vectors[vectors - 1].num_pieces;
        }
      }
  t->num_vectors = vectors;
}

// Copies the input features [feature, feature + features) of the task's images.
static void copy_input(const Run *run, Task *t, const PjPlaneSpan *span, int64_t feature,
                       int64_t features) {
  const ConvPlanes *p = t->p;
  const PjConvShape *s = p->shape;
  const size_t elem = pj_dtype_bytes(s->lhs_dtype);
  const int64_t room = p->images * p->planes.set; // of a feature
  for (int64_t f = 0; f < features; ++f)
    for (int64_t n = 0; n < t->images; ++n)
      pj__planes_fill(&p->planes, span,
                      run->in + (t->group * s->lhs_group + (t->image + n) * s->lhs_batch +
                                 (feature + f) * s->lhs_feature) *
                                    (int64_t)elem,
                      t->planes + (size_t)(f * room + n * p->planes.set) * p->elem, t->line);
  if (!p->patches)
    return;
  char *to = t->patches;
  for (int64_t f = 0; f < features; ++f)
    for (int64_t i = 0; i < p->places; ++i, to += (size_t)p->positions * p->elem)
      p->kernels->rows(t->num_rows, t->row, t->rows,
                       t->planes + (size_t)(f * room + p->taps[i]) * p->elem, to);
}

// Few bytes, a multiple of 4.
static inline void copy_lanes(char *to, const char *from, size_t bytes) {
  for (; bytes >= 16; bytes -= 16, to += 16, from += 16)
    memcpy(to, from, 16);
  for (; bytes; bytes -= 4, to += 4, from += 4)
    memcpy(to, from, 4);
}

// Stores a tile that lies in |tile|, rows of |vectors| vectors.
static void store(const Task *t, const Vector *vectors, int width, int64_t rows, const char *tile,
                  int64_t tile_row, char *out) {
  const ConvPlanes *p = t->p;
  const size_t out_elem = pj_dtype_bytes(p->shape->out_dtype);
  for (int64_t r = 0; r < rows; ++r, out += p->shape->out_feature * (int64_t)out_elem)
    for (int v = 0; v < width; ++v) {
      const Piece *piece = &t->pieces[vectors[v].piece];
      for (int32_t i = 0; i < vectors[v].num_pieces; ++i, ++piece) {
        const char *from =
            tile + (size_t)(r * tile_row + v * p->kernels->lanes + piece->lane) * p->elem;
        char *to = out + piece->out * (int64_t)out_elem;
        if (p->native_out)
          copy_lanes(to, from, (size_t)piece->count * p->elem);
        else
          pj_comp_store(p->shape->comp, p->shape->out_dtype, piece->count, from, to);
      }
    }
}

static bool is_whole(const Task *t, const Vector *vectors, int width) {
  for (int v = 0; v < width; ++v)
    if (t->pieces[vectors[v].piece].count != t->p->kernels->lanes)
      return false;
  return true;
}

// All of the task's positions by output features [feature, feature + rows): the block of the sum
// that begins at |sum|, of |sums| elements.
static void multiply(const Run *run, const Task *t, int64_t feature, int64_t rows, int64_t sum,
                     int64_t sums, bool last) {
  const ConvPlanes *p = t->p;
  const Kernels *kernels = p->kernels;
  const int lanes = kernels->lanes;
  const char *a =
      run->weights +
      (p->rhs_start + t->group * p->rhs_group + feature * p->rhs_row + sum) * (int64_t)p->elem;
  const char *x = p->patches ? t->patches : t->planes;
  char *out = run->out + (t->group * p->shape->out_group + feature * p->shape->out_feature) *
                             (int64_t)pj_dtype_bytes(p->shape->out_dtype);
  const int64_t sums_row = p->vectors * lanes;
  char *mine = t->sums + (size_t)((feature - t->feature) * sums_row) * p->elem;
  _Alignas(64) char tile[TILE_ROWS * TILE_VECTORS * MAX_LANES * 4];
  // The next tile's weights come nearer while this one's are used.
  const int64_t line = LINE / (int64_t)p->elem, lines = pj__divide_up(sums, line) * TILE_ROWS;
  const int64_t share =
      feature + rows < t->feature + t->features
          ? pj__divide_up(lines * TILE_VECTORS, pj__max(t->num_vectors, TILE_VECTORS))
          : 0;
  int64_t fetched = 0;
  for (int64_t v = 0; v < t->num_vectors;) {
    const int64_t left = t->num_vectors - v;
    const int width = (int)(left == 4 ? 2 : pj__min(left, TILE_VECTORS));
    const Vector *vectors = &t->vectors[v];
    const void *at[TILE_VECTORS];
    void *to[TILE_VECTORS];
    const bool direct = last && p->native_out && is_whole(t, vectors, width);
    const int64_t to_row = direct ? p->shape->out_feature : last ? TILE_VECTORS * lanes : sums_row;
    for (int i = 0; i < width; ++i) {
      at[i] = x + (size_t)vectors[i].at * p->elem;
      to[i] = direct ? out + t->pieces[vectors[i].piece].out * (int64_t)p->elem
              : last ? tile + (size_t)(i * lanes) * p->elem
                     : mine + (size_t)((v + i) * lanes) * p->elem;
    }
    for (int64_t i = 0; i < share && fetched < lines; ++i, ++fetched)
      __builtin_prefetch(
          a + ((TILE_ROWS + fetched % TILE_ROWS) * p->rhs_row + fetched / TILE_ROWS * line) *
                  (int64_t)p->elem,
          0, 2);
    kernels->tile[rows - 1][width - 1](sums, a, p->rhs_row, p->offsets, at,
                                       sum ? mine + (size_t)(v * lanes) * p->elem : NULL, sums_row,
                                       to, to_row);
    if (last && !direct)
      store(t, vectors, width, rows, tile, to_row, out);
    v += width;
  }
}

static void run_task(const Run *run, Task *t) {
  const ConvPlanes *p = t->p;
  const int64_t all = p->shape->features;
  PjPlaneSpan span;
  pj__planes_span(&p->planes, t->start, &span);
  if (p->patches)
    list_positions(t);
  else
    list_rows(t);
  for (int64_t f = 0; f < all; f += p->features) {
    const int64_t features = pj__min(p->features, all - f);
    copy_input(run, t, &span, f, features);
    for (int64_t o = 0; o < t->features; o += TILE_ROWS)
      multiply(run, t, t->feature + o, pj__min(TILE_ROWS, t->features - o), f * p->places,
               features * p->places, f + features == all);
  }
}

static void tasks(void *context, int64_t begin, int64_t end, int thread) {
  const Run *run = context;
  const ConvPlanes *p = run->p;
  const PjConvShape *s = p->shape;
  char *at = pj__thread_scratch(&p->routine, run->scratch, thread);
  Task t = {.p = p, .planes = at};
  t.patches = t.planes + p->plane_bytes;
  t.sums = t.patches + p->patch_bytes;
  t.line = t.sums + p->sum_bytes;
  t.vectors = (Vector *)(t.line + p->line);
  t.pieces = (Piece *)(t.vectors + p->vectors);
  t.rows = (int32_t *)(t.pieces + p->pieces);
  for (int64_t task = begin; task < end; ++task) {
    int64_t rest = task;
    t.feature = rest % run->feature_blocks * run->block_features;
    t.features = pj__min(run->block_features, s->out_features - t.feature);
    rest /= run->feature_blocks;
    for (int32_t d = PJ_PLANE_DIMS - 1; d >= 0; --d) {
      t.start[d] = rest % run->blocks[d] * p->planes.block[d];
      t.count[d] = pj__min(p->planes.block[d], p->planes.dims[d].count - t.start[d]);
      rest /= run->blocks[d];
    }
    t.image = rest % run->image_blocks * p->images;
    t.images = pj__min(p->images, s->batch - t.image);
    t.group = rest / run->image_blocks;
    run_task(run, &t);
  }
}

// ---- weights
typedef struct Convert {
  const ConvPlanes *p;
  const char *from;
  char *to;
} Convert;

static void convert(void *context, int64_t begin, int64_t end, int thread) {
  const Convert *c = context;
  const PjConvShape *s = c->p->shape;
  pj_comp_load(s->comp, s->rhs_dtype, end - begin,
               c->from + begin * (int64_t)pj_dtype_bytes(s->rhs_dtype),
               c->to + (size_t)begin * c->p->elem);
}

// The weights where tiles can read them, in scratch if not in |weights|.
static const char *prepare_weights(const ConvPlanes *p, PjThreads *threads, const char *weights,
                                   char *scratch) {
  if (p->rhs_count) {
    Convert c = {p, weights, scratch};
    pj_threads_for(threads, p->rhs_count, pj__grain(p->rhs_count, (double)p->elem), convert, &c);
    weights = scratch;
    scratch += p->converted_bytes;
  }
  if (p->pack) {
    pj__copy_run(p->pack, threads, weights + p->shape->rhs_start * (int64_t)p->elem, scratch);
    weights = scratch;
  }
  return weights;
}

static PjStatus run_planes(const PjRoutine *self, PjThreads *threads, const void *const *in,
                           void *const *out, void *scratch) {
  const ConvPlanes *p = (const ConvPlanes *)self;
  const PjConvShape *s = p->shape;
  Run run = {.p = p, .in = in[0], .out = out[0], .scratch = scratch};
  run.weights = prepare_weights(p, threads, in[1], scratch);
  run.image_blocks = pj__divide_up(s->batch, p->images);
  int64_t tasks_of_all = s->groups * run.image_blocks;
  for (int32_t d = 0; d < PJ_PLANE_DIMS; ++d) {
    run.blocks[d] = pj__divide_up(p->planes.dims[d].count, p->planes.block[d]);
    tasks_of_all *= run.blocks[d];
  }
  // Output features are cut where positions are too few for the threads, or sums would not fit.
  const int64_t wanted =
      pj_threads_count(threads) > 1 ? (int64_t)pj_threads_count(threads) * TASKS_EACH : 1;
  const int64_t most = pj__max(1, s->out_features / TASK_FEATURES);
  run.feature_blocks = pj__max(pj__divide_up(s->out_features, p->sum_features),
                               pj__min(most, pj__divide_up(wanted, tasks_of_all)));
  run.block_features =
      pj__divide_up(pj__divide_up(s->out_features, run.feature_blocks), TILE_ROWS) * TILE_ROWS;
  run.feature_blocks = pj__divide_up(s->out_features, run.block_features);
  tasks_of_all *= run.feature_blocks;
  const double work = (double)p->positions * (double)run.block_features * (double)p->places *
                      (double)s->features / 8;
  pj_threads_for(threads, tasks_of_all, pj__grain(tasks_of_all, work), tasks, &run);
  return PJ_STATUS_OK;
}

// ---- plan
// True if the weights lie as tiles read them: rows of the sum, whose places |order| lists (spatial
// dimensions, outermost first).
static bool weights_in_rows(const PjConvShape *s, int32_t *order) {
  for (int32_t i = 0; i < s->spatial; ++i) {
    int32_t at = i;
    for (; at > 0 && llabs(s->rhs_spatial[order[at - 1]]) < llabs(s->rhs_spatial[i]); --at)
      order[at] = order[at - 1];
    order[at] = i;
  }
  int64_t step = 1;
  for (int32_t i = s->spatial - 1; i >= 0; --i) {
    if (s->window[order[i]] == 1)
      continue;
    if (llabs(s->rhs_spatial[order[i]]) != step)
      return false;
    step *= s->window[order[i]];
  }
  return (s->features == 1 || s->rhs_in == step) && pj_comp_is_native(s->comp, s->rhs_dtype);
}

static void plan_weights(PjArena *arena, ConvPlanes *p, const PjType *rhs, const int32_t *order,
                         bool in_rows) {
  const PjConvShape *s = p->shape;
  if (in_rows) {
    p->rhs_start = s->rhs_start;
    for (int32_t d = 0; d < s->spatial; ++d)
      p->rhs_start += s->rhs_spatial[d] < 0 ? (s->window[d] - 1) * s->rhs_spatial[d] : 0;
    p->rhs_row = s->rhs_out;
    p->rhs_group = s->rhs_group;
    return;
  }
  p->rhs_row = s->features * p->places;
  p->rhs_group = s->out_features * p->rhs_row;
  p->packed_bytes = pj__scratch_round((size_t)(s->groups * p->rhs_group) * p->elem);
  if (!pj_comp_is_native(s->comp, s->rhs_dtype)) {
    p->rhs_count = pj__count(rhs);
    p->converted_bytes = pj__scratch_round((size_t)p->rhs_count * p->elem);
  }
  int64_t dims[PJ_CONV_SPATIAL + 3] = {s->groups, s->out_features, s->features},
                                 from[PJ_CONV_SPATIAL + 3] = {s->rhs_group, s->rhs_out, s->rhs_in},
                                 to[PJ_CONV_SPATIAL + 3];
  for (int32_t i = 0; i < s->spatial; ++i) {
    dims[3 + i] = s->window[order[i]];
    from[3 + i] = s->rhs_spatial[order[i]];
  }
  pj_strides(s->spatial + 3, dims, to);
  PjCopy *pack = PJ_NEW(arena, PjCopy);
  pj__copy_plan(pack, p->elem, s->spatial + 3, dims, from, to);
  p->pack = pack;
}

// Spatial dimension |d| goes on where |next| ends: windows of one element that are everywhere.
static bool joins(const PjConvShape *s, int32_t d, const PjPlaneDim *next, int64_t out_step) {
  return s->window[d] == 1 && next->taps == 1 && !s->low[d] && !next->low && s->stride[d] == 1 &&
         next->step == 1 && s->out[d] == s->in[d] && next->count == next->in &&
         s->lhs_spatial[d] == next->in * next->input && s->out_spatial[d] == next->count * out_step;
}

static bool plan_dims(ConvPlanes *p) {
  const PjConvShape *s = p->shape;
  int32_t at = PJ_PLANE_DIMS;
  for (int32_t d = 0; d < PJ_PLANE_DIMS; ++d)
    p->planes.dims[d] = (PjPlaneDim){.count = 1, .step = 1, .taps = 1, .dilation = 1, .in = 1};
  for (int32_t d = s->spatial - 1; d >= 0; --d) {
    PjPlaneDim *dims = p->planes.dims;
    if (at < PJ_PLANE_DIMS && joins(s, d, &dims[at], p->out_step[at])) {
      dims[at].count *= s->out[d];
      dims[at].in *= s->in[d];
    } else {
      dims[--at] = (PjPlaneDim){.count = s->out[d],
                                .step = s->stride[d],
                                .taps = s->window[d],
                                .dilation = s->window_dilation[d],
                                .low = s->low[d],
                                .in = s->in[d],
                                .input = s->lhs_spatial[d]};
      p->out_step[at] = s->out_spatial[d];
    }
    p->place_of[d] = at;
  }
  const PjPlaneDim *last = &p->planes.dims[PJ_PLANE_DIMS - 1];
  p->planes.comp = s->comp;
  p->planes.dtype = s->lhs_dtype;
  return (last->input == 1 || last->in == 1) &&
         (p->out_step[PJ_PLANE_DIMS - 1] == 1 || last->count == 1) && pj__planes_init(&p->planes);
}

// Vectors that |count| positions, rows of |row|, take.
static int64_t count_vectors(const ConvPlanes *p, int64_t count, int64_t row) {
  const int64_t lanes = p->kernels->lanes;
  return p->patches ? pj__divide_up(count, lanes) : count / row * pj__divide_up(row, lanes);
}

// How many of |count| equal parts, of |inner| positions each, a task takes, at most |most|: so that
// whole tiles waste least.
static int64_t choose_parts(const ConvPlanes *p, int64_t count, int64_t inner, int64_t most,
                            int64_t row) {
  int64_t best = 1;
  double least = 1e30;
  most = pj__max(1, pj__min(most, count));
  for (int64_t parts = most; parts > 0 && parts >= most / 2; --parts) {
    const int64_t whole = count / parts, rest = count % parts;
    double tiles = 0;
    for (int32_t i = 0; i < 2; ++i) {
      const int64_t size = i ? rest : parts;
      const int64_t vectors =
          count_vectors(p, size * inner, p->cut == PJ_PLANE_DIMS - 1 ? size : row);
      tiles += (double)(i ? rest != 0 : whole) * (double)pj__divide_up(vectors, TILE_VECTORS);
    }
    if (tiles < least) {
      least = tiles;
      best = parts;
    }
  }
  return best;
}

// The planes for about |positions| positions a task.
static bool plan_block(ConvPlanes *p, int64_t positions) {
  const PjPlaneDim *dims = p->planes.dims;
  int64_t inner = dims[1].count * dims[2].count, block[PJ_PLANE_DIMS];
  p->cut = 0;
  if (inner > positions) {
    p->cut = 1;
    inner = dims[2].count;
    if (inner > positions) {
      p->cut = 2;
      inner = 1;
    }
  }
  for (int32_t d = 0; d < PJ_PLANE_DIMS; ++d)
    block[d] = d < p->cut ? 1 : dims[d].count;
  const int64_t count = dims[p->cut].count, row = dims[PJ_PLANE_DIMS - 1].count;
  block[p->cut] = choose_parts(p, count, inner, positions / inner, row);
  p->positions = block[p->cut] * inner;
  p->images = 1;
  if (p->cut == 0 && block[0] == count) {
    p->images = choose_parts(p, p->shape->batch, p->positions, positions / p->positions, row);
    p->positions *= p->images;
  }
  return pj__planes_block(&p->planes, block) > 0;
}

// Elements of the planes of one block of features.
static double plane_size(const ConvPlanes *p) {
  return (double)p->planes.set * (double)p->images * (double)p->features;
}

// Chooses blocks. Vectors of whole rows waste lanes, copies by element of the sum take time.
static bool plan_blocks(ConvPlanes *p) {
  const PjConvShape *s = p->shape;
  const int64_t lanes = p->kernels->lanes, row = p->planes.dims[PJ_PLANE_DIMS - 1].count;
  const double rows_waste = (double)(pj__divide_up(row, lanes) * lanes) / (double)row - 1;
  int64_t blocks = pj__divide_up(s->features, pj__max(1, SUMS / p->places));
  p->features = pj__divide_up(s->features, blocks);
  p->patches = rows_waste * (double)s->out_features > 10;
  int64_t positions = POSITIONS;
  if (blocks > 1)
    positions = pj__min(positions,
                        pj__max(FEW_POSITIONS, SUM_BYTES / (s->out_features * (int64_t)p->elem)));
  if (p->patches) {
    const int64_t fit = PATCH_BYTES / (p->features * p->places * (int64_t)p->elem);
    positions = pj__min(positions, pj__max(FEW_POSITIONS, fit));
  }
  for (;; positions /= 2) {
    if (!plan_block(p, positions))
      return false;
    if (plane_size(p) * (double)p->elem <= PLANE_BYTES)
      break;
    if (positions < FEW_POSITIONS) {
      if (p->features == 1)
        break;
      p->features = pj__divide_up(p->features, 2);
      positions *= 2;
    }
  }
  const int64_t rows = p->positions / p->planes.block[PJ_PLANE_DIMS - 1];
  if (p->patches) {
    p->vectors = pj__divide_up(p->positions, lanes);
    p->pieces = p->vectors + rows;
    p->positions = p->vectors * lanes;
  } else {
    p->vectors = rows * pj__divide_up(p->planes.block[PJ_PLANE_DIMS - 1], lanes);
    p->pieces = p->vectors;
  }
  return plane_size(p) * (double)p->elem <= MOST_PLANE_BYTES;
}

static void plan_offsets(PjArena *arena, ConvPlanes *p, const int32_t *order) {
  const PjConvShape *s = p->shape;
  int32_t *taps = PJ_NEW_ARRAY(arena, int32_t, (size_t)p->places),
          *offsets = PJ_NEW_ARRAY(arena, int32_t, (size_t)(p->places * p->features));
  for (int64_t i = 0; i < p->places; ++i) {
    int64_t rest = i, tap[PJ_PLANE_DIMS] = {0};
    for (int32_t d = s->spatial - 1; d >= 0; --d) {
      const int32_t dim = order[d];
      const int64_t at = rest % s->window[dim];
      rest /= s->window[dim];
      if (s->window[dim] > 1) // those that joined others have one
        tap[p->place_of[dim]] = p->pack || s->rhs_spatial[dim] >= 0 ? at : s->window[dim] - 1 - at;
    }
    taps[i] = (int32_t)pj__planes_tap(&p->planes, tap);
  }
  for (int64_t f = 0; f < p->features; ++f)
    for (int64_t i = 0; i < p->places; ++i)
      offsets[f * p->places + i] = (int32_t)(p->patches ? (f * p->places + i) * p->positions
                                                        : f * p->images * p->planes.set + taps[i]);
  p->taps = taps;
  p->offsets = offsets;
}

const PjRoutine *pj__conv_planes(PjArena *arena, const PjConvShape *s, const PjType *rhs) {
  const bool wide = s->comp == PJ_COMP_F64;
  if ((s->comp != PJ_COMP_F32 && !wide) || s->spatial < 1 || s->spatial > PJ_PLANE_DIMS ||
      s->window_size > MOST_PLACES)
    return NULL;
  for (int32_t d = 0; d < s->spatial; ++d)
    if (s->in_dilation[d] != 1)
      return NULL;
  ConvPlanes *p = PJ_NEW(arena, ConvPlanes);
  *p = (ConvPlanes){.shape = s,
                    .kernels = &PJ_PICK(kernels)[wide],
                    .elem = pj_comp_bytes(s->comp),
                    .places = s->window_size,
                    .native_out = pj_comp_is_native(s->comp, s->out_dtype)};
  int32_t order[PJ_CONV_SPATIAL];
  const bool in_rows = weights_in_rows(s, order);
  if (!plan_dims(p) || !plan_blocks(p))
    return NULL;
  plan_weights(arena, p, rhs, order, in_rows);
  plan_offsets(arena, p, order);
  const size_t elem = p->elem, slack = MAX_LANES * 4; // vectors end behind the last element
  p->plane_bytes = pj__scratch_round((size_t)plane_size(p) * elem + slack);
  p->patch_bytes =
      p->patches
          ? pj__scratch_round((size_t)(p->features * p->places * p->positions) * elem + slack)
          : 0;
  p->sum_features = s->out_features;
  if (p->features < s->features) {
    const int64_t fit = SUM_BYTES / (p->vectors * p->kernels->lanes * (int64_t)elem);
    p->sum_features = pj__min(s->out_features, pj__max(TASK_FEATURES, fit / TILE_ROWS * TILE_ROWS));
    p->sum_bytes =
        pj__scratch_round((size_t)(p->sum_features * p->vectors * p->kernels->lanes) * elem);
  }
  p->line = pj__planes_line(&p->planes);
  p->table_bytes = pj__scratch_round((size_t)p->vectors * sizeof(Vector) +
                                     (size_t)p->pieces * (sizeof(Piece) + sizeof(int32_t)));
  p->routine = (PjRoutine){.name = "conv_planes", .run = run_planes, .in_place = -1};
  p->routine.scratch_bytes = p->converted_bytes + p->packed_bytes;
  p->routine.thread_scratch_bytes =
      p->plane_bytes + p->patch_bytes + p->sum_bytes + p->line + p->table_bytes;
  return &p->routine;
}
