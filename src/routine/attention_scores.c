// Tiles of scores: their steps, and how what is computed from them reaches memory.
#include "routine/attention_scores.h"

#include <string.h>

#include "eval/comp.h"
#include "eval/strided.h"

const char *pj__scores_batch(const PjScores *s, const PjScorePart *part, const void *base,
                             PjDtype dtype, const int64_t *strides) {
  int64_t offset = 0;
  for (int32_t d = 0; d < s->a.num_batch; ++d)
    offset += part->at[d] * strides[d];
  return (const char *)base + offset * (int64_t)pj_dtype_bytes(dtype);
}

const char *pj__scores_array(const PjScores *s, const PjScorePart *part, const void *base,
                             const PjAttentionArray *array) {
  return pj__scores_batch(s, part, base, array->dtype, array->batch) +
         array->offset * (int64_t)pj_dtype_bytes(array->dtype);
}

PjScorePart pj__scores_part(const PjScores *s, int64_t task, int64_t parts, int64_t rows) {
  PjScorePart part = {.row = task % parts * rows};
  part.rows = pj__min(rows, s->a.rows - part.row);
  int64_t batch = task / parts;
  for (int32_t d = s->a.num_batch - 1; d >= 0; --d) {
    part.at[d] = batch % s->a.batch[d];
    batch /= s->a.batch[d];
  }
  return part;
}

void pj__scores_rows(const PjScores *s, const PjAttentionArray *array, const char *base,
                     int64_t first, int64_t n, int64_t length, int64_t step, float *out,
                     float *more) {
  const int64_t bytes = (int64_t)pj_dtype_bytes(array->dtype), one = 1, rows = s->loops->tile_rows;
  const size_t behind = (size_t)(step - length) * sizeof *out;
  for (int64_t i = 0; i < n; ++i, out += step) {
    const char *row = base + (first + i) * array->row * bytes;
    if (array->col != 1) {
      pj_strided_copy((size_t)bytes, 1, &length, row, &array->col, more, &one);
      row = (const char *)more;
    }
    pj_comp_load(PJ_COMP_F32, array->dtype, length, row, out);
    memset(out + length, 0, behind);
  }
  memset(out, 0, (size_t)((pj__divide_up(n, rows) * rows - n) * step) * sizeof *out);
}

// What |step|, a mask, hides becomes |value|.
static void fill(const PjScores *s, const void *const *in, const PjScorePart *part, uint32_t i,
                 float value, int64_t key, int64_t n, int64_t row, int64_t lanes, float *tile) {
  const PjScoreStep *step = &s->a.steps[i];
  const int nr = s->micro->nr;
  if (step->kind == PJ_SCORE_CAUSAL) {
    const int64_t seen = pj__max(0, pj__min(n, row + step->offset + 1 - key));
    s->loops->causal(n - seen, key + seen - step->offset - row, value, tile + seen * nr);
    return;
  }
  const uint8_t *from =
      (const uint8_t *)pj__scores_batch(s, part, in[s->input[i]], PJ_DT_PRED, step->batch) +
      row * step->row + key * step->key;
  s->loops->mask(n, lanes, from, step->row, step->key, !step->keep, value, tile);
}

void pj__scores_apply(const PjScores *s, const void *const *in, const PjScorePart *part,
                      int64_t key, int64_t n, int64_t row, int64_t lanes, float *tile, float *more,
                      char *temp) {
  const int nr = s->micro->nr;
  for (uint32_t i = s->first; i < s->a.num_steps; ++i) {
    const PjScoreStep *step = &s->a.steps[i];
    switch (step->kind) {
    case PJ_SCORE_SCALE:
      s->loops->scale(n * nr, step->value, tile);
      break;
    case PJ_SCORE_ADD: {
      const char *from = pj__scores_batch(s, part, in[s->input[i]], PJ_DT_F32, step->batch);
      s->add[i].pack(&s->add[i], from, row, lanes, key, n, nr, more, 0, temp);
      for (int64_t j = 0; j < n * nr; ++j)
        tile[j] += more[j];
      break;
    }
    case PJ_SCORE_MASK:
    case PJ_SCORE_CAUSAL:
      fill(s, in, part, i, step->value, key, n, row, lanes, tile);
      break;
    }
  }
}

void pj__scores_hide(const PjScores *s, const void *const *in, const PjScorePart *part, int64_t key,
                     int64_t n, int64_t row, int64_t lanes, float *tile) {
  for (uint32_t i = s->first; i < s->a.num_steps; ++i)
    if (s->a.steps[i].kind == PJ_SCORE_MASK || s->a.steps[i].kind == PJ_SCORE_CAUSAL)
      fill(s, in, part, i, 0, key, n, row, lanes, tile);
}

bool pj__scores_hidden_weigh_nothing(const PjScores *s, int64_t n, const float *most) {
  for (int64_t r = 0; r < n; ++r)
    if (!(s->a.steps[s->causal].value - most[r] < -PJ_FAR))
      return false;
  return true;
}

void pj__scores_store_row(const PjAttentionArray *array, int64_t width, const float *numbers,
                          char *temp, char *row) {
  if (array->col == 1) {
    pj_comp_store(PJ_COMP_F32, array->dtype, width, numbers, row);
    return;
  }
  const int64_t one = 1;
  pj_comp_store(PJ_COMP_F32, array->dtype, width, numbers, temp);
  pj_strided_copy(pj_dtype_bytes(array->dtype), 1, &width, temp, &one, row, &array->col);
}

// ---- plan
bool pj__scores_panel(PjPanel *panel, PjDtype dtype, bool left, int64_t outer, int64_t sum) {
  *panel = (PjPanel){.outer_step = outer, .sum_step = sum};
  return pj__panel_init(panel, PJ_COMP_F32, dtype, left);
}

// The step whose hidden keys may be skipped: what follows it only masks with the same value.
static int skipped_step(const PjAttention *a) {
  for (int i = (int)a->num_steps - 1; i >= 0; --i) {
    if (a->steps[i].kind == PJ_SCORE_CAUSAL)
      return i;
    if (a->steps[i].kind != PJ_SCORE_MASK || a->steps[i].value != a->steps[a->num_steps - 1].value)
      return -1;
  }
  return -1;
}

bool pj__scores_init(PjScores *s, const PjAttention *what, uint32_t first) {
  const PjAttention *a = what;
  *s = (PjScores){
      .a = *a, .micro = pj__micro(PJ_COMP_F32), .loops = pj__attention_loops(), .scale = 1};
  if (a->depth > PJ_MAX_HEAD || a->width > PJ_MAX_HEAD)
    return false;
  for (uint32_t i = 0; i < a->num_steps; ++i) {
    const PjScoreStep *step = &a->steps[i];
    if (step->kind == PJ_SCORE_ADD || step->kind == PJ_SCORE_MASK)
      s->input[i] = first++;
    if (step->kind == PJ_SCORE_ADD &&
        !pj__scores_panel(&s->add[i], PJ_DT_F32, false, step->row, step->key))
      return false;
  }
  if (a->num_steps && a->steps[0].kind == PJ_SCORE_SCALE) {
    s->scale = a->steps[0].value;
    s->first = 1;
  }
  s->causal = skipped_step(a);
  return true;
}
