// See gen.h: types, values and operations; the choice of emitters.
#include "gen.h"

#include <stdio.h>

#include <math.h>

#include "eval/float.h"
#include "inputs.h"
#include "ir/print.h"
#include "ir/verify.h"

// ----------------------------------------------------------------------------------------------
// types
bool gen_in_classes(PjDtype dtype, int classes) {
  switch (pj_dtype_class(dtype)) {
  case PJ_CLASS_PRED:
    return classes & GEN_PRED;
  case PJ_CLASS_SINT:
    return classes & GEN_SINT;
  case PJ_CLASS_UINT:
    return classes & GEN_UINT;
  case PJ_CLASS_FLOAT:
    return classes & GEN_FLOAT;
  case PJ_CLASS_COMPLEX:
    return classes & GEN_COMPLEX;
  default:
    return false;
  }
}

static PjDtype any_float(Gen *g) {
  static const PjDtype common[] = {PJ_DT_F32, PJ_DT_F32, PJ_DT_F64, PJ_DT_BF16, PJ_DT_F16};
  static const PjDtype rare[] = {PJ_DT_F8E3M4,     PJ_DT_F8E4M3,     PJ_DT_F8E4M3B11FNUZ,
                                 PJ_DT_F8E4M3FN,   PJ_DT_F8E4M3FNUZ, PJ_DT_F8E5M2,
                                 PJ_DT_F8E5M2FNUZ, PJ_DT_F8E8M0FNU,  PJ_DT_F4E2M1FN,
                                 PJ_DT_F6E2M3FN,   PJ_DT_F6E3M2FN};
  if (rand_chance(&g->rand, 90))
    return common[rand_int(&g->rand, 0, sizeof common / sizeof *common - 1)];
  return rare[rand_int(&g->rand, 0, sizeof rare / sizeof *rare - 1)];
}

static PjDtype any_int(Gen *g) {
  static const PjDtype ints[] = {PJ_DT_S32, PJ_DT_S32, PJ_DT_S64, PJ_DT_S8,  PJ_DT_S16,
                                 PJ_DT_U8,  PJ_DT_U16, PJ_DT_U32, PJ_DT_U32, PJ_DT_U64};
  static const PjDtype rare[] = {PJ_DT_S2, PJ_DT_S4, PJ_DT_U2, PJ_DT_U4};
  if (rand_chance(&g->rand, 93))
    return ints[rand_int(&g->rand, 0, sizeof ints / sizeof *ints - 1)];
  return rare[rand_int(&g->rand, 0, sizeof rare / sizeof *rare - 1)];
}

PjDtype gen_dtype(Gen *g, int classes) {
  for (int attempt = 0; attempt < 200; ++attempt) {
    int64_t choice = rand_int(&g->rand, 0, 99);
    bool favourite = rand_chance(&g->rand, 80);
    PjDtype dtype;
    if (choice < 55)
      dtype = favourite ? g->floats[rand_int(&g->rand, 0, 1)] : any_float(g);
    else if (choice < 82)
      dtype = favourite ? g->ints[rand_int(&g->rand, 0, 1)] : any_int(g);
    else if (choice < 92)
      dtype = PJ_DT_PRED;
    else
      dtype = rand_chance(&g->rand, 70) ? PJ_DT_C64 : PJ_DT_C128;
    if (gen_in_classes(dtype, classes))
      return dtype;
  }
  return classes & GEN_FLOAT ? PJ_DT_F32 : classes & GEN_SINT ? PJ_DT_S32 : PJ_DT_U32;
}

int64_t gen_size(Gen *g) {
  int64_t choice = rand_int(&g->rand, 0, 99);
  if (choice < 2)
    return 0;
  if (choice < 12)
    return 1;
  if (choice < 75)
    return g->sizes[rand_int(&g->rand, 0, 3)];
  return rand_int(&g->rand, 2, (int64_t[]){9, 70, 200}[g->options->size]);
}

