#include "kir_run.h"

#include <dlfcn.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "emit/clike/clike.h"
#include "emit/codegen.h"
#include "emit/jit.h"
#include "kir_eval.h"

enum { SCRATCH_BYTES = 4096 };

// The functions of a list of cases for one target, and what they must leave in their buffers.
typedef struct Batch {
  const KirCase *cases;
  size_t count;
  const PjKirTarget *target; // lives as long as the functions
  PjArena **arenas;
  PjKir **functions;
  void ***want;
} Batch;

static void must(PjStatus status, const char *what) {
  if (status)
    fail_msg("%s: %s", what, pj_status_message(status));
}

// ---------------------------------------------------------------------------------------------------------
// buffers

static size_t buffer_bytes(const KirBuffer *b) {
  return b->count * (size_t)pj_kir_elem_bytes(b->elem);
}

static void **copy_buffers(const KirCase *kase) {
  void **copies = calloc(kase->num_buffers + 1, sizeof *copies);
  for (uint32_t i = 0; i < kase->num_buffers; ++i) {
    copies[i] = malloc(buffer_bytes(&kase->buffers[i]) + 1);
    memcpy(copies[i], kase->buffers[i].data, buffer_bytes(&kase->buffers[i]));
  }
  return copies;
}

static void free_buffers(const KirCase *kase, void **copies) {
  for (uint32_t i = 0; i < kase->num_buffers; ++i)
    free(copies[i]);
  free(copies);
}

static bool same_element(PjKirElem elem, const void *a, const void *b) {
  float narrow[2] = {0};
  double wide[2] = {0};
  if (!memcmp(a, b, (size_t)pj_kir_elem_bytes(elem)))
    return true;
  if (elem == PJ_KIR_F32) {
    memcpy(narrow, a, 4);
    memcpy(narrow + 1, b, 4);
  } else if (elem == PJ_KIR_F64) {
    memcpy(wide, a, 8);
    memcpy(wide + 1, b, 8);
  }
  return (isnan(narrow[0]) && isnan(narrow[1])) || (isnan(wide[0]) && isnan(wide[1]));
}

static void compare(const KirCase *kase, const char *how, void *const *got, void *const *want) {
  for (uint32_t i = 0; i < kase->num_buffers; ++i) {
    const KirBuffer *buffer = &kase->buffers[i];
    size_t bytes = (size_t)pj_kir_elem_bytes(buffer->elem);
    for (size_t e = 0; e < buffer->count; ++e) {
      const char *a = (const char *)got[i] + e * bytes, *b = (const char *)want[i] + e * bytes;
      if (same_element(buffer->elem, a, b))
        continue;
      uint64_t x = 0, y = 0;
      memcpy(&x, a, bytes);
      memcpy(&y, b, bytes);
      fail_msg("%s, %s: buffer %u element %zu is 0x%llx, expected 0x%llx", kase->name, how, i, e,
               (unsigned long long)x, (unsigned long long)y);
    }
  }
}

// ---------------------------------------------------------------------------------------------------------
// building

typedef struct Build {
  const KirCase *kase;
  const PjKirTarget *target;
  PjArena *arena;
  PjKir *k;
} Build;

static PjStatus build(void *context) {
  Build *b = context;
  b->k = pj_kir_create(b->arena, b->target, b->kase->name);
  b->kase->build(b->k, b->kase->context);
  pj_kir_finish(b->k);
  return pj_kir_verify(b->k);
}

static void interpret(const Batch *b, size_t i) {
  const KirCase *kase = &b->cases[i];
  b->want[i] = copy_buffers(kase);
  void *scratch = aligned_alloc(64, SCRATCH_BYTES);
  memset(scratch, 0, SCRATCH_BYTES);
  kir_eval(b->functions[i], b->want[i], kase->params, kase->begin, kase->end, scratch);
  free(scratch);
  if (kase->expected)
    compare(kase, "the interpreter", b->want[i], kase->expected);
}

static Batch make_batch(PjIsa isa, bool bytes_move, const KirCase *cases, size_t count) {
  static PjKirTarget targets[PJ_ISA_COUNT];
  targets[isa] = pj_kir_target_of(isa);
  targets[isa].bytes_move = bytes_move;
  Batch b = {.cases = cases, .count = count, .target = &targets[isa]};
  b.arenas = calloc(count, sizeof *b.arenas);
  b.functions = calloc(count, sizeof *b.functions);
  b.want = calloc(count, sizeof *b.want);
  for (size_t i = 0; i < count; ++i) {
    Build one = {.kase = &cases[i], .target = b.target};
    must(pj_arena_create(0, &one.arena), "arena");
    must(pj_arena_guard(one.arena, build, &one), cases[i].name);
    b.arenas[i] = one.arena;
    b.functions[i] = one.k;
    interpret(&b, i);
  }
  return b;
}

