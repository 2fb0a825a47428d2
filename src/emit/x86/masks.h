// Vectors of i1, in the two ways that instruction sets have for them: AVX2's are vectors of lanes
// of all ones or all zeros (mask_lanes.c), AVX-512's bits of mask registers (mask_bits.c), with
// anything in the bits above the lanes.
#pragma once
#include "emit/x86/lower.h"

typedef struct X86Masks {
  X86Class cls; // of a part
  X86Op (*constant)(Lower *l, bool on);
  X86Op (*splat)(Lower *l, X86Shape s, X86Op scalar); // a scalar i1 in all lanes
  X86Op (*compare)(Lower *l, X86Shape s, PjKirOp op, X86Op a, X86Op b);
  X86Op (*logic)(Lower *l, X86Shape s, PjKirOp op, X86Op a, X86Op b); // and, or, xor
  X86Op (*choose)(Lower *l, X86Shape s, bool floats, X86Op mask, X86Op yes, X86Op no);
  X86Op (*choose_mask)(Lower *l, X86Shape s, X86Op mask, X86Op yes, X86Op no);
  // For lanes of twice or half of |bytes|.
  Parts (*widen)(Lower *l, const Parts *mask, int lanes, int bytes);
  Parts (*narrow)(Lower *l, const Parts *mask, int lanes, int bytes);
  X86Op (*of_lowest_bits)(Lower *l, X86Shape s, X86Op lanes);
  X86Op (*of_lanes)(Lower *l, X86Shape s, X86Op lanes); // of all ones or all zeros
  X86Op (*to_int)(Lower *l, X86Shape s, X86Op mask, bool is_signed);
  // In a general register; how many a lane has.
  X86Op (*bits)(Lower *l, X86Shape s, X86Op mask);
  int (*bits_per_lane)(int bytes);
  // Whole parts in memory; lanes off give 0 and touch nothing. Only where |can_access|.
  bool (*can_access)(int lanes, int bytes);
  X86Op (*load)(Lower *l, X86Shape s, int lanes, X86Op mask, X86Op at);
  void (*store)(Lower *l, X86Shape s, int lanes, X86Op mask, X86Op value, X86Op at);
} X86Masks;

extern const X86Masks x86_mask_lanes, x86_mask_bits;