bool gen_fits(Gen *g, int32_t rank, const int64_t *dims) {
  static const int64_t limits[] = {1 << 10, 1 << 14, 1 << 19};
  int64_t limit = limits[g->options->size], count = 1;
  if (rank > GEN_MAX_RANK + 1)
    return false;
  for (int32_t i = 0; i < rank; ++i) {
    if (dims[i] < 0 || dims[i] > limit)
      return false;
    count *= dims[i] ? dims[i] : 1;
    if (count > limit)
      return false;
  }
  return true;
}

const PjType *gen_type(Gen *g, PjDtype dtype, int32_t rank, const int64_t *dims) {
  return pj_type_tensor(g->arena, dtype, rank, dims);
}

const PjType *gen_scalar(Gen *g, PjDtype dtype) {
  return pj_type_tensor(g->arena, dtype, 0, NULL);
}

const PjType *gen_random_type(Gen *g, PjDtype dtype, int32_t min_rank, int32_t max_rank) {
  static const int8_t usual[] = {0, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 4, 4, 5, 6};
  int64_t dims[GEN_MAX_RANK];
  int32_t rank;
  do {
    rank = usual[rand_int(&g->rand, 0, sizeof usual - 1)];
    if (rank < min_rank || rank > max_rank)
      rank = (int32_t)rand_int(&g->rand, min_rank, max_rank);
    for (int32_t i = 0; i < rank; ++i)
      dims[i] = gen_size(g);
  } while (!gen_fits(g, rank, dims));
  return gen_type(g, dtype, rank, dims);
}

const PjType *gen_like(Gen *g, const PjValue *value, PjDtype dtype) {
  return pj_type_with_dtype(g->arena, value->type, dtype);
}

int64_t gen_count(const PjType *type) {
  int64_t count = 0;
  pj_type_num_elements(type, &count);
  return count;
}

// ----------------------------------------------------------------------------------------------
// values
static void add_value(Gen *g, PjValue *value) {
  if (g->num_values < GEN_MAX_VALUES)
    g->values[g->num_values++] = value;
}

static bool usable(const PjValue *value, int32_t min_rank, int32_t max_rank) {
  return value->type->kind == PJ_TYPE_TENSOR && value->type->rank >= min_rank &&
         value->type->rank <= max_rank;
}

// A value in scope that |want| accepts, recent ones first, or NULL.
static PjValue *find_value(Gen *g, int classes, PjDtype dtype, int32_t min_rank, int32_t max_rank) {
  uint32_t count = g->num_values - g->first;
  for (int attempt = 0; count && attempt < 24; ++attempt) {
    uint32_t back = rand_chance(&g->rand, 50) && count > 6
                        ? (uint32_t)rand_int(&g->rand, 0, 5)
                        : (uint32_t)rand_int(&g->rand, 0, count - 1);
    PjValue *value = g->values[g->num_values - 1 - back];
    if (usable(value, min_rank, max_rank) &&
        (dtype ? value->type->dtype == dtype : gen_in_classes(value->type->dtype, classes)))
      return value;
  }
  return NULL;
}

static PjValue *fresh(Gen *g, const PjType *type) {
  if (rand_chance(&g->rand, 75) || gen_count(type) > 256)
    return gen_argument(g, type);
  return gen_constant(g, type);
}

PjValue *gen_pick(Gen *g, int classes, int32_t min_rank, int32_t max_rank) {
  PjValue *value = rand_chance(&g->rand, 90) ? find_value(g, classes, 0, min_rank, max_rank) : NULL;
  return value ? value : fresh(g, gen_random_type(g, gen_dtype(g, classes), min_rank, max_rank));
}

PjValue *gen_pick_dtype(Gen *g, PjDtype dtype, int32_t min_rank, int32_t max_rank) {
  PjValue *value = rand_chance(&g->rand, 90) ? find_value(g, 0, dtype, min_rank, max_rank) : NULL;
  return value ? value : fresh(g, gen_random_type(g, dtype, min_rank, max_rank));
}

