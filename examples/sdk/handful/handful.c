/* A compiler of a handful of operations over the program's IR; the evaluator does the rest.
 *
 * It computes elementwise arithmetic and matrix products of f32 with loops of its own, and gives
 * every other operation to libpjrt's evaluator: so it is complete from the first day, and grows by
 * one case at a time. The device is the host (PjsPlatform.device is NULL), and programs come in the
 * simplified form.
 *
 * "Compiling" makes a plan: for each operation of the entry, which of ours does it. A run walks
 * over the plan with the values of the program in an array, by their numbers. What a host stores of
 * an executable is the plan.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <pjrt/sdk/sdk.h>

/* --- The handful ------------------------------------------------------------------------------ */

typedef enum Way {
  BY_EVALUATOR,
  CONSTANT,
  ADD,
  SUBTRACT,
  MULTIPLY,
  DIVIDE,
  MAXIMUM,
  MINIMUM,
  NEGATE,
  ABS,
  SQRT,
  PRODUCT,
  WAYS
} Way;

static const struct {
  const char *name;
  uint32_t operands;
} ways[WAYS] = {
    [CONSTANT] = {"stablehlo.constant", 0},
    [ADD] = {"stablehlo.add", 2},
    [SUBTRACT] = {"stablehlo.subtract", 2},
    [MULTIPLY] = {"stablehlo.multiply", 2},
    [DIVIDE] = {"stablehlo.divide", 2},
    [MAXIMUM] = {"stablehlo.maximum", 2},
    [MINIMUM] = {"stablehlo.minimum", 2},
    [NEGATE] = {"stablehlo.negate", 1},
    [ABS] = {"stablehlo.abs", 1},
    [SQRT] = {"stablehlo.sqrt", 1},
    [PRODUCT] = {"stablehlo.dot_general", 2},
};

static bool is_f32(const PjsValue *value) {
  const PjsType *type = pjs_value_type(value);
  return pjs_type_is_static(type) && pjs_type_element(type) == PJRT_Buffer_Type_F32;
}

static bool is_list(const PjsOp *op, const char *attr, size_t count, int64_t first) {
  size_t given;
  const int64_t *list = pjs_attr_integers(pjs_op_attr(op, attr), &given);
  return given == count && (count == 0 || list[0] == first);
}

/* [m, k] times [k, n], the one form of dot_general that is ours. */
static bool is_plain_product(const PjsOp *op) {
  return pjs_type_rank(pjs_value_type(pjs_op_operand(op, 0))) == 2 &&
         pjs_type_rank(pjs_value_type(pjs_op_operand(op, 1))) == 2 &&
         is_list(op, "lhs_batching_dimensions", 0, 0) &&
         is_list(op, "lhs_contracting_dimensions", 1, 1) &&
         is_list(op, "rhs_contracting_dimensions", 1, 0);
}

static Way way_of(const PjsOp *op) {
  Way way = WAYS;
  while (--way > BY_EVALUATOR && !pjs_op_is(op, ways[way].name)) {
  }
  if (way == BY_EVALUATOR || pjs_op_num_results(op) != 1 ||
      pjs_op_num_operands(op) != ways[way].operands)
    return BY_EVALUATOR;
  if (way == CONSTANT)
    return pjs_type_is_static(pjs_value_type(pjs_op_result(op, 0))) ? CONSTANT : BY_EVALUATOR;
  bool ours = is_f32(pjs_op_result(op, 0));
  for (uint32_t i = 0; i < ways[way].operands; i++)
    ours = ours && is_f32(pjs_op_operand(op, i));
  return ours && (way != PRODUCT || is_plain_product(op)) ? way : BY_EVALUATOR;
}

static float larger(float x, float y) {
  return x != x || x > y || (x == y && !signbit(x)) ? x : y;
}

static float smaller(float x, float y) {
  return x != x || x < y || (x == y && signbit(x)) ? x : y;
}

#define EACH(expression)           \
  for (size_t i = 0; i < n; i++) { \
    out[i] = (expression);         \
  }                                \
  break

