// Import and export of programs. Input is hostile until it has been verified: every count is
// bounded by the bytes left, recursion by a depth, memory by the arena's limit.
#pragma once
#include "ir/ir.h"

// Reads a program: MLIR bytecode, be it a portable artifact (VHLO, with sdy) or MLIR's own encoding
// of the dialects func, stablehlo, chlo and sdy, or StableHLO text, told apart by the first bytes,
// then verifies it (ir/verify.h) and numbers its values. |bytes| must outlive |arena| (constants
// may point into it). The arena needs a guard around the call. Errors: INVALID_ARGUMENT with a byte
// offset (bytecode) or line:column (text) and what was expected; UNIMPLEMENTED for what is valid
// but not supported; RESOURCE_EXHAUSTED.
PjStatus pj_import(PjArena *arena, const void *bytes, size_t size, PjModule **out_module);

// As pj_import for XLA's HLO: an HloModuleProto or, with |with_config|, an
// HloModuleProtoWithConfig. Errors name the instruction, its opcode, its computation and the byte
// where it begins.
PjStatus pj_import_hlo(PjArena *arena, const void *bytes, size_t size, bool with_config,
                       PjModule **out_module);

// The readers without verification and numbering.
PjStatus pj_bytecode_read(PjArena *arena, const void *bytes, size_t size, PjModule **out_module);
// |name| (may be NULL) is the file's name for locations.
PjStatus pj_text_parse(PjArena *arena, const char *text, size_t size, const char *name,
                       PjModule **out_module);

// One attribute or type, written as in a program without aliases.
PjStatus pj_text_parse_attr(PjArena *arena, PjStr text, const PjAttr **out);
PjStatus pj_text_parse_type(PjArena *arena, PjStr text, const PjType **out);

PjStatus pj_hlo_read(PjArena *arena, const void *bytes, size_t size, bool with_config,
                     PjModule **out_module);

typedef struct PjVersion {
  int major, minor, patch;
} PjVersion;

// Writes |module| as a portable artifact for readers of |target| (0.9.0 to 1.20.0) into |out|,
// appending. Errors: INVALID_ARGUMENT naming the op that |target| cannot express (or the
// unsupported target).
PjStatus pj_bytecode_write(const PjModule *module, PjVersion target, PjStrBuf *out);

// The HloModuleProto in an HloModuleProtoWithConfig that was read; and back, appended to |out|:
// with a configuration that says the numbers of replicas and partitions, and that every parameter
// and result is row-major. |parts| (or NULL) says how they lie on the partitions, whatever the
// module said. Scratch comes from |arena|, under its guard. Errors: INVALID_ARGUMENT for a module
// that is none, UNIMPLEMENTED for one that does not say its host_program_shape.
typedef struct PjHloParts {
  uint32_t num_params, num_results;
  const PjStr *params, *results; // OpSharding messages by leaf; empty: replicated
} PjHloParts;
PjStr pj_hlo_module_of(PjStr with_config);
PjStatus pj_hlo_write(PjArena *arena, PjStr module, int replicas, int partitions,
                      const PjHloParts *parts, PjStrBuf *out);

// XLA's number of an element type (xla.PrimitiveType).
int pj_hlo_dtype_code(PjDtype dtype);

// True if the bytes are an HloModuleProto or an HloModuleProtoWithConfig: as far as its first
// instruction.
bool pj_is_hlo(const void *bytes, size_t size, bool *out_with_config);
// True if the bytes begin as MLIR bytecode.
bool pj_is_bytecode(const void *bytes, size_t size);
// The newest StableHLO version that the reader knows, and the oldest.
extern const PjVersion pj_version_current, pj_version_minimum;
