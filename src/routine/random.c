// rng_bit_generator, bit for bit as the evaluator's (eval/random_bits.c says which bits those are):
// counters in blocks of a fixed number, shared by threads.
#include <string.h>

#include "routine/plan.h"
#include "routine/variant.h"

enum { BLOCKS = 256 };

#define PJ_VARIANT_FILE "routine/random_variant.h"
#include "routine/variants.h"

typedef struct Random {
  PjRoutine routine;
  bool threefry, is_signed;
  int64_t state_size, count, blocks; // of the generator, for all elements
  size_t elem;
  unsigned bits;
  int64_t extent, half,
      inner; // threefry of up to 32 bits: [outer, extent, inner], pairs along the middle
  void (*fill_threefry)(const uint32_t *key, uint64_t first, uint32_t *x, uint32_t *y);
  void (*fill_philox)(const uint32_t *key, uint64_t low, uint64_t high, uint32_t *out);
} Random;

typedef struct Run {
  const Random *r;
  const uint64_t *state;
  char *out;
} Run;

// Stores the low bits of |word| as element |i|; types narrower than a byte keep copies of the sign
// above.
static inline void put(const Random *r, char *out, int64_t i, uint32_t word) {
  switch (r->elem) {
  case 4:
    ((uint32_t *)out)[i] = word;
    return;
  case 2:
    ((uint16_t *)out)[i] = (uint16_t)word;
    return;
  default:
    break;
  }
  if (r->bits < 8) {
    word &= (1u << r->bits) - 1;
    if (r->is_signed && word >> (r->bits - 1))
      word |= ~0u << r->bits;
  }
  out[i] = (char)word;
}

static void threefry_part(void *context, int64_t begin, int64_t end, int thread) {
  const Run *run = context;
  const Random *r = run->r;
  const uint32_t key[2] = {(uint32_t)run->state[0], (uint32_t)(run->state[0] >> 32)};
  uint32_t x[BLOCKS], y[BLOCKS];
  for (int64_t part = begin; part < end; ++part) {
    const int64_t first = part * BLOCKS, n = pj__min(BLOCKS, r->blocks - first);
    r->fill_threefry(key, run->state[1] + (uint64_t)first, x, y);
    if (r->elem == 8) {
      uint64_t *to = (uint64_t *)run->out + first;
      for (int64_t i = 0; i < n; ++i)
        to[i] = x[i] | (uint64_t)y[i] << 32;
      continue;
    }
    int64_t in = first % r->inner, h = first / r->inner % r->half, o = first / r->inner / r->half;
    for (int64_t i = 0; i < n;) {
      const int64_t run_length = pj__min(n - i, r->inner - in),
                    at = (o * r->extent + 2 * h) * r->inner + in;
      const bool pair = 2 * h + 1 < r->extent;
      if (r->elem == 4) {
        memcpy((uint32_t *)run->out + at, x + i, (size_t)run_length * 4);
        if (pair)
          memcpy((uint32_t *)run->out + at + r->inner, y + i, (size_t)run_length * 4);
      } else {
        for (int64_t k = 0; k < run_length; ++k) {
          put(r, run->out, at + k, x[i + k]);
          if (pair)
            put(r, run->out, at + r->inner + k, y[i + k]);
        }
      }
      i += run_length;
      in += run_length;
      if (in == r->inner) {
        in = 0;
        if (++h == r->half) {
          h = 0;
          ++o;
        }
      }
    }
  }
}

