// See spec.h.
#include "partition/spec.h"

#include <string.h>

#include "base/alloc.h"

static bool same_mesh(const PjMesh *a, const PjMesh *b) {
  if (a->num_axes != b->num_axes || a->num_devices != b->num_devices)
    return false;
  for (uint32_t i = 0; i < a->num_axes; ++i)
    if (a->sizes[i] != b->sizes[i] || !pj_str_eq(a->names[i], b->names[i]))
      return false;
  for (int64_t p = 0; p < a->num_devices; ++p)
    if ((a->device_ids ? a->device_ids[p] : p) != (b->device_ids ? b->device_ids[p] : p))
      return false;
  return true;
}

static PjStatus find_mesh(PjSpecReader *reader, const PjAttr *ref, const PjSpecMesh **out) {
  for (PjSpecMesh *mesh = reader->meshes; mesh; mesh = mesh->next)
    if (mesh->ref == ref || pj_attr_eq(mesh->ref, ref)) {
      *out = mesh;
      return PJ_STATUS_OK;
    }
  PjMesh *resolved;
  PJ_TRY(pj_mesh_resolve(reader->arena, reader->module, ref, &resolved));
  PJ_FAIL_IF(resolved->num_axes > UINT16_MAX, INVALID_ARGUMENT, "a mesh of %u axes",
             resolved->num_axes);
  bool empty = !resolved->num_axes && !resolved->device_ids,
       maximal = !resolved->num_axes && !empty;
  for (PjSpecMesh *mesh = reader->meshes; mesh; mesh = mesh->next)
    if (mesh->empty == empty && mesh->maximal == maximal && same_mesh(mesh->mesh, resolved)) {
      *out = mesh;
      return PJ_STATUS_OK;
    }
  PjSpecMesh *mesh = PJ_NEW(reader->arena, PjSpecMesh);
  *mesh = (PjSpecMesh){
      .mesh = resolved, .ref = ref, .empty = empty, .maximal = maximal, .next = reader->meshes};
  reader->meshes = mesh;
  *out = mesh;
  return PJ_STATUS_OK;
}

static PjStatus read_axis(const PjMesh *mesh, const PjAttr *attr, PjAxisRef *out) {
  const PjAttr *name = attr->kind == PJ_ATTR_STRING ? attr : pj_attr_get(attr, "name");
  int64_t size, step;
  PJ_TRY(pj_mesh_axis(mesh, attr, &size, &step));
  for (uint32_t i = 0; i < mesh->num_axes; ++i) {
    if (!pj_str_eq(mesh->names[i], name->str))
      continue;
    const PjAttr *sub = pj_attr_get(attr, "sub_axis"), *pre = pj_attr_get(sub, "pre_size");
    *out = (PjAxisRef){(uint16_t)i, pre ? (int32_t)pre->i64 : 1, (int32_t)size};
  }
  return PJ_STATUS_OK;
}

// |seen|: all that this sharding uses so far.
static PjStatus read_axes(const PjMesh *mesh, const PjAttr *list, PjAxes *out, PjAxes *seen) {
  for (uint32_t i = 0; list && i < list->count; ++i) {
    PjAxisRef ref;
    PJ_TRY(read_axis(mesh, list->elems[i], &ref));
    if (ref.size == 1)
      continue;
    PJ_FAIL_IF(pj_axes_overlap(seen, ref) || seen->count == PJ_MAX_REFS, INVALID_ARGUMENT,
               "a sharding uses axis \"%.*s\" twice", PJ_STR_ARG(mesh->names[ref.axis]));
    pj_axes_push(seen, ref);
    pj_axes_add(out, ref);
  }
  return PJ_STATUS_OK;
}

PjStatus pj_spec_read(PjSpecReader *reader, const PjAttr *sharding, const PjType *type,
                      const PjSpec **out) {
  *out = NULL;
  if (!sharding || !pj_type_is_tensor(type))
    return PJ_STATUS_OK;
  const PjAttr *dims = pj_attr_get(sharding, "dims");
  PJ_FAIL_IF(!dims || dims->kind != PJ_ATTR_ARRAY, INVALID_ARGUMENT,
             "a sharding without dimensions");
  PjSpec *spec = PJ_NEW(reader->arena, PjSpec);
  PJ_TRY(find_mesh(reader, pj_attr_get(sharding, "mesh"), &spec->mesh));
  // A sharding on one device has no dimensions, whatever the rank.
  PJ_FAIL_IF(dims->count != (uint32_t)type->rank && !spec->mesh->maximal, INVALID_ARGUMENT,
             "a sharding of %u dimensions for a tensor of %d", dims->count, type->rank);
  PjSpecDim *out_dims = PJ_NEW_ARRAY(reader->arena, PjSpecDim, (size_t)type->rank);
  spec->rank = type->rank;
  spec->dims = out_dims;
  PjAxes seen = {0};
  for (uint32_t d = 0; d < dims->count && d < (uint32_t)type->rank; ++d) {
    const PjAttr *closed = pj_attr_get(dims->elems[d], "is_closed"),
                 *priority = pj_attr_get(dims->elems[d], "priority");
    out_dims[d].closed = closed && closed->i64;
    out_dims[d].priority = priority ? priority->i64 : 0;
    PJ_TRY(
        read_axes(spec->mesh->mesh, pj_attr_get(dims->elems[d], "axes"), &out_dims[d].axes, &seen));
  }
  PJ_TRY(
      read_axes(spec->mesh->mesh, pj_attr_get(sharding, "replicated"), &spec->replicated, &seen));
  PJ_TRY(read_axes(spec->mesh->mesh, pj_attr_get(sharding, "unreduced"), &spec->unreduced, &seen));
  const PjAttr *reduction = pj_attr_get(sharding, "reduction");
  spec->reduction = reduction ? reduction->i64 : -1;
  *out = spec;
  return PJ_STATUS_OK;
}

