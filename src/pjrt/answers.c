// Answers about an executable whose memory the interface wants to live as long as the executable:
// made once, on the first question, in an arena of their own.
#include "base/alloc.h"
#include "pjrt/layout.h"
#include "pjrt/surface.h"

typedef struct Making {
  const PjExecutable *executable;
  PjArena *arena;
  PjAnswers *answers;
} Making;

static void describe_slots(PjArena *arena, const PjSlot *slots, uint32_t count, const char ***kinds,
                           size_t **kind_sizes, PJRT_Layouts_MemoryLayout ***layouts,
                           const char ***shardings, size_t **sharding_sizes) {
  *kinds = PJ_NEW_ARRAY(arena, const char *, count + 1);
  *kind_sizes = PJ_NEW_ARRAY(arena, size_t, count + 1);
  *layouts = PJ_NEW_ARRAY(arena, PJRT_Layouts_MemoryLayout *, count + 1);
  *shardings = PJ_NEW_ARRAY(arena, const char *, count + 1);
  *sharding_sizes = PJ_NEW_ARRAY(arena, size_t, count + 1);
  for (uint32_t i = 0; i < count; i++) {
    (*kinds)[i] = pj_memory_kind_name(slots[i].memory_kind);
    (*kind_sizes)[i] = strlen((*kinds)[i]);
    (*layouts)[i] = PJ_NEW(arena, PJRT_Layouts_MemoryLayout);
    (*layouts)[i]->shape = slots[i].shape;
    (*shardings)[i] = slots[i].sharding.data ? slots[i].sharding.data : "";
    (*sharding_sizes)[i] = slots[i].sharding.len;
  }
}

static PjStatus make_guarded(void *context) {
  Making *making = context;
  PjArena *arena = making->arena;
  const PjSignature *signature = &making->executable->signature;
  PjAnswers *a = making->answers = PJ_NEW(arena, PjAnswers);
  a->arena = arena;
  uint32_t count = signature->num_results;
  describe_slots(arena, signature->params, signature->num_params, &a->param_memory_kinds,
                 &a->param_memory_kind_sizes, &a->param_layouts, &a->param_shardings,
                 &a->param_sharding_sizes);
  describe_slots(arena, signature->results, count, &a->output_memory_kinds,
                 &a->output_memory_kind_sizes, &a->output_layouts, &a->output_shardings,
                 &a->output_sharding_sizes);
  a->output_types = PJ_NEW_ARRAY(arena, PJRT_Buffer_Type, count + 1);
  a->output_ranks = PJ_NEW_ARRAY(arena, size_t, count + 1);
  size_t total = 0;
  for (uint32_t i = 0; i < count; i++)
    total += (size_t)signature->results[i].shape->rank;
  a->output_dims = PJ_NEW_ARRAY(arena, int64_t, total + 1);
  int64_t *dims = a->output_dims;
  for (uint32_t i = 0; i < count; i++) {
    const PjShape *shape = signature->results[i].shape;
    a->output_types[i] = pj_surface_type(shape);
    a->output_ranks[i] = (size_t)shape->rank;
    for (int d = 0; d < shape->rank; d++)
      *dims++ = shape->dims[d];
  }
  const PjCost *cost = &making->executable->cost;
  static const char *const names[3] = {"flops", "transcendentals", "bytes accessed"};
  const double values[3] = {cost->flops, cost->transcendentals, cost->bytes_accessed};
  for (int i = 0; i < 3; i++)
    a->cost[i] = (PJRT_NamedValue){.struct_size = PJRT_NamedValue_STRUCT_SIZE,
                                   .name = names[i],
                                   .name_size = strlen(names[i]),
                                   .type = PJRT_NamedValue_kFloat,
                                   .float_value = (float)values[i],
                                   .value_size = 1};
  return PJ_STATUS_OK;
}

static void free_answers(void *surface) {
  pj_arena_destroy(((PjAnswers *)surface)->arena);
}

PjStatus pj_surface_answers(PjExecutable *executable, const PjAnswers **out) {
  *out = atomic_load(&executable->surface);
  if (*out)
    return PJ_STATUS_OK;
  Making making = {.executable = executable};
  PJ_TRY(pj_arena_create(0, &making.arena));
  PjStatus status = pj_arena_guard(making.arena, make_guarded, &making);
  if (status) {
    pj_arena_destroy(making.arena);
    return status;
  }
  // Two threads may have made them at once; the first one's stay.
  void *expected = NULL;
  executable->surface_free = free_answers;
  if (!atomic_compare_exchange_strong(&executable->surface, &expected, making.answers)) {
    pj_arena_destroy(making.arena);
    *out = expected;
  } else {
    *out = making.answers;
  }
  return PJ_STATUS_OK;
}
