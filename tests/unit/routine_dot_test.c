// dot_general by routine and by evaluator, over types, dimension numbers and sizes.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/cpu.h"
#include "contraction_support.h"
#include "eval/float.h"
#include "routine_support.h"

typedef struct Axes {
  int64_t size;
  int group; // 0 batch, 1 rows, 2 columns, 3 sum
} Axes;

// A random arrangement: up to |most| dimensions in each group, in any order.
static void check_mixed(PjDtype lhs, PjDtype rhs, PjDtype out, const int64_t sizes[4], bool split,
                        bool special) {
  const PjDtype in[2] = {lhs, rhs};
  int64_t dims[2][PJ_MAX_RANK], lists[4][PJ_MAX_RANK], result[PJ_MAX_RANK];
  int32_t rank[2] = {0, 0}, counts[4] = {0}, result_rank = 0;
  Axes axes[2][PJ_MAX_RANK];
  int64_t parts[4][2];
  for (int g = 0; g < 4; ++g) {
    parts[g][0] = sizes[g];
    parts[g][1] = 1;
    if (split)
      for (int64_t f = 2; f < 6; ++f)
        if (sizes[g] % f == 0 && random_int(0, 1)) {
          parts[g][0] = sizes[g] / f;
          parts[g][1] = f;
        }
  }
  for (int side = 0; side < 2; ++side)
    for (int g = 0; g < 4; ++g)
      for (int i = 0; i < 2; ++i) {
        if (g == (side ? 1 : 2) || (i == 1 && parts[g][1] == 1) || (g == 0 && sizes[0] == 1))
          continue;
        axes[side][rank[side]++] = (Axes){parts[g][i], g * 2 + i};
      }
  for (int side = 0; side < 2; ++side)
    for (int32_t i = rank[side] - 1; i > 0 && split; --i) { // shuffle
      const int32_t j = (int32_t)random_int(0, i);
      const Axes t = axes[side][i];
      axes[side][i] = axes[side][j];
      axes[side][j] = t;
    }
  // Batch and sum dimensions pair up by their name; the lists are in the order of the lhs.
  for (int32_t i = 0; i < rank[0]; ++i) {
    const int g = axes[0][i].group / 2;
    dims[0][i] = axes[0][i].size;
    if (g != 0 && g != 3)
      continue;
    const int at = g == 3;
    lists[at][counts[at]] = i;
    for (int32_t j = 0; j < rank[1]; ++j)
      if (axes[1][j].group == axes[0][i].group)
        lists[2 + at][counts[at]] = j;
    ++counts[at];
    if (g == 0)
      result[result_rank++] = axes[0][i].size;
  }
  for (int side = 0; side < 2; ++side)
    for (int32_t i = 0; i < rank[side]; ++i) {
      dims[side][i] = axes[side][i].size;
      if (axes[side][i].group / 2 == (side ? 2 : 1))
        result[result_rank++] = axes[side][i].size;
    }
  text_start();
  text_add("func.func @main(%%a: ");
  text_type(in[0], rank[0], dims[0]);
  text_add(", %%b: ");
  text_type(in[1], rank[1], dims[1]);
  text_add(") -> ");
  text_type(out, result_rank, result);
  text_add(
      " {\n  %%r = \"stablehlo.dot_general\"(%%a, %%b) <{dot_dimension_numbers = #stablehlo.dot<"
      "lhs_batching_dimensions = [");
  text_list(counts[0], lists[0]);
  text_add("], rhs_batching_dimensions = [");
  text_list(counts[0], lists[2]);
  text_add("], lhs_contracting_dimensions = [");
  text_list(counts[1], lists[1]);
  text_add("], rhs_contracting_dimensions = [");
  text_list(counts[1], lists[3]);
  text_add("]>}> : (");
  text_type(in[0], rank[0], dims[0]);
  text_add(", ");
  text_type(in[1], rank[1], dims[1]);
  text_add(") -> ");
  text_type(out, result_rank, result);
  text_add("\n  return %%r : ");
  text_type(out, result_rank, result);
  text_add("\n}\n");
  PjTensor *inputs[2];
  for (int side = 0; side < 2; ++side)
    inputs[side] = random_tensor(in[side], rank[side], dims[side], special);
  check_routine(text_get(), PJ_OP_DOT_GENERAL, 2, inputs, MATCH_SUM, 2 * (double)(sizes[3] + 4));
  for (int side = 0; side < 2; ++side)
    pj_tensor_release(inputs[side]);
}

