// Linear algebra without Python: a program that calls LAPACK the way JAX's programs do, with the
// LAPACK that is in the plugin. Factors a matrix (lapack_sgetrf_ffi), and says which rows were
// exchanged and that the factors give the matrix again.
//
//   cc solve.c $(pkg-config --cflags --libs pjrt) -o solve && ./solve [plugin]
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pjrt/pjrt.h>

enum { N = 3 };

// What jax.lax.linalg.lu lowers to; pivots count from 1, info is LAPACK's.
static const char program[] =
    "func.func @main(%a: tensor<3x3xf32>) -> (tensor<3x3xf32>, tensor<3xi32>, tensor<i32>) {\n"
    "  %r:3 = stablehlo.custom_call @lapack_sgetrf_ffi(%a) {\n"
    "    api_version = 4 : i32, backend_config = {},\n"
    "    operand_layouts = [dense<[0, 1]> : tensor<2xindex>],\n"
    "    result_layouts = [dense<[0, 1]> : tensor<2xindex>, dense<0> : tensor<1xindex>,\n"
    "                      dense<> : tensor<0xindex>]\n"
    "  } : (tensor<3x3xf32>) -> (tensor<3x3xf32>, tensor<3xi32>, tensor<i32>)\n"
    "  return %r#0, %r#1, %r#2 : tensor<3x3xf32>, tensor<3xi32>, tensor<i32>\n}\n";

static void must(PjhError *error) {
  if (!error)
    return;
  fprintf(stderr, "%s\n%s\n", pjh_error_message(error), pjh_error_hint(error));
  exit(1);
}

// The squares of l u minus the rows of |a| in the order that |pivots| gives them, summed.
// |lu| holds both factors, l below the diagonal of ones.
static float residual(const float *a, const float *lu, const int32_t *pivots) {
  int order[N] = {0, 1, 2};
  float squares = 0;
  for (int i = 0; i < N; ++i) {
    int with = pivots[i] - 1, row = order[i];
    order[i] = order[with];
    order[with] = row;
  }
  for (int i = 0; i < N; ++i)
    for (int j = 0; j < N; ++j) {
      float sum = 0;
      for (int k = 0; k <= i && k <= j; ++k)
        sum += (k == i ? 1 : lu[i * N + k]) * lu[k * N + j];
      sum -= a[order[i] * N + j];
      squares += sum * sum;
    }
  return squares;
}

int main(int argc, char **argv) {
  PjhPlugin *plugin;
  PjhClient *client;
  PjhExecutable *executable;
  PjhBuffer *x, *results[3];
  const float a[N * N] = {1, 2, 3, 4, 5, 6, 7, 8, 10};
  const int64_t dims[] = {N, N};
  float lu[N * N];
  int32_t pivots[N], info;
  must(pjh_plugin_load(argc > 1 ? argv[1] : "cpu", &plugin));
  must(pjh_client_create(plugin, NULL, 0, &client));
  must(pjh_compile(client, program, strlen(program), NULL, &executable));
  must(pjh_buffer_from_host(client, 0, a, PJRT_Buffer_Type_F32, dims, 2, NULL, &x));
  must(pjh_execute(executable, &x, 1, results, 3));
  must(pjh_buffer_to_host(results[0], lu, sizeof lu));
  must(pjh_buffer_to_host(results[1], pivots, sizeof pivots));
  must(pjh_buffer_to_host(results[2], &info, sizeof info));
  printf("info %d, pivots %d %d %d, residual %s\n", info, pivots[0], pivots[1], pivots[2],
         residual(a, lu, pivots) < 1e-10f ? "small" : "LARGE");
  return 0; // the end of the process frees the rest; embed.c shows how it is done
}
