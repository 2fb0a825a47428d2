// One kernel through LLVM: a module of one function, code generation into memory, an object file.
//
// LLVM gets finished loops over explicit vectors, so no pass over LLVM IR runs; only the code
// generator's own. What it needs per kernel, a context and a target machine, is kept in workers
// that are lent to one thread at a time: making a target machine costs as much as a small kernel.
#include "emit/codegen.h"

#ifndef PJ_HAVE_LLVM

PjStatus pj_codegen_object(const PjKir *k, void **out_object, size_t *out_size) {
  *out_object = NULL;
  *out_size = 0;
  return PJ_ERROR(UNIMPLEMENTED, "this build has no LLVM and cannot generate code");
}

PjStatus pj_codegen_text(const PjKir *k, PjStrBuf *ir, PjStrBuf *assembly) {
  return PJ_ERROR(UNIMPLEMENTED, "this build has no LLVM and cannot generate code");
}

bool pj_codegen_available(PjIsa isa) {
  return false;
}

const char *pj_codegen_version(PjIsa isa) {
  return "none";
}

#else

#include <llvm-c/Analysis.h>
#include <llvm-c/Target.h>
#include <llvm-c/TargetMachine.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <llvm-c/ErrorHandling.h>

#include "base/alloc.h"
#include "emit/llvm/gen.h"

// A hash of the sources that decide what a kernel's code and hash are (cmake/llvm.cmake).
#ifndef PJ_EMITTER_ID
#define PJ_EMITTER_ID "unknown"
#endif

// Kernels after which a worker gets a new context: types and constants of all of them stay in it.
enum { CONTEXT_LIFE = 64 };

typedef struct Isa {
  const char *triple, *cpu, *features;
} Isa;

static const Isa isas[PJ_ISA_COUNT] = {
    [PJ_ISA_SSE] = {"x86_64-unknown-linux-gnu", "x86-64-v2", ""},
    [PJ_ISA_AVX2] = {"x86_64-unknown-linux-gnu", "x86-64-v3", ""},
    [PJ_ISA_AVX512] = {"x86_64-unknown-linux-gnu", "x86-64-v4", ""},
    [PJ_ISA_NEON] = {"aarch64-unknown-linux-gnu", "generic", "+neon"},
};

// ---- LLVM

#if defined __x86_64__
enum { HOST_IS_X86 = 1, HOST_IS_AARCH64 = 0 };
#elif defined __aarch64__
enum { HOST_IS_X86 = 0, HOST_IS_AARCH64 = 1 };
#else
enum { HOST_IS_X86 = 0, HOST_IS_AARCH64 = 0 };
#endif

static struct {
  pthread_once_t described, started;
  unsigned intrinsics[PJ_LLVM_INTRINSIC_COUNT];
  char host_cpu[64];
  char version[PJ_ISA_COUNT][128];
} llvm = {.described = PTHREAD_ONCE_INIT, .started = PTHREAD_ONCE_INIT};

// Which targets the linked library holds is decided by the build: the plugin's archives have the
// host's, LLVM's shared library all.
#pragma weak LLVMInitializeX86TargetInfo
#pragma weak LLVMInitializeX86Target
#pragma weak LLVMInitializeX86TargetMC
#pragma weak LLVMInitializeX86AsmPrinter
#pragma weak LLVMInitializeAArch64TargetInfo
#pragma weak LLVMInitializeAArch64Target
#pragma weak LLVMInitializeAArch64TargetMC
#pragma weak LLVMInitializeAArch64AsmPrinter

bool pj_codegen_available(PjIsa isa) {
  return isa == PJ_ISA_NEON ? LLVMInitializeAArch64Target != NULL : LLVMInitializeX86Target != NULL;
}

// LLVM's way to fail is to call this and, should it return, exit. So it does not return: it leaves
// for the call of this thread that is under way. What LLVM held then is lost.
static _Thread_local struct {
  jmp_buf leave;
  bool armed;
  char reason[256];
} fatal;

