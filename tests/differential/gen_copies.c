// What repeat, tile and upsampling write, elementwise operations on it, and sums of its copies, as
// gradients have them.
#include "gen.h"

enum { MOST = 3 }; // dimensions

// How an array of |rank| |dims| is spread: each dimension copied as a whole or element by element.
typedef struct Spread {
  int32_t rank;
  int64_t dims[MOST], copies[MOST];
  bool whole[MOST];
} Spread;

static Spread choose(Gen *g, const PjType *type) {
  Spread s = {.rank = type->rank};
  for (int32_t d = 0; d < s.rank; ++d) {
    s.dims[d] = type->dims[d];
    s.copies[d] = rand_chance(&g->rand, 60) ? rand_int(&g->rand, 2, 4) : 1;
    s.whole[d] = rand_chance(&g->rand, 50);
  }
  return s;
}

// The dimensions with those of copies beside them, into |dims|; where the copies are, into |at|.
static int32_t apart(const Spread *s, int64_t *dims, int64_t *at) {
  int32_t rank = 0;
  for (int32_t d = 0; d < s->rank; ++d) {
    at[d] = s->whole[d] ? rank : rank + 1;
    dims[rank++] = s->whole[d] ? s->copies[d] : s->dims[d];
    dims[rank++] = s->whole[d] ? s->dims[d] : s->copies[d];
  }
  return rank;
}

static PjValue *spread(Gen *g, PjValue *x, const Spread *s) {
  int64_t dims[2 * MOST], copies[MOST], at[MOST], together[MOST];
  const int32_t rank = apart(s, dims, copies);
  for (int32_t d = 0; d < s->rank; ++d) {
    at[d] = s->whole[d] ? copies[d] + 1 : copies[d] - 1;
    together[d] = s->dims[d] * s->copies[d];
  }
  if (!gen_fits(g, rank, dims))
    return NULL;
  PjValue *all = gen_broadcast_in_dim(g, x, gen_type(g, x->type->dtype, rank, dims), at);
  return gen_reshape(g, all, s->rank, together);
}

static PjValue *computed(Gen *g, PjValue *x, PjValue *y) {
  switch (rand_int(&g->rand, 0, 3)) {
  case 0:
    return gen_binary(g, PJ_OP_MULTIPLY, x, y);
  case 1:
    return gen_binary(g, PJ_OP_MAXIMUM, x, gen_splat(g, x->type, 0));
  case 2:
    return gen_select(g, gen_compare(g, 2, 0, x, y), x, y);
  default:
    return gen_unary(g, PJ_OP_NEGATE, x);
  }
}

static void emit_copies(Gen *g) {
  PjValue *a = gen_pick(g, GEN_FLOAT | GEN_SINT, 1, MOST), *b = gen_of_type(g, a->type);
  if (a->type->dtype == PJ_DT_F8E8M0FNU)
    return;
  const Spread s = choose(g, a->type);
  PjValue *x = spread(g, a, &s), *y = spread(g, b, &s);
  if (!x || !y)
    return;
  if (rand_chance(&g->rand, 30)) {
    const Spread again = choose(g, x->type);
    PjValue *more = spread(g, x, &again);
    y = more ? spread(g, y, &again) : y;
    x = more ? more : x;
  }
  x = computed(g, x, y);
  int64_t dims[2 * MOST], reduced[2 * MOST];
  uint32_t count = 0;
  if (rand_chance(&g->rand, 60) && gen_count(x->type) == gen_count(y->type)) {
    int32_t rank = apart(&s, dims, reduced);
    int64_t all = 1;
    for (int32_t i = 0; i < rank; ++i)
      all *= dims[i];
    if (all == gen_count(x->type)) {
      x = gen_reshape(g, x, rank, dims);
      count = (uint32_t)s.rank;
    }
  }
  if (!count)
    reduced[0] = rand_int(&g->rand, 0, x->type->rank - 1);
  static const PjOpKind bodies[] = {PJ_OP_ADD, PJ_OP_ADD, PJ_OP_MAXIMUM, PJ_OP_MINIMUM};
  gen_reduce(g, bodies[rand_int(&g->rand, 0, 3)], x, count ? count : 1, reduced);
}

const GenEmitter gen_copies[] = {{"copies", 60, emit_copies}, {0}};
