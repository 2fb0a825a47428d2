// Attention as one routine: which programs it is found in, and its results against the evaluator's.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <math.h>

#include "attention_support.h"

static const AttentionSpecial plain = {.q = 1, .k = 1, .padded = 3};

// ---- tests
static void recognised(void **state) {
  (void)state;
  const AttentionCase c = {2,           9,           9, 3, 8, 8, .causal = 1, .fill = "-1.0e9",
                           .pad = true, .bias = true};
  AttentionCase other = c;
  assert_int_equal(attention_found_in(&c), 1);
  other.heads_first = true;
  assert_int_equal(attention_found_in(&other), 1);
  // The weights are wanted themselves.
  other = c;
  other.weights = true;
  assert_int_equal(attention_found_in(&other), 0);
  // Heads too wide for the blocks.
  other = c;
  other.depth = 600;
  assert_int_equal(attention_found_in(&other), 0);
}

static void nothing_but_queries_keys_and_values(void **state) {
  (void)state;
  // Neither zeros that are added nor a causal mask that is written out are read.
  for (int rows = 20; rows < 70; rows += 27) {
    const AttentionCase c = {2, rows, 45, 3, 8, 8, .causal = 4, .fill = "-1.0e9", .no_bias = true};
    Made m = attention_make(attention_program(&c));
    assert_int_equal(attention_count(&m), 1);
    assert_int_equal(m.schedule->steps.len, 1);
    assert_int_equal(m.schedule->steps.data[0].num_in, 3);
    attention_unmake(&m);
    attention_check(&c, plain);
  }
}

static void masks_of_queries_and_keys(void **state) {
  (void)state;
  for (int rows = 20; rows < 70; rows += 13)
    for (int keys = 31; keys < 80; keys += 33) {
      const AttentionCase c = {1, rows, keys, 2, 8, 8, .causal = 5, .fill = "-1.0e9"};
      assert_int_equal(attention_found_in(&c), 1);
      attention_check(&c, plain);
    }
}

static void not_along_keys(void **state) {
  (void)state;
  // Softmax over the queries is no attention.
  static const char text[] =
      "func.func @main(%q: tensor<5x4xf32>, %k: tensor<5x4xf32>, %v: tensor<5x4xf32>) -> "
      "tensor<5x4xf32> {\n"
      "  %s = stablehlo.dot_general %q, %k, contracting_dims = [1] x [1] : (tensor<5x4xf32>, "
      "tensor<5x4xf32>) -> tensor<5x5xf32>\n"
      "  %low = stablehlo.constant dense<0xFF800000> : tensor<f32>\n"
      "  %zero = stablehlo.constant dense<0.0> : tensor<f32>\n"
      "  %m = stablehlo.reduce(%s init: %low) applies stablehlo.maximum across dimensions = [0] : "
      "(tensor<5x5xf32>, tensor<f32>) -> tensor<5xf32>\n"
      "  %mw = stablehlo.broadcast_in_dim %m, dims = [1] : (tensor<5xf32>) -> tensor<5x5xf32>\n"
      "  %d = stablehlo.subtract %s, %mw : tensor<5x5xf32>\n"
      "  %e = stablehlo.exponential %d : tensor<5x5xf32>\n"
      "  %l = stablehlo.reduce(%e init: %zero) applies stablehlo.add across dimensions = [0] : "
      "(tensor<5x5xf32>, tensor<f32>) -> tensor<5xf32>\n"
      "  %lw = stablehlo.broadcast_in_dim %l, dims = [1] : (tensor<5xf32>) -> tensor<5x5xf32>\n"
      "  %p = stablehlo.divide %e, %lw : tensor<5x5xf32>\n"
      "  %o = stablehlo.dot_general %p, %v, contracting_dims = [1] x [0] : (tensor<5x5xf32>, "
      "tensor<5x4xf32>) -> tensor<5x4xf32>\n"
      "  return %o : tensor<5x4xf32>\n}\n";
  Made m = attention_make(text);
  assert_int_equal(attention_count(&m), 0);
  attention_unmake(&m);
}

