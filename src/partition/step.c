// See step.h.
//
// A sharding of dimensions is projected to the factors, and what the tensors say of a factor is
// merged to a candidate. Each tensor then takes of the candidates what it can: factors in the order
// of the largest tensor that stands for a candidate, each as far as no axis is used twice. What is
// left of the factors becomes a sharding of dimensions again.
//
// The result depends on nothing but the specifications: every process finds the same.
#include "partition/step.h"

#include <stdlib.h>

#include "base/alloc.h"

// What one tensor has of one factor.
typedef struct Part {
  uint32_t factor;
  bool closed;
  bool minor; // the last of its dimension: may be cut unevenly
  PjAxes axes;
  PjAxes overflow; // axes of the dimension that this factor cannot be divided by
} Part;

typedef struct Tensor {
  const PjSpec *spec; // or NULL
  uint32_t num_parts;
  Part *parts;
  int64_t elements; // of its factors
} Tensor;

// A factor in the order in which tensors take them.
typedef struct Rank {
  uint32_t factor;
  int64_t source_size, cut;
  int64_t source; // tensor
} Rank;

typedef struct Work {
  PjStep *step;
  const PjSpecMesh *mesh;
  uint32_t num_tensors;
  Tensor *tensors;
  PjAxes *candidates; // by factor
  Rank *order;
} Work;

// --- Projection ----------------------------------------------------------------------------------

// The mesh that all name; NULL: none, or several.
static const PjSpecMesh *common_mesh(const PjStep *step, uint32_t count) {
  const PjSpecMesh *mesh = NULL;
  for (uint32_t t = 0; t < count; ++t) {
    const PjSpec *spec = step->specs[t];
    if (!spec)
      continue;
    if (!mesh || mesh->empty)
      mesh = spec->mesh;
    else if (!spec->mesh->empty && spec->mesh != mesh)
      return NULL;
  }
  return mesh && !mesh->empty && !mesh->maximal ? mesh : NULL;
}

// Axes of a dimension that are still to be given to factors: list[at ...], of whose first reference
// |first| is left.
typedef struct Rest {
  const PjAxes *list;
  uint32_t at;
  PjAxisRef first;
} Rest;

static bool has_rest(const Rest *rest) {
  return rest->at < rest->list->count;
}

static void next_rest(Rest *rest) {
  if (++rest->at < rest->list->count)
    rest->first = rest->list->refs[rest->at];
}

static void take_rest(Rest *rest, PjAxes *out) {
  for (; has_rest(rest); next_rest(rest))
    pj_axes_add(out, rest->first);
}

// Axes whose sizes have a divisor in common with what is left of the factor.
static void take_dividing(Rest *rest, Part *part, int64_t size) {
  while (has_rest(rest)) {
    int64_t common = pj_gcd(size, rest->first.size);
    if (common == 1)
      break;
    size /= common;
    PjAxisRef taken = rest->first;
    taken.size = (int32_t)common;
    pj_axes_push(&part->axes, taken);
    if (common == rest->first.size) {
      next_rest(rest);
    } else {
      rest->first.pre = (int32_t)(rest->first.pre * common);
      rest->first.size = (int32_t)(rest->first.size / common);
    }
  }
  if (size > 1)
    take_rest(rest, &part->overflow);
}

static void project(Work *w, Tensor *tensor, const PjFactorMap *map) {
  static const PjAxes none;
  const PjFactor *factors = w->step->rule->factors;
  tensor->num_parts = map->rank ? map->first[map->rank] - map->first[0] : 0;
  tensor->parts = PJ_NEW_ARRAY(w->step->scratch, Part, tensor->num_parts);
  tensor->elements = 1;
  for (int32_t d = 0; d < map->rank; ++d) {
    const PjSpecDim *dim = tensor->spec ? &tensor->spec->dims[d] : NULL;
    Rest rest = {.list = dim ? &dim->axes : &none};
    if (rest.list->count)
      rest.first = rest.list->refs[0];
    bool overflow = false;
    for (uint32_t i = map->first[d]; i < map->first[d + 1]; ++i) {
      Part *part = &tensor->parts[i - map->first[0]];
      part->factor = map->factors[i];
      part->minor = i + 1 == map->first[d + 1];
      part->closed = overflow || (dim && dim->closed);
      if (__builtin_mul_overflow(tensor->elements, factors[part->factor].size, &tensor->elements))
        tensor->elements = INT64_MAX;
      if (overflow)
        continue;
      if (part->minor)
        take_rest(&rest, &part->axes);
      else
        take_dividing(&rest, part, factors[part->factor].size);
      overflow = part->overflow.count > 0;
    }
  }
}

static Part *find_part(const Tensor *tensor, uint32_t factor) {
  for (uint32_t i = 0; i < tensor->num_parts; ++i)
    if (tensor->parts[i].factor == factor)
      return &tensor->parts[i];
  return NULL;
}

// --- Candidates ----------------------------------------------------------------------------------

