// Types of the IR. Immutable, owned by an arena, compared with pj_type_eq (structurally).
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

typedef enum PjDtype {
#define PJ_DTYPE(name, text, bits, bytes, class, pjrt, vhlo, builtin) PJ_DT_##name,
#include "ir/dtypes.def"
#undef PJ_DTYPE
  PJ_DT_COUNT
} PjDtype;

typedef enum PjDtypeClass {
  PJ_CLASS_NONE,
  PJ_CLASS_PRED,
  PJ_CLASS_SINT,
  PJ_CLASS_UINT,
  PJ_CLASS_FLOAT,
  PJ_CLASS_COMPLEX
} PjDtypeClass;

typedef struct PjDtypeInfo {
  const char *text; // MLIR spelling
  uint8_t bits, bytes;
  PjDtypeClass class;
  int8_t pjrt, vhlo, builtin; // codes in dtypes.def; -1: none
} PjDtypeInfo;

extern const PjDtypeInfo pj_dtype_info[PJ_DT_COUNT];

static inline size_t pj_dtype_bytes(PjDtype d) {
  return pj_dtype_info[d].bytes;
}
static inline unsigned pj_dtype_bits(PjDtype d) {
  return pj_dtype_info[d].bits;
}
static inline const char *pj_dtype_text(PjDtype d) {
  return pj_dtype_info[d].text;
}
static inline PjDtypeClass pj_dtype_class(PjDtype d) {
  return pj_dtype_info[d].class;
}
static inline bool pj_dtype_is_float(PjDtype d) {
  return pj_dtype_info[d].class == PJ_CLASS_FLOAT;
}
static inline bool pj_dtype_is_complex(PjDtype d) {
  return pj_dtype_info[d].class == PJ_CLASS_COMPLEX;
}
static inline bool pj_dtype_is_int(PjDtype d) { // signed or unsigned, not PRED; INDEX counts
  return pj_dtype_info[d].class == PJ_CLASS_SINT || pj_dtype_info[d].class == PJ_CLASS_UINT;
}
// The type of the real and imaginary part: F32 for C64, F64 for C128, otherwise |d|.
PjDtype pj_dtype_part(PjDtype d);
PjDtype pj_dtype_from_text(PjStr text); // PJ_DT_INVALID when unknown
PjDtype pj_dtype_from_pjrt(int buffer_type);
PjDtype pj_dtype_from_vhlo(int code); // not complex

enum {
  PJ_MAX_RANK = 64,       // dimensions of a tensor
  PJ_MAX_TYPE_DEPTH = 64, // nesting of tuples, functions, futures
};

#define PJ_DYN INT64_MIN // the size of a dimension that is not known: `?`

typedef enum PjTypeKind {
  PJ_TYPE_TENSOR,   // ranked tensor; dtype, quant, rank, dims, bounds
  PJ_TYPE_UNRANKED, // tensor<*xT>; dtype, quant
  PJ_TYPE_BUFFER,   // memref; dtype, rank, dims
  PJ_TYPE_SCALAR,   // a bare element type (in attributes): f32, !quant.uniform<..>
  PJ_TYPE_TOKEN,
  PJ_TYPE_NONE,     // builtin none
  PJ_TYPE_WITNESS,  // shape.witness
  PJ_TYPE_TUPLE,    // elems
  PJ_TYPE_FUTURE,   // elems
  PJ_TYPE_FUNCTION, // elems = inputs, results
} PjTypeKind;

// Parameters of a uniform quantised element type (spec: "Quantized types"). The storage type is
// PjType.dtype.
typedef struct PjQuant {
  PjDtype expressed;
  int64_t min, max; // range of the storage type in use
  int32_t axis;     // -1: per tensor, then num_scales is 1
  uint32_t num_scales;
  const double *scales;
  const int64_t *zero_points;
} PjQuant;

typedef struct PjType PjType;
struct PjType {
  PjTypeKind kind;
  PjDtype dtype;        // element (storage type if quantised)
  const PjQuant *quant; // or NULL
  int32_t rank;
  const int64_t *dims;   // rank sizes, PJ_DYN where unknown
  const int64_t *bounds; // rank upper bounds (PJ_DYN: none), or NULL (#stablehlo.bounds)
  uint32_t num_elems, num_results;
  const PjType *const *elems;
  const PjType *const *results;
};

// Constructors copy the arrays into |arena|. |rank| must be within PJ_MAX_RANK (importers check).
const PjType *pj_type_tensor(PjArena *arena, PjDtype dtype, int32_t rank, const int64_t *dims);
const PjType *pj_type_tensor_full(PjArena *arena, PjDtype dtype, const PjQuant *quant, int32_t rank,
                                  const int64_t *dims, const int64_t *bounds);
const PjType *pj_type_unranked(PjArena *arena, PjDtype dtype, const PjQuant *quant);
const PjType *pj_type_buffer(PjArena *arena, PjDtype dtype, int32_t rank, const int64_t *dims);
const PjType *pj_type_scalar(PjArena *arena, PjDtype dtype, const PjQuant *quant);
const PjType *pj_type_simple(PjTypeKind kind); // TOKEN, NONE, WITNESS: static objects
const PjType *pj_type_list(PjArena *arena, PjTypeKind kind, uint32_t count,
                           const PjType *const *elems); // TUPLE, FUTURE
const PjType *pj_type_function(PjArena *arena, uint32_t num_inputs, const PjType *const *inputs,
                               uint32_t num_results, const PjType *const *results);
// |like| (a tensor) with other dims / another element type; quantisation and bounds are dropped.
const PjType *pj_type_with_dims(PjArena *arena, const PjType *like, int32_t rank,
                                const int64_t *dims);
const PjType *pj_type_with_dtype(PjArena *arena, const PjType *like, PjDtype dtype);

bool pj_type_eq(const PjType *a, const PjType *b);
bool pj_quant_eq(const PjQuant *a, const PjQuant *b);
bool pj_type_is_static(const PjType *type); // a ranked tensor without PJ_DYN
static inline bool pj_type_is_tensor(const PjType *type) {
  return type && type->kind == PJ_TYPE_TENSOR;
}
static inline bool pj_type_is_scalar_tensor(const PjType *type) {
  return pj_type_is_tensor(type) && type->rank == 0;
}

// Number of elements of a static tensor into |out|; false when dynamic or when it overflows int64.
bool pj_type_num_elements(const PjType *type, int64_t *out);
// Bytes of a static tensor in memory (dense, sub-byte elements one byte each); false as above.
bool pj_type_num_bytes(const PjType *type, size_t *out);

// Appends the MLIR spelling, e.g. `tensor<2x?xf32>`; parses back to an equal type.
void pj_type_print(PjStrBuf *out, const PjType *type);
// The spelling as a string in |arena|, for messages.
const char *pj_type_text(PjArena *arena, const PjType *type);
