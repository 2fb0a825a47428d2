// See partitioners.h. No lock is held while a function of the host runs: it may take locks of its
// own (Python's), and register partitioners. What it gives back is copied under a guard, so that it
// gets it back in any case.
#include "partition/partitioners.h"

#include <pthread.h>
#include <string.h>

#include "base/alloc.h"
#include "pjrt/ext/custom_partitioner.h"

typedef JAX_CustomCallPartitioner_Callbacks Callbacks;
typedef JAX_CustomCallPartitioner_string String;
typedef JAX_CustomCallPartitioner_version_and_error Header;

enum { MAX_MESSAGE = 1 << 16 };

// What is registered under a name. Entries live as long as the process.
typedef struct Entry {
  struct Entry *next;
  struct Partitioner *partitioner; // NULL: none
  bool batches;
  size_t len;
  char name[];
} Entry;

typedef struct Partitioner {
  Callbacks *callbacks;
  uint64_t refs; // the entry's and those of calls
} Partitioner;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static Entry *entries;

static Entry *find(PjStr name) {
  for (Entry *entry = entries; entry; entry = entry->next)
    if (entry->len == name.len && !memcmp(entry->name, name.ptr, name.len))
      return entry;
  return NULL;
}

// The entry of |name|, made from |fresh| (taken, NULL then) where there is none.
static Entry *find_or_add(PjStr name, Entry **fresh) {
  Entry *entry = find(name);
  if (entry)
    return entry;
  entry = *fresh;
  *fresh = NULL;
  memset(entry, 0, sizeof *entry);
  entry->len = name.len;
  memcpy(entry->name, name.ptr, name.len);
  entry->next = entries;
  return entries = entry;
}

static void release(Partitioner *partitioner) {
  pthread_mutex_lock(&lock);
  bool last = partitioner && !--partitioner->refs;
  pthread_mutex_unlock(&lock);
  if (!last)
    return;
  if (partitioner->callbacks->dtor)
    partitioner->callbacks->dtor(partitioner->callbacks);
  pj_free(partitioner);
}

static Partitioner *retain(PjStr name) {
  pthread_mutex_lock(&lock);
  const Entry *entry = find(name);
  Partitioner *partitioner = entry ? entry->partitioner : NULL;
  if (partitioner)
    ++partitioner->refs;
  pthread_mutex_unlock(&lock);
  return partitioner;
}

PjStatus pj_partitioner_register(PjStr name, Callbacks *callbacks) {
  PJ_FAIL_IF(!callbacks->partition, INVALID_ARGUMENT,
             "the partitioner of \"%.*s\" has no function that partitions", PJ_STR_ARG(name));
  Entry *fresh = pj_malloc(sizeof *fresh + name.len);
  Partitioner *partitioner = pj_malloc(sizeof *partitioner), *old;
  if (!fresh || !partitioner) {
    pj_free(fresh);
    pj_free(partitioner);
    return pj_status_oom();
  }
  *partitioner = (Partitioner){callbacks, 1};
  pthread_mutex_lock(&lock);
  Entry *entry = find_or_add(name, &fresh);
  old = entry->partitioner;
  entry->partitioner = partitioner;
  pthread_mutex_unlock(&lock);
  pj_free(fresh);
  release(old);
  return PJ_STATUS_OK;
}

PjStatus pj_partitioner_register_batches(PjStr name) {
  Entry *fresh = pj_malloc(sizeof *fresh + name.len);
  if (!fresh)
    return pj_status_oom();
  pthread_mutex_lock(&lock);
  find_or_add(name, &fresh)->batches = true;
  pthread_mutex_unlock(&lock);
  pj_free(fresh);
  return PJ_STATUS_OK;
}

bool pj_partitioner_any(void) {
  bool any = false;
  pthread_mutex_lock(&lock);
  for (const Entry *entry = entries; entry && !any; entry = entry->next)
    any = entry->partitioner != NULL;
  pthread_mutex_unlock(&lock);
  return any;
}

bool pj_partitioner_knows(PjStr name) {
  pthread_mutex_lock(&lock);
  const Entry *entry = find(name);
  bool known = entry && entry->partitioner;
  pthread_mutex_unlock(&lock);
  return known;
}

bool pj_partitioner_has_batches(PjStr name) {
  pthread_mutex_lock(&lock);
  const Entry *entry = find(name);
  bool known = entry && entry->batches;
  pthread_mutex_unlock(&lock);
  return known;
}

// --- Calls ---------------------------------------------------------------------------------------

static String string_of(PjStr text) {
  return (String){text.ptr ? text.ptr : "", text.len};
}

// A call in the making: its arguments, and what takes the answer.
typedef struct Asking {
  PjArena *arena;
  PjPartitionerCall *call;
  Header *header;
  const String *module, *args, *result; // NULL: not asked for
} Asking;

static PjStatus copy_string(const Asking *a, const String *from, const char *what, PjStr *out) {
  PJ_FAIL_IF(from->size && !from->data, INVALID_ARGUMENT,
             "the partitioner of \"%.*s\" gave %zu bytes at no address as %s",
             PJ_STR_ARG(a->call->name), from->size, what);
  *out = (PjStr){from->size ? pj_arena_memdup(a->arena, from->data, from->size) : "", from->size};
  return PJ_STATUS_OK;
}

