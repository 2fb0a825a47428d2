#include "routine/planes.h"

#include <string.h>

#include "base/alloc.h"
#include "routine/variant.h"

#define PJ_VARIANT_FILE "routine/planes_variant.h"
#include "routine/variants.h"

enum { MOST = 1 << 28 }; // elements of a set

static int64_t floor_div(int64_t a, int64_t by) {
  return a / by - (a % by < 0);
}

// Where tap |t| stands: in which remainder, how many positions further.
static int64_t tap_shift(const PjPlaneDim *d, int64_t t, int64_t *residue) {
  const int64_t at = t * d->dilation - d->low, shift = floor_div(at, d->step);
  *residue = at - shift * d->step;
  return shift;
}

static int32_t find_phase(const PjPlaneDim *d, int64_t residue) {
  int32_t i = 0;
  while (i < d->phases && d->residues[i] != residue)
    ++i;
  return i;
}

bool pj__planes_init(PjPlanes *p) {
  for (int32_t i = 0; i < PJ_PLANE_DIMS; ++i) {
    PjPlaneDim *d = &p->dims[i];
    int64_t residue, last = 0;
    if (d->taps > MOST || d->count > MOST || d->low < -MOST || d->low > MOST || d->step > MOST ||
        d->dilation > MOST)
      return false;
    d->phases = 0;
    for (int64_t t = 0; t < d->taps; ++t) {
      const int64_t shift = tap_shift(d, t, &residue); // grows with t
      if (!t)
        d->first = shift;
      last = shift;
      if (find_phase(d, residue) < d->phases)
        continue;
      if (d->phases == PJ_PLANE_PHASES)
        return false;
      d->residues[d->phases++] = residue;
    }
    d->reach = last - d->first;
  }
  return true;
}

// Of a row that begins at position |start|: the first element in the input of phase |i|, and behind
// the last one; 0 and 0 if there is none.
static void row_range(const PjPlaneDim *d, int32_t i, int64_t start, int64_t length, int64_t *low,
                      int64_t *high) {
  // Element j of a row is element first + j * step of the input.
  const int64_t first = (start + d->first) * d->step + d->residues[i], room = d->in - first;
  *low = pj__min(length, first < 0 ? pj__divide_up(-first, d->step) : 0);
  *high = pj__max(*low, pj__min(length, room <= 0 ? 0 : pj__divide_up(room, d->step)));
}

int64_t pj__planes_pitch(const PjPlanes *p) {
  const PjPlaneDim *d = &p->dims[PJ_PLANE_DIMS - 1];
  const int64_t length = d->count + d->reach;
  int64_t shared = d->reach;
  for (int32_t i = 0; i < d->phases; ++i) {
    int64_t low, high;
    row_range(d, i, 0, length, &low, &high);
    shared = pj__min(shared, pj__min(low, length - high));
  }
  return length - shared;
}

int64_t pj__planes_block(PjPlanes *p, const int64_t *block) {
  const int32_t last = PJ_PLANE_DIMS - 1;
  int64_t phases = 1, rows = 1;
  for (int32_t i = 0; i < PJ_PLANE_DIMS; ++i) {
    p->block[i] = block[i];
    p->length[i] = block[i] + p->dims[i].reach;
    phases *= p->dims[i].phases;
    if (i < last && (!pj_mul_i64(rows, p->length[i], &rows) || rows > MOST))
      return -1;
  }
  p->pitch = block[last] == p->dims[last].count ? pj__planes_pitch(p) : p->length[last];
  if (!pj_mul_i64(rows, p->length[last], &p->set) || p->set > MOST)
    return -1;
  p->phase = (rows - 1) * p->pitch + p->length[last];
  p->set = phases * p->phase;
  return p->set <= MOST ? p->set : -1;
}

int64_t pj__planes_tap(const PjPlanes *p, const int64_t *tap) {
  int64_t phase = 0, offset = 0;
  for (int32_t i = 0; i < PJ_PLANE_DIMS; ++i) {
    const PjPlaneDim *d = &p->dims[i];
    int64_t residue;
    const int64_t shift = tap_shift(d, tap[i], &residue);
    phase = phase * d->phases + find_phase(d, residue);
    offset = offset * (i < PJ_PLANE_DIMS - 1 ? p->length[i] : p->pitch) + shift - d->first;
  }
  return phase * p->phase + offset;
}