// --- Writing -------------------------------------------------------------------------------------

static const PjAttr *axes_attr(PjArena *arena, const PjMesh *mesh, const PjAxes *axes) {
  const PjAttr *refs[PJ_MAX_REFS];
  for (uint32_t i = 0; i < axes->count; ++i) {
    PjAxisRef ref = axes->refs[i];
    PjStr names[2] = {PJ_STR("name"), PJ_STR("sub_axis")};
    const PjAttr *values[2] = {pj_attr_string(arena, mesh->names[ref.axis]), NULL};
    bool whole = ref.pre == 1 && ref.size == mesh->sizes[ref.axis];
    if (!whole) {
      const PjStr fields[2] = {PJ_STR("pre_size"), PJ_STR("size")};
      const PjAttr *sizes[2] = {pj_attr_i64(arena, ref.pre), pj_attr_i64(arena, ref.size)};
      values[1] = pj_attr_struct(arena, "sdy.sub_axis", 2, fields, sizes);
    }
    refs[i] = pj_attr_struct(arena, "sdy.axis_ref", whole ? 1 : 2, names, values);
  }
  return pj_attr_array(arena, axes->count, refs);
}

const PjAttr *pj_spec_attr(PjArena *arena, const PjSpec *spec) {
  const PjMesh *mesh = spec->mesh->mesh;
  const PjAttr **dims = PJ_NEW_ARRAY(arena, const PjAttr *, (size_t)spec->rank + 1);
  for (int32_t d = 0; d < spec->rank; ++d) {
    const PjStr names[2] = {PJ_STR("axes"), PJ_STR("is_closed")};
    const PjAttr *values[2] = {axes_attr(arena, mesh, &spec->dims[d].axes),
                               pj_attr_bool(arena, true)};
    dims[d] = pj_attr_struct(arena, "sdy.dimension_sharding", 2, names, values);
  }
  const PjStr names[5] = {PJ_STR("mesh"), PJ_STR("dims"), PJ_STR("replicated"), PJ_STR("unreduced"),
                          PJ_STR("reduction")};
  const PjAttr *values[5] = {
      spec->mesh->ref, pj_attr_array(arena, spec->mesh->maximal ? 0 : (size_t)spec->rank, dims),
      axes_attr(arena, mesh, &spec->replicated)};
  size_t count = 3;
  if (spec->unreduced.count) {
    values[count++] = axes_attr(arena, mesh, &spec->unreduced);
    if (spec->reduction >= 0)
      values[count++] = pj_attr_i64(arena, spec->reduction);
  }
  return pj_attr_struct(arena, "sdy.sharding", count, names, values);
}

// --- Questions and changes -----------------------------------------------------------------------

bool pj_spec_eq(const PjSpec *a, const PjSpec *b) {
  if (!a || !b)
    return a == b;
  if (a->mesh != b->mesh || a->rank != b->rank || a->reduction != b->reduction ||
      !pj_axes_eq(&a->replicated, &b->replicated) || !pj_axes_eq(&a->unreduced, &b->unreduced))
    return false;
  for (int32_t d = 0; d < a->rank; ++d)
    if (a->dims[d].closed != b->dims[d].closed || a->dims[d].priority != b->dims[d].priority ||
        !pj_axes_eq(&a->dims[d].axes, &b->dims[d].axes))
      return false;
  return true;
}

bool pj_spec_has_axes(const PjSpec *spec) {
  for (int32_t d = 0; spec && d < spec->rank; ++d)
    if (spec->dims[d].axes.count)
      return true;
  return false;
}

bool pj_spec_is_closed(const PjSpec *spec) {
  for (int32_t d = 0; d < spec->rank; ++d)
    if (!spec->dims[d].closed)
      return false;
  return true;
}

