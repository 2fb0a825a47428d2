// Localising operations (local.h): along which factors each is computed in parts. What an operand
// has or a result shall have of a factor is a candidate, with the bytes of all arrays that agree on
// it; the heaviest are chosen first, so that the least is moved. Along factors that are reduced,
// devices get terms of the result.
#include <string.h>

#include "base/alloc.h"
#include "partition/local.h"

typedef struct Candidate {
  uint32_t factor;
  PjAxes axes;
  double bytes;
} Candidate;

typedef struct Choice {
  PjLocal *l;
  PjOp *op;
  const PjShardingRule *rule; // NULL: computed whole
  uint32_t num_tensors;       // operands, then results
  const PjLay **lays;         // how operands lie, and results shall
  PjAxes *factors;            // chosen
  PjAxes used;                // of them all, and those along which terms stay terms
  PjAxes terms;               // along which operands and results are terms of sums
  Candidate *candidates;
  uint32_t num_candidates;
} Choice;

static const PjType *type_of(const Choice *c, uint32_t tensor) {
  return tensor < c->op->num_operands ? c->op->operands[tensor]->type
                                      : c->op->results[tensor - c->op->num_operands].type;
}

// --- Candidates ----------------------------------------------------------------------------------

// What |axes|, of dimension |d|, are to its factors: each but the last takes only what fills it.
static void project(const PjShardingRule *rule, const PjFactorMap *map, int32_t d,
                    const PjAxes *axes, PjAxes *out) {
  uint32_t at = 0;
  PjAxisRef rest = axes->count ? axes->refs[0] : (PjAxisRef){0};
  for (uint32_t i = map->first[d]; i < map->first[d + 1] && at < axes->count; ++i) {
    uint32_t factor = map->factors[i];
    int64_t size = rule->factors[factor].size, part;
    while (at < axes->count && (part = pj_gcd(size, rest.size)) > 1) {
      pj_axes_add(&out[factor], (PjAxisRef){rest.axis, rest.pre, (int32_t)part});
      size /= part;
      rest = (PjAxisRef){rest.axis, (int32_t)(rest.pre * part), (int32_t)(rest.size / part)};
      if (rest.size == 1 && ++at < axes->count)
        rest = axes->refs[at];
    }
    if (size > 1)
      return;
  }
}

static void add_candidate(Choice *c, uint32_t factor, const PjAxes *axes, double bytes) {
  for (uint32_t i = 0; i < c->num_candidates; ++i)
    if (c->candidates[i].factor == factor && pj_axes_eq(&c->candidates[i].axes, axes)) {
      c->candidates[i].bytes += bytes;
      return;
    }
  c->candidates[c->num_candidates++] = (Candidate){factor, *axes, bytes};
}

static bool is_divided(const Choice *c, uint32_t factor) {
  return pj_local_divides(c->op, c->rule, factor);
}

static void collect(Choice *c) {
  const PjShardingRule *rule = c->rule;
  uint32_t most = 0;
  for (uint32_t t = 0; t < c->num_tensors; ++t)
    most += rule->maps[t].rank ? rule->maps[t].first[rule->maps[t].rank] : 0;
  c->candidates = PJ_NEW_ARRAY(c->l->scratch, Candidate, most + 1);
  PjAxes *found = PJ_NEW_ARRAY(c->l->scratch, PjAxes, rule->num_factors + 1);
  for (uint32_t t = 0; t < c->num_tensors; ++t) {
    const PjFactorMap *map = &rule->maps[t];
    int64_t elements = 1;
    if (!c->lays[t])
      continue;
    pj_type_num_elements(type_of(c, t), &elements);
    double bytes = (double)elements * (double)pj_dtype_bytes(type_of(c, t)->dtype);
    memset(found, 0, rule->num_factors * sizeof *found);
    for (int32_t d = 0; d < map->rank; ++d)
      project(rule, map, d, &c->lays[t]->dims[d], found);
    for (uint32_t i = 0; map->rank && i < map->first[map->rank]; ++i)
      if (found[map->factors[i]].count && is_divided(c, map->factors[i]))
        add_candidate(c, map->factors[i], &found[map->factors[i]], bytes);
  }
}

