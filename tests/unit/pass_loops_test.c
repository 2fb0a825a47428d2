// Common subexpressions, carried values, invariant code, barriers.
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "eval/lapack/lapack.h"
#include "pass/match.h"
#include "pass/match_turn.h"
#include "pass_support.h"

#define F  "tensor<4xf32>"
#define SI "tensor<i32>"

static void expect(const char *pass, const char *args, const char *type, const char *before,
                   const char *after) {
  pass_expect(pass, pass_main(args, type, before), pass_main(args, type, after));
}

static void equal_operations_merge(void **state) {
  expect("cse,dead_code", "%a: " F ", %b: " F, F,
         "%0 = stablehlo.add %a, %b : " F "\n"
         "%1 = stablehlo.add %b, %a : " F "\n"
         "%2 = stablehlo.multiply %0, %1 : " F "\n"
         "return %2 : " F,
         "%0 = stablehlo.add %a, %b : " F "\n"
         "%2 = stablehlo.multiply %0, %0 : " F "\n"
         "return %2 : " F);
}

#define REDUCE(r, body)                                                       \
  "%" r " = \"stablehlo.reduce\"(%a, %z) <{dimensions = array<i64: 0>}> ({\n" \
  "^bb0(%p: tensor<f32>, %q: tensor<f32>):\n" body "}) : (" F ", tensor<f32>) -> tensor<f32>\n"
#define ADD_BODY "  %s = stablehlo.add %p, %q : tensor<f32>\n  stablehlo.return %s : tensor<f32>\n"
#define MAX_BODY \
  "  %s = stablehlo.maximum %p, %q : tensor<f32>\n  stablehlo.return %s : tensor<f32>\n"

static void equal_regions_merge(void **state) {
  expect("cse,dead_code", "%a: " F ", %z: tensor<f32>", "tensor<f32>",
         REDUCE("0", ADD_BODY) REDUCE("1", ADD_BODY)
             REDUCE("2", MAX_BODY) "%3 = stablehlo.add %0, %1 : tensor<f32>\n%4 = stablehlo.add "
                                   "%3, %2 : tensor<f32>\n"
                                   "return %4 : tensor<f32>",
         REDUCE("0", ADD_BODY) REDUCE("2", MAX_BODY) "%3 = stablehlo.add %0, %0 : tensor<f32>\n%4 "
                                                     "= stablehlo.add %3, %2 : tensor<f32>\n"
                                                     "return %4 : tensor<f32>");
}

// Branches do not see each other's values; both see what comes before.
static void only_visible_values_merge(void **state) {
  expect("cse,dead_code", "%p: tensor<i1>, %a: " F, F,
         "%0 = stablehlo.sine %a : " F "\n"
         "%1 = \"stablehlo.if\"(%p) ({\n"
         "  %2 = stablehlo.sine %a : " F "\n  %3 = stablehlo.cosine %a : " F "\n"
         "  %4 = stablehlo.add %2, %3 : " F "\n  stablehlo.return %4 : " F "\n"
         "}, {\n  %2 = stablehlo.cosine %a : " F "\n  stablehlo.return %2 : " F "\n"
         "}) : (tensor<i1>) -> " F "\n"
         "%5 = stablehlo.cosine %a : " F "\n"
         "%6 = stablehlo.add %0, %5 : " F "\n%7 = stablehlo.add %6, %1 : " F "\nreturn %7 : " F,
         "%0 = stablehlo.sine %a : " F "\n"
         "%1 = \"stablehlo.if\"(%p) ({\n"
         "  %3 = stablehlo.cosine %a : " F "\n"
         "  %4 = stablehlo.add %0, %3 : " F "\n  stablehlo.return %4 : " F "\n"
         "}, {\n  %2 = stablehlo.cosine %a : " F "\n  stablehlo.return %2 : " F "\n"
         "}) : (tensor<i1>) -> " F "\n"
         "%5 = stablehlo.cosine %a : " F "\n"
         "%6 = stablehlo.add %0, %5 : " F "\n%7 = stablehlo.add %6, %1 : " F "\nreturn %7 : " F);
}

static void barriers_keep_apart_and_go(void **state) {
  expect("cse,barriers,dead_code", "%a: " F, F,
         "%0 = stablehlo.sine %a : " F "\n"
         "%b = stablehlo.optimization_barrier %a : " F "\n"
         "%1 = stablehlo.sine %b : " F "\n"
         "%2 = stablehlo.add %0, %1 : " F "\nreturn %2 : " F,
         "%0 = stablehlo.sine %a : " F "\n%1 = stablehlo.sine %a : " F "\n"
         "%2 = stablehlo.add %0, %1 : " F "\nreturn %2 : " F);
}

#define M "tensor<4x4xf32>"
#define DOT(result, x, y)                                                                   \
  result " = stablehlo.dot_general " x ", " y ", contracting_dims = [1] x [0] : (" M ", " F \
         ") -> " F "\n"

