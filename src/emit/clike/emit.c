// Functions of kernel IR as text of a C-like language.
//
// Every value is an expression text. A pure value that is used once, in the block that makes it, is
// written where it is used; any other becomes a variable. Carried values are variables that the end
// of the loop's body assigns to; the results of the loop are these variables.
#include <inttypes.h>
#include <math.h>

#include "base/number.h"
#include "emit/clike/emit.h"

enum { INLINE_LIMIT = 72 }; // characters of an expression that is written where it is used

typedef struct Fn {
  PjClike *c;
  const PjKir *k;
  const char **text; // of values
  uint32_t *uses;
  PjKirVal *user; // the last one met
  int depth;
} Fn;

static PjKirType type_of(const Fn *f, PjKirVal v) {
  return pj_kir_typeof(f->k, v);
}

#define PUT(...)  pj_strbuf_printf(&f->c->body, __VA_ARGS__)
#define TEXT(...) pj_arena_printf(f->c->arena, __VA_ARGS__)

static void indent(Fn *f) {
  PUT("%*s", 2 * f->depth, "");
}

// --------------------------------------------------------------------------------------------------------
// constants

// Writes |value| with |digits| from |start| on; true if that is read as the same number.
static bool print_digits(PjStrBuf *out, size_t start, double value, bool narrow, int digits) {
  double back = 0;
  out->len = start;
  pj_strbuf_double(out, value, digits);
  if (out->failed)
    return false;
  pj_parse_double((PjStr){out->data + start, out->len - start}, &back);
  return (narrow ? (double)(float)back : back) == value;
}

void pj_clike_number(PjStrBuf *out, PjKirElem elem, uint64_t bits) {
  bool narrow = elem == PJ_KIR_F32;
  const char *suffix = narrow ? "f" : "";
  uint32_t low = (uint32_t)bits;
  double value;
  float single;
  memcpy(&value, &bits, 8);
  memcpy(&single, &low, 4);
  if (narrow)
    value = single;
  if (isinf(value)) {
    pj_strbuf_puts(out, value < 0 ? "-INFINITY" : "INFINITY");
    return;
  }
  if (fabs(value) < 1e6 && value == (int)value) {
    pj_strbuf_printf(out, "%s%d.0%s", signbit(value) ? "-" : "", (int)fabs(value), suffix);
    return;
  }
  // More digits come closer, so if a middle number of them is not enough, fewer are not either.
  size_t start = out->len;
  int middle = narrow ? 6 : 15;
  int digits = print_digits(out, start, value, narrow, middle) ? 1 : middle + 1;
  while (digits <= 17 && !out->failed && !print_digits(out, start, value, narrow, digits))
    ++digits;
  if (out->failed)
    return;
  pj_strbuf_puts(out, suffix);
}

static const char *float_text(Fn *f, PjKirType type, uint64_t bits) {
  bool narrow = type.elem == PJ_KIR_F32;
  uint64_t magnitude = bits & (narrow ? 0x7FFFFFFFu : INT64_MAX);
  if (magnitude > (narrow ? 0x7F800000u : 0x7FF0000000000000u)) // NaN
    return narrow ? TEXT("f32_of_bits(0x%08" PRIx64 "u)", bits)
                  : TEXT("f64_of_bits(UINT64_C(0x%016" PRIx64 "))", bits);
  PjStrBuf *out = &f->c->scratch;
  out->len = 0;
  pj_clike_number(out, (PjKirElem)type.elem, bits);
  if (out->failed)
    return "";
  bool infinite = magnitude == (narrow ? 0x7F800000u : 0x7FF0000000000000u);
  return infinite ? TEXT("(%s)%s", f->c->dialect->elems[type.elem], out->data)
                  : pj_arena_strndup(f->c->arena, out->data, out->len);
}

static int64_t signed_of(PjKirType type, uint64_t bits) {
  int unused = 64 - 8 * pj_kir_elem_bytes((PjKirElem)type.elem);
  return (int64_t)(bits << unused) >> unused;
}

