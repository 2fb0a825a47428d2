// Which instructions our own code generator chooses, before they become bytes.
#include <float.h>
#include <math.h>
#include <string.h>

#include "emit/x86/mir.h"
#include "jit_support.h"
#include "kernel/elem_rows.h"
#include "kernel/math.h"

typedef int64_t Count(const X86Fn *f);

typedef struct Expect {
  Count *count;
  int64_t want;
  int64_t number; // for the kernel
  int64_t lanes;  // the same
} Expect;

static PjStatus choose(void *context) {
  void **both = context;
  X86Fn *f = both[0];
  pj_x86_choose(f, both[1]);
  return NULL;
}

static void check(const PjKir *k, void *context) {
  const Expect *expect = context;
  X86Fn f = {0};
  void *both[] = {&f, (void *)(uintptr_t)k};
  test_ok(pj_arena_create(0, &f.arena));
  test_ok(pj_arena_guard(f.arena, choose, both));
  assert_null(f.refused);
  assert_int_equal(expect->count(&f), expect->want);
  pj_arena_destroy(f.arena);
}

static void expect_each(TestBuild *build, Count *count, int64_t want, int64_t number) {
  Expect expect = {count, want, number};
  test_kernel(PJ_ISA_AVX2, "code", build, check, &expect);
  test_kernel(PJ_ISA_AVX512, "code", build, check, &expect);
}

static int64_t forms(const X86Fn *f, X86Form form) {
  int64_t count = 0;
  for (size_t i = 0; i < f->code.len; ++i)
    count += f->code.data[i].form == form;
  return count;
}

// ---- loads as operands

static int64_t vector_loads(const X86Fn *f) {
  int64_t count = 0;
  for (size_t i = 0; i < f->code.len; ++i)
    count += f->code.data[i].form == X86_RM && f->code.data[i].enc == X86_VMOVUPS_LOAD;
  return count;
}

// c[i] = a[i] + b[i]
static void build_sum(PjKir *k, void *context) {
  PjKirType t = PJ_KIR_T(F32, 8);
  PjKirVal i = pj_kir_for_begin(k, pj_kir_begin(k), pj_kir_end(k), pj_kir_i64(k, 8), 0, NULL, NULL);
  PjKirVal a = pj_kir_load(k, t, pj_kir_buffer(k, 0), i, 0, true);
  PjKirVal b = pj_kir_load(k, t, pj_kir_buffer(k, 1), i, 0, true);
  pj_kir_store(k, pj_kir_fadd(k, a, b), pj_kir_buffer(k, 2), i, 0);
  pj_kir_for_end(k, 0, NULL, NULL);
}

// c[i] = a[i] b[i] + c[i]
static void build_product(PjKir *k, void *context) {
  PjKirType t = PJ_KIR_T(F64, 4);
  PjKirVal i = pj_kir_for_begin(k, pj_kir_begin(k), pj_kir_end(k), pj_kir_i64(k, 4), 0, NULL, NULL);
  PjKirVal a = pj_kir_load(k, t, pj_kir_buffer(k, 0), i, 0, true);
  PjKirVal b = pj_kir_load(k, t, pj_kir_buffer(k, 1), i, 0, true);
  PjKirVal c = pj_kir_load(k, t, pj_kir_buffer(k, 2), i, 0, false);
  pj_kir_store(k, pj_kir_fma(k, a, b, c), pj_kir_buffer(k, 2), i, 0);
  pj_kir_for_end(k, 0, NULL, NULL);
}

// What is loaded before a store that may be to the same place is not loaded after it.
static void build_exchange(PjKir *k, void *context) {
  PjKirType t = PJ_KIR_T(F32, 8);
  PjKirVal i = pj_kir_for_begin(k, pj_kir_begin(k), pj_kir_end(k), pj_kir_i64(k, 8), 0, NULL, NULL);
  PjKirVal a = pj_kir_load(k, t, pj_kir_buffer(k, 0), i, 0, false);
  PjKirVal b = pj_kir_load(k, t, pj_kir_buffer(k, 1), i, 0, false);
  pj_kir_store(k, b, pj_kir_buffer(k, 0), i, 0);
  pj_kir_store(k, pj_kir_fadd(k, a, pj_kir_float(k, t, 3)), pj_kir_buffer(k, 1), i, 0);
  pj_kir_for_end(k, 0, NULL, NULL);
}

// Eight bytes become lanes of four each: an instruction that reads no more than was loaded.
static void build_widening(PjKir *k, void *context) {
  PjKirVal i = pj_kir_for_begin(k, pj_kir_begin(k), pj_kir_end(k), pj_kir_i64(k, 8), 0, NULL, NULL);
  PjKirVal a = pj_kir_load(k, PJ_KIR_T(I16, 8), pj_kir_buffer(k, 0), i, 0, true);
  pj_kir_store(k, pj_kir_cast(k, PJ_KIR_SEXT, PJ_KIR_I32, a), pj_kir_buffer(k, 1), i, 0);
  pj_kir_for_end(k, 0, NULL, NULL);
}

// Two users, or one that wants all lanes of a register of which four bytes were loaded.
static void build_kept(PjKir *k, void *context) {
  PjKirVal i = pj_kir_for_begin(k, pj_kir_begin(k), pj_kir_end(k), pj_kir_i64(k, 1), 0, NULL, NULL);
  PjKirVal a = pj_kir_load(k, PJ_KIR_T(F32, 1), pj_kir_buffer(k, 0), i, 0, true);
  pj_kir_store(k, pj_kir_1(k, PJ_KIR_FABS, a), pj_kir_buffer(k, 1), i, 0);
  pj_kir_for_end(k, 0, NULL, NULL);
}

static int64_t scalar_loads(const X86Fn *f) {
  int64_t count = 0;
  for (size_t i = 0; i < f->code.len; ++i)
    count += f->code.data[i].form == X86_RM && f->code.data[i].enc == X86_VMOVSS_LOAD;
  return count;
}