static void on_fatal(const char *reason) {
  snprintf(fatal.reason, sizeof fatal.reason, "%s", reason);
  if (fatal.armed)
    longjmp(fatal.leave, 1);
}

static const char *tune_cpu(PjIsa isa) {
  return isa == PJ_ISA_NEON ? (HOST_IS_AARCH64 ? llvm.host_cpu : "")
                            : (HOST_IS_X86 ? llvm.host_cpu : "");
}

static void start_llvm(void) {
  if (LLVMInitializeX86Target) {
    LLVMInitializeX86TargetInfo();
    LLVMInitializeX86Target();
    LLVMInitializeX86TargetMC();
    LLVMInitializeX86AsmPrinter();
  }
  if (LLVMInitializeAArch64Target) {
    LLVMInitializeAArch64TargetInfo();
    LLVMInitializeAArch64Target();
    LLVMInitializeAArch64TargetMC();
    LLVMInitializeAArch64AsmPrinter();
  }
  LLVMInstallFatalErrorHandler(on_fatal);
  static const char *const names[] = {
#define X(ENUM, name) name,
      PJ_LLVM_INTRINSICS(X)
#undef X
  };
  for (int i = 0; i < PJ_LLVM_INTRINSIC_COUNT; ++i)
    llvm.intrinsics[i] = LLVMLookupIntrinsicID(names[i], strlen(names[i]));
}

// Cheap: a process that finds all its code on disk needs no more of LLVM.
static void describe_llvm(void) {
  char *cpu = LLVMGetHostCPUName();
  snprintf(llvm.host_cpu, sizeof llvm.host_cpu, "%s", cpu ? cpu : "");
  LLVMDisposeMessage(cpu);
  unsigned major, minor, patch;
  LLVMGetVersion(&major, &minor, &patch);
  for (int i = 0; i < PJ_ISA_COUNT; ++i)
    snprintf(llvm.version[i], sizeof llvm.version[i], "llvm %u.%u.%u %s%s for %s, emitter %s",
             major, minor, patch, isas[i].cpu, isas[i].features, tune_cpu((PjIsa)i), PJ_EMITTER_ID);
}

const char *pj_codegen_version(PjIsa isa) {
  pthread_once(&llvm.described, describe_llvm);
  return llvm.version[isa];
}

// ---- workers

typedef struct Worker {
  struct Worker *next;
  LLVMContextRef context;
  int kernels; // translated in the context
  LLVMTargetMachineRef machines[PJ_ISA_COUNT];
} Worker;

static struct {
  pthread_mutex_t lock;
  Worker *idle;
} pool = {.lock = PTHREAD_MUTEX_INITIALIZER};

static Worker *borrow_worker(void) {
  pthread_mutex_lock(&pool.lock);
  Worker *w = pool.idle;
  if (w)
    pool.idle = w->next;
  pthread_mutex_unlock(&pool.lock);
  return w ? w : pj_calloc(1, sizeof *w);
}

static void give_back_worker(Worker *w) {
  if (w->kernels >= CONTEXT_LIFE) {
    LLVMContextDispose(w->context);
    w->context = NULL;
    w->kernels = 0;
  }
  pthread_mutex_lock(&pool.lock);
  w->next = pool.idle;
  pool.idle = w;
  pthread_mutex_unlock(&pool.lock);
}

static PjStatus make_machine(Worker *w, PjIsa isa) {
  if (w->machines[isa])
    return NULL;
  LLVMTargetRef target;
  char *error = NULL;
  if (LLVMGetTargetFromTriple(isas[isa].triple, &target, &error)) {
    PjStatus status = PJ_ERROR(INTERNAL, "LLVM: %s", error);
    LLVMDisposeMessage(error);
    return status;
  }
  w->machines[isa] =
      LLVMCreateTargetMachine(target, isas[isa].triple, isas[isa].cpu, isas[isa].features,
                              LLVMCodeGenLevelLess, LLVMRelocPIC, LLVMCodeModelSmall);
  PJ_FAIL_IF(!w->machines[isa], INTERNAL, "LLVM has no machine %s", isas[isa].triple);
  return NULL;
}

