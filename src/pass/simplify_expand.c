// Rules that write composite operations out in simpler ones, which fuse with what stands around
// them: batch normalisation, einsum, torch_index_select, the custom call ApproxTopK.
//
//   batch_norm_inference(x, scale, offset, mean, variance)
//     => scale * ((x - mean) / sqrt(variance + epsilon)) + offset, the deviation once per feature
//
// Batch normalisations are computed in f64 in the evaluator's order, whatever their type: in f32
// the squares of large values overflow, and what is left when close values are subtracted is not
// much. What remains of a difference is the order of sums.
#include "pass/shapes.h"
#include "pass/simplify.h"

static bool keep(PjRewrite *rw, PjOp *op, PjValue *value) {
  return pj_rw_become(rw, op, value);
}

// ------------------------------------------------------------------------------------- batch norm

typedef struct Norm {
  PjRewrite *rw;
  PjOp *op;
  const PjType *full, *vector; // in the type computed in
  int64_t feature;
  double count; // elements of one feature
} Norm;

static bool norm_init(Norm *n, PjRewrite *rw, PjOp *op) {
  const PjType *type = op->operands[0]->type;
  if (type->dtype != PJ_DT_F16 && type->dtype != PJ_DT_BF16 && type->dtype != PJ_DT_F32 &&
      type->dtype != PJ_DT_F64)
    return false;
  *n = (Norm){.rw = rw, .op = op, .feature = PJ_INT(op, feature_index)};
  int64_t size = type->dims[n->feature], elements = pj_count(type);
  if (elements <= 0)
    return false;
  n->full = pj_type_with_dtype(rw->arena, type, PJ_DT_F64);
  n->vector = pj_type_with_dims(rw->arena, n->full, 1, &size);
  n->count = (double)(elements / size);
  return true;
}

static PjValue *wide(const Norm *n, uint32_t operand) {
  PjValue *x = n->op->operands[operand];
  if (x->type->dtype == n->full->dtype)
    return x;
  return pj_build_unary(n->rw, n->op, PJ_OP_CONVERT, x,
                        pj_type_with_dtype(n->rw->arena, x->type, n->full->dtype));
}

static PjValue *narrow(const Norm *n, PjValue *x, uint32_t result) {
  const PjType *type = n->op->results[result].type;
  return pj_type_eq(x->type, type) ? x : pj_build_unary(n->rw, n->op, PJ_OP_CONVERT, x, type);
}

static PjValue *binary(const Norm *n, PjOpKind kind, PjValue *x, PjValue *y) {
  return pj_build_binary(n->rw, n->op, kind, x, y);
}

static PjValue *spread(const Norm *n, PjValue *vector) {
  return pj_build_broadcast(n->rw, n->op, vector, &n->feature, n->full);
}

static PjValue *number(const Norm *n, double value) {
  return pj_build_float(n->rw, n->op, n->vector, value);
}

// The sum over all dimensions but the features'.
static PjValue *sum(const Norm *n, PjValue *x) {
  PjRewrite *rw = n->rw;
  int64_t dims[PJ_MAX_RANK];
  uint32_t count = 0;
  for (int64_t d = 0; d < x->type->rank; ++d)
    if (d != n->feature)
      dims[count++] = d;
  return pj_build_sum(rw, n->op, x, count, dims);
}

static PjValue *mean_of(const Norm *n, PjValue *x) {
  return binary(n, PJ_OP_DIVIDE, sum(n, x), number(n, n->count));
}

// sqrt(variance + epsilon)
static PjValue *deviation(const Norm *n, PjValue *variance) {
  PjValue *square = binary(n, PJ_OP_ADD, variance, number(n, PJ_ATTR(n->op, epsilon)->f64));
  return pj_build_unary(n->rw, n->op, PJ_OP_SQRT, square, n->vector);
}

static PjValue *normalised(const Norm *n, PjValue *centred, PjValue *variance) {
  PjValue *unit = binary(n, PJ_OP_DIVIDE, centred, spread(n, deviation(n, variance)));
  PjValue *scaled = binary(n, PJ_OP_MULTIPLY, spread(n, wide(n, 1)), unit);
  return binary(n, PJ_OP_ADD, scaled, spread(n, wide(n, 2)));
}

bool pj_rule_batch_norm_inference(PjRewrite *rw, PjOp *op) {
  Norm n;
  if (!norm_init(&n, rw, op))
    return false;
  PjValue *centred = binary(&n, PJ_OP_SUBTRACT, wide(&n, 0), spread(&n, wide(&n, 3)));
  return keep(rw, op, narrow(&n, normalised(&n, centred, wide(&n, 4)), 0));
}

