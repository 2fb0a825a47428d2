// A second attempt at registers: what lives on the stack is copied for the loops that only read it.
//
// A register has one place for its whole life, so one that lives long and is read in a short loop
// loses against all that lives briefly. Its copy lives as long as the loop, and has one.
//
// What a loop writes itself and reads much later is on the stack in between alone: a piece of it
// lives from where it is written as long as reads follow closely, and another wherever several
// reads stand together.
#include <string.h>

#include "emit/x86/loops.h"

// Reads of a register that follow each other closely, perhaps from its instruction on.
typedef struct Piece {
  X86Reg of, made; // 0: not made
  uint32_t first, last, reads;
  uint32_t next; // of the same register, plus 1
  bool written;
} Piece;

typedef struct Split {
  X86Rewrite w;
  size_t num_regs;  // before those made here
  uint32_t *loop;   // by register: the loop (its number + 1) that was last seen to write it
  uint32_t *copied; // and that it was copied for
  X86Reg *copies;
  uint32_t *writes; // by register: instructions that write it
  uint32_t *piece;  // by register: the one at hand of the loop at hand, plus 1
  PJ_VEC(Piece) pieces;
  int round;
  uint32_t at, straight; // the instruction at hand, where its straight line begins
  bool rare;             // and whether it is that
} Split;

typedef void Visit(Split *s, X86Reg *r, uint32_t loop);

static void visit_op(Split *s, X86Op *op, uint32_t loop, Visit *visit) {
  if (op->kind == X86_REG) {
    X86Reg r = op->id;
    visit(s, &r, loop);
    op->id = r;
  } else if (op->kind == X86_MEM) {
    X86Mem m = s->w.f->mems.data[op->id];
    X86Reg base = m.base, index = m.index;
    if (base)
      visit(s, &m.base, loop);
    if (index)
      visit(s, &m.index, loop);
    if (m.base == base && m.index == index)
      return;
    PJ_PUSH(s->w.f->arena, &s->w.f->mems, m); // others may have the same place
    op->id = (uint32_t)s->w.f->mems.len - 1;
  }
}

static void visit_reads(Split *s, X86Ins *ins, uint32_t loop, Visit *visit) {
  visit_op(s, &ins->a, loop, visit);
  visit_op(s, &ins->b, loop, visit);
  visit_op(s, &ins->c, loop, visit);
  visit_op(s, &ins->sel[0], loop, visit);
  visit_op(s, &ins->sel[1], loop, visit);
  for (uint32_t i = 0; i < ins->num_call_args; ++i)
    visit_op(s, &ins->call_args[i], loop, visit);
  if (ins->mask)
    visit(s, &ins->mask, loop);
}

static void push_move(Split *s, X86Reg to, X86Reg from) {
  pj_x86_push(&s->w, (X86Ins){.form = X86_MOVE, .d = to, .a = pj_x86_reg(from), .rare = s->rare});
}

// A register on the stack that the loop reads and does not write gets a copy in front of it.
static void copy(Split *s, X86Reg *r, uint32_t loop) {
  X86Fn *f = s->w.f;
  if (*r >= s->num_regs || f->vregs.data[*r].phys != X86_ON_STACK || s->loop[*r] == loop ||
      s->copied[*r] == loop)
    return;
  X86VReg made = {.cls = f->vregs.data[*r].cls, .constant = f->vregs.data[*r].constant};
  PJ_PUSH(f->arena, &f->vregs, made);
  s->copied[*r] = loop;
  s->copies[*r] = (X86Reg)f->vregs.len - 1;
  push_move(s, s->copies[*r], *r);
}

static void use_copy(Split *s, X86Reg *r, uint32_t loop) {
  if (*r < s->num_regs && s->copied[*r] == loop)
    *r = s->copies[*r];
}

// ---- pieces

static void add_piece(Split *s, X86Reg r, bool written) {
  if (s->piece[r])
    s->pieces.data[s->piece[r] - 1].next = (uint32_t)s->pieces.len + 1;
  Piece piece = {.of = r, .first = s->at, .last = s->at, .reads = !written, .written = written};
  PJ_PUSH(s->w.f->arena, &s->pieces, piece);
  s->piece[r] = (uint32_t)s->pieces.len;
}

static bool in_pieces(const Split *s, X86Reg r) {
  const X86VReg *v = &s->w.f->vregs.data[r];
  return r && r < s->num_regs && v->cls == X86_VEC && v->phys == X86_ON_STACK && s->writes[r] == 1;
}

static void see_read(Split *s, X86Reg *r, uint32_t loop) {
  enum { CLOSE = 12 };
  (void)loop;
  if (!in_pieces(s, *r) || (!s->piece[*r] && !s->round)) // not written in this loop
    return;
  if (!s->piece[*r]) {
    add_piece(s, *r, false);
    return;
  }
  Piece *piece = &s->pieces.data[s->piece[*r] - 1];
  if (piece->first < s->straight || s->at > piece->last + CLOSE) {
    add_piece(s, *r, false);
    return;
  }
  piece->last = s->at;
  ++piece->reads;
}

static bool begins_line(const X86Ins *ins) {
  return ins->form == X86_LABEL || ins->form == X86_LOOP || ins->form == X86_JCC ||
         ins->form == X86_JUMP || ins->form == X86_CALL;
}

