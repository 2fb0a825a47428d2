// convolution: geometry, and the choice of a way to compute it.
//
//   Numbers that are not computed in as they lie are converted first: conv_convert.c. Then:
//
//   direct      a few thousand multiplications, or complex numbers: conv_direct.c
//   depthwise   groups of one feature: conv_depth.c
//   groups      of a few features, features last: conv_groups.c
//   spread      few output features that fill no vector, or many holes in the input: conv_spread.c
//   phases      inputs with holes, as several without: conv_phase.c
//   planes      positions next to each other (features first): conv_planes.c
//   window      few positions of large windows: conv_window.c
//   turned      the same, features first, with features last: conv_turn.c
//   dots        the same, features first, and few of them: conv_dots.c
//   lines       features last, small windows: conv_lines.c
//   gemm        positions x (window, features) x output features, patches packed on the fly:
//   conv_patch.c; windows of
//               one element that never leave the input are plain matrices
//   winograd    windows of 3 x 3 over many features, where precision allows it: conv_winograd.c,
//               which has one of the ways above for what is not finite; the
//               gradient by such windows: conv_winograd_gradient.c
//
// Whatever the dimension numbers, the positions are taken in the output's order, so that its rows
// or columns are regular and nothing is transposed afterwards: where features come last they are
// the columns, otherwise the rows.
#include "routine/conv.h"

#include <string.h>

#include "base/alloc.h"
#include "eval/strided.h"

enum { NARROW = 8, DIRECT_WORK = 4096, FEW_PLACES = 256 };

static bool count_windows(PjConvShape *s, int32_t d, int64_t high) {
  int64_t padded = 0, window = 0;
  if (s->in[d] &&
      (!pj_mul_i64(s->in[d] - 1, s->in_dilation[d], &padded) || !pj_add_i64(padded, 1, &padded)))
    return false;
  if (!pj_add_i64(padded, s->low[d], &padded) || !pj_add_i64(padded, high, &padded))
    return false;
  if (s->window[d] && (!pj_mul_i64(s->window[d] - 1, s->window_dilation[d], &window) ||
                       !pj_add_i64(window, 1, &window)))
    return false;
  s->out[d] = padded <= 0 || window > padded ? 0 : (padded - window) / s->stride[d] + 1;
  return true;
}

static bool is_complex(PjComp comp) {
  return comp == PJ_COMP_C64 || comp == PJ_COMP_C128;
}

