// From a buffer to host memory.
#include "kit.h"

#include <stdio.h>
#include <stdlib.h>

static PJRT_Buffer *numbers(size_t rank, const int64_t *dims) {
  size_t count = 1;
  for (size_t i = 0; i < rank; i++)
    count *= (size_t)dims[i];
  int32_t *data = malloc((count + 1) * sizeof *data);
  for (size_t i = 0; i < count; i++)
    data[i] = (int32_t)i;
  PJRT_Buffer *b = make_buffer(device, PJRT_Buffer_Type_S32, rank, dims, data);
  free(data);
  return b;
}

static void size_query(void) {
  start();
  PJRT_Buffer *b = numbers(2, (int64_t[]){3, 5});
  ARGS(Buffer_ToHostBuffer, ask, .src = b);
  ask.dst_size = 1;
  OK(Buffer_ToHostBuffer, ask);
  EQUAL(ask.dst_size, 60, "the size for 3x5 s32");
  CHECK(!ask.event, "asking for the size returns an event, which nobody frees");
  destroy_buffer(b);
  stop();
}

static void exact(void) {
  start();
  PJRT_Buffer *b = numbers(1, (int64_t[]){5});
  unsigned char room[64];
  memset(room, 0xa7, sizeof room);
  ARGS(Buffer_ToHostBuffer, copy, .src = b, .dst = room + 16, .dst_size = 20);
  OK(Buffer_ToHostBuffer, copy);
  await_ok(copy.event, "the download");
  for (int i = 0; i < 64; i++)
    if (i < 16 || i >= 36)
      EQUAL(room[i], 0xa7, "a byte around the destination");
  for (int i = 0; i < 5; i++)
    EQUAL(room[16 + 4 * i], i, "an element");
  destroy_buffer(b);
  stop();
}

static void too_small(void) {
  start();
  PJRT_Buffer *b = numbers(1, (int64_t[]){5});
  unsigned char room[64];
  memset(room, 0xa7, sizeof room);
  ARGS(Buffer_ToHostBuffer, copy, .src = b, .dst = room, .dst_size = 12);
  PJRT_Error *error = CALL(Buffer_ToHostBuffer, copy);
  if (!error)
    error = await_event(copy.event);
  pj_expect_error(-1, error, PJRT_Error_Code_OK, "a download into too small a room", __FILE__,
                  __LINE__);
  for (int i = 12; i < 64; i++)
    EQUAL(room[i], 0xa7, "a byte behind the destination");
  destroy_buffer(b);
  stop();
}

// Downloads dims[] with minor_to_major |order| and checks places by the formula.
static void in_layout(size_t rank, const int64_t *dims, const int64_t *order) {
  start();
  PJRT_Buffer *b = numbers(rank, dims);
  PJRT_Buffer_MemoryLayout layout = {.struct_size = PJRT_Buffer_MemoryLayout_STRUCT_SIZE};
  layout.type = PJRT_Buffer_MemoryLayout_Type_Tiled;
  layout.tiled.minor_to_major = order;
  layout.tiled.minor_to_major_size = rank;
  // Callers leave the inner struct_size as it is; nobody may look at it.
  layout.tiled.struct_size = 0xeeeeeeeeeeeeeeee;
  int64_t strides[8], stride = 1;
  for (size_t i = 0; i < rank; i++) {
    strides[order[i]] = stride;
    stride *= dims[order[i]];
  }
  int32_t *got = calloc((size_t)stride, sizeof *got);
  ARGS(Buffer_ToHostBuffer, copy, .src = b, .host_layout = &layout, .dst = got,
       .dst_size = (size_t)stride * sizeof *got);
  OK(Buffer_ToHostBuffer, copy);
  memset(&layout, 0xee, sizeof layout);
  await_ok(copy.event, "the download");
  for (int64_t i = 0; i < stride; i++) {
    int64_t at = 0, rest = i;
    for (size_t d = rank; d-- > 0; rest /= dims[d])
      at += rest % dims[d] * strides[d];
    CHECK(got[at] == i, "element %" PRId64 " is %d", i, got[at]);
  }
  free(got);
  destroy_buffer(b);
  stop();
}

static void row_major(void) {
  in_layout(2, (int64_t[]){3, 4}, (int64_t[]){1, 0});
}
static void column_major(void) {
  in_layout(2, (int64_t[]){3, 4}, (int64_t[]){0, 1});
}
static void permuted(void) {
  in_layout(3, (int64_t[]){3, 4, 5}, (int64_t[]){1, 2, 0});
}
static void large_column(void) {
  in_layout(2, (int64_t[]){700, 500}, (int64_t[]){0, 1});
}

