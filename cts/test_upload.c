// From host memory to a buffer: semantics, strides, sizes.
#include "array.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { MANY = 1 << 16 };

static PJRT_Buffer *upload(const void *data, size_t count, Semantics semantics, PJRT_Event **done) {
  int64_t dims[1] = {(int64_t)count};
  ARGS(Client_BufferFromHostBuffer, args, .client = client, .data = data,
       .type = PJRT_Buffer_Type_S32, .dims = dims, .num_dims = 1, .device = device);
  args.host_buffer_semantics = (PJRT_HostBufferSemantics)semantics;
  OK(Client_BufferFromHostBuffer, args);
  dims[0] = -1; // what is passed in lives until the call returns
  CHECK(args.buffer, "no buffer");
  *done = args.done_with_host_buffer;
  return args.buffer;
}

static int32_t *counting(size_t count) {
  int32_t *data = aligned_alloc(64, (count * sizeof *data + 63) / 64 * 64);
  for (size_t i = 0; i < count; i++)
    data[i] = (int32_t)i;
  return data;
}

static void expect_counting(PJRT_Buffer *buffer, size_t count, const char *what) {
  int32_t *got = malloc(count * sizeof *got);
  read_buffer(buffer, got, count * sizeof *got);
  for (size_t i = 0; i < count; i++)
    CHECK(got[i] == (int32_t)i, "%s: element %zu is %d", what, i, got[i]);
  free(got);
}

static void during_call(void) {
  start();
  int32_t *data = counting(MANY);
  PJRT_Event *done;
  PJRT_Buffer *b = upload(data, MANY, DURING_CALL, &done);
  memset(data, 0xee, MANY * sizeof *data);
  await_ok(done, "the upload");
  expect_counting(b, MANY, "host memory was changed after the call");
  destroy_buffer(b);
  free(data);
  stop();
}

static void until_transfer(void) {
  start();
  int32_t *data = counting(MANY);
  PJRT_Event *done;
  PJRT_Buffer *b = upload(data, MANY, UNTIL_TRANSFER, &done);
  await_ok(done, "the upload");
  memset(data, 0xee, MANY * sizeof *data);
  expect_counting(b, MANY, "host memory was changed after the event");
  destroy_buffer(b);
  free(data);
  stop();
}

static void zero_copy(Semantics semantics) {
  start();
  int32_t *data = counting(MANY);
  PJRT_Event *done;
  PJRT_Buffer *b = upload(data, MANY, semantics, &done);
  expect_counting(b, MANY, "a zero-copy upload");
  if (!done || is_ready(done)) { // then the host may do with its memory what it likes
    memset(data, 0xee, MANY * sizeof *data);
    expect_counting(b, MANY, "host memory was changed after the event");
  }
  destroy_buffer(b);
  await_ok(done, "an upload whose buffer is gone"); // at the latest now
  memset(data, 0xee, MANY * sizeof *data);
  free(data);
  stop();
}

static void immutable_zero_copy(void) {
  zero_copy(ZERO_COPY);
}
static void mutable_zero_copy(void) {
  zero_copy(MUTABLE_ZERO_COPY);
}

// The host's memory is the host's: nothing may be written to it, whatever runs on the buffer.
static void zero_copy_unwritten(void) {
  start();
  PJRT_LoadedExecutable *loaded = compile(program_donate);
  static float data[4] __attribute__((aligned(64))) = {1, 2, 3, 4};
  ARGS(Client_BufferFromHostBuffer, args, .client = client, .data = data,
       .type = PJRT_Buffer_Type_F32, .dims = (int64_t[]){4}, .num_dims = 1, .device = device);
  args.host_buffer_semantics = PJRT_HostBufferSemantics_kImmutableZeroCopy;
  OK(Client_BufferFromHostBuffer, args);
  PJRT_Buffer *out;
  execute(loaded, 1, &args.buffer, &out);
  expect_f32(out, 4, (float[]){2, 4, 6, 8}, "the result of a donated zero-copy buffer");
  for (int i = 0; i < 4; i++)
    CHECK(data[i] == (float)(i + 1), "the plugin wrote to immutable host memory");
  destroy_buffer(args.buffer);
  destroy_buffer(out);
  await_ok(args.done_with_host_buffer, "the upload");
  destroy_loaded(loaded);
  stop();
}

