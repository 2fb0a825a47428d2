// Strided copies. A plan drops dimensions of size 1, orders the others by falling stride of the
// destination, merges neighbours that are contiguous to each other on both sides, and runs one of
// four kernels over the two innermost dimensions: runs of memcpy, fills, tiles (when source and
// destination are contiguous along different dimensions) or plain strided loops.
#include "eval/strided.h"

#include <string.h>

// Elements; several short ones that are moved as one may begin anywhere.
typedef uint16_t __attribute__((aligned(1), may_alias)) Two;
typedef uint32_t __attribute__((aligned(1), may_alias)) Four;
typedef uint64_t __attribute__((aligned(1), may_alias)) Eight;
typedef struct Pair {
  Eight a, b;
} __attribute__((may_alias)) Pair;

// Edge of a tile in elements: source and destination tiles of 8-byte elements fill a quarter of a
// 32 KiB cache.
enum { TILE = 32, SHORT_RUN = 32 };

#define FOR_EACH_ELEMENT_TYPE(X) X(uint8_t, 1) X(Two, 2) X(Four, 4) X(Eight, 8) X(Pair, 16)

// rows: strided loops; fill: a source that does not move along the row; tile: blocks of TILE x
// TILE.
#define KERNELS(T, N)                                                                         \
  static void rows_##N(const PjStrided *p, const char *src, char *dst) {                      \
    int32_t r = p->rank;                                                                      \
    int64_t n1 = p->dims[r - 2], n0 = p->dims[r - 1];                                         \
    int64_t s1 = p->src[r - 2], s0 = p->src[r - 1], d1 = p->dst[r - 2], d0 = p->dst[r - 1];   \
    for (int64_t i = 0; i < n1; ++i, src += s1, dst += d1) {                                  \
      const char *s = src;                                                                    \
      char *d = dst;                                                                          \
      for (int64_t j = 0; j < n0; ++j, s += s0, d += d0)                                      \
        *(T *)d = *(const T *)s;                                                              \
    }                                                                                         \
  }                                                                                           \
  static void fill_##N(const PjStrided *p, const char *src, char *dst) {                      \
    int32_t r = p->rank;                                                                      \
    int64_t n1 = p->dims[r - 2], n0 = p->dims[r - 1], s1 = p->src[r - 2], d1 = p->dst[r - 2]; \
    for (int64_t i = 0; i < n1; ++i, src += s1, dst += d1) {                                  \
      T value = *(const T *)src, *d = (T *)dst;                                               \
      for (int64_t j = 0; j < n0; ++j)                                                        \
        d[j] = value;                                                                         \
    }                                                                                         \
  }                                                                                           \
  static void tile_##N(const PjStrided *p, const char *src, char *dst) {                      \
    int32_t r = p->rank;                                                                      \
    int64_t n1 = p->dims[r - 2], n0 = p->dims[r - 1];                                         \
    int64_t s1 = p->src[r - 2], s0 = p->src[r - 1], d1 = p->dst[r - 2], d0 = p->dst[r - 1];   \
    for (int64_t i = 0; i < n1; i += TILE) {                                                  \
      int64_t i1 = i + TILE < n1 ? i + TILE : n1;                                             \
      for (int64_t j = 0; j < n0; j += TILE) {                                                \
        int64_t j1 = j + TILE < n0 ? j + TILE : n0;                                           \
        for (int64_t k = i; k < i1; ++k) {                                                    \
          const char *s = src + k * s1 + j * s0;                                              \
          char *d = dst + k * d1 + j * d0;                                                    \
          for (int64_t l = j; l < j1; ++l, s += s0, d += d0)                                  \
            *(T *)d = *(const T *)s;                                                          \
        }                                                                                     \
      }                                                                                       \
    }                                                                                         \
  }
FOR_EACH_ELEMENT_TYPE(KERNELS)

static void runs(const PjStrided *p, const char *src, char *dst) {
  int32_t r = p->rank;
  size_t bytes = (size_t)p->dims[r - 1] * p->elem;
  for (int64_t i = 0; i < p->dims[r - 2]; ++i, src += p->src[r - 2], dst += p->dst[r - 2])
    memcpy(dst, src, bytes);
}

typedef void Kernel(const PjStrided *, const char *, char *);

static int size_class(size_t elem) {
  return elem == 1 ? 0 : elem == 2 ? 1 : elem == 4 ? 2 : elem == 8 ? 3 : 4;
}

static int64_t magnitude(int64_t x) {
  return x < 0 ? -x : x;
}

// Brings dimension |from| to the position before the last.
static void make_second(PjStrided *p, int32_t from) {
  int64_t n = p->dims[from], s = p->src[from], d = p->dst[from];
  for (int32_t i = from; i < p->rank - 2; ++i) {
    p->dims[i] = p->dims[i + 1];
    p->src[i] = p->src[i + 1];
    p->dst[i] = p->dst[i + 1];
  }
  p->dims[p->rank - 2] = n;
  p->src[p->rank - 2] = s;
  p->dst[p->rank - 2] = d;
}

