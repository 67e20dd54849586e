"""Sets a bare machine up: makes `.venv`, installs the requirements, finds the browser and a free port.

It runs before anything is installed, so it imports only the standard library, and of that only what is
quick: every start of every command passes here. JURYROOM_NO_SETUP=1 switches the installing off.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NoReturn

if TYPE_CHECKING:
    import subprocess

try:
    import fcntl
except ImportError:  # Windows: two first starts at once are not kept apart there
    fcntl = None  # type: ignore[assignment]

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
LOG = VENV / "setup.log"
UV = "uv==0.13.8"
FAILED = 3  # the exit code for "this machine could not be set up"
ENTERED = "JURYROOM_ENTERED"

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
BROWSER_PACKAGES = ("chromium", "fonts-noto-cjk")

BROWSER_MISSING = (
    "Chromium is not here, so the browser tests are skipped: install it "
    "(Debian: apt install chromium fonts-noto-cjk; macOS: brew install --cask google-chrome)."
)

# What the last lines of an installer mean, most certain first: (any of these words, what to do).
REASONS: tuple[tuple[tuple[str, ...], str], ...] = (
    (("No space left on device", "os error 28"), "the disk is full: free about 1 GB"),
    (("Read-only file system", "Permission denied"), "this folder cannot be written to: clone to one of your own"),
    (
        ("UnknownIssuer", "CERTIFICATE_VERIFY_FAILED", "certificate verify failed"),
        "the package index's certificate is not trusted here: install ca-certificates or set SSL_CERT_FILE",
    ),
    (
        (
            "Failed to establish a new connection",
            "error sending request",
            "Temporary failure in name resolution",
            "Network is unreachable",
            "Read timed out",
            "ConnectTimeoutError",
            "NameResolutionError",
            "ProxyError",
            "dns error",
        ),
        "no package index could be reached: check the network, or name a mirror in PIP_INDEX_URL",
    ),
    (
        ("No matching distribution found", "No solution found"),
        f"a pinned package is not offered for Python {sys.version_info[0]}.{sys.version_info[1]} on this machine: "
        "try another Python, 3.11 to 3.13",
    ),
)


class Refusal(Exception):
    """Set-up cannot go on; the text says what to do, in one line."""


def ensure(argv: Sequence[str]) -> None:
    """Return inside an environment that has what the command in `argv` needs.

    Outside `.venv` it is made if need be and this process is replaced by `manage.py` within it; inside,
    what is missing is installed. Where that cannot work it prints one line and exits with FAILED.
    A later start reads one small file per requirement set, and starts no other process.
    """
    if os.environ.get("JURYROOM_NO_SETUP") == "1":
        return
    try:
        if not _inside():
            _enter(argv)
        wanted, extras = needs(argv)
        _install_missing(wanted)
        _install_missing(extras, options=("--no-deps",))
    except Refusal as refusal:
        _stop(str(refusal))
    except OSError as error:
        _stop(_cannot_write(error))
    except KeyboardInterrupt:
        _say("\nStopped. The next start goes on from here.\n")
        sys.exit(130)


def needs(argv: Sequence[str]) -> tuple[list[Path], list[Path]]:
    """Return the requirement files of the command in `argv`: those with dependencies, and those without."""
    command = argv[1] if len(argv) > 1 else ""
    wanted = [ROOT / "requirements.txt"]
    if command == "test":
        wanted.append(ROOT / "requirements-dev.txt")
    real = command == "demo" and "--real" in argv
    return wanted, [ROOT / "requirements-local.txt"] if real else []


def run_tests(arguments: Sequence[str]) -> int:
    """Run pytest with these arguments and return its exit code; browser tests skip where there is no Chromium."""
    import subprocess

    if chromium() is None:
        _install_browser()
    if chromium() is None:
        _say(BROWSER_MISSING + "\n")
    try:
        return subprocess.call([sys.executable, "-m", "pytest", *arguments], cwd=ROOT)
    except KeyboardInterrupt:  # pytest has had it too, and has said so
        return 130


def chromium() -> str | None:
    """Return the path of a Chromium or Chrome on this machine, or None."""
    mac = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
    return next(filter(None, map(shutil.which, (*BROWSERS, mac))), None)


def port_problem(host: str, port: int) -> str | None:
    """Return why nothing can be served at (host, port), with what to do, in one line; None where it can. 0 is any port."""
    import socket

    if not 0 <= port <= 65535:
        return f"{port} is no port: choose one from 1 to 65535 with --port."
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            if os.name != "nt":  # there the option means "share the port", and nothing would ever be taken
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return f"Port {port} is taken: choose another, say --port {port + 1 if port < 65535 else 8000}."
        if error.errno in (errno.EACCES, errno.EPERM):
            return f"Port {port} is kept for the system: choose one above 1023 with --port."
        return f"This machine cannot serve at {host}: choose another with --host, say 127.0.0.1."
    return None


# The environment


def _inside() -> bool:
    """Whether this interpreter is the one of `.venv`."""
    entered = os.environ.pop(ENTERED, None) == str(VENV)
    inside = os.path.realpath(sys.prefix) == os.path.realpath(VENV)
    if entered and not inside:
        raise Refusal("The environment in .venv is broken: remove that folder and start again.")
    return inside


def _enter(argv: Sequence[str]) -> NoReturn:
    """Replace this process by the same command within `.venv`, made if need be."""
    python = _python()
    if not _whole():
        with _alone():
            if not _whole():
                _make_environment()
    os.environ[ENTERED] = str(VENV)
    command = [str(python), *argv]
    if os.name == "nt":  # execv there leaves the shell waiting for the wrong process
        import subprocess

        sys.exit(subprocess.call(command))
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(python, command)


def _python() -> Path:
    """Return where the interpreter of `.venv` is, or will be."""
    return VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def _whole() -> bool:
    """Whether `.venv` can be entered: its interpreter leads somewhere, and it knows that it is an environment."""
    return _python().exists() and (VENV / "pyvenv.cfg").exists()


def _make_environment() -> None:
    """Make `.venv` with the running interpreter, without pip: uv does not need it, and `_pip` brings it."""
    lacking = [name for name in ("venv", "ensurepip") if find_spec(name) is None]
    if lacking:
        release = f"{sys.version_info[0]}.{sys.version_info[1]}"
        raise Refusal(
            f"This Python has no {lacking[0]} module: install it (Debian, Ubuntu: apt install python{release}-venv) "
            "and start again."
        )
    shutil.rmtree(_python().parent, ignore_errors=True)  # of an interrupted start, or of a Python since removed
    done, output = _stage("Making .venv", [sys.executable, "-m", "venv", "--without-pip", str(VENV)])
    if not done:
        raise Refusal(f"Making .venv did not work: {reason(output)}.")


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Hold the lock that keeps two first starts apart; the system drops it when this process ends, however."""
    VENV.mkdir(exist_ok=True)
    with (VENV / "setup.lock").open("w") as lock:
        if fcntl:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                _say("Another start is setting this folder up; waiting for it …\n")
                fcntl.flock(lock, fcntl.LOCK_EX)
        yield


