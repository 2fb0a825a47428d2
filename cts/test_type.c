// Element types: each goes up and down, through programs, and is computed with.
#include "array.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

// All values of small types, samples of the large ones.
static PjCtsArray samples(const PjCtsType *type) {
  PjCtsArray a = {.type = type, .rank = 1};
  a.count = type->bits <= 8 && type->class != PJ_BOOL ? (size_t)1 << type->bits : 64;
  a.dims[0] = (int64_t)a.count;
  a.data = calloc(a.count, (size_t)type->host_bytes);
  uint64_t state = 88172645463325252u;
  for (size_t i = 0; i < a.count; i++) {
    unsigned char *at = a.data + i * (size_t)type->host_bytes;
    if (type->class == PJ_BOOL) {
      at[0] = i % 3 == 0;
    } else if (type->bits <= 8 && type->class == PJ_INT) {
      int value = (int)i - (1 << (type->bits - 1));
      at[0] = (unsigned char)value;
    } else if (type->bits <= 8) {
      at[0] = (unsigned char)i;
    } else {
      for (int b = 0; b < type->host_bytes; b += 4) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        size_t n = type->host_bytes - b < 4 ? (size_t)(type->host_bytes - b) : 4;
        memcpy(at + b, &state, n);
      }
    }
  }
  return a;
}

// A type that came late, or is rare, may be refused; the others may not.
static PJRT_Buffer *upload_type(const PjCtsArray *a) {
  ARGS(Client_BufferFromHostBuffer, args, .client = client, .data = a->data, .type = a->type->type,
       .dims = a->dims, .num_dims = a->rank, .device = device);
  PJRT_Error *error = CALL(Client_BufferFromHostBuffer, args);
  if (error && !a->type->old) {
    const char *text = pj_error_text(error);
    pj_not_offered("buffers of %s: %s", a->type->name, text);
  }
  pj_expect_ok(PJ_SLOT_Client_BufferFromHostBuffer, error, __FILE__, __LINE__);
  await_ok(args.done_with_host_buffer, "the upload");
  return args.buffer;
}

static PJRT_LoadedExecutable *compile_type(const PjCtsType *type, const char *text) {
  size_t size;
  const char *options = compile_options(1, 1, &size);
  PJRT_LoadedExecutable *loaded;
  PJRT_Error *error = try_compile(text, strlen(text), "mlir", options, size, &loaded);
  if (error && !type->old) {
    const char *message = pj_error_text(error);
    pj_not_offered("programs with %s: %s", type->name, message);
  }
  pj_expect_ok(PJ_SLOT_Client_Compile, error, __FILE__, __LINE__);
  return loaded;
}

static void same_bits(PJRT_Buffer *buffer, const PjCtsArray *want, const char *what) {
  PjCtsArray got = pj_cts_download(buffer, want, what);
  size_t size = (size_t)want->type->host_bytes;
  for (size_t i = 0; i < want->count; i++)
    for (size_t b = 0; b < size; b++) {
      unsigned mask = want->type->bits < 8 ? (1u << want->type->bits) - 1 : 0xff;
      CHECK((got.data[i * size + b] & mask) == (want->data[i * size + b] & mask),
            "%s: byte %zu of element %zu is %02x, not %02x", what, b, i, got.data[i * size + b],
            want->data[i * size + b]);
    }
  free(got.data);
}

static void type_round_trip(const PjCtsType *type) {
  PjCtsArray a = samples(type);
  PJRT_Buffer *b = upload_type(&a);
  same_bits(b, &a, "up and down");
  destroy_buffer(b);
}

