// The messages of XLA's HLO (hlo.proto, xla_data.proto) as structs: what this reader uses of each,
// one row for each field. Fields that are not listed are skipped.
//
//   X(number, KIND, name)
//
//   I64, I32, BOOL   a varint (I32 also enums: the low 32 bits), as int64_t; 0 when absent
//   F32, F64         float, double; 0 when absent
//   STR              text: valid UTF-8. BYTES: any bytes. Empty when absent
//   MSG              a message, not yet decoded; ptr is NULL when absent, which is not the same as
//   empty. Given twice: an
//                    error
//   INTS             repeated varints, packed or not
//   STRS, MSGS       repeated texts and messages
#pragma once
#include <stdint.h>

#include "base/str.h"
#include "base/vec.h"

typedef PJ_VEC(int64_t) PjHloInts;
typedef PJ_VEC(PjStr) PjHloSlices;

#define PJ_HLO_MODULE_WITH_CONFIG(X) X(1, MSG, hlo_module) X(2, MSG, config)
#define PJ_HLO_MODULE(X)                 \
  X(1, STR, name)                        \
  X(3, MSGS, computations)               \
  X(4, MSG, host_program_shape)          \
  X(6, I64, entry_computation_id)        \
  X(8, MSG, input_output_alias)          \
  X(12, MSG, spmd_output_sharding)       \
  X(14, MSGS, spmd_parameters_shardings) \
  X(17, MSG, stack_frame_index)          \
  X(18, MSG, buffer_donor)               \
  X(19, MSG, frontend_attributes)
#define PJ_HLO_CONFIG(X) \
  X(4, I64, replica_count) X(5, I64, num_partitions) X(7, BOOL, use_spmd_partitioning)
#define PJ_HLO_COMPUTATION(X) \
  X(1, STR, name) X(2, MSGS, instructions) X(5, I64, id) X(6, I64, root_id)
#define PJ_HLO_PROGRAM_SHAPE(X) X(1, MSGS, parameters) X(2, MSG, result) X(3, STRS, names)
#define PJ_HLO_SHAPE(X)    \
  X(2, I32, element_type)  \
  X(3, INTS, dimensions)   \
  X(4, MSGS, tuple_shapes) \
  X(5, MSG, layout)        \
  X(6, INTS, is_dynamic_dimension)
#define PJ_HLO_LAYOUT(X) X(1, INTS, minor_to_major)

// What is wanted of an instruction before its operands are known.
#define PJ_HLO_HEAD(X)                \
  X(1, STR, name)                     \
  X(2, STR, opcode)                   \
  X(3, MSG, shape)                    \
  X(9, I64, parameter_number)         \
  X(35, I64, id)                      \
  X(36, INTS, operand_ids)            \
  X(38, INTS, called_computation_ids) \
  X(40, MSG, sharding)
