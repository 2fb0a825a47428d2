// `pjrt reduce`: shrinks a program that shows a fault to a small one that still shows it.
//
// Delta debugging: edits (reduce_edit.h) over ranges of values, from halves of the program down to
// single ones, each kept if the fault is still there; again until nothing gets smaller. Each
// candidate is tried in a process of its own, which may crash or hang.
#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "build.h"
#include "commands.h"
#include "file.h"
#include "json.h"
#include "progress.h"
#include "reduce_edit.h"
#include "reduce_inputs.h"
#include "reduce_try.h"
#include "subject.h"

typedef struct Args {
  PjTryArgs attempt;
  const char *program, *out, *save_inputs;
  char **inputs;
  size_t num_inputs, tries;
  bool crash, json;
} Args;

typedef struct Reduction {
  const Args *args;
  PjTryArgs attempt; // those of |args|, with a limit and |inputs|
  PjInputs inputs;   // that were given
  PjFault fault;     // of the program as it came
  PjEdited now;      // the smallest so far; its parameters come |from| the program as it came
  uint32_t before;   // operations at first
  size_t tries;
  double began;
} Reduction;

enum { FIRST_LIMIT_S = 60, LEAST_LIMIT_S = 1, LIMIT_FACTOR = 10 };

// --- Search -------------------------------------------------------------------------------------

static bool is_exhausted(const Reduction *r) {
  return r->tries >= r->args->tries;
}

static PjStr text_of(const Reduction *r) {
  return (PjStr){r->now.text.data, r->now.text.len};
}

// Makes the edit and keeps it if the fault is still there.
static PjStatus try_edit(Reduction *r, PjEditKind kind, uint32_t begin, uint32_t end, bool *kept) {
  *kept = false;
  if (is_exhausted(r))
    return PJ_STATUS_OK;
  PjEdited next;
  PjEdit edit = {kind, begin, end};
  PjStatus status = pj_edit(text_of(r), &edit, &next);
  PjStr text = {next.text.data, next.text.len};
  if (status || !text.len || pj_str_eq(text, text_of(r))) {
    pj_edited_free(&next);
    return status;
  }
  for (uint32_t i = 0; i < next.num_parameters; i++)
    next.from[i] = next.from[i] < 0 ? -1 : r->now.from[next.from[i]];
  pj_show_progress("%u of %u operations left, %zu tries", r->now.ops, r->before, ++r->tries);
  PjFault fault;
  status = pj_try(&r->attempt, text, next.from, &fault);
  *kept = !status && pj_fault_same(&fault, &r->fault);
  if (*kept) {
    pj_edited_free(&r->now);
    r->now = next;
  } else {
    pj_edited_free(&next);
  }
  return status;
}

// Tries |kind| on ranges of [0, |count|), from the end, halving their length: what is at the end is
// removed first, and takes with it what only it uses.
static PjStatus try_ranges(Reduction *r, PjEditKind kind, uint32_t count, bool *changed) {
  for (uint32_t length = count; length; length /= 2)
    for (uint32_t end = count; end > 0; end = end > length ? end - length : 0) {
      uint32_t now = kind == PJ_EDIT_DROP_RESULTS ? r->now.results : r->now.values;
      if (end > now) // it became smaller meanwhile
        end = now;
      if (!end)
        break;
      bool kept;
      PJ_TRY(try_edit(r, kind, end > length ? end - length : 0, end, &kept));
      *changed |= kept;
    }
  return PJ_STATUS_OK;
}

// The first value that shows the fault when it is all that is returned.
static PjStatus try_returns(Reduction *r, bool *changed) {
  bool kept = false;
  for (uint32_t i = 0; i < r->now.values && !kept; i++)
    PJ_TRY(try_edit(r, PJ_EDIT_RETURN, i, 0, &kept));
  *changed |= kept;
  return PJ_STATUS_OK;
}

