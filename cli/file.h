// Whole files in memory.
#pragma once
#include <stddef.h>

#include "base/status.h"

// Reads |path| ("-": standard input) to the end. |*out| ends in a zero that |*out_size| does not
// count; free it with pj_free. Errors: NOT_FOUND, PERMISSION_DENIED, INVALID_ARGUMENT for a
// directory or a device, UNAVAILABLE when reading fails, RESOURCE_EXHAUSTED. The message names
// |path|.
PjStatus pj_file_read(const char *path, char **out, size_t *out_size);

// Writes |size| bytes to |path| ("-": standard output), replacing a file that is there. When that
// fails, no half-written file stays. Errors: UNAVAILABLE, naming |path| and the reason.
PjStatus pj_file_write(const char *path, const void *data, size_t size);