// Reads |op| into |s|; false for what no routine serves.
static bool read_shape(const PjOp *op, PjConvShape *s) {
  const PjType *lhs = pj__in(op, 0), *rhs = pj__in(op, 1), *out = pj__out(op, 0);
  int64_t lhs_strides[PJ_MAX_RANK], rhs_strides[PJ_MAX_RANK], out_strides[PJ_MAX_RANK];
  uint32_t spatial;
  const int64_t *in_dims = PJ_INTS(op, input_spatial_dimensions, &spatial),
                *kernel_dims = PJ_INTS(op, kernel_spatial_dimensions, NULL),
                *out_dims = PJ_INTS(op, output_spatial_dimensions, NULL),
                *strides = PJ_INTS(op, window_strides, NULL),
                *in_dilation = PJ_INTS(op, lhs_dilation, NULL),
                *window_dilation = PJ_INTS(op, rhs_dilation, NULL),
                *reversal = PJ_INTS(op, window_reversal, NULL),
                *padding = PJ_INTS(op, padding, NULL);
  if (spatial > PJ_CONV_SPATIAL)
    return false;
  pj_strides(lhs->rank, lhs->dims, lhs_strides);
  pj_strides(rhs->rank, rhs->dims, rhs_strides);
  pj_strides(out->rank, out->dims, out_strides);
  const int64_t in_b = PJ_INT(op, input_batch_dimension),
                in_f = PJ_INT(op, input_feature_dimension),
                k_i = PJ_INT(op, kernel_input_feature_dimension),
                k_o = PJ_INT(op, kernel_output_feature_dimension),
                out_b = PJ_INT(op, output_batch_dimension),
                out_f = PJ_INT(op, output_feature_dimension),
                feature_groups = PJ_INT(op, feature_group_count),
                batch_groups = PJ_INT(op, batch_group_count);
  *s = (PjConvShape){.spatial = (int32_t)spatial,
                     .lhs_dtype = lhs->dtype,
                     .rhs_dtype = rhs->dtype,
                     .out_dtype = out->dtype,
                     .groups = feature_groups > 1 ? feature_groups : batch_groups,
                     .window_size = 1};
  s->comp = pj_comp_pick(lhs->dtype, rhs->dtype, out->dtype);
  s->skip_outside = feature_groups > 1 && feature_groups == lhs->dims[in_f] && !is_complex(s->comp);
  s->batch = lhs->dims[in_b] / batch_groups;
  s->features = lhs->dims[in_f] / feature_groups;
  s->out_features = rhs->dims[k_o] / s->groups;
  s->lhs_batch = lhs_strides[in_b];
  s->lhs_feature = lhs_strides[in_f];
  s->lhs_group = feature_groups > 1 ? s->features * s->lhs_feature : s->batch * s->lhs_batch;
  s->rhs_in = rhs_strides[k_i];
  s->rhs_out = rhs_strides[k_o];
  s->rhs_group = s->out_features * s->rhs_out;
  s->out_batch = out_strides[out_b];
  s->out_feature = out_strides[out_f];
  s->out_group = s->out_features * s->out_feature;
  bool fits = rhs->dims[k_i] == s->features && out->dims[out_b] == s->batch &&
              out->dims[out_f] == rhs->dims[k_o];
  for (uint32_t d = 0; d < spatial; ++d) {
    s->in[d] = lhs->dims[in_dims[d]];
    s->window[d] = rhs->dims[kernel_dims[d]];
    s->stride[d] = strides[d];
    s->low[d] = padding[2 * d];
    s->in_dilation[d] = in_dilation[d];
    s->window_dilation[d] = window_dilation[d];
    s->lhs_spatial[d] = lhs_strides[in_dims[d]];
    s->rhs_spatial[d] = rhs_strides[kernel_dims[d]];
    s->out_spatial[d] = out_strides[out_dims[d]];
    if (reversal[d] && s->window[d]) {
      s->rhs_start += (s->window[d] - 1) * s->rhs_spatial[d];
      s->rhs_spatial[d] = -s->rhs_spatial[d];
    }
    fits &= count_windows(s, (int32_t)d, padding[2 * d + 1]) && s->out[d] == out->dims[out_dims[d]];
    s->window_size *= s->window[d];
  }
  return fits;
}

// The dimensions of the positions, in the order of the output.
static int32_t position_dims(const PjConvShape *s, PjConvDim *dims) {
  int32_t num = 0;
  dims[num++] = (PjConvDim){s->batch, -1, s->lhs_batch, s->out_batch};
  for (int32_t d = 0; d < s->spatial; ++d)
    dims[num++] = (PjConvDim){s->out[d], d, 0, s->out_spatial[d]};
  for (int32_t i = 1; i < num; ++i) // few: insertion
    for (int32_t j = i; j > 0 && dims[j].out_stride > dims[j - 1].out_stride; --j) {
      const PjConvDim dim = dims[j];
      dims[j] = dims[j - 1];
      dims[j - 1] = dim;
    }
  int32_t kept = 0;
  for (int32_t i = 0; i < num; ++i)
    if (dims[i].size != 1)
      dims[kept++] = dims[i];
  return kept;
}

static int64_t dims_size(int32_t num, const PjConvDim *dims) {
  int64_t size = 1;
  for (int32_t i = 0; i < num; ++i)
    size *= dims[i].size;
  return size;
}

// Windows of one element, always inside.
static bool is_pointwise(const PjConvShape *s) {
  for (int32_t d = 0; d < s->spatial; ++d)
    if (s->window[d] != 1 || s->low[d] != 0 || s->in_dilation[d] != 1 ||
        (s->out[d] - 1) * s->stride[d] >= s->in[d])
      return false;
  return true;
}

static int64_t lhs_step(const PjConvShape *s, const PjConvDim *dim) {
  return dim->spatial < 0 ? dim->lhs_stride
                          : s->stride[dim->spatial] * s->lhs_spatial[dim->spatial];
}

bool pj__conv_has_words(const PjConvShape *s, int64_t per) {
  if (per < 2 || s->lhs_feature != 1 || s->features % per || s->lhs_group % per ||
      s->lhs_batch % per)
    return false;
  for (int32_t d = 0; d < s->spatial; ++d)
    if (s->lhs_spatial[d] % per)
      return false;
  return true;
}

