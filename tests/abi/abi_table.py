#!/usr/bin/env python3
"""Compares our ABI headers with upstream's, field by field.

  abi_table.py compare UPSTREAM_PJRT_C_API_H   prints every difference, and exits 1 if there is one
  abi_table.py expected UPSTREAM_PJRT_C_API_H  prints the table tests/abi/abi_expected.h

Both header sets are parsed for their structs, fields and enum constants (what only one side has is a difference), then a C
program that prints offset, size and kind of each is compiled twice, against ours and against upstream's, and the outputs
are compared. The upstream header must lie in its own tree (.../include/xla/pjrt/c/pjrt_c_api.h) with the
extension headers beside it; tools/fetch-upstream-header gets one.
"""

import os
import re
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

# Ours and upstream's, in pairs.
HEADERS = [
    ("pjrt/pjrt_c_api.h", "xla/pjrt/c/pjrt_c_api.h"),
    ("pjrt/ext/layouts.h", "xla/pjrt/c/pjrt_c_api_layouts_extension.h"),
    ("pjrt/ext/shardings.h", "xla/pjrt/c/pjrt_c_api_shardings_extension.h"),
    ("pjrt/ext/ffi.h", "xla/pjrt/c/pjrt_c_api_ffi_extension.h"),
    ("pjrt/ext/memory_descriptions.h", "xla/pjrt/c/pjrt_c_api_memory_descriptions_extension.h"),
    ("pjrt/ext/profiler.h", "xla/pjrt/c/pjrt_c_api_profiler_extension.h"),
    ("pjrt/ext/profiler_api.h", "xla/backends/profiler/plugin/profiler_c_api.h"),
    ("pjrt/ext/stream.h", "xla/pjrt/c/pjrt_c_api_stream_extension.h"),
    ("pjrt/ext/xla_ffi.h", "xla/ffi/api/c_api.h"),
]

# Macros whose values belong to the interface.
MACROS = [
    "PJRT_API_MAJOR",
    "PJRT_API_MINOR",
    "PJRT_API_LAYOUTS_EXTENSION_VERSION",
    "PJRT_API_SHARDINGS_EXTENSION_VERSION",
    "PJRT_API_FFI_EXTENSION_VERSION",
    "PJRT_API_MEMORY_DESCRIPTIONS_EXTENSION_VERSION",
    "PJRT_API_PROFILER_EXTENSION_VERSION",
    "PLUGIN_PROFILER_VERSION",
    "PJRT_API_STREAM_EXTENSION_VERSION",
    "XLA_FFI_API_MAJOR",
    "XLA_FFI_API_MINOR",
]


def matching_brace(text, start):
    depth = 0
    for i in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[i], 0)
        if depth == 0:
            return i
    raise ValueError("unbalanced braces")


def split_members(body):
    members, depth, current = [], 0, ""
    for ch in body:
        depth += {"{": 1, "(": 1, "}": -1, ")": -1}.get(ch, 0)
        if ch == ";" and depth == 0:
            members.append(current.strip())
            current = ""
        else:
            current += ch
    return [m for m in members if m]


def field_names(body):
    names = []
    for member in split_members(body):
        if member.startswith("union"):
            open_brace = member.index("{")
            close = matching_brace(member, open_brace)
            assert not member[close + 1 :].strip(), "named union: " + member
            names += field_names(member[open_brace + 1 : close])
            continue
        macro = re.match(r"(?:_\w+_STRUCT_FIELD|PJRT_SLOT)\(\s*(\w+)\s*\)$", member)
        pointer = re.search(r"\(\*\s*(\w+)\)\s*\(", member)
        if macro:
            names.append(macro.group(1))
        elif pointer:
            names.append(pointer.group(1))
        else:
            names.append(re.search(r"(\w+)\s*(?:\[\w+\])?$", member).group(1))
    return names


def parse(path):
    """Returns ({struct: (complete type name, [field])}, [enum constant])."""
    text = open(path, encoding="utf-8").read()
    text = re.sub(r"//[^\n]*|/\*.*?\*/", " ", text, flags=re.S)
    text = re.sub(r"\\\n", " ", text)
    text = re.sub(r"^\s*#.*$", "", text, flags=re.M)
    structs, constants = {}, []
    for match in re.finditer(r"\bstruct\s+(\w+)\s*\{", text):
        end = matching_brace(text, match.end() - 1)
        structs[match.group(1)] = field_names(text[match.end() : end])
    for match in re.finditer(r"\benum\b\s*\w*\s*\{", text):
        end = matching_brace(text, match.end() - 1)
        body = text[match.end() : end]
        if "_STRUCT_SIZE" not in body:
            constants += re.findall(r"^\s*(\w+)", body.replace(",", "\n"), flags=re.M)
    sized = set(re.findall(r"_DEFINE_STRUCT_TRAITS\(\s*(\w+)\s*,", text))
    sized |= set(re.findall(r"(\w+)_STRUCT_SIZE\s*=", text))
    return structs, constants, sized


