// Buffers: what they say, deletion, references, copies, and buffers of special kinds.
#include "kit.h"

#include <stdio.h>
#include <stdlib.h>

static PJRT_Buffer *matrix(void) {
  return make_buffer(device, PJRT_Buffer_Type_F32, 2, (int64_t[]){2, 3},
                     (float[]){1, 2, 3, 4, 5, 6});
}

static void delete (PJRT_Buffer *b) {
  ARGS(Buffer_Delete, args, .buffer = b);
  OK(Buffer_Delete, args);
}

static void shape(void) {
  start();
  PJRT_Buffer *b = matrix();
  ARGS(Buffer_ElementType, type, .buffer = b);
  OK(Buffer_ElementType, type);
  EQUAL(type.type, PJRT_Buffer_Type_F32, "the element type");
  ARGS(Buffer_Dimensions, one, .buffer = b);
  OK(Buffer_Dimensions, one);
  ARGS(Buffer_Dimensions, two, .buffer = b);
  OK(Buffer_Dimensions, two);
  EQUAL(one.num_dims, 2, "the number of dimensions");
  CHECK(one.dims == two.dims, "the dimensions move, though they live as long as the buffer");
  EQUAL(one.dims[0], 2, "the first dimension");
  EQUAL(one.dims[1], 3, "the second dimension");
  destroy_buffer(b);
  stop();
}

static void unpadded(void) {
  start();
  PJRT_Buffer *b = matrix();
  ARGS(Buffer_UnpaddedDimensions, args, .buffer = b);
  OK(Buffer_UnpaddedDimensions, args);
  EQUAL(args.num_dims, 2, "the number of unpadded dimensions");
  EQUAL(args.unpadded_dims[0], 2, "the first");
  EQUAL(args.unpadded_dims[1], 3, "the second");
  destroy_buffer(b);
  stop();
}

static void dynamic(void) {
  start();
  PJRT_Buffer *b = matrix();
  ARGS(Buffer_DynamicDimensionIndices, args, .buffer = b);
  OK(Buffer_DynamicDimensionIndices, args);
  EQUAL(args.num_dynamic_dims, 0, "the number of dynamic dimensions");
  destroy_buffer(b);
  stop();
}

static void layout(void) {
  start();
  PJRT_Buffer *b = matrix();
  ARGS(Buffer_GetMemoryLayout, args, .buffer = b);
  OK(Buffer_GetMemoryLayout, args);
  if (args.layout.type == PJRT_Buffer_MemoryLayout_Type_Tiled) {
    EQUAL(args.layout.tiled.minor_to_major_size, 2, "the length of minor_to_major");
    const int64_t *order = args.layout.tiled.minor_to_major;
    CHECK(order && order[0] + order[1] == 1 && order[0] * order[1] == 0,
          "minor_to_major is no permutation");
  } else {
    EQUAL(args.layout.type, PJRT_Buffer_MemoryLayout_Type_Strides, "the type of layout");
    EQUAL(args.layout.strides.num_byte_strides, 2, "the number of strides");
  }
  destroy_buffer(b);
  stop();
}

static void size(void) {
  start();
  PJRT_Buffer *b = matrix();
  ARGS(Buffer_OnDeviceSizeInBytes, args, .buffer = b);
  OK(Buffer_OnDeviceSizeInBytes, args);
  CHECK(args.on_device_size_in_bytes >= 24, "2x3 f32 take %zu bytes", args.on_device_size_in_bytes);
  destroy_buffer(b);
  stop();
}

static void place(void) {
  start();
  PJRT_Buffer *b = matrix();
  ARGS(Buffer_Device, on, .buffer = b);
  OK(Buffer_Device, on);
  CHECK(on.device == device, "the buffer is on another device");
  ARGS(Buffer_Memory, in, .buffer = b);
  OK(Buffer_Memory, in);
  CHECK(in.memory == default_memory(device), "the buffer is not in the device's default memory");
  destroy_buffer(b);
  stop();
}