static void loads_become_operands(void **state) {
  expect_each(build_sum, vector_loads, 1, 0);
  expect_each(build_product, vector_loads, 2, 0);
  expect_each(build_exchange, vector_loads, 2, 0);
  expect_each(build_widening, vector_loads, 0, 0);
  expect_each(build_kept, scalar_loads, 1, 0);
}

// ---- division

static int64_t divisions(const X86Fn *f) {
  return forms(f, X86_G_DIV);
}

// Quotient and remainder, in either order, of 64 bits.
static void build_pair(PjKir *k, void *context) {
  bool remainder_first = ((const Expect *)context)->number;
  PjKirVal a = pj_kir_begin(k), b = pj_kir_param(k, PJ_KIR_T(I64, 1), 0);
  PjKirVal first = pj_kir_2(k, remainder_first ? PJ_KIR_UREM : PJ_KIR_UDIV, a, b);
  PjKirVal second = pj_kir_2(k, remainder_first ? PJ_KIR_UDIV : PJ_KIR_UREM, a, b);
  pj_kir_store(k, first, pj_kir_buffer(k, 0), pj_kir_i64(k, 0), 0);
  pj_kir_store(k, second, pj_kir_buffer(k, 0), pj_kir_i64(k, 1), 0);
}

static void expect_pair(int64_t remainder_first) {
  Expect expect = {.number = remainder_first};
  PjJitCode *code = test_compile(pj_kir_target_host()->isa, "pair", build_pair, &expect);
  int64_t out[2] = {0};
  uint64_t by = 1000003;
  void *buffers[] = {out};
  pj_jit_entry(code)(buffers, &by, 12345678901234, 0, NULL);
  assert_int_equal(out[remainder_first], 12345678901234 / 1000003);
  assert_int_equal(out[!remainder_first], 12345678901234 % 1000003);
  pj_jit_release(code);
}

static void one_division_for_two(void **state) {
  for (int64_t first = 0; first < 2; ++first) {
    expect_each(build_pair, divisions, 1, first);
    if (pj_jit_available())
      expect_pair(first);
  }
}

// ---- registers

// A division beside as many values as there are registers but the stack's: |number| of them.
static void build_many(PjKir *k, void *context) {
  int64_t count = ((const Expect *)context)->number;
  PjKirVal all[16] = {0}, sum = pj_kir_i64(k, 0);
  for (int64_t i = 0; i < count; ++i)
    all[i] = pj_kir_load(k, PJ_KIR_T(I64, 1), pj_kir_buffer(k, 0), pj_kir_i64(k, i), 0, false);
  PjKirVal quotient = pj_kir_2(k, PJ_KIR_UDIV, all[0], all[1]);
  for (int64_t i = 0; i < count; ++i)
    sum = pj_kir_add(k, pj_kir_xor(k, sum, all[i]), quotient);
  pj_kir_store(k, sum, pj_kir_buffer(k, 0), pj_kir_i64(k, 0), 0);
}

static int64_t spills(const X86Fn *f) {
  return f->spills;
}

static void divisions_leave_registers(void **state) {
  expect_each(build_many, spills, 0, 11);
}

// ---- instructions for several operations

// x turned to the left by 13: lanes of the context's number.
static void build_rotation(PjKir *k, void *context) {
  PjKirType t = PJ_KIR_T(I32, (int)((const Expect *)context)->number);
  PjKirVal x = pj_kir_load(k, t, pj_kir_buffer(k, 0), pj_kir_begin(k), 0, false);
  PjKirVal up = pj_kir_shl(k, x, pj_kir_const(k, t, 13)),
           down = pj_kir_lshr(k, x, pj_kir_const(k, t, 19));
  pj_kir_store(k, pj_kir_or(k, down, up), pj_kir_buffer(k, 0), pj_kir_begin(k), 0);
}

static int64_t shifts(const X86Fn *f) {
  int64_t count = forms(f, X86_G_SHIFT);
  for (size_t i = 0; i < f->code.len; ++i)
    count += f->code.data[i].form == X86_VMI && f->code.data[i].ext != X86_ROTATE_LEFT_OF;
  return count;
}

static void rotations(void **state) {
  expect_each(build_rotation, shifts, 0, 1);
  Expect vector = {shifts, 0, 16};
  test_kernel(PJ_ISA_AVX512, "code", build_rotation, check, &vector);
  for (int lanes = 1; pj_jit_available() && lanes <= 16; lanes *= 16) {
    Expect expect = {.number = lanes};
    PjJitCode *code = test_compile(pj_kir_target_host()->isa, "rotate", build_rotation, &expect);
    uint32_t x[16];
    for (uint32_t i = 0; i < 16; ++i)
      x[i] = 0x80000001 + i * 0x1234567;
    void *buffers[] = {x};
    pj_jit_entry(code)(buffers, NULL, 0, 1, NULL);
    for (uint32_t i = 0; i < (uint32_t)lanes; ++i) {
      uint32_t was = 0x80000001 + i * 0x1234567;
      assert_int_equal(x[i], was << 13 | was >> 19);
    }
    pj_jit_release(code);
  }
}

// Two bitwise operations: the digits of the number to base 3 say which, the inner one first.
static PjKirVal logic(PjKir *k, int64_t op, PjKirVal a, PjKirVal b) {
  return op == 0 ? pj_kir_and(k, a, b) : op == 1 ? pj_kir_or(k, a, b) : pj_kir_xor(k, a, b);
}

static void build_logic(PjKir *k, void *context) {
  int64_t number = ((const Expect *)context)->number;
  PjKirVal of[3], zero = pj_kir_i64(k, 0);
  for (uint32_t i = 0; i < 3; ++i)
    of[i] = pj_kir_load(k, PJ_KIR_T(I32, 16), pj_kir_buffer(k, i), zero, 0, true);
  PjKirVal inner = logic(k, number / 3, of[1], of[2]);
  pj_kir_store(k, logic(k, number % 3, of[0], inner), pj_kir_buffer(k, 3), zero, 0);
}

