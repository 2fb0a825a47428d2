// `pjrt completion` and `pjrt help --man`: scripts for shells and the man page, from the table of
// commands.
#include <string.h>

#include "base/options.h"
#include "commands.h"
#include "shells.h"

// --- Completion ---------------------------------------------------------------------------------

static bool completes_file(const PjArg *arg) {
  return arg->kind == PJ_ARG_FILE || arg->kind == PJ_ARG_FOLDER;
}

// The words of a choice with blanks between; a command's words may be "@": all commands.
static void put_choices(const char *words, FILE *out) {
  if (strcmp(words, "@") == 0) {
    for (const PjCommand *const *at = pj_commands; *at; at++)
      fprintf(out, "%s%s", at == pj_commands ? "" : " ", (*at)->name);
    return;
  }
  for (const char *p = words; *p; p++)
    fputc(*p == '|' ? ' ' : *p, out);
}

static void put_option_names(const PjCommand *command, FILE *out) {
  for (const PjArg *arg = command->options; arg && arg->name; arg++)
    fprintf(out, "%s ", arg->name);
  fputs("--help", out);
}

static void put_bash(FILE *out) {
  fputs("# Completion of pjrt for bash; written by `pjrt completion bash`.\n"
        "_pjrt() {\n"
        "  local word=\"${COMP_WORDS[COMP_CWORD]}\" "
        "last=\"${COMP_WORDS[COMP_CWORD-1]}\"\n"
        "  local words='' files='-o default'\n"
        "  COMPREPLY=()\n"
        "  if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
        "    COMPREPLY=($(compgen -W \"",
        out);
  put_choices("@", out);
  fputs(" --help --version\" -- \"$word\"))\n"
        "    return\n"
        "  fi\n"
        "  case \"${COMP_WORDS[1]} $last\" in\n",
        out);
  for (const PjCommand *const *at = pj_commands; *at; at++)
    for (const PjArg *arg = (*at)->options; arg && arg->name; arg++) {
      if (arg->kind == PJ_ARG_FLAG)
        continue;
      fprintf(out, "    '%s %s') ", (*at)->name, arg->name);
      if (arg->kind == PJ_ARG_CHOICE) {
        fputs("COMPREPLY=($(compgen -W \"", out);
        put_choices(arg->value, out);
        fputs("\" -- \"$word\")); return ;;\n", out);
      } else if (completes_file(arg)) {
        fprintf(out, "COMPREPLY=($(compgen %s -- \"$word\")); return ;;\n",
                arg->kind == PJ_ARG_FILE ? "-f" : "-d");
      } else {
        fputs("return ;;\n", out);
      }
    }
  fputs("  esac\n"
        "  case \"${COMP_WORDS[1]}\" in\n",
        out);
  for (const PjCommand *const *at = pj_commands; *at; at++) {
    fprintf(out, "    %s) words='", (*at)->name);
    put_option_names(*at, out);
    fputs("'", out);
    if ((*at)->words && strcmp((*at)->words, "*")) {
      fputs(" files=''; [[ $word == -* ]] || words='", out);
      put_choices((*at)->words, out);
      fputs("'", out);
    } else if (!(*at)->words) {
      fputs(" files=''", out);
    }
    fputs(" ;;\n", out);
  }
  fputs("    *) return ;;\n"
        "  esac\n"
        "  if [[ $word == -* || -z $files ]]; then\n"
        "    COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
        "  else\n"
        "    COMPREPLY=($(compgen -f -- \"$word\"))\n"
        "  fi\n"
        "}\n"
        "complete -o filenames -F _pjrt pjrt\n",
        out);
}

// |text| for a place between single quotes, with what zsh's and fish's descriptions give a meaning
// taken away.
static void put_quoted(const char *text, FILE *out) {
  for (; *text; text++)
    if (*text == '\'')
      fputs("'\\''", out);
    else if (strchr("[]:\\", *text))
      fprintf(out, "\\%c", *text);
    else
      fputc(*text, out);
}