static void check(PjDtype in, PjDtype out, const int64_t sizes[4], bool split, bool special) {
  check_mixed(in, in, out, sizes, split, special);
}

static const PjDtype types[][2] = {
    {PJ_DT_F32, PJ_DT_F32},   {PJ_DT_F64, PJ_DT_F64},      {PJ_DT_C64, PJ_DT_C64},
    {PJ_DT_C128, PJ_DT_C128}, {PJ_DT_BF16, PJ_DT_BF16},    {PJ_DT_F16, PJ_DT_F16},
    {PJ_DT_BF16, PJ_DT_F32},  {PJ_DT_S32, PJ_DT_S32},      {PJ_DT_S8, PJ_DT_S8},
    {PJ_DT_S8, PJ_DT_S32},    {PJ_DT_U8, PJ_DT_U32},       {PJ_DT_S16, PJ_DT_S16},
    {PJ_DT_S16, PJ_DT_S32},   {PJ_DT_S64, PJ_DT_S64},      {PJ_DT_PRED, PJ_DT_PRED},
    {PJ_DT_S4, PJ_DT_S32},    {PJ_DT_F8E4M3FN, PJ_DT_F32}, {PJ_DT_F8E5M2, PJ_DT_F8E5M2},
};

static void every_type(void **state) {
  (void)state;
  for (size_t t = 0; t < sizeof types / sizeof *types; ++t)
    for (int round = 0; round < 30; ++round) {
      int64_t sizes[4];
      for (int g = 0; g < 4; ++g)
        sizes[g] = round % 5 == g ? random_int(0, 1) : random_int(1, round < 15 ? 12 : 40);
      if (round % 4)
        sizes[0] = round % 4 == 1 ? 1 : random_int(1, 4);
      // Which of its products of infinities make a complex number NaN is open.
      check(types[t][0], types[t][1], sizes, round % 2,
            round % 3 == 0 && !pj_dtype_is_complex(types[t][0]));
    }
}

static void vectors(void **state) {
  (void)state;
  for (size_t t = 0; t < 13; ++t)
    for (int round = 0; round < 12; ++round) {
      int64_t sizes[4] = {round % 3 ? 1 : 3, 1, random_int(1, 600), random_int(1, 200)};
      if (round % 2) {
        sizes[1] = sizes[2];
        sizes[2] = 1;
      }
      check(types[t][0], types[t][1], sizes, round > 5, false);
    }
}

// A vector by lines of a matrix in pieces: several of a long sum, several blocks of long lines, one
// of each.
static void vectors_in_pieces(void **state) {
  (void)state;
  for (size_t t = 0; t < 13; ++t)
    for (int round = 0; round < 4; ++round) {
      const bool lines = round % 2, sums = round / 2;
      const int64_t sizes[4] = {1, 1, lines ? random_int(2100, 5000) : random_int(1, 40),
                                sums ? random_int(513, 2600) : random_int(1, 40)};
      if (sizes[2] * sizes[3] < 1 << 20)
        check(types[t][0], types[t][1], sizes, false, false);
      else if (t == 0)
        check(types[t][0], types[t][1], (int64_t[]){1, 1, 4200, 520}, false, false);
    }
}

