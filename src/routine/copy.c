// Strided copies by all threads.
#include "routine/copy.h"

#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "routine/copy_blocks.h"
#include "routine/copy_narrow.h"
#include "routine/variant.h"

typedef void TileFn(const PjStrided *plan, const char *src, char *dst);

#define PJ_VARIANT_FILE "routine/copy_variant.h"
#include "routine/variants.h"

enum {
  TILE_UNIT = 64, // the longest line, in elements
  MOVE_BYTES = 1 << 16,
  NEAR_BYTES = 1 << 16, // of the source, for all runs that lie between each other
  LONG_RUN = 2048,
  FEW_RUNS = 4,
};

// Transposition: contiguous on one side along the innermost dimension, on the other along the one
// before.
static TileFn *tile_of(const PjStrided *p) {
  const int32_t r = p->rank;
  const int64_t elem = (int64_t)p->elem;
  if (p->dst[r - 1] != elem || p->src[r - 2] != elem || p->src[r - 1] == elem ||
      p->dims[r - 1] < 4 || p->dims[r - 2] < 4)
    return NULL;
  if (elem == 1) // squares of bytes are larger, and nothing is gained without one
    return p->dims[r - 1] >= 16 && p->dims[r - 2] >= 16 ? PJ_PICK(tiles)[0] : NULL;
  return elem == 2   ? PJ_PICK(tiles)[1]
         : elem == 4 ? PJ_PICK(tiles)[2]
         : elem == 8 ? PJ_PICK(tiles)[3]
                     : NULL;
}

static int64_t magnitude(int64_t x) {
  return x < 0 ? -x : x;
}

// Runs between which others lie, that are copied later, as where heads are brought before
// positions: a few of each in turn, so that the source is fetched once and in its order.
static void block_runs(PjStrided *p) {
  const int32_t r = p->rank;
  const int64_t elem = (int64_t)p->elem;
  if (r < 3 || r == PJ_MAX_RANK || p->src[r - 1] != elem || p->dst[r - 1] != elem)
    return;
  const int64_t step = magnitude(p->src[r - 2]), run = p->dims[r - 1] * elem, n = p->dims[r - 2];
  if (run > LONG_RUN || step < 2 * run || magnitude(p->src[r - 3]) >= step ||
      n * step <= 2 * NEAR_BYTES)
    return;
  int64_t block = NEAR_BYTES / step;
  while (block >= FEW_RUNS && n % block)
    --block;
  if (block < FEW_RUNS)
    return;
  for (int32_t d = r; d > r - 3; --d) {
    p->dims[d] = p->dims[d - 1];
    p->src[d] = p->src[d - 1];
    p->dst[d] = p->dst[d - 1];
  }
  p->dims[r - 1] = block;
  p->dims[r - 3] = n / block;
  p->src[r - 3] = p->src[r - 1] * block;
  p->dst[r - 3] = p->dst[r - 1] * block;
  p->rank = r + 1;
}

void pj__copy_plan(PjCopy *copy, size_t elem, int32_t rank, const int64_t *dims,
                   const int64_t *src_strides, const int64_t *dst_strides) {
  PjStrided *p = &copy->strided;
  pj_strided_plan(p, elem, rank, dims, src_strides, dst_strides);
  copy->split = -1;
  copy->unit = copy->grain = 1;
  if (p->empty)
    return;
  double bytes = (double)elem;
  for (int32_t d = 0; d < p->rank; ++d)
    bytes *= (double)p->dims[d];
  TileFn *tile = pj__copy_blocks(p);
  if (!tile)
    tile = pj__copy_narrow(p);
  if (!tile)
    tile = tile_of(p);
  if (tile)
    p->kernel = tile;
  else
    block_runs(p);
  // The outermost dimension that is long enough, or the longest.
  copy->split = 0;
  for (int32_t d = 0; d < p->rank; ++d)
    if (p->dims[copy->split] < 16 && p->dims[d] > p->dims[copy->split])
      copy->split = d;
  if (copy->split >= p->rank - 2)
    copy->unit = TILE_UNIT;
  const int64_t units = pj__divide_up(p->dims[copy->split], copy->unit);
  copy->grain = pj__grain(units, bytes / (double)units);
}

typedef struct Run {
  const PjCopy *copy;
  const char *src;
  char *dst;
} Run;

static void copy_part(void *context, int64_t begin, int64_t end, int thread) {
  const Run *run = context;
  const PjCopy *copy = run->copy;
  const int32_t d = copy->split;
  const int64_t size = copy->strided.dims[d], first = begin * copy->unit,
                last = pj__min(end * copy->unit, size);
  if (first == 0 && last == size) {
    pj_strided_run(&copy->strided, run->src, run->dst);
    return;
  }
  PjStrided part = copy->strided;
  part.dims[d] = last - first;
  pj_strided_run(&part, run->src + first * part.src[d], run->dst + first * part.dst[d]);
}

void pj__copy_run(const PjCopy *copy, PjThreads *threads, const void *src, void *dst) {
  if (copy->split < 0)
    return;
  Run run = {copy, src, dst};
  pj_threads_for(threads, pj__divide_up(copy->strided.dims[copy->split], copy->unit), copy->grain,
                 copy_part, &run);
}

typedef struct Move {
  const char *from;
  char *to;
  size_t bytes, elem;
} Move;

static void move_part(void *context, int64_t begin, int64_t end, int thread) {
  const Move *m = context;
  const size_t first = (size_t)begin * MOVE_BYTES, last = (size_t)end * MOVE_BYTES;
  memcpy(m->to + first, m->from + first, (last < m->bytes ? last : m->bytes) - first);
}

void pj__move(PjThreads *threads, void *to, const void *from, size_t bytes) {
  Move m = {from, to, bytes, 1};
  if (bytes && to != from)
    pj_threads_for(threads, pj__divide_up((int64_t)bytes, MOVE_BYTES), 1, move_part, &m);
}

static void fill_part(void *context, int64_t begin, int64_t end, int thread) {
  const Move *m = context;
  const int64_t per = (int64_t)(MOVE_BYTES / m->elem), count = (int64_t)(m->bytes / m->elem),
                first = begin * per;
  pj_fill(m->elem, pj__min(end * per, count) - first, m->from, m->to + (size_t)first * m->elem);
}

void pj__fill(PjThreads *threads, size_t elem, int64_t count, const void *value, void *to) {
  Move m = {value, to, (size_t)count * elem, elem};
  if (count > 0)
    pj_threads_for(threads, pj__divide_up((int64_t)m.bytes, MOVE_BYTES), 1, fill_part, &m);
}
