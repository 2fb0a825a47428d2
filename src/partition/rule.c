// See rule.h: the table of rules, the builder, and rules that the program states.
#include <string.h>

#include "partition/rule_build.h"
#include "pass/body.h"

// --- The builder ---------------------------------------------------------------------------------

static int32_t rank_of(const PjType *type) {
  return pj_type_is_tensor(type) ? type->rank : 0;
}

void pj_shard_begin(PjRuleBuilder *b, PjArena *arena, const PjOp *op) {
  uint32_t count = op->num_operands + op->num_results;
  *b = (PjRuleBuilder){.arena = arena,
                       .op = op,
                       .num_operands = op->num_operands,
                       .num_results = op->num_results,
                       .types = PJ_NEW_ARRAY(arena, const PjType *, count)};
  for (uint32_t i = 0; i < op->num_operands; ++i)
    b->types[i] = op->operands[i]->type;
  for (uint32_t i = 0; i < op->num_results; ++i)
    b->types[op->num_operands + i] = op->results[i].type;
  b->base = PJ_NEW_ARRAY(arena, uint32_t, count + 1);
  for (uint32_t i = 0; i < count; ++i)
    b->base[i + 1] = b->base[i] + (uint32_t)rank_of(b->types[i]);
  b->counts = PJ_NEW_ARRAY(arena, uint32_t, b->base[count]);
}

static void *grow(PjArena *arena, const void *data, uint32_t len, uint32_t *cap, size_t size) {
  *cap = *cap ? *cap * 2 : 8;
  void *grown = pj_arena_calloc(arena, *cap, size);
  if (len)
    memcpy(grown, data, len * size);
  return grown;
}

void pj_shard_factor(PjRuleBuilder *b, int64_t size, PjFactorKind kind) {
  if (b->num_factors == b->cap_factors)
    b->factors = grow(b->arena, b->factors, b->num_factors, &b->cap_factors, sizeof *b->factors);
  b->factors[b->num_factors++] = (PjFactor){.size = size, .kind = kind};
}

void pj_shard_block(PjRuleBuilder *b) {
  b->factors[b->num_factors - 1].blocked = true;
}

void pj_shard_map(PjRuleBuilder *b, uint32_t tensor, int64_t dim) {
  uint32_t factor = b->num_factors - 1;
  if (dim < 0 || dim >= rank_of(b->types[tensor]))
    return;
  uint32_t *count = &b->counts[b->base[tensor] + (uint32_t)dim];
  if (b->factors[factor].size == 1 && *count)
    return; // a dimension has a factor of size 1 only alone
  if (b->num_links == b->cap_links)
    b->links = grow(b->arena, b->links, b->num_links, &b->cap_links, sizeof *b->links);
  b->links[b->num_links++] = (PjRuleLink){tensor, (uint32_t)dim, factor};
  ++*count;
}

void pj_shard_map_operands(PjRuleBuilder *b, int64_t dim) {
  for (uint32_t i = 0; i < b->num_operands; ++i)
    pj_shard_map(b, i, dim);
}

void pj_shard_map_results(PjRuleBuilder *b, int64_t dim) {
  for (uint32_t i = 0; i < b->num_results; ++i)
    pj_shard_map(b, b->num_operands + i, dim);
}

void pj_shard_everywhere(PjRuleBuilder *b, int64_t dim, int64_t size, PjFactorKind kind) {
  pj_shard_factor(b, size, kind);
  pj_shard_map_operands(b, dim);
  pj_shard_map_results(b, dim);
}

