// Operations of kernel IR on memory: every element, several widths, masks that keep off pages that
// are not there, orders of lanes, parameters, stack, lanes.
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "jit_support.h"

static const PjKirElem elems[] = {PJ_KIR_I8,  PJ_KIR_I16, PJ_KIR_I32,
                                  PJ_KIR_I64, PJ_KIR_F32, PJ_KIR_F64};
enum { NUM_ELEMS = 6 };

typedef struct Shape {
  PjKirElem elem;
  int lanes;
  bool wide; // 64-bit indices
} Shape;

static PjKirType type_of(const Shape *s) {
  return pj_kir_type(s->elem, s->lanes);
}

// Lane l is on if byte l of buffer |which| is not zero.
static PjKirVal load_mask(PjKir *k, const Shape *s, uint32_t which) {
  PjKirVal bytes = pj_kir_load(k, pj_kir_type(PJ_KIR_I8, s->lanes), pj_kir_buffer(k, which),
                               pj_kir_i64(k, 0), 0, false);
  return pj_kir_2(k, PJ_KIR_NE, bytes, pj_kir_const(k, pj_kir_type(PJ_KIR_I8, s->lanes), 0));
}

static PjKirVal load_indices(PjKir *k, const Shape *s, uint32_t which) {
  PjKirElem elem = s->wide ? PJ_KIR_I64 : PJ_KIR_I32;
  return pj_kir_load(k, pj_kir_type(elem, s->lanes), pj_kir_buffer(k, which), pj_kir_i64(k, 0), 0,
                     false);
}

// Buffers: source, mask, destination. Element 0 of the call's range is the index.
static void build_masked(PjKir *k, void *context) {
  const Shape *s = context;
  PjKirVal mask = load_mask(k, s, 1);
  PjKirVal value = pj_kir_load(k, type_of(s), pj_kir_buffer(k, 0), pj_kir_begin(k), mask, false);
  pj_kir_store(k, value, pj_kir_buffer(k, 2), pj_kir_begin(k), 0);
  pj_kir_store(k, value, pj_kir_buffer(k, 3), pj_kir_begin(k), mask);
}

static void run_for_shapes(void (*test)(PjIsa isa, Shape *shape)) {
  static const int lanes[] = {1, 2, 8, 16, 64};
  PjIsa isas[PJ_ISA_COUNT];
  uint32_t n = test_isas(isas);
  for (uint32_t i = 0; i < n; ++i)
    for (int e = 0; e < NUM_ELEMS; ++e)
      for (int l = 0; l < 5; ++l) {
        Shape shape = {elems[e], lanes[l], (l + e) % 2};
        if (i + 1 == n || lanes[l] == 8)
          test(isas[i], &shape);
      }
}