static void put_zsh(FILE *out) {
  fputs("#compdef pjrt\n"
        "# Completion of pjrt for zsh; written by `pjrt completion zsh`.\n"
        "_pjrt() {\n"
        "  local -a commands\n"
        "  commands=(\n",
        out);
  for (const PjCommand *const *at = pj_commands; *at; at++) {
    fprintf(out, "    '%s:", (*at)->name);
    put_quoted((*at)->summary, out);
    fputs("'\n", out);
  }
  fputs("  )\n"
        "  if (( CURRENT == 2 )); then\n"
        "    _describe command commands\n"
        "    return\n"
        "  fi\n"
        "  local command=$words[2]\n"
        "  shift words\n"
        "  (( CURRENT-- ))\n"
        "  case $command in\n",
        out);
  for (const PjCommand *const *at = pj_commands; *at; at++) {
    fprintf(out, "    %s)\n      _arguments", (*at)->name);
    for (const PjArg *arg = (*at)->options; arg && arg->name; arg++) {
      fprintf(out, " \\\n        '%s%s[", arg->take ? "*" : "", arg->name);
      put_quoted(arg->meaning, out);
      fputs("]", out);
      if (arg->kind != PJ_ARG_FLAG) {
        fputs(":", out);
        put_quoted(arg->kind == PJ_ARG_CHOICE ? "choice" : arg->value, out);
        fputs(":", out);
      }
      if (arg->kind == PJ_ARG_CHOICE) {
        fputs("(", out);
        put_choices(arg->value, out);
        fputs(")", out);
      } else if (completes_file(arg)) {
        fputs(arg->kind == PJ_ARG_FILE ? "_files" : "_files -/", out);
      }
      fputs("'", out);
    }
    fputs(" \\\n        '--help[print help]'", out);
    if ((*at)->words && strcmp((*at)->words, "*") == 0) {
      fputs(" \\\n        '*:file:_files'", out);
    } else if ((*at)->words) {
      fputs(" \\\n        ':word:(", out);
      put_choices((*at)->words, out);
      fputs(")'", out);
    }
    fputs(" ;;\n", out);
  }
  fputs("  esac\n"
        "}\n"
        "_pjrt \"$@\"\n",
        out);
}

// |text| between single quotes, as fish reads it.
static void put_fish_text(const char *text, FILE *out) {
  fputc('\'', out);
  for (; *text; text++)
    fprintf(out, strchr("'\\", *text) ? "\\%c" : "%c", *text);
  fputc('\'', out);
}

static void put_fish(FILE *out) {
  fputs("# Completion of pjrt for fish; written by `pjrt completion fish`.\n"
        "complete -c pjrt -f\n",
        out);
  for (const PjCommand *const *at = pj_commands; *at; at++) {
    fprintf(out, "complete -c pjrt -n __fish_use_subcommand -a %s -d ", (*at)->name);
    put_fish_text((*at)->summary, out);
    fputc('\n', out);
    char condition[64];
    snprintf(condition, sizeof condition, "'__fish_seen_subcommand_from %s'", (*at)->name);
    for (const PjArg *arg = (*at)->options; arg && arg->name; arg++) {
      bool is_long = strncmp(arg->name, "--", 2) == 0;
      fprintf(out, "complete -c pjrt -n %s -%c %s", condition, is_long ? 'l' : 's',
              arg->name + (is_long ? 2 : 1));
      if (arg->kind == PJ_ARG_FOLDER)
        fputs(" -x -a '(__fish_complete_directories)'", out);
      else if (arg->kind != PJ_ARG_FLAG)
        fputs(completes_file(arg) ? " -r -F" : " -x", out);
      if (arg->kind == PJ_ARG_CHOICE) {
        fputs(" -a '", out);
        put_choices(arg->value, out);
        fputs("'", out);
      }
      fputs(" -d ", out);
      put_fish_text(arg->meaning, out);
      fputc('\n', out);
    }
    fprintf(out, "complete -c pjrt -n %s -l help -d 'print help'\n", condition);
    if (!(*at)->words)
      continue;
    fprintf(out, "complete -c pjrt -n %s", condition);
    if (strcmp((*at)->words, "*") == 0) {
      fputs(" -F\n", out);
    } else {
      fputs(" -a '", out);
      put_choices((*at)->words, out);
      fputs("'\n", out);
    }
  }
}

