// Computing elements on demand.
//
// A value is asked for at an index, a list of pieces in its own row-major space (sched/index.h).
// Operations that move data turn the index of their result into that of their operand; pieces keep
// loops linear wherever they can, so that a broadcast, slice or padding inside a fused kernel still
// reads memory in vectors. Values are remembered per index, so a diamond of operations is computed
// once; the builder shares what is equal below.
#include <string.h>

#include "base/hash.h"
#include "sched/nest_parts.h"

enum {
  MAX_DEPTH = 200,
  DEEP = 100, // from here on what chains of operations are computed of comes first
  DEFAULT_BUDGET = 60000,
};

PjNest *pj_nest_create(PjKir *k, bool literal) {
  PjNest *nest = PJ_NEW(k->arena, PjNest);
  nest->arena = k->arena;
  nest->ix = (PjIxBuilder){.k = k, .lanes = 1, .literal = literal};
  nest->budget = DEFAULT_BUDGET;
  return nest;
}

void pj_nest_bind(PjNest *nest, const PjValue *value, const PjPlace *place) {
  PjPlace *copy = PJ_NEW(nest->arena, PjPlace);
  *copy = *place;
  pj_map_set(nest->arena, &nest->places, pj_map_ptr(value), pj_map_ptr(copy));
}

const PjPlace *pj_nest_place(const PjNest *nest, const PjValue *value) {
  uint64_t *found = pj_map_find(&nest->places, pj_map_ptr(value));
  return found ? (const PjPlace *)(uintptr_t)*found : NULL;
}

void pj_nest_forget(PjNest *nest) {
  nest->memo = (PjMap){0};
}

PjElem pj_nest_fail(PjNest *nest, const char *why) {
  if (!nest->failed)
    nest->failed = why;
  return (PjElem){pj_kir_const(nest->ix.k, PJ_KIR_T(I32, 1), 0), 0};
}

static int lanes_of(const PjNest *nest, PjElem e) {
  return pj_kir_typeof(nest->ix.k, e.re).lanes;
}

static PjElem from_place(PjNest *nest, PjDtype dtype, const PjPlace *place, const PjIndex *index,
                         PjKirVal mask) {
  if (place->kind == PJ_PLACE_VALUE)
    return place->value;
  PjIndex kept = {0};
  for (int i = 0; i < index->n; i++)
    if (!place->row || index->p[i].pos < place->row)
      kept.p[kept.n++] = index->p[i];
  // Without an index it is the only element there is.
  nest->ix.k->always = place->readonly && !index->n;
  PjElem e = pj_nest_load(nest, dtype, place, pj_ix_offset(&nest->ix, &kept), mask);
  nest->ix.k->always = false;
  return e;
}

PjKirVal pj_nest_integer(PjNest *nest, const PjValue *value) {
  PjKirVal v = pj_nest_scalar(nest, value).re;
  PjKirElem elem = (PjKirElem)pj_kir_typeof(nest->ix.k, v).elem;
  if (elem == PJ_KIR_I64)
    return v;
  bool is_signed = pj_dtype_class(value->type->dtype) == PJ_CLASS_SINT;
  return pj_kir_cast(nest->ix.k, is_signed ? PJ_KIR_SEXT : PJ_KIR_ZEXT, PJ_KIR_I64, v);
}

// --- Sources -------------------------------------------------------------------------------------

// Whether a consumer makes better code when it knows the constant.
static bool wants_literal(const PjOp *user) {
  switch (user->kind) {
  case PJ_OP_DIVIDE:
  case PJ_OP_REMAINDER:
    return pj_dtype_is_int(user->results[0].type->dtype);
  case PJ_OP_POWER:
  case PJ_OP_SHIFT_LEFT:
  case PJ_OP_SHIFT_RIGHT_ARITHMETIC:
  case PJ_OP_SHIFT_RIGHT_LOGICAL:
    return true;
  default:
    return false;
  }
}