// A constant of one lane, as the unsigned type of its width.
static const char *const_text(Fn *f, PjKirType type, uint64_t bits) {
  if (pj_kir_is_float(type))
    return float_text(f, type, bits);
  if (type.elem == PJ_KIR_I1)
    return bits & 1 ? "true" : "false";
  int64_t value = signed_of(type, bits);
  if (type.elem == PJ_KIR_I8 || type.elem == PJ_KIR_I16 || (value >= 0 && value < 100000))
    return TEXT("%" PRIu64, bits);
  if (value < 0 && value > -100000)
    return TEXT("(%s)%" PRId64, f->c->dialect->elems[type.elem], value);
  return type.elem == PJ_KIR_I64 ? TEXT("UINT64_C(0x%" PRIx64 ")", bits)
                                 : TEXT("0x%" PRIx64 "u", bits);
}

// |text| without parentheses around all of it.
static const char *bare(Fn *f, const char *text) {
  size_t len = strlen(text);
  if (len < 2 || text[0] != '(' || text[len - 1] != ')')
    return text;
  int depth = 0;
  for (size_t i = 0; i + 1 < len; ++i) {
    depth += (text[i] == '(') - (text[i] == ')');
    if (!depth)
      return text;
  }
  return pj_arena_strndup(f->c->arena, text + 1, len - 2);
}

// The operand as a signed integer.
static const char *signed_text(Fn *f, PjKirVal v) {
  const PjKirInst *inst = pj_kir_inst(f->k, v);
  if (inst->op == PJ_KIR_CONST && inst->type.elem >= PJ_KIR_I8 && inst->type.elem <= PJ_KIR_I64) {
    int64_t value = signed_of(inst->type, inst->imm);
    if (value > -100000 && value < 100000)
      return TEXT("%" PRId64, value);
  }
  if (inst->op == PJ_KIR_BEGIN || inst->op == PJ_KIR_END)
    return inst->op == PJ_KIR_BEGIN ? "begin" : "end";
  return TEXT("(%s)%s", f->c->dialect->signeds[inst->type.elem], f->text[v]);
}

// ------------------------------------------------------------------------------------------------------
// expressions

static const char *call_text(Fn *f, const char *name, uint32_t n, const PjKirVal *args) {
  PjStrBuf *out = &f->c->scratch;
  out->len = 0;
  pj_strbuf_printf(out, "%s(", name);
  for (uint32_t i = 0; i < n; ++i)
    pj_strbuf_printf(out, "%s%s", i ? ", " : "", bare(f, f->text[args[i]]));
  pj_strbuf_putc(out, ')');
  return out->failed ? "" : pj_arena_strndup(f->c->arena, out->data, out->len);
}

static const char *lanewise_text(Fn *f, const PjKirInst *inst) {
  PjKirType types[3] = {{0}};
  const char *operands[3] = {"", "", ""}, *signeds[2] = {"", ""}, *amount = "";
  uint32_t n = inst->num_args;
  for (uint32_t i = 0; i < n && i < 3; ++i) {
    types[i] = type_of(f, inst->args[i]);
    operands[i] = f->text[inst->args[i]];
  }
  // ?: takes vectors as they are.
  bool whole = inst->op == PJ_KIR_SELECT && types[0].lanes == 1;
  PjClikeForm form = pj_clike__form(f->c, (PjKirOp)inst->op, inst->type, types[0]);
  if (!whole && (inst->type.lanes > 1 || form.twice))
    return call_text(f, pj_clike__lanewise(f->c, (PjKirOp)inst->op, inst->type, n, types), n,
                     inst->args);
  if (!form.scalar) {
    f->c->unsupported = true;
    return "";
  }
  uint64_t bits;
  if (inst->op == PJ_KIR_XOR && inst->type.elem == PJ_KIR_I1 &&
      pj_kir_is_const(f->k, inst->args[1], &bits))
    return TEXT("(!%s)", operands[0]);
  for (uint32_t i = 0; i < n && i < 2; ++i)
    if (types[i].elem <= PJ_KIR_I64)
      signeds[i] = signed_text(f, inst->args[i]);
  if (n > 1)
    amount =
        pj_kir_is_const(f->k, inst->args[1], &bits)
            ? operands[1]
            : TEXT("(%s & %d)", operands[1], 8 * pj_kir_elem_bytes((PjKirElem)types[0].elem) - 1);
  return pj_clike__expand(f->c, form.scalar, inst->type, types, operands, signeds, amount);
}