static void deletion(void) {
  start();
  PJRT_Buffer *b = matrix();
  CHECK(!is_deleted(b), "a new buffer is deleted");
  delete (b);
  CHECK(is_deleted(b), "a deleted buffer is not");
  delete (b); // allowed
  CHECK(is_deleted(b), "a buffer deleted twice is not");
  destroy_buffer(b);
  stop();
}

static void use_deleted(void) {
  start();
  PJRT_LoadedExecutable *loaded = compile(program_identity);
  PJRT_Buffer *b = make_f32(4, (float[]){1, 2, 3, 4}), *out = NULL;
  delete (b);
  PJRT_Error *error = try_execute(loaded, 1, &b, &out);
  pj_expect_error(-1, error, PJRT_Error_Code_OK, "executing on a deleted buffer", __FILE__,
                  __LINE__);
  destroy_buffer(b);
  destroy_loaded(loaded);
  stop();
}

static void delete_in_use(void) {
  start();
  PJRT_LoadedExecutable *loaded = compile(program_slow);
  static float square[256 * 256];
  for (int i = 0; i < 256; i++)
    square[i * 257] = 1;
  int32_t rounds = 20;
  PJRT_Buffer *args[2] = {
      make_buffer(device, PJRT_Buffer_Type_F32, 2, (int64_t[]){256, 256}, square),
      make_buffer(device, PJRT_Buffer_Type_S32, 0, NULL, &rounds)};
  PJRT_Buffer *out;
  PJRT_Buffer **const output_lists[1] = {&out};
  PJRT_Buffer *const *const argument_lists[1] = {args};
  PJRT_ExecuteOptions options = {.struct_size = PJRT_ExecuteOptions_STRUCT_SIZE};
  ARGS(LoadedExecutable_Execute, run, .executable = loaded, .options = &options,
       .argument_lists = argument_lists, .num_devices = 1, .num_args = 2,
       .output_lists = output_lists);
  OK(LoadedExecutable_Execute, run);
  destroy_buffer(args[0]); // while the program runs
  destroy_buffer(args[1]);
  destroy_loaded(loaded);
  static float got[256 * 256];
  read_buffer(out, got, sizeof got);
  for (int i = 0; i < 256 * 256; i++)
    CHECK(got[i] == square[i], "element %d is %g: the argument went while it was in use", i,
          (double)got[i]);
  destroy_buffer(out);
  stop();
}

static void references(void) {
  start();
  PJRT_Buffer *b = matrix();
  ARGS(Buffer_IncreaseExternalReferenceCount, up, .buffer = b);
  ARGS(Buffer_DecreaseExternalReferenceCount, down, .buffer = b);
  OK(Buffer_IncreaseExternalReferenceCount, up);
  OK(Buffer_IncreaseExternalReferenceCount, up);
  OK(Buffer_DecreaseExternalReferenceCount, down);
  OK(Buffer_DecreaseExternalReferenceCount, down);
  FAILS(Buffer_DecreaseExternalReferenceCount, down, INVALID_ARGUMENT);
  destroy_buffer(b);
  stop();
}

static bool on_cpu(PJRT_Buffer *b) {
  ARGS(Buffer_IsOnCpu, args, .buffer = b);
  OK(Buffer_IsOnCpu, args);
  return args.is_on_cpu;
}

static float *pointer(PJRT_Buffer *b) {
  ARGS(Buffer_OpaqueDeviceMemoryDataPointer, args, .buffer = b);
  OK(Buffer_OpaqueDeviceMemoryDataPointer, args);
  CHECK(args.device_memory_ptr, "the data pointer is null");
  return args.device_memory_ptr;
}

static void on_cpu_view(void) {
  start();
  PJRT_Buffer *b = matrix();
  if (!on_cpu(b))
    pj_not_offered("the buffer is not in memory that the host can read");
  ARGS(Buffer_IncreaseExternalReferenceCount, up, .buffer = b);
  OK(Buffer_IncreaseExternalReferenceCount, up);
  await_ok(ready_event(b), "the buffer");
  const float *data = pointer(b);
  CHECK(data == pointer(b), "the data moves");
  for (int i = 0; i < 6; i++)
    CHECK(data[i] == (float)(i + 1), "element %d, read in place, is %g", i, (double)data[i]);
  ARGS(Buffer_DecreaseExternalReferenceCount, down, .buffer = b);
  OK(Buffer_DecreaseExternalReferenceCount, down);
  destroy_buffer(b);
  stop();
}

