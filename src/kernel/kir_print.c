// Readable text of a function:
//
//     kernel scale avx2
//     %1 = buffer 0
//     %2 = param f32 0
//     %3 = begin
//     ...
//     %9 = for %7 = %3 to %4 step %6, %8 = %5 {
//       %10 = load f32x8 %1[%7]
//       %11 = fadd f32x8 %8, %10
//       yield %11
//     }
#include <inttypes.h>
#include <math.h>

#include "base/number.h"
#include "kernel/kir_build.h"

typedef struct Printer {
  const PjKir *k;
  PjStrBuf *out;
  int depth;
} Printer;

static void print_type(PjStrBuf *out, PjKirType type) {
  static const char *const names[PJ_KIR_ELEM_COUNT] = {"void", "i1",  "i8",  "i16", "i32",
                                                       "i64",  "f32", "f64", "ptr"};
  pj_strbuf_puts(out, type.elem < PJ_KIR_ELEM_COUNT ? names[type.elem] : "?");
  if (type.lanes > 1)
    pj_strbuf_printf(out, "x%d", type.lanes);
}

static void print_list(Printer *p, uint32_t n, const PjKirVal *values) {
  for (uint32_t i = 0; i < n; ++i)
    pj_strbuf_printf(p->out, "%s%%%" PRIu32, i ? ", " : "", values[i]);
}

static void print_const(PjStrBuf *out, PjKirType type, uint64_t bits) {
  double value;
  float narrow;
  uint32_t low = (uint32_t)bits;
  memcpy(&value, &bits, 8);
  memcpy(&narrow, &low, 4);
  if (type.elem == PJ_KIR_F32)
    value = narrow;
  if (!pj_kir_is_float(type))
    pj_strbuf_printf(out, "%" PRId64, pj_kir__signed((PjKirElem)type.elem, bits));
  else if (isfinite(value)) // Digits enough to tell all values apart.
    pj_strbuf_double(out, value, type.elem == PJ_KIR_F32 ? 8 : 16);
  else
    pj_strbuf_printf(out, "0x%" PRIx64, bits);
}

static void print_access(Printer *p, const PjKirInst *inst) {
  uint32_t ptr = inst->op == PJ_KIR_STORE || inst->op == PJ_KIR_SCATTER;
  if (ptr)
    pj_strbuf_printf(p->out, " %%%" PRIu32 ",", inst->args[0]);
  pj_strbuf_printf(p->out, " %%%" PRIu32 "[%%%" PRIu32 "]", inst->args[ptr], inst->args[ptr + 1]);
  if (inst->num_args > ptr + 2)
    pj_strbuf_printf(p->out, " mask %%%" PRIu32, inst->args[ptr + 2]);
  if (inst->alias)
    pj_strbuf_printf(p->out, " alias %d", inst->alias);
}

static void print_operands(Printer *p, const PjKirInst *inst) {
  switch (inst->op) {
  case PJ_KIR_CONST:
    pj_strbuf_putc(p->out, ' ');
    print_const(p->out, inst->type, inst->imm);
    return;
  case PJ_KIR_BUFFER:
  case PJ_KIR_PARAM:
  case PJ_KIR_STACK:
    pj_strbuf_printf(p->out, " %" PRIu64, inst->imm);
    return;
  case PJ_KIR_EXTRACT:
    pj_strbuf_printf(p->out, " %%%" PRIu32 "[%" PRIu64 "]", inst->args[0], inst->imm);
    return;
  case PJ_KIR_LOAD:
  case PJ_KIR_GATHER:
  case PJ_KIR_STORE:
  case PJ_KIR_SCATTER:
  case PJ_KIR_READ:
  case PJ_KIR_READG:
    print_access(p, inst);
    if (inst->imm)
      pj_strbuf_puts(p->out, inst->op == PJ_KIR_STORE ? " past" : " always");
    return;
  case PJ_KIR_CALL:
    pj_strbuf_printf(p->out, " %s(", pj_kir_extern_info[inst->imm].name);
    print_list(p, inst->num_args, inst->args);
    pj_strbuf_putc(p->out, ')');
    return;
  default:
    break;
  }
  if (inst->num_args)
    pj_strbuf_putc(p->out, ' ');
  print_list(p, inst->num_args, inst->args);
  if (inst->op == PJ_KIR_SHUFFLE) {
    for (int i = 0; i < inst->type.lanes; ++i)
      pj_strbuf_printf(p->out, "%s%d", i ? " " : " [", inst->pattern[i]);
    pj_strbuf_putc(p->out, ']');
  }
}

