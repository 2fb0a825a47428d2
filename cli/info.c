// The commands that only tell: devices, options, version.
#include <string.h>

#include "base/options.h"
#include "commands.h"
#include "plugin.h"

static int run_version(const PjCommand *self, int argc, char **argv) {
  if (!pj_command_parse(self, &argc, argv, NULL))
    return PJ_EXIT_USAGE;
  printf("libpjrt %s, PJRT C API %d.%d\n", PJ_VERSION, PJRT_API_MAJOR, PJRT_API_MINOR);
  return PJ_EXIT_OK;
}

const PjCommand pj_cmd_version = {
    .name = "version",
    .summary = "print the version of this program",
    .synopsis = "",
    .description = "Prints the version of this program and of the interface that it speaks.",
    .run = run_version,
};

static int run_options(const PjCommand *self, int argc, char **argv) {
  if (!pj_command_parse(self, &argc, argv, NULL))
    return PJ_EXIT_USAGE;
  printf("%-22s %-9s %s\n", "environment variable", "default", "meaning");
  for (int i = 0; i < PJ_OPTION_COUNT; i++) {
    const PjOptionInfo *option = &pj_option_info[i];
    printf("%-22s %-9s %s\n", option->env, *option->preset ? option->preset : "-", option->meaning);
  }
  printf("%-22s %-9s %s\n", "PJRT_PLUGIN", "-",
         "the plugin that the pjrt command loads without --plugin");
  return PJ_EXIT_OK;
}

const PjCommand pj_cmd_options = {
    .name = "options",
    .summary = "list the environment variables that libpjrt reads",
    .synopsis = "",
    .description = "Lists the environment variables that libpjrt and its CPU plugin read.",
    .run = run_options,
};

static int run_devices(const PjCommand *self, int argc, char **argv) {
  PjPluginArgs args = {0};
  if (!pj_command_parse(self, &argc, argv, &args))
    return PJ_EXIT_USAGE;
  PjhPlugin *plugin;
  PjhClient *client;
  PjStatus status = pj_plugin_open(&args, &plugin, &client);
  if (status)
    return pj_command_end(self, status);
  int major, minor;
  pjh_plugin_version(plugin, &major, &minor);
  printf("platform %s (%s), PJRT C API %d.%d\n", pjh_client_platform_name(client),
         pjh_client_platform_version(client), major, minor);
  for (size_t i = 0; i < pjh_client_num_devices(client); i++)
    printf("device %zu: %s\n", i, pjh_client_device_name(client, i));
  pjh_client_destroy(client);
  pjh_plugin_destroy(plugin);
  return PJ_EXIT_OK;
}

static const PjArg devices_options[] = {PJ_PLUGIN_ARG_ROWS(0), {0}};

const PjCommand pj_cmd_devices = {
    .name = "devices",
    .summary = "list the devices of a plugin",
    .synopsis = "",
    .description = "Starts a client and lists the devices that programs can run on.",
    .options = devices_options,
    .run = run_devices,
};