// The input with neighbouring features, as many as fill 32 bits, for one: then |panel| can pack
// groups of them (gemm_groups.c).
static void input_words(PjArena *arena, const PjPatches *patches, PjPanel *panel) {
  const PjConvShape *s = patches->shape;
  const int64_t per = 4 / (int64_t)pj_dtype_bytes(s->lhs_dtype);
  if (!pj__conv_has_words(s, per))
    return;
  PjConvShape *shape = pj_arena_memdup(arena, s, sizeof *s);
  for (int32_t d = 0; d < s->spatial; ++d)
    shape->lhs_spatial[d] /= per;
  shape->features /= per;
  PjPatches *words = pj_arena_memdup(arena, patches, sizeof *patches);
  words->shape = shape;
  for (int32_t i = 0; i < words->num; ++i)
    words->dims[i].lhs_stride /= per;
  PjPanel *of = pj_arena_memdup(arena, panel, sizeof *panel);
  of->dtype = panel->part == PJ_COMP_F32 ? PJ_DT_F32 : PJ_DT_U32;
  pj__patches_panel(of, words);
  panel->words = of;
}

static void input_panel(PjArena *arena, const PjConvShape *s, int32_t num, const PjConvDim *dims,
                        PjPanel *panel) {
  if (is_pointwise(s)) {
    PjAxes axes = {0};
    for (int32_t i = 0; i < num; ++i)
      pj_axes_add(&axes, dims[i].size, lhs_step(s, &dims[i]), 0);
    pj__axes_fold(arena, &axes, false, &panel->outer_step, &panel->outer);
    panel->sum_step = s->features == 1 ? 1 : s->lhs_feature;
    return;
  }
  PjPatches *patches = PJ_NEW(arena, PjPatches);
  patches->shape = s;
  patches->num = num;
  memcpy(patches->dims, dims, (size_t)num * sizeof *dims);
  if (!num)
    patches->dims[patches->num++] = (PjConvDim){1, -1, 0, 0};
  pj__patches_panel(panel, patches);
  if (panel->part == PJ_COMP_F32 || panel->part == PJ_COMP_U32)
    input_words(arena, patches, panel);
}

void pj__conv_kernel_panel(PjArena *arena, const PjConvShape *s, PjPanel *panel) {
  PjAxes axes = {0}, outer = {0};
  bool reversed = false;
  for (int32_t d = 0; d < s->spatial; ++d) {
    pj_axes_add(&axes, s->window[d], 0, s->rhs_spatial[d]);
    reversed |= s->rhs_spatial[d] < 0 && s->window[d] > 1;
  }
  pj_axes_add(&axes, s->features, 0, s->rhs_in);
  pj_axes_add(&outer, s->out_features, 0, s->rhs_out);
  pj__axes_fold(arena, &outer, true, &panel->outer_step, &panel->outer);
  if (!reversed && !s->rhs_start) {
    pj__axes_fold(arena, &axes, true, &panel->sum_step, &panel->sum);
    return;
  }
  // Strides are not negative: a table.
  const int64_t size = s->window_size * s->features;
  int64_t *table = PJ_NEW_ARRAY(arena, int64_t, (size_t)size);
  for (int64_t i = 0; i < size; ++i) {
    int64_t place = i / s->features;
    table[i] = i % s->features * s->rhs_in;
    for (int32_t d = s->spatial - 1; d >= 0; --d) {
      table[i] += place % s->window[d] * s->rhs_spatial[d];
      place /= s->window[d];
    }
    table[i] += s->rhs_start;
  }
  panel->sum_step = -1;
  panel->sum = table;
}

static PjStatus run_zero(const PjRoutine *self, PjThreads *threads, const void *const *in,
                         void *const *out, void *scratch) {
  if (self->bytes > 0)
    memset(out[0], 0, (size_t)self->bytes);
  return PJ_STATUS_OK;
}

