// Arrays as text for people.
#pragma once
#include "base/str.h"
#include "pjrt/pjrt.h"

// Appends type and shape, e.g. "f32[2,3]". A dimension of -1 prints as "?".
void pj_show_type(PjStrBuf *out, PJRT_Buffer_Type type, const int64_t *dims, size_t rank);

// Appends the elements of a dense row-major array in host form, nested in brackets; of a large
// array only the first and last three along each axis. Numbers are as short as they can be and
// still read back the same.
void pj_show_elements(PjStrBuf *out, PJRT_Buffer_Type type, const int64_t *dims, size_t rank,
                      const void *data);
