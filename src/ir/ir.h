// The IR: a module of functions, each a region of operations on tensor values in SSA form.
//
//   module > functions (PJ_OP_FUNC) > region > operations > results; operations may hold regions.
//   A region has one block: arguments, then operations, the last one a terminator (TERM). StableHLO
//   needs no more.
//
// Everything of a module lives in one arena and is immutable after verification, hence shared
// between threads.
#pragma once
#include "ir/attr.h"
#include "ir/types.h"

// ---------------------------------------------------------------------------------------------- op
// table
typedef enum PjOpKind {
  PJ_OP_INVALID,
#define OP(ENUM, text, vhlo, operands, results, regions, traits, check, eval, attrs) PJ_OP_##ENUM,
#include "ir/ops.def"
#undef OP
  PJ_OP_COUNT
} PjOpKind;

typedef enum PjKey {
#define PJ_KEY(name) PJ_KEY_##name,
#include "ir/keys.def"
#undef PJ_KEY
  PJ_KEY_COUNT
} PjKey;

extern const char *const pj_key_text[PJ_KEY_COUNT];

enum {
  PJ_TRAIT_PURE = 1,
  PJ_TRAIT_ELEM = 2,
  PJ_TRAIT_COMM = 4,
  PJ_TRAIT_TERM = 8,
  PJ_TRAIT_COLL = 16,
  PJ_TRAIT_EFFECT = 32,
  PJ_TRAIT_TEST = 64,
  PJ_TRAIT_ISOLATED = 128, // regions see nothing of the outside
};

typedef enum PjAttrSpecKind {
  PJ_SPEC_I64, // PJ_ATTR_INT of i64
  PJ_SPEC_I32, // PJ_ATTR_INT of i32
  PJ_SPEC_U64,
  PJ_SPEC_F32, // PJ_ATTR_FLOAT of f32
  PJ_SPEC_F64,
  PJ_SPEC_BOOL,           // PJ_ATTR_BOOL (VHLO bool; in text `true` or a unit attribute)
  PJ_SPEC_STR,            // PJ_ATTR_STRING
  PJ_SPEC_SYM,            // PJ_ATTR_SYMBOL (VHLO string)
  PJ_SPEC_SYMS,           // PJ_ATTR_ARRAY of PJ_ATTR_SYMBOL (VHLO strings)
  PJ_SPEC_TYPE,           // PJ_ATTR_TYPE
  PJ_SPEC_I64_OR_NONE,    // PJ_ATTR_INT, or PJ_ATTR_TYPE of `none`
  PJ_SPEC_BOOL_OR_NONE,   // PJ_ATTR_BOOL, or PJ_ATTR_TYPE of `none`
  PJ_SPEC_I64S,           // PJ_ATTR_INTS, a list
  PJ_SPEC_I64X2,          // PJ_ATTR_INTS, N x 2
  PJ_SPEC_BOOLS,          // PJ_ATTR_BOOLS
  PJ_SPEC_REPLICA_GROUPS, // PJ_ATTR_INTS matrix, or PJ_ATTR_STRUCT
                          // "stablehlo.replica_group_mesh_axes"
  PJ_SPEC_COMPARE_DIRECTION,
  PJ_SPEC_COMPARE_TYPE,
  PJ_SPEC_API_VERSION,
  PJ_SPEC_FFT_TYPE,
  PJ_SPEC_RNG_ALGORITHM,
  PJ_SPEC_RNG_DISTRIBUTION,
  PJ_SPEC_TRANSPOSE,  // PJ_ATTR_ENUM
  PJ_SPEC_PRECISIONS, // PJ_ATTR_ARRAY of PJ_ATTR_ENUM (PRECISION)
  PJ_SPEC_ACCURACY,   // PJ_ATTR_ACCURACY
  PJ_SPEC_ELEMENTS,   // PJ_ATTR_ELEMENTS
  PJ_SPEC_LAYOUTS,    // PJ_ATTR_ARRAY of PJ_ATTR_INTS
  PJ_SPEC_ALIASES,    // PJ_ATTR_ARRAY of PJ_ATTR_ALIAS
  PJ_SPEC_DICT,       // PJ_ATTR_DICT
  PJ_SPEC_DICTS,      // PJ_ATTR_ARRAY of PJ_ATTR_DICT (empty: all empty)
  PJ_SPEC_STR_OR_DICT,
  PJ_SPEC_ARRAY, // PJ_ATTR_ARRAY
  PJ_SPEC_ANY,
} PjAttrSpecKind;

