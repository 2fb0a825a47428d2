// The conformance kit as a command.
#pragma once

// `pjrt check` with the arguments after its name; returns the exit status.
int pj_cts_command(int argc, char **argv);
