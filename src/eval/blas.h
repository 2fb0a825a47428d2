// OpenBLAS as a library of this process: settings that every user of it needs made first.
#pragma once

// Makes OpenBLAS ready; cheap after the first time. Nothing in a build without it. Threads: any.
void pj_blas_init(void);
