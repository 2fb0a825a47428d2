// Transfer managers: buffers that the host fills piece by piece.
#include "kit.h"

#include <stdio.h>
#include <stdlib.h>

typedef PJRT_AsyncHostToDeviceTransferManager Manager;

// Two buffers: s32[4] and f64[2].
static Manager *make(void) {
  start();
  static const int64_t dims[2] = {4, 2};
  PJRT_ShapeSpec specs[2] = {{.struct_size = PJRT_ShapeSpec_STRUCT_SIZE,
                              .dims = &dims[0],
                              .num_dims = 1,
                              .element_type = PJRT_Buffer_Type_S32},
                             {.struct_size = PJRT_ShapeSpec_STRUCT_SIZE,
                              .dims = &dims[1],
                              .num_dims = 1,
                              .element_type = PJRT_Buffer_Type_F64}};
  ARGS(Client_CreateBuffersForAsyncHostToDevice, args, .client = client, .shape_specs = specs,
       .num_shape_specs = 2, .memory = default_memory(device));
  OK(Client_CreateBuffersForAsyncHostToDevice, args);
  CHECK(args.transfer_manager, "the manager is null");
  return args.transfer_manager;
}

static PJRT_Buffer *retrieve(Manager *manager, int index) {
  ARGS(AsyncHostToDeviceTransferManager_RetrieveBuffer, args, .transfer_manager = manager,
       .buffer_index = index);
  OK(AsyncHostToDeviceTransferManager_RetrieveBuffer, args);
  CHECK(args.buffer_out, "buffer %d is null", index);
  return args.buffer_out;
}

static void destroy(Manager *manager) {
  ARGS(AsyncHostToDeviceTransferManager_Destroy, args, .transfer_manager = manager);
  OK(AsyncHostToDeviceTransferManager_Destroy, args);
}

static void write(Manager *manager, const int32_t *data, int64_t offset, int64_t size, bool last) {
  ARGS(AsyncHostToDeviceTransferManager_TransferData, args, .transfer_manager = manager,
       .data = data, .offset = offset, .transfer_size = size, .is_last_transfer = last);
  OK(AsyncHostToDeviceTransferManager_TransferData, args);
  await_ok(args.done_with_h2d_transfer, "the transfer");
}

static void questions(void) {
  Manager *manager = make();
  ARGS(AsyncHostToDeviceTransferManager_BufferCount, count, .transfer_manager = manager);
  OK(AsyncHostToDeviceTransferManager_BufferCount, count);
  EQUAL(count.buffer_count, 2, "the number of buffers");
  ARGS(AsyncHostToDeviceTransferManager_BufferSize, size, .transfer_manager = manager,
       .buffer_index = 1);
  OK(AsyncHostToDeviceTransferManager_BufferSize, size);
  CHECK(size.buffer_size >= 16, "the size of f64[2] is %zu", size.buffer_size);
  ARGS(AsyncHostToDeviceTransferManager_Device, on, .transfer_manager = manager);
  OK(AsyncHostToDeviceTransferManager_Device, on);
  CHECK(on.device_out == device, "the manager is of another device");
  destroy(manager);
  stop();
}

static void pieces(void) {
  Manager *manager = make();
  PJRT_Buffer *b = retrieve(manager, 0);
  PJRT_Event *ready = ready_event(b);
  write(manager, (int32_t[]){3, 4}, 8, 8, false);
  CHECK(!is_ready(ready), "ready before the last transfer");
  write(manager, (int32_t[]){1, 2}, 0, 8, true);
  await_ok(ready, "the buffer");
  int32_t got[4];
  read_buffer(b, got, sizeof got);
  for (int i = 0; i < 4; i++)
    EQUAL(got[i], i + 1, "an element");
  destroy(manager);
  read_buffer(b, got, sizeof got);
  EQUAL(got[3], 4, "an element, after the manager went");
  destroy_buffer(b);
  stop();
}

static void data_copied(void) {
  Manager *manager = make();
  PJRT_Buffer *b = retrieve(manager, 0);
  int32_t data[4] = {1, 2, 3, 4};
  write(manager, data, 0, 16, true);
  memset(data, 0xee, sizeof data);
  int32_t got[4];
  read_buffer(b, got, sizeof got);
  EQUAL(got[0], 1, "an element, after the event");
  destroy_buffer(b);
  destroy(manager);
  stop();
}

