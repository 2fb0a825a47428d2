// pj-differential: random programs, and given ones, through a compiler and through the evaluator.
//
// A worker process judges programs of one seed after the other and notes where it is in memory that
// it shares with its parent; when it dies, that program has failed, and a new worker goes on behind
// it. The parent shrinks failures, each trial in a process of its own.
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "gen.h"
#include "import/import.h"
#include "keep.h"
#include "plant.h"
#include "shrink.h"

static const char usage[] =
    "usage: pj-differential [options] [FILE.mlir ...]\n"
    "Runs random valid programs (or those of the files) with a compiler and with the evaluator, "
    "on\n"
    "several numbers of threads, and tells where results differ by more than rounding explains.\n"
    "  --seed N           the first seed (default 1)\n"
    "  --count N          how many programs (default 100)\n"
    "  --minutes N        go on for so long instead\n"
    "  --size SIZE        small: many operations on up to 1,024 elements (default); medium: "
    "16,384;\n"
    "                     large: few operations on up to 500,000\n"
    "  --filter OP        programs of mostly operations whose name holds OP\n"
    "  --threads 1,2,5    numbers of threads (default)\n"
    "  --compiler NAME    eval, native, passes, aot (C, by $CC with $PJ_AOT_CFLAGS), or\n"
    "                     default: what the plugin uses\n"
    "  --plant KIND       the evaluator with a fault: bit, last, input, threads, crash, hang,\n"
    "                     refuse, shared, loud; or noise, which is none\n"
    "  --failures N       also with each of N allocations failing (default 0)\n"
    "  --alone            no two runs at the same time\n"
    "  --keep DIR         write failures there, shrunk\n"
    "  --attempts N       of shrinking, per failure (default 400)\n"
    "  --most N           stop after so many failures (default 20)\n"
    "  --limit SECONDS    of all processors for one program, or three times as long by the clock\n"
    "                     (default 60)\n"
    "  --jobs N           worker processes (default 1)\n"
    "  --stats            how often each operation was made, at the end\n"
    "  --print            print the programs instead\n";

enum { MAX_JOBS = 16 };

typedef struct Options {
  TrialOptions trial;
  GenOptions gen;
  uint64_t seed, count;
  double minutes;
  const char *keep;
  int attempts, most, jobs;
  bool stats, print;
} Options;

static const char *const size_names[] = {"small", "medium", "large"};

// What a worker tells its parent, in shared memory.
typedef struct Slot {
  volatile uint64_t seed; // being judged
  volatile uint64_t done, equal, exact, fallbacks, native, perturbed;
  volatile bool failed;
  Verdict verdict;
  char text[2000];
  uint64_t ops[PJ_OP_COUNT];
} Slot;

typedef struct Generation {
  PjArena *arena;
  const GenOptions *options;
  PjStrBuf *out;
} Generation;

static PjStatus generate_guarded(void *context) {
  Generation *g = context;
  return gen_program(g->arena, g->options, g->out);
}

static PjStatus generate(const Options *options, uint64_t seed, PjStrBuf *out) {
  GenOptions gen = options->gen;
  gen.seed = seed;
  Generation g = {.options = &gen, .out = out};
  out->len = 0;
  PJ_TRY(pj_arena_create((size_t)1 << 30, &g.arena));
  PjStatus status = pj_arena_guard(g.arena, generate_guarded, &g);
  pj_arena_destroy(g.arena);
  return status;
}

// --- statistics ----------------------------------------------------------------------------------

typedef struct Count {
  PjArena *arena;
  PjStr text;
  Slot *slot;
} Count;

static void count_region(Slot *slot, const PjRegion *region) {
  for (const PjOp *op = region->first; op; op = op->next) {
    ++slot->ops[op->kind];
    for (uint32_t i = 0; i < op->num_regions; ++i)
      count_region(slot, &op->regions[i]);
  }
}

static PjStatus count_guarded(void *context) {
  Count *c = context;
  PjModule *module;
  PJ_TRY(pj_import(c->arena, c->text.ptr, c->text.len, &module));
  count_region(c->slot, &module->body);
  return PJ_STATUS_OK;
}

