// Threads for the processes of a grid; interpreter.run_parallel and sdy.manual_computation on top
// of them.
#include "eval/parallel.h"

#include <pthread.h>

#include "base/alloc.h"
#include "eval/tile.h"
#include "ir/manual.h"

// ----------------------------------------------------------------------------------------------
// threads
static void *run_process(void *context) {
  PjProcess *p = context;
  p->status = pj__run_isolated(p->program, p->plan, p->region, &p->options, p->num_inputs,
                               p->inputs, NULL, p->num_outputs, p->outputs);
  return NULL;
}

PjStatus pj__run_processes(uint32_t count, PjProcess *processes) {
  pthread_t *threads = pj_calloc(count, sizeof *threads);
  if (!threads)
    return pj_status_oom();
  pthread_attr_t attr;
  pthread_attr_init(&attr);
  pthread_attr_setstacksize(&attr, (size_t)8 << 20); // nested regions recurse
  uint32_t started = 0;
  PjStatus status = PJ_STATUS_OK;
  for (; started < count; ++started)
    if (pthread_create(&threads[started], &attr, run_process, &processes[started]) != 0) {
      status = PJ_ERROR(RESOURCE_EXHAUSTED, "cannot start thread %u of %u", started + 1, count);
      for (uint32_t i = started; i < count; ++i)
        for (uint32_t o = 0; o < processes[i].num_outputs; ++o)
          processes[i].outputs[o] = NULL;
      pj_grid_abort(processes[started].options.grid, status);
      break;
    }
  for (uint32_t i = 0; i < started; ++i)
    pthread_join(threads[i], NULL);
  pthread_attr_destroy(&attr);
  pj_free(threads);
  for (uint32_t i = 0; i < started; ++i) {
    if (!status)
      status = processes[i].status;
    else
      pj_status_free(processes[i].status);
  }
  for (uint32_t i = 0; status && i < started; ++i)
    for (uint32_t o = 0; o < processes[i].num_outputs; ++o) {
      pj_tensor_release(processes[i].outputs[o]);
      processes[i].outputs[o] = NULL;
    }
  return status;
}

// ----------------------------------------------------------------------------------------------
// run_parallel programs = [[@f00, @f01], [@f10, @f11]]: rows are replicas, columns partitions;
// operands and results are those of the functions in order.
typedef struct Programs {
  uint32_t replicas, partitions, num_infeed;
  PjProcess *processes;
  const PjFuncPlan **infeed;
} Programs;

static PjStatus find_func(PjEval *ev, const PjOp *op, const PjAttr *symbol,
                          const PjFuncPlan **out) {
  *out = symbol->kind == PJ_ATTR_SYMBOL ? pj__program_find(ev->program, symbol->str) : NULL;
  return *out ? PJ_STATUS_OK
              : PJ_OP_ERROR(op, INVALID_ARGUMENT, "no function @%.*s", PJ_STR_ARG(symbol->str));
}

