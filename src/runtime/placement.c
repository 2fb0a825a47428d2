// Shardings of parameters and results (sdy.sharding, and mhlo.sharding where it says "replicated").
#include "runtime/placement.h"

#include "base/alloc.h"
#include "base/proto.h"

static bool is_whole(const PjTiling *tiling) {
  if (tiling->terms != 1)
    return false;
  for (int32_t d = 0; d < tiling->rank; ++d)
    if (tiling->counts[d] != 1)
      return false;
  return true;
}

// Positions in |mesh| by partition. A mesh that lists device ids places position p on partition
// device_ids[p].
static PjStatus read_positions(PjArena *arena, const PjMesh *mesh, int num_partitions,
                               const int64_t **out) {
  PJ_FAIL_IF(mesh->num_devices != num_partitions, INVALID_ARGUMENT,
             "a mesh of %lld devices in a program of %d partitions", (long long)mesh->num_devices,
             num_partitions);
  int64_t *position = PJ_NEW_ARRAY(arena, int64_t, (size_t)num_partitions);
  for (int64_t p = 0; p < num_partitions; ++p)
    position[p] = -1;
  for (int64_t p = 0; p < num_partitions; ++p) {
    int64_t partition = mesh->device_ids ? mesh->device_ids[p] : p;
    PJ_FAIL_IF(partition < 0 || partition >= num_partitions || position[partition] >= 0,
               INVALID_ARGUMENT, "the device ids of a mesh are no permutation of 0 to %d",
               num_partitions - 1);
    position[partition] = p;
  }
  *out = position;
  return PJ_STATUS_OK;
}

PjStatus pj_placement_read(PjArena *arena, const PjModule *module, const PjType *type,
                           const PjAttr *dict, int num_partitions, const PjPlacement **out) {
  *out = NULL;
  const PjAttr *sharding = pj_attr_get(dict, "sdy.sharding"),
               *text = pj_attr_get(dict, "mhlo.sharding");
  if (num_partitions == 1 || !pj_type_is_tensor(type))
    return PJ_STATUS_OK;
  if (!sharding) {
    bool whole = !text || text->kind != PJ_ATTR_STRING || !text->str.len ||
                 pj_str_is(text->str, "{replicated}");
    PJ_FAIL_IF(!whole, UNIMPLEMENTED,
               "mhlo.sharding \"%.*s\" in a program that has a mesh of Shardy's",
               PJ_STR_ARG(text->str));
    return PJ_STATUS_OK;
  }
  PjMesh *mesh;
  PjTiling *tiling;
  PJ_TRY(pj_mesh_resolve(arena, module, pj_attr_get(sharding, "mesh"), &mesh));
  PJ_TRY(pj_sharding_tiling(arena, mesh, sharding, type->rank, 0, NULL, &tiling));
  if (is_whole(tiling))
    return PJ_STATUS_OK;
  PjPlacement *placement = PJ_NEW(arena, PjPlacement);
  placement->tiling = tiling;
  PJ_TRY(read_positions(arena, mesh, num_partitions, &placement->position));
  *out = placement;
  return PJ_STATUS_OK;
}

PjStatus pj_placement_dims(const PjPlacement *placement, const PjType *type, int64_t *out_dims) {
  const PjTiling *tiling = placement->tiling;
  for (int32_t d = 0; d < type->rank; ++d) {
    PJ_FAIL_IF(type->dims[d] % tiling->counts[d], UNIMPLEMENTED,
               "dimension %d of size %lld does not divide among %lld devices", d,
               (long long)type->dims[d], (long long)tiling->counts[d]);
    out_dims[d] = type->dims[d] / tiling->counts[d];
  }
  return PJ_STATUS_OK;
}

// OpSharding: type 1 (OTHER 3, UNREDUCED 6), tile_assignment_dimensions 3, tile_assignment_devices
// 4, replicate_on_last_tile_dim 6, last_tile_dims 8 (REPLICATED 0, UNREDUCED 6). Devices are listed
// tile by tile, within each copy by copy, within each term by term, in order.
void pj_placement_proto(const PjPlacement *placement, PjStrBuf *out) {
  if (!placement)
    return;
  const PjTiling *tiling = placement->tiling;
  int64_t dims[PJ_MAX_RANK + 2], tiles = 1, terms = tiling->terms, devices = tiling->num_devices;
  size_t count = (size_t)tiling->rank;
  for (int32_t d = 0; d < tiling->rank; ++d)
    tiles *= dims[d] = tiling->counts[d];
  if (terms == devices) {
    pj_proto_put_varint(out, 1, 6);
    return;
  }
  int64_t copies = devices / (tiles * terms);
  int64_t *listed = pj_calloc((size_t)devices, sizeof *listed);
  int64_t *found = pj_calloc((size_t)(tiles * terms), sizeof *found);
  for (int64_t partition = 0; listed && found && partition < devices; ++partition) {
    int64_t position = placement->position[partition], tile = 0;
    for (int32_t d = 0; d < tiling->rank; ++d)
      tile = tile * tiling->counts[d] + tiling->index[position * tiling->rank + d];
    int64_t term = terms > 1 ? tiling->term[position] : 0;
    int64_t copy = found[tile * terms + term]++;
    listed[(tile * copies + copy) * terms + term] = partition;
  }
  if (copies > 1)
    dims[count++] = copies;
  if (terms > 1)
    dims[count++] = terms;
  pj_proto_put_varint(out, 1, 3);
  pj_proto_put_ints(out, 3, dims, count);
  if (listed)
    pj_proto_put_ints(out, 4, listed, (size_t)devices);
  const int64_t kinds[2] = {0, 6};
  if (terms > 1)
    pj_proto_put_ints(out, 8, copies > 1 ? kinds : kinds + 1, copies > 1 ? 2 : 1);
  else if (copies > 1)
    pj_proto_put_varint(out, 6, 1);
  out->failed |= !listed || !found;
  pj_free(listed);
  pj_free(found);
}
