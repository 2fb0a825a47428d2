// See inputs.h.
#include "inputs.h"

#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "file.h"
#include "ir/float_bits.h"
#include "npz.h"
#include "plugin.h"
#include "show.h"

// --- Files ---------------------------------------------------------------------------------------

// Splits |name| into the path, a copy, and the element type after its colon if it has one.
static PjStatus split_name(const char *name, char **out_path, PJRT_Buffer_Type *out_type) {
  const char *colon = strrchr(name, ':');
  size_t length = strlen(name);
  struct stat info;
  *out_type = PJRT_Buffer_Type_INVALID;
  if (colon && stat(name, &info) != 0) {
    *out_type = pjh_type_from_name(colon + 1, strlen(colon + 1));
    PJ_FAIL_IF(*out_type == PJRT_Buffer_Type_INVALID, NOT_FOUND,
               "%s: no such file, and '%s' is no element type to read %.*s as", name, colon + 1,
               (int)(colon - name), name);
    length = (size_t)(colon - name);
  }
  *out_path = pj_strndup(name, length);
  return *out_path ? PJ_STATUS_OK : pj_status_oom();
}

// Makes the array of a file in |input->memory|, of |size| bytes.
static PjStatus parse(PjInput *input, size_t size, PJRT_Buffer_Type type) {
  PjNpy npy;
  PJ_TRY_IN(pj_npy_parse(input->memory, size, &npy), "%s", input->path);
  PJ_FAIL_IF(type != PJRT_Buffer_Type_INVALID && pjh_type_host_size(type) != npy.element_size,
             INVALID_ARGUMENT, "%s: holds elements of %zu bytes, %s has %zu", input->path,
             npy.element_size, pjh_type_name(type), pjh_type_host_size(type));
  input->type = type == PJRT_Buffer_Type_INVALID ? npy.type : type;
  input->element_size = npy.element_size;
  input->rank = npy.rank;
  memcpy(input->dims, npy.dims, npy.rank * sizeof *npy.dims);
  input->strided = npy.fortran_order;
  if (npy.fortran_order)
    pj_npy_strides(&npy, input->strides);
  input->data = npy.data;
  input->size = npy.data_size;
  if (!npy.big_endian)
    return PJ_STATUS_OK;
  char *elements = pj_malloc(npy.data_size + 1);
  if (!elements)
    return pj_status_oom();
  pj_npy_copy_elements(&npy, elements);
  pj_free(input->memory);
  input->data = input->memory = elements;
  return PJ_STATUS_OK;
}

static PjStatus add(PjInputs *inputs, PjInput **out) {
  PjInput *items = pj_realloc(inputs->items, (inputs->count + 1) * sizeof *items);
  if (!items)
    return pj_status_oom();
  inputs->items = items;
  *out = &items[inputs->count++];
  **out = (PjInput){0};
  return PJ_STATUS_OK;
}

// Adds the members of an archive, each by the path and name `FILE.npz:MEMBER`.
static PjStatus add_members(PjInputs *inputs, const char *path, const PjNpz *npz) {
  for (size_t i = 0; i < npz->count; i++) {
    PjInput *input;
    size_t size;
    PJ_TRY(add(inputs, &input));
    PjStrBuf name = {0};
    pj_strbuf_printf(&name, "%s:%s", path, npz->members[i].name);
    PJ_TRY(pj_strbuf_status(&name));
    input->path = name.data;
    input->member = name.data + strlen(path) + 1;
    PJ_TRY_IN(pj_npz_member(npz, i, &input->memory, &size), "%s", path);
    PJ_TRY(parse(input, size, PJRT_Buffer_Type_INVALID));
  }
  return PJ_STATUS_OK;
}

static PjStatus add_archive(PjInputs *inputs, const char *path, const char *bytes, size_t size) {
  PjNpz npz;
  PJ_TRY_IN(pj_npz_open(bytes, size, &npz), "%s", path);
  PjStatus status = add_members(inputs, path, &npz);
  pj_npz_free(&npz);
  return status;
}

static PjStatus add_file(PjInputs *inputs, const char *name) {
  PJRT_Buffer_Type type;
  char *path = NULL, *bytes = NULL;
  size_t size;
  PJ_TRY(split_name(name, &path, &type));
  PjStatus status = pj_file_read(path, &bytes, &size);
  bool archive = !status && pj_is_npz(bytes, size);
  PjInput *input = NULL;
  if (archive && type != PJRT_Buffer_Type_INVALID)
    status = PJ_ERROR(INVALID_ARGUMENT, "%s: an archive has no element type of its own", name);
  else if (archive)
    status = add_archive(inputs, path, bytes, size);
  else if (!status)
    status = add(inputs, &input);
  if (!input) {
    pj_free(path);
    pj_free(bytes);
    return status;
  }
  input->path = path;
  input->memory = bytes;
  return parse(input, size, type);
}

