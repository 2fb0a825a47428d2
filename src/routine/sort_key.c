// Keys of elements, and their radix sort.
#include "routine/sort_key.h"

#include <string.h>
#if defined(__x86_64__)
#include <emmintrin.h>
#endif

#include "routine/variant.h"

typedef struct Coding {
  PjCodeFn *encode, *encode_plain, *decode;
  int bytes;
  uint64_t nan;
} Coding;

#define PJ_VARIANT_FILE "routine/sort_encode_variant.h"
#include "routine/variants.h"

bool pj__coding(PjDtype dtype, PjCoding *out) {
  const Coding *coding = &PJ_PICK(codings)[dtype];
  if (!coding->encode)
    return false;
  *out = (PjCoding){coding->encode,
                    coding->encode_plain,
                    coding->decode,
                    coding->bytes == 8 ? 8 : 4,
                    ~UINT64_C(0) >> (64 - 8 * coding->bytes),
                    coding->nan};
  return true;
}

// ---- comparators of operands
static bool is_constant(const PjValue *value, uint64_t bits) {
  const PjOp *op = value->def;
  if (!op || op->kind != PJ_OP_CONSTANT)
    return false;
  const PjAttr *attr = PJ_ATTR(op, value);
  uint64_t have = 0;
  const size_t bytes = pj_dtype_bytes(value->type->dtype);
  if (!attr || attr->kind != PJ_ATTR_ELEMENTS || attr->data_size < bytes || bytes > 8)
    return false;
  memcpy(&have, attr->data, bytes);
  return have == bits;
}

static const PjOp *choice_on(const PjValue *value, int64_t direction) {
  const PjOp *select = value->def;
  if (!select || select->kind != PJ_OP_SELECT)
    return NULL;
  const PjOp *compare = select->operands[0]->def;
  return compare && compare->kind == PJ_OP_COMPARE &&
                 PJ_INT(compare, comparison_direction) == direction &&
                 PJ_INT(compare, compare_type) != PJ_CMPTYPE_TOTALORDER
             ? select
             : NULL;
}

// x == 0 ? 0 : x
static const PjValue *without_zeros(const PjValue *value) {
  const PjOp *select = choice_on(value, PJ_CMP_EQ);
  if (!select)
    return NULL;
  const PjOp *compare = select->operands[0]->def;
  const PjValue *x = select->operands[2];
  return is_constant(select->operands[1], 0) && compare->operands[0] == x &&
                 is_constant(compare->operands[1], 0)
             ? x
             : NULL;
}

// y != y ? NaN : y, with the zeros of y replaced, or those of the result
static const PjValue *without_specials(const PjValue *value, uint64_t nan) {
  const PjOp *select = choice_on(value, PJ_CMP_NE);
  if (!select || !is_constant(select->operands[1], nan))
    return NULL;
  const PjOp *compare = select->operands[0]->def;
  const PjValue *inner = select->operands[2], *x = without_zeros(inner);
  const PjValue *tested = compare->operands[0];
  return x && tested == compare->operands[1] && (tested == x || tested == inner) ? x : NULL;
}

bool pj__key_is_operand(const PjRegion *comparator, const PjSortKey *key, uint32_t *out_arg,
                        bool *out_plain) {
  const PjValue *value = key->left;
  PjCoding coding;
  *out_plain = false;
  if (value->region != comparator && key->total_order && pj_dtype_is_float(key->dtype) &&
      pj__coding(key->dtype, &coding)) {
    const PjValue *x = without_specials(value, coding.nan);
    if (x) {
      value = x;
      *out_plain = true;
    }
  }
  *out_arg = value->index;
  return value->region == comparator;
}

// ---- radix sort
enum {
  RUN = 16,
  SMALL = 256,
  PARALLEL = 1 << 15,
  LINES = 1 << 18, // elements that the second cache does not hold: from here on past the caches
};

