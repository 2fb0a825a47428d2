// The gradient of attention as one routine: the forms in which it is found, and its results against
// the evaluator's.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <math.h>

#include "attention_support.h"

static const AttentionSpecial plain = {.q = 1, .k = 1, .padded = 3};

static void recognised(void **state) {
  (void)state;
  for (int form = 1; form <= 4; ++form)
    for (int more = 0; more < 8; ++more) {
      const AttentionCase c = {2,
                               9,
                               11,
                               3,
                               8,
                               8,
                               .heads_first = more & 1,
                               .causal = more & 2 ? 1 + more % 3 : 0,
                               .fill = "-1.0e9",
                               .pad = more & 4,
                               .bias = more == 5,
                               .scale_first = more == 6,
                               .gradient = form};
      assert_int_equal(attention_found_in(&c), 2);
    }
  // Heads too wide for the blocks.
  const AttentionCase wide = {2, 9, 9, 3, 600, 8, .gradient = 1};
  assert_int_equal(attention_found_in(&wide), 0);
}

static void sizes(void **state) {
  (void)state;
  static const int shapes[][4] = {{2, 2, 2, 1},     {1, 7, 5, 3},     {7, 1, 5, 3},
                                  {40, 130, 9, 9},  {3, 3, 8, 16},    {5, 17, 3, 1},
                                  {16, 16, 64, 9},  {17, 33, 20, 24}, {100, 64, 7, 13},
                                  {150, 150, 9, 5}, {33, 600, 4, 6},  {300, 20, 3, 17}};
  for (size_t i = 0; i < sizeof shapes / sizeof *shapes; ++i)
    for (int form = 0; form < 6; ++form) {
      const int *s = shapes[i];
      AttentionCase c = {1 + form % 2,
                         s[0],
                         s[1],
                         3 - form % 3,
                         s[2],
                         s[3],
                         .heads_first = form & 1,
                         .fill = form == 4 ? "0xFF800000" : "-1.0e9"};
      c.causal = form % 4;
      c.pad = form == 1 || form == 5;
      c.bias = form == 2 || form == 5;
      c.scale_first = form == 5;
      c.gradient = 1 + form % 4;
      if (c.causal == 2 && c.rows > c.keys)
        c.causal = 1;
      if (c.pad && c.fill[0] == '0')
        c.pad = false;
      attention_check(&c, plain);
    }
}

// Cut from larger arrays, which both attention and its gradient read.
static void slices(void **state) {
  (void)state;
  for (int form = 1; form <= 4; ++form)
    for (int first = 0; first < 2; ++first) {
      const AttentionCase c = {2,
                               37,
                               40,
                               3,
                               16,
                               8,
                               .heads_first = first,
                               .fill = "-1.0e9",
                               .causal = form & 1,
                               .sliced = true,
                               .gradient = form};
      attention_check(&c, plain);
      Made m = attention_make(attention_program(&c));
      assert_int_equal(m.schedule->num_kernels, 0);
      attention_unmake(&m);
    }
}

static void narrow_types(void **state) {
  (void)state;
  for (int form = 0; form < 4; ++form) {
    const AttentionCase c = {2,
                             21,
                             37,
                             2,
                             24,
                             19,
                             .dtype = form % 2 ? "bf16" : "f16",
                             .causal = form < 2,
                             .fill = "-1.0e9",
                             .heads_first = form == 3,
                             .gradient = 1 + form};
    attention_check(&c, plain);
  }
}

// Hidden keys count where their weights are not 0, or what they multiply is not finite.
static void hidden_keys_that_count(void **state) {
  (void)state;
  for (int form = 0; form < 2; ++form) {
    const AttentionCase
        c = {1, 80, 80, 2, 8, 8, .heads_first = form, .causal = 1, .fill = "-1.0e9", .gradient = 2},
        nothing = {
            1, 80, 80, 2, 8, 8, .heads_first = form, .causal = 1, .fill = "0.0", .gradient = 1};
    AttentionSpecial s = plain;
    attention_check(&nothing, s);
    s.q = 0x1p20f; // scores below the mask's value, exact so that no tie is broken by rounding
    s.k = 0x1p20f;
    attention_check(&c, s);
    s = plain;
    s.at = 79 * 8 * (form ? 1 : 2); // of the last key
    s.v = NAN;
    attention_check(&c, s);
    s.v = INFINITY;
    attention_check(&c, s);
    s.of_dout = true; // of the last query
    attention_check(&c, s);
    s.v = 0x1p119f;
    s.at = 40 * 8 * (form ? 1 : 2);
    attention_check(&c, s);
  }
}

static void rows_that_are_hidden(void **state) {
  (void)state;
  for (int form = 0; form < 4; ++form) {
    AttentionCase c = {3,
                       20,
                       21,
                       2,
                       8,
                       8,
                       .causal = form % 2,
                       .fill = form < 2 ? "-1.0e9" : "0xFF800000",
                       .pad = true,
                       .gradient = 2};
    AttentionSpecial s = plain;
    attention_check(&c, s);
    if (form < 2)
      c.gradient = 4;
    s.padded = 8; // all: an average, or NaN
    attention_check(&c, s);
  }
}

// Where the scores' gradient is wanted itself, all of it is computed as it stands.
static void wanted_elsewhere(void **state) {
  (void)state;
  AttentionCase c = {1, 4, 4, 1, 4, 4, .gradient = 1};
  assert_int_equal(attention_found_in(&c), 2);
  c.changes = true;
  assert_int_equal(attention_found_in(&c), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(recognised),
      cmocka_unit_test(sizes),
      cmocka_unit_test(slices),
      cmocka_unit_test(narrow_types),
      cmocka_unit_test(hidden_keys_that_count),
      cmocka_unit_test(rows_that_are_hidden),
      cmocka_unit_test(wanted_elsewhere),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