static const char *access_text(Fn *f, const PjKirInst *inst) {
  uint32_t store = inst->op == PJ_KIR_STORE || inst->op == PJ_KIR_SCATTER;
  PjKirType value = store ? type_of(f, inst->args[0]) : inst->type;
  const char *name =
      pj_clike__access(f->c, (PjKirOp)inst->op, value, type_of(f, inst->args[store + 1]),
                       inst->num_args == store + 3);
  return call_text(f, name, inst->num_args, inst->args);
}

static const char *param_text(Fn *f, const PjKirInst *inst) {
  int n = (int)inst->imm;
  switch (inst->type.elem) {
  case PJ_KIR_F32:
    return TEXT("f32_of_bits((%s)params[%d])", f->c->dialect->elems[PJ_KIR_I32], n);
  case PJ_KIR_F64:
    return TEXT("f64_of_bits(params[%d])", n);
  case PJ_KIR_I1:
    return TEXT("(params[%d] & 1)", n);
  case PJ_KIR_I64:
    return TEXT("params[%d]", n);
  default:
    return TEXT("(%s)params[%d]", f->c->dialect->elems[inst->type.elem], n);
  }
}

static const char *expression(Fn *f, const PjKirInst *inst) {
  switch (inst->op) {
  case PJ_KIR_CONST: {
    const char *one = const_text(f, inst->type, inst->imm);
    return inst->type.lanes > 1 ? TEXT("%s(%s)", pj_clike__splat(f->c, inst->type), one) : one;
  }
  case PJ_KIR_BUFFER:
    return TEXT("buffers[%d]", (int)inst->imm);
  case PJ_KIR_PARAM:
    return param_text(f, inst);
  case PJ_KIR_BEGIN:
    return "(uint64_t)begin";
  case PJ_KIR_END:
    return "(uint64_t)end";
  case PJ_KIR_SCRATCH:
    return "(char *)scratch";
  case PJ_KIR_SPLAT:
    return call_text(f, pj_clike__splat(f->c, inst->type), 1, inst->args);
  case PJ_KIR_EXTRACT:
    return TEXT(inst->type.elem == PJ_KIR_I1 ? "(AT(%s, %d) != 0)" : "AT(%s, %d)",
                f->text[inst->args[0]], (int)inst->imm);
  case PJ_KIR_LOAD:
  case PJ_KIR_GATHER:
  case PJ_KIR_READ:
  case PJ_KIR_READG:
  case PJ_KIR_STORE:
  case PJ_KIR_SCATTER:
    return access_text(f, inst);
  case PJ_KIR_CALL:
    return call_text(f, pj_kir_extern_info[inst->imm].name, inst->num_args, inst->args);
  default:
    return lanewise_text(f, inst);
  }
}

// --------------------------------------------------------------------------------------------------------
// statements

// True if the value may be written at its only use instead of getting a name.
static bool may_inline(const Fn *f, PjKirVal v, const PjKirInst *inst) {
  const PjKirInst *user = pj_kir_inst(f->k, f->user[v]);
  if (inst->op == PJ_KIR_CONST && inst->type.lanes == 1)
    return true;
  if (inst->op == PJ_KIR_CONST)
    return f->uses[v] == 1 && user->op != PJ_KIR_EXTRACT && user->op != PJ_KIR_SHUFFLE;
  if (inst->op == PJ_KIR_BEGIN || inst->op == PJ_KIR_END)
    return true;
  bool pure = pj_kir_op_info[inst->op].pure || inst->op == PJ_KIR_EXTRACT;
  return pure && f->uses[v] == 1 && user->block == inst->block && user->op != PJ_KIR_EXTRACT &&
         user->op != PJ_KIR_SHUFFLE && user->op != PJ_KIR_FOR && user->op != PJ_KIR_WHILE &&
         !(user->op == PJ_KIR_YIELD && user->num_args > 1) && inst->op != PJ_KIR_IOTA &&
         inst->op != PJ_KIR_SHUFFLE && inst->op != PJ_KIR_BUFFER && inst->op != PJ_KIR_PARAM;
}

// Declares the variable of |v|, with what it is made of up to the "= ".
static void declare(Fn *f, PjKirVal v, const char *letter) {
  PjKirType type = type_of(f, v);
  const char *name = pj_clike__type(f->c, type);
  if (!*f->text[v])
    f->text[v] = TEXT("%s%" PRIu32, letter, v);
  bool pointer = name[strlen(name) - 1] == '*';
  PUT("%s%s%s", name, pointer ? "" : " ", f->text[v]);
}