bool pj_rule_batch_norm_training(PjRewrite *rw, PjOp *op) {
  Norm n;
  if (!norm_init(&n, rw, op))
    return false;
  PjValue *x = wide(&n, 0), *mean = mean_of(&n, x);
  PjValue *centred = binary(&n, PJ_OP_SUBTRACT, x, spread(&n, mean));
  PjValue *variance = mean_of(&n, binary(&n, PJ_OP_MULTIPLY, centred, centred));
  PjValue *y = normalised(&n, centred, variance);
  PjValue *values[] = {narrow(&n, y, 0), narrow(&n, mean, 1), narrow(&n, variance, 2)};
  return pj_rw_become_all(rw, op, values);
}

// With v = variance + epsilon:
//   grad_operand = scale / sqrt(v) / count * (grad * count - sum(grad) - sum(grad * centred) *
//   centred / v)
bool pj_rule_batch_norm_grad(PjRewrite *rw, PjOp *op) {
  Norm n;
  if (!norm_init(&n, rw, op))
    return false;
  PjValue *scale = wide(&n, 1), *variance = wide(&n, 3), *grad = wide(&n, 4);
  PjValue *centred = binary(&n, PJ_OP_SUBTRACT, wide(&n, 0), spread(&n, wide(&n, 2)));
  PjValue *root = deviation(&n, variance);
  PjValue *square = binary(&n, PJ_OP_ADD, variance, number(&n, PJ_ATTR(op, epsilon)->f64));
  PjValue *unit = binary(&n, PJ_OP_DIVIDE, centred, spread(&n, root));
  PjValue *grad_scale = sum(&n, binary(&n, PJ_OP_MULTIPLY, grad, unit));
  PjValue *grad_offset = sum(&n, grad);
  PjValue *products = sum(&n, binary(&n, PJ_OP_MULTIPLY, grad, centred));
  PjValue *slope = binary(&n, PJ_OP_MULTIPLY, spread(&n, products), centred);
  slope = binary(&n, PJ_OP_DIVIDE, slope, spread(&n, square));
  PjValue *rest = binary(&n, PJ_OP_MULTIPLY, grad, pj_build_float(rw, op, n.full, n.count));
  rest = binary(&n, PJ_OP_SUBTRACT, rest, spread(&n, grad_offset));
  rest = binary(&n, PJ_OP_SUBTRACT, rest, slope);
  PjValue *factor = binary(&n, PJ_OP_DIVIDE, scale, root);
  factor = binary(&n, PJ_OP_DIVIDE, factor, number(&n, n.count));
  PjValue *values[] = {narrow(&n, binary(&n, PJ_OP_MULTIPLY, spread(&n, factor), rest), 0),
                       narrow(&n, grad_scale, 1), narrow(&n, grad_offset, 2)};
  return pj_rw_become_all(rw, op, values);
}

// ----------------------------------------------------------------------------- torch_index_select

bool pj_rule_torch_index_select(PjRewrite *rw, PjOp *op) {
  PjArena *arena = rw->arena;
  const PjType *x = op->operands[0]->type, *index = op->operands[1]->type;
  int64_t dim = PJ_INT(op, dim), batch = PJ_INT(op, batch_dims), list[PJ_MAX_RANK];
  dim += dim < 0 ? x->rank : 0;
  batch += batch < 0 ? index->rank : 0;
  if (dim < 0 || dim >= x->rank || batch < 0 || batch > dim || batch > index->rank ||
      x->dims[dim] < 1 || !pj_count(op->results[0].type))
    return false;
  PjOp *made = pj_build_op(rw, op, PJ_OP_GATHER, 2, op->operands, op->results[0].type);
  int64_t picks = index->rank - batch;
  uint32_t count = 0;
  for (int64_t d = batch; d < x->rank; ++d)
    if (d != dim)
      list[count++] = d < dim ? d : d - 1 + picks;
  pj_op_set_attr(made, PJ_KEY_offset_dims, pj_attr_ints(arena, count, list));
  pj_op_set_attr(made, PJ_KEY_collapsed_slice_dims, pj_attr_ints(arena, 1, &dim));
  pj_op_set_attr(made, PJ_KEY_start_index_map, pj_attr_ints(arena, 1, &dim));
  pj_op_set_attr(made, PJ_KEY_index_vector_dim, pj_attr_i64(arena, index->rank));
  for (int64_t d = 0; d < batch; ++d)
    list[d] = d;
  pj_op_set_attr(made, PJ_KEY_operand_batching_dims, pj_attr_ints(arena, (size_t)batch, list));
  pj_op_set_attr(made, PJ_KEY_start_indices_batching_dims,
                 pj_attr_ints(arena, (size_t)batch, list));
  for (int64_t d = 0; d < x->rank; ++d)
    list[d] = d == dim || d < batch ? 1 : x->dims[d];
  pj_op_set_attr(made, PJ_KEY_slice_sizes, pj_attr_ints(arena, (size_t)x->rank, list));
  pj_build_done(rw, made);
  const PjType *inferred;
  if (pj_rw_infers(rw, made, &inferred) && pj_type_eq(inferred, op->results[0].type))
    return keep(rw, op, &made->results[0]);
  pj_rw_erase(rw, made);
  return false;
}

