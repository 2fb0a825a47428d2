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

// Appends the elements, |size| bytes of them, as one flat JSON list: numbers, true and false; as
// strings what JSON has no number for ("nan", "-inf") and complex numbers ("1+2i").
void pj_show_json(PjStrBuf *out, PJRT_Buffer_Type type, const void *data, size_t size);
