// Pieces of JSON and HTML.
#pragma once
#include "base/str.h"

// Bytes of the UTF-8 sequence at |at|, of |left| bytes, at least one; 0 when it is none.
size_t pj_utf8_length(const unsigned char *at, size_t left);

// |text| as a JSON string with its quotes. What is not UTF-8 becomes U+FFFD.
void pj_json_string(PjStrBuf *out, PjStr text);
// |value| as a JSON number; null when it is none.
void pj_json_number(PjStrBuf *out, double value);
// |text| for the contents of an HTML element or of a quoted attribute.
void pj_html_text(PjStrBuf *out, PjStr text);