static PjStatus read_programs(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out,
                              Programs *programs) {
  const PjAttr *rows = PJ_ATTR(op, programs), *infeed = PJ_ATTR(op, infeed);
  programs->replicas = rows->count;
  programs->partitions =
      rows->count && rows->elems[0]->kind == PJ_ATTR_ARRAY ? rows->elems[0]->count : 0;
  if (!programs->partitions)
    return PJ_OP_ERROR(op, INVALID_ARGUMENT, "no programs to run");
  programs->processes =
      PJ_NEW_ARRAY(ev->arena, PjProcess, (size_t)programs->replicas * programs->partitions);
  uint32_t next_in = 0, next_out = 0;
  for (uint32_t r = 0; r < programs->replicas; ++r) {
    if (rows->elems[r]->kind != PJ_ATTR_ARRAY || rows->elems[r]->count != programs->partitions)
      return PJ_OP_ERROR(op, INVALID_ARGUMENT,
                         "replica %u has another number of partitions than replica 0", r);
    for (uint32_t p = 0; p < programs->partitions; ++p) {
      PjProcess *process = &programs->processes[r * programs->partitions + p];
      PJ_TRY(find_func(ev, op, rows->elems[r]->elems[p], &process->plan));
      const PjType *type = PJ_ATTR(process->plan->func, function_type)->type;
      process->region = &process->plan->func->regions[0];
      process->options = (PjRunOptions){.replica = r,
                                        .partition = p,
                                        .ffi_context = ev->options->ffi_context,
                                        .labels = ev->options->labels};
      process->program = ev->program;
      process->num_inputs = type->num_elems;
      process->num_outputs = type->num_results;
      if (type->num_elems > op->num_operands - next_in ||
          type->num_results > op->num_results - next_out)
        return PJ_OP_ERROR(op, INVALID_ARGUMENT,
                           "the programs take or return more values than the operation has");
      process->inputs = (PjTensor **)in + next_in;
      process->outputs = out + next_out;
      next_in += type->num_elems;
      next_out += type->num_results;
    }
  }
  if (next_in != op->num_operands || next_out != op->num_results)
    return PJ_OP_ERROR(op, INVALID_ARGUMENT,
                       "the programs take %u values and return %u, the operation %u and %u",
                       next_in, next_out, op->num_operands, op->num_results);
  programs->num_infeed = infeed ? infeed->count : 0;
  programs->infeed = PJ_NEW_ARRAY(ev->arena, const PjFuncPlan *, programs->num_infeed);
  for (uint32_t i = 0; i < programs->num_infeed; ++i)
    PJ_TRY(find_func(ev, op, infeed->elems[i], &programs->infeed[i]));
  return PJ_STATUS_OK;
}

PjStatus pj_ev_run_parallel(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out) {
  Programs programs = {0};
  PjGrid *grid;
  PJ_TRY(read_programs(ev, op, in, out, &programs));
  uint32_t count = programs.replicas * programs.partitions;
  PJ_TRY(pj_grid_create(programs.replicas, programs.partitions, NULL, &grid));
  pj__grid_set_infeed(grid, programs.num_infeed, programs.infeed);
  for (uint32_t i = 0; i < count; ++i)
    programs.processes[i].options.grid = grid;
  PjStatus status = pj__run_processes(count, programs.processes);
  pj_grid_destroy(grid);
  for (uint32_t i = 0; i < op->num_results && !status; ++i)
    pj__eval_adopt(ev, out[i]);
  return status;
}

// ----------------------------------------------------------------------------------------------
// manual_computation Outside of a grid the operands are whole: one process per device of the mesh
// runs the body on its parts. Inside of one (a manual computation nested in another) each process
// cuts its own part, runs the body itself and gathers the results.
static PjStatus cut(PjEval *ev, const PjOp *op, const PjTiling *tiling, int64_t position,
                    PjTensor *whole, PjTensor **out) {
  int64_t dims[PJ_MAX_RANK];
  if (!tiling) {
    *out = pj_eval_keep(ev, whole);
    return PJ_STATUS_OK;
  }
  if (!pj_tile_dims(tiling, whole->dims, dims))
    return PJ_OP_ERROR(op, INVALID_ARGUMENT, "an operand does not divide evenly among the devices");
  *out = pj_eval_new(ev, whole->dtype, whole->rank, dims);
  pj_tile_extract(tiling, position, whole, *out);
  return PJ_STATUS_OK;
}

// Puts the parts[position][i] of every device together to out[i].
static PjStatus assemble(PjEval *ev, const PjOp *op, const PjManual *manual,
                         PjTensor *const *const *parts, PjTensor **out) {
  for (uint32_t i = 0; i < op->num_results; ++i) {
    if (!manual->out[i]) {
      out[i] = pj__eval_adopt(ev, pj_tensor_token());
      continue;
    }
    out[i] = pj_eval_result(ev, op, i);
    int64_t dims[PJ_MAX_RANK];
    if (!pj_tile_dims(manual->out[i], out[i]->dims, dims) ||
        (out[i]->rank && memcmp(dims, parts[0][i]->dims, (size_t)out[i]->rank * sizeof *dims) != 0))
      return PJ_OP_ERROR(op, INVALID_ARGUMENT,
                         "result %u of the body does not fit the sharding of the result", i);
    // Where devices hold the same part and differ after all, the first one's counts.
    pj_tile_begin(manual->out[i], out[i]);
    for (int64_t p = manual->mesh->num_devices; p-- > 0;)
      pj_tile_insert(manual->out[i], p, parts[p][i], out[i]);
  }
  return PJ_STATUS_OK;
}