// ----------------------------------------------------------------------------------------- einsum

typedef struct Labels {
  char at[PJ_MAX_RANK];
  int32_t count;
} Labels;

static int32_t place(const Labels *labels, char label) {
  for (int32_t i = 0; i < labels->count; ++i)
    if (labels->at[i] == label)
      return i;
  return -1;
}

// Reads "ab,bc->ac"; false for what no dot_general is: a label twice in an operand.
static bool read_labels(PjStr config, Labels out[3]) {
  int part = 0;
  out[0].count = out[1].count = out[2].count = 0;
  for (size_t i = 0; i < config.len; ++i) {
    char c = config.ptr[i];
    if (c == ' ')
      continue;
    if (c == ',' || c == '-') {
      part += 1;
      i += c == '-';
      continue;
    }
    if (part > 2 || out[part].count == PJ_MAX_RANK || place(&out[part], c) >= 0)
      return false;
    out[part].at[out[part].count++] = c;
  }
  return part == 2;
}

bool pj_rule_einsum(PjRewrite *rw, PjOp *op) {
  Labels labels[3], made;
  const PjType *type = op->results[0].type;
  if (!read_labels(PJ_STRATTR(op, einsum_config), labels) ||
      labels[0].count != op->operands[0]->type->rank ||
      labels[1].count != op->operands[1]->type->rank || labels[2].count != type->rank)
    return false;
  int64_t batch[2][PJ_MAX_RANK], contract[2][PJ_MAX_RANK], dims[PJ_MAX_RANK];
  uint32_t num_batch = 0, num_contract = 0;
  made.count = 0;
  for (int32_t d = 0; d < labels[0].count; ++d) {
    char c = labels[0].at[d];
    int32_t other = place(&labels[1], c);
    bool kept = place(&labels[2], c) >= 0;
    if (other < 0 && !kept)
      return false; // a sum over one operand alone
    if (other >= 0) {
      uint32_t *n = kept ? &num_batch : &num_contract;
      int64_t(*lists)[PJ_MAX_RANK] = kept ? batch : contract;
      lists[0][*n] = d;
      lists[1][(*n)++] = other;
    }
    if (other >= 0 && kept)
      made.at[made.count++] = c;
  }
  for (int s = 0; s < 2; ++s)
    for (int32_t d = 0; d < labels[s].count; ++d) {
      char c = labels[s].at[d];
      bool shared = place(&labels[1 - s], c) >= 0;
      if (!shared && place(&labels[2], c) < 0)
        return false;
      if (!shared)
        made.at[made.count++] = c;
    }
  if (made.count != labels[2].count)
    return false;
  int64_t perm[PJ_MAX_RANK];
  for (int32_t i = 0; i < made.count; ++i)
    perm[i] = place(&made, labels[2].at[i]);
  for (int32_t i = 0; i < made.count; ++i)
    dims[perm[i]] = type->dims[i];
  PjArena *arena = rw->arena;
  PjOp *dot = pj_build_op(rw, op, PJ_OP_DOT_GENERAL, 2, op->operands,
                          pj_type_with_dims(arena, type, made.count, dims));
  pj_op_set_attr(dot, PJ_KEY_lhs_batching_dimensions, pj_attr_ints(arena, num_batch, batch[0]));
  pj_op_set_attr(dot, PJ_KEY_rhs_batching_dimensions, pj_attr_ints(arena, num_batch, batch[1]));
  pj_op_set_attr(dot, PJ_KEY_lhs_contracting_dimensions,
                 pj_attr_ints(arena, num_contract, contract[0]));
  pj_op_set_attr(dot, PJ_KEY_rhs_contracting_dimensions,
                 pj_attr_ints(arena, num_contract, contract[1]));
  return keep(rw, op, pj_build_transpose(rw, op, pj_build_done(rw, dot), perm));
}

// ------------------------------------------------------------------------------------- ApproxTopK

// The arrays of an ApproxTopK are its first operands, as many as results; initial values of each,
// which nothing needs here, are the others. A comparator is a function of two elements of each.
static bool fits_comparator(const PjOp *op, const PjRegion *body) {
  const PjOp *end = pj_region_terminator(body);
  if (!end || end->num_operands != 1 || body->num_args != op->num_operands ||
      !pj_type_is_static(end->operands[0]->type) || end->operands[0]->type->dtype != PJ_DT_PRED)
    return false;
  for (uint32_t i = 0; i < body->num_args; ++i) {
    const PjType *arg = body->args[i].type, *array = op->operands[i / 2]->type;
    if (!pj_type_is_static(arg) || arg->rank || arg->dtype != array->dtype)
      return false;
  }
  for (const PjOp *each = body->first; each != end; each = each->next)
    if (each->num_regions || each->num_results != 1)
      return false;
  return true;
}

