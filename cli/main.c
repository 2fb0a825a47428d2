// The `pjrt` command: finds the subcommand and hands over.
#include <string.h>

#include "commands.h"

// What was printed may still wait in a buffer: nothing is done before it is out.
static int finish(int status) {
  if (fflush(stdout) == 0 && !ferror(stdout))
    return status;
  if (status == PJ_EXIT_OK)
    fprintf(stderr, "pjrt: cannot write to standard output\n");
  return status == PJ_EXIT_OK ? PJ_EXIT_FAILED : status;
}

static bool is_help(const char *word) {
  return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

int main(int argc, char **argv) {
  const char *name = argc > 1 ? argv[1] : "";
  if (is_help(name)) {
    pj_commands_help(stdout);
    return finish(PJ_EXIT_OK);
  }
  const PjCommand *command = pj_command_find(strcmp(name, "--version") ? name : "version");
  if (!command) {
    if (*name)
      fprintf(stderr, "pjrt: unknown command '%s'\n\n", name);
    pj_commands_help(stderr);
    return PJ_EXIT_USAGE;
  }
  for (int i = 2; i < argc && strcmp(argv[i], "--"); i++)
    if (is_help(argv[i])) {
      pj_command_help(command, stdout);
      return finish(PJ_EXIT_OK);
    }
  return finish(command->run(command, argc - 2, argv + 2));
}
