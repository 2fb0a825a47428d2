// What the files of the printer share.
#pragma once
#include "ir/print.h"

void pj_print_int(PjStrBuf *out, int64_t value, PjDtype dtype);
void pj_print_ints(PjStrBuf *out, uint32_t count, const int64_t *values); // 1, 2
void pj_print_array(PjStrBuf *out, uint32_t count, const PjAttr *const *elems);
void pj_print_elements(PjStrBuf *out, const PjAttr *attr, uint32_t elide); // 0: never elided
void pj_print_matrix(PjStrBuf *out, const PjAttr *attr);             // dense<..> : tensor<RxCxi64>
void pj_print_field(PjStrBuf *out, PjStr name, const PjAttr *value); // name = value, or name

// print_struct.c
void pj_print_struct(PjStrBuf *out, const PjAttr *attr);
// [b, 0, f]x[i, o, 0]->[b, 0, f], from batch and feature of input, kernel, output and the three
// spatial lists; false (and nothing printed) when they leave a gap or overlap.
bool pj_print_conv(PjStrBuf *out, const int64_t dims[6], const uint32_t counts[3],
                   const int64_t *const spatial[3]);
void pj_print_mesh(PjStrBuf *out, const PjAttr *attr);
void pj_print_sharding(PjStrBuf *out, const PjAttr *attr);
void pj_print_sharding_list(PjStrBuf *out, const PjAttr *attr);
void pj_print_manual_axes(PjStrBuf *out, const PjAttr *attr);

// ------------------------------------------------------------------------------------- operations
typedef struct PjLocNames PjLocNames; // print_loc.c

typedef struct PjPrinter {
  PjStrBuf *out;
  PjPrintOptions options;
  int indent;
  PjLocNames *locs; // NULL: locations in place
  bool in_func;     // the default dialect is func: `return`, `call`
} PjPrinter;

void pj_print_op(PjPrinter *p, const PjOp *op); // with indentation and newline
void pj_print_value(PjPrinter *p, const PjValue *value);
void pj_print_operands(PjPrinter *p, uint32_t first, const PjOp *op); // from |first| on
void pj_print_indent(PjPrinter *p);
void pj_print_loc(PjPrinter *p, const PjLoc *loc); // " loc(..)" if asked for and there is one
// { ops }, with a block label when |label| and there are arguments.
void pj_print_region(PjPrinter *p, const PjRegion *region, bool label);
void pj_print_block_args(PjPrinter *p, const PjRegion *region); // (%a: T, %b: T)
void pj_print_function_type(PjPrinter *p, const PjOp *op);
void pj_print_types(PjPrinter *p, uint32_t count, PjValue *const *values);
// The attributes that |form| (NULL: none) does not show, inherent ones first: " <open> a = 1, b
// <close>", nothing when there are none. |inherent|, |extra|: which ones.
void pj_print_dict(PjPrinter *p, const PjOp *op, const char *form, const char *open,
                   const char *close, bool inherent, bool extra);

// print_pretty.c: prints |op| behind its results; false (nothing printed) if it has no pretty form.
bool pj_print_pretty(PjPrinter *p, const PjOp *op);
// print_control.c: reduce, while, constant, functions, manual_computation.
bool pj_print_special(PjPrinter *p, const PjOp *op);

// print_loc.c: names for the locations of a module (none yet; NULL: out of memory); their
// definitions at the end.
PjLocNames *pj_loc_names(void);
void pj_loc_names_free(PjLocNames *names);
void pj_print_loc_definitions(PjPrinter *p);
