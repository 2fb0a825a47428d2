// Attributes: immutable compile-time values of operations, owned by an arena.
//
// Inherent attributes are stored in one canonical form, that of the current VHLO version: one flat
// attribute per field (dot_general's dimension numbers are four integer lists), defaults always
// present. Importers bring every other spelling into this form; the text printer brings it back
// into StableHLO's structured attributes.
#pragma once
#include "ir/types.h"

typedef enum PjAttrKind {
  PJ_ATTR_UNIT,
  PJ_ATTR_BOOL,   // i64: 0 or 1
  PJ_ATTR_INT,    // i64, type (scalar); values of unsigned types keep their bits
  PJ_ATTR_FLOAT,  // f64, type (scalar)
  PJ_ATTR_STRING, // str
  PJ_ATTR_SYMBOL, // str: @name (nested references joined by "::")
  PJ_ATTR_TYPE,   // type
  PJ_ATTR_ENUM,   // enum_kind, i64
  PJ_ATTR_INTS,   // ints, count, columns: list (columns < 0) or matrix (count = rows * columns) of
                  // int64; type: NULL or element scalar if not i64 (floats: bit patterns)
  PJ_ATTR_BOOLS,  // ints (0 or 1), count
  PJ_ATTR_ARRAY,  // elems, count
  PJ_ATTR_DICT,   // names, elems, count; sorted by name
  PJ_ATTR_ELEMENTS, // type (static ranked tensor), data, splat
  PJ_ATTR_ALIAS, // output_operand_alias: ints = output tuple indices, i64 = operand, more = operand
                 // tuple indices (INTS)
  PJ_ATTR_ACCURACY, // result_accuracy: f64 atol, f64b rtol, i64 ulps, mode in i64b
  PJ_ATTR_CHANNEL, // channel_handle: i64 handle, i64b type (only while importing and in discardable
                   // attributes)
  PJ_ATTR_BOUNDS,  // type_extensions: ints
  PJ_ATTR_STRUCT,  // any other dialect attribute with named fields: str = "sdy.mesh" ..., names,
                   // elems, count
} PjAttrKind;

typedef enum PjEnumKind {
  PJ_ENUM_COMPARE_DIRECTION, // EQ NE GE GT LE LT
  PJ_ENUM_COMPARE_TYPE,      // NOTYPE FLOAT TOTALORDER SIGNED UNSIGNED
  PJ_ENUM_API_VERSION,
  PJ_ENUM_FFT_TYPE,
  PJ_ENUM_PRECISION,
  PJ_ENUM_RNG_ALGORITHM,
  PJ_ENUM_RNG_DISTRIBUTION, // starts at 1
  PJ_ENUM_TRANSPOSE,
  PJ_ENUM_ACCURACY_MODE,
  PJ_ENUM_COUNT
} PjEnumKind;

// Values of the enums are VHLO's (stablehlo-formats.md 2.1).
enum { PJ_CMP_EQ, PJ_CMP_NE, PJ_CMP_GE, PJ_CMP_GT, PJ_CMP_LE, PJ_CMP_LT };
enum {
  PJ_CMPTYPE_NOTYPE,
  PJ_CMPTYPE_FLOAT,
  PJ_CMPTYPE_TOTALORDER,
  PJ_CMPTYPE_SIGNED,
  PJ_CMPTYPE_UNSIGNED
};
enum {
  PJ_API_UNSPECIFIED,
  PJ_API_ORIGINAL,
  PJ_API_STATUS_RETURNING,
  PJ_API_STATUS_RETURNING_UNIFIED,
  PJ_API_TYPED_FFI
};
enum { PJ_FFT_FFT, PJ_FFT_IFFT, PJ_FFT_RFFT, PJ_FFT_IRFFT };
enum { PJ_PRECISION_DEFAULT, PJ_PRECISION_HIGH, PJ_PRECISION_HIGHEST };
enum { PJ_RNG_DEFAULT, PJ_RNG_THREE_FRY, PJ_RNG_PHILOX };
enum { PJ_RNG_UNIFORM = 1, PJ_RNG_NORMAL = 2 };
enum { PJ_TRANSPOSE_INVALID, PJ_TRANSPOSE_NO, PJ_TRANSPOSE_YES, PJ_TRANSPOSE_ADJOINT };
enum { PJ_ACCURACY_DEFAULT, PJ_ACCURACY_HIGHEST, PJ_ACCURACY_TOLERANCE };

typedef struct PjAttr PjAttr;
struct PjAttr {
  PjAttrKind kind;
  PjEnumKind enum_kind;
  int32_t columns;
  bool splat; // ELEMENTS: |data| holds one element that stands for all. Importers keep equal
              // elements so, but not a single one or none
  uint32_t count;
  int64_t i64, i64b;
  double f64, f64b;
  PjStr str;
  const PjType *type;
  const int64_t *ints;
  const PjStr *names;
  const PjAttr *const *elems;
  const PjAttr *more;
  const void *data; // ELEMENTS: row-major elements as in dtypes.def (complex: real, imaginary),
                    // little-endian, aligned for their type
  size_t data_size; // bytes in |data|
};

