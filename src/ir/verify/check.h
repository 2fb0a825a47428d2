// Internals of verification: what the rules of the operations (src/ir/infer) share.
//
// A row of ops.def names two functions in its |check| column, C("signature", infer, verify):
//   pj_infer_<infer>   checks operands, attributes and regions, and gives the types of the results
//   that they imply; pj_verify_<verify> checks what involves the declared results.
// When they run, the structure of the op and of its regions holds (counts, kinds of attributes,
// terminators) and the types match the signature (signature.c). pj_infer_ functions must not look
// at the results.
#pragma once
#include "base/alloc.h"
#include "ir/ir.h"
#include "ir/verify.h"

typedef struct PjSymbols PjSymbols;

typedef struct PjCheck {
  PjArena *arena;         // for inferred types and texts of messages; guarded
  PjArena *lasting;       // for what outlives the check of one op; NULL in pj_infer
  const PjModule *module; // NULL in pj_infer
  PjSymbols *symbols;     // of |module|, or NULL
} PjCheck;

// Sets |out|[i] to the type of result i, or leaves NULL where operands, attributes and regions do
// not imply it.
typedef PjStatus PjInferFn(PjCheck *check, const PjOp *op, const PjType **out);
typedef PjStatus PjVerifyFn(PjCheck *check, const PjOp *op);

#define C(signature, infer, verify) \
  PjInferFn pj_infer_##infer;       \
  PjVerifyFn pj_verify_##verify;
#define OP(ENUM, text, vhlo, operands, results, regions, traits, check, eval, attrs) check
#include "ir/ops.def"
#undef OP
#undef C

// The row of an op in the check column.
typedef struct PjRule {
  const char *signature; // NULL: any types
  PjInferFn *infer;
  PjVerifyFn *verify;
} PjRule;
extern const PjRule pj__rules[PJ_OP_COUNT];

#define PJ_WRONG(op, ...) PJ_OP_ERROR((op), INVALID_ARGUMENT, __VA_ARGS__)
#define PJ_REQUIRE(op, condition, ...)     \
  do {                                     \
    if (__builtin_expect(!(condition), 0)) \
      return PJ_WRONG((op), __VA_ARGS__);  \
  } while (0)

static inline const PjType *pj__in(const PjOp *op, uint32_t i) {
  return op->operands[i]->type;
}
static inline const PjType *pj__out(const PjOp *op, uint32_t i) {
  return op->results[i].type;
}

// ---------------------------------------------------------------------- lists (lists.c)
typedef struct PjInts {
  const int64_t *v;
  uint32_t n;
} PjInts;

PjInts pj__list(const PjOp *op, PjKey key); // an INTS or BOOLS attribute; empty when absent
#define PJ_LIST(op, name) pj__list((op), PJ_KEY_##name)
bool pj__list_has(PjInts list, int64_t value);

// "[1, 2]" in the check's arena; unknown dimensions as "?".
const char *pj__list_text(PjCheck *check, PjInts list);
const char *pj__shape_text(PjCheck *check, const PjType *type);
const char *pj__type_text(PjCheck *check, const PjType *type);
const char *pj__dim_text(PjCheck *check, int64_t size);

// Checks with messages that name the attribute |name|. |limit_name| says what |limit| is ("the
// operand's rank").
PjStatus pj__check_length(const PjOp *op, const char *name, PjInts list, int64_t length,
                          const char *length_name);
PjStatus pj__check_dim(const PjOp *op, const char *name, int64_t value, int64_t limit,
                       const char *limit_name);
PjStatus pj__check_dims(const PjOp *op, const char *name, PjInts list, int64_t limit,
                        const char *limit_name);
PjStatus pj__check_unique(PjCheck *check, const PjOp *op, const char *name, PjInts list);
// No value twice in the two lists together.
PjStatus pj__check_distinct(const PjOp *op, const char *name_a, PjInts a, const char *name_b,
                            PjInts b);
PjStatus pj__check_sorted(PjCheck *check, const PjOp *op, const char *name, PjInts list);

// The integers of an operand that a constant defines, in row-major order, sign-extended; false when
// it is none.
bool pj__constant_ints(PjCheck *check, const PjValue *value, PjInts *out);