const PjRoutine *pj__conv_product(PjArena *arena, const PjConvShape *s) {
  PjProduct *g = PJ_NEW(arena, PjProduct);
  PjConvDim dims[PJ_CONV_SPATIAL + 1];
  const int32_t num = position_dims(s, dims);
  int32_t before = 0; // dimensions in front of the features
  while (before < num && dims[before].out_stride > s->out_feature)
    ++before;
  const bool features_last = before == num || s->groups * s->out_features == 1;
  const int64_t lhs_bytes = (int64_t)pj_dtype_bytes(s->lhs_dtype),
                rhs_bytes = (int64_t)pj_dtype_bytes(s->rhs_dtype);
  PjPanel input = {0}, kernel = {0};
  // Features first in the product: where they are rows of the output, or too few to be columns.
  const bool turned = !features_last || s->out_features < NARROW;
  if (!pj__panel_init(&input, s->comp, s->lhs_dtype, !turned) ||
      !pj__panel_init(&kernel, s->comp, s->rhs_dtype, turned))
    return NULL;
  const int32_t first =
      features_last ? 0 : before; // of the dimensions that are not batches of the product
  const int64_t positions = dims_size(num - first, dims + first);
  input_panel(arena, s, num - first, dims + first, &input);
  pj__conv_kernel_panel(arena, s, &kernel);
  g->comp = s->comp;
  g->out_dtype = s->out_dtype;
  g->k = s->window_size * s->features;
  g->batch = s->groups * dims_size(first, dims);
  g->a = turned ? kernel : input;
  g->b = turned ? input : kernel;
  g->m = turned ? s->out_features : positions;
  g->n = turned ? positions : s->out_features;
  g->swapped = turned;
  const int64_t position_step = num > first ? dims[num - 1].out_stride : 1;
  g->c_row = turned ? s->out_feature : position_step;
  g->c_col = turned ? position_step : s->out_feature;
  if (features_last && num == 0)
    *(turned ? &g->c_col : &g->c_row) = s->groups * s->out_features;
  for (int32_t i = 0; i < first; ++i) {
    const int64_t step = lhs_step(s, &dims[i]);
    g->batch_dims[g->num_batch] = dims[i].size;
    *(turned ? &g->b_batch[g->num_batch] : &g->a_batch[g->num_batch]) = step * lhs_bytes;
    g->c_batch[g->num_batch++] = dims[i].out_stride;
  }
  g->batch_dims[g->num_batch] = s->groups;
  *(turned ? &g->b_batch[g->num_batch] : &g->a_batch[g->num_batch]) = s->lhs_group * lhs_bytes;
  *(turned ? &g->a_batch[g->num_batch] : &g->b_batch[g->num_batch]) = s->rhs_group * rhs_bytes;
  g->c_batch[g->num_batch++] = s->out_group;
  // A batch that is a spatial dimension moves the window, not only an address.
  for (int32_t i = 0; i < first; ++i)
    if (dims[i].spatial >= 0 && !is_pointwise(s))
      return NULL;
  g->routine.name = "convolution";
  pj__product_plan(g);
  return &g->routine;
}

const PjRoutine *pj__conv_dense(PjArena *arena, const PjConvShape *s, const PjType *rhs) {
  const PjRoutine *routine = pj__conv_groups(arena, s);
  if (!routine)
    routine = pj__conv_window(arena, s);
  if (!routine)
    routine = pj__conv_dots(arena, s);
  if (!routine)
    routine = pj__conv_planes(arena, s, rhs);
  if (!routine && s->window_size > 1)
    routine = pj__conv_lines(arena, s);
  return routine ? routine : pj__conv_product(arena, s);
}

// Whether less exact ways are allowed.
static bool is_default_precision(const PjOp *op) {
  const PjAttr *precision = PJ_ATTR(op, precision_config);
  for (uint32_t i = 0; precision && i < precision->count; ++i)
    if (precision->elems[i]->i64 != PJ_PRECISION_DEFAULT)
      return false;
  return true;
}

// Multiplications.
static double work_of(const PjOp *op, const PjConvShape *s) {
  return (double)pj__count(pj__out(op, 0)) * (double)s->window_size * (double)s->features;
}

// Whether windows meet what is not in the input: padding, or holes.
static bool reaches_outside(const PjConvShape *s) {
  for (int32_t d = 0; d < s->spatial; ++d)
    if (s->low[d] > 0 || s->in_dilation[d] != 1 ||
        (s->out[d] - 1) * s->stride[d] + (s->window[d] - 1) * s->window_dilation[d] - s->low[d] >=
            s->in[d])
      return true;
  return false;
}