static void free_batch(Batch *b) {
  for (size_t i = 0; i < b->count; ++i) {
    free_buffers(&b->cases[i], b->want[i]);
    pj_arena_destroy(b->arenas[i]);
  }
  free(b->arenas);
  free(b->functions);
  free(b->want);
}

// ---------------------------------------------------------------------------------------------------------
// running

static void run(const Batch *b, size_t i, const char *how, PjKernelEntry *entry) {
  const KirCase *kase = &b->cases[i];
  void **copies = copy_buffers(kase);
  void *scratch = aligned_alloc(64, SCRATCH_BYTES);
  memset(scratch, 0, SCRATCH_BYTES);
  entry(copies, kase->params, kase->begin, kase->end, scratch);
  compare(kase, how, copies, b->want[i]);
  free(scratch);
  free_buffers(kase, copies);
}

static void run_jit(const Batch *b) {
  PjJitCode **codes = calloc(b->count, sizeof *codes);
  must(pj_jit_compile(NULL, (uint32_t)b->count, (const PjKir *const *)b->functions, codes), "jit");
  for (size_t i = 0; i < b->count; ++i) {
    run(b, i, pj_isa_name(b->target->isa), pj_jit_entry(codes[i]));
    pj_jit_release(codes[i]);
  }
  free(codes);
}

static void write_file(const char *path, const char *data, size_t len) {
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  assert_int_equal(fwrite(data, 1, len, file), len);
  assert_int_equal(fclose(file), 0);
}

// Writes the functions k0, k1, ... as C to |path|.
static void write_c(const Batch *b, const char *path) {
  const char **names = calloc(b->count, sizeof *names);
  char(*texts)[32] = calloc(b->count, sizeof *texts);
  for (size_t i = 0; i < b->count; ++i) {
    snprintf(texts[i], sizeof texts[i], "k%zu", i);
    names[i] = texts[i];
  }
  PjStrBuf text = {0};
  must(pj_clike_emit(&pj_clike_c, (uint32_t)b->count, (const PjKir *const *)b->functions, names,
                     &text),
       "emit");
  write_file(path, text.data, text.len);
  pj_strbuf_free(&text);
  free(names);
  free(texts);
}

static void shell(const char *command) {
  if (system(command))
    fail_msg("failed: %s", command);
}

static void run_c(const Batch *b, const char *flags) {
  char dir[] = "/tmp/pj-kir-XXXXXX", path[64], command[400];
  assert_non_null(mkdtemp(dir));
  snprintf(path, sizeof path, "%s/k.c", dir);
  write_c(b, path);
  snprintf(command, sizeof command, "cc -std=c11 -Wall -Werror -shared -fPIC %s -o %s/k.so %s -lm",
           flags, dir, path);
  shell(command);
  snprintf(path, sizeof path, "%s/k.so", dir);
  void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (!library)
    fail_msg("%s", dlerror());
  for (size_t i = 0; i < b->count; ++i) {
    char name[32];
    snprintf(name, sizeof name, "k%zu", i);
    PjKernelEntry *entry;
    *(void **)&entry = dlsym(library, name);
    assert_non_null(entry);
    run(b, i, flags, entry);
  }
  dlclose(library);
  snprintf(command, sizeof command, "rm -r %s", dir);
  shell(command);
}

// A program for another machine: reads all memory from a file, runs the functions, writes it to
// another.
static void write_driver(const Batch *b, const char *path) {
  PjStrBuf text = {0};
  pj_strbuf_puts(&text,
                 "#include <stdint.h>\n#include <stdio.h>\n#include <stdlib.h>\n"
                 "typedef void Kernel(void *const *, const uint64_t *, int64_t, int64_t, void *);\n"
                 "extern Kernel ");
  for (size_t i = 0; i < b->count; ++i)
    pj_strbuf_printf(&text, "%sk%zu", i ? ", " : "", i);
  pj_strbuf_puts(&text, ";\nstatic Kernel *const kernels[] = {");
  for (size_t i = 0; i < b->count; ++i)
    pj_strbuf_printf(&text, "k%zu, ", i);
  pj_strbuf_puts(
      &text,
      "};\n"
      "static _Alignas(64) char scratch[4096];\n"
      "int main(int argc, char **argv) {\n"
      "  FILE *in = fopen(argv[1], \"rb\"), *out = fopen(argv[2], \"wb\");\n"
      "  uint64_t head[19];\n"
      "  for (size_t i = 0; i < sizeof kernels / sizeof *kernels; ++i) {\n"
      "    void *buffers[64];\n"
      "    uint64_t sizes[64];\n"
      "    if (fread(head, 8, 19, in) != 19 || fread(sizes, 8, head[0], in) != head[0]) return 1;\n"
      "    for (uint64_t b = 0; b < head[0]; ++b)\n"
      "      if (fread(buffers[b] = malloc(sizes[b] + 1), 1, sizes[b], in) != sizes[b]) return 2;\n"
      "    for (int s = 0; s < 4096; ++s) scratch[s] = 0;\n"
      "    kernels[i](buffers, head + 3, (int64_t)head[1], (int64_t)head[2], scratch);\n"
      "    for (uint64_t b = 0; b < head[0]; ++b)\n"
      "      if (fwrite(buffers[b], 1, sizes[b], out) != sizes[b]) return 3;\n"
      "  }\n"
      "  return fclose(out) != 0;\n"
      "}\n");
  write_file(path, text.data, text.len);
  pj_strbuf_free(&text);
}