static void sizes(void **state) {
  (void)state;
  static const int shapes[][4] = {{1, 2, 1, 1},     {1, 7, 5, 3},     {1, 400, 64, 64},
                                  {2, 390, 12, 9},  {3, 3, 8, 16},    {5, 17, 3, 1},
                                  {16, 16, 64, 64}, {17, 33, 20, 24}, {40, 40, 16, 8},
                                  {100, 64, 7, 13}, {301, 301, 9, 5}, {33, 800, 4, 6}};
  for (size_t i = 0; i < sizeof shapes / sizeof *shapes; ++i)
    for (int form = 0; form < 8; ++form) {
      const int *s = shapes[i];
      AttentionCase c = {2, s[0], s[1], 3, s[2], s[3], .heads_first = form & 1, .fill = "-1.0e9"};
      c.causal = form % 4;
      c.pad = form == 1 || form == 6;
      c.bias = form == 2 || form == 6;
      c.scale_first = form == 5;
      if (c.causal == 2 && c.rows > c.keys)
        c.causal = 1;
      attention_check(&c, plain);
    }
}

// What q, k and v are cut from is read where it lies: nothing is copied before.
static void slices(void **state) {
  (void)state;
  static const int shapes[][4] = {
      {1, 270, 16, 16}, {4, 33, 8, 24}, {40, 40, 16, 8}, {9, 400, 5, 7}};
  for (size_t i = 0; i < sizeof shapes / sizeof *shapes; ++i)
    for (int form = 0; form < 4; ++form) {
      const int *s = shapes[i];
      const AttentionCase c = {2,
                               s[0],
                               s[1],
                               3,
                               s[2],
                               s[3],
                               .heads_first = form & 1,
                               .fill = "-1.0e9",
                               .causal = form & 2 && s[0] > 1,
                               .sliced = true,
                               .dtype = form == 3 ? "bf16" : NULL};
      attention_check(&c, plain);
      Made m = attention_make(attention_program(&c));
      assert_int_equal(m.schedule->num_kernels, 0);
      assert_int_equal(m.schedule->temp_bytes, 0);
      attention_unmake(&m);
    }
  // Queries that are computed first are not cut from anything.
  const AttentionCase c = {2, 40, 40, 3, 16, 8, .scale_first = true, .sliced = true};
  attention_check(&c, plain);
}

// A part of a part, and one that is no rows of its array.
static void parts_of_parts(void **state) {
  (void)state;
  static const struct {
    const char *made; // of %x: tensor<6x40x10xf32>, as %q: tensor<3x20x8xf32>
    bool read;
  } cases[] = {
      {"%a = stablehlo.slice %x [1:5, 2:40, 1:10] : (tensor<6x40x10xf32>) -> tensor<4x38x9xf32>\n"
       "%q = stablehlo.slice %a [1:4, 3:23, 1:9] : (tensor<4x38x9xf32>) -> tensor<3x20x8xf32>\n",
       true},
      {"%q = stablehlo.slice %x [0:6:2, 0:40:2, 0:8] : (tensor<6x40x10xf32>) -> "
       "tensor<3x20x8xf32>\n",
       true},
      // Rows that begin within one of the array's and go on in the next.
      {"%a = stablehlo.slice %x [0:6, 0:40, 0:2] : (tensor<6x40x10xf32>) -> tensor<6x40x2xf32>\n"
       "%q = stablehlo.reshape %a : (tensor<6x40x2xf32>) -> tensor<3x20x8xf32>\n",
       false},
      {"%q = stablehlo.slice %x [0:3, 0:20, 0:10:1] : (tensor<6x40x10xf32>) -> "
       "tensor<3x20x10xf32>\n",
       true},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    const int depth = strstr(cases[i].made, "0:10:1") ? 10 : 8;
    text_start();
    text_add("func.func @main(%%x: tensor<6x40x10xf32>, %%k: tensor<3x50x%dxf32>, %%v: "
             "tensor<3x50x8xf32>) -> tensor<3x20x8xf32> {\n%s",
             depth, cases[i].made);
    text_add("%%s = stablehlo.dot_general %%q, %%k, batching_dims = [0] x [0], contracting_dims = "
             "[2] x [2] : (tensor<3x20x%dxf32>, tensor<3x50x%dxf32>) -> tensor<3x20x50xf32>\n",
             depth, depth);
    text_add(
        "%%low = stablehlo.constant dense<0xFF800000> : tensor<f32>\n"
        "%%zero = stablehlo.constant dense<0.0> : tensor<f32>\n"
        "%%m = stablehlo.reduce(%%s init: %%low) applies stablehlo.maximum across dimensions = "
        "[2] : (tensor<3x20x50xf32>, tensor<f32>) -> tensor<3x20xf32>\n"
        "%%mw = stablehlo.broadcast_in_dim %%m, dims = [0, 1] : (tensor<3x20xf32>) -> "
        "tensor<3x20x50xf32>\n"
        "%%d = stablehlo.subtract %%s, %%mw : tensor<3x20x50xf32>\n"
        "%%e = stablehlo.exponential %%d : tensor<3x20x50xf32>\n"
        "%%l = stablehlo.reduce(%%e init: %%zero) applies stablehlo.add across dimensions = "
        "[2] : (tensor<3x20x50xf32>, tensor<f32>) -> tensor<3x20xf32>\n"
        "%%lw = stablehlo.broadcast_in_dim %%l, dims = [0, 1] : (tensor<3x20xf32>) -> "
        "tensor<3x20x50xf32>\n"
        "%%p = stablehlo.divide %%e, %%lw : tensor<3x20x50xf32>\n"
        "%%o = stablehlo.dot_general %%p, %%v, batching_dims = [0] x [0], contracting_dims = "
        "[2] x [1] : (tensor<3x20x50xf32>, tensor<3x50x8xf32>) -> tensor<3x20x8xf32>\n"
        "return %%o : tensor<3x20x8xf32>\n}\n");
    Made m = attention_make(text_get());
    assert_int_equal(attention_count(&m), 1);
    assert_int_equal(m.schedule->num_kernels, cases[i].read ? 0 : 1);
    attention_unmake(&m);
  }
}