static void reference_keeps(void) {
  start();
  enum { COUNT = 100000 };
  float *values = malloc(COUNT * sizeof *values);
  for (int i = 0; i < COUNT; i++)
    values[i] = (float)i;
  PJRT_Buffer *b = make_f32(COUNT, values);
  if (!on_cpu(b))
    pj_not_offered("the buffer is not in memory that the host can read");
  ARGS(Buffer_IncreaseExternalReferenceCount, up, .buffer = b);
  OK(Buffer_IncreaseExternalReferenceCount, up);
  const float *data = pointer(b);
  delete (b);
  CHECK(is_deleted(b), "a deleted buffer that is referenced is not deleted");
  // Whatever comes into the memory, if it was given back.
  PJRT_Buffer *others[4];
  memset(values, 0xee, COUNT * sizeof *values);
  for (int i = 0; i < 4; i++)
    others[i] = make_f32(COUNT, values);
  for (int i = 0; i < COUNT; i++)
    CHECK(data[i] == (float)i, "element %d of a deleted, but referenced buffer changed", i);
  ARGS(Buffer_DecreaseExternalReferenceCount, down, .buffer = b);
  OK(Buffer_DecreaseExternalReferenceCount, down);
  for (int i = 0; i < 4; i++)
    destroy_buffer(others[i]);
  destroy_buffer(b);
  stop();
}

static void unsafe_pointer(void) {
  start();
  PJRT_Buffer *a = matrix(), *b = matrix();
  ARGS(Buffer_UnsafePointer, x, .buffer = a);
  ARGS(Buffer_UnsafePointer, y, .buffer = b);
  OK(Buffer_UnsafePointer, x);
  OK(Buffer_UnsafePointer, y);
  CHECK(x.buffer_pointer && x.buffer_pointer != y.buffer_pointer,
        "two buffers have one address, or none");
  destroy_buffer(a);
  destroy_buffer(b);
  stop();
}

static void copy_to_memory(void) {
  start();
  ARGS(Device_AddressableMemories, own, .device = device);
  OK(Device_AddressableMemories, own);
  for (size_t i = 0; i < own.num_memories; i++) {
    PJRT_Buffer *b = make_f32(3, (float[]){7, 8, 9});
    ARGS(Buffer_CopyToMemory, copy, .buffer = b, .dst_memory = own.memories[i]);
    OK(Buffer_CopyToMemory, copy);
    CHECK(copy.dst_buffer && copy.dst_buffer != b, "the copy is the buffer itself, or null");
    ARGS(Buffer_Memory, where, .buffer = copy.dst_buffer);
    OK(Buffer_Memory, where);
    CHECK(where.memory == own.memories[i], "the copy is in another memory");
    delete (b);
    CHECK(!is_deleted(copy.dst_buffer), "the copy is deleted with its source");
    expect_f32(copy.dst_buffer, 3, (float[]){7, 8, 9}, "the copy, after the source was deleted");
    destroy_buffer(b);
    destroy_buffer(copy.dst_buffer);
  }
  stop();
}

static void copy_to_same(void) {
  start();
  PJRT_Buffer *b = make_f32(3, (float[]){7, 8, 9});
  ARGS(Buffer_CopyToDevice, copy, .buffer = b, .dst_device = device);
  PJRT_Error *error = CALL(Buffer_CopyToDevice, copy);
  if (error) { // as XLA's plugins do
    CHECK(*pj_error_text(error), "an error without a message");
    pj_error_free(error);
  } else {
    CHECK(copy.dst_buffer && copy.dst_buffer != b, "the copy is the buffer itself, or null");
    destroy_buffer(copy.dst_buffer);
  }
  expect_f32(b, 3, (float[]){7, 8, 9}, "the source");
  destroy_buffer(b);
  stop();
}

