// From host memory to a buffer: semantics, strides, sizes.
#include "array.h"

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
