// Manual computations as HLO has them.
#pragma once
#include "ir/ir.h"

// Copies |module| (verified) to |arena|, under its guard, without operations
// sdy.manual_computation:
//
//   %r = sdy.manual_computation(%x) (%a: part) { ... return %b : part }
//   =>  %a = custom_call @SPMDFullToShardShape(%x) ; ... ; %r = custom_call
//   @SPMDShardToFullShape(%b)
//
// The copy is for showing: its calls are inlined, and what nobody uses is gone. Errors: those of
// the passes.
PjStatus pj_manual_open(PjArena *arena, const PjModule *module, PjModule **out);
// True if |region| holds such operations, at any depth.
bool pj_manual_found(const PjRegion *region);