#define PJ_HLO_INSTRUCTION(X)               \
  X(7, MSG, metadata)                       \
  X(8, MSG, literal)                        \
  X(13, I64, tuple_index)                   \
  X(14, INTS, dimensions)                   \
  X(15, MSG, window)                        \
  X(16, MSG, convolution_dimension_numbers) \
  X(17, MSGS, slice_dimensions)             \
  X(18, I32, exponent_bits)                 \
  X(19, I32, mantissa_bits)                 \
  X(20, INTS, dynamic_slice_sizes)          \
  X(21, MSG, padding_config)                \
  X(22, BYTES, outfeed_config)              \
  X(23, I32, distribution)                  \
  X(24, F32, epsilon)                       \
  X(25, I64, feature_index)                 \
  X(26, I64, channel_id)                    \
  X(27, BYTES, infeed_config)               \
  X(28, STR, custom_call_target)            \
  X(30, MSG, dot_dimension_numbers)         \
  X(31, I32, fft_type)                      \
  X(32, INTS, fft_length)                   \
  X(33, MSG, gather_dimension_numbers)      \
  X(34, INTS, gather_slice_sizes)           \
  X(43, BYTES, backend_config)              \
  X(45, I64, all_reduce_id)                 \
  X(47, BOOL, is_host_transfer)             \
  X(48, MSG, scatter_dimension_numbers)     \
  X(49, MSGS, replica_groups)               \
  X(50, I64, feature_group_count)           \
  X(51, MSG, precision_config)              \
  X(52, MSGS, source_target_pairs)          \
  X(56, BOOL, constrain_layout)             \
  X(57, MSGS, operand_shapes_with_layout)   \
  X(58, I64, batch_group_count)             \
  X(59, MSG, triangular_solve_options)      \
  X(60, BOOL, is_stable)                    \
  X(62, MSG, cholesky_options)              \
  X(63, STR, comparison_direction)          \
  X(65, BOOL, custom_call_has_side_effect)  \
  X(67, BOOL, indices_are_sorted)           \
  X(68, MSG, frontend_attributes)           \
  X(69, BOOL, unique_indices)               \
  X(70, I32, rng_algorithm)                 \
  X(71, BOOL, use_global_device_ids)        \
  X(72, STR, comparison_type)               \
  X(74, MSGS, output_operand_aliasing)      \
  X(75, I32, padding_type)                  \
  X(77, I32, custom_call_api_version)       \
  X(81, I64, k)                             \
  X(85, BOOL, largest)                      \
  X(86, MSGS, dot_sparsity)                 \
  X(87, MSG, collective_device_list)        \
  X(89, BOOL, is_composite)                 \
  X(90, MSG, ragged_dot_dimension_numbers)  \
  X(91, MSG, result_accuracy)               \
  X(92, MSG, iota_collective_device_list)   \
  X(93, BYTES, mesh_axes_replica_groups)    \
  X(94, BOOL, is_reverse)                   \
  X(95, I64, num_carries)                   \
  X(96, I32, is_associative)                \
  X(97, I32, conv_kind)                     \
  X(98, BYTES, sparsity_config)

#define PJ_HLO_METADATA(X)    \
  X(2, STR, op_name)          \
  X(3, STR, source_file)      \
  X(4, I32, source_line)      \
  X(15, I32, stack_frame_id)  \
  X(17, I32, source_end_line) \
  X(18, I32, source_column)   \
  X(19, I32, source_end_column)
#define PJ_HLO_STACK_FRAME_INDEX(X) \
  X(1, STRS, file_names) X(3, MSGS, file_locations) X(4, MSGS, stack_frames)
#define PJ_HLO_FILE_LOCATION(X) X(1, I32, file_name_id) X(3, I32, line) X(4, I32, column)
#define PJ_HLO_STACK_FRAME(X)   X(1, I32, file_location_id)

#define PJ_HLO_WINDOW(X) X(1, MSGS, dimensions)
#define PJ_HLO_WINDOW_DIMENSION(X) \
  X(1, I64, size)                  \
  X(2, I64, stride)                \
  X(3, I64, padding_low)           \
  X(4, I64, padding_high)          \
  X(5, I64, window_dilation)       \
  X(6, I64, base_dilation)         \
  X(7, BOOL, window_reversal)
#define PJ_HLO_CONVOLUTION_NUMBERS(X) \
  X(3, I64, kernel_input_feature)     \
  X(4, I64, kernel_output_feature)    \
  X(6, INTS, kernel_spatial)          \
  X(7, I64, input_batch)              \
  X(8, I64, input_feature)            \
  X(9, I64, output_batch)             \
  X(10, I64, output_feature)          \
  X(11, INTS, input_spatial)          \
  X(12, INTS, output_spatial)
#define PJ_HLO_DOT_NUMBERS(X) \
  X(1, INTS, lhs_contracting) \
  X(2, INTS, rhs_contracting) \
  X(3, INTS, lhs_batch)       \
  X(4, INTS, rhs_batch)
#define PJ_HLO_RAGGED_DOT_NUMBERS(X) X(1, MSG, dot) X(2, INTS, lhs_ragged) X(3, INTS, rhs_group)
#define PJ_HLO_PRECISION(X)          X(1, INTS, operand_precision) X(2, I32, algorithm)
#define PJ_HLO_GATHER_NUMBERS(X)    \
  X(1, INTS, offset_dims)           \
  X(2, INTS, collapsed_slice_dims)  \
  X(3, INTS, start_index_map)       \
  X(4, I64, index_vector_dim)       \
  X(5, INTS, operand_batching_dims) \
  X(6, INTS, start_indices_batching_dims)
