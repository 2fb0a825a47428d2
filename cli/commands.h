// The subcommands of `pjrt`: each gets the arguments after its name and returns the exit status.
#pragma once

// Exit statuses of every command.
enum { PJ_EXIT_OK = 0, PJ_EXIT_FAILED = 1, PJ_EXIT_USAGE = 2 };

int pj_command_run(int argc, char **argv);
int pj_command_devices(int argc, char **argv);
int pj_command_options(int argc, char **argv);
int pj_command_version(int argc, char **argv);
