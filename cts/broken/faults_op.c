// Faults of operations, made by compiling another program than the one that was given.
#include <stdlib.h>
#include <string.h>

#include "util.h"

// Compiles with every |from| of the text replaced by |to|.
static PJRT_Error *replaced(PJRT_Client_Compile_Args *args, const char *from, const char *to) {
  const PJRT_Program *given = args->program;
  size_t room = 4 * given->code_size + 4096, n = 0;
  char *text = calloc(1, room), *source = calloc(1, given->code_size + 1);
  memcpy(source, given->code, given->code_size);
  for (const char *at = source; *at && n + strlen(to) + 1 < room;) {
    if (strncmp(at, from, strlen(from)) == 0) {
      strcpy(text + n, to);
      n += strlen(to);
      at += strlen(from);
    } else {
      text[n++] = *at++;
    }
  }
  PJRT_Program program = *given;
  program.code = text;
  program.code_size = n;
  args->program = &program;
  PJRT_Error *error = pj_real->PJRT_Client_Compile(args);
  args->program = given;
  free(text);
  free(source);
  return error;
}

PJRT_Error *pj_broken_op_compare_nan(PJRT_Client_Compile_Args *args) {
  return replaced(args,
                  "%g = stablehlo.compare GE, %a, %b, FLOAT : (tensor<4xf32>, tensor<4xf32>) "
                  "-> tensor<4xi1>",
                  "%g = stablehlo.not %l : tensor<4xi1>");
}

PJRT_Error *pj_broken_op_subtract_rounds(PJRT_Client_Compile_Args *args) {
  return replaced(args, "%r = stablehlo.subtract %a, %b : tensor<2xi64>",
                  "%fa = stablehlo.convert %a : (tensor<2xi64>) -> tensor<2xf64>\n"
                  "%fb = stablehlo.convert %b : (tensor<2xi64>) -> tensor<2xf64>\n"
                  "%fr = stablehlo.subtract %fa, %fb : tensor<2xf64>\n"
                  "%r = stablehlo.convert %fr : (tensor<2xf64>) -> tensor<2xi64>");
}

PJRT_Error *pj_broken_op_sort_order(PJRT_Client_Compile_Args *args) {
  return replaced(args, "compare LT, %x, %y", "compare GT, %p, %q");
}

PJRT_Error *pj_broken_op_reduce_all(PJRT_Client_Compile_Args *args) {
  return replaced(
      args, "stablehlo.reduce(%a init: %z) applies stablehlo.add across dimensions = [0, 1]",
      "stablehlo.reduce(%a init: %z) applies stablehlo.maximum across dimensions = [0, 1]");
}

PJRT_Error *pj_broken_op_sine_degrees(PJRT_Client_Compile_Args *args) {
  return replaced(args, "stablehlo.sine", "stablehlo.tanh");
}

PJRT_Error *pj_broken_op_cosine_rough(PJRT_Client_Compile_Args *args) {
  return replaced(args, "%r = stablehlo.cosine %a : tensor<4xf32>",
                  "%h = stablehlo.convert %a : (tensor<4xf32>) -> tensor<4xbf16>\n"
                  "%g = stablehlo.cosine %h : tensor<4xbf16>\n"
                  "%r = stablehlo.convert %g : (tensor<4xbf16>) -> tensor<4xf32>");
}

PJRT_Error *pj_broken_type_scale_doubles(PJRT_Client_Compile_Args *args) {
  return replaced(args, "%0 = stablehlo.convert %a : (tensor<30xf32>) -> tensor<30xf8E8M0FNU>",
                  "%d = stablehlo.add %a, %a : tensor<30xf32>\n"
                  "%0 = stablehlo.convert %d : (tensor<30xf32>) -> tensor<30xf8E8M0FNU>");
}

PJRT_Error *pj_broken_type_sign_confused(PJRT_Client_Compile_Args *args) {
  return replaced(args, "%2 = stablehlo.compare LT, %a, %b : (tensor<16xui8>, tensor<16xui8>)",
                  "%c = stablehlo.bitcast_convert %a : (tensor<16xui8>) -> tensor<16xi8>\n"
                  "%d = stablehlo.bitcast_convert %b : (tensor<16xui8>) -> tensor<16xi8>\n"
                  "%2 = stablehlo.compare LT, %c, %d : (tensor<16xi8>, tensor<16xi8>)");
}