static int released;
static void *released_pointer;
static void on_delete(void *data, void *user_arg) {
  CHECK(user_arg == &released, "user_arg is not what was given");
  released_pointer = data;
  released++;
}

static void view(void) {
  start();
  PJRT_Buffer *source = make_f32(4, (float[]){1, 2, 3, 4});
  ARGS(Buffer_IncreaseExternalReferenceCount, up, .buffer = source);
  OK(Buffer_IncreaseExternalReferenceCount, up);
  await_ok(ready_event(source), "the buffer");
  void *data = pointer(source);
  ARGS(Client_CreateViewOfDeviceBuffer, args, .client = client, .device_buffer_ptr = data,
       .dims = (int64_t[]){4}, .num_dims = 1, .element_type = PJRT_Buffer_Type_F32,
       .device = device, .on_delete_callback = on_delete, .on_delete_callback_arg = &released);
  OK(Client_CreateViewOfDeviceBuffer, args);
  expect_f32(args.buffer, 4, (float[]){1, 2, 3, 4}, "the view");
  EQUAL(released, 0, "the calls of on_delete while the view lives");
  destroy_buffer(args.buffer);
  for (double end = pj_now() + 5; !released; pj_sleep(0.001))
    CHECK(pj_now() < end, "on_delete is not called");
  EQUAL(released, 1, "the number of calls of on_delete");
  CHECK(released_pointer == data, "on_delete gets another address");
  ARGS(Buffer_DecreaseExternalReferenceCount, down, .buffer = source);
  OK(Buffer_DecreaseExternalReferenceCount, down);
  destroy_buffer(source);
  stop();
}

static void uninitialized(void) {
  start();
  ARGS(Client_CreateUninitializedBuffer, args, .client = client, .shape_dims = (int64_t[]){4, 5},
       .shape_num_dims = 2, .shape_element_type = PJRT_Buffer_Type_F32, .device = device);
  OK(Client_CreateUninitializedBuffer, args);
  await_ok(ready_event(args.buffer), "the buffer");
  float got[20];
  read_buffer(args.buffer, got, sizeof got);
  destroy_buffer(args.buffer);
  stop();
}

static void uninitialized_huge(void) {
  start();
  ARGS(Client_CreateUninitializedBuffer, args, .client = client,
       .shape_dims = (int64_t[]){(int64_t)1 << 50}, .shape_num_dims = 1,
       .shape_element_type = PJRT_Buffer_Type_F32, .device = device);
  PJRT_Error *error = CALL(Client_CreateUninitializedBuffer, args);
  if (!error) // the failure may come with the buffer
    error = await_event(ready_event(args.buffer));
  pj_expect_error(PJ_SLOT_Client_CreateUninitializedBuffer, error, PJRT_Error_Code_OK,
                  "a buffer of a million gigabytes", __FILE__, __LINE__);
  stop();
}

static PJRT_Buffer *error_buffer(void) {
  char message[] = "seven words";
  ARGS(Client_CreateErrorBuffer, args, .client = client, .error_code = PJRT_Error_Code_DATA_LOSS,
       .error_message = message, .error_message_size = 11, .shape_dims = (int64_t[]){4},
       .shape_num_dims = 1, .shape_element_type = PJRT_Buffer_Type_F32,
       .memory = default_memory(device));
  OK(Client_CreateErrorBuffer, args);
  memset(message, '?', sizeof message);
  CHECK(args.buffer, "PJRT_Client_CreateErrorBuffer succeeds with null");
  return args.buffer;
}

static void expect_poison(PJRT_Error *error, const char *what) {
  CHECK(error, "%s succeeds", what);
  CHECK(strstr(pj_error_text(error), "seven words"), "%s: the message is '%s'", what,
        pj_error_text(error));
  EQUAL(pj_error_code(error), PJRT_Error_Code_DATA_LOSS, "the code of the poisoned buffer's error");
  pj_error_free(error);
}

static void poisoned(void) {
  start();
  PJRT_Buffer *b = error_buffer();
  expect_poison(await_event(ready_event(b)), "the ready event of an error buffer");
  float room[4];
  ARGS(Buffer_ToHostBuffer, copy, .src = b, .dst = room, .dst_size = sizeof room);
  PJRT_Error *error = CALL(Buffer_ToHostBuffer, copy);
  expect_poison(error ? error : await_event(copy.event), "a download of an error buffer");
  destroy_buffer(b);
  stop();
}

