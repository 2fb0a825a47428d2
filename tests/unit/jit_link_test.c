// The linker of generated code on damaged objects: whatever the bytes, it refuses or stays inside
// of them.
#include <elf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/alloc.h"
#include "emit/codegen.h"
#include "emit/jit_link.h"
#include "emit/jit_memory.h"
#include "jit_support.h"

typedef struct Object {
  uint8_t *data;
  size_t size;
} Object;

// Constants of several sizes and a call, so that all kinds of sections and relocations occur.
static void build(PjKir *k, void *context) {
  PjKirType t = PJ_KIR_T(F32, 8), d = PJ_KIR_T(F64, 2);
  PjKirVal i = pj_kir_begin(k), v = pj_kir_load(k, t, pj_kir_buffer(k, 0), i, 0, false);
  v = pj_kir_fmul(k, v, pj_kir_float(k, t, 1.25));
  v = pj_kir_fadd(k, v,
                  pj_kir_cast(k, PJ_KIR_SITOFP, PJ_KIR_F32, pj_kir_iota(k, PJ_KIR_T(I32, 8))));
  pj_kir_store(k, v, pj_kir_buffer(k, 1), i, 0);
  PjKirVal w = pj_kir_load(k, d, pj_kir_buffer(k, 2), i, 0, false);
  w = pj_kir_fmul(k, w, pj_kir_float(k, d, 3.1));
  PjKirVal args[] = {pj_kir_extract(k, w, 0), pj_kir_float(k, PJ_KIR_T(F64, 1), 2.7)};
  PjKirVal rest = pj_kir_call(k, PJ_KIR_EXTERN_FMOD, 2, args);
  pj_kir_store(k, rest, pj_kir_buffer(k, 2), i, 0);
}

static void generate(const PjKir *k, void *context) {
  Object *o = context;
  void *data;
  test_ok(pj_codegen_object(k, &data, &o->size));
  o->data = data;
}

static Object object_of(PjIsa isa) {
  Object o;
  test_kernel(isa, "link", build, generate, &o);
  return o;
}

// Links a copy that ends where its bytes end, so that Address Sanitizer sees every step beyond.
static bool try_link(PjJitMachine machine, const uint8_t *data, size_t size) {
  uint8_t *copy = malloc(size ? size : 1);
  memcpy(copy, data, size);
  PjJitLink link;
  PjStatus status = pj_jit_link_plan(&link, machine, copy, size);
  if (!status) {
    uint8_t *image = malloc(link.image_bytes ? link.image_bytes : 1);
    assert_true(link.entry <= link.image_bytes);
    status = pj_jit_link_write(&link, 0x10000040, image);
    free(image);
  }
  bool linked = !status;
  if (status && pj_status_code(status) != PJ_INTERNAL)
    fail_msg("%s", pj_status_message(status));
  pj_status_free(status);
  free(copy);
  return linked;
}

static void damage(PjIsa isa, PjJitMachine machine) {
  Object o = object_of(isa);
  assert_true(try_link(machine, o.data, o.size));
  assert_false(try_link(machine == PJ_JIT_X86_64 ? PJ_JIT_AARCH64 : PJ_JIT_X86_64, o.data, o.size));
  for (size_t size = 0; size < o.size; ++size)
    assert_false(try_link(machine, o.data, size)); // the section table comes last

  uint64_t seed = 7, refused = 0;
  for (size_t i = 0; i < o.size; ++i)
    for (int round = 0; round < 4; ++round) {
      seed = seed * 6364136223846793005u + 1442695040888963407u;
      uint8_t old = o.data[i];
      o.data[i] = round ? (uint8_t)(seed >> 40) : old ^ (uint8_t)(1 << (seed >> 60 & 7));
      refused += !try_link(machine, o.data, o.size);
      o.data[i] = old;
    }
  assert_true(refused > o.size / 8);
  // Large numbers in every aligned word: sizes, offsets and indices.
  for (size_t i = 0; i + 8 <= o.size; i += 4)
    for (int round = 0; round < 3; ++round) {
      uint64_t old, bad = round == 0 ? ~0ull : round == 1 ? 0x7fffffffffffff00 : o.size - 1;
      memcpy(&old, o.data + i, 8);
      memcpy(o.data + i, &bad, 8);
      try_link(machine, o.data, o.size);
      memcpy(o.data + i, &old, 8);
    }
  pj_free(o.data);
}

