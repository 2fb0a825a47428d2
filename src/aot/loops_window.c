// reduce_window and select_and_scatter as loops: over the windows, then over the places of a
// window.
#include "aot/loops.h"
#include "sched/body.h"
#include "sched/shape_map.h"

typedef struct Window {
  PjLoops *l;
  int rank;
  uint32_t count; // arrays
  const int64_t *size, *stride, *base, *dilation, *padding;
  const int64_t *in, *out; // shapes of the array and of the windows
  int64_t in_strides[PJ_MAX_RANK], out_strides[PJ_MAX_RANK];
  PjKirVal place[PJ_MAX_RANK]; // which window
  PjIx at;                     // of the element at hand
  int lanes;                   // along the last dimension
} Window;

// The element at place |index| of the window: where it is, and whether there is one (0: always).
static PjKirVal locate(Window *w, const PjKirVal *index) {
  PjLoops *l = w->l;
  PjKir *k = l->k;
  PjKirVal inside = 0, at[PJ_MAX_RANK];
  for (int d = 0; d < w->rank; ++d) {
    int64_t low = w->padding[2 * d], base = w->base ? w->base[d] : 1,
            dilation = w->dilation ? w->dilation[d] : 1;
    int64_t dilated = w->in[d] ? (w->in[d] - 1) * base + 1 : 0;
    int64_t most = (w->out[d] - 1) * w->stride[d] - low + (w->size[d] - 1) * dilation;
    PjKirVal x = pj_kir_add(k, pj_loop_affine(l, w->place[d], w->stride[d], -low),
                            pj_loop_affine(l, index[d], dilation, 0));
    if (low > 0 || most >= dilated) {
      PjKirVal fits =
          pj_kir_2(k, PJ_KIR_ULT, x, pj_loop_number(l, dilated)); // negative ones are large
      inside = inside ? pj_kir_and(k, inside, fits) : fits;
    }
    if (base > 1) {
      PjKirVal by = pj_loop_number(l, base);
      PjKirVal fits = pj_kir_eq(k, pj_kir_2(k, PJ_KIR_UREM, x, by), pj_loop_number(l, 0));
      inside = inside ? pj_kir_and(k, inside, fits) : fits;
      x = pj_kir_2(k, PJ_KIR_UDIV, x, by);
    }
    at[d] = x;
  }
  w->at = pj_loop_at(l, w->rank, at, w->in_strides);
  return inside;
}

static void combine(void *context, const PjKirVal *index, PjElem *acc) {
  Window *w = context;
  PjElem args[2 * PJ_MAX_REDUCED];
  for (uint32_t i = 0; i < w->count; ++i) {
    args[i] = acc[i];
    args[w->count + i] = pj_loop_load(w->l, i, w->at, w->lanes, 1);
  }
  pj_region_apply(w->l->nest, &w->l->op->regions[0], 2 * w->count, args, w->count, acc);
}

static void reduce_turn(void *context, const PjKirVal *index, PjElem *acc) {
  Window *w = context;
  PjKirVal inside = locate(w, index);
  pj_loop_when(w->l, inside, index, w->count, acc, combine, w);
}

// Windows whose last place is in [begin, end), |lanes| at a time.
static void reduce_range(Window *w, int64_t begin, int64_t end, int lanes) {
  PjLoops *l = w->l;
  int last = w->rank - 1;
  if (begin >= end)
    return;
  PjElem acc[PJ_MAX_REDUCED];
  PjKirVal index[PJ_MAX_RANK];
  bool many = end - begin > lanes;
  if (last >= 0) {
    w->place[last] = pj_loop_number(l, begin);
    if (many)
      w->place[last] = pj_kir_for_begin(l->k, w->place[last], pj_loop_number(l, end),
                                        pj_loop_number(l, lanes), 0, NULL, NULL);
  }
  pj_nest_forget(l->nest);
  w->lanes = lanes;
  for (uint32_t i = 0; i < w->count; ++i)
    acc[i] = pj_elem_splat(l->k, pj_loop_scalar(l, w->count + i), lanes);
  pj_loop_carry(l, w->rank, w->size, index, w->count, acc, reduce_turn, w);
  for (uint32_t i = 0; i < w->count; ++i)
    pj_loop_store(l, i, pj_loop_at(l, w->rank, w->place, w->out_strides), lanes, acc[i]);
  if (last >= 0 && many)
    pj_kir_for_end(l->k, 0, NULL, NULL);
  pj_nest_forget(l->nest);
}

