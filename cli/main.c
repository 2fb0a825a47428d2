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

// What was printed may still wait in a buffer: nothing is done before it is out.
static int finish(int status) {
  if (fflush(stdout) == 0 && !ferror(stdout))
    return status;
  if (status == PJ_EXIT_OK)
    fprintf(stderr, "pjrt: cannot write to standard output\n");
  return status == PJ_EXIT_OK ? PJ_EXIT_FAILED : status;
}

int main(int argc, char **argv) {
  const char *name = argc > 1 ? argv[1] : "";
  for (size_t i = 0; i < NUM_COMMANDS; i++)
    if (strcmp(name, commands[i].name) == 0)
      return finish(commands[i].run(argc - 2, argv + 2));
  if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
    print_help(stdout);
    return finish(PJ_EXIT_OK);
  }
  if (strcmp(name, "--version") == 0)
    return finish(pj_command_version(0, argv));
  if (*name)
    fprintf(stderr, "pjrt: unknown command '%s'\n\n", name);
  print_help(stderr);
  return PJ_EXIT_USAGE;
}
