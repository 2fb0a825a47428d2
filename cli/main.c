// The `pjrt` command: finds the subcommand and hands over.
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "commands.h"

static const struct {
  const char *name, *meaning;
  int (*run)(int argc, char **argv);
} commands[] = {
    {"run", "run a StableHLO program on .npy arrays", pj_command_run},
    {"check", "test whether a plugin keeps the promises of the interface", pj_cts_command},
    {"devices", "list the devices of a plugin", pj_command_devices},
    {"options", "list the environment variables that libpjrt reads", pj_command_options},
    {"version", "print the version of this program", pj_command_version},
};
enum { NUM_COMMANDS = sizeof commands / sizeof *commands };

static void print_help(FILE *out) {
  fprintf(out, "Usage: pjrt COMMAND [ARGUMENT...]\n\nCommands:\n");
  for (size_t i = 0; i < NUM_COMMANDS; i++)
    fprintf(out, "  %-9s  %s\n", commands[i].name, commands[i].meaning);
  fprintf(out,
          "\n`pjrt COMMAND --help` says more. Exit status: 0 done, 1 failed, 2 wrong usage.\n");
}

int main(int argc, char **argv) {
  const char *name = argc > 1 ? argv[1] : "";
  for (size_t i = 0; i < NUM_COMMANDS; i++)
    if (strcmp(name, commands[i].name) == 0)
      return commands[i].run(argc - 2, argv + 2);
  if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
    print_help(stdout);
    return PJ_EXIT_OK;
  }
  if (strcmp(name, "--version") == 0)
    return pj_command_version(0, argv);
  if (*name)
    fprintf(stderr, "pjrt: unknown command '%s'\n\n", name);
  print_help(stderr);
  return PJ_EXIT_USAGE;
}