static void print_lanes(Fn *f, PjKirVal v, const PjKirInst *inst) {
  declare(f, v, "v");
  PUT(" = {{");
  for (int l = 0; l < inst->type.lanes; ++l) {
    if (inst->op == PJ_KIR_IOTA) {
      PUT("%s%d", l ? ", " : "", l);
      continue;
    }
    int half = type_of(f, inst->args[0]).lanes, lane = inst->pattern[l];
    PUT("%sAT(%s, %d)", l ? ", " : "", f->text[inst->args[lane >= half]], lane % half);
  }
  PUT("}};\n");
}

static void print_block(Fn *f, uint32_t block);

static void print_body(Fn *f, uint32_t block) {
  ++f->depth;
  print_block(f, block);
}

static const PjKirInst *yield_of(const Fn *f, uint32_t block) {
  const PjKirBlock *b = &f->k->blocks.data[block];
  return pj_kir_inst(f->k, b->insts.data[b->insts.len - 1]);
}

// Assigns what |block| yields to the variables named |targets|.
static void assign(Fn *f, uint32_t block, const char *const *targets) {
  const PjKirInst *yield = yield_of(f, block);
  const char **values = PJ_NEW_ARRAY(f->c->arena, const char *, yield->num_args);
  for (uint32_t i = 0; i < yield->num_args; ++i) {
    values[i] = f->text[yield->args[i]];
    // A variable that was assigned to already has lost the value that is meant.
    for (uint32_t j = 0; j < i; ++j)
      if (!strcmp(values[i], targets[j])) {
        indent(f);
        PUT("%s next%" PRIu32 " = %s;\n", pj_clike__type(f->c, type_of(f, yield->args[i])), i,
            values[i]);
        values[i] = TEXT("next%" PRIu32, i);
        break;
      }
  }
  for (uint32_t i = 0; i < yield->num_args; ++i)
    if (strcmp(values[i], targets[i])) {
      indent(f);
      PUT("%s = %s;\n", targets[i], bare(f, values[i]));
    }
}

static void close_body(Fn *f) {
  --f->depth;
  indent(f);
  PUT("}");
}

static const char **declare_carried(Fn *f, const PjKirInst *inst, uint32_t first_arg,
                                    uint32_t first_init) {
  const PjKirBlock *body = &f->k->blocks.data[inst->blocks[0]];
  const char **names = PJ_NEW_ARRAY(f->c->arena, const char *, body->args.len + 1);
  for (uint32_t i = first_arg; i < body->args.len; ++i) {
    PjKirVal arg = body->args.data[i];
    indent(f);
    declare(f, arg, "c");
    PUT(" = %s;\n", f->text[inst->args[first_init + i - first_arg]]);
    names[i - first_arg] = f->text[arg];
  }
  return names;
}

static void print_for(Fn *f, const PjKirInst *inst) {
  const char **names = declare_carried(f, inst, 1, 3);
  PjKirVal index = f->k->blocks.data[inst->blocks[0]].args.data[0];
  const char *i = f->text[index] = TEXT("i%" PRIu32, index),
             *type = f->c->dialect->elems[PJ_KIR_I64];
  uint64_t step;
  indent(f);
  PUT("for (%s %s = %s; (%s)%s < %s; ", type, i, f->text[inst->args[0]],
      f->c->dialect->signeds[PJ_KIR_I64], i, signed_text(f, inst->args[1]));
  if (pj_kir_is_const(f->k, inst->args[2], &step) && step == 1)
    PUT("++%s) {\n", i);
  else
    PUT("%s += %s) {\n", i, f->text[inst->args[2]]);
  print_body(f, inst->blocks[0]);
  assign(f, inst->blocks[0], names);
  close_body(f);
  PUT("\n");
}

static void print_while(Fn *f, const PjKirInst *inst) {
  const char **names = declare_carried(f, inst, 0, 0);
  indent(f);
  PUT("for (;;) {\n");
  print_body(f, inst->blocks[0]);
  indent(f);
  PUT("if (!(%s))\n", bare(f, f->text[yield_of(f, inst->blocks[0])->args[0]]));
  ++f->depth;
  indent(f);
  --f->depth;
  PUT("break;\n");
  print_block(f, inst->blocks[1]);
  assign(f, inst->blocks[1], names);
  close_body(f);
  PUT("\n");
}

