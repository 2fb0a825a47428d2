#include "emit/x86/loops.h"

void pj_x86_push(X86Rewrite *w, X86Ins ins) {
  if (ins.loop_end)
    w->f->loops.data[ins.loop_end - 1].end = (uint32_t)w->code.len;
  PJ_PUSH(w->f->arena, &w->code, ins);
}

void pj_x86_rewritten(X86Rewrite *w) {
  w->f->code.data = w->code.data;
  w->f->code.len = w->code.len;
  w->f->code.cap = w->code.cap;
}

static uint32_t end_of(const X86Fn *f, uint32_t begin) {
  return f->loops.data[f->code.data[begin].loop].end;
}

static bool calls(const X86Fn *f, uint32_t begin, uint32_t end) {
  for (uint32_t i = begin; i <= end; ++i)
    if (f->code.data[i].form == X86_CALL)
      return true;
  return false;
}

uint32_t pj_x86_innermost_end(const X86Fn *f, uint32_t begin) {
  uint32_t end = end_of(f, begin);
  for (uint32_t i = begin + 1; i < end; ++i)
    if (f->code.data[i].form == X86_CALL && !f->code.data[i].rare)
      return 0;
    else if (f->code.data[i].form == X86_LOOP) {
      if (!f->code.data[i].rare && !calls(f, i, end_of(f, i)))
        return 0;
      i = end_of(f, i);
    }
  return end;
}
