// rng_bit_generator (StableHLO specification, "rng_bit_generator"), bit for bit as XLA's CPU
// backend computes it.
//
// The state is [key, counter] as 64-bit numbers. Philox' counter has 128 bits, low half first; a
// state of two has the key as its upper half. DEFAULT is Philox.
//
// THREE_FRY, 64 bits: element i is block counter + i, low word first; the counter moves by the
// number of elements.
//
// THREE_FRY, 32 bits: a block gives two elements, neighbours along one dimension: the first of even
// size, else the first of the largest. Blocks count through the shape with that dimension halved
// (rounded up), row-major.
//
// PHILOX: the words of blocks counter, counter + 1, .. in order, two to a 64-bit element, low word
// first.
//
// Narrower elements are the low bits of 32-bit ones.
#include "eval/random_bits.h"

#include <string.h>

#include "eval/eval.h"

void pj_threefry(const uint32_t key[2], const uint32_t counter[2], uint32_t out[2]) {
  static const uint8_t turns[2][4] = {{13, 15, 26, 6}, {17, 29, 16, 24}};
  const uint32_t keys[3] = {key[0], key[1], key[0] ^ key[1] ^ 0x1BD11BDA};
  uint32_t x = counter[0] + keys[0], y = counter[1] + keys[1];
  for (uint32_t group = 1; group <= 5; ++group) {
    for (int i = 0; i < 4; ++i) {
      const unsigned turn = turns[(group - 1) & 1][i];
      x += y;
      y = (y << turn | y >> (32 - turn)) ^ x;
    }
    x += keys[group % 3];
    y += keys[(group + 1) % 3] + group;
  }
  out[0] = x;
  out[1] = y;
}

void pj_philox(const uint32_t key[2], const uint32_t counter[4], uint32_t out[4]) {
  uint32_t k0 = key[0], k1 = key[1];
  memcpy(out, counter, 4 * sizeof *out);
  for (int round = 0; round < 10; ++round) {
    const uint64_t a = (uint64_t)out[0] * 0xD2511F53u, b = (uint64_t)out[2] * 0xCD9E8D57u;
    const uint32_t x = (uint32_t)(b >> 32) ^ out[1] ^ k0, z = (uint32_t)(a >> 32) ^ out[3] ^ k1;
    out[0] = x;
    out[1] = (uint32_t)b;
    out[2] = z;
    out[3] = (uint32_t)a;
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
}

// Stores the low bits of |bits| as element |i| of |size| bytes, of which |width| bits are in use.
static inline void put(void *data, int64_t i, size_t size, unsigned width, bool is_signed,
                       uint64_t bits) {
  if (width < 8) {
    bits &= (1u << width) - 1;
    if (is_signed && bits >> (width - 1))
      bits |= ~UINT64_C(0) << width;
  }
  memcpy((char *)data + (size_t)i * size, &bits, size); // little-endian
}

// Number of blocks drawn.
static uint64_t fill_threefry(const uint64_t *state, PjTensor *out) {
  const unsigned width = pj_dtype_bits(out->dtype);
  const bool is_signed = pj_dtype_class(out->dtype) == PJ_CLASS_SINT;
  const size_t size = pj_dtype_bytes(out->dtype);
  const uint32_t key[2] = {(uint32_t)state[0], (uint32_t)(state[0] >> 32)};
  uint32_t words[2];
  if (width == 64) {
    for (int64_t i = 0; i < out->count; ++i) {
      const uint64_t at = state[1] + (uint64_t)i;
      pj_threefry(key, (const uint32_t[]){(uint32_t)at, (uint32_t)(at >> 32)}, words);
      put(out->data, i, 8, 64, is_signed, words[0] | (uint64_t)words[1] << 32);
    }
    return (uint64_t)out->count;
  }
  // [outer, extent, inner] with pairs along the middle.
  int32_t split = -1;
  for (int32_t d = 0; d < out->rank && split < 0; ++d)
    if (out->dims[d] % 2 == 0)
      split = d;
  for (int32_t d = 0, chosen = split; chosen < 0 && d < out->rank; ++d)
    if (split < 0 || out->dims[d] > out->dims[split])
      split = d;
  int64_t outer = 1, inner = 1;
  const int64_t extent = split < 0 ? 1 : out->dims[split], half = (extent + 1) / 2;
  for (int32_t d = 0; d < split; ++d)
    outer *= out->dims[d];
  for (int32_t d = split + 1; split >= 0 && d < out->rank; ++d)
    inner *= out->dims[d];
  uint64_t block = state[1];
  for (int64_t o = 0; o < outer; ++o) {
    for (int64_t h = 0; h < half; ++h) {
      for (int64_t i = 0; i < inner; ++i, ++block) {
        const int64_t first = (o * extent + 2 * h) * inner + i;
        pj_threefry(key, (const uint32_t[]){(uint32_t)block, (uint32_t)(block >> 32)}, words);
        put(out->data, first, size, width, is_signed, words[0]);
        if (2 * h + 1 < extent)
          put(out->data, first + inner, size, width, is_signed, words[1]);
      }
    }
  }
  return block - state[1];
}

static uint64_t fill_philox(const uint64_t *state, int64_t state_size, PjTensor *out) {
  const unsigned width = pj_dtype_bits(out->dtype);
  const bool is_signed = pj_dtype_class(out->dtype) == PJ_CLASS_SINT;
  const size_t size = pj_dtype_bytes(out->dtype);
  const uint32_t key[2] = {(uint32_t)state[0], (uint32_t)(state[0] >> 32)};
  const int64_t per_block = width == 64 ? 2 : 4;
  uint64_t low = state[1], high = state_size > 2 ? state[2] : state[0], blocks = 0;
  for (int64_t i = 0; i < out->count; i += per_block, ++blocks) {
    uint32_t words[4];
    pj_philox(key,
              (const uint32_t[]){(uint32_t)low, (uint32_t)(low >> 32), (uint32_t)high,
                                 (uint32_t)(high >> 32)},
              words);
    for (int64_t j = 0; j < per_block && i + j < out->count; ++j)
      put(out->data, i + j, size, width, is_signed,
          width == 64 ? words[2 * j] | (uint64_t)words[2 * j + 1] << 32 : words[j]);
    high += ++low == 0;
  }
  return blocks;
}

PjStatus pj_ev_rng_bit_generator(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out) {
  const PjTensor *initial = in[0];
  const bool threefry = PJ_INT(op, rng_algorithm) == PJ_RNG_THREE_FRY;
  if (initial->dtype != PJ_DT_U64 || initial->rank != 1 || initial->count < 2 ||
      initial->count > (threefry ? 2 : 3))
    return PJ_OP_ERROR(
        op, INVALID_ARGUMENT, "the state has %lld elements of type %s, expected 2%s of type ui64",
        (long long)initial->count, pj_dtype_text(initial->dtype), threefry ? "" : " or 3");
  const uint64_t *state = initial->data;
  PjTensor *next = out[0] = pj_eval_new_like(ev, PJ_DT_U64, initial);
  PjTensor *bits = out[1] = pj_eval_result(ev, op, 1);
  if (pj_dtype_is_complex(bits->dtype))
    return PJ_OP_ERROR(op, INVALID_ARGUMENT, "random bits of type %s", pj_dtype_text(bits->dtype));
  const uint64_t blocks =
      threefry ? fill_threefry(state, bits) : fill_philox(state, initial->count, bits);
  uint64_t *to = next->data;
  memcpy(to, state, initial->bytes);
  to[1] += blocks;
  if (initial->count > 2)
    to[2] += to[1] < state[1];
  return PJ_STATUS_OK;
}