static void philox_part(void *context, int64_t begin, int64_t end, int thread) {
  const Run *run = context;
  const Random *r = run->r;
  const uint32_t key[2] = {(uint32_t)run->state[0], (uint32_t)(run->state[0] >> 32)};
  const uint64_t low = run->state[1], high = r->state_size > 2 ? run->state[2] : run->state[0];
  const int64_t per_block = r->elem == 8 ? 2 : 4;
  uint32_t words[4 * BLOCKS];
  for (int64_t part = begin; part < end; ++part) {
    const uint64_t at = low + (uint64_t)part * BLOCKS;
    const int64_t first = part * BLOCKS * per_block,
                  n = pj__min(BLOCKS * per_block, r->count - first);
    r->fill_philox(key, at, high + (at < low), words);
    if (r->elem >= 4) // little-endian: two words are an element of 64 bits
      memcpy(run->out + (size_t)first * r->elem, words, (size_t)n * r->elem);
    else
      for (int64_t i = 0; i < n; ++i)
        put(r, run->out, first + i, words[i]);
  }
}

static PjStatus run_random(const PjRoutine *self, PjThreads *threads, const void *const *in,
                           void *const *out, void *scratch) {
  const Random *r = (const Random *)self;
  uint64_t state[3] = {0};
  memcpy(state, in[0], (size_t)r->state_size * sizeof *state);
  Run run = {r, state, out[1]};
  const int64_t parts = pj__divide_up(r->blocks, BLOCKS);
  pj_threads_for(threads, parts, pj__grain(parts, BLOCKS * 16),
                 r->threefry ? threefry_part : philox_part, &run);
  uint64_t next[3];
  memcpy(next, state, sizeof next);
  next[1] += (uint64_t)r->blocks;
  next[2] += next[1] < state[1];
  memcpy(out[0], next, (size_t)r->state_size * sizeof *next);
  return PJ_STATUS_OK;
}

const PjRoutine *pj__routine_rng_bit_generator(PjArena *arena, const PjOp *op) {
  const PjType *state = pj__in(op, 0), *bits = pj__out(op, 1);
  const bool threefry = PJ_INT(op, rng_algorithm) == PJ_RNG_THREE_FRY;
  const int64_t size = pj__count(state);
  if (state->dtype != PJ_DT_U64 || state->rank != 1 || size < 2 || size > (threefry ? 2 : 3) ||
      pj_dtype_is_complex(bits->dtype) ||
      pj_dtype_bytes(bits->dtype) * 8 < pj_dtype_bits(bits->dtype))
    return NULL;
  Random *r = PJ_NEW(arena, Random);
  r->threefry = threefry;
  r->state_size = size;
  r->count = pj__count(bits);
  r->elem = pj_dtype_bytes(bits->dtype);
  r->bits = pj_dtype_bits(bits->dtype);
  r->is_signed = pj_dtype_class(bits->dtype) == PJ_CLASS_SINT;
  r->fill_threefry = PJ_PICK(threefry);
  r->fill_philox = PJ_PICK(philox);
  r->routine =
      (PjRoutine){.name = threefry ? "threefry" : "philox", .run = run_random, .in_place = -1};
  r->routine.bytes = (double)pj__bytes(bits);
  if (!threefry) {
    r->blocks = pj__divide_up(r->count, r->elem == 8 ? 2 : 4);
    return &r->routine;
  }
  if (r->elem == 8) {
    r->blocks = r->count;
    return &r->routine;
  }
  // Pairs along the first dimension of even size, else the first of the largest.
  int32_t split = -1;
  for (int32_t d = 0; d < bits->rank && split < 0; ++d)
    if (bits->dims[d] % 2 == 0)
      split = d;
  if (split < 0)
    for (int32_t d = 0; d < bits->rank; ++d)
      if (split < 0 || bits->dims[d] > bits->dims[split])
        split = d;
  int64_t outer = 1;
  r->inner = 1;
  r->extent = split < 0 ? 1 : bits->dims[split];
  r->half = (r->extent + 1) / 2;
  for (int32_t d = 0; d < split; ++d)
    outer *= bits->dims[d];
  for (int32_t d = split + 1; split >= 0 && d < bits->rank; ++d)
    r->inner *= bits->dims[d];
  r->blocks = outer * r->half * r->inner;
  return &r->routine;
}
