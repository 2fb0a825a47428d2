// Steps as C: calls of one function per kernel, in order, and loops and branches around them.
#include <inttypes.h>

#include "aot/loops.h"
#include "aot/writer.h"
#include "sched/shape_map.h"

typedef PjAotWriter Writer;

#define PUT(...) pj_strbuf_printf(&w->body, __VA_ARGS__)

static void indent(Writer *w) {
  PUT("%*s", 2 * w->depth, "");
}

static void print_slot(Writer *w, uint32_t slot) {
  const PjSchedSlot *s = &w->s->slots.data[slot];
  switch (s->kind) {
  case PJ_SLOT_INPUT:
    PUT("(void *)in%" PRIu32, s->index);
    break;
  case PJ_SLOT_OUTPUT:
    PUT("out%" PRIu32, s->index);
    break;
  case PJ_SLOT_CONSTANT:
    if (w->weight[slot] == PJ_AOT_INLINE)
      PUT("(void *)c%" PRIu32, slot);
    else
      PUT("(void *)((const char *)weights + %zu)", w->weight[slot]);
    break;
  default:
    PUT("t%" PRIu32, slot);
    break;
  }
}

static void use(Writer *w, const uint32_t *slots, uint32_t n) {
  for (uint32_t i = 0; i < n; ++i)
    w->used[slots[i]] = true;
}

// True for an operation of the evaluator's without a single element to compute.
static bool is_empty(const PjStep *step) {
  if (step->kind != PJ_STEP_EVAL)
    return false;
  const PjOp *op = step->fallback->regions[0].first;
  bool empty = op->num_results > 0 && pj_op_info[op->kind].traits & PJ_TRAIT_PURE;
  for (uint32_t i = 0; i < op->num_results; ++i)
    empty = empty && op->results[i].type->kind == PJ_TYPE_TENSOR && !pj_count(op->results[i].type);
  return empty;
}

void pj_aot__survey(Writer *w, const PjSteps *steps) {
  for (size_t i = 0; i < steps->len; ++i) {
    const PjStep *step = &steps->data[i];
    if (is_empty(step))
      continue;
    use(w, step->in, step->num_in);
    if (step->kind != PJ_STEP_WHILE && step->kind != PJ_STEP_CASE)
      use(w, step->out, step->num_out);
    use(w, step->swaps, 2 * step->num_swaps);
    for (uint32_t p = 0; p < 2 * step->num_swaps; ++p)
      w->swapped[step->swaps[p]] = true;
    if (step->kind == PJ_STEP_KERNEL && step->scratch_bytes > w->scratch_bytes)
      w->scratch_bytes = step->scratch_bytes;
    for (uint32_t b = 0; b < step->num_bodies; ++b)
      pj_aot__survey(w, &step->bodies[b]);
  }
}

// "// dot_general: tensor<4x5xf32> (model.py:12)"
static void print_comment(Writer *w, const PjOp *op) {
  PjStrBuf *out = &w->body;
  if (!op)
    return;
  indent(w);
  const char *dot = strchr(pj_op_info[op->kind].text, '.');
  PUT("// %s", dot ? dot + 1 : pj_op_info[op->kind].text);
  for (uint32_t i = 0; i < op->num_results; ++i) {
    pj_strbuf_puts(out, i ? ", " : ": ");
    pj_type_print(out, op->results[i].type);
  }
  if (op->loc) {
    PjStrBuf text = {0};
    pj_loc_describe(&text, op->loc);
    bool plain = text.len && text.len < 100;
    for (size_t i = 0; i < text.len; ++i)
      plain &= text.data[i] >= ' ' && text.data[i] != '\\' && text.data[i] < 127;
    if (plain)
      PUT(" (%s)", text.data);
    pj_strbuf_free(&text);
  }
  PUT("\n");
}

