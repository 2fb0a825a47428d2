// Conversions between the interface's values and the runtime's.
#include <string.h>

#include "base/alloc.h"
#include "pjrt/surface.h"

static PjStatus check_layout(const PJRT_Buffer_MemoryLayout *layout, size_t rank) {
  if (layout->type == PJRT_Buffer_MemoryLayout_Type_Tiled) {
    PJ_FAIL_IF(layout->tiled.num_tiles != 0, UNIMPLEMENTED,
               "tiled memory layouts are not supported");
    PJ_FAIL_IF(layout->tiled.minor_to_major_size != rank, INVALID_ARGUMENT,
               "a memory layout of %zu dimensions for an array of %zu",
               layout->tiled.minor_to_major_size, rank);
    return PJ_STATUS_OK;
  }
  PJ_FAIL_IF(layout->type != PJRT_Buffer_MemoryLayout_Type_Strides, INVALID_ARGUMENT,
             "unknown memory layout type %d", (int)layout->type);
  PJ_FAIL_IF(layout->strides.num_byte_strides != rank, INVALID_ARGUMENT,
             "a memory layout of %zu strides for an array of %zu dimensions",
             layout->strides.num_byte_strides, rank);
  return PJ_STATUS_OK;
}

// The order of dimensions, minor to major, that byte strides describe.
static void order_of_strides(const int64_t *strides, size_t rank, int64_t *out) {
  for (size_t i = 0; i < rank; i++) {
    // Insertion sort; equal strides (sizes of 1) keep row-major order.
    int64_t d = (int64_t)(rank - 1 - i);
    size_t at = i;
    for (; at > 0 && strides[out[at - 1]] > strides[d]; at--)
      out[at] = out[at - 1];
    out[at] = d;
  }
}

PjStatus pj_surface_shape(PJRT_Buffer_Type type, const int64_t *dims, size_t num_dims,
                          PJRT_Buffer_MemoryLayout *layout, const PjShape **out) {
  *out = NULL;
  if (type == PJRT_Buffer_Type_TOKEN) {
    *out = pj_shape_token();
    return *out ? PJ_STATUS_OK : pj_status_oom();
  }
  PjDtype dtype = pj_dtype_from_pjrt((int)type);
  PJ_FAIL_IF(dtype == PJ_DT_INVALID, INVALID_ARGUMENT,
             "element type %d is unknown or not supported", (int)type);
  int64_t order[PJ_MAX_RANK];
  const int64_t *minor_to_major = NULL;
  if (layout && num_dims <= PJ_MAX_RANK) {
    PJ_TRY(check_layout(layout, num_dims));
    if (layout->type == PJRT_Buffer_MemoryLayout_Type_Tiled) {
      minor_to_major = layout->tiled.minor_to_major;
    } else {
      order_of_strides(layout->strides.byte_strides, num_dims, order);
      minor_to_major = order;
    }
  }
  return pj_shape_create(dtype, num_dims, dims, minor_to_major, out);
}

PJRT_Buffer_Type pj_surface_type(const PjShape *shape) {
  if (shape->token)
    return PJRT_Buffer_Type_TOKEN;
  int code = pj_dtype_info[shape->dtype].pjrt;
  return code > 0 ? (PJRT_Buffer_Type)code : PJRT_Buffer_Type_INVALID;
}

const int64_t *pj_surface_minor_to_major(const PjShape *shape) {
  // Row-major is "rank-1, ..., 0": the end of one descending list.
  static const int64_t descending[PJ_MAX_RANK] = {
      63, 62, 61, 60, 59, 58, 57, 56, 55, 54, 53, 52, 51, 50, 49, 48, 47, 46, 45, 44, 43, 42,
      41, 40, 39, 38, 37, 36, 35, 34, 33, 32, 31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20,
      19, 18, 17, 16, 15, 14, 13, 12, 11, 10, 9,  8,  7,  6,  5,  4,  3,  2,  1,  0};
  return shape->minor_to_major ? shape->minor_to_major : descending + PJ_MAX_RANK - shape->rank;
}

PjStatus pj_surface_strides(const PjShape *shape, const PJRT_Buffer_MemoryLayout *layout,
                            int64_t *out) {
  const int64_t *minor_to_major = pj_surface_minor_to_major(shape);
  if (layout) {
    PJ_TRY(check_layout(layout, (size_t)shape->rank));
    if (layout->type == PJRT_Buffer_MemoryLayout_Type_Strides) {
      for (int i = 0; i < shape->rank; i++)
        out[i] = layout->strides.byte_strides[i];
      return PJ_STATUS_OK;
    }
    minor_to_major = layout->tiled.minor_to_major;
    uint64_t seen = 0;
    for (int i = 0; i < shape->rank; i++) {
      int64_t d = minor_to_major[i];
      PJ_FAIL_IF(d < 0 || d >= shape->rank || seen >> d & 1, INVALID_ARGUMENT,
                 "a layout's minor_to_major is no permutation of %d dimensions", shape->rank);
      seen |= (uint64_t)1 << d;
    }
  }
  int64_t stride = (int64_t)pj_dtype_bytes(shape->dtype);
  for (int i = 0; i < shape->rank; i++) {
    out[minor_to_major[i]] = stride;
    stride *= shape->dims[minor_to_major[i]] ? shape->dims[minor_to_major[i]] : 1;
  }
  return PJ_STATUS_OK;
}