static void count_ops(Slot *slot, PjStr text) {
  Count c = {.text = text, .slot = slot};
  PjStatus status = pj_arena_create((size_t)1 << 30, &c.arena);
  if (!status)
    status = pj_arena_guard(c.arena, count_guarded, &c);
  pj_status_free(status);
  pj_arena_destroy(c.arena);
}

// --- workers -------------------------------------------------------------------------------------

static void fail(Slot *slot, Verdict verdict, const char *text) {
  slot->verdict = verdict;
  snprintf(slot->text, sizeof slot->text, "%s", text ? text : "");
  slot->failed = true;
}

// Judges every |jobs|-th program from slot->seed on, until one fails.
static void work(const Options *options, Slot *slot, uint64_t end) {
  Runner *runner, *oracle;
  PjStatus status = trial_setup(&options->trial, &runner, &oracle);
  if (status) {
    fprintf(stderr, "pj-differential: %s\n", pj_status_message(status));
    _exit(2);
  }
  PjStrBuf text = {0};
  for (; slot->seed < end; slot->seed += (uint64_t)options->jobs) {
    trial_limit(options->trial.limit_seconds);
    status = generate(options, slot->seed, &text);
    if (status) {
      fail(slot, JUDGED_BAD_PROGRAM, pj_status_message(status));
      _exit(1);
    }
    if (options->stats)
      count_ops(slot, (PjStr){text.data, text.len});
    Report report;
    judge(runner, oracle, &options->trial.judge, (PjStr){text.data, text.len}, NULL, &report);
    ++slot->done;
    slot->equal += report.equal;
    slot->exact += report.exact;
    slot->perturbed += report.perturbed_runs != 0;
    slot->native += !report.num_fallbacks;
    slot->fallbacks += (uint64_t)report.num_fallbacks;
    if (report.verdict != JUDGED_OK) {
      fail(slot, report.verdict, report.text.data);
      _exit(1);
    }
    pj_strbuf_free(&report.text);
  }
  _exit(0);
}

// --- failures ------------------------------------------------------------------------------------

static void show_failure(const Options *options, const char *name, const Report *report,
                         PjStrBuf *text) {
  printf("FAIL %s: %s: %s\n", name, verdict_names[report->verdict],
         report->text.data ? report->text.data : "");
  fflush(stdout);
  PjStrBuf reduced = {0};
  int attempts = 0;
  if (options->attempts && report->verdict != JUDGED_BAD_PROGRAM) {
    pj_strbuf_append(&reduced, text->data, text->len);
    int limit = report->verdict == JUDGED_HUNG ? 20 : options->attempts;
    attempts = shrink(&options->trial, &reduced, report->verdict, limit);
    printf("shrunk from %zu to %zu bytes in %d attempts\n", text->len, reduced.len, attempts);
    if (reduced.len < 4000)
      printf("%s\n", reduced.data);
  }
  if (options->keep) {
    PjStatus status =
        keep_failure(&options->trial, options->keep, name, report, (PjStr){text->data, text->len},
                     (PjStr){reduced.data, reduced.len});
    if (status)
      fprintf(stderr, "pj-differential: %s\n", pj_status_message(status));
    pj_status_free(status);
  }
  pj_strbuf_free(&reduced);
  fflush(stdout);
}

static void show_failed_seed(const Options *options, const Slot *slot, int wait_status) {
  Report report = {.verdict = slot->verdict};
  pj_strbuf_puts(&report.text, slot->text);
  if (WIFSIGNALED(wait_status)) {
    report.verdict = trial_hung(WTERMSIG(wait_status)) ? JUDGED_HUNG : JUDGED_CRASHED;
    report.text.len = 0;
    pj_strbuf_puts(&report.text, strsignal(WTERMSIG(wait_status)));
  }
  char name[64];
  snprintf(name, sizeof name, "%s-%llu", size_names[options->gen.size],
           (unsigned long long)slot->seed);
  PjStrBuf text = {0};
  PjStatus status = generate(options, slot->seed, &text);
  if (text.data)
    show_failure(options, name, &report, &text);
  else
    printf("FAIL %s: no program: %s\n", name, report.text.data);
  pj_status_free(status);
  pj_strbuf_free(&text);
  pj_strbuf_free(&report.text);
}