PjValue *gen_of_type(Gen *g, const PjType *type) {
  PjValue *found[8];
  int count = 0;
  if (rand_chance(&g->rand, 85))
    for (uint32_t i = g->num_values; i > g->first && count < 8; --i)
      if (pj_type_eq(g->values[i - 1]->type, type))
        found[count++] = g->values[i - 1];
  if (count)
    return found[rand_int(&g->rand, 0, count - 1)];
  int64_t choice = rand_int(&g->rand, 0, 99);
  if (choice < 20 && type->rank) { // a row, a column or a scalar, broadcast
    int64_t kept[GEN_MAX_RANK + 1], dims[GEN_MAX_RANK + 1];
    int32_t rank = 0;
    for (int32_t i = 0; i < type->rank && rank < GEN_MAX_RANK; ++i)
      if (rand_chance(&g->rand, 40)) {
        kept[rank] = i;
        dims[rank++] = rand_chance(&g->rand, 85) ? type->dims[i] : 1;
      }
    if (rank < type->rank)
      return gen_broadcast_in_dim(g, gen_of_type(g, gen_type(g, type->dtype, rank, dims)), type,
                                  kept);
  }
  if (choice < 35) { // another type's values
    PjValue *other = find_value(g, GEN_ANY, 0, type->rank, type->rank);
    if (other && pj_type_eq(gen_like(g, other, type->dtype), type))
      return gen_convert(g, other, type->dtype);
  }
  if (choice < 42 && type->rank && type->dtype != PJ_DT_PRED && type->dtype != PJ_DT_F8E8M0FNU)
    return gen_iota(g, type, rand_int(&g->rand, 0, type->rank - 1));
  return fresh(g, type);
}

static PjValue *add_argument(Gen *g, const PjType *type, int64_t code) {
  PjRegion *body = &g->func->regions[0];
  PjValue *value = &body->args[body->num_args];
  *value = (PjValue){.type = type, .region = body, .index = body->num_args++};
  const PjStr names[] = {PJ_STR(INPUT_ATTR)};
  const PjAttr *values[] = {pj_attr_i64(g->arena, code)};
  g->arg_attrs[value->index] = pj_attr_dict(g->arena, 1, names, values);
  add_value(g, value);
  return value;
}

PjValue *gen_argument(Gen *g, const PjType *type) {
  // Isolated regions see no arguments.
  if (g->isolated || g->func->regions[0].num_args == GEN_MAX_ARGS)
    return gen_constant(g, type);
  InputKind kind = g->special ? INPUT_SPECIAL : INPUT_NORMAL;
  return add_argument(g, type, input_code(kind, 0, rand_bits(&g->rand)));
}

static PjValue *constant(Gen *g, const PjType *type, const void *data, size_t size, bool splat) {
  PjOp *op = gen_op(g, PJ_OP_CONSTANT, 0, NULL, 1, 0);
  pj_op_set_attr(op, PJ_KEY_value, pj_attr_elements(g->arena, type, data, size, splat));
  return gen_done(g, op, &type);
}

// Importers keep equal elements as one, so the printed program does not depend on it.
PjValue *gen_constant(Gen *g, const PjType *type) {
  int64_t count = gen_count(type);
  bool splat = count > 64 || (count > 1 && rand_chance(&g->rand, 40));
  int64_t stored = splat ? 1 : count;
  size_t bytes = (size_t)stored * pj_dtype_bytes(type->dtype);
  void *data = pj_arena_alloc(g->arena, bytes);
  InputKind kind = g->special ? INPUT_SPECIAL : INPUT_NORMAL;
  input_fill(type->dtype, stored, data, input_code(kind, 0, rand_bits(&g->rand)));
  return constant(g, type, data, bytes, splat);
}