typedef enum PjAttrDefault {
  PJ_DEFAULT_REQ,   // must be given
  PJ_DEFAULT_OPT,   // may be NULL
  PJ_DEFAULT_VALUE, // PjAttrSpec.value
  PJ_DEFAULT_EMPTY,
  PJ_DEFAULT_ONES, // list of ones (windows: pj_op_window_rank long)
  PJ_DEFAULT_ZEROS,
  PJ_DEFAULT_NONE_TYPE, // PJ_ATTR_TYPE of `none`
} PjAttrDefault;

typedef struct PjAttrSpec {
  PjKey key;
  PjAttrSpecKind kind;
  PjAttrDefault mode;
  int64_t value;
} PjAttrSpec;

typedef struct PjOpInfo {
  const char *text;                   // "stablehlo.add"
  const char *vhlo;                   // "add_v1" or NULL
  int16_t operands, results, regions; // -1: any number
  uint16_t traits, num_attrs;
  const PjAttrSpec *attrs;
} PjOpInfo;

extern const PjOpInfo pj_op_info[PJ_OP_COUNT];

PjOpKind pj_op_from_text(PjStr text); // "stablehlo.add" -> PJ_OP_ADD; PJ_OP_INVALID when unknown
PjOpKind pj_op_from_vhlo(PjStr name); // "add_v1" (current versions only)

// ----------------------------------------------------------------------------------------------
// locations
typedef enum PjLocKind {
  PJ_LOC_UNKNOWN,
  PJ_LOC_FILE,
  PJ_LOC_NAME,
  PJ_LOC_CALLSITE,
  PJ_LOC_FUSED
} PjLocKind;

typedef struct PjLoc PjLoc;
struct PjLoc {
  PjLocKind kind;
  PjStr text;                                  // FILE: path; NAME: name
  uint32_t line, column, end_line, end_column; // FILE; 0: not given
  uint32_t count;                              // FUSED: number of |parts|
  const PjLoc *child;                          // NAME: inner location or NULL; CALLSITE: callee
  const PjLoc *caller;                         // CALLSITE
  const PjLoc *const *parts;                   // FUSED
};
// Appends the innermost file position, e.g. "model.py:41:3 (tanh)"; nothing for NULL or unknown.
// For messages.
void pj_loc_describe(PjStrBuf *out, const PjLoc *loc);

// ----------------------------------------------------------------------------------------------
// operations
enum { PJ_MAX_NESTING = 128 }; // of regions within regions; importers refuse more

typedef struct PjOp PjOp;
typedef struct PjRegion PjRegion;

typedef struct PjValue {
  const PjType *type;
  PjOp *def;        // the operation whose result it is, or NULL: an argument of |region|
  PjRegion *region; // where it is an argument; NULL for results
  uint32_t index;   // among the results or arguments
  uint32_t id;      // number within the function, dense from 0 (pj_module_number)
} PjValue;

struct PjRegion {
  PjOp *parent; // NULL for the module's body
  PjValue *args;
  uint32_t num_args;
  PjOp *first, *last;           // NULL when empty: a function without body, an absent region
  const PjLoc *const *arg_locs; // num_args, or NULL
};

struct PjOp {
  PjOpKind kind;
  uint32_t num_operands, num_results, num_regions;
  PjValue **operands;
  PjValue *results;
  PjRegion *regions;
  const PjAttr **attrs; // pj_op_info[kind].num_attrs inherent attributes in table order, NULL where
                        // OPT and absent
  const PjAttr *extra;  // discardable attributes: a PJ_ATTR_DICT, or NULL
  const PjLoc *loc;     // or NULL
  PjRegion *region;     // that holds the operation
  PjOp *prev, *next;
  uint32_t id;                  // number within the function, dense from 0 (pj_module_number)
  uint32_t num_values, num_ops; // FUNC: how many were numbered in it
};

