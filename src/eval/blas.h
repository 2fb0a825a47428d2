// OpenBLAS as a library of this process: settings that every user of it needs made first.
#pragma once
#include <stdbool.h>

// Every call into OpenBLAS stands between these two: the first makes it ready, and of a library
// that was built without threads they let in one caller at a time, for such a one hands out its
// work space without a lock. Nothing in a build without OpenBLAS. Threads: any; not to be nested.
void pj_blas_begin(void);
void pj_blas_end(void);
// Whether several threads compute in it at once.
bool pj_blas_is_concurrent(void);
