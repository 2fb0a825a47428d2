// Text form of the IR. pj_text_parse reads it back to an equal module.
#pragma once
#include "ir/ir.h"

typedef struct PjPrintOptions {
  bool locations;         // print loc(...)
  bool generic;           // only the generic form
  uint32_t elide_elements;  // constants with more elements print as dense_resource<__elided__>; 0: never (does not parse back)
} PjPrintOptions;

// Appends |module| as StableHLO text: the pretty form where there is one. |options| may be NULL.
void pj_module_print(PjStrBuf *out, const PjModule *module, const PjPrintOptions *options);
void pj_op_print(PjStrBuf *out, const PjOp *op, const PjPrintOptions *options);
void pj_attr_print(PjStrBuf *out, const PjAttr *attr);
