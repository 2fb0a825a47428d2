// The table of routines.
#include "routine/plan.h"

static PjRoutineSelector *const selectors[PJ_OP_COUNT] = {
#define ROUTINE(KIND, selector) [PJ_OP_##KIND] = pj__routine_##selector,
#include "routine/routines.def"
#undef ROUTINE
};

size_t pj_routine_scratch(const PjRoutine *routine, const PjThreads *threads) {
  return routine->scratch_bytes + (size_t)pj_threads_count(threads) * routine->thread_scratch_bytes;
}

// A tensor whose bytes, and the strides of whose dimensions, can be computed with.
static bool is_plain(const PjType *type) {
  size_t bytes, extent;
  if (!pj_type_is_tensor(type) || type->quant || !pj_type_num_bytes(type, &bytes) ||
      bytes > PTRDIFF_MAX)
    return false;
  extent = pj_dtype_bytes(type->dtype);
  for (int32_t d = 0; d < type->rank; ++d)
    if (type->dims[d] > 1 &&
        (__builtin_mul_overflow(extent, (size_t)type->dims[d], &extent) || extent > PTRDIFF_MAX))
      return false;
  return true;
}

const PjRoutine *pj_routine_select(PjArena *arena, const PjOp *op) {
  PjRoutineSelector *selector = op->kind < PJ_OP_COUNT ? selectors[op->kind] : NULL;
  if (!selector)
    return NULL;
  for (uint32_t i = 0; i < op->num_operands; ++i)
    if (!is_plain(op->operands[i]->type))
      return NULL;
  for (uint32_t i = 0; i < op->num_results; ++i)
    if (!is_plain(op->results[i].type))
      return NULL;
  return selector(arena, op);
}

int64_t pj__count(const PjType *type) {
  int64_t count = 0;
  pj_type_num_elements(type, &count);
  return count;
}

size_t pj__bytes(const PjType *type) {
  size_t bytes = 0;
  pj_type_num_bytes(type, &bytes);
  return bytes;
}

int64_t pj__grain(int64_t count, double item_work) {
  enum { PART_WORK = 1 << 15 }; // some microseconds: several times what handing out a part costs
  if (item_work <= 0 || count <= 0)
    return count > 0 ? count : 1;
  const double items = PART_WORK / item_work;
  return items < 1 ? 1 : items < (double)count ? (int64_t)items + 1 : count;
}