// --- Parameters ----------------------------------------------------------------------------------

// Whether |input| may stand for elements of |type|: the same type, raw bytes of its width, or the
// byte integers that narrower integers are written as. The caller checks their range.
static bool type_fits(const PjInput *input, PJRT_Buffer_Type type) {
  if (input->type == type)
    return true;
  if (input->type == PJRT_Buffer_Type_INVALID)
    return pjh_type_host_size(type) == input->element_size && type != PJRT_Buffer_Type_PRED;
  switch (type) {
  case PJRT_Buffer_Type_S4:
  case PJRT_Buffer_Type_S2:
    return input->type == PJRT_Buffer_Type_S8;
  case PJRT_Buffer_Type_U4:
  case PJRT_Buffer_Type_U2:
    return input->type == PJRT_Buffer_Type_U8;
  default:
    return false;
  }
}

static PjStatus check_range(const PjInput *input, PJRT_Buffer_Type type) {
  int low = 0, high = 0;
  switch (type) {
  case PJRT_Buffer_Type_S4:
    low = -8, high = 7;
    break;
  case PJRT_Buffer_Type_S2:
    low = -2, high = 1;
    break;
  case PJRT_Buffer_Type_U4:
    high = 15;
    break;
  case PJRT_Buffer_Type_U2:
    high = 3;
    break;
  default:
    return PJ_STATUS_OK;
  }
  for (size_t i = 0; i < input->size; i++) {
    int value =
        low < 0 ? ((const signed char *)input->data)[i] : ((const unsigned char *)input->data)[i];
    PJ_FAIL_IF(value < low || value > high, INVALID_ARGUMENT,
               "%s: element %zu is %d, %s reaches from %d to %d", input->path, i, value,
               pjh_type_name(type), low, high);
  }
  return PJ_STATUS_OK;
}

// Compares an input with the parameter it is for, and gives raw bytes their type.
static PjStatus check(PjInput *input, size_t index, const PjhSlot *parameter) {
  input->donated = parameter->donated;
  // What has no name here is left to the plugin.
  if (parameter->type == PJRT_Buffer_Type_INVALID)
    return PJ_STATUS_OK;
  bool fits = input->rank == parameter->rank;
  for (size_t i = 0; fits && i < input->rank; i++)
    fits = parameter->dims[i] < 0 || parameter->dims[i] == input->dims[i];
  fits = fits && type_fits(input, parameter->type);
  if (fits) {
    PJ_TRY(check_range(input, parameter->type));
    input->type = parameter->type;
    return PJ_STATUS_OK;
  }
  PjStrBuf wants = {0}, has = {0};
  pj_show_type(&wants, parameter->type, parameter->dims, parameter->rank);
  pj_show_type(&has, input->type, input->dims, input->rank);
  PjStatus status = pj_strbuf_status(&wants);
  if (!status)
    status = pj_strbuf_status(&has);
  if (!status && input->type == PJRT_Buffer_Type_INVALID)
    status =
        PJ_ERROR(INVALID_ARGUMENT,
                 "argument %zu: the program wants %s, %s holds raw elements of %zu bytes%s", index,
                 wants.data, input->path, input->element_size, has.data + strlen("invalid"));
  else if (!status)
    status = PJ_ERROR(INVALID_ARGUMENT, "argument %zu: the program wants %s, %s holds %s", index,
                      wants.data, input->path, has.data);
  pj_strbuf_free(&wants);
  pj_strbuf_free(&has);
  return status;
}

static PjStatus check_all(const PjhSignature *signature, PjInputs *inputs) {
  for (size_t i = 0; i < inputs->count; i++) {
    PjInput *input = &inputs->items[i];
    if (signature)
      PJ_TRY(check(input, i, pjh_signature_parameter(signature, i)));
    PJ_FAIL_IF(
        input->type == PJRT_Buffer_Type_INVALID, INVALID_ARGUMENT,
        "argument %zu: %s holds raw elements of %zu bytes; say which type they are, e.g. %s:%s", i,
        input->path, input->element_size, input->path,
        input->element_size == 2 ? "bf16" : "f8E4M3FN");
  }
  return PJ_STATUS_OK;
}