#define PJ_HLO_SCATTER_NUMBERS(X)          \
  X(1, INTS, update_window_dims)           \
  X(2, INTS, inserted_window_dims)         \
  X(3, INTS, scatter_dims_to_operand_dims) \
  X(4, I64, index_vector_dim)              \
  X(5, INTS, input_batching_dims)          \
  X(6, INTS, scatter_indices_batching_dims)
#define PJ_HLO_PADDING(X)           X(1, MSGS, dimensions)
#define PJ_HLO_PADDING_DIMENSION(X) X(1, I64, low) X(2, I64, high) X(3, I64, interior)
#define PJ_HLO_SLICE_DIMENSION(X)   X(1, I64, start) X(2, I64, limit) X(3, I64, stride)
#define PJ_HLO_SOURCE_TARGET(X)     X(1, I64, source) X(2, I64, target)
#define PJ_HLO_TRIANGULAR(X) \
  X(1, BOOL, left_side) X(2, BOOL, lower) X(3, BOOL, unit_diagonal) X(4, I32, transpose_a)
#define PJ_HLO_CHOLESKY(X)      X(1, BOOL, lower)
#define PJ_HLO_ACCURACY(X)      X(1, I32, mode) X(2, MSG, tolerance)
#define PJ_HLO_TOLERANCE(X)     X(1, F64, atol) X(2, F64, rtol) X(3, I64, ulps)
#define PJ_HLO_REPLICA_GROUP(X) X(1, INTS, replica_ids)
#define PJ_HLO_DEVICE_LIST(X)   X(1, MSGS, replica_groups) X(2, MSG, iota)
#define PJ_HLO_IOTA_GROUPS(X) \
  X(1, I64, num_groups)       \
  X(2, I64, group_size)       \
  X(3, INTS, reshape_dims)    \
  X(4, INTS, transpose_perm)
#define PJ_HLO_SHARDING(X)               \
  X(1, I32, type)                        \
  X(3, INTS, tile_assignment_dimensions) \
  X(4, INTS, tile_assignment_devices)    \
  X(5, MSGS, tuple_shardings)            \
  X(6, BOOL, replicate_on_last_tile_dim) \
  X(8, INTS, last_tile_dims)             \
  X(9, INTS, iota_reshape_dims)          \
  X(10, INTS, iota_transpose_perm)       \
  X(14, MSG, named_sharding)
#define PJ_HLO_TUPLE_LITERAL(X)       X(10, MSGS, elements)
#define PJ_HLO_FRONTEND_ATTRIBUTES(X) X(1, MSGS, map)
#define PJ_HLO_MAP_ENTRY(X)           X(1, STR, key) X(2, STR, value)
#define PJ_HLO_ENTRIES(X)             X(1, MSGS, entries)
#define PJ_HLO_ALIAS_ENTRY(X)       \
  X(1, INTS, output_shape_index)    \
  X(2, I64, parameter_number)       \
  X(3, INTS, parameter_shape_index) \
  X(4, I32, kind)
#define PJ_HLO_DONOR_ENTRY(X) X(1, I64, parameter_number) X(2, INTS, parameter_shape_index)
#define PJ_HLO_OPERAND_ALIASING(X) \
  X(1, INTS, output_shape_index) X(2, I64, operand_index) X(3, INTS, operand_shape_index)

