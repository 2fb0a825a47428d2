// Buffers through the function table: transfers with strides and layouts, zero-copy, narrow types,
// memories, views, references, error and alias buffers, transfer managers, raw copies.
#include "pjrt_util.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static PJRT_Client_BufferFromHostBuffer_Args host_args(const void *data, PJRT_Buffer_Type type,
                                                       size_t rank, const int64_t *dims) {
  ARGS(Client_BufferFromHostBuffer, make, .client = client, .data = data, .type = type,
       .dims = dims, .num_dims = rank, .memory = memory_of_kind(device_at(0), "device"),
       .host_buffer_semantics = PJRT_HostBufferSemantics_kImmutableOnlyDuringCall);
  return make;
}

static void test_there_and_back(void **state) {
  (void)state;
  const float data[6] = {1, 2, 3, 4, 5, 6};
  const int64_t dims[2] = {2, 3};
  PJRT_Client_BufferFromHostBuffer_Args make = host_args(data, PJRT_Buffer_Type_F32, 2, dims);
  make.host_buffer_semantics = PJRT_HostBufferSemantics_kImmutableUntilTransferCompletes;
  OK(Client_BufferFromHostBuffer, make);
  expect_ok(await_event(make.done_with_host_buffer), "done", __FILE__, __LINE__);
  float out[6];
  read_buffer(make.buffer, out, sizeof out);
  assert_memory_equal(out, data, sizeof out);

  ARGS(Buffer_Dimensions, shape, .buffer = make.buffer);
  OK(Buffer_Dimensions, shape);
  assert_int_equal(shape.num_dims, 2);
  assert_memory_equal(shape.dims, dims, sizeof dims);
  ARGS(Buffer_ElementType, type, .buffer = make.buffer);
  OK(Buffer_ElementType, type);
  assert_int_equal(type.type, PJRT_Buffer_Type_F32);
  ARGS(Buffer_OnDeviceSizeInBytes, size, .buffer = make.buffer);
  OK(Buffer_OnDeviceSizeInBytes, size);
  assert_int_equal(size.on_device_size_in_bytes, 24);
  ARGS(Buffer_DynamicDimensionIndices, dynamic, .buffer = make.buffer);
  OK(Buffer_DynamicDimensionIndices, dynamic);
  assert_int_equal(dynamic.num_dynamic_dims, 0);
  ARGS(Buffer_GetMemoryLayout, layout, .buffer = make.buffer);
  OK(Buffer_GetMemoryLayout, layout);
  assert_int_equal(layout.layout.tiled.minor_to_major[0], 1);
  assert_int_equal(layout.layout.tiled.minor_to_major[1], 0);
  ARGS(Buffer_IsOnCpu, on_cpu, .buffer = make.buffer);
  OK(Buffer_IsOnCpu, on_cpu);
  assert_true(on_cpu.is_on_cpu);
  ARGS(Buffer_Device, device, .buffer = make.buffer);
  OK(Buffer_Device, device);
  assert_ptr_equal(device.device, device_at(0));

  assert_false(is_deleted(make.buffer));
  ARGS(Buffer_Delete, delete, .buffer = make.buffer);
  OK(Buffer_Delete, delete);
  OK(Buffer_Delete, delete);
  assert_true(is_deleted(make.buffer));
  ARGS(Buffer_ToHostBuffer, copy, .src = make.buffer, .dst = out, .dst_size = sizeof out);
  FAILS(Buffer_ToHostBuffer, copy, INVALID_ARGUMENT, "deleted or donated");
  destroy_buffer(make.buffer);
}

