// The table of opcodes, and the search in it.
#include <stdlib.h>

#include "import/hlo/builders.h"

#define ANY PJ_HLO_ANY
static const PjHloOpcode opcodes[] = {
#define H(name, builder, kind, least, most, least_callees, most_callees) \
  {name, pj_hlo_build_##builder, PJ_OP_##kind, least, most, least_callees, most_callees},
#include "import/hlo/opcodes.def"
#undef H
};

static int compare(const void *key, const void *row) {
  const PjStr *name = key;
  const char *text = ((const PjHloOpcode *)row)->name;
  int order = strncmp(name->ptr, text, name->len);
  return order ? order : text[name->len] ? -1 : 0;
}

const PjHloOpcode *pj_hlo_opcode(PjStr name) {
  if (!name.len || memchr(name.ptr, 0, name.len))
    return NULL;
  return bsearch(&name, opcodes, sizeof opcodes / sizeof *opcodes, sizeof *opcodes, compare);
}
