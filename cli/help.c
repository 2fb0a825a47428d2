// Help, from the table of commands.
#include <string.h>

#include "commands.h"
#include "shells.h"

enum { WIDTH = 80, OPTION_COLUMN = 23 };

void pj_print_wrapped(FILE *out, const char *text, int indent, int column) {
  while (*text) {
    if (*text == '\n') { // the end of a paragraph
      while (*text == '\n')
        text++;
      fputs("\n\n", out);
      column = 0;
      continue;
    }
    if (*text == ' ') {
      text++;
      continue;
    }
    int length = (int)strcspn(text, " \n");
    bool fresh = column <= indent;
    if (!fresh && column + 1 + length > WIDTH) {
      fputc('\n', out);
      column = 0;
      fresh = true;
    }
    if (fresh && column < indent)
      column += fprintf(out, "%*s", indent - column, "");
    column += fprintf(out, "%s%.*s", fresh ? "" : " ", length, text);
    text += length;
  }
  fputc('\n', out);
}

static void print_option(FILE *out, const char *name, const char *value, const char *meaning) {
  int column = fprintf(out, "  %s%s%s", name, value ? " " : "", value ? value : "");
  if (column >= OPTION_COLUMN) {
    fputc('\n', out);
    column = 0;
  }
  pj_print_wrapped(out, meaning, OPTION_COLUMN, column);
}

void pj_command_help(const PjCommand *command, FILE *out) {
  fprintf(out, "Usage: pjrt %s%s%s%s\n\n", command->name, command->options ? " [OPTION]..." : "",
          *command->synopsis ? " " : "", command->synopsis);
  pj_print_wrapped(out, command->description, 0, 0);
  fputc('\n', out);
  for (const PjArg *arg = command->options; arg && arg->name; arg++)
    print_option(out, arg->name, arg->value, arg->meaning);
  print_option(out, "--help", NULL, "print this");
  fputc('\n', out);
  pj_print_wrapped(
      out, command->exits ? command->exits : "Exit status: 0 done, 1 failed, 2 wrong usage.", 0, 0);
}

void pj_commands_help(FILE *out) {
  fprintf(out, "Usage: pjrt COMMAND [ARGUMENT...]\n\nCommands:\n");
  for (const PjCommand *const *at = pj_commands; *at; at++)
    pj_print_wrapped(out, (*at)->summary, 14, fprintf(out, "  %-10s", (*at)->name));
  fprintf(out,
          "\n`pjrt COMMAND --help` says more. Exit status: 0 done, 1 failed, 2 wrong usage.\n");
}

typedef struct Args {
  bool man;
} Args;

static const PjArg options[] = {
    {"--man", NULL, PJ_ARG_FLAG, offsetof(Args, man), "print the man page, pjrt(1), as roff"},
    {0},
};

static int run(const PjCommand *self, int argc, char **argv) {
  Args args = {0};
  if (!pj_command_parse(self, &argc, argv, &args))
    return PJ_EXIT_USAGE;
  if (argc > 1 || (argc && args.man))
    return pj_command_wrong(self, args.man ? "--man is of all commands" : "one command at a time");
  const PjCommand *command = argc ? pj_command_find(argv[0]) : NULL;
  if (argc && !command)
    return pj_command_wrong(self, "unknown command '%s'", argv[0]);
  if (args.man)
    pj_print_man_page(stdout);
  else if (command)
    pj_command_help(command, stdout);
  else
    pj_commands_help(stdout);
  return PJ_EXIT_OK;
}

const PjCommand pj_cmd_help = {
    .name = "help",
    .summary = "say what a command does and which options it has",
    .synopsis = "[COMMAND]",
    .description = "Prints the list of commands, or the help of one.",
    .options = options,
    .words = "@",
    .run = run,
};
