"""`pjrt check`: the CPU plugin passes, every planted fault is caught by its test, and reports and messages are right."""

import json
import os
import pathlib
import re
import subprocess
import xml.etree.ElementTree as ElementTree

import pytest

from json_schema import validate

SOURCE = pathlib.Path(__file__).resolve().parents[2]
FAULTS = re.findall(r'^(?:TABLE_)?FAULT\((\w+),.*?"([\w.]+)", "', (SOURCE / "cts/broken/faults.def").read_text(), re.M)
QUICK = {"table_hole", "destroy_null_crash", "copy_late", "strides_ignored", "donation_ignored", "leak_event"}
HANGS = {"event_never_ready", "zero_copy_held", "transfer_unfilled", "stream_open"}


@pytest.fixture
def check(build, tmp_path):
    """check(*arguments, fault=None) -> (exit status, stdout, stderr)"""

    def run(*arguments, fault=None, timeout=240):
        environment = {**os.environ, **({"PJRT_BROKEN": fault} if fault else {})}
        result = subprocess.run([build / "pjrt", "check", *map(str, arguments)], cwd=tmp_path, capture_output=True,
                                text=True, timeout=timeout, env=environment)
        return result.returncode, result.stdout, result.stderr

    run.cpu = build / "pjrt_plugin_cpu.so"
    run.broken = build / "pjrt_plugin_broken.so"
    run.folder = tmp_path
    return run


def verdicts(report):
    """Of a report in JSON, which must keep to its schema."""
    schema = json.loads((SOURCE / "cts/report.schema.json").read_text())
    validate(json.loads(report), schema)
    return {test["name"]: test["verdict"] for test in json.loads(report)["tests"]}


@pytest.mark.parametrize("fault,test", [pytest.param(f, t, id=f, marks=[] if f in QUICK else pytest.mark.slow)
                                        for f, t in FAULTS])
def test_fault_is_caught(check, fault, test):
    limit = 8 if fault in HANGS else 60
    status, sound, err = check("--json", "--filter", test, check.cpu)
    assert (status, verdicts(sound)) == (0, {test: "passed"}), sound + err
    status, out, err = check("--json", "--limit", limit, "--filter", test, check.broken, fault=fault)
    verdict = verdicts(out)[test]
    assert status == 1 and verdict in ("failed", "crashed", "hung"), out + err
    assert (verdict == "hung") == (fault in HANGS), out


def test_there_are_enough_faults():
    assert len(FAULTS) >= 100 and len({f for f, _ in FAULTS}) == len(FAULTS)
    assert QUICK | HANGS <= {f for f, _ in FAULTS}


def test_every_operation_has_a_test():
    """Operations as the parser has them; the kit's programs are text."""
    table = (SOURCE / "src/ir/ops.def").read_text()
    operations = set(re.findall(r'^OP\(\w+, +"(stablehlo\.[\w-]+)"', table, re.M))
    kit = "".join(p.read_text() for folder in ("cts/programs", "cts") for p in sorted((SOURCE / folder).glob("*.[ct]*"))
                  if p.is_file())
    assert len(operations) > 110
    assert operations - set(re.findall(r"stablehlo\.[\w-]+", kit)) == set()


# --- What the CPU plugin answers -----------------------------------------------------------------

def test_cpu_plugin_quick(check):
    status, out, err = check("--json", "--filter", "api.*", "--filter", "error.*", "--filter", "op.r*",
                             "--filter", "donation.*", "--filter", "devices.*", check.cpu)
    assert status == 0, out + err
    others = {name for name, verdict in verdicts(out).items() if verdict != "passed"}
    assert not others and len(verdicts(out)) > 40


@pytest.mark.slow
def test_cpu_plugin(check):
    status, out, err = check("--json", "--limit", 150, check.cpu, timeout=1000)
    report = json.loads(out)
    assert status == 0, out + err
    assert report["total"]["tests"] == report["listed"] > 600
    # Not offered are the queues of GPUs; nothing else hides behind that verdict.
    others = {t["name"]: t["verdict"] for t in report["tests"] if t["verdict"] != "passed"}
    streams = {f"extension.{what}.{function}" for what in ("size", "null")
               for function in ("Get_Stream_For_External_Ready_Events", "Wait_Until_Buffer_Ready_On_Stream")}
    assert others == dict.fromkeys(streams, "not offered")
    assert set(report["functions"].values()) == {"called"}, report["functions"]


# --- The report ----------------------------------------------------------------------------------

