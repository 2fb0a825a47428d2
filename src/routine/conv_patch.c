// Packing windows of the input for the product: no patch is ever written out but into the slivers
// that are multiplied next.
//
// Where features lie next to each other, lines go along the sum: a window's place is a line of
// features, zeros where it lies outside; and where places of the innermost dimension lie next to
// each other too, so is a row of the window. Otherwise lines go along the positions: one place and
// feature of neighbouring windows.
#include <string.h>

#include "routine/conv.h"

enum {
  WIDTH = PJ_PACK_WIDTH,
  PIECE = PJ_PACK_PIECE,
  MAX_SUMS = 512
}; // MAX_SUMS: of a line of zeros

static const char zeros[MAX_SUMS * 8] __attribute__((aligned(64)));

// The window at place |place| of the sum, as offsets in the dilated input.
static void window_offsets(const PjConvShape *s, int64_t place, int64_t *offsets) {
  for (int32_t d = s->spatial - 1; d >= 0; --d) {
    offsets[d] = place % s->window[d] * s->window_dilation[d] - s->low[d];
    place /= s->window[d];
  }
}

typedef struct Position {
  int64_t start[PJ_CONV_SPATIAL]; // of the window, without padding
  int64_t offset;                 // of the batch, in elements
} Position;

static void locate_position(const PjPatches *p, int64_t index, Position *out) {
  out->offset = 0;
  for (int32_t i = 0; i < p->shape->spatial; ++i)
    out->start[i] = 0;
  for (int32_t i = p->num - 1; i >= 0; --i) {
    const PjConvDim *dim = &p->dims[i];
    const int64_t at = index % dim->size;
    index /= dim->size;
    if (dim->spatial < 0)
      out->offset += at * dim->lhs_stride;
    else
      out->start[dim->spatial] = at * p->shape->stride[dim->spatial];
  }
}

// From the position before |index| to this one; true if only the innermost dimension moved.
static bool next_position(const PjPatches *p, int64_t index, Position *position) {
  const PjConvDim *dim = &p->dims[p->num - 1];
  int64_t *start = dim->spatial < 0 ? NULL : &position->start[dim->spatial];
  const int64_t step = start ? p->shape->stride[dim->spatial] : 0;
  if (start && *start + step < dim->size * step) {
    *start += step;
    return true;
  }
  locate_position(p, index, position);
  return false;
}

// The offset in elements of a place of the window, or -1.
static inline int64_t element_offset(const PjConvShape *s, const Position *position,
                                     const int64_t *offsets) {
  int64_t offset = position->offset;
  for (int32_t d = 0; d < s->spatial; ++d) {
    const int64_t at = pj__conv_locate(s, d, position->start[d] + offsets[d]);
    if (at < 0)
      return -1;
    offset += at * s->lhs_spatial[d];
  }
  return offset;
}

static void pack_features(const PjPanel *panel, const char *base, int64_t outer, int64_t outers,
                          int64_t sum, int64_t sums, int width, void *out, int64_t sliver,
                          void *temp) {
  const PjPatches *patches = panel->user;
  const PjConvShape *s = patches->shape;
  const size_t elem = pj_dtype_bytes(panel->dtype), part = pj_comp_bytes(panel->part);
  const bool native = pj_comp_is_native(panel->part, panel->dtype);
  PjLinesFn *const pack_lines = pj__pack_lines(part);
  Position positions[WIDTH];
  const void *lines[WIDTH];
  char *to = out;
  pj__pack_clear(part, outers, sums, width, out, sliver);
  for (int64_t r = 0; r < outers; r += width, to += (size_t)sliver * part) {
    const int have = (int)pj__min(width, outers - r);
    for (int i = 0; i < have; ++i)
      locate_position(patches, outer + r + i, &positions[i]);
    for (int64_t p = 0, n; p < sums; p += n) {
      const int64_t place = (sum + p) / s->features, feature = (sum + p) % s->features;
      int64_t offsets[PJ_CONV_SPATIAL];
      window_offsets(s, place, offsets);
      n = pj__min(s->features - feature, sums - p);
      n = pj__min(n, native ? MAX_SUMS : PIECE);
      for (int i = 0; i < have; ++i) {
        const int64_t offset = element_offset(s, &positions[i], offsets);
        if (offset < 0) {
          lines[i] = zeros;
          continue;
        }
        lines[i] = base + (offset + feature) * (int64_t)elem;
        if (!native) {
          void *line = (char *)temp + (size_t)(i * PIECE) * part;
          pj__panel_load(panel, n, lines[i], line);
          lines[i] = line;
        }
      }
      pack_lines(lines, have, width, n, 0, to + (size_t)(p * width) * part);
    }
  }
}