static void strides(void) {
  start();
  PJRT_Buffer *b = numbers(2, (int64_t[]){3, 4});
  PJRT_Buffer_MemoryLayout layout = {.struct_size = PJRT_Buffer_MemoryLayout_STRUCT_SIZE};
  layout.type = PJRT_Buffer_MemoryLayout_Type_Strides;
  layout.strides.byte_strides = (int64_t[]){4, 12};
  layout.strides.num_byte_strides = 2;
  int32_t got[12];
  ARGS(Buffer_ToHostBuffer, copy, .src = b, .host_layout = &layout, .dst = got,
       .dst_size = sizeof got);
  PJRT_Error *error = CALL(Buffer_ToHostBuffer, copy);
  if (error && pj_error_code(error) == PJRT_Error_Code_UNIMPLEMENTED) {
    const char *text = pj_error_text(error);
    pj_not_offered("host layouts as strides: %s", text);
  }
  pj_expect_ok(PJ_SLOT_Buffer_ToHostBuffer, error, __FILE__, __LINE__);
  await_ok(copy.event, "the download");
  for (int i = 0; i < 12; i++)
    EQUAL(got[i % 4 * 3 + i / 4], i, "an element");
  destroy_buffer(b);
  stop();
}

static void layout_refused(void) {
  start();
  PJRT_Buffer *b = numbers(2, (int64_t[]){3, 4});
  PJRT_Buffer_MemoryLayout layout = {.struct_size = PJRT_Buffer_MemoryLayout_STRUCT_SIZE};
  layout.type = PJRT_Buffer_MemoryLayout_Type_Tiled;
  layout.tiled.minor_to_major = (int64_t[]){1, 7};
  layout.tiled.minor_to_major_size = 2;
  int32_t got[12];
  ARGS(Buffer_ToHostBuffer, copy, .src = b, .host_layout = &layout, .dst = got,
       .dst_size = sizeof got);
  PJRT_Error *error = CALL(Buffer_ToHostBuffer, copy);
  if (!error)
    error = await_event(copy.event);
  pj_expect_error(-1, error, PJRT_Error_Code_OK, "a download with dimension 7 of 2", __FILE__,
                  __LINE__);
  destroy_buffer(b);
  stop();
}

static void several(void) {
  start();
  PJRT_Buffer *b = numbers(1, (int64_t[]){10000});
  static int32_t rooms[8][10000];
  PJRT_Event *events[8];
  for (int i = 0; i < 8; i++) {
    ARGS(Buffer_ToHostBuffer, copy, .src = b, .dst = rooms[i], .dst_size = sizeof rooms[i]);
    OK(Buffer_ToHostBuffer, copy);
    events[i] = copy.event;
  }
  for (int i = 7; i >= 0; i--) {
    await_ok(events[i], "a download");
    for (int k = 0; k < 10000; k++)
      EQUAL(rooms[i][k], k, "an element");
  }
  destroy_buffer(b);
  stop();
}

static void then_deleted(void) {
  start();
  enum { COUNT = 1 << 20 };
  PJRT_Buffer *b = numbers(1, (int64_t[]){COUNT});
  int32_t *room = calloc(COUNT, sizeof *room);
  ARGS(Buffer_ToHostBuffer, copy, .src = b, .dst = room, .dst_size = COUNT * sizeof *room);
  OK(Buffer_ToHostBuffer, copy);
  destroy_buffer(b);
  await_ok(copy.event, "a download whose buffer was destroyed meanwhile");
  for (int i = 0; i < COUNT; i++)
    EQUAL(room[i], i, "an element");
  free(room);
  stop();
}

static void deleted(void) {
  start();
  PJRT_Buffer *b = numbers(1, (int64_t[]){4});
  ARGS(Buffer_Delete, drop, .buffer = b);
  OK(Buffer_Delete, drop);
  int32_t room[4];
  ARGS(Buffer_ToHostBuffer, copy, .src = b, .dst = room, .dst_size = sizeof room);
  PJRT_Error *error = CALL(Buffer_ToHostBuffer, copy);
  if (!error)
    error = await_event(copy.event);
  pj_expect_error(-1, error, PJRT_Error_Code_OK, "a download of a deleted buffer", __FILE__,
                  __LINE__);
  destroy_buffer(b);
  stop();
}

