// The host library's runs and transfers: waiting and not, on several devices, donating and keeping,
// sharing memory, by name, from several threads; and every allocation failing once.
#include "host_support.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

static const float ones[] = {1, 1, 1, 1}, twos[] = {2, 2, 2, 2}, counts[] = {1, 2, 3, 4};

// --- Events --------------------------------------------------------------------------------------

typedef struct Ended {
  pthread_mutex_t lock;
  pthread_cond_t signal;
  int times;
  PJRT_Error_Code code;
  char message[200];
} Ended;
#define ENDED \
  { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, PJRT_Error_Code_OK, "" }

static void note_end(const PjhError *error, void *user) {
  Ended *ended = user;
  pthread_mutex_lock(&ended->lock);
  ended->times++;
  ended->code = pjh_error_code(error);
  strncpy(ended->message, pjh_error_message(error), sizeof ended->message - 1);
  pthread_cond_signal(&ended->signal);
  pthread_mutex_unlock(&ended->lock);
}

static void note_release(void *user) {
  note_end(NULL, user);
}

static void wait_end(Ended *ended) {
  pthread_mutex_lock(&ended->lock);
  while (!ended->times)
    pthread_cond_wait(&ended->signal, &ended->lock);
  pthread_mutex_unlock(&ended->lock);
  assert_int_equal(ended->times, 1);
}

static void runs_are_started_and_end(void **state) {
  (void)state;
  PjhExecutable *executable = host_compile(host_client, host_add_one, NULL);
  PjhBuffer *x = host_floats(host_client, 0, ones, 4), *y, *z;
  PjhEvent *done;
  Ended ended = ENDED;
  HOST_OK(pjh_execute_start(executable, NULL, &x, 1, &y, 1, &done));
  HOST_OK(pjh_event_then(done, note_end, &ended));
  HOST_OK(pjh_execute_start(executable, NULL, &y, 1, &z, 1, NULL)); // y perhaps not there yet
  HOST_OK(pjh_event_await(done));
  HOST_OK(pjh_event_await(done));
  bool ready;
  HOST_OK(pjh_event_is_ready(done, &ready));
  assert_true(ready);
  pjh_event_destroy(done);
  wait_end(&ended);
  assert_int_equal(ended.code, PJRT_Error_Code_OK);
  HOST_OK(pjh_buffer_await(z));
  HOST_OK(pjh_buffer_is_ready(z, &ready));
  assert_true(ready);
  float values[4];
  HOST_OK(pjh_buffer_to_host_start(z, values, sizeof values, &done));
  pjh_buffer_destroy(z);
  HOST_OK(pjh_event_await(done));
  pjh_event_destroy(done);
  assert_true(values[0] == 3 && values[3] == 3);
  pjh_buffer_destroy(x);
  pjh_buffer_destroy(y);
  pjh_executable_destroy(executable);
}

static void a_failed_run_leaves_no_outputs(void **state) {
  (void)state;
  static const char text[] =
      "func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {\n"
      "  %no = stablehlo.constant dense<false> : tensor<i1>\n"
      "  stablehlo.custom_call @shape_assertion(%no) {error_message = \"it is so\", "
      "has_side_effect = true} : (tensor<i1>) -> ()\n"
      "  return %x : tensor<4xf32>\n}\n";
  PjhExecutable *executable = host_compile(host_client, text, NULL);
  PjhBuffer *x = host_floats(host_client, 0, ones, 4), *y = x;
  HOST_FAILS(pjh_execute(executable, &x, 1, &y, 1), INVALID_ARGUMENT, "it is so");
  assert_null(y);
  pjh_buffer_destroy(x);
  pjh_executable_destroy(executable);
}

