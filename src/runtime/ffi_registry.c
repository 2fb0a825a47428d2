// Types and handlers of XLA's FFI, shared by the process. Entries live as long as the process:
// programs keep pointers to them.
#include <pthread.h>
#include <string.h>

#include "base/alloc.h"
#include "eval/eval.h"
#include "runtime/ffi.h"
#include "runtime/ffi_call.h"

typedef struct Type {
  struct Type *next;
  int64_t id;
  void (*deleter)(void *object);
  size_t len;
  char name[];
} Type;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static Type *types;
static int64_t next_type_id = 1;

PjStatus pj_ffi_type_register(PjStr name, void (*deleter)(void *object), int64_t *type_id) {
  Type *fresh = pj_malloc(sizeof *fresh + name.len);
  if (!fresh)
    return pj_status_oom();
  PjStatus status = PJ_STATUS_OK;
  pthread_mutex_lock(&lock);
  Type *by_name = NULL, *by_id = NULL;
  for (Type *type = types; type; type = type->next) {
    if (type->len == name.len && !memcmp(type->name, name.ptr, name.len))
      by_name = type;
    if (type->id == *type_id)
      by_id = type;
  }
  if (by_name ? *type_id && *type_id != by_name->id : by_id != NULL) {
    status = PJ_ERROR(INVALID_ARGUMENT, "FFI type \"%.*s\" with id %lld: the %s is taken",
                      PJ_STR_ARG(name), (long long)*type_id, by_name ? "name" : "id");
  } else if (by_name) {
    *type_id = by_name->id;
    if (deleter)
      by_name->deleter = deleter;
  } else {
    while (*type_id == 0) {
      *type_id = next_type_id++;
      for (Type *type = types; type; type = type->next)
        if (type->id == *type_id)
          *type_id = 0;
    }
    *fresh = (Type){.next = types, .id = *type_id, .deleter = deleter, .len = name.len};
    memcpy(fresh->name, name.ptr, name.len);
    types = fresh;
    fresh = NULL;
  }
  pthread_mutex_unlock(&lock);
  pj_free(fresh);
  return status;
}

void (*pj_ffi_type_deleter(int64_t type_id))(void *object) {
  void (*deleter)(void *object) = NULL;
  pthread_mutex_lock(&lock);
  for (Type *type = types; type; type = type->next)
    if (type->id == type_id)
      deleter = type->deleter;
  pthread_mutex_unlock(&lock);
  return deleter;
}

// Asks a handler which version of the interface it was built for.
static PjStatus check_version(PjStr target, XLA_FFI_Handler *handler) {
  XLA_FFI_Metadata metadata = {.struct_size = XLA_FFI_Metadata_STRUCT_SIZE,
                               .api_version = {.struct_size = XLA_FFI_Api_Version_STRUCT_SIZE}};
  XLA_FFI_Metadata_Extension extension = {
      .extension_base = {.struct_size = XLA_FFI_Metadata_Extension_STRUCT_SIZE,
                         .type = XLA_FFI_Extension_Metadata},
      .metadata = &metadata};
  XLA_FFI_CallFrame frame = {.struct_size = XLA_FFI_CallFrame_STRUCT_SIZE,
                             .extension_start = &extension.extension_base,
                             .api = pj_ffi_api()};
  PJ_TRY_IN(pj_ffi_take_error(handler(&frame)), "FFI handler of \"%.*s\": asking for its version",
            PJ_STR_ARG(target));
  PJ_FAIL_IF(metadata.api_version.major_version != XLA_FFI_API_MAJOR, INVALID_ARGUMENT,
             "FFI handler of \"%.*s\" was built for XLA FFI %d.%d; this plugin speaks %d.%d",
             PJ_STR_ARG(target), metadata.api_version.major_version,
             metadata.api_version.minor_version, XLA_FFI_API_MAJOR, XLA_FFI_API_MINOR);
  return PJ_STATUS_OK;
}

PjStatus pj_ffi_register(PjStr target, const XLA_FFI_Handler_Bundle *bundle) {
  PJ_FAIL_IF(!bundle->execute, INVALID_ARGUMENT, "FFI target \"%.*s\" without an execute handler",
             PJ_STR_ARG(target));
  PJ_TRY(check_version(target, bundle->execute));
  XLA_FFI_Handler_Bundle *copy = pj_malloc(sizeof *copy);
  if (!copy)
    return pj_status_oom();
  *copy = *bundle;
  PjStatus status = pj_custom_call_register(target, pj_ffi_call, copy);
  if (status)
    pj_free(copy);
  return status;
}