def test_reports_of_a_failure(check):
    status, out, err = check("--filter", "upload.strides.*", "--junit", "r.xml", "--html", "r.html", check.broken,
                             fault="strides_ignored")
    assert status == 1 and err == ""
    assert "failed upload.strides.column_major: column-major: element 1 is 1, not 3" in out
    assert re.search(r"^upload +8 +\d+ +\d+ +\. +\. +\. +\.$", out, re.M), out
    suite = ElementTree.parse(check.folder / "r.xml").getroot()[0]
    failed = [case for case in suite.iter("testcase") if case.find("failure") is not None]
    assert int(suite.get("tests")) == len(suite.findall("testcase")) == 8
    assert int(suite.get("failures")) == len(failed) > 0
    assert any(case.get("name") == "upload.strides.column_major" for case in failed)
    page = (check.folder / "r.html").read_text()
    assert page.startswith("<!DOCTYPE html>") and page.rstrip().endswith("</html>")
    assert "column-major: element 1 is 1, not 3" in page
    assert not re.search(r'(src|href)="http', page)


@pytest.mark.parametrize("change", [
    lambda r: r.pop("plugin"), lambda r: r.update(more=1), lambda r: r["tests"][0].update(verdict="fine"),
    lambda r: r["total"].update(passed="all"), lambda r: r["api"].update(minor=-1.5), lambda r: r.update(seconds=-1)])
def test_schema_refuses(check, change):
    _, out, _ = check("--json", "--filter", "memory.ids", check.cpu)
    report = json.loads(out)
    change(report)
    with pytest.raises(AssertionError):
        verdicts(json.dumps(report))


def test_json_is_complete(check):
    status, out, _ = check("--json", "--filter", "memory.*", check.cpu)
    report = json.loads(out)
    assert status == 0 and report["api"] == {"major": 0, "minor": 112}
    assert len(report["functions"]) == 138 and report["functions"]["PJRT_Memory_Id"] == "called"
    assert report["tags"]["memory"]["passed"] == report["total"]["passed"] == len(report["tests"])
    assert all(test["promise"] and test["seconds"] >= 0 for test in report["tests"])


def test_crash_is_one_failure(check):
    status, out, _ = check("--json", "--filter", "api.destroy_null.*", check.broken, fault="destroy_null_crash")
    got = verdicts(out)
    assert status == 1 and got.pop("api.destroy_null.core") == "crashed"
    assert got and set(got.values()) == {"passed"}
    assert "Segmentation fault in PJRT_Buffer_Destroy" in out


def test_hang_is_one_failure(check):
    status, out, _ = check("--json", "--limit", "2", "--filter", "transfer.unfilled", "--filter", "transfer.metadata",
                           check.broken, fault="transfer_unfilled")
    assert status == 1
    assert verdicts(out) == {"transfer.unfilled": "hung", "transfer.metadata": "passed"}
    assert "in PJRT_Event_Await" in out


# --- The profile ---------------------------------------------------------------------------------

def test_profile(check):
    profile = check.folder / "p.profile"
    profile.write_text("# a device without strides\nunsupported upload.strides.* rows only, by design\n"
                       "never-run upload.large it takes a day\nunsupported nothing.* typing error\n")
    status, out, err = check("--json", "--profile", profile, "--filter", "upload.strides.*", "--filter", "upload.large",
                             check.broken, fault="strides_ignored")
    tests = {t["name"]: t for t in json.loads(out)["tests"]}
    assert status == 0, out
    assert tests["upload.strides.column_major"]["verdict"] == "unsupported"
    assert tests["upload.strides.column_major"]["declared"] == "rows only, by design"
    assert tests["upload.large"] | {"seconds": 0} == {
        "name": "upload.large", "verdict": "unsupported", "seconds": 0, "declared": "it takes a day",
        "promise": "64 MiB", "message": "not run, as the profile says"}
    assert "the profile's pattern 'nothing.*' matches none of the tests that ran" in err
    # What passes although it is declared is said to.
    assert tests["upload.strides.scalar"]["verdict"] == "passed"
    _, table, _ = check("--profile", profile, "--filter", "upload.strides.*", check.broken, fault="strides_ignored")
    assert "passed, though declared unsupported: upload.strides.scalar: rows only, by design" in table


@pytest.mark.parametrize("line,message", [
    ("unsupported", "a pattern of test names is missing"),
    ("unsupported type.*", "the reason is missing"),
    ("skip type.* because", "a line begins with unsupported, never-run, option or several"),
    ("option cpu_device_count", "expected NAME=VALUE"),
])
def test_bad_profile(check, line, message):
    (check.folder / "p").write_text(f"\n{line}\n")
    status, out, err = check("--profile", "p", check.cpu)
    assert (status, out) == (2, "") and f"p:2: {message}" in err