// Results were declared before, as |names|.
static void print_if(Fn *f, const PjKirInst *inst, const char *const *names) {
  indent(f);
  PUT("if (%s) {\n", bare(f, f->text[inst->args[0]]));
  print_body(f, inst->blocks[0]);
  assign(f, inst->blocks[0], names);
  close_body(f);
  const PjKirBlock *other = &f->k->blocks.data[inst->blocks[1]];
  if (other->insts.len > 1 || yield_of(f, inst->blocks[1])->num_args) {
    PUT(" else {\n");
    print_body(f, inst->blocks[1]);
    assign(f, inst->blocks[1], names);
    close_body(f);
  }
  PUT("\n");
}

// A control operation and the names of its results, which follow it at |next| in its block.
static void print_control(Fn *f, const PjKirInst *inst, const PjKirBlock *in, size_t next) {
  size_t end = next;
  while (end < in->insts.len && pj_kir_inst(f->k, in->insts.data[end])->op == PJ_KIR_RESULT)
    ++end;
  const char **names = PJ_NEW_ARRAY(f->c->arena, const char *, end - next + 1);
  if (inst->op == PJ_KIR_IF) {
    for (size_t i = next; i < end; ++i) {
      PjKirVal v = in->insts.data[i];
      indent(f);
      declare(f, v, "v");
      PUT(";\n");
      names[pj_kir_inst(f->k, v)->imm] = f->text[v];
    }
    print_if(f, inst, names);
    return;
  }
  bool is_for = inst->op == PJ_KIR_FOR;
  if (is_for)
    print_for(f, inst);
  else
    print_while(f, inst);
  for (size_t i = next; i < end; ++i) {
    PjKirVal v = in->insts.data[i];
    f->text[v] =
        f->text[f->k->blocks.data[inst->blocks[0]].args.data[pj_kir_inst(f->k, v)->imm + is_for]];
  }
}

static void print_inst(Fn *f, PjKirVal v, const PjKirInst *inst) {
  if (may_inline(f, v, inst)) {
    f->text[v] = expression(f, inst);
    const PjKirInst *user = pj_kir_inst(f->k, f->user[v]);
    bool always = inst->op == PJ_KIR_CONST || !inst->num_args;
    if (always || strlen(f->text[v]) <= INLINE_LIMIT || user->op == PJ_KIR_YIELD)
      return;
    indent(f);
    const char *made = bare(f, f->text[v]);
    f->text[v] = "";
    declare(f, v, "v");
    PUT(" = %s;\n", made);
    return;
  }
  if (inst->op == PJ_KIR_SHUFFLE || inst->op == PJ_KIR_IOTA) {
    indent(f);
    print_lanes(f, v, inst);
    return;
  }
  if (inst->op == PJ_KIR_STACK) {
    f->text[v] = TEXT("v%" PRIu32, v);
    indent(f);
    PUT("_Alignas(64) char %s[%" PRIu64 "];\n", f->text[v], inst->imm ? inst->imm : 1);
    return;
  }
  if (!f->uses[v] && pj_kir_op_info[inst->op].pure)
    return;
  const char *made = bare(f, expression(f, inst));
  indent(f);
  if (inst->type.elem == PJ_KIR_VOID || !f->uses[v]) {
    PUT("%s;\n", made);
    return;
  }
  if (inst->op == PJ_KIR_BUFFER)
    f->text[v] = TEXT("b%" PRIu64, inst->imm);
  declare(f, v, inst->op == PJ_KIR_PARAM ? "p" : "v");
  PUT(" = %s;\n", made);
}

static void print_block(Fn *f, uint32_t block) {
  const PjKirBlock *b = &f->k->blocks.data[block];
  for (size_t i = 0; i < b->insts.len; ++i) {
    PjKirVal v = b->insts.data[i];
    const PjKirInst *inst = pj_kir_inst(f->k, v);
    if (inst->op == PJ_KIR_FOR || inst->op == PJ_KIR_WHILE || inst->op == PJ_KIR_IF)
      print_control(f, inst, b, i + 1);
    else if (inst->op != PJ_KIR_RESULT && inst->op != PJ_KIR_YIELD)
      print_inst(f, v, inst);
  }
}