// --- Choosing ------------------------------------------------------------------------------------

// Gives the factor of |candidate| what it may still have of it: more of what it has already, no
// axis that another has.
static void take(Choice *c, const Candidate *candidate) {
  PjAxes *has = &c->factors[candidate->factor], got = *has;
  if (pj_axes_prefix(has, &candidate->axes) == PJ_PREFIX_NONE)
    return;
  PjAxes others = {0}; // but for what the factor has
  for (uint32_t i = 0; i < c->used.count; ++i)
    if (!pj_axes_overlap(has, c->used.refs[i]))
      pj_axes_push(&others, c->used.refs[i]);
  got.count = 0;
  for (uint32_t i = 0; i < candidate->axes.count; ++i) {
    PjAxisRef ref = candidate->axes.refs[i];
    if (pj_axes_overlap(&others, ref))
      break;
    pj_axes_push(&got, ref);
  }
  if (pj_axes_prefix(has, &got) != PJ_PREFIX_STRICT)
    return;
  *has = got;
  c->used = others;
  for (uint32_t i = 0; i < got.count; ++i)
    pj_axes_push(&c->used, got.refs[i]);
}

// A factor is cut only where those before it, in its dimension, are cut to single elements.
static bool clear_minor(Choice *c) {
  bool any = false;
  for (uint32_t t = 0; t < c->num_tensors; ++t) {
    const PjFactorMap *map = &c->rule->maps[t];
    for (int32_t d = 0; c->lays[t] && d < map->rank; ++d) {
      bool open = false;
      int64_t size = 1;
      for (uint32_t i = map->first[d]; i < map->first[d + 1]; ++i)
        size *= c->rule->factors[map->factors[i]].size;
      bool fits = size == type_of(c, t)->dims[d];
      for (uint32_t i = map->first[d]; i < map->first[d + 1]; ++i) {
        PjAxes *axes = &c->factors[map->factors[i]];
        if ((open || !fits) && axes->count) {
          axes->count = 0;
          any = true;
        }
        open |= pj_axes_product(axes) != c->rule->factors[map->factors[i]].size;
      }
    }
  }
  return any;
}

static void choose(Choice *c) {
  c->used = c->terms;
  collect(c);
  for (uint32_t n = 0; n < c->num_candidates; ++n) {
    Candidate *best = NULL;
    for (uint32_t i = 0; i < c->num_candidates; ++i)
      if (c->candidates[i].bytes >= 0 && (!best || c->candidates[i].bytes > best->bytes))
        best = &c->candidates[i];
    take(c, best);
    best->bytes = -1;
  }
  while (clear_minor(c))
    continue;
}

// Axes along which an operand is a term of a sum, and the result shall be: they stay.
static void find_terms(Choice *c) {
  const PjOp *op = c->op;
  const PjLay *result = op->num_results ? c->lays[op->num_operands] : NULL;
  for (uint32_t i = 0; result && i < result->unreduced.count; ++i) {
    bool any = false;
    for (uint32_t t = 0; t < op->num_operands; ++t)
      any |= c->lays[t] && pj_axes_overlap(&c->lays[t]->unreduced, result->unreduced.refs[i]);
    if (any)
      pj_axes_push(&c->terms, result->unreduced.refs[i]);
  }
}

// Operations all of whose operands must be terms if one is.
static bool adds(const PjOp *op) {
  return op->kind == PJ_OP_ADD || op->kind == PJ_OP_SUBTRACT || op->kind == PJ_OP_CONCATENATE;
}

// --- Making --------------------------------------------------------------------------------------