static PjStatus try_bodies(Reduction *r, bool *changed) {
  for (uint32_t i = r->now.bodies; i-- > 0;)
    for (uint32_t which = 0; which < 2; which++) {
      bool kept;
      PJ_TRY(try_edit(r, PJ_EDIT_HOIST, i, which, &kept));
      *changed |= kept;
      if (kept)
        break;
    }
  return PJ_STATUS_OK;
}

// Smaller dimensions, the greatest first: 1, 2, or at least half as large.
static PjStatus try_sizes(Reduction *r, bool *changed) {
  for (uint32_t i = 0; i < r->now.num_sizes; i++) {
    uint32_t size = r->now.sizes[i], smaller[] = {1, 2, 3, size / 8, size / 2, size - 1};
    bool kept = false;
    for (size_t k = 0; k < sizeof smaller / sizeof *smaller && !kept; k++)
      if (smaller[k] >= 1 && smaller[k] < size)
        PJ_TRY(try_edit(r, PJ_EDIT_RESIZE, size, smaller[k], &kept));
    *changed |= kept;
  }
  return PJ_STATUS_OK;
}

static PjStatus search(Reduction *r) {
  bool kept;
  PJ_TRY(try_edit(r, PJ_EDIT_CLEAN, 0, 0, &kept));
  PJ_TRY(try_edit(r, PJ_EDIT_NO_ATTRIBUTES, 0, 0, &kept));
  for (uint32_t i = 0; i < r->now.results && r->now.results > 1; i++) {
    PJ_TRY(try_edit(r, PJ_EDIT_KEEP_RESULT, i, 0, &kept));
    if (kept)
      break;
  }
  for (bool changed = true; changed && !is_exhausted(r);) {
    changed = false;
    if (r->now.results > 1)
      PJ_TRY(try_ranges(r, PJ_EDIT_DROP_RESULTS, r->now.results, &changed));
    PJ_TRY(try_ranges(r, PJ_EDIT_TO_ARGUMENTS, r->now.values, &changed));
    PJ_TRY(try_returns(r, &changed));
    PJ_TRY(try_bodies(r, &changed));
    PJ_TRY(try_ranges(r, PJ_EDIT_TO_OPERANDS, r->now.values, &changed));
    PJ_TRY(try_ranges(r, PJ_EDIT_TO_CONSTANTS, r->now.values, &changed));
    PJ_TRY(try_sizes(r, &changed));
  }
  return PJ_STATUS_OK;
}

// --- The command --------------------------------------------------------------------------------

// The program as text, in the form that edits begin with, and the fault that it shows.
static PjStatus begin(Reduction *r, PjStr program) {
  const Args *args = r->args;
  // What cannot be read is tried as it is, to tell its fault, but cannot be edited.
  PjEdit nothing = {PJ_EDIT_RESIZE, UINT32_MAX, UINT32_MAX};
  PJ_TRY_IN(pj_edit(program, &nothing, &r->now), "%s", args->program);
  if (program.len >= 4 && memcmp(program.ptr, "ML\xefR", 4) == 0) {
    pj_edited_free(&r->now);
    PjEdit clean = {PJ_EDIT_CLEAN, 0, 0};
    PJ_TRY_IN(pj_edit(program, &clean, &r->now), "%s", args->program);
  }
  if (args->num_inputs)
    PJ_TRY_IN(pj_inputs_make(program, args->inputs, args->num_inputs, &r->inputs), "%s",
              args->program);
  r->attempt.inputs = args->num_inputs ? &r->inputs : NULL;
  r->before = r->now.ops;
  pj_show_progress("trying %s", args->program);
  // A command sees text, whatever PROGRAM is.
  double started = pj_seconds();
  if (args->attempt.test)
    PJ_TRY(pj_try(&r->attempt, text_of(r), NULL, &r->fault));
  else
    PJ_TRY(pj_try(&r->attempt, program, NULL, &r->fault));
  // Many candidates loop for ever: those are not to be waited for long.
  if (args->attempt.limit_s <= 0 && r->fault.kind != PJ_FAULT_HANG)
    r->attempt.limit_s = LIMIT_FACTOR * (pj_seconds() - started) + LEAST_LIMIT_S;
  PJ_FAIL_IF(r->fault.kind == PJ_FAULT_BROKEN, FAILED_PRECONDITION, "%s: cannot be tried: %s",
             args->program, r->fault.text);
  PJ_FAIL_IF(r->fault.kind == PJ_FAULT_NONE, FAILED_PRECONDITION,
             "%s: the program does not show a fault: %s", args->program,
             args->attempt.test      ? "the test does not exit with 0"
             : args->attempt.differs ? "the results of both plugins agree"
                                     : "it compiles and runs");
  PJ_FAIL_IF(args->crash && r->fault.kind != PJ_FAULT_CRASH, FAILED_PRECONDITION,
             "%s: the program does not crash: %s", args->program, r->fault.text);
  PjFault again;
  PJ_TRY(pj_try(&r->attempt, text_of(r), r->now.from, &again));
  PJ_FAIL_IF(!pj_fault_same(&again, &r->fault), FAILED_PRECONDITION,
             "%s: the fault is not the same each time: %s, then %s", args->program, r->fault.text,
             again.text);
  return PJ_STATUS_OK;
}