typedef struct PjModule {
  PjArena *arena;
  PjStr name;          // may be empty
  const PjAttr *attrs; // dictionary of the module, or NULL
  PjRegion body;       // FUNC and SDY_MESH operations
  const PjLoc *loc;    // or NULL
} PjModule;

// Whether the operands of |op|, which has two, may change places. The extremum of two complex
// numbers that have a NaN part is the first one, with whatever its other part is.
static inline bool pj_op_commutes(const PjOp *op) {
  return pj_op_info[op->kind].traits & PJ_TRAIT_COMM &&
         !((op->kind == PJ_OP_MAXIMUM || op->kind == PJ_OP_MINIMUM) &&
           pj_dtype_is_complex(op->operands[0]->type->dtype));
}

PjModule *pj_module_create(PjArena *arena);
// Creates an operation with room for results and regions (types and contents are set by the caller)
// and NULL attributes.
PjOp *pj_op_create(PjArena *arena, PjOpKind kind, uint32_t num_operands, uint32_t num_results,
                   uint32_t num_regions);
void pj_op_append(PjRegion *region, PjOp *op); // at the end
void pj_op_insert_before(PjOp *before, PjOp *op);
void pj_op_remove(PjOp *op); // unlinks only
void pj_region_set_args(PjArena *arena, PjRegion *region, uint32_t count,
                        const PjType *const *types);
static inline PjOp *pj_region_terminator(const PjRegion *region) {
  return region->last && (pj_op_info[region->last->kind].traits & PJ_TRAIT_TERM) ? region->last
                                                                                 : NULL;
}

// Function |name| of the module, or NULL. `main`, else the only function with a body, else NULL:
// pj_module_entry.
PjOp *pj_module_find(const PjModule *module, PjStr name);
PjOp *pj_module_entry(const PjModule *module);
// Numbers the values and operations of every function (PjValue.id, PjOp.id, num_values, num_ops) in
// textual order.
void pj_module_number(PjModule *module);

// Inherent attributes by name. pj_op_attr: NULL when the op has no such attribute or it is absent.
const PjAttr *pj_op_attr(const PjOp *op, PjKey key);
void pj_op_set_attr(PjOp *op, PjKey key,
                    const PjAttr *attr);        // ignored when the op has no such attribute
int pj_op_attr_index(PjOpKind kind, PjKey key); // position in PjOp.attrs or -1
// Values of verified attributes; the op must have the attribute.
int64_t pj_op_int(const PjOp *op, PjKey key); // INT, BOOL, ENUM
PjStr pj_op_str(const PjOp *op, PjKey key);   // STRING, SYMBOL
const int64_t *pj_op_ints(const PjOp *op, PjKey key,
                          uint32_t *out_count); // INTS, BOOLS; |out_count| may be NULL
#define PJ_ATTR(op, name)            pj_op_attr((op), PJ_KEY_##name)
#define PJ_INT(op, name)             pj_op_int((op), PJ_KEY_##name)
#define PJ_STRATTR(op, name)         pj_op_str((op), PJ_KEY_##name)
#define PJ_INTS(op, name, out_count) pj_op_ints((op), PJ_KEY_##name, (out_count))

// How many of the last operands of a chlo.scan are carries, to be told from the inputs by the
// body's arguments.
uint32_t pj_op_scan_carries(const PjOp *op);
// Length of an op's window and stride lists: the operand's rank for windows, the spatial rank for
// convolutions.
uint32_t pj_op_window_rank(const PjOp *op);
// Sets every absent attribute that has a default, and brings other spellings of a default into the
// table's. Needs operands (for ONES and ZEROS). Importers call it last.
void pj_op_fill_defaults(PjArena *arena, PjOp *op);

// Whether |op| meets other devices: a collective, or a call of one that has no operation.
bool pj_op_meets(const PjOp *op);
// True if the inherent attribute at |index| of PjOp.attrs is absent or what pj_op_fill_defaults
// would set.
bool pj_op_attr_is_default(const PjOp *op, int index);

// An error located at |op|: "stablehlo.add: ..." with the op's source location.
#define PJ_OP_ERROR(op, code, ...) pj_op_blame((op), PJ_ERROR(code, __VA_ARGS__))
PjStatus pj_op_blame(const PjOp *op, PjStatus status);