# The packages


def _install_missing(files: Sequence[Path], *, options: Sequence[str] = ()) -> None:
    """Install those of the requirement files that are not installed as they now stand."""
    if all(_installed(file) for file in files):
        return
    with _alone():
        missing = [file for file in files if not _installed(file)]
        for file in missing:
            _stamp(file).unlink(missing_ok=True)
        if missing:
            _install(missing, options)
        for file in missing:
            _stamp(file).write_text(_fingerprint(file))


def _install(files: Sequence[Path], options: Sequence[str]) -> None:
    """Install the files with uv where it can be had, else or after its failure with pip."""
    packages = sum(map(_pinned, files))
    sources = [part for file in files for part in ("-r", str(file))]
    uv = _uv()
    if uv:
        command = [uv, "pip", "install", "--python", sys.executable, *options, *sources]
        if _stage(f"Installing {packages} packages with uv", command, env=_uv_environment())[0]:
            return
    done, output = _pip("install", "--no-compile", *options, *sources, title=f"Installing {packages} packages with pip")
    if not done:
        raise Refusal(f"Installing did not work: {reason(output)} (log: {LOG.relative_to(ROOT)}).")


def _uv() -> str | None:
    """Return a uv to install with: one on the machine, else one of our own; None where it cannot be had."""
    own = str(_python().with_name("uv.exe" if os.name == "nt" else "uv"))
    found = shutil.which("uv") or shutil.which(own)
    if found:
        return found
    fetched, _ = _pip("install", "--retries", "1", UV, title="Fetching uv")
    return shutil.which(own) if fetched else None


def _uv_environment() -> dict[str, str]:
    """Return this environment with the machine's own certificates and pip's index made known to uv."""
    known = {"UV_SYSTEM_CERTS": "1", "UV_NATIVE_TLS": "1"}  # the second is what it was called before
    if "PIP_INDEX_URL" in os.environ:
        known["UV_DEFAULT_INDEX"] = os.environ["PIP_INDEX_URL"]
    return known | os.environ


