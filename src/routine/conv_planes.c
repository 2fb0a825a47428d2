// Convolution with positions next to each other (NCHW): tiles of some output features by some
// vectors of positions, whose windows are read where they lie.
//
// A task has a block of positions and of output features of one group. For some input features at a
// time it copies what the positions read into padded planes (planes.h), so every place of the
// window is one offset for all positions; a tile then needs the weights as they lie, rows of the
// sum, and nothing is packed. Vectors begin with the rows, or run on over the planes' padding where
// fewer then do; where both would be half empty the planes are copied once more, to one run of
// positions per element of the sum.
//
// An element's sum goes over blocks of input features whose size follows from the shape, in order:
// the same bits wherever it is computed. conv_planes_plan.c chooses the blocks.
#include "routine/conv_planes.h"

#include <string.h>

#include "routine/variant.h"

#define PJ_VARIANT_FILE "routine/conv_planes_variant.h"
#include "routine/variants.h"

enum {
  TASKS_EACH = 4, // wanted for each thread
  LINE = 64,
};

const PjPlaneKernels *pj__plane_kernels(bool wide) {
  return &PJ_PICK(kernels)[wide];
}

typedef struct Task {
  const PjConvPlanes *p;
  int64_t group, feature, features; // output features
  int64_t image, images;
  int64_t start[PJ_PLANE_DIMS], count[PJ_PLANE_DIMS];
  // Of the thread.
  char *planes, *patches, *sums, *line;
  PjVector *vectors;
  PjPiece *pieces;
  int32_t *rows; // patches: where its rows begin in the planes
  int64_t num_vectors, num_rows, row;
} Task;

typedef struct Run {
  const PjConvPlanes *p;
  const char *in, *weights;
  char *out, *scratch;
  int64_t feature_blocks, block_features;
  int64_t image_blocks, blocks[PJ_PLANE_DIMS];
} Run;

// ---- a task
// Where the positions of |t| lie, row by row: function of the rows' offsets in planes and output.
static int64_t out_offset(const Task *t, int64_t image, int64_t i, int64_t j, int64_t k) {
  const PjConvPlanes *p = t->p;
  return (t->image + image) * p->shape->out_batch + (t->start[0] + i) * p->out_step[0] +
         (t->start[1] + j) * p->out_step[1] + (t->start[2] + k) * p->out_step[2];
}

// Vectors of whole rows: a row begins a vector.
static void list_rows(Task *t) {
  const PjConvPlanes *p = t->p;
  const int64_t lanes = p->kernels->lanes, *length = p->planes.length, pitch = p->planes.pitch;
  int64_t num = 0;
  for (int64_t n = 0; n < t->images; ++n)
    for (int64_t i = 0; i < t->count[0]; ++i)
      for (int64_t j = 0; j < t->count[1]; ++j)
        for (int64_t k = 0; k < t->count[2]; k += lanes, ++num) {
          t->vectors[num] =
              (PjVector){n * p->planes.set + (i * length[1] + j) * pitch + k, (int32_t)num, 1};
          t->pieces[num] = (PjPiece){.count = (int32_t)pj__min(lanes, t->count[2] - k),
                                     .out = out_offset(t, n, i, j, k)};
        }
  t->num_vectors = num;
}

// Vectors that run on from row to row, over what lies between them.
static void list_runs(Task *t) {
  const PjConvPlanes *p = t->p;
  const int64_t lanes = p->kernels->lanes, *length = p->planes.length, pitch = p->planes.pitch;
  int64_t vectors = 0, pieces = 0;
  for (int64_t n = 0; n < t->images; ++n)
    for (int64_t i = 0; i < t->count[0]; ++i) {
      const int64_t base = n * p->planes.set + i * length[1] * pitch,
                    end = (t->count[1] - 1) * pitch + t->count[2];
      for (int64_t at = 0; at < end; at += lanes) {
        t->vectors[vectors] = (PjVector){base + at, (int32_t)pieces, 0};
        for (int64_t lane = 0; lane < lanes && at + lane < end;) {
          const int64_t row = (at + lane) / pitch, k = (at + lane) % pitch;
          const int64_t have = pj__min(lanes - lane, t->count[2] - k);
          if (have > 0) {
            t->pieces[pieces++] = (PjPiece){
                .lane = (int32_t)lane, .count = (int32_t)have, .out = out_offset(t, n, i, row, k)};
            ++t->vectors[vectors].num_pieces;
          }
          lane += pj__min(lanes - lane, pitch - k);
        }
        ++vectors;
      }
    }
  t->num_vectors = vectors;
}

