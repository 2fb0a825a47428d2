/* SDK, level (b): a program, as the vendor's compiler sees it.
 *
 * A module holds functions; a function is an operation (func.func) with one region; a region is a
 * list of arguments and a list of operations, the last of which returns; an operation has operands
 * (values), results (values), attributes, and regions of its own. A value is a result or an
 * argument; each has a type. Operations and attributes are StableHLO's, under the names and in the
 * form of its text: "stablehlo.add", "lhs_contracting_dimensions".
 *
 * Handles are pointers into the module. It is verified, immutable, lives as long as the executable
 * that was made of it, and may be read by any number of threads. Functions that take a handle do
 * not take NULL unless they say so; an index beyond the count gives NULL or 0.
 */
#ifndef PJRT_SDK_IR_H
#define PJRT_SDK_IR_H

#include "pjrt/sdk/base.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct PjsModule PjsModule;
typedef struct PjsOp PjsOp;
typedef struct PjsRegion PjsRegion;
typedef struct PjsValue PjsValue;
typedef struct PjsType PjsType;
typedef struct PjsAttr PjsAttr;

/* Characters that need not end with a NUL. Lives as long as the module. */
typedef struct PjsText {
  const char *data;
  size_t size;
} PjsText;
bool pjs_text_is(PjsText text, const char *literal);

/* --- Modules and functions -------------------------------------------------------------------- */

PjsText pjs_module_name(const PjsModule *module);
/* The first function or mesh; pjs_op_next leads on. NULL: none. */
const PjsOp *pjs_module_first(const PjsModule *module);
/* The function that a run runs, with a body. */
const PjsOp *pjs_module_entry(const PjsModule *module);
/* NULL: no such function. */
const PjsOp *pjs_module_find(const PjsModule *module, const char *function);
PjsText pjs_function_name(const PjsOp *function);
/* Values and operations of a function have numbers, from 0 to these. */
uint32_t pjs_function_num_values(const PjsOp *function);
uint32_t pjs_function_num_ops(const PjsOp *function);
/* The module, or one operation with its regions, as StableHLO text ending with a NUL; NULL without
 * memory. Free with pjs_free. */
char *pjs_module_print(const PjsModule *module);
char *pjs_op_print(const PjsOp *op);

/* --- Operations ------------------------------------------------------------------------------- */

typedef enum PjsTrait {
  PJS_TRAIT_PURE = 1,        /* no effect: may be dropped, merged, moved */
  PJS_TRAIT_ELEMENTWISE = 2, /* element i of the result depends on element i of the operands only */
  PJS_TRAIT_COMMUTATIVE = 4,
  PJS_TRAIT_TERMINATOR = 8,  /* ends a region */
  PJS_TRAIT_COLLECTIVE = 16, /* meets other devices */
  PJS_TRAIT_EFFECT = 32,     /* order is kept */
} PjsTrait;

const char *pjs_op_name(const PjsOp *op); /* lives for ever */
bool pjs_op_is(const PjsOp *op, const char *name);
bool pjs_op_has(const PjsOp *op, PjsTrait trait);
uint32_t pjs_op_number(const PjsOp *op);       /* in its function, in the order of the text */
const PjsOp *pjs_op_next(const PjsOp *op);     /* in its region, or NULL */
const PjsOp *pjs_op_parent(const PjsOp *op);   /* whose region it is in, or NULL */
const PjsOp *pjs_op_function(const PjsOp *op); /* the function that it is in (or is), or NULL */
uint32_t pjs_op_num_operands(const PjsOp *op);
const PjsValue *pjs_op_operand(const PjsOp *op, uint32_t index);
uint32_t pjs_op_num_results(const PjsOp *op);
const PjsValue *pjs_op_result(const PjsOp *op, uint32_t index);
uint32_t pjs_op_num_regions(const PjsOp *op);
const PjsRegion *pjs_op_region(const PjsOp *op, uint32_t index);
/* Attributes: those that StableHLO defines come first and are always there with their defaults;
 * then others. */
uint32_t pjs_op_num_attrs(const PjsOp *op);
const PjsAttr *pjs_op_attr_at(const PjsOp *op, uint32_t index, PjsText *out_name);
const PjsAttr *pjs_op_attr(const PjsOp *op, const char *name); /* NULL: it has none of that name */
/* Writes where in the user's program it comes from ("model.py:41:3 (tanh)", or nothing) with a NUL,
 * and returns the length without cuts. */