void pj__planes_span(const PjPlanes *p, const int64_t *start, PjPlaneSpan *span) {
  const int32_t last = PJ_PLANE_DIMS - 1;
  const PjPlaneDim *d = &p->dims[last];
  memcpy(span->start, start, sizeof span->start);
  span->from = d->in;
  span->to = 0;
  for (int32_t i = 0; i < d->phases; ++i) {
    const int64_t first = (start[last] + d->first) * d->step + d->residues[i];
    row_range(d, i, start[last], p->length[last], &span->low[i], &span->high[i]);
    if (span->low[i] == span->high[i])
      continue;
    span->from = pj__min(span->from, first + span->low[i] * d->step);
    span->to = pj__max(span->to, first + (span->high[i] - 1) * d->step + 1);
  }
}

size_t pj__planes_line(const PjPlanes *p) {
  return pj_comp_is_native(p->comp, p->dtype)
             ? 0
             : pj__scratch_round((size_t)p->dims[PJ_PLANE_DIMS - 1].in * pj_comp_bytes(p->comp));
}

// A row of the input, or NULL where it lies outside, into the same row of each phase of the last
// dimension, |p->phase| elements apart.
static void fill_row(const PjPlanes *p, const PjPlaneSpan *span, const char *row, char *to) {
  const int32_t last = PJ_PLANE_DIMS - 1;
  const PjPlaneDim *d = &p->dims[last];
  const size_t bytes = pj_comp_bytes(p->comp);
  for (int32_t i = 0; i < d->phases; ++i, to += (size_t)p->phase * bytes) {
    const int64_t low = span->low[i], high = span->high[i];
    if (!row || low == high) {
      memset(to, 0, (size_t)p->length[last] * bytes);
      continue;
    }
    const int64_t first = (span->start[last] + d->first + low) * d->step + d->residues[i];
    const char *from = row + first * (int64_t)bytes;
    if (low)
      memset(to, 0, (size_t)low * bytes);
    if (d->step == 1)
      memcpy(to + (size_t)low * bytes, from, (size_t)(high - low) * bytes);
    else
      (bytes == 4 ? PJ_PICK(split_4) : PJ_PICK(split_8))(high - low, from, d->step,
                                                         to + (size_t)low * bytes);
    if (high < p->length[last])
      memset(to + (size_t)high * bytes, 0, (size_t)(p->length[last] - high) * bytes);
  }
}

void pj__planes_fill(const PjPlanes *p, const PjPlaneSpan *span, const void *from, void *to,
                     void *line) {
  const PjPlaneDim *outer = &p->dims[0], *inner = &p->dims[1], *last = &p->dims[2];
  const size_t bytes = pj_comp_bytes(p->comp), elem = pj_dtype_bytes(p->dtype);
  const bool native = pj_comp_is_native(p->comp, p->dtype);
  char *out = to;
  for (int32_t a = 0; a < outer->phases; ++a)
    for (int32_t b = 0; b < inner->phases; ++b, out += (size_t)(last->phases * p->phase) * bytes)
      for (int64_t i = 0; i < p->length[0]; ++i) {
        const int64_t y = (span->start[0] + outer->first + i) * outer->step + outer->residues[a];
        for (int64_t j = 0; j < p->length[1]; ++j) {
          const int64_t z = (span->start[1] + inner->first + j) * inner->step + inner->residues[b];
          const char *row = NULL;
          if (y >= 0 && y < outer->in && z >= 0 && z < inner->in && span->from < span->to) {
            row = (const char *)from + (y * outer->input + z * inner->input) * (int64_t)elem;
            if (!native) {
              pj_comp_load(p->comp, p->dtype, span->to - span->from,
                           row + span->from * (int64_t)elem,
                           (char *)line + (size_t)span->from * bytes);
              row = line;
            }
          }
          fill_row(p, span, row, out + (size_t)((i * p->length[1] + j) * p->pitch) * bytes);
        }
      }
}