// A splat constant: literal where it is a number that simplifies code, else a param.
static PjElem new_constant(PjNest *nest, const PjAttr *attr, bool literal) {
  PjKir *k = nest->ix.k;
  PjDtype dtype = attr->type->dtype;
  uint64_t bits = 0;
  size_t bytes = pj_dtype_bytes(dtype);
  if (nest->ix.literal || literal || bytes > 8)
    return pj_elem_const(k, dtype, 1, attr->data);
  memcpy(&bits, attr->data, bytes);
  switch (dtype) {
  case PJ_DT_F32: {
    float v;
    memcpy(&v, attr->data, 4);
    if (v == 0 || v == 1 || v == -1 || v == 2 || v == 0.5f || v - v != 0)
      break;
    return (PjElem){pj_ix_scalar(&nest->ix, PJ_KIR_T(F32, 1), bits), 0};
  }
  case PJ_DT_F64: {
    double v;
    memcpy(&v, attr->data, 8);
    if (v == 0 || v == 1 || v == -1 || v == 2 || v == 0.5 || v - v != 0)
      break;
    return (PjElem){pj_ix_scalar(&nest->ix, PJ_KIR_T(F64, 1), bits), 0};
  }
  case PJ_DT_S32:
  case PJ_DT_U32:
    if ((int32_t)bits >= -2 && (int32_t)bits <= 2)
      break;
    return (PjElem){pj_ix_scalar(&nest->ix, PJ_KIR_T(I32, 1), bits), 0};
  case PJ_DT_S64:
  case PJ_DT_U64:
    if ((int64_t)bits >= -2 && (int64_t)bits <= 2)
      break;
    return (PjElem){pj_ix_scalar(&nest->ix, PJ_KIR_T(I64, 1), bits), 0};
  default:
    break;
  }
  return pj_elem_const(k, dtype, 1, attr->data);
}

// A param is one for the whole kernel. Code belongs to the block at hand (NaNs of few bits are
// decoded by instructions); the builder shares it where it is in scope.
static PjElem constant(PjNest *nest, const PjAttr *attr, bool literal) {
  uint64_t key = pj_map_ptr(attr), *found = literal ? NULL : pj_map_find(&nest->constants, key);
  if (found)
    return (PjElem){(PjKirVal)*found, 0};
  PjElem e = new_constant(nest, attr, literal);
  if (!literal && pj_kir_inst(nest->ix.k, e.re)->op == PJ_KIR_PARAM)
    pj_map_set(nest->arena, &nest->constants, key, e.re);
  return e;
}

static PjElem iota(PjNest *nest, const PjOp *op, const PjIndex *index) {
  const PjType *to = op->results[0].type;
  int64_t out[PJ_MAX_RANK];
  int d = (int)PJ_INT(op, iota_dimension);
  pj_shape_strides(to, out);
  PjIx ix = pj_nest_dim_index(nest, index, out[d], to->dims[d]);
  PjKirVal v = pj_ix_is_uniform(ix) ? pj_ix_base(&nest->ix, ix) : pj_ix_vector(&nest->ix, ix);
  return pj_elem_convert(nest->ix.k, PJ_DT_S64, to->dtype, (PjElem){v, 0});
}

// --- The walk ------------------------------------------------------------------------------------

static bool in_kernels(const PjType *type) {
  return pj_type_is_static(type) && !type->quant && type->rank <= PJ_MAX_LOOP_RANK &&
         pj_elem_type(type->dtype) != PJ_KIR_VOID;
}

bool pj_nest_can_inline(const PjOp *op) {
  if (op->num_results != 1 || !in_kernels(op->results[0].type))
    return false;
  for (uint32_t i = 0; i < op->num_operands; i++)
    if (!in_kernels(op->operands[i]->type))
      return false;
  switch (op->kind) {
  case PJ_OP_CONSTANT:
    return PJ_ATTR(op, value)->splat || pj_count(op->results[0].type) == 1;
  case PJ_OP_PAD: {
    uint32_t n;
    const int64_t *interior = PJ_INTS(op, interior_padding, &n);
    for (uint32_t i = 0; i < n; i++)
      if (interior[i])
        return false;
    return true;
  }
  case PJ_OP_GATHER:
    return pj_dtype_is_int(op->operands[1]->type->dtype) && pj_count(op->operands[0]->type) > 0 &&
           op->operands[1]->type->rank <= PJ_MAX_LOOP_RANK;
  case PJ_OP_IOTA:
  case PJ_OP_BROADCAST_IN_DIM:
  case PJ_OP_RESHAPE:
  case PJ_OP_TRANSPOSE:
  case PJ_OP_SLICE:
  case PJ_OP_REVERSE:
  case PJ_OP_CONCATENATE:
  case PJ_OP_DYNAMIC_SLICE:
    return true;
  default:
    return pj_elem_supports(op);
  }
}

