// Steps as C: a function of the program that calls one function per kernel, in order.
#include "aot/write.h"

#include <inttypes.h>

#include "aot/loops.h"
#include "emit/clike/clike.h"

typedef struct Writer {
  const PjSchedule *s;
  const PjKirTarget *target;
  const PjAotOptions *options;
  PjArena *arena, *kernels;
  PJ_VEC(const PjKir *) functions;
  PJ_VEC(const char *) names;
  PJ_VEC(size_t) scratch; // bytes, of the functions that are loops
  PjMap loops;            // by hash of the function
  bool *used, *swapped;   // slots
  size_t scratch_bytes;   // of any step
  PjStrBuf body, constants;
  int depth;
  uint32_t num_loops;
} Writer;

#define PUT(...) pj_strbuf_printf(&w->body, __VA_ARGS__)

static void indent(Writer *w) {
  PUT("%*s", 2 * w->depth, "");
}

// -------------------------------------------------------------------------------------------------------------
// types

// The C type of an element as it lies in memory. Complex numbers are two of it, the smallest types
// a byte.
static const char *element_type(PjDtype dtype) {
  switch (dtype) {
  case PJ_DT_F64:
  case PJ_DT_C128:
    return "double";
  case PJ_DT_F32:
  case PJ_DT_C64:
    return "float";
  default:
    break;
  }
  bool is_signed = pj_dtype_class(dtype) == PJ_CLASS_SINT;
  switch (pj_dtype_bytes(dtype)) {
  case 8:
    return is_signed ? "int64_t" : "uint64_t";
  case 4:
    return is_signed ? "int32_t" : "uint32_t";
  case 2:
    return is_signed ? "int16_t" : "uint16_t";
  default:
    return is_signed ? "int8_t" : "uint8_t";
  }
}

static void print_type(PjStrBuf *out, const PjType *type) {
  pj_type_print(out, type);
}

// -------------------------------------------------------------------------------------------------------------
// slots

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
    PUT("(void *)c%" PRIu32, slot);
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

static void survey(Writer *w, const PjSteps *steps) {
  for (size_t i = 0; i < steps->len; ++i) {
    const PjStep *step = &steps->data[i];
    use(w, step->in, step->num_in);
    if (step->kind != PJ_STEP_WHILE && step->kind != PJ_STEP_CASE)
      use(w, step->out, step->num_out);
    use(w, step->swaps, 2 * step->num_swaps);
    for (uint32_t p = 0; p < 2 * step->num_swaps; ++p)
      w->swapped[step->swaps[p]] = true;
    if (step->kind == PJ_STEP_KERNEL && step->scratch_bytes > w->scratch_bytes)
      w->scratch_bytes = step->scratch_bytes;
    for (uint32_t b = 0; b < step->num_bodies; ++b)
      survey(w, &step->bodies[b]);
  }
}

static void print_element(PjStrBuf *out, PjDtype dtype, const char *data, bool as_bits) {
  uint64_t bits = 0;
  size_t bytes = pj_dtype_is_complex(dtype) ? pj_dtype_bytes(dtype) / 2 : pj_dtype_bytes(dtype);
  memcpy(&bits, data, bytes);
  const char *type = element_type(dtype);
  if (*type == 'f' || *type == 'd') {
    if (as_bits)
      pj_strbuf_printf(out, bytes == 4 ? "0x%08" PRIx64 : "0x%016" PRIx64, bits);
    else
      pj_clike_number(out, bytes == 4 ? PJ_KIR_F32 : PJ_KIR_F64, bits);
  } else if (pj_dtype_class(dtype) == PJ_CLASS_SINT &&
             (int64_t)(bits << (64 - 8 * bytes)) != INT64_MIN) {
    pj_strbuf_printf(out, "%" PRId64, (int64_t)(bits << (64 - 8 * bytes)) >> (64 - 8 * bytes));
  } else {
    pj_strbuf_printf(out,
                     bytes == 8   ? "UINT64_C(%" PRIu64 ")"
                     : bytes == 4 ? "%" PRIu64 "u"
                                  : "%" PRIu64,
                     bits);
  }
}

static bool has_nan(PjDtype dtype, const char *data, size_t count, size_t bytes) {
  const char *type = element_type(dtype);
  if (*type != 'f' && *type != 'd')
    return false;
  for (size_t i = 0; i < count; ++i) {
    float narrow = 0;
    double wide = 0;
    if (bytes == 4)
      memcpy(&narrow, data + 4 * i, 4);
    else
      memcpy(&wide, data + 8 * i, 8);
    if (narrow != narrow || wide != wide)
      return true;
  }
  return false;
}

