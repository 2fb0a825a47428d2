// Matrix products of one element type, the core of every contraction of the evaluator.
//
// c[i, j] = sum over p of a[i, p] * b[p, j], with any strides of a and b. OpenBLAS serves what it
// can when the build has it; everything else, and every build without it, runs our own loops. The
// result depends on the sizes and strides only: no threads, hence the same bits every time.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Types that contractions are computed in. Integers wrap around, so signed ones use the unsigned
// type.
typedef enum PjComp {
  PJ_COMP_F32,
  PJ_COMP_F64,
  PJ_COMP_U32,
  PJ_COMP_U64,
  PJ_COMP_C64,  // float real, imaginary
  PJ_COMP_C128, // double real, imaginary
} PjComp;

static inline size_t pj_comp_bytes(PjComp comp) {
  static const uint8_t bytes[] = {4, 8, 4, 8, 8, 16};
  return bytes[comp];
}

typedef struct PjGemm {
  PjComp comp;
  int64_t m, n, k;
  const void *a;        // [m, k]
  int64_t a_row, a_col; // strides in elements, not negative; 0 repeats
  const void *b;        // [k, n]
  int64_t b_row, b_col;
  void *c;       // [m, n], overlaps neither a nor b
  int64_t c_row; // stride of rows in elements, >= n; columns are next to each other
} PjGemm;

// Bytes of scratch that pj_gemm needs for |g|: 0, or a few MiB at most.
size_t pj_gemm_scratch(const PjGemm *g);

// Computes |g|; zeros where k is 0. |scratch| has pj_gemm_scratch bytes, aligned to 64. Sizes may
// be 0. Threads: any number at once with distinct |c| and |scratch|.
void pj_gemm(const PjGemm *g, void *scratch);

// The ways pj_gemm chooses from, for tests. pj_gemm_blocked needs pj_gemm_blocked_scratch bytes;
// pj_gemm_blas returns false, having done nothing, when the build has no BLAS or it does not fit.
void pj_gemm_direct(const PjGemm *g);
size_t pj_gemm_blocked_scratch(const PjGemm *g);
void pj_gemm_blocked(const PjGemm *g, void *scratch);
bool pj_gemm_blas(const PjGemm *g);
