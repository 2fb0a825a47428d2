// Meshes are row-major: the last axis varies fastest. A dimension cut by axes a, b is cut by a
// first: part = a * |b| + b.
#include "ir/sharding.h"

static const PjAttr *find_mesh(const PjModule *module, PjStr name) {
  for (const PjOp *op = module->body.first; op; op = op->next)
    if (op->kind == PJ_OP_SDY_MESH && pj_str_eq(PJ_STRATTR(op, sym_name), name)) {
      const PjAttr *mesh = PJ_ATTR(op, mesh);
      return mesh;
    }
  return NULL;
}

PjStatus pj_mesh_resolve(PjArena *arena, const PjModule *module, const PjAttr *ref,
                         PjMesh **out_mesh) {
  *out_mesh = NULL;
  PJ_FAIL_IF(!ref, INVALID_ARGUMENT, "a sharding without a mesh");
  if (ref->kind == PJ_ATTR_SYMBOL || ref->kind == PJ_ATTR_STRING) {
    const PjAttr *found = find_mesh(module, ref->str);
    PJ_FAIL_IF(!found, INVALID_ARGUMENT, "no mesh @%.*s in the module", PJ_STR_ARG(ref->str));
    ref = found;
  }
  const PjAttr *axes = pj_attr_get(ref, "axes"), *ids = pj_attr_get(ref, "device_ids");
  PJ_FAIL_IF(!axes || axes->kind != PJ_ATTR_ARRAY, INVALID_ARGUMENT, "a mesh without axes");
  PjMesh *mesh = PJ_NEW(arena, PjMesh);
  PjStr *names = PJ_NEW_ARRAY(arena, PjStr, axes->count);
  int64_t *sizes = PJ_NEW_ARRAY(arena, int64_t, axes->count);
  mesh->num_devices = 1;
  for (uint32_t i = 0; i < axes->count; ++i) {
    const PjAttr *name = pj_attr_get(axes->elems[i], "name"),
                 *size = pj_attr_get(axes->elems[i], "size");
    PJ_FAIL_IF(!name || !size || size->i64 < 1 || size->i64 > PJ_MAX_DEVICES, INVALID_ARGUMENT,
               "mesh axis %u has no name or no size", i);
    names[i] = name->str;
    sizes[i] = size->i64;
    mesh->num_devices *= size->i64;
    PJ_FAIL_IF(mesh->num_devices > PJ_MAX_DEVICES, INVALID_ARGUMENT,
               "a mesh of more than %d devices", PJ_MAX_DEVICES);
  }
  mesh->num_axes = axes->count;
  mesh->names = names;
  mesh->sizes = sizes;
  if (ids && ids->ints && ids->count) {
    if (axes->count == 0)
      mesh->num_devices = 1; // a maximal mesh: one device, named
    else
      PJ_FAIL_IF(ids->count != (uint64_t)mesh->num_devices, INVALID_ARGUMENT,
                 "a mesh of %lld devices lists %u device ids", (long long)mesh->num_devices,
                 ids->count);
    uint8_t *seen = PJ_NEW_ARRAY(arena, uint8_t, (size_t)mesh->num_devices);
    for (uint32_t i = 0; axes->count && i < ids->count; ++i) {
      int64_t id = ids->ints[i];
      PJ_FAIL_IF(id < 0 || id >= mesh->num_devices || seen[id], INVALID_ARGUMENT,
                 "the device ids of a mesh of %lld devices are no permutation: %lld",
                 (long long)mesh->num_devices, (long long)id);
      seen[id] = 1;
    }
    mesh->device_ids = ids->ints;
  }
  *out_mesh = mesh;
  return PJ_STATUS_OK;
}

PjStatus pj_mesh_axis(const PjMesh *mesh, const PjAttr *axis_ref, int64_t *out_size,
                      int64_t *out_step) {
  const PjAttr *name = axis_ref->kind == PJ_ATTR_STRING ? axis_ref : pj_attr_get(axis_ref, "name");
  const PjAttr *sub = pj_attr_get(axis_ref, "sub_axis");
  if (!sub)
    sub = pj_attr_get(axis_ref, "sub_axis_info");
  PJ_FAIL_IF(!name, INVALID_ARGUMENT, "an axis reference without a name");
  int64_t step = 1;
  for (uint32_t i = mesh->num_axes; i-- > 0; step *= mesh->sizes[i]) {
    if (!pj_str_eq(mesh->names[i], name->str))
      continue;
    int64_t size = mesh->sizes[i];
    if (sub) { // the axis as pre x sub x rest
      const PjAttr *pre = pj_attr_get(sub, "pre_size"), *part = pj_attr_get(sub, "size");
      PJ_FAIL_IF(!pre || !part || pre->i64 < 1 || part->i64 < 1 || pre->i64 > size ||
                     part->i64 > size || size % (pre->i64 * part->i64),
                 INVALID_ARGUMENT, "a sub-axis that does not divide axis \"%.*s\"",
                 PJ_STR_ARG(name->str));
      step *= size / (pre->i64 * part->i64);
      size = part->i64;
    }
    *out_size = size;
    *out_step = step;
    return PJ_STATUS_OK;
  }
  return PJ_ERROR(INVALID_ARGUMENT, "the mesh has no axis \"%.*s\"", PJ_STR_ARG(name->str));
}