// An update comes behind its gradient, and behind all else that reads the parameter.
static void updates_follow_gradients(void **state) {
  expect("early", "%p: " F ", %q: " F ", %x: " M, F ", " F ", " F,
         DOT("%0", "%x", "%p") DOT("%1", "%x", "%q") DOT("%2", "%x", "%p")
             DOT("%3", "%x", "%1") "%4 = stablehlo.add %q, %1 : " F "\n"
                                   "%5 = stablehlo.add %p, %0 : " F "\n"
                                   "%6 = stablehlo.multiply %4, %4 : " F "\n"
                                   "return %5, %6, %3 : " F ", " F ", " F,
         DOT("%0", "%x", "%p") DOT(
             "%1", "%x", "%q") "%4 = stablehlo.add %q, %1 : " F "\n"
                               "%6 = stablehlo.multiply %4, %4 : " F
                               "\n" DOT("%2", "%x", "%p") "%5 = stablehlo.add %p, %0 : " F "\n" DOT(
                                   "%3", "%x", "%1") "return %5, %6, %3 : " F ", " F ", " F);
  // Moments wait for their parameter, and it for a product that reads it.
  expect("early", "%p: " F ", %m: " F ", %x: " M, F ", " F ", " F,
         DOT("%0", "%x", "%m") DOT("%1", "%x", "%p") DOT("%2", "%x", "%1")
             DOT("%3", "%x", "%2") "%4 = stablehlo.multiply %0, %0 : " F "\n"
                                   "%5 = stablehlo.add %p, %4 : " F "\n"
                                   "return %4, %5, %3 : " F ", " F ", " F,
         DOT("%0", "%x", "%m")
             DOT("%1", "%x", "%p") "%4 = stablehlo.multiply %0, %0 : " F "\n"
                                   "%5 = stablehlo.add %p, %4 : " F "\n" DOT("%2", "%x", "%1")
                                       DOT("%3", "%x", "%2") "return %4, %5, %3 : " F ", " F
                                                             ", " F);
  // What is read again below stays, and so does all that has nothing to pass.
  pass_expect_same("early", pass_main("%p: " F ", %x: " M, F ", " F,
                                      "%0 = stablehlo.add %p, %p : " F "\n" DOT(
                                          "%1", "%x", "%0") "%2 = stablehlo.add %0, %1 : " F "\n"
                                                            "return %p, %2 : " F ", " F));
}

#define COND(n)                                                                                 \
  "cond {\n  %n = stablehlo.constant dense<" n "> : " SI "\n"                                   \
  "  %q = stablehlo.compare LT, %i, %n : (" SI ", " SI ") -> tensor<i1>\n"                      \
  "  stablehlo.return %q : tensor<i1>\n} do {\n  %one = stablehlo.constant dense<1> : " SI "\n" \
  "  %j = stablehlo.add %i, %one : " SI "\n"

#define WHOLE "tensor<64x32xf32>"
#define PART  "tensor<4x8xf32>"
#define CORNER                                                             \
  "%i = stablehlo.constant dense<3> : tensor<i32>\n"                       \
  "%u = stablehlo.dynamic_update_slice %x, %w, %i, %i : (" WHOLE ", " PART \
  ", tensor<i32>, tensor<i32>) -> " WHOLE "\n"

// An update that only elementwise operations read is joined of pieces where they read it.
static void updates_are_joined_where_they_are_read(void **state) {
  const char *args = "%x: " WHOLE ", %w: " PART;
  expect("updates", args, WHOLE, CORNER "%y = stablehlo.negate %u : " WHOLE "\nreturn %y : " WHOLE,
         "%a = stablehlo.slice %x [3:7, 0:3] : (" WHOLE ") -> tensor<4x3xf32>\n"
         "%b = stablehlo.slice %x [3:7, 11:32] : (" WHOLE ") -> tensor<4x21xf32>\n"
         "%c = stablehlo.concatenate %a, %w, %b, dim = 1 : (tensor<4x3xf32>, " PART
         ", tensor<4x21xf32>) -> tensor<4x32xf32>\n"
         "%d = stablehlo.slice %x [0:3, 0:32] : (" WHOLE ") -> tensor<3x32xf32>\n"
         "%e = stablehlo.slice %x [7:64, 0:32] : (" WHOLE ") -> tensor<57x32xf32>\n"
         "%f = stablehlo.concatenate %d, %c, %e, dim = 0 : (tensor<3x32xf32>, tensor<4x32xf32>, "
         "tensor<57x32xf32>) -> " WHOLE "\n"
         "%y = stablehlo.negate %f : " WHOLE "\nreturn %y : " WHOLE);
  // What is returned, too, is in memory.
  pass_expect_same("updates", pass_main(args, WHOLE ", " WHOLE,
                                        CORNER "%y = stablehlo.negate %u : " WHOLE
                                               "\nreturn %y, %u : " WHOLE ", " WHOLE));
}

static void invariant_and_dead_carries_go(void **state) {
  expect("carries,dead_code", "%a: " F ", %w: " F, F,
         "%c = stablehlo.constant dense<0> : " SI "\n"
         "%0:4 = stablehlo.while(%x = %a, %i = %c, %v = %w, %d = %a) : " F ", " SI ", " F ", " F
         "\n" COND("5") "  %y = stablehlo.multiply %x, %v : " F "\n"
                        "  %e = stablehlo.sine %d : " F "\n"
                        "  stablehlo.return %y, %j, %v, %e : " F ", " SI ", " F ", " F "\n}\n"
                        "return %0#0 : " F,
         "%c = stablehlo.constant dense<0> : " SI "\n"
         "%0:2 = stablehlo.while(%x = %a, %i = %c) : " F ", " SI
         "\n" COND("5") "  %y = stablehlo.multiply %x, %w : " F "\n"
                        "  stablehlo.return %y, %j : " F ", " SI "\n}\n"
                        "return %0#0 : " F);
}