static PjStatus write_out(const Reduction *r) {
  const char *path = r->args->out;
  FILE *file = path ? fopen(path, "w") : stdout;
  PJ_FAIL_IF(!file, UNAVAILABLE, "cannot write %s: %s", path, strerror(errno));
  bool good = fwrite(r->now.text.data, 1, r->now.text.len, file) == r->now.text.len;
  if (path)
    good = fclose(file) == 0 && good;
  PJ_FAIL_IF(!good, UNAVAILABLE, "cannot write %s: %s", path ? path : "to standard output",
             strerror(errno));
  return PJ_STATUS_OK;
}

static PjStatus write_json(const Reduction *r) {
  PjStrBuf out = {0};
  pj_strbuf_puts(&out, "{\"program\": ");
  pj_json_string(&out, pj_str(r->args->program));
  pj_strbuf_printf(&out,
                   ", \"operations_before\": %u, \"operations\": %u, \"tries\": %zu, "
                   "\"seconds\": %.3f, \"fault\": ",
                   r->before, r->now.ops, r->tries, pj_seconds() - r->began);
  pj_json_string(&out, pj_str(r->fault.text));
  pj_strbuf_puts(&out, ", \"text\": ");
  pj_json_string(&out, text_of(r));
  pj_strbuf_puts(&out, "}\n");
  PjStatus status = pj_strbuf_status(&out);
  if (!status)
    fwrite(out.data, 1, out.len, stdout);
  pj_strbuf_free(&out);
  return status;
}

static PjStatus save_inputs(const Reduction *r) {
  PjInputs inputs;
  PjStatus status = pj_inputs_derive(text_of(r), r->attempt.inputs, r->now.from, &inputs);
  if (!status)
    status = pj_inputs_write(&inputs, r->args->save_inputs);
  pj_inputs_free(&inputs);
  return status;
}

static PjStatus tell(Reduction *r) {
  PjFault last;
  PJ_TRY(pj_try(&r->attempt, text_of(r), r->now.from, &last));
  pj_hide_progress();
  fprintf(stderr, "pjrt reduce: %u operations became %u in %zu tries and %.1f s%s; %s%s\n",
          r->before, r->now.ops, r->tries, pj_seconds() - r->began,
          is_exhausted(r) ? " (--tries ended it)" : "", r->fault.text,
          pj_fault_same(&last, &r->fault) ? "" : "; but the last try did not show it");
  if (r->args->save_inputs)
    PJ_TRY(save_inputs(r));
  if (r->args->json)
    PJ_TRY(write_json(r));
  return r->args->json && !r->args->out ? PJ_STATUS_OK : write_out(r);
}