static void encode(PjDtype dtype, double value, void *at) {
  memset(at, 0, pj_dtype_bytes(dtype));
  if (dtype == PJ_DT_PRED || pj_dtype_is_int(dtype))
    pj_int_encode(dtype, (int64_t)value, at);
  else
    pj_double_encode(pj_dtype_part(dtype), value, at);
}

PjValue *gen_splat(Gen *g, const PjType *type, double value) {
  void *data = pj_arena_alloc(g->arena, pj_dtype_bytes(type->dtype));
  encode(type->dtype, value, data);
  int64_t count = gen_count(type);
  return constant(g, type, data, count ? pj_dtype_bytes(type->dtype) : 0, count > 1);
}

PjValue *gen_ints(Gen *g, const PjType *type, const int64_t *values) {
  int64_t count = gen_count(type);
  size_t elem = pj_dtype_bytes(type->dtype);
  char *data = pj_arena_alloc(g->arena, (size_t)count * elem);
  for (int64_t i = 0; i < count; ++i)
    pj_int_encode(type->dtype, values[i], data + (size_t)i * elem);
  return constant(g, type, data, (size_t)count * elem, false);
}

PjValue *gen_broadcast_scalar(Gen *g, PjValue *scalar, const PjType *type) {
  return gen_broadcast_in_dim(g, scalar, type, NULL);
}

PjValue *gen_index(Gen *g, const PjType *type, int64_t size) {
  int64_t code = input_code(INPUT_INDEX, size < 60000 ? size : 60000, rand_bits(&g->rand));
  PjValue *computed = rand_chance(&g->rand, 20) && !type->rank ? gen_of_type(g, type) : NULL;
  if (computed)
    return computed;
  if (!g->isolated && g->func->regions[0].num_args < GEN_MAX_ARGS && rand_chance(&g->rand, 70))
    return add_argument(g, type, code);
  int64_t count = gen_count(type);
  size_t bytes = (size_t)count * pj_dtype_bytes(type->dtype);
  void *data = pj_arena_alloc(g->arena, bytes);
  input_fill(type->dtype, count, data, code);
  return constant(g, type, data, bytes, false);
}

// ----------------------------------------------------------------------------------------------
// operations
PjOp *gen_op(Gen *g, PjOpKind kind, uint32_t num_operands, PjValue *const *operands,
             uint32_t num_results, uint32_t num_regions) {
  PjOp *op = pj_op_create(g->arena, kind, num_operands, num_results, num_regions);
  for (uint32_t i = 0; i < num_operands; ++i)
    op->operands[i] = operands[i];
  return op;
}

void gen_set_int(Gen *g, PjOp *op, PjKey key, int64_t value) {
  pj_op_set_attr(op, key, pj_attr_i64(g->arena, value));
}

void gen_set_bool(Gen *g, PjOp *op, PjKey key, bool value) {
  pj_op_set_attr(op, key, pj_attr_bool(g->arena, value));
}

void gen_set_ints(Gen *g, PjOp *op, PjKey key, uint32_t count, const int64_t *values) {
  pj_op_set_attr(op, key, pj_attr_ints(g->arena, count, values));
}

void gen_set_pairs(Gen *g, PjOp *op, PjKey key, uint32_t rows, const int64_t *values) {
  pj_op_set_attr(op, key, pj_attr_matrix(g->arena, rows, 2, values));
}

PjValue *gen_done(Gen *g, PjOp *op, const PjType *const *types) {
  pj_op_fill_defaults(g->arena, op);
  const PjType **inferred = PJ_NEW_ARRAY(g->arena, const PjType *, op->num_results + 1);
  if (!types && op->num_results) {
    PjStatus status = pj_infer(g->arena, op, inferred);
    types = inferred;
    if (status && !g->bug)
      g->bug = status;
    else
      pj_status_free(status);
  }
  for (uint32_t i = 0; i < op->num_results; ++i)
    op->results[i].type = types[i] ? types[i] : gen_scalar(g, PJ_DT_F32);
  pj_op_append(g->region, op);
  for (uint32_t i = 0; i < op->num_results; ++i) {
    add_value(g, &op->results[i]);
    g->work_left -= gen_count(op->results[i].type) + 8;
  }
  --g->ops_left;
  return op->num_results ? &op->results[0] : NULL;
}

