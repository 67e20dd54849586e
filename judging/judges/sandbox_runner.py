"""The second program of a sandboxed run: runs code that nobody trusts, then checks that were written for it.

It is started by `sandbox_launcher.py` and never imported. Standard input holds `code`, `check`, `entry_point` and
`mark` as JSON. Only when all has passed is the mark written to the file it was given; nothing else counts as a pass, so
that code which leaves early, or says that it has passed, has not. The mark is in the main thread, and the code runs in
another: none of its frames, and no signal handler, leads there; an audit hook keeps it from all other frames and objects.
"""

from __future__ import annotations

import ast
import builtins
import json
import os
import sys
import threading
import types

REFUSED = (
    "os.fork", "os.forkpty", "os.exec", "os.posix_spawn", "os.spawn", "os.startfile", "os.system", "os.kill",
    "os.killpg", "os.link", "os.symlink", "os.chroot", "os.add_dll_directory", "pty.spawn", "subprocess.Popen",
    "socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo", "socket.gethostbyname",
    "socket.gethostbyaddr", "socket.getnameinfo", "socket.getservbyname", "socket.sethostname", "ctypes.", "gc.get_",
    "sys._current", "sys.settrace", "sys.setprofile", "sys.monitoring", "sys.addaudithook", "mmap.__new__",
    "fcntl.", "signal.pthread_kill", "resource.", "syslog.", "webbrowser.", "winreg.", "msvcrt.", "urllib.Request",
)  # fmt: skip
FORBIDDEN_MODULES = frozenset(
    {"ctypes", "_ctypes", "_xxsubinterpreters", "_xxinterpchannels", "_interpreters"}
    | {"_testcapi", "_testinternalcapi", "_testbuffer", "_testmultiphase", "gc", "faulthandler"}
)
CHANGING = frozenset(
    {"os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.truncate", "os.chmod", "os.chown", "os.utime", "os.chdir"}
    | {"os.setxattr", "os.removexattr", "os.lchmod", "os.chflags", "shutil.rmtree", "tempfile.mkstemp"}
)
FRAMES = frozenset({"tb_frame", "gi_frame", "cr_frame", "ag_frame", "f_code"})
DEVICES = frozenset({"/dev/null", "/dev/urandom", "/dev/zero"})
UNIX = 1  # the address family of the pair of sockets that an event loop wakes itself with
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def install_hook(folder: str) -> None:
    """From now on, in this process: no other files, processes, sockets or frames."""
    # Bound here, so that code that replaces what is in a module does not reach the hook.
    real, prefix = os.path.realpath, os.sep
    library = tuple(real(path) + prefix for path in sys.path)
    own, text, decode = real(folder), str, os.fsdecode
    refused, forbidden, changing, frames = REFUSED, FORBIDDEN_MODULES, CHANGING, FRAMES
    devices, writing, unix = DEVICES, WRITING, UNIX

    def inside(path: object, *, reading: bool) -> bool:
        if isinstance(path, int) or path is None:
            return True
        place = real(decode(path))  # type: ignore[arg-type]  # whatever else it is, fsdecode refuses it
        if place == own or place.startswith(own + prefix):
            return True
        return reading and (place in devices or (place + prefix).startswith(library))

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if event == "open":
            path, mode, flags = arguments
            changes = isinstance(flags, int) and bool(flags & writing)
            if not inside(path, reading=not changes or text(path) == "/dev/null"):
                raise PermissionError(f"the sandbox opens no file outside its own folder: {text(path)[:80]}")
        elif event == "object.__getattr__":
            if arguments[1] in frames:
                raise ValueError("the sandbox shows no frames")
        elif event == "sys._getframe" or event == "sys._getframemodulename":
            raise ValueError("the sandbox shows no frames")
        elif event == "import":
            if text(arguments[0]).partition(".")[0] in forbidden:
                raise ImportError(f"the sandbox has no module {arguments[0]}")
        elif event == "socket.__new__":
            if arguments[1] != unix:
                raise PermissionError("the sandbox has no network")
        elif event in changing:
            if not all(inside(path, reading=False) for path in arguments if isinstance(path, text | bytes)):
                raise PermissionError("the sandbox changes nothing outside its own folder")
        elif event in ("os.listdir", "os.scandir"):
            if not inside(arguments[0], reading=True):
                raise PermissionError("the sandbox lists no folder but its own")
        elif event.startswith(refused):
            raise PermissionError(f"the sandbox refuses {event}")

    sys.addaudithook(hook)