const PjSpec *pj_spec_opened(PjArena *arena, const PjSpec *like) {
  PjSpec *spec = PJ_NEW(arena, PjSpec);
  *spec = (PjSpec){.mesh = like->mesh,
                   .rank = like->rank,
                   .dims = PJ_NEW_ARRAY(arena, PjSpecDim, (size_t)like->rank),
                   .reduction = -1};
  return spec;
}

PjSpec *pj_spec_copy(PjArena *arena, const PjSpec *spec, PjSpecDim **out_dims) {
  PjSpec *copy = pj_arena_memdup(arena, spec, sizeof *spec);
  *out_dims = pj_arena_memdup(arena, spec->dims, (size_t)spec->rank * sizeof *spec->dims);
  copy->dims = *out_dims;
  return copy;
}

static bool is_within(const PjAxes *axes, PjAxisRef ref) {
  for (uint32_t i = 0; i < axes->count; ++i)
    if (pj_axis_contains(axes->refs[i], ref))
      return true;
  return false;
}

// The references of |axes| that lie within |manual|, or those that do not.
static void filter(PjAxes *axes, const PjAxes *manual, bool within) {
  PjAxes kept = {0};
  for (uint32_t i = 0; i < axes->count; ++i)
    if (is_within(manual, axes->refs[i]) == within)
      pj_axes_push(&kept, axes->refs[i]);
  *axes = kept;
}

const PjSpec *pj_spec_without(PjArena *arena, const PjSpec *spec, const PjAxes *manual) {
  if (!spec)
    return NULL;
  PjSpecDim *dims;
  PjSpec *inner = pj_spec_copy(arena, spec, &dims);
  for (int32_t d = 0; d < spec->rank; ++d)
    filter(&dims[d].axes, manual, false);
  filter(&inner->replicated, manual, false);
  filter(&inner->unreduced, manual, false);
  return inner;
}

const PjSpec *pj_spec_with_free(PjArena *arena, const PjSpec *outer, const PjSpec *inner,
                                const PjAxes *manual) {
  if (!outer || !inner)
    return outer;
  PjSpecDim *dims;
  PjSpec *spec = pj_spec_copy(arena, outer, &dims);
  spec->mesh = inner->mesh;
  for (int32_t d = 0; d < spec->rank && d < inner->rank; ++d) {
    filter(&dims[d].axes, manual, true);
    for (uint32_t i = 0; i < inner->dims[d].axes.count; ++i)
      pj_axes_push(&dims[d].axes, inner->dims[d].axes.refs[i]);
    dims[d].closed = inner->dims[d].closed;
    dims[d].priority = inner->dims[d].priority;
  }
  return spec;
}

const PjSpec *pj_spec_complete(PjArena *arena, const PjSpec *spec, const PjSpecMesh *mesh,
                               const PjAxes *manual) {
  if (!spec)
    return NULL;
  PjSpecDim *dims;
  PjSpec *full = pj_spec_copy(arena, spec, &dims);
  PjAxes unused = {0};
  for (uint32_t i = 0; i < manual->count; ++i) {
    PjAxisRef ref = manual->refs[i];
    bool used = pj_axes_overlap(&spec->replicated, ref) || pj_axes_overlap(&spec->unreduced, ref);
    for (int32_t d = 0; d < spec->rank; ++d)
      used |= pj_axes_overlap(&dims[d].axes, ref);
    if (!used)
      pj_axes_push(&unused, ref);
  }
  if (!unused.count)
    return spec;
  for (uint32_t i = 0; i < unused.count; ++i)
    pj_axes_push(&full->replicated, unused.refs[i]);
  pj_axes_sort(&full->replicated);
  full->mesh = mesh;
  return full;
}

// --- Evening -------------------------------------------------------------------------------------

void pj_axes_make_even(PjAxes *axes, int64_t size) {
  int64_t cut = pj_axes_product(axes);
  if (size % cut == 0)
    return;
  PjAxes even = {0};
  for (uint32_t i = 0; i < axes->count; ++i) {
    PjAxisRef ref = axes->refs[i];
    int64_t part = pj_gcd(ref.size, size);
    if (part == 1)
      break;
    bool whole = part == ref.size;
    ref.size = (int32_t)part;
    pj_axes_push(&even, ref);
    if (!whole)
      break;
    size /= part;
  }
  *axes = even;
}

const PjSpec *pj_spec_even(PjArena *arena, const PjSpec *spec, const PjType *type) {
  if (!spec)
    return NULL;
  PjSpecDim *dims;
  PjSpec *even = pj_spec_copy(arena, spec, &dims);
  for (int32_t d = 0; d < spec->rank; ++d) {
    pj_axes_make_even(&dims[d].axes, type->dims[d]);
    for (uint32_t i = 0; !dims[d].closed && i < dims[d].axes.count; ++i) {
      PjAxisRef ref = dims[d].axes.refs[i];
      if (ref.pre != 1 || ref.size != spec->mesh->mesh->sizes[ref.axis])
        dims[d].axes.count = i;
    }
  }
  return even;
}