static void equal_counters_merge(void **state) {
  expect("carries,dead_code", "%a: tensor<9xi32>", "tensor<9xi32>",
         "%c = stablehlo.constant dense<0> : " SI "\n%c2 = stablehlo.constant dense<0> : " SI "\n"
         "%0:3 = stablehlo.while(%i = %c, %k = %c2, %x = %a) : " SI ", " SI
         ", tensor<9xi32>\n" COND("5") "  %l = stablehlo.add %k, %one : " SI "\n"
                                       "  %b = stablehlo.broadcast_in_dim %k, dims = [] : (" SI
                                       ") -> tensor<9xi32>\n"
                                       "  %y = stablehlo.add %x, %b : tensor<9xi32>\n"
                                       "  stablehlo.return %j, %l, %y : " SI ", " SI
                                       ", tensor<9xi32>\n}\n"
                                       "return %0#2 : tensor<9xi32>",
         "%c = stablehlo.constant dense<0> : " SI "\n"
         "%0:2 = stablehlo.while(%i = %c, %x = %a) : " SI
         ", tensor<9xi32>\n" COND("5") "  %b = stablehlo.broadcast_in_dim %i, dims = [] : (" SI
                                       ") -> tensor<9xi32>\n"
                                       "  %y = stablehlo.add %x, %b : tensor<9xi32>\n"
                                       "  stablehlo.return %j, %y : " SI ", tensor<9xi32>\n}\n"
                                       "return %0#1 : tensor<9xi32>");
}

// Two arrays that keep the same of each turn are one.
static void equal_arrays_of_turns_merge(void **state) {
#define KEEP(to, of)                                                                              \
  "  " to " = stablehlo.dynamic_update_slice " of ", %b, %i : (tensor<5xf32>, tensor<1xf32>, " SI \
  ") -> tensor<5xf32>\n"
#define KEEP_BODY COND("5") "  %b = stablehlo.multiply %a, %a : tensor<1xf32>\n" KEEP("%u", "%x")
  expect("carries,dead_code", "%a: tensor<1xf32>, %h: tensor<5xf32>", "tensor<5xf32>",
         "%c = stablehlo.constant dense<0> : " SI "\n"
         "%0:3 = stablehlo.while(%i = %c, %x = %h, %y = %h) : " SI
         ", tensor<5xf32>, tensor<5xf32>\n" KEEP_BODY KEEP(
             "%v", "%y") "  stablehlo.return %j, %u, %v : " SI ", tensor<5xf32>, tensor<5xf32>\n}\n"
                         "%1 = stablehlo.add %0#1, %0#2 : tensor<5xf32>\nreturn %1 : tensor<5xf32>",
         "%c = stablehlo.constant dense<0> : " SI "\n"
         "%0:2 = stablehlo.while(%i = %c, %x = %h) : " SI ", tensor<5xf32>\n" KEEP_BODY
         "  stablehlo.return %j, %u : " SI ", tensor<5xf32>\n}\n"
         "%1 = stablehlo.add %0#1, %0#1 : tensor<5xf32>\nreturn %1 : tensor<5xf32>");
}

// The index that a body sees, begun at 1 where the counter begins at 0, is the counter and a
// constant. Where the condition looks at both, both stay.
#define TWO_COUNTERS(cond)                                                                       \
  "%0 = stablehlo.constant dense<0> : " SI "\n%1 = stablehlo.constant dense<1> : " SI "\n"       \
  "%6 = stablehlo.constant dense<6> : " SI "\n"                                                  \
  "%r:3 = stablehlo.while(%u = %1, %i = %0, %x = %a) : " SI ", " SI ", " SI "\n"                 \
  "cond {\n" cond " %c = stablehlo.compare LT, %i, %l : (" SI ", " SI ") -> tensor<i1>\n"        \
  " stablehlo.return %c : tensor<i1>\n} do {\n"                                                  \
  " %y = stablehlo.multiply %x, %u : " SI "\n %v = stablehlo.add %u, %1 : " SI "\n"              \
  " %j = stablehlo.add %i, %1 : " SI "\n stablehlo.return %v, %j, %y : " SI ", " SI ", " SI "\n" \
  "}\n%s = stablehlo.subtract %r#2, %r#0 : " SI "\nreturn %s : " SI

static void counters_in_step_merge(void **state) {
  expect("carries,dead_code,cse", "%a: " SI, SI,
         TWO_COUNTERS(" %l = stablehlo.add %6, %6 : " SI "\n"),
         "%0 = stablehlo.constant dense<0> : " SI "\n%1 = stablehlo.constant dense<1> : " SI "\n"
         "%6 = stablehlo.constant dense<6> : " SI "\n"
         "%r:2 = stablehlo.while(%i = %0, %x = %a) : " SI ", " SI "\n"
         "cond {\n %l = stablehlo.add %6, %6 : " SI "\n"
         " %c = stablehlo.compare LT, %i, %l : (" SI ", " SI ") -> tensor<i1>\n"
         " stablehlo.return %c : tensor<i1>\n} do {\n"
         " %k = stablehlo.constant dense<1> : " SI "\n %u = stablehlo.add %i, %k : " SI "\n"
         " %y = stablehlo.multiply %x, %u : " SI "\n %j = stablehlo.add %i, %1 : " SI "\n"
         " stablehlo.return %j, %y : " SI ", " SI "\n"
         "}\n%t = stablehlo.add %r#0, %1 : " SI "\n%s = stablehlo.subtract %r#1, %t : " SI "\n"
         "return %s : " SI);
  expect("carries", "%a: " SI, SI, TWO_COUNTERS(" %l = stablehlo.subtract %6, %u : " SI "\n"),
         TWO_COUNTERS(" %l = stablehlo.subtract %6, %u : " SI "\n"));
}