static int64_t ternaries(const X86Fn *f) {
  int64_t count = 0;
  for (size_t i = 0; i < f->code.len; ++i)
    count += f->code.data[i].enc == X86_VPTERNLOGD && f->code.data[i].form == X86_TIED;
  return count;
}

static uint32_t applied(int64_t op, uint32_t a, uint32_t b) {
  return op == 0 ? a & b : op == 1 ? a | b : a ^ b;
}

static void logic_of_three(void **state) {
  for (int64_t number = 0; number < 9; ++number) {
    Expect expect = {ternaries, 1, number};
    test_kernel(PJ_ISA_AVX512, "code", build_logic, check, &expect);
    if (!pj_jit_available())
      continue;
    PjJitCode *code = test_compile(pj_kir_target_host()->isa, "logic", build_logic, &expect);
    uint32_t x[4][16];
    for (uint32_t i = 0; i < 16; ++i)
      for (uint32_t n = 0; n < 3; ++n) // all eight of three bits
        x[n][i] = (n == 0 ? 0xf0f00000 : n == 1 ? 0xcccc0000 : 0xaaaa0000) ^ i * 0x1234567;
    void *buffers[] = {x[0], x[1], x[2], x[3]};
    pj_jit_entry(code)(buffers, NULL, 0, 1, NULL);
    for (uint32_t i = 0; i < 16; ++i)
      assert_int_equal(x[3][i],
                       applied(number % 3, x[0][i], applied(number / 3, x[1][i], x[2][i])));
    pj_jit_release(code);
  }
}

// e^x, 2^x and 1 / (1 + e^-x), of 16 lanes.
static PjKirVal (*const exponentials[])(PjKir *, PjKirVal) = {pj_math_exp, pj_math_exp2,
                                                              pj_math_logistic};
static void build_exponential(PjKir *k, void *context) {
  int64_t which = ((const Expect *)context)->number;
  PjKirVal zero = pj_kir_i64(k, 0);
  PjKirVal x = pj_kir_load(k, PJ_KIR_T(F32, 16), pj_kir_buffer(k, 0), zero, 0, true);
  pj_kir_store(k, exponentials[which](k, x), pj_kir_buffer(k, 1), zero, 0);
}

static int64_t scalings(const X86Fn *f) {
  int64_t count = 0;
  for (size_t i = 0; i < f->code.len; ++i)
    count += f->code.data[i].form == X86_RVM && f->code.data[i].enc == X86_VSCALEFPS;
  return count - forms(f, X86_VMI); // no shifts
}

// As by products with powers of two, down to where results are below the normal numbers.
static void powers_of_two(void **state) {
  for (int64_t which = 0; which < 3; ++which) {
    Expect expect = {scalings, 1, which};
    test_kernel(PJ_ISA_AVX512, "code", build_exponential, check, &expect);
    if (!pj_jit_available())
      continue;
    float x[16] = {0,    1,    -1,   88.7f, -86,       -87.5f, -95,    -103,
                   -104, -127, -140, -149,  -INFINITY, -150,   127.5f, NAN},
          y[16];
    void *buffers[] = {x, y};
    PjJitCode *code = test_compile(pj_kir_target_host()->isa, "exp", build_exponential, &expect);
    pj_jit_entry(code)(buffers, NULL, 0, 1, NULL);
    for (int i = 0; i < 15; ++i) {
      double want = which == 0 ? exp(x[i]) : which == 1 ? exp2(x[i]) : 1 / (1 + exp(-x[i]));
      if (want <= FLT_MAX)
        assert_true(fabs(y[i] - want) <= want * 2.7e-7 + 0x1p-149);
    }
    assert_true(isnan(y[15]));
    pj_jit_release(code);
  }
}

// The upper words of 32 sums.
static void build_high_words(PjKir *k, void *context) {
  PjKirType t = PJ_KIR_T(I32, 32);
  PjKirVal zero = pj_kir_i64(k, 0);
  PjKirVal a = pj_kir_load(k, t, pj_kir_buffer(k, 0), zero, 0, true);
  PjKirVal sum = pj_kir_add(k, a, pj_kir_const(k, t, 0x7fff));
  PjKirVal high = pj_kir_lshr(k, sum, pj_kir_const(k, t, 16));
  pj_kir_store(k, pj_kir_cast(k, PJ_KIR_TRUNC, PJ_KIR_I16, high), pj_kir_buffer(k, 1), zero, 0);
}

static void high_words(void **state) {
  Expect expect = {shifts, 0, 0};
  test_kernel(PJ_ISA_AVX512, "code", build_high_words, check, &expect);
  if (!pj_jit_available())
    return;
  PjJitCode *code = test_compile(pj_kir_target_host()->isa, "high", build_high_words, &expect);
  uint32_t x[32];
  uint16_t y[32];
  for (uint32_t i = 0; i < 32; ++i)
    x[i] = 0x80000001 + i * 0x1234567;
  void *buffers[] = {x, y};
  pj_jit_entry(code)(buffers, NULL, 0, 1, NULL);
  for (int i = 0; i < 32; ++i)
    assert_int_equal(y[i], (x[i] + 0x7fff) >> 16);
  pj_jit_release(code);
}

static void build_sign(PjKir *k, void *context) {
  PjKirType t = PJ_KIR_T(F64, 8);
  PjKirVal a = pj_kir_load(k, t, pj_kir_buffer(k, 0), pj_kir_i64(k, 0), 0, false);
  PjKirVal b = pj_kir_load(k, t, pj_kir_buffer(k, 1), pj_kir_i64(k, 0), 0, false);
  pj_kir_store(k, pj_kir_2(k, PJ_KIR_COPYSIGN, a, b), pj_kir_buffer(k, 0), pj_kir_i64(k, 0), 0);
}