// What depends on an array that never came to be.
static void a_failed_array_tells_everybody(void **state) {
  (void)state;
  const int64_t four = 4;
  PJH_ARGS(Client_CreateErrorBuffer, make);
  make.client = pjh_client_handle(host_client);
  make.error_code = PJRT_Error_Code_ABORTED;
  make.error_message = "it never came";
  make.error_message_size = strlen(make.error_message);
  make.shape_dims = &four;
  make.shape_num_dims = 1;
  make.shape_element_type = PJRT_Buffer_Type_F32;
  PJH_ARGS(Device_DefaultMemory, memory);
  memory.device = pjh_client_device(host_client, 0);
  HOST_OK(PJH_CALL(host_plugin, Device_DefaultMemory, &memory));
  make.memory = memory.memory;
  HOST_OK(PJH_CALL(host_plugin, Client_CreateErrorBuffer, &make));
  PjhBuffer *x, *y;
  HOST_OK(pjh__buffer_wrap(host_client, make.buffer, &x));

  PjhExecutable *executable = host_compile(host_client, host_add_one, NULL);
  PjhEvent *done;
  Ended ended = ENDED;
  HOST_OK(pjh_execute_start(executable, NULL, &x, 1, &y, 1, &done));
  HOST_OK(pjh_event_then(done, note_end, &ended));
  HOST_FAILS(pjh_event_await(done), ABORTED, "it never came");
  wait_end(&ended);
  assert_int_equal(ended.code, PJRT_Error_Code_ABORTED);
  assert_non_null(strstr(ended.message, "it never came"));
  pjh_event_destroy(done);
  HOST_FAILS(pjh_buffer_await(y), ABORTED, "it never came");
  float values[4];
  HOST_FAILS(pjh_buffer_to_host(y, values, sizeof values), ABORTED, "it never came");
  pjh_buffer_destroy(y);
  HOST_FAILS(pjh_execute(executable, &x, 1, &y, 1), ABORTED, "it never came");
  assert_null(y);
  pjh_buffer_destroy(x);
  pjh_executable_destroy(executable);
}

// --- Several devices -----------------------------------------------------------------------------

static void replicas_run_together(void **state) {
  (void)state;
  static const char text[] =
      "func.func @main(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<ui32>) {\n"
      "  %s = \"stablehlo.all_reduce\"(%x) ({\n"
      "  ^bb0(%a: tensor<f32>, %b: tensor<f32>):\n"
      "    %c = stablehlo.add %a, %b : tensor<f32>\n"
      "    stablehlo.return %c : tensor<f32>\n"
      "  }) {replica_groups = dense<[[0, 1]]> : tensor<1x2xi64>} : (tensor<4xf32>) -> "
      "tensor<4xf32>\n"
      "  %r = stablehlo.replica_id : tensor<ui32>\n"
      "  return %s, %r : tensor<4xf32>, tensor<ui32>\n}\n";
  const size_t backwards[] = {1, 0};
  const PjhCompileOptions options = {.num_replicas = 2, .devices = backwards};
  PjhExecutable *executable = host_compile(host_client, text, &options);
  assert_int_equal(pjh_executable_num_devices(executable), 2);
  PjhBuffer *in[2], *out[4];
  for (size_t i = 0; i < 2; i++)
    in[i] = host_floats(host_client, pjh_executable_device(executable, i), i ? counts : twos, 4);
  for (int round = 0; round < 2; round++) {
    PjhEvent *done = NULL;
    Ended ended = ENDED;
    if (round == 0) {
      HOST_OK(pjh_execute(executable, in, 2, out, 4));
    } else {
      HOST_OK(pjh_execute_start(executable, NULL, in, 2, out, 4, &done));
      HOST_OK(pjh_event_then(done, note_end, &ended));
      wait_end(&ended);
      pjh_event_destroy(done);
    }
    for (size_t i = 0; i < 2; i++) {
      size_t device;
      HOST_OK(pjh_buffer_device(out[2 * i], &device));
      assert_int_equal(device, pjh_executable_device(executable, i));
      host_expect_floats(out[2 * i], (const float[]){3, 4, 5, 6}, 4);
      unsigned replica;
      HOST_OK(pjh_buffer_to_host(out[2 * i + 1], &replica, sizeof replica));
      assert_int_equal(backwards[replica], device);
    }
    for (size_t i = 0; i < 4; i++)
      pjh_buffer_destroy(out[i]);
  }
  HOST_FAILS(pjh_execute(executable, in, 2, out, 2), INVALID_ARGUMENT, "2 on each of 2 devices");
  HOST_FAILS(pjh_execute(executable, in, 1, out, 4), INVALID_ARGUMENT, "1 arguments for 2 devices");
  pjh_buffer_destroy(in[0]);
  pjh_buffer_destroy(in[1]);
  pjh_executable_destroy(executable);
}