static void merge_side(const Work *w, uint32_t factor, bool results, PjAxes *candidate,
                       bool *can_grow) {
  uint32_t operands = w->step->rule->num_operands;
  uint32_t from = results ? operands : 0, to = results ? w->num_tensors : operands;
  for (uint32_t t = from; t < to; ++t) {
    const Part *part = find_part(&w->tensors[t], factor);
    if (part)
      pj_axes_merge(candidate, &part->axes, can_grow);
  }
}

// False if no factor has one.
static bool find_candidates(Work *w) {
  bool any = false;
  for (uint32_t f = 0; f < w->step->rule->num_factors; ++f) {
    PjDirection direction =
        w->step->rule->factors[f].blocked ? PJ_DIRECTION_NONE : w->step->directions[f];
    if (direction == PJ_DIRECTION_NONE)
      continue;
    bool can_grow = true, backward = direction == PJ_DIRECTION_BACKWARD;
    merge_side(w, f, backward, &w->candidates[f], &can_grow);
    if (direction != PJ_DIRECTION_BOTH)
      can_grow = false;
    merge_side(w, f, !backward, &w->candidates[f], &can_grow);
    any |= w->candidates[f].count > 0;
  }
  return any;
}

static int compare_ranks(const void *a, const void *b) {
  const Rank *x = a, *y = b;
  if (x->source_size != y->source_size)
    return x->source_size > y->source_size ? -1 : 1;
  if (x->cut != y->cut)
    return x->cut > y->cut ? -1 : 1;
  if (x->source != y->source)
    return x->source < y->source ? -1 : 1;
  return x->factor < y->factor ? -1 : x->factor > y->factor;
}

static void order_factors(Work *w) {
  uint32_t count = w->step->rule->num_factors;
  for (uint32_t f = 0; f < count; ++f)
    w->order[f] = (Rank){.factor = f,
                         .source_size = -1,
                         .source = -1,
                         .cut = w->step->elementwise ? pj_axes_product(&w->candidates[f]) : 0};
  for (uint32_t t = 0; t < w->num_tensors; ++t) {
    const Tensor *tensor = &w->tensors[t];
    for (uint32_t i = 0; i < tensor->num_parts; ++i) {
      const Part *part = &tensor->parts[i];
      const PjAxes *candidate = &w->candidates[part->factor];
      Rank *rank = &w->order[part->factor];
      if (candidate->count && tensor->elements > rank->source_size &&
          pj_axes_prefix(candidate, &part->axes) != PJ_PREFIX_NONE) {
        rank->source_size = tensor->elements;
        rank->source = t;
      }
    }
  }
  qsort(w->order, count, sizeof *w->order, compare_ranks);
}

// --- Updating ------------------------------------------------------------------------------------

// Cuts |ref|, which follows |cut| shards of the factor, to what |part| can have; false: nothing.
static bool fit_within(const Tensor *tensor, const Part *part, int64_t size, int64_t cut,
                       PjAxisRef *ref) {
  if (tensor->spec && (!pj_axis_avoid(ref, &tensor->spec->replicated) ||
                       !pj_axis_avoid(ref, &tensor->spec->unreduced)))
    return false;
  for (uint32_t i = 0; i < part->axes.count; ++i)
    if (pj_axis_contains(part->axes.refs[i], *ref))
      return true;
  if (!part->closed && !part->overflow.count) {
    if (part->minor)
      return true;
    if (size % cut == 0) {
      int64_t common = pj_gcd(size / cut, ref->size);
      if (common > 1) {
        ref->size = (int32_t)common;
        return true;
      }
    }
  }
  PjAxisRef last;
  if (!part->axes.count || !pj_axis_prefix(last = part->axes.refs[part->axes.count - 1], *ref))
    return false;
  *ref = last;
  return true;
}

// Cuts |ref| to what no other factor of the tensor uses.
static bool fit_across(const Tensor *tensor, const Part *part, PjAxisRef *ref) {
  for (uint32_t i = 0; i < tensor->num_parts; ++i) {
    const Part *other = &tensor->parts[i];
    if (other != part &&
        (!pj_axis_avoid(ref, &other->overflow) || !pj_axis_avoid(ref, &other->axes)))
      return false;
  }
  return true;
}

// What |tensor| can take of the candidate of |part|; an empty list: no more than it has.
static PjAxes fitting(const Work *w, const Tensor *tensor, const Part *part) {
  PjAxes axes = w->candidates[part->factor];
  int64_t size = w->step->rule->factors[part->factor].size, cut = 1;
  for (uint32_t i = 0; i < axes.count; ++i) {
    PjAxisRef ref = axes.refs[i];
    if (!fit_within(tensor, part, size, cut, &ref)) {
      axes.count = i;
    } else if (!pj_axis_eq(ref, axes.refs[i])) {
      axes.refs[i] = ref;
      axes.count = i + 1;
    }
    cut *= ref.size;
  }
  if (pj_axes_prefix(&part->axes, &axes) != PJ_PREFIX_STRICT)
    return (PjAxes){0};
  for (uint32_t i = 0; i < axes.count; ++i) {
    PjAxisRef ref = axes.refs[i];
    if (!fit_across(tensor, part, &ref)) {
      axes.count = i;
    } else if (!pj_axis_eq(ref, axes.refs[i])) {
      axes.refs[i] = ref;
      axes.count = i + 1;
    }
  }
  return axes;
}

