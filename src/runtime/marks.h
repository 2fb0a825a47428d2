// Programs without what hosts cannot turn into HLO: Shardy's operations become marks of values,
// those of chlo custom calls.
#pragma once
#include "ir/ir.h"

// Copies |module| (verified) to |arena|, under its guard, without operations of Shardy in
// functions:
//
//   %r = sdy.manual_computation(%x) (%a: part) { ... return %b : part }
//   =>  %a = custom_call @SPMDFullToShardShape(%x) ; ... ; %r = custom_call
//   @SPMDShardToFullShape(%b)
//
// sdy.sharding_constraint becomes a custom call of Sharding; barriers and groups go. chlo.erf
// becomes a custom call of mhlo.erf, chlo.top_k one of mhlo.topk. The copy is for showing: what
// nobody uses is gone, calls are inlined. Errors: those of the passes.
PjStatus pj_marks_make(PjArena *arena, const PjModule *module, PjModule **out);
// True if |region| holds such operations, at any depth.
bool pj_marks_needed(const PjRegion *region);
