// Times ready kernels one by one, for quick iteration: build/bench-routines [filter] [threads]
// [evaluator]
//
// Prints per case the routine's name, best and median time of a call in microseconds, and its
// rates. With `evaluator` as third argument the evaluator's times stand beside, taken
// in turn.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "eval/eval.h"
#include "eval/float.h"
#include "import/import.h"
#include "routine/routine.h"

// Name, and the program: an entry function whose only operation with a routine takes its arguments.
typedef struct Case {
  const char *name, *text;
} Case;

// One operation |op| with attributes from arguments of types |in| to a result |out|.
#define ONE2(op, attrs, a, b, out)                                                     \
  "func.func @main(%a: tensor<" a ">, %b: tensor<" b ">) -> tensor<" out               \
  "> {\n  %r = \"stablehlo." op "\"(%a, %b) <{" attrs "}> : (tensor<" a ">, tensor<" b \
  ">) -> tensor<" out ">\n  return %r : tensor<" out ">\n}\n"
#define DOT(lb, rb, lc, rc, a, b, out)                                            \
  ONE2("dot_general",                                                             \
       "dot_dimension_numbers = #stablehlo.dot<lhs_batching_dimensions = [" lb    \
       "], rhs_batching_dimensions = [" rb "], lhs_contracting_dimensions = [" lc \
       "], rhs_contracting_dimensions = [" rc "]>",                               \
       a, b, out)

// Comparators as jax.lax.sort writes them, of floats and of integers, followed by others'
// arguments.
#define FLOAT_LESS                                                                                 \
  "%z = stablehlo.constant dense<0.0> : tensor<f32>\n%n = stablehlo.constant dense<0x7FC00000> : " \
  "tensor<f32>\n"                                                                                  \
  "%p0 = stablehlo.compare EQ, %a0, %z, FLOAT : (tensor<f32>, tensor<f32>) -> tensor<i1>\n"        \
  "%q0 = stablehlo.select %p0, %z, %a0 : tensor<i1>, tensor<f32>\n"                                \
  "%r0 = stablehlo.compare NE, %a0, %a0, FLOAT : (tensor<f32>, tensor<f32>) -> tensor<i1>\n"       \
  "%s0 = stablehlo.select %r0, %n, %q0 : tensor<i1>, tensor<f32>\n"                                \
  "%p1 = stablehlo.compare EQ, %a1, %z, FLOAT : (tensor<f32>, tensor<f32>) -> tensor<i1>\n"        \
  "%q1 = stablehlo.select %p1, %z, %a1 : tensor<i1>, tensor<f32>\n"                                \
  "%r1 = stablehlo.compare NE, %a1, %a1, FLOAT : (tensor<f32>, tensor<f32>) -> tensor<i1>\n"       \
  "%s1 = stablehlo.select %r1, %n, %q1 : tensor<i1>, tensor<f32>\n"                                \
  "%less = stablehlo.compare LT, %s0, %s1, TOTALORDER : (tensor<f32>, tensor<f32>) -> "            \
  "tensor<i1>\n"
#define INT_LESS(t) \
  "%less = stablehlo.compare LT, %a0, %a1 : (tensor<" t ">, tensor<" t ">) -> tensor<i1>\n"
#define SORT(dim, shape, t, less)                                                             \
  "func.func @main(%p: tensor<" shape "x" t ">) -> tensor<" shape "x" t                       \
  "> {\n  %r = \"stablehlo.sort\"(%p) <{"                                                     \
  "dimension = " dim " : i64, is_stable = true}> ({\n^bb0(%a0: tensor<" t ">, %a1: tensor<" t \
  ">):\n" less "stablehlo.return %less : tensor<i1>\n}) : (tensor<" shape "x" t               \
  ">) -> tensor<" shape "x" t ">\n"                                                           \
  "  return %r : tensor<" shape "x" t ">\n}\n"
#define SORT2(dim, shape, t, less)                                                            \
  "func.func @main(%p: tensor<" shape "x" t ">, %q: tensor<" shape "xi32>) -> (tensor<" shape \
  "x" t ">, tensor<" shape "xi32>) {\n  %r:2 = \"stablehlo.sort\"(%p, %q) <{dimension = " dim \
  " : i64, is_stable = true}> ({\n^bb0(%a0: "                                                 \
  "tensor<" t ">, %a1: tensor<" t ">, %b0: tensor<i32>, %b1: tensor<i32>):\n" less            \
  "stablehlo.return %less : tensor<i1>\n}) : (tensor<" shape "x" t ">, tensor<" shape         \
  "xi32>) -> (tensor<" shape "x" t ">, tensor<" shape                                         \
  "xi32>)\n  return %r#0, %r#1 : tensor<" shape "x" t ">, tensor<" shape "xi32>\n}\n"

// reduce_window of |x| with a constant |init|.
#define WINDOW(body, init, size, stride, padding, t, in, out)                                  \
  "func.func @main(%x: tensor<" in "x" t ">) -> tensor<" out "x" t                             \
  "> {\n  %i = stablehlo.constant dense<" init "> : tensor<" t                                 \
  ">\n  %r = \"stablehlo.reduce_window\"(%x, %i) <{window_dimensions = array<i64: " size       \
  ">, window_strides = array<i64: " stride ">, padding = dense<" padding                       \
  ">}> ({\n  ^bb0(%a: tensor<" t ">, %b: tensor<" t ">):\n    %c = stablehlo." body            \
  " %a, %b : tensor<" t ">\n    stablehlo.return %c : tensor<" t ">\n  }) : (tensor<" in "x" t \
  ">, tensor<" t ">) -> tensor<" out "x" t ">\n  return %r : tensor<" out "x" t ">\n}\n"