static void arrays_move_between_devices(void **state) {
  (void)state;
  PjhBuffer *here = host_floats(host_client, 0, counts, 4), *there;
  HOST_OK(pjh_buffer_copy_to_device(here, 1, &there));
  size_t device, size;
  HOST_OK(pjh_buffer_device(there, &device));
  assert_int_equal(device, 1);
  HOST_OK(pjh_buffer_device_size(there, &size));
  assert_true(size >= 16);
  host_expect_floats(there, counts, 4);
  pjh_buffer_destroy(there);
  HOST_FAILS(pjh_buffer_copy_to_device(here, 2, &there), INVALID_ARGUMENT, "2 devices");
  bool deleted;
  HOST_OK(pjh_buffer_is_deleted(here, &deleted));
  assert_false(deleted);
  HOST_OK(pjh_buffer_delete(here));
  HOST_OK(pjh_buffer_is_deleted(here, &deleted));
  assert_true(deleted);
  pjh_buffer_destroy(here);
}

// --- Donation ------------------------------------------------------------------------------------

static const char donates[] =
    "func.func @main(%x: tensor<4xf32> {tf.aliasing_output = 0 : i32} loc(\"x\"), %y: "
    "tensor<4xf32> loc(\"y\")) -> (tensor<4xf32> {jax.result_info = \"sum\"}, tensor<4xf32> "
    "{jax.result_info = \"product\"}) {\n"
    "  %s = stablehlo.add %x, %y : tensor<4xf32>\n"
    "  %p = stablehlo.multiply %x, %y : tensor<4xf32>\n"
    "  return %s, %p : tensor<4xf32>, tensor<4xf32>\n}\n";

static void arguments_are_given_or_kept(void **state) {
  (void)state;
  const size_t first = 0, beyond = 2;
  const struct {
    PjhExecuteOptions options;
    bool donated;
  } cases[] = {{{0}, true},
               {{.keep_arguments = true}, false},
               {{.keep = &first, .num_keep = 1, .launch_id = 3, .call_location = "x.c:1"}, false}};
  PjhExecutable *executable = host_compile(host_client, donates, NULL);
  PjhBuffer *out[2];
  for (size_t i = 0; i < 3; i++) {
    PjhBuffer *in[] = {host_floats(host_client, 0, counts, 4),
                       host_floats(host_client, 0, twos, 4)};
    HOST_OK(pjh_execute_start(executable, &cases[i].options, in, 2, out, 2, NULL));
    bool deleted;
    HOST_OK(pjh_buffer_is_deleted(in[0], &deleted));
    assert_int_equal(deleted, cases[i].donated);
    HOST_OK(pjh_buffer_is_deleted(in[1], &deleted));
    assert_false(deleted);
    host_expect_floats(out[0], (const float[]){3, 4, 5, 6}, 4);
    host_expect_floats(out[1], (const float[]){2, 4, 6, 8}, 4);
    if (!cases[i].donated)
      host_expect_floats(in[0], counts, 4);
    for (size_t k = 0; k < 2; k++) {
      pjh_buffer_destroy(in[k]);
      pjh_buffer_destroy(out[k]);
    }
  }
  PjhBuffer *in[] = {host_floats(host_client, 0, counts, 4), host_floats(host_client, 0, twos, 4)};
  const PjhExecuteOptions wrong = {.keep = &beyond, .num_keep = 1};
  HOST_FAILS(pjh_execute_start(executable, &wrong, in, 2, out, 2, NULL), INVALID_ARGUMENT,
             "out of range");
  pjh_buffer_destroy(in[0]);
  pjh_buffer_destroy(in[1]);
  pjh_executable_destroy(executable);
}