const PjShardingRule *pj_shard_end(PjRuleBuilder *b) {
  uint32_t count = b->num_operands + b->num_results;
  for (uint32_t t = 0; t < count; ++t)
    for (int32_t d = 0; d < rank_of(b->types[t]); ++d)
      if (!b->counts[b->base[t] + (uint32_t)d]) {
        pj_shard_factor(b, 1, PJ_FACTOR_PASS);
        pj_shard_map(b, t, d);
      }
  PjFactorMap *maps = PJ_NEW_ARRAY(b->arena, PjFactorMap, count);
  uint32_t *indices = PJ_NEW_ARRAY(b->arena, uint32_t, b->num_links), total = 0;
  uint32_t *ends = PJ_NEW_ARRAY(b->arena, uint32_t, b->base[count]); // of what is filled in
  uint32_t *first = PJ_NEW_ARRAY(b->arena, uint32_t, b->base[count] + count);
  for (uint32_t t = 0; t < count; ++t) {
    int32_t rank = rank_of(b->types[t]);
    maps[t] = (PjFactorMap){rank, first, indices};
    for (int32_t d = 0; d <= rank; ++d) {
      *first++ = total;
      if (d < rank) {
        ends[b->base[t] + (uint32_t)d] = total;
        total += b->counts[b->base[t] + (uint32_t)d];
      }
    }
  }
  for (uint32_t i = 0; i < b->num_links; ++i)
    indices[ends[b->base[b->links[i].tensor] + b->links[i].dim]++] = b->links[i].factor;
  PjShardingRule *rule = PJ_NEW(b->arena, PjShardingRule);
  *rule = (PjShardingRule){b->num_factors, b->num_operands, b->num_results, b->factors, maps};
  return rule;
}

// --- Rules that programs state -------------------------------------------------------------------

static bool read_map(PjArena *arena, const PjAttr *mapping, int32_t rank, uint32_t num_factors,
                     PjFactorMap *out) {
  const PjAttr *dims = pj_attr_get(mapping, "dims");
  uint32_t count = dims ? dims->count : 0, total = 0;
  if (count != (uint32_t)rank)
    return false;
  uint32_t *first = PJ_NEW_ARRAY(arena, uint32_t, count + 1);
  for (uint32_t d = 0; d < count; ++d) {
    const PjAttr *factors = pj_attr_get(dims->elems[d], "factors");
    if (!factors || !factors->count)
      return false;
    total += factors->count;
    first[d + 1] = total;
  }
  uint32_t *indices = PJ_NEW_ARRAY(arena, uint32_t, total);
  for (uint32_t d = 0; d < count; ++d) {
    const PjAttr *factors = pj_attr_get(dims->elems[d], "factors");
    for (uint32_t i = 0; i < factors->count; ++i) {
      if (factors->ints[i] < 0 || factors->ints[i] >= num_factors)
        return false;
      indices[first[d] + i] = (uint32_t)factors->ints[i];
    }
  }
  *out = (PjFactorMap){rank, first, indices};
  return true;
}

static void mark(PjFactor *factors, uint32_t count, const PjAttr *list, PjFactorKind kind) {
  for (uint32_t i = 0; list && i < list->count; ++i)
    if (list->ints[i] >= 0 && list->ints[i] < count)
      factors[list->ints[i]].kind = kind;
}

// NULL where |attr| does not fit |op|.
static const PjShardingRule *read_rule(PjArena *arena, const PjOp *op, const PjAttr *attr) {
  const PjAttr *sizes = pj_attr_get(attr, "factor_sizes"),
               *operands = pj_attr_get(attr, "operands"), *results = pj_attr_get(attr, "results"),
               *blocked = pj_attr_get(attr, "blocked");
  uint32_t count = op->num_operands + op->num_results, num_factors = sizes ? sizes->count : 0;
  if (!operands || !results || operands->count != op->num_operands ||
      results->count != op->num_results)
    return NULL;
  PjFactor *factors = PJ_NEW_ARRAY(arena, PjFactor, num_factors);
  for (uint32_t i = 0; i < num_factors; ++i) {
    if (sizes->ints[i] < 1)
      return NULL;
    factors[i].size = sizes->ints[i];
  }
  mark(factors, num_factors, pj_attr_get(attr, "reduction"), PJ_FACTOR_REDUCE);
  mark(factors, num_factors, pj_attr_get(attr, "need_replication"), PJ_FACTOR_REPLICATE);
  mark(factors, num_factors, pj_attr_get(attr, "permutation"), PJ_FACTOR_PERMUTE);
  for (uint32_t i = 0; blocked && i < blocked->count; ++i)
    if (blocked->ints[i] >= 0 && blocked->ints[i] < num_factors)
      factors[blocked->ints[i]].blocked = true;
  PjFactorMap *maps = PJ_NEW_ARRAY(arena, PjFactorMap, count);
  for (uint32_t t = 0; t < count; ++t) {
    bool operand = t < op->num_operands;
    const PjType *type = operand ? op->operands[t]->type : op->results[t - op->num_operands].type;
    const PjAttr *mapping = operand ? operands->elems[t] : results->elems[t - op->num_operands];
    if (!read_map(arena, mapping, rank_of(type), num_factors, &maps[t]))
      return NULL;
  }
  PjShardingRule *rule = PJ_NEW(arena, PjShardingRule);
  *rule = (PjShardingRule){num_factors, op->num_operands, op->num_results, factors, maps};
  return rule;
}