// Rounded to f16 in between: out[i] = a[i] + f16(a[i] b[i]) of 32 elements, in memory f16, too.
static void build_halves(PjKir *k, void *context) {
  PjKirType t = PJ_KIR_T(I16, 32);
  PjKirVal i =
      pj_kir_for_begin(k, pj_kir_begin(k), pj_kir_end(k), pj_kir_i64(k, 32), 0, NULL, NULL);
  PjKirVal a = pj_kir_load(k, t, pj_kir_buffer(k, 0), i, 0, true);
  PjKirVal b = pj_kir_load(k, t, pj_kir_buffer(k, 1), i, 0, true);
  a = pj_kir_cast(k, PJ_KIR_F16TOF32, PJ_KIR_F32, a);
  b = pj_kir_cast(k, PJ_KIR_F16TOF32, PJ_KIR_F32, b);
  PjKirVal product = pj_kir_cast(k, PJ_KIR_F32TOF16, PJ_KIR_I16, pj_kir_fmul(k, a, b));
  product = pj_kir_cast(k, PJ_KIR_F16TOF32, PJ_KIR_F32, product);
  PjKirVal sum = pj_kir_cast(k, PJ_KIR_F32TOF16, PJ_KIR_I16, pj_kir_fadd(k, a, product));
  pj_kir_store(k, sum, pj_kir_buffer(k, 2), i, 0);
  pj_kir_for_end(k, 0, NULL, NULL);
}

// Parts taken out of registers, and loads of whole ones.
static int64_t pieces(const X86Fn *f) {
  int64_t count = vector_loads(f);
  for (size_t i = 0; i < f->code.len; ++i)
    count += f->code.data[i].form == X86_MR && f->code.data[i].enc != X86_VCVTPS2PH;
  return count;
}

static void conversions_read_memory(void **state) {
  expect_each(build_halves, pieces, 0, 0);
}

// ---- conversions of integers that AVX2 has no instruction for: no lane becomes a scalar

static const PjKirElem wide_casts[][2] = {
    {PJ_KIR_I64, PJ_KIR_F64}, {PJ_KIR_I64, PJ_KIR_F32}, {PJ_KIR_I32, PJ_KIR_F64}};

static void build_wide_cast(PjKir *k, void *context) {
  int64_t number = ((const Expect *)context)->number;
  PjKirElem whole = wide_casts[number / 2][0], real = wide_casts[number / 2][1];
  bool back = number % 2;
  PjKirVal zero = pj_kir_i64(k, 0);
  PjKirVal a =
      pj_kir_load(k, pj_kir_type(back ? real : whole, 8), pj_kir_buffer(k, 0), zero, 0, true);
  PjKirVal cast = pj_kir_cast(k, back ? PJ_KIR_FPTOUI : PJ_KIR_UITOFP, back ? whole : real, a);
  pj_kir_store(k, cast, pj_kir_buffer(k, 1), zero, 0);
}

static int64_t scalar_conversions(const X86Fn *f) {
  int64_t count = 0;
  for (size_t i = 0; i < f->code.len; ++i) {
    uint32_t code = f->code.data[i].enc & (X86_M0F | X86_M38 | 0xff);
    count += code == X86_VCVTSI2F || code == X86_VCVTTF2SI;
  }
  return count;
}

static void wide_integers_stay_vectors(void **state) {
  (void)state;
  for (int64_t i = 0; i < 6; ++i)
    expect_each(build_wide_cast, scalar_conversions, 0, i);
}

// ---- leading zeros, for which AVX2 has floats

static void build_leading_zeros(PjKir *k, void *context) {
  (void)context;
  PjKirVal zero = pj_kir_i64(k, 0);
  PjKirVal a = pj_kir_load(k, PJ_KIR_T(I32, 8), pj_kir_buffer(k, 0), zero, 0, true);
  pj_kir_store(k, pj_kir_1(k, PJ_KIR_CTLZ, a), pj_kir_buffer(k, 1), zero, 0);
}

static int64_t scalar_counts(const X86Fn *f) {
  int64_t count = 0;
  for (size_t i = 0; i < f->code.len; ++i)
    count += f->code.data[i].form == X86_G_RM && (f->code.data[i].enc & 0xff) == 0xbd; // lzcnt
  return count;
}

static void leading_zeros_stay_vectors(void **state) {
  (void)state;
  expect_each(build_leading_zeros, scalar_counts, 0, 0);
}

static int64_t binary(const X86Fn *f) {
  return forms(f, X86_RVM);
}

static void signs_in_one(void **state) {
  Expect expect = {binary, 0, 0};
  test_kernel(PJ_ISA_AVX512, "code", build_sign, check, &expect);
}

// x[0] or y[0], by the sign of x[0], and the other: nothing needs a general register.
static void build_by_sign(PjKir *k, void *context) {
  PjKirType t = PJ_KIR_T(F32, 1);
  PjKirVal at = pj_kir_i64(k, 0), to[] = {pj_kir_buffer(k, 0), pj_kir_buffer(k, 1)};
  PjKirVal x = pj_kir_load(k, t, to[0], at, 0, true), y = pj_kir_load(k, t, to[1], at, 0, true);
  PjKirVal negative =
      pj_kir_slt(k, pj_kir_bitcast(k, PJ_KIR_I32, x), pj_kir_const(k, PJ_KIR_T(I32, 1), 0));
  PjKirVal first = pj_kir_select(k, negative, x, y), second = pj_kir_select(k, negative, y, x);
  pj_kir_store(k, first, to[0], at, 0);
  pj_kir_store(k, second, to[1], at, 0);
}

static int64_t from_vectors(const X86Fn *f) {
  int64_t count = forms(f, X86_G_SETCC);
  for (size_t i = 0; i < f->code.len; ++i)
    count += f->code.data[i].enc == X86_VMOVD_TO;
  return count;
}