PjStatus pj_surface_target(PJRT_Client *client, PJRT_Device *device, PJRT_Memory *memory,
                           PjMemory **out) {
  *out = NULL;
  PJ_FAIL_IF(!client, INVALID_ARGUMENT, "client is null");
  PJ_FAIL_IF(!device && !memory, INVALID_ARGUMENT,
             "neither a device nor a memory is given for a buffer");
  PjMemory *target =
      memory ? pj_memory_of(memory) : pj_device_of(device)->memories[PJ_MEMORY_DEVICE];
  PJ_FAIL_IF(target->client != pj_client_of(client), INVALID_ARGUMENT,
             "the memory for a buffer belongs to another client");
  *out = target;
  return PJ_STATUS_OK;
}

static PjStatus int_option(const PJRT_NamedValue *option, int64_t *out) {
  PJ_FAIL_IF(option->type != PJRT_NamedValue_kInt64, INVALID_ARGUMENT,
             "option %.*s must be an Int64", (int)option->name_size, option->name);
  *out = option->int64_value;
  return PJ_STATUS_OK;
}

// An option that is none of ours is the device's, if that takes any.
static PjStatus driver_option(const PJRT_NamedValue *option, PjSurfaceOptions *out) {
  PJ_FAIL_IF(out->client.num_driver_options == PJ_MAX_DRIVER_OPTIONS, INVALID_ARGUMENT,
             "more than %d options", PJ_MAX_DRIVER_OPTIONS);
  PjDriverOption *to = &out->driver[out->client.num_driver_options++];
  *to = (PjDriverOption){.name = option->name, .name_size = option->name_size};
  out->client.driver_options = out->driver;
  switch (option->type) {
  case PJRT_NamedValue_kString:
    to->kind = PJ_DRIVER_OPTION_TEXT;
    to->text = option->string_value;
    to->text_size = option->value_size;
    return PJ_STATUS_OK;
  case PJRT_NamedValue_kInt64:
    to->kind = PJ_DRIVER_OPTION_INT;
    to->integer = option->int64_value;
    return PJ_STATUS_OK;
  case PJRT_NamedValue_kFloat:
    to->kind = PJ_DRIVER_OPTION_FLOAT;
    to->number = (double)option->float_value;
    return PJ_STATUS_OK;
  case PJRT_NamedValue_kBool:
    to->kind = PJ_DRIVER_OPTION_BOOL;
    to->integer = option->bool_value;
    return PJ_STATUS_OK;
  default:
    return PJ_ERROR(INVALID_ARGUMENT, "option %.*s is neither text, number nor Bool",
                    (int)option->name_size, option->name);
  }
}

PjStatus pj_surface_read_options(const PJRT_NamedValue *options, size_t count,
                                 PjSurfaceOptions *out) {
  memset(out, 0, sizeof *out);
  out->num_nodes = 1;
  PJ_FAIL_IF(count && !options, INVALID_ARGUMENT, "%zu options at a null address", count);
  for (size_t i = 0; i < count; i++) {
    const PJRT_NamedValue *option = &options[i];
    PjStr name = {option->name, option->name_size};
    int64_t value = 0;
    if (pj_str_is(name, "cpu_device_count") || pj_str_is(name, "device_count")) {
      PJ_TRY(int_option(option, &value));
      PJ_FAIL_IF(value < 1 || value > 4096, INVALID_ARGUMENT,
                 "option %.*s must be from 1 to 4096, but is %lld", PJ_STR_ARG(name),
                 (long long)value);
      out->client.device_count = (int)value;
    } else if (pj_str_is(name, "threads")) {
      PJ_TRY(int_option(option, &value));
      PJ_FAIL_IF(value < 0 || value > 4096, INVALID_ARGUMENT,
                 "option threads must be from 0 to 4096, but is %lld", (long long)value);
      out->client.threads = (int)value;
    } else if (pj_str_is(name, "asynchronous")) {
      PJ_FAIL_IF(option->type != PJRT_NamedValue_kBool, INVALID_ARGUMENT,
                 "option asynchronous must be a Bool");
      out->client.synchronous = !option->bool_value;
    } else if (pj_str_is(name, "num_nodes")) {
      PJ_TRY(int_option(option, &out->num_nodes));
    } else if (pj_str_is(name, "node_id")) {
      PJ_TRY(int_option(option, &out->node_id));
    } else if (pj_str_is(name, "partition_index")) {
      PJ_TRY(int_option(option, &value));
    } else if (pj_surface_platform()->device->takes_options) {
      PJ_TRY(driver_option(option, out));
    } else {
      return PJ_ERROR(INVALID_ARGUMENT,
                      "unknown option \"%.*s\"; there are cpu_device_count and threads (Int64), "
                      "asynchronous (Bool), num_nodes, node_id and partition_index (Int64)",
                      PJ_STR_ARG(name));
    }
  }
  return PJ_STATUS_OK;
}

struct PjBlob {
  PjStrBuf text;
};

PjBlob *pj_blob_create(PjStrBuf *text) {
  PjBlob *blob = text->failed ? NULL : pj_malloc(sizeof *blob);
  if (!blob) {
    pj_strbuf_free(text);
    return NULL;
  }
  blob->text = *text;
  *text = (PjStrBuf){0};
  return blob;
}

const char *pj_blob_data(const PjBlob *blob) {
  return blob->text.data ? blob->text.data : "";
}
size_t pj_blob_size(const PjBlob *blob) {
  return blob->text.len;
}

void pj_blob_destroy(PjBlob *blob) {
  if (!blob)
    return;
  pj_strbuf_free(&blob->text);
  pj_free(blob);
}