static void out_of_range(void) {
  Manager *manager = make();
  int32_t data[8] = {0};
  ARGS(AsyncHostToDeviceTransferManager_TransferData, args, .transfer_manager = manager,
       .data = data, .offset = 12, .transfer_size = 8);
  PJRT_Error *error = CALL(AsyncHostToDeviceTransferManager_TransferData, args);
  if (!error)
    error = await_event(args.done_with_h2d_transfer);
  pj_expect_error(-1, error, PJRT_Error_Code_OK, "a transfer beyond the buffer", __FILE__,
                  __LINE__);
  ARGS(AsyncHostToDeviceTransferManager_BufferSize, size, .transfer_manager = manager,
       .buffer_index = 7);
  REFUSES(AsyncHostToDeviceTransferManager_BufferSize, size);
  stop();
}

static void literal(void) {
  Manager *manager = make();
  PJRT_Buffer *b = retrieve(manager, 1);
  const double data[2] = {1.5, -2.5};
  ARGS(AsyncHostToDeviceTransferManager_TransferLiteral, args, .transfer_manager = manager,
       .buffer_index = 1, .data = data, .shape_dims = (int64_t[]){2}, .shape_num_dims = 1,
       .shape_element_type = PJRT_Buffer_Type_F64);
  OK(AsyncHostToDeviceTransferManager_TransferLiteral, args);
  await_ok(args.done_with_h2d_transfer, "the transfer");
  double got[2];
  read_buffer(b, got, sizeof got);
  CHECK(got[0] == 1.5 && got[1] == -2.5, "the buffer holds %g, %g", got[0], got[1]);
  destroy_buffer(b);
  destroy(manager);
  stop();
}

static void error(void) {
  Manager *manager = make();
  PJRT_Buffer *b = retrieve(manager, 1);
  ARGS(AsyncHostToDeviceTransferManager_SetBufferError, args, .transfer_manager = manager,
       .buffer_index = 1, .error_code = PJRT_Error_Code_CANCELLED,
       .error_message = "given up by the host", .error_message_size = 20);
  OK(AsyncHostToDeviceTransferManager_SetBufferError, args);
  PJRT_Error *got = await_event(ready_event(b));
  CHECK(got && strstr(pj_error_text(got), "given up by the host"), "the message is '%s'",
        got ? pj_error_text(got) : "");
  EQUAL(pj_error_code(got), PJRT_Error_Code_CANCELLED, "the code");
  pj_error_free(got);
  destroy_buffer(b);
  destroy(manager);
  stop();
}

static void unfilled(void) {
  Manager *manager = make();
  PJRT_Buffer *b = retrieve(manager, 0);
  destroy(manager);
  PJRT_Error *got = await_event(ready_event(b)); // fires, or the host waits for ever
  CHECK(got, "a buffer that nobody filled is ready without an error");
  pj_error_free(got);
  destroy_buffer(b);
  stop();
}

static void metadata(void) {
  Manager *manager = make();
  PJRT_NamedValue value = {.struct_size = PJRT_NamedValue_STRUCT_SIZE,
                           .name = "step",
                           .name_size = 4,
                           .type = PJRT_NamedValue_kInt64,
                           .int64_value = 7,
                           .value_size = 1};
  ARGS(AsyncHostToDeviceTransferManager_AddMetadata, args, .transfer_manager = manager,
       .transfer_metadata = &value, .num_metadata = 1);
  OK(AsyncHostToDeviceTransferManager_AddMetadata, args);
  destroy(manager);
  stop();
}

const PjCtsTest pj_cts_transfer_tests[] = {
    {"transfer.questions", "count, sizes and device are those that were asked for", questions},
    {"transfer.pieces", "pieces come in any order; the last one makes the buffer ready", pieces},
    {"transfer.data_copied", "the data is the host's again when the event fires", data_copied},
    {"transfer.out_of_range", "a piece beyond the buffer is an error", out_of_range},
    {"transfer.literal", "a whole buffer at once", literal},
    {"transfer.error", "a buffer may become an error", error},
    {"transfer.unfilled", "a buffer that nobody fills becomes an error with the manager's end",
     unfilled},
    {"transfer.metadata", "metadata is taken", metadata},
    {0}};