// --- The table -----------------------------------------------------------------------------------

static PjRuleFn *const rules[PJ_OP_COUNT] = {
    [PJ_OP_SDY_SHARDING_CONSTRAINT] = pj_shard_pointwise,
    [PJ_OP_SDY_PROPAGATION_BARRIER] = pj_shard_pointwise,
    [PJ_OP_ALL_REDUCE] = pj_shard_pointwise,
    [PJ_OP_COLLECTIVE_PERMUTE] = pj_shard_pointwise,
    [PJ_OP_COLLECTIVE_BROADCAST] = pj_shard_pointwise,
    [PJ_OP_CROSS_REPLICA_SUM] = pj_shard_pointwise,
    [PJ_OP_BITCAST_CONVERT] = pj_shard_bitcast,
    [PJ_OP_BROADCAST_IN_DIM] = pj_shard_broadcast,
    [PJ_OP_TRANSPOSE] = pj_shard_transpose,
    [PJ_OP_RESHAPE] = pj_shard_reshape,
    [PJ_OP_DOT_GENERAL] = pj_shard_dot_general,
    [PJ_OP_DOT] = pj_shard_dot,
    [PJ_OP_CONVOLUTION] = pj_shard_convolution,
    [PJ_OP_REDUCE] = pj_shard_reduce,
    [PJ_OP_REDUCE_WINDOW] = pj_shard_reduce_window,
    [PJ_OP_SELECT_AND_SCATTER] = pj_shard_select_and_scatter,
    [PJ_OP_SLICE] = pj_shard_resized,
    [PJ_OP_PAD] = pj_shard_resized,
    [PJ_OP_REVERSE] = pj_shard_reverse,
    [PJ_OP_CONCATENATE] = pj_shard_concatenate,
    [PJ_OP_DYNAMIC_SLICE] = pj_shard_dynamic_slice,
    [PJ_OP_DYNAMIC_UPDATE_SLICE] = pj_shard_dynamic_update_slice,
    [PJ_OP_GATHER] = pj_shard_gather,
    [PJ_OP_SCATTER] = pj_shard_scatter,
    [PJ_OP_SORT] = pj_shard_sort,
    [PJ_OP_CHLO_TOP_K] = pj_shard_top_k,
    [PJ_OP_FFT] = pj_shard_fft,
    [PJ_OP_CHOLESKY] = pj_shard_cholesky,
    [PJ_OP_TRIANGULAR_SOLVE] = pj_shard_triangular_solve,
    [PJ_OP_RNG_BIT_GENERATOR] = pj_shard_rng,
    [PJ_OP_BATCH_NORM_INFERENCE] = pj_shard_batch_norm_inference,
    [PJ_OP_ALL_GATHER] = pj_shard_all_gather,
    [PJ_OP_ALL_TO_ALL] = pj_shard_all_to_all,
    [PJ_OP_REDUCE_SCATTER] = pj_shard_reduce_scatter,
    [PJ_OP_CUSTOM_CALL] = pj_shard_custom_call,
};

// Operations that the trait names, but for those of quantised numbers, which have no rule.
static bool is_pointwise(const PjOp *op) {
  return pj_op_info[op->kind].traits & PJ_TRAIT_ELEM && op->kind != PJ_OP_UNIFORM_QUANTIZE &&
         op->kind != PJ_OP_UNIFORM_DEQUANTIZE;
}

bool pj_shard_is_elementwise(const PjOp *op) {
  switch (op->kind) {
  case PJ_OP_SDY_SHARDING_CONSTRAINT:
  case PJ_OP_SDY_PROPAGATION_BARRIER:
    return true;
  case PJ_OP_BITCAST_CONVERT:
    return op->operands[0]->type->rank == op->results[0].type->rank;
  default:
    return is_pointwise(op);
  }
}

const PjShardingRule *pj_shard_rule_of(PjArena *arena, const PjOp *op) {
  const PjAttr *stated = pj_attr_get(op->extra, "sdy.sharding_rule");
  if (stated)
    return read_rule(arena, op, stated);
  PjRuleFn *fn = is_pointwise(op) ? pj_shard_pointwise : rules[op->kind];
  if (!fn)
    return NULL;
  PjRuleBuilder b;
  pj_shard_begin(&b, arena, op);
  return fn(&b, op) ? pj_shard_end(&b) : NULL;
}