static void choices_by_sign(void **state) {
  expect_each(build_by_sign, from_vectors, 0, 0);
  if (!pj_jit_available())
    return;
  PjJitCode *code = test_compile(pj_kir_target_host()->isa, "by_sign", build_by_sign, NULL);
  const float cases[] = {1, -1, 0.0f, -0.0f, INFINITY, -INFINITY, NAN, -NAN, 1e-45f, -1e-45f};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    float x[] = {cases[i]}, y[] = {7};
    void *buffers[] = {x, y};
    pj_jit_entry(code)(buffers, NULL, 0, 1, NULL);
    float first = signbit(cases[i]) ? cases[i] : 7, second = signbit(cases[i]) ? 7 : cases[i];
    assert_memory_equal(x, &first, sizeof first);
    assert_memory_equal(y, &second, sizeof second);
  }
  pj_jit_release(code);
}

// The same of vectors, whose choices AVX2 makes by the sign itself.
static void build_lanes_by_sign(PjKir *k, void *context) {
  PjKirType t = PJ_KIR_T(F32, 8);
  PjKirVal at = pj_kir_i64(k, 0), to[] = {pj_kir_buffer(k, 0), pj_kir_buffer(k, 1)};
  PjKirVal x = pj_kir_load(k, t, to[0], at, 0, true), y = pj_kir_load(k, t, to[1], at, 0, true);
  PjKirVal negative =
      pj_kir_slt(k, pj_kir_bitcast(k, PJ_KIR_I32, x), pj_kir_const(k, PJ_KIR_T(I32, 1), 0));
  pj_kir_store(k, pj_kir_select(k, negative, x, y), to[1], at, 0);
}

static int64_t comparisons_of_lanes(const X86Fn *f) {
  int64_t count = 0;
  for (size_t i = 0; i < f->code.len; ++i)
    count += f->code.data[i].enc == X86_VPCMPGTD;
  return count;
}

static void lanes_by_sign(void **state) {
  Expect expect = {comparisons_of_lanes, 0, 0};
  test_kernel(PJ_ISA_AVX2, "code", build_lanes_by_sign, check, &expect);
}

// Maximum and, unless |number|, minimum as StableHLO has them, of the context's lanes.
static void build_extremes(PjKir *k, void *context) {
  const int64_t lanes = context ? ((const Expect *)context)->lanes : 0;
  PjKirType t = PJ_KIR_T(F32, lanes ? (int)lanes : 8);
  PjKirVal at = pj_kir_i64(k, 0), to[] = {pj_kir_buffer(k, 0), pj_kir_buffer(k, 1)};
  PjKirVal x = pj_kir_load(k, t, to[0], at, 0, true), y = pj_kir_load(k, t, to[1], at, 0, true);
  PjKirVal most = pj_elem__maximum(k, PJ_DT_F32, x, y),
           least = pj_elem__minimum(k, PJ_DT_F32, x, y);
  pj_kir_store(k, most, to[0], at, 0);
  if (!context || !((const Expect *)context)->number)
    pj_kir_store(k, least, to[1], at, 0);
}

static int64_t vector_operations(const X86Fn *f) {
  return forms(f, X86_RVM) + forms(f, X86_RVMR) + forms(f, X86_TIED);
}

static void expect_extremes(int64_t lanes) {
  Expect expect = {.lanes = lanes};
  PjJitCode *code = test_compile(pj_kir_target_host()->isa, "extremes", build_extremes, &expect);
  const float cases[] = {1, -1, 0.0f, -0.0f, INFINITY, -INFINITY, NAN, 1e-45f};
  for (size_t i = 0; i < 8; ++i) {
    float x[8], y[8];
    for (size_t n = 0; n < 8; ++n) {
      x[n] = cases[n];
      y[n] = cases[(n + i) % 8];
    }
    for (size_t n = 0; n < 8; n += (size_t)lanes) {
      void *buffers[] = {x + n, y + n};
      pj_jit_entry(code)(buffers, NULL, 0, 1, NULL);
    }
    for (size_t n = 0; n < 8; ++n) {
      float a = cases[n], b = cases[(n + i) % 8];
      bool first = a > b || (a == b && !signbit(a));
      if (isnan(a) || isnan(b))
        assert_true(isnan(x[n]) && isnan(y[n]));
      else
        assert_true(!memcmp(&x[n], first ? &a : &b, 4) && !memcmp(&y[n], first ? &b : &a, 4));
    }
  }
  pj_jit_release(code);
}

static void extremes(void **state) {
  for (int64_t lanes = 1; lanes <= 8; lanes *= 8) {
    Expect expect = {vector_operations, 5, 1, lanes};
    test_kernel(PJ_ISA_AVX2, "code", build_extremes, check, &expect);
    if (pj_jit_available())
      expect_extremes(lanes);
  }
}

// A polynomial of four vectors, and what it is of again at the end: more than 16 registers hold.
static void build_long_vector(PjKir *k, void *context) {
  enum { LANES = 32, TERMS = 9 };
  PjKirVal from = pj_kir_buffer(k, 0), to = pj_kir_buffer(k, 1);
  PjKirVal i =
      pj_kir_for_begin(k, pj_kir_begin(k), pj_kir_end(k), pj_kir_i64(k, LANES), 0, NULL, NULL);
  PjKirVal x = pj_kir_load(k, PJ_KIR_T(F32, LANES), from, i, 0, true), squares[3], sum;
  squares[0] = pj_kir_fmul(k, x, x);
  for (int n = 1; n < 3; ++n)
    squares[n] = pj_kir_fmul(k, squares[n - 1], squares[n - 1]);
  sum = squares[2];
  for (int n = 0; n < TERMS; ++n)
    sum = pj_kir_muladd(k, sum, x, pj_kir_float(k, PJ_KIR_T(F32, 1), 1.5 + n));
  for (int n = 0; n < 3; ++n)
    sum = pj_kir_fadd(k, sum, squares[n]);
  pj_kir_store(k, pj_kir_fdiv(k, sum, x), to, i, 0);
  pj_kir_for_end(k, 0, NULL, NULL);
}