PjValue *gen_unary(Gen *g, PjOpKind kind, PjValue *a) {
  return gen_done(g, gen_op(g, kind, 1, &a, 1, 0), NULL);
}

PjValue *gen_binary(Gen *g, PjOpKind kind, PjValue *a, PjValue *b) {
  return gen_done(g, gen_op(g, kind, 2, (PjValue *[]){a, b}, 1, 0), NULL);
}

PjValue *gen_compare(Gen *g, int direction, int type, PjValue *a, PjValue *b) {
  PjOp *op = gen_op(g, PJ_OP_COMPARE, 2, (PjValue *[]){a, b}, 1, 0);
  pj_op_set_attr(op, PJ_KEY_comparison_direction,
                 pj_attr_enum(g->arena, PJ_ENUM_COMPARE_DIRECTION, direction));
  pj_op_set_attr(op, PJ_KEY_compare_type, pj_attr_enum(g->arena, PJ_ENUM_COMPARE_TYPE, type));
  return gen_done(g, op, NULL);
}

PjValue *gen_select(Gen *g, PjValue *p, PjValue *a, PjValue *b) {
  return gen_done(g, gen_op(g, PJ_OP_SELECT, 3, (PjValue *[]){p, a, b}, 1, 0), NULL);
}

PjValue *gen_convert(Gen *g, PjValue *a, PjDtype dtype) {
  const PjType *type = gen_like(g, a, dtype);
  return gen_done(g, gen_op(g, PJ_OP_CONVERT, 1, &a, 1, 0), &type);
}

PjValue *gen_reshape(Gen *g, PjValue *a, int32_t rank, const int64_t *dims) {
  const PjType *type = gen_type(g, a->type->dtype, rank, dims);
  return gen_done(g, gen_op(g, PJ_OP_RESHAPE, 1, &a, 1, 0), &type);
}

PjValue *gen_transpose(Gen *g, PjValue *a, const int64_t *permutation) {
  PjOp *op = gen_op(g, PJ_OP_TRANSPOSE, 1, &a, 1, 0);
  gen_set_ints(g, op, PJ_KEY_permutation, (uint32_t)a->type->rank, permutation);
  return gen_done(g, op, NULL);
}

PjValue *gen_broadcast_in_dim(Gen *g, PjValue *a, const PjType *type, const int64_t *dims) {
  PjOp *op = gen_op(g, PJ_OP_BROADCAST_IN_DIM, 1, &a, 1, 0);
  gen_set_ints(g, op, PJ_KEY_broadcast_dimensions, (uint32_t)a->type->rank, dims);
  return gen_done(g, op, &type);
}

PjValue *gen_iota(Gen *g, const PjType *type, int64_t dimension) {
  PjOp *op = gen_op(g, PJ_OP_IOTA, 0, NULL, 1, 0);
  gen_set_int(g, op, PJ_KEY_iota_dimension, dimension);
  return gen_done(g, op, &type);
}