// Puts inputs that all are members of archives, each called as another parameter, in the order of
// the parameters; leaves others as they are.
static PjStatus order_by_name(const PjhSignature *signature, PjInputs *inputs) {
  PjInput *ordered = pj_calloc(inputs->count + 1, sizeof *ordered);
  if (!ordered)
    return pj_status_oom();
  size_t placed = 0;
  for (size_t i = 0; i < inputs->count; i++) {
    const char *name = inputs->items[i].member;
    size_t at = name ? pjh_signature_find_parameter(signature, name) : SIZE_MAX;
    if (at >= inputs->count || ordered[at].path)
      break;
    ordered[at] = inputs->items[i];
    placed++;
  }
  bool all = placed == inputs->count;
  pj_free(all ? inputs->items : ordered);
  if (all)
    inputs->items = ordered;
  return PJ_STATUS_OK;
}

PjStatus pj_inputs_read(char *const *files, size_t num_files, const PjhSignature *signature,
                        PjInputs *out) {
  *out = (PjInputs){0};
  for (size_t i = 0; i < num_files; i++)
    PJ_TRY(add_file(out, files[i]));
  size_t wanted = signature ? pjh_signature_num_parameters(signature) : out->count;
  PJ_FAIL_IF(wanted != out->count, INVALID_ARGUMENT,
             "the program has %zu parameters, %zu inputs are given", wanted, out->count);
  if (signature)
    PJ_TRY(order_by_name(signature, out));
  return check_all(signature, out);
}

// --- Generating ----------------------------------------------------------------------------------

static uint64_t next_random(uint64_t *state) { // splitmix64
  uint64_t z = *state += 0x9e3779b97f4a7c15u;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return z ^ z >> 31;
}

static void fill(PjInput *input, uint64_t *state) {
  PjDtype dtype = pj_dtype_from_pjrt((int)input->type), part = pj_dtype_part(dtype);
  size_t bytes = pj_dtype_bytes(part), count = input->size / bytes;
  for (size_t i = 0; i < count; i++) {
    uint64_t random = next_random(state), bits = random >> 62;
    if (pj_dtype_is_float(part))
      bits = pj_float_to_bits(part, (double)(random >> 40) * 0x1p-24);
    else if (pj_dtype_bits(part) < 8) // what every such type has
      bits = random >> 63;
    memcpy(input->memory + i * bytes, &bits, bytes);
  }
}

static PjStatus generate(const PjhSlot *parameter, size_t index, uint64_t *state, PjInput *input) {
  size_t size = pjh_type_host_size(parameter->type);
  bool fixed = size && parameter->rank <= PJ_NPY_MAX_RANK;
  for (size_t i = 0; fixed && i < parameter->rank; i++)
    fixed = parameter->dims[i] >= 0 && pj_mul_size(size, (size_t)parameter->dims[i], &size);
  PJ_FAIL_IF(!fixed, UNIMPLEMENTED,
             "parameter %zu is no array of a fixed shape: give a file for it", index);
  *input = (PjInput){.type = parameter->type, .rank = parameter->rank, .size = size};
  memcpy(input->dims, parameter->dims, parameter->rank * sizeof *input->dims);
  input->donated = parameter->donated;
  input->data = input->memory = pj_malloc(size + 1);
  PJ_FAIL_IF(!input->memory, RESOURCE_EXHAUSTED, "no memory for %zu bytes of argument %zu", size,
             index);
  fill(input, state);
  return PJ_STATUS_OK;
}

PjStatus pj_inputs_generate(const PjhSignature *signature, PjInputs *out) {
  size_t count = pjh_signature_num_parameters(signature);
  *out = (PjInputs){.items = pj_calloc(count + 1, sizeof *out->items)};
  if (!out->items)
    return pj_status_oom();
  uint64_t state = 0;
  for (size_t i = 0; i < count; i++)
    PJ_TRY(generate(pjh_signature_parameter(signature, i), i, &state, &out->items[out->count++]));
  return PJ_STATUS_OK;
}

PjStatus pj_inputs_make(PjStr program, char *const *files, size_t num_files, PjInputs *out) {
  *out = (PjInputs){0};
  PjhSignature *signature;
  PJ_TRY(pj_plugin_status(pjh_signature_read(program.ptr, program.len, &signature)));
  PjStatus status = num_files ? pj_inputs_read(files, num_files, signature, out)
                              : pj_inputs_generate(signature, out);
  pjh_signature_free(signature);
  if (status)
    pj_inputs_free(out);
  return status;
}

void pj_inputs_free(PjInputs *inputs) {
  for (size_t i = 0; i < inputs->count; i++) {
    pj_free(inputs->items[i].path);
    pj_free(inputs->items[i].memory);
  }
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
    PjhError *error =
        pjh_buffer_from_host(client, device, input->data, input->type, input->dims, input->rank,
                             input->strided ? input->strides : NULL, &buffers[i]);
    PJ_TRY_IN(pj_plugin_status(error), "argument %zu (%s)", i,
              input->path ? input->path : "generated");
  }
  return PJ_STATUS_OK;
}
