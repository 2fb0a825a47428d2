// Groups of neighbours of the sum, for processors multiply them and add their products up in one
// instruction. A group is one number of 32 bits of the packed product, its first element the
// lowest; everything but packing and the micro-kernel sees a sum of so much fewer elements.
//
//   pairs   of integers of 8 and 16 bits, as 16 bits
//   quads   of 8 bits, where the processor multiplies unsigned by signed ones: signed ones on the
//           left are packed with 128 added, and sums begin with what that brings too much
//   bf16    pairs, where the processor multiplies those
#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "routine/gemm.h"
#include "routine/variant.h"

struct PjGrouping {
  int size; // elements of a group
  void (*zip)(int64_t n, const void *const *lines, uint32_t flip, int width, uint32_t *out,
              int64_t sliver);
  PjWidenFn *widen; // or NULL: they have 32 / size bits
};
enum { QUADS, PAIRS, PAIRS_OF_S8, PAIRS_OF_U8 }; // groupings
enum { DOTS_SIGNED, DOTS_UNSIGNED, DOTS_BF16 };  // groups_of_dots

#define PJ_VARIANT_FILE "routine/gemm_groups_variant.h"
#include "routine/variants.h"

enum {
  WIDTH = PJ_PACK_WIDTH,
  PIECE = PJ_PACK_PIECE,
  MOST = 4,        // elements of a group
  RUN = 512,       // elements of a line that are packed before those of the next group, and their
  LINES_AHEAD = 8, // groups that are asked for before
};
_Static_assert(WIDTH *PIECE * 4 <= PJ_PACK_TEMP, "lines of groups of a sliver");

static inline int64_t offset_at(const int64_t *table, int64_t step, int64_t i) {
  return step >= 0 ? i * step : table[i];
}

// Lines along the rows, some of them a line of groups.
static void pack_rows(const PjPanel *panel, const char *base, int64_t outer, int64_t outers,
                      int64_t sum, int64_t sums, int width, uint32_t *out, int64_t sliver) {
  static const char zeros[2 * (RUN + WIDTH)];
  const PjGrouping *g = panel->grouping;
  const int64_t elem = (int64_t)pj_dtype_bytes(panel->dtype), run = pj__max(RUN / width, 1) * width,
                ahead = panel->sum_step > 0 ? LINES_AHEAD * g->size * panel->sum_step * elem : 0;
  for (int64_t r = 0; r < outers; r += run) {
    const int64_t n = pj__min(run, outers - r);
    for (int64_t p = 0; p < sums; ++p) {
      const void *lines[MOST];
      for (int q = 0; q < g->size; ++q) {
        const int64_t at = g->size * (sum + p) + q;
        lines[q] = zeros;
        if (at >= panel->grouped)
          continue;
        const char *line = base + (offset_at(panel->sum, panel->sum_step, at) + outer + r) * elem;
        if (ahead && p + LINES_AHEAD < sums)
          for (int64_t i = 0; i < n * elem; i += 64)
            __builtin_prefetch(line + ahead + i, 0, 2);
        lines[q] = line;
      }
      g->zip(n, lines, panel->flip, width, out + r / width * sliver + p * width, sliver);
    }
  }
}

// |n| elements from |first| of the sum on of the line at |line|, each of 4 / size bytes.
static void copy_sums(const PjPanel *panel, const char *line, int64_t first, int64_t n, char *to) {
  const PjGrouping *g = panel->grouping;
  const int64_t elem = (int64_t)pj_dtype_bytes(panel->dtype), wide = 4 / g->size;
  if (panel->sum_step == 1) {
    if (g->widen)
      g->widen(n, line + first * elem, to);
    else
      memcpy(to, line + first * elem, (size_t)(n * elem));
    return;
  }
  for (int64_t j = 0; j < n; ++j) {
    const char *from = line + offset_at(panel->sum, panel->sum_step, first + j) * elem;
    if (g->widen)
      g->widen(1, from, to + j * wide);
    else
      memcpy(to + j * wide, from, (size_t)elem);
  }
}

// What is left of a line of |n| elements behind its whole groups, filled up with zeros.
static inline uint32_t last_group(const char *line, int64_t n, int size, int64_t elem) {
  const uint8_t *from = (const uint8_t *)line + n / size * size * elem;
  uint32_t group = 0;
  for (int64_t b = n % size * elem - 1; b >= 0; --b)
    group = group << 8 | from[b];
  return group;
}

static void turn_bits(int64_t n, uint32_t flip, uint32_t *words) {
  for (int64_t i = 0; flip && i < n; ++i)
    words[i] ^= flip;
}