static void print_call(Writer *w, const PjStep *step, uint32_t function, int64_t units) {
  print_comment(w, step->op);
  indent(w);
  PUT("%s((void *const[]){", w->names.data[function]);
  uint32_t n = step->num_in + step->num_out;
  for (uint32_t i = 0; i < n; ++i) {
    PUT("%s", i ? ", " : "");
    print_slot(w, step->in[i]);
  }
  PUT("%s}, ", n ? "" : "NULL");
  uint32_t num_params = w->functions.data[function]->num_params;
  PUT(num_params ? "(const uint64_t[]){" : "NULL");
  for (uint32_t i = 0; i < num_params; ++i)
    PUT("%sUINT64_C(%" PRIu64 ")", i ? ", " : "", step->params[i]);
  PUT("%s, 0, %" PRId64 ", scratch);\n", num_params ? "}" : "", units);
}

uint32_t pj_aot__add_function(Writer *w, const PjKir *k, const char *what) {
  uint32_t number = (uint32_t)w->functions.len;
  PJ_PUSH(w->arena, &w->functions, k);
  PJ_PUSH(w->arena, &w->names, pj_arena_printf(w->arena, "k%" PRIu32 "_%s", number, what));
  return number;
}

// What cannot be written, with its types: "not available as C: (tensor<4xf32>) -> tensor<4xf32>".
static PjStatus refuse(const PjOp *op, const char *why) {
  PjStrBuf text = {0};
  const PjAttr *target = op->kind == PJ_OP_CUSTOM_CALL ? PJ_ATTR(op, call_target_name) : NULL;
  if (target && target->kind == PJ_ATTR_STRING)
    pj_strbuf_printf(&text, " @%.*s", PJ_STR_ARG(target->str));
  pj_strbuf_puts(&text, ": (");
  for (uint32_t i = 0; i < op->num_operands; ++i) {
    pj_strbuf_puts(&text, i ? ", " : "");
    pj_type_print(&text, op->operands[i]->type);
  }
  pj_strbuf_puts(&text, ") -> ");
  for (uint32_t i = 0; i < op->num_results; ++i) {
    pj_strbuf_puts(&text, i ? ", " : "");
    pj_type_print(&text, op->results[i].type);
  }
  PjStatus status = PJ_OP_ERROR(op, UNIMPLEMENTED, "%s%s", why, text.data ? text.data : "");
  pj_strbuf_free(&text);
  return status;
}

// The operation of an EVAL step, whose operands are the arguments of the step's function.
static PjStatus print_loop(Writer *w, const PjStep *step) {
  const PjOp *op = step->fallback->regions[0].first;
  const char *dot = strchr(pj_op_info[op->kind].text, '.');
  const char *name = dot ? dot + 1 : pj_op_info[op->kind].text;
  PjLoopFn *emit = pj_loop_find(op->kind);
  bool fits =
      emit && op->num_operands <= PJ_LOOP_MAX_OPERANDS && op->num_results <= PJ_LOOP_MAX_OPERANDS;
  for (uint32_t i = 0; i < op->num_operands + op->num_results; ++i) {
    const PjType *type =
        i < op->num_operands ? op->operands[i]->type : op->results[i - op->num_operands].type;
    fits = fits && type->kind == PJ_TYPE_TENSOR && !type->quant &&
           pj_elem_type(type->dtype) != PJ_KIR_VOID;
  }
  if (!fits)
    return refuse(step->op, "not available as C");
  PjArenaMark mark = pj_arena_mark(w->kernels);
  PjLoops *l = PJ_NEW(w->kernels, PjLoops);
  l->k = pj_kir_create(w->kernels, w->target, name);
  l->nest = pj_nest_create(l->k, true);
  l->op = op;
  for (uint32_t i = 0; i < step->num_in; ++i) {
    PjPlace place = {.kind = PJ_PLACE_MEMORY, .ptr = pj_kir_buffer(l->k, i), .readonly = true};
    const PjValue *arg = &step->fallback->regions[0].args[i];
    pj_nest_bind(l->nest, arg, &place);
    for (uint32_t o = 0; o < op->num_operands; ++o)
      if (op->operands[o] == arg)
        l->in[o] = place;
  }
  for (uint32_t i = 0; i < op->num_results; ++i)
    l->out[i] = pj_kir_buffer(l->k, step->num_in + i);
  if (!emit(l))
    return refuse(step->op, "not available as C");
  if (l->nest->failed)
    return PJ_OP_ERROR(step->op, INTERNAL, "while making loops: %s", l->nest->failed);
  pj_kir_finish(l->k);
  PJ_TRY(pj_kir_verify(l->k));
  if (l->scratch_bytes > w->scratch_bytes)
    w->scratch_bytes = l->scratch_bytes;
  uint64_t hash[2];
  pj_kir_hash(l->k, hash);
  uint64_t *known = pj_map_find(&w->loops, hash[0] ^ hash[1] * 31);
  uint32_t function;
  if (known) {
    function = (uint32_t)*known;
    pj_arena_reset(w->kernels, mark);
  } else {
    function = pj_aot__add_function(w, l->k, name);
    pj_map_set(w->arena, &w->loops, hash[0] ^ hash[1] * 31, function);
  }
  print_call(w, step, function, 1);
  return PJ_STATUS_OK;
}

