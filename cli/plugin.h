// What the commands that talk to a plugin have in common: --plugin, --option, and errors as
// statuses.
#pragma once
#include <stdbool.h>

#include "base/status.h"
#include "commands.h"
#include "pjrt/pjrt.h"

enum { PJ_MAX_CREATE_OPTIONS = 32 };

typedef struct PjPluginArgs {
  const char *path; // --plugin, null for the default one
  PJRT_NamedValue options[PJ_MAX_CREATE_OPTIONS];
  size_t num_options;
} PjPluginArgs;

// The rows of --plugin and --option in a command's table, for a PjPluginArgs at offset |base| of
// its arguments.
#define PJ_PLUGIN_ARG_ROWS(base)                                                                \
  {"--plugin",                                                                                  \
   "SO",                                                                                        \
   PJ_ARG_FILE,                                                                                 \
   (base) + offsetof(PjPluginArgs, path),                                                       \
   "the PJRT plugin; default: $PJRT_PLUGIN, else pjrt_plugin_cpu.so beside this program, else " \
   "../lib/pjrt/pjrt_plugin_cpu.so",                                                            \
   NULL},                                                                                       \
  {                                                                                             \
    "--option", "NAME=VALUE", PJ_ARG_TEXT, (base),                                              \
        "an option for the plugin's client, e.g. cpu_device_count=4; may be repeated",          \
        pj_plugin_take_option                                                                   \
  }

// Adds the create option NAME=VALUE of |text| to |args|, a PjPluginArgs. A value is a number if it
// reads as one, a bool if it is true or false, else a string.
PjStatus pj_plugin_take_option(void *args, const char *text);

// Loads the plugin and starts a client. Without a path: $PJRT_PLUGIN, then pjrt_plugin_cpu.so
// beside this program, then ../lib/pjrt/pjrt_plugin_cpu.so from there. Both are null on failure.
PjStatus pj_plugin_open(const PjPluginArgs *args, PjhPlugin **out_plugin, PjhClient **out_client);

// Takes over |error| and makes it a status of the same code.
PjStatus pj_plugin_status(PjhError *error);