static void raw(void) {
  start();
  PJRT_Buffer *b = numbers(1, (int64_t[]){16});
  int32_t room[8];
  memset(room, 0xa7, sizeof room);
  ARGS(Buffer_CopyRawToHost, copy, .buffer = b, .dst = room, .offset = 20, .transfer_size = 16);
  OK(Buffer_CopyRawToHost, copy);
  await_ok(copy.event, "the raw download");
  for (int i = 0; i < 4; i++)
    EQUAL(room[i], 5 + i, "an element from offset 20");
  EQUAL(room[4], (int32_t)0xa7a7a7a7, "what stands behind");
  destroy_buffer(b);
  stop();
}

static void raw_range(void) {
  static const int64_t ranges[][2] = {{60, 8}, {-4, 8}, {0, 68}, {INT64_MAX, 8}, {8, INT64_MAX}};
  start();
  PJRT_Buffer *b = numbers(1, (int64_t[]){16});
  for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
    int32_t room[32];
    ARGS(Buffer_CopyRawToHost, copy, .buffer = b, .dst = room, .offset = ranges[i][0],
         .transfer_size = ranges[i][1]);
    PJRT_Error *error = CALL(Buffer_CopyRawToHost, copy);
    if (!error)
      error = await_event(copy.event);
    pj_expect_error(PJ_SLOT_Buffer_CopyRawToHost, error, PJRT_Error_Code_OK,
                    "a raw download beyond the buffer", __FILE__, __LINE__);
  }
  destroy_buffer(b);
  stop();
}

static void raw_future(void) {
  start();
  PJRT_Buffer *b = numbers(1, (int64_t[]){16});
  ARGS(Buffer_CopyRawToHostFuture, copy, .buffer = b, .offset = 8, .transfer_size = 8);
  OK(Buffer_CopyRawToHostFuture, copy);
  CHECK(copy.event && copy.future_ready_callback, "no event or no callback");
  CHECK(!is_ready(copy.event), "ready before the host has said where to");
  int32_t room[2] = {0, 0};
  PJRT_Buffer_CopyRawToHostFuture_Callback_Args answer = {
      .struct_size = PJRT_Buffer_CopyRawToHostFuture_Callback_Args_STRUCT_SIZE,
      .callback_data = copy.callback_data,
      .dst = room};
  copy.future_ready_callback(&answer);
  await_ok(copy.event, "the raw download");
  EQUAL(room[0], 2, "the first element");
  EQUAL(room[1], 3, "the second element");
  destroy_buffer(b);
  stop();
}

static void raw_future_error(void) {
  start();
  PJRT_Buffer *b = numbers(1, (int64_t[]){16});
  ARGS(Buffer_CopyRawToHostFuture, copy, .buffer = b, .offset = 8, .transfer_size = 8);
  OK(Buffer_CopyRawToHostFuture, copy);
  PJRT_Buffer_CopyRawToHostFuture_Callback_Args answer = {
      .struct_size = PJRT_Buffer_CopyRawToHostFuture_Callback_Args_STRUCT_SIZE,
      .callback_data = copy.callback_data,
      .error_code = PJRT_Error_Code_ABORTED,
      .error_message = "no room",
      .error_message_size = 7};
  copy.future_ready_callback(&answer);
  pj_expect_error(-1, await_event(copy.event), PJRT_Error_Code_ABORTED,
                  "the event of a download that the host gave up", __FILE__, __LINE__);
  destroy_buffer(b);
  stop();
}

const PjCtsTest pj_cts_download_tests[] = {
    {"download.size", "without a destination the size is answered, and no event", size_query},
    {"download.exact", "nothing around the destination is written", exact},
    {"download.too_small", "a destination that is too small is an error, not an overrun",
     too_small},
    {"download.layout.row_major", "host layout {1,0}", row_major},
    {"download.layout.column_major", "host layout {0,1}", column_major},
    {"download.layout.permuted", "host layout of three dimensions", permuted},
    {"download.layout.large", "host layout {0,1} of a large array", large_column},
    {"download.layout.strides", "a host layout of byte strides", strides},
    {"download.layout.refused", "a host layout that is no permutation is an error", layout_refused},
    {"download.several", "several downloads of one buffer at a time", several},
    {"download.then_deleted", "a download completes although its buffer is destroyed",
     then_deleted},
    {"download.deleted", "a deleted buffer cannot be downloaded", deleted},
    {"download.raw", "raw bytes from an offset", raw},
    {"download.raw_range", "raw bytes beyond the buffer are an error", raw_range},
    {"download.raw_future", "raw bytes to a place that the host names later", raw_future},
    {"download.raw_future_error", "a host may name an error instead of a place", raw_future_error},
    {0}};
