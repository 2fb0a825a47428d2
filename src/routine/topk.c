// chlo.top_k: the k largest of each row in falling total order, the first of equals first.
//
// One pass over the row keeps those that may still be among the k: elements better than a threshold
// go to a buffer; when it is full it is cut to the best k, and the last of them is the new
// threshold. Elements come in order, so one that only equals the threshold comes after k others and
// is out. On random data few elements enter the buffer; in the worst case each pays the cut of a
// buffer's share.
//
// Where k is small the first threshold is a bound that the first block gives: the k-th best of the
// best of each lane.
//
// A key of 4 bytes and its place are one number of 8, so that no two are equal and any way to find
// the k least will do; keys of 8 bytes are sorted, with their places.
#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "eval/float.h"
#include "routine/sort_key.h"
#include "routine/variant.h"

enum {
  BLOCK = 256,
  MOST_LANES = 64, // of a bound, of which there are twice k at least
  FEW = 64         // in a buffer that is sorted as it is
};

typedef struct TopK {
  PjRoutine routine;
  PjCoding coding;
  PjDtype index_dtype;
  size_t elem;
  int64_t rows, n, k, buffer; // buffer: places in it, at least k + BLOCK
} TopK;

// Places i < n with keys[i] < limit, into |out|; their number.
typedef int FilterFn(int n, const void *keys, uint64_t limit, uint32_t *out);
// A number that |k| <= MOST_LANES / 2 of |n| >= 4 k keys, 32 at least, do not exceed.
typedef uint32_t BoundFn(int n, const uint32_t *keys, int k);

#define PJ_VARIANT_FILE "routine/topk_variant.h"
#include "routine/variants.h"

typedef struct Run {
  const TopK *t;
  const char *in;
  char *values, *indices;
  void *scratch;
} Run;

static size_t scratch_bytes(const TopK *t) {
  return pj__scratch_round((size_t)t->buffer * 8) * 2 +
         pj__scratch_round((size_t)t->buffer * 4) * 2 + PJ_RADIX_COUNTS * 4 + BLOCK * 8 + BLOCK * 4;
}

static void swap(uint64_t *a, uint64_t *b) {
  const uint64_t kept = *a;
  *a = *b;
  *b = kept;
}

// Moves the |k| least of |n| > |k| distinct numbers to the front, the greatest of them last: C. A.
// R. Hoare, "Algorithm 65: Find", Communications of the ACM 4, 1961. False, with the numbers in any
// order, if the pivots were bad.
static bool find_least(uint64_t *a, int64_t n, int64_t k) {
  int64_t low = 0, high = n - 1;
  for (int64_t work = 8 * n; low < high; work -= high - low + 1) {
    if (work < 0)
      return false;
    const int64_t middle = low + (high - low) / 2;
    if (a[middle] < a[low])
      swap(&a[middle], &a[low]);
    if (a[high] < a[low])
      swap(&a[high], &a[low]);
    if (a[high] < a[middle])
      swap(&a[high], &a[middle]);
    const uint64_t pivot = a[middle];
    int64_t i = low, j = high;
    while (i <= j) {
      while (a[i] < pivot)
        i++;
      while (a[j] > pivot)
        j--;
      if (i <= j)
        swap(&a[i++], &a[j--]);
    }
    // Now [low, j] <= [j + 1, i - 1] <= [i, high].
    if (k - 1 <= j)
      high = j;
    else if (k - 1 >= i)
      low = i;
    else
      return true;
  }
  return true;
}

// Cuts the buffer of |*count| to the best k, of which the worst is the last; the arrays of |r| may
// change places.
static void cut(const TopK *t, PjRadix *r, int64_t *count) {
  r->n = *count;
  if (*count > t->k && (t->coding.key_bytes == 8 || !find_least(r->keys, *count, t->k)))
    pj__radix_sort(r, NULL);
  *count = pj__min(*count, t->k);
}

// The same, and sorts them.
static void finish(const TopK *t, PjRadix *r, int64_t *count) {
  if (t->coding.key_bytes == 4 && *count > FEW)
    cut(t, r, count);
  r->n = *count;
  pj__radix_sort(r, NULL);
  *count = pj__min(*count, t->k);
}

static void put_index(PjDtype dtype, int64_t i, uint32_t value, void *out) {
  if (pj_dtype_bytes(dtype) == 4)
    ((uint32_t *)out)[i] = value;
  else
    pj_int_encode(dtype, value, (char *)out + (size_t)i * pj_dtype_bytes(dtype));
}

