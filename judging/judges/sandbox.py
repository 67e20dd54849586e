"""Running a model's Python code where it can do little harm.

Layers, each of them where the system has it: limits on time, memory, file size, open files and processes; a network
namespace; Landlock (files) and seccomp (processes, sockets, signals); and Python's own audit hook. `Ran.in_force` names those
of a run. The audit hook alone is no wall: who knows the interpreter gets past it. Run such code on a machine that
holds nothing else, or leave the kind of judge switched off.

What is not prevented: using the time and the memory that are allowed; filling the disk with many files within the time;
telling that it runs in a sandbox; and, within the check itself, values that claim to be equal to everything, or functions that
replace those of a library while the check calls them; and code that attacks the memory of the interpreter it runs in, which
may then say of itself that it has passed.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from math import ceil
from pathlib import Path

ENABLED_BY = "JURYROOM_RUN_CODE"
HOOK = "audit hook"  # in force wherever the code runs at all
SECONDS, MEGABYTES = 5.0, 256
START_SECONDS = 5.0  # for two starts of an interpreter, and until one that does not answer is ended from outside
OUTPUT = 4_000  # characters kept of what the code prints
FILE_BYTES = 1_000_000  # that one file may grow to
OPEN_FILES = 64
_HERE = Path(__file__).resolve().parent
_LIBRARIES = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/etc/ld.so.cache")
_DEVICES = ("/dev/null", "/dev/urandom", "/dev/zero")


@dataclass(frozen=True, slots=True)
class Ran:
    """What came of a run: whether all was passed, else the reason; what was printed (the start of it); what was in force."""

    passed: bool
    reason: str
    output: str
    in_force: tuple[str, ...]


def code_may_run() -> bool:
    """Whether the one who runs this process has allowed it: JURYROOM_RUN_CODE=1."""
    return os.environ.get(ENABLED_BY) == "1"


def run_code(
    code: str, check: str, *, entry_point: str = "", seconds: float = SECONDS, memory_mb: int = MEGABYTES
) -> Ran:
    """What comes of the code followed by the check, in a process of its own that is gone when this returns.

    With an `entry_point`, the code has to define it, and a function `check` that the check defines is called with
    it. Raises OSError where no process can be started.
    """
    mark = secrets.token_hex(32)
    task = json.dumps({"code": code, "check": check, "entry_point": entry_point, "mark": mark})
    with tempfile.TemporaryDirectory(prefix="code-", ignore_cleanup_errors=True) as outer:
        folder = Path(outer, "run")
        folder.mkdir()
        # Files and not pipes: what is too much for them fails in the child, and nobody here has to read along.
        with Path(outer, "output").open("w+b") as output, Path(outer, "result").open("w+b") as result:
            ended = _run(task.encode("utf-8", "replace"), folder, output.fileno(), result.fileno(), seconds, memory_mb)
            printed = _start_of(output.fileno(), 4 * OUTPUT)[:OUTPUT]
            said = _start_of(result.fileno(), 10_000)
    return _ran(said, mark, printed, ended)


def _run(task: bytes, folder: Path, output: int, result: int, seconds: float, memory_mb: int) -> str:
    """Runs the launcher; returns why it did not end by itself, or an empty text."""
    settings = {
        "runner": (_HERE / "sandbox_runner.py").read_text(encoding="utf-8"),
        "folder": str(folder.resolve()),
        "result": result,
        "seconds": f"{seconds:g}",
        "limits": {
            "CPU": ceil(seconds + START_SECONDS),
            "AS": memory_mb * 1024 * 1024,
            "FSIZE": FILE_BYTES,
            "NOFILE": OPEN_FILES,
            "CORE": 0,
        },
        "readable": [str(Path(os.__file__).parent), *_LIBRARIES, *_DEVICES],
        "runnable": [_interpreter(), *map(str, Path("/lib64").glob("ld-*")), *map(str, Path("/lib").glob("ld-*"))],
    }
    command = [_interpreter(), "-I", "-S", str(_HERE / "sandbox_launcher.py"), json.dumps(settings)]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=output,
        stderr=output,
        cwd=folder,
        env={},
        pass_fds=(result,),
        start_new_session=True,
    ) as process:
        try:
            process.communicate(task, timeout=seconds + START_SECONDS)
        except subprocess.TimeoutExpired:
            return f"it took more than {seconds:g} s"
        finally:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
        return _death(process.returncode, seconds)


def _interpreter() -> str:
    """The interpreter itself, and not the link to it in an environment, whose packages are nobody's business there."""
    return str(Path(getattr(sys, "_base_executable", None) or sys.executable).resolve())


def _death(returncode: int, seconds: float) -> str:
    if returncode == -signal.SIGXCPU:
        return f"it took more than {seconds:g} s"
    if returncode < 0:
        return f"it was ended by signal {signal.Signals(-returncode).name}"
    return ""


def _start_of(file: int, most: int) -> str:
    return os.pread(file, most, 0).decode("utf-8", "replace")


def _ran(said: str, mark: str, printed: str, ended: str) -> Ran:
    """What the result file says; its first line is the launcher's, the rest the mark, a reason, or forged. Raises OSError where the launcher never spoke."""
    if not said and not ended:
        raise OSError(f"the sandbox did not start: {printed.strip()[-200:]}")
    first, _, rest = said.partition("\n")
    try:
        in_force = tuple(str(name) for name in json.loads(first))
    except ValueError:
        return Ran(False, ended or f"the sandbox did not start: {printed.strip()[-200:]}", printed, ())
    in_force += (HOOK,)
    if secrets.compare_digest(rest.encode(), mark.encode()) and not ended:
        return Ran(True, "", printed, in_force)
    return Ran(False, ended or _reason(rest), printed, in_force)


def _reason(rest: str) -> str:
    try:
        reason = json.loads(rest)
    except ValueError:
        return "it ended before the check did"
    return reason[:400] if isinstance(reason, str) and reason else "it ended before the check did"
