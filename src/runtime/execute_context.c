// Execute contexts: see execute.h. A short list; programs hold a type or two.
#include "base/alloc.h"
#include "base/block.h"
#include "runtime/execute.h"

typedef struct Entry {
  struct Entry *next;
  int64_t type_id;
  void *data;
  void (*deleter)(void *data);
} Entry;

struct PjExecuteContext {
  _Atomic int refs;
  pthread_mutex_t lock;
  Entry *entries;
};

PjExecuteContext *pj_execute_context_create(void) {
  PjExecuteContext *context = pj_block_calloc(sizeof *context);
  if (!context)
    return NULL;
  atomic_init(&context->refs, 1);
  pthread_mutex_init(&context->lock, NULL);
  return context;
}

PjExecuteContext *pj_execute_context_retain(PjExecuteContext *context) {
  atomic_fetch_add_explicit(&context->refs, 1, memory_order_relaxed);
  return context;
}

void pj_execute_context_release(PjExecuteContext *context) {
  if (!context || atomic_fetch_sub_explicit(&context->refs, 1, memory_order_acq_rel) != 1)
    return;
  for (Entry *entry = context->entries, *next; entry; entry = next) {
    next = entry->next;
    if (entry->deleter)
      entry->deleter(entry->data);
    pj_free(entry);
  }
  pthread_mutex_destroy(&context->lock);
  pj_block_free(context, sizeof *context);
}

static Entry *find(PjExecuteContext *context, int64_t type_id) {
  Entry *entry = context->entries;
  while (entry && entry->type_id != type_id)
    entry = entry->next;
  return entry;
}

PjStatus pj_execute_context_add(PjExecuteContext *context, int64_t type_id, void *data,
                                void (*deleter)(void *data)) {
  Entry *fresh = pj_malloc(sizeof *fresh);
  if (!fresh)
    return pj_status_oom();
  *fresh = (Entry){.type_id = type_id, .data = data, .deleter = deleter};
  pthread_mutex_lock(&context->lock);
  bool taken = find(context, type_id) != NULL;
  if (!taken) {
    fresh->next = context->entries;
    context->entries = fresh;
  }
  pthread_mutex_unlock(&context->lock);
  if (!taken)
    return PJ_STATUS_OK;
  pj_free(fresh);
  return PJ_ERROR(ALREADY_EXISTS, "the execute context holds user data of type id %lld already",
                  (long long)type_id);
}

bool pj_execute_context_find(PjExecuteContext *context, int64_t type_id, void **out_data) {
  *out_data = NULL;
  if (!context)
    return false;
  pthread_mutex_lock(&context->lock);
  Entry *entry = find(context, type_id);
  if (entry)
    *out_data = entry->data;
  pthread_mutex_unlock(&context->lock);
  return entry != NULL;
}
