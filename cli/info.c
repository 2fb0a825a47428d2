// The commands that only tell: devices, options, version.
#include <stdio.h>
#include <string.h>

#include "base/options.h"
#include "commands.h"
#include "plugin.h"

// Whether the only argument asks for help; anything else than that or nothing is an error.
static int only_help(const char *command, const char *help, int argc, char **argv) {
  if (argc == 0)
    return -1;
  if (strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "-h") == 0) {
    fputs(help, stdout);
    return PJ_EXIT_OK;
  }
  fprintf(stderr, "pjrt %s: unexpected argument '%s'\n%s", command, argv[0], help);
  return PJ_EXIT_USAGE;
}

int pj_command_version(int argc, char **argv) {
  int exit_status = only_help("version", "Usage: pjrt version\n", argc, argv);
  if (exit_status >= 0)
    return exit_status;
  printf("libpjrt %s, PJRT C API %d.%d\n", PJ_VERSION, PJRT_API_MAJOR, PJRT_API_MINOR);
  return PJ_EXIT_OK;
}

int pj_command_options(int argc, char **argv) {
  int exit_status = only_help("options", "Usage: pjrt options\n", argc, argv);
  if (exit_status >= 0)
    return exit_status;
  printf("%-22s %-9s %s\n", "environment variable", "default", "meaning");
  for (int i = 0; i < PJ_OPTION_COUNT; i++) {
    const PjOptionInfo *option = &pj_option_info[i];
    printf("%-22s %-9s %s\n", option->env, *option->preset ? option->preset : "-", option->meaning);
  }
  printf("%-22s %-9s %s\n", "PJRT_PLUGIN", "-",
         "the plugin that the pjrt command loads without --plugin");
  return PJ_EXIT_OK;
}

static const char devices_help[] =
    "Usage: pjrt devices [--plugin SO] [--option NAME=VALUE]...\n\n"
    "Starts a client and lists the devices that programs can run on.\n\n";

int pj_command_devices(int argc, char **argv) {
  PjPluginArgs args = {0};
  PjStatus status = PJ_STATUS_OK;
  for (int i = 0; i < argc; i++) {
    if (pj_plugin_arg(&args, argc, argv, &i, &status)) {
      if (!status)
        continue;
      fprintf(stderr, "pjrt devices: %s\n", pj_status_message(status));
      pj_status_free(status);
      return PJ_EXIT_USAGE;
    }
    if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
      printf("%s%s", devices_help, pj_plugin_help);
      return PJ_EXIT_OK;
    }
    fprintf(stderr, "pjrt devices: unexpected argument '%s'\n%s%s", argv[i], devices_help,
            pj_plugin_help);
    return PJ_EXIT_USAGE;
  }
  PjhPlugin *plugin;
  PjhClient *client;
  status = pj_plugin_open(&args, &plugin, &client);
  if (status) {
    fprintf(stderr, "pjrt devices: %s: %s\n", pj_code_name(pj_status_code(status)),
            pj_status_message(status));
    pj_status_free(status);
    return PJ_EXIT_FAILED;
  }
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
