// Two independent 64-bit lanes, each fed with every word of the program in the order of its text.
// Lists are preceded by their lengths and optional parts by a mark, so that different programs feed
// different sequences.
#include "ir/fingerprint.h"

#include <inttypes.h>
#include <stdio.h>

typedef PjFingerprint State;

// The high and low half of a 128-bit product, folded: every input bit reaches every output bit.
static uint64_t fold(uint64_t a, uint64_t b) {
  unsigned __int128 product = (unsigned __int128)a * b;
  return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static void word(State *s, uint64_t value) {
  s->high = fold(s->high ^ value ^ 0xa0761d6478bd642full, 0xe7037ed1a0b428dbull);
  s->low = fold(s->low + value + 0x8ebc6af09c88c6e3ull, 0x589965cc75374cc3ull);
}

// Four streams side by side, as each step of one waits for the last.
static const unsigned char *long_bytes(State *s, const unsigned char *at, size_t steps) {
  enum { STREAMS = 4 };
  State streams[STREAMS];
  for (int i = 0; i < STREAMS; ++i) {
    streams[i] = *s;
    word(&streams[i], (uint64_t)i);
  }
  for (; steps; --steps)
    for (int i = 0; i < STREAMS; ++i, at += 8) {
      uint64_t value;
      memcpy(&value, at, 8);
      word(&streams[i], value);
    }
  for (int i = 0; i < STREAMS; ++i) {
    word(s, streams[i].high);
    word(s, streams[i].low);
  }
  return at;
}

static void bytes(State *s, const void *data, size_t size) {
  enum { LONG = 1 << 10, STEP = 32 };
  const unsigned char *at = data;
  word(s, size);
  if (size >= LONG) {
    at = long_bytes(s, at, size / STEP);
    size %= STEP;
  }
  for (; size >= 8; at += 8, size -= 8) {
    uint64_t value;
    memcpy(&value, at, 8);
    word(s, value);
  }
  if (size) {
    uint64_t value = 0;
    memcpy(&value, at, size);
    word(s, value);
  }
}

static void text(State *s, PjStr value) {
  bytes(s, value.ptr, value.len);
}

static void number(State *s, double value) {
  uint64_t bits;
  memcpy(&bits, &value, sizeof bits);
  word(s, bits);
}

static void numbers(State *s, size_t count, const int64_t *values) {
  word(s, count);
  for (size_t i = 0; i < count; ++i)
    word(s, (uint64_t)values[i]);
}

// ---------------------------------------------------------------------------------------- types
static void quant(State *s, const PjQuant *q) {
  word(s, q->expressed);
  word(s, (uint64_t)q->min);
  word(s, (uint64_t)q->max);
  word(s, (uint64_t)q->axis);
  numbers(s, q->num_scales, q->zero_points);
  for (uint32_t i = 0; i < q->num_scales; ++i)
    number(s, q->scales[i]);
}

static void type(State *s, const PjType *t) {
  word(s, t != NULL);
  if (!t)
    return;
  word(s, t->kind);
  word(s, t->dtype);
  word(s, t->quant != NULL);
  if (t->quant)
    quant(s, t->quant);
  numbers(s, t->dims ? (size_t)t->rank : 0, t->dims);
  numbers(s, t->bounds ? (size_t)t->rank : 0, t->bounds);
  word(s, t->num_elems);
  for (uint32_t i = 0; i < t->num_elems; ++i)
    type(s, t->elems[i]);
  word(s, t->num_results);
  for (uint32_t i = 0; i < t->num_results; ++i)
    type(s, t->results[i]);
}

// ----------------------------------------------------------------------------------------
// attributes
static void attribute(State *s, const PjAttr *a) {
  word(s, a != NULL);
  if (!a)
    return;
  word(s, a->kind);
  word(s, a->kind == PJ_ATTR_ENUM ? a->enum_kind : 0);
  word(s, (uint64_t)a->columns);
  word(s, a->splat);
  word(s, (uint64_t)a->i64);
  word(s, (uint64_t)a->i64b);
  number(s, a->f64);
  number(s, a->f64b);
  text(s, a->str);
  type(s, a->type);
  numbers(s, a->ints ? a->count : 0, a->ints);
  word(s, a->elems ? a->count : 0);
  for (uint32_t i = 0; a->elems && i < a->count; ++i) {
    if (a->names)
      text(s, a->names[i]);
    attribute(s, a->elems[i]);
  }
  attribute(s, a->more);
  bytes(s, a->data, a->data_size);
}

// ----------------------------------------------------------------------------------------
// operations
static void region(State *s, const PjRegion *r);

// No dictionary and an empty one say the same.
static void dictionary(State *s, const PjAttr *a) {
  attribute(s, a && a->count ? a : NULL);
}

static void operation(State *s, const PjOp *op) {
  text(s, pj_str(pj_op_info[op->kind].text));
  word(s, op->num_operands);
  for (uint32_t i = 0; i < op->num_operands; ++i)
    word(s, op->operands[i]->id);
  word(s, op->num_results);
  for (uint32_t i = 0; i < op->num_results; ++i)
    type(s, op->results[i].type);
  for (uint32_t i = 0; i < pj_op_info[op->kind].num_attrs; ++i)
    attribute(s, op->attrs[i]);
  dictionary(s, op->extra);
  word(s, op->num_regions);
  for (uint32_t i = 0; i < op->num_regions; ++i)
    region(s, &op->regions[i]);
}

static void region(State *s, const PjRegion *r) {
  word(s, r->num_args);
  for (uint32_t i = 0; i < r->num_args; ++i)
    type(s, r->args[i].type);
  for (const PjOp *op = r->first; op; op = op->next) {
    word(s, 1);
    operation(s, op);
  }
  word(s, 0);
}

PjFingerprint pj_module_fingerprint(const PjModule *module) {
  State s = {0x243f6a8885a308d3ull, 0x13198a2e03707344ull};
  text(&s, module->name);
  dictionary(&s, module->attrs);
  region(&s, &module->body);
  return s;
}

void pj_fingerprint_text(PjFingerprint fingerprint, char out[33]) {
  snprintf(out, 33, "%016" PRIx64 "%016" PRIx64, fingerprint.high, fingerprint.low);
}