PJRT_Error *pj_broken_type_sum_truncated(PJRT_Client_Compile_Args *args) {
  return replaced(args, "%0 = stablehlo.add %a, %b : tensor<16xbf16>",
                  "%c = stablehlo.convert %a : (tensor<16xbf16>) -> tensor<16xf32>\n"
                  "%d = stablehlo.convert %b : (tensor<16xbf16>) -> tensor<16xf32>\n"
                  "%e = stablehlo.add %c, %d : tensor<16xf32>\n"
                  "%f = stablehlo.bitcast_convert %e : (tensor<16xf32>) -> tensor<16xui32>\n"
                  "%m = stablehlo.constant dense<4294901760> : tensor<16xui32>\n"
                  "%g = stablehlo.and %f, %m : tensor<16xui32>\n"
                  "%h = stablehlo.bitcast_convert %g : (tensor<16xui32>) -> tensor<16xf32>\n"
                  "%0 = stablehlo.convert %h : (tensor<16xf32>) -> tensor<16xbf16>");
}

PJRT_Error *pj_broken_type_saturates(PJRT_Client_Compile_Args *args) {
  return replaced(args, "%1 = stablehlo.multiply %a, %b : tensor<16xi4>",
                  "%c = stablehlo.convert %a : (tensor<16xi4>) -> tensor<16xi8>\n"
                  "%d = stablehlo.convert %b : (tensor<16xi4>) -> tensor<16xi8>\n"
                  "%e = stablehlo.multiply %c, %d : tensor<16xi8>\n"
                  "%l = stablehlo.constant dense<-8> : tensor<16xi8>\n"
                  "%h = stablehlo.constant dense<7> : tensor<16xi8>\n"
                  "%f = stablehlo.clamp %l, %e, %h : tensor<16xi8>\n"
                  "%1 = stablehlo.convert %f : (tensor<16xi8>) -> tensor<16xi4>");
}

PJRT_Error *pj_broken_op_norm_epsilon(PJRT_Client_Compile_Args *args) {
  return replaced(args, "epsilon = 0.75 : f32", "epsilon = 0.0 : f32");
}

PJRT_Error *pj_broken_op_norm_grad_swapped(PJRT_Client_Compile_Args *args) {
  return replaced(args, "%r, %x, %o = ", "%r, %o, %x = ");
}

PJRT_Error *pj_broken_op_rng_distribution(PJRT_Client_Compile_Args *args) {
  return replaced(args, "distribution = UNIFORM", "distribution = NORMAL");
}

PJRT_Error *pj_broken_op_rng_deviation(PJRT_Client_Compile_Args *args) {
  return replaced(args, "%x = stablehlo.rng %a, %b,",
                  "%dev = stablehlo.constant dense<1.0> : tensor<f32>\n"
                  "%x = stablehlo.rng %a, %dev,");
}

PJRT_Error *pj_broken_op_rng_bounds(PJRT_Client_Compile_Args *args) {
  return replaced(args, "%x = stablehlo.rng %a, %b,",
                  "%one = stablehlo.constant dense<1> : tensor<i32>\n"
                  "%above = stablehlo.add %b, %one : tensor<i32>\n"
                  "%x = stablehlo.rng %a, %above,");
}

PJRT_Error *pj_broken_op_rng_repeats(PJRT_Client_Compile_Args *args) {
  return replaced(args, "%p = stablehlo.multiply %x, %y", "%p = stablehlo.multiply %x, %x");
}

PJRT_Error *pj_broken_op_rng_algorithm(PJRT_Client_Compile_Args *args) {
  return replaced(args, "THREE_FRY", "PHILOX");
}

PJRT_Error *pj_broken_op_rng_state(PJRT_Client_Compile_Args *args) {
  return replaced(args, "%q:2 = stablehlo.rng_bit_generator %o#0",
                  "%q:2 = stablehlo.rng_bit_generator %a");
}

PJRT_Error *pj_broken_op_tuple_element(PJRT_Client_Compile_Args *args) {
  return replaced(args,
                  "%r = stablehlo.get_tuple_element %t[0] : (tuple<tensor<2xf32>, "
                  "tuple<tensor<1xi32>>>) -> tensor<2xf32>",
                  "%r = stablehlo.constant dense<0.0> : tensor<2xf32>");
}

