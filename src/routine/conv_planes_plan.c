// The plan of a convolution from padded planes: dimensions, blocks, offsets, weights.
#include <stdlib.h>

#include "base/cpu.h"
#include "eval/strided.h"
#include "routine/conv_planes.h"

enum {
  SUMS = 288,              // elements of the sum in one block, about
  MOST_PLACES = 4096,      // of a window
  PLANE_BYTES = 200 << 10, // of the planes of a block
  MOST_PLANE_BYTES = 8 << 20,
  PATCH_BYTES = 224 << 10, // of the copies by element of the sum
  SUM_BYTES = 256 << 10,   // of sums that later blocks go on with
  // The same with AVX-512, whose processors have a larger second cache.
  PATCH_BYTES_WIDE = 480 << 10,
  SUM_BYTES_WIDE = 512 << 10,
  POSITIONS = 1024, // of a task at most, about
  FEW_POSITIONS = 96,
  STORE_SUMS = 16, // multiplications that take as long as storing a result lane by lane
};

static int64_t most_bytes(int64_t bytes, int64_t wide) {
  return pj_cpu_has(PJ_CPU_AVX512) ? wide : bytes;
}

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

static void plan_weights(PjArena *arena, PjConvPlanes *p, const PjType *rhs, const int32_t *order,
                         bool in_rows) {
  const PjConvShape *s = p->shape;
  // Windows that are turned stay so: their taps are turned instead (plan_offsets).
  int64_t start = s->rhs_start;
  for (int32_t d = 0; d < s->spatial; ++d)
    start += s->rhs_spatial[d] < 0 ? (s->window[d] - 1) * s->rhs_spatial[d] : 0;
  if (in_rows) {
    p->rhs_start = start;
    p->rhs_row = s->rhs_out;
    p->rhs_group = s->rhs_group;
    return;
  }
  p->pack_start = start;
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
    from[3 + i] = llabs(s->rhs_spatial[order[i]]);
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

static bool plan_dims(PjConvPlanes *p) {
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

// Vectors that |rows| rows of |row| positions take, of which |together| lie in one plane.
static int64_t count_vectors(const PjConvPlanes *p, int64_t rows, int64_t row, int64_t together) {
  const int64_t lanes = p->kernels->lanes;
  if (p->mode == PJ_VECTORS_PATCHES)
    return pj__divide_up(rows * row, lanes);
  if (p->mode == PJ_VECTORS_ROWS)
    return rows * pj__divide_up(row, lanes);
  return rows / together *
         pj__divide_up((together - 1) * pj__planes_pitch(&p->planes) + row, lanes);
}

// Vectors of a task with |parts| of what it cuts: positions along the dimension, or images.
static int64_t part_vectors(const PjConvPlanes *p, int64_t parts, bool images) {
  const PjPlaneDim *dims = p->planes.dims;
  if (images)
    return count_vectors(p, parts * dims[0].count * dims[1].count, dims[2].count, dims[1].count);
  if (p->cut == 0)
    return count_vectors(p, parts * dims[1].count, dims[2].count, dims[1].count);
  return p->cut == 1 ? count_vectors(p, parts, dims[2].count, parts)
                     : count_vectors(p, 1, parts, 1);
}

// How many of |count| parts a task takes, at most |most|: so that whole tiles waste least.
static int64_t choose_parts(const PjConvPlanes *p, int64_t count, int64_t most, bool images) {
  int64_t best = 1, least = INT64_MAX;
  most = pj__max(1, pj__min(most, count));
  for (int64_t parts = most; parts > 0 && parts >= most / 2; --parts) {
    const int64_t rest = count % parts;
    int64_t tiles = count / parts * pj__divide_up(part_vectors(p, parts, images), PJ_TILE_VECTORS);
    if (rest)
      tiles += pj__divide_up(part_vectors(p, rest, images), PJ_TILE_VECTORS);
    if (tiles < least) {
      least = tiles;
      best = parts;
    }
  }
  return best;
}

// The planes for about |positions| positions a task.
static bool plan_block(PjConvPlanes *p, int64_t positions) {
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
  const int64_t count = dims[p->cut].count;
  block[p->cut] = choose_parts(p, count, positions / inner, false);
  p->positions = block[p->cut] * inner;
  p->images = 1;
  if (p->cut == 0 && block[0] == count) {
    p->images = choose_parts(p, p->shape->batch, positions / p->positions, true);
    p->positions *= p->images;
  }
  return pj__planes_block(&p->planes, block) > 0;
}

// Elements of the planes of one block of features.
static double plane_size(const PjConvPlanes *p) {
  return (double)p->planes.set * (double)p->images * (double)p->features;
}

// What vectors are of: those of rows and of runs waste lanes, runs are not stored whole, which
// short sums feel, copies by element of the sum are read once only.
static PjVectors choose_mode(PjConvPlanes *p) {
  const PjPlaneDim *dims = p->planes.dims;
  const double sums = (double)p->shape->features * (double)p->places;
  const double costs[] = {[PJ_VECTORS_ROWS] = 1,
                          [PJ_VECTORS_RUNS] = 1.02 + STORE_SUMS / sums,
                          [PJ_VECTORS_PATCHES] = 1.05};
  PjVectors best = PJ_VECTORS_ROWS;
  double least = 1e30;
  for (int mode = PJ_VECTORS_ROWS; mode <= PJ_VECTORS_PATCHES; ++mode) {
    p->mode = (PjVectors)mode;
    const int64_t images = mode == PJ_VECTORS_PATCHES ? p->shape->batch : 1;
    const int64_t vectors =
        count_vectors(p, images * dims[0].count * dims[1].count, dims[2].count, dims[1].count);
    double cost = costs[mode] * (double)vectors / (double)images;
    if (mode == PJ_VECTORS_PATCHES)
      cost *= 1 + 8.0 / (double)p->shape->out_features;
    if (cost < least) {
      least = cost;
      best = (PjVectors)mode;
    }
  }
  return best;
}

static bool plan_blocks(PjConvPlanes *p) {
  const PjConvShape *s = p->shape;
  const int64_t lanes = p->kernels->lanes;
  int64_t blocks = pj__divide_up(s->features, pj__max(1, SUMS / p->places));
  p->features = pj__divide_up(s->features, blocks);
  p->mode = choose_mode(p);
  int64_t positions = POSITIONS;
  if (blocks > 1)
    positions =
        pj__min(positions, pj__max(FEW_POSITIONS, most_bytes(SUM_BYTES, SUM_BYTES_WIDE) /
                                                      (s->out_features * (int64_t)p->elem)));
  if (p->mode == PJ_VECTORS_PATCHES) {
    const int64_t fit =
        most_bytes(PATCH_BYTES, PATCH_BYTES_WIDE) / (p->features * p->places * (int64_t)p->elem);
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
  p->vectors = p->images * part_vectors(p, p->planes.block[p->cut], false);
  if (p->mode == PJ_VECTORS_PATCHES) {
    p->vectors = pj__divide_up(p->positions, lanes);
    p->positions = p->vectors * lanes;
  }
  p->pieces = p->vectors + (p->mode == PJ_VECTORS_ROWS ? 0 : rows);
  return plane_size(p) * (double)p->elem <= MOST_PLANE_BYTES;
}

static void plan_offsets(PjArena *arena, PjConvPlanes *p, const int32_t *order) {
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
        tap[p->place_of[dim]] = s->rhs_spatial[dim] >= 0 ? at : s->window[dim] - 1 - at;
    }
    taps[i] = (int32_t)pj__planes_tap(&p->planes, tap);
  }
  for (int64_t f = 0; f < p->features; ++f)
    for (int64_t i = 0; i < p->places; ++i)
      offsets[f * p->places + i] =
          (int32_t)(p->mode == PJ_VECTORS_PATCHES ? (f * p->places + i) * p->positions
                                                  : f * p->images * p->planes.set + taps[i]);
  p->taps = taps;
  p->offsets = offsets;
}

const PjRoutine *pj__conv_planes(PjArena *arena, const PjConvShape *s, const PjType *rhs) {
  const bool wide = s->comp == PJ_COMP_F64;
  if ((s->comp != PJ_COMP_F32 && !wide) || s->skip_outside || s->spatial < 1 ||
      s->spatial > PJ_PLANE_DIMS || s->window_size > MOST_PLACES)
    return NULL;
  for (int32_t d = 0; d < s->spatial; ++d)
    if (s->in_dilation[d] != 1)
      return NULL;
  PjConvPlanes *p = PJ_NEW(arena, PjConvPlanes);
  *p = (PjConvPlanes){.shape = s,
                      .kernels = pj__plane_kernels(wide),
                      .elem = pj_comp_bytes(s->comp),
                      .places = s->window_size,
                      .native_out = pj_comp_is_native(s->comp, s->out_dtype)};
  int32_t order[PJ_CONV_SPATIAL];
  const bool in_rows = weights_in_rows(s, order);
  if (!plan_dims(p) || !plan_blocks(p))
    return NULL;
  plan_weights(arena, p, rhs, order, in_rows);
  plan_offsets(arena, p, order);
  const size_t elem = p->elem, slack = PJ_TILE_LANES * 4; // vectors end behind the last element
  p->plane_bytes = pj__scratch_round((size_t)plane_size(p) * elem + slack);
  p->patch_bytes =
      p->mode == PJ_VECTORS_PATCHES
          ? pj__scratch_round((size_t)(p->features * p->places * p->positions) * elem + slack)
          : 0;
  p->sum_features = s->out_features;
  if (p->features < s->features) {
    const int64_t fit =
        most_bytes(SUM_BYTES, SUM_BYTES_WIDE) / (p->vectors * p->kernels->lanes * (int64_t)elem);
    p->sum_features =
        pj__min(s->out_features, pj__max(PJ_TASK_FEATURES, fit / PJ_TILE_ROWS * PJ_TILE_ROWS));
    p->sum_bytes =
        pj__scratch_round((size_t)(p->sum_features * p->vectors * p->kernels->lanes) * elem);
  } else if (!p->native_out) {
    p->sum_bytes =
        pj__scratch_round((size_t)(PJ_TILE_ROWS * p->vectors * p->kernels->lanes) * elem);
  }
  p->line = pj__planes_line(&p->planes);
  p->table_bytes = pj__scratch_round((size_t)p->vectors * sizeof(PjVector) +
                                     (size_t)p->pieces * (sizeof(PjPiece) + sizeof(int32_t)));
  p->routine = (PjRoutine){.name = "conv_planes", .run = pj__conv_planes_run, .in_place = -1};
  p->routine.scratch_bytes = p->converted_bytes + p->packed_bytes;
  p->routine.thread_scratch_bytes =
      p->plane_bytes + p->patch_bytes + p->sum_bytes + p->line + p->table_bytes;
  return &p->routine;
}