static PjStatus reduce(Reduction *r) {
  char *program;
  size_t size;
  PJ_TRY(pj_file_read(r->args->program, &program, &size));
  PjStatus status = pj_form_check(r->args->program, program, size, "");
  if (!status)
    status = begin(r, (PjStr){program, size});
  pj_free(program);
  PJ_TRY(status);
  PJ_TRY(search(r));
  return tell(r);
}

static const PjArg options[] = {
    {"--test", "COMMAND", PJ_ARG_TEXT, offsetof(Args, attempt.test),
     "a shell command that gets the name of a file with a program as its last "
     "argument, and exits "
     "with 0 while the program shows the fault"},
    {"--crash", NULL, PJ_ARG_FLAG, offsetof(Args, crash),
     "the fault is a crash; without this whatever the program does now: a "
     "crash, a hang or an "
     "error"},
    {"--differs", "REF.so", PJ_ARG_FILE, offsetof(Args, attempt.differs),
     "the fault is that the results differ from those of this plugin"},
    {"--tolerance", "X", PJ_ARG_REAL, offsetof(Args, attempt.tolerance),
     "for --differs: how far floats may lie apart, relative to their size and "
     "at least to 1 "
     "(default 0.001)"},
    {"-o", "OUT.mlir", PJ_ARG_FILE, offsetof(Args, out), "write the result there"},
    {"--save-inputs", "PREFIX", PJ_ARG_FILE, offsetof(Args, save_inputs),
     "write what the result was tried with to PREFIX0.npy, PREFIX1.npy ..."},
    {"--limit", "SECONDS", PJ_ARG_SECONDS, offsetof(Args, attempt.limit_s),
     "time that one try may take, after which it counts as hanging (default "
     "10)"},
    {"--tries", "N", PJ_ARG_COUNT, offsetof(Args, tries), "stop after so many (default 5000)"},
    {"--json", NULL, PJ_ARG_FLAG, offsetof(Args, json), "print the result as JSON"},
    PJ_PLUGIN_ARG_ROWS(offsetof(Args, attempt.plugin)),
    {0},
};

static int run(const PjCommand *self, int argc, char **argv) {
  Args args = {.tries = 5000, .attempt = {.tolerance = 1e-3}};
  if (!pj_command_parse(self, &argc, argv, &args))
    return PJ_EXIT_USAGE;
  if (!argc)
    return pj_command_wrong(self, "no PROGRAM given");
  if (!!args.attempt.test + !!args.attempt.differs + args.crash > 1)
    return pj_command_wrong(self, "--test, --differs and --crash exclude each other");
  args.program = argv[0];
  args.inputs = argv + 1;
  args.num_inputs = (size_t)argc - 1;
  if (args.attempt.test && (args.num_inputs || args.save_inputs))
    return pj_command_wrong(self, "--test runs a command, which gets no inputs");
  Reduction r = {.args = &args, .attempt = args.attempt, .began = pj_seconds()};
  if (args.attempt.limit_s <= 0)
    r.attempt.limit_s = FIRST_LIMIT_S;
  PjStatus status = reduce(&r);
  pj_hide_progress();
  pj_edited_free(&r.now);
  pj_inputs_free(&r.inputs);
  return pj_command_end(self, status);
}

const PjCommand pj_cmd_reduce = {
    .name = "reduce",
    .summary = "shrink a program that shows a fault",
    .synopsis = "PROGRAM [INPUT.npy|INPUTS.npz]...",
    .description = "Makes PROGRAM (StableHLO text or a portable artifact) "
                   "smaller as long as it fails in the "
                   "same way: results go, operations become parameters, "
                   "operands or constants, calls, loops "
                   "and branches become their bodies, dimensions shrink. Each "
                   "try is a process of its own, "
                   "with the inputs given or generated ones: what becomes of a parameter gets its "
                   "input, or the leading part of it. Prints the smallest program found.",
    .options = options,
    .words = "*",
    .run = run,
};
