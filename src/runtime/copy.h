// Copies of bytes at the speed of memory.
#pragma once
#include <stddef.h>

#include "base/threads.h"

// As memcpy (|size| 0 allowed with any addresses), on all threads where that pays. What is larger
// than caches is written past them: the destination's old contents are not read first.
void pj_copy_bytes(PjThreads *threads, void *dst, const void *src, size_t size);
