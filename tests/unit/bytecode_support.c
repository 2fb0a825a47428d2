// Helpers of the bytecode tests.
#include "bytecode_support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "ir/equal.h"
#include "ir/fingerprint.h"
#include "ir/print.h"
#include "ir/verify.h"

const char test_program[] =
    "module @everything attributes {mhlo.num_partitions = 1 : i32} {\n"
    "  func.func public @main(%arg0: tensor<2x3xf32> {jax.buffer_donor = true}, %arg1: "
    "tensor<3x?xf32>,\n"
    "      %arg2: tensor<i1>) -> (tensor<2x3xf32> {jax.result_info = \"out\"}) {\n"
    "    %0 = stablehlo.constant dense<[[1.0, 2.0, 3.0], [4.0, -5.0, 6.5]]> : tensor<2x3xf32>\n"
    "    %1 = stablehlo.constant dense<[true, false, true, true, false, true, false, false, true]> "
    ": tensor<9xi1>\n"
    "    %2 = stablehlo.constant dense<[-2, 7, -8]> : tensor<3xi4>\n"
    "    %3 = stablehlo.constant dense<(1.5, -2.5)> : tensor<4xcomplex<f32>>\n"
    "    %4 = stablehlo.constant dense<> : tensor<0x3xui16>\n"
    "    %5 = stablehlo.constant dense<1.0> : tensor<f32>\n"
    "    %6 = stablehlo.dot_general %arg0, %arg1, contracting_dims = [1] x [0], precision = "
    "[HIGHEST, DEFAULT]\n"
    "        : (tensor<2x3xf32>, tensor<3x?xf32>) -> tensor<2x?xf32>\n"
    "    %7 = stablehlo.reduce(%0 init: %5) applies stablehlo.add across dimensions = [1]\n"
    "        : (tensor<2x3xf32>, tensor<f32>) -> tensor<2xf32>\n"
    "    %8 = \"stablehlo.if\"(%arg2) ({\n"
    "      %t = stablehlo.tanh %0 : tensor<2x3xf32>\n"
    "      stablehlo.return %t : tensor<2x3xf32>\n"
    "    }, {\n"
    "      %w = func.call @helper(%arg0) : (tensor<2x3xf32>) -> tensor<2x3xf32>\n"
    "      stablehlo.return %w : tensor<2x3xf32>\n"
    "    }) : (tensor<i1>) -> tensor<2x3xf32>\n"
    "    %9 = stablehlo.custom_call @target(%8) {backend_config = \"opaque\", has_side_effect = "
    "true,\n"
    "        operand_layouts = [dense<[1, 0]> : tensor<2xindex>], result_layouts = [dense<[1, 0]> "
    ": tensor<2xindex>],\n"
    "        mhlo.frontend_attributes = {a = \"b\", n = 3 : i64, f = -1.5 : f64, l = [1 : i8, "
    "true]}}\n"
    "        : (tensor<2x3xf32>) -> tensor<2x3xf32>\n"
    "    %10 = stablehlo.compare LT, %8, %9, FLOAT : (tensor<2x3xf32>, tensor<2x3xf32>) -> "
    "tensor<2x3xi1>\n"
    "    %11 = stablehlo.slice %9 [0:2, 0:3] : (tensor<2x3xf32>) -> tensor<2x3xf32>\n"
    "    %12 = stablehlo.select %10, %8, %11 : tensor<2x3xi1>, tensor<2x3xf32>\n"
    "    return %12 : tensor<2x3xf32>\n"
    "  }\n"
    "  func.func private @helper(%arg0: tensor<2x3xf32>) -> tensor<2x3xf32> {\n"
    "    %0 = \"stablehlo.all_reduce\"(%arg0) ({\n"
    "    ^bb0(%a: tensor<f32>, %b: tensor<f32>):\n"
    "      %s = stablehlo.add %a, %b : tensor<f32>\n"
    "      stablehlo.return %s : tensor<f32>\n"
    "    }) {replica_groups = dense<[[0, 1], [2, -1]]> : tensor<2x2xi64>,\n"
    "        channel_handle = #stablehlo.channel_handle<handle = 1, type = 0>} : (tensor<2x3xf32>) "
    "-> tensor<2x3xf32>\n"
    "    return %0 : tensor<2x3xf32>\n"
    "  }\n"
    "}\n";

