// Packing blocks of operands for the product: from lines along the sum, which are transposed, or
// from lines along the rows, which are copied. Other types are converted line by line on the way.
#include "routine/gemm.h"

#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "eval/float.h"
#include "routine/variant.h"

enum { LINES_AHEAD = 12 }; // lines of few elements that are asked for before they are copied

#define PJ_VARIANT_FILE "routine/gemm_pack_variant.h"
#include "routine/variants.h"

enum {
  MAX_WIDTH = PJ_PACK_WIDTH,
  PIECE = PJ_PACK_PIECE,    // of a line along the sum that is converted at a time,
  PIECE_COLUMNS = 4 * PIECE // and of one along the rows
};
_Static_assert(MAX_WIDTH *PIECE * 8 + PIECE * 8 <= PJ_PACK_TEMP,
               "converted lines of a sliver, and a gathered one");

PjLinesFn *pj__pack_lines(size_t bytes) {
  return bytes == 4 ? PJ_PICK(lines_4) : PJ_PICK(lines_8);
}
PjCopyFn *pj__pack_copy(size_t bytes) {
  return bytes == 4 ? PJ_PICK(copy_4) : PJ_PICK(copy_8);
}

// Offset of index |i|: by a stride, or from the table where there is none.
static inline int64_t offset_at(const int64_t *table, int64_t step, int64_t i) {
  return step >= 0 ? i * step : table[i];
}

void pj__pack_clear(size_t bytes, int64_t outers, int64_t sums, int width, void *out,
                    int64_t sliver) {
  if (outers % width)
    memset((char *)out + (size_t)(outers / width * sliver) * bytes, 0,
           (size_t)(width * sums) * bytes);
}

// ---- numbers of the computed type
#define PACK_NATIVE(NAME, T)                                                                      \
  static void NAME(const PjPanel *panel, const char *base, int64_t outer, int64_t outers,         \
                   int64_t sum, int64_t sums, int width, void *out, int64_t sliver, void *temp) { \
    const T *from = (const T *)base;                                                              \
    pj__pack_clear(sizeof(T), outers, sums, width, out, sliver);                                  \
    if (panel->outer_step == 1 && panel->sum_step != 1) {                                         \
      pj__pack_copy(sizeof(T))(from + outer + (panel->sum_step >= 0 ? sum * panel->sum_step : 0), \
                               panel->sum_step >= 0 ? NULL : panel->sum + sum, panel->sum_step,   \
                               outers, sums, width, out, sliver);                                 \
      return;                                                                                     \
    }                                                                                             \
    PjLinesFn *const pack_lines = pj__pack_lines(sizeof(T));                                      \
    const int64_t ahead = panel->outer_step > 0 ? width * panel->outer_step : 0;                  \
    for (int64_t r = 0; r < outers; r += width) {                                                 \
      T *to = (T *)out + r / width * sliver;                                                      \
      const int have = (int)pj__min(width, outers - r);                                           \
      const void *lines[MAX_WIDTH];                                                               \
      for (int i = 0; i < have; ++i)                                                              \
        lines[i] = from + offset_at(panel->outer, panel->outer_step, outer + r + i);              \
      if (panel->sum_step == 1) {                                                                 \
        for (int i = 0; i < have; ++i)                                                            \
          lines[i] = (const T *)lines[i] + sum;                                                   \
        pack_lines(lines, have, width, sums, ahead, to);                                          \
        continue;                                                                                 \
      }                                                                                           \
      for (int i = 0; i < have; ++i) {                                                            \
        const T *at = lines[i];                                                                   \
        for (int64_t p = 0; p < sums; ++p)                                                        \
          to[p * width + i] = at[offset_at(panel->sum, panel->sum_step, sum + p)];                \
      }                                                                                           \
    }                                                                                             \
  }
PACK_NATIVE(pack_4, uint32_t)
PACK_NATIVE(pack_8, uint64_t)

// ---- numbers that are read where they lie
static int64_t reach_rows(const PjPanel *panel, const char *base, int64_t outer, int64_t outers,
                          int64_t sum, int64_t sums, int width, int64_t *run_sums,
                          const void **lines, void *room) {
  const int64_t elem = (int64_t)pj_dtype_bytes(panel->dtype), at = sum * panel->group;
  run_sums[0] = sums;
  for (int64_t r = 0; r < pj__divide_up(outers, width) * width; ++r)
    lines[r] = base + ((outer + pj__min(r, outers - 1)) * panel->outer_step + at) * elem;
  return 1;
}