static void show_stats(const Slot *slots, int jobs) {
  for (int kind = 1; kind < PJ_OP_COUNT; ++kind) {
    uint64_t n = 0;
    for (int i = 0; i < jobs; ++i)
      n += slots[i].ops[kind];
    if (n)
      printf("%8llu %s\n", (unsigned long long)n, pj_op_info[kind].text);
  }
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static pid_t start_worker(const Options *options, Slot *slot, uint64_t end) {
  slot->failed = false;
  fflush(NULL);
  pid_t pid = fork();
  if (pid == 0)
    work(options, slot, end);
  if (pid < 0) {
    perror("fork");
    exit(2);
  }
  return pid;
}

static int run_random(const Options *options) {
  size_t size = sizeof(Slot) * (size_t)options->jobs;
  Slot *slots = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (slots == MAP_FAILED) {
    perror("mmap");
    return 2;
  }
  uint64_t end = options->minutes > 0 ? UINT64_MAX - 1000 : options->seed + options->count;
  double start = now(), stop = start + 60 * options->minutes;
  pid_t workers[MAX_JOBS];
  int running = 0, failures = 0;
  for (int i = 0; i < options->jobs; ++i, ++running) {
    slots[i].seed = options->seed + (uint64_t)i;
    workers[i] = start_worker(options, &slots[i], end);
  }
  while (running) {
    int status, job = 0;
    pid_t pid = waitpid(-1, &status, options->minutes > 0 ? WNOHANG : 0);
    bool over = (options->minutes > 0 && now() > stop) || failures >= options->most;
    if (!pid && !over) {
      usleep(20000);
      continue;
    }
    if (!pid || (pid < 0 && errno == EINTR)) { // time is up
      for (int i = 0; i < options->jobs; ++i)
        if (workers[i])
          kill(workers[i], SIGTERM);
      pid = waitpid(-1, &status, 0);
    }
    while (job < options->jobs && workers[job] != pid)
      ++job;
    if (job == options->jobs)
      continue;
    workers[job] = 0;
    --running;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
      continue;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 2)
      return 2;
    if (over && WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM)
      continue;
    ++failures;
    show_failed_seed(options, &slots[job], status);
    slots[job].seed += (uint64_t)options->jobs;
    if (slots[job].seed < end && !over && failures < options->most) {
      workers[job] = start_worker(options, &slots[job], end);
      ++running;
    }
  }
  uint64_t done = 0, equal = 0, native = 0, fallbacks = 0, perturbed = 0;
  for (int i = 0; i < options->jobs; ++i) {
    done += slots[i].done;
    equal += slots[i].equal;
    native += slots[i].native;
    fallbacks += slots[i].fallbacks;
    perturbed += slots[i].perturbed;
  }
  if (options->stats)
    show_stats(slots, options->jobs);
  printf("%s: %llu programs, %d failed; %llu gave equal bits, %llu were judged by perturbed runs; "
         "%llu without fallbacks, %llu fallbacks in all; %.1f s\n",
         options->trial.compiler->name, (unsigned long long)done, failures,
         (unsigned long long)equal, (unsigned long long)perturbed, (unsigned long long)native,
         (unsigned long long)fallbacks, now() - start);
  munmap(slots, size);
  return failures != 0;
}

static int run_file(const Options *options, const char *path) {
  FILE *in = fopen(path, "rb");
  if (!in) {
    fprintf(stderr, "pj-differential: %s: %s\n", path, strerror(errno));
    return 2;
  }
  PjStrBuf text = {0};
  char buffer[4096];
  for (size_t n; (n = fread(buffer, 1, sizeof buffer, in)) > 0;)
    pj_strbuf_append(&text, buffer, n);
  fclose(in);
  Report report;
  trial_run(&options->trial, (PjStr){text.data, text.len}, &report);
  int failed = report.verdict != JUDGED_OK;
  const char *name = strrchr(path, '/');
  if (failed)
    show_failure(options, name ? name + 1 : path, &report, &text);
  else
    printf("ok %s\n", path);
  pj_strbuf_free(&report.text);
  pj_strbuf_free(&text);
  return failed;
}