// Uploads an array of |rank| with byte strides from |base| and checks it against the formula of
// strides.
static void strided(const void *base, size_t rank, const int64_t *dims, const int64_t *strides,
                    const char *what) {
  start();
  ARGS(Client_BufferFromHostBuffer, args, .client = client, .data = base,
       .type = PJRT_Buffer_Type_S32, .dims = dims, .num_dims = rank, .byte_strides = strides,
       .num_byte_strides = rank, .device = device);
  OK(Client_BufferFromHostBuffer, args);
  await_ok(args.done_with_host_buffer, "the upload");
  size_t count = 1;
  for (size_t i = 0; i < rank; i++)
    count *= (size_t)dims[i];
  int32_t *got = calloc(count + 1, sizeof *got);
  read_buffer(args.buffer, got, count * sizeof *got);
  for (size_t i = 0; i < count; i++) {
    int64_t offset = 0;
    size_t rest = i;
    for (size_t d = rank; d-- > 0; rest /= (size_t)dims[d])
      offset += (int64_t)(rest % (size_t)dims[d]) * strides[d];
    int32_t want;
    memcpy(&want, (const char *)base + offset, sizeof want);
    CHECK(got[i] == want, "%s: element %zu is %d, not %d", what, i, got[i], want);
  }
  destroy_buffer(args.buffer);
  stop();
}

static void strides_column(void) {
  strided(counting(12), 2, (int64_t[]){3, 4}, (int64_t[]){4, 12}, "column-major");
}
static void strides_permuted(void) {
  strided(counting(60), 3, (int64_t[]){3, 4, 5}, (int64_t[]){4, 60, 12}, "permuted");
}
static void strides_negative(void) {
  strided(counting(12) + 11, 2, (int64_t[]){3, 4}, (int64_t[]){-16, -4}, "reversed");
}
static void strides_broadcast(void) {
  strided(counting(4), 2, (int64_t[]){3, 4}, (int64_t[]){0, 4}, "stride 0");
}
static void strides_padded(void) {
  strided(counting(40), 2, (int64_t[]){4, 3}, (int64_t[]){40, 8}, "padded");
}
static void strides_scalar(void) {
  int64_t none = 0;
  strided(counting(1), 0, &none, &none, "scalar");
}
static void strides_large(void) {
  strided(counting(600 * 700), 2, (int64_t[]){700, 600}, (int64_t[]){4, 2800}, "large transposed");
}
static void unaligned(void) {
  static char room[64];
  for (int i = 0; i < 10; i++)
    memcpy(room + 1 + 4 * i, &(int32_t){i + 1000}, 4);
  strided(room + 1, 1, (int64_t[]){10}, (int64_t[]){4}, "unaligned");
}

static void round_trip(size_t rank, const int64_t *dims, const void *data, size_t bytes) {
  start();
  PJRT_Buffer *b = make_buffer(device, PJRT_Buffer_Type_F32, rank, dims, data);
  ARGS(Buffer_Dimensions, shape, .buffer = b);
  OK(Buffer_Dimensions, shape);
  EQUAL(shape.num_dims, rank, "the number of dimensions");
  for (size_t i = 0; i < rank; i++)
    EQUAL(shape.dims[i], dims[i], "a dimension");
  char *got = malloc(bytes + 1);
  read_buffer(b, got, bytes);
  CHECK(!bytes || memcmp(got, data, bytes) == 0, "the contents differ");
  free(got);
  await_ok(ready_event(b), "the buffer");
  destroy_buffer(b);
  stop();
}

static void scalar(void) {
  round_trip(0, NULL, (float[]){42}, 4);
}
static void zero_1d(void) {
  round_trip(1, (int64_t[]){0}, (float[]){1}, 0);
}
static void zero_3d(void) {
  round_trip(3, (int64_t[]){3, 0, 2}, (float[]){1}, 0);
}
static void zero_null(void) {
  round_trip(2, (int64_t[]){0, 5}, NULL, 0);
}
static void rank_8(void) {
  int64_t dims[8] = {1, 2, 1, 3, 1, 2, 2, 1};
  float data[24];
  for (int i = 0; i < 24; i++)
    data[i] = (float)i;
  round_trip(8, dims, data, sizeof data);
}
static void large(void) {
  size_t count = 16 << 20;
  float *data = malloc(count * sizeof *data);
  for (size_t i = 0; i < count; i++)
    data[i] = (float)(i % 8191);
  round_trip(2, (int64_t[]){4096, 4096}, data, count * sizeof *data);
}

static void refused(PJRT_Buffer_Type type, size_t rank, const int64_t *dims, size_t num_strides,
                    const int64_t *strides) {
  start();
  static char data[4096];
  ARGS(Client_BufferFromHostBuffer, args, .client = client, .data = data, .type = type,
       .dims = dims, .num_dims = rank, .byte_strides = strides, .num_byte_strides = num_strides,
       .device = device);
  REFUSES(Client_BufferFromHostBuffer, args);
  stop();
}

static void huge(void) {
  refused(PJRT_Buffer_Type_F32, 1, (int64_t[]){(int64_t)1 << 60}, 0, NULL);
}
static void huge_product(void) {
  // The product overflows to 0 in 64 bits.
  refused(PJRT_Buffer_Type_F32, 2, (int64_t[]){(int64_t)1 << 32, (int64_t)1 << 32}, 0, NULL);
}
static void negative(void) {
  refused(PJRT_Buffer_Type_F32, 2, (int64_t[]){2, -3}, 0, NULL);
}
static void type_invalid(void) {
  refused(PJRT_Buffer_Type_INVALID, 1, (int64_t[]){4}, 0, NULL);
}
static void type_unknown(void) {
  refused((PJRT_Buffer_Type)9999, 1, (int64_t[]){4}, 0, NULL);
}
static void strides_few(void) {
  refused(PJRT_Buffer_Type_F32, 2, (int64_t[]){2, 2}, 1, (int64_t[]){4});
}

