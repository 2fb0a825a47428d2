// Cumulative sums and their kin.
//
// The array is [outer, n, inner]. With inner = 1 rows are scanned in blocks of a fixed length, each
// from nothing, with what came before them put in front: the carry. So the blocks of few long rows
// can be shared by threads: first the carry of each block, then all elements; the bits are the same
// as in one go. Otherwise n steps combine vectors of inner elements, some columns to a part.
//
// 16-bit floats are summed as F32 along rows and rounded at the end; columns are rounded at each
// step, as XLA does. Products of floats run in order: those of
// a block alone might overflow where the whole does not.
#include "routine/scan.h"

#include <string.h>

#include "eval/float.h"
#include "eval/fold.h"

enum { BLOCK = 2048, COLUMNS = 512, FEW_ROWS = 8 };

typedef struct ScanPlan {
  PjRoutine routine;
  PjDtype dtype, comp;
  size_t elem, comp_elem;
  int64_t outer, n, inner, blocks; // blocks: of a row
  bool backwards, convert, in_order;
  PjScanFn *scan;
  PjFold fold; // in_order
  PjPairsFn *pairs;
  char neutral[16], init[16]; // of comp
} ScanPlan;

typedef struct Run {
  const ScanPlan *s;
  const char *in;
  char *out, *scratch;
  char *carries; // [outer, blocks] of comp, or NULL
} Run;

static void scan(const ScanPlan *s, int64_t n, const void *x, void *out, void *carry) {
  if (!s->in_order) {
    s->scan(n, x, out, s->backwards, s->neutral, carry);
    return;
  }
  const int64_t step = s->backwards ? -1 : 1, first = s->backwards ? n - 1 : 0;
  s->fold.scan(n, (const char *)x + (size_t)first * s->comp_elem, step,
               (char *)out + (size_t)first * s->comp_elem, step, carry);
}

// Scans block |b| of a row; blocks count from the end where the scan is backwards.
static void scan_block(const Run *run, int64_t row, int64_t b, bool write, void *carry,
                       int thread) {
  const ScanPlan *s = run->s;
  const int64_t n = pj__min(BLOCK, s->n - b * BLOCK),
                at = row * s->n + (s->backwards ? s->n - b * BLOCK - n : b * BLOCK);
  const char *in = run->in + (size_t)at * s->elem;
  char *out = run->out + (size_t)at * s->elem;
  if (!s->convert) {
    scan(s, n, in, write ? out : NULL, carry);
    return;
  }
  char *block = pj__thread_scratch(&s->routine, run->scratch, thread);
  pj_float_decode_n(s->dtype, n, in, (float *)block);
  scan(s, n, block, write ? block : NULL, carry);
  if (write)
    pj_float_encode_n(s->dtype, n, (float *)block, out);
}

static void scan_rows(void *context, int64_t begin, int64_t end, int thread) {
  const Run *run = context;
  for (int64_t row = begin; row < end; ++row) {
    char carry[16] __attribute__((aligned(16)));
    memcpy(carry, run->s->init, sizeof carry);
    for (int64_t b = 0; b < run->s->blocks; ++b)
      scan_block(run, row, b, true, carry, thread);
  }
}

// The total of each block, from nothing.
static void block_totals(void *context, int64_t begin, int64_t end, int thread) {
  const Run *run = context;
  const ScanPlan *s = run->s;
  for (int64_t at = begin; at < end; ++at) {
    char carry[16] __attribute__((aligned(16)));
    memcpy(carry, s->neutral, sizeof carry);
    scan_block(run, at / s->blocks, at % s->blocks, false, carry, thread);
    memcpy(run->carries + (size_t)at * s->comp_elem, carry, s->comp_elem);
  }
}

static void block_results(void *context, int64_t begin, int64_t end, int thread) {
  const Run *run = context;
  const ScanPlan *s = run->s;
  for (int64_t at = begin; at < end; ++at) {
    char carry[16] __attribute__((aligned(16)));
    memcpy(carry, run->carries + (size_t)at * s->comp_elem, s->comp_elem);
    scan_block(run, at / s->blocks, at % s->blocks, true, carry, thread);
  }
}

// Columns [begin, end) of COLUMNS elements, of all outer indices.
static void scan_columns(void *context, int64_t begin, int64_t end, int thread) {
  const Run *run = context;
  const ScanPlan *s = run->s;
  const int64_t parts = pj__divide_up(s->inner, COLUMNS),
                step = s->backwards ? -s->inner : s->inner;
  for (int64_t part = begin; part < end; ++part) {
    const int64_t first = part % parts * COLUMNS, width = pj__min(COLUMNS, s->inner - first);
    int64_t at =
        part / parts * s->n * s->inner + first + (s->backwards ? (s->n - 1) * s->inner : 0);
    char *sums = pj__thread_scratch(&s->routine, run->scratch, thread),
         *row = sums + COLUMNS * s->comp_elem;
    for (int64_t i = 0; i < width; ++i)
      memcpy(sums + (size_t)i * s->comp_elem, s->init, s->comp_elem);
    const char *before = sums;
    for (int64_t j = 0; j < s->n; ++j, at += step) {
      const char *in = run->in + (size_t)at * s->elem;
      char *out = run->out + (size_t)at * s->elem;
      if (s->convert) {
        pj_float_decode_n(s->dtype, width, in, (float *)row);
        s->pairs(width, sums, row, 1, sums);
        pj_float_encode_n(s->dtype, width, (float *)sums, out);
        pj_float_decode_n(s->dtype, width, out, (float *)sums);
        continue;
      }
      s->pairs(width, before, in, 1, out);
      before = out;
    }
  }
}