// Parameters that the function does not look at, so that compilers do not wonder.
static void print_unused(Fn *f) {
  static const struct {
    PjKirOp op;
    const char *name;
  } parameters[] = {{PJ_KIR_BUFFER, "buffers"},
                    {PJ_KIR_PARAM, "params"},
                    {PJ_KIR_BEGIN, "begin"},
                    {PJ_KIR_END, "end"},
                    {PJ_KIR_SCRATCH, "scratch"}};
  bool used[PJ_KIR_OP_COUNT] = {false};
  for (PjKirVal v = 1; v < f->k->insts.len; ++v)
    if (f->uses[v])
      used[pj_kir_inst(f->k, v)->op] = true;
  for (size_t i = 0; i < sizeof parameters / sizeof *parameters; ++i)
    if (!used[parameters[i].op])
      PUT("  (void)%s;\n", parameters[i].name);
}

static void print_function(PjClike *c, const PjKir *k, const char *name) {
  Fn fn = {.c = c, .k = k}, *f = &fn;
  size_t n = k->insts.len;
  f->text = PJ_NEW_ARRAY(c->arena, const char *, n);
  f->uses = PJ_NEW_ARRAY(c->arena, uint32_t, n);
  f->user = PJ_NEW_ARRAY(c->arena, PjKirVal, n);
  for (PjKirVal v = 1; v < n; ++v) {
    const PjKirInst *inst = pj_kir_inst(k, v);
    f->text[v] = "";
    for (uint32_t i = 0; i < inst->num_args; ++i) {
      ++f->uses[inst->args[i]];
      f->user[inst->args[i]] = v;
    }
  }
  PUT("\n");
  PUT(c->dialect->signature, name);
  PUT(" {\n");
  print_unused(f);
  print_body(f, 1);
  close_body(f);
  PUT("\n");
}

// -------------------------------------------------------------------------------------------------------------
// files

typedef struct Job {
  PjClike c;
  uint32_t count;
  const PjKir *const *functions;
  const char *const *names;
} Job;

static PjStatus print_all(void *context) {
  Job *job = context;
  for (uint32_t i = 0; i < job->count; ++i)
    print_function(&job->c, job->functions[i], job->names[i]);
  PJ_FAIL_IF(job->c.unsupported, UNIMPLEMENTED, "an operation has no form in the dialect %s",
             job->c.dialect->name);
  return PJ_STATUS_OK;
}

static bool uses_name(const PjStrBuf *text, const char *name) {
  return text->data && strstr(text->data, name);
}

// Pieces that the text uses, those that they use before them.
static void print_pieces(const PjClike *c, PjStrBuf *out) {
  const PjClikePiece *pieces = c->dialect->pieces;
  uint64_t wanted = 0;
  int n = 0;
  while (pieces[n].name)
    ++n;
  for (int i = n; i-- > 0;) {
    bool want = uses_name(&c->body, pieces[i].name) || uses_name(&c->helpers, pieces[i].name);
    for (int j = i + 1; j < n && !want; ++j)
      want = wanted >> j & 1 && strstr(pieces[j].text, pieces[i].name);
    wanted |= (uint64_t)want << i;
  }
  for (int i = 0; i < n; ++i)
    if (wanted >> i & 1)
      pj_strbuf_puts(out, pieces[i].text);
}

PjStatus pj_clike_emit(const PjClikeDialect *dialect, uint32_t count, const PjKir *const *functions,
                       const char *const *names, PjStrBuf *out) {
  Job job = {.c.dialect = dialect, .count = count, .functions = functions, .names = names};
  PjClike *c = &job.c;
  PJ_TRY(pj_arena_create(0, &c->arena));
  PjStatus status = pj_arena_guard(c->arena, print_all, &job);
  const PjStrBuf *parts[] = {&c->types, &c->helpers, &c->body, &c->scratch};
  for (int i = 0; i < 4 && !status; ++i)
    status = pj_strbuf_status(parts[i]);
  if (!status) {
    pj_strbuf_puts(out, dialect->preamble);
    pj_strbuf_puts(out, "\n");
    print_pieces(c, out);
    for (int i = 0; i < 3; ++i)
      pj_strbuf_append(out, parts[i]->data, parts[i]->len);
    status = pj_strbuf_status(out);
  }
  pj_strbuf_free(&c->types);
  pj_strbuf_free(&c->helpers);
  pj_strbuf_free(&c->body);
  pj_strbuf_free(&c->scratch);
  pj_arena_destroy(c->arena);
  return status;
}