// Every order and sign of strides of a 2x3x4 array, against indexing by hand.
static void test_host_strides(void **state) {
  (void)state;
  enum { A = 2, B = 3, C = 4, N = A * B * C };
  int32_t storage[N];
  for (int i = 0; i < N; i++)
    storage[i] = i * 7;
  const int64_t dims[3] = {A, B, C};
  static const int orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                   {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
  for (int o = 0; o < 6; o++) {
    for (int signs = 0; signs < 8; signs++) {
      int64_t strides[3], start = 0, step = 4;
      for (int k = 2; k >= 0; k--) {
        int d = orders[o][k];
        strides[d] = signs >> d & 1 ? -step : step;
        if (signs >> d & 1)
          start += step * (dims[d] - 1);
        step *= dims[d];
      }
      PJRT_Client_BufferFromHostBuffer_Args make =
          host_args((const char *)storage + start, PJRT_Buffer_Type_S32, 3, dims);
      make.byte_strides = strides;
      make.num_byte_strides = 3;
      make.host_buffer_semantics = PJRT_HostBufferSemantics_kImmutableZeroCopy;
      OK(Client_BufferFromHostBuffer, make);
      int32_t out[N];
      read_buffer(make.buffer, out, sizeof out);
      for (int64_t i = 0; i < N; i++) {
        int64_t at = start + i / 12 * strides[0] + i / 4 % 3 * strides[1] + i % 4 * strides[2];
        int32_t expected;
        memcpy(&expected, (const char *)storage + at, sizeof expected);
        assert_int_equal(out[i], expected);
      }
      destroy_buffer(make.buffer);
      expect_ok(await_event(make.done_with_host_buffer), "done", __FILE__, __LINE__);
    }
  }
  // A stride of zero repeats a row; 65 dimensions are too many.
  int64_t broadcast[3] = {0, 0, 4};
  PJRT_Client_BufferFromHostBuffer_Args make = host_args(storage, PJRT_Buffer_Type_S32, 3, dims);
  make.byte_strides = broadcast;
  make.num_byte_strides = 3;
  OK(Client_BufferFromHostBuffer, make);
  int32_t out[N];
  read_buffer(make.buffer, out, sizeof out);
  for (int i = 0; i < N; i++)
    assert_int_equal(out[i], storage[i % 4]);
  destroy_buffer(make.buffer);
  expect_ok(await_event(make.done_with_host_buffer), "done", __FILE__, __LINE__);
  int64_t many[65] = {0};
  PJRT_Client_BufferFromHostBuffer_Args deep = host_args(storage, PJRT_Buffer_Type_S32, 65, many);
  FAILS(Client_BufferFromHostBuffer, deep, INVALID_ARGUMENT, "65 dimensions");
  int64_t negative[1] = {-1};
  PJRT_Client_BufferFromHostBuffer_Args less =
      host_args(storage, PJRT_Buffer_Type_S32, 1, negative);
  FAILS(Client_BufferFromHostBuffer, less, INVALID_ARGUMENT, "negative size");
  int64_t huge[3] = {INT64_MAX / 2, INT64_MAX / 2, 2};
  PJRT_Client_BufferFromHostBuffer_Args more = host_args(storage, PJRT_Buffer_Type_S32, 3, huge);
  FAILS(Client_BufferFromHostBuffer, more, RESOURCE_EXHAUSTED, "address space");
  PJRT_Client_BufferFromHostBuffer_Args odd = host_args(storage, (PJRT_Buffer_Type)99, 3, dims);
  FAILS(Client_BufferFromHostBuffer, odd, INVALID_ARGUMENT, "element type 99");
}

static void test_host_layouts(void **state) {
  (void)state;
  const int16_t data[6] = {1, 2, 3, 4, 5, 6};
  const int64_t dims[2] = {2, 3};
  PJRT_Buffer *buffer = make_buffer(device_at(0), PJRT_Buffer_Type_S16, 2, dims, data);
  const int64_t column_major[2] = {0, 1};
  // Hosts leave struct_size of layouts as it is.
  PJRT_Buffer_MemoryLayout layout;
  memset(&layout, 0xee, sizeof layout);
  layout.type = PJRT_Buffer_MemoryLayout_Type_Tiled;
  layout.tiled.minor_to_major = column_major;
  layout.tiled.minor_to_major_size = 2;
  layout.tiled.num_tiles = 0;
  int16_t out[6];
  ARGS(Buffer_ToHostBuffer, copy, .src = buffer, .host_layout = &layout, .dst = out,
       .dst_size = sizeof out);
  OK(Buffer_ToHostBuffer, copy);
  expect_ok(await_event(copy.event), "copy", __FILE__, __LINE__);
  const int16_t expected[6] = {1, 4, 2, 5, 3, 6};
  assert_memory_equal(out, expected, sizeof out);

  const int64_t twice[2] = {1, 1};
  layout.tiled.minor_to_major = twice;
  FAILS(Buffer_ToHostBuffer, copy, INVALID_ARGUMENT, "no permutation");
  layout.tiled.minor_to_major_size = 1;
  FAILS(Buffer_ToHostBuffer, copy, INVALID_ARGUMENT, "1 dimensions for an array of 2");
  copy.host_layout = NULL;
  copy.dst_size = 11;
  FAILS(Buffer_ToHostBuffer, copy, INVALID_ARGUMENT, "dst_size");
  destroy_buffer(buffer);
}

static void test_zero_copy(void **state) {
  (void)state;
  float *data = aligned_alloc(64, 4096);
  for (int i = 0; i < 1024; i++)
    data[i] = (float)i;
  const int64_t dims[1] = {1024};
  PJRT_Client_BufferFromHostBuffer_Args make = host_args(data, PJRT_Buffer_Type_F32, 1, dims);
  make.host_buffer_semantics = PJRT_HostBufferSemantics_kImmutableZeroCopy;
  OK(Client_BufferFromHostBuffer, make);
  ARGS(Event_IsReady, ready, .event = make.done_with_host_buffer);
  OK(Event_IsReady, ready);
  assert_false(ready.is_ready);
  ARGS(Buffer_UnsafePointer, pointer, .buffer = make.buffer);
  OK(Buffer_UnsafePointer, pointer);
  assert_true(pointer.buffer_pointer == (uintptr_t)data);

  // A pinned buffer outlives its deletion.
  ARGS(Buffer_IncreaseExternalReferenceCount, up, .buffer = make.buffer);
  OK(Buffer_IncreaseExternalReferenceCount, up);
  ARGS(Buffer_Delete, delete, .buffer = make.buffer);
  OK(Buffer_Delete, delete);
  ARGS(Buffer_OpaqueDeviceMemoryDataPointer, opaque, .buffer = make.buffer);
  OK(Buffer_OpaqueDeviceMemoryDataPointer, opaque);
  assert_ptr_equal(opaque.device_memory_ptr, data);
  OK(Event_IsReady, ready);
  assert_false(ready.is_ready);
  ARGS(Buffer_DecreaseExternalReferenceCount, down, .buffer = make.buffer);
  OK(Buffer_DecreaseExternalReferenceCount, down);
  OK(Event_IsReady, ready);
  assert_true(ready.is_ready);
  FAILS(Buffer_DecreaseExternalReferenceCount, down, INVALID_ARGUMENT, "zero reference count");
  FAILS(Buffer_IncreaseExternalReferenceCount, up, INVALID_ARGUMENT, "deleted");
  expect_ok(await_event(make.done_with_host_buffer), "done", __FILE__, __LINE__);
  destroy_buffer(make.buffer);
  free(data);
}

// What vectors would read across cache lines comes to lie on one; the largest, of which a copy
// might not fit, and what may be written to stay.
static void test_zero_copy_of_unaligned(void **state) {
  (void)state;
  const int64_t some = 96 << 10, most = (1 << 30) + 64;
  char *data = mmap(NULL, (size_t)most + 64, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  assert_true(data != MAP_FAILED);
  memset(data, 1, (size_t)some + 64);
  const struct {
    int64_t bytes;
    size_t offset;
    PJRT_HostBufferSemantics semantics;
    bool copied;
  } cases[] = {
      {4096, 16, PJRT_HostBufferSemantics_kImmutableZeroCopy, true},
      {4096, 48, PJRT_HostBufferSemantics_kImmutableZeroCopy, true},
      {4096, 64, PJRT_HostBufferSemantics_kImmutableZeroCopy, false},
      {some, 16, PJRT_HostBufferSemantics_kImmutableZeroCopy, true},
      {most, 16, PJRT_HostBufferSemantics_kImmutableZeroCopy, false},
      {4096, 16, PJRT_HostBufferSemantics_kMutableZeroCopy, false},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char *from = data + cases[i].offset;
    const int64_t dims[1] = {cases[i].bytes};
    PJRT_Client_BufferFromHostBuffer_Args make = host_args(from, PJRT_Buffer_Type_U8, 1, dims);
    make.host_buffer_semantics = cases[i].semantics;
    OK(Client_BufferFromHostBuffer, make);
    ARGS(Event_IsReady, ready, .event = make.done_with_host_buffer);
    OK(Event_IsReady, ready);
    assert_int_equal(ready.is_ready, cases[i].copied);
    ARGS(Buffer_UnsafePointer, pointer, .buffer = make.buffer);
    OK(Buffer_UnsafePointer, pointer);
    assert_int_equal(pointer.buffer_pointer != (uintptr_t)from, cases[i].copied);
    if (cases[i].copied) {
      assert_int_equal(pointer.buffer_pointer % 64, 0);
      assert_memory_equal((void *)pointer.buffer_pointer, from, (size_t)cases[i].bytes);
    }
    destroy_buffer(make.buffer);
    expect_ok(await_event(make.done_with_host_buffer), "done", __FILE__, __LINE__);
  }
  munmap(data, (size_t)most + 64);
}

static void test_narrow_types(void **state) {
  (void)state;
  // One byte per element; what hosts leave in the upper bits does not come back.
  const uint8_t given[4] = {0x01, 0xf8, 0x07, 0x9f};
  const uint8_t s4[4] = {0x01, 0xf8, 0x07, 0xff}, u4[4] = {0x01, 0x08, 0x07, 0x0f};
  const int64_t dims[1] = {4};
  uint8_t out[4];
  PJRT_Buffer *buffer = make_buffer(device_at(0), PJRT_Buffer_Type_S4, 1, dims, given);
  read_buffer(buffer, out, sizeof out);
  assert_memory_equal(out, s4, sizeof out);
  destroy_buffer(buffer);
  buffer = make_buffer(device_at(0), PJRT_Buffer_Type_U4, 1, dims, given);
  read_buffer(buffer, out, sizeof out);
  assert_memory_equal(out, u4, sizeof out);
  destroy_buffer(buffer);
}

static void test_empty_and_scalar(void **state) {
  (void)state;
  const int64_t dims[2] = {0, 3};
  PJRT_Buffer *empty = make_buffer(device_at(0), PJRT_Buffer_Type_F64, 2, dims, NULL);
  char byte;
  ARGS(Buffer_ToHostBuffer, copy, .src = empty, .dst = &byte, .dst_size = 0);
  OK(Buffer_ToHostBuffer, copy);
  expect_ok(await_event(copy.event), "copy", __FILE__, __LINE__);
  destroy_buffer(empty);
  double value = 2.5, out = 0;
  PJRT_Buffer *scalar = make_buffer(device_at(0), PJRT_Buffer_Type_F64, 0, NULL, &value);
  read_buffer(scalar, &out, sizeof out);
  assert_true(out == 2.5);
  destroy_buffer(scalar);
}

static void test_copies_between_memories(void **state) {
  (void)state;
  const float data[3] = {1, 2, 3};
  const int64_t dims[1] = {3};
  PJRT_Buffer *buffer = make_buffer(device_at(0), PJRT_Buffer_Type_F32, 1, dims, data);
  ARGS(Buffer_CopyToDevice, same, .buffer = buffer, .dst_device = device_at(0));
  FAILS(Buffer_CopyToDevice, same, INVALID_ARGUMENT, "same device");
  ARGS(Buffer_CopyToDevice, other, .buffer = buffer, .dst_device = device_at(1));
  OK(Buffer_CopyToDevice, other);
  ARGS(Buffer_CopyToMemory, host, .buffer = other.dst_buffer,
       .dst_memory = memory_of_kind(device_at(0), "pinned_host"));
  OK(Buffer_CopyToMemory, host);
  destroy_buffer(other.dst_buffer);
  float out[3];
  read_buffer(host.dst_buffer, out, sizeof out);
  assert_memory_equal(out, data, sizeof out);
  ARGS(Buffer_Memory, memory, .buffer = host.dst_buffer);
  OK(Buffer_Memory, memory);
  assert_ptr_equal(memory.memory, host.dst_memory);
  destroy_buffer(host.dst_buffer);
  destroy_buffer(buffer);
}

static int deletes;
static void on_delete(void *data, void *arg) {
  (void)arg;
  deletes += data != NULL;
}

static void test_views(void **state) {
  (void)state;
  static _Alignas(64) int32_t data[6] = {1, 2, 3, 4, 5, 6};
  const int64_t dims[2] = {2, 3};
  deletes = 0;
  ARGS(Client_CreateViewOfDeviceBuffer, make, .client = client, .device_buffer_ptr = data,
       .dims = dims, .num_dims = 2, .element_type = PJRT_Buffer_Type_S32, .device = device_at(0),
       .on_delete_callback = on_delete);
  // Hosts before 0.71 do not know the field |memory|.
  make.memory = (PJRT_Memory *)(uintptr_t)0xeeee;
  make.struct_size = offsetof(PJRT_Client_CreateViewOfDeviceBuffer_Args, memory);
  OK(Client_CreateViewOfDeviceBuffer, make);
  ARGS(Buffer_UnsafePointer, pointer, .buffer = make.buffer);
  OK(Buffer_UnsafePointer, pointer);
  assert_true(pointer.buffer_pointer == (uintptr_t)data);
  assert_int_equal(deletes, 0);
  destroy_buffer(make.buffer);
  assert_int_equal(deletes, 1);

  // Column-major memory.
  const int64_t order[2] = {0, 1};
  PJRT_Buffer_MemoryLayout layout = {.type = PJRT_Buffer_MemoryLayout_Type_Tiled,
                                     .tiled = {.minor_to_major = order, .minor_to_major_size = 2}};
  make.layout = &layout;
  OK(Client_CreateViewOfDeviceBuffer, make);
  int32_t out[6];
  const int64_t row_major[2] = {1, 0};
  PJRT_Buffer_MemoryLayout rows = {
      .type = PJRT_Buffer_MemoryLayout_Type_Tiled,
      .tiled = {.minor_to_major = row_major, .minor_to_major_size = 2}};
  ARGS(Buffer_ToHostBuffer, copy, .src = make.buffer, .dst = out, .dst_size = sizeof out,
       .host_layout = &rows);
  OK(Buffer_ToHostBuffer, copy);
  expect_ok(await_event(copy.event), "copy", __FILE__, __LINE__);
  const int32_t expected[6] = {1, 3, 5, 2, 4, 6};
  assert_memory_equal(out, expected, sizeof out);
  // Who asks for its address finds it in the layout that it says, whatever programs read.
  ARGS(Buffer_OpaqueDeviceMemoryDataPointer, opaque, .buffer = make.buffer);
  OK(Buffer_OpaqueDeviceMemoryDataPointer, opaque);
  assert_memory_equal(opaque.device_memory_ptr, data, sizeof data);
  pointer.buffer = make.buffer;
  OK(Buffer_UnsafePointer, pointer);
  assert_true(pointer.buffer_pointer == (uintptr_t)opaque.device_memory_ptr);
  destroy_buffer(make.buffer);
  assert_int_equal(deletes, 2);
}

static void test_views_at_elements(void **state) {
  (void)state;
  static _Alignas(64) char memory[64];
  const int32_t values[3] = {7, -8, 9};
  memcpy(memory + 4, values, sizeof values);
  const int64_t dims[1] = {3};
  ARGS(Client_CreateViewOfDeviceBuffer, make, .client = client, .device_buffer_ptr = memory + 4,
       .dims = dims, .num_dims = 1, .element_type = PJRT_Buffer_Type_S32, .device = device_at(0));
  OK(Client_CreateViewOfDeviceBuffer, make);
  ARGS(Buffer_UnsafePointer, pointer, .buffer = make.buffer);
  OK(Buffer_UnsafePointer, pointer);
  assert_true(pointer.buffer_pointer == (uintptr_t)(memory + 4));
  int32_t out[3];
  ARGS(Buffer_ToHostBuffer, copy, .src = make.buffer, .dst = out, .dst_size = sizeof out);
  OK(Buffer_ToHostBuffer, copy);
  expect_ok(await_event(copy.event), "copy", __FILE__, __LINE__);
  assert_memory_equal(out, values, sizeof out);
  destroy_buffer(make.buffer);
  // Between elements, programs cannot read it: it is copied at once.
  memmove(memory + 2, values, sizeof values);
  make.device_buffer_ptr = memory + 2;
  deletes = 0;
  make.on_delete_callback = on_delete;
  OK(Client_CreateViewOfDeviceBuffer, make);
  assert_int_equal(deletes, 1);
  memset(memory, 0, sizeof memory);
  copy.src = make.buffer;
  OK(Buffer_ToHostBuffer, copy);
  expect_ok(await_event(copy.event), "copy", __FILE__, __LINE__);
  assert_memory_equal(out, values, sizeof out);
  destroy_buffer(make.buffer);
}

static PJRT_Error *ready_error(PJRT_Buffer *buffer) {
  ARGS(Buffer_ReadyEvent, get, .buffer = buffer);
  OK(Buffer_ReadyEvent, get);
  return await_event(get.event);
}

static void see_payload(const char *key, size_t key_size, const char *value, size_t value_size,
                        void *user_arg) {
  snprintf(user_arg, 64, "%.*s=%.*s", (int)key_size, key, (int)value_size, value);
}

static void test_error_buffer(void **state) {
  (void)state;
  const int64_t dims[1] = {4};
  PJRT_NamedValue payload = {.struct_size = PJRT_NamedValue_STRUCT_SIZE,
                             .name = "key",
                             .name_size = 3,
                             .type = PJRT_NamedValue_kString,
                             .string_value = "bytes",
                             .value_size = 5};
  ARGS(Client_CreateErrorBuffer, make, .client = client, .error_code = PJRT_Error_Code_DATA_LOSS,
       .error_message = "it is lost", .error_message_size = 10, .shape_dims = dims,
       .shape_num_dims = 1, .shape_element_type = PJRT_Buffer_Type_F32,
       .memory = memory_of_kind(device_at(0), "device"), .payload = &payload, .num_payload = 1);
  OK(Client_CreateErrorBuffer, make);
  PJRT_Error *error = ready_error(make.buffer);
  char seen[64] = "";
  ARGS(Error_ForEachPayload, each, .error = error, .visitor = see_payload, .user_arg = seen);
  OK(Error_ForEachPayload, each);
  assert_string_equal(seen, "key=bytes");
  expect_error(error, PJRT_Error_Code_DATA_LOSS, "it is lost", "ready", __FILE__, __LINE__);
  float out[4];
  ARGS(Buffer_ToHostBuffer, copy, .src = make.buffer, .dst = out, .dst_size = sizeof out);
  OK(Buffer_ToHostBuffer, copy);
  expect_error(await_event(copy.event), PJRT_Error_Code_DATA_LOSS, "it is lost", "copy", __FILE__,
               __LINE__);
  ARGS(Buffer_CopyToDevice, other, .buffer = make.buffer, .dst_device = device_at(1));
  OK(Buffer_CopyToDevice, other);
  expect_error(ready_error(other.dst_buffer), PJRT_Error_Code_DATA_LOSS, "it is lost", "copy",
               __FILE__, __LINE__);
  destroy_buffer(other.dst_buffer);
  destroy_buffer(make.buffer);
  make.struct_size = PJRT_STRUCT_SIZE(PJRT_Client_CreateErrorBuffer_Args, buffer); // 0.90
  OK(Client_CreateErrorBuffer, make);
  destroy_buffer(make.buffer);
}

static void test_alias_buffer(void **state) {
  (void)state;
  const int64_t dims[1] = {2};
  const float data[2] = {8, 9};
  ARGS(Client_CreateAliasBuffer, make, .client = client,
       .memory = memory_of_kind(device_at(0), "device"), .shape_dims = dims, .shape_num_dims = 1,
       .shape_element_type = PJRT_Buffer_Type_F32);
  OK(Client_CreateAliasBuffer, make);
  float out[2] = {0};
  ARGS(Buffer_ToHostBuffer, copy, .src = make.alias_buffer, .dst = out, .dst_size = sizeof out);
  OK(Buffer_ToHostBuffer, copy);
  ARGS(Event_IsReady, ready, .event = copy.event);
  OK(Event_IsReady, ready);
  assert_false(ready.is_ready);
  PJRT_Buffer *buffer = make_buffer(device_at(0), PJRT_Buffer_Type_F32, 1, dims, data);
  ARGS(Client_FulfillAliasBuffer, fulfil, .client = client, .buffer = buffer,
       .fulfill_alias_buffer_cb = make.fulfill_alias_buffer_cb);
  OK(Client_FulfillAliasBuffer, fulfil);
  destroy_buffer(buffer);
  expect_ok(await_event(copy.event), "copy", __FILE__, __LINE__);
  assert_memory_equal(out, data, sizeof out);
  destroy_buffer(make.alias_buffer);

  OK(Client_CreateAliasBuffer, make);
  ARGS(Client_FulfillAliasBuffer, fail, .client = client,
       .fulfill_alias_buffer_cb = make.fulfill_alias_buffer_cb,
       .status_code = PJRT_Error_Code_INTERNAL, .error_message = "no", .error_message_size = 2);
  OK(Client_FulfillAliasBuffer, fail);
  expect_error(ready_error(make.alias_buffer), PJRT_Error_Code_INTERNAL, "no", "alias", __FILE__,
               __LINE__);
  destroy_buffer(make.alias_buffer);
}

static void test_transfer_manager(void **state) {
  (void)state;
  const int64_t dims[2][1] = {{4}, {2}};
  PJRT_ShapeSpec specs[2] = {{.struct_size = PJRT_ShapeSpec_STRUCT_SIZE,
                              .dims = dims[0],
                              .num_dims = 1,
                              .element_type = PJRT_Buffer_Type_S32},
                             {.struct_size = PJRT_ShapeSpec_STRUCT_SIZE,
                              .dims = dims[1],
                              .num_dims = 1,
                              .element_type = PJRT_Buffer_Type_F64}};
  ARGS(Client_CreateBuffersForAsyncHostToDevice, make, .client = client, .shape_specs = specs,
       .num_shape_specs = 2, .memory = memory_of_kind(device_at(1), "device"));
  OK(Client_CreateBuffersForAsyncHostToDevice, make);
  PJRT_AsyncHostToDeviceTransferManager *manager = make.transfer_manager;
  ARGS(Client_CreateBuffersForAsyncHostToDevice, no_shapes, .client = client, .num_shape_specs = 2,
       .memory = memory_of_kind(device_at(1), "device"));
  FAILS(Client_CreateBuffersForAsyncHostToDevice, no_shapes, INVALID_ARGUMENT, "null address");
  ARGS(AsyncHostToDeviceTransferManager_BufferCount, count, .transfer_manager = manager);
  OK(AsyncHostToDeviceTransferManager_BufferCount, count);
  assert_int_equal(count.buffer_count, 2);
  ARGS(AsyncHostToDeviceTransferManager_BufferSize, size, .transfer_manager = manager,
       .buffer_index = 1);
  OK(AsyncHostToDeviceTransferManager_BufferSize, size);
  assert_int_equal(size.buffer_size, 16);
  ARGS(AsyncHostToDeviceTransferManager_Device, device, .transfer_manager = manager);
  OK(AsyncHostToDeviceTransferManager_Device, device);
  assert_ptr_equal(device.device_out, device_at(1));
  ARGS(AsyncHostToDeviceTransferManager_RetrieveBuffer, get, .transfer_manager = manager);
  OK(AsyncHostToDeviceTransferManager_RetrieveBuffer, get);
  PJRT_Buffer *first = get.buffer_out;
  FAILS(AsyncHostToDeviceTransferManager_RetrieveBuffer, get, FAILED_PRECONDITION,
        "retrieved before");
  get.buffer_index = 1;
  OK(AsyncHostToDeviceTransferManager_RetrieveBuffer, get);
  PJRT_Buffer *second = get.buffer_out;
  get.buffer_index = 2;
  FAILS(AsyncHostToDeviceTransferManager_RetrieveBuffer, get, INVALID_ARGUMENT, "buffer 2");

  const int32_t low[2] = {1, 2}, high[2] = {3, 4};
  ARGS(AsyncHostToDeviceTransferManager_TransferData, write, .transfer_manager = manager,
       .data = high, .offset = 8, .transfer_size = 8);
  OK(AsyncHostToDeviceTransferManager_TransferData, write);
  expect_ok(await_event(write.done_with_h2d_transfer), "write", __FILE__, __LINE__);
  ARGS(Buffer_ReadyEvent, event, .buffer = first);
  OK(Buffer_ReadyEvent, event);
  ARGS(Event_IsReady, ready, .event = event.event);
  OK(Event_IsReady, ready);
  assert_false(ready.is_ready);
  write.offset = 12;
  FAILS(AsyncHostToDeviceTransferManager_TransferData, write, INVALID_ARGUMENT, "offset 12");
  ARGS(AsyncHostToDeviceTransferManager_TransferLiteral, nothing, .transfer_manager = manager,
       .shape_element_type = PJRT_Buffer_Type_S32, .shape_dims = dims[0], .shape_num_dims = 1);
  FAILS(AsyncHostToDeviceTransferManager_TransferLiteral, nothing, INVALID_ARGUMENT,
        "null address");
  write.data = low;
  write.offset = 0;
  write.is_last_transfer = true;
  OK(AsyncHostToDeviceTransferManager_TransferData, write);
  expect_ok(await_event(write.done_with_h2d_transfer), "write", __FILE__, __LINE__);
  expect_ok(await_event(event.event), "ready", __FILE__, __LINE__);
  FAILS(AsyncHostToDeviceTransferManager_TransferData, write, FAILED_PRECONDITION, "complete");
  int32_t out[4];
  read_buffer(first, out, sizeof out);
  const int32_t all[4] = {1, 2, 3, 4};
  assert_memory_equal(out, all, sizeof out);

  ARGS(AsyncHostToDeviceTransferManager_SetBufferError, fail, .transfer_manager = manager,
       .buffer_index = 1, .error_code = PJRT_Error_Code_CANCELLED, .error_message = "gone",
       .error_message_size = 4);
  OK(AsyncHostToDeviceTransferManager_SetBufferError, fail);
  expect_error(ready_error(second), PJRT_Error_Code_CANCELLED, "gone", "ready", __FILE__, __LINE__);
  destroy_buffer(first);
  destroy_buffer(second);
  ARGS(AsyncHostToDeviceTransferManager_Destroy, destroy, .transfer_manager = manager);
  OK(AsyncHostToDeviceTransferManager_Destroy, destroy);

  // A literal fills a buffer whole; what nobody fills fails when the manager goes.
  OK(Client_CreateBuffersForAsyncHostToDevice, make);
  const double literal[2] = {1.5, 2.5};
  ARGS(AsyncHostToDeviceTransferManager_TransferLiteral, whole,
       .transfer_manager = make.transfer_manager, .buffer_index = 1, .data = literal,
       .shape_dims = dims[1], .shape_num_dims = 1, .shape_element_type = PJRT_Buffer_Type_F64);
  OK(AsyncHostToDeviceTransferManager_TransferLiteral, whole);
  expect_ok(await_event(whole.done_with_h2d_transfer), "literal", __FILE__, __LINE__);
  ARGS(AsyncHostToDeviceTransferManager_RetrieveBuffer, last,
       .transfer_manager = make.transfer_manager);
  OK(AsyncHostToDeviceTransferManager_RetrieveBuffer, last);
  destroy.transfer_manager = make.transfer_manager;
  OK(AsyncHostToDeviceTransferManager_Destroy, destroy);
  expect_error(ready_error(last.buffer_out), PJRT_Error_Code_CANCELLED, "transfer manager", "ready",
               __FILE__, __LINE__);
  destroy_buffer(last.buffer_out);
}

static void test_raw_copies(void **state) {
  (void)state;
  const int64_t dims[1] = {4};
  const int32_t data[4] = {10, 20, 30, 40};
  PJRT_Buffer *buffer = make_buffer(device_at(0), PJRT_Buffer_Type_S32, 1, dims, data);
  int32_t out[2] = {0};
  ARGS(Buffer_CopyRawToHost, copy, .buffer = buffer, .dst = out, .offset = 4, .transfer_size = 8);
  OK(Buffer_CopyRawToHost, copy);
  expect_ok(await_event(copy.event), "raw", __FILE__, __LINE__);
  assert_int_equal(out[0], 20);
  assert_int_equal(out[1], 30);
  copy.offset = 12;
  OK(Buffer_CopyRawToHost, copy);
  expect_error(await_event(copy.event), PJRT_Error_Code_INVALID_ARGUMENT, "offset 12", "raw",
               __FILE__, __LINE__);
  copy.offset = -1;
  OK(Buffer_CopyRawToHost, copy);
  expect_error(await_event(copy.event), PJRT_Error_Code_INVALID_ARGUMENT, "offset -1", "raw",
               __FILE__, __LINE__);
  copy.dst = NULL;
  copy.offset = 4;
  FAILS(Buffer_CopyRawToHost, copy, INVALID_ARGUMENT, "dst is null");

  ARGS(Buffer_CopyRawToHostFuture, nowhere, .buffer = buffer, .offset = 8, .transfer_size = 8);
  OK(Buffer_CopyRawToHostFuture, nowhere);
  PJRT_Buffer_CopyRawToHostFuture_Callback_Args no_dst = {
      .struct_size = PJRT_Buffer_CopyRawToHostFuture_Callback_Args_STRUCT_SIZE,
      .callback_data = nowhere.callback_data};
  nowhere.future_ready_callback(&no_dst);
  expect_error(await_event(nowhere.event), PJRT_Error_Code_INVALID_ARGUMENT, "dst is null",
               "future", __FILE__, __LINE__);

  ARGS(Buffer_CopyRawToHostFuture, future, .buffer = buffer, .offset = 8, .transfer_size = 8);
  OK(Buffer_CopyRawToHostFuture, future);
  PJRT_Buffer_CopyRawToHostFuture_Callback_Args callback = {
      .struct_size = PJRT_Buffer_CopyRawToHostFuture_Callback_Args_STRUCT_SIZE,
      .callback_data = future.callback_data,
      .dst = out};
  future.future_ready_callback(&callback);
  expect_ok(await_event(future.event), "future", __FILE__, __LINE__);
  assert_int_equal(out[1], 40);

  ARGS(Buffer_DonateWithControlDependency, donate, .buffer = buffer);
  OK(Buffer_DonateWithControlDependency, donate);
  assert_true(is_deleted(buffer));
  PJRT_Buffer_DonateWithControlDependency_Callback_Args dependency = {
      .struct_size = PJRT_Buffer_DonateWithControlDependency_Callback_Args_STRUCT_SIZE,
      .callback_data = donate.callback_data};
  donate.dependency_ready_callback(&dependency);
  int32_t all[4];
  read_buffer(donate.out_buffer, all, sizeof all);
  assert_memory_equal(all, data, sizeof all);

  const int64_t other[2] = {2, 4};
  ARGS(Buffer_Bitcast, bitcast, .buffer = donate.out_buffer, .element_type = PJRT_Buffer_Type_U16,
       .dims = other, .num_dims = 2);
  OK(Buffer_Bitcast, bitcast);
  assert_true(is_deleted(donate.out_buffer));
  read_buffer(bitcast.out_buffer, all, sizeof all);
  assert_memory_equal(all, data, sizeof all);
  ARGS(Buffer_Bitcast, wrong, .buffer = bitcast.out_buffer, .element_type = PJRT_Buffer_Type_U32,
       .dims = other, .num_dims = 2);
  FAILS(Buffer_Bitcast, wrong, INVALID_ARGUMENT, "bytes");
  destroy_buffer(bitcast.out_buffer);
  destroy_buffer(donate.out_buffer);
  destroy_buffer(buffer);
}

// JAX destroys its clients when Python ends, before the arrays that are still there.
static void test_buffers_outlive_their_client(void **state) {
  (void)state;
  PJRT_Client *others = client;
  ARGS(Client_Create, create);
  OK(Client_Create, create);
  client = create.client;
  float data[4000] = {0};
  PJRT_Buffer *buffer = make_buffer(device_at(0), PJRT_Buffer_Type_F32, 1, (int64_t[]){4000}, data);
  PJRT_LoadedExecutable *program =
      compile("func.func @main(%x: tensor<4000xf32>) -> tensor<4000xf32> {\n"
              "  %y = stablehlo.add %x, %x : tensor<4000xf32>\n"
              "  return %y : tensor<4000xf32>\n}\n");
  PJRT_Buffer *result = NULL;
  assert_null(try_execute(program, 1, &buffer, &result));
  ARGS(Client_Destroy, destroy, .client = client);
  OK(Client_Destroy, destroy);
  client = others;
  destroy_buffer(result);
  destroy_executable(program);
  destroy_buffer(buffer);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_there_and_back),
      cmocka_unit_test(test_host_strides),
      cmocka_unit_test(test_host_layouts),
      cmocka_unit_test(test_zero_copy),
      cmocka_unit_test(test_zero_copy_of_unaligned),
      cmocka_unit_test(test_narrow_types),
      cmocka_unit_test(test_empty_and_scalar),
      cmocka_unit_test(test_copies_between_memories),
      cmocka_unit_test(test_views),
      cmocka_unit_test(test_views_at_elements),
      cmocka_unit_test(test_error_buffer),
      cmocka_unit_test(test_alias_buffer),
      cmocka_unit_test(test_transfer_manager),
      cmocka_unit_test(test_raw_copies),
      cmocka_unit_test(test_buffers_outlive_their_client),
  };
  return cmocka_run_group_tests(tests, plugin_setup, plugin_teardown);
}