// ---- a kernel

// Everything that must be freed also after LLVM failed.
typedef struct Job {
  PjLlvmGen gen;
  Worker *worker;
  LLVMMemoryBufferRef object, assembly;
  char *ir, *error;
} Job;

enum { WANT_OBJECT = 1, WANT_IR = 2, WANT_ASSEMBLY = 4 };

static void prepare(Job *job, const PjKir *k) {
  PjLlvmGen *g = &job->gen;
  Worker *w = job->worker;
  if (!w->context) {
    w->context = LLVMContextCreate();
    LLVMContextSetDiscardValueNames(w->context, 1);
  }
  ++w->kernels;
  g->context = w->context;
  g->module = LLVMModuleCreateWithNameInContext("", g->context);
  g->builder = LLVMCreateBuilderInContext(g->context);
  g->intrinsics = llvm.intrinsics;
  g->tune_cpu = tune_cpu(k->target->isa);
  LLVMTypeRef types[PJ_KIR_ELEM_COUNT] = {
      [PJ_KIR_VOID] = LLVMVoidTypeInContext(g->context),
      [PJ_KIR_I1] = LLVMInt1TypeInContext(g->context),
      [PJ_KIR_I8] = LLVMInt8TypeInContext(g->context),
      [PJ_KIR_I16] = LLVMInt16TypeInContext(g->context),
      [PJ_KIR_I32] = LLVMInt32TypeInContext(g->context),
      [PJ_KIR_I64] = LLVMInt64TypeInContext(g->context),
      [PJ_KIR_F32] = LLVMFloatTypeInContext(g->context),
      [PJ_KIR_F64] = LLVMDoubleTypeInContext(g->context),
      [PJ_KIR_PTR] = LLVMPointerTypeInContext(g->context, 0),
  };
  memcpy(g->elems, types, sizeof types);
  g->half = LLVMHalfTypeInContext(g->context);
  g->invariant_load = LLVMGetMDKindIDInContext(g->context, "invariant.load", 14);
  g->nontemporal = LLVMGetMDKindIDInContext(g->context, "nontemporal", 11);
  g->empty_node = LLVMMetadataAsValue(g->context, LLVMMDNodeInContext2(g->context, NULL, 0));
  LLVMMetadataRef one = LLVMValueAsMetadata(LLVMConstInt(g->elems[PJ_KIR_I32], 1, 0));
  g->one_node = LLVMMetadataAsValue(g->context, LLVMMDNodeInContext2(g->context, &one, 1));
  LLVMTargetMachineRef machine = w->machines[k->target->isa];
  LLVMSetTarget(g->module, isas[k->target->isa].triple);
  LLVMTargetDataRef layout = LLVMCreateTargetDataLayout(machine);
  LLVMSetModuleDataLayout(g->module, layout);
  LLVMDisposeTargetData(layout);
}

static PjStatus generate(Job *job, LLVMCodeGenFileType type, LLVMMemoryBufferRef *out) {
  LLVMTargetMachineRef machine = job->worker->machines[job->gen.k->target->isa];
  if (LLVMTargetMachineEmitToMemoryBuffer(machine, job->gen.module, type, &job->error, out)) {
    *out = NULL;
    return PJ_ERROR(INTERNAL, "LLVM: %s", job->error);
  }
  return NULL;
}

static PjStatus work(Job *job, const PjKir *k, int want) {
  PJ_TRY(make_machine(job->worker, k->target->isa));
  prepare(job, k);
  PJ_TRY(pj_llvm_function(&job->gen, PJ_CODEGEN_SYMBOL));
#ifndef NDEBUG
  if (LLVMVerifyModule(job->gen.module, LLVMReturnStatusAction, &job->error))
    return PJ_ERROR(INTERNAL, "LLVM: %s", job->error);
  LLVMDisposeMessage(job->error);
  job->error = NULL;
#endif
  if (want & WANT_IR)
    job->ir = LLVMPrintModuleToString(job->gen.module);
  // Code generation changes the module, so only the first output is the one that runs; they come
  // from equal input.
  if (want & WANT_OBJECT)
    PJ_TRY(generate(job, LLVMObjectFile, &job->object));
  if (want & WANT_ASSEMBLY)
    PJ_TRY(generate(job, LLVMAssemblyFile, &job->assembly));
  return NULL;
}