@pytest.mark.slow
def test_plugin_of_an_older_version(check):
    status, out, err = check("--json", "--filter", "!type.*", "--filter", "!op.*", check.broken, fault="version_75")
    report = json.loads(out)
    got = verdicts(out)
    assert status == 0, [t for t in report["tests"] if t["verdict"] not in ("passed", "not offered")]
    assert report["api"]["minor"] == 75
    messages = {t["name"]: t.get("message") for t in report["tests"]}
    assert messages["event.create.success"] == "PJRT_Event_Create came with 0.89, the plugin is of 0.75"
    assert got["buffer.delete"] == got["execute.add"] == got["topology.serialize"] == "passed"
    assert got["devices.replicas"] == got["event.handles"] == "passed"  # which look at later functions only in passing
    assert report["functions"]["PJRT_Event_Create"] == "not offered"


def test_options_reach_the_client(check):
    (check.folder / "p").write_text("option cpu_device_count=3\nseveral cpu_device_count=4\n")
    status, out, err = check("--json", "--profile", "p", "--filter", "devices.place", check.cpu)
    assert status == 0 and set(verdicts(out).values()) == {"passed"}, out + err
    status, out, err = check("--json", "--option", "cpu_device_count=false", "--filter", "client.lookup", check.cpu)
    assert status == 1 and "cpu_device_count must be an Int64" in out
    status, out, err = check("--json", "--several", "cpu_device_count=nine", "--filter", "devices.place", check.cpu)
    assert status == 1 and "a client with the profile's `several` options" in out


# --- Usage ---------------------------------------------------------------------------------------

def test_list(check):
    status, out, err = check("--list")
    lines = out.splitlines()
    names = [line.split()[0] for line in lines]
    assert (status, err) == (0, "") and len(set(names)) == len(names) > 600
    assert all(len(line.split(None, 1)) == 2 for line in lines)
    assert {test for _, test in FAULTS} <= set(names)
    status, out, _ = check("--list", "--filter", "event.*", "--filter", "!event.on_ready.*")
    assert status == 0 and all(line.startswith("event.") and "on_ready" not in line for line in out.splitlines())


def test_help(check):
    status, out, err = check("--help")
    assert (status, err) == (0, "") and "Exit status" in out
    for option in ("filter", "list", "jobs", "limit", "profile", "option", "several", "json", "junit", "html", "quiet", "one"):
        assert f"--{option}" in out


@pytest.mark.parametrize("arguments,message", [
    ([], "which plugin?"),
    (["--wrong", "x.so"], "unknown option '--wrong'"),
    (["a.so", "b.so"], "one plugin at a time"),
    (["--jobs"], "--jobs needs a value"),
    (["--jobs", "0", "x.so"], "a number from 1 to 256"),
    (["--limit", "soon", "x.so"], "a number from 0.1"),
    (["--option", "novalue", "x.so"], "expected NAME=VALUE"),
    (["--profile", "absent", "x.so"], "absent: No such file"),
    (["--filter", "nothing.*", "x.so"], "no test matches"),
    (["--junit", "no/such/folder.xml", "x.so"], "no/such/folder.xml: No such file"),
])
def test_wrong_usage(check, arguments, message):
    status, out, err = check(*arguments)
    assert (status, out) == (2, "") and message in err, err


def test_no_plugin(check):
    (check.folder / "text.so").write_text("this is no library")
    library = check.cpu.parent / "libpjrt.so"
    for path, message in [("absent.so", "absent.so: No such file or directory"), ("text.so", "not a loadable library"),
                          (library, "it has no function GetPjrtApi"), (check.folder, "not a loadable library")]:
        status, out, err = check(path)
        assert (status, out) == (3, "") and message in err, err
    status, out, err = check(check.broken, fault="no_such_fault")
    assert status == 3 and "returns no table" in err


def test_one_test_in_this_process(check):
    assert check("--one", "client.names", check.cpu)[::2] == (0, "client.names passed\n")
    status, _, err = check("--one", "no.test", check.cpu)
    assert status == 2 and "no test is named 'no.test'" in err
    status, _, err = check("--one", "client.names", check.broken, fault="size_overrun")
    assert status == 1 and "wrote beyond its arguments" in err


def test_the_kit_links_nothing_of_the_library(build):
    """An object of cts/ refers to the C library and to cts/ itself only."""
    archive = build / "lib/libpj_cts.a"
    symbols = subprocess.run(["nm", archive], capture_output=True, text=True, check=True).stdout
    defined = set(re.findall(r"^[0-9a-f]+ [TtDdBbRrVvWw] (\S+)", symbols, re.M))
    wanted = set(re.findall(r"^ +U (\S+)", symbols, re.M)) - defined
    assert not {name for name in wanted if name.startswith(("pj_", "pjh_"))}, wanted
