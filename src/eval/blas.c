// One thread in OpenBLAS: results must not depend on the number of threads, and the devices of a
// client run at the same time anyway. The archive is linked into the plugin with hidden symbols, so
// the setting is ours alone.
#include "eval/blas.h"

#include <stddef.h>
#include <string.h>

#ifdef PJ_HAVE_OPENBLAS
#include <cblas.h>
#include <pthread.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool is_serial;

static void init(void) {
  openblas_set_num_threads(1);
  is_serial = openblas_get_parallel() == 0;
}

bool pj_blas_is_concurrent(void) {
  pthread_once(&once, init);
  return !is_serial;
}

void pj_blas_begin(void) {
  if (!pj_blas_is_concurrent())
    pthread_mutex_lock(&lock);
}

void pj_blas_end(void) {
  if (is_serial)
    pthread_mutex_unlock(&lock);
}
#else
bool pj_blas_is_concurrent(void) {
  return true;
}
void pj_blas_begin(void) {}
void pj_blas_end(void) {}
#endif

#ifdef PJ_HAVE_LAPACK
// What LAPACK needs of the Fortran runtime: it joins option letters. Weak, so that a real one wins.
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
#endif

#ifdef PJ_LAPACK_DOUBLE
// The archives' own prints the argument that is wrong and ends the process; who called finds it in
// info, too.
void xerbla_(const char *routine, const int *info, size_t size);
void xerbla_(const char *routine, const int *info, size_t size) {
  (void)routine, (void)info, (void)size;
}
#endif