PJRT_Error *pj_broken_op_dynamic_pad_order(PJRT_Client_Compile_Args *args) {
  return replaced(args, "%l, %h, %i :", "%l, %i, %h :");
}

PJRT_Error *pj_broken_op_dynamic_slice_start(PJRT_Client_Compile_Args *args) {
  return replaced(args, "%a, %b, %e, %s", "%a, %s, %e, %s");
}

PJRT_Error *pj_broken_op_dynamic_gather_order(PJRT_Client_Compile_Args *args) {
  return replaced(args, "%r = \"stablehlo.dynamic_gather\"(%a, %i,",
                  "%j = stablehlo.reverse %i, dims = [0] : tensor<2xi32>\n"
                  "%r = \"stablehlo.dynamic_gather\"(%a, %j,");
}

PJRT_Error *pj_broken_op_dynamic_conv_padding(PJRT_Client_Compile_Args *args) {
  return replaced(args, "dense<[[1, 1]]> : tensor<1x2xi32>", "dense<[[2, 0]]> : tensor<1x2xi32>");
}

PJRT_Error *pj_broken_op_dynamic_iota(PJRT_Client_Compile_Args *args) {
  return replaced(args, "dim = 1 ", "dim = 0 ");
}

PJRT_Error *pj_broken_op_einsum_transposed(PJRT_Client_Compile_Args *args) {
  return replaced(args, "->ij", "->ji");
}

PJRT_Error *pj_broken_op_last_bit(PJRT_LoadedExecutable_Execute_Args *args) {
  PJRT_Error *error = pj_real->PJRT_LoadedExecutable_Execute(args);
  if (error || !args->device_complete_events)
    return error;
  PJRT_Event_Await_Args wait = {.struct_size = PJRT_Event_Await_Args_STRUCT_SIZE,
                                .event = args->device_complete_events[0]};
  pj_broken_destroy_error(pj_real->PJRT_Event_Await(&wait));
  PJRT_Buffer_OpaqueDeviceMemoryDataPointer_Args get = {
      .struct_size = PJRT_Buffer_OpaqueDeviceMemoryDataPointer_Args_STRUCT_SIZE,
      .buffer = args->output_lists[0][0]};
  error = pj_real->PJRT_Buffer_OpaqueDeviceMemoryDataPointer(&get);
  if (!error)
    *(unsigned char *)get.device_memory_ptr ^= 1;
  return error;
}

PJRT_Error *pj_broken_device_broadcast(PJRT_Client_Compile_Args *args) {
  return replaced(args, "[[1, 0]]", "[[0, 1]]");
}

PJRT_Error *pj_broken_device_reduce_root(PJRT_Client_Compile_Args *args) {
  return replaced(args, "stablehlo.collective_reduce", "stablehlo.all_reduce");
}

PJRT_Error *pj_broken_device_sum_alone(PJRT_Client_Compile_Args *args) {
  return replaced(args, "[[0, 1]]> : tensor<1x2xi64>", "[[0], [1]]> : tensor<2x1xi64>");
}

PJRT_Error *pj_broken_device_async_order(PJRT_Client_Compile_Args *args) {
  return replaced(args, "[[1, 0]]", "[[0, 1]]");
}

PJRT_Error *pj_broken_device_send_self(PJRT_Client_Compile_Args *args) {
  return replaced(args, "[[0, 1], [1, 0]]", "[[0, 0], [1, 1]]");
}

PJRT_Error *pj_broken_device_receive_any(PJRT_Client_Compile_Args *args) {
  return replaced(args, "[[0, 1]]> : tensor<1x2xi64>", "[[0, 1], [1, 0]]> : tensor<2x2xi64>");
}

PJRT_Error *pj_broken_custom_call_ignored(PJRT_Client_Compile_Args *args) {
  return replaced(args,
                  "stablehlo.custom_call @nobody_has_registered_this(%a) : (tensor<4xf32>) -> ",
                  "stablehlo.add %a, %a : ");
}

PJRT_Error *pj_broken_op_last_bit_large(PJRT_LoadedExecutable_Execute_Args *args) {
  return pj_broken_op_last_bit(args);
}