static void memories(void) {
  start();
  ARGS(Device_AddressableMemories, own, .device = device);
  OK(Device_AddressableMemories, own);
  for (size_t i = 0; i < own.num_memories; i++) {
    ARGS(Client_BufferFromHostBuffer, args, .client = client, .data = (float[]){1, 2, 3},
         .type = PJRT_Buffer_Type_F32, .dims = (int64_t[]){3}, .num_dims = 1,
         .memory = own.memories[i]);
    OK(Client_BufferFromHostBuffer, args);
    await_ok(args.done_with_host_buffer, "the upload");
    ARGS(Buffer_Memory, where, .buffer = args.buffer);
    OK(Buffer_Memory, where);
    CHECK(where.memory == own.memories[i], "a buffer in memory %zu says it is in another", i);
    ARGS(Buffer_Device, on, .buffer = args.buffer);
    OK(Buffer_Device, on);
    CHECK(on.device == device, "a buffer in memory %zu is on another device", i);
    expect_f32(args.buffer, 3, (float[]){1, 2, 3}, "its contents");
    destroy_buffer(args.buffer);
  }
  stop();
}

static void many(void) {
  start();
  enum { COUNT = 500 };
  static PJRT_Buffer *all[COUNT];
  for (int i = 0; i < COUNT; i++)
    all[i] = make_f32(2, (float[]){(float)i, (float)-i});
  for (int i = COUNT - 1; i >= 0; i -= 2)
    destroy_buffer(all[i]);
  for (int i = 0; i < COUNT; i += 2) {
    expect_f32(all[i], 2, (float[]){(float)i, (float)-i}, "one of many buffers");
    destroy_buffer(all[i]);
  }
  stop();
}

const PjCtsTest pj_cts_upload_tests[] = {
    {"upload.during_call",
     "ImmutableOnlyDuringCall: the data is the host's again when the call returns", during_call},
    {"upload.until_transfer",
     "ImmutableUntilTransferCompletes: the data is the host's again when the event fires",
     until_transfer},
    {"upload.zero_copy",
     "ImmutableZeroCopy: the data is the host's again when the event fires, at "
     "the latest with the buffer's end",
     immutable_zero_copy},
    {"upload.mutable_zero_copy", "MutableZeroCopy: the same", mutable_zero_copy},
    {"upload.zero_copy_unwritten", "immutable host memory is not written, not by donation either",
     zero_copy_unwritten},
    {"upload.strides.column_major", "byte strides: columns first", strides_column},
    {"upload.strides.permuted", "byte strides: any order of dimensions", strides_permuted},
    {"upload.strides.negative", "byte strides may be negative", strides_negative},
    {"upload.strides.broadcast", "byte strides may be 0", strides_broadcast},
    {"upload.strides.padded", "byte strides may leave gaps", strides_padded},
    {"upload.strides.scalar", "no byte strides for a scalar", strides_scalar},
    {"upload.strides.large", "byte strides of a large array", strides_large},
    {"upload.strides.too_few", "as many byte strides as dimensions, or none", strides_few},
    {"upload.unaligned", "host memory need not be aligned", unaligned},
    {"upload.scalar", "a scalar is a buffer without dimensions", scalar},
    {"upload.zero_size.1d", "arrays may be empty", zero_1d},
    {"upload.zero_size.3d", "arrays of several dimensions may be empty", zero_3d},
    {"upload.zero_size.null", "an empty array may stand at null", zero_null},
    {"upload.rank_8", "eight dimensions", rank_8},
    {"upload.large", "64 MiB", large},
    {"upload.huge", "an array beyond any memory is an error", huge},
    {"upload.huge_product", "dimensions whose product overflows are an error", huge_product},
    {"upload.negative_size", "a negative dimension is an error", negative},
    {"upload.type_invalid", "the invalid element type is an error", type_invalid},
    {"upload.type_unknown", "an unknown element type is an error", type_unknown},
    {"upload.memories", "a buffer is in the memory that was asked for", memories},
    {"upload.many", "many small buffers, destroyed out of order", many},
    {0}};

// --- Element types -------------------------------------------------------------------------------

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

static const struct {
  const char *name, *promise;
  void (*run)(const PjCtsType *);
  bool complex;
} kinds[] = {
    {"round_trip", "elements of the type come back as they went", type_round_trip, true},
    {"program", "elements of the type pass through a program unchanged", type_identity, true},
    {"to_f64", "every value of the type has its value in f64", type_to_f64, false},
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
