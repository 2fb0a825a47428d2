// The process's table of compiled functions.
//
// A function is known by the hash of its kernel IR. Its first asker claims it and compiles; others
// who ask meanwhile wait for that. Code that nobody holds stays in the table, up to
// PJRT_CODE_CACHE_MB, the least recently used goes first: programs that come and go do not compile
// their kernels again.
//
// An asker compiles all that it claimed before it waits for what others claimed, so two askers
// never wait for each other.
//
// A child of fork() finds the table whole, and claims anew what other threads had claimed.
#include "emit/jit.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/cpu.h"
#include "base/log.h"
#include "base/options.h"
#include "base/progress.h"
#include "emit/codegen.h"
#include "emit/jit_disk.h"
#include "emit/jit_link.h"
#include "emit/jit_memory.h"
#include "emit/x86/x86.h"

#if defined __aarch64__
#define HOST_MACHINE PJ_JIT_AARCH64
#else
#define HOST_MACHINE PJ_JIT_X86_64
#endif

typedef enum State { CLAIMED, READY, FAILED } State;

struct PjJitCode {
  uint64_t hash[2];
  char asked;               // for which generator: the option's first letter
  PjJitCode *chain;         // in the table
  PjJitCode *newer, *older; // among those that nobody holds
  uint32_t refs;
  State state;
  PjJitSpan span;
  PjKernelEntry *entry;
};

enum { NUM_BUCKETS = 1 << 12 };

static struct {
  pthread_mutex_t lock;
  pthread_cond_t settled; // a claimed function is ready or failed
  PjJitCode *buckets[NUM_BUCKETS];
  PjJitCode *newest, *oldest; // that nobody holds
  uint64_t idle_bytes;
  PjJitStats stats;
} table = {.lock = PTHREAD_MUTEX_INITIALIZER, .settled = PTHREAD_COND_INITIALIZER};

// ---- the table, under its lock

static PjJitCode **bucket(const uint64_t hash[2]) {
  return &table.buckets[hash[0] % NUM_BUCKETS];
}

static PjJitCode *find(const uint64_t hash[2], char asked) {
  PjJitCode *code = *bucket(hash);
  while (code && (code->hash[0] != hash[0] || code->hash[1] != hash[1] || code->asked != asked))
    code = code->chain;
  return code;
}

// It may have left the table before: in a child of fork().
static void forget(PjJitCode *code) {
  PjJitCode **at = bucket(code->hash);
  while (*at && *at != code)
    at = &(*at)->chain;
  if (*at)
    *at = code->chain;
}

static void leave_idle(PjJitCode *code) {
  *(code->newer ? &code->newer->older : &table.newest) = code->older;
  *(code->older ? &code->older->newer : &table.oldest) = code->newer;
  code->newer = code->older = NULL;
  table.idle_bytes -= code->span.bytes;
}

static void enter_idle(PjJitCode *code) {
  code->older = table.newest;
  *(table.newest ? &table.newest->newer : &table.oldest) = code;
  table.newest = code;
  table.idle_bytes += code->span.bytes;
}

static void destroy(PjJitCode *code) {
  pj_jit_memory_free(&code->span);
  pj_free(code);
}

static void shrink_idle(void) {
  int64_t limit = pj_option_int(PJ_OPTION_CODE_CACHE_MB);
  uint64_t bytes = limit <= 0 ? 0 : (uint64_t)limit << 20;
  while (table.oldest && table.idle_bytes > bytes) {
    PjJitCode *code = table.oldest;
    leave_idle(code);
    forget(code);
    destroy(code);
  }
}

static void hold(PjJitCode *code) {
  if (!code->refs++)
    leave_idle(code);
}

static void drop(PjJitCode *code) {
  if (--code->refs)
    return;
  if (code->state == FAILED) { // it left the table when it failed
    destroy(code);
    return;
  }
  enter_idle(code);
  shrink_idle();
}

// ---- fork()

static pthread_once_t fork_once = PTHREAD_ONCE_INIT;

static void before_fork(void) {
  pthread_mutex_lock(&table.lock);
  pj_jit_memory_lock();
  pj_jit_disk_lock();
}

static void after_fork_in_parent(void) {
  pj_jit_disk_unlock();
  pj_jit_memory_unlock();
  pthread_mutex_unlock(&table.lock);
}

// Those who were to settle what is claimed are not here.
static void after_fork_in_child(void) {
  for (int i = 0; i < NUM_BUCKETS; ++i)
    for (PjJitCode **at = &table.buckets[i]; *at;)
      if ((*at)->state == CLAIMED)
        *at = (*at)->chain;
      else
        at = &(*at)->chain;
  pthread_cond_init(&table.settled, NULL); // the old one counts waiters that are gone
  after_fork_in_parent();
}

