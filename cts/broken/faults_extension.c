// Faults of extensions: the list is the sound plugin's own, changed in place, for this process has
// no other use of it.
#include <string.h>

#include "pjrt/ext/ffi.h"
#include "pjrt/ext/layouts.h"
#include "pjrt/ext/memory_descriptions.h"
#include "pjrt/ext/profiler.h"
#include "pjrt/ext/shardings.h"
#include "util.h"

static void *extension(PJRT_Extension_Type type) {
  PJRT_Extension_Base *e = pj_real->extension_start;
  while (e && e->type != type)
    e = e->next;
  return e;
}

// --- Layouts -------------------------------------------------------------------------------------

static PJRT_Layouts_PJRT_Buffer_MemoryLayout *buffer_layout;
static PJRT_Error *buffer_layout_any_size(PJRT_Layouts_PJRT_Buffer_MemoryLayout_Args *args) {
  PJRT_Layouts_PJRT_Buffer_MemoryLayout_Args mine = {
      .struct_size = PJRT_Layouts_PJRT_Buffer_MemoryLayout_Args_STRUCT_SIZE,
      .buffer = args->buffer};
  PJRT_Error *error = buffer_layout(&mine);
  args->layout = mine.layout;
  return error;
}

void pj_broken_ext_size_unchecked(void) {
  PJRT_Layouts_Extension *ext = extension(PJRT_Extension_Type_Layouts);
  buffer_layout = ext->PJRT_Layouts_PJRT_Buffer_MemoryLayout;
  ext->PJRT_Layouts_PJRT_Buffer_MemoryLayout = buffer_layout_any_size;
}

static PJRT_Layouts_MemoryLayout_Serialize *serialize;
static PJRT_Error *serialize_unchecked(PJRT_Layouts_MemoryLayout_Serialize_Args *args) {
  if (args->struct_size >= PJRT_Layouts_MemoryLayout_Serialize_Args_STRUCT_SIZE)
    *(volatile char *)args->layout;
  return serialize(args);
}

void pj_broken_ext_null_crash(void) {
  PJRT_Layouts_Extension *ext = extension(PJRT_Extension_Type_Layouts);
  serialize = ext->PJRT_Layouts_MemoryLayout_Serialize;
  ext->PJRT_Layouts_MemoryLayout_Serialize = serialize_unchecked;
}

static PJRT_Layouts_PJRT_Topology_GetDefaultLayout *topology_layout;
static PJRT_Error *topology_layout_flat(PJRT_Layouts_PJRT_Topology_GetDefaultLayout_Args *args) {
  args->num_dims = args->num_dims > 0;
  return topology_layout(args);
}

void pj_broken_ext_topology_layout(void) {
  PJRT_Layouts_Extension *ext = extension(PJRT_Extension_Type_Layouts);
  topology_layout = ext->PJRT_Layouts_PJRT_Topology_GetDefaultLayout;
  ext->PJRT_Layouts_PJRT_Topology_GetDefaultLayout = topology_layout_flat;
}

static PJRT_Layouts_PJRT_Executable_GetOutputLayouts *output_layouts;
static PJRT_Error *output_layouts_one(PJRT_Layouts_PJRT_Executable_GetOutputLayouts_Args *args) {
  PJRT_Error *error = output_layouts(args);
  args->num_outputs = 1;
  return error;
}

void pj_broken_ext_layouts_counted(void) {
  PJRT_Layouts_Extension *ext = extension(PJRT_Extension_Type_Layouts);
  output_layouts = ext->PJRT_Layouts_PJRT_Executable_GetOutputLayouts;
  ext->PJRT_Layouts_PJRT_Executable_GetOutputLayouts = output_layouts_one;
}

// --- Shardings, memories -------------------------------------------------------------------------

static PJRT_Error *shardings_two(PJRT_Shardings_PJRT_Executable_ParameterShardings_Args *args) {
  static const char *const names[2] = {"", ""};
  static const size_t sizes[2];
  args->num_parameters = 2;
  args->shardings = names;
  args->sharding_sizes = sizes;
  return NULL;
}

void pj_broken_ext_shardings_counted(void) {
  PJRT_Shardings_Extension *ext = extension(PJRT_Extension_Type_Shardings);
  ext->PJRT_Shardings_PJRT_Executable_ParameterShardings = shardings_two;
}

static PJRT_DeviceDescription_MemoryDescriptions *descriptions;
static PJRT_Error *descriptions_beyond(PJRT_DeviceDescription_MemoryDescriptions_Args *args) {
  PJRT_Error *error = descriptions(args);
  args->default_memory_index = args->num_memory_descriptions;
  return error;
}

void pj_broken_ext_memory_default(void) {
  PJRT_MemoryDescriptions_Extension *ext = extension(PJRT_Extension_Type_MemoryDescriptions);
  descriptions = ext->PJRT_DeviceDescription_MemoryDescriptions;
  ext->PJRT_DeviceDescription_MemoryDescriptions = descriptions_beyond;
}

// --- FFI -----------------------------------------------------------------------------------------

static PJRT_Error *one_type(PJRT_FFI_Type_Register_Args *args) {
  args->type_id = 1;
  return NULL;
}

void pj_broken_ext_one_type(void) {
  PJRT_FFI_Extension *ext = extension(PJRT_Extension_Type_FFI);
  ext->type_register = one_type;
}

static PJRT_Error *forget(PJRT_FFI_UserData_Add_Args *args) {
  return NULL;
}

void pj_broken_ext_user_data_lost(void) {
  PJRT_FFI_Extension *ext = extension(PJRT_Extension_Type_FFI);
  ext->user_data_add = forget;
}

// --- The profiler --------------------------------------------------------------------------------

static PLUGIN_Profiler_Api *profiler(void) {
  return ((PJRT_Profiler_Extension *)extension(PJRT_Extension_Type_Profiler))->profiler_api;
}

static PLUGIN_Profiler_Error *see_nothing(PLUGIN_Profiler_CollectData_Args *args) {
  args->buffer_size_in_bytes = 0;
  return NULL;
}

void pj_broken_ext_profiler_blind(void) {
  profiler()->collect_data = see_nothing;
}

static PLUGIN_Profiler_Error *stop_anyway(PLUGIN_Profiler_Stop_Args *args) {
  return NULL;
}

void pj_broken_ext_profiler_order(void) {
  profiler()->stop = stop_anyway;
}

static PLUGIN_Profiler_Start *start;
static PLUGIN_Profiler_Error *start_null(PLUGIN_Profiler_Start_Args *args) {
  *(volatile char *)args->profiler;
  return start(args);
}

void pj_broken_ext_profiler_null(void) {
  start = profiler()->start;
  profiler()->start = start_null;
}