static void elementwise(Way way, size_t n, const float *x, const float *y, float *out) {
  switch (way) {
  case ADD:
    EACH(x[i] + y[i]);
  case SUBTRACT:
    EACH(x[i] - y[i]);
  case MULTIPLY:
    EACH(x[i] * y[i]);
  case DIVIDE:
    EACH(x[i] / y[i]);
  case MAXIMUM:
    EACH(larger(x[i], y[i]));
  case MINIMUM:
    EACH(smaller(x[i], y[i]));
  case NEGATE:
    EACH(-x[i]);
  case ABS:
    EACH(fabsf(x[i]));
  case SQRT:
    EACH(sqrtf(x[i]));
  default:
    break;
  }
}

/* Rows of |out| are sums of rows of |y|: all three are walked in the order of memory. */
static void product(const PjsOp *op, const float *x, const float *y, float *out) {
  const int64_t *dims = pjs_type_dims(pjs_value_type(pjs_op_operand(op, 0)));
  const int64_t *other = pjs_type_dims(pjs_value_type(pjs_op_operand(op, 1)));
  int64_t m = dims[0], k = dims[1], n = other[1];
  for (int64_t row = 0; row < m; row++, out += n) {
    for (int64_t column = 0; column < n; column++)
      out[column] = 0;
    for (int64_t i = 0; i < k; i++)
      for (int64_t column = 0; column < n; column++)
        out[column] += x[row * k + i] * y[i * n + column];
  }
}

/* --- Compiling -------------------------------------------------------------------------------- */

typedef struct Step {
  const PjsOp *op;
  Way way;
  uint32_t num_dead; /* values that nothing reads after this step */
  uint32_t *dead;
} Step;

struct PjsExecutable {
  const PjsOp *entry;
  PjsEvaluator *evaluator;
  uint32_t num_values, num_steps;
  Step *steps;
};

static void handful_destroy(PjsExecutable *executable) {
  for (uint32_t i = 0; executable->steps && i < executable->num_steps; i++)
    free(executable->steps[i].dead);
  free(executable->steps);
  pjs_evaluator_destroy(executable->evaluator);
  free(executable);
}

/* Notes for each value that |op| or its regions read that |step| is the last to do so. */
static void note_reads(const PjsOp *op, uint32_t step, uint32_t *last) {
  for (uint32_t i = 0; i < pjs_op_num_operands(op); i++)
    last[pjs_value_number(pjs_op_operand(op, i))] = step;
  for (uint32_t r = 0; r < pjs_op_num_regions(op); r++)
    for (const PjsOp *inner = pjs_region_first(pjs_op_region(op, r)); inner;
         inner = pjs_op_next(inner))
      note_reads(inner, step, last);
}

/* A value dies at the last step that reads it: a run needs no more memory than what lives. */
static bool plan_deaths(PjsExecutable *executable) {
  const PjsRegion *body = pjs_op_region(executable->entry, 0);
  uint32_t none = executable->num_steps; /* also what the program returns: it stays to the end */
  uint32_t *last = malloc((executable->num_values + 1) * sizeof *last);
  if (!last)
    return false;
  for (uint32_t i = 0; i < executable->num_values; i++)
    last[i] = none;
  for (uint32_t s = 0; s < executable->num_steps; s++)
    note_reads(executable->steps[s].op, s, last);
  note_reads(pjs_region_terminator(body), none, last);
  for (uint32_t i = 0; i < executable->num_values; i++)
    if (last[i] < none)
      executable->steps[last[i]].num_dead++;
  bool ok = true;
  for (uint32_t s = 0; s < executable->num_steps; s++) {
    Step *step = &executable->steps[s];
    step->dead = malloc((step->num_dead + 1) * sizeof *step->dead);
    ok = ok && step->dead;
    step->num_dead = 0;
  }
  for (uint32_t i = 0; ok && i < executable->num_values; i++)
    if (last[i] < none) {
      Step *step = &executable->steps[last[i]];
      step->dead[step->num_dead++] = i;
    }
  free(last);
  return ok;
}