// --- Uploads -------------------------------------------------------------------------------------

static void memory_is_released_once(void **state) {
  (void)state;
  PjhExecutable *executable = host_compile(host_client, host_add_one, NULL);
  const int64_t four = 4;
  for (int how = PJH_UPLOAD_COPY; how <= PJH_UPLOAD_GIVE; how++) {
    _Alignas(64) float data[4];
    memcpy(data, counts, sizeof data);
    PjhBuffer *x, *y;
    Ended ended = ENDED;
    HOST_OK(pjh_buffer_upload(host_client, 0, data, PJRT_Buffer_Type_F32, &four, 1, NULL,
                              (PjhUpload)how, note_release, &ended, &x));
    if (how == PJH_UPLOAD_COPY) {
      assert_int_equal(ended.times, 1);
      memset(data, 0, sizeof data);
    }
    HOST_OK(pjh_execute(executable, &x, 1, &y, 1));
    host_expect_floats(y, (const float[]){2, 3, 4, 5}, 4);
    pjh_buffer_destroy(y);
    pjh_buffer_destroy(x);
    wait_end(&ended);
    HOST_OK(pjh_buffer_upload(host_client, 1, data, PJRT_Buffer_Type_F32, &four, 1, NULL,
                              (PjhUpload)how, NULL, NULL, &x));
    HOST_OK(pjh_buffer_await(x));
    pjh_buffer_destroy(x);
    // A refused upload releases nothing.
    Ended never = ENDED;
    HOST_FAILS(pjh_buffer_upload(host_client, 0, data, PJRT_Buffer_Type_INVALID, &four, 1, NULL,
                                 (PjhUpload)how, note_release, &never, &x),
               INVALID_ARGUMENT, "");
    assert_int_equal(never.times, 0);
  }
  pjh_executable_destroy(executable);
}

static void arrays_of_any_rank_come_back(void **state) {
  (void)state;
  int64_t dims[20], strides[20];
  for (int i = 0; i < 20; i++) {
    dims[i] = i < 18 ? 1 : 2;
    strides[i] = i == 18 ? 4 : 8; // the last two dimensions transposed
  }
  PjhBuffer *x;
  HOST_OK(
      pjh_buffer_from_host(host_client, 0, counts, PJRT_Buffer_Type_F32, dims, 20, strides, &x));
  host_expect_floats(x, (const float[]){1, 3, 2, 4}, 4);
  pjh_buffer_destroy(x);
  HOST_OK(pjh_buffer_from_host(host_client, 0, counts, PJRT_Buffer_Type_F32, NULL, 0, NULL, &x));
  host_expect_floats(x, counts, 1);
  float room[2];
  HOST_FAILS(pjh_buffer_to_host(x, room, sizeof room), INVALID_ARGUMENT, "room for 8 bytes");
  pjh_buffer_destroy(x);
  const int64_t none = 0;
  HOST_OK(pjh_buffer_from_host(host_client, 0, NULL, PJRT_Buffer_Type_F32, &none, 1, NULL, &x));
  HOST_OK(pjh_buffer_to_host(x, NULL, 0));
  pjh_buffer_destroy(x);
}

// --- Names ---------------------------------------------------------------------------------------

