// Ways to a PJRT_LoadedExecutable and a PJRT_Executable: compile, load, deserialise.
#include "pjrt/surface.h"

static PjStr str_of(const char *bytes, size_t size) {
  return (PjStr){bytes ? bytes : "", bytes ? size : 0};
}

// |function| goes before complaints about the options: upstream's tests look for that.
static PjStatus compile(const char *function, const PJRT_Program *program, const char *options,
                        size_t options_size, PjExecutable **out) {
  *out = NULL;
  PJ_FAIL_IF(!program, INVALID_ARGUMENT, "%s: program is null", function);
  PjCompileOptions parsed;
  PjStatus status = pj_compile_options_parse(options, options ? options_size : 0, &parsed);
  pj_compile_options_clear(&parsed);
  if (status)
    return pj_status_prefix(status, "%s", function);
  return pj_executable_compile(
      pj_surface_platform()->compiler, str_of(program->code, program->code_size),
      str_of(program->format, program->format_size), str_of(options, options_size), out);
}

// Loads |executable|, whose reference is taken.
static PjStatus load(PJRT_Client *client, PjExecutable *executable, PJRT_LoadedExecutable **out) {
  PjStatus status =
      pj_executable_load(pj_client_of(client), executable, (PjLoadedExecutable **)out);
  pj_executable_release(executable);
  return status;
}

PJRT_Error *pj_api_Client_Compile(PJRT_Client_Compile_Args *args) {
  PJ_ARGS(Client_Compile, executable);
  PJ_NOT_NULL(client);
  args->executable = NULL;
  PjExecutable *executable;
  PjStatus status = compile("PJRT_Client_Compile", args->program, args->compile_options,
                            args->compile_options_size, &executable);
  if (!status)
    status = load(args->client, executable, &args->executable);
  return pj_surface_error(status);
}

PJRT_Error *pj_api_Compile(PJRT_Compile_Args *args) {
  PJ_ARGS(Compile, executable);
  PJ_NOT_NULL(topology);
  args->executable = NULL;
  return pj_surface_error(compile("PJRT_Compile", args->program, args->compile_options,
                                  args->compile_options_size, (PjExecutable **)&args->executable));
}

PJRT_Error *pj_api_Client_Load(PJRT_Client_Load_Args *args) {
  PJ_ARGS(Client_Load, loaded_executable);
  PJ_NOT_NULL(client);
  PJ_NOT_NULL(executable);
  args->loaded_executable = NULL;
  PjExecutable *executable = pj_executable_of(args->executable);
  PjStr options = str_of(args->compile_options, args->compile_options_size);
  bool same =
      !options.len || pj_str_eq(options, str_of(executable->option_bytes, executable->option_size));
  if (same)
    return pj_surface_error(
        load(args->client, pj_executable_retain(executable), &args->loaded_executable));
  // Other options make it another executable.
  PjStrBuf bytes = {0};
  PjExecutable *other = NULL;
  PjStatus status = pj_executable_serialize(executable, &bytes);
  if (!status)
    status = pj_executable_deserialize(pj_surface_platform()->compiler,
                                       str_of(bytes.data, bytes.len), options, &other);
  pj_strbuf_free(&bytes);
  if (!status)
    status = load(args->client, other, &args->loaded_executable);
  return pj_surface_error(status);
}

PJRT_Error *pj_api_Executable_DeserializeAndLoad(PJRT_Executable_DeserializeAndLoad_Args *args) {
  PJ_ARGS(Executable_DeserializeAndLoad, loaded_executable);
  PJ_NOT_NULL(client);
  args->loaded_executable = NULL;
  PjStr options = {"", 0};
  if (PJ_HAS(args, overridden_serialized_compile_options_size))
    options = str_of(args->overridden_serialized_compile_options,
                     args->overridden_serialized_compile_options_size);
  PjExecutable *executable;
  PjStatus status = pj_executable_deserialize(
      pj_surface_platform()->compiler,
      str_of(args->serialized_executable, args->serialized_executable_size), options, &executable);
  if (!status)
    status = load(args->client, executable, &args->loaded_executable);
  return pj_surface_error(status);
}