def _pip(*arguments: str, title: str) -> tuple[bool, str]:
    """Run the pip of `.venv`, put there first if it is not; return whether it worked, and what it printed."""
    if find_spec("pip") is None:
        done, output = _stage("Preparing pip", [sys.executable, "-m", "ensurepip"])
        if not done:
            return False, output
    quiet = ("--disable-pip-version-check", "--no-input", "--progress-bar", "off")
    return _stage(title, [sys.executable, "-m", "pip", arguments[0], *quiet, *arguments[1:]])


def _pinned(file: Path) -> int:
    """Return how many packages a requirement file pins."""
    return sum(line[:1] not in ("", "#", "-") for line in map(str.strip, file.read_text().splitlines()))


def _stamp(file: Path) -> Path:
    """Return the file that says, by a fingerprint, which state of a requirement file is installed."""
    return VENV / f"{file.name}.installed"


def _installed(file: Path) -> bool:
    wanted, stamp = _fingerprint(file), _stamp(file)
    return stamp.exists() and stamp.read_text() == wanted


def _fingerprint(file: Path) -> str:
    """Return a hash of a requirement file and of the Python it is installed for."""
    if not file.exists():
        raise Refusal(f"{file.name} is missing: this is not a whole copy of Juryroom; clone it again.")
    return hashlib.sha256(file.read_bytes() + repr(sys.version_info[:2]).encode()).hexdigest()


# The browser


def _install_browser() -> None:
    """Install Chromium from Debian's packages where this process may; elsewhere do nothing."""
    may = hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get")
    if not may or os.environ.get("JURYROOM_NO_SETUP") == "1":
        return
    install = ["apt-get", "install", "-y", "--no-install-recommends", *BROWSER_PACKAGES]
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    if not _stage("Installing Chromium for the browser tests", install, env=env)[0]:
        _stage("Reading the package lists", ["apt-get", "update"], env=env)
        _stage("Installing Chromium for the browser tests", install, env=env)


# What is seen of it


def _stage(title: str, command: Sequence[str], *, env: dict[str, str] | None = None) -> tuple[bool, str]:
    """Run a command with one line of progress; return whether it succeeded, and what it printed (kept in LOG too)."""
    import subprocess

    VENV.mkdir(exist_ok=True)
    with LOG.open("a+b") as log:
        log.write(f"\n== {title}\n".encode())
        log.flush()
        start = log.tell()
        _say(f"{title} … ")
        began = time.monotonic()
        try:
            with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env) as process:
                _watch(process, title, began)
            done = process.returncode == 0
        except OSError as error:  # a program that is there and cannot be started, say half-written
            log.write(f"{error}\n".encode())
            done = False
        _say(f"{'done in' if done else 'did not work, after'} {time.monotonic() - began:.0f} s\n")
        return done, _since(log, start)


def _watch(process: subprocess.Popen[bytes], title: str, began: float) -> None:
    """Wait for a process, and end it where the waiting is interrupted; on a terminal the seconds tick."""
    import subprocess

    try:
        while process.poll() is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=1)
            if sys.stderr.isatty():
                _say(f"\r{title} … {time.monotonic() - began:.0f} s ")
    except BaseException:
        process.terminate()
        raise
    if sys.stderr.isatty():
        _say(f"\r{title} … ")


def _since(log: BinaryIO, start: int) -> str:
    log.seek(start)
    return log.read().decode(errors="replace")


def reason(output: str) -> str:
    """Return what an installer's output means, and what to do about it."""
    if shutil.disk_usage(ROOT).free < 1 << 20:  # then the log, too, ends before the error
        return REASONS[0][1]
    return next((text for words, text in REASONS if any(word in output for word in words)), "the log says why")


def _cannot_write(error: OSError) -> str:
    """Return what to do about an error of the file system."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "Set-up did not work: the disk is full: free about 1 GB and start again."
    place = error.filename or VENV
    return (
        f"Set-up cannot write to {place} ({error.strerror}): clone to a folder of your own, or install "
        "requirements.txt yourself and set JURYROOM_NO_SETUP=1."
    )


def _stop(line: str) -> NoReturn:
    _say(line + "\n")
    sys.exit(FAILED)


def _say(text: str) -> None:
    """Print progress where it does not mix with a command's own output."""
    sys.stderr.write(text)
    sys.stderr.flush()