static void print_constant(Writer *w, uint32_t slot, const PjType *type) {
  const PjSchedSlot *s = &w->s->slots.data[slot];
  PjStrBuf *out = &w->constants;
  PjDtype dtype = type->dtype;
  size_t bytes = pj_dtype_is_complex(dtype) ? pj_dtype_bytes(dtype) / 2 : pj_dtype_bytes(dtype);
  size_t count = s->bytes / bytes;
  // The bits of a NaN are kept as an integer.
  bool as_bits = has_nan(dtype, s->data, count, bytes);
  const char *elem = as_bits ? bytes == 4 ? "uint32_t" : "uint64_t" : element_type(dtype);
  pj_strbuf_puts(out, "\n// ");
  print_type(out, type);
  pj_strbuf_printf(out, "\n_Alignas(64) static const %s c%" PRIu32 "[%zu] = {", elem, slot,
                   count ? count : 1);
  for (size_t i = 0; i < count; ++i) {
    pj_strbuf_puts(out, i % 10 ? ", " : i ? ",\n    " : "\n    ");
    print_element(out, dtype, (const char *)s->data + i * bytes, as_bits);
  }
  pj_strbuf_puts(out, count ? "};\n" : "0};\n");
}

// -------------------------------------------------------------------------------------------------------------
// steps

static PjStatus print_steps(Writer *w, const PjSteps *steps);

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
    print_type(out, op->results[i].type);
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

static uint32_t add_function(Writer *w, const PjKir *k, const char *what) {
  uint32_t number = (uint32_t)w->functions.len;
  PJ_PUSH(w->arena, &w->functions, k);
  PJ_PUSH(w->arena, &w->names, pj_arena_printf(w->arena, "k%" PRIu32 "_%s", number, what));
  return number;
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
    return PJ_OP_ERROR(step->op, UNIMPLEMENTED, "not available as C");
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
    return PJ_OP_ERROR(step->op, UNIMPLEMENTED, "not available as C for these types");
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
    function = add_function(w, l->k, name);
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
  PJ_TRY(print_steps(w, &step->bodies[0]));
  indent(w);
  PUT("if (!*(const uint8_t *)");
  print_slot(w, step->in[0]);
  PUT(")\n");
  ++w->depth;
  indent(w);
  PUT("break;\n");
  --w->depth;
  PJ_TRY(print_steps(w, &step->bodies[1]));
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
      PJ_TRY(print_steps(w, &step->bodies[b]));
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
    PJ_TRY(print_steps(w, &step->bodies[b]));
    indent(w);
    PUT("break;\n");
    --w->depth;
  }
  indent(w);
  PUT("}\n");
  return PJ_STATUS_OK;
}

