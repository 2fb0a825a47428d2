// A program of one's own around an exported model, about sixty lines: any plugin by name or file, a
// StableHLO file, inputs by name, errors with place and hint, everything freed.
//
//   embed plugin program.mlirbc
//
// Every parameter gets the numbers 0, 1, 2 ... and must be an array of f32; prints the sum of each
// result.
#include <stdio.h>
#include <stdlib.h>

#include <pjrt/pjrt.h>

// Ends the program with everything that an error knows.
static void must(PjhError *error) {
  if (!error)
    return;
  fprintf(stderr, "%s: %s\n", pjh_error_code_name(pjh_error_code(error)), pjh_error_message(error));
  if (*pjh_error_location(error))
    fprintf(stderr, "  at %s\n", pjh_error_location(error));
  if (*pjh_error_hint(error))
    fprintf(stderr, "  hint: %s\n", pjh_error_hint(error));
  exit(1);
}

static void *read_file(const char *path, size_t *size) {
  FILE *file = fopen(path, "rb");
  if (!file || fseek(file, 0, SEEK_END) != 0) {
    perror(path);
    exit(1);
  }
  *size = (size_t)ftell(file);
  rewind(file);
  void *bytes = malloc(*size + 1);
  if (!bytes || fread(bytes, 1, *size, file) != *size) {
    fprintf(stderr, "%s: cannot be read\n", path);
    exit(1);
  }
  fclose(file);
  return bytes;
}

// An array of 0, 1, 2 ... for one parameter, on the first device.
static PjhBuffer *count_up(PjhClient *client, const PjhSlot *slot) {
  size_t n = 1;
  for (size_t i = 0; i < slot->rank; i++)
    n *= (size_t)slot->dims[i];
  float *data = malloc(n * sizeof *data + 1);
  for (size_t i = 0; data && i < n; i++)
    data[i] = (float)i;
  PjhBuffer *buffer;
  must(pjh_buffer_from_host(client, 0, data, slot->type, slot->dims, slot->rank, NULL, &buffer));
  free(data);
  return buffer;
}

int main(int argc, char **argv) {
  if (argc != 3) {
    fprintf(stderr, "usage: embed PLUGIN PROGRAM\n");
    return 2;
  }
  PjhPlugin *plugin;
  PjhClient *client;
  PjhExecutable *executable;
  PjhSignature *signature;
  size_t size;
  void *code = read_file(argv[2], &size);
  must(pjh_plugin_load(argv[1], &plugin));
  must(pjh_client_create(plugin, NULL, 0, &client));
  must(pjh_signature_read(code, size, &signature));
  must(pjh_compile(client, code, size, NULL, &executable));
  free(code);

  size_t num_inputs = pjh_signature_num_parameters(signature);
  size_t num_outputs = pjh_executable_num_outputs(executable);
  PjhBuffer **buffers = calloc(num_inputs + num_outputs + 1, sizeof *buffers);
  if (!buffers)
    return 1;
  for (size_t i = 0; i < num_inputs; i++) {
    const PjhSlot *slot = pjh_signature_parameter(signature, i);
    if (slot->type != PJRT_Buffer_Type_F32) {
      fprintf(stderr, "parameter %s is no array of f32\n", slot->name);
      return 1;
    }
    printf("parameter %zu: %s\n", i, slot->name);
    buffers[i] = count_up(client, slot);
  }
  must(pjh_execute(executable, buffers, num_inputs, buffers + num_inputs, num_outputs));
  for (size_t i = 0; i < num_outputs; i++) {
    PjhBuffer *result = buffers[num_inputs + i];
    float *data = malloc(pjh_buffer_host_size(result) + 1), sum = 0;
    must(pjh_buffer_to_host(result, data, pjh_buffer_host_size(result)));
    for (size_t k = 0; k < pjh_buffer_host_size(result) / sizeof *data; k++)
      sum += data[k];
    free(data);
    printf("result %zu: %s: sum %g\n", i, pjh_signature_result(signature, i)->name, sum);
  }
  for (size_t i = 0; i < num_inputs + num_outputs; i++)
    pjh_buffer_destroy(buffers[i]);
  free(buffers);
  pjh_executable_destroy(executable);
  pjh_signature_free(signature);
  pjh_client_destroy(client);
  pjh_plugin_destroy(plugin);
  return 0;
}