// Floats by a matrix with its columns side by side, as both lie: rows and columns left over from
// tiles of each size, sums of one block and of several, rows and columns shared out, a matrix so
// large that it is read by lines, and pieces of the sum.
static void as_they_lie(void **state) {
  (void)state;
  // Without fused multiply-adds a product can be infinite where the sum is not.
#ifdef __SANITIZE_ADDRESS__
  const bool special = false;
#else
  const bool special = pj_cpu_has(PJ_CPU_AVX2);
#endif
  for (int64_t rows = 2; rows <= 130; rows += rows < 25 ? 1 : random_int(1, 30))
    for (int t = 0; t < 2; ++t) {
      const PjDtype dtype = t ? PJ_DT_F64 : PJ_DT_F32;
      const int64_t narrow[] = {random_int(1, 2), rows, random_int(2, 17), random_int(1, 700)},
                    near[] = {random_int(1, 2), rows, random_int(8, 120), random_int(60, 600)},
                    far[] = {1, rows, random_int(600, 700), random_int(100, 130)},
                    pieces[] = {1, rows, random_int(150, 300), random_int(500, 800)};
      check(dtype, dtype, narrow, rows % 2, special && rows % 3 == 1);
      check(dtype, dtype, near, rows % 2, special && rows % 3 == 0);
      if (rows % 4 == 1)
        check(dtype, dtype, far, false, special && rows % 3 == 0);
      if (rows <= 4)
        check(dtype, dtype, pieces, false, special && rows == 3);
    }
  static const int64_t many[][4] = {
      {1, 1000, 3, 3}, {1, 700, 50, 1}, {1, 333, 97, 65}, {1, 170, 300, 530}, {2, 101, 49, 257}};
  for (size_t i = 0; i < sizeof many / sizeof *many; ++i) {
    check(PJ_DT_F32, PJ_DT_F32, many[i], false, special && i % 2);
    check(PJ_DT_F64, PJ_DT_F64, many[i], i % 2, false);
  }
  static const int64_t lines[] = {1, 3, 2100, 1030};
  check(PJ_DT_F32, PJ_DT_F32, lines, false, special);
}

// [m, k] x [k, n], with |sizes| m, n and k, of numbers whose sums show their order.
static void check_plain(PjDtype dtype, const int64_t sizes[3]) {
  const int64_t dims[3][2] = {{sizes[0], sizes[2]}, {sizes[2], sizes[1]}, {sizes[0], sizes[1]}};
  text_start();
  text_add("func.func @main(%%a: ");
  text_type(dtype, 2, dims[0]);
  text_add(", %%b: ");
  text_type(dtype, 2, dims[1]);
  text_add(") -> ");
  text_type(dtype, 2, dims[2]);
  text_add(" {\n  %%r = stablehlo.dot_general %%a, %%b, contracting_dims = [1] x [0] : (");
  text_type(dtype, 2, dims[0]);
  text_add(", ");
  text_type(dtype, 2, dims[1]);
  text_add(") -> ");
  text_type(dtype, 2, dims[2]);
  text_add("\n  return %%r : ");
  text_type(dtype, 2, dims[2]);
  text_add("\n}\n");
  PjTensor *inputs[] = {random_tensor(dtype, 2, dims[0], false),
                        random_tensor(dtype, 2, dims[1], false)};
  for (int side = 0; side < 2; ++side)
    for (int64_t i = 0; i < inputs[side]->count; ++i) {
      char *at = (char *)inputs[side]->data + (size_t)i * pj_dtype_bytes(dtype);
      pj_double_encode(dtype, pj_double_decode(dtype, at) / 3, at);
    }
  check_routine(text_get(), PJ_OP_DOT_GENERAL, 2, inputs, MATCH_SUM, 2 * (double)(sizes[2] + 4));
  for (int side = 0; side < 2; ++side)
    pj_tensor_release(inputs[side]);
}

// The same as they lie in most programs: vectors of columns as threes and twos, few rows by lines
// so long that parts of them are shared out, which must not show in their sums.
static void rows_by_columns(void **state) {
  (void)state;
  static const int64_t sizes[][3] = {{120, 64, 513}, {100, 85, 1040}, {5, 32, 70},   {9, 40, 300},
                                     {130, 300, 60}, {3, 4200, 520},  {2, 2300, 470}};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; ++i) {
    check_plain(PJ_DT_F32, sizes[i]);
    check_plain(PJ_DT_F64, sizes[i]);
  }
}