static void watch_forks(void) {
  pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

// ---- one function

static uint64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

// Links |object| into code memory.
static PjStatus install(PjJitCode *code, const void *object, uint64_t size) {
  PjJitLink link;
  PJ_TRY(pj_jit_link_plan(&link, HOST_MACHINE, object, size));
  uint8_t *image = pj_malloc(link.image_bytes);
  if (!image)
    return pj_status_oom();
  PjStatus status = pj_jit_memory_alloc(link.image_bytes, &code->span);
  if (!status)
    status = pj_jit_link_write(&link, (uint64_t)(uintptr_t)code->span.address, image);
  if (!status)
    status = pj_jit_memory_fill(&code->span, image, link.image_bytes);
  pj_free(image);
  code->entry = (PjKernelEntry *)(void *)(code->span.address + link.entry);
  return status;
}

// What an earlier process compiled, if it is there and fits.
static bool take_from_disk(PjJitCode *code, const char *version) {
  void *object;
  size_t size;
  if (!pj_jit_disk_load(code->hash, version, &object, &size))
    return false;
  PjStatus status = install(code, object, size);
  pj_free(object);
  pj_status_free(status);
  if (!status)
    return true;
  pj_jit_memory_free(&code->span);
  code->span = (PjJitSpan){0};
  return false;
}

static PjStatus emit_llvm(PjJitCode *code, const PjKir *k, bool *from_disk) {
  const char *version = pj_codegen_version(k->target->isa);
  *from_disk = take_from_disk(code, version);
  if (*from_disk)
    return NULL;
  void *object;
  size_t size;
  PJ_TRY(pj_codegen_object(k, &object, &size));
  PjStatus status = install(code, object, size);
  if (!status)
    pj_jit_disk_store(code->hash, version, object, size);
  pj_free(object);
  return status;
}

// Our own code generator is faster than a file is read.
static PjStatus emit_own(PjJitCode *code, const PjKir *k) {
  PjX86Code x86;
  PJ_TRY(pj_x86_compile(k, &x86));
  PjStatus status = pj_jit_memory_alloc(x86.size, &code->span);
  if (!status)
    status = pj_jit_memory_fill(&code->span, x86.bytes, x86.size);
  pj_free(x86.bytes);
  code->entry = (PjKernelEntry *)(void *)code->span.address;
  return status;
}

static bool wants(const char *generator) {
  return !strcmp(pj_option_text(PJ_OPTION_CODEGEN), generator);
}

static PjStatus generate(PjJitCode *code, const PjKir *k) {
  uint64_t start = now_ns();
  bool own = pj_x86_available(k->target->isa) && !wants("llvm"), from_disk = false;
  PjStatus status = own ? emit_own(code, k) : NULL;
  if (own && pj_status_code(status) == PJ_UNIMPLEMENTED && !wants("own") &&
      pj_codegen_available(k->target->isa)) {
    own = false;
    pj_log(PJ_LOG_COMPILE, "by LLVM: %s", pj_status_message(status));
    pj_status_free(status);
  }
  if (!own)
    status = emit_llvm(code, k, &from_disk);
  uint64_t end = now_ns();
  pthread_mutex_lock(&table.lock);
  table.stats.emit_ns += end - start;
  table.stats.from_disk += from_disk;
  table.stats.compiled += !from_disk && !status;
  table.stats.own += own && !status;
  pthread_mutex_unlock(&table.lock);
  return status;
}

static void settle(PjJitCode *code, State state) {
  pthread_mutex_lock(&table.lock);
  code->state = state;
  if (state == FAILED)
    forget(code);
  pthread_cond_broadcast(&table.settled);
  pthread_mutex_unlock(&table.lock);
}

// ---- one request

typedef struct Request {
  const PjKir *const *functions;
  PjJitCode **out;
  uint32_t *claimed; // positions of the functions to compile here
  PjStatus *status;  // of these
  PjProgress *progress;
  uint32_t num_claimed;
  _Atomic uint32_t num_done;
} Request;

static void compile_claimed(void *context, int64_t begin, int64_t end, int thread) {
  Request *q = context;
  for (int64_t i = begin; i < end; ++i) {
    PjJitCode *code = q->out[q->claimed[i]];
    q->status[i] =
        pj_progress_tick(q->progress, "generating code", atomic_load(&q->num_done), q->num_claimed);
    if (!q->status[i])
      q->status[i] = generate(code, q->functions[q->claimed[i]]);
    atomic_fetch_add(&q->num_done, 1);
    settle(code, q->status[i] ? FAILED : READY);
  }
}

// Finds or claims the function of |k|. NULL without memory.
static PjJitCode *look_up(const PjKir *k, bool *claimed) {
  uint64_t hash[2];
  char asked = *pj_option_text(PJ_OPTION_CODEGEN);
  pj_kir_hash(k, hash);
  pthread_mutex_lock(&table.lock);
  PjJitCode *code = find(hash, asked);
  *claimed = !code;
  if (code) {
    hold(code);
    ++table.stats.shared;
  } else if ((code = pj_calloc(1, sizeof *code))) {
    memcpy(code->hash, hash, sizeof hash);
    code->asked = asked;
    code->refs = 1;
    PjJitCode **at = bucket(hash);
    code->chain = *at;
    *at = code;
  }
  pthread_mutex_unlock(&table.lock);
  return code;
}

// Waits until |code| is settled; false if it failed.
static bool await(PjJitCode *code) {
  pthread_mutex_lock(&table.lock);
  while (code->state == CLAIMED)
    pthread_cond_wait(&table.settled, &table.lock);
  bool ready = code->state == READY;
  pthread_mutex_unlock(&table.lock);
  return ready;
}

// Whether other threads are worth waking, or even starting, for what is claimed: that takes some
// hundred microseconds, in which our own generator does a thousand instructions.
static bool is_much(const Request *q) {
  enum { MANY_INSTS = 1000 };
  uint64_t insts = 0;
  for (uint32_t i = 0; i < q->num_claimed && insts < MANY_INSTS; ++i) {
    const PjKir *k = q->functions[q->claimed[i]];
    if (!pj_x86_available(k->target->isa) || wants("llvm"))
      return true;
    insts += k->insts.len;
  }
  return insts >= MANY_INSTS;
}

static PjStatus compile(PjThreads *threads, Request *q, uint32_t count) {
  uint32_t num_claimed = 0;
  bool enough = true;
  for (uint32_t i = 0; i < count && enough; ++i) {
    bool claimed;
    q->out[i] = look_up(q->functions[i], &claimed);
    enough = q->out[i];
    if (enough && claimed)
      q->claimed[num_claimed++] = i;
  }
  q->progress = pj_progress_current();
  q->num_claimed = num_claimed;
  if (enough)
    pj_threads_for(is_much(q) ? threads : NULL, num_claimed, 1, compile_claimed, q);
  PjStatus status = enough ? NULL : pj_status_oom();
  for (uint32_t i = 0; i < num_claimed; ++i) {
    if (!enough)
      settle(q->out[q->claimed[i]], FAILED);
    if (!status)
      status = q->status[i];
    else
      pj_status_free(q->status[i]);
  }
  // What another asker claimed may have failed for a reason of its own, such as memory: then it is
  // our turn.
  for (uint32_t i = 0; i < count && !status; ++i)
    while (!status && !await(q->out[i])) {
      bool claimed;
      pj_jit_release(q->out[i]);
      q->out[i] = look_up(q->functions[i], &claimed);
      if (!q->out[i])
        status = pj_status_oom();
      else if (claimed) {
        status = generate(q->out[i], q->functions[i]);
        settle(q->out[i], status ? FAILED : READY);
      }
    }
  return status;
}

PjStatus pj_jit_compile(PjThreads *threads, uint32_t count, const PjKir *const *functions,
                        PjJitCode **out) {
  if (!count)
    return NULL;
  memset(out, 0, count * sizeof *out);
  pthread_once(&fork_once, watch_forks);
  PJ_FAIL_IF(!pj_jit_available(), UNIMPLEMENTED,
             "this build cannot generate code for this processor");
  Request q = {.functions = functions,
               .out = out,
               .claimed = pj_calloc(count, sizeof *q.claimed),
               .status = pj_calloc(count, sizeof *q.status)};
  PjStatus status = q.claimed && q.status ? compile(threads, &q, count) : pj_status_oom();
  pj_free(q.claimed);
  pj_free(q.status);
  for (uint32_t i = 0; i < count && status; ++i) {
    pj_jit_release(out[i]);
    out[i] = NULL;
  }
  return status;
}

PjKernelEntry *pj_jit_entry(const PjJitCode *code) {
  return code->entry;
}

void pj_jit_retain(PjJitCode *code) {
  pthread_mutex_lock(&table.lock);
  hold(code);
  pthread_mutex_unlock(&table.lock);
}

void pj_jit_release(PjJitCode *code) {
  if (!code)
    return;
  pthread_mutex_lock(&table.lock);
  drop(code);
  pthread_mutex_unlock(&table.lock);
}

uint64_t pj_jit_bytes(const PjJitCode *code) {
  return code->span.bytes;
}

bool pj_jit_available(void) {
  return pj_cpu_runs_generated_code() &&
         (pj_codegen_available(HOST_MACHINE == PJ_JIT_AARCH64 ? PJ_ISA_NEON : PJ_ISA_SSE) ||
          pj_x86_available(pj_kir_target_host()->isa));
}

void pj_jit_stats(PjJitStats *out) {
  pthread_mutex_lock(&table.lock);
  *out = table.stats;
  pthread_mutex_unlock(&table.lock);
  out->code_bytes = pj_jit_memory_used();
}

PjStatus pj_jit_dump(const PjKir *k, PjStrBuf *ir, PjStrBuf *assembly) {
  return pj_codegen_text(k, ir, assembly);
}

PjStatus pj_jit_dump_own(const PjKir *k, PjStrBuf *code) {
  PjX86Code x86;
  PJ_TRY(pj_x86_compile(k, &x86));
  pj_strbuf_append(code, x86.bytes, x86.size);
  pj_free(x86.bytes);
  return NULL;
}
