// Custom partitioner extension (type 2): functions of the host that say how custom calls of a name
// are cut over the devices of a program, and custom calls that may be cut along batches.
//
// The plugin calls these functions while it compiles, on the thread that compiles, from several
// threads at once if several compile. Names, order and layout of the structs are upstream's
// (interface version 1).

#ifndef PJRT_EXT_CUSTOM_PARTITIONER_H_
#define PJRT_EXT_CUSTOM_PARTITIONER_H_

#include "pjrt/pjrt_c_api.h"

#ifdef __cplusplus
extern "C" {
#endif

#define PJRT_API_CUSTOM_PARTITIONER_EXTENSION_VERSION 1

typedef struct JAX_CustomCallPartitioner_string {
  const char *data;
  size_t size;
} JAX_CustomCallPartitioner_string;

// A whole array, or a tuple of them, and how it is cut.
typedef struct JAX_CustomCallPartitioner_aval {
  JAX_CustomCallPartitioner_string shape; // ShapeProto
  bool has_sharding;
  JAX_CustomCallPartitioner_string sharding; // OpSharding
} JAX_CustomCallPartitioner_aval;

// Begins the arguments of every function. What the function gives back lives until |cleanup_fn|
// (unless NULL) is called with |data|.
typedef struct JAX_CustomCallPartitioner_version_and_error {
  int64_t api_version;
  void *data;                     // out
  void (*cleanup_fn)(void *data); // out
  bool has_error;                 // out, as the next two
  PJRT_Error_Code code;
  JAX_CustomCallPartitioner_string error_msg;
} JAX_CustomCallPartitioner_version_and_error;

// The program of one device in place of a call: a module whose entry takes and returns the parts
// that the shardings given back say, those of a tuple together for several results.
typedef struct JAX_CustomCallPartitioner_Partition_Args {
  JAX_CustomCallPartitioner_version_and_error header;
  size_t num_args;
  JAX_CustomCallPartitioner_aval *op_args;
  JAX_CustomCallPartitioner_aval op_result;
  JAX_CustomCallPartitioner_string backend_config;
  JAX_CustomCallPartitioner_string mlir_module;     // out
  JAX_CustomCallPartitioner_string *args_sharding;  // out: one for each argument
  JAX_CustomCallPartitioner_string result_sharding; // out
} JAX_CustomCallPartitioner_Partition_Args;

// How the results of a call are cut, where nothing but its operands says so.
typedef struct JAX_CustomCallPartitioner_InferShardingFromOperands_Args {
  JAX_CustomCallPartitioner_version_and_error header;
  size_t num_args;
  JAX_CustomCallPartitioner_aval *op_args;
  JAX_CustomCallPartitioner_string result_shape;
  JAX_CustomCallPartitioner_string backend_config;
  bool has_result_sharding;                         // out
  JAX_CustomCallPartitioner_string result_sharding; // out
} JAX_CustomCallPartitioner_InferShardingFromOperands_Args;

// How the results are cut, given how a user of them is.
typedef struct JAX_CustomCallPartitioner_PropagateUserSharding_Args {
  JAX_CustomCallPartitioner_version_and_error header;
  JAX_CustomCallPartitioner_string backend_config;
  JAX_CustomCallPartitioner_string result_shape;
  JAX_CustomCallPartitioner_string result_sharding; // in and out
} JAX_CustomCallPartitioner_PropagateUserSharding_Args;

typedef struct JAX_CustomCallPartitioner_Callbacks JAX_CustomCallPartitioner_Callbacks;
struct JAX_CustomCallPartitioner_Callbacks {
  int64_t version;
  void *private_data;
  void (*dtor)(JAX_CustomCallPartitioner_Callbacks *data);
  void (*partition)(JAX_CustomCallPartitioner_Callbacks *data,
                    JAX_CustomCallPartitioner_Partition_Args *args);
  void (*infer_sharding)(JAX_CustomCallPartitioner_Callbacks *data,
                         JAX_CustomCallPartitioner_InferShardingFromOperands_Args *args);
  void (*propagate_user_sharding)(JAX_CustomCallPartitioner_Callbacks *data,
                                  JAX_CustomCallPartitioner_PropagateUserSharding_Args *args);
  bool can_side_effecting_have_replicated_sharding;
};

// Custom calls of |name| are partitioned by |callbacks|, which the plugin takes: its |dtor| is
// called once nobody uses it and another partitioner of that name has been registered. On an error
// it stays with the caller.
struct PJRT_Register_Custom_Partitioner_Args {
  size_t struct_size;
  const char *name;
  size_t name_size;
  JAX_CustomCallPartitioner_Callbacks *callbacks;
};
PJRT_DEFINE_STRUCT_TRAITS(PJRT_Register_Custom_Partitioner_Args, callbacks);

typedef PJRT_Error *PJRT_Register_Custom_Partitioner(PJRT_Register_Custom_Partitioner_Args *args);

// Custom calls of |name| compute the elements of a batch independently: they may be made for parts
// of it. How many of the first dimensions of all arrays are batches says the call's frontend
// attribute "num_batch_dims".
struct PJRT_Register_Batch_Partitionable_Args {
  size_t struct_size;
  const char *name;
  size_t name_size;
};
PJRT_DEFINE_STRUCT_TRAITS(PJRT_Register_Batch_Partitionable_Args, name_size);

typedef PJRT_Error *PJRT_Register_Batch_Partitionable(PJRT_Register_Batch_Partitionable_Args *args);

typedef struct PJRT_Custom_Partitioner_Extension {
  PJRT_Extension_Base base;
  PJRT_Register_Custom_Partitioner *register_custom_partitioner;
  PJRT_Register_Batch_Partitionable *register_batch_partitionable;
} PJRT_Custom_Partitioner_Extension;
enum {
  PJRT_Custom_Partitioner_Extension_STRUCT_SIZE =
      PJRT_STRUCT_SIZE(PJRT_Custom_Partitioner_Extension, register_batch_partitionable)
};

#ifdef __cplusplus
} // extern "C"
#endif

#endif // PJRT_EXT_CUSTOM_PARTITIONER_H_