static void unused_results_of_branches_go(void **state) {
  expect("carries,dead_code", "%p: tensor<i1>, %a: " F, F ", " F,
         "%0:3 = \"stablehlo.if\"(%p) ({\n"
         "  %2 = stablehlo.sine %a : " F "\n"
         "  stablehlo.return %2, %a, %2 : " F ", " F ", " F "\n}, {\n"
         "  %2 = stablehlo.cosine %a : " F "\n"
         "  stablehlo.return %2, %a, %a : " F ", " F ", " F "\n"
         "}) : (tensor<i1>) -> (" F ", " F ", " F ")\n"
         "return %0#1, %0#2 : " F ", " F,
         "%0 = \"stablehlo.if\"(%p) ({\n"
         "  %2 = stablehlo.sine %a : " F "\n"
         "  stablehlo.return %2 : " F "\n}, {\n"
         "  stablehlo.return %a : " F "\n"
         "}) : (tensor<i1>) -> " F "\n"
         "return %a, %0 : " F ", " F);
}

static void invariant_code_leaves_loops(void **state) {
  expect("hoist,dead_code", "%a: " F ", %w: " F, F,
         "%c = stablehlo.constant dense<0> : " SI "\n"
         "%0:2 = stablehlo.while(%x = %a, %i = %c) : " F ", " SI
         "\n" COND("5") "  %k = stablehlo.constant dense<2.0> : " F "\n"
                        "  %s = stablehlo.multiply %w, %k : " F "\n"
                        "  %t = stablehlo.exponential %s : " F "\n"
                        "  %y = stablehlo.multiply %x, %t : " F "\n"
                        "  %z = stablehlo.multiply %y, %k : " F "\n"
                        "  stablehlo.return %z, %j : " F ", " SI "\n}\n"
                        "return %0#0 : " F,
         "%c = stablehlo.constant dense<0> : " SI "\n"
         "%k2 = stablehlo.constant dense<2.0> : " F "\n"
         "%s = stablehlo.multiply %w, %k2 : " F "\n"
         "%t = stablehlo.exponential %s : " F "\n"
         "%0:2 = stablehlo.while(%x = %a, %i = %c) : " F ", " SI
         "\n" COND("5") "  %k = stablehlo.constant dense<2.0> : " F "\n"
                        "  %y = stablehlo.multiply %x, %t : " F "\n"
                        "  %z = stablehlo.multiply %y, %k : " F "\n"
                        "  stablehlo.return %z, %j : " F ", " SI "\n}\n"
                        "return %0#0 : " F);
}

// The factors of what a loop does not change.
static void linear_algebra_leaves_loops(void **state) {
  const char *loop = "%0:2 = stablehlo.while(%x = %a, %i = %c) : " F ", " SI "\n" COND("5"),
             *factor =
                 "%l:2 = stablehlo.custom_call @lapack_spotrf_ffi(%w) {mhlo.backend_config = {uplo "
                 "= 76 : ui8}} : (tensor<4x4xf32>) -> (tensor<4x4xf32>, " SI ")\n",
             *rest = "  %y = stablehlo.dot_general %l#0, %x, contracting_dims = [1] x [0] : "
                     "(tensor<4x4xf32>, " F ") -> " F "\n  stablehlo.return %y, %j : " F ", " SI
                     "\n}\nreturn %0#0 : " F,
             *zero = "%c = stablehlo.constant dense<0> : " SI "\n";
  char before[2048], after[2048];
  PjCustomCallFn *fn;
  void *user;
  if (!pj_lapack_find(pj_str("lapack_spotrf_ffi"), &fn, &user)) // a build without LAPACK
    return;
  snprintf(before, sizeof before, "%s%s%s%s", zero, loop, factor, rest);
  snprintf(after, sizeof after, "%s%s%s%s", zero, factor, loop, rest);
  expect("hoist", "%a: " F ", %w: tensor<4x4xf32>", F, before, after);
}

static void effects_stay_in_loops(void **state) {
  pass_expect_same(
      "hoist,carries,dead_code",
      pass_main("%a: " F, F,
                "%c = stablehlo.constant dense<0> : " SI "\n"
                "%0:2 = stablehlo.while(%x = %a, %i = %c) : " F ", " SI "\n" COND(
                    "5") "  %s = stablehlo.custom_call @Sharding(%a) {has_side_effect = true} : (" F
                         ") -> " F "\n"
                         "  %y = stablehlo.multiply %x, %s : " F "\n"
                         "  stablehlo.return %y, %j : " F ", " SI "\n}\n"
                         "return %0#0 : " F));
}

// A loop of |trips| turns that adds to %x: |inside| makes %y of what is to be added.
#define TURNS(type, trips, inside)                                                   \
  "%0:2 = stablehlo.while(%x = %a, %i = %c) : " type ", " SI "\n" COND(trips) inside \
      "  %z = stablehlo.add %x, %y : " type "\n"                                     \
      "  stablehlo.return %z, %j : " type ", " SI "\n}\nreturn %0#0 : " type
