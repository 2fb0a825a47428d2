// Parsing text in tests, and the round trip: text, module, text, module.
#pragma once
#include "import/import.h"

typedef struct Parsed {
  PjArena *arena;
  PjModule *module; // numbered; NULL on failure
  PjStatus status;
} Parsed;

Parsed parse(const char *text, size_t size);
Parsed parse_limited(const char *text, size_t size, size_t limit_bytes); // of the arena
void parsed_free(Parsed *parsed);

// Parses |text|, prints the module in the pretty and the generic form, with and without locations,
// parses that and checks that the modules are equal and print the same. NULL, or what went wrong
// (static storage).
char *round_trip(const char *text, size_t size);