static int run(const PjCommand *self, int argc, char **argv) {
  if (!pj_command_parse(self, &argc, argv, NULL))
    return PJ_EXIT_USAGE;
  if (argc != 1)
    return pj_command_wrong(self, argc ? "one shell at a time" : "which shell: bash, zsh or fish?");
  if (strcmp(argv[0], "bash") == 0)
    put_bash(stdout);
  else if (strcmp(argv[0], "zsh") == 0)
    put_zsh(stdout);
  else if (strcmp(argv[0], "fish") == 0)
    put_fish(stdout);
  else
    return pj_command_wrong(self, "no completion for '%s'; bash, zsh and fish are known", argv[0]);
  return PJ_EXIT_OK;
}

const PjCommand pj_cmd_completion = {
    .name = "completion",
    .summary = "print a script that completes this command in a shell",
    .synopsis = "bash|zsh|fish",
    .description = "Prints a completion script, e.g. for ~/.bashrc: source <(pjrt "
                   "completion bash). "
                   "`make install` puts the scripts where shells look for them.",
    .words = "bash|zsh|fish",
    .run = run,
};

// --- Man page -----------------------------------------------------------------------------------

// |text| as roff: nothing at the beginning of a line may look like a request.
static void put_roff(const char *text, FILE *out) {
  bool fresh = true;
  for (; *text; text++) {
    if (fresh && (*text == '.' || *text == '\''))
      fputs("\\&", out);
    fresh = *text == '\n';
    if (*text == '\\')
      fputs("\\e", out);
    else if (*text == '-')
      fputs("\\-", out);
    else if (*text == '\n' && text[1] == '\n')
      text++, fputs("\n.PP\n", out);
    else
      fputc(*text, out);
  }
  fputc('\n', out);
}

static void put_tagged(const char *name, const char *value, const char *meaning, FILE *out) {
  fputs(".TP\n\\fB", out);
  for (const char *p = name; *p; p++)
    fprintf(out, *p == '-' ? "\\-" : "%c", *p);
  fprintf(out, "\\fR%s%s%s\n", value ? " \\fI" : "", value ? value : "", value ? "\\fR" : "");
  put_roff(meaning, out);
}

void pj_print_man_page(FILE *out) {
  fputs(".TH PJRT 1 \"\" \"libpjrt " PJ_VERSION "\" \"User Commands\"\n"
        ".SH NAME\npjrt \\- load PJRT plugins, compile and run programs on them, "
        "and test them\n"
        ".SH SYNOPSIS\n.B pjrt\n.I COMMAND\n[\\fIARGUMENT\\fR]...\n"
        ".SH DESCRIPTION\n"
        "PJRT is the interface between machine\\-learning frameworks and "
        "devices. This command "
        "loads any plugin that has it, and works on StableHLO programs with it.\n"
        ".SH COMMANDS\n",
        out);
  for (const PjCommand *const *at = pj_commands; *at; at++) {
    const PjCommand *command = *at;
    fprintf(out, ".SS \"pjrt %s%s%s%s\"\n", command->name, command->options ? " [OPTION]..." : "",
            *command->synopsis ? " " : "", command->synopsis);
    put_roff(command->description, out);
    for (const PjArg *arg = command->options; arg && arg->name; arg++)
      put_tagged(arg->name, arg->value, arg->meaning, out);
    if (command->exits) {
      fputs(".PP\n", out);
      put_roff(command->exits, out);
    }
  }
  fputs(".SH \"EXIT STATUS\"\n0 done, 1 failed, 2 wrong usage, where a command "
        "says nothing else.\n"
        ".SH ENVIRONMENT\n",
        out);
  put_tagged("PJRT_PLUGIN", NULL, "the plugin that is loaded without --plugin", out);
  for (int i = 0; i < PJ_OPTION_COUNT; i++)
    put_tagged(pj_option_info[i].env, NULL, pj_option_info[i].meaning, out);
}
