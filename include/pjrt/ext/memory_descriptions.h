// MemoryDescriptions extension (type 6): the memories of a device that is only described.
//
// All pointers live as long as the device description. Names, order and layout of the structs are
// upstream's (interface version 1).

#ifndef PJRT_EXT_MEMORY_DESCRIPTIONS_H_
#define PJRT_EXT_MEMORY_DESCRIPTIONS_H_

#include "pjrt/pjrt_c_api.h"

#ifdef __cplusplus
extern "C" {
#endif

#define PJRT_API_MEMORY_DESCRIPTIONS_EXTENSION_VERSION 1

typedef struct PJRT_MemoryDescription PJRT_MemoryDescription;

// The memories of a device; |default_memory_index| is -1 (as size_t) if none is the default.
struct PJRT_DeviceDescription_MemoryDescriptions_Args {
  size_t struct_size;
  PJRT_Extension_Base *extension_start;
  PJRT_DeviceDescription *device_description;
  const PJRT_MemoryDescription *const *memory_descriptions; // out
  size_t num_memory_descriptions;                           // out
  size_t default_memory_index;                              // out
};
PJRT_DEFINE_STRUCT_TRAITS(PJRT_DeviceDescription_MemoryDescriptions_Args, default_memory_index);

typedef PJRT_Error *
PJRT_DeviceDescription_MemoryDescriptions(PJRT_DeviceDescription_MemoryDescriptions_Args *args);

// Name and number of a memory's kind.
struct PJRT_MemoryDescription_Kind_Args {
  size_t struct_size;
  PJRT_Extension_Base *extension_start;
  const PJRT_MemoryDescription *memory_description;
  const char *kind; // out
  size_t kind_size; // out
  int kind_id;      // out
};
PJRT_DEFINE_STRUCT_TRAITS(PJRT_MemoryDescription_Kind_Args, kind_id);

typedef PJRT_Error *PJRT_MemoryDescription_Kind(PJRT_MemoryDescription_Kind_Args *args);

typedef struct PJRT_MemoryDescriptions_Extension {
  PJRT_Extension_Base base;
  PJRT_DeviceDescription_MemoryDescriptions *PJRT_DeviceDescription_MemoryDescriptions;
  PJRT_MemoryDescription_Kind *PJRT_MemoryDescription_Kind;
} PJRT_MemoryDescriptions_Extension;
enum {
  PJRT_MemoryDescriptions_Extension_STRUCT_SIZE =
      PJRT_STRUCT_SIZE(PJRT_MemoryDescriptions_Extension, PJRT_MemoryDescription_Kind)
};

#ifdef __cplusplus
} // extern "C"
#endif

#endif // PJRT_EXT_MEMORY_DESCRIPTIONS_H_
