// The gradient by a window, features first: few positions and a window nearly as large as the
// input. With features last its tiles are neighbouring features, whatever the size of the planes,
// so both operands are brought into that order first.
#include "routine/conv.h"
#include "routine/copy.h"

enum {
  FEW_FEATURES = 8, // of the input: no tiles
  FEW_OUTPUTS = 12,
  MANY_PLACES = 256 // of the window: from there on rows of planes are as good as they lie, but for
                    // Winograd's algorithm
};

typedef struct Turned {
  PjRoutine routine;
  const PjRoutine *inner; // features last
  PjCopy lhs, rhs;
  size_t rhs_place, bytes; // in the scratch, in front of that of |inner|
} Turned;

static PjStatus run_turned(const PjRoutine *self, PjThreads *threads, const void *const *in,
                           void *const *out, void *scratch) {
  const Turned *t = (const Turned *)self;
  char *lhs = scratch, *rhs = lhs + t->rhs_place;
  pj__copy_run(&t->lhs, threads, in[0], lhs);
  pj__copy_run(&t->rhs, threads, in[1], rhs);
  const void *operands[] = {lhs, rhs};
  return t->inner->run(t->inner, threads, operands, out, lhs + t->bytes);
}

// An operand with its spatial dimensions of |sizes| between |outer| and |inner| ones, innermost.
static size_t plan_copy(PjCopy *copy, size_t elem, const PjConvShape *s, const int64_t *sizes,
                        const int64_t *spatial_strides, int64_t outer, int64_t outer_stride,
                        int64_t inner, int64_t inner_stride, int64_t *to) {
  int64_t dims[PJ_CONV_SPATIAL + 2] = {outer}, from[PJ_CONV_SPATIAL + 2] = {outer_stride};
  for (int32_t d = 0; d < s->spatial; ++d) {
    dims[d + 1] = sizes[d];
    from[d + 1] = spatial_strides[d];
  }
  dims[s->spatial + 1] = inner;
  from[s->spatial + 1] = inner_stride;
  pj_strides(s->spatial + 2, dims, to);
  pj__copy_plan(copy, elem, s->spatial + 2, dims, from, to);
  return pj__scratch_round((size_t)(to[0] * outer) * elem);
}

const PjRoutine *pj__conv_turned(PjArena *arena, const PjConvShape *s, bool exact) {
  int64_t positions = 1;
  for (int32_t d = 0; d < s->spatial; ++d) {
    positions *= s->out[d];
    if (s->rhs_spatial[d] < 0)
      return NULL;
  }
  const int32_t last = s->spatial - 1;
  if (last < 0 || s->lhs_spatial[last] != 1 || s->lhs_batch == 1 || s->rhs_spatial[last] != 1 ||
      s->rhs_out == 1 || s->window_size < 2 * positions || s->batch < FEW_FEATURES ||
      s->out_features < FEW_OUTPUTS || !pj_comp_is_native(s->comp, s->lhs_dtype) ||
      !pj_comp_is_native(s->comp, s->rhs_dtype))
    return NULL;
  const size_t elem = pj_comp_bytes(s->comp);
  Turned *t = PJ_NEW(arena, Turned);
  PjConvShape *turned = pj_arena_memdup(arena, s, sizeof *s);
  int64_t to[PJ_CONV_SPATIAL + 2];
  // Groups are parts of the batch, or of the features.
  const bool parts = s->lhs_group == s->batch * s->lhs_batch;
  t->rhs_place = plan_copy(&t->lhs, elem, s, s->in, s->lhs_spatial,
                           parts ? s->features : s->features * s->groups, s->lhs_feature,
                           parts ? s->batch * s->groups : s->batch, s->lhs_batch, to);
  turned->lhs_feature = to[0];
  turned->lhs_batch = 1;
  turned->lhs_group = parts ? s->batch : s->features * to[0];
  for (int32_t d = 0; d < s->spatial; ++d)
    turned->lhs_spatial[d] = to[d + 1];
  t->bytes = t->rhs_place + plan_copy(&t->rhs, elem, s, s->window, s->rhs_spatial, s->features,
                                      s->rhs_in, s->out_features * s->groups, s->rhs_out, to);
  turned->rhs_in = to[0];
  turned->rhs_out = 1;
  turned->rhs_group = s->out_features;
  for (int32_t d = 0; d < s->spatial; ++d)
    turned->rhs_spatial[d] = to[d + 1];
  t->inner = pj__conv_window(arena, turned);
  const PjRoutine *fewer =
      exact || !t->inner ? NULL : pj__conv_winograd_gradient(arena, turned, t->inner);
  if (!t->inner || (!fewer && s->window_size > MANY_PLACES))
    return NULL;
  if (fewer)
    t->inner = fewer;
  t->routine = (PjRoutine){.name = t->inner->name,
                           .run = run_turned,
                           .in_place = -1,
                           .scratch_bytes = t->bytes + t->inner->scratch_bytes,
                           .thread_scratch_bytes = t->inner->thread_scratch_bytes};
  return &t->routine;
}