// Groups of one output feature. conv_depth.c leaves out what is outside, conv_rows.c multiplies it.
static const PjRoutine *select_depthwise(PjArena *arena, const PjConvShape *s, const PjType *lhs,
                                         const PjType *rhs) {
  const PjRoutine *rows = pj__conv_rows(arena, s), *depth = NULL;
  if (rows && !s->skip_outside)
    return rows;
  depth = pj__depthwise_select(arena, s);
  if (!depth || s->skip_outside || !reaches_outside(s))
    return pj__conv_guarded(arena, rhs, rows, depth);
  const PjRoutine *exact = pj__conv_product(arena, s);
  if (!exact)
    exact = pj__conv_direct(arena, s, lhs, rhs, false);
  return pj__conv_guarded_late(arena, s, rhs, depth, exact);
}

// The best way for |op| with operands of types |lhs| and |rhs|, whose geometry is |s|.
static const PjRoutine *select_way(PjArena *arena, const PjOp *op, const PjConvShape *s,
                                   const PjType *lhs, const PjType *rhs) {
  const bool complex = is_complex(s->comp);
  const double work = work_of(op, s);
  const PjRoutine *routine = NULL, *fewer = NULL;
  if (complex || work <= DIRECT_WORK) {
    routine = pj__conv_direct(arena, s, lhs, rhs, s->skip_outside);
  } else {
    const bool large = s->window_size > FEW_PLACES;
    routine = pj__conv_turned(arena, s, !is_default_precision(op));
    if (!routine && large)
      routine = pj__conv_window(arena, s);
    if (!routine && large)
      routine = pj__conv_dots(arena, s);
  }
  if (!routine)
    routine = select_depthwise(arena, s, lhs, rhs);
  if (!routine) {
    PjConvShape *filled = pj_arena_memdup(arena, s, sizeof *s); // with zeros around
    filled->skip_outside = false;
    routine = pj__conv_phases(arena, filled, op, rhs);
    if (!routine)
      routine = pj__conv_dense(arena, filled, rhs);
    if (!pj__conv_lines_fill(routine))
      routine = pj__conv_guarded(arena, rhs, pj__conv_spread(arena, filled), routine);
    if (is_default_precision(op))
      fewer = pj__conv_winograd(arena, filled, routine);
    if (s->skip_outside)
      routine = pj__conv_guarded(arena, rhs, routine, pj__conv_direct(arena, s, lhs, rhs, true));
  }
  if (!fewer && is_default_precision(op))
    fewer = pj__conv_winograd_gradient(arena, s, routine);
  return fewer ? fewer : routine;
}

const PjRoutine *pj__routine_convolution(PjArena *arena, const PjOp *op) {
  PjConvShape *s = PJ_NEW(arena, PjConvShape);
  const PjType *out = pj__out(op, 0);
  if (!read_shape(op, s))
    return NULL;
  if (!pj__count(out) || !s->window_size || !s->features) {
    PjRoutine *zero = PJ_NEW(arena, PjRoutine);
    *zero = (PjRoutine){
        .name = "zero", .run = run_zero, .in_place = -1, .bytes = (double)pj__bytes(out)};
    return zero;
  }
  const PjType *lhs = pj__in(op, 0), *rhs = pj__in(op, 1);
  PjConvShape *as = PJ_NEW(arena, PjConvShape);
  const PjRoutine *routine = NULL;
  if (work_of(op, s) > DIRECT_WORK && pj__conv_converts(s, as)) {
    PjType *types = PJ_NEW_ARRAY(arena, PjType, 2);
    types[0] = *lhs;
    types[1] = *rhs;
    types[0].dtype = as->lhs_dtype;
    types[1].dtype = as->rhs_dtype;
    routine = pj__conv_converted(arena, s, as, op, select_way(arena, op, as, types, types + 1));
  }
  if (!routine)
    routine = select_way(arena, op, s, lhs, rhs);
  if (!routine)
    return NULL;
  PjRoutine *costs = (PjRoutine *)routine;
  costs->flops = 2 * work_of(op, s);
  costs->bytes =
      (double)pj__bytes(pj__in(op, 0)) + (double)pj__bytes(pj__in(op, 1)) + (double)pj__bytes(out);
  return routine;
}