#define ZERO "%c = stablehlo.constant dense<0> : " SI "\n"
#define MATRIX_TURN                                                                               \
  "  %o = stablehlo.constant dense<0> : " SI "\n"                                                 \
  "  %s = stablehlo.dynamic_slice %xs, %i, %o, %o, sizes = [1, 2, 16] : (tensor<5x2x16xf32>, " SI \
  ", " SI ", " SI ") -> tensor<1x2x16xf32>\n"                                                     \
  "  %r = stablehlo.reshape %s : (tensor<1x2x16xf32>) -> tensor<2x16xf32>\n"                      \
  "  %y = stablehlo.dot_general %r, %w, contracting_dims = [1] x [0] : (tensor<2x16xf32>, "       \
  "tensor<16x32xf32>) -> tensor<2x32xf32>\n"

static void products_of_turns_leave_loops(void **state) {
  const char *args = "%a: tensor<2x32xf32>, %xs: tensor<5x2x16xf32>, %w: tensor<16x32xf32>",
             *type = "tensor<2x32xf32>";
  pass_expect_sums(
      "turns,dead_code", pass_main(args, type, ZERO TURNS("tensor<2x32xf32>", "5", MATRIX_TURN)),
      pass_main(args, type,
                ZERO "%p = stablehlo.dot_general %xs, %w, contracting_dims = [2] x [0] : "
                     "(tensor<5x2x16xf32>, tensor<16x32xf32>) -> tensor<5x2x32xf32>\n" TURNS(
                         "tensor<2x32xf32>", "5",
                         "  %o = stablehlo.constant dense<0> : " SI "\n"
                         "  %s = stablehlo.dynamic_slice %p, %i, %o, %o, sizes = [1, 2, 32] : "
                         "(tensor<5x2x32xf32>, " SI ", " SI ", " SI ") -> tensor<1x2x32xf32>\n"
                         "  %y = stablehlo.reshape %s : (tensor<1x2x32xf32>) -> "
                         "tensor<2x32xf32>\n")));
  // Not all of it may be read: left alone.
  pass_expect_same("turns,dead_code",
                   pass_main(args, type, ZERO TURNS("tensor<2x32xf32>", "4", MATRIX_TURN)));
}

// 32 rows fill tiles by themselves, and all turns' results (6 MiB) are too much for a
// cache.
static void products_of_many_rows_stay(void **state) {
  pass_expect_same(
      "turns,dead_code",
      pass_main("%a: tensor<32x128xf32>, %xs: tensor<384x32x16xf32>, %w: tensor<16x128xf32>",
                "tensor<32x128xf32>",
                ZERO TURNS("tensor<32x128xf32>", "384",
                           "  %o = stablehlo.constant dense<0> : " SI "\n"
                           "  %s = stablehlo.dynamic_slice %xs, %i, %o, %o, sizes = [1, 32, 16] : "
                           "(tensor<384x32x16xf32>, " SI ", " SI ", " SI
                           ") -> tensor<1x32x16xf32>\n"
                           "  %r = stablehlo.reshape %s : (tensor<1x32x16xf32>) -> "
                           "tensor<32x16xf32>\n"
                           "  %y = stablehlo.dot_general %r, %w, contracting_dims = [1] x [0] : "
                           "(tensor<32x16xf32>, tensor<16x128xf32>) -> tensor<32x128xf32>\n")));
}

// What a loop of |trips| turns adds to %x, its state being %s: |inside| makes %y and the state %g.
#define SUM_TURNS(trips, inside)                                                                 \
  "%0:3 = stablehlo.while(%x = %a, %s = %h, %i = %c) : tensor<16x32xf32>, tensor<2x32xf32>, " SI \
  "\n" COND(trips) inside                                                                        \
      "  %z = stablehlo.add %x, %y : tensor<16x32xf32>\n"                                        \
      "  stablehlo.return %z, %g, %j : tensor<16x32xf32>, tensor<2x32xf32>, " SI "\n}\n"         \
      "%1 = stablehlo.add %0#0, %0#0 : tensor<16x32xf32>\nreturn %1 : tensor<16x32xf32>"
#define READ_TURN                                                                                 \
  "  %o = stablehlo.constant dense<0> : " SI "\n"                                                 \
  "  %p = stablehlo.dynamic_slice %xs, %i, %o, %o, sizes = [1, 2, 16] : (tensor<5x2x16xf32>, " SI \
  ", " SI ", " SI ") -> tensor<1x2x16xf32>\n"                                                     \
  "  %r = stablehlo.reshape %p : (tensor<1x2x16xf32>) -> tensor<2x16xf32>\n"
#define NEXT_STATE "  %g = stablehlo.negate %s : tensor<2x32xf32>\n"
#define SUM_TURN(of)                                                                     \
  "  %y = stablehlo.dot_general %r, " of ", contracting_dims = [0] x [0] : (tensor<2x16" \
  "xf32>, tensor<2x32xf32>) -> tensor<16x32xf32>\n"

