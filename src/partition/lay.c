// See lay.h.
#include "partition/lay.h"

#include <string.h>

static size_t bytes_of(int32_t rank) {
  return sizeof(PjLay) + (size_t)rank * sizeof(PjAxes);
}

PjLay *pj_lay_new(PjArena *arena, int32_t rank) {
  PjLay *lay = pj_arena_calloc(arena, 1, bytes_of(rank));
  lay->rank = rank;
  return lay;
}

PjLay *pj_lay_copy(PjArena *arena, const PjLay *lay) {
  return pj_arena_memdup(arena, lay, bytes_of(lay->rank));
}

bool pj_lay_eq(const PjLay *a, const PjLay *b) {
  if (a->rank != b->rank || !pj_axes_eq(&a->unreduced, &b->unreduced))
    return false;
  for (int32_t d = 0; d < a->rank; ++d)
    if (!pj_axes_eq(&a->dims[d], &b->dims[d]))
      return false;
  return true;
}

bool pj_lay_is_whole(const PjLay *lay) {
  uint32_t axes = lay->unreduced.count;
  for (int32_t d = 0; d < lay->rank; ++d)
    axes += lay->dims[d].count;
  return !axes;
}

const PjType *pj_lay_part(PjArena *arena, const PjLay *lay, const PjType *type) {
  int64_t dims[PJ_MAX_RANK];
  bool same = true;
  if (!pj_type_is_tensor(type))
    return type;
  for (int32_t d = 0; d < type->rank; ++d) {
    dims[d] = type->dims[d] / pj_axes_product(&lay->dims[d]);
    same &= dims[d] == type->dims[d];
  }
  return same ? type : pj_type_with_dims(arena, type, type->rank, dims);
}

int64_t pj_axis_step(const PjMesh *mesh, PjAxisRef ref) {
  int64_t step = mesh->sizes[ref.axis] / ((int64_t)ref.pre * ref.size);
  for (uint32_t a = ref.axis + 1u; a < mesh->num_axes; ++a)
    step *= mesh->sizes[a];
  return step;
}

int64_t pj_axes_index(const PjMesh *mesh, const PjAxes *axes, int64_t position) {
  int64_t index = 0;
  for (uint32_t i = 0; i < axes->count; ++i) {
    PjAxisRef ref = axes->refs[i];
    index = index * ref.size + position / pj_axis_step(mesh, ref) % ref.size;
  }
  return index;
}