static PjStatus run_scan(const PjRoutine *self, PjThreads *threads, const void *const *in,
                         void *const *out, void *scratch) {
  const ScanPlan *s = (const ScanPlan *)self;
  Run run = {.s = s, .in = in[0], .out = out[0], .scratch = scratch, .carries = scratch};
  if (s->inner > 1) {
    const int64_t parts = s->outer * pj__divide_up(s->inner, COLUMNS);
    const double work = (double)s->n * (double)pj__min(s->inner, COLUMNS) * (double)s->elem;
    pj_threads_for(threads, parts, pj__grain(parts, work), scan_columns, &run);
    return PJ_STATUS_OK;
  }
  if (s->in_order || s->outer >= FEW_ROWS || s->blocks == 1 || pj_threads_count(threads) == 1) {
    pj_threads_for(threads, s->outer, pj__grain(s->outer, (double)s->n * (double)s->elem),
                   scan_rows, &run);
    return PJ_STATUS_OK;
  }
  const int64_t all = s->outer * s->blocks, grain = pj__grain(all, BLOCK * (double)s->elem);
  pj_threads_for(threads, all, grain, block_totals, &run);
  for (int64_t row = 0; row < s->outer; ++row) {
    char carry[16] __attribute__((aligned(16))), total[16] __attribute__((aligned(16)));
    memcpy(carry, s->init, sizeof carry);
    for (int64_t b = 0; b < s->blocks; ++b) {
      char *place = run.carries + (size_t)(row * s->blocks + b) * s->comp_elem;
      memcpy(total, place, s->comp_elem);
      memcpy(place, carry, s->comp_elem);
      s->pairs(1, carry, total, 1, carry);
    }
  }
  pj_threads_for(threads, all, grain, block_results, &run);
  return PJ_STATUS_OK;
}

const PjRoutine *pj__scan_select(PjArena *arena, const PjOp *op, const PjWindow *w, PjFoldKind kind,
                                 const void *init) {
  ScanPlan plan = {.dtype = pj__in(op, 0)->dtype, .outer = 1, .inner = 1}, *s = &plan;
  int32_t axis;
  if (pj_window_run(w, &axis) == PJ_WINDOWS_APART || w->in[axis] != w->out[axis])
    return NULL;
  for (int32_t d = 0; d < w->rank; ++d)
    if (d != axis)
      *(d < axis ? &s->outer : &s->inner) *= w->in[d];
  // Result j is that of the elements up to j, or from j on.
  s->n = w->in[axis];
  const bool prefix = w->low[axis] == w->size[axis] - 1 && w->size[axis] >= s->n;
  s->backwards = !prefix;
  if (!prefix && (w->low[axis] != 0 || w->size[axis] < s->n))
    return NULL;
  s->convert = s->dtype == PJ_DT_BF16 || s->dtype == PJ_DT_F16;
  if (s->convert && kind == PJ_FOLD_MUL)
    return NULL; // in f32 a product would come back from where it had become 0 or infinite
  s->comp = s->convert ? PJ_DT_F32 : s->dtype;
  s->elem = pj_dtype_bytes(s->dtype);
  s->comp_elem = pj_dtype_bytes(s->comp);
  s->scan = pj__fold_scan(kind, s->comp);
  s->pairs = pj__fold_pairs(kind, s->comp);
  s->in_order = kind == PJ_FOLD_MUL && pj_dtype_is_float(s->comp) &&
                pj_fold_select(PJ_OP_MULTIPLY, s->comp, &s->fold);
  if (!s->pairs)
    return NULL;
  if (s->convert)
    pj_float_decode_n(s->dtype, 1, init, (float *)s->init);
  else
    memcpy(s->init, init, s->elem);
  pj__fold_neutral(kind, s->comp, s->neutral);
  s->blocks = pj__divide_up(s->n, BLOCK);
  s->routine = (PjRoutine){.name = "scan", .run = run_scan, .in_place = 0};
  s->routine.bytes = 2 * (double)pj__bytes(pj__in(op, 0));
  if (s->inner > 1)
    s->routine.thread_scratch_bytes = pj__scratch_round(2 * COLUMNS * s->comp_elem);
  else if (s->convert)
    s->routine.thread_scratch_bytes = BLOCK * sizeof(float);
  if (s->inner == 1)
    s->routine.scratch_bytes = pj__scratch_round((size_t)(s->outer * s->blocks) * s->comp_elem);
  return pj_arena_memdup(arena, s, sizeof *s);
}
