// The frame of the `pjrt` command: what a subcommand is, and what all of them do in the same way.
//
// commands.def lists the subcommands; each describes itself in a PjCommand in its own file. From
// these come dispatch, `pjrt help`, --help, the parsing of arguments, the man page and the shells'
// completions.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/status.h"
#include "base/str.h"

// Exit statuses of every command. A plugin that cannot be used is a failure.
enum { PJ_EXIT_OK = 0, PJ_EXIT_FAILED = 1, PJ_EXIT_USAGE = 2 };

// What an option's value is, hence the type of its field and how shells complete it.
typedef enum PjArgKind {
  PJ_ARG_FLAG,    // bool, true when given; no value
  PJ_ARG_TEXT,    // const char *
  PJ_ARG_FILE,    // const char *, the name of a file
  PJ_ARG_FOLDER,  // const char *
  PJ_ARG_CHOICE,  // const char *, one of the words of |value|: "mlir|hlo"
  PJ_ARG_COUNT,   // size_t, from 0 to 10^9
  PJ_ARG_SECONDS, // double, above 0
  PJ_ARG_REAL,    // double, above 0
} PjArgKind;

// One option. Tables of them end in a row without a name.
typedef struct PjArg {
  const char *name;  // "--repeat", "-o"
  const char *value; // how help calls it, "N"; NULL for flags
  PjArgKind kind;
  size_t at;           // offsetof its field in the command's struct of arguments
  const char *meaning; // one or two sentences without capital and full stop; help wraps them
  // Instead of storing by kind: takes |text| into the field. For options that may be repeated.
  PjStatus (*take)(void *field, const char *text);
} PjArg;

typedef struct PjCommand {
  const char *name;
  const char *summary;  // one line for `pjrt help`, without capital and full stop
  const char *synopsis; // the words after the options: "PROGRAM [INPUT.npy[:TYPE]]..."; "" for none
  const char *description; // paragraphs of whole sentences, split by empty lines; help wraps them
  const PjArg *options;    // NULL: none but --help
  const char
      *words; // what shells complete words as: NULL nothing, "*" files, "@" commands, "a|b" these
  const char *exits; // the exit statuses in one sentence; NULL: 0 done, 1 failed, 2 wrong usage
  // Gets the arguments after the name, and returns the exit status. --help never comes here.
  int (*run)(const struct PjCommand *self, int argc, char **argv);
} PjCommand;

#define COMMAND(name) extern const PjCommand pj_cmd_##name;
#include "commands.def"
#undef COMMAND

extern const PjCommand *const pj_commands[]; // as in commands.def; ends in NULL

// NULL when there is none of that name.
const PjCommand *pj_command_find(const char *name);

// Stores the options of |argv| into |args| as the command's table says, and gathers the other words
// at the front of |argv|: |*argc| is their number afterwards. `--name=value` is `--name value`; all
// after `--` are words. False when something is wrong, which it has said on stderr: return
// PJ_EXIT_USAGE then.
bool pj_command_parse(const PjCommand *command, int *argc, char **argv, void *args);

// Says what is wrong with the arguments; returns PJ_EXIT_USAGE.
int pj_command_wrong(const PjCommand *command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

// Says on stderr what |status| says, if it is a failure, and frees it; returns the exit status.
int pj_command_end(const PjCommand *command, PjStatus status);

// Help of one command, or of all.
void pj_command_help(const PjCommand *command, FILE *out);
void pj_commands_help(FILE *out);

// Prints |text| from column |indent| on, broken at blanks before column 80; |column| is where the
// line stands now. An empty line in |text| stays one. Ends the line.
void pj_print_wrapped(FILE *out, const char *text, int indent, int column);