#define CONV(dims, window, groups, a, b, out)                          \
  ONE2("convolution",                                                  \
       "batch_group_count = 1 : i64, feature_group_count = " groups    \
       " : i64, dimension_numbers = #stablehlo.conv<" dims ">" window, \
       a, b, out)
#define NHWC   "[b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f]"
#define NCHW   "[b, f, 0, 1]x[o, i, 0, 1]->[b, f, 0, 1]"
#define STEP2  ", window_strides = array<i64: 2, 2>"
#define TURNED ", window_reversal = array<i1: true, true>"
#define PAD1   ", padding = dense<1> : tensor<2x2xi64>"

#define ONE1(op, attrs, a, out)                                                     \
  "func.func @main(%a: tensor<" a ">) -> tensor<" out "> {\n  %r = \"stablehlo." op \
  "\"(%a) <{" attrs "}> : (tensor<" a ">) -> tensor<" out ">\n  return %r : tensor<" out ">\n}\n"
#define TRANSPOSE(order, a, out) ONE1("transpose", "permutation = array<i64: " order ">", a, out)
#define SCATTER(body, result, x, i, u, t)                                                         \
  "func.func @main(%x: tensor<" x "x" t ">, %i: tensor<" i "xi32>, %u: tensor<" u "x" t           \
  ">) -> tensor<" x "x" t "> {\n"                                                                 \
  "  %r = \"stablehlo.scatter\"(%x, %i, %u) <{scatter_dimension_numbers = "                       \
  "#stablehlo.scatter<" body ", index_vector_dim "                                                \
  "= 1>}> ({\n^bb0(%a: tensor<" t ">, %b: tensor<" t ">):\n%c = stablehlo.add %a, %b : tensor<" t \
  ">\n"                                                                                           \
  "stablehlo.return " result " : tensor<" t ">\n}) : (tensor<" x "x" t ">, tensor<" i             \
  "xi32>, tensor<" u "x" t ">) -> tensor<" x "x" t ">\n  return %r : tensor<" x "x" t ">\n}\n"
#define ROWS \
  "update_window_dims = [1], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0]"
#define SINGLES "inserted_window_dims = [0], scatter_dims_to_operand_dims = [0]"