static int64_t reads_of_constants(const X86Fn *f) {
  int64_t count = 0;
  for (size_t i = 0; i < f->code.len; ++i) {
    const X86Ins *ins = &f->code.data[i];
    count += (ins->a.kind == X86_POOL) + (ins->b.kind == X86_POOL) + (ins->c.kind == X86_POOL);
  }
  return count;
}

static bool spilled(const X86Fn *f, X86Op op) {
  return op.kind == X86_REG && f->vregs.data[op.id].phys == X86_ON_STACK;
}

// Instructions that wait for what was written to the stack right before.
static int64_t waits_for_stack(const X86Fn *f) {
  enum { SOON = 8 };
  int64_t count = 0;
  for (size_t i = 0; i < f->code.len; ++i) {
    const X86Ins *ins = &f->code.data[i];
    for (size_t n = i + 1; ins->d && n < f->code.len && n < i + SOON; ++n) {
      const X86Ins *reader = &f->code.data[n];
      X86Op d = pj_x86_reg(ins->d);
      count += spilled(f, d) && ((reader->a.kind == X86_REG && reader->a.id == d.id) ||
                                 (reader->b.kind == X86_REG && reader->b.id == d.id) ||
                                 (reader->c.kind == X86_REG && reader->c.id == d.id));
    }
  }
  return count;
}

static void few_registers(void **state) {
  Expect constants = {reads_of_constants, 9, 0}, stack = {waits_for_stack, 0, 0};
  test_kernel(PJ_ISA_AVX2, "code", build_long_vector, check, &constants);
  test_kernel(PJ_ISA_AVX2, "code", build_long_vector, check, &stack);
}

// Whether any lane, or all, of a mask of bytes are on: as many bytes as the context says.
typedef struct Ask {
  Expect expect;
  PjKirOp op;
  int lanes;
} Ask;

static void build_ask(PjKir *k, void *context) {
  const Ask *ask = context;
  PjKirType t = PJ_KIR_T(I8, ask->lanes);
  PjKirVal x = pj_kir_load(k, t, pj_kir_buffer(k, 0), pj_kir_i64(k, 0), 0, false);
  PjKirVal on = pj_kir_reduce_lanes(k, ask->op, pj_kir_ne(k, x, pj_kir_const(k, t, 0)));
  pj_kir_store(k, pj_kir_cast(k, PJ_KIR_ZEXT, PJ_KIR_I8, on), pj_kir_buffer(k, 1), pj_kir_i64(k, 0),
               0);
}

static void any_and_all(void **state) {
  for (int lanes = 16; lanes <= 64; lanes *= 2)
    for (int all = 0; all < 2; ++all) {
      Ask ask = {{.count = binary, .want = 1}, all ? PJ_KIR_AND : PJ_KIR_OR, lanes};
      test_kernel(PJ_ISA_AVX512, "code", build_ask, check, &ask);
      if (!pj_jit_available())
        continue;
      PjJitCode *code = test_compile(pj_kir_target_host()->isa, "ask", build_ask, &ask);
      for (int odd = -1; odd < lanes; ++odd) { // the lane that is not like the others
        uint8_t x[64], out = 2;
        memset(x, all, sizeof x);
        if (odd >= 0)
          x[odd] = !all;
        void *buffers[] = {x, &out};
        pj_jit_entry(code)(buffers, NULL, 0, 1, NULL);
        assert_int_equal(out, odd < 0 ? all : !all);
      }
      pj_jit_release(code);
    }
}

// ---- loops

// The next of two counters, one within the other: i of 77, then j. Both are stored.
static void build_counters(PjKir *k, void *context) {
  PjKirVal zero = pj_kir_i64(k, 0), one = pj_kir_i64(k, 1), init[] = {zero, zero}, now[2], out[2];
  PjKirVal at = pj_kir_for_begin(k, pj_kir_begin(k), pj_kir_end(k), one, 2, init, now);
  pj_kir_store(k, now[0], pj_kir_buffer(k, 0), at, 0);
  pj_kir_store(k, now[1], pj_kir_buffer(k, 1), at, 0);
  PjKirVal i = pj_kir_add(k, now[0], one), end = pj_kir_eq(k, i, pj_kir_i64(k, 77));
  PjKirVal next[] = {pj_kir_select(k, end, zero, i),
                     pj_kir_add(k, now[1], pj_kir_cast(k, PJ_KIR_ZEXT, PJ_KIR_I64, end))};
  pj_kir_for_end(k, 2, next, out);
}

// Numbers that a loop loads into registers.
static int64_t numbers(const X86Fn *f) {
  int64_t count = 0;
  bool within = false;
  for (size_t i = 0; i < f->code.len; ++i) {
    within = (within || f->code.data[i].form == X86_LOOP) && !f->code.data[i].loop_end;
    count += within && f->code.data[i].form == X86_MOVE && f->code.data[i].a.kind == X86_IMM;
  }
  return count;
}

// Comparisons with 77.
static int64_t comparisons(const X86Fn *f) {
  X86Bytes out = {0};
  int64_t count = 0;
  X86Fn copy = *f;
  pj_x86_encode(&copy, &out);
  for (size_t i = 2; i < out.len; ++i)
    count += out.data[i - 2] == 0x83 && out.data[i - 1] >= 0xf8 && out.data[i] == 77;
  return count;
}

static void counters(void **state) {
  expect_each(build_counters, numbers, 0, 0);
  expect_each(build_counters, comparisons, 1, 0);
  if (!pj_jit_available())
    return;
  PjJitCode *code = test_compile(pj_kir_target_host()->isa, "counters", build_counters, NULL);
  int64_t i[200], j[200];
  void *buffers[] = {i, j};
  pj_jit_entry(code)(buffers, NULL, 0, 200, NULL);
  for (int n = 0; n < 200; ++n)
    assert_true(i[n] == n % 77 && j[n] == n / 77);
  pj_jit_release(code);
}