static void poison_spreads(void) {
  start();
  PJRT_LoadedExecutable *loaded = compile(program_add);
  PJRT_Buffer *args[2] = {make_f32(4, (float[]){1, 2, 3, 4}), error_buffer()}, *out = NULL;
  PJRT_Buffer **const output_lists[1] = {&out};
  PJRT_Buffer *const *const argument_lists[1] = {args};
  PJRT_ExecuteOptions options = {.struct_size = PJRT_ExecuteOptions_STRUCT_SIZE};
  ARGS(LoadedExecutable_Execute, run, .executable = loaded, .options = &options,
       .argument_lists = argument_lists, .num_devices = 1, .num_args = 2,
       .output_lists = output_lists);
  PJRT_Error *error = CALL(LoadedExecutable_Execute, run);
  expect_poison(error ? error : await_event(ready_event(out)), "the result of a failed argument");
  expect_f32(args[0], 4, (float[]){1, 2, 3, 4}, "the other argument");
  destroy_buffer(args[0]);
  destroy_buffer(args[1]);
  if (out)
    destroy_buffer(out);
  destroy_loaded(loaded);
  stop();
}

static PJRT_Buffer *alias_buffer(PJRT_FulfillAliasBufferCallback **callback) {
  ARGS(Client_CreateAliasBuffer, args, .client = client, .memory = default_memory(device),
       .shape_dims = (int64_t[]){4}, .shape_num_dims = 1,
       .shape_element_type = PJRT_Buffer_Type_F32);
  OK(Client_CreateAliasBuffer, args);
  CHECK(args.alias_buffer && args.fulfill_alias_buffer_cb, "null results");
  *callback = args.fulfill_alias_buffer_cb;
  return args.alias_buffer;
}

static void alias(void) {
  start();
  PJRT_FulfillAliasBufferCallback *callback;
  PJRT_Buffer *b = alias_buffer(&callback), *source = make_f32(4, (float[]){4, 3, 2, 1});
  PJRT_Event *ready = ready_event(b);
  CHECK(!is_ready(ready), "ready before it has contents");
  ARGS(Client_FulfillAliasBuffer, fulfill, .client = client, .buffer = source,
       .status_code = PJRT_Error_Code_OK, .fulfill_alias_buffer_cb = callback);
  OK(Client_FulfillAliasBuffer, fulfill);
  await_ok(ready, "the alias buffer");
  expect_f32(b, 4, (float[]){4, 3, 2, 1}, "the alias buffer");
  destroy_buffer(source);
  expect_f32(b, 4, (float[]){4, 3, 2, 1}, "the alias buffer without its source's handle");
  destroy_buffer(b);
  stop();
}

static void alias_error(void) {
  start();
  PJRT_FulfillAliasBufferCallback *callback;
  PJRT_Buffer *b = alias_buffer(&callback);
  ARGS(Client_FulfillAliasBuffer, fulfill, .client = client,
       .status_code = PJRT_Error_Code_DATA_LOSS, .error_message = "seven words",
       .error_message_size = 11, .fulfill_alias_buffer_cb = callback);
  OK(Client_FulfillAliasBuffer, fulfill);
  expect_poison(await_event(ready_event(b)), "the ready event of an alias buffer that failed");
  destroy_buffer(b);
  stop();
}

static void donate_dependency(void) {
  start();
  PJRT_Buffer *b = make_f32(4, (float[]){1, 2, 3, 4});
  ARGS(Buffer_DonateWithControlDependency, args, .buffer = b);
  OK(Buffer_DonateWithControlDependency, args);
  CHECK(args.out_buffer && args.dependency_ready_callback, "null results");
  CHECK(is_deleted(b), "the donated buffer is not deleted");
  PJRT_Event *ready = ready_event(args.out_buffer);
  CHECK(!is_ready(ready), "ready before the dependency is");
  PJRT_Buffer_DonateWithControlDependency_Callback_Args answer = {
      .struct_size = PJRT_Buffer_DonateWithControlDependency_Callback_Args_STRUCT_SIZE,
      .callback_data = args.callback_data};
  args.dependency_ready_callback(&answer);
  await_ok(ready, "the new buffer");
  expect_f32(args.out_buffer, 4, (float[]){1, 2, 3, 4}, "the new buffer");
  destroy_buffer(b);
  destroy_buffer(args.out_buffer);
  stop();
}

