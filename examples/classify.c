// An image classifier in C: the digits model that examples/digits/train.py exports, on its test
// images.
//
//   classify plugin digits.mlirbc images.npy [labels.npy]
//
// Prints the digit of each image, one a line, and with labels how many are right.
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
  bytes[*size] = 0;
  fclose(file);
  return bytes;
}

// The elements of a NumPy file of format 1.0 that has |bytes| of them; the file's text in front
// says of which type.
static const char *npy_elements(const char *path, const char *file, size_t size, const char *type,
                                size_t bytes) {
  if (size < 10 || memcmp(file, "\x93NUMPY\x01", 7) != 0)
    fail(path, "is no NumPy file");
  size_t start = 10 + (unsigned char)file[8] + 256u * (unsigned char)file[9];
  if (start > size || size - start != bytes)
    fail(path, "has not the size that the program wants");
  if (!strstr(file + 10, type) || strstr(file + 10, "'fortran_order': True"))
    fail(path, "has not the type that the program wants");
  return file + start;
}

int main(int argc, char **argv) {
  if (argc != 4 && argc != 5) {
    fprintf(stderr, "usage: classify PLUGIN PROGRAM IMAGES.npy [LABELS.npy]\n");
    return 2;
  }
  PjhPlugin *plugin;
  PjhClient *client;
  PjhExecutable *executable;
  PjhSignature *signature;
  PjhBuffer *images, *results[2];
  size_t code_size, images_size;
  char *code = read_file(argv[2], &code_size), *images_file = read_file(argv[3], &images_size);
  must(pjh_plugin_load(argv[1], &plugin));
  must(pjh_client_create(plugin, NULL, 0, &client));
  must(pjh_signature_read(code, code_size, &signature));
  must(pjh_compile(client, code, code_size, NULL, &executable));

  // The program says what it wants: images [n, 8, 8, 1] of f32 in, digits [n] of i32 out.
  const PjhSlot *slot = pjh_signature_parameter(signature, 0);
  if (!slot || slot->type != PJRT_Buffer_Type_F32 || slot->rank != 4 || slot->dims[0] < 1 ||
      pjh_signature_num_results(signature) != 2)
    fail(argv[2], "is no classifier of images");
  size_t n = (size_t)slot->dims[0], bytes = sizeof(float);
  for (size_t i = 0; i < slot->rank; i++)
    bytes *= (size_t)slot->dims[i];
  const char *pixels = npy_elements(argv[3], images_file, images_size, "<f4", bytes);
  must(pjh_buffer_from_host(client, 0, pixels, slot->type, slot->dims, slot->rank, NULL, &images));
  must(pjh_execute(executable, &images, 1, results, 2));

  int32_t *digits = malloc(n * sizeof *digits);
  if (!digits)
    fail(argv[0], "no memory");
  must(pjh_buffer_to_host(results[0], digits, n * sizeof *digits));
  for (size_t i = 0; i < n; i++)
    printf("%d\n", digits[i]);
  if (argc == 5) {
    size_t size, right = 0;
    char *file = read_file(argv[4], &size);
    const char *labels = npy_elements(argv[4], file, size, "<i4", n * sizeof(int32_t));
    for (size_t i = 0; i < n; i++)
      right += memcmp(labels + i * sizeof *digits, &digits[i], sizeof *digits) == 0;
    printf("%zu of %zu are right\n", right, n);
    free(file);
  }
  free(digits);
  free(code);
  free(images_file);
  pjh_buffer_destroy(images);
  pjh_buffer_destroy(results[0]);
  pjh_buffer_destroy(results[1]);
  pjh_executable_destroy(executable);
  pjh_signature_free(signature);
  pjh_client_destroy(client);
  pjh_plugin_destroy(plugin);
  return 0;
}