// Sums that lie together in pieces (patches): ends of blocks within pieces, several blocks.
static void pieces(void **state) {
  (void)state;
  static const int64_t sizes[][5] = {
      // rows, columns, and of the sum pieces, their length; rows that lie between two pieces
      {25, 40, 4, 16, 3},
      {60, 33, 9, 24, 2},
      {13, 100, 41, 17, 5},
      {30, 12, 3, 700, 2}};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; ++i)
    for (int wide = 0; wide < 2; ++wide) {
      const int64_t *n = sizes[i], a[4] = {n[0], n[2], n[4], n[3]}, b[3] = {n[2], n[3], n[1]},
                    c[3] = {n[0], n[4], n[1]};
      const PjDtype dtype = wide ? PJ_DT_F64 : PJ_DT_F32;
      text_start();
      text_add("func.func @main(%%a: ");
      text_type(dtype, 4, a);
      text_add(", %%b: ");
      text_type(dtype, 3, b);
      text_add(") -> ");
      text_type(dtype, 3, c);
      text_add(
          " {\n  %%r = stablehlo.dot_general %%a, %%b, contracting_dims = [1, 3] x [0, 1] : (");
      text_type(dtype, 4, a);
      text_add(", ");
      text_type(dtype, 3, b);
      text_add(") -> ");
      text_type(dtype, 3, c);
      text_add("\n  return %%r : ");
      text_type(dtype, 3, c);
      text_add("\n}\n");
      PjTensor *inputs[] = {random_tensor(dtype, 4, a, false), random_tensor(dtype, 3, b, false)};
      check_routine(text_get(), PJ_OP_DOT_GENERAL, 2, inputs, MATCH_SUM,
                    2 * (double)(n[2] * n[3] + 4));
      for (int side = 0; side < 2; ++side)
        pj_tensor_release(inputs[side]);
    }
}

// Sizes around the edges of tiles, blocks and tasks, for each way to share the work.
static void blocks(void **state) {
  (void)state;
  static const int64_t sizes[][4] = {{1, 97, 129, 300}, {1, 200, 100, 520}, {1, 193, 300, 513},
                                     {20, 65, 33, 64},  {3, 200, 70, 90},   {1, 300, 5, 200},
                                     {1, 5, 300, 200},  {18, 200, 16, 530}, {1, 100, 17, 2049}};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; ++i)
    for (size_t t = 0; t < 13; ++t)
      check(types[t][0], types[t][1], sizes[i], t % 2, false);
}

// Some rows by a matrix that no cache holds, which is read line by line.
static void long_lines(void **state) {
  (void)state;
  static const int64_t one[] = {1, 7, 2100, 1030}, two[] = {1, 7, 1100, 1030};
  check(PJ_DT_F32, PJ_DT_F32, one, false, false);
  check(PJ_DT_F64, PJ_DT_F64, two, false, false);
}

// Every height of the last tile: of packed rows, of rows that are read as they lie (few columns),
// with columns at the edge, and with sums in several blocks.
static void heights(void **state) {
  (void)state;
  static const int64_t columns[] = {40, 160, 288};
  for (int64_t rows = 67; rows < 80; ++rows)
    for (size_t i = 0; i < sizeof columns / sizeof *columns; ++i)
      for (int t = 0; t < 2; ++t) {
        const PjDtype dtype = t ? PJ_DT_F64 : PJ_DT_F32;
        const int64_t one[] = {1, rows, columns[i], 40 + rows},
                      several[] = {1, rows, columns[i], 700 + rows};
        check(dtype, dtype, one, rows % 2, false);
        if (rows % 4 == (int64_t)i)
          check(dtype, dtype, several, false, false);
      }
}

// Integers of both signs and widths, which are multiplied in groups of neighbours where both sides
// allow it.
static void mixed_integers(void **state) {
  (void)state;
  static const PjDtype narrow[] = {PJ_DT_S8, PJ_DT_U8, PJ_DT_S16};
  for (int round = 0; round < 36; ++round) {
    const int64_t sizes[4] = {1 + round % 2, random_int(9, 120), random_int(9, 120),
                              random_int(9, 1300)};
    check_mixed(narrow[round % 3], narrow[round / 3 % 3], PJ_DT_S32, sizes, round > 17, false);
  }
}