static void top_rows(void *context, int64_t begin, int64_t end, int thread) {
  const Run *run = context;
  const TopK *t = run->t;
  const size_t index_bytes = pj_dtype_bytes(t->index_dtype);
  BoundFn *const bound = PJ_PICK(bound);
  FilterFn *const filter = t->coding.key_bytes == 4 ? PJ_PICK(filter_4) : PJ_PICK(filter_8);
  char *at = pj__thread_scratch(&t->routine, run->scratch, thread);
  PjRadix r = {.key_bytes = 8, .last = 8};
  r.counts = (uint32_t *)at;
  at += PJ_RADIX_COUNTS * 4;
  void *const keys = at;
  uint32_t *const places = (uint32_t *)(at + BLOCK * 8);
  at += BLOCK * 8 + BLOCK * 4;
  r.keys = at;
  r.spare = at += pj__scratch_round((size_t)t->buffer * 8);
  at += pj__scratch_round((size_t)t->buffer * 8);
  const bool joined = t->coding.key_bytes == 4;
  if (!joined) {
    r.order = (uint32_t *)at;
    r.spare_order = (uint32_t *)(at + pj__scratch_round((size_t)t->buffer * 4));
  }
  for (int64_t row = begin; row < end; ++row) {
    const char *in = run->in + (size_t)(row * t->n) * t->elem;
    int64_t count = 0;
    uint64_t limit = UINT64_MAX;
    bool all = true; // no threshold yet: also the key of all ones enters
    for (int64_t first = 0; first < t->n; first += BLOCK) {
      const int n = (int)pj__min(BLOCK, t->n - first);
      t->coding.encode(n, in + (size_t)first * t->elem, keys, t->coding.turn);
      if (count + n > t->buffer) {
        cut(t, &r, &count);
        limit = ((const uint64_t *)r.keys)[count - 1] >> (joined ? 32 : 0);
        all = false;
      }
      int found = n;
      uint64_t least = limit;
      if (joined && !first && t->k <= MOST_LANES / 2 && n >= 4 * t->k && n >= MOST_LANES / 2) {
        limit = bound(n, keys, (int)t->k);
        all = limit == UINT32_MAX;
        least = limit + 1; // those that equal the bound may be among the k, but no later ones
      }
      if (!all)
        found = filter(n, keys, least, places);
      uint64_t *to = (uint64_t *)r.keys + count;
      for (int i = 0; i < found; ++i) {
        const uint32_t place = all ? (uint32_t)i : places[i], index = (uint32_t)first + place;
        if (joined) {
          to[i] = (uint64_t)((const uint32_t *)keys)[place] << 32 | index;
        } else {
          to[i] = ((const uint64_t *)keys)[place];
          r.order[count + i] = index;
        }
      }
      count += found;
    }
    finish(t, &r, &count);
    char *values = run->values + (size_t)(row * t->k) * t->elem,
         *indices = run->indices + (size_t)(row * t->k) * index_bytes;
    for (int64_t i = 0; i < t->k; ++i) {
      const uint32_t place = joined ? (uint32_t)((const uint64_t *)r.keys)[i] : r.order[i];
      memcpy(values + (size_t)i * t->elem, in + (size_t)place * t->elem, t->elem);
      put_index(t->index_dtype, i, place, indices);
    }
  }
}

static PjStatus run_top_k(const PjRoutine *self, PjThreads *threads, const void *const *in,
                          void *const *out, void *scratch) {
  const TopK *t = (const TopK *)self;
  Run run = {t, in[0], out[0], out[1], scratch};
  if (t->k > 0)
    pj_threads_for(threads, t->rows, pj__grain(t->rows, (double)t->n * 4 + (double)t->k * 32),
                   top_rows, &run);
  return PJ_STATUS_OK;
}

const PjRoutine *pj__routine_top_k(PjArena *arena, const PjOp *op) {
  const PjType *type = pj__in(op, 0);
  TopK *t = PJ_NEW(arena, TopK);
  if (type->rank < 1 || !pj__coding(type->dtype, &t->coding))
    return NULL;
  t->n = type->dims[type->rank - 1];
  t->k = pj__min(PJ_INT(op, k), t->n);
  if (t->n >= UINT32_MAX || pj__out(op, 0)->dims[type->rank - 1] != t->k)
    return NULL;
  t->rows = t->n ? pj__count(type) / t->n : 0;
  t->elem = pj_dtype_bytes(type->dtype);
  t->index_dtype = pj__out(op, 1)->dtype;
  t->buffer = pj__min(2 * t->k + 2 * BLOCK, pj__divide_up(t->n, BLOCK) * BLOCK + t->k);
  t->routine = (PjRoutine){
      .name = "top_k", .run = run_top_k, .in_place = -1, .bytes = (double)pj__bytes(type)};
  t->routine.thread_scratch_bytes = pj__scratch_round(scratch_bytes(t));
  return &t->routine;
}
