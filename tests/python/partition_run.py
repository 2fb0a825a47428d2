"""Runs the programs of partition_programs.py, for test_partition.py: `python partition_run.py FIRST COUNT FILE` writes what each of them
gives to FILE, an npz: under NAME/I the result as one array, and under NAME/I/D the part of device D."""

import sys

import jax
import numpy as np
import partition_programs


def values(shapes, seed):
    """Small numbers: sums of a few are exact."""
    r = np.random.RandomState(seed)

    def make(x):
        if x.dtype == np.bool_:
            return np.asarray(r.rand(*x.shape) < 0.5)
        if np.issubdtype(x.dtype, np.integer):
            return np.asarray(r.randint(0, 8, x.shape), x.dtype)
        return np.asarray(r.randint(-4, 5, x.shape) / 8, x.dtype)
    return jax.tree.map(make, shapes)


def run(f, args, options):
    compiled = jax.jit(f, keep_unused=True, **options).lower(*args).compile()
    leaves, tree = jax.tree.flatten(values(tuple(args), 7))
    inputs = [jax.device_put(x, s) for x, s in zip(leaves, jax.tree.leaves(compiled.input_shardings[0]))]
    return jax.tree.leaves(compiled(*jax.tree.unflatten(tree, inputs)))


def main(first, count, file):
    found = {}
    for name, program in partition_programs.chosen(first, count).items():
        print(name, flush=True)
        for i, array in enumerate(run(*program)):
            found[f"{name}/{i}"] = np.asarray(array)
            for shard in array.addressable_shards:
                found[f"{name}/{i}/{shard.device.id}"] = np.asarray(shard.data)
    np.savez(file, **found)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