static bool is_listed(const PjAttr *axis_ref, uint32_t count, const PjStr *names) {
  const PjAttr *name = pj_attr_get(axis_ref, "name");
  for (uint32_t i = 0; name && i < count; ++i)
    if (pj_str_eq(name->str, names[i]))
      return true;
  return false;
}

// The part that the device at |position| holds, as a number.
static int64_t part_of(const PjTiling *tiling, int64_t position) {
  int64_t part = 0;
  for (int32_t d = 0; d < tiling->rank; ++d)
    part = part * tiling->counts[d] + tiling->index[position * tiling->rank + d];
  return part;
}

// Unreduced axes of |sharding|, which the dimensions do not use.
static PjStatus read_terms(PjArena *arena, const PjMesh *mesh, const PjAttr *sharding,
                           uint32_t only_count, const PjStr *only, PjTiling *tiling) {
  const PjAttr *axes = pj_attr_get(sharding, "unreduced");
  tiling->terms = 1;
  if (!axes || !axes->count)
    return PJ_STATUS_OK;
  PJ_FAIL_IF(pj_attr_get(sharding, "reduction"), UNIMPLEMENTED,
             "unreduced values that are no terms of sums");
  int64_t parts = 1;
  for (int32_t d = 0; d < tiling->rank; ++d)
    parts *= tiling->counts[d];
  int64_t *term = PJ_NEW_ARRAY(arena, int64_t, (size_t)mesh->num_devices);
  for (uint32_t a = 0; a < axes->count; ++a) {
    if (only && !is_listed(axes->elems[a], only_count, only))
      continue;
    int64_t size, step;
    PJ_TRY(pj_mesh_axis(mesh, axes->elems[a], &size, &step));
    tiling->terms *= size;
    PJ_FAIL_IF(tiling->terms > mesh->num_devices / parts, INVALID_ARGUMENT,
               "a sharding uses more devices than its mesh has");
    for (int64_t p = 0; p < mesh->num_devices; ++p)
      term[p] = term[p] * size + p / step % size;
  }
  if (tiling->terms == 1)
    return PJ_STATUS_OK;
  tiling->term = term;
  tiling->first = PJ_NEW_ARRAY(arena, uint8_t, (size_t)mesh->num_devices);
  uint8_t *seen = PJ_NEW_ARRAY(arena, uint8_t, (size_t)(parts * tiling->terms));
  for (int64_t p = 0; p < mesh->num_devices; ++p) {
    uint8_t *place = &seen[part_of(tiling, p) * tiling->terms + term[p]];
    tiling->first[p] = !*place;
    *place = 1;
  }
  return PJ_STATUS_OK;
}

PjStatus pj_sharding_tiling(PjArena *arena, const PjMesh *mesh, const PjAttr *sharding,
                            int32_t rank, uint32_t only_count, const PjStr *only,
                            PjTiling **out_tiling) {
  const PjAttr *dims = pj_attr_get(sharding, "dims");
  PJ_FAIL_IF(!dims || dims->kind != PJ_ATTR_ARRAY || dims->count != (uint32_t)rank,
             INVALID_ARGUMENT, "a sharding of %u dimensions for a tensor of %d",
             dims ? dims->count : 0, rank);
  PjTiling *tiling = PJ_NEW(arena, PjTiling);
  *tiling =
      (PjTiling){.rank = rank,
                 .num_devices = mesh->num_devices,
                 .counts = PJ_NEW_ARRAY(arena, int64_t, (size_t)rank),
                 .index = PJ_NEW_ARRAY(arena, int64_t, (size_t)rank * (size_t)mesh->num_devices)};
  enum { MAX_AXES = 32 }; // of more than one device: more than any mesh has
  int64_t from[MAX_AXES], to[MAX_AXES];
  int used = 0;
  for (int32_t d = 0; d < rank; ++d) {
    const PjAttr *axes = pj_attr_get(dims->elems[d], "axes");
    tiling->counts[d] = 1;
    for (uint32_t a = 0; axes && a < axes->count; ++a) {
      if (only && !is_listed(axes->elems[a], only_count, only))
        continue;
      int64_t size, step;
      PJ_TRY(pj_mesh_axis(mesh, axes->elems[a], &size, &step));
      if (size == 1)
        continue;
      bool again = used == MAX_AXES;
      for (int i = 0; i < used; ++i)
        again |= step < to[i] && from[i] < step * size;
      PJ_FAIL_IF(again, INVALID_ARGUMENT, "a sharding cuts along an axis twice (dimension %d)", d);
      from[used] = step;
      to[used++] = step * size;
      for (int64_t p = 0; p < mesh->num_devices; ++p) {
        int64_t *index = &tiling->index[p * rank + d];
        *index = *index * size + p / step % size;
      }
      tiling->counts[d] *= size;
    }
  }
  PJ_TRY(read_terms(arena, mesh, sharding, only_count, only, tiling));
  *out_tiling = tiling;
  return PJ_STATUS_OK;
}
