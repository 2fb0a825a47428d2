// A token generator in C: one step of a small GPT, exported by examples/generate.py, run again
// and again. The weights and the cache of keys and values stay on the device; each step is given
// the cache of the last one and writes into its memory (donation), and only the token comes back.
//
//   generate plugin step.mlirbc weights.bin COUNT TOKEN...
//
// Feeds the tokens of the prompt, then what the model says, until COUNT new tokens have come;
// prints them on one line.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pjrt/pjrt.h>

static void must(PjhError *error) {
  if (!error)
    return;
  fprintf(stderr, "%s: %s\n", pjh_error_code_name(pjh_error_code(error)), pjh_error_message(error));
  if (*pjh_error_hint(error))
    fprintf(stderr, "  hint: %s\n", pjh_error_hint(error));
  exit(1);
}

static void fail(const char *path, const char *what) {
  fprintf(stderr, "%s: %s\n", path, what);
  exit(1);
}

static char *read_file(const char *path, size_t *size) {
  FILE *file = fopen(path, "rb");
  if (!file || fseek(file, 0, SEEK_END) != 0)
    fail(path, "cannot be opened");
  *size = (size_t)ftell(file);
  rewind(file);
  char *bytes = malloc(*size + 1);
  if (!bytes || fread(bytes, 1, *size, file) != *size)
    fail(path, "cannot be read");
  fclose(file);
  return bytes;
}

static size_t bytes_of(const PjhSlot *slot) {
  size_t bytes = pjh_type_host_size(slot->type);
  for (size_t i = 0; i < slot->rank; i++)
    bytes *= (size_t)slot->dims[i];
  return bytes;
}

static PjhBuffer *upload(PjhClient *client, const PjhSlot *slot, const void *data) {
  PjhBuffer *buffer;
  must(pjh_buffer_from_host(client, 0, data, slot->type, slot->dims, slot->rank, NULL, &buffer));
  return buffer;
}

int main(int argc, char **argv) {
  if (argc < 6) {
    fprintf(stderr, "usage: generate PLUGIN PROGRAM WEIGHTS COUNT TOKEN...\n");
    return 2;
  }
  PjhPlugin *plugin;
  PjhClient *client;
  PjhExecutable *executable;
  PjhSignature *signature;
  size_t code_size, weights_size;
  char *code = read_file(argv[2], &code_size), *weights = read_file(argv[3], &weights_size);
  must(pjh_plugin_load(argv[1], &plugin));
  must(pjh_client_create(plugin, NULL, 0, &client));
  must(pjh_signature_read(code, code_size, &signature));
  must(pjh_compile(client, code, code_size, NULL, &executable));

  // Parameters: "token", "position" and "cache" by name; all others are weights, which lie in the
  // file one after another. Results: the next token, the cache.
  size_t count = pjh_signature_num_parameters(signature);
  size_t token_at = pjh_signature_find_parameter(signature, "token");
  size_t position_at = pjh_signature_find_parameter(signature, "position");
  size_t cache_at = pjh_signature_find_parameter(signature, "cache");
  if (token_at == SIZE_MAX || position_at == SIZE_MAX || cache_at == SIZE_MAX ||
      !pjh_signature_parameter(signature, cache_at)->donated ||
      pjh_signature_num_results(signature) != 2)
    fail(argv[2], "is no step of a generator");
  PjhBuffer **arguments = calloc(count, sizeof *arguments);
  if (!arguments)
    fail(argv[0], "no memory");
  size_t used = 0;
  for (size_t i = 0; i < count; i++) {
    const PjhSlot *slot = pjh_signature_parameter(signature, i);
    size_t bytes = bytes_of(slot);
    if (i == token_at || i == position_at)
      continue;
    if (i == cache_at) {
      void *zeros = calloc(bytes, 1);
      arguments[i] = zeros ? upload(client, slot, zeros) : NULL;
      free(zeros);
      continue;
    }
    if (bytes > weights_size - used)
      fail(argv[3], "holds too few weights");
    arguments[i] = upload(client, slot, weights + used);
    used += bytes;
  }
  free(weights);
  free(code);

  const PjhSlot *scalar = pjh_signature_parameter(signature, token_at);
  int prompt = argc - 5, wanted = atoi(argv[4]);
  int32_t token = 0;
  for (int32_t position = 0; position < prompt + wanted - 1; position++) {
    if (position < prompt)
      token = atoi(argv[5 + position]);
    PjhBuffer *results[2];
    arguments[token_at] = upload(client, scalar, &token);
    arguments[position_at] = upload(client, scalar, &position);
    must(pjh_execute(executable, arguments, count, results, 2));
    pjh_buffer_destroy(arguments[token_at]);
    pjh_buffer_destroy(arguments[position_at]);
    pjh_buffer_destroy(arguments[cache_at]); // its memory is the new cache's now
    arguments[cache_at] = results[1];
    must(pjh_buffer_to_host(results[0], &token, sizeof token));
    pjh_buffer_destroy(results[0]);
    if (position >= prompt - 1)
      printf("%s%d", position > prompt - 1 ? " " : "", token);
  }
  printf("\n");
  arguments[token_at] = arguments[position_at] = NULL;
  for (size_t i = 0; i < count; i++)
    pjh_buffer_destroy(arguments[i]);
  free(arguments);
  pjh_executable_destroy(executable);
  pjh_signature_free(signature);
  pjh_client_destroy(client);
  pjh_plugin_destroy(plugin);
  return 0;
}