// Every message: Y(name of its struct, fields).
#define PJ_HLO_MESSAGES(Y)                          \
  Y(ModuleWithConfig, PJ_HLO_MODULE_WITH_CONFIG)    \
  Y(Module, PJ_HLO_MODULE)                          \
  Y(Config, PJ_HLO_CONFIG)                          \
  Y(Computation, PJ_HLO_COMPUTATION)                \
  Y(ProgramShape, PJ_HLO_PROGRAM_SHAPE)             \
  Y(Shape, PJ_HLO_SHAPE)                            \
  Y(Layout, PJ_HLO_LAYOUT)                          \
  Y(Head, PJ_HLO_HEAD)                              \
  Y(Instruction, PJ_HLO_INSTRUCTION)                \
  Y(Metadata, PJ_HLO_METADATA)                      \
  Y(StackFrameIndex, PJ_HLO_STACK_FRAME_INDEX)      \
  Y(FileLocation, PJ_HLO_FILE_LOCATION)             \
  Y(StackFrame, PJ_HLO_STACK_FRAME)                 \
  Y(Window, PJ_HLO_WINDOW)                          \
  Y(WindowDimension, PJ_HLO_WINDOW_DIMENSION)       \
  Y(ConvolutionNumbers, PJ_HLO_CONVOLUTION_NUMBERS) \
  Y(DotNumbers, PJ_HLO_DOT_NUMBERS)                 \
  Y(RaggedDotNumbers, PJ_HLO_RAGGED_DOT_NUMBERS)    \
  Y(Precision, PJ_HLO_PRECISION)                    \
  Y(GatherNumbers, PJ_HLO_GATHER_NUMBERS)           \
  Y(ScatterNumbers, PJ_HLO_SCATTER_NUMBERS)         \
  Y(Padding, PJ_HLO_PADDING)                        \
  Y(PaddingDimension, PJ_HLO_PADDING_DIMENSION)     \
  Y(SliceDimension, PJ_HLO_SLICE_DIMENSION)         \
  Y(SourceTarget, PJ_HLO_SOURCE_TARGET)             \
  Y(Triangular, PJ_HLO_TRIANGULAR)                  \
  Y(Cholesky, PJ_HLO_CHOLESKY)                      \
  Y(Accuracy, PJ_HLO_ACCURACY)                      \
  Y(Tolerance, PJ_HLO_TOLERANCE)                    \
  Y(ReplicaGroup, PJ_HLO_REPLICA_GROUP)             \
  Y(DeviceList, PJ_HLO_DEVICE_LIST)                 \
  Y(IotaGroups, PJ_HLO_IOTA_GROUPS)                 \
  Y(Sharding, PJ_HLO_SHARDING)                      \
  Y(TupleLiteral, PJ_HLO_TUPLE_LITERAL)             \
  Y(FrontendAttributes, PJ_HLO_FRONTEND_ATTRIBUTES) \
  Y(MapEntry, PJ_HLO_MAP_ENTRY)                     \
  Y(Entries, PJ_HLO_ENTRIES)                        \
  Y(AliasEntry, PJ_HLO_ALIAS_ENTRY)                 \
  Y(DonorEntry, PJ_HLO_DONOR_ENTRY)                 \
  Y(OperandAliasing, PJ_HLO_OPERAND_ALIASING)

typedef int64_t PjHloKind_I64, PjHloKind_I32, PjHloKind_BOOL;
typedef float PjHloKind_F32;
typedef double PjHloKind_F64;
typedef PjStr PjHloKind_STR, PjHloKind_BYTES, PjHloKind_MSG;
typedef PjHloInts PjHloKind_INTS;
typedef PjHloSlices PjHloKind_STRS, PjHloKind_MSGS;

#define PJ_HLO_MEMBER(number, kind, name) PjHloKind_##kind name;
#define PJ_HLO_STRUCT(Name, FIELDS) \
  typedef struct PjHlo##Name##Msg { \
    FIELDS(PJ_HLO_MEMBER)           \
  } PjHlo##Name##Msg;
PJ_HLO_MESSAGES(PJ_HLO_STRUCT)
#undef PJ_HLO_STRUCT
#undef PJ_HLO_MEMBER

typedef enum PjHloMessage {
#define PJ_HLO_ID(Name, FIELDS) PJ_HLO_##Name,
  PJ_HLO_MESSAGES(PJ_HLO_ID)
#undef PJ_HLO_ID
} PjHloMessage;

// Decodes |bytes| into |out|, the zeroed struct of |message|; lists lie in |arena|, texts and
// messages in |bytes|. Offsets in messages count from |file|. Errors: INVALID_ARGUMENT.
PjStatus pj_hlo_decode_at(PjArena *arena, const char *file, PjStr bytes, PjHloMessage message,
                          void *out);