def parse_all(root, side):
    structs, constants, sized = {}, [], set()
    for pair in HEADERS:
        s, c, z = parse(os.path.join(root, pair[side]))
        structs.update(s)
        constants += c
        sized |= z
    return structs, constants, sized


def run_probe(includes, headers, structs, constants, sized):
    lines = ["#include <stdio.h>"] + ['#include "%s"' % h for h in headers]
    lines.append(
        "#define KIND(x) _Generic((x), _Bool: \"bool\", char: \"int\", signed char: \"int\", "
        "unsigned char: \"unsigned\", short: \"int\", unsigned short: \"unsigned\", int: \"int\", "
        "unsigned: \"unsigned\", long: \"int\", unsigned long: \"unsigned\", float: \"float\", "
        "double: \"float\", default: \"other\")"
    )
    lines.append("int main(void) {")
    for name, fields in structs.items():
        lines.append('  printf("struct %s %%zu\\n", sizeof(struct %s));' % (name, name))
        if name in sized:
            lines.append('  printf("size %s %%zu\\n", (size_t)%s_STRUCT_SIZE);' % (name, name))
        for f in fields:
            lines.append(
                '  printf("field %s %s %%zu %%zu %%s\\n", offsetof(struct %s, %s), '
                "sizeof(((struct %s *)0)->%s), KIND(((struct %s *)0)->%s));"
                % (name, f, name, f, name, f, name, f)
            )
    for c in constants + MACROS:
        lines.append('  printf("value %s %%lld\\n", (long long)%s);' % (c, c))
    lines.append("}")
    with tempfile.TemporaryDirectory() as tmp:
        source, program = os.path.join(tmp, "probe.c"), os.path.join(tmp, "probe")
        with open(source, "w", encoding="utf-8") as out:
            out.write("\n".join(lines))
        compiler = os.environ.get("CC", "cc")
        subprocess.run(
            [compiler, "-std=c17", "-w", "-I", includes, source, "-o", program], check=True
        )
        return subprocess.run([program], check=True, capture_output=True, text=True).stdout


def main():
    if len(sys.argv) != 3 or sys.argv[1] not in ("compare", "expected"):
        sys.exit(__doc__)
    upstream_root = os.path.abspath(sys.argv[2])
    for _ in range(4):
        upstream_root = os.path.dirname(upstream_root)
    ours_root = os.path.join(ROOT, "include")

    differences = []
    parsed = [parse_all(ours_root, 0), parse_all(upstream_root, 1)]
    for mine, other, side in ((0, 1, "ours"), (1, 0, "upstream's")):
        for name, fields in parsed[mine][0].items():
            if name not in parsed[other][0]:
                differences.append("struct %s is only %s" % (name, side))
                continue
            for f in fields:
                if f not in parsed[other][0][name]:
                    differences.append("field %s.%s is only %s" % (name, f, side))
        for c in parsed[mine][1]:
            if c not in parsed[other][1]:
                differences.append("constant %s is only %s" % (c, side))
        for z in parsed[mine][2] - parsed[other][2]:
            differences.append("%s_STRUCT_SIZE is only %s" % (z, side))

    # What both have, measured on both sides.
    structs = {
        name: [f for f in fields if f in parsed[1][0][name]]
        for name, fields in parsed[0][0].items()
        if name in parsed[1][0]
    }
    constants = [c for c in parsed[0][1] if c in parsed[1][1]]
    sized = parsed[0][2] & parsed[1][2]
    upstream = run_probe(upstream_root, [h[1] for h in HEADERS], structs, constants, sized)

    if sys.argv[1] == "expected":
        print("// Written by tests/abi/abi_table.py from the upstream headers of API 0.112. Do not edit.")
        print("// SIZE(struct, sizeof), LAST(struct, STRUCT_SIZE), FIELD(struct, field, offset, size),")
        print("// VALUE(constant, value).")
        print("// clang-format off")
        for line in upstream.splitlines():
            words = line.split()
            if words[0] == "struct":
                print("SIZE(%s, %s)" % tuple(words[1:]))
            elif words[0] == "size":
                print("LAST(%s, %s)" % tuple(words[1:]))
            elif words[0] == "field":
                print("FIELD(%s, %s, %s, %s)" % tuple(words[1:5]))
            else:
                print("VALUE(%s, %s)" % tuple(words[1:]))
        return

    ours = run_probe(ours_root, [h[0] for h in HEADERS], structs, constants, sized)
    rows = ours.splitlines()
    for a, b in zip(rows, upstream.splitlines()):
        if a != b:
            differences.append("ours: %s | upstream: %s" % (a, b))
    for d in differences:
        print(d)
    print(
        "%d structs, %d fields, %d constants compared: %d differences"
        % (
            len(structs),
            sum(r.startswith("field") for r in rows),
            sum(r.startswith("value") for r in rows),
            len(differences),
        )
    )
    sys.exit(1 if differences else 0)


if __name__ == "__main__":
    main()