// Vectors of neighbouring positions, and the rows that patches are copied from.
static void list_positions(Task *t) {
  const PjConvPlanes *p = t->p;
  const int64_t lanes = p->kernels->lanes, *length = p->planes.length, pitch = p->planes.pitch;
  int64_t at = 0, pieces = 0, vectors = 0;
  t->num_rows = 0;
  t->row = t->count[2];
  for (int64_t n = 0; n < t->images; ++n)
    for (int64_t i = 0; i < t->count[0]; ++i)
      for (int64_t j = 0; j < t->count[1]; ++j) {
        t->rows[t->num_rows++] = (int32_t)(n * p->planes.set + (i * length[1] + j) * pitch);
        int64_t out = out_offset(t, n, i, j, 0);
        for (int64_t left = t->row, have; left > 0; left -= have, at += have, out += have) {
          const int64_t lane = at % lanes;
          PjPiece *before = pieces ? &t->pieces[pieces - 1] : NULL;
          have = pj__min(left, lanes - lane);
          if (!lane)
            t->vectors[vectors++] = (PjVector){at, (int32_t)pieces, 0};
          else if (before->out + before->count == out) {
            before->count += (int32_t)have;
            continue;
          }
          t->pieces[pieces++] =
              (PjPiece){.lane = (int32_t)lane, .count = (int32_t)have, .out = out};
          ++t->vectors[vectors - 1].num_pieces;
        }
      }
  t->num_vectors = vectors;
}

// Vectors are stored in the order of pieces, so one may write what later ones overwrite.
static void find_room(Task *t) {
  const PjVector *last = &t->vectors[t->num_vectors - 1];
  PjPiece *piece = &t->pieces[last->piece + last->num_pieces - 1], *behind = NULL;
  for (; piece >= t->pieces; behind = piece--)
    piece->room =
        piece->count + (behind && behind->out == piece->out + piece->count ? behind->room : 0);
}