PjValue *gen_neutral(Gen *g, PjOpKind body, PjDtype dtype) {
  const PjType *type = gen_scalar(g, dtype);
  bool is_float = pj_dtype_is_float(dtype), wide = pj_dtype_bits(dtype) >= 16;
  uint64_t low =
      pj_dtype_class(dtype) == PJ_CLASS_SINT ? UINT64_MAX << (pj_dtype_bits(dtype) - 1) : 0;
  int64_t extreme;
  switch (body) {
  case PJ_OP_MULTIPLY:
    return gen_splat(g, type, 1);
  case PJ_OP_MAXIMUM:
  case PJ_OP_MINIMUM:
    if (is_float)
      return gen_splat(g, type, (body == PJ_OP_MAXIMUM ? -1 : 1) * (wide ? (double)INFINITY : 4));
    extreme = body == PJ_OP_MAXIMUM ? (int64_t)low : (int64_t)~low;
    return dtype == PJ_DT_PRED || pj_dtype_is_complex(dtype) ? gen_splat(g, type, 0)
                                                             : gen_ints(g, type, &extreme);
  case PJ_OP_AND:
    extreme = -1;
    return dtype == PJ_DT_PRED ? gen_splat(g, type, 1) : gen_ints(g, type, &extreme);
  default:
    return gen_splat(g, type, 0);
  }
}

// ----------------------------------------------------------------------------------------------
// regions
GenScope gen_open(Gen *g, PjRegion *region, uint32_t num_args, const PjType *const *types,
                  bool isolated) {
  GenScope scope = {g->region, g->func, g->num_values, g->first, g->isolated, g->ops_left};
  pj_region_set_args(g->arena, region, num_args, types);
  g->region = region;
  if (isolated) {
    g->first = g->num_values;
    g->isolated = true;
  }
  ++g->depth;
  for (uint32_t i = 0; i < num_args; ++i)
    add_value(g, &region->args[i]);
  return scope;
}

void gen_close(Gen *g, GenScope scope, uint32_t count, PjValue *const *values) {
  PjOpKind kind = g->region->parent->kind == PJ_OP_FUNC ? PJ_OP_FUNC_RETURN : PJ_OP_RETURN;
  PjOp *op = gen_op(g, kind, count, values, 0, 0);
  pj_op_fill_defaults(g->arena, op);
  pj_op_append(g->region, op);
  g->region = scope.region;
  // Arguments of main that were made inside stay in scope, behind what was there.
  uint32_t kept = scope.num_values;
  for (uint32_t i = scope.num_values; i < g->num_values; ++i)
    if (!g->isolated && g->values[i]->region == &scope.func->regions[0])
      g->values[kept++] = g->values[i];
  g->num_values = kept;
  g->first = scope.first;
  g->isolated = scope.isolated;
  g->ops_left = scope.ops_left;
  --g->depth;
}

void gen_binary_body(Gen *g, PjRegion *region, PjOpKind kind, PjDtype dtype) {
  const PjType *types[] = {gen_scalar(g, dtype), gen_scalar(g, dtype)};
  GenScope scope = gen_open(g, region, 2, types, true);
  PjValue *result = rand_chance(&g->rand, 70)
                        ? gen_binary(g, kind, &region->args[0], &region->args[1])
                        : gen_binary(g, kind, &region->args[1], &region->args[0]);
  gen_close(g, scope, 1, &result);
}

PjValue *gen_reduce(Gen *g, PjOpKind body, PjValue *a, uint32_t num_dims, const int64_t *dims) {
  PjValue *operands[] = {a, gen_neutral(g, body, a->type->dtype)};
  PjOp *op = gen_op(g, PJ_OP_REDUCE, 2, operands, 1, 1);
  gen_set_ints(g, op, PJ_KEY_dimensions, num_dims, dims);
  gen_binary_body(g, &op->regions[0], body, a->type->dtype);
  return gen_done(g, op, NULL);
}

// ----------------------------------------------------------------------------------------------
// programs
static const GenEmitter
    *const tables[] = {gen_elementwise,  gen_movement, gen_indexing, gen_reductions,
                       gen_contractions, gen_control,  gen_patterns, gen_others,
                       gen_identities,   gen_aliasing, gen_rare,     gen_recurrences,
                       gen_copies,       gen_forms}; // the last three: of some programs only

enum { NUM_TABLES = sizeof tables / sizeof *tables };