static void programs_run_by_name(void **state) {
  (void)state;
  PjhSignature *signature;
  HOST_OK(pjh_signature_read(donates, strlen(donates), &signature));
  assert_int_equal(pjh_signature_num_parameters(signature), 2);
  assert_int_equal(pjh_signature_num_results(signature), 2);
  const PjhSlot *x = pjh_signature_parameter(signature, 0);
  assert_string_equal(x->name, "x");
  assert_true(x->donated && x->type == PJRT_Buffer_Type_F32 && x->rank == 1 && x->dims[0] == 4);
  assert_false(pjh_signature_parameter(signature, 1)->donated);
  assert_null(pjh_signature_parameter(signature, 2));
  assert_null(pjh_signature_result(signature, 2));
  assert_int_equal(pjh_signature_find_parameter(signature, "y"), 1);
  assert_int_equal(pjh_signature_find_result(signature, "product"), 1);
  assert_true(pjh_signature_find_result(signature, "x") == SIZE_MAX);

  PjhExecutable *executable = host_compile(host_client, donates, NULL);
  PjhNamed in[] = {{"y", host_floats(host_client, 0, twos, 4)},
                   {"x", host_floats(host_client, 0, counts, 4)}},
           out[] = {{"product", NULL}, {"product", NULL}};
  HOST_FAILS(pjh_execute_named(executable, signature, in, 1, out, 1), INVALID_ARGUMENT, "\"x\"");
  HOST_FAILS(pjh_execute_named(executable, signature, in, 2, out, 2), INVALID_ARGUMENT, "twice");
  const PjhNamed wrong[] = {{"z", in[0].buffer}}, doubled[] = {in[0], in[0]};
  HOST_FAILS(pjh_execute_named(executable, signature, wrong, 1, out, 1), NOT_FOUND, "\"z\"");
  HOST_FAILS(pjh_execute_named(executable, signature, doubled, 2, out, 1), INVALID_ARGUMENT,
             "two inputs");
  HOST_OK(pjh_execute_named(executable, signature, in, 2, out, 1));
  host_expect_floats(out[0].buffer, (const float[]){2, 4, 6, 8}, 4);
  pjh_buffer_destroy(out[0].buffer);
  pjh_buffer_destroy(in[0].buffer);
  pjh_buffer_destroy(in[1].buffer);
  pjh_executable_destroy(executable);
  pjh_signature_free(signature);
  HOST_FAILS(pjh_signature_read("no program", 10, &signature), INVALID_ARGUMENT, "");
  assert_null(signature);
}

static void text_names_its_parameters(void **state) {
  (void)state;
  static const char text[] =
      "// func.func @main(%no: tensor<f32>)\n"
      "func.func private @other(%no: tensor<f32>) -> tensor<f32> {\n"
      "  return %no : tensor<f32>\n}\n"
      "func.func public @main (%x.1: tensor<f32> {a.b = \"(, %no \\\" \", a.c = [1, 2]}, // %no\n"
      "  %arg1: tensor<2xf32> {a.d = (i32, i32) -> i32},\n"
      "  %_y: tensor<f32> loc(\"named\")) -> tensor<f32> {\n"
      "  return %_y : tensor<f32>\n}\n";
  PjhSignature *signature;
  HOST_OK(pjh_signature_read(text, strlen(text), &signature));
  assert_int_equal(pjh_signature_num_parameters(signature), 3);
  assert_string_equal(pjh_signature_parameter(signature, 0)->name, "x.1");
  assert_string_equal(pjh_signature_parameter(signature, 1)->name, "arg1");
  assert_string_equal(pjh_signature_parameter(signature, 2)->name, "named");
  assert_string_equal(pjh_signature_result(signature, 0)->name, "");
  pjh_signature_free(signature);
  HOST_OK(pjh_signature_read(host_add_one, strlen(host_add_one), &signature));
  assert_int_equal(pjh_signature_find_parameter(signature, "x"), 0);
  pjh_signature_free(signature);
}

// --- Threads -------------------------------------------------------------------------------------

enum { THREADS = 4, ROUNDS = 200 };

