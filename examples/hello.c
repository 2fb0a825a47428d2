// The shortest whole use of libpjrt: y = x + 1, on the plugin called "cpu" or the one that is
// named.
//
//   cc hello.c $(pkg-config --cflags --libs pjrt) -o hello && ./hello [plugin]
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pjrt/pjrt.h>

static const char program[] = "func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {\n"
                              "  %one = stablehlo.constant dense<1.0> : tensor<4xf32>\n"
                              "  %y = stablehlo.add %x, %one : tensor<4xf32>\n"
                              "  return %y : tensor<4xf32>\n}\n";

static void must(PjhError *error) {
  if (!error)
    return;
  fprintf(stderr, "%s\n%s\n", pjh_error_message(error), pjh_error_hint(error));
  exit(1);
}

int main(int argc, char **argv) {
  PjhPlugin *plugin;
  PjhClient *client;
  PjhExecutable *executable;
  PjhBuffer *x, *y;
  float data[4] = {1, 2, 3, 4};
  const int64_t dims[] = {4};
  must(pjh_plugin_load(argc > 1 ? argv[1] : "cpu", &plugin));
  must(pjh_client_create(plugin, NULL, 0, &client));
  must(pjh_compile(client, program, strlen(program), NULL, &executable));
  must(pjh_buffer_from_host(client, 0, data, PJRT_Buffer_Type_F32, dims, 1, NULL, &x));
  must(pjh_execute(executable, &x, 1, &y, 1));
  must(pjh_buffer_to_host(y, data, sizeof data));
  printf("%g %g %g %g\n", data[0], data[1], data[2], data[3]);
  return 0; // the end of the process frees the rest; embed.c shows how it is done
}