static PjStatus copy_answer(void *context) {
  const Asking *a = context;
  PjPartitionerCall *call = a->call;
  if (a->module)
    PJ_TRY(copy_string(a, a->module, "its program", &call->module));
  PJ_FAIL_IF(a->module && call->num_args && !a->args, INVALID_ARGUMENT,
             "the partitioner of \"%.*s\" gave no shardings of arguments", PJ_STR_ARG(call->name));
  for (uint32_t i = 0; a->module && i < call->num_args; ++i)
    PJ_TRY(copy_string(a, &a->args[i], "a sharding", &call->out_args[i]));
  return copy_string(a, a->result, "a sharding", &call->result_sharding);
}

// Takes the answer, and lets the function have it back.
static PjStatus finish(Asking *a, Partitioner *partitioner, bool known) {
  PjStatus status = PJ_STATUS_OK;
  const Header *header = a->header;
  if (header->has_error) {
    PjCode code = (PjCode)header->code;
    bool good = code > PJ_OK && code <= PJ_UNAUTHENTICATED;
    PjStr text = {header->error_msg.data, header->error_msg.data ? header->error_msg.size : 0};
    text.len = text.len < MAX_MESSAGE ? text.len : MAX_MESSAGE;
    status = pj_status_make(good ? code : PJ_INTERNAL, __FILE__, __LINE__,
                            "the partitioner of \"%.*s\": %.*s", PJ_STR_ARG(a->call->name),
                            PJ_STR_ARG(text));
  } else if (known) {
    status = pj_arena_guard(a->arena, copy_answer, a);
  }
  if (header->cleanup_fn)
    header->cleanup_fn(header->data);
  release(partitioner);
  return status;
}

static PjStatus find_partitioner(PjStr name, Partitioner **out) {
  *out = retain(name);
  PJ_FAIL_IF(!*out, NOT_FOUND, "no partitioner of \"%.*s\"", PJ_STR_ARG(name));
  return PJ_STATUS_OK;
}

static JAX_CustomCallPartitioner_aval *avals(PjArena *arena, const PjPartitionerCall *call) {
  JAX_CustomCallPartitioner_aval *out =
      PJ_NEW_ARRAY(arena, JAX_CustomCallPartitioner_aval, call->num_args + 1);
  for (uint32_t i = 0; i < call->num_args; ++i)
    out[i] = (JAX_CustomCallPartitioner_aval){.shape = string_of(call->arg_shapes[i]),
                                              .has_sharding = true,
                                              .sharding = string_of(call->arg_shardings[i])};
  return out;
}

PjStatus pj_partitioner_partition(PjArena *arena, PjPartitionerCall *call) {
  JAX_CustomCallPartitioner_Partition_Args args = {
      .num_args = call->num_args,
      .op_args = avals(arena, call),
      .op_result = {.shape = string_of(call->result_shape),
                    .has_sharding = true,
                    .sharding = string_of(call->result_sharding)},
      .backend_config = string_of(call->backend_config)};
  call->out_args = PJ_NEW_ARRAY(arena, PjStr, call->num_args + 1);
  Partitioner *partitioner;
  PJ_TRY(find_partitioner(call->name, &partitioner));
  partitioner->callbacks->partition(partitioner->callbacks, &args);
  Asking asking = {
      arena, call, &args.header, &args.mlir_module, args.args_sharding, &args.result_sharding};
  return finish(&asking, partitioner, true);
}

PjStatus pj_partitioner_infer(PjArena *arena, PjPartitionerCall *call, bool *out_known) {
  JAX_CustomCallPartitioner_InferShardingFromOperands_Args args = {
      .num_args = call->num_args,
      .op_args = avals(arena, call),
      .result_shape = string_of(call->result_shape),
      .backend_config = string_of(call->backend_config)};
  Partitioner *partitioner;
  *out_known = false;
  PJ_TRY(find_partitioner(call->name, &partitioner));
  if (partitioner->callbacks->infer_sharding)
    partitioner->callbacks->infer_sharding(partitioner->callbacks, &args);
  *out_known = args.has_result_sharding && !args.header.has_error;
  Asking asking = {arena, call, &args.header, NULL, NULL, &args.result_sharding};
  return finish(&asking, partitioner, *out_known);
}

PjStatus pj_partitioner_propagate(PjArena *arena, PjPartitionerCall *call) {
  JAX_CustomCallPartitioner_PropagateUserSharding_Args args = {
      .backend_config = string_of(call->backend_config),
      .result_shape = string_of(call->result_shape),
      .result_sharding = string_of(call->result_sharding)};
  Partitioner *partitioner;
  PJ_TRY(find_partitioner(call->name, &partitioner));
  if (partitioner->callbacks->propagate_user_sharding)
    partitioner->callbacks->propagate_user_sharding(partitioner->callbacks, &args);
  Asking asking = {arena, call, &args.header, NULL, NULL, &args.result_sharding};
  return finish(&asking, partitioner, true);
}
