// Convolution seen from the input: each of its positions is multiplied by the whole window, and the
// products are added to the positions of the output that they belong to. So output features and
// places of the window are the columns of one product together, which is what a convolution to a
// few features needs (the gradient of an image, a mask), and one of an input with many holes, whose
// windows meet one element or none (the gradient of patches).
//
// A row of the output adds what its places hold in the products, then lays that side by side along
// the row, each position some steps further on. A sum goes over features, then places, then
// positions, all from zero. For windows of finite numbers only: see pj__conv_guarded.
#include <string.h>

#include "routine/conv.h"
#include "routine/variant.h"

typedef void SpreadFn(int64_t n, int64_t run, int64_t count, const void *const *rows, int64_t pitch,
                      void *out, int64_t step);

#define PJ_VARIANT_FILE "routine/conv_spread_variant.h"
#include "routine/variants.h"

enum {
  FEW_OUTPUTS = 8,       // that other ways would have too few columns for
  FEW_FEATURES = 8,      // of a sum
  MANY_HOLES = 16,       // elements and holes to one element
  MOST_PLACES = 256,     // of the window, but for its last dimension
  MOST_BYTES = 64 << 20, // of the products
  SLACK = 64,            // bytes: vectors end behind the last element
};

typedef struct Spread {
  PjRoutine routine;
  const PjConvShape *shape;
  SpreadFn *spread;
  PjProduct product;
  size_t elem, product_bytes; // of all products
  int64_t places;             // of the window, but for its last dimension
  int64_t cols, run;          // of a position; neighbours among them that stay such in the output
  int64_t parts, part;        // of the output features: rows of their own, columns apart
  int64_t step;               // of an output position along a row, in elements
  int64_t line;               // elements of a row that positions of the input reach
} Spread;

typedef struct Run {
  const Spread *p;
  const char *products;
  char *out, *scratch;
} Run;

// Where the products of the row of |image| at |at| lie, by places; returns how many there are.
static int64_t find_rows(const Run *run, int64_t image, const int64_t *at, const void **rows) {
  const Spread *p = run->p;
  const PjConvShape *s = p->shape;
  const int32_t last = s->spatial - 1;
  int64_t count = 0;
  for (int64_t place = 0; place < p->places; ++place) {
    int64_t rest = place, row = 0, size = 1;
    bool inside = true;
    for (int32_t d = last - 1; d >= 0; --d) {
      const int64_t i =
          pj__conv_locate(s, d, at[d] + rest % s->window[d] * s->window_dilation[d] - s->low[d]);
      rest /= s->window[d];
      inside &= i >= 0;
      row += i * size;
      size *= s->in[d];
    }
    if (inside)
      rows[count++] =
          run->products +
          (size_t)(((image * size + row) * s->in[last]) * p->cols + place * p->run) * p->elem;
  }
  return count;
}

static void rows(void *context, int64_t begin, int64_t end, int thread) {
  const Run *run = context;
  const Spread *p = run->p;
  const PjConvShape *s = p->shape;
  const int32_t last = s->spatial - 1;
  const int64_t elem = (int64_t)p->elem;
  char *line = pj__thread_scratch(&p->routine, run->scratch, thread);
  // Of the output's row, elements [low, high) are in the line, from |first| on.
  const int64_t unit = p->step / s->in_dilation[last], length = s->out[last] * unit,
                first = (s->window[last] - 1 - s->low[last]) * unit,
                low = pj__min(length, pj__max(0, -first)),
                high = pj__max(low, pj__min(length, p->line - first));
  for (int64_t i = begin; i < end; ++i) {
    int64_t rest = i, at[PJ_CONV_SPATIAL], offset = 0;
    for (int32_t d = last - 1; d >= 0; --d) {
      at[d] = rest % s->out[d];
      rest /= s->out[d];
      offset += at[d] * s->out_spatial[d];
    }
    char *out = run->out + (offset + rest * s->out_batch) * elem;
    const void *from[MOST_PLACES];
    const int64_t count = find_rows(run, rest, at, from);
    for (int64_t part = 0; part < p->parts; ++part, out += s->out_feature * elem) {
      memset(out, 0, (size_t)(low * elem));
      memset(out + high * elem, 0, (size_t)((length - high) * elem));
      if (!count) {
        memset(out + low * elem, 0, (size_t)((high - low) * elem));
        continue;
      }
      memset(line, 0, (size_t)(p->line * elem) + SLACK);
      p->spread(s->in[last], p->run, count, from, p->cols, line, p->step);
      memcpy(out + low * elem, line + (first + low) * elem, (size_t)((high - low) * elem));
      for (int64_t k = 0; k < count; ++k)
        from[k] = (const char *)from[k] + p->part * elem;
    }
  }
}

static PjStatus run_spread(const PjRoutine *self, PjThreads *threads, const void *const *in,
                           void *const *out, void *scratch) {
  const Spread *p = (const Spread *)self;
  const PjConvShape *s = p->shape;
  const Run run = {p, scratch, out[0], scratch};
  void *products = scratch;
  PJ_TRY(p->product.routine.run(&p->product.routine, threads, in, &products,
                                run.scratch + p->product_bytes));
  int64_t count = s->batch;
  for (int32_t d = 0; d < s->spatial - 1; ++d)
    count *= s->out[d];
  const double work = (double)s->in[s->spatial - 1] * (double)p->cols;
  pj_threads_for(threads, count, pj__grain(count, work), rows, (void *)&run);
  return PJ_STATUS_OK;
}