// Products and sums that are subnormal numbers, all of them exact, beside ones that are not small:
// no processor's instruction for bf16 may take them for zero, nor one that makes bf16 of them.
static void check_subnormal(int64_t m, int64_t n, PjDtype out) {
  enum { K = 33 };
  const int64_t dims[2][2] = {{m, K}, {K, n}}, result[] = {m, n};
  PjTensor *inputs[2];
  for (int side = 0; side < 2; ++side) {
    inputs[side] = random_tensor(PJ_DT_BF16, 2, dims[side], false);
    for (int64_t i = 0; i < inputs[side]->count; ++i) {
      const int64_t column = i % dims[side][1];
      const double size = side && column >= n / 2 ? 0x1p60
                          : side                  ? 0x1p-70
                                                  : 0x1p-71,
                   one = (1 + 0.5 * (double)random_int(0, 1)) * (double)(random_int(0, 2) - 1);
      pj_double_encode(PJ_DT_BF16, one * size, (char *)inputs[side]->data + i * 2);
    }
  }
  text_start();
  text_add("func.func @main(%%a: ");
  text_type(PJ_DT_BF16, 2, dims[0]);
  text_add(", %%b: ");
  text_type(PJ_DT_BF16, 2, dims[1]);
  text_add(") -> ");
  text_type(out, 2, result);
  text_add(" {\n  %%r = stablehlo.dot_general %%a, %%b, contracting_dims = [1] x [0] : (");
  text_type(PJ_DT_BF16, 2, dims[0]);
  text_add(", ");
  text_type(PJ_DT_BF16, 2, dims[1]);
  text_add(") -> ");
  text_type(out, 2, result);
  text_add("\n  return %%r : ");
  text_type(out, 2, result);
  text_add("\n}\n");
  check_routine(text_get(), PJ_OP_DOT_GENERAL, 2, inputs, MATCH_BITS, 0);
  for (int side = 0; side < 2; ++side)
    pj_tensor_release(inputs[side]);
}

static void subnormal_sums(void **state) {
  (void)state;
  static const int64_t rows[] = {3, 7, 40, 130}, columns[] = {2, 5, 13, 70};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i)
    for (size_t j = 0; j < sizeof columns / sizeof *columns; ++j)
      check_subnormal(rows[i], columns[j], (i + j) % 2 ? PJ_DT_F32 : PJ_DT_BF16);
}

// A few rows of bf16 and of bytes, by whole vectors of columns and by others, in one part and in
// several, with sums that end within a group.
static void few_rows_of_groups(void **state) {
  (void)state;
  for (int64_t rows = 2; rows <= 50; rows += rows < 18 ? 1 : 5) {
    const bool special = rows % 4 == 3; // of which sums depend on their order, but for these
    const int64_t whole[4] = {1 + rows % 2, rows, 64 * random_int(1, 9),
                              4 * random_int(special ? 150 : 15, 170)},
                  other[4] = {1 + rows % 2, rows, random_int(2, 700),
                              special ? 1 : random_int(1, 300)};
    for (int t = 0; t < 2; ++t) {
      const int64_t *sizes = t ? other : whole;
      check(PJ_DT_BF16, rows % 3 ? PJ_DT_BF16 : PJ_DT_F32, sizes, false, special);
      check_mixed(rows % 5 ? PJ_DT_S8 : PJ_DT_U8, PJ_DT_S8, PJ_DT_S32, sizes, false, false);
    }
  }
}

// Rows of bytes or bf16 as they lie by one sliver of columns and by several, of each width, with
// rows left over from tiles of each height and sums that end within a group; columns that leave the
// second cache.
static void rows_by_slivers(void **state) {
  (void)state;
  for (int64_t columns = 2; columns <= 140; columns += columns < 36 ? 1 : random_int(1, 20)) {
    const bool special = columns % 4 == 3, split = columns % 4 == 1;
    const int64_t sizes[4] = {1 + columns % 3 / 2, random_int(24, 230), columns,
                              special       ? 1
                              : columns % 2 ? random_int(1, 20)
                                            : random_int(1, 300)};
    check(PJ_DT_BF16, columns % 3 ? PJ_DT_BF16 : PJ_DT_F32, sizes, split, special);
    check_mixed(columns % 5 ? PJ_DT_S8 : PJ_DT_U8, PJ_DT_S8, PJ_DT_S32, sizes, split, false);
  }
  static const int64_t far[4] = {1, 1003, 230, 1201};
  check(PJ_DT_BF16, PJ_DT_F32, far, false, false);
}