static void job_free(Job *job) {
  if (job->object)
    LLVMDisposeMemoryBuffer(job->object);
  if (job->assembly)
    LLVMDisposeMemoryBuffer(job->assembly);
  if (job->ir)
    LLVMDisposeMessage(job->ir);
  if (job->error)
    LLVMDisposeMessage(job->error);
  pj_free(job->gen.values);
  pj_free(job->gen.first_result);
  pj_free(job->gen.results);
}

static PjStatus run(Job *volatile job, const PjKir *k, int want) {
  if (setjmp(fatal.leave)) {
    // Nobody knows what state LLVM is in: its objects of this job, the worker with them, are given
    // up.
    fatal.armed = false;
    job->worker = NULL;
    job->object = job->assembly = NULL;
    job->ir = job->error = NULL;
    return PJ_ERROR(INTERNAL, "LLVM: %s", fatal.reason);
  }
  fatal.armed = true;
  PjStatus status = work(job, k, want);
  fatal.armed = false;
  LLVMDisposeBuilder(job->gen.builder);
  LLVMDisposeModule(job->gen.module);
  return status;
}

// Translates |k| and leaves in |job| what is wanted; the caller frees it.
static PjStatus translate(Job *job, const PjKir *k, int want) {
  PJ_FAIL_IF(!pj_codegen_available(k->target->isa), UNIMPLEMENTED,
             "this build's LLVM generates no code for %s", pj_isa_name(k->target->isa));
  pthread_once(&llvm.described, describe_llvm);
  pthread_once(&llvm.started, start_llvm);
  job->gen.k = k;
  job->gen.values = pj_calloc(k->insts.len, sizeof *job->gen.values);
  job->gen.first_result = pj_calloc(k->insts.len, sizeof *job->gen.first_result);
  if (!job->gen.values || !job->gen.first_result)
    return pj_status_oom();
  size_t results = pj_llvm_place_results(k, job->gen.first_result);
  job->gen.results = pj_calloc(results, sizeof *job->gen.results);
  job->worker = job->gen.results ? borrow_worker() : NULL;
  if (!job->worker)
    return pj_status_oom();
  PjStatus status = run(job, k, want);
  if (job->worker)
    give_back_worker(job->worker);
  return pj_status_prefix(status, "kernel %s", k->name ? k->name : "");
}

PjStatus pj_codegen_object(const PjKir *k, void **out_object, size_t *out_size) {
  *out_object = NULL;
  *out_size = 0;
  Job job = {0};
  PjStatus status = translate(&job, k, WANT_OBJECT);
  if (!status) {
    *out_size = LLVMGetBufferSize(job.object);
    *out_object = pj_malloc(*out_size);
    if (*out_object)
      memcpy(*out_object, LLVMGetBufferStart(job.object), *out_size);
    else
      status = pj_status_oom();
  }
  job_free(&job);
  return status;
}

PjStatus pj_codegen_text(const PjKir *k, PjStrBuf *ir, PjStrBuf *assembly) {
  Job job = {0};
  PjStatus status = translate(&job, k, (ir ? WANT_IR : 0) | (assembly ? WANT_ASSEMBLY : 0));
  if (!status && ir)
    pj_strbuf_puts(ir, job.ir);
  if (!status && assembly)
    pj_strbuf_append(assembly, LLVMGetBufferStart(job.assembly), LLVMGetBufferSize(job.assembly));
  job_free(&job);
  PJ_TRY(status);
  PJ_TRY(ir ? pj_strbuf_status(ir) : NULL);
  return assembly ? pj_strbuf_status(assembly) : NULL;
}

#endif
