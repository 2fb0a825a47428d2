// What the commands that talk to a plugin have in common: --plugin, --option, and errors as
// statuses.
#pragma once
#include <stdbool.h>

#include "base/status.h"
#include "pjrt/pjrt.h"

enum { PJ_MAX_CREATE_OPTIONS = 32 };

typedef struct PjPluginArgs {
  const char *path; // --plugin, null for the default one
  PJRT_NamedValue options[PJ_MAX_CREATE_OPTIONS];
  size_t num_options;
} PjPluginArgs;

// Takes --plugin PATH or --option NAME=VALUE from argv[*at], moving *at over its value. Returns
// false when it is neither. A value is a number if it reads as one, a bool if it is true or false,
// else a string. Errors in *status.
bool pj_plugin_arg(PjPluginArgs *args, int argc, char **argv, int *at, PjStatus *status);

// Loads the plugin and starts a client. Without a path: $PJRT_PLUGIN, then pjrt_plugin_cpu.so
// beside this program, then ../lib/pjrt/pjrt_plugin_cpu.so from there. Both are null on failure.
PjStatus pj_plugin_open(const PjPluginArgs *args, PjhPlugin **out_plugin, PjhClient **out_client);

// Takes over |error| and makes it a status of the same code.
PjStatus pj_plugin_status(PjhError *error);

// The text that --help of a command says about the shared options.
extern const char pj_plugin_help[];