// How tensor |t| lies where the operation is computed; |partial|: axes of factors that it reduces.
static const PjLay *lay_of(const Choice *c, uint32_t t, const PjAxes *partial) {
  const PjType *type = type_of(c, t);
  if (!pj_type_is_tensor(type))
    return NULL;
  PjLay *lay = pj_lay_new(c->l->scratch, type->rank);
  for (int32_t d = 0; c->rule && d < c->rule->maps[t].rank; ++d) {
    const PjFactorMap *map = &c->rule->maps[t];
    for (uint32_t i = map->first[d]; i < map->first[d + 1]; ++i)
      for (uint32_t k = 0; k < c->factors[map->factors[i]].count; ++k)
        pj_axes_add(&lay->dims[d], c->factors[map->factors[i]].refs[k]);
  }
  bool operand = t < c->op->num_operands;
  for (uint32_t i = 0; i < c->terms.count; ++i)
    if (!operand || adds(c->op) || pj_axes_overlap(&c->lays[t]->unreduced, c->terms.refs[i]))
      pj_axes_push(&lay->unreduced, c->terms.refs[i]);
  for (uint32_t i = 0; !operand && i < partial->count; ++i)
    pj_axes_push(&lay->unreduced, partial->refs[i]);
  return lay;
}

static PjStatus make(Choice *c) {
  PjLocal *l = c->l;
  PjOp *op = c->op;
  PjAxes partial = {0};
  for (uint32_t f = 0; c->rule && f < c->rule->num_factors; ++f)
    for (uint32_t i = 0; i < c->factors[f].count && c->rule->factors[f].kind == PJ_FACTOR_REDUCE;
         ++i)
      pj_axes_push(&partial, c->factors[f].refs[i]);
  pj_axes_sort(&partial);
  PjOpKind joins = partial.count ? pj_local_joins(op) : PJ_OP_ADD;
  PjValue **operands = PJ_NEW_ARRAY(l->scratch, PjValue *, op->num_operands + 1);
  const PjType **types = PJ_NEW_ARRAY(l->scratch, const PjType *, op->num_results + 1);
  const PjLay **made = PJ_NEW_ARRAY(l->scratch, const PjLay *, op->num_results + 1);
  const PjAxes none = {0};
  for (uint32_t t = 0; t < op->num_operands; ++t)
    operands[t] = pj_local_get(l, op->operands[t], lay_of(c, t, &none));
  for (uint32_t i = 0; i < op->num_results; ++i) {
    made[i] = lay_of(c, op->num_operands + i, joins == PJ_OP_ADD ? &partial : &none);
    types[i] = made[i] ? pj_lay_part(l->arena, made[i], op->results[i].type) : op->results[i].type;
  }
  if (partial.count)
    pj_local_prepare(l, op, &partial, operands);
  PjOp *copy = pj_local_clone(l, op, operands, types);
  pj_local_adjust(l, copy, op);
  pj_op_append(l->at, copy);
  for (uint32_t i = 0; i < op->num_results; ++i) {
    PjValue *value = &copy->results[i];
    const PjLay *wanted = c->lays[op->num_operands + i];
    if (joins != PJ_OP_ADD)
      value = pj_local_all_reduce(l, value, &partial, joins);
    if (wanted)
      value = pj_local_move(l, value, op->results[i].type, made[i], wanted);
    pj_local_set(l, &op->results[i], value, wanted);
  }
  return PJ_STATUS_OK;
}

PjStatus pj_local_op(PjLocal *l, PjOp *op) {
  Choice c = {.l = l,
              .op = op,
              .rule = pj_shard_rule_of(l->scratch, op),
              .num_tensors = op->num_operands + op->num_results};
  c.lays = PJ_NEW_ARRAY(l->scratch, const PjLay *, c.num_tensors + 1);
  for (uint32_t t = 0; t < op->num_operands; ++t)
    c.lays[t] = pj_local_value(l, op->operands[t])->lay;
  for (uint32_t i = 0; i < op->num_results; ++i)
    if (pj_type_is_tensor(op->results[i].type))
      PJ_TRY(pj_local_wanted(l, &op->results[i], &c.lays[op->num_operands + i]));
  if (op->num_results == 1 && !op->num_operands && pj_local_source(l, op, c.lays[op->num_operands]))
    return PJ_STATUS_OK;
  if (c.rule) {
    c.factors = PJ_NEW_ARRAY(l->scratch, PjAxes, c.rule->num_factors + 1);
    find_terms(&c);
    choose(&c);
  }
  return make(&c);
}
