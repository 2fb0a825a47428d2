// Small products of complex matrices, each product rounded before it is added, as in the evaluator:
// the parts of a product may cancel, and a fused multiply-add would leave its own rounding there.
// Hence a file of its own, without contraction.
#include "routine/dot_complex.h"

#define SMALL_COMPLEX(NAME, T)                                                     \
  void NAME(const PjSmallProduct *s, const void *pa, const void *pb, void *pc) {   \
    const T *a = pa, *b = pb;                                                      \
    T *c = pc;                                                                     \
    for (int64_t i = 0; i < s->m; ++i)                                             \
      for (int64_t j = 0; j < s->n; ++j, c += 2) {                                 \
        const T *x = a + 2 * i * s->a_row, *y = b + 2 * j * s->b_col;              \
        T re = 0, im = 0;                                                          \
        for (int64_t p = 0; p < s->k; ++p, x += 2 * s->a_sum, y += 2 * s->b_sum) { \
          re += x[0] * y[0] - x[1] * y[1];                                         \
          im += x[0] * y[1] + x[1] * y[0];                                         \
        }                                                                          \
        c[0] = re;                                                                 \
        c[1] = im;                                                                 \
      }                                                                            \
  }
SMALL_COMPLEX(pj__small_c64, float)
SMALL_COMPLEX(pj__small_c128, double)