static void print_block(Printer *p, uint32_t block);

// " %8 = %5, ...": the block's arguments from |from| on and what they begin with.
static void print_carried(Printer *p, const PjKirInst *inst, uint32_t from, uint32_t first_init) {
  const PjKirBlock *block = &p->k->blocks.data[inst->blocks[0]];
  for (uint32_t i = from; i < block->args.len; ++i)
    pj_strbuf_printf(p->out, "%s %%%" PRIu32 " = %%%" PRIu32, i ? "," : "", block->args.data[i],
                     inst->args[first_init + i - from]);
}

static void print_inner(Printer *p, uint32_t block, bool rare) {
  pj_strbuf_puts(p->out, rare ? " rare {\n" : " {\n");
  p->depth += 2;
  print_block(p, block);
  p->depth -= 2;
  pj_strbuf_printf(p->out, "%*s}", p->depth, "");
}

// |index| is where the operation stands in its block: its results follow.
static void print_control(Printer *p, const PjKirInst *inst, PjKirVal v, const PjKirBlock *in,
                          size_t index) {
  bool any = false;
  for (size_t i = index + 1; i < in->insts.len; ++i) {
    const PjKirInst *result = pj_kir_inst(p->k, in->insts.data[i]);
    if (result->op != PJ_KIR_RESULT || result->args[0] != v)
      break;
    pj_strbuf_printf(p->out, "%s%%%" PRIu32 ":%" PRIu64, any ? ", " : "", in->insts.data[i],
                     result->imm);
    any = true;
  }
  pj_strbuf_printf(p->out, "%s%s", any ? " = " : "", pj_kir_op_info[inst->op].text);
  if (inst->op == PJ_KIR_FOR) {
    const PjKirVal *args = inst->args;
    pj_strbuf_printf(p->out, " %%%" PRIu32 " = %%%" PRIu32 " to %%%" PRIu32 " step %%%" PRIu32,
                     p->k->blocks.data[inst->blocks[0]].args.data[0], args[0], args[1], args[2]);
    print_carried(p, inst, 1, 3);
  } else if (inst->op == PJ_KIR_WHILE) {
    print_carried(p, inst, 0, 0);
  } else {
    pj_strbuf_printf(p->out, " %%%" PRIu32, inst->args[0]);
  }
  print_inner(p, inst->blocks[0], inst->imm == 1);
  if (inst->blocks[1]) {
    pj_strbuf_puts(p->out, inst->op == PJ_KIR_IF ? " else" : " do");
    print_inner(p, inst->blocks[1], inst->imm == 2);
  }
}

static void print_block(Printer *p, uint32_t block) {
  const PjKirBlock *b = &p->k->blocks.data[block];
  for (size_t i = 0; i < b->insts.len; ++i) {
    PjKirVal v = b->insts.data[i];
    const PjKirInst *inst = pj_kir_inst(p->k, v);
    if (inst->op == PJ_KIR_RESULT) // Printed with its operation.
      continue;
    pj_strbuf_printf(p->out, "%*s", p->depth, "");
    if (inst->op == PJ_KIR_FOR || inst->op == PJ_KIR_WHILE || inst->op == PJ_KIR_IF) {
      print_control(p, inst, v, b, i);
    } else {
      if (inst->type.elem != PJ_KIR_VOID)
        pj_strbuf_printf(p->out, "%%%" PRIu32 " = ", v);
      pj_strbuf_puts(p->out, pj_kir_op_info[inst->op].text);
      bool implied = inst->op == PJ_KIR_BUFFER || inst->op == PJ_KIR_BEGIN ||
                     inst->op == PJ_KIR_END || inst->op == PJ_KIR_SCRATCH ||
                     inst->op == PJ_KIR_STACK || inst->op == PJ_KIR_PTRADD;
      if (inst->type.elem != PJ_KIR_VOID && !implied) {
        pj_strbuf_putc(p->out, ' ');
        print_type(p->out, inst->type);
      }
      print_operands(p, inst);
    }
    pj_strbuf_putc(p->out, '\n');
  }
}

void pj_kir_print(const PjKir *k, PjStrBuf *out) {
  Printer printer = {.k = k, .out = out};
  pj_strbuf_printf(out, "kernel %s %s%s\n", k->name ? k->name : "", pj_isa_name(k->target->isa),
                   k->target->bytes_move ? " vbmi" : "");
  print_block(&printer, 1);
}