// The same of sums whose elements lie together in pieces of |panel->run|.
static int64_t reach_pieces(const PjPanel *panel, const char *base, int64_t outer, int64_t outers,
                            int64_t sum, int64_t sums, int width, int64_t *run_sums,
                            const void **lines, void *room) {
  const int64_t elem = (int64_t)pj_dtype_bytes(panel->dtype);
  int64_t runs = 0;
  for (int64_t p = 0; p < sums; p += run_sums[runs++])
    run_sums[runs] = pj__min(panel->run - (sum + p) % panel->run, sums - p);
  for (int64_t r = 0; r < outers; r += width, lines += runs * width)
    for (int i = 0; i < width; ++i) {
      const char *row =
          base +
          offset_at(panel->outer, panel->outer_step, outer + pj__min(r + i, outers - 1)) * elem;
      for (int64_t k = 0, p = sum; k < runs; p += run_sums[k++])
        lines[k * width + i] = row + panel->sum[p] * elem;
    }
  return runs;
}

// The length of the pieces of neighbours that a table of |count| offsets consists of.
static int64_t piece_length(int64_t count, const int64_t *table) {
  int64_t length = 1;
  while (length < count && table[length] == table[length - 1] + 1)
    ++length;
  for (int64_t i = 1; i < count; ++i)
    if (i % length && table[i] != table[i - 1] + 1)
      return 1;
  return length;
}

bool pj__panel_reach_rows(PjPanel *panel, int64_t k) {
  enum {
    SAME_SETS = 2048, // bytes apart, so that twelve rows share two sets of the nearest cache
    FEW = 16          // elements of a piece
  };
  const int64_t elem = (int64_t)pj_dtype_bytes(panel->dtype);
  const bool as_it_lies = panel->grouping ? !panel->words && panel->grouped % panel->group == 0
                                          : panel->pack == pack_4 || panel->pack == pack_8;
  if (as_it_lies && panel->sum && !panel->grouping) {
    const int64_t length = piece_length(k, panel->sum);
    if (length < FEW)
      return false;
    panel->run = length;
    panel->reach = reach_pieces;
    return true;
  }
  if (!as_it_lies || panel->sum_step != 1 || panel->outer_step < 0 ||
      panel->outer_step * elem % SAME_SETS == 0)
    return false;
  panel->reach = reach_rows;
  panel->run = INT64_MAX / 2;
  return true;
}