static void type_identity(const PjCtsType *type) {
  PjCtsArray a = samples(type);
  char text[512];
  snprintf(text, sizeof text,
           "func.func public @main(%%a: tensor<%zux%s>) -> tensor<%zux%s> {\n"
           "  %%0 = stablehlo.reverse %%a, dims = [0] : tensor<%zux%s>\n"
           "  %%1 = stablehlo.reverse %%0, dims = [0] : tensor<%zux%s>\n"
           "  return %%1 : tensor<%zux%s>\n}\n",
           a.count, type->mlir, a.count, type->mlir, a.count, type->mlir, a.count, type->mlir,
           a.count, type->mlir);
  PJRT_Buffer *in = upload_type(&a), *out;
  PJRT_LoadedExecutable *loaded = compile_type(type, text);
  execute(loaded, 1, &in, &out);
  same_bits(out, &a, "through a program");
  destroy_buffer(in);
  destroy_buffer(out);
  destroy_loaded(loaded);
}

static const char convert_text[] =
    "func.func public @main(%%a: tensor<%zux%s>) -> tensor<%zux%s> {\n"
    "  %%0 = stablehlo.convert %%a : (tensor<%zux%s>) -> "
    "tensor<%zux%s>\n"
    "  return %%0 : tensor<%zux%s>\n}\n";

static PJRT_Buffer *converted(const PjCtsArray *from, const PjCtsType *to, const PjCtsType *rare) {
  char text[512];
  snprintf(text, sizeof text, convert_text, from->count, from->type->mlir, from->count, to->mlir,
           from->count, from->type->mlir, from->count, to->mlir, from->count, to->mlir);
  PJRT_Buffer *in = upload_type(from), *out;
  PJRT_LoadedExecutable *loaded = compile_type(rare, text);
  execute(loaded, 1, &in, &out);
  destroy_buffer(in);
  destroy_loaded(loaded);
  return out;
}

static void type_to_f64(const PjCtsType *type) {
  const PjCtsType *f64 = pj_cts_type_named("f64", 3);
  PjCtsArray a = samples(type);
  PjCtsArray want = {.type = f64, .rank = 1, .count = a.count, .dims = {(int64_t)a.count}};
  want.data = calloc(a.count, 8);
  for (size_t i = 0; i < a.count; i++) {
    uint64_t bits = 0;
    memcpy(&bits, a.data + i * (size_t)type->host_bytes, (size_t)type->host_bytes);
    double value = pj_cts_decode(type, bits);
    memcpy(want.data + 8 * i, &value, 8);
  }
  PJRT_Buffer *out = converted(&a, f64, type);
  PjCtsArray got = pj_cts_download(out, &want, "the conversion to f64");
  // Values are the same; only denormal ones may have become zero.
  double normal = ldexp(1, 1 - type->bias);
  for (size_t i = 0; i < want.count; i++) {
    double *x = (double *)(void *)got.data + i, y = ((const double *)(const void *)want.data)[i];
    if (type->class == PJ_FLOAT && *x == 0 && fabs(y) < normal)
      *x = y;
  }
  pj_cts_compare(&got, &want, 0, "the conversion to f64");
}

static void type_from_f32(const PjCtsType *type) {
  static const double values[] = {0,      1,      -1,  2,      3,      -3,   5,      7,
                                  0.5,    1.5,    2.5, -2.5,   1.25,   6,    -7,     1.75,
                                  0.75,   4,      -4,  1.0625, 1.1875, 3.25, 0.3125, 2.75,
                                  -0.375, 0.4375, 5.5, 3.5,    1.375,  2.125};
  enum { COUNT = sizeof values / sizeof *values };
  const PjCtsType *f32 = pj_cts_type_named("f32", 3);
  PjCtsArray a = {.type = f32, .rank = 1, .count = COUNT, .dims = {COUNT}};
  PjCtsArray want = {.type = type, .rank = 1, .count = COUNT, .dims = {COUNT}};
  a.data = calloc(COUNT, 4);
  want.data = calloc(COUNT, (size_t)type->host_bytes);
  size_t part = (size_t)type->host_bytes / (type->class == PJ_COMPLEX ? 2 : 1);
  for (size_t i = 0; i < COUNT; i++) {
    double value = values[i];
    if (type->class == PJ_UINT && value < 0)
      value = -value;
    if (type->class == PJ_FLOAT && type->mantissa == 0) // a power of two
      value = value == 0 ? 1 : ldexp(1, ilogb(value));
    if (type->bits < 8 && type->class != PJ_FLOAT) // within every range
      value = (double)((int)value & 1);
    float single = (float)value;
    memcpy(a.data + 4 * i, &single, 4);
    uint64_t bits = pj_cts_encode(type, value);
    memcpy(want.data + i * (size_t)type->host_bytes, &bits, part);
  }
  PJRT_Buffer *out = converted(&a, type, type);
  PjCtsArray got = pj_cts_download(out, &want, "the conversion from f32");
  pj_cts_compare(&got, &want, 0, "the conversion from f32");
}

