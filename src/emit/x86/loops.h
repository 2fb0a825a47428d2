// Code with instructions put in front of loops.
#pragma once
#include "emit/x86/mir.h"

// A list of instructions that becomes the function's; ends of loops are kept true.
typedef struct X86Rewrite {
  X86Fn *f;
  PJ_VEC(X86Ins) code;
} X86Rewrite;

void pj_x86_push(X86Rewrite *w, X86Ins ins);
void pj_x86_rewritten(X86Rewrite *w);

// The end of the loop that begins with instruction |begin| if there are no others in it but such
// for rare cases, which call; else 0.
uint32_t pj_x86_innermost_end(const X86Fn *f, uint32_t begin);