// Rows of bytes or bf16 by a few columns, or the other way round.
static void rows_of_groups(void **state) {
  (void)state;
  static const int64_t sums[] = {1, 3, 31, 32, 33, 63, 64, 65, 200, 1000, 9000};
  for (int round = 0; round < 99; ++round) {
    int64_t sizes[4] = {1 + round % 3, random_int(1, 150), random_int(1, 9), sums[round % 11]};
    const bool swapped = round % 2, split = round > 60;
    if (swapped) {
      sizes[2] = sizes[1];
      sizes[1] = random_int(1, 9);
    }
    const PjDtype rows = round % 5 ? PJ_DT_S8 : PJ_DT_U8;
    check_mixed(swapped ? PJ_DT_S8 : rows, swapped ? rows : PJ_DT_S8, PJ_DT_S32, sizes, split,
                false);
    check(PJ_DT_BF16, round % 3 ? PJ_DT_BF16 : PJ_DT_F32, sizes, split, sizes[3] == 1);
  }
}

// Short sums of bf16, tiles of which are converted one by one, with columns left over.
static void short_sums(void **state) {
  (void)state;
  for (int64_t sums = 1; sums < 40; sums += random_int(1, 4)) {
    const int64_t sizes[4] = {1 + sums % 2, random_int(13, 500), random_int(2, 80), sums};
    check(PJ_DT_BF16, PJ_DT_BF16, sizes, sums % 3 == 0, sums == 1);
    check(PJ_DT_S8, PJ_DT_S32, sizes, sums % 3 == 0, false);
  }
}

// f16 is converted by whole vectors, halves of them and one by one, piece by piece of long sums.
static void runs_of_f16(void **state) {
  (void)state;
  for (int64_t sums = 1; sums < 150; sums += sums < 34 ? 1 : random_int(7, 15)) {
    const int64_t sizes[4] = {1, random_int(13, 60), random_int(9, 150), sums};
    check(PJ_DT_F16, PJ_DT_F16, sizes, false, sums == 1);
  }
}

// By a matrix that the program says, which is packed once.
static void constant_matrices(void **state) {
  (void)state;
  static const PjDtype in[] = {PJ_DT_BF16, PJ_DT_S8, PJ_DT_F16};
  static const int64_t rows[] = {1, 2, 6, 13, 40, 300};
  for (int t = 0; t < 3; ++t)
    for (size_t r = 0; r < sizeof rows / sizeof *rows; ++r) {
      const PjDtype out = t == 1 ? PJ_DT_S32 : in[t];
      const int64_t k = random_int(20, 40), n = random_int(9, 70), a[] = {rows[r], k}, b[] = {k, n},
                    c[] = {rows[r], n};
      PjTensor *input = random_tensor(in[t], 2, a, false),
               *matrix = random_tensor(in[t], 2, b, false);
      text_start();
      text_add("func.func @main(%%a: ");
      text_type(in[t], 2, a);
      text_add(") -> ");
      text_type(out, 2, c);
      text_add(" {\n  %%b = stablehlo.constant dense<\"0x");
      for (size_t i = 0; i < matrix->bytes; ++i)
        text_add("%02X", ((const unsigned char *)matrix->data)[i]);
      text_add("\"> : ");
      text_type(in[t], 2, b);
      text_add("\n  %%r = stablehlo.dot_general %%a, %%b, contracting_dims = [1] x [0] : (");
      text_type(in[t], 2, a);
      text_add(", ");
      text_type(in[t], 2, b);
      text_add(") -> ");
      text_type(out, 2, c);
      text_add("\n  return %%r : ");
      text_type(out, 2, c);
      text_add("\n}\n");
      check_routine(text_get(), PJ_OP_DOT_GENERAL, 1, &input, MATCH_SUM, 2 * (double)(k + 4));
      pj_tensor_release(input);
      pj_tensor_release(matrix);
    }
}