static PjStatus print_while(Writer *w, const PjStep *step) {
  print_comment(w, step->op);
  indent(w);
  PUT("for (;;) {\n");
  ++w->depth;
  PJ_TRY(pj_aot__print_steps(w, &step->bodies[0]));
  indent(w);
  PUT("if (!*(const uint8_t *)");
  print_slot(w, step->in[0]);
  PUT(")\n");
  ++w->depth;
  indent(w);
  PUT("break;\n");
  --w->depth;
  PJ_TRY(pj_aot__print_steps(w, &step->bodies[1]));
  for (uint32_t i = 0; i < step->num_swaps; ++i) {
    indent(w);
    PUT("swap(&t%" PRIu32 ", &t%" PRIu32 ");\n", step->swaps[2 * i], step->swaps[2 * i + 1]);
  }
  --w->depth;
  indent(w);
  PUT("}\n");
  return PJ_STATUS_OK;
}

static PjStatus print_case(Writer *w, const PjStep *step) {
  print_comment(w, step->op);
  indent(w);
  if (step->is_if) {
    PUT("if (*(const uint8_t *)");
    print_slot(w, step->in[0]);
    PUT(") {\n");
    for (int b = 0; b < 2; ++b) {
      ++w->depth;
      PJ_TRY(pj_aot__print_steps(w, &step->bodies[b]));
      --w->depth;
      indent(w);
      PUT(b ? "}\n" : "} else {\n");
    }
    return PJ_STATUS_OK;
  }
  PUT("switch (*(const int32_t *)");
  print_slot(w, step->in[0]);
  PUT(") {\n");
  for (uint32_t b = 0; b < step->num_bodies; ++b) {
    indent(w);
    if (b + 1 < step->num_bodies)
      PUT("case %" PRIu32 ":\n", b);
    else
      PUT("default:\n"); // also whatever is out of range
    ++w->depth;
    PJ_TRY(pj_aot__print_steps(w, &step->bodies[b]));
    indent(w);
    PUT("break;\n");
    --w->depth;
  }
  indent(w);
  PUT("}\n");
  return PJ_STATUS_OK;
}

PjStatus pj_aot__print_steps(Writer *w, const PjSteps *steps) {
  for (size_t i = 0; i < steps->len; ++i) {
    const PjStep *step = &steps->data[i];
    switch (step->kind) {
    case PJ_STEP_KERNEL:
      print_call(w, step, step->code, step->units);
      break;
    case PJ_STEP_COPY:
      print_comment(w, step->op);
      indent(w);
      PUT("memmove(");
      print_slot(w, step->out[0]);
      PUT(", ");
      print_slot(w, step->in[0]);
      PUT(", %zu);\n", w->s->slots.data[step->out[0]].bytes);
      break;
    case PJ_STEP_MEET: // not in source text
    case PJ_STEP_MANUAL:
    case PJ_STEP_EVAL:
      if (!is_empty(step))
        PJ_TRY(print_loop(w, step));
      break;
    case PJ_STEP_WHILE:
      PJ_TRY(print_while(w, step));
      break;
    case PJ_STEP_CASE:
      PJ_TRY(print_case(w, step));
      break;
    case PJ_STEP_ROUTINE:
      return PJ_OP_ERROR(step->op, INTERNAL, "a routine in a schedule for source text");
    }
  }
  return PJ_STATUS_OK;
}