bool pj_loop_reduce_window(PjLoops *l) {
  const PjOp *op = l->op;
  const PjType *in = op->operands[0]->type, *out = op->results[0].type;
  if (op->num_results > PJ_MAX_REDUCED ||
      !pj_reducer_body_supported(&op->regions[0], 2 * op->num_results))
    return false;
  Window window = {.l = l,
                   .rank = in->rank,
                   .count = op->num_results,
                   .in = in->dims,
                   .out = out->dims},
         *w = &window;
  w->size = PJ_INTS(op, window_dimensions, NULL);
  w->stride = PJ_INTS(op, window_strides, NULL);
  w->base = PJ_INTS(op, base_dilations, NULL);
  w->dilation = PJ_INTS(op, window_dilations, NULL);
  w->padding = PJ_INTS(op, padding, NULL);
  pj_shape_strides(in, w->in_strides);
  pj_shape_strides(out, w->out_strides);
  int last = w->rank - 1, lanes = 1;
  // Windows side by side read elements side by side.
  bool plain = last >= 0 && w->size[last] == 1 && w->stride[last] == 1 && w->base[last] == 1 &&
               w->padding[2 * last] == 0 && w->padding[2 * last + 1] == 0;
  for (uint32_t i = 0; plain && i < w->count; ++i) {
    int of = pj_loop_lanes(l, op->results[i].type->dtype);
    lanes = i == 0 || of < lanes ? of : lanes;
  }
  pj_loop_open(l, last, out->dims, w->place);
  int64_t n = last < 0 ? 1 : out->dims[last], whole = n / lanes * lanes;
  reduce_range(w, 0, whole, lanes);
  reduce_range(w, whole, n, 1);
  pj_loop_close(l, last, out->dims);
  return true;
}

// --- select_and_scatter
// ------------------------------------------------------------------------------------------

// Carried: the chosen value, where it is, and whether there is one.
static void choose(void *context, const PjKirVal *index, PjElem *carried) {
  Window *w = context;
  PjLoops *l = w->l;
  PjKir *k = l->k;
  PjElem x = pj_loop_load(l, 0, w->at, 1, 0), pair[2] = {carried[0], x}, keep;
  pj_region_apply(l->nest, &l->op->regions[0], 2, pair, 1, &keep);
  PjKirVal stays = pj_kir_and(k, keep.re, carried[2].re);
  carried[0] = pj_loop_select(l, stays, carried[0], x);
  carried[1].re = pj_kir_select(k, stays, carried[1].re, pj_ix_base(&l->nest->ix, w->at));
  carried[2].re = pj_kir_const(k, PJ_KIR_T(I1, 1), 1);
}

static void choose_turn(void *context, const PjKirVal *index, PjElem *carried) {
  Window *w = context;
  PjKirVal inside = locate(w, index);
  pj_loop_when(w->l, inside, index, 3, carried, choose, w);
}

bool pj_loop_select_and_scatter(PjLoops *l) {
  const PjOp *op = l->op;
  const PjType *in = op->operands[0]->type, *source = op->operands[1]->type;
  if (!pj_reducer_body_supported(&op->regions[0], 2) ||
      !pj_reducer_body_supported(&op->regions[1], 2))
    return false;
  PjKir *k = l->k;
  Window window = {.l = l, .rank = in->rank, .count = 1, .in = in->dims, .out = source->dims},
         *w = &window;
  w->size = PJ_INTS(op, window_dimensions, NULL);
  w->stride = PJ_INTS(op, window_strides, NULL);
  w->padding = PJ_INTS(op, padding, NULL);
  pj_shape_strides(in, w->in_strides);
  pj_shape_strides(source, w->out_strides);
  PjKirVal index[PJ_MAX_RANK];
  int64_t count = pj_count(in);
  pj_loop_open(l, 1, &count, index);
  pj_loop_store(l, 0, pj_ix_uniform(index[0]), 1, pj_loop_scalar(l, 2));
  pj_loop_close(l, 1, &count);

  pj_loop_open(l, w->rank, source->dims, w->place);
  PjElem carried[3] = {pj_loop_zero(l, in->dtype, 1),
                       {pj_loop_number(l, 0), 0},
                       {pj_kir_const(k, PJ_KIR_T(I1, 1), 0), 0}};
  pj_loop_carry(l, w->rank, w->size, index, 3, carried, choose_turn, w);
  pj_kir_if_begin(k, carried[2].re);
  pj_nest_forget(l->nest);
  PjIx at = pj_ix_uniform(carried[1].re);
  PjPlace out = {.kind = PJ_PLACE_MEMORY, .ptr = l->out[0]};
  PjElem pair[2] = {pj_nest_load(l->nest, in->dtype, &out, at, 0),
                    pj_loop_load(l, 1, pj_loop_at(l, w->rank, w->place, w->out_strides), 1, 0)};
  PjElem sum;
  pj_region_apply(l->nest, &op->regions[1], 2, pair, 1, &sum);
  pj_loop_store(l, 0, at, 1, sum);
  pj_kir_if_else(k, 0, NULL);
  pj_kir_if_end(k, 0, NULL, NULL);
  pj_loop_close(l, w->rank, source->dims);
  return true;
}
