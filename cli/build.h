// What the commands that compile have in common: the machine to compile for, the options, the
// forms that a program comes in.
#pragma once
#include "plugin.h"

// --- Programs ------------------------------------------------------------------------------------

typedef enum PjForm {
  PJ_FORM_TEXT,     // StableHLO, to be read as it stands
  PJ_FORM_BYTECODE, // MLIR bytecode
  PJ_FORM_HLO,      // XLA's HloModuleProto
  PJ_FORM_HLO_WITH_CONFIG,
  PJ_FORM_LIBRARY,    // an ELF file: a plugin
  PJ_FORM_EXECUTABLE, // other bytes: what a plugin serialised
} PjForm;

// Judges by the first bytes.
PjForm pj_form_of(const void *bytes, size_t size);
// The name that compilers know a form by: "mlir", "hlo", "hlo_with_config"; "executable".
const char *pj_form_format(PjForm form);
// INVALID_ARGUMENT for bytes of no known form in a file whose name ends in ".hlo".
PjStatus pj_form_check_hlo(const char *path, const void *bytes, size_t size);
// INVALID_ARGUMENT for what is no program that can be read: an executable, a plugin or damaged HLO.
// |hint| ends the message.
PjStatus pj_form_check(const char *path, const void *bytes, size_t size, const char *hint);

// --- Machines and options ------------------------------------------------------------------------

typedef struct PjBuildArgs {
  PjPluginArgs plugin;
  const char *topology; // --topology: compile ahead of time
  PjOptionList topology_options;
  const char *format; // null: as the program's first bytes say
  size_t device, replicas, partitions;
  const char *options_file; // a CompileOptionsProto
  PjOptionList overrides;   // --set
} PjBuildArgs;

#define PJ_BUILD_ARG_ROWS(base)                                                                    \
  {"--topology",                                                                                   \
   "NAME",                                                                                         \
   PJ_ARG_TEXT,                                                                                    \
   (base) + offsetof(PjBuildArgs, topology),                                                       \
   "compile ahead of time for this machine, in the plugin's words, e.g. v5e:2x2; no device is "    \
   "needed",                                                                                       \
   NULL},                                                                                          \
      {"--topology-option",                                                                        \
       "NAME=VALUE",                                                                               \
       PJ_ARG_TEXT,                                                                                \
       (base),                                                                                     \
       "an option of the topology; VALUE may be @FILE for a file's contents; may be repeated",     \
       pj_build_take_topology_option},                                                             \
      {"--format",                                                                                 \
       "mlir|hlo",                                                                                 \
       PJ_ARG_CHOICE,                                                                              \
       (base) + offsetof(PjBuildArgs, format),                                                     \
       "what the program is, mlir or hlo (an HloModuleProto); by default its first bytes say",     \
       NULL},                                                                                      \
      {"--device",                                                                                 \
       "N",                                                                                        \
       PJ_ARG_COUNT,                                                                               \
       (base) + offsetof(PjBuildArgs, device),                                                     \
       "the first device to compile for (default 0)",                                              \
       NULL},                                                                                      \
      {"--replicas",                                                                               \
       "N",                                                                                        \
       PJ_ARG_COUNT,                                                                               \
       (base) + offsetof(PjBuildArgs, replicas),                                                   \
       "how many copies of the program run together (default 1)",                                  \
       NULL},                                                                                      \
      {"--partitions",                                                                             \
       "N",                                                                                        \
       PJ_ARG_COUNT,                                                                               \
       (base) + offsetof(PjBuildArgs, partitions),                                                 \
       "over how many devices one copy is spread (default 1)",                                     \
       NULL},                                                                                      \
      {"--options-file",                                                                           \
       "FILE",                                                                                     \
       PJ_ARG_FILE,                                                                                \
       (base) + offsetof(PjBuildArgs, options_file),                                               \
       "a serialised CompileOptionsProto to use instead of --device, --replicas and --partitions", \
       NULL},                                                                                      \
  {                                                                                                \
    "--set", "NAME=VALUE", PJ_ARG_TEXT, (base),                                                    \
        "an option of the plugin's compiler (env_option_overrides), e.g. "                         \
        "xla_dump_to=/tmp; may be repeated",                                                       \
        pj_build_take_override                                                                     \
  }

PjStatus pj_build_take_topology_option(void *args, const char *text);
PjStatus pj_build_take_override(void *args, const char *text);

// A plugin with a client or a topology of it: one of the two is null. Zeroed at first;
// pj_build_close frees everything, also after a failure.
typedef struct PjBuild {
  const PjBuildArgs *args;
  PjhPlugin *plugin;
  PjhClient *client;
  PjhTopology *topology;
  char *option_files[PJ_MAX_OPTIONS]; // contents of @FILE
  char *options;                      // of --options-file
  size_t options_size;
  PjStrBuf overrides; // as a CompileOptionsProto
} PjBuild;

// Whether |args| ask for compilation ahead of time.
bool pj_build_is_ahead(const PjBuildArgs *args);

// Loads the plugin, reads the files that options name, and starts a client or makes the topology.
// |args| must live as long as |build|. This and compiling show progress; whoever calls hides it
// before anything is printed.
PjStatus pj_build_open(const PjBuildArgs *args, PjBuild *build);
void pj_build_close(PjBuild *build);

// Compiles a program on what pj_build_open opened.
PjStatus pj_build_compile(const PjBuild *build, const void *code, size_t size, PjhExecutable **out);
