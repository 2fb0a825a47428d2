// The layouts extension. Memory is row-major; other layouts that a host asked for are remembered
// with the shape.
#include "base/alloc.h"
#include "pjrt/extensions.h"
#include "pjrt/layout.h"

static PjStatus create(const PjShape *shape, PJRT_Layouts_MemoryLayout **out) {
  *out = pj_malloc(sizeof **out);
  if (!*out)
    return pj_status_oom();
  (*out)->shape = pj_shape_retain(shape);
  return PJ_STATUS_OK;
}

static PJRT_Error *
pj_api_Layouts_MemoryLayout_Destroy(PJRT_Layouts_MemoryLayout_Destroy_Args *args) {
  PJ_ARGS(Layouts_MemoryLayout_Destroy, layout);
  if (args->layout)
    pj_shape_release(args->layout->shape);
  pj_free(args->layout);
  return NULL;
}

static void delete_serialized(PJRT_Layouts_SerializedLayout *blob) {
  pj_blob_destroy((PjBlob *)blob);
}

static PJRT_Error *
pj_api_Layouts_MemoryLayout_Serialize(PJRT_Layouts_MemoryLayout_Serialize_Args *args) {
  PJ_ARGS(Layouts_MemoryLayout_Serialize, serialized_layout_deleter);
  PJ_NOT_NULL(layout);
  PjStrBuf text = {0};
  pj_shape_print_layout(&text, args->layout->shape);
  PjBlob *blob = pj_blob_create(&text);
  if (!blob)
    return pj_surface_error(pj_status_oom());
  args->serialized_bytes = pj_blob_data(blob);
  args->serialized_bytes_size = pj_blob_size(blob);
  args->serialized_layout = (PJRT_Layouts_SerializedLayout *)blob;
  args->serialized_layout_deleter = delete_serialized;
  return NULL;
}

static PjStatus default_layout(PJRT_Buffer_Type type, const int64_t *dims, size_t num_dims,
                               PJRT_Layouts_MemoryLayout **out) {
  *out = NULL;
  const PjShape *shape;
  PJ_TRY(pj_surface_shape(type, dims, num_dims, NULL, &shape));
  PjStatus status = create(shape, out);
  pj_shape_release(shape);
  return status;
}

static PJRT_Error *
pj_api_Layouts_PJRT_Client_GetDefaultLayout(PJRT_Layouts_PJRT_Client_GetDefaultLayout_Args *args) {
  PJ_ARGS(Layouts_PJRT_Client_GetDefaultLayout, layout);
  PJ_NOT_NULL(client);
  return pj_surface_error(default_layout(args->type, args->dims, args->num_dims, &args->layout));
}

static PJRT_Error *pj_api_Layouts_PJRT_Topology_GetDefaultLayout(
    PJRT_Layouts_PJRT_Topology_GetDefaultLayout_Args *args) {
  PJ_ARGS(Layouts_PJRT_Topology_GetDefaultLayout, layout);
  PJ_NOT_NULL(topology_description);
  return pj_surface_error(default_layout(args->type, args->dims, args->num_dims, &args->layout));
}

static PJRT_Error *
pj_api_Layouts_PJRT_Buffer_MemoryLayout(PJRT_Layouts_PJRT_Buffer_MemoryLayout_Args *args) {
  PJ_ARGS(Layouts_PJRT_Buffer_MemoryLayout, layout);
  PJ_NOT_NULL(buffer);
  return pj_surface_error(create(pj_buffer_of(args->buffer)->shape, &args->layout));
}

static PJRT_Error *pj_api_Layouts_PJRT_Executable_GetOutputLayouts(
    PJRT_Layouts_PJRT_Executable_GetOutputLayouts_Args *args) {
  PJ_ARGS(Layouts_PJRT_Executable_GetOutputLayouts, layouts);
  PJ_ANSWERS(answers);
  args->num_outputs = pj_executable_of(args->executable)->signature.num_results;
  args->layouts = answers->output_layouts;
  return NULL;
}

static PJRT_Error *pj_api_Layouts_PJRT_Executable_GetParameterLayouts(
    PJRT_Layouts_PJRT_Executable_GetParameterLayouts_Args *args) {
  PJ_ARGS(Layouts_PJRT_Executable_GetParameterLayouts, layouts);
  PJ_ANSWERS(answers);
  args->num_parameters = pj_executable_of(args->executable)->signature.num_params;
  args->layouts = answers->param_layouts;
  return NULL;
}

PJRT_Layouts_Extension pj_ext_layouts = {
    .base = {.struct_size = PJRT_Layouts_Extension_STRUCT_SIZE,
             .type = PJRT_Extension_Type_Layouts,
             .next = &pj_ext_shardings.base},
    .PJRT_Layouts_MemoryLayout_Destroy = pj_api_Layouts_MemoryLayout_Destroy,
    .PJRT_Layouts_MemoryLayout_Serialize = pj_api_Layouts_MemoryLayout_Serialize,
    .PJRT_Layouts_PJRT_Client_GetDefaultLayout = pj_api_Layouts_PJRT_Client_GetDefaultLayout,
    .PJRT_Layouts_PJRT_Buffer_MemoryLayout = pj_api_Layouts_PJRT_Buffer_MemoryLayout,
    .PJRT_Layouts_PJRT_Topology_GetDefaultLayout = pj_api_Layouts_PJRT_Topology_GetDefaultLayout,
    .PJRT_Layouts_PJRT_Executable_GetOutputLayouts =
        pj_api_Layouts_PJRT_Executable_GetOutputLayouts,
    .PJRT_Layouts_PJRT_Executable_GetParameterLayouts =
        pj_api_Layouts_PJRT_Executable_GetParameterLayouts,
};
