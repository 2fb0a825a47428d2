// One thread in OpenBLAS: results must not depend on the number of threads, and the devices of a
// client run at the same time anyway. The archive is linked into the plugin with hidden symbols, so
// the setting is ours alone.
#include "eval/blas.h"

#ifdef PJ_HAVE_OPENBLAS
#include <cblas.h>
#include <pthread.h>
#include <stddef.h>
#include <string.h>

static void init(void) {
  openblas_set_num_threads(1);
}

void pj_blas_init(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, init);
}

// The only piece of the Fortran runtime that LAPACK needs (it joins option letters); weak, so that
// a real one wins.
void _gfortran_concat_string(size_t size, char *to, size_t size_a, const char *a, size_t size_b,
                             const char *b);
__attribute__((weak)) void _gfortran_concat_string(size_t size, char *to, size_t size_a,
                                                   const char *a, size_t size_b, const char *b) {
  if (size_a > size)
    size_a = size;
  if (size_b > size - size_a)
    size_b = size - size_a;
  memcpy(to, a, size_a);
  memcpy(to + size_a, b, size_b);
  memset(to + size_a + size_b, ' ', size - size_a - size_b);
}
#else
void pj_blas_init(void) {}
#endif
