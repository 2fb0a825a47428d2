// Custom calls that are to see each device's part of an array.
#pragma once
#include "partition/flow.h"

// jax.debug's callbacks with partitioned=True are calls of xla_ffi_partitioned_python_cpu_callback
// without results, told apart by an attribute "index". Each becomes, in |module|, the program that
// |flow| (propagated) is the private copy of, a manual computation over all axes of |mesh| around
// the call:
//
//   custom_call @xla_ffi_partitioned_python_cpu_callback(%x)
//   =>  sdy.manual_computation(%x) in_shardings=[that of %x] (%part) { custom_call @...(%part) }
//
// Calls in manual computations stay. Where the copy has several of one index (it has calls
// inlined), the first says how operands are cut. Errors: INVALID_ARGUMENT.
PjStatus pj_partition_calls(PjFlow *flow, PjModule *module, const PjSpecMesh *mesh);