typedef struct Guarded {
  PjArena *arena;
  PjStatus (*body)(PjArena *arena, void *ctx);
  void *ctx;
} Guarded;

static PjStatus run_guarded(void *ctx) {
  Guarded *g = ctx;
  return g->body(g->arena, g->ctx);
}

PjStatus test_with_arena(size_t limit, PjStatus (*body)(PjArena *arena, void *ctx), void *ctx) {
  Guarded g = {NULL, body, ctx};
  PjStatus status = pj_arena_create(limit, &g.arena);
  if (!status)
    status = pj_arena_guard(g.arena, run_guarded, &g);
  pj_arena_destroy(g.arena);
  return status;
}

typedef struct Make {
  const char *text;
  PjVersion target;
  PjTestBytes *out;
} Make;

static PjTestBytes take(PjStrBuf *buf) {
  PjTestBytes bytes = {malloc(buf->len ? buf->len : 1), buf->len};
  assert_non_null(bytes.data);
  memcpy(bytes.data, buf->data, buf->len);
  pj_strbuf_free(buf);
  return bytes;
}

static PjStatus make(PjArena *arena, void *ctx) {
  Make *m = ctx;
  PjModule *module;
  PjStrBuf out = {0};
  PJ_TRY(pj_text_parse(arena, m->text, strlen(m->text), NULL, &module));
  PJ_TRY(pj_bytecode_write(module, m->target, &out));
  *m->out = take(&out);
  return PJ_STATUS_OK;
}

PjTestBytes test_artifact(const char *text, PjVersion target) {
  PjTestBytes bytes = {0};
  Make m = {text, target, &bytes};
  PjStatus status = test_with_arena(0, make, &m);
  if (status)
    fail_msg("%s", pj_status_message(status));
  return bytes;
}

typedef struct Read {
  PjTestBytes bytes;
  bool rewrite;
  PjStrBuf printed, written, difference; // here, since an exhausted arena leaves read_and_check
} Read;

static PjStatus read_and_check(PjArena *arena, void *ctx) {
  Read *r = ctx;
  PjModule *module, *again;
  PJ_TRY(pj_bytecode_read(arena, r->bytes.data, r->bytes.size, &module));
  if (!r->rewrite)
    return PJ_STATUS_OK;
  PJ_TRY(pj_verify(module));
  pj_module_number(module);
  pj_module_print(&r->printed, module, NULL);
  PJ_TRY(pj_strbuf_status(&r->printed));
  PJ_TRY(pj_bytecode_write(module, pj_version_current, &r->written));
  PJ_TRY(pj_bytecode_read(arena, r->written.data, r->written.len, &again));
  pj_module_number(again);
  PjFingerprint first = pj_module_fingerprint(module), second = pj_module_fingerprint(again);
  if (!pj_module_compare(module, again, &r->difference))
    return PJ_ERROR(INTERNAL, "changed when written and read again: %s", r->difference.data);
  PJ_FAIL_IF(memcmp(&first, &second, sizeof first) != 0, INTERNAL,
             "equal, but for the fingerprint");
  return PJ_STATUS_OK;
}

PjStatus test_read(PjTestBytes bytes, size_t limit, bool rewrite) {
  Read r = {.bytes = bytes, .rewrite = rewrite};
  PjStatus status = test_with_arena(limit, read_and_check, &r);
  pj_strbuf_free(&r.printed);
  pj_strbuf_free(&r.written);
  pj_strbuf_free(&r.difference);
  return status;
}

PjTestBytes test_load(const char *path) {
  PjTestBytes bytes = {0};
  FILE *f = fopen(path, "rb");
  if (!f)
    return bytes;
  fseek(f, 0, SEEK_END);
  long size = ftell(f);
  rewind(f);
  bytes.data = malloc((size_t)size + 1);
  if (bytes.data)
    bytes.size = fread(bytes.data, 1, (size_t)size, f);
  fclose(f);
  return bytes;
}

const char *test_suite(const char *name, char *out, size_t size) {
  const char *root = getenv("STABLEHLO_SUITE");
  if (root)
    snprintf(out, size, "%s/../%s", root, name);
  else
    snprintf(out, size, "%s/../shared/suites/%s", PJ_SOURCE_DIR, name);
  if (!access(out, R_OK))
    return out;
  printf("skipped: no suite at %s\n", out);
  return NULL;
}
