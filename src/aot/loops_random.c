// rng_bit_generator as loops: block by block, as src/eval/random_bits.c says.
#include "aot/loops.h"
#include "ir/attr.h"
#include "sched/shape_map.h"

typedef struct Random {
  PjLoops *l;
  PjKir *k;
  const PjType *bits; // the type of the second result
  int width;          // of its elements
  PjKirVal key[2];
} Random;

static PjKirVal word(Random *r, uint32_t bits) {
  return pj_kir_const(r->k, PJ_KIR_T(I32, 1), bits);
}

static PjKirVal low(Random *r, PjKirVal x) {
  return pj_kir_cast(r->k, PJ_KIR_TRUNC, PJ_KIR_I32, x);
}

static PjKirVal high(Random *r, PjKirVal x) {
  return low(r, pj_kir_lshr(r->k, x, pj_loop_number(r->l, 32)));
}

// low | high << 32
static PjKirVal wide(Random *r, PjKirVal a, PjKirVal b) {
  PjKirVal upper = pj_kir_cast(r->k, PJ_KIR_ZEXT, PJ_KIR_I64, b);
  return pj_kir_or(r->k, pj_kir_cast(r->k, PJ_KIR_ZEXT, PJ_KIR_I64, a),
                   pj_kir_shl(r->k, upper, pj_loop_number(r->l, 32)));
}

static void threefry(Random *r, PjKirVal counter, PjKirVal out[2]) {
  static const uint8_t turns[2][4] = {{13, 15, 26, 6}, {17, 29, 16, 24}};
  PjKir *k = r->k;
  PjKirVal keys[3] = {r->key[0], r->key[1],
                      pj_kir_xor(k, pj_kir_xor(k, r->key[0], r->key[1]), word(r, 0x1BD11BDA))};
  PjKirVal x = pj_kir_add(k, low(r, counter), keys[0]),
           y = pj_kir_add(k, high(r, counter), keys[1]);
  for (uint32_t group = 1; group <= 5; ++group) {
    for (int i = 0; i < 4; ++i) {
      uint32_t turn = turns[(group - 1) & 1][i];
      x = pj_kir_add(k, x, y);
      y = pj_kir_xor(
          k, x,
          pj_kir_or(k, pj_kir_shl(k, y, word(r, turn)), pj_kir_lshr(k, y, word(r, 32 - turn))));
    }
    x = pj_kir_add(k, x, keys[group % 3]);
    y = pj_kir_add(k, y, pj_kir_add(k, keys[(group + 1) % 3], word(r, group)));
  }
  out[0] = x;
  out[1] = y;
}

static void philox(Random *r, const PjKirVal counter[4], PjKirVal out[4]) {
  PjKir *k = r->k;
  PjKirVal k0 = r->key[0], k1 = r->key[1];
  for (int i = 0; i < 4; ++i)
    out[i] = counter[i];
  for (int round = 0; round < 10; ++round) {
    PjKirVal m = word(r, 0xD2511F53u), n = word(r, 0xCD9E8D57u);
    PjKirVal a = pj_kir_2(k, PJ_KIR_UMULH, out[0], m), b = pj_kir_2(k, PJ_KIR_UMULH, out[2], n);
    PjKirVal x = pj_kir_xor(k, pj_kir_xor(k, b, out[1]), k0),
             z = pj_kir_xor(k, pj_kir_xor(k, a, out[3]), k1);
    out[1] = pj_kir_mul(k, out[2], n);
    out[3] = pj_kir_mul(k, out[0], m);
    out[0] = x;
    out[2] = z;
    k0 = pj_kir_add(k, k0, word(r, 0x9E3779B9u));
    k1 = pj_kir_add(k, k1, word(r, 0xBB67AE85u));
  }
}

// Stores the low bits of |bits|, an i32 or i64, as element |at|.
static void put(Random *r, PjKirVal at, PjKirVal bits) {
  PjKirElem elem = r->width == 64   ? PJ_KIR_I64
                   : r->width == 32 ? PJ_KIR_I32
                   : r->width == 16 ? PJ_KIR_I16
                                    : PJ_KIR_I8;
  PjKirVal value = r->width < 32 ? pj_kir_cast(r->k, PJ_KIR_TRUNC, elem, bits) : bits;
  pj_kir_store(r->k, value, r->l->out[1], at, 0);
}

// The same where |at| is within |count|.
static void put_if(Random *r, PjKirVal at, int64_t count, bool always, PjKirVal bits) {
  if (!always)
    pj_kir_if_begin(r->k, pj_kir_slt(r->k, at, pj_loop_number(r->l, count)));
  put(r, at, bits);
  if (!always) {
    pj_kir_if_else(r->k, 0, NULL);
    pj_kir_if_end(r->k, 0, NULL, NULL);
  }
}