static void write_input(const Batch *b, const char *path) {
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  for (size_t i = 0; i < b->count; ++i) {
    const KirCase *kase = &b->cases[i];
    uint64_t head[19] = {kase->num_buffers, (uint64_t)kase->begin, (uint64_t)kase->end}, sizes[64];
    memcpy(head + 3, kase->params, sizeof kase->params);
    for (uint32_t n = 0; n < kase->num_buffers; ++n)
      sizes[n] = buffer_bytes(&kase->buffers[n]);
    fwrite(head, 8, 19, file);
    fwrite(sizes, 8, kase->num_buffers, file);
    for (uint32_t n = 0; n < kase->num_buffers; ++n)
      fwrite(kase->buffers[n].data, 1, sizes[n], file);
  }
  assert_int_equal(fclose(file), 0);
}

static void read_output(const Batch *b, const char *path, const char *how) {
  FILE *file = fopen(path, "rb");
  assert_non_null(file);
  for (size_t i = 0; i < b->count; ++i) {
    const KirCase *kase = &b->cases[i];
    void **got = copy_buffers(kase);
    for (uint32_t n = 0; n < kase->num_buffers; ++n)
      assert_int_equal(fread(got[n], 1, buffer_bytes(&kase->buffers[n]), file),
                       buffer_bytes(&kase->buffers[n]));
    compare(kase, how, got, b->want[i]);
    free_buffers(kase, got);
  }
  fclose(file);
}

static void run_aarch64(const Batch *b) {
  if (system("aarch64-linux-gnu-gcc --version >/dev/null 2>&1") ||
      system("qemu-aarch64 --version >/dev/null 2>&1")) {
    print_message("left out for aarch64: needs the packages gcc-aarch64-linux-gnu and qemu-user\n");
    return;
  }
  char dir[] = "/tmp/pj-kir-XXXXXX", path[64], command[400];
  assert_non_null(mkdtemp(dir));
  snprintf(path, sizeof path, "%s/k.c", dir);
  write_c(b, path);
  snprintf(path, sizeof path, "%s/main.c", dir);
  write_driver(b, path);
  snprintf(path, sizeof path, "%s/in", dir);
  write_input(b, path);
  snprintf(command, sizeof command,
           "cd %s && aarch64-linux-gnu-gcc -std=c11 -O1 -static -o run k.c main.c -lm && "
           "qemu-aarch64 ./run in out",
           dir);
  shell(command);
  snprintf(path, sizeof path, "%s/out", dir);
  read_output(b, path, "aarch64");
  snprintf(command, sizeof command, "rm -r %s", dir);
  shell(command);
}

void kir_run_cases(unsigned ways, const KirCase *cases, size_t count) {
  PjIsa host = pj_kir_target_host()->isa;
  if (ways & ~(unsigned)(KIR_JIT | KIR_C_AARCH64)) {
    Batch b = make_batch(host, false, cases, count);
    if (ways & KIR_C)
      run_c(&b, "-O0");
    if (ways & KIR_C_PORTABLE)
      run_c(&b, "-O0 -DPJ_PORTABLE -pedantic-errors");
    if (ways & KIR_C_O2)
      run_c(&b, "-O2");
    if (ways & KIR_C_PORTABLE_O2)
      run_c(&b, "-O2 -DPJ_PORTABLE");
    if (ways & KIR_C_NATIVE)
      run_c(&b, "-O2 -march=native");
    free_batch(&b);
  }
  if (ways & KIR_C_AARCH64) {
    Batch b = make_batch(PJ_ISA_NEON, false, cases, count);
    run_aarch64(&b);
    free_batch(&b);
  }
  if (ways & KIR_JIT && pj_jit_available())
    for (int isa = host == PJ_ISA_NEON ? PJ_ISA_NEON : PJ_ISA_SSE; isa <= (int)host; ++isa) {
      if (isa < (int)host && !pj_codegen_available((PjIsa)isa))
        continue;
      for (int bytes_move = 0; bytes_move <= (isa == (int)host && pj_kir_target_host()->bytes_move);
           ++bytes_move) {
        Batch b = make_batch((PjIsa)isa, bytes_move, cases, count);
        run_jit(&b);
        free_batch(&b);
      }
    }
}