// Where the truth values |value| lie in memory, perhaps in another shape, or NULL.
static const PjPlace *truth_in_memory(PjNest *nest, const PjValue *value) {
  for (;;) {
    const PjPlace *place = pj_nest_place(nest, value);
    if (place)
      return place->kind == PJ_PLACE_MEMORY ? place : NULL;
    const PjOp *def = value->def;
    if (!def || !(pj_op_keeps_order(def) ||
                  (def->kind == PJ_OP_BROADCAST_IN_DIM && pj_count(value->type) == 1)))
      return NULL;
    value = def->operands[0];
  }
}

static PjElem elementwise(PjNest *nest, const PjOp *op, const PjIndex *index, PjKirVal mask) {
  // Hosts see arrays of bytes as arrays of truth values and back: a byte above 1 becomes the number
  // that it is.
  const PjType *from = op->operands[0]->type;
  const PjPlace *place = op->kind == PJ_OP_CONVERT && from->dtype == PJ_DT_PRED
                             ? truth_in_memory(nest, op->operands[0])
                             : NULL;
  if (place) {
    static const PjIndex first = {0};
    PjElem byte = from_place(nest, PJ_DT_U8, place, pj_count(from) == 1 ? &first : index, mask);
    return pj_elem_convert(nest->ix.k, PJ_DT_U8, op->results[0].type->dtype, byte);
  }
  PjElem in[3];
  bool vector = false;
  static const PjIndex none = {0};
  for (uint32_t i = 0; i < op->num_operands; i++) {
    const PjValue *operand = op->operands[i];
    if (operand->def && operand->def->kind == PJ_OP_CONSTANT &&
        PJ_ATTR(operand->def, value)->data_size && !pj_nest_place(nest, operand) &&
        pj_nest_can_inline(operand->def))
      in[i] = constant(nest, PJ_ATTR(operand->def, value), i > 0 && wants_literal(op));
    else
      in[i] = pj_nest_value(nest, operand, operand->type->rank == 0 ? &none : index, mask);
    vector |= lanes_of(nest, in[i]) > 1;
  }
  for (uint32_t i = 0; vector && i < op->num_operands; i++)
    in[i] = pj_nest_splat(nest, in[i]);
  nest->ix.k->alone = pj_count(op->results[0].type) == 1;
  const PjElem result = pj_elem_apply(nest->ix.k, op, in);
  nest->ix.k->alone = false;
  return result;
}

static PjElem compute(PjNest *nest, const PjValue *value, const PjIndex *index, PjKirVal mask) {
  const PjOp *op = value->def;
  if (!op || nest->failed)
    return pj_nest_fail(nest, "a value without a place");
  if (nest->depth >= MAX_DEPTH || pj_kir_size(nest->ix.k) > nest->budget)
    return pj_nest_fail(nest, "a kernel too large");
  if (!pj_nest_can_inline(op))
    return pj_nest_fail(nest, "an operation that cannot be fused");
  switch (op->kind) {
  case PJ_OP_CONSTANT:
    return constant(nest, PJ_ATTR(op, value), false);
  case PJ_OP_IOTA:
    return iota(nest, op, index);
  case PJ_OP_RESHAPE:
    return pj_nest_value(nest, op->operands[0], index, mask);
  case PJ_OP_GATHER:
    return pj_gather_value(nest, op, index, mask);
  case PJ_OP_CONCATENATE:
    return pj_nest_concatenate(nest, op, index, mask);
  default:
    if (pj_elem_is(op))
      return elementwise(nest, op, index, mask);
    return pj_nest_moved(nest, op, index, mask);
  }
}