static void narrow_types(void **state) {
  (void)state;
  for (int form = 0; form < 4; ++form) {
    const AttentionCase c = {2,
                             form < 2 ? 21 : 1,
                             37,
                             2,
                             24,
                             19,
                             .dtype = form % 2 ? "bf16" : "f16",
                             .causal = form < 2,
                             .fill = "-1.0e9",
                             .pad = true,
                             .heads_first = form == 3};
    attention_check(&c, plain);
  }
}

// Hidden keys count where their weights are not 0, or what they multiply is not finite.
static void hidden_keys_that_count(void **state) {
  (void)state;
  for (int rows = 1; rows < 80; rows += 39)
    for (int form = 0; form < 2; ++form) {
      const AttentionCase
          c = {1, rows, 80, 2, 8, 8, .heads_first = form, .causal = 1, .fill = "-1.0e9"},
          nothing = {1, rows, 80, 2, 8, 8, .heads_first = form, .causal = 1, .fill = "0.0"};
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
    }
}

static void rows_that_are_hidden(void **state) {
  (void)state;
  for (int rows = 1; rows < 40; rows += 19)
    for (int form = 0; form < 4; ++form) {
      AttentionCase c = {3,
                         rows,
                         21,
                         2,
                         8,
                         8,
                         .causal = form % 2,
                         .fill = form < 2 ? "-1.0e9" : "0xFF800000",
                         .pad = true};
      AttentionSpecial s = plain;
      s.padded = 8; // all: an average, or NaN
      attention_check(&c, s);
      s.padded = 6;
      attention_check(&c, s);
    }
}

static void special_scores(void **state) {
  (void)state;
  for (int rows = 1; rows < 40; rows += 19) {
    const AttentionCase c = {1, rows, 24, 2, 5, 4, .causal = 1, .fill = "0xFF800000"};
    AttentionSpecial s = plain;
    s.q = INFINITY;
    attention_check(&c, s);
    s.q = 1e30f;
    s.k = 1e30f; // sums overflow
    attention_check(&c, s);
    s.q = NAN;
    attention_check(&c, s);
  }
}

static void no_elements(void **state) {
  (void)state;
  const AttentionCase c = {2, 0, 5, 3, 4, 4, .causal = 1, .fill = "-1.0e9"},
                      d = {2, 5, 0, 3, 4, 4, .causal = 1, .fill = "-1.0e9"};
  assert_int_equal(attention_found_in(&c), 0);
  assert_int_equal(attention_found_in(&d), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(recognised),
      cmocka_unit_test(nothing_but_queries_keys_and_values),
      cmocka_unit_test(masks_of_queries_and_keys),
      cmocka_unit_test(not_along_keys),
      cmocka_unit_test(sizes),
      cmocka_unit_test(slices),
      cmocka_unit_test(parts_of_parts),
      cmocka_unit_test(narrow_types),
      cmocka_unit_test(hidden_keys_that_count),
      cmocka_unit_test(rows_that_are_hidden),
      cmocka_unit_test(special_scores),
      cmocka_unit_test(no_elements),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