/* Tuples, and sizes that only a run knows, are left to libpjrt. */
static bool is_usual(const PjsValue *value) {
  const PjsType *type = pjs_value_type(value);
  return pjs_type_is_static(type) || pjs_type_kind(type) == PJS_TYPE_TOKEN;
}

static bool has_usual_types(const PjsRegion *body) {
  bool usual = true;
  for (uint32_t i = 0; i < pjs_region_num_args(body); i++)
    usual = usual && is_usual(pjs_region_arg(body, i));
  const PjsOp *end = pjs_region_terminator(body);
  for (uint32_t i = 0; i < pjs_op_num_operands(end); i++)
    usual = usual && is_usual(pjs_op_operand(end, i));
  return usual;
}

/* Makes an executable whose steps are planned as |plan| says, one byte each, or NULL: by way_of. */
static PjsError *make(const PjsModule *module, const unsigned char *plan, size_t plan_size,
                      PjsExecutable **out) {
  const PjsOp *entry = pjs_module_entry(module);
  if (!entry || !has_usual_types(pjs_op_region(entry, 0)))
    return pjs_error(PJRT_Error_Code_UNIMPLEMENTED,
                     "a program without entry, or of tuples or dynamic sizes");
  const PjsRegion *body = pjs_op_region(entry, 0);
  PjsExecutable *executable = calloc(1, sizeof *executable);
  if (!executable)
    return pjs_out_of_memory();
  executable->entry = entry;
  executable->num_values = pjs_function_num_values(entry);
  const PjsOp *end = pjs_region_terminator(body);
  for (const PjsOp *op = pjs_region_first(body); op != end; op = pjs_op_next(op))
    executable->num_steps++;
  executable->steps = calloc(executable->num_steps + 1, sizeof *executable->steps);
  PjsError *error = executable->steps ? pjs_evaluator_create(module, &executable->evaluator)
                                      : pjs_out_of_memory();
  if (!error && plan && plan_size != executable->num_steps)
    error = pjs_error(PJRT_Error_Code_FAILED_PRECONDITION,
                      "a stored plan of %zu steps for a program of %u", plan_size,
                      executable->num_steps);
  uint32_t s = 0;
  for (const PjsOp *op = pjs_region_first(body); !error && op != end; op = pjs_op_next(op), s++) {
    Way way = way_of(op);
    if (plan && plan[s] != way && plan[s] != BY_EVALUATOR)
      error = pjs_error(PJRT_Error_Code_FAILED_PRECONDITION,
                        "step %u of a stored plan does not fit", s);
    executable->steps[s] = (Step){.op = op, .way = plan ? (Way)plan[s] : way};
    /* What would send or receive needs more than one operation at a time. */
    if (pjs_op_has(op, PJS_TRAIT_COLLECTIVE) || pjs_op_has(op, PJS_TRAIT_EFFECT) ||
        pjs_op_is(op, "stablehlo.custom_call"))
      error = pjs_op_error(op, PJRT_Error_Code_UNIMPLEMENTED, "left to libpjrt");
  }
  if (!error && !plan_deaths(executable))
    error = pjs_out_of_memory();
  if (error) {
    handful_destroy(executable);
    return error;
  }
  *out = executable;
  return NULL;
}

static PjsError *handful_compile(const PjsModule *module, const PjsCompileOptions *options,
                                 PjsExecutable **out) {
  (void)options;
  return make(module, NULL, 0, out);
}

static PjsError *handful_serialize(const PjsExecutable *executable, PjsBytes *out) {
  unsigned char *plan = malloc(executable->num_steps + 1);
  if (!plan)
    return pjs_out_of_memory();
  for (uint32_t i = 0; i < executable->num_steps; i++)
    plan[i] = (unsigned char)executable->steps[i].way;
  *out = (PjsBytes){plan, executable->num_steps};
  return NULL;
}

static PjsError *handful_deserialize(const PjsModule *module, const PjsCompileOptions *options,
                                     const void *data, size_t size, PjsExecutable **out) {
  (void)options;
  return make(module, data, size, out);
}

/* --- Running ---------------------------------------------------------------------------------- */