// A matrix by itself, turned: by the lines of which it consists and by those across, of one strip
// and several, in several blocks of rows and of the sum. What is above the diagonal is what is
// below it.
static void squares(void **state) {
  (void)state;
#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
  // Within a strip elements are computed twice, and need not be fused alike where accesses are
  // checked in between.
  enum { NEAREST = 64 };
#else
  enum { NEAREST = 1 };
#endif
  static const int64_t sizes[][3] = {{1, 96, 40},   {1, 113, 7},   {1, 150, 300}, {3, 100, 33},
                                     {1, 544, 270}, {1, 47, 1},    {2, 160, 1},   {1, 600, 20},
                                     {1, 64, 600},  {1, 143, 513}, {1, 1100, 30}};
  for (size_t s = 0; s < sizeof sizes / sizeof *sizes; ++s)
    for (int round = 0; round < 4; ++round) {
      const PjDtype dtype = round / 2 ? PJ_DT_F64 : PJ_DT_F32;
      const bool across = round % 2, many = sizes[s][0] > 1;
      const int64_t n = sizes[s][1], k = sizes[s][2], first = many ? 0 : 1,
                    a[] = {sizes[s][0], across ? k : n, across ? n : k}, c[] = {sizes[s][0], n, n};
      const int32_t rank = many ? 3 : 2;
      const int sum = rank - (across ? 2 : 1);
      text_start();
      text_add("func.func @main(%%a: ");
      text_type(dtype, rank, a + first);
      text_add(") -> ");
      text_type(dtype, rank, c + first);
      text_add(" {\n  %%r = stablehlo.dot_general %%a, %%a, %scontracting_dims = [%d] x [%d] : (",
               many ? "batching_dims = [0] x [0], " : "", sum, sum);
      text_type(dtype, rank, a + first);
      text_add(", ");
      text_type(dtype, rank, a + first);
      text_add(") -> ");
      text_type(dtype, rank, c + first);
      text_add("\n  return %%r : ");
      text_type(dtype, rank, c + first);
      text_add("\n}\n");
      PjTensor *input = random_tensor(dtype, rank, a + first, s % 3 == 1);
      check_routine(text_get(), PJ_OP_DOT_GENERAL, 1, &input, MATCH_SUM, 2 * (double)(k + 4));
      RoutineCase square;
      PjTensor *result;
      routine_open(text_get(), PJ_OP_DOT_GENERAL, &square);
      pj_status_free(routine_run(&square, 2, false, &input, &result));
      for (int64_t i = 0; i < n; ++i)
        for (int64_t j = 0; j + NEAREST <= i; ++j) {
          const Value below = value_get(result, i * n + j), above = value_get(result, j * n + i);
          assert_true(below.re == above.re || (isnan(below.re) && isnan(above.re)));
        }
      pj_tensor_release(result);
      routine_close(&square);
      pj_tensor_release(input);
    }
}

// Many rows by a few columns, with rows left over; the last ones end where their array ends.
static void tall_products(void **state) {
  (void)state;
  for (int64_t columns = 2; columns <= 8; ++columns)
    for (int t = 0; t < 2; ++t) {
      const PjDtype dtype = t ? PJ_DT_F64 : PJ_DT_F32;
      const int64_t little[] = {1, random_int(520, 1100), columns, random_int(1, 20)},
                    batches[] = {3, random_int(2, 40), columns, random_int(1, 100)};
      check(dtype, dtype, little, columns % 2, columns % 3 == 0);
      check(dtype, dtype, batches, columns % 2, columns % 3 == 0);
    }
}

// Few elements with long sums, which are cut into pieces: one that leaves a rest, and narrow types.
static void long_sums(void **state) {
  (void)state;
  static const int64_t sizes[][4] = {
      {1, 8, 8, 20000}, {2, 7, 9, 5003}, {1, 100, 40, 4200}, {1, 1, 300, 3001}, {3, 50, 2, 2048}};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; ++i)
    for (size_t t = 0; t < 3; ++t) {
      static const PjDtype floats[] = {PJ_DT_F32, PJ_DT_F64, PJ_DT_BF16};
      check(floats[t], floats[t], sizes[i], (i + t) % 2, false);
      check_mixed(t ? PJ_DT_S8 : PJ_DT_U8, PJ_DT_S8, PJ_DT_S32, sizes[i], (i + t) % 2, false);
    }
}

static void legacy_dot(void **state) {
  (void)state;
  const int64_t dims[] = {7, 9};
  PjTensor *inputs[] = {random_tensor(PJ_DT_F32, 2, dims, false),
                        random_tensor(PJ_DT_F32, 1, dims + 1, false)};
  check_routine(
      "func.func @main(%a: tensor<7x9xf32>, %b: tensor<9xf32>) -> tensor<7xf32> {\n"
      "  %r = \"stablehlo.dot\"(%a, %b) : (tensor<7x9xf32>, tensor<9xf32>) -> tensor<7xf32>\n"
      "  return %r : tensor<7xf32>\n}\n",
      PJ_OP_DOT, 2, inputs, MATCH_SUM, 30);
  for (int i = 0; i < 2; ++i)
    pj_tensor_release(inputs[i]);
}

