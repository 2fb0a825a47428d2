// See eval_group.h. A waiting device does not leave while another one uses its arrays.
#include "runtime/eval_group.h"

#include "base/alloc.h"

PjStatus pj_eval_group_create(uint32_t num_replicas, uint32_t num_partitions, const int *device_ids,
                              PjDeviceGroup **out) {
  *out = NULL;
  PjDeviceGroup *group =
      pj_calloc(1, sizeof *group + 2 * (size_t)num_partitions * sizeof *group->inputs);
  if (!group)
    return pj_status_oom();
  PjStatus status = pj_grid_create(num_replicas, num_partitions, device_ids, &group->grid);
  if (status) {
    pj_free(group);
    return status;
  }
  pthread_mutex_init(&group->lock, NULL);
  pthread_cond_init(&group->changed, NULL);
  group->num_partitions = num_partitions;
  group->inputs = (PjArray *const **)(group + 1);
  group->outputs = group->inputs + num_partitions;
  *out = group;
  return PJ_STATUS_OK;
}

static void finish_locked(PjDeviceGroup *group, PjStatus status) {
  group->failure = status;
  group->done = true;
  pthread_cond_broadcast(&group->changed);
}

void pj_eval_group_abort(PjDeviceGroup *group, PjStatus why) {
  pj_grid_abort(group->grid, why);
  pthread_mutex_lock(&group->lock);
  if (!group->done && !group->computing)
    finish_locked(group, pj_status_clone(why));
  pthread_mutex_unlock(&group->lock);
}

void pj_eval_group_destroy(PjDeviceGroup *group) {
  if (!group)
    return;
  pj_grid_destroy(group->grid);
  pj_status_free(group->failure);
  pthread_mutex_destroy(&group->lock);
  pthread_cond_destroy(&group->changed);
  pj_free(group);
}

PjStatus pj_eval_group_join(PjDeviceGroup *group, uint32_t partition, PjArray *const *inputs,
                            PjArray *const *outputs, PjJointRun *run, void *context) {
  pthread_mutex_lock(&group->lock);
  group->inputs[partition] = inputs;
  group->outputs[partition] = outputs;
  if (++group->arrived == group->num_partitions && !group->done) {
    group->computing = true;
    pthread_mutex_unlock(&group->lock);
    PjStatus status = run(context, group->inputs, group->outputs);
    pthread_mutex_lock(&group->lock);
    group->computing = false;
    finish_locked(group, status);
  }
  while (!group->done)
    pthread_cond_wait(&group->changed, &group->lock);
  PjStatus status = pj_status_clone(group->failure);
  pthread_mutex_unlock(&group->lock);
  return status;
}