// What is read closely behind its instruction alone stays whole.
static void find_pieces(Split *s, uint32_t begin, uint32_t end) {
  X86Fn *f = s->w.f;
  s->pieces.len = 0;
  memset(s->piece, 0, s->num_regs * sizeof *s->piece);
  for (uint32_t i = s->straight = begin; i <= end; ++i) {
    X86Ins *ins = &f->code.data[i];
    s->at = i;
    if (begins_line(ins))
      s->straight = i + 1;
    visit_reads(s, ins, 0, see_read);
    if (in_pieces(s, ins->d))
      add_piece(s, ins->d, true);
  }
  memset(s->piece, 0, s->num_regs * sizeof *s->piece);
  for (size_t n = s->pieces.len; n-- > 0;)
    s->piece[s->pieces.data[n].of] = (uint32_t)n + 1; // the first one
  for (size_t n = 0; n < s->pieces.len; ++n) {
    Piece *piece = &s->pieces.data[n];
    if (piece->written ? !piece->next || !piece->reads : piece->reads < 2)
      continue;
    PJ_PUSH(f->arena, &f->vregs, ((X86VReg){.cls = X86_VEC}));
    piece->made = (X86Reg)f->vregs.len - 1;
    X86VReg *made = &f->vregs.data[piece->made];
    if (piece->written) {
      made->hint = f->vregs.data[piece->of].hint;
      made->early = f->vregs.data[piece->of].early;
    }
  }
}

static Piece *piece_at(Split *s, X86Reg r) {
  if (r >= s->num_regs || !s->piece[r])
    return NULL;
  Piece *piece = &s->pieces.data[s->piece[r] - 1];
  while (piece->last < s->at && piece->next)
    piece = &s->pieces.data[(s->piece[r] = piece->next) - 1];
  return piece->made ? piece : NULL;
}

static void use_piece(Split *s, X86Reg *r, uint32_t loop) {
  (void)loop;
  Piece *piece = piece_at(s, *r);
  if (!piece)
    return;
  if (!piece->written && piece->first == s->at && piece->reads) {
    piece->reads = 0; // it is there
    push_move(s, piece->made, *r);
  }
  *r = piece->made;
}

static void push_in_pieces(Split *s, X86Ins ins, uint32_t at) {
  X86Fn *f = s->w.f;
  s->at = at;
  s->rare = ins.rare;
  X86Reg hint = f->vregs.data[ins.d].hint, whole = ins.d;
  Piece *hinted = hint ? piece_at(s, hint) : NULL;
  if (hinted)
    f->vregs.data[ins.d].hint = hinted->made;
  visit_reads(s, &ins, 0, use_piece);
  Piece *piece = whole ? piece_at(s, whole) : NULL;
  if (!piece || !piece->written || piece->first != at) {
    pj_x86_push(&s->w, ins);
    return;
  }
  ins.d = piece->made;
  f->vregs.data[ins.d].hint = f->vregs.data[whole].hint;
  pj_x86_push(&s->w, ins);
  push_move(s, whole, ins.d);
  f->vregs.data[whole].hint = 0;
  f->vregs.data[whole].early = false;
}

static void split_loop(Split *s, uint32_t begin, uint32_t end) {
  X86Fn *f = s->w.f;
  uint32_t loop = f->code.data[begin].loop + 1;
  s->rare = f->code.data[begin].rare;
  for (uint32_t i = begin; i <= end; ++i)
    s->loop[f->code.data[i].d] = loop;
  for (uint32_t i = begin; i <= end && !s->round; ++i)
    visit_reads(s, &f->code.data[i], loop, copy);
  find_pieces(s, begin, end);
  for (uint32_t i = begin; i <= end; ++i) {
    visit_reads(s, &f->code.data[i], loop, use_copy);
    push_in_pieces(s, f->code.data[i], i);
  }
}

void pj_x86_split(X86Fn *f, int round) {
  Split *s = PJ_NEW(f->arena, Split);
  s->round = round;
  s->w.f = f;
  s->num_regs = f->vregs.len;
  s->loop = pj_arena_calloc(f->arena, s->num_regs, sizeof *s->loop);
  s->copied = pj_arena_calloc(f->arena, s->num_regs, sizeof *s->copied);
  s->copies = pj_arena_calloc(f->arena, s->num_regs, sizeof *s->copies);
  s->writes = pj_arena_calloc(f->arena, s->num_regs, sizeof *s->writes);
  s->piece = pj_arena_calloc(f->arena, s->num_regs, sizeof *s->piece);
  for (size_t i = 0; i < f->code.len; ++i)
    ++s->writes[f->code.data[i].d];
  for (uint32_t i = 0; i < f->code.len; ++i) {
    uint32_t end = f->code.data[i].form == X86_LOOP ? pj_x86_innermost_end(f, i) : 0;
    if (end) {
      split_loop(s, i, end);
      i = end;
    } else
      pj_x86_push(&s->w, f->code.data[i]);
  }
  pj_x86_rewritten(&s->w);
  for (X86Reg r = 1; r < f->vregs.len; ++r) { // as before the first attempt
    X86VReg *v = &f->vregs.data[r];
    v->ranges.len = 0;
    v->weight = 0;
  }
}