static void totals_of_products_leave_loops(void **state) {
  const char *args = "%a: tensor<16x32xf32>, %h: tensor<2x32xf32>, %xs: tensor<5x2x16xf32>",
             *type = "tensor<16x32xf32>";
  pass_expect_sums(
      "totals,dead_code",
      pass_main(args, type, ZERO SUM_TURNS("5", READ_TURN NEXT_STATE SUM_TURN("%g"))),
      pass_main(args, type,
                ZERO "%e = stablehlo.constant dense<0.0> : tensor<5x2x32xf32>\n"
                     "%0:3 = stablehlo.while(%x = %e, %s = %h, %i = %c) : tensor<5x2x32xf32>, "
                     "tensor<2x32xf32>, " SI "\n" COND("5") NEXT_STATE
                "  %o = stablehlo.constant dense<0> : " SI "\n"
                "  %q = stablehlo.reshape %g : (tensor<2x32xf32>) -> tensor<1x2x32xf32>\n"
                "  %z = stablehlo.dynamic_update_slice %x, %q, %i, %o, %o : (tensor<5x2x32xf32>, "
                "tensor<1x2x32xf32>, " SI ", " SI ", " SI ") -> tensor<5x2x32xf32>\n"
                "  stablehlo.return %z, %g, %j : tensor<5x2x32xf32>, tensor<2x32xf32>, " SI "\n}\n"
                "%d = stablehlo.dot_general %xs, %0#0, contracting_dims = [0, 1] x [0, 1] : "
                "(tensor<5x2x16xf32>, tensor<5x2x32xf32>) -> tensor<16x32xf32>\n"
                "%t = stablehlo.add %a, %d : tensor<16x32xf32>\n"
                "%1 = stablehlo.add %t, %t : tensor<16x32xf32>\nreturn %1 : tensor<16x32xf32>"));
  // Not all of it may be read, and a total that a turn reads: left alone.
  pass_expect_same("totals,dead_code",
                   pass_main(args, type, ZERO SUM_TURNS("4", READ_TURN NEXT_STATE SUM_TURN("%g"))));
  pass_expect_same(
      "totals,dead_code",
      pass_main(args, type,
                ZERO SUM_TURNS("5", READ_TURN "  %v = stablehlo.slice %x [0:2, 0:32] : "
                                              "(tensor<16x32xf32>) -> tensor<2x32xf32>\n"
                                              "  %g = stablehlo.multiply %s, %v : "
                                              "tensor<2x32xf32>\n" SUM_TURN("%g"))));
}

// Both operands are read in turn: nothing is kept, and the loop has nothing to do for it.
static void totals_of_what_is_read_leave_loops(void **state) {
  const char *args = "%a: tensor<16x16xf32>, %xs: tensor<5x2x16xf32>", *type = "tensor<16x16xf32>";
  pass_expect_sums(
      "totals,carries,dead_code",
      pass_main(args, type,
                ZERO TURNS("tensor<16x16xf32>", "5",
                           READ_TURN
                           "  %y = stablehlo.dot_general %r, %r, contracting_dims = [0] x "
                           "[0] : (tensor<2x16xf32>, tensor<2x16xf32>) -> "
                           "tensor<16x16xf32>\n")),
      pass_main(args, type,
                "%d = stablehlo.dot_general %xs, %xs, contracting_dims = [0, 1] x [0, 1] : "
                "(tensor<5x2x16xf32>, tensor<5x2x16xf32>) -> tensor<16x16xf32>\n"
                "%t = stablehlo.add %a, %d : tensor<16x16xf32>\nreturn %t : tensor<16x16xf32>"));
}

// x[2:10] is read in place where the index is known to lie within, a counter below 5, say; below 7
// the slice clamps it.
#define SLICE_TURN(from, at, type) \
  "  %y = stablehlo.dynamic_slice " from ", " at ", sizes = [4] : (" type ", " SI ") -> " F "\n"
#define SLICE "%v = stablehlo.slice %xs [2:10] : (tensor<12xf32>) -> tensor<8xf32>\n"

static void slices_are_read_where_they_lie(void **state) {
  const char *args = "%a: " F ", %xs: tensor<12xf32>";
  expect("simplify,dead_code", args, F,
         ZERO SLICE TURNS(F, "5", SLICE_TURN("%v", "%i", "tensor<8xf32>")),
         ZERO TURNS(F, "5",
                    "  %two = stablehlo.constant dense<2> : " SI "\n"
                    "  %k = stablehlo.add %i, %two : " SI
                    "\n" SLICE_TURN("%xs", "%k", "tensor<12xf32>")));
  pass_expect_same(
      "simplify,dead_code",
      pass_main(args, F, ZERO SLICE TURNS(F, "7", SLICE_TURN("%v", "%i", "tensor<8xf32>"))));
}

// A vector on the right changes places with the matrix: its turns are rows.
static void vectors_of_turns_become_rows(void **state) {
  const char *args = "%a: tensor<32xf32>, %xs: tensor<5x16xf32>, %w: tensor<32x16xf32>",
             *type = "tensor<32xf32>";
  pass_expect_sums(
      "turns,dead_code",
      pass_main(args, type,
                ZERO TURNS("tensor<32xf32>", "7",
                           "  %o = stablehlo.constant dense<0> : " SI "\n"
                           "  %k = stablehlo.constant dense<4> : " SI "\n"
                           "  %b = stablehlo.subtract %k, %i : " SI "\n"
                           "  %s = stablehlo.dynamic_slice %xs, %b, %o, sizes = [1, 16] : "
                           "(tensor<5x16xf32>, " SI ", " SI ") -> tensor<1x16xf32>\n"
                           "  %r = stablehlo.reshape %s : (tensor<1x16xf32>) -> tensor<16xf32>\n"
                           "  %y = stablehlo.dot_general %w, %r, contracting_dims = [1] x [0] : "
                           "(tensor<32x16xf32>, tensor<16xf32>) -> tensor<32xf32>\n")),
      pass_main(args, type,
                ZERO "%p = stablehlo.dot_general %xs, %w, contracting_dims = [1] x [1] : "
                     "(tensor<5x16xf32>, tensor<32x16xf32>) -> tensor<5x32xf32>\n" TURNS(
                         "tensor<32xf32>", "7",
                         "  %k = stablehlo.constant dense<4> : " SI "\n"
                         "  %b = stablehlo.subtract %k, %i : " SI "\n"
                         "  %o = stablehlo.constant dense<0> : " SI "\n"
                         "  %s = stablehlo.dynamic_slice %p, %b, %o, sizes = [1, 32] : "
                         "(tensor<5x32xf32>, " SI ", " SI ") -> tensor<1x32xf32>\n"
                         "  %y = stablehlo.reshape %s : (tensor<1x32xf32>) -> "
                         "tensor<32xf32>\n")));
}