// Lines along the sum: at their width, their groups lie there.
static void pack_sums(const PjPanel *panel, const char *base, int64_t outer, int64_t outers,
                      int64_t sum, int64_t sums, int width, uint32_t *out, int64_t sliver,
                      char *groups) {
  const PjGrouping *g = panel->grouping;
  const int64_t elem = (int64_t)pj_dtype_bytes(panel->dtype), wide = 4 / g->size;
  // Groups that are read where they lie; the others, and what is behind the sum, are copied.
  const int64_t lie =
      panel->sum_step == 1 && !g->widen ? pj__min(sums, panel->grouped / g->size - sum) : 0;
  PjLinesFn *const pack_lines = pj__pack_lines(4);
  for (int64_t r = 0; r < outers; r += width, out += sliver) {
    const int have = (int)pj__min(width, outers - r);
    const char *rows[WIDTH];
    const void *lines[WIDTH];
    for (int i = 0; i < have; ++i) {
      rows[i] = base + offset_at(panel->outer, panel->outer_step, outer + r + i) * elem;
      lines[i] = rows[i] + sum * g->size * elem;
    }
    if (lie > 0)
      pack_lines(lines, have, width, lie, 0, out);
    int64_t p = lie;
    if (panel->sum_step == 1 && !g->widen && sums - lie == 1) { // a group that ends with the sum
      for (int i = 0; i < have; ++i)
        out[lie * width + i] = last_group(rows[i], panel->grouped, g->size, elem);
      ++p;
    }
    for (; p < sums; p += PIECE) {
      const int64_t n = pj__min(PIECE, sums - p), first = g->size * (sum + p),
                    count = pj__min(g->size * n, panel->grouped - first);
      for (int i = 0; i < have; ++i) {
        char *to = groups + (size_t)(i * PIECE) * 4;
        copy_sums(panel, rows[i], first, count, to);
        memset(to + count * wide, 0, (size_t)(4 * n - count * wide));
        lines[i] = to;
      }
      pack_lines(lines, have, width, n, 0, out + p * width);
    }
    turn_bits(sums * width, panel->flip, out);
  }
}

void pj__pack_groups(const PjPanel *panel, const char *base, int64_t outer, int64_t outers,
                     int64_t sum, int64_t sums, int width, void *out, int64_t sliver, void *temp) {
  if (panel->words) {
    panel->words->pack(panel->words, base, outer, outers, sum, sums, width, out, sliver, temp);
    for (int64_t r = 0; r < outers; r += width)
      turn_bits(sums * width, panel->flip, (uint32_t *)out + r / width * sliver);
    return;
  }
  pj__pack_clear(4, outers, sums, width, out, sliver);
  if (panel->outer_step == 1 && panel->sum_step != 1)
    pack_rows(panel, base, outer, outers, sum, sums, width, out, sliver);
  else
    pack_sums(panel, base, outer, outers, sum, sums, width, out, sliver, temp);
}

static int64_t reach_words(const PjPanel *panel, const char *base, int64_t outer, int64_t outers,
                           int64_t sum, int64_t sums, int width, int64_t *run_sums,
                           const void **lines, void *room) {
  return panel->words->reach(panel->words, base, outer, outers, sum, sums, width, run_sums, lines,
                             room);
}

bool pj__can_group(const PjPanel *panel) {
  return panel->words || panel->pack == pj__pack_converted;
}

static void group_as(PjPanel *panel, const PjGrouping *grouping, int64_t k) {
  panel->grouping = grouping;
  panel->pack = pj__pack_groups;
  panel->group = grouping->size;
  panel->grouped = k;
}

void pj__panel_group(PjPanel *panel, int size, int64_t k) {
  group_as(panel, &PJ_PICK(groupings)[size == 4 ? QUADS : PAIRS], k);
}

static void copy_halves(int64_t n, const void *in, void *out) {
  memcpy(out, in, (size_t)n * 2);
}

static const PjGrouping *pairs_of(PjDtype dtype) {
  const PjGrouping *all = PJ_PICK(groupings);
  return dtype == PJ_DT_S8    ? &all[PAIRS_OF_S8]
         : dtype == PJ_DT_U8  ? &all[PAIRS_OF_U8]
         : dtype == PJ_DT_S16 ? &all[PAIRS]
                              : NULL;
}

PjWidenFn *pj__pairs_widen(PjDtype dtype) {
  const PjGrouping *pairs = pairs_of(dtype);
  return !pairs ? NULL : pairs->widen ? pairs->widen : copy_halves;
}

int pj__group_of_dots(PjComp comp, PjDtype a, PjDtype b) {
  if (comp == PJ_COMP_U32 && (a == PJ_DT_S8 || a == PJ_DT_U8) && b == PJ_DT_S8 &&
      pj_cpu_has(PJ_CPU_AVX512_VNNI))
    return 4;
  return comp == PJ_COMP_F32 && a == PJ_DT_BF16 && b == PJ_DT_BF16 && pj_cpu_has(PJ_CPU_AVX512_BF16)
             ? 2
             : 0;
}

const PjGroups *pj__panels_group(PjPanel *a, PjPanel *b, PjComp comp, int64_t n, int64_t k) {
  if (!pj__can_group(a) || !pj__can_group(b))
    return NULL;
  const PjGroups *groups = NULL;
#if defined(__x86_64__)
  const int dots = pj__group_of_dots(comp, a->dtype, b->dtype);
  if (dots == 4) {
    groups = groups_of_dots[a->dtype == PJ_DT_S8 ? DOTS_SIGNED : DOTS_UNSIGNED];
    a->flip = a->dtype == PJ_DT_S8 ? 0x80808080u : 0;
  } else if (dots == 2) {
    groups = groups_of_dots[DOTS_BF16];
  }
  if (groups) {
    pj__panel_group(a, dots, k);
    pj__panel_group(b, dots, k);
  }
  if (groups && n <= groups[1].micro.nr)
    ++groups;
#endif
  if (!groups && comp == PJ_COMP_U32 && pairs_of(a->dtype) && pairs_of(b->dtype) &&
      (!a->words || a->dtype == PJ_DT_S16) && (!b->words || b->dtype == PJ_DT_S16)) {
    groups = PJ_PICK(groups_of_pairs);
    group_as(a, pairs_of(a->dtype), k);
    group_as(b, pairs_of(b->dtype), k);
  }
  if (!groups)
    return NULL;
  if (a->words && a->words->reach) {
    a->reach = reach_words;
    a->run = a->words->run;
  }
  return groups;
}
