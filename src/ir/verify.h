// Verification and type inference: after pj_verify every rule of the specification that later
// stages rely on holds.
#pragma once
#include "ir/ir.h"

// Checks |module| whole: structure (arity, regions, terminators, dominance, symbols, unique names),
// attributes against ops.def, and each op's constraints (StableHLO spec, "Constraints"), result
// types against inferred ones. Errors: INVALID_ARGUMENT at the op's location: the op, what is wrong
// with types printed, what was expected.
PjStatus pj_verify(const PjModule *module);

// What pj_verify checks of one operation by itself, for importers that want to say where an error
// is: counts, attributes, types of operands and results, inferred types against the declared ones.
// Not: visibility of operands, the contents of regions, symbols and the rules that involve the
// results. Scratch comes from |arena|, which needs a guard.
PjStatus pj_verify_op(PjArena *arena, const PjOp *op);

// Types of |op|'s results from its operands, attributes and regions, into |out_types|
// (op->num_results entries), made in |arena|. UNIMPLEMENTED for ops whose result types are not
// implied (reshape, custom_call, convert ...).
PjStatus pj_infer(PjArena *arena, const PjOp *op, const PjType **out_types);