// The elements of a row of the window, if they lie next to each other for every position; else 0.
static int64_t row_elements(const PjConvShape *s) {
  const int32_t inner = s->spatial - 1;
  if (inner < 0 || s->in_dilation[inner] != 1 || s->window_dilation[inner] != 1 ||
      s->lhs_spatial[inner] != s->features || (s->features > 1 && s->lhs_feature != 1))
    return 0;
  return s->window[inner] * s->features;
}

// Elements [at, at + n) of row |row| of the window at |position|: as they lie, or, where some are
// outside, put together in |line|. |starts| is the offset of the row in the dilated input.
static const void *row_line(const PjConvShape *s, const Position *position, const int64_t *starts,
                            int64_t at, int64_t n, size_t elem, const char *base, char *line) {
  const int32_t inner = s->spatial - 1;
  int64_t offset = position->offset;
  for (int32_t d = 0; d < inner; ++d) {
    const int64_t place = pj__conv_locate(s, d, position->start[d] + starts[d]);
    if (place < 0)
      return zeros;
    offset += place * s->lhs_spatial[d];
  }
  const int64_t first = (position->start[inner] + starts[inner]) * s->features + at,
                size = s->in[inner] * s->features;
  const char *row = base + offset * (int64_t)elem;
  if (first >= 0 && first + n <= size)
    return row + first * (int64_t)elem;
  const int64_t low = pj__min(n, pj__max(0, -first)), high = pj__max(low, pj__min(n, size - first));
  memset(line, 0, (size_t)low * elem);
  memcpy(line + (size_t)low * elem, row + (first + low) * (int64_t)elem,
         (size_t)(high - low) * elem);
  memset(line + (size_t)high * elem, 0, (size_t)(n - high) * elem);
  return line;
}

static void pack_window_rows(const PjPanel *panel, const char *base, int64_t outer, int64_t outers,
                             int64_t sum, int64_t sums, int width, void *out, int64_t sliver,
                             void *temp) {
  const PjPatches *patches = panel->user;
  const PjConvShape *s = patches->shape;
  const size_t elem = pj_dtype_bytes(panel->dtype), part = pj_comp_bytes(panel->part);
  const bool native = pj_comp_is_native(panel->part, panel->dtype);
  const int64_t row = row_elements(s), most = native ? PIECE * 8 / (int64_t)part : PIECE;
  PjLinesFn *const pack_lines = pj__pack_lines(part);
  Position positions[WIDTH];
  const void *lines[WIDTH];
  char *to = out, *raw = (char *)temp + WIDTH * PIECE * 8;
  pj__pack_clear(part, outers, sums, width, out, sliver);
  for (int64_t r = 0; r < outers; r += width, to += (size_t)sliver * part) {
    const int have = (int)pj__min(width, outers - r);
    for (int i = 0; i < have; ++i)
      locate_position(patches, outer + r + i, &positions[i]);
    for (int64_t p = 0, n; p < sums; p += n) {
      const int64_t at = (sum + p) % row;
      int64_t starts[PJ_CONV_SPATIAL];
      window_offsets(s, (sum + p) / row * s->window[s->spatial - 1], starts);
      n = pj__min(pj__min(row - at, sums - p), most);
      for (int i = 0; i < have; ++i) {
        char *line = (char *)temp + (size_t)(i * PIECE) * 8;
        lines[i] = row_line(s, &positions[i], starts, at, n, elem, base, native ? line : raw);
        if (!native) {
          pj__panel_load(panel, n, lines[i], line);
          lines[i] = line;
        }
      }
      pack_lines(lines, have, width, n, 0, to + (size_t)(p * width) * part);
    }
  }
}