size_t pjs_op_location(const PjsOp *op, char *out, size_t room);
/* An error about |op|: its name goes before, its location behind. */
PjsError *pjs_op_error(const PjsOp *op, PJRT_Error_Code code, const char *format, ...)
    PJS_PRINTF(3, 4);

/* --- Regions and values ----------------------------------------------------------------------- */

uint32_t pjs_region_num_args(const PjsRegion *region);
const PjsValue *pjs_region_arg(const PjsRegion *region, uint32_t index);
const PjsOp *pjs_region_first(const PjsRegion *region); /* NULL: empty */
const PjsOp *
pjs_region_terminator(const PjsRegion *region); /* its operands are what the region returns */

const PjsType *pjs_value_type(const PjsValue *value);
uint32_t pjs_value_number(const PjsValue *value); /* in its function */
const PjsOp *pjs_value_op(const PjsValue *value); /* whose result it is, or NULL: an argument */
const PjsRegion *pjs_value_region(const PjsValue *value); /* whose argument it is, or NULL */
uint32_t pjs_value_index(const PjsValue *value);          /* among the results or arguments */

/* --- Types ------------------------------------------------------------------------------------ */

typedef enum PjsTypeKind {
  PJS_TYPE_TENSOR, /* element type and sizes */
  PJS_TYPE_TOKEN,
  PJS_TYPE_TUPLE, /* of other types */
  PJS_TYPE_OTHER, /* functions, and what only older programs have */
} PjsTypeKind;

#define PJS_DYNAMIC INT64_MIN /* the size of a dimension that only a run knows */

PjsTypeKind pjs_type_kind(const PjsType *type);
/* Tensors. INVALID for what the interface has no number for, and for quantised elements. */
PJRT_Buffer_Type pjs_type_element(const PjsType *type);
bool pjs_type_is_quantized(const PjsType *type);
int pjs_type_rank(const PjsType *type);
const int64_t *pjs_type_dims(const PjsType *type);
bool pjs_type_is_static(const PjsType *type); /* a tensor without PJS_DYNAMIC */
/* Of a static tensor; elements narrower than a byte take one byte each in memory. 0 for others. */
size_t pjs_type_num_elements(const PjsType *type);
size_t pjs_type_bytes(const PjsType *type);
/* Bytes of one element in memory. */
size_t pjs_element_bytes(PJRT_Buffer_Type element);
/* Tuples. */
uint32_t pjs_type_num_parts(const PjsType *type);
const PjsType *pjs_type_part(const PjsType *type, uint32_t index);
bool pjs_type_equal(const PjsType *a, const PjsType *b);
/* As StableHLO writes it; free with pjs_free. NULL without memory. */
char *pjs_type_print(const PjsType *type);

/* --- Attributes ------------------------------------------------------------------------------- */

typedef enum PjsAttrKind {
  PJS_ATTR_INTEGER,  /* also booleans */
  PJS_ATTR_NUMBER,   /* floating-point */
  PJS_ATTR_TEXT,     /* also symbols, and values of enumerations by name ("LT") */
  PJS_ATTR_INTEGERS, /* a list or, with columns, a matrix of integers or booleans */
  PJS_ATTR_LIST,     /* of attributes */
  PJS_ATTR_TYPE,
  PJS_ATTR_ELEMENTS, /* a constant tensor */
  PJS_ATTR_FIELDS,   /* attributes with names */
  PJS_ATTR_OTHER,    /* pjs_attr_print says more */
} PjsAttrKind;

PjsAttrKind pjs_attr_kind(const PjsAttr *attr);
/* Each answers 0, NULL or nothing for an attribute of another kind. */
int64_t pjs_attr_integer(const PjsAttr *attr);
double pjs_attr_number(const PjsAttr *attr);
PjsText pjs_attr_text(const PjsAttr *attr);
const int64_t *pjs_attr_integers(const PjsAttr *attr, size_t *out_count);
size_t pjs_attr_columns(const PjsAttr *attr); /* 0: a list */
size_t pjs_attr_count(const PjsAttr *attr);   /* of LIST and FIELDS */
const PjsAttr *pjs_attr_item(const PjsAttr *attr, size_t index,
                             PjsText *out_name);   /* |out_name| may be NULL */
const PjsType *pjs_attr_type(const PjsAttr *attr); /* of TYPE, and of ELEMENTS: the tensor's */
/* The elements of a constant, row-major; |*out_splat|: there is one, which stands for all. Aligned
 * for their type. */
const void *pjs_attr_elements(const PjsAttr *attr, bool *out_splat);
char *pjs_attr_print(const PjsAttr *attr); /* free with pjs_free; NULL without memory */

#ifdef __cplusplus
}
#endif

#endif