// A few vectors together, by the rows of a matrix that are long or many, in several blocks of the
// sum, with lanes left over.
static void vectors_together(void **state) {
  (void)state;
  for (int round = 0; round < 36; ++round) {
    int64_t sizes[4] = {1 + round % 2, 2 + round % 3, random_int(150, 300), random_int(150, 300)};
    if (round % 4 > 1) {
      sizes[2] = sizes[1];
      sizes[1] = random_int(5, 300);
      if (round % 3 == 1)
        sizes[3] = random_int(1000, 2047);
    }
    const PjDtype dtype = round % 5 > 2 ? PJ_DT_F64 : PJ_DT_F32;
    check(dtype, dtype, sizes, round % 12 > 5, round % 8 == 7);
  }
}

// Small matrices in batches: squares that are written out, rows of every number of lanes, columns
// that lie apart.
static void small_batches(void **state) {
  (void)state;
  static const PjDtype small_types[] = {PJ_DT_F32, PJ_DT_F64, PJ_DT_S32, PJ_DT_U64};
  for (size_t t = 0; t < sizeof small_types / sizeof *small_types; ++t)
    for (int64_t n = 1; n <= 33; n += n < 18 ? 1 : 5) {
      const PjDtype dtype = small_types[t];
      const int64_t square[] = {random_int(1, 40), n, n, n > 15 ? 3 : n},
                    any[] = {random_int(1, 9), random_int(1, 12), n, random_int(1, 10)};
      for (int split = 0; split < 2; ++split) {
        check(dtype, dtype, square, split, false);
        check(dtype, dtype, any, split, n % 5 == 1);
      }
    }
}

// What other processors run.
static void plain_instructions(void **state) {
  pj_cpu_limit(0);
  vectors(state);
  small_batches(state);
  as_they_lie(state);
  rows_by_columns(state);
  blocks(state);
  squares(state);
  heights(state);
  mixed_integers(state);
  pj_cpu_limit(~0u);
}
static void fewer_instructions(void **state) {
  static const uint32_t sets[] = {PJ_CPU_AVX2 | PJ_CPU_F16C,
                                  PJ_CPU_AVX2 | PJ_CPU_F16C | PJ_CPU_AVX512};
  for (size_t i = 0; i < sizeof sets / sizeof *sets; ++i) {
    pj_cpu_limit(sets[i]);
    if (i == 0) {
      small_batches(state);
      as_they_lie(state);
      rows_by_columns(state);
      blocks(state);
      squares(state);
      heights(state);
    }
    mixed_integers(state);
    few_rows_of_groups(state);
    rows_of_groups(state);
    constant_matrices(state);
    short_sums(state);
    pj_cpu_limit(~0u);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(every_type),
                                     cmocka_unit_test(vectors),
                                     cmocka_unit_test(vectors_in_pieces),
                                     cmocka_unit_test(as_they_lie),
                                     cmocka_unit_test(rows_by_columns),
                                     cmocka_unit_test(pieces),
                                     cmocka_unit_test(blocks),
                                     cmocka_unit_test(legacy_dot),
                                     cmocka_unit_test(plain_instructions),
                                     cmocka_unit_test(vectors_together),
                                     cmocka_unit_test(long_sums),
                                     cmocka_unit_test(tall_products),
                                     cmocka_unit_test(squares),
                                     cmocka_unit_test(mixed_integers),
                                     cmocka_unit_test(few_rows_of_groups),
                                     cmocka_unit_test(rows_by_slivers),
                                     cmocka_unit_test(rows_of_groups),
                                     cmocka_unit_test(constant_matrices),
                                     cmocka_unit_test(short_sums),
                                     cmocka_unit_test(subnormal_sums),
                                     cmocka_unit_test(fewer_instructions),
                                     cmocka_unit_test(long_lines),
                                     cmocka_unit_test(heights),
                                     cmocka_unit_test(small_batches),
                                     cmocka_unit_test(runs_of_f16)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