// The lengths of the runs of [sum, sum + sums), which end where units of |unit| elements do;
// returns how many there are.
static int64_t run_lengths(int64_t unit, int64_t sum, int64_t sums, int64_t *lengths) {
  int64_t runs = 0;
  for (int64_t p = 0; p < sums; p += lengths[runs++])
    lengths[runs] = pj__min(pj__min(unit - (sum + p) % unit, sums - p), MAX_SUMS);
  return runs;
}

// Whether the window at |position| is inside the input in every dimension but |inner|; then
// |offset| is where it begins, in elements, as far as those say.
static bool is_inside_but(const PjConvShape *s, const Position *position, int32_t inner,
                          int64_t *offset) {
  *offset = position->offset;
  for (int32_t d = 0; d < s->spatial; ++d) {
    if (d == inner)
      continue;
    const int64_t first = position->start[d] - s->low[d];
    if (first < 0 || first + (s->window[d] - 1) * s->window_dilation[d] >= s->in[d])
      return false;
    *offset += first * s->lhs_spatial[d];
  }
  return true;
}

// Positions [outer, outer + outers) by runs of the sum.
static int64_t reach_features(const PjPanel *panel, const char *base, int64_t outer, int64_t outers,
                              int64_t sum, int64_t sums, int width, int64_t *run_sums,
                              const void **lines, void *room) {
  enum { MOST_RUNS = 64 }; // whose offsets are known beforehand
  const PjPatches *patches = panel->user;
  const PjConvShape *s = patches->shape;
  const int64_t elem = (int64_t)pj_dtype_bytes(panel->dtype);
  const int64_t row = row_elements(s), unit = row ? row : s->features,
                places = row ? s->window[s->spatial - 1] : 1;
  const int64_t runs = run_lengths(unit, sum, sums, run_sums);
  // Of each run where its unit begins, in the dilated input; its first element in that; bytes from
  // where the window begins.
  int64_t starts[MOST_RUNS + 1][PJ_CONV_SPATIAL], parts[MOST_RUNS + 1], known[MOST_RUNS];
  for (int64_t k = 0, p = sum; k < pj__min(runs, MOST_RUNS); p += run_sums[k++]) {
    window_offsets(s, p / unit * places, starts[k]);
    parts[k] = known[k] = p % unit;
    for (int32_t d = 0; d < s->spatial; ++d)
      known[k] += (starts[k][d] + s->low[d]) * s->lhs_spatial[d];
    known[k] *= elem;
  }
  bool holes = false;
  for (int32_t d = 0; d < s->spatial; ++d)
    holes |= s->in_dilation[d] != 1;
  // Along the innermost dimension a window is inside from 0 to |last|.
  const int32_t inner = patches->dims[patches->num - 1].spatial;
  const int64_t last =
      inner < 0 ? 0 : s->in[inner] - 1 - (s->window[inner] - 1) * s->window_dilation[inner];
  char *line = room;
  Position position;
  locate_position(patches, outer, &position);
  int64_t offset = 0;
  bool others = !holes && is_inside_but(s, &position, inner, &offset);
  for (int64_t r = 0; r < outers; r += width, lines += runs * width)
    for (int i = 0; i < width; ++i) {
      const char *inside = NULL;
      if (r + i < outers) {
        if (r + i && !next_position(patches, outer + r + i, &position))
          others = !holes && is_inside_but(s, &position, inner, &offset);
        const int64_t first = inner < 0 ? 0 : position.start[inner] - s->low[inner];
        if (others && first >= 0 && first <= last)
          inside = base + (offset + (inner < 0 ? 0 : first * s->lhs_spatial[inner])) * elem;
      }
      if (inside && runs <= MOST_RUNS) {
        for (int64_t k = 0; k < runs; ++k)
          lines[k * width + i] = inside + known[k];
        continue;
      }
      for (int64_t k = 0, p = sum; k < runs; p += run_sums[k++]) {
        const void **at = &lines[k * width + i];
        *at = zeros;
        if (r + i >= outers)
          continue;
        const int64_t which = pj__min(k, MOST_RUNS);
        if (which == MOST_RUNS) {
          window_offsets(s, p / unit * places, starts[which]);
          parts[which] = p % unit;
        }
        if (row) {
          *at = row_line(s, &position, starts[which], parts[which], run_sums[k], (size_t)elem, base,
                         line);
          if (*at == line)
            line += run_sums[k] * elem;
          continue;
        }
        const int64_t element = element_offset(s, &position, starts[which]);
        if (element >= 0)
          *at = base + (element + parts[which]) * elem;
      }
    }
  return runs;
}

