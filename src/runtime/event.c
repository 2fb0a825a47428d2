// See event.h. The state is atomic so that asking a ready event costs no lock; the lock guards the
// list of waiters.
#include "runtime/event.h"

#include "base/alloc.h"
#include "base/block.h"

enum { PENDING, READY, FAILED };

struct PjEvent {
  _Atomic int refs; // negative: static, never freed
  _Atomic int state;
  PjStatus status; // owned; written before |state|, then immutable
  PjEventWaiter *waiters;
  pthread_mutex_t lock;
  pthread_cond_t ready;
};

static PjEvent ok_event = {.refs = -1, .state = READY};

static PjEvent *event_new(int state, PjStatus status) {
  PjEvent *event = pj_block_calloc(sizeof *event);
  if (!event)
    return NULL;
  atomic_init(&event->refs, 1);
  atomic_init(&event->state, state);
  event->status = status;
  pthread_mutex_init(&event->lock, NULL);
  pthread_cond_init(&event->ready, NULL);
  return event;
}

PjEvent *pj_event_create(void) {
  return event_new(PENDING, NULL);
}

PjEvent *pj_event_ok(void) {
  return &ok_event;
}

PjEvent *pj_event_failed(PjStatus status) {
  static PjEvent oom_event = {.refs = -1, .state = FAILED};
  PjEvent *event = event_new(FAILED, status);
  if (event)
    return event;
  pj_status_free(status);
  // Written once or more with the same value, and read only after this call.
  __atomic_store_n(&oom_event.status, pj_status_oom(), __ATOMIC_RELAXED);
  return &oom_event;
}

PjEvent *pj_event_retain(PjEvent *event) {
  if (atomic_load_explicit(&event->refs, memory_order_relaxed) >= 0)
    atomic_fetch_add_explicit(&event->refs, 1, memory_order_relaxed);
  return event;
}

void pj_event_release(PjEvent *event) {
  if (!event || atomic_load_explicit(&event->refs, memory_order_relaxed) < 0)
    return;
  if (atomic_fetch_sub_explicit(&event->refs, 1, memory_order_acq_rel) != 1)
    return;
  pj_status_free(event->status);
  pthread_cond_destroy(&event->ready);
  pthread_mutex_destroy(&event->lock);
  pj_block_free(event, sizeof *event);
}

bool pj_event_set(PjEvent *event, PjStatus status) {
  // A callback may release the last reference of whoever called.
  pj_event_retain(event);
  pthread_mutex_lock(&event->lock);
  bool first = atomic_load_explicit(&event->state, memory_order_relaxed) == PENDING;
  PjEventWaiter *waiters = NULL;
  if (first) {
    event->status = status;
    waiters = event->waiters;
    event->waiters = NULL;
    atomic_store_explicit(&event->state, status ? FAILED : READY, memory_order_release);
    pthread_cond_broadcast(&event->ready);
  }
  pthread_mutex_unlock(&event->lock);
  if (!first)
    pj_status_free(status);

  // The list was built by pushing at the front; call in the order of asking.
  PjEventWaiter *ordered = NULL;
  for (PjEventWaiter *waiter = waiters, *next; waiter; waiter = next) {
    next = waiter->next;
    waiter->next = ordered;
    ordered = waiter;
  }
  for (PjEventWaiter *waiter = ordered, *next; waiter; waiter = next) {
    next = waiter->next; // the waiter may be gone after its call
    waiter->fn(waiter->arg, event->status);
  }
  pj_event_release(event);
  return first;
}

bool pj_event_is_ready(const PjEvent *event) {
  return atomic_load_explicit(&event->state, memory_order_acquire) != PENDING;
}

bool pj_event_has_failed(const PjEvent *event) {
  return atomic_load_explicit(&event->state, memory_order_acquire) == FAILED;
}

PjStatus pj_event_status(const PjEvent *event) {
  return pj_event_has_failed(event) ? pj_status_clone(event->status) : PJ_STATUS_OK;
}

PjStatus pj_event_await(PjEvent *event) {
  if (!pj_event_is_ready(event)) {
    pthread_mutex_lock(&event->lock);
    while (!pj_event_is_ready(event))
      pthread_cond_wait(&event->ready, &event->lock);
    pthread_mutex_unlock(&event->lock);
  }
  return pj_event_status(event);
}

void pj_event_when(PjEvent *event, PjEventWaiter *waiter, PjEventFn *fn, void *arg) {
  waiter->fn = fn;
  waiter->arg = arg;
  if (!pj_event_is_ready(event)) {
    pthread_mutex_lock(&event->lock);
    bool pending = !pj_event_is_ready(event);
    if (pending) {
      waiter->next = event->waiters;
      event->waiters = waiter;
    }
    pthread_mutex_unlock(&event->lock);
    if (pending)
      return;
  }
  fn(arg, event->status);
}

typedef struct HeapWaiter {
  PjEventWaiter waiter;
  PjEventFn *fn;
  void *arg;
} HeapWaiter;

static void call_and_free(void *arg, PjStatus status) {
  HeapWaiter heap = *(HeapWaiter *)arg;
  pj_free(arg);
  heap.fn(heap.arg, status);
}

PjStatus pj_event_on_ready(PjEvent *event, PjEventFn *fn, void *arg) {
  if (pj_event_is_ready(event)) {
    fn(arg, event->status);
    return PJ_STATUS_OK;
  }
  HeapWaiter *heap = pj_malloc(sizeof *heap);
  if (!heap)
    return pj_status_oom();
  heap->fn = fn;
  heap->arg = arg;
  pj_event_when(event, &heap->waiter, call_and_free, heap);
  return PJ_STATUS_OK;
}
