// Decimal numbers in text, independent of the process's locale.
#pragma once
#include "base/str.h"

// Reads the whole of |text| as a decimal floating-point number, rounded to nearest (overflow:
// infinity). False if |text| is none.
bool pj_parse_double(PjStr text, double *out);

// Appends |value| (finite) in scientific notation, e.g. 1.000000e+00, with |digits| digits after
// the point.
void pj_strbuf_double(PjStrBuf *buf, double value, int digits);
