// Custom calls that compute more than is read.
#include "pass/simplify.h"

// Eigenvectors of a symmetric matrix that nobody reads (jax.numpy.linalg.eigvalsh) take most of the
// time. Of floats alone, whose values we find in double without them (routine/spectrum.h): LAPACK's
// own way for the values alone loses several bits more than that with vectors.
bool pj_rule_eigenvectors(PjRewrite *rw, PjOp *op) {
  if (!pj_str_is(PJ_STRATTR(op, call_target_name), "lapack_ssyevd_ffi") || !op->num_results ||
      pj_rw_uses(rw, &op->results[0]))
    return false;
  const PjAttr *extra = op->extra, *config = pj_attr_get(extra, "mhlo.backend_config");
  if (!config || config->kind != PJ_ATTR_DICT)
    return false;
  const PjAttr *mode = pj_attr_get(config, "mode");
  if (!mode || mode->kind != PJ_ATTR_INT || mode->i64 != 'V')
    return false;
  const PjAttr *none = pj_attr_int(rw->arena, 'N', mode->type->dtype),
               **values = PJ_NEW_ARRAY(rw->scratch, const PjAttr *, config->count),
               **all = PJ_NEW_ARRAY(rw->scratch, const PjAttr *, extra->count);
  for (uint32_t i = 0; i < config->count; ++i)
    values[i] = config->elems[i] == mode ? none : config->elems[i];
  const PjAttr *changed = pj_attr_dict(rw->arena, config->count, config->names, values);
  for (uint32_t i = 0; i < extra->count; ++i)
    all[i] = extra->elems[i] == config ? changed : extra->elems[i];
  op->extra = pj_attr_dict(rw->arena, extra->count, extra->names, all);
  return true;
}