static void damaged_x86(void **state) {
  if (pj_codegen_available(PJ_ISA_AVX2))
    damage(PJ_ISA_AVX2, PJ_JIT_X86_64);
}

static void damaged_aarch64(void **state) {
  if (pj_codegen_available(PJ_ISA_NEON))
    damage(PJ_ISA_NEON, PJ_JIT_AARCH64);
  else
    print_message("no code generator for aarch64 here\n");
}

// Finds the section header of the first section that |wanted| accepts, to spoil it on purpose.
static Elf64_Shdr *find_section(Object *o, uint32_t type, uint64_t flags) {
  Elf64_Ehdr *header = (Elf64_Ehdr *)(void *)o->data;
  Elf64_Shdr *sections = (Elf64_Shdr *)(void *)(o->data + header->e_shoff);
  for (int i = 1; i < header->e_shnum; ++i)
    if (sections[i].sh_type == type && (sections[i].sh_flags & flags) == flags)
      return &sections[i];
  fail_msg("no such section");
  return NULL;
}

static void unexpected_content(void **state) {
  PjIsa isa = pj_kir_target_host()->isa;
  PjJitMachine machine = isa == PJ_ISA_NEON ? PJ_JIT_AARCH64 : PJ_JIT_X86_64;
  Object o = object_of(isa);
  Elf64_Shdr *text = find_section(&o, SHT_PROGBITS, SHF_EXECINSTR);
  text->sh_flags |= SHF_WRITE;
  assert_false(try_link(machine, o.data, o.size));
  text->sh_flags &= ~(uint64_t)(SHF_WRITE | SHF_EXECINSTR); // the function would lie in data
  assert_false(try_link(machine, o.data, o.size));
  text->sh_flags |= SHF_EXECINSTR;
  text->sh_addralign = 4096;
  assert_false(try_link(machine, o.data, o.size));
  text->sh_addralign = 16;
  assert_true(try_link(machine, o.data, o.size));

  Elf64_Shdr *relocations = find_section(&o, SHT_RELA, 0);
  Elf64_Rela *r = (Elf64_Rela *)(void *)(o.data + relocations->sh_offset);
  Elf64_Rela good = *r;
  r->r_offset = text->sh_size - 3;
  assert_false(try_link(machine, o.data, o.size));
  *r = good;
  r->r_info = ELF64_R_INFO(ELF64_R_SYM(good.r_info), R_X86_64_TPOFF32);
  assert_false(try_link(machine, o.data, o.size));
  *r = good;
  r->r_addend = 1ll << 40;
  assert_false(machine == PJ_JIT_X86_64 && try_link(machine, o.data, o.size));
  *r = good;
  Elf64_Shdr *symbols = find_section(&o, SHT_SYMTAB, 0);
  Elf64_Shdr *strings =
      (Elf64_Shdr *)(void *)(o.data + ((Elf64_Ehdr *)(void *)o.data)->e_shoff) + symbols->sh_link;
  char *name = memmem(o.data + strings->sh_offset, strings->sh_size, "fmod", 5);
  assert_non_null(name);
  memcpy(name, "exit", 4);
  assert_false(try_link(machine, o.data, o.size));
  pj_free(o.data);
}

