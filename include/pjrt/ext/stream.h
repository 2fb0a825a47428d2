// Stream extension (type 3): order between a plugin's device queue and foreign work on the same
// device (dlpack).
//
// The argument structs have no extension list. Layout as upstream's (interface version 0).

#ifndef PJRT_EXT_STREAM_H_
#define PJRT_EXT_STREAM_H_

#include "pjrt/pjrt_c_api.h"

#ifdef __cplusplus
extern "C" {
#endif

#define PJRT_API_STREAM_EXTENSION_VERSION 0

// The queue on which foreign work should signal that a buffer is ready.
struct PJRT_Get_Stream_For_External_Ready_Events_Args {
  size_t struct_size;
  PJRT_Device *device;
  intptr_t stream; // out
};
PJRT_DEFINE_STRUCT_TRAITS(PJRT_Get_Stream_For_External_Ready_Events_Args, stream);

typedef PJRT_Error *
PJRT_Get_Stream_For_External_Ready_Events(PJRT_Get_Stream_For_External_Ready_Events_Args *args);

// Makes the work that is put on |stream| from now on wait until |buffer| is ready.
struct PJRT_Wait_Until_Buffer_Ready_On_Stream_Args {
  size_t struct_size;
  intptr_t stream;
  PJRT_Buffer *buffer;
};
PJRT_DEFINE_STRUCT_TRAITS(PJRT_Wait_Until_Buffer_Ready_On_Stream_Args, buffer);

typedef PJRT_Error *
PJRT_Wait_Until_Buffer_Ready_On_Stream(PJRT_Wait_Until_Buffer_Ready_On_Stream_Args *args);

typedef struct PJRT_Stream_Extension {
  PJRT_Extension_Base base;
  PJRT_Get_Stream_For_External_Ready_Events *get_stream;
  PJRT_Wait_Until_Buffer_Ready_On_Stream *wait_stream;
} PJRT_Stream_Extension;
enum { PJRT_Stream_Extension_STRUCT_SIZE = PJRT_STRUCT_SIZE(PJRT_Stream_Extension, wait_stream) };

#ifdef __cplusplus
} // extern "C"
#endif

#endif // PJRT_EXT_STREAM_H_