def without_dangerous_modules() -> None:
    for name in FORBIDDEN_MODULES & sys.modules.keys():
        del sys.modules[name]
    # An event loop's module imports this one by way of another, and uses neither.
    stub = types.ModuleType("_posixsubprocess")
    stub.fork_exec = no_process  # type: ignore[attr-defined]
    sys.modules["_posixsubprocess"] = stub


def no_process(*arguments: object) -> None:
    raise PermissionError("the sandbox starts no process")


def preload(check: str) -> dict[str, tuple[types.ModuleType, dict[str, object]]]:
    """The modules that the check imports, as they are before the code can change anything in them."""
    names: list[str] = []
    for node in ast.walk(ast.parse(check)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.append(node.module)
    for name in names:
        try:
            __import__(name)
        except Exception:  # the check will say so itself
            continue
    wanted = [name for name in names if name in sys.modules] + ["builtins"]
    return {name: (sys.modules[name], dict(vars(sys.modules[name]))) for name in wanted}


def restore(kept: dict[str, tuple[types.ModuleType, dict[str, object]]]) -> None:
    for name, (module, attributes) in kept.items():
        module.__dict__.update(attributes)
        sys.modules[name] = module


def run(task: dict[str, str], outcome: list[object], go: threading.Event) -> None:
    """Waits for `go`, runs the code, then the check; puts True into `outcome`, or else the reason why not."""
    # What the thread holds would lead the code to `outcome`; and the check is run by what `exec` was before the code ran.
    me = threading.current_thread()
    vars(me).update(_target=None, _args=(), _kwargs={})
    execute, built = exec, compile
    go.wait()
    where = "the code"
    try:
        kept, clean = preload(task["check"]), dict(vars(builtins))
        module = types.ModuleType("__main__")
        sys.modules["__main__"] = module
        execute(built(task["code"], "<answer>", "exec"), vars(module))  # noqa: S102
        where = "the check"
        restore(kept)
        entry = task["entry_point"]
        if entry and entry not in vars(module):
            outcome.append(f"the answer defines no {entry!r}")
            return
        # What the answer calls like something built in is its own, and not what the check means by it.
        own = {name: value for name, value in vars(module).items() if name not in clean or name == entry}
        scope = {**own, "__builtins__": clean, "__name__": "__check__"}
        before = scope.get("check")
        execute(built(task["check"], "<check>", "exec"), scope)  # noqa: S102
        after = scope.get("check")
        if entry and after is not before and callable(after):
            after(scope[entry])
        outcome.append(True)
    except BaseException as error:
        outcome.append(told(error, where, task["check"]))


def told(error: BaseException, where: str, check: str) -> str:
    try:
        words = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        line = error.__traceback__.tb_next.tb_lineno if where == "the check" else 0  # type: ignore[union-attr]
        lines = check.splitlines()
        at = f" at {lines[line - 1].strip()!r:.120}" if 0 < line <= len(lines) else ""
    except BaseException:  # an exception that cannot even be shown
        return f"{where} failed"
    return f"{where} failed{at}: {words[:200]}"


def main() -> None:
    write, leave, result = os.write, os._exit, int(sys.argv[1])
    folder, seconds, forks = sys.argv[2:5]
    task = json.loads(sys.stdin.buffer.read())
    mark = task.pop("mark")
    outcome: list[object] = []
    go = threading.Event()
    thread = threading.Thread(target=run, args=(task, outcome, go), daemon=True)
    thread.start()
    if forks == "limit":
        import resource

        resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
    sys.argv[:] = [""]
    without_dangerous_modules()
    install_hook(folder)
    go.set()
    try:
        thread.join(float(seconds))
        late = f"it took more than {seconds} s" if thread.is_alive() else "it ended before the check did"
        said = mark if outcome[:1] == [True] else json.dumps(outcome[0] if outcome else late)
    except BaseException:
        said = json.dumps("the run was interrupted")
    write(result, said.encode("utf-8", "backslashreplace"))
    leave(0)


main()
