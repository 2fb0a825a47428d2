// Panels of small integers: neighbours of the sum as pairs of 16 bits, for processors multiply and
// add two such products in one instruction. A pair is one number of the packed product, its first
// element the lower half; everything but packing and the micro-kernel sees half as long a sum.
#include <string.h>

#include "routine/gemm.h"
#include "routine/variant.h"

typedef struct Widening {
  void (*widen)(int64_t n, const void *in, void *out);
  void (*zip)(int64_t n, const void *low, const void *high, uint32_t *out);
} Widening;

#define PJ_VARIANT_FILE "routine/gemm_pairs_variant.h"
#include "routine/variants.h"

enum { WIDTH = PJ_PACK_WIDTH, PIECE = PJ_PACK_PIECE };
_Static_assert(WIDTH *PIECE * 4 <= PJ_PACK_TEMP, "lines of pairs of a sliver");

// Of the types whose every value is a 16-bit integer; NULL for others.
static const Widening *widening(PjDtype dtype) {
  const Widening *all = PJ_PICK(widenings);
  return dtype == PJ_DT_S8    ? &all[0]
         : dtype == PJ_DT_U8  ? &all[1]
         : dtype == PJ_DT_S16 ? &all[2]
                              : NULL;
}

static inline int64_t offset_at(const int64_t *table, int64_t step, int64_t i) {
  return step >= 0 ? i * step : table[i];
}

// Lines along the rows, two of them a line of pairs: some slivers at a time, of them some pairs.
static void pack_rows(const PjPanel *panel, const char *base, int64_t outer, int64_t outers,
                      int64_t sum, int64_t sums, int width, char *out, int64_t sliver,
                      uint32_t *pairs) {
  static const char zeros[WIDTH + PIECE][2];
  const Widening *w = widening(panel->dtype);
  const size_t elem = pj_dtype_bytes(panel->dtype);
  const int64_t columns = pj__max(PIECE / width, 1) * width, lines = WIDTH * PIECE / columns;
  for (int64_t r = 0; r < outers; r += columns) {
    const int64_t n = pj__min(columns, outers - r);
    for (int64_t p = 0; p < sums; p += lines) {
      const int64_t count = pj__min(lines, sums - p);
      for (int64_t i = 0; i < count; ++i) {
        const void *line[2] = {zeros, zeros};
        for (int64_t half = 0; half < 2; ++half) {
          const int64_t at = 2 * (sum + p + i) + half;
          if (at < panel->paired)
            line[half] =
                base + (offset_at(panel->sum, panel->sum_step, at) + outer + r) * (int64_t)elem;
        }
        w->zip(n, line[0], line[1], pairs + i * columns);
      }
      pj__pack_copy(4)(pairs, NULL, columns, n, count, width,
                       out + (size_t)(r / width * sliver + p * width) * 4, sliver);
    }
  }
}

// Lines along the sum: once widened, their pairs lie there.
static void pack_sums(const PjPanel *panel, const char *base, int64_t outer, int64_t outers,
                      int64_t sum, int64_t sums, int width, char *out, int64_t sliver,
                      uint32_t *pairs) {
  const Widening *w = widening(panel->dtype);
  const size_t elem = pj_dtype_bytes(panel->dtype);
  PjLinesFn *const pack_lines = pj__pack_lines(4);
  for (int64_t r = 0; r < outers; r += width, out += (size_t)sliver * 4) {
    const int have = (int)pj__min(width, outers - r);
    for (int64_t p = 0; p < sums; p += PIECE) {
      const int64_t n = pj__min(PIECE, sums - p), first = 2 * (sum + p),
                    count = pj__min(2 * n, panel->paired - first);
      const void *lines[WIDTH];
      for (int i = 0; i < have; ++i) {
        const char *line =
            base + offset_at(panel->outer, panel->outer_step, outer + r + i) * (int64_t)elem;
        int16_t *to = (int16_t *)(pairs + i * PIECE);
        lines[i] = to;
        if (panel->sum_step == 1)
          w->widen(count, line + first * (int64_t)elem, to);
        else
          for (int64_t j = 0; j < count; ++j)
            w->widen(1, line + offset_at(panel->sum, panel->sum_step, first + j) * (int64_t)elem,
                     to + j);
        if (count < 2 * n)
          to[count] = 0;
      }
      pack_lines(lines, have, width, n, 0, out + (size_t)(p * width) * 4);
    }
  }
}

static void pack_pairs(const PjPanel *panel, const char *base, int64_t outer, int64_t outers,
                       int64_t sum, int64_t sums, int width, void *out, int64_t sliver,
                       void *temp) {
  const bool rows = panel->outer_step == 1 && panel->sum_step != 1;
  pj__pack_clear(4, outers, sums, width, out, sliver);
  (rows ? pack_rows : pack_sums)(panel, base, outer, outers, sum, sums, width, out, sliver, temp);
}

bool pj__panels_pair(PjPanel *a, PjPanel *b, PjComp comp, int64_t k) {
  if (comp != PJ_COMP_U32 || a->pack != pj__pack_converted || b->pack != pj__pack_converted ||
      !widening(a->dtype) || !widening(b->dtype))
    return false;
  a->pack = b->pack = pack_pairs;
  a->paired = b->paired = k;
  return true;
}