// ---- choices between single floats by several comparisons

static void build_joined_choice(PjKir *k, void *context) {
  PjKirType t = PJ_KIR_T(F32, 1);
  PjKirVal of[3];
  for (int64_t i = 0; i < 3; ++i)
    of[i] = pj_kir_load(k, t, pj_kir_buffer(k, 0), pj_kir_i64(k, i), 0, true);
  PjKirVal below = pj_kir_flt(k, of[0], of[1]), other = pj_kir_feq(k, of[1], of[2]);
  PjKirVal apart = pj_kir_2(k, PJ_KIR_UNO, of[0], of[2]);
  PjKirVal mask = pj_kir_or(k, pj_kir_and(k, below, other), apart);
  pj_kir_store(k, pj_kir_select(k, mask, of[0], of[1]), pj_kir_buffer(k, 1), pj_kir_i64(k, 0), 0);
}

static int64_t general_logic(const X86Fn *f) {
  return forms(f, X86_G_SETCC) + forms(f, X86_G_ALU);
}

static void choices_by_several_comparisons(void **state) {
  expect_each(build_joined_choice, general_logic, 0, 0);
  if (!pj_jit_available())
    return;
  PjJitCode *code = test_compile(pj_kir_target_host()->isa, "choice", build_joined_choice, NULL);
  const float values[] = {0, 1, 2, NAN};
  for (int i = 0; i < 64; ++i) {
    float in[3] = {values[i / 16], values[i / 4 % 4], values[i % 4]}, out;
    void *buffers[] = {in, &out};
    pj_jit_entry(code)(buffers, NULL, 0, 1, NULL);
    bool first = (in[0] < in[1] && in[1] == in[2]) || isnan(in[0]) || isnan(in[2]);
    assert_memory_equal(&out, first ? &in[0] : &in[1], sizeof out);
  }
  pj_jit_release(code);
}

// ---- bits of single floats

// Loads x, an integer and y; the number says which operation, and 3 more that y is the other
// operand.
static void build_bits(PjKir *k, void *context) {
  const int64_t number = ((const Expect *)context)->number;
  PjKirVal x = pj_kir_load(k, PJ_KIR_T(F64, 1), pj_kir_buffer(k, 0), pj_kir_i64(k, 0), 0, true);
  PjKirVal bits = pj_kir_load(k, PJ_KIR_T(I64, 1), pj_kir_buffer(k, 0), pj_kir_i64(k, 1), 0, true);
  PjKirVal y = pj_kir_load(k, PJ_KIR_T(F64, 1), pj_kir_buffer(k, 0), pj_kir_i64(k, 2), 0, true);
  PjKirVal with = number < 3 ? bits : pj_kir_bitcast(k, PJ_KIR_I64, y);
  PjKirVal made = logic(k, number % 3, pj_kir_bitcast(k, PJ_KIR_I64, x), with);
  pj_kir_store(k, pj_kir_bitcast(k, PJ_KIR_F64, made), pj_kir_buffer(k, 1), pj_kir_i64(k, 0), 0);
}

static void bits_of_floats_stay(void **state) {
  for (int64_t number = 0; number < 6; ++number) {
    expect_each(build_bits, general_logic, 0, number);
    if (!pj_jit_available())
      continue;
    Expect expect = {.number = number};
    PjJitCode *code = test_compile(pj_kir_target_host()->isa, "bits", build_bits, &expect);
    uint64_t in[3] = {0xbff0123456789abc, 0x8000000000000001, 0x7ff8000000000123}, out;
    void *buffers[] = {in, &out};
    pj_jit_entry(code)(buffers, NULL, 0, 1, NULL);
    const uint64_t a = in[0], b = in[1 + number / 3];
    assert_true(out == (number % 3 == 0 ? a & b : number % 3 == 1 ? a | b : a ^ b));
    pj_jit_release(code);
  }
}

// ---- small multiples

static void build_multiple(PjKir *k, void *context) {
  const Expect *expect = context;
  PjKirType t = expect->lanes ? PJ_KIR_T(I64, 1) : PJ_KIR_T(I32, 1);
  PjKirVal x = pj_kir_load(k, t, pj_kir_buffer(k, 0), pj_kir_i64(k, 0), 0, false);
  PjKirVal product = pj_kir_mul(k, x, pj_kir_const(k, t, (uint64_t)expect->number));
  pj_kir_store(k, product, pj_kir_buffer(k, 0), pj_kir_i64(k, 0), 0);
}

static int64_t products(const X86Fn *f) {
  return forms(f, X86_G_IMUL);
}

static void small_multiples(void **state) {
  for (int64_t by = 3; by <= 9; by += by - 1)
    for (int64_t wide = 0; wide < 2; ++wide) {
      Expect expect = {products, 0, by, wide};
      test_kernel(PJ_ISA_AVX2, "code", build_multiple, check, &expect);
      if (!pj_jit_available())
        continue;
      PjJitCode *code =
          test_compile(pj_kir_target_host()->isa, "multiple", build_multiple, &expect);
      const uint64_t was = 0x7abcdef193456789;
      uint64_t x = was, mask = wide ? ~0ull : 0xffffffff;
      void *buffers[] = {&x};
      pj_jit_entry(code)(buffers, NULL, 0, 1, NULL);
      assert_true((x & mask) == (was * (uint64_t)by & mask) && (x & ~mask) == (was & ~mask));
      pj_jit_release(code);
    }
}

// ---- integers between two floats