static PjsError *do_step(const PjsExecutable *executable, const Step *step, PjsTensor **values) {
  if (step->way == BY_EVALUATOR)
    return pjs_evaluate(executable->evaluator, step->op, values);
  const PjsValue *result = pjs_op_result(step->op, 0);
  const PjsType *type = pjs_value_type(result);
  PjsTensor *out = NULL;
  if (step->way == CONSTANT) {
    bool splat;
    const void *elements = pjs_attr_elements(pjs_op_attr(step->op, "value"), &splat);
    if (splat) /* one element for all: the evaluator spreads it */
      return pjs_evaluate(executable->evaluator, step->op, values);
    out = pjs_tensor_wrap(type, elements, NULL, NULL);
  } else {
    out = pjs_tensor_new(type);
  }
  if (!out)
    return pjs_out_of_memory();
  const float *in[2] = {NULL, NULL};
  for (uint32_t i = 0; i < ways[step->way].operands; i++)
    in[i] = pjs_tensor_data(values[pjs_value_number(pjs_op_operand(step->op, i))]);
  if (step->way == PRODUCT)
    product(step->op, in[0], in[1], pjs_tensor_data(out));
  else if (step->way != CONSTANT)
    elementwise(step->way, pjs_type_num_elements(type), in[0], in[1], pjs_tensor_data(out));
  values[pjs_value_number(result)] = out;
  return NULL;
}

static PjsError *take_inputs(const PjsExecutable *executable, const PjsRun *run,
                             PjsTensor **values) {
  const PjsRegion *body = pjs_op_region(executable->entry, 0);
  for (uint32_t i = 0; i < run->num_inputs; i++) {
    const PjsValue *arg = pjs_region_arg(body, i);
    PjsTensor *tensor = run->inputs[i].element == PJRT_Buffer_Type_TOKEN
                            ? pjs_tensor_new(pjs_value_type(arg))
                            : pjs_tensor_wrap(pjs_value_type(arg), run->inputs[i].host, NULL, NULL);
    if (!tensor)
      return pjs_out_of_memory();
    values[pjs_value_number(arg)] = tensor;
  }
  return NULL;
}

static PjsError *run_steps(const PjsExecutable *executable, const PjsRun *run, PjsTensor **values) {
  PJS_TRY(take_inputs(executable, run, values));
  for (uint32_t s = 0; s < executable->num_steps; s++) {
    const Step *step = &executable->steps[s];
    PJS_TRY(do_step(executable, step, values));
    for (uint32_t i = 0; i < step->num_dead; i++) {
      pjs_tensor_release(values[step->dead[i]]);
      values[step->dead[i]] = NULL;
    }
  }
  const PjsOp *end = pjs_region_terminator(pjs_op_region(executable->entry, 0));
  for (uint32_t i = 0; i < run->num_outputs; i++) {
    PjsTensor *tensor = values[pjs_value_number(pjs_op_operand(end, i))];
    if (run->outputs[i].bytes)
      memcpy(run->outputs[i].host, pjs_tensor_data(tensor), run->outputs[i].bytes);
  }
  return NULL;
}

static void handful_run(const PjsExecutable *executable, const PjsRun *run, PjsDone *done) {
  PjsTensor **values = calloc(executable->num_values + 1, sizeof *values);
  PjsError *error = values ? run_steps(executable, run, values) : pjs_out_of_memory();
  for (uint32_t i = 0; values && i < executable->num_values; i++)
    pjs_tensor_release(values[i]);
  free(values);
  pjs_done(done, error);
}

/* ---------------------------------------------------------------------------------------------- */

static const PjsCompilerOps compiler = {
    .struct_size = sizeof(PjsCompilerOps),
    .form = PJS_FORM_SIMPLIFIED,
    .compile = handful_compile,
    .destroy = handful_destroy,
    .run = handful_run,
    .serialize = handful_serialize,
    .deserialize = handful_deserialize,
};

static const PjsPlatform platform = {
    .struct_size = sizeof(PjsPlatform),
    .sdk_version = PJS_VERSION,
    .name = "handful",
    .version = "handful 1.0",
    .compiler = &compiler,
};

PJRT_SDK_PLUGIN(platform)
