// Shardy ops, shallowly: meshes exist, shardings have the rank of their tensors, and bodies the
// types of their op.
//
// The axes of shardings are the partitioner's to check; a single-device compiler drops them.
#include <inttypes.h>

#include "ir/verify/check.h"

// |sharding| of a value of |type|: sdy.sharding {mesh, dims, replicated}.
static PjStatus check_sharding(PjCheck *check, const PjOp *op, const PjAttr *sharding,
                               const PjType *type) {
  PJ_REQUIRE(
      op, sharding && sharding->kind == PJ_ATTR_STRUCT && pj_str_is(sharding->str, "sdy.sharding"),
      "expected a tensor sharding");
  const PjAttr *mesh = pj_attr_get(sharding, "mesh"), *dims = pj_attr_get(sharding, "dims");
  PJ_REQUIRE(op, mesh, "the sharding names no mesh");
  PJ_REQUIRE(op, pj__mesh(check, op, mesh), "unknown mesh '@%.*s'", PJ_STR_ARG(mesh->str));
  PJ_REQUIRE(op, dims && dims->kind == PJ_ATTR_ARRAY, "the sharding has no dimensions");
  if (type->kind == PJ_TYPE_TENSOR)
    PJ_REQUIRE(op, dims->count == (uint32_t)type->rank,
               "the sharding has %u dimensions, but the tensor has rank %d: %s", dims->count,
               type->rank, pj__type_text(check, type));
  return NULL;
}

// The array of shardings in sdy.sharding_per_value.
static const PjAttr *per_value(const PjAttr *attr) {
  const PjAttr *list = pj_attr_get(attr, "shardings");
  return list && list->kind == PJ_ATTR_ARRAY ? list : NULL;
}

PjStatus pj_verify_sdy_constraint(PjCheck *check, const PjOp *op) {
  return check_sharding(check, op, PJ_ATTR(op, sharding), pj__in(op, 0));
}

PjStatus pj_verify_sdy_mesh(PjCheck *check, const PjOp *op) {
  const PjAttr *mesh = PJ_ATTR(op, mesh),
               *axes = mesh->kind == PJ_ATTR_STRUCT ? pj_attr_get(mesh, "axes") : NULL;
  PJ_REQUIRE(op, axes && axes->kind == PJ_ATTR_ARRAY, "'mesh' must be a mesh");
  int64_t devices = 1;
  for (uint32_t i = 0; i < axes->count; ++i) {
    const PjAttr *name = pj_attr_get(axes->elems[i], "name"),
                 *size = pj_attr_get(axes->elems[i], "size");
    PJ_REQUIRE(op, name && name->kind == PJ_ATTR_STRING && size && size->kind == PJ_ATTR_INT,
               "an axis must have a name and a size");
    PJ_REQUIRE(op, size->i64 > 0 && pj_mul_i64(devices, size->i64, &devices),
               "axis \"%.*s\" has size %" PRId64 ", but must have a positive one",
               PJ_STR_ARG(name->str), size->i64);
  }
  return NULL;
}

// Operands and results have the types of the whole, the body those of one device, so only counts
// and ranks must agree.
PjStatus pj_verify_sdy_manual(PjCheck *check, const PjOp *op) {
  const PjRegion *body = &op->regions[0];
  const PjAttr *in = per_value(PJ_ATTR(op, in_shardings)),
               *out = per_value(PJ_ATTR(op, out_shardings));
  uint32_t count;
  PjValue *const *returned = pj__returned(body, &count);
  PJ_REQUIRE(op, body->num_args == op->num_operands,
             "the body takes %u arguments, but there are %u operands", body->num_args,
             op->num_operands);
  PJ_REQUIRE(op, count == op->num_results, "the body returns %u values, but there are %u results",
             count, op->num_results);
  PJ_REQUIRE(op, in && in->count == op->num_operands,
             "in_shardings must have one sharding per operand (%u), but has %u", op->num_operands,
             in ? in->count : 0);
  PJ_REQUIRE(op, out && out->count == op->num_results,
             "out_shardings must have one sharding per result (%u), but has %u", op->num_results,
             out ? out->count : 0);
  for (uint32_t i = 0; i < op->num_operands; ++i) {
    PJ_TRY(check_sharding(check, op, in->elems[i], pj__in(op, i)));
    PJ_REQUIRE(op,
               pj__in(op, i)->kind == body->args[i].type->kind &&
                   pj__in(op, i)->rank == body->args[i].type->rank &&
                   pj__elements_eq(pj__in(op, i), body->args[i].type),
               "operand #%u has type %s, but argument #%u of the body has type %s", i,
               pj__type_text(check, pj__in(op, i)), i, pj__type_text(check, body->args[i].type));
  }
  for (uint32_t i = 0; i < op->num_results; ++i) {
    PJ_TRY(check_sharding(check, op, out->elems[i], pj__out(op, i)));
    PJ_REQUIRE(op,
               pj__out(op, i)->kind == returned[i]->type->kind &&
                   pj__out(op, i)->rank == returned[i]->type->rank &&
                   pj__elements_eq(pj__out(op, i), returned[i]->type),
               "result #%u has type %s, but the body returns %s", i,
               pj__type_text(check, pj__out(op, i)), pj__type_text(check, returned[i]->type));
  }
  return NULL;
}