// The number of blocks drawn.
static int64_t fill_threefry(Random *r, PjKirVal counter) {
  const PjType *type = r->bits;
  PjLoops *l = r->l;
  PjKir *k = r->k;
  PjKirVal words[2], index[3];
  if (r->width == 64) {
    int64_t count = pj_count(type);
    pj_loop_open(l, 1, &count, index);
    threefry(r, pj_kir_add(k, counter, index[0]), words);
    put(r, index[0], wide(r, words[0], words[1]));
    pj_loop_close(l, 1, &count);
    return count;
  }
  // [outer, extent, inner] with pairs along the middle: the first dimension of even size, else the
  // first of the largest.
  int32_t split = -1;
  for (int32_t d = 0; d < type->rank && split < 0; ++d)
    if (type->dims[d] % 2 == 0)
      split = d;
  for (int32_t d = 0, chosen = split; chosen < 0 && d < type->rank; ++d)
    if (split < 0 || type->dims[d] > type->dims[split])
      split = d;
  int64_t outer = 1, inner = 1, extent = split < 0 ? 1 : type->dims[split], half = (extent + 1) / 2;
  for (int32_t d = 0; d < split; ++d)
    outer *= type->dims[d];
  for (int32_t d = split + 1; split >= 0 && d < type->rank; ++d)
    inner *= type->dims[d];
  int64_t sizes[3] = {outer, half, inner};
  pj_loop_open(l, 3, sizes, index);
  PjKirVal block = pj_kir_add(
      k, pj_loop_affine(l, pj_kir_add(k, pj_loop_affine(l, index[0], half, 0), index[1]), inner, 0),
      index[2]);
  threefry(r, pj_kir_add(k, counter, block), words);
  PjKirVal row = pj_kir_add(k, index[1], index[1]);
  PjKirVal first = pj_kir_add(
      k, pj_loop_affine(l, pj_kir_add(k, pj_loop_affine(l, index[0], extent, 0), row), inner, 0),
      index[2]);
  put(r, first, words[0]);
  if (extent % 2)
    pj_kir_if_begin(k, pj_kir_slt(k, row, pj_loop_number(l, extent - 1)));
  put(r, pj_loop_affine(l, first, 1, inner), words[1]);
  if (extent % 2) {
    pj_kir_if_else(k, 0, NULL);
    pj_kir_if_end(k, 0, NULL, NULL);
  }
  pj_loop_close(l, 3, sizes);
  return outer * half * inner;
}

static int64_t fill_philox(Random *r, PjKirVal from_low, PjKirVal from_high) {
  PjLoops *l = r->l;
  PjKir *k = r->k;
  int64_t count = pj_count(r->bits), each = r->width == 64 ? 2 : 4,
          blocks = (count + each - 1) / each;
  PjKirVal block, words[4];
  pj_loop_open(l, 1, &blocks, &block);
  PjKirVal at = pj_kir_add(k, from_low, block);
  PjKirVal carry = pj_kir_cast(k, PJ_KIR_ZEXT, PJ_KIR_I64, pj_kir_2(k, PJ_KIR_ULT, at, from_low));
  PjKirVal top = pj_kir_add(k, from_high, carry);
  philox(r, (PjKirVal[]){low(r, at), high(r, at), low(r, top), high(r, top)}, words);
  for (int64_t j = 0; j < each; ++j)
    put_if(r, pj_loop_affine(l, block, each, j), count, count % each == 0,
           r->width == 64 ? wide(r, words[2 * j], words[2 * j + 1]) : words[j]);
  pj_loop_close(l, 1, &blocks);
  return blocks;
}

bool pj_loop_rng_bit_generator(PjLoops *l) {
  const PjOp *op = l->op;
  const PjType *state = op->operands[0]->type, *bits = op->results[1].type;
  int width = (int)pj_dtype_bits(bits->dtype);
  bool is_threefry = PJ_INT(op, rng_algorithm) == PJ_RNG_THREE_FRY;
  if (state->dtype != PJ_DT_U64 || state->rank != 1 || state->dims[0] < 2 ||
      state->dims[0] > (is_threefry ? 2 : 3) || op->results[0].type->dtype != PJ_DT_U64 ||
      pj_count(op->results[0].type) != state->dims[0] || pj_dtype_is_complex(bits->dtype) ||
      (width != 8 && width != 16 && width != 32 && width != 64))
    return false;
  PjKir *k = l->k;
  Random random = {.l = l, .k = k, .bits = bits, .width = width}, *r = &random;
  PjKirVal words[3] = {0};
  for (int i = 0; i < state->dims[0]; ++i)
    words[i] = pj_kir_load(k, PJ_KIR_T(I64, 1), l->in[0].ptr, pj_loop_number(l, i), 0, false);
  r->key[0] = low(r, words[0]);
  r->key[1] = high(r, words[0]);
  int64_t blocks = is_threefry ? fill_threefry(r, words[1])
                               : fill_philox(r, words[1], words[2] ? words[2] : words[0]);
  PjKirVal next = pj_loop_affine(l, words[1], 1, blocks);
  PjKirVal carry = pj_kir_cast(k, PJ_KIR_ZEXT, PJ_KIR_I64, pj_kir_2(k, PJ_KIR_ULT, next, words[1]));
  pj_kir_store(k, words[0], l->out[0], pj_loop_number(l, 0), 0);
  pj_kir_store(k, next, l->out[0], pj_loop_number(l, 1), 0);
  if (words[2])
    pj_kir_store(k, pj_kir_add(k, words[2], carry), l->out[0], pj_loop_number(l, 2), 0);
  return true;
}