static void bitcast(void) {
  start();
  PJRT_Buffer *b = make_f32(4, (float[]){1, 2, 3, 4});
  ARGS(Buffer_Bitcast, args, .buffer = b, .element_type = PJRT_Buffer_Type_U32,
       .dims = (int64_t[]){2, 2}, .num_dims = 2);
  OK(Buffer_Bitcast, args);
  CHECK(is_deleted(b), "the source is not deleted");
  ARGS(Buffer_ElementType, type, .buffer = args.out_buffer);
  OK(Buffer_ElementType, type);
  EQUAL(type.type, PJRT_Buffer_Type_U32, "the element type");
  uint32_t got[4];
  read_buffer(args.out_buffer, got, sizeof got);
  EQUAL(got[0], 0x3f800000, "the bits of 1.0");
  EQUAL(got[3], 0x40800000, "the bits of 4.0");
  destroy_buffer(b);
  destroy_buffer(args.out_buffer);
  stop();
}

static void bitcast_refused(void) {
  start();
  PJRT_Buffer *b = make_f32(4, (float[]){1, 2, 3, 4});
  ARGS(Buffer_Bitcast, args, .buffer = b, .element_type = PJRT_Buffer_Type_U32,
       .dims = (int64_t[]){5}, .num_dims = 1);
  REFUSES(Buffer_Bitcast, args);
  destroy_buffer(b);
  stop();
}

const PjCtsTest pj_cts_buffer_tests[] = {
    {"buffer.shape", "element type and dimensions are what was asked for, and stay", shape},
    {"buffer.unpadded", "unpadded dimensions are the dimensions", unpadded},
    {"buffer.dynamic", "there are no dynamic dimensions", dynamic},
    {"buffer.layout", "the layout is one of the buffer's dimensions", layout},
    {"buffer.size", "the size on the device holds the elements", size},
    {"buffer.place", "device and memory are those that were asked for", place},
    {"buffer.delete", "a deleted buffer says so; deleting again is allowed", deletion},
    {"buffer.use_deleted", "executing on a deleted buffer is an error", use_deleted},
    {"buffer.delete_in_use", "arguments may be destroyed while the program runs", delete_in_use},
    {"buffer.references", "external references count; one too few is INVALID_ARGUMENT", references},
    {"buffer.reference_keeps", "memory stays while it is referenced, also when deleted",
     reference_keeps},
    {"buffer.on_cpu", "a buffer on the CPU can be read in place", on_cpu_view},
    {"buffer.unsafe_pointer", "buffers have addresses of their own", unsafe_pointer},
    {"buffer.copy_to_memory", "a copy is in its memory and independent of the source",
     copy_to_memory},
    {"buffer.copy_to_same_device", "a copy to the same device is one, or an error", copy_to_same},
    {"buffer.view", "a view calls on_delete once, when the buffer ends", view},
    {"buffer.uninitialized", "a buffer without contents is ready", uninitialized},
    {"buffer.uninitialized_huge", "memory that nobody has is an error", uninitialized_huge},
    {"buffer.error", "an error buffer hands out its error", poisoned},
    {"buffer.error_spreads", "what is computed from an error buffer has its error", poison_spreads},
    {"buffer.alias", "an alias buffer gets its contents later", alias},
    {"buffer.alias_error", "an alias buffer may get an error", alias_error},
    {"buffer.donate_dependency", "a donated buffer waits for its dependency", donate_dependency},
    {"buffer.bitcast", "the same bytes as another type and shape; the source is deleted", bitcast},
    {"buffer.bitcast_refused", "a bitcast to another number of bytes is an error", bitcast_refused},
    {0}};