typedef struct Worker {
  PjhExecutable *executable;
  PjhBuffer *shared;
  size_t number;
  bool right;
} Worker;

// Everything at once: shared executable, shared argument, own compilations, own errors.
static void *work(void *context) {
  Worker *worker = context;
  bool right = true;
  for (int round = 0; round < ROUNDS && right; round++) {
    const int64_t four = 4;
    const float first = (float)(worker->number * 1000 + (size_t)round);
    const float in[] = {first, 1, 2, 3};
    float out[4] = {0}, other[4] = {0};
    PjhBuffer *x = NULL, *y = NULL, *z = NULL;
    PjhEvent *done = NULL;
    right = !pjh_buffer_from_host(host_client, 0, in, PJRT_Buffer_Type_F32, &four, 1, NULL, &x) &&
            !pjh_execute(worker->executable, &x, 1, &y, 1) &&
            !pjh_execute_start(worker->executable, NULL, &worker->shared, 1, &z, 1, &done) &&
            !pjh_event_await(done) && !pjh_buffer_to_host(y, out, sizeof out) &&
            !pjh_buffer_to_host(z, other, sizeof other) && out[0] == first + 1 && out[3] == 4 &&
            other[3] == 5;
    PjhBuffer *none;
    PjhError *error =
        pjh_buffer_from_host(host_client, 7, in, PJRT_Buffer_Type_F32, &four, 1, NULL, &none);
    right = right && error && strstr(pjh_error_message(error), "device 7");
    pjh_error_free(error);
    if (round % 50 == 0) {
      PjhExecutable *own = NULL;
      right = right && !pjh_compile(host_client, host_add_one, strlen(host_add_one), NULL, &own);
      pjh_executable_destroy(own);
    }
    pjh_event_destroy(done);
    pjh_buffer_destroy(x);
    pjh_buffer_destroy(y);
    pjh_buffer_destroy(z);
  }
  worker->right = right;
  return NULL;
}

static void threads_share_everything(void **state) {
  (void)state;
  PjhExecutable *executable = host_compile(host_client, host_add_one, NULL);
  PjhBuffer *shared = host_floats(host_client, 0, counts, 4);
  pthread_t threads[THREADS];
  Worker workers[THREADS];
  for (size_t i = 0; i < THREADS; i++) {
    workers[i] = (Worker){executable, shared, i, false};
    assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
  }
  for (size_t i = 0; i < THREADS; i++) {
    pthread_join(threads[i], NULL);
    assert_true(workers[i].right);
  }
  pjh_buffer_destroy(shared);
  pjh_executable_destroy(executable);
}

// --- Memory --------------------------------------------------------------------------------------