// ---------------------------------------------------------------------- types (compat.c)
static inline bool pj__is_dynamic(int64_t size) {
  return size == PJ_DYN;
}
static inline bool pj__dims_compatible(int64_t a, int64_t b) {
  return a == b || a == PJ_DYN || b == PJ_DYN;
}
static inline bool pj__is_shaped(const PjType *t) {
  return t->kind == PJ_TYPE_TENSOR || t->kind == PJ_TYPE_UNRANKED || t->kind == PJ_TYPE_BUFFER;
}
static inline bool pj__is_per_axis(const PjType *t) {
  return t->quant && t->quant->axis >= 0;
}
static inline bool pj__is_per_tensor(const PjType *t) {
  return t->quant && t->quant->axis < 0;
}
// Storage, range and expressed type equal, both per tensor or both per axis; scales may differ.
// Equal types if not quantised.
bool pj__elements_compatible(const PjType *a, const PjType *b);
bool pj__elements_eq(const PjType *a, const PjType *b);
// Same rank and dimensions that are equal or unknown; unranked tensors are compatible with all.
bool pj__shapes_compatible(const PjType *a, const PjType *b);
// The rule of the specification for inferred against declared types: compatible shapes within
// bounds, and elements.
bool pj__types_compatible(const PjType *a, const PjType *b);
// Float element types, of any precision, or equal ones.
bool pj__same_element_but_precision(const PjType *a, const PjType *b);
// Class of the element and its width are such that values of |from| can be accumulated as |to|.
bool pj__promotable(const PjType *from, const PjType *to);

// A tensor type with |like|'s element type. |bounds| may be NULL; all PJ_DYN means none.
const PjType *pj__tensor(PjCheck *check, const PjType *like, int32_t rank, const int64_t *dims,
                         const int64_t *bounds);
// |shape| with another element type; keeps bounds.
const PjType *pj__with_element(PjCheck *check, const PjType *shape, PjDtype dtype,
                               const PjQuant *quant);
static inline int64_t pj__bound(const PjType *type, int64_t dim) {
  return type->bounds ? type->bounds[dim] : PJ_DYN;
}

// Merges what two types say about one dimension: the most specific (both describe one value) or the
// least specific (a value is described by either). False: they contradict each other.
bool pj__merge_dim_most(int64_t *size, int64_t *bound, int64_t other_size, int64_t other_bound);
void pj__merge_dim_least(int64_t *size, int64_t *bound, int64_t other_size, int64_t other_bound);
// The common type of |count| operands that have one shape (elementwise ops); element type of the
// first.
PjStatus pj__merge_operands(PjCheck *check, const PjOp *op, uint32_t first, uint32_t count,
                            const PjType **out);

PjStatus pj__check_type(PjCheck *check, const PjOp *op, const char *what,
                        const PjType *type); // types.c

// ---------------------------------------------------------------------- regions (regions.c)

// The region's terminator's operands; |*out_count| is their number. The region must not be empty.
PjValue *const *pj__returned(const PjRegion *region, uint32_t *out_count);
// |region| returns one tensor<i1>; |what| names it in the error.
PjStatus pj__check_predicate(PjCheck *check, const PjOp *op, const PjRegion *region,
                             const char *what);
// A reduction body: takes |count| accumulators, then |count| values, returns |count|, all of rank
// 0. |inputs| and |inits| are types whose elements must be promotable to the accumulators'.
PjStatus pj__check_reducer(PjCheck *check, const PjOp *op, const PjRegion *region, uint32_t count,
                           const PjType *const *inputs, const PjType *const *inits);

// ---------------------------------------------------------------------- symbols (symbols.c)

// Makes check->symbols. Errors: INVALID_ARGUMENT for a name that two operations have.
PjStatus pj__symbols_create(PjCheck *check);
const PjOp *pj__symbol(const PjCheck *check, const PjOp *from, PjStr name);   // any symbol, or NULL
const PjOp *pj__function(const PjCheck *check, const PjOp *from, PjStr name); // a FUNC, or NULL
// Notes which functions |op| calls, one function of the module after the other; then refuses calls
// that lead back to their function.
void pj__note_calls(PjCheck *check, const PjOp *op);
PjStatus pj__check_call_graph(PjCheck *check);

// ---------------------------------------------------------------------- stages
PjStatus pj__check_attributes(PjCheck *check, const PjOp *op);              // attributes.c
PjStatus pj__check_signature(PjCheck *check, const PjOp *op, bool results); // signature.c
// The mesh of a replica_groups or sharding attribute, or NULL; a symbol is looked up.
const PjAttr *pj__mesh(const PjCheck *check, const PjOp *op, const PjAttr *mesh);