#define RADIX(T, S)                                                                                \
  static void insertion_##S(int64_t n, T *keys, uint32_t *order) {                                 \
    for (int64_t i = 1; i < n; ++i) {                                                              \
      const T key = keys[i];                                                                       \
      const uint32_t at = order ? order[i] : 0;                                                    \
      int64_t j = i;                                                                               \
      for (; j > 0 && key < keys[j - 1]; --j) {                                                    \
        keys[j] = keys[j - 1];                                                                     \
        if (order)                                                                                 \
          order[j] = order[j - 1];                                                                 \
      }                                                                                            \
      keys[j] = key;                                                                               \
      if (order)                                                                                   \
        order[j] = at;                                                                             \
    }                                                                                              \
  }                                                                                                \
  /* Merges sorted runs of RUN until one is left; true when that ends up in the spare arrays. */   \
  static bool merges_##S(int64_t n, T *keys, uint32_t *order, T *to, uint32_t *to_order) {         \
    bool swapped = false;                                                                          \
    for (int64_t i = 0; i < n; i += RUN)                                                           \
      insertion_##S(n - i < RUN ? n - i : RUN, keys + i, order ? order + i : NULL);                \
    for (int64_t run = RUN; run < n; run *= 2, swapped = !swapped) {                               \
      for (int64_t begin = 0; begin < n; begin += 2 * run) {                                       \
        const int64_t middle = pj__min(begin + run, n), end = pj__min(begin + 2 * run, n);         \
        for (int64_t a = begin, b = middle, at = begin; at < end; ++at) {                          \
          const int64_t from = b == end || (a < middle && keys[a] <= keys[b]) ? a++ : b++;         \
          to[at] = keys[from];                                                                     \
          if (order)                                                                               \
            to_order[at] = order[from];                                                            \
        }                                                                                          \
      }                                                                                            \
      T *const swap = keys;                                                                        \
      uint32_t *const swap_order = order;                                                          \
      keys = to;                                                                                   \
      order = to_order;                                                                            \
      to = swap;                                                                                   \
      to_order = swap_order;                                                                       \
    }                                                                                              \
    return swapped;                                                                                \
  }                                                                                                \
  /* How often each value of the bytes from |first| on occurs; |tables| has 256 counts for each of \
   * them. */                                                                                      \
  static void count_##S(int64_t n, const T *keys, int first, int last, uint32_t *tables) {         \
    memset(tables, 0, (size_t)(last - first) * 256 * sizeof *tables);                              \
    if (last - first == 1) {                                                                       \
      for (int64_t i = 0; i < n; ++i)                                                              \
        ++tables[keys[i] >> (8 * first) & 255];                                                    \
      return;                                                                                      \
    }                                                                                              \
    for (int64_t i = 0; i < n; ++i) {                                                              \
      T key = keys[i] >> (8 * first);                                                              \
      for (int byte = first; byte < last; ++byte, key >>= 8)                                       \
        ++tables[(byte - first) * 256 + (int)(key & 255)];                                         \
    }                                                                                              \
  }                                                                                                \
  static void scatter_##S(int64_t n, const T *keys, const uint32_t *order, int shift,              \
                          uint32_t *places, T *to_keys, uint32_t *to_order) {                      \
    if (!order) {                                                                                  \
      for (int64_t i = 0; i < n; ++i) {                                                            \
        const T key = keys[i];                                                                     \
        to_keys[places[key >> shift & 255]++] = key;                                               \
      }                                                                                            \
      return;                                                                                      \
    }                                                                                              \
    for (int64_t i = 0; i < n; ++i) {                                                              \
      const T key = keys[i];                                                                       \
      const uint32_t to = places[key >> shift & 255]++;                                            \
      to_keys[to] = key;                                                                           \
      to_order[to] = order[i];                                                                     \
    }                                                                                              \
  }

// The same for long arrays, whose buckets would take turns in the same few places of the cache:
// some elements of each bucket are collected first, then written as whole cache lines past the
// cache.
#define SCATTER_LINES(NAME, T, LINE, ORDERED)                                                    \
  static void NAME(int64_t n, const T *keys, const uint32_t *order, int shift, uint32_t *places, \
                   T *to_keys, uint32_t *to_order) {                                             \
    _Alignas(64) T lines[256][LINE];                                                             \
    _Alignas(64) uint32_t orders[ORDERED ? 256 : 1][LINE];                                       \
    uint32_t begins[256];                                                                        \
    memcpy(begins, places, sizeof begins);                                                       \
    for (int64_t i = 0; i < n; ++i) {                                                            \
      const T key = keys[i];                                                                     \
      const uint32_t bucket = (uint32_t)(key >> shift & 255), to = places[bucket]++,             \
                     at = to % LINE;                                                             \
      lines[bucket][at] = key;                                                                   \
      if (ORDERED)                                                                               \
        orders[bucket][at] = order[i];                                                           \
      if (at != LINE - 1)                                                                        \
        continue;                                                                                \
      const uint32_t from = to - at;                                                             \
      if (__builtin_expect(from >= begins[bucket], 1)) {                                         \
        write_lines(to_keys + from, lines[bucket], sizeof lines[bucket]);                        \
        if (ORDERED)                                                                             \
          write_lines(to_order + from, orders[bucket], sizeof orders[bucket]);                   \
        continue;                                                                                \
      }                                                                                          \
      for (uint32_t k = begins[bucket]; k <= to; ++k) {                                          \
        to_keys[k] = lines[bucket][k % LINE];                                                    \
        if (ORDERED)                                                                             \
          to_order[k] = orders[bucket][k % LINE];                                                \
      }                                                                                          \
    }                                                                                            \
    for (int bucket = 0; bucket < 256; ++bucket) {                                               \
      const uint32_t end = places[bucket], line = end / LINE * LINE;                             \
      for (uint32_t k = line > begins[bucket] ? line : begins[bucket]; k < end; ++k) {           \
        to_keys[k] = lines[bucket][k % LINE];                                                    \
        if (ORDERED)                                                                             \
          to_order[k] = orders[bucket][k % LINE];                                                \
      }                                                                                          \
    }                                                                                            \
    written();                                                                                   \
  }