static uint64_t memo_key(const PjValue *value, const PjIndex *index, PjKirVal mask) {
  uint64_t hash = pj_hash_u64(PJ_HASH_SEED, pj_map_ptr(value));
  hash = pj_hash_u64(hash, mask);
  for (int i = 0; i < index->n; i++) {
    const PjPiece *p = &index->p[i];
    hash = pj_hash_u64(hash, (uint64_t)p->pos);
    hash = pj_hash_u64(hash, (uint64_t)p->ix.base << 32 | p->ix.vec);
    hash = pj_hash_u64(hash, (uint64_t)p->ix.step);
    hash = pj_hash_u64(hash, pj_map_ptr(p->ix.each));
  }
  return hash;
}

typedef struct Memo {
  const PjValue *value;
  PjKirVal mask;
  PjIndex index;
  PjElem elem;
} Memo;

static bool same_index(const PjIndex *a, const PjIndex *b) {
  if (a->n != b->n)
    return false;
  for (int i = 0; i < a->n; i++)
    if (a->p[i].pos != b->p[i].pos || !pj_ix_eq(a->p[i].ix, b->p[i].ix))
      return false;
  return true;
}

static const PjIndex no_index; // of what is a single element

static const Memo *recall(const PjNest *nest, uint64_t key, const PjValue *value,
                          const PjIndex *index, PjKirVal mask) {
  uint64_t *found = pj_map_find(&nest->memo, key);
  const Memo *memo = found ? (const Memo *)(uintptr_t)*found : NULL;
  return memo && memo->value == value && memo->mask == mask && same_index(&memo->index, index)
             ? memo
             : NULL;
}

// An operand that is still to be computed, at the index of the operation that reads it.
static bool waits(const PjNest *nest, const PjValue *value, const PjIndex *index, PjKirVal mask) {
  const PjOp *op = value->def;
  if (!op || !(op->kind == PJ_OP_RESHAPE || pj_elem_is(op)) || pj_nest_place(nest, value))
    return false;
  if (pj_count(value->type) == 1)
    index = &no_index;
  return !recall(nest, memo_key(value, index, mask), value, index, mask);
}

// What |value| is computed of, the last of the chain first: by itself it would be a recursion as
// deep as the chain is long.
static void compute_before(PjNest *nest, const PjValue *value, const PjIndex *index,
                           PjKirVal mask) {
  PJ_VEC(const PjValue *) left = {0};
  PJ_PUSH(nest->arena, &left, value);
  while (left.len && !nest->failed) {
    const PjValue *last = left.data[left.len - 1], *next = NULL;
    for (uint32_t i = 0; i < last->def->num_operands && !next; i++)
      if (waits(nest, last->def->operands[i], index, mask))
        next = last->def->operands[i];
    if (next) {
      PJ_PUSH(nest->arena, &left, next);
    } else {
      left.len--;
      if (left.len)
        pj_nest_value(nest, last, index, mask);
    }
  }
}

PjElem pj_nest_value(PjNest *nest, const PjValue *value, const PjIndex *index, PjKirVal mask) {
  if (value->type->rank == 0 || pj_count(value->type) == 1)
    index = &no_index;
  const PjPlace *place = pj_nest_place(nest, value);
  if (place && place->kind == PJ_PLACE_VALUE)
    return place->value;
  uint64_t key = memo_key(value, index, mask);
  const Memo *known = recall(nest, key, value, index, mask);
  if (known)
    return known->elem;
  if (nest->depth >= DEEP && waits(nest, value, index, mask))
    compute_before(nest, value, index, mask);
  nest->depth++;
  PjElem e = place ? from_place(nest, value->type->dtype, place, index, mask)
                   : compute(nest, value, index, mask);
  nest->depth--;
  Memo *memo = PJ_NEW(nest->arena, Memo);
  *memo = (Memo){value, mask, *index, e};
  pj_map_set(nest->arena, &nest->memo, key, pj_map_ptr(memo));
  return e;
}

PjElem pj_nest_scalar(PjNest *nest, const PjValue *value) {
  static const PjIndex none = {0};
  PjElem e = pj_nest_value(nest, value, &none, 0);
  if (lanes_of(nest, e) > 1 && !nest->failed)
    return pj_nest_fail(nest, "a scalar that is not one");
  return e;
}
