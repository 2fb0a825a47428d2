"""How the core operators of ATen are covered: `python -m libpjrt.torch.coverage` writes doc/torch-ops.md anew, with
`--check` it only says whether that file is current.

An operator is covered directly if the table has an entry, by decomposition if PyTorch takes it apart into operators that
are covered, and as a number if it gives no tensor but a size, which is known when a graph is lowered."""

import argparse
import pathlib
import sys

import torch

from libpjrt.torch import backend, table

DOCUMENT = pathlib.Path(__file__).resolve().parents[3] / "doc" / "torch-ops.md"

# Operators that no compiled program can have, and why.
NEVER = {
    "aten._local_scalar_dense.default": "a number of the program that Python goes on with: Dynamo ends the graph before it",
    "aten.nonzero.default": "the shape of the result depends on values",
}
SIZES = {"aten.sym_size.int", "aten.sym_stride.int", "aten.sym_numel.default", "aten.sym_storage_offset.default"}


def core_operators():
    """All overloads that PyTorch tags as core, sorted by name."""
    found = []
    for name in torch._C._dispatch_get_all_op_names():
        if name.startswith("aten::"):
            packet, _, overload = name.removeprefix("aten::").partition(".")
            operator = getattr(getattr(torch.ops.aten, packet), overload or "default")
            if torch.Tag.core in operator.tags:
                found.append(operator)
    return sorted(found, key=str)


def coverage(operator):
    """(how, note): how is "direct", "decomposition", "size" or "no"."""
    name = str(operator)
    if operator in table.table():
        return "direct", table.table()[operator].__module__.rsplit(".", 1)[-1]
    if name in SIZES:
        return "size", "an int when the graph is lowered"
    if operator in backend.decompositions():
        return "decomposition", ""
    if any(r.alias_info is not None and r.alias_info.is_write for r in operator._schema.arguments):
        return "decomposition", "functionalised: graphs never hold it"
    return "no", NEVER.get(name, "runs eagerly, between compiled parts")


def document():
    rows = [(str(op), *coverage(op)) for op in core_operators()]
    count = {how: sum(r[1] == how for r in rows) for how in ("direct", "decomposition", "size", "no")}
    covered = len(rows) - count["no"]
    major = ".".join(torch.__version__.split(".")[:2])
    lines = [
        "# ATen operators that compile", "",
        "Made by `python -m libpjrt.torch.coverage`; `make check-torch` says whether it is current.", "",
        f"Of the {len(rows)} core operators of PyTorch {major}, {covered} are covered ({100 * covered / len(rows):.1f} %): {count['direct']} by "
        f"an entry of the table (the module of python/libpjrt/torch/ops is named), {count['decomposition']} by decomposition, {count['size']} "
        f"as sizes. The table has {len(table.table())} entries in all; what else there is, PyTorch's decompositions take apart, or it runs "
        "eagerly between compiled parts, with a warning that names it.", "",
        "| operator | covered | |", "|---|---|---|"]
    lines += [f"| {name} | {how} | {note} |" for name, how, note in rows]
    modules = {}
    for operator, function in table.table().items():
        modules.setdefault(function.__module__.rsplit(".", 1)[-1], []).append(str(operator))
    lines += ["", "## All entries of the table", ""]
    for module in sorted(modules):
        lines.append(f"- **{module}**: {', '.join(n.removeprefix('aten.') for n in sorted(modules[module]))}")
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="only say whether the file is current")
    arguments = parser.parse_args()
    text = document()
    if not arguments.check:
        DOCUMENT.write_text(text)
    elif DOCUMENT.read_text() != text:
        print(f"{DOCUMENT} is not current: python -m libpjrt.torch.coverage")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