// One run of positions along the innermost dimension.
typedef struct Segment {
  Position position; // of its first
  int64_t count, first;
} Segment;

#define FILL(T)                                                                 \
  for (int64_t j = 0; j < count; ++j) {                                         \
    const int64_t at = pj__conv_locate(s, inner, start + j * s->stride[inner]); \
    ((T *)to)[j] = at < 0 ? 0 : ((const T *)from)[at * s->lhs_spatial[inner]];  \
  }                                                                             \
  return
#define FILL_PLAIN(T)                                                                         \
  for (int64_t j = low; j < high; ++j)                                                        \
    ((T *)to)[j] = ((const T *)from)[(start + j * s->stride[inner]) * s->lhs_spatial[inner]]; \
  return

// |count| elements of neighbouring windows along spatial dimension |inner|, the first at |start| of
// the dilated input.
static void fill_segment(const PjConvShape *s, int32_t inner, size_t elem, int64_t start,
                         int64_t count, const char *from, char *to) {
  if (s->in_dilation[inner] != 1) {
    switch (elem) {
    case 1:
      FILL(uint8_t);
    case 2:
      FILL(uint16_t);
    case 4:
      FILL(uint32_t);
    default:
      FILL(uint64_t);
    }
  }
  // Windows [low, high) have the element.
  const int64_t step = s->stride[inner], room = s->in[inner] - start;
  const int64_t low = pj__min(count, start < 0 ? pj__divide_up(-start, step) : 0);
  const int64_t high = pj__max(low, room <= 0 ? 0 : pj__min(count, pj__divide_up(room, step)));
  memset(to, 0, (size_t)low * elem);
  memset(to + (size_t)high * elem, 0, (size_t)(count - high) * elem);
  if (step * s->lhs_spatial[inner] == 1) {
    memcpy(to + (size_t)low * elem, from + (start + low) * (int64_t)elem,
           (size_t)(high - low) * elem);
    return;
  }
  switch (elem) {
  case 1:
    FILL_PLAIN(uint8_t);
  case 2:
    FILL_PLAIN(uint16_t);
  case 4:
    FILL_PLAIN(uint32_t);
  default:
    FILL_PLAIN(uint64_t);
  }
}

