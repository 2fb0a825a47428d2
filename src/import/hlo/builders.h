// What the builders of several files use of each other.
#pragma once
#include "import/hlo/hlo.h"

// The only number in `dimensions`.
PjStatus pj_hlo_one_dimension(PjHloSite *s, int64_t *out);
// Precisions of |count| operands; DEFAULT where the message says nothing.
PjStatus pj_hlo_precisions(PjHloSite *s, uint32_t count, bool plain, const PjAttr **out);
// A dictionary of attributes, written as in MLIR: `{a = 1 : i64}`.
PjStatus pj_hlo_dict(PjHloSite *s, PjStr text, const PjAttr **out);
// The builder of each opcode.
#define ANY PJ_HLO_ANY
#define H(name, builder, kind, least, most, least_callees, most_callees) \
  PjStatus pj_hlo_build_##builder(PjHloSite *s);
#include "import/hlo/opcodes.def"
#undef H
#undef ANY