#if defined(__x86_64__)
static inline void write_lines(void *to, const void *from, size_t bytes) {
  for (size_t i = 0; i < bytes / 16; ++i)
    _mm_stream_si128((__m128i *)to + i, _mm_load_si128((const __m128i *)from + i));
}
static inline void written(void) {
  _mm_sfence();
}
#else
static inline void write_lines(void *to, const void *from, size_t bytes) {
  memcpy(to, from, bytes);
}
static inline void written(void) {}
#endif

RADIX(uint32_t, 4)
RADIX(uint64_t, 8)
SCATTER_LINES(scatter_lines_4, uint32_t, 16, false)
SCATTER_LINES(scatter_lines_8, uint64_t, 8, false)
SCATTER_LINES(scatter_lines_ordered, uint64_t, 16, true)

static void count(const PjRadix *r, int64_t from, int64_t n, int first, int last,
                  uint32_t *tables) {
  if (r->key_bytes == 4)
    count_4(n, (const uint32_t *)r->keys + from, first, last, tables);
  else
    count_8(n, (const uint64_t *)r->keys + from, first, last, tables);
}

static void scatter(const PjRadix *r, int64_t from, int64_t n, int byte, uint32_t *places) {
  const uint32_t *order = r->order ? r->order + from : NULL;
  const bool lines = r->n >= LINES;
  if (r->key_bytes == 4)
    (lines && !order ? scatter_lines_4 : scatter_4)(n, (const uint32_t *)r->keys + from, order,
                                                    8 * byte, places, r->spare, r->spare_order);
  else
    (!lines  ? scatter_8
     : order ? scatter_lines_ordered
             : scatter_lines_8)(n, (const uint64_t *)r->keys + from, order, 8 * byte, places,
                                r->spare, r->spare_order);
}

typedef struct Pass {
  const PjRadix *r;
  int byte;
  int64_t block;
} Pass;

static void count_blocks(void *context, int64_t begin, int64_t end, int thread) {
  const Pass *p = context;
  for (int64_t b = begin; b < end; ++b) {
    const int64_t from = pj__min(b * p->block, p->r->n);
    count(p->r, from, pj__min(p->block, p->r->n - from), p->byte, p->byte + 1,
          p->r->counts + b * 256);
  }
}

static void scatter_blocks(void *context, int64_t begin, int64_t end, int thread) {
  const Pass *p = context;
  for (int64_t b = begin; b < end; ++b) {
    const int64_t from = pj__min(b * p->block, p->r->n);
    scatter(p->r, from, pj__min(p->block, p->r->n - from), p->byte, p->r->counts + b * 256);
  }
}

static void swap_arrays(PjRadix *r) {
  void *keys = r->keys;
  uint32_t *order = r->order;
  r->keys = r->spare;
  r->order = r->spare_order;
  r->spare = keys;
  r->spare_order = order;
}

void pj__radix_sort(PjRadix *r, PjThreads *threads) {
  if (r->n <= SMALL) {
    if (r->key_bytes == 4 ? merges_4(r->n, r->keys, r->order, r->spare, r->spare_order)
                          : merges_8(r->n, r->keys, r->order, r->spare, r->spare_order))
      swap_arrays(r);
    return;
  }
  if (r->n < PARALLEL || pj_threads_count(threads) == 1) {
    count(r, 0, r->n, r->first, r->last, r->counts);
    for (int byte = r->first; byte < r->last; ++byte) {
      uint32_t *counts = r->counts + (byte - r->first) * 256, place = 0;
      const uint64_t one =
          r->key_bytes == 4 ? *(const uint32_t *)r->keys : *(const uint64_t *)r->keys;
      if (counts[one >> (8 * byte) & 255] == (uint32_t)r->n) // all in one bucket
        continue;
      for (int digit = 0; digit < 256; ++digit) {
        const uint32_t size = counts[digit];
        counts[digit] = place;
        place += size;
      }
      scatter(r, 0, r->n, byte, counts);
      swap_arrays(r);
    }
    return;
  }
  // Blocks are scattered one behind the other within each bucket, so their number does not show in
  // the result.
  Pass p = {.r = r, .block = pj__divide_up(r->n, PJ_RADIX_BLOCKS)};
  for (p.byte = r->first; p.byte < r->last; ++p.byte) {
    pj_threads_for(threads, PJ_RADIX_BLOCKS, 1, count_blocks, &p);
    uint32_t place = 0;
    bool same = false;
    for (int digit = 0; digit < 256; ++digit) {
      const uint32_t before = place;
      for (int b = 0; b < PJ_RADIX_BLOCKS; ++b) {
        const uint32_t size = r->counts[b * 256 + digit];
        r->counts[b * 256 + digit] = place;
        place += size;
      }
      same |= place - before == (uint32_t)r->n;
    }
    if (same)
      continue;
    pj_threads_for(threads, PJ_RADIX_BLOCKS, 1, scatter_blocks, &p);
    swap_arrays(r);
  }
}