// Copies the input features [feature, feature + features) of the task's images.
static void copy_input(const Run *run, Task *t, const PjPlaneSpan *span, int64_t feature,
                       int64_t features) {
  const PjConvPlanes *p = t->p;
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
  if (p->mode != PJ_VECTORS_PATCHES)
    return;
  char *to = t->patches;
  for (int64_t f = 0; f < features; ++f)
    for (int64_t i = 0; i < p->places; ++i, to += (size_t)p->positions * p->elem)
      p->kernels->put_rows(t->num_rows, t->row, t->rows,
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
static void store(const Task *t, const PjVector *vectors, int width, int64_t rows, const char *tile,
                  int64_t tile_row, char *out) {
  const PjConvPlanes *p = t->p;
  const int lanes = p->kernels->lanes;
  const size_t elem = p->elem;
  for (int v = 0; v < width; ++v)
    for (int32_t i = 0; i < vectors[v].num_pieces; ++i) {
      const PjPiece *piece = &t->pieces[vectors[v].piece + i];
      const char *from = tile + (size_t)(v * lanes + piece->lane) * elem;
      char *to = out + piece->out * (int64_t)elem;
      const size_t bytes = (size_t)(piece->room >= lanes ? lanes : piece->count) * elem;
      for (int64_t r = 0; r < rows;
           ++r, from += (size_t)tile_row * elem, to += p->shape->out_feature * (int64_t)elem)
        copy_lanes(to, from, bytes);
    }
}

// Stores rows of sums as other numbers, as many at once as lie side by side in both.
static void store_as(const Task *t, int64_t rows, const char *sums, int64_t sums_row, char *out) {
  const PjConvPlanes *p = t->p;
  const int64_t lanes = p->kernels->lanes, out_elem = (int64_t)pj_dtype_bytes(p->shape->out_dtype);
  for (int64_t v = 0; v < t->num_vectors; ++v)
    for (int32_t i = 0; i < t->vectors[v].num_pieces; ++i) {
      const PjPiece *piece = &t->pieces[t->vectors[v].piece + i];
      const int64_t at = v * lanes + piece->lane, to = piece->out;
      int64_t count = piece->count;
      for (; v + 1 < t->num_vectors && (at + count) % lanes == 0; ++v, i = 0) {
        const PjPiece *next = &t->pieces[t->vectors[v + 1].piece];
        if (next->lane || next->out != to + count)
          break;
        count += next->count;
      }
      for (int64_t r = 0; r < rows; ++r)
        pj_comp_store(p->shape->comp, p->shape->out_dtype, count,
                      sums + (size_t)(r * sums_row + at) * p->elem,
                      out + (r * p->shape->out_feature + to) * out_elem);
    }
}

// Whether vectors can be stored as they are.
static bool is_whole(const Task *t, const PjVector *vectors, int width) {
  for (int v = 0; v < width; ++v)
    if (t->pieces[vectors[v].piece].lane ||
        t->pieces[vectors[v].piece].room < t->p->kernels->lanes || vectors[v].num_pieces != 1)
      return false;
  return true;
}

// All of the task's positions by output features [feature, feature + rows): the block of the sum
// that begins at |sum|, of |sums| elements.
static void multiply(const Run *run, const Task *t, int64_t feature, int64_t rows, int64_t sum,
                     int64_t sums, bool last) {
  const PjConvPlanes *p = t->p;
  const PjPlaneKernels *kernels = p->kernels;
  const int lanes = kernels->lanes;
  const char *a =
      run->weights +
      (p->rhs_start + t->group * p->rhs_group + feature * p->rhs_row + sum) * (int64_t)p->elem;
  const char *x = p->mode == PJ_VECTORS_PATCHES ? t->patches : t->planes;
  char *out = run->out + (t->group * p->shape->out_group + feature * p->shape->out_feature) *
                             (int64_t)pj_dtype_bytes(p->shape->out_dtype);
  const int64_t sums_row = p->vectors * lanes;
  char *mine = t->sums;
  if (p->features < p->shape->features)
    mine += (size_t)((feature - t->feature) * sums_row) * p->elem;
  const bool to_out = last && p->native_out;
  // A vector behind the last piece is read.
  _Alignas(64) char tile[(PJ_TILE_ROWS * PJ_TILE_VECTORS + 1) * PJ_TILE_LANES * 4];
  // The next tile's weights come nearer while this one's are used.
  const int64_t line = LINE / (int64_t)p->elem, lines = pj__divide_up(sums, line) * rows;
  const int64_t share =
      feature + rows < t->feature + t->features
          ? pj__divide_up(lines * PJ_TILE_VECTORS, pj__max(t->num_vectors, PJ_TILE_VECTORS))
          : 0;
  int64_t fetched = 0, fetched_row = 0;
  const char *fetch = a + rows * p->rhs_row * (int64_t)p->elem;
  for (int64_t v = 0; v < t->num_vectors;) {
    const int64_t left = t->num_vectors - v;
    const int width = (int)(left == 4 ? 2 : pj__min(left, PJ_TILE_VECTORS));
    const PjVector *vectors = &t->vectors[v];
    const void *at[PJ_TILE_VECTORS];
    void *to[PJ_TILE_VECTORS];
    const bool direct = to_out && is_whole(t, vectors, width);
    const int64_t to_row = direct   ? p->shape->out_feature
                           : to_out ? PJ_TILE_VECTORS * lanes
                                    : sums_row;
    for (int i = 0; i < width; ++i) {
      at[i] = x + (size_t)vectors[i].at * p->elem;
      to[i] = direct   ? out + t->pieces[vectors[i].piece].out * (int64_t)p->elem
              : to_out ? tile + (size_t)(i * lanes) * p->elem
                       : mine + (size_t)((v + i) * lanes) * p->elem;
    }
    for (int64_t i = 0; i < share && fetched < lines; ++i, ++fetched) {
      __builtin_prefetch(fetch, 0, 2);
      fetch += p->rhs_row * (int64_t)p->elem;
      if (++fetched_row == rows) {
        fetch += LINE - rows * p->rhs_row * (int64_t)p->elem;
        fetched_row = 0;
      }
    }
    kernels->tile[pj__min(rows, PJ_TILE_HEIGHTS) - 1][width - 1](
        sums, a, p->rhs_row, p->offsets, at, sum ? mine + (size_t)(v * lanes) * p->elem : NULL,
        sums_row, to, to_row);
    if (to_out && !direct)
      store(t, vectors, width, rows, tile, to_row, out);
    v += width;
  }
  if (last && !p->native_out)
    store_as(t, rows, mine, sums_row, out);
}

static void run_task(const Run *run, Task *t) {
  const PjConvPlanes *p = t->p;
  const int64_t all = p->shape->features;
  PjPlaneSpan span;
  pj__planes_span(&p->planes, t->start, &span);
  if (p->mode == PJ_VECTORS_PATCHES)
    list_positions(t);
  else if (p->mode == PJ_VECTORS_RUNS)
    list_runs(t);
  else
    list_rows(t);
  find_room(t);
  for (int64_t f = 0; f < all; f += p->features) {
    const int64_t features = pj__min(p->features, all - f);
    copy_input(run, t, &span, f, features);
    const int64_t most = p->kernels->rows;
    for (int64_t o = 0, rows; o < t->features; o += rows) {
      rows = t->features - o >= most ? most : pj__min(PJ_TILE_LOW, t->features - o);
      multiply(run, t, t->feature + o, rows, f * p->places, features * p->places,
               f + features == all);
    }
  }
}

static void tasks(void *context, int64_t begin, int64_t end, int thread) {
  const Run *run = context;
  const PjConvPlanes *p = run->p;
  const PjConvShape *s = p->shape;
  char *at = pj__thread_scratch(&p->routine, run->scratch, thread);
  Task t = {.p = p, .planes = at};
  t.patches = t.planes + p->plane_bytes;
  t.sums = t.patches + p->patch_bytes;
  t.line = t.sums + p->sum_bytes;
  t.vectors = (PjVector *)(t.line + p->line);
  t.pieces = (PjPiece *)(t.vectors + p->vectors);
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
  const PjConvPlanes *p;
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
static const char *prepare_weights(const PjConvPlanes *p, PjThreads *threads, const char *weights,
                                   char *scratch) {
  if (p->rhs_count) {
    Convert c = {p, weights, scratch};
    pj_threads_for(threads, p->rhs_count, pj__grain(p->rhs_count, (double)p->elem), convert, &c);
    weights = scratch;
    scratch += p->converted_bytes;
  }
  if (p->pack) {
    pj__copy_run(p->pack, threads, weights + p->pack_start * (int64_t)p->elem, scratch);
    weights = scratch;
  }
  return weights;
}

PjStatus pj__conv_planes_run(const PjRoutine *self, PjThreads *threads, const void *const *in,
                             void *const *out, void *scratch) {
  const PjConvPlanes *p = (const PjConvPlanes *)self;
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
  const int64_t most = pj__max(1, s->out_features / PJ_TASK_FEATURES);
  run.feature_blocks = pj__max(pj__divide_up(s->out_features, p->sum_features),
                               pj__min(most, pj__divide_up(wanted, tasks_of_all)));
  run.block_features =
      pj__divide_up(pj__divide_up(s->out_features, run.feature_blocks), PJ_TILE_ROWS) *
      PJ_TILE_ROWS;
  run.feature_blocks = pj__divide_up(s->out_features, run.block_features);
  tasks_of_all *= run.feature_blocks;
  const double work = (double)p->positions * (double)run.block_features * (double)p->places *
                      (double)s->features / 8;
  pj_threads_for(threads, tasks_of_all, pj__grain(tasks_of_all, work), tasks, &run);
  return PJ_STATUS_OK;
}
