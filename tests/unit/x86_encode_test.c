// The encodings of our own code generator, against those of an assembler.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "emit/x86/encode.h"

typedef enum Kind { REG, MEM, SIB } Kind;

typedef struct Case {
  const char *text, *bytes;
  size_t length;
  uint32_t enc;
  int size, k;
  bool zeroing;
  int reg, vvvv;
  Kind kind;
  int operand, imm;
} Case;

static const Case cases[] = {
#define ENCODING(text, bytes, enc, size, k, zeroing, reg, vvvv, kind, operand, imm) \
  {text, bytes, sizeof bytes - 1, enc, size, k, zeroing, reg, vvvv, kind, operand, imm},
#include "x86_encode.def"
#undef ENCODING
};

static Rm operand(const Case *c) {
  if (c->kind == REG)
    return enc_reg_rm(c->operand);
  return (Rm){RM_MEM, 0, c->kind == MEM ? 2 : 13, c->kind == MEM ? -1 : 14, 2, c->operand, 0};
}

static PjStatus encode_all(void *context) {
  X86Fn f = {.arena = context, .vector_bytes = 64};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    const Case *c = &cases[i];
    X86Bytes out = {0};
    Enc e = {.f = &f, .out = &out};
    Rm rm = operand(c);
    enc_masked(&e, c->enc, c->size, (EncLanes){c->k, c->zeroing}, c->reg, c->vvvv, &rm,
               c->imm >= 0);
    if (c->imm >= 0)
      enc_byte(&e, c->imm);
    if (out.len == c->length && !memcmp(out.data, c->bytes, out.len))
      continue;
    char hex[64] = "";
    for (size_t n = 0; n < out.len && n < 16; ++n)
      sprintf(hex + 3 * n, "%02x ", out.data[n]);
    print_error("%s: %s\n", c->text, hex);
    fail();
  }
  return NULL;
}

static void encodings(void **state) {
  (void)state;
  PjArena *arena;
  assert_null(pj_arena_create(0, &arena));
  assert_null(pj_arena_guard(arena, encode_all, arena));
  pj_arena_destroy(arena);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(encodings)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