// Three pages, the middle one mapped: returns its start.
static uint8_t *island(void) {
  uint8_t *base = mmap(NULL, 3 * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  assert_true(base != MAP_FAILED);
  assert_int_equal(mprotect(base + 4096, 4096, PROT_READ | PROT_WRITE), 0);
  for (int i = 0; i < 4096; ++i)
    base[4096 + i] = (uint8_t)(i * 37 + 11);
  return base + 4096;
}

static void masked(PjIsa isa, Shape *s) {
  PjJitCode *code = test_compile(isa, "masked", build_masked, s);
  int size = pj_kir_elem_bytes(s->elem), room = 4096 / size;
  uint8_t *source = island(), *target = island(), out[64 * 8];
  for (int round = 0; round < 4; ++round) {
    // Off the end: the first lanes are on. Before the start: the last ones are.
    int on = s->lanes == 1 ? round & 1 : s->lanes * (round & 1 ? 3 : 1) / 4;
    bool at_end = round < 2;
    int64_t index = at_end ? room - on : on - s->lanes;
    uint8_t mask[64] = {0}, before[4096];
    for (int l = 0; l < s->lanes; ++l)
      mask[l] = (at_end ? l < on : l >= s->lanes - on) ? 0x80 : 0;
    memset(target, 0xab, 4096);
    memcpy(before, target, 4096);
    void *buffers[] = {source, mask, out - index * size, target};
    pj_jit_entry(code)(buffers, NULL, index, index + 1, NULL);
    for (int l = 0; l < s->lanes; ++l) {
      static const uint8_t zero[8];
      const uint8_t *want = mask[l] ? source + (index + l) * size : zero;
      if (memcmp(out + l * size, want, (size_t)size) != 0)
        fail_msg("%s elem %d lanes %d: lane %d", pj_isa_name(isa), s->elem, s->lanes, l);
      if (mask[l])
        memcpy(before + (index + l) * size, want, (size_t)size);
    }
    assert_memory_equal(before, target, 4096);
  }
  munmap(source - 4096, 3 * 4096);
  munmap(target - 4096, 3 * 4096);
  pj_jit_release(code);
}

static void masked_accesses(void **state) {
  run_for_shapes(masked);
}

// Buffers: source, indices, mask, gathered, gathered under the mask, scattered, scattered under the
// mask.
static void build_gather(PjKir *k, void *context) {
  const Shape *s = context;
  PjKirVal indices = load_indices(k, s, 1), mask = load_mask(k, s, 2), zero = pj_kir_i64(k, 0);
  PjKirVal all = pj_kir_gather(k, type_of(s), pj_kir_buffer(k, 0), indices, 0, true);
  PjKirVal some = pj_kir_gather(k, type_of(s), pj_kir_buffer(k, 0), indices, mask, false);
  pj_kir_store(k, all, pj_kir_buffer(k, 3), zero, 0);
  pj_kir_store(k, some, pj_kir_buffer(k, 4), zero, 0);
  PjKirVal lanes =
      pj_kir_load(k, type_of(s), pj_kir_buffer(k, 7), zero, 0, false); // one value per lane
  pj_kir_scatter(k, lanes, pj_kir_buffer(k, 5), indices, 0);
  pj_kir_scatter(k, lanes, pj_kir_buffer(k, 6), indices, mask);
}

static void gather(PjIsa isa, Shape *s) {
  enum { ROOM = 32 };
  PjJitCode *code = test_compile(isa, "gather", build_gather, s);
  size_t size = (size_t)pj_kir_elem_bytes(s->elem);
  uint8_t data[ROOM * 8], all[64 * 8], some[64 * 8], whole[ROOM * 8], part[ROOM * 8], lanes[64 * 8],
      mask[64];
  int64_t indices[64];
  uint8_t *middle = data + ROOM / 2 * size;
  for (int round = 0; round < 8; ++round) {
    for (size_t i = 0; i < sizeof data; ++i)
      data[i] = (uint8_t)(i * 53 + (size_t)round);
    for (int l = 0; l < s->lanes; ++l) {
      int64_t index = (l * 7 + round * 3 + l * l) % ROOM - ROOM / 2; // repeated, negative too
      if (s->wide)
        indices[l] = index;
      else
        ((int32_t *)indices)[l] = (int32_t)index;
      mask[l] = (uint8_t)((l + round) % 3 == 0);
      memset(lanes + (size_t)l * size, l + 1, size);
    }
    memset(whole, 0, sizeof whole);
    memset(part, 0, sizeof part);
    void *buffers[] = {
        middle, indices, mask, all, some, whole + ROOM / 2 * size, part + ROOM / 2 * size, lanes};
    pj_jit_entry(code)(buffers, NULL, 0, 1, NULL);
    uint8_t want_whole[ROOM * 8] = {0}, want_part[ROOM * 8] = {0};
    for (int l = 0; l < s->lanes; ++l) {
      static const uint8_t zero[8];
      int64_t index = s->wide ? indices[l] : ((int32_t *)indices)[l];
      size_t at = (size_t)(index + ROOM / 2) * size, lane = (size_t)l * size;
      assert_memory_equal(all + lane, data + at, size);
      assert_memory_equal(some + lane, mask[l] ? data + at : zero, size);
      memcpy(want_whole + at, lanes + lane, size);
      if (mask[l])
        memcpy(want_part + at, lanes + lane, size);
    }
    assert_memory_equal(whole, want_whole, sizeof whole);
    assert_memory_equal(part, want_part, sizeof part);
  }
  pj_jit_release(code);
}

static void gathers_and_scatters(void **state) {
  run_for_shapes(gather);
}

// Indices read as numbers of one, two and four bytes without sign, which nothing changes. Buffers:
// table, indices of the three widths, what was gathered by each.
static const PjKirElem widths[] = {PJ_KIR_I8, PJ_KIR_I16, PJ_KIR_I32};

static void build_lookups(PjKir *k, void *context) {
  const Shape *s = context;
  PjKirVal first = pj_kir_begin(k);
  for (uint32_t w = 0; w < 3; ++w) {
    PjKirVal narrow =
        pj_kir_load(k, pj_kir_type(widths[w], s->lanes), pj_kir_buffer(k, 1 + w), first, 0, true);
    PjKirVal indices = pj_kir_cast(k, PJ_KIR_ZEXT, PJ_KIR_I64, narrow);
    PjKirVal all = pj_kir_gather(k, type_of(s), pj_kir_buffer(k, 0), indices, 0, true);
    pj_kir_store(k, all, pj_kir_buffer(k, 4 + w), pj_kir_i64(k, 0), 0);
  }
}

static void lookup(PjIsa isa, Shape *s) {
  enum { ROOM = 256, AT = 3 };
  PjJitCode *code = test_compile(isa, "lookup", build_lookups, s);
  size_t size = (size_t)pj_kir_elem_bytes(s->elem);
  uint8_t table[ROOM * 8], narrow[AT + 64], out[3][64 * 8];
  uint16_t middle[AT + 64];
  uint32_t wide[AT + 64];
  for (size_t i = 0; i < sizeof table; ++i)
    table[i] = (uint8_t)(i * 37 + i / 256);
  for (int l = 0; l < AT + 64; ++l)
    wide[l] = middle[l] = narrow[l] = (uint8_t)(l * 91 + 130);
  void *buffers[] = {table, narrow, middle, wide, out[0], out[1], out[2]};
  pj_jit_entry(code)(buffers, NULL, AT, AT + 1, NULL);
  for (int w = 0; w < 3; ++w)
    for (int l = 0; l < s->lanes; ++l)
      assert_memory_equal(out[w] + (size_t)l * size, table + narrow[AT + l] * size, size);
  pj_jit_release(code);
}

static void lookups(void **state) {
  run_for_shapes(lookup);
}

// Parameters of each type, splat and stored.
static void build_params(PjKir *k, void *context) {
  const Shape *s = context;
  for (uint32_t i = 0; i < NUM_ELEMS; ++i) {
    PjKirVal p = pj_kir_param(k, pj_kir_type(elems[i], 1), i);
    pj_kir_store(k, pj_kir_splat(k, p, s->lanes), pj_kir_buffer(k, i), pj_kir_i64(k, 0), 0);
  }
  PjKirVal flag = pj_kir_param(k, PJ_KIR_T(I1, 1), NUM_ELEMS);
  pj_kir_store(k, pj_kir_cast(k, PJ_KIR_ZEXT, PJ_KIR_I8, flag), pj_kir_buffer(k, 0),
               pj_kir_i64(k, s->lanes), 0);
}

static void parameters(void **state) {
  PjIsa isas[PJ_ISA_COUNT];
  uint32_t n = test_isas(isas);
  for (uint32_t i = 0; i < n; ++i)
    for (int lanes = 1; lanes <= 16; lanes *= 4) {
      Shape s = {.lanes = lanes};
      PjJitCode *code = test_compile(isas[i], "params", build_params, &s);
      uint64_t params[NUM_ELEMS + 1] = {0x1122334455667788,
                                        0x8877665544332211,
                                        0xfedcba9876543210,
                                        0x0123456789abcdef,
                                        0x4048f5c3ffffffff,
                                        0x7ff8000000001234,
                                        0xff01};
      uint8_t out[NUM_ELEMS][64 * 8];
      void *buffers[NUM_ELEMS];
      for (int e = 0; e < NUM_ELEMS; ++e)
        buffers[e] = out[e];
      pj_jit_entry(code)(buffers, params, 0, 1, NULL);
      for (int e = 0; e < NUM_ELEMS; ++e)
        for (int l = 0; l < lanes; ++l)
          assert_memory_equal(out[e] + l * pj_kir_elem_bytes(elems[e]), &params[e],
                              (size_t)pj_kir_elem_bytes(elems[e]));
      assert_int_equal(out[0][lanes], 1);
      pj_jit_release(code);
    }
}

// Parameters of each type in whole vectors, stored past the caches.
static void build_past(PjKir *k, void *context) {
  const Shape *s = context;
  k->past = true;
  for (uint32_t i = 0; i < NUM_ELEMS; ++i) {
    PjKirVal p = pj_kir_splat(k, pj_kir_param(k, pj_kir_type(elems[i], 1), i), s->lanes);
    pj_kir_store(k, p, pj_kir_buffer(k, i), pj_kir_begin(k), 0);
  }
}

static void past_the_caches(void **state) {
  PjIsa isas[PJ_ISA_COUNT];
  uint32_t n = test_isas(isas);
  for (uint32_t i = 0; i < n; ++i)
    for (int lanes = 1; lanes <= 32; lanes *= 2) {
      Shape s = {.lanes = lanes};
      PjJitCode *code = test_compile(isas[i], "past", build_past, &s);
      uint64_t params[NUM_ELEMS];
      static _Alignas(64) uint8_t out[NUM_ELEMS][64 * 8];
      void *buffers[NUM_ELEMS];
      memset(out, 0xee, sizeof out);
      for (int e = 0; e < NUM_ELEMS; ++e) {
        params[e] = 0x0123456789abcdef * (uint64_t)(e + 1);
        buffers[e] = out[e];
      }
      pj_jit_entry(code)(buffers, params, lanes, lanes, NULL);
      for (int e = 0; e < NUM_ELEMS; ++e) {
        size_t bytes = (size_t)pj_kir_elem_bytes(elems[e]), at = (size_t)lanes * bytes;
        for (size_t b = 0; b < sizeof out[e]; ++b)
          assert_int_equal(out[e][b],
                           b < at || b >= 2 * at ? 0xee : (params[e] >> b % bytes * 8 & 0xff));
      }
      pj_jit_release(code);
    }
}

// Stack and scratch: squares go to the stack, come back in reverse, and the sum through scratch.
static void build_stack(PjKir *k, void *context) {
  PjKirVal n = pj_kir_end(k), one = pj_kir_i64(k, 1), zero = pj_kir_i64(k, 0);
  PjKirVal stack = pj_kir_stack(k, 64 * 8), scratch = pj_kir_scratch(k);
  PjKirVal i = pj_kir_for_begin(k, zero, n, one, 0, NULL, NULL);
  pj_kir_store(k, pj_kir_mul(k, i, i), stack, i, 0);
  pj_kir_for_end(k, 0, NULL, NULL);
  pj_kir_store(k, zero, scratch, zero, 0);
  i = pj_kir_for_begin(k, zero, n, one, 0, NULL, NULL);
  PjKirVal back = pj_kir_sub(k, pj_kir_sub(k, n, one), i);
  PjKirVal square = pj_kir_load(k, PJ_KIR_T(I64, 1), stack, back, 0, false);
  pj_kir_store(k, square, pj_kir_buffer(k, 0), i, 0);
  PjKirVal sum = pj_kir_load(k, PJ_KIR_T(I64, 1), scratch, zero, 0, false);
  pj_kir_store(k, pj_kir_add(k, sum, square), scratch, zero, 0);
  pj_kir_for_end(k, 0, NULL, NULL);
  PjKirVal bits = pj_kir_load(k, PJ_KIR_T(I64, 1), scratch, zero, 0, false);
  pj_kir_store(k, bits, pj_kir_ptradd(k, pj_kir_buffer(k, 0), pj_kir_i64(k, 512)), zero, 0);
}

static void stack_and_scratch(void **state) {
  PjJitCode *code = test_compile(pj_kir_target_host()->isa, "stack", build_stack, NULL);
  int64_t out[65], scratch[8], sum = 0;
  void *buffers[] = {out};
  pj_jit_entry(code)(buffers, NULL, 0, 64, scratch);
  for (int64_t i = 0; i < 64; ++i) {
    assert_int_equal(out[i], (63 - i) * (63 - i));
    sum += i * i;
  }
  assert_int_equal(out[64], sum);
  pj_jit_release(code);
}

// Lanes: iota, reverse, interleave, halves, extract, select with vector and scalar masks.
static void build_lanes(PjKir *k, void *context) {
  PjKirType t = PJ_KIR_T(I32, 8);
  PjKirVal zero = pj_kir_i64(k, 0), v = pj_kir_load(k, t, pj_kir_buffer(k, 0), zero, 0, false);
  uint8_t reverse[] = {7, 6, 5, 4, 3, 2, 1, 0}, zip[] = {0, 8, 1, 9, 2, 10, 3, 11},
          four[] = {6, 4, 2, 15};
  PjKirVal iota = pj_kir_iota(k, t);
  PjKirVal parts[16];
  uint32_t n = 0;
  parts[n++] = pj_kir_shuffle(k, v, v, 8, reverse);
  parts[n++] = pj_kir_shuffle(k, v, iota, 8, zip);
  PjKirVal small = pj_kir_shuffle(k, v, iota, 4, four);
  parts[n++] = pj_kir_join(k, small, small);
  parts[n++] = pj_kir_join(k, pj_kir_half(k, v, 1), pj_kir_half(k, v, 0));
  parts[n++] = pj_kir_splat(k, pj_kir_extract(k, v, 5), 8);
  PjKirVal odd = pj_kir_cast(k, PJ_KIR_TRUNC, PJ_KIR_I1, iota);
  parts[n++] = pj_kir_select(k, odd, v, iota);
  PjKirVal big =
      pj_kir_2(k, PJ_KIR_SLT, pj_kir_const(k, PJ_KIR_T(I32, 1), 100), pj_kir_extract(k, v, 0));
  parts[n++] = pj_kir_select(k, big, v, iota);
  parts[n++] = pj_kir_splat(k, pj_kir_reduce_lanes(k, PJ_KIR_ADD, v), 8);
  PjKirVal pair = pj_kir_join(k, pj_kir_extract(k, v, 3), pj_kir_extract(k, v, 1));
  parts[n++] = pj_kir_join(k, pj_kir_join(k, pair, pair), pj_kir_join(k, pair, pair));
  for (uint32_t i = 0; i < n; ++i)
    pj_kir_store(k, parts[i], pj_kir_buffer(k, 1), pj_kir_i64(k, 8 * (int64_t)i), 0);
}

static void lanes(void **state) {
  PjIsa isas[PJ_ISA_COUNT];
  uint32_t n = test_isas(isas);
  for (uint32_t i = 0; i < n; ++i)
    for (int32_t first = 100; first <= 101; ++first) {
      PjJitCode *code = test_compile(isas[i], "lanes", build_lanes, NULL);
      int32_t in[8] = {first, 20, 30, 40, 50, 60, 70, 80}, out[9][8], sum = first + 350;
      void *buffers[] = {in, out};
      pj_jit_entry(code)(buffers, NULL, 0, 1, NULL);
      int32_t want[9][8] = {
          {80, 70, 60, 50, 40, 30, 20, first},
          {first, 0, 20, 1, 30, 2, 40, 3},
          {70, 50, 30, 7, 70, 50, 30, 7},
          {50, 60, 70, 80, first, 20, 30, 40},
          {60, 60, 60, 60, 60, 60, 60, 60},
          {0, 20, 2, 40, 4, 60, 6, 80},
          {0, 1, 2, 3, 4, 5, 6, 7},
          {sum, sum, sum, sum, sum, sum, sum, sum},
          {40, 20, 40, 20, 40, 20, 40, 20},
      };
      if (first > 100)
        memcpy(want[6], in, sizeof in);
      assert_memory_equal(out, want, sizeof out);
      pj_jit_release(code);
    }
}

// Shuffles of narrow lanes, whatever moves where: each lane of the result by a rule.
typedef struct Narrow {
  PjKirElem elem;
  int from, to;
  int factor, offset; // lane l is lane (l * factor + offset) % (2 * from)
} Narrow;

static int narrow_lane(const Narrow *n, int lane) {
  return (lane * n->factor + n->offset) % (2 * n->from);
}

static void build_narrow(PjKir *k, void *context) {
  const Narrow *n = context;
  PjKirVal zero = pj_kir_i64(k, 0), first = pj_kir_i64(k, n->from), in = pj_kir_buffer(k, 0);
  PjKirVal a = pj_kir_load(k, pj_kir_type(n->elem, n->from), in, zero, 0, false);
  PjKirVal b = pj_kir_load(k, pj_kir_type(n->elem, n->from), in, first, 0, false);
  uint8_t pattern[PJ_KIR_MAX_LANES];
  for (int l = 0; l < n->to; ++l)
    pattern[l] = (uint8_t)narrow_lane(n, l);
  pj_kir_store(k, pj_kir_shuffle(k, a, b, n->to, pattern), pj_kir_buffer(k, 1), zero, 0);
}

static void narrow_shuffles(void **state) {
  static const Narrow cases[] = {
      {PJ_KIR_I8, 16, 16, 3, 1},  {PJ_KIR_I8, 32, 32, 63, 62}, {PJ_KIR_I8, 32, 16, 3, 40},
      {PJ_KIR_I8, 8, 32, 5, 7},   {PJ_KIR_I8, 64, 64, 37, 11}, {PJ_KIR_I8, 2, 16, 1, 1},
      {PJ_KIR_I16, 16, 16, 7, 3}, {PJ_KIR_I16, 8, 32, 15, 15}, {PJ_KIR_I16, 32, 8, 9, 61},
      {PJ_KIR_I16, 4, 8, 3, 2},
  };
  PjIsa isas[PJ_ISA_COUNT];
  uint32_t n = test_isas(isas);
  for (uint32_t i = 0; i < n; ++i)
    for (size_t c = 0; c < sizeof cases / sizeof *cases; ++c) {
      Narrow now = cases[c];
      PjJitCode *code = test_compile(isas[i], "narrow", build_narrow, &now);
      uint8_t in[256], out[128], want[128];
      size_t bytes = (size_t)pj_kir_elem_bytes(now.elem), size = (size_t)now.to * bytes;
      for (int b = 0; b < 256; ++b)
        in[b] = (uint8_t)(b * 7 + 1);
      for (int l = 0; l < now.to; ++l)
        memcpy(want + (size_t)l * bytes, in + (size_t)narrow_lane(&now, l) * bytes, bytes);
      void *buffers[] = {in, out};
      pj_jit_entry(code)(buffers, NULL, 0, 1, NULL);
      assert_memory_equal(out, want, size);
      pj_jit_release(code);
    }
}

int main(void) {
  if (!pj_jit_available()) {
    printf("no code generator for this processor: nothing to test\n");
    return 0;
  }
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(masked_accesses),   cmocka_unit_test(gathers_and_scatters),
      cmocka_unit_test(lookups),           cmocka_unit_test(parameters),
      cmocka_unit_test(stack_and_scratch), cmocka_unit_test(lanes),
      cmocka_unit_test(narrow_shuffles),   cmocka_unit_test(past_the_caches),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