// One of everything; the first failure ends it, and nothing stays behind (the sanitizers tell).
static PjhError *do_everything(void) {
  const int64_t four = 4;
  const PjhExecuteOptions keep = {.keep_arguments = true};
  PjhNamed named_in[2] = {{"x", NULL}, {"y", NULL}}, named_out[1] = {{"sum", NULL}};
  PJRT_NamedValue option = pjh_option_int("cpu_device_count", 2);
  PjhPlugin *plugin = NULL;
  PjhClient *client = NULL;
  PjhTopology *topology = NULL;
  PjhExecutable *executable = NULL, *ahead = NULL, *again = NULL;
  PjhBuffer *x = NULL, *y = NULL, *out[2] = {NULL}, *moved = NULL;
  PjhEvent *done = NULL, *copied = NULL;
  PjhSignature *signature = NULL;
  PjhValues *values = NULL;
  PjhFoundList *found = NULL;
  void *data = NULL;
  size_t size;
  float room[4];
  Ended ended = ENDED, released = ENDED;
  PjhError *e = pjh_plugin_load(CPU_PLUGIN, &plugin);
  if (!e)
    e = pjh_plugins_find(&(PjhFindOptions){.path = PJ_BINARY_DIR}, &found);
  if (!e)
    e = pjh_client_create(plugin, &option, 1, &client);
  if (!e)
    e = pjh_plugin_attributes(plugin, &values);
  if (!e)
    e = pjh_topology_create(plugin, "cpu", NULL, 0, &topology);
  if (!e)
    e = pjh_compile_ahead(topology, donates, strlen(donates), NULL, &ahead);
  if (!e)
    e = pjh_executable_load(client, ahead, NULL, &again);
  if (!e)
    e = pjh_topology_serialize(topology, &data, &size);
  if (!e)
    e = pjh_compile(client, donates, strlen(donates), NULL, &executable);
  if (!e)
    e = pjh_signature_read(donates, strlen(donates), &signature);
  if (!e)
    e = pjh_buffer_upload(client, 0, counts, PJRT_Buffer_Type_F32, &four, 1, NULL, PJH_UPLOAD_LATER,
                          note_release, &released, &x);
  if (!e)
    e = pjh_buffer_from_host(client, 0, twos, PJRT_Buffer_Type_F32, &four, 1, NULL, &y);
  if (!e)
    e = pjh_buffer_copy_to_device(x, 1, &moved);
  if (!e)
    e = pjh_execute_start(executable, &keep, (PjhBuffer *[]){x, y}, 2, out, 2, &done);
  if (!e)
    e = pjh_event_await(done);
  if (!e)
    e = pjh_event_then(done, note_end, &ended);
  if (!e)
    e = pjh_buffer_to_host_start(out[0], room, sizeof room, &copied);
  if (!e)
    e = pjh_event_await(copied);
  named_in[0].buffer = x;
  named_in[1].buffer = y;
  if (!e)
    e = pjh_execute_named(again, signature, named_in, 2, named_out, 1);
  pjh_free(data);
  pjh_values_free(values);
  pjh_found_free(found);
  pjh_signature_free(signature);
  pjh_event_destroy(copied);
  pjh_event_destroy(done);
  pjh_buffer_destroy(named_out[0].buffer);
  pjh_buffer_destroy(out[0]);
  pjh_buffer_destroy(out[1]);
  pjh_buffer_destroy(moved);
  pjh_buffer_destroy(y);
  if (x) {
    pjh_buffer_destroy(x);
    wait_end(&released); // it lies on this stack
  }
  pjh_executable_destroy(again);
  pjh_executable_destroy(ahead);
  pjh_executable_destroy(executable);
  pjh_topology_destroy(topology);
  pjh_client_destroy(client);
  pjh_plugin_destroy(plugin);
  return e;
}

static void every_allocation_may_fail(void **state) {
  (void)state;
  HOST_OK(do_everything());
  // The plugin has an allocator of its own, so only the host library's allocations fail.
  for (int64_t n = 0;; n++) {
    pj_alloc_fail_after(n);
    PjhError *error = do_everything();
    pj_alloc_fail_after(-1);
    PJRT_Error_Code code = pjh_error_code(error);
    pjh_error_free(error);
    if (code == PJRT_Error_Code_OK)
      break;
    assert_int_equal(code, PJRT_Error_Code_RESOURCE_EXHAUSTED);
    assert_true(n < 10000);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(runs_are_started_and_end),
      cmocka_unit_test(a_failed_run_leaves_no_outputs),
      cmocka_unit_test(a_failed_array_tells_everybody),
      cmocka_unit_test(replicas_run_together),
      cmocka_unit_test(arrays_move_between_devices),
      cmocka_unit_test(arguments_are_given_or_kept),
      cmocka_unit_test(memory_is_released_once),
      cmocka_unit_test(arrays_of_any_rank_come_back),
      cmocka_unit_test(programs_run_by_name),
      cmocka_unit_test(text_names_its_parameters),
      cmocka_unit_test(threads_share_everything),
      cmocka_unit_test(every_allocation_may_fail),
  };
  return cmocka_run_group_tests(tests, host_setup, host_teardown);
}