const PjShardingRule *pj_shard_rule_identity(PjArena *arena, const PjType *type,
                                             uint32_t num_operands, uint32_t num_results) {
  PjShardingRule *rule = PJ_NEW(arena, PjShardingRule);
  uint32_t rank = (uint32_t)rank_of(type), count = num_operands + num_results;
  PjFactor *factors = PJ_NEW_ARRAY(arena, PjFactor, rank);
  uint32_t *first = PJ_NEW_ARRAY(arena, uint32_t, rank + 1);
  uint32_t *indices = PJ_NEW_ARRAY(arena, uint32_t, rank);
  for (uint32_t d = 0; d < rank; ++d) {
    factors[d].size = type->dims[d];
    first[d + 1] = d + 1;
    indices[d] = d;
  }
  PjFactorMap *maps = PJ_NEW_ARRAY(arena, PjFactorMap, count);
  for (uint32_t t = 0; t < count; ++t)
    maps[t] = (PjFactorMap){(int32_t)rank, first, indices};
  *rule = (PjShardingRule){rank, num_operands, num_results, factors, maps};
  return rule;
}

// --- Text ----------------------------------------------------------------------------------------

// i to z, then z_1 ...
static void print_factor(PjStrBuf *out, uint32_t factor) {
  if (factor < 18)
    pj_strbuf_printf(out, "%c", (char)('i' + factor));
  else
    pj_strbuf_printf(out, "z_%u", factor - 17);
}

static void print_maps(PjStrBuf *out, const PjFactorMap *maps, uint32_t count) {
  pj_strbuf_puts(out, "(");
  for (uint32_t t = 0; t < count; ++t) {
    pj_strbuf_puts(out, t ? ", [" : "[");
    for (int32_t d = 0; d < maps[t].rank; ++d) {
      pj_strbuf_puts(out, d ? ", " : "");
      for (uint32_t i = maps[t].first[d]; i < maps[t].first[d + 1]; ++i)
        print_factor(out, maps[t].factors[i]);
    }
    pj_strbuf_puts(out, "]");
  }
  pj_strbuf_puts(out, ")");
}

static void print_kind(PjStrBuf *out, const PjShardingRule *rule, const char *title, int kind) {
  bool any = false;
  for (uint32_t f = 0; f < rule->num_factors; ++f) {
    const PjFactor *factor = &rule->factors[f];
    if (kind < 0 ? !factor->blocked : factor->kind != (PjFactorKind)kind)
      continue;
    if (any)
      pj_strbuf_puts(out, ", ");
    else
      pj_strbuf_printf(out, " %s={", title);
    any = true;
    print_factor(out, f);
  }
  if (any)
    pj_strbuf_puts(out, "}");
}

PjOpKind pj_shard_reducer(const PjRegion *body) {
  PjOpKind kind = pj_region_binary(body);
  switch (kind) {
  case PJ_OP_ADD:
  case PJ_OP_MULTIPLY:
  case PJ_OP_MINIMUM:
  case PJ_OP_MAXIMUM:
  case PJ_OP_AND:
  case PJ_OP_OR:
    return kind;
  default:
    return PJ_OP_INVALID;
  }
}

void pj_shard_rule_print(PjStrBuf *out, const PjShardingRule *rule) {
  print_maps(out, rule->maps, rule->num_operands);
  pj_strbuf_puts(out, "->");
  print_maps(out, rule->maps + rule->num_operands, rule->num_results);
  for (uint32_t f = 0; f < rule->num_factors; ++f) {
    pj_strbuf_puts(out, f ? ", " : " {");
    print_factor(out, f);
    pj_strbuf_printf(out, "=%lld", (long long)rule->factors[f].size);
  }
  pj_strbuf_puts(out, rule->num_factors ? "}" : "");
  print_kind(out, rule, "reduction", PJ_FACTOR_REDUCE);
  print_kind(out, rule, "need_replication", PJ_FACTOR_REPLICATE);
  print_kind(out, rule, "permutation", PJ_FACTOR_PERMUTE);
  print_kind(out, rule, "blocked_propagation", -1);
}