// Constructors; arrays are copied into |arena| unless said otherwise.
const PjAttr *pj_attr_unit(void);
const PjAttr *pj_attr_bool(PjArena *arena, bool value);
const PjAttr *pj_attr_i64(PjArena *arena, int64_t value);
const PjAttr *pj_attr_int(PjArena *arena, int64_t value, PjDtype dtype);
const PjAttr *pj_attr_float(PjArena *arena, double value, PjDtype dtype);
const PjAttr *pj_attr_string(PjArena *arena, PjStr text);
const PjAttr *pj_attr_symbol(PjArena *arena, PjStr name);
const PjAttr *pj_attr_type(PjArena *arena, const PjType *type);
const PjAttr *pj_attr_enum(PjArena *arena, PjEnumKind kind, int64_t value);
const PjAttr *pj_attr_ints(PjArena *arena, size_t count, const int64_t *values); // a list
const PjAttr *pj_attr_matrix(PjArena *arena, size_t rows, size_t columns,
                             const int64_t *values); // row-major
const PjAttr *pj_attr_bools(PjArena *arena, size_t count, const int64_t *values);
// As pj_attr_ints for elements of |dtype| other than i64; the values of floats are their bit
// patterns.
const PjAttr *pj_attr_typed_ints(PjArena *arena, PjDtype dtype, size_t count,
                                 const int64_t *values);
const PjAttr *pj_attr_array(PjArena *arena, size_t count, const PjAttr *const *elems);
// Sorts by name (copies first). Equal names: the importer must have refused them.
const PjAttr *pj_attr_dict(PjArena *arena, size_t count, const PjStr *names,
                           const PjAttr *const *values);
const PjAttr *pj_attr_struct(PjArena *arena, const char *name, size_t count, const PjStr *names,
                             const PjAttr *const *values);
// |data| is NOT copied and must live as long as the arena: |data_size| bytes, all elements or, with
// |splat|, one.
const PjAttr *pj_attr_elements(PjArena *arena, const PjType *type, const void *data,
                               size_t data_size, bool splat);

const PjAttr *pj_attr_alias(PjArena *arena, size_t num_output_indices,
                            const int64_t *output_indices, int64_t operand,
                            size_t num_operand_indices, const int64_t *operand_indices);
const PjAttr *pj_attr_accuracy(PjArena *arena, double atol, double rtol, int64_t ulps,
                               int64_t mode);
const PjAttr *pj_attr_channel(PjArena *arena, int64_t handle, int64_t type);
const PjAttr *pj_attr_bounds(PjArena *arena, size_t count, const int64_t *bounds);

bool pj_attr_eq(const PjAttr *a, const PjAttr *b); // structural; NULL equals NULL only
const PjAttr *pj_attr_get(const PjAttr *dict,
                          const char *name); // DICT or STRUCT (or NULL): value of |name| or NULL

// The name of an enum's value ("LT"), or NULL; and back (-1: unknown). pj_enum_name: MLIR mnemonic
// ("comparison_direction").
const char *pj_enum_text(PjEnumKind kind, int64_t value);
int64_t pj_enum_value(PjEnumKind kind, PjStr text);
const char *pj_enum_name(PjEnumKind kind);

// Dialect attributes with named fields (PJ_ATTR_STRUCT), names and fields as both importers make
// them:
//   sdy.mesh {axes: array of sdy.mesh_axis, device_ids: ints}      sdy.mesh_axis {name: string,
//   size: int} sdy.sub_axis {pre_size: int, size: int}                        sdy.axis_ref {name:
//   string, [sub_axis]} sdy.dimension_sharding {axes: array of axis_ref, is_closed: bool,
//   [priority: int]} sdy.sharding {mesh: symbol or sdy.mesh, dims: array of dimension_sharding,
//   replicated: array of axis_ref,
//                 [unreduced: array of axis_ref], [reduction: int]}
//   sdy.sharding_per_value {shardings: array}                      sdy.manual_axes {axes: array of
//   string} sdy.dim_mapping {factors: ints}                                sdy.tensor_mapping
//   {dims: array of dim_mapping} sdy.op_sharding_rule {factor_sizes: ints, operands: array of
//   tensor_mapping, results: array of tensor_mapping,
//                 reduction, need_replication, permutation, blocked: ints, is_custom: bool}
//   sdy.axis_list {axes: array}   sdy.list_of_axis_lists {lists: array}
//   sdy.all_to_all_param {axes: array, src_dim: int, tgt_dim: int}   sdy.all_to_all_params {params:
//   array} stablehlo.sub_axis_info {pre_size: int, size: int}   stablehlo.axis_ref {name: string,
//   [sub_axis_info]} stablehlo.mesh_axis {name, size}   stablehlo.mesh {axes: array, [device_ids:
//   elements]} stablehlo.replica_group_mesh_axes {mesh: symbol or stablehlo.mesh, axes: array of
//   stablehlo.axis_ref}
