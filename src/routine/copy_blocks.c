// Transposition within short blocks: small matrices, groups of channels.
//
//   abcdef abcdef ..  =>  adbecf adbecf ..      blocks of 2 by 3
//
// A block is read as up to four vectors, and what is written as vectors is picked from those by
// permutations of two of them. The last vector of a block reaches into the next one, whose turn
// comes later; several blocks that fit into one vector are one. The last blocks go through a
// buffer.
#include "routine/copy_blocks.h"

#include <string.h>

#include "routine/variant.h"
#if defined(__x86_64__)
#include <immintrin.h>
#endif

enum {
  MOST = 4,      // vectors of a block
  WIDTH = 64,    // bytes of the widest
  ENOUGH = 2048, // bytes of blocks side by side: tables are made for each pass
  MANY = 32,     // such blocks
};

typedef void BlockFn(const PjStrided *plan, const char *src, char *dst);

#if defined(__x86_64__)
// What is done as one: |count| lanes of |lane| bytes each, all of |bytes|, in |vectors|; those of
// the destination are the lanes |from| of the source.
typedef struct Block {
  int64_t count, bytes, lane;
  int32_t vectors;
  uint8_t from[MOST * WIDTH];
} Block;

static void set_block(Block *b, const PjStrided *p, int64_t width) {
  const int64_t elem = (int64_t)p->elem, bytes = p->dst[p->rank - 2];
  const int64_t together = bytes < width ? width / bytes : 1;
  b->lane = elem < 4 ? elem : 4;
  b->bytes = together * bytes;
  b->count = b->bytes / b->lane;
  b->vectors = (int32_t)((b->bytes + width - 1) / width);
  const int32_t first = p->rank - 1;
  int32_t last = first, d = 0;
  for (int64_t done = elem; done < bytes; done *= p->dims[last++])
    ;
  int64_t at[PJ_MAX_RANK] = {0}, src = 0, dst = 0;
  do {
    for (int64_t i = 0; i < elem; i += b->lane)
      b->from[(dst + i) / b->lane] = (uint8_t)((src + i) / b->lane);
    for (d = last - 1; d >= first; --d) {
      src += p->src[d];
      dst += p->dst[d];
      if (++at[d] < p->dims[d])
        break;
      src -= p->src[d] * p->dims[d];
      dst -= p->dst[d] * p->dims[d];
      at[d] = 0;
    }
  } while (d >= first);
  const int64_t lanes = bytes / b->lane;
  for (int64_t i = lanes; i < b->count; ++i)
    b->from[i] = (uint8_t)(b->from[i - lanes] + lanes);
}
#endif

#define PJ_VARIANT_FILE "routine/copy_blocks_variant.h"
#include "routine/variants.h"

#if defined(__x86_64__)
__attribute__((target("avx512vbmi,avx512f,avx512bw,avx512vl,avx512dq,avx2"))) static void
bytes_vbmi(const PjStrided *p, const char *src, char *dst) {
  BLOCKS(uint8_t, 64, epi8)
}
#endif

// Do the dimensions from |first| on cover a block of |bytes| without gaps?
static bool lies_together(const PjStrided *p, const int64_t *strides, int32_t first,
                          int64_t bytes) {
  for (int64_t next = (int64_t)p->elem; next < bytes;) {
    int32_t d = first;
    while (d < p->rank && strides[d] != next)
      ++d;
    if (d == p->rank)
      return false;
    next *= p->dims[d];
  }
  return true;
}

BlockFn *pj__copy_blocks(PjStrided *p) {
  const int64_t elem = (int64_t)p->elem;
  BlockFn *fn = elem >= 4 ? PJ_PICK(blocks)[0] : elem == 2 ? PJ_PICK(blocks)[1] : NULL;
#if defined(__x86_64__)
  if (elem == 1 && pj_cpu_has(PJ_CPU_AVX512 | PJ_CPU_F16C | PJ_CPU_AVX512_VBMI))
    fn = bytes_vbmi;
#endif
  if (!fn)
    return NULL;
  const int64_t most = MOST * (pj_cpu_has(PJ_CPU_AVX512 | PJ_CPU_F16C) ? WIDTH : WIDTH / 2);
  int64_t bytes = elem;
  for (int32_t first = p->rank - 1; first > 0; --first) {
    bytes *= p->dims[first];
    if (bytes > most)
      return NULL;
    if (p->rank - first < 2 || p->src[first - 1] != bytes || p->dst[first - 1] != bytes ||
        !lies_together(p, p->src, first, bytes) || !lies_together(p, p->dst, first, bytes))
      continue;
    if (p->dims[first - 1] < MANY || p->dims[first - 1] * bytes < ENOUGH)
      return NULL;
    p->rank = first + 1; // the others are found by their sizes
    return fn;
  }
  return NULL;
}
