// See inputs.h. The program is read by the importer, so bytecode tells its parameters as text does.
#include "inputs.h"

#include <string.h>

#include "base/alloc.h"
#include "file.h"
#include "import/import.h"
#include "ir/float_bits.h"
#include "plugin.h"
#include "show.h"

// --- Parameters ---------------------------------------------------------------------------------

static PjStatus read_parameter(const PjType *type, size_t index, PjInput *out) {
  PJ_FAIL_IF(!type || type->kind != PJ_TYPE_TENSOR || !pj_type_is_static(type) ||
                 type->rank > PJ_NPY_MAX_RANK,
             UNIMPLEMENTED, "parameter %zu is no array of a fixed shape", index);
  out->type = (PJRT_Buffer_Type)pj_dtype_info[type->dtype].pjrt;
  out->rank = type->rank;
  memcpy(out->dims, type->dims, type->rank * sizeof *out->dims);
  size_t element = pjh_type_host_size(out->type);
  int64_t count;
  PJ_FAIL_IF(!element || !pj_type_num_elements(type, &count) ||
                 !pj_mul_size((size_t)count, element, &out->size),
             UNIMPLEMENTED, "parameter %zu is of a type that has no arrays here", index);
  return PJ_STATUS_OK;
}

typedef struct Reading {
  PjArena *arena;
  PjStr program;
  PjInputs *out;
} Reading;

static PjStatus read_parameters(void *context) {
  Reading *r = context;
  PjModule *module;
  PJ_TRY(pj_import(r->arena, r->program.ptr, r->program.len, &module));
  const PjOp *entry = pj_module_entry(module);
  PJ_FAIL_IF(!entry, INVALID_ARGUMENT, "the program has no entry function");
  const PjRegion *body = &entry->regions[0];
  r->out->items = pj_calloc(body->num_args + 1, sizeof *r->out->items);
  if (!r->out->items)
    return pj_status_oom();
  r->out->count = body->num_args;
  const PjAttr *attrs = PJ_ATTR(entry, arg_attrs);
  for (uint32_t i = 0; i < body->num_args; i++) {
    PJ_TRY(read_parameter(body->args[i].type, i, &r->out->items[i]));
    const PjAttr *own = attrs && i < attrs->count ? attrs->elems[i] : NULL;
    r->out->items[i].donated =
        own && (pj_attr_get(own, "tf.aliasing_output") || pj_attr_get(own, "jax.buffer_donor"));
  }
  return PJ_STATUS_OK;
}

// --- Contents -----------------------------------------------------------------------------------

static uint64_t next_random(uint64_t *state) { // splitmix64
  uint64_t z = *state += 0x9e3779b97f4a7c15u;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return z ^ z >> 31;
}

static void generate(PjInput *input, uint64_t *state) {
  PjDtype dtype = pj_dtype_from_pjrt((int)input->type), part = pj_dtype_part(dtype);
  size_t bytes = pj_dtype_bytes(part), count = input->size / bytes;
  for (size_t i = 0; i < count; i++) {
    uint64_t random = next_random(state), bits = random >> 62;
    if (pj_dtype_is_float(part))
      bits = pj_float_to_bits(part, (double)(random >> 40) * 0x1p-24);
    else if (pj_dtype_bits(part) < 8) // what every such type has
      bits = random >> 63;
    memcpy((char *)input->data + i * bytes, &bits, bytes);
  }
}

static PjStatus wrong_file(const PjInput *input, const PjNpy *npy, const char *path, size_t index) {
  PjStrBuf wants = {0}, has = {0};
  pj_show_type(&wants, input->type, input->dims, input->rank);
  pj_show_type(&has, npy->type, npy->dims, npy->rank);
  PjStatus status = PJ_ERROR(INVALID_ARGUMENT, "argument %zu: the program wants %s, %s holds %s",
                             index, wants.data ? wants.data : "", path, has.data ? has.data : "");
  pj_strbuf_free(&wants);
  pj_strbuf_free(&has);
  return status;
}

// Raw bytes of the right width stand for any type.
static PjStatus fill_from(const PjNpy *npy, const char *path, size_t index, PjInput *input) {
  bool raw = npy->type == PJRT_Buffer_Type_INVALID;
  bool fits = raw ? npy->element_size == pjh_type_host_size(input->type) : npy->type == input->type;
  if (!fits || npy->rank != input->rank ||
      memcmp(npy->dims, input->dims, npy->rank * sizeof *npy->dims) != 0)
    return wrong_file(input, npy, path, index);
  PJ_FAIL_IF(npy->fortran_order && npy->rank > 1, UNIMPLEMENTED, "%s: is in Fortran's order", path);
  pj_npy_copy_elements(npy, input->data);
  return PJ_STATUS_OK;
}

static PjStatus read_file(const char *path, size_t index, PjInput *input) {
  char *bytes;
  size_t size;
  PjNpy npy;
  PJ_TRY(pj_file_read(path, &bytes, &size));
  PjStatus status = pj_status_prefix(pj_npy_parse(bytes, size, &npy), "%s", path);
  if (!status)
    status = fill_from(&npy, path, index, input);
  pj_free(bytes);
  return status;
}

static PjStatus fill(char *const *files, size_t num_files, PjInputs *inputs) {
  uint64_t state = 0;
  for (size_t i = 0; i < inputs->count; i++) {
    PjInput *input = &inputs->items[i];
    input->data = pj_malloc(input->size + 1);
    if (!input->data)
      return PJ_ERROR(RESOURCE_EXHAUSTED, "no memory for %zu bytes of argument %zu", input->size,
                      i);
    if (num_files)
      PJ_TRY(read_file(files[i], i, input));
    else
      generate(input, &state);
  }
  return PJ_STATUS_OK;
}

PjStatus pj_inputs_make(PjStr program, char *const *files, size_t num_files, PjInputs *out) {
  *out = (PjInputs){0};
  Reading reading = {.program = program, .out = out};
  PJ_TRY(pj_arena_create(0, &reading.arena));
  PjStatus status = pj_arena_guard(reading.arena, read_parameters, &reading);
  pj_arena_destroy(reading.arena);
  if (!status && num_files && num_files != out->count)
    status = PJ_ERROR(INVALID_ARGUMENT, "the program has %zu parameters, %zu inputs are given",
                      out->count, num_files);
  if (!status)
    status = fill(files, num_files, out);
  if (status)
    pj_inputs_free(out);
  return status;
}

void pj_inputs_free(PjInputs *inputs) {
  for (size_t i = 0; i < inputs->count; i++)
    pj_free(inputs->items[i].data);
  pj_free(inputs->items);
  *inputs = (PjInputs){0};
}

PjStatus pj_inputs_send(const PjInputs *inputs, PjhClient *client, size_t device,
                        PjhBuffer **buffers) {
  for (size_t i = 0; i < inputs->count; i++) {
    const PjInput *input = &inputs->items[i];
    if (buffers[i] && !input->donated)
      continue;
    pjh_buffer_destroy(buffers[i]);
    buffers[i] = NULL;
    PJ_TRY_IN(pj_plugin_status(pjh_buffer_from_host(client, device, input->data, input->type,
                                                    input->dims, input->rank, NULL, &buffers[i])),
              "argument %zu", i);
  }
  return PJ_STATUS_OK;
}