static void choose_kernel(PjStrided *p) {
#define ROW(T, N)   rows_##N,
#define FILL(T, N)  fill_##N,
#define TILES(T, N) tile_##N,
  static Kernel *const rows[] = {FOR_EACH_ELEMENT_TYPE(ROW)};
  static Kernel *const fills[] = {FOR_EACH_ELEMENT_TYPE(FILL)};
  static Kernel *const tiles[] = {FOR_EACH_ELEMENT_TYPE(TILES)};
  int class = size_class(p->elem);
  int32_t last = p->rank - 1;
  int64_t elem = (int64_t)p->elem;
  p->kernel = rows[class];
  if (p->dst[last] == elem && p->src[last] == elem) {
    if (p->dims[last] * elem > SHORT_RUN)
      p->kernel = runs;
    return;
  }
  if (p->dst[last] == elem && p->src[last] == 0) {
    p->kernel = fills[class];
    return;
  }
  if (magnitude(p->src[last]) <= elem)
    return;
  for (int32_t i = last - 1; i >= 0; --i) {
    if (magnitude(p->src[i]) != elem || p->dims[i] < 4)
      continue;
    make_second(p, i);
    p->kernel = tiles[class];
    return;
  }
}

// True when dimension |outer| continues dimension |inner| on both sides.
static bool mergeable(const PjStrided *p, int32_t outer, int32_t inner) {
  return p->src[outer] == p->src[inner] * p->dims[inner] &&
         p->dst[outer] == p->dst[inner] * p->dims[inner];
}

static bool is_element(int64_t bytes) {
  return bytes == 2 || bytes == 4 || bytes == 8 || bytes == 16;
}

void pj_strided_plan(PjStrided *plan, size_t elem_bytes, int32_t rank, const int64_t *dims,
                     const int64_t *src_strides, const int64_t *dst_strides) {
  int64_t elem = (int64_t)elem_bytes;
  plan->elem = elem_bytes;
  plan->empty = false;
  plan->rank = 0;
  // Insertion sort by falling |dst|, dropping sizes of 1.
  for (int32_t i = 0; i < rank; ++i) {
    if (dims[i] <= 0)
      plan->empty = true;
    if (dims[i] <= 1)
      continue;
    int64_t s = src_strides[i] * elem, d = dst_strides[i] * elem;
    int32_t at = plan->rank++;
    for (; at > 0 && magnitude(plan->dst[at - 1]) < magnitude(d); --at) {
      plan->dims[at] = plan->dims[at - 1];
      plan->src[at] = plan->src[at - 1];
      plan->dst[at] = plan->dst[at - 1];
    }
    plan->dims[at] = dims[i];
    plan->src[at] = s;
    plan->dst[at] = d;
  }
  if (plan->empty)
    return;
  int32_t kept = 0;
  for (int32_t i = 1; i < plan->rank; ++i) {
    if (mergeable(plan, kept, i)) {
      plan->dims[kept] *= plan->dims[i];
    } else {
      ++kept;
      plan->dims[kept] = plan->dims[i];
    }
    plan->src[kept] = plan->src[i];
    plan->dst[kept] = plan->dst[i];
  }
  if (plan->rank)
    plan->rank = kept + 1;
  // A few elements that lie together on both sides are one.
  while (plan->rank > 1 && plan->src[plan->rank - 1] == elem && plan->dst[plan->rank - 1] == elem &&
         is_element(plan->dims[plan->rank - 1] * elem))
    elem *= plan->dims[--plan->rank];
  plan->elem = (size_t)elem;
  // Kernels want two dimensions.
  for (; plan->rank < 2; ++plan->rank) {
    if (plan->rank) {
      plan->dims[1] = plan->dims[0];
      plan->src[1] = plan->src[0];
      plan->dst[1] = plan->dst[0];
    }
    plan->dims[0] = 1;
    plan->src[0] = plan->dst[0] = elem;
  }
  choose_kernel(plan);
}

void pj_strided_run(const PjStrided *plan, const void *src, void *dst) {
  if (plan->empty)
    return;
  int32_t outer = plan->rank - 2;
  if (outer == 0) {
    plan->kernel(plan, src, dst);
    return;
  }
  int64_t at[PJ_MAX_RANK];
  memset(at, 0, (size_t)outer * sizeof *at);
  const char *s = src;
  char *d = dst;
  for (;;) {
    plan->kernel(plan, s, d);
    int32_t i = outer - 1;
    for (; i >= 0; --i) {
      s += plan->src[i];
      d += plan->dst[i];
      if (++at[i] < plan->dims[i])
        break;
      s -= plan->src[i] * plan->dims[i];
      d -= plan->dst[i] * plan->dims[i];
      at[i] = 0;
    }
    if (i < 0)
      return;
  }
}

void pj_strided_copy(size_t elem_bytes, int32_t rank, const int64_t *dims, const void *src,
                     const int64_t *src_strides, void *dst, const int64_t *dst_strides) {
  PjStrided plan;
  pj_strided_plan(&plan, elem_bytes, rank, dims, src_strides, dst_strides);
  pj_strided_run(&plan, src, dst);
}

void pj_fill(size_t elem_bytes, int64_t n, const void *value, void *dst) {
  static const int64_t zero = 0, one = 1;
  const unsigned char *bytes = value;
  bool same = true;
  for (size_t i = 1; i < elem_bytes; ++i)
    same &= bytes[i] == bytes[0];
  if (same && n > 0)
    memset(dst, bytes[0], (size_t)n * elem_bytes);
  else
    pj_strided_copy(elem_bytes, 1, &n, value, &zero, dst, &one);
}

void pj_strides(int32_t rank, const int64_t *dims, int64_t *strides) {
  int64_t stride = 1;
  for (int32_t i = rank - 1; i >= 0; --i) {
    strides[i] = stride;
    // Sizes after a zero may multiply beyond int64; nothing is addressed then.
    stride = (int64_t)((uint64_t)stride * (uint64_t)(dims[i] > 1 ? dims[i] : 1));
  }
}