static bool is_named(const Gen *g, const GenEmitter *table) {
  return g->options->filter && strstr(table[0].ops, g->options->filter);
}

// Recurrent layers are whole programs nearly: each eighth seed may have them, and another eighth
// the rare forms; the others give what they gave before there were any. Copies are where they are
// asked for.
static bool takes_part(const Gen *g, const GenEmitter *table) {
  if (table == gen_recurrences)
    return g->options->seed % 8 == 7 || is_named(g, table);
  if (table == gen_forms)
    return g->options->seed % 8 == 3 ||
           (g->options->filter && !strcmp(g->options->filter, "forms"));
  return table != gen_copies || is_named(g, table);
}

static void emit_one(Gen *g) {
  bool filtered = g->options->filter && rand_chance(&g->rand, 60);
  for (int round = 0; round < 2; ++round) {
    int64_t total = 0, at = 0;
    for (size_t t = 0; t < NUM_TABLES; ++t)
      for (const GenEmitter *e = tables[t]; e->emit && takes_part(g, tables[t]); ++e)
        total += !filtered || strstr(e->ops, g->options->filter) ? e->weight : 0;
    int64_t choice = total ? rand_int(&g->rand, 0, total - 1) : 0;
    for (size_t t = 0; total && t < NUM_TABLES; ++t)
      for (const GenEmitter *e = tables[t]; e->emit && takes_part(g, tables[t]); ++e) {
        at += !filtered || strstr(e->ops, g->options->filter) ? e->weight : 0;
        if (at > choice) {
          e->emit(g);
          return;
        }
      }
    filtered = false; // no emitter makes it
  }
}

void gen_fill(Gen *g, int ops) {
  g->ops_left = ops;
  for (int attempt = 0; attempt < 4 * ops && g->ops_left > 0 && g->work_left > 0 && !g->bug;
       ++attempt)
    emit_one(g);
}

static bool is_used(const Gen *g, const PjValue *value) {
  for (const PjOp *op = g->func->regions[0].first; op; op = op->next)
    for (uint32_t i = 0; i < op->num_operands; ++i)
      if (op->operands[i] == value)
        return true;
  return false;
}

// Results: most values that nobody uses, and some that somebody does.
static uint32_t choose_results(Gen *g, uint32_t max, PjValue **results) {
  uint32_t count = 0;
  for (uint32_t i = g->num_values; i > 0 && count < max; --i) {
    PjValue *value = g->values[i - 1];
    if (value->type->kind != PJ_TYPE_TENSOR)
      continue;
    int percent = value->def ? is_used(g, value) ? 8 : 80 : 3;
    if (rand_chance(&g->rand, percent))
      results[count++] = value;
  }
  if (!count && g->num_values)
    results[count++] = g->values[g->num_values - 1];
  return count;
}

// Lets results reuse the memory of arguments.
static void choose_aliases(Gen *g, uint32_t count, PjValue *const *results) {
  const PjRegion *body = &g->func->regions[0];
  bool taken[16] = {false};
  for (uint32_t i = 0; i < body->num_args; ++i) {
    int64_t code = g->arg_attrs[i]->elems[0]->i64;
    const PjStr names[] = {PJ_STR(INPUT_ATTR), PJ_STR("tf.aliasing_output")};
    const PjStr donor[] = {PJ_STR(INPUT_ATTR), PJ_STR("jax.buffer_donor")};
    for (uint32_t r = 0; r < count && r < 16; ++r) {
      if (taken[r] || !pj_type_eq(results[r]->type, body->args[i].type) ||
          !rand_chance(&g->rand, 50))
        continue;
      const PjAttr *values[] = {pj_attr_i64(g->arena, code), pj_attr_int(g->arena, r, PJ_DT_S32)};
      g->arg_attrs[i] = pj_attr_dict(g->arena, 2, names, values);
      taken[r] = true;
      break;
    }
    if (g->arg_attrs[i]->count == 1 && rand_chance(&g->rand, 10)) {
      const PjAttr *values[] = {pj_attr_i64(g->arena, code), pj_attr_bool(g->arena, true)};
      g->arg_attrs[i] = pj_attr_dict(g->arena, 2, donor, values);
    }
  }
}