static const Case cases[] = {
    {"matmul 1024 f32", DOT("", "", "1", "0", "1024x1024xf32", "1024x1024xf32", "1024x1024xf32")},
    {"matmul 1024 f32 nt",
     DOT("", "", "1", "1", "1024x1024xf32", "1024x1024xf32", "1024x1024xf32")},
    {"matmul 1024 f32 tn",
     DOT("", "", "0", "0", "1024x1024xf32", "1024x1024xf32", "1024x1024xf32")},
    {"matmul 1024 f64", DOT("", "", "1", "0", "1024x1024xf64", "1024x1024xf64", "1024x1024xf64")},
    {"matmul 1024 bf16",
     DOT("", "", "1", "0", "1024x1024xbf16", "1024x1024xbf16", "1024x1024xbf16")},
    {"matmul 1024 f16", DOT("", "", "1", "0", "1024x1024xf16", "1024x1024xf16", "1024x1024xf16")},
    {"matmul 512 c64",
     DOT("", "", "1", "0", "512x512xcomplex<f32>", "512x512xcomplex<f32>", "512x512xcomplex<f32>")},
    {"matmul 512 i8", DOT("", "", "1", "0", "512x512xi8", "512x512xi8", "512x512xi32")},
    {"matmul 2048 f32", DOT("", "", "1", "0", "2048x2048xf32", "2048x2048xf32", "2048x2048xf32")},
    {"matmul 512 f32", DOT("", "", "1", "0", "512x512xf32", "512x512xf32", "512x512xf32")},
    {"matmul 256 f32", DOT("", "", "1", "0", "256x256xf32", "256x256xf32", "256x256xf32")},
    {"matmul 256 f64", DOT("", "", "1", "0", "256x256xf64", "256x256xf64", "256x256xf64")},
    {"matmul 512 f64", DOT("", "", "1", "0", "512x512xf64", "512x512xf64", "512x512xf64")},
    {"few 8x128x256", DOT("", "", "1", "0", "8x128xf32", "128x256xf32", "8x256xf32")},
    {"few 13x300x77", DOT("", "", "1", "0", "13x300xf32", "300x77xf32", "13x77xf32")},
    {"skinny 8x4096x4096", DOT("", "", "1", "0", "8x4096xf32", "4096x4096xf32", "8x4096xf32")},
    {"matmul 512 i32", DOT("", "", "1", "0", "512x512xi32", "512x512xi32", "512x512xi32")},
    {"matmul 512x768x3072", DOT("", "", "1", "0", "512x768xf32", "768x3072xf32", "512x3072xf32")},
    {"matmul 128x784x512", DOT("", "", "1", "0", "128x784xf32", "784x512xf32", "128x512xf32")},
    {"matmul 128x512x10", DOT("", "", "1", "0", "128x512xf32", "512x10xf32", "128x10xf32")},
    {"matmul 784x128x512 tn", DOT("", "", "0", "0", "128x784xf32", "128x512xf32", "784x512xf32")},
    {"batch 256x64", DOT("0", "0", "2", "1", "256x64x64xf32", "256x64x64xf32", "256x64x64xf32")},
    {"attention qk",
     DOT("0, 2", "0, 2", "3", "3", "2x512x12x64xf32", "2x512x12x64xf32", "2x12x512x512xf32")},
    {"attention pv",
     DOT("0, 1", "0, 2", "3", "1", "2x12x512x512xf32", "2x512x12x64xf32", "2x12x512x64xf32")},
    {"batch 10000x4", DOT("0", "0", "2", "1", "10000x4x4xf32", "10000x4x4xf32", "10000x4x4xf32")},
    {"batch 1000x16",
     DOT("0", "0", "2", "1", "1000x16x16xf32", "1000x16x16xf32", "1000x16x16xf32")},
    {"matvec 4096", DOT("", "", "1", "0", "4096x4096xf32", "4096xf32", "4096xf32")},
    {"vecmat 4096", DOT("", "", "0", "0", "4096xf32", "4096x4096xf32", "4096xf32")},
    {"matvec 4096 bf16", DOT("", "", "1", "0", "4096x4096xbf16", "4096xbf16", "4096xbf16")},
    {"matvec 16", DOT("", "", "1", "0", "16x16xf32", "16xf32", "16xf32")},
    {"skinny 4x4096x4096", DOT("", "", "1", "0", "4x4096xf32", "4096x4096xf32", "4x4096xf32")},
    {"conv nhwc 3x3 8x56x56x64",
     CONV(NHWC, PAD1, "1", "8x56x56x64xf32", "3x3x64x64xf32", "8x56x56x64xf32")},
    {"conv nchw 3x3 8x64x56x56",
     CONV(NCHW, PAD1, "1", "8x64x56x56xf32", "64x64x3x3xf32", "8x64x56x56xf32")},
    {"conv nhwc 1x1 8x56x56x64",
     CONV(NHWC, "", "1", "8x56x56x64xf32", "1x1x64x256xf32", "8x56x56x256xf32")},
    {"conv nhwc 7x7/2 224 rgb",
     CONV(NHWC, ", window_strides = array<i64: 2, 2>, padding = dense<3> : tensor<2x2xi64>", "1",
          "1x224x224x3xf32", "7x7x3x64xf32", "1x112x112x64xf32")},
    {"conv nhwc 3x3 transposed",
     CONV(NHWC,
          ", lhs_dilation = array<i64: 2, 2>, padding = dense<[[1, 2], [1, 2]]> : "
          "tensor<2x2xi64>",
          "1", "8x28x28x64xf32", "3x3x64x64xf32", "8x56x56x64xf32")},
    {"conv kernel gradient", CONV("[f, 0, 1, b]x[i, 0, 1, o]->[0, 1, b, f]", PAD1, "1",
                                  "8x56x56x64xf32", "8x56x56x64xf32", "3x3x64x64xf32")},
    {"conv kernel gradient 28", CONV("[f, 0, 1, b]x[i, 0, 1, o]->[0, 1, b, f]", PAD1, "1",
                                     "4x28x28x128xf32", "4x28x28x128xf32", "3x3x128x128xf32")},
    {"conv kernel gradient 14", CONV("[f, 0, 1, b]x[i, 0, 1, o]->[0, 1, b, f]", PAD1, "1",
                                     "4x14x14x256xf32", "4x14x14x256xf32", "3x3x256x256xf32")},
    {"conv kernel gradient 7", CONV("[f, 0, 1, b]x[i, 0, 1, o]->[0, 1, b, f]", PAD1, "1",
                                    "4x7x7x512xf32", "4x7x7x512xf32", "3x3x512x512xf32")},
    {"conv kernel gradient /2",
     CONV("[f, 0, 1, b]x[i, 0, 1, o]->[0, 1, b, f]",
          ", rhs_dilation = array<i64: 2, 2>, padding = dense<[[1, 0], [1, 0]]> : tensor<2x2xi64>",
          "1", "4x56x56x128xf32", "4x28x28x128xf32", "3x3x128x128xf32")},
    {"conv kernel gradient 7x7/2",
     CONV("[f, 0, 1, b]x[i, 0, 1, o]->[0, 1, b, f]",
          ", rhs_dilation = array<i64: 2, 2>, padding = dense<[[3, 2], [3, 2]]> : tensor<2x2xi64>",
          "1", "4x224x224x3xf32", "4x112x112x64xf32", "7x7x3x64xf32")},
    {"conv kernel gradient grey", CONV("[f, 0, 1, b]x[i, 0, 1, o]->[0, 1, b, f]", PAD1, "1",
                                       "64x28x28x1xf32", "64x28x28x32xf32", "3x3x1x32xf32")},
    {"conv kernel gradient rgb 3x3", CONV("[f, 0, 1, b]x[i, 0, 1, o]->[0, 1, b, f]", PAD1, "1",
                                          "16x32x32x3xf32", "16x32x32x64xf32", "3x3x3x64xf32")},
    {"conv kernel gradient 1x1", CONV("[f, 0, 1, b]x[i, 0, 1, o]->[0, 1, b, f]", "", "1",
                                      "4x56x56x64xf32", "4x56x56x256xf32", "1x1x64x256xf32")},
    {"conv nhwc 3x3 28x28x128",
     CONV(NHWC, PAD1, "1", "1x28x28x128xf32", "3x3x128x128xf32", "1x28x28x128xf32")},
    {"conv nhwc 3x3 7x7x512",
     CONV(NHWC, PAD1, "1", "1x7x7x512xf32", "3x3x512x512xf32", "1x7x7x512xf32")},
    {"conv nhwc 3x3 14x14x256",
     CONV(NHWC, PAD1, "1", "1x14x14x256xf32", "3x3x256x256xf32", "1x14x14x256xf32")},
    {"conv nhwc 3x3 8x28x28x128",
     CONV(NHWC, PAD1, "1", "8x28x28x128xf32", "3x3x128x128xf32", "8x28x28x128xf32")},
    {"conv nhwc 3x3 8x14x14x256",
     CONV(NHWC, PAD1, "1", "8x14x14x256xf32", "3x3x256x256xf32", "8x14x14x256xf32")},
    {"conv nhwc 3x3 8x7x7x512",
     CONV(NHWC, PAD1, "1", "8x7x7x512xf32", "3x3x512x512xf32", "8x7x7x512xf32")},
    {"conv nhwc 3x3 1x7x7x256",
     CONV(NHWC, PAD1, "1", "1x7x7x256xf32", "3x3x256x256xf32", "1x7x7x256xf32")},
    {"conv nhwc 3x3 8x56x56x32",
     CONV(NHWC, PAD1, "1", "8x56x56x32xf32", "3x3x32x32xf32", "8x56x56x32xf32")},
    {"conv nhwc by input 14x14x256",
     CONV("[b, 0, 1, f]x[0, 1, o, i]->[b, 0, 1, f]", PAD1 TURNED, "1", "8x14x14x256xf32",
          "3x3x256x256xf32", "8x14x14x256xf32")},
    {"conv nhwc 3x3 dilated",
     CONV(NHWC, ", padding = dense<2> : tensor<2x2xi64>, rhs_dilation = array<i64: 2, 2>", "1",
          "2x56x56x64xf32", "3x3x64x64xf32", "2x56x56x64xf32")},
    {"conv nhwc 3x3 bf16",
     CONV(NHWC, PAD1, "1", "8x56x56x64xbf16", "3x3x64x64xbf16", "8x56x56x64xbf16")},
    {"conv depthwise nhwc",
     CONV(NHWC, PAD1, "128", "8x56x56x128xf32", "3x3x1x128xf32", "8x56x56x128xf32")},
    {"conv depthwise nhwc 32",
     CONV(NHWC, PAD1, "32", "1x112x112x32xf32", "3x3x1x32xf32", "1x112x112x32xf32")},
    {"conv depthwise nhwc 5x5", CONV(NHWC, ", padding = dense<2> : tensor<2x2xi64>", "96",
                                     "4x28x28x96xf32", "5x5x1x96xf32", "4x28x28x96xf32")},
    {"conv depthwise nhwc /2",
     CONV(NHWC, STEP2 ", padding = dense<[[0, 1], [0, 1]]> : tensor<2x2xi64>", "144",
          "1x56x56x144xf32", "3x3x1x144xf32", "1x28x28x144xf32")},
    {"conv depthwise nchw",
     CONV(NCHW, PAD1, "128", "8x128x56x56xf32", "128x1x3x3xf32", "8x128x56x56xf32")},
    {"conv nchw 3x3 56x56x64",
     CONV(NCHW, PAD1, "1", "1x64x56x56xf32", "64x64x3x3xf32", "1x64x56x56xf32")},
    {"conv nchw 3x3 28x28x128",
     CONV(NCHW, PAD1, "1", "4x128x28x28xf32", "128x128x3x3xf32", "4x128x28x28xf32")},
    {"conv nchw 3x3 14x14x256",
     CONV(NCHW, PAD1, "1", "4x256x14x14xf32", "256x256x3x3xf32", "4x256x14x14xf32")},
    {"conv nchw 3x3 7x7x512",
     CONV(NCHW, PAD1, "1", "4x512x7x7xf32", "512x512x3x3xf32", "4x512x7x7xf32")},
    {"conv nchw 3x3 4x4x256",
     CONV(NCHW, PAD1, "1", "4x256x4x4xf32", "256x256x3x3xf32", "4x256x4x4xf32")},
    {"conv nchw 3x3 2x2x512",
     CONV(NCHW, PAD1, "1", "4x512x2x2xf32", "512x512x3x3xf32", "4x512x2x2xf32")},
    {"conv nchw 3x3/2 56x56x64",
     CONV(NCHW, PAD1 STEP2, "1", "4x64x56x56xf32", "128x64x3x3xf32", "4x128x28x28xf32")},
    {"conv nchw 3x3/2 14x14x256",
     CONV(NCHW, PAD1 STEP2, "1", "4x256x14x14xf32", "512x256x3x3xf32", "4x512x7x7xf32")},
    {"conv nchw 1x1 56x56x64",
     CONV(NCHW, "", "1", "4x64x56x56xf32", "256x64x1x1xf32", "4x256x56x56xf32")},
    {"conv nchw 1x1 14x14x1024",
     CONV(NCHW, "", "1", "4x1024x14x14xf32", "256x1024x1x1xf32", "4x256x14x14xf32")},
    {"conv nchw 1x1/2 56x56x256",
     CONV(NCHW, STEP2, "1", "4x256x56x56xf32", "512x256x1x1xf32", "4x512x28x28xf32")},
    {"conv nchw 7x7/2 224 rgb",
     CONV(NCHW, ", window_strides = array<i64: 2, 2>, padding = dense<3> : tensor<2x2xi64>", "1",
          "1x3x224x224xf32", "64x3x7x7xf32", "1x64x112x112xf32")},
    {"conv nchw by input 56x56x64", CONV("[b, f, 0, 1]x[i, o, 0, 1]->[b, f, 0, 1]", PAD1 TURNED,
                                         "1", "4x64x56x56xf32", "64x64x3x3xf32", "4x64x56x56xf32")},
    {"conv nchw by input 7x7x512", CONV("[b, f, 0, 1]x[i, o, 0, 1]->[b, f, 0, 1]", PAD1 TURNED, "1",
                                        "4x512x7x7xf32", "512x512x3x3xf32", "4x512x7x7xf32")},
    {"conv nchw by input /2", CONV("[b, f, 0, 1]x[i, o, 0, 1]->[b, f, 0, 1]",
                                   ", padding = dense<[[1, 2], [1, 2]]> : tensor<2x2xi64>, "
                                   "lhs_dilation = array<i64: 2, 2>" TURNED,
                                   "1", "4x128x28x28xf32", "128x64x3x3xf32", "4x64x56x56xf32")},
    {"conv nchw by window 56x56x64", CONV("[f, b, 0, 1]x[i, o, 0, 1]->[f, b, 0, 1]", PAD1, "1",
                                          "4x64x56x56xf32", "4x64x56x56xf32", "64x64x3x3xf32")},
    {"conv nchw by window 14x14x256",
     CONV("[f, b, 0, 1]x[i, o, 0, 1]->[f, b, 0, 1]", PAD1, "1", "4x256x14x14xf32",
          "4x256x14x14xf32", "256x256x3x3xf32")},
    {"conv nchw by window 7x7x512", CONV("[f, b, 0, 1]x[i, o, 0, 1]->[f, b, 0, 1]", PAD1, "1",
                                         "4x512x7x7xf32", "4x512x7x7xf32", "512x512x3x3xf32")},
    {"conv nchw by window 2x2x512", CONV("[f, b, 0, 1]x[i, o, 0, 1]->[f, b, 0, 1]", PAD1, "1",
                                         "4x512x2x2xf32", "4x512x2x2xf32", "512x512x3x3xf32")},
    {"conv nchw by window 1x1", CONV("[f, b, 0, 1]x[i, o, 0, 1]->[f, b, 0, 1]", "", "1",
                                     "4x64x56x56xf32", "4x256x56x56xf32", "256x64x1x1xf32")},
    {"conv grouped nchw 32",
     CONV(NCHW, PAD1, "32", "8x128x28x28xf32", "128x4x3x3xf32", "8x128x28x28xf32")},
    {"conv grouped nhwc 4",
     CONV(NHWC, PAD1, "4", "4x28x28x64xf32", "3x3x16x64xf32", "4x28x28x64xf32")},
    {"conv grouped nhwc 8",
     CONV(NHWC, PAD1, "8", "2x28x28x128xf32", "3x3x16x128xf32", "2x28x28x128xf32")},
    {"conv nhwc 4x4 transposed", CONV(NHWC,
                                      ", lhs_dilation = array<i64: 2, 2>, padding = dense<2> : "
                                      "tensor<2x2xi64>",
                                      "1", "1x28x28x64xf32", "4x4x64x64xf32", "1x56x56x64xf32")},
    {"conv nhwc 3x3/2 8x56x56x64",
     CONV(NHWC, STEP2 ", padding = dense<[[0, 1], [0, 1]]> : tensor<2x2xi64>", "1",
          "8x56x56x64xf32", "3x3x64x64xf32", "8x28x28x64xf32")},
    {"conv grouped nhwc 32",
     CONV(NHWC, PAD1, "32", "8x28x28x128xf32", "3x3x4x128xf32", "8x28x28x128xf32")},
    {"transpose 2048 f32", TRANSPOSE("1, 0", "2048x2048xf32", "2048x2048xf32")},
    {"transpose 2048 f64", TRANSPOSE("1, 0", "2048x2048xf64", "2048x2048xf64")},
    {"transpose 2048 bf16", TRANSPOSE("1, 0", "2048x2048xbf16", "2048x2048xbf16")},
    {"transpose heads", TRANSPOSE("0, 2, 1, 3", "2x512x12x64xf32", "2x12x512x64xf32")},
    {"transpose nchw to nhwc", TRANSPOSE("0, 2, 3, 1", "8x64x56x56xf32", "8x56x56x64xf32")},
    {"concatenate columns",
     ONE2("concatenate", "dimension = 1 : i64", "2048x512xf32", "2048x512xf32", "2048x1024xf32")},
    {"reverse rows",
     ONE1("reverse", "dimensions = array<i64: 1>", "2048x1024xf32", "2048x1024xf32")},
    {"slice strided",
     ONE1("slice",
          "start_indices = array<i64: 0, 0>, limit_indices = array<i64: 2048, 2048>, strides = "
          "array<i64: 1, 2>",
          "2048x2048xf32", "2048x1024xf32")},
    {"pad 1 nhwc", "func.func @main(%a: tensor<8x56x56x64xf32>, %v: tensor<f32>) -> "
                   "tensor<8x58x58x64xf32> {\n  %r = "
                   "\"stablehlo.pad\"(%a, %v) <{edge_padding_low = array<i64: 0, 1, 1, 0>, "
                   "edge_padding_high = array<i64: 0, "
                   "1, 1, 0>, interior_padding = array<i64: 0, 0, 0, 0>}> : "
                   "(tensor<8x56x56x64xf32>, tensor<f32>) -> "
                   "tensor<8x58x58x64xf32>\n  return %r : tensor<8x58x58x64xf32>\n}\n"},
    {"gather 8192 rows of 256",
     ONE2("gather",
          "dimension_numbers = #stablehlo.gather<offset_dims = [1], "
          "collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 1>, "
          "slice_sizes = array<i64: 1, 256>",
          "10000x256xf32", "8192x1xi32", "8192x256xf32")},
    {"gather 1Mi elements",
     ONE2("gather",
          "dimension_numbers = #stablehlo.gather<collapsed_slice_dims = [0], "
          "start_index_map = [0], index_vector_dim = 1>, slice_sizes = array<i64: 1>",
          "10000xf32", "1048576x1xi32", "1048576xf32")},
    {"scatter add 100000 rows", SCATTER(ROWS, "%c", "10000x64", "100000x1", "100000x64", "f32")},
    {"scatter set 100000 rows", SCATTER(ROWS, "%b", "10000x64", "100000x1", "100000x64", "f32")},
    {"scatter add 1Mi elements", SCATTER(SINGLES, "%c", "10000", "1048576x1", "1048576", "f32")},
    {"sort 1Mi f32", SORT("0", "1048576", "f32", FLOAT_LESS)},
    {"sort 1Mi i32", SORT("0", "1048576", "i32", INT_LESS("i32"))},
    {"sort 1Mi i64", SORT("0", "1048576", "i64", INT_LESS("i64"))},
    {"sort rows 2048x512 f32", SORT("1", "2048x512", "f32", FLOAT_LESS)},
    {"sort rows 16384x64 f32", SORT("1", "16384x64", "f32", FLOAT_LESS)},
    {"sort columns 1024x1024 f32", SORT("0", "1024x1024", "f32", FLOAT_LESS)},
    {"argsort 1Mi f32", SORT2("0", "1048576", "f32", FLOAT_LESS)},
    {"argsort rows 2048x512 f32", SORT2("1", "2048x512", "f32", FLOAT_LESS)},
    {"cumsum 1Mi", WINDOW("add", "0.0", "1048576", "1", "[[1048575, 0]]> : tensor<1x2xi64", "f32",
                          "1048576", "1048576")},
    {"cummax 1Mi", WINDOW("maximum", "0xFF800000", "1048576", "1",
                          "[[1048575, 0]]> : tensor<1x2xi64", "f32", "1048576", "1048576")},
    {"cumsum rows 2048x512",
     WINDOW("add", "0.0", "1, 512", "1, 1", "[[0, 0], [511, 0]]> : tensor<2x2xi64", "f32",
            "2048x512", "2048x512")},
    {"cumsum columns 2048x512",
     WINDOW("add", "0.0", "2048, 1", "1, 1", "[[2047, 0], [0, 0]]> : tensor<2x2xi64", "f32",
            "2048x512", "2048x512")},
    {"max pool nhwc 8x112x112x64", WINDOW("maximum", "0xFF800000", "1, 3, 3, 1", "1, 2, 2, 1",
                                          "[[0, 0], [0, 1], [0, 1], [0, 0]]> : tensor<4x2xi64",
                                          "f32", "8x112x112x64", "8x56x56x64")},
    {"max pool nhwc 8x56x56x64", WINDOW("maximum", "0xFF800000", "1, 3, 3, 1", "1, 2, 2, 1",
                                        "[[0, 0], [0, 1], [0, 1], [0, 0]]> : tensor<4x2xi64", "f32",
                                        "8x56x56x64", "8x28x28x64")},
    {"max pool nchw 8x64x56x56", WINDOW("maximum", "0xFF800000", "1, 1, 3, 3", "1, 1, 2, 2",
                                        "[[0, 0], [0, 0], [0, 1], [0, 1]]> : tensor<4x2xi64", "f32",
                                        "8x64x56x56", "8x64x28x28")},
    {"max pool nchw 8x64x112x112", WINDOW("maximum", "0xFF800000", "1, 1, 3, 3", "1, 1, 2, 2",
                                          "[[0, 0], [0, 0], [0, 1], [0, 1]]> : tensor<4x2xi64",
                                          "f32", "8x64x112x112", "8x64x56x56")},
    {"max pool gradient nhwc",
     "func.func @main(%x: tensor<8x112x112x64xf32>, %s: tensor<8x56x56x64xf32>, %i: tensor<f32>) "
     "-> "
     "tensor<8x112x112x64xf32> {\n  %r = \"stablehlo.select_and_scatter\"(%x, %s, %i) <{"
     "window_dimensions = array<i64: 1, 3, 3, 1>, window_strides = array<i64: 1, 2, 2, 1>, padding "
     "= "
     "dense<[[0, 0], [0, 1], [0, 1], [0, 0]]> : tensor<4x2xi64>}> ({\n  ^bb0(%a: tensor<f32>, %b: "
     "tensor<f32>):\n    %c = stablehlo.compare GE, %a, %b : (tensor<f32>, tensor<f32>) -> "
     "tensor<i1>\n"
     "    stablehlo.return %c : tensor<i1>\n  }, {\n  ^bb0(%a: tensor<f32>, %b: tensor<f32>):\n    "
     "%c = "
     "stablehlo.add %a, %b : tensor<f32>\n    stablehlo.return %c : tensor<f32>\n  }) : "
     "(tensor<8x112x112x64xf32>, tensor<8x56x56x64xf32>, tensor<f32>) -> tensor<8x112x112x64xf32>\n"
     "  return %r : tensor<8x112x112x64xf32>\n}\n"},
    {"fft 1Mi c64",
     ONE1("fft", "fft_type = #stablehlo<fft_type FFT>, fft_length = array<i64: 1048576>",
          "1048576xcomplex<f32>", "1048576xcomplex<f32>")},
    {"fft 1024x1024 c64",
     ONE1("fft", "fft_type = #stablehlo<fft_type FFT>, fft_length = array<i64: 1024>",
          "1024x1024xcomplex<f32>", "1024x1024xcomplex<f32>")},
    {"fft2 1024x1024 c64",
     ONE1("fft", "fft_type = #stablehlo<fft_type FFT>, fft_length = array<i64: 1024, 1024>",
          "1024x1024xcomplex<f32>", "1024x1024xcomplex<f32>")},
    {"rfft 1024x1024 f32",
     ONE1("fft", "fft_type = #stablehlo<fft_type RFFT>, fft_length = array<i64: 1024>",
          "1024x1024xf32", "1024x513xcomplex<f32>")},
    {"fft 1000x1000 c128",
     ONE1("fft", "fft_type = #stablehlo<fft_type FFT>, fft_length = array<i64: 1000>",
          "1000x1000xcomplex<f64>", "1000x1000xcomplex<f64>")},
    {"cholesky 512", ONE1("cholesky", "lower = true", "512x512xf32", "512x512xf32")},
    {"cholesky 10000x4", ONE1("cholesky", "lower = true", "10000x4x4xf32", "10000x4x4xf32")},
    {"triangular_solve 512",
     ONE2("triangular_solve",
          "left_side = true, lower = true, unit_diagonal = true, transpose_a = "
          "#stablehlo<transpose NO_TRANSPOSE>",
          "512x512xf32", "512x512xf32", "512x512xf32")},
    {"random threefry 4Mi",
     "func.func @main(%s: tensor<2xui64>) -> (tensor<2xui64>, tensor<4194304xui32>) {\n  %r:2 = "
     "\"stablehlo.rng_bit_generator\"(%s) <{rng_algorithm = #stablehlo<rng_algorithm THREE_FRY>}> "
     ": "
     "(tensor<2xui64>) -> (tensor<2xui64>, tensor<4194304xui32>)\n  return %r#0, %r#1 : "
     "tensor<2xui64>, "
     "tensor<4194304xui32>\n}\n"},
    {"random philox 4Mi",
     "func.func @main(%s: tensor<2xui64>) -> (tensor<2xui64>, tensor<4194304xui32>) {\n  %r:2 = "
     "\"stablehlo.rng_bit_generator\"(%s) <{rng_algorithm = #stablehlo<rng_algorithm PHILOX>}> : "
     "(tensor<2xui64>) -> (tensor<2xui64>, tensor<4194304xui32>)\n  return %r#0, %r#1 : "
     "tensor<2xui64>, "
     "tensor<4194304xui32>\n}\n"},
    {"top 50 of 64x50257",
     "func.func @main(%x: tensor<64x50257xf32>) -> (tensor<64x50xf32>, tensor<64x50xi32>) {\n"
     "  %v, %i = chlo.top_k(%x, k = 50) : tensor<64x50257xf32> -> (tensor<64x50xf32>, "
     "tensor<64x50xi32>)\n  return %v, %i : tensor<64x50xf32>, tensor<64x50xi32>\n}\n"},
};