// ---- complex numbers
// On the left an element is two neighbouring p, its real and its imaginary part; on the right,
// where it is two columns, p = 2q has (re, im) and p = 2q + 1 has (-im, re). So the real product of
// the two is the complex one. Blocks begin and end at whole elements: slivers of b and blocks of p
// have even sizes.
#define PACK_COMPLEX(NAME, T)                                                                      \
  static void NAME##_left(const PjPanel *panel, const char *base, int64_t outer, int64_t outers,   \
                          int64_t sum, int64_t sums, int width, void *out, int64_t sliver,         \
                          void *temp) {                                                            \
    pj__pack_clear(sizeof(T), outers, sums, width, out, sliver);                                   \
    for (int64_t r = 0; r < outers; r += width) {                                                  \
      T *to = (T *)out + r / width * sliver;                                                       \
      const int have = (int)pj__min(width, outers - r);                                            \
      const void *lines[MAX_WIDTH];                                                                \
      for (int i = 0; i < have; ++i)                                                               \
        lines[i] =                                                                                 \
            (const T *)base + 2 * offset_at(panel->outer, panel->outer_step, outer + r + i);       \
      if (panel->sum_step == 1) {                                                                  \
        for (int i = 0; i < have; ++i)                                                             \
          lines[i] = (const T *)lines[i] + sum;                                                    \
        pj__pack_lines(sizeof(T))(lines, have, width, sums, 0, to);                                \
        continue;                                                                                  \
      }                                                                                            \
      for (int64_t p = 0; p < sums; p += 2, to += 2 * width) {                                     \
        const int64_t at = 2 * offset_at(panel->sum, panel->sum_step, (sum + p) / 2);              \
        for (int i = 0; i < have; ++i) {                                                           \
          to[i] = ((const T *)lines[i])[at];                                                       \
          to[width + i] = ((const T *)lines[i])[at + 1];                                           \
        }                                                                                          \
      }                                                                                            \
    }                                                                                              \
  }                                                                                                \
  static void NAME##_right(const PjPanel *panel, const char *base, int64_t outer, int64_t outers,  \
                           int64_t sum, int64_t sums, int width, void *out, int64_t sliver,        \
                           void *temp) {                                                           \
    pj__pack_clear(sizeof(T), outers, sums, width, out, sliver);                                   \
    for (int64_t r = 0; r < outers; r += width) {                                                  \
      const int have = (int)pj__min(width, outers - r) / 2;                                        \
      const T *columns[MAX_WIDTH];                                                                 \
      for (int i = 0; i < have; ++i)                                                               \
        columns[i] =                                                                               \
            (const T *)base + 2 * offset_at(panel->outer, panel->outer_step, (outer + r) / 2 + i); \
      T *to = (T *)out + r / width * sliver;                                                       \
      for (int64_t p = 0; p < sums; p += 2, to += 2 * width) {                                     \
        const int64_t at = 2 * offset_at(panel->sum, panel->sum_step, (sum + p) / 2);              \
        for (int i = 0; i < have; ++i) {                                                           \
          const T re = columns[i][at], im = columns[i][at + 1];                                    \
          to[2 * i] = re;                                                                          \
          to[2 * i + 1] = im;                                                                      \
          to[width + 2 * i] = -im;                                                                 \
          to[width + 2 * i + 1] = re;                                                              \
        }                                                                                          \
      }                                                                                            \
    }                                                                                              \
  }
PACK_COMPLEX(pack_c64, float)
PACK_COMPLEX(pack_c128, double)

// ---- converted numbers
static void gather(size_t elem, int64_t n, const char *from, const int64_t *table, int64_t step,
                   int64_t first, void *to) {
#define GATHER(T)                                                        \
  for (int64_t i = 0; i < n; ++i)                                        \
    ((T *)to)[i] = ((const T *)from)[offset_at(table, step, first + i)]; \
  return
  switch (elem) {
  case 1:
    GATHER(uint8_t);
  case 2:
    GATHER(uint16_t);
  case 4:
    GATHER(uint32_t);
  default:
    GATHER(uint64_t);
  }
#undef GATHER
}

void pj__panel_load(const PjPanel *panel, int64_t n, const void *in, void *out) {
  if (panel->load)
    panel->load(n, in, out);
  else
    pj_comp_load(panel->part, panel->dtype, n, in, out);
}