// Operands of |count| numbers each, and what becomes of them. Complex ones have the same numbers,
// turned around, as imaginary parts.
enum { PAIRS = 16 };

static void put(PjCtsArray *a, size_t index, double value) {
  uint64_t bits = pj_cts_encode(a->type, value);
  size_t parts = a->type->class == PJ_COMPLEX ? 2 : 1, size = (size_t)a->type->host_bytes / parts;
  memcpy(a->data + index * size, &bits, size);
}

static PjCtsArray pairs_of(const PjCtsType *type) {
  PjCtsArray a = {.type = type, .rank = 1, .count = PAIRS, .dims = {PAIRS}};
  a.data = calloc(PAIRS, (size_t)type->host_bytes);
  return a;
}

// The number of the type that |value| stands for: integers wrap around.
static double within(const PjCtsType *type, double value) {
  if (type->class == PJ_BOOL)
    return value != 0;
  if (type->class == PJ_INT || type->class == PJ_UINT) {
    int unused = 64 - type->bits;
    uint64_t bits = (uint64_t)(int64_t)value << unused;
    return type->class == PJ_INT ? (double)((int64_t)bits >> unused) : (double)(bits >> unused);
  }
  return pj_cts_decode(type, pj_cts_encode(type, value));
}

static void operands(const PjCtsType *type, double *a, double *b) {
  static const double integers[2][PAIRS] = {
      {0, 1, 2, 3, 5, 7, 100, 200, 11, 0, 1, 27, 3, 64, 90, 127},
      {0, 2, 1, 4, 5, 3, 27, 100, 11, 7, 1, 0, 200, 64, 3, 1}};
  static const double floats[2][PAIRS] = {
      {0, 1, 0.5, 1.5, 2, 3, -1, -0.5, -2, 1.5, 0.5, 3, 256, 1, 0, -3},
      {0, 0.5, 0.5, 1.5, 3, 2, 0.5, -1, 1.5, -1.5, 3, -0.5, 1.5, 1, -1, 0.5}};
  bool integer = type->class != PJ_FLOAT && type->class != PJ_COMPLEX;
  for (int i = 0; i < PAIRS; i++) {
    double x = integer ? integers[0][i] : floats[0][i], y = integer ? integers[1][i] : floats[1][i];
    if (type->class == PJ_INT && i % 3 == 1) // signs of each kind
      x = -x;
    if (type->class == PJ_INT && i % 4 == 2)
      y = -y;
    if (type->class == PJ_FLOAT &&
        type->mantissa == 0) // powers of two: a sum is one if both are equal
      x = y = ldexp(1, i - PAIRS / 2);
    if (type->bits < 16 && !integer && (x == 256 || fabs(x * y) > 5)) // within all ranges
      x = y = 1;
    a[i] = within(type, x);
    b[i] = within(type, y);
  }
}

