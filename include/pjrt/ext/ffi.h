// FFI extension (type 5): custom-call handlers that the host registers, and the data they get per
// execution.
//
// Handlers use the ABI in xla_ffi.h. Names, order and layout of the structs are upstream's
// (interface version 3).

#ifndef PJRT_EXT_FFI_H_
#define PJRT_EXT_FFI_H_

#include "pjrt/pjrt_c_api.h"

#ifdef __cplusplus
extern "C" {
#endif

#define PJRT_API_FFI_EXTENSION_VERSION 3

// How objects of a type are handled. The last two are reserved.
typedef struct PJRT_FFI_Type_Info {
  void (*deleter)(void *object);
  void (*serialize)(void);
  void (*deserialize)(void);
} PJRT_FFI_Type_Info;

// Gives the type called |type_name| an id: |type_id| if it is not 0, else a new one, written back.
// The same name gets the same id; a different id for a known name is INVALID_ARGUMENT.
struct PJRT_FFI_Type_Register_Args {
  size_t struct_size;
  PJRT_Extension_Base *extension_start;
  const char *type_name;
  size_t type_name_size;
  int64_t type_id; // in and out
  PJRT_FFI_Type_Info *type_info;
};
PJRT_DEFINE_STRUCT_TRAITS(PJRT_FFI_Type_Register_Args, type_info);

typedef PJRT_Error *PJRT_FFI_Type_Register(PJRT_FFI_Type_Register_Args *args);

typedef struct PJRT_FFI_UserData {
  int64_t type_id;
  void *data;
} PJRT_FFI_UserData;

// Puts an object into |context|; the type's deleter, if any, runs when the context goes.
struct PJRT_FFI_UserData_Add_Args {
  size_t struct_size;
  PJRT_Extension_Base *extension_start;
  PJRT_ExecuteContext *context;
  PJRT_FFI_UserData user_data;
};
PJRT_DEFINE_STRUCT_TRAITS(PJRT_FFI_UserData_Add_Args, user_data);

typedef PJRT_Error *PJRT_FFI_UserData_Add(PJRT_FFI_UserData_Add_Args *args);

typedef enum PJRT_FFI_Handler_TraitsBits {
  PJRT_FFI_HANDLER_TRAITS_COMMAND_BUFFER_COMPATIBLE = 1u << 0,
} PJRT_FFI_Handler_TraitsBits;

// Registers an XLA_FFI_Handler for custom calls of |target_name| on |platform_name|. No extension
// list here.
struct PJRT_FFI_Register_Handler_Args {
  size_t struct_size;
  const char *target_name;
  size_t target_name_size;
  void *handler;
  const char *platform_name;
  size_t platform_name_size;
  PJRT_FFI_Handler_TraitsBits traits;
};
PJRT_DEFINE_STRUCT_TRAITS(PJRT_FFI_Register_Handler_Args, traits);

typedef PJRT_Error *PJRT_FFI_Register_Handler(PJRT_FFI_Register_Handler_Args *args);

typedef struct PJRT_FFI_Extension {
  PJRT_Extension_Base base;
  PJRT_FFI_Type_Register *type_register;
  PJRT_FFI_UserData_Add *user_data_add;
  PJRT_FFI_Register_Handler *register_handler;
} PJRT_FFI_Extension;
enum { PJRT_FFI_Extension_STRUCT_SIZE = PJRT_STRUCT_SIZE(PJRT_FFI_Extension, register_handler) };

#ifdef __cplusplus
} // extern "C"
#endif

#endif // PJRT_EXT_FFI_H_