void pj__pack_converted(const PjPanel *panel, const char *base, int64_t outer, int64_t outers,
                        int64_t sum, int64_t sums, int width, void *out, int64_t sliver,
                        void *temp) {
  const size_t elem = pj_dtype_bytes(panel->dtype), part = pj_comp_bytes(panel->part);
  PjLinesFn *const pack_lines = pj__pack_lines(part);
  char *numbers = temp, *gathered = numbers + MAX_WIDTH * PIECE * 8, *to = out;
  pj__pack_clear(part, outers, sums, width, out, sliver);
  if (panel->outer_step == 1 && panel->sum_step != 1) {
    // Lines along the rows: some slivers at a time, of them some p. Pieces of lines that lie far
    // apart are asked for before.
    const int64_t columns = pj__max(PIECE_COLUMNS / width, 1) * width,
                  lines = MAX_WIDTH * PIECE / columns,
                  ahead = panel->sum_step > 0 ? lines * panel->sum_step * (int64_t)elem : 0;
    for (int64_t r = 0; r < outers; r += columns) {
      const int64_t n = pj__min(columns, outers - r);
      for (int64_t p = 0; p < sums; p += lines) {
        const int64_t count = pj__min(lines, sums - p);
        for (int64_t i = 0; i < count; ++i) {
          const char *line =
              base +
              (offset_at(panel->sum, panel->sum_step, sum + p + i) + outer + r) * (int64_t)elem;
          if (ahead && p + i + lines < sums)
            for (int64_t at = 0; at < n * (int64_t)elem; at += 64)
              __builtin_prefetch(line + ahead + at, 0, 2);
          pj__panel_load(panel, n, line, numbers + (size_t)(i * columns) * part);
        }
        pj__pack_copy(part)(numbers, NULL, columns, n, count, width,
                            to + (size_t)(r / width * sliver + p * width) * part, sliver);
      }
    }
    return;
  }
  for (int64_t r = 0; r < outers; r += width, to += (size_t)sliver * part) {
    const int have = (int)pj__min(width, outers - r);
    for (int64_t p = 0; p < sums; p += PIECE) {
      const int64_t n = pj__min(PIECE, sums - p);
      const void *lines[MAX_WIDTH];
      for (int i = 0; i < have; ++i) {
        const char *at =
            base + offset_at(panel->outer, panel->outer_step, outer + r + i) * (int64_t)elem;
        if (panel->sum_step == 1) {
          at += (sum + p) * (int64_t)elem;
        } else {
          gather(elem, n, at, panel->sum, panel->sum_step, sum + p, gathered);
          at = gathered;
        }
        void *line = numbers + (size_t)(i * PIECE) * part;
        // Lines are left for the next one before the processor has seen that they go on.
        if (panel->sum_step == 1 && p + n < sums)
          for (int64_t next = n * (int64_t)elem; next < 2 * n * (int64_t)elem; next += 64)
            __builtin_prefetch(at + next);
        pj__panel_load(panel, n, at, line);
        lines[i] = line;
      }
      pack_lines(lines, have, width, n, 0, to + (size_t)(p * width) * part);
    }
  }
}

bool pj__panel_init(PjPanel *panel, PjComp comp, PjDtype dtype, bool left) {
  const bool complex = comp == PJ_COMP_C64 || comp == PJ_COMP_C128;
  panel->dtype = dtype;
  panel->part = comp == PJ_COMP_C64 ? PJ_COMP_F32 : comp == PJ_COMP_C128 ? PJ_COMP_F64 : comp;
  panel->user = NULL;
  panel->load = NULL;
  panel->grouping = NULL;
  panel->group = 1;
  panel->grouped = 0;
  panel->flip = 0;
  panel->words = NULL;
  panel->reach = NULL;
  if (complex) {
    if (!pj_comp_is_native(comp, dtype))
      return false;
    panel->pack = comp == PJ_COMP_C64 ? (left ? pack_c64_left : pack_c64_right)
                                      : (left ? pack_c128_left : pack_c128_right);
  } else if (pj_comp_is_native(comp, dtype)) {
    panel->pack = pj_comp_bytes(comp) == 4 ? pack_4 : pack_8;
  } else {
    if (pj_dtype_is_complex(dtype))
      return false;
    panel->pack = pj__pack_converted;
    if (panel->part == PJ_COMP_F32 && dtype == PJ_DT_BF16)
      panel->load = PJ_PICK(load_bf16);
    if (panel->part == PJ_COMP_F32 && dtype == PJ_DT_F16)
      panel->load = PJ_PICK(load_f16);
  }
  return true;
}

void pj__axes_fold(PjArena *arena, const PjAxes *axes, bool rhs, int64_t *out_step,
                   const int64_t **out_table) {
  int64_t stride = -1, size = 1;
  bool uniform = true;
  for (int32_t i = axes->count - 1; i >= 0; --i) {
    const int64_t step = rhs ? axes->at[i].rhs : axes->at[i].lhs;
    if (axes->at[i].size == 1)
      continue;
    if (stride < 0)
      stride = step;
    else
      uniform &= step == stride * size;
    size *= axes->at[i].size;
  }
  *out_step = !uniform ? -1 : stride < 0 ? 1 : stride;
  *out_table = NULL;
  if (uniform)
    return;
  int64_t *table = PJ_NEW_ARRAY(arena, int64_t, (size_t)size), inner = 1;
  for (int32_t d = axes->count - 1; d >= 0; --d) {
    const int64_t step = rhs ? axes->at[d].rhs : axes->at[d].lhs;
    for (int64_t i = 0; i < size; ++i)
      table[i] += i / inner % axes->at[d].size * step;
    inner *= axes->at[d].size;
  }
  *out_table = table;
}