// A small matrix that few rows are multiplied by, in each of several turns, has its columns side by
// side.
#define ROWS_TURN(rows, by, contract)                                             \
  "  %y = stablehlo.dot_general %a, %" by ", contracting_dims = [1] x [" contract \
  "] : (tensor<" rows "x16xf32>, tensor<16x16xf32>) -> tensor<" rows "x16xf32>\n"
#define ROWS_LOOP(rows, trips, by, contract) \
  TURNS("tensor<" rows "x16xf32>", trips, ROWS_TURN(rows, by, contract))

static void small_matrices_are_turned_before_loops(void **state) {
  const char *args = "%a: tensor<8x16xf32>, %w: tensor<16x16xf32>", *type = "tensor<8x16xf32>",
             *few = "%a: tensor<7x16xf32>, %w: tensor<16x16xf32>";
  pass_expect_sums("columns,dead_code", pass_main(args, type, ZERO ROWS_LOOP("8", "5", "w", "1")),
                   pass_main(args, type,
                             ZERO
                             "%t = stablehlo.transpose %w, dims = [1, 0] : (tensor<16x16xf32>) -> "
                             "tensor<16x16xf32>\n" ROWS_LOOP("8", "5", "t", "0")));
  // Too few turns, columns that lie so already, too few rows.
  pass_expect_same("columns,dead_code", pass_main(args, type, ZERO ROWS_LOOP("8", "3", "w", "1")));
  pass_expect_same("columns,dead_code", pass_main(args, type, ZERO ROWS_LOOP("8", "5", "w", "0")));
  pass_expect_same("columns,dead_code",
                   pass_main(few, "tensor<7x16xf32>", ZERO ROWS_LOOP("7", "5", "w", "1")));
}

static void short_elementwise_loops_are_written_out(void **state) {
  expect("unroll,simplify,dead_code", "%a: tensor<9xui32>", "tensor<9xui32>",
         "%c = stablehlo.constant dense<0> : " SI "\n"
         "%s = stablehlo.constant dense<[3, 5]> : tensor<2xui32>\n%t = stablehlo.constant "
         "dense<[7, 9]> : tensor<2xui32>\n"
         "%0:4 = stablehlo.while(%i = %c, %x = %a, %r = %s, %q2 = %t) : " SI
         ", tensor<9xui32>, tensor<2xui32>, tensor<2xui32>\n" COND(
             "3") "  %k = stablehlo.slice %r [1:2] : (tensor<2xui32>) -> tensor<1xui32>\n"
                  "  %l = stablehlo.reshape %k : (tensor<1xui32>) -> tensor<ui32>\n"
                  "  %m = stablehlo.broadcast_in_dim %l, dims = [] : (tensor<ui32>) -> "
                  "tensor<9xui32>\n"
                  "  %y = stablehlo.shift_right_logical %x, %m : tensor<9xui32>\n"
                  "  %z = stablehlo.xor %y, %x : tensor<9xui32>\n"
                  "  stablehlo.return %j, %z, %q2, %r : " SI
                  ", tensor<9xui32>, tensor<2xui32>, tensor<2xui32>\n}\n"
                  "return %0#1 : tensor<9xui32>",
         "%c5 = stablehlo.constant dense<5> : tensor<9xui32>\n"
         "%0 = stablehlo.shift_right_logical %a, %c5 : tensor<9xui32>\n"
         "%1 = stablehlo.xor %0, %a : tensor<9xui32>\n"
         "%c9 = stablehlo.constant dense<9> : tensor<9xui32>\n"
         "%2 = stablehlo.shift_right_logical %1, %c9 : tensor<9xui32>\n"
         "%3 = stablehlo.xor %2, %1 : tensor<9xui32>\n"
         "%4 = stablehlo.shift_right_logical %3, %c5 : tensor<9xui32>\n"
         "%5 = stablehlo.xor %4, %3 : tensor<9xui32>\n"
         "return %5 : tensor<9xui32>");
}

// ------------------------------------------------------------------------------------- counters

// The counter of the first loop of |text|.
static PjCounter counter_of(const char *text) {
  PjCounter counter = {0};
  Parsed parsed = parse(text, strlen(text));
  if (parsed.status)
    fail_msg("%s", pj_status_message(parsed.status));
  const PjOp *op = pj_module_entry(parsed.module)->regions[0].first;
  while (op && op->kind != PJ_OP_WHILE)
    op = op->next;
  assert_true(op && pj_match_counter(op, &counter));
  parsed_free(&parsed);
  return counter;
}

static void counters_are_found(void **state) {
  const PjCounter counter =
      counter_of(pass_main("%a: " F, F,
                           "%c = stablehlo.constant dense<2> : " SI "\n"
                           "%0:2 = stablehlo.while(%x = %a, %i = %c) : " F
                           ", " SI COND("9") "  %s = stablehlo.multiply %x, %x : " F "\n"
                                             "  stablehlo.return %s, %j : " F ", " SI "\n}\n"
                                             "return %0#0 : " F));
  assert_true(counter.alone);
  assert_int_equal(counter.index, 1);
  assert_int_equal(counter.trips, 7);
  assert_int_equal(counter.start_value, 2);
}