static PjStatus print_steps(Writer *w, const PjSteps *steps) {
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
    case PJ_STEP_EVAL:
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

// -----------------------------------------------------------------------------------------------------------
// program

static const PjType *input_type(const Writer *w, uint32_t i) {
  return pj_module_entry(w->s->module)->regions[0].args[i].type;
}

static const PjType *output_type(const Writer *w, uint32_t i) {
  return pj_region_terminator(&pj_module_entry(w->s->module)->regions[0])->operands[i]->type;
}

static void print_prototype(const Writer *w, PjStrBuf *out) {
  pj_strbuf_printf(out, "void %s(", w->options->name);
  for (uint32_t i = 0; i < w->s->num_inputs; ++i)
    pj_strbuf_printf(out, "const %s *in%" PRIu32 ", ", element_type(input_type(w, i)->dtype), i);
  for (uint32_t i = 0; i < w->s->num_outputs; ++i)
    pj_strbuf_printf(out, "%s *out%" PRIu32 ", ", element_type(output_type(w, i)->dtype), i);
  pj_strbuf_puts(out, "void *workspace)");
}

static void print_upper(PjStrBuf *out, const char *name) {
  for (; *name; ++name)
    pj_strbuf_putc(out, *name >= 'a' && *name <= 'z' ? (char)(*name - 'a' + 'A') : *name);
}

static void print_header(const Writer *w, PjStrBuf *out) {
  const PjAotOptions *o = w->options;
  pj_strbuf_printf(out, "// Made by pjrt-aot%s%s.\n#pragma once\n#include <stdint.h>\n\n",
                   o->origin ? " from " : "", o->origin ? o->origin : "");
  pj_strbuf_puts(out,
                 "#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n"
                 "// Bytes of memory for temporaries that a call needs, aligned to 64.\n#define ");
  print_upper(out, o->name);
  pj_strbuf_printf(out, "_WORKSPACE %zu\n\n",
                   (w->s->temp_bytes + w->scratch_bytes + 63) / 64 * 64 + 64);
  pj_strbuf_puts(
      out, "// Computes the outputs from the inputs: dense arrays, the last dimension innermost, "
           "that do not overlap.\n"
           "// Any number of threads may call it, each with outputs and a workspace of its own.\n");
  for (uint32_t i = 0; i < w->s->num_inputs + w->s->num_outputs; ++i) {
    bool in = i < w->s->num_inputs;
    uint32_t n = in ? i : i - w->s->num_inputs;
    pj_strbuf_printf(out, "//   %s%" PRIu32 ": ", in ? "in" : "out", n);
    print_type(out, in ? input_type(w, n) : output_type(w, n));
    pj_strbuf_puts(out, "\n");
  }
  print_prototype(w, out);
  pj_strbuf_puts(out, ";\n\n#ifdef __cplusplus\n}\n#endif\n");
}

static bool has_swaps(const PjSteps *steps) {
  for (size_t i = 0; i < steps->len; ++i) {
    if (steps->data[i].num_swaps)
      return true;
    for (uint32_t b = 0; b < steps->data[i].num_bodies; ++b)
      if (has_swaps(&steps->data[i].bodies[b]))
        return true;
  }
  return false;
}

// The addresses of temporaries.
static void print_temporaries(const Writer *w, PjStrBuf *out) {
  pj_strbuf_printf(out, "  char *memory = workspace, *scratch = memory + %zu;\n", w->s->temp_bytes);
  for (size_t i = 0; i < w->s->slots.len; ++i) {
    const PjSchedSlot *slot = &w->s->slots.data[i];
    if (slot->kind == PJ_SLOT_TEMP && w->used[i])
      pj_strbuf_printf(out, "  char *%st%zu = memory + %zu; // %zu bytes\n",
                       w->swapped[i] ? "" : "const ", i, slot->offset, slot->bytes);
  }
  pj_strbuf_puts(out, "  (void)scratch;\n");
}

static PjStatus print_source(const Writer *w, PjStrBuf *out) {
  PjClikeDialect dialect = pj_clike_c;
  char *signature = pj_arena_printf(w->arena, "static %s", pj_clike_c.signature);
  dialect.signature = signature;
  const PjAotOptions *o = w->options;
  pj_strbuf_printf(
      out, "// Made by pjrt-aot%s%s. Needs nothing but libm:\n//\n//     cc -O2 -c %s.c\n//\n",
      o->origin ? " from " : "", o->origin ? o->origin : "", o->name);
  pj_strbuf_printf(
      out,
      "// Written for vectors of %d bytes. A kernel computes units begin to end of its loop.\n",
      w->target->vector_bytes);
  pj_strbuf_printf(out, "#include \"%s\"\n#include <stddef.h>\n\n", o->header);
  PJ_TRY(
      pj_clike_emit(&dialect, (uint32_t)w->functions.len, w->functions.data, w->names.data, out));
  pj_strbuf_append(out, w->constants.data, w->constants.len);
  if (has_swaps(&w->s->steps))
    pj_strbuf_puts(out, "\nstatic void swap(char **a, char **b) {\n  char *kept = *a;\n  *a = "
                        "*b;\n  *b = kept;\n}\n");
  pj_strbuf_puts(out, "\n");
  print_prototype(w, out);
  pj_strbuf_puts(out, " {\n");
  print_temporaries(w, out);
  pj_strbuf_puts(out, "\n");
  pj_strbuf_append(out, w->body.data, w->body.len);
  pj_strbuf_puts(out, "}\n");
  return pj_strbuf_status(out);
}

static PjStatus check_io(const PjType *type) {
  PJ_FAIL_IF(type->kind != PJ_TYPE_TENSOR, UNIMPLEMENTED, "an argument or result that is no array");
  return PJ_STATUS_OK;
}

static PjStatus print_all(Writer *w, PjStrBuf *source, PjStrBuf *header) {
  const PjSchedule *s = w->s;
  for (uint32_t i = 0; i < s->num_inputs; ++i)
    PJ_TRY(check_io(input_type(w, i)));
  for (uint32_t i = 0; i < s->num_outputs; ++i)
    PJ_TRY(check_io(output_type(w, i)));
  w->used = PJ_NEW_ARRAY(w->arena, bool, s->slots.len + 1);
  w->swapped = PJ_NEW_ARRAY(w->arena, bool, s->slots.len + 1);
  survey(w, &s->steps);
  for (uint32_t i = 0; i < s->num_codes; ++i)
    add_function(w, s->functions[i], s->functions[i]->name);
  w->depth = 1;
  PJ_TRY(print_steps(w, &s->steps));
  for (size_t i = 0; i < s->slots.len; ++i)
    if (s->slots.data[i].kind == PJ_SLOT_CONSTANT && w->used[i])
      print_constant(w, (uint32_t)i, s->slots.data[i].type);
  PJ_TRY(pj_strbuf_status(&w->body));
  PJ_TRY(pj_strbuf_status(&w->constants));
  print_header(w, header);
  PJ_TRY(pj_strbuf_status(header));
  return print_source(w, source);
}

typedef struct Job {
  Writer *w;
  PjStrBuf *source, *header;
} Job;

static PjStatus run(void *context) {
  Job *job = context;
  return print_all(job->w, job->source, job->header);
}

static PjStatus run_in_arena(void *context) {
  Job *job = context;
  return pj_arena_guard(job->w->arena, run, job);
}

PjStatus pj_aot_print(const PjSchedule *schedule, const PjKirTarget *target, PjArena *kernels,
                      const PjAotOptions *options, PjStrBuf *source, PjStrBuf *header) {
  Writer writer = {.s = schedule,
                   .target = target,
                   .options = options,
                   .arena = schedule->arena,
                   .kernels = kernels};
  Job job = {&writer, source, header};
  // Guards of its own, so that the buffers are freed whatever arena runs out.
  PjStatus status = pj_arena_guard(kernels, run_in_arena, &job);
  pj_strbuf_free(&writer.body);
  pj_strbuf_free(&writer.constants);
  return status;
}