// Parts that the body does not take are refused before they are cut for every device.
static PjStatus check_parts(const PjOp *op, const PjManual *manual) {
  for (uint32_t i = 0; i < op->num_operands; ++i) {
    const PjType *whole = op->operands[i]->type, *part = op->regions[0].args[i].type;
    int64_t dims[PJ_MAX_RANK];
    if (!manual->in[i] || !pj_type_is_static(whole) || !pj_type_is_static(part))
      continue;
    if (!pj_tile_dims(manual->in[i], whole->dims, dims))
      return PJ_OP_ERROR(op, INVALID_ARGUMENT,
                         "an operand does not divide evenly among the devices");
    if (part->rank != whole->rank ||
        (part->rank && memcmp(dims, part->dims, (size_t)part->rank * sizeof *dims) != 0))
      return PJ_OP_ERROR(op, INVALID_ARGUMENT,
                         "argument %u of the body has not the shape that the sharding of the "
                         "operand gives it",
                         i);
  }
  return PJ_STATUS_OK;
}

static PjStatus run_on_mesh(PjEval *ev, const PjOp *op, const PjManual *manual, PjTensor *const *in,
                            PjTensor **out) {
  int64_t count = manual->mesh->num_devices;
  PJ_TRY(check_parts(op, manual));
  PjProcess *processes = PJ_NEW_ARRAY(ev->arena, PjProcess, (size_t)count);
  PjTensor ***parts = PJ_NEW_ARRAY(ev->arena, PjTensor **, (size_t)count);
  for (int64_t p = 0; p < count; ++p) {
    int64_t device = pj_mesh_device(manual->mesh, p);
    if (device < 0 || device >= count)
      return PJ_OP_ERROR(op, INVALID_ARGUMENT, "device id %lld in a mesh of %lld",
                         (long long)device, (long long)count);
    parts[p] = PJ_NEW_ARRAY(ev->arena, PjTensor *, op->num_results);
    processes[p] = (PjProcess){.plan = ev->frame->plan,
                               .region = &op->regions[0],
                               .options = *ev->options,
                               .num_inputs = op->num_operands,
                               .num_outputs = op->num_results,
                               .inputs = PJ_NEW_ARRAY(ev->arena, PjTensor *, op->num_operands),
                               .outputs = parts[p],
                               .program = ev->program};
    processes[p].options.replica = 0;
    processes[p].options.partition = (uint32_t)device;
    for (uint32_t i = 0; i < op->num_operands; ++i)
      PJ_TRY(cut(ev, op, manual->in[i], p, in[i], &processes[p].inputs[i]));
  }
  PjGrid *grid;
  PJ_TRY(pj_grid_create(1, (uint32_t)count, NULL, &grid));
  for (int64_t p = 0; p < count; ++p)
    processes[p].options.grid = grid;
  PjStatus status = pj__run_processes((uint32_t)count, processes);
  pj_grid_destroy(grid);
  if (status)
    return status;
  for (int64_t p = 0; p < count; ++p) {
    for (uint32_t i = 0; i < op->num_operands; ++i)
      pj_eval_drop(ev, processes[p].inputs[i]);
    for (uint32_t i = 0; i < op->num_results; ++i)
      pj__eval_adopt(ev, parts[p][i]);
  }
  PJ_TRY(assemble(ev, op, manual, (PjTensor *const *const *)parts, out));
  for (int64_t p = 0; p < count; ++p)
    for (uint32_t i = 0; i < op->num_results; ++i)
      pj_eval_drop(ev, parts[p][i]);
  return PJ_STATUS_OK;
}

