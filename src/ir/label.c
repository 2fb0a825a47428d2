// See label.h.
#include "ir/label.h"

#include <string.h>

const char *pj_op_short_name(const PjOp *op) {
  const char *text = pj_op_info[op->kind].text, *dot = strrchr(text, '.');
  return dot ? dot + 1 : text;
}

PjStr pj_loc_framework_name(const PjLoc *loc) {
  for (int depth = 0; loc && depth < 64; ++depth) {
    if (loc->kind == PJ_LOC_NAME)
      return loc->text;
    loc = loc->kind == PJ_LOC_FUSED      ? (loc->count ? loc->parts[0] : NULL)
          : loc->kind == PJ_LOC_CALLSITE ? loc->child
                                         : NULL;
  }
  return (PjStr){"", 0};
}

bool pj_loc_source(PjStrBuf *out, const PjLoc *loc) {
  pj_loc_describe(out, loc);
  PjStr name = pj_loc_framework_name(loc);
  if (out->len == name.len && out->len && !memcmp(out->data, name.ptr, name.len))
    out->len = out->data[0] = 0;
  return out->len > 0;
}