static void type_arithmetic(const PjCtsType *type) {
  bool complex = type->class == PJ_COMPLEX, pred = type->class == PJ_BOOL;
  double a[PAIRS], b[PAIRS];
  operands(type, a, b);
  PjCtsArray x = pairs_of(type), y = pairs_of(type), sum = pairs_of(type), product = pairs_of(type),
             less = pairs_of(pj_cts_type_named("pred", 4));
  for (size_t i = 0; i < PAIRS; i++) {
    if (complex) {
      size_t k = PAIRS - 1 - i; // (a + ci)(b + di)
      double c = a[k], d = b[k];
      put(&x, 2 * i, a[i]), put(&x, 2 * i + 1, c);
      put(&y, 2 * i, b[i]), put(&y, 2 * i + 1, d);
      put(&sum, 2 * i, a[i] + b[i]), put(&sum, 2 * i + 1, c + d);
      put(&product, 2 * i, a[i] * b[i] - c * d), put(&product, 2 * i + 1, a[i] * d + c * b[i]);
      less.data[i] = a[i] == b[i] && c == d;
      continue;
    }
    put(&x, i, a[i]), put(&y, i, b[i]);
    put(&sum, i, within(type, a[i] + b[i]));
    put(&product, i, within(type, a[i] * b[i]));
    less.data[i] = a[i] < b[i];
  }
  char text[1024];
  snprintf(text, sizeof text,
           "func.func public @main(%%a: tensor<16x%s>, %%b: tensor<16x%s>) -> (tensor<16x%s>, "
           "tensor<16x%s>, tensor<16xi1>) {\n"
           "  %%0 = stablehlo.add %%a, %%b : tensor<16x%s>\n"
           "  %%1 = stablehlo.multiply %%a, %%b : tensor<16x%s>\n"
           "  %%2 = stablehlo.compare %s, %%a, %%b : (tensor<16x%s>, tensor<16x%s>) -> "
           "tensor<16xi1>\n"
           "  return %%0, %%1, %%2 : tensor<16x%s>, tensor<16x%s>, tensor<16xi1>\n}\n",
           type->mlir, type->mlir, type->mlir, type->mlir, type->mlir, type->mlir,
           complex ? "EQ" : "LT", type->mlir, type->mlir, type->mlir, type->mlir);
  PJRT_Buffer *in[2] = {upload_type(&x), upload_type(&y)}, *out[3];
  PJRT_LoadedExecutable *loaded = compile_type(type, text);
  execute(loaded, 2, in, out);
  const PjCtsArray *const want[3] = {&sum, &product, &less};
  const char *const what[3] = {pred ? "or" : "the sum", pred ? "and" : "the product",
                               complex ? "whether they are equal" : "whether the first is less"};
  for (int i = 0; i < 3; i++) {
    PjCtsArray got = pj_cts_download(out[i], want[i], what[i]);
    pj_cts_compare(&got, want[i], 0, what[i]);
    destroy_buffer(out[i]);
  }
  destroy_buffer(in[0]);
  destroy_buffer(in[1]);
  destroy_loaded(loaded);
}

static const struct {
  const char *name, *promise;
  void (*run)(const PjCtsType *);
  bool complex;
} kinds[] = {
    {"round_trip", "elements of the type come back as they went", type_round_trip, true},
    {"program", "elements of the type pass through a program unchanged", type_identity, true},
    {"to_f64", "every value of the type has its value in f64", type_to_f64, false},
    {"arithmetic", "sums, products and comparisons are those of the type", type_arithmetic, true},
    {"from_f32", "f32 is rounded to nearest, ties to even", type_from_f32, true},
};
enum { NUM_KINDS = sizeof kinds / sizeof *kinds };

static void run_type(size_t row) {
  start();
  kinds[row % NUM_KINDS].run(&pj_cts_types[row / NUM_KINDS]);
}

bool pj_cts_type_test(size_t row, PjCtsTest *out) {
  static char names[64 * NUM_KINDS][48];
  if (row >= pj_cts_num_types * NUM_KINDS)
    return false;
  const PjCtsType *type = &pj_cts_types[row / NUM_KINDS];
  snprintf(names[row], sizeof names[row], "type.%s.%s", type->name, kinds[row % NUM_KINDS].name);
  *out = (PjCtsTest){.name = names[row],
                     .promise = kinds[row % NUM_KINDS].promise,
                     .run_row = run_type,
                     .row = row};
  if (type->class == PJ_COMPLEX && !kinds[row % NUM_KINDS].complex) // a complex number is no f64
    out->name = NULL;
  return true;
}