// The fraction of x from 1 to 2, and, if the number says so, less where the bits are below others.
static void build_fraction(PjKir *k, void *context) {
  const Expect *expect = context;
  const bool wide = expect->lanes;
  const PjKirType t = wide ? PJ_KIR_T(F64, 1) : PJ_KIR_T(F32, 1);
  const PjKirType bits_type = wide ? PJ_KIR_T(I64, 1) : PJ_KIR_T(I32, 1);
  PjKirVal x = pj_kir_load(k, t, pj_kir_buffer(k, 0), pj_kir_i64(k, 0), 0, true);
  PjKirVal bits = pj_kir_bitcast(k, (PjKirElem)bits_type.elem, x);
  const uint64_t one = wide ? 0x3ff0000000000000 : 0x3f800000;
  PjKirVal mask = pj_kir_const(k, bits_type, wide ? 0xfffffffffffff : 0x7fffff);
  PjKirVal base = pj_kir_const(k, bits_type, one);
  PjKirVal made = pj_kir_add(k, pj_kir_and(k, bits, mask), base);
  made = pj_kir_lshr(k, pj_kir_shl(k, made, pj_kir_const(k, bits_type, 1)),
                     pj_kir_const(k, bits_type, 1));
  PjKirVal fraction = pj_kir_bitcast(k, (PjKirElem)t.elem, made);
  if (expect->number)
    fraction =
        pj_kir_select(k, pj_kir_2(k, PJ_KIR_ULT, bits, base), pj_kir_float(k, t, 0.5), fraction);
  pj_kir_store(k, fraction, pj_kir_buffer(k, 1), pj_kir_i64(k, 0), 0);
}

static int64_t moves_between(const X86Fn *f) {
  int64_t count = 0;
  for (size_t i = 0; i < f->code.len; ++i) {
    const uint32_t enc = f->code.data[i].enc;
    count += f->code.data[i].form == X86_MR && (enc == X86_VMOVD_TO || enc == X86_VMOVQ_TO);
    count += f->code.data[i].form == X86_RM && (enc == X86_VMOVD || enc == X86_VMOVQ);
  }
  return count;
}

static void integers_stay_between_floats(void **state) {
  for (int64_t wide = 0; wide < 2; ++wide)
    for (int64_t number = 0; number < 2; ++number) { // who compares the bits takes a copy
      Expect expect = {moves_between, 2 * number, number, wide}; // and moves the mask back
      test_kernel(PJ_ISA_AVX2, "code", build_fraction, check, &expect);
      expect.want = number;
      test_kernel(PJ_ISA_AVX512, "code", build_fraction, check, &expect);
      if (!pj_jit_available())
        continue;
      PjJitCode *code =
          test_compile(pj_kir_target_host()->isa, "fraction", build_fraction, &expect);
      for (int i = -3; i < 4; ++i) {
        const double x = ldexp(1.375, i);
        const float narrow = (float)x;
        double out = 0;
        void *buffers[] = {wide ? (void *)&x : (void *)&narrow, &out};
        pj_jit_entry(code)(buffers, NULL, 0, 1, NULL);
        float low;
        memcpy(&low, &out, sizeof low);
        assert_true((wide ? out : (double)low) == (number && i < 0 ? 0.5 : 1.375));
      }
      pj_jit_release(code);
    }
}

// ---- bytes

// The bytes of a vector turned round, and every other one of two; |number|: with AVX-512 VBMI.
static void build_bytes(PjKir *k, void *context) {
  static PjKirTarget target;
  enum { LANES = 64 };
  uint8_t turned[LANES], every_other[LANES];
  target = *k->target;
  target.bytes_move = ((const Expect *)context)->number;
  k->target = &target;
  for (int l = 0; l < LANES; ++l) {
    turned[l] = (uint8_t)(LANES - 1 - l);
    every_other[l] = (uint8_t)(2 * l);
  }
  PjKirVal in = pj_kir_buffer(k, 0), out = pj_kir_buffer(k, 1);
  PjKirVal a = pj_kir_load(k, PJ_KIR_T(I8, LANES), in, pj_kir_i64(k, 0), 0, false);
  PjKirVal b = pj_kir_load(k, PJ_KIR_T(I8, LANES), in, pj_kir_i64(k, LANES), 0, false);
  pj_kir_store(k, pj_kir_shuffle(k, a, a, LANES, turned), out, pj_kir_i64(k, 0), 0);
  pj_kir_store(k, pj_kir_shuffle(k, a, b, LANES, every_other), out, pj_kir_i64(k, LANES), 0);
}

static int64_t shuffles_of_bytes(const X86Fn *f) {
  int64_t count = 0;
  for (size_t i = 0; i < f->code.len; ++i) {
    uint32_t enc = f->code.data[i].enc;
    count += enc == X86_VPERMB || enc == X86_VPERMI2B;
    count += enc == X86_VPSHUFB ? 100 : 0;
  }
  return count;
}

static void bytes_in_any_order(void **state) {
  Expect with = {shuffles_of_bytes, 2, 1}, without = {shuffles_of_bytes, 12 * 100, 0};
  test_kernel(PJ_ISA_AVX512, "code", build_bytes, check, &with);
  test_kernel(PJ_ISA_AVX512, "code", build_bytes, check, &without);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(loads_become_operands),
                                     cmocka_unit_test(one_division_for_two),
                                     cmocka_unit_test(divisions_leave_registers),
                                     cmocka_unit_test(rotations),
                                     cmocka_unit_test(logic_of_three),
                                     cmocka_unit_test(powers_of_two),
                                     cmocka_unit_test(high_words),
                                     cmocka_unit_test(signs_in_one),
                                     cmocka_unit_test(choices_by_sign),
                                     cmocka_unit_test(lanes_by_sign),
                                     cmocka_unit_test(extremes),
                                     cmocka_unit_test(few_registers),
                                     cmocka_unit_test(any_and_all),
                                     cmocka_unit_test(conversions_read_memory),
                                     cmocka_unit_test(wide_integers_stay_vectors),
                                     cmocka_unit_test(leading_zeros_stay_vectors),
                                     cmocka_unit_test(choices_by_several_comparisons),
                                     cmocka_unit_test(bits_of_floats_stay),
                                     cmocka_unit_test(integers_stay_between_floats),
                                     cmocka_unit_test(small_multiples),
                                     cmocka_unit_test(bytes_in_any_order),
                                     cmocka_unit_test(counters)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