// One element of the sum of a segment's windows.
static void fill_line(const PjConvShape *s, const PjConvDim *innermost, const Segment *segment,
                      const int64_t *offsets, int64_t feature, size_t elem, const char *base,
                      char *to) {
  const int32_t inner = innermost->spatial;
  int64_t offset = segment->position.offset + feature * s->lhs_feature;
  for (int32_t d = 0; d < s->spatial; ++d) {
    if (d == inner)
      continue;
    const int64_t at = pj__conv_locate(s, d, segment->position.start[d] + offsets[d]);
    if (at < 0) {
      memset(to, 0, (size_t)segment->count * elem);
      return;
    }
    offset += at * s->lhs_spatial[d];
  }
  const char *from = base + offset * (int64_t)elem;
  if (inner >= 0) {
    fill_segment(s, inner, elem, segment->position.start[inner] + offsets[inner], segment->count,
                 from, to);
    return;
  }
  if (innermost->lhs_stride == 1) {
    memcpy(to, from, (size_t)segment->count * elem);
    return;
  }
  for (int64_t j = 0; j < segment->count; ++j)
    memcpy(to + (size_t)j * elem, from + j * innermost->lhs_stride * (int64_t)elem, elem);
}

static void pack_positions(const PjPanel *panel, const char *base, int64_t outer, int64_t outers,
                           int64_t sum, int64_t sums, int width, void *out, int64_t sliver,
                           void *temp) {
  const PjPatches *patches = panel->user;
  const PjConvShape *s = patches->shape;
  const PjConvDim *innermost = &patches->dims[patches->num - 1];
  const size_t elem = pj_dtype_bytes(panel->dtype), part = pj_comp_bytes(panel->part);
  const bool native = pj_comp_is_native(panel->part, panel->dtype);
  PjCopyFn *const copy = pj__pack_copy(part);
  // Some columns and some lines at a time go through |temp|: converted lines, and one of the
  // operand's type.
  const int64_t columns = pj__max(PIECE / width, 1) * width, lines = WIDTH * PIECE / columns;
  char *numbers = temp, *raw = numbers + WIDTH * PIECE * 8;
  pj__pack_clear(part, outers, sums, width, out, sliver);
  for (int64_t r = 0; r < outers; r += columns) {
    const int64_t n = pj__min(columns, outers - r);
    Segment segments[PIECE];
    int num = 0;
    for (int64_t at = 0; at < n; at += segments[num++].count) {
      const int64_t index = outer + r + at;
      locate_position(patches, index, &segments[num].position);
      segments[num].first = at;
      segments[num].count = pj__min(n - at, innermost->size - index % innermost->size);
    }
    for (int64_t p = 0; p < sums; p += lines) {
      const int64_t count = pj__min(lines, sums - p);
      for (int64_t i = 0; i < count; ++i) {
        const int64_t place = (sum + p + i) / s->features, feature = (sum + p + i) % s->features;
        char *line = native ? numbers + (size_t)(i * columns) * part : raw;
        int64_t offsets[PJ_CONV_SPATIAL];
        window_offsets(s, place, offsets);
        for (int k = 0; k < num; ++k)
          fill_line(s, innermost, &segments[k], offsets, feature, elem, base,
                    line + (size_t)segments[k].first * elem);
        if (!native)
          pj__panel_load(panel, n, raw, numbers + (size_t)(i * columns) * part);
      }
      copy(numbers, NULL, columns, n, count, width,
           (char *)out + (size_t)(r / width * sliver + p * width) * part, sliver);
    }
  }
}

void pj__patches_panel(PjPanel *panel, const PjPatches *patches) {
  enum { SHORT = 4, SHORT_ROW = 8, SHORT_RUN = 12 }; // SHORT...: lines better taken otherwise
  const PjConvShape *s = patches->shape;
  panel->user = patches;
  panel->pack = pack_positions;
  if (s->lhs_feature == 1 && s->features >= SHORT)
    panel->pack = pack_features;
  // Of one feature, neighbouring windows are lines of their own.
  const int64_t row = row_elements(s), run = row ? row : s->features;
  if (s->lhs_feature == 1 && run >= SHORT_RUN && pj_comp_is_native(panel->part, panel->dtype)) {
    panel->reach = reach_features;
    panel->run = pj__min(run, MAX_SUMS);
  }
  if (row >= SHORT_ROW && (s->features > 1 || s->stride[s->spatial - 1] > 1))
    panel->pack = pack_window_rows;
}
