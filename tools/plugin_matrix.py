#!/usr/bin/env python3
"""Real plugins of others, without their hardware: what they are, and which programs they compile ahead of time for which machine.

    python tools/plugin_matrix.py [--build build] [--json FILE] [--only NAME]... [--no-install]

Wheels are downloaded once, and only the plugin is taken out of them, into BUILD/plugins (1.8 GB). Intel's also wants oneAPI, which
goes into a Python environment there (1.2 GB). Nothing is installed outside.
Programs are written by JAX. Prints two tables in Markdown: the plugins, and (plugin, topology, program, result, bytes, seconds).
`make check-plugins` runs this and the tests of tests/python/test_plugins.py.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import sysconfig
import tempfile
import zipfile

ROOT = pathlib.Path(__file__).resolve().parents[1]

# An A100 as GpuTargetConfigProto, from NVIDIA's data sheet and the CUDA programming guide's table of compute capability 8.0.
A100 = """gpu_device_info {
  cuda_compute_capability { major: 8 minor: 0 }
  threads_per_block_limit: 1024
  threads_per_warp: 32
  threads_per_core_limit: 2048
  core_count: 108
  fpus_per_core: 64
  registers_per_core_limit: 65536
  registers_per_block_limit: 65536
  shared_memory_per_block: 49152
  shared_memory_per_block_optin: 166912
  shared_memory_per_core: 167936
  block_dim_limit_x: 2147483647
  block_dim_limit_y: 65535
  block_dim_limit_z: 65535
  device_memory_size: 85000000000
  memory_bandwidth: 1935000000000
  l2_cache_size: 41943040
  clock_rate_ghz: 1.41
}
platform_name: "CUDA"
dnn_version_info { major: 9 minor: 8 patch: 0 }
device_description_str: "NVIDIA A100 80GB"
"""

TPUS = {name: ["--topology", name] for name in ("v4:2x2x1", "v5e:2x2", "v5p:2x2x1", "v6e:2x2", "tpu7x:2x2x1")}


class Plugin:
    """|wheel| is what pip is asked for (None: the build's own), |library| a pattern of the plugin's name in it, |machines| the
    arguments of `pjrt compile` for each machine by its name. |wheels| and |debs| are further packages of PyPI and Debian whose
    libraries the plugin is linked with; such a plugin also wants to find Python's in its process."""

    def __init__(self, name, wheel, library, machines, wheels=(), debs=()):
        self.name, self.wheel, self.library, self.machines = name, wheel, library, machines
        self.wheels, self.debs = wheels, debs

    def path(self, build):
        """Where the plugin lies, or None."""
        if not self.wheel:
            return build / self.library
        return next((build / "plugins" / self.name).glob(f"**/{self.library}"), None)

    def install(self, build):
        """Downloads the wheel if need be. Returns None, or the reason why there is no plugin."""
        if self.path(build):
            return None
        folder = build / "plugins" / self.name
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as downloads:
            reason = self.install_libraries(folder, downloads)
            if reason:
                return reason
            result = subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--disable-pip-version-check",
                                     "-d", downloads, self.wheel], capture_output=True, text=True)
            wheel = next(pathlib.Path(downloads).glob("*.whl"), None)
            if not wheel:
                return f"pip download {self.wheel}: {(result.stderr.strip().splitlines() or ['no wheel'])[-1]}"
            (folder / "version").write_text("-".join(wheel.name.split("-")[:2]) + "\n")
            with zipfile.ZipFile(wheel) as archive:
                for member in archive.infolist():
                    if pathlib.PurePath(member.filename).match(self.library) or member.filename.endswith("/sycl_onednn.so"):
                        archive.extract(member, folder)
        return None

    def install_libraries(self, folder, downloads):
        steps = []
        if self.wheels:
            python = folder / "venv/bin/python"
            steps += [[sys.executable, "-m", "venv", folder / "venv"],
                      [python, "-m", "pip", "install", "-q", "--disable-pip-version-check", *self.wheels]]
        if self.debs:
            steps += [["apt-get", "download", "-q", *self.debs], ["sh", "-c", f"for deb in *.deb; do dpkg -x $deb '{folder}/debs'; done"]]
        for step in steps:
            result = subprocess.run(step, capture_output=True, text=True, cwd=downloads)
            if result.returncode:
                return f"{step[0]}: {(result.stderr.strip().splitlines() or ['failed'])[-1]}"
        return None

    def environment(self, build):
        """Plugins that look for a cloud's metadata server would wait for it for minutes, and libtpu wants the machine for itself."""
        result = {**os.environ, "TPU_SKIP_MDS_QUERY": "1", "ALLOW_MULTIPLE_LIBTPU_LOAD": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
        if self.wheels or self.debs:
            folder = build / "plugins" / self.name
            folders = [folder / "venv/lib", *(folder / "debs/usr/lib").glob("*-linux-gnu")]
            result["LD_LIBRARY_PATH"] = ":".join(map(str, folders))
            python = pathlib.Path(sysconfig.get_config_var("LIBDIR")) / (sysconfig.get_config_var("INSTSONAME") or "none")
            if python.exists():
                result["LD_PRELOAD"] = str(python)
        return result

    def version(self, build):
        return (build / "plugins" / self.name / "version").read_text().strip() if self.wheel else "ours"


PLUGINS = [
    Plugin("cpu", None, "pjrt_plugin_cpu.so", {"host": ["--topology", ""]}),
    Plugin("libtpu-0.0.42", "libtpu==0.0.42.*", "libtpu/libtpu.so", TPUS),
    Plugin("libtpu-newest", "libtpu", "libtpu/libtpu.so", TPUS),
    Plugin("cuda13-0.10.2", "jax-cuda13-pjrt==0.10.2", "xla_cuda13/xla_cuda_plugin.so",
           {"A100": ["--topology-option", "target_config=@a100.txt", "--topology-option", "topology=1x1x1"]}),
    Plugin("intel-0.7.0", "intel-extension-for-openxla==0.7.0", "intel_extension_for_openxla/pjrt_plugin_xpu.so", {},
           ["oneccl==2021.16.*", "intel-sycl-rt==2025.2.*", "mkl==2025.2.*",
            *(f"onemkl-sycl-{part}==2025.2.*" for part in "blas lapack sparse dft vm rng stats datafitting".split())], ["libze1"]),
]


def write_programs(folder):
    """Writes the programs as portable artifacts and as HLO, and the target configuration, into |folder|; returns the programs' names."""
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    import jax
    import jax.export
    import jax.numpy as jnp
    from jax import lax

    def mlp(x, w, v):
        return jax.nn.softmax(jnp.tanh(x @ w) @ v)

    def train(x, w, v):
        def loss(parameters):
            return -jnp.mean(jnp.log(mlp(x, *parameters)))
        return jax.tree.map(lambda p, g: p - 0.1 * g, (w, v), jax.grad(loss)((w, v)))

    def attention(q, k, v):
        return jax.nn.softmax(q @ k.T / 8.0 + jnp.where(jnp.tri(q.shape[0]), 0, -1e9)) @ v

    def array(*shape):
        return jax.ShapeDtypeStruct(shape, jnp.float32)

    programs = {
        "add": (lambda x: x + 1, [array(8, 128)]),
        "train": (train, [array(64, 256), array(256, 512), array(512, 10)]),
        "attention": (attention, [array(128, 64)] * 3),
        "conv": (lambda x, k: jax.nn.relu(lax.conv(x, k, (1, 1), "SAME")), [array(4, 8, 32, 32), array(16, 8, 3, 3)]),
        "loop": (lambda x: lax.scan(lambda c, r: (jnp.sin(c) + r, c * r), x[0], x), [array(32, 128)]),
        "sort": (lambda x: (jnp.sort(x), jnp.cumsum(x), x[jnp.argsort(x)[:5]]), [array(1000)]),
    }
    for name, (function, arguments) in programs.items():
        exported = jax.export.export(jax.jit(function))(*arguments)
        (folder / f"{name}.mlirbc").write_bytes(exported.mlir_module_serialized)
        hlo = jax.jit(function).lower(*arguments).compiler_ir("hlo")
        (folder / f"{name}.hlo").write_bytes(hlo.as_serialized_hlo_module_proto())
    (folder / "a100.txt").write_text(A100)
    return list(programs)


def pjrt(plugin, build, *arguments, folder=None, timeout=300):
    """Runs the command with |plugin|; what does not end in time has exit status -1."""
    try:
        result = subprocess.run([build / "pjrt", *map(str, arguments)], capture_output=True, text=True, cwd=folder,
                                env=plugin.environment(build), timeout=timeout, errors="replace")
        return result.returncode, result.stdout, result.stderr
    except subprocess.TimeoutExpired:
        return -1, "", f"no end after {timeout} s"


def message(error):
    """The command's own message of what went wrong: plugins print much of their own."""
    lines = [line for line in error.splitlines() if line.startswith("pjrt ")]
    return (lines or error.strip().splitlines() or ["?"])[-1]


def describe(plugin, build):
    status, out, error = pjrt(plugin, build, "inspect", "--json", plugin.path(build))
    row = {"plugin": plugin.name, "version": plugin.version(build)}
    if status:
        return {**row, "error": message(error)}
    found = json.loads(out)["plugin"]
    client = found["client"]["platform"] if "client" in found else found["unavailable"]["client"]
    return {**row, "api": f"{found['api']['major']}.{found['api']['minor']}", "functions": found["functions"]["filled"],
            "extensions": len(found["extensions"]),
            "client": client.rpartition(str(plugin.path(build)) + ": ")[2].partition(" (")[0]}  # without the hint


def compile_all(plugin, build, folder, programs):
    rows = []
    for machine, arguments in plugin.machines.items():
        for program in programs:
            status, out, error = pjrt(plugin, build, "compile", "--json", "--plugin", plugin.path(build), *arguments, "-o", "out.exe",
                                      f"{program}.mlirbc", folder=folder)
            row = {"plugin": plugin.name, "topology": machine, "program": program, "status": status}
            if status == 0:
                result = json.loads(out)
                row |= {"result": "ok", "bytes": result["bytes"], "seconds": result["seconds"]}
            else:
                row |= {"result": message(error), "bytes": None, "seconds": None}
            rows.append(row)
            print(f"{plugin.name} {machine} {program}: {row['result']}", file=sys.stderr, flush=True)
    return rows


def print_tables(about, rows):
    print("| plugin | wheel | API | functions | extensions | client without the hardware |\n|---|---|---|---|---|---|")
    for row in about:
        values = [row["api"], row["functions"], row["extensions"], row["client"]] if "api" in row else ["", "", "", row["error"]]
        print("|", " | ".join(str(value).replace("|", "\\|") for value in [row["plugin"], row["version"], *values]), "|")
    print("\n| plugin | topology | program | result | bytes | seconds |\n|---|---|---|---|---:|---:|")
    for row in rows:
        size, seconds = ("", "") if row["bytes"] is None else (row["bytes"], f"{row['seconds']:.2f}")
        print(f"| {row['plugin']} | {row['topology']} | {row['program']} | {row['result'][:160]} | {size} | {seconds} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    parser.add_argument("--json", type=pathlib.Path, help="where to write both tables")
    parser.add_argument("--only", action="append", help="a plugin of this table: " + ", ".join(plugin.name for plugin in PLUGINS))
    parser.add_argument("--no-install", action="store_true", help="download nothing: leave out what is not there")
    options = parser.parse_args()
    build = options.build.resolve()
    about, rows = [], []
    with tempfile.TemporaryDirectory() as folder:
        programs = write_programs(pathlib.Path(folder))
        for plugin in PLUGINS:
            if options.only and plugin.name not in options.only:
                continue
            reason = "not installed" if options.no_install and not plugin.path(build) else plugin.install(build)
            if reason:
                print(f"{plugin.name}: skipped: {reason}", file=sys.stderr)
                continue
            about.append(describe(plugin, build))
            rows += compile_all(plugin, build, folder, programs)
    print_tables(about, rows)
    if options.json:
        options.json.write_text(json.dumps({"plugins": about, "matrix": rows}, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