// Operands of elementwise operations take no more than a result has that stays behind: it would not
// reach anything.
static void hold_back(const Work *w, uint32_t factor, PjAxes *axes) {
  for (uint32_t t = w->step->rule->num_operands; t < w->num_tensors; ++t) {
    const Part *part = find_part(&w->tensors[t], factor);
    if (part && pj_axes_prefix(&part->axes, axes) == PJ_PREFIX_STRICT)
      *axes = part->axes;
  }
}

static bool update(Work *w, uint32_t t) {
  Tensor *tensor = &w->tensors[t];
  bool updated = false;
  for (uint32_t i = 0; i < w->step->rule->num_factors; ++i) {
    uint32_t factor = w->order[i].factor;
    Part *part = find_part(tensor, factor);
    if (!part || !w->candidates[factor].count)
      continue;
    PjAxes axes = fitting(w, tensor, part);
    if (!axes.count)
      continue;
    if (t < w->step->rule->num_operands && w->step->elementwise)
      hold_back(w, factor, &axes);
    if (pj_axes_prefix(&part->axes, &axes) == PJ_PREFIX_STRICT) {
      part->axes = axes;
      updated = true;
    }
  }
  return updated;
}

// --- Back to dimensions --------------------------------------------------------------------------

static const PjSpec *unproject(const Work *w, const Tensor *tensor, const PjFactorMap *map) {
  PjArena *arena = w->step->arena;
  PjSpec *spec = PJ_NEW(arena, PjSpec);
  PjSpecDim *dims = PJ_NEW_ARRAY(arena, PjSpecDim, (size_t)map->rank);
  *spec = (PjSpec){.mesh = w->mesh, .rank = map->rank, .dims = dims, .reduction = -1};
  if (tensor->spec) {
    spec->replicated = tensor->spec->replicated;
    spec->unreduced = tensor->spec->unreduced;
    spec->reduction = tensor->spec->reduction;
  }
  for (int32_t d = 0; d < map->rank; ++d) {
    for (uint32_t i = map->first[d]; i < map->first[d + 1]; ++i) {
      const Part *part = &tensor->parts[i - map->first[0]];
      dims[d].closed |= part->closed;
      pj_axes_append(&dims[d].axes, &part->axes);
      pj_axes_append(&dims[d].axes, &part->overflow);
      // What follows a factor that is not cut to single elements would need strides.
      if (part->overflow.count ||
          pj_axes_product(&part->axes) < w->step->rule->factors[part->factor].size)
        break;
    }
  }
  return spec;
}

static bool run(PjStep *step) {
  const PjShardingRule *rule = step->rule;
  Work w = {.step = step, .num_tensors = rule->num_operands + rule->num_results};
  w.mesh = common_mesh(step, w.num_tensors);
  if (!w.mesh)
    return false;
  bool any = false;
  for (uint32_t t = 0; t < w.num_tensors && !any; ++t)
    any = pj_spec_has_axes(step->specs[t]);
  if (!any)
    return false;
  w.tensors = PJ_NEW_ARRAY(step->scratch, Tensor, w.num_tensors);
  for (uint32_t t = 0; t < w.num_tensors; ++t) {
    w.tensors[t].spec = step->specs[t];
    project(&w, &w.tensors[t], &rule->maps[t]);
  }
  w.candidates = PJ_NEW_ARRAY(step->scratch, PjAxes, rule->num_factors);
  if (!find_candidates(&w))
    return false;
  w.order = PJ_NEW_ARRAY(step->scratch, Rank, rule->num_factors);
  order_factors(&w);
  any = false;
  for (uint32_t i = 0; i < w.num_tensors; ++i) {
    // Results first.
    uint32_t t = i < rule->num_results ? rule->num_operands + i : i - rule->num_results;
    if (!update(&w, t))
      continue;
    const PjSpec *spec = unproject(&w, &w.tensors[t], &rule->maps[t]);
    step->changed[t] = step->specs[t] ? !pj_spec_eq(spec, step->specs[t]) : pj_spec_has_axes(spec);
    if (step->changed[t])
      step->specs[t] = spec;
    any |= step->changed[t];
  }
  return any;
}

bool pj_step_run(PjStep *step) {
  for (uint32_t t = 0; t < step->rule->num_operands + step->rule->num_results; ++t)
    step->changed[t] = false;
  PjArenaMark mark = pj_arena_mark(step->scratch);
  bool changed = run(step);
  pj_arena_reset(step->scratch, mark);
  return changed;
}