PjOp *gen_function(Gen *g, const char *name) {
  PjOp *func = pj_op_create(g->arena, PJ_OP_FUNC, 0, 0, 1);
  pj_op_set_attr(func, PJ_KEY_sym_name, pj_attr_string(g->arena, pj_str(name)));
  pj_op_append(&g->module->body, func);
  return func;
}

void gen_set_signature(Gen *g, PjOp *func, uint32_t count, PjValue *const *results) {
  const PjRegion *body = &func->regions[0];
  const PjType *in[GEN_MAX_ARGS], *out[32];
  for (uint32_t i = 0; i < body->num_args; ++i)
    in[i] = body->args[i].type;
  for (uint32_t i = 0; i < count; ++i)
    out[i] = results[i]->type;
  const PjType *type = pj_type_function(g->arena, body->num_args, in, count, out);
  pj_op_set_attr(func, PJ_KEY_function_type, pj_attr_type(g->arena, type));
  pj_op_fill_defaults(g->arena, func);
}

PjStatus gen_program(PjArena *arena, const GenOptions *options, PjStrBuf *out) {
  static const int64_t sizes[][13] = {
      {2, 3, 4, 5, 7, 8, 9, 13, 16, 17, 24, 31, 33},
      {3, 8, 15, 16, 17, 32, 33, 64, 65, 96, 100, 127, 128},
      {16, 33, 64, 100, 128, 255, 256, 257, 300, 512, 1000, 8, 31},
  };
  static const int64_t work[] = {1 << 14, 1 << 17, 1 << 21}, usual_ops[] = {12, 8, 6};
  Gen *g = PJ_NEW(arena, Gen);
  g->arena = arena;
  g->options = options;
  g->rand.state = rand_mix(options->seed * 3 + (uint64_t)options->size + 1);
  g->module = pj_module_create(arena);
  g->special = rand_chance(&g->rand, 35);
  for (int i = 0; i < 4; ++i)
    g->sizes[i] = sizes[options->size][rand_int(&g->rand, 0, 12)];
  for (int i = 0; i < 2; ++i) {
    g->floats[i] = any_float(g);
    g->ints[i] = any_int(g);
  }
  g->work_left = work[options->size];
  g->func = gen_function(g, "main");
  g->region = &g->func->regions[0];
  g->region->args = PJ_NEW_ARRAY(arena, PjValue, GEN_MAX_ARGS);
  int64_t usual = usual_ops[options->size];
  int ops =
      (int)(rand_chance(&g->rand, 20) ? rand_int(&g->rand, 1, 4) : rand_int(&g->rand, 3, usual));
  if (rand_chance(&g->rand, 8))
    ops *= 4;
  gen_fill(g, ops);
  if (!g->num_values)
    gen_argument(g, gen_random_type(g, PJ_DT_F32, 0, 2));
  PjValue *results[24];
  uint32_t count = choose_results(g, rand_chance(&g->rand, 85) ? 8 : 22, results);
  if (rand_chance(&g->rand, 8)) // one value twice
    results[count++] = results[0];
  choose_aliases(g, count, results);
  PjOp *end = gen_op(g, PJ_OP_FUNC_RETURN, count, results, 0, 0);
  pj_op_append(g->region, end);
  pj_op_set_attr(g->func, PJ_KEY_arg_attrs,
                 pj_attr_array(arena, g->region->num_args, g->arg_attrs));
  gen_set_signature(g, g->func, count, results);
  if (g->bug)
    return g->bug;
  pj_module_number(g->module);
  pj_module_print(out, g->module, NULL);
  return pj_strbuf_status(out);
}