// With one thread the processor's time counts, which other programs disturb less.
static clockid_t clock_id = CLOCK_MONOTONIC;

static double now_us(void) {
  struct timespec t;
  clock_gettime(clock_id, &t);
  return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int by_value(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static void die(PjStatus status, const char *what) {
  if (!status)
    return;
  fprintf(stderr, "%s: %s\n", what, pj_status_message(status));
  exit(1);
}

static void fill(PjTensor *tensor) {
  static uint64_t state = 88172645463325252u;
  const PjDtype part = pj_dtype_part(tensor->dtype);
  const size_t elem = pj_dtype_bytes(part);
  for (size_t at = 0; at < tensor->bytes; at += elem) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    char *to = (char *)tensor->data + at;
    if (pj_dtype_is_float(part))
      pj_double_encode(part, (double)(state >> 11) * 0x1p-52 - 1, to);
    else
      pj_int_encode(part, tensor->rank == 0 ? 0 : (int64_t)(state >> 32) % (elem < 4 ? 100 : 10000),
                    to);
  }
}

typedef struct Bench {
  const Case *c;
  PjArena *arena;
  PjThreads *threads;
  bool evaluator;
} Bench;

enum { MOST = 16, RUNS = 2000 };

static PjStatus bench(void *context) {
  Bench *b = context;
  PjModule *module;
  PJ_TRY(pj_import(b->arena, b->c->text, strlen(b->c->text), &module));
  const PjOp *entry = pj_module_entry(module), *op = NULL;
  const PjRoutine *r = NULL;
  for (const PjOp *at = entry->regions[0].first; at; at = at->next)
    if (at->num_operands && (r = pj_routine_select(b->arena, at))) {
      op = at;
      break;
    }
  PJ_FAIL_IF(!r, NOT_FOUND, "no routine");
  PjTensor *out[MOST];
  const void *in_data[MOST];
  void *out_data[MOST];
  const PjRegion *body = &entry->regions[0];
  PjTensor *args[MOST];
  for (uint32_t i = 0; i < body->num_args; ++i) {
    const PjType *type = body->args[i].type;
    args[i] = pj_tensor_new(type->dtype, type->rank, type->dims);
    fill(args[i]);
  }
  for (uint32_t i = 0; i < op->num_operands; ++i) {
    const PjOp *def = op->operands[i]->def;
    in_data[i] = def ? PJ_ATTR(def, value)->data : args[op->operands[i]->index]->data;
  }
  for (uint32_t i = 0; i < op->num_results; ++i) {
    const PjType *type = op->results[i].type;
    out[i] = pj_tensor_new(type->dtype, type->rank, type->dims);
    out_data[i] = out[i]->data;
    memset(out_data[i], 0, out[i]->bytes);
  }
  const size_t scratch_bytes = pj_routine_scratch(r, b->threads);
  void *scratch = pj_malloc_aligned(scratch_bytes, 64);
  memset(scratch, 0, scratch_bytes);
  static double times[RUNS], theirs[RUNS];
  PjProgram *program = NULL;
  if (b->evaluator)
    PJ_TRY(pj_program_create(module, &program));
  int runs = 0;
  const double begin = now_us();
  for (; runs < RUNS && (runs < 5 || now_us() - begin < 400e3); ++runs) {
    double start = now_us();
    PJ_TRY(r->run(r, b->threads, in_data, out_data, scratch));
    times[runs] = now_us() - start;
    if (!program)
      continue;
    PjTensor *results[MOST];
    start = now_us();
    PJ_TRY(pj_program_run(program, NULL, body->num_args, args, NULL, op->num_results, results));
    theirs[runs] = now_us() - start;
    for (uint32_t j = 0; j < op->num_results; ++j)
      pj_tensor_release(results[j]);
  }
  qsort(times, (size_t)runs, sizeof *times, by_value);
  printf("%-28s %-14s %10.1f %10.1f", b->c->name, r->name, times[0], times[runs / 2]);
  if (r->flops > 0)
    printf("  %7.1f GFLOP/s", r->flops / times[0] / 1e3);
  if (r->bytes > 0)
    printf("  %6.1f GB/s", r->bytes / times[0] / 1e3);
  printf("  %zu KiB", scratch_bytes >> 10);
  if (program) {
    qsort(theirs, (size_t)runs, sizeof *theirs, by_value);
    printf("  evaluator %10.1f %10.1f", theirs[0], theirs[runs / 2]);
  }
  printf("\n");
  fflush(stdout);
  pj_free_aligned(scratch);
  for (uint32_t i = 0; i < body->num_args; ++i)
    pj_tensor_release(args[i]);
  for (uint32_t i = 0; i < op->num_results; ++i)
    pj_tensor_release(out[i]);
  return PJ_STATUS_OK;
}

int main(int argc, char **argv) {
  const char *filter = argc > 1 ? argv[1] : "";
  Bench b = {.evaluator = argc > 3};
  die(pj_threads_create(argc > 2 ? atoi(argv[2]) : 0, &b.threads), "threads");
  if (pj_threads_count(b.threads) == 1)
    clock_id = CLOCK_THREAD_CPUTIME_ID;
  printf("%-28s %-14s %10s %10s  (%d threads)\n", "case", "routine", "best us", "median us",
         pj_threads_count(b.threads));
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    if (!strstr(cases[i].name, filter))
      continue;
    b.c = &cases[i];
    die(pj_arena_create(0, &b.arena), "arena");
    die(pj_arena_guard(b.arena, bench, &b), cases[i].name);
    pj_arena_destroy(b.arena);
  }
  pj_threads_destroy(b.threads);
  return 0;
}