// %s keeps a value of each turn from the last place to the first; %r is one that is also read, %t
// one that is longer than the loop.
static void written_arrays_are_known(void **state) {
  Parsed parsed;
  const char *text = pass_main(
      "%a: tensor<1xf32>, %h: tensor<5xf32>, %l: tensor<6xf32>", "tensor<5xf32>",
      "%c = stablehlo.constant dense<0> : " SI "\n"
      "%0:4 = stablehlo.while(%i = %c, %s = %h, %r = %h, %t = %l) : " SI
      ", tensor<5xf32>, tensor<5xf32>, tensor<6xf32>\n" COND(
          "5") "  %four = stablehlo.constant dense<4> : " SI "\n"
               "  %k = stablehlo.subtract %four, %i : " SI "\n"
               "  %x = stablehlo.dynamic_update_slice %s, %a, %k : (tensor<5xf32>, "
               "tensor<1xf32>, " SI ") -> tensor<5xf32>\n"
               "  %b = stablehlo.dynamic_slice %r, %i, sizes = [1] : (tensor<5xf32>, " SI
               ") -> tensor<1xf32>\n"
               "  %y = stablehlo.dynamic_update_slice %r, %b, %i : (tensor<5xf32>, "
               "tensor<1xf32>, " SI ") -> tensor<5xf32>\n"
               "  %z = stablehlo.dynamic_update_slice %t, %a, %i : (tensor<6xf32>, "
               "tensor<1xf32>, " SI ") -> tensor<6xf32>\n"
               "  stablehlo.return %j, %x, %y, %z : " SI
               ", tensor<5xf32>, tensor<5xf32>, tensor<6xf32>\n}\nreturn %0#1 : tensor<5xf32>");
  parsed = parse(text, strlen(text));
  assert_null(parsed.status);
  for (PjOp *op = pj_module_entry(parsed.module)->regions[0].first; op; op = op->next)
    if (op->kind == PJ_OP_WHILE)
      assert_int_equal(pj_match_written(op), 2);
  parsed_free(&parsed);
}

static int64_t trips(const char *start, const char *step, const char *compare, const char *limit) {
  char body[2048];
  snprintf(body, sizeof body,
           "%%c = stablehlo.constant dense<%s> : tensor<i8>\n"
           "%%0 = stablehlo.while(%%i = %%c) : tensor<i8>\n"
           "cond {\n  %%n = stablehlo.constant dense<%s> : tensor<i8>\n"
           "  %%q = stablehlo.compare %s, %%i, %%n : (tensor<i8>, tensor<i8>) -> tensor<i1>\n"
           "  stablehlo.return %%q : tensor<i1>\n} do {\n"
           "  %%s = stablehlo.constant dense<%s> : tensor<i8>\n"
           "  %%j = stablehlo.add %%i, %%s : tensor<i8>\n  stablehlo.return %%j : tensor<i8>\n}\n"
           "return %%0 : tensor<i8>",
           start, limit, compare, step);
  return counter_of(pass_main("", "tensor<i8>", body)).trips;
}

static void trips_are_counted(void **state) {
  assert_int_equal(trips("0", "1", "LT", "10"), 10);
  assert_int_equal(trips("0", "3", "LT", "10"), 4);
  assert_int_equal(trips("0", "3", "LE", "9"), 4);
  assert_int_equal(trips("10", "1", "LT", "10"), 0);
  assert_int_equal(trips("10", "-1", "GT", "0"), 10);
  assert_int_equal(trips("10", "-3", "GE", "0"), 4);
  assert_int_equal(trips("0", "2", "NE", "8"), 4);
  assert_int_equal(trips("0", "2", "NE", "9"), -1);     // wraps around before it ends, if ever
  assert_int_equal(trips("0", "100", "LT", "120"), -1); // 100 + 100 wraps around
  assert_int_equal(trips("0", "-1", "LT", "10"), -1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(equal_operations_merge),
      cmocka_unit_test(equal_regions_merge),
      cmocka_unit_test(only_visible_values_merge),
      cmocka_unit_test(barriers_keep_apart_and_go),
      cmocka_unit_test(updates_follow_gradients),
      cmocka_unit_test(updates_are_joined_where_they_are_read),
      cmocka_unit_test(invariant_and_dead_carries_go),
      cmocka_unit_test(equal_counters_merge),
      cmocka_unit_test(counters_in_step_merge),
      cmocka_unit_test(unused_results_of_branches_go),
      cmocka_unit_test(invariant_code_leaves_loops),
      cmocka_unit_test(linear_algebra_leaves_loops),
      cmocka_unit_test(effects_stay_in_loops),
      cmocka_unit_test(products_of_turns_leave_loops),
      cmocka_unit_test(products_of_many_rows_stay),
      cmocka_unit_test(totals_of_products_leave_loops),
      cmocka_unit_test(totals_of_what_is_read_leave_loops),
      cmocka_unit_test(slices_are_read_where_they_lie),
      cmocka_unit_test(vectors_of_turns_become_rows),
      cmocka_unit_test(equal_arrays_of_turns_merge),
      cmocka_unit_test(written_arrays_are_known),
      cmocka_unit_test(small_matrices_are_turned_before_loops),
      cmocka_unit_test(short_elementwise_loops_are_written_out),
      cmocka_unit_test(counters_are_found),
      cmocka_unit_test(trips_are_counted),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
