// Text form of the IR. pj_text_parse reads it back to an equal module (ir/equal.h), and so does
// MLIR.
#pragma once
#include "ir/ir.h"

typedef struct PjPrintOptions {
  bool locations;          // print loc(...)
  bool generic;            // only the generic form
  uint32_t elide_elements; // constants with more elements print as dense_resource<__elided__>; 0:
                           // never (does not parse back)
} PjPrintOptions;

// Appends |module| as StableHLO text: the pretty form where there is one. |options| may be NULL.
// Values print as their numbers, so pj_module_number must have been called. When memory runs out
// |out| says so (PjStrBuf.failed).
void pj_module_print(PjStrBuf *out, const PjModule *module, const PjPrintOptions *options);
// One operation with its regions, ending in a newline. Locations are written in place.
void pj_op_print(PjStrBuf *out, const PjOp *op, const PjPrintOptions *options);
void pj_attr_print(PjStrBuf *out, const PjAttr *attr);

// A string with quotes and escapes, a symbol with its @, and a number in the shortest form that
// reads back to the same |bits| of |dtype| (hex digits for infinity and NaN).
void pj_string_print(PjStrBuf *out, PjStr text);
void pj_symbol_print(PjStrBuf *out, PjStr name);
void pj_float_print(PjStrBuf *out, PjDtype dtype, uint64_t bits);
