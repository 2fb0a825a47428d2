// Programs of format "hlo".
#include "kit.h"

#include <stdio.h>
#include <stdlib.h>

// HloModuleProto {name 1, entry_computation_name 2, computations 3, host_program_shape 4, id 5,
// entry_computation_id 6}, which torch_xla sends. Made here, for no tool of the kit writes it.

typedef struct Bytes {
  unsigned char data[512];
  size_t size;
} Bytes;

static void put_number(Bytes *out, int field, unsigned value) {
  out->data[out->size++] = (unsigned char)(field << 3);
  out->data[out->size++] = (unsigned char)value; // below 128
}

static void put_bytes(Bytes *out, int field, const void *data, size_t size) {
  CHECK(size < 128 * 128, "the kit's own fault: a long field");
  out->data[out->size++] = (unsigned char)(field << 3 | 2);
  if (size >= 128)
    out->data[out->size++] = (unsigned char)(size & 127) | 128;
  out->data[out->size++] = (unsigned char)(size < 128 ? size : size >> 7);
  memcpy(out->data + out->size, data, size);
  out->size += size;
}

static void put_text(Bytes *out, int field, const char *text) {
  put_bytes(out, field, text, strlen(text));
}

// ShapeProto {element_type 2, dimensions 3, layout 5 {minor_to_major 1}} of f32[4].
static const unsigned char f32_4[] = {0x10, 11, 0x1a, 1, 4, 0x2a, 3, 0x0a, 1, 0};

// HloInstructionProto {name 1, opcode 2, shape 3, parameter_number 9, id 35, operand_ids 36}.
static Bytes instruction(const char *opcode, int id, int parameter) {
  Bytes out = {0};
  char name[32];
  snprintf(name, sizeof name, "%s.%d", opcode, id);
  put_text(&out, 1, name);
  put_text(&out, 2, opcode);
  put_bytes(&out, 3, f32_4, sizeof f32_4);
  if (parameter >= 0) {
    put_number(&out, 9, (unsigned)parameter);
  } else {
    const unsigned char operands[] = {0xa2, 0x02, 2, 1, 2};
    memcpy(out.data + out.size, operands, sizeof operands);
    out.size += sizeof operands;
  }
  const unsigned char number[] = {0x98, 0x02, (unsigned char)id};
  memcpy(out.data + out.size, number, sizeof number);
  out.size += sizeof number;
  return out;
}

// f32[4] + f32[4].
static Bytes hlo_add(void) {
  Bytes computation = {0}, signature = {0}, module = {0};
  put_bytes(&signature, 1, f32_4, sizeof f32_4);
  put_bytes(&signature, 1, f32_4, sizeof f32_4);
  put_bytes(&signature, 2, f32_4, sizeof f32_4);
  put_text(&signature, 3, "a");
  put_text(&signature, 3, "b");
  put_text(&computation, 1, "main.4");
  for (int i = 0; i < 3; i++) {
    Bytes one = instruction(i < 2 ? "parameter" : "add", i + 1, i < 2 ? i : -1);
    put_bytes(&computation, 2, one.data, one.size);
  }
  put_bytes(&computation, 4, signature.data, signature.size);
  put_number(&computation, 5, 4);
  put_number(&computation, 6, 3);
  put_text(&module, 1, "adds");
  put_text(&module, 2, "main.4");
  put_bytes(&module, 3, computation.data, computation.size);
  put_bytes(&module, 4, signature.data, signature.size);
  put_number(&module, 5, 4);
  put_number(&module, 6, 4);
  return module;
}

static void hlo(void) {
  start();
  Bytes module = hlo_add();
  size_t size;
  const char *options = compile_options(1, 1, &size);
  PJRT_LoadedExecutable *loaded;
  PJRT_Error *error =
      try_compile((const char *)module.data, module.size, "hlo", options, size, &loaded);
  if (error) {
    PJRT_Error_Code code = pj_error_code(error);
    const char *message = pj_error_text(error);
    CHECK(code == PJRT_Error_Code_UNIMPLEMENTED || code == PJRT_Error_Code_INVALID_ARGUMENT,
          "a program of format 'hlo': %s: %s", pj_code_text(code), message);
    CHECK(*message, "a program of format 'hlo': an error without a message");
    pj_not_offered("programs of format 'hlo': %s: %s", pj_code_text(code), message);
  }
  PJRT_Buffer *a = make_f32(4, (float[]){1, 2, 3, 4}), *b = make_f32(4, (float[]){5, 6, 7, 9});
  PJRT_Buffer *out;
  execute(loaded, 2, (PJRT_Buffer *[]){a, b}, &out);
  expect_f32(out, 4, (float[]){6, 8, 10, 13}, "the sum");
  destroy_buffer(a);
  destroy_buffer(b);
  destroy_buffer(out);
  destroy_loaded(loaded);
  stop();
}

static void hlo_harmless(const void *code, size_t code_size) {
  size_t size;
  const char *options = compile_options(1, 1, &size);
  PJRT_LoadedExecutable *loaded;
  PJRT_Error *error = try_compile(code, code_size, "hlo", options, size, &loaded);
  if (!error) {
    destroy_loaded(loaded);
    return;
  }
  CHECK(*pj_error_text(error), "an error without a message");
  pj_error_free(error);
}

static void hlo_damaged(void) {
  start();
  Bytes module = hlo_add();
  for (size_t i = 0; i < module.size; i++) {
    Bytes copy = module;
    copy.data[i] ^= (unsigned char)(i % 3 ? 0x85 : 0x24);
    hlo_harmless(copy.data, copy.size);
  }
  destroy_loaded(compile(program_add));
  stop();
}

static void hlo_cut(void) {
  start();
  Bytes module = hlo_add();
  for (size_t size = 0; size < module.size; size++)
    hlo_harmless(module.data, size);
  stop();
}

static void hlo_text(void) {
  static const char code[] = "HloModule adds\n\nENTRY %main (a: f32[4]) -> f32[4] {\n"
                             "  ROOT %a = f32[4]{0} parameter(0)\n}\n";
  start();
  size_t size;
  const char *options = compile_options(1, 1, &size);
  PJRT_LoadedExecutable *loaded;
  pj_expect_error(-1, try_compile(code, sizeof code - 1, "hlo", options, size, &loaded),
                  PJRT_Error_Code_OK, "compiling HLO as text, where bytes are due", __FILE__,
                  __LINE__);
  stop();
}

const PjCtsTest pj_cts_hlo_tests[] = {
    {"compile.hlo", "a program of format 'hlo' runs, or is refused in so many words", hlo},
    {"compile.hlo.damaged", "a damaged HLO program does no harm", hlo_damaged},
    {"compile.hlo.cut", "an HLO program that ends early does no harm", hlo_cut},
    {"compile.hlo.text", "HLO as text is an error", hlo_text},
    {0}};