// All devices meet in mesh order with their parts; each takes the whole of what differs along the
// manual axes. Devices that differ in other axes hold other values, so each assembles from the
// parts of its own slice.
static PjStatus gather_nested(PjEval *ev, const PjOp *op, const PjGroup *group,
                              PjTensor *const *const *in, PjTensor ***out) {
  PjManual manual;
  PJ_TRY(pj_manual_read(ev->arena, ev->program->module, op, &manual));
  const PjAttr *axes = pj_attr_get(PJ_ATTR(op, manual_axes), "axes");
  for (uint32_t m = 0; m < group->size; ++m) {
    for (uint32_t i = 0; i < op->num_results; ++i) {
      if (!manual.out[i]) {
        out[m][i] = pj__eval_adopt(ev, pj_tensor_token());
        continue;
      }
      out[m][i] = pj_eval_result(ev, op, i);
      if (manual.out[i]->terms > 1)
        return PJ_OP_ERROR(op, UNIMPLEMENTED, "unreduced results of a nested manual computation");
      for (uint32_t p = 0; p < group->size; ++p) {
        bool same_slice = true; // equal coordinates on every axis that is not manual here
        for (uint32_t a = 0; a < manual.mesh->num_axes; ++a) {
          bool is_manual = false;
          for (uint32_t k = 0; k < axes->count; ++k)
            is_manual |= pj_str_eq(axes->elems[k]->str, manual.mesh->names[a]);
          if (is_manual)
            continue;
          int64_t stride = 1;
          for (uint32_t k = a + 1; k < manual.mesh->num_axes; ++k)
            stride *= manual.mesh->sizes[k];
          same_slice &= p / stride % manual.mesh->sizes[a] == m / stride % manual.mesh->sizes[a];
        }
        if (same_slice)
          pj_tile_insert(manual.out[i], p, in[p][i], out[m][i]);
      }
    }
  }
  return PJ_STATUS_OK;
}

static PjStatus run_nested(PjEval *ev, const PjOp *op, const PjManual *manual, PjTensor *const *in,
                           PjTensor **out) {
  int64_t count = manual->mesh->num_devices, position = -1;
  uint32_t *ids = PJ_NEW_ARRAY(ev->arena, uint32_t, (size_t)count);
  for (int64_t p = 0; p < count; ++p) {
    // Of this process's own replica.
    int64_t device = pj_mesh_device(manual->mesh, p);
    ids[p] = ev->options->replica * pj__grid_partitions(ev->options) + (uint32_t)device;
    if (device == ev->options->partition)
      position = p;
  }
  if (position < 0 || count != pj__grid_partitions(ev->options))
    return PJ_OP_ERROR(op, INVALID_ARGUMENT,
                       "the mesh does not hold the devices of the computation around it");
  PjTensor **args = PJ_NEW_ARRAY(ev->arena, PjTensor *, op->num_operands);
  PjTensor **parts = PJ_NEW_ARRAY(ev->arena, PjTensor *, op->num_results);
  for (uint32_t i = 0; i < op->num_operands; ++i)
    PJ_TRY(cut(ev, op, manual->in[i], position, in[i], &args[i]));
  PJ_TRY(pj__eval_region_move(ev, &op->regions[0], args, parts, op->num_results));
  for (uint32_t i = 0; i < op->num_results; ++i) {
    int64_t dims[PJ_MAX_RANK];
    const PjTiling *tiling = manual->out[i];
    if (tiling &&
        (!pj_tile_dims(tiling, op->results[i].type->dims, dims) ||
         (tiling->rank && memcmp(dims, parts[i]->dims, (size_t)tiling->rank * sizeof *dims) != 0)))
      return PJ_OP_ERROR(op, INVALID_ARGUMENT,
                         "result %u of the body does not fit the sharding of the result", i);
  }
  PjGroup group = {(uint32_t)count, (uint32_t)position, ids};
  PJ_TRY(pj__grid_meet(ev, op, 0, &group, parts, out, gather_nested));
  for (uint32_t i = 0; i < op->num_results; ++i)
    pj_eval_drop(ev, parts[i]);
  return PJ_STATUS_OK;
}

PjStatus pj_ev_sdy_manual(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out) {
  PjManual manual;
  PJ_TRY(pj_manual_read(ev->arena, ev->program->module, op, &manual));
  if (pj_manual_is_whole(&manual))
    return pj_eval_region(ev, &op->regions[0], in, out, op->num_results);
  return (ev->options->grid ? run_nested : run_on_mesh)(ev, op, &manual, in, out);
}