static int print_programs(const Options *options) {
  PjStrBuf text = {0};
  for (uint64_t seed = options->seed; seed < options->seed + options->count; ++seed) {
    PjStatus status = generate(options, seed, &text);
    printf("// seed %llu\n%s", (unsigned long long)seed, text.data ? text.data : "");
    if (status)
      printf("// error: %s\n", pj_status_message(status));
    pj_status_free(status);
  }
  pj_strbuf_free(&text);
  return 0;
}

// --- the command line ----------------------------------------------------------------------------

static bool parse_size(const char *text, GenSize *out) {
  for (int i = 0; i < 3; ++i)
    if (!strcmp(text, size_names[i])) {
      *out = (GenSize)i;
      return true;
    }
  return false;
}

static int parse_threads(const char *text, int *out) {
  int count = 0;
  for (char *end; *text && count < RUN_MAX_CLIENTS; text = *end == ',' ? end + 1 : end) {
    long n = strtol(text, &end, 10);
    if (end == text || n < 1 || n > 256)
      return 0;
    out[count++] = (int)n;
  }
  return count;
}

static bool parse_option(Options *o, const char *name, const char *value) {
  if (!strcmp(name, "--seed"))
    o->seed = strtoull(value, NULL, 10);
  else if (!strcmp(name, "--count"))
    o->count = strtoull(value, NULL, 10);
  else if (!strcmp(name, "--minutes"))
    o->minutes = atof(value);
  else if (!strcmp(name, "--size"))
    return parse_size(value, &o->gen.size);
  else if (!strcmp(name, "--filter"))
    o->gen.filter = value;
  else if (!strcmp(name, "--threads"))
    o->trial.num_threads = parse_threads(value, o->trial.threads);
  else if (!strcmp(name, "--compiler"))
    o->trial.compiler = judge_compiler(value);
  else if (!strcmp(name, "--plant"))
    o->trial.compiler = plant_compiler(value);
  else if (!strcmp(name, "--keep"))
    o->keep = value;
  else if (!strcmp(name, "--attempts"))
    o->attempts = atoi(value);
  else if (!strcmp(name, "--failures"))
    o->trial.judge.failures = atoi(value);
  else if (!strcmp(name, "--most"))
    o->most = atoi(value);
  else if (!strcmp(name, "--limit"))
    o->trial.limit_seconds = atoi(value);
  else if (!strcmp(name, "--jobs"))
    o->jobs = atoi(value);
  else
    return false;
  return o->trial.compiler && o->trial.num_threads && o->trial.limit_seconds > 0 && o->jobs > 0 &&
         o->jobs <= MAX_JOBS;
}

int main(int argc, char **argv) {
  Options options = {.trial = {.judge = {.together = true},
                               .compiler = pj_platform_cpu.compiler,
                               .num_threads = 3,
                               .threads = {1, 2, 5},
                               .limit_seconds = 60},
                     .seed = 1,
                     .count = 100,
                     .attempts = 400,
                     .most = 20,
                     .jobs = 1};
  int at = 1;
  for (; at < argc && argv[at][0] == '-'; ++at) {
    if (!strcmp(argv[at], "--help") || !strcmp(argv[at], "-h")) {
      fputs(usage, stdout);
      return 0;
    }
    if (!strcmp(argv[at], "--alone"))
      options.trial.judge.together = false;
    else if (!strcmp(argv[at], "--stats"))
      options.stats = true;
    else if (!strcmp(argv[at], "--print"))
      options.print = true;
    else if (at + 1 < argc && parse_option(&options, argv[at], argv[at + 1]))
      ++at;
    else {
      fprintf(stderr, "pj-differential: bad option %s\n%s", argv[at], usage);
      return 2;
    }
  }
  if (at < argc) {
    int failed = 0;
    for (; at < argc; ++at)
      failed |= run_file(&options, argv[at]);
    return failed;
  }
  return options.print ? print_programs(&options) : run_random(&options);
}