// Spans in many sizes, kept and freed out of order, keep their bytes, and are executable but not
// writable.
static void fill_and_free(void) {
  enum { COUNT = 600 };
  static PjJitSpan spans[COUNT];
  static uint8_t code[300000];
  uint64_t before = pj_jit_memory_used();
  for (int round = 0; round < 4; ++round) {
    for (int i = 0; i < COUNT; ++i) {
      if (round && i % 3 != round % 3)
        continue;
      uint64_t size = i == 77 ? sizeof code : (uint64_t)(i * 911) % 9000 + 1;
      test_ok(pj_jit_memory_alloc(size, &spans[i]));
      assert_true(spans[i].bytes >= size && (uintptr_t)spans[i].address % 64 == 0);
      memset(code, i + round, size);
      test_ok(pj_jit_memory_fill(&spans[i], code, size));
    }
    for (int i = 0; i < COUNT; ++i) {
      uint64_t size = i == 77 ? sizeof code : (uint64_t)(i * 911) % 9000 + 1;
      uint8_t want = (uint8_t)(i + (i % 3 == 1 && round >= 1   ? (round >= 4 ? 4 : 1)
                                    : i % 3 == 2 && round >= 2 ? 2
                                    : i % 3 == 0 && round >= 3 ? 3
                                                               : 0));
      for (uint64_t at = 0; at < size; at += at + 64 < size ? 61 : 1)
        if (spans[i].address[at] != want)
          fail_msg("round %d, span %d, byte %d: %d, not %d", round, i, (int)at,
                   spans[i].address[at], want);
    }
    for (int i = 0; i < COUNT && round < 3; ++i)
      if (i % 3 == (round + 1) % 3)
        pj_jit_memory_free(&spans[i]);
  }
  FILE *maps = fopen("/proc/self/maps", "r");
  char line[512];
  bool seen = false;
  while (maps && fgets(line, sizeof line, maps)) {
    unsigned long long start, end;
    char rights[8];
    assert_int_equal(sscanf(line, "%llx-%llx %7s", &start, &end, rights), 3);
    assert_false(strchr(rights, 'w') && strchr(rights, 'x'));
    uintptr_t at = (uintptr_t)spans[5].address;
    if (at >= start && at < end) {
      assert_string_equal(rights, "r-xp");
      seen = true;
    }
  }
  assert_true(!maps || seen);
  if (maps)
    fclose(maps);
  for (int i = 0; i < COUNT; ++i)
    pj_jit_memory_free(&spans[i]);
  assert_int_equal(pj_jit_memory_used(), before);
}

static void code_memory(void **state) {
  fill_and_free();
}

// Where no file can be opened the kernel does not write for us: pages are replaced.
static void code_memory_without_files(void **state) {
  struct rlimit old, none;
  assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
  // What is half filled one way may be filled up the other way.
  PjJitSpan first, second;
  static const uint8_t code[100] = {[0] = 1, [99] = 2};
  test_ok(pj_jit_memory_alloc(sizeof code, &first));
  test_ok(pj_jit_memory_fill(&first, code, sizeof code));
  none = (struct rlimit){0, old.rlim_max};
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
  test_ok(pj_jit_memory_alloc(sizeof code, &second));
  test_ok(pj_jit_memory_fill(&second, code, sizeof code));
  fill_and_free();
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
  assert_memory_equal(first.address, code, sizeof code);
  assert_memory_equal(second.address, code, sizeof code);
  pj_jit_memory_free(&first);
  pj_jit_memory_free(&second);
}

int main(void) {
  const struct CMUnitTest with_llvm[] = {
      cmocka_unit_test(damaged_x86),
      cmocka_unit_test(damaged_aarch64),
      cmocka_unit_test(unexpected_content),
      cmocka_unit_test(code_memory),
      cmocka_unit_test(code_memory_without_files),
  };
  const struct CMUnitTest without[] = {cmocka_unit_test(code_memory),
                                       cmocka_unit_test(code_memory_without_files)};
  return pj_codegen_available(pj_kir_target_host()->isa)
             ? cmocka_run_group_tests(with_llvm, NULL, NULL)
             : cmocka_run_group_tests(without, NULL, NULL);
}