static void copy_comparator(PjRewrite *rw, PjOp *sort, const PjOp *func) {
  const PjRegion *body = &func->regions[0];
  const PjOp *last = pj_region_terminator(body);
  PjRegion *region = &sort->regions[0];
  const PjType **types = PJ_NEW_ARRAY(rw->scratch, const PjType *, body->num_args + 1);
  for (uint32_t i = 0; i < body->num_args; ++i)
    types[i] = body->args[i].type;
  pj_region_set_args(rw->arena, region, body->num_args, types);
  PjMap copies = {0}; // from a value of the function
  for (uint32_t i = 0; i < body->num_args; ++i) {
    pj_rw_add_value(rw, &region->args[i]);
    pj_map_set(rw->scratch, &copies, pj_map_ptr(&body->args[i]), pj_map_ptr(&region->args[i]));
  }
  PjOp *end = pj_op_create(rw->arena, PJ_OP_RETURN, 1, 0, 0);
  end->loc = sort->loc;
  pj_op_append(region, end);
  for (const PjOp *each = body->first; each; each = each->next) {
    PjValue **operands = PJ_NEW_ARRAY(rw->scratch, PjValue *, each->num_operands + 1);
    for (uint32_t i = 0; i < each->num_operands; ++i)
      operands[i] = (PjValue *)(uintptr_t)*pj_map_find(&copies, pj_map_ptr(each->operands[i]));
    if (each == last)
      end->operands[0] = operands[0];
    else
      pj_map_set(rw->scratch, &copies, pj_map_ptr(&each->results[0]),
                 pj_map_ptr(pj_build_like(rw, end, each, operands, each->results[0].type)));
  }
  pj_rw_count_operands(rw, end);
}

// The first elements in the order of the comparator: exact, whatever recall is asked for.
bool pj_rule_approx_top_k(PjRewrite *rw, PjOp *op) {
  const PjAttr *config = pj_attr_get(op->extra, "mhlo.backend_config"),
               *comparators = PJ_ATTR(op, called_computations);
  if (!config || config->kind != PJ_ATTR_DICT)
    config = PJ_ATTR(op, backend_config);
  const PjAttr *dim =
      config && config->kind == PJ_ATTR_DICT ? pj_attr_get(config, "reduction_dim") : NULL;
  if (!dim || dim->kind != PJ_ATTR_INT || !comparators || comparators->count != 1 ||
      !op->num_results || op->num_operands != 2 * op->num_results)
    return false;
  const PjType *first = op->operands[0]->type;
  if (!pj_type_is_static(first) || dim->i64 < 0 || dim->i64 >= first->rank)
    return false;
  for (uint32_t i = 0; i < op->num_results; ++i) {
    const PjType *in = op->operands[i]->type, *out = op->results[i].type;
    if (!pj_type_is_static(in) || !pj_type_is_static(out) || in->dtype != out->dtype ||
        in->rank != first->rank || out->rank != in->rank)
      return false;
    for (int d = 0; d < in->rank; ++d)
      if (in->dims[d] != first->dims[d] || out->dims[d] > in->dims[d] ||
          (d != dim->i64 && out->dims[d] != in->dims[d]))
        return false;
  }
  const PjOp *func = pj_module_find(rw->module, comparators->elems[0]->str);
  if (!func || func->kind != PJ_OP_FUNC || !fits_comparator(op, &func->regions[0]))
    return false;
  const PjType **types = PJ_NEW_ARRAY(rw->scratch, const PjType *, op->num_results);
  for (uint32_t i = 0; i < op->num_results; ++i)
    types[i] = op->operands[i]->type;
  PjOp *sort = pj_build_op_full(rw, op, PJ_OP_SORT, op->num_results, op->operands, op->num_results,
                                types, 1);
  pj_op_set_attr(sort, PJ_KEY_dimension, pj_attr_i64(rw->arena, dim->i64));
  pj_op_set_attr(sort, PJ_KEY_is_stable, pj_attr_bool(rw->arena, true));
  pj_build_done(rw, sort);
  copy_comparator(rw, sort, func);
  const int64_t start[PJ_MAX_RANK] = {0};
  PjValue **results = PJ_NEW_ARRAY(rw->scratch, PjValue *, op->num_results);
  for (uint32_t i = 0; i < op->num_results; ++i)
    results[i] = pj_build_slice(rw, op, &sort->results[i], start, op->results[i].type->dims, NULL);
  return pj_rw_become_all(rw, op, results);
}