// ---- plan
// Columns: parts of output features, places, and within a row of the window what is further on in
// the output comes later.
static const int64_t *window_columns(PjArena *arena, const Spread *p) {
  const PjConvShape *s = p->shape;
  const int32_t last = s->spatial - 1;
  const int64_t joined = p->parts == 1 ? s->out_features : 1;
  int64_t *table = PJ_NEW_ARRAY(arena, int64_t, (size_t)p->cols);
  for (int64_t i = 0; i < p->cols; ++i) {
    const int64_t feature = i / p->part * joined + i % joined;
    int64_t rest = i % p->part / joined;
    table[i] = s->rhs_start + feature * s->rhs_out;
    for (int32_t d = last; d >= 0; --d) {
      const int64_t place = rest % s->window[d];
      table[i] += (d == last ? s->window[d] - 1 - place : place) * s->rhs_spatial[d];
      rest /= s->window[d];
    }
  }
  return table;
}

static bool plan_product(PjArena *arena, Spread *p) {
  const PjConvShape *s = p->shape;
  PjProduct *g = &p->product;
  PjAxes axes = {0};
  pj_axes_add(&axes, s->batch, s->lhs_batch, 0);
  g->m = s->batch;
  for (int32_t d = 0; d < s->spatial; ++d) {
    pj_axes_add(&axes, s->in[d], s->lhs_spatial[d], 0);
    g->m *= s->in[d];
  }
  g->comp = s->comp;
  g->out_dtype = s->out_dtype;
  g->n = p->cols;
  g->k = s->features;
  g->batch = 1;
  g->c_row = p->cols;
  g->c_col = 1;
  if (!pj__panel_init(&g->a, s->comp, s->lhs_dtype, true) ||
      !pj__panel_init(&g->b, s->comp, s->rhs_dtype, false) ||
      (double)g->m * (double)p->cols * (double)p->elem > MOST_BYTES)
    return false;
  pj__axes_fold(arena, &axes, false, &g->a.outer_step, &g->a.outer);
  g->a.sum_step = s->features == 1 ? 1 : s->lhs_feature;
  g->b.outer_step = -1;
  g->b.outer = window_columns(arena, p);
  g->b.sum_step = s->features == 1 ? 1 : s->rhs_in;
  pj__product_plan(g);
  return true;
}

// Features last stay neighbours; features first are rows of their own.
static bool is_joined(const PjConvShape *s) {
  return s->out_feature == 1 && s->out_spatial[s->spatial - 1] == s->out_features;
}

bool pj__conv_spreads(const PjConvShape *s) {
  const int32_t last = s->spatial - 1;
  if ((s->comp != PJ_COMP_F32 && s->comp != PJ_COMP_F64) || last < 0 || s->groups != 1 ||
      s->skip_outside || s->window_size < 2 || s->features < FEW_FEATURES ||
      s->window_dilation[last] != 1)
    return false;
  double holes = 1;
  for (int32_t d = 0; d <= last; ++d) {
    holes *= (double)s->in_dilation[d];
    if (s->stride[d] != 1 || !s->in[d])
      return false;
  }
  return is_joined(s) ? holes >= MANY_HOLES || s->out_features <= FEW_OUTPUTS
                      : holes >= MANY_HOLES && s->out_spatial[last] == 1;
}

const PjRoutine *pj__conv_spread(PjArena *arena, const PjConvShape *s) {
  if (!pj__conv_spreads(s) || !pj_comp_is_native(s->comp, s->lhs_dtype) ||
      !pj_comp_is_native(s->comp, s->rhs_dtype) || !pj_comp_is_native(s->comp, s->out_dtype))
    return NULL;
  const int32_t last = s->spatial - 1;
  const bool joined = is_joined(s);
  Spread *p = PJ_NEW(arena, Spread);
  *p = (Spread){.shape = s,
                .spread = PJ_PICK(spread)[s->comp == PJ_COMP_F64],
                .elem = pj_comp_bytes(s->comp),
                .places = s->window_size / s->window[last],
                .cols = s->window_size * s->out_features,
                .parts = joined ? 1 : s->out_features};
  const int64_t unit = joined ? s->out_features : 1;
  p->part = p->cols / p->parts;
  p->run = s->window[last] * unit;
  p->step = s->in_dilation[last] * unit;
  p->line = (s->in[last] - 1) * p->step + p->run;
  if (p->places > MOST_PLACES || !plan_product(arena, p))
    return NULL;
  p->product_bytes = pj__scratch_round((size_t)(p->product.m * p->cols) * p->elem + SLACK);
  p->routine = (PjRoutine){.name = "conv_spread", .run = run_spread, .in_place = -1};
  p->routine.scratch_bytes = p->product_bytes + p->product.routine.scratch_bytes;
  p->routine.thread_scratch_bytes =
      (size_t)pj__max((int64_t)p->product.routine.thread_scratch_bytes,
                      (int64_t)pj__scratch_round((size_t)p->line * p->elem + SLACK));
  return &p->routine;
}
