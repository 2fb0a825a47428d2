"""Makes stand-ins for the CUDA libraries that a CUDA build of PyTorch is linked to. Usage: stub_cuda.py TORCH_LIB OUT

torch_xla 2.9.0 needs torch 2.9.0, whose wheel for Linux on PyPI is the CUDA build: 5 GB of libraries that no program on
a CPU ever enters, but without which libtorch does not load. For each that is not found this writes a shared object of
that name to OUT. Every function in it returns 100, CUDA's "no device is there", so PyTorch finds no GPU and goes on.
For each name that torch's libraries want from it there is one symbol with the version that they ask for.

Needs readelf (binutils) and a C compiler. TORCH_LIB is torch/lib in site-packages; OUT is a folder in the RPATH of its
libraries, such as site-packages/nvidia/cudnn/lib.
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

NO_DEVICE = 100  # cudaErrorNoDevice, CUDA_ERROR_NO_DEVICE
# libcuda.so.1 belongs to the driver, and only what uses a GPU loads what needs it.
NVIDIA = re.compile(r"lib(?!cuda\.)(cu\w+|nv\w+|nccl)\.so(\.\d+)*")
SYMBOL = re.compile(r"\s+\d+:\s+\S+\s+\S+\s+(NOTYPE|FUNC|OBJECT|TLS)\s+(GLOBAL|WEAK)\s+\S+\s+(UND|\d+|ABS)\s+([^@\s]+)(?:@@?(\S+))?")


def read(library: pathlib.Path) -> tuple[set, dict, set]:
    """The libraries that a library needs; names that it wants, by (library, version), ("", "") for none; names it has."""
    out = subprocess.run(["readelf", "-W", "-d", "-V", "--dyn-syms", library], capture_output=True, text=True, check=True).stdout
    needed = set(re.findall(r"\(NEEDED\).*\[(.*)\]", out))
    wanted, defined, owner, file = {}, set(), {}, ""
    for line in out.splitlines():
        match = re.search(r"\bFile: (\S+)|\bName: (\S+) +Flags:", line)
        if match and match[1]:
            file = match[1]
        elif match:
            owner[match[2]] = file
    for line in out.splitlines():
        match = SYMBOL.match(line)
        if not match:
            continue
        _, binding, section, name, version = match.groups()
        if section != "UND":
            defined.add(name)
        elif binding == "GLOBAL":
            wanted.setdefault((owner.get(version, ""), version or ""), set()).add(name)
    return needed, wanted, defined


def make(soname: str, versions: dict, out: pathlib.Path) -> None:
    """Writes OUT/SONAME with the names of `versions`, a dictionary from version ("" for none) to names."""
    code = [".text", f"none: mov ${NO_DEVICE}, %eax", "ret"] if os.uname().machine == "x86_64" else [
        ".text", f"none: mov w0, #{NO_DEVICE}", "ret"]
    script = []
    for version, names in versions.items():
        for name in sorted(names):
            code += [f".globl {name}", f".type {name}, %function", f".set {name}, none"]
        if version:
            script.append(f"{version} {{ global: {'; '.join(sorted(names))}; }};")
    with tempfile.TemporaryDirectory() as temp:
        source, script_file = pathlib.Path(temp) / "stub.s", pathlib.Path(temp) / "stub.map"
        source.write_text("\n".join(code + ['.section .note.GNU-stack,"",%progbits', ""]))
        script_file.write_text("\n".join(script) + "\n")
        command = [os.environ.get("CC", "cc"), "-shared", "-nostdlib", f"-Wl,-soname,{soname}", source, "-o", out / soname]
        subprocess.run(command + ([f"-Wl,--version-script,{script_file}"] if script else []), check=True)


def main() -> int:
    if len(sys.argv) != 3:
        print(__doc__)
        return 2
    folder, out = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    needed, wanted, defined = set(), {}, set()
    for library in sorted(folder.glob("*.so*")):
        its = read(library)
        needed |= its[0]
        defined |= its[2]
        for key, names in its[1].items():
            wanted.setdefault(key, set()).update(names)
    missing = sorted(name for name in needed if NVIDIA.fullmatch(name) and not (folder / name).exists())
    # Names without a version do not say whose they are, and to the loader it is all the same: the first library has
    # them. CUDA's begin alike; what else is wanted, the C and C++ libraries have.
    plain = {name for name in wanted.get(("", ""), set()) - defined if re.match(r"(cu|nv|nccl)[A-Za-z]", name)}
    out.mkdir(parents=True, exist_ok=True)
    for soname in missing:
        versions = {version: names for (file, version), names in wanted.items() if file == soname and version}
        make(soname, {**versions, "": plain} if soname == missing[0] else versions, out)
    print(f"stub_cuda: {len(missing)} libraries in {out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
