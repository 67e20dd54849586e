"""The first program of a sandboxed run: shuts the doors that the system lets it shut, then becomes the second.

It is started by `judging.judges.sandbox` as `python -I -S sandbox_launcher.py`, and never imported. What it shuts stays
shut for whatever comes after it in this process: limits (setrlimit), the network (a namespace of its own), other
processes and sockets (seccomp), files (Landlock). It writes the names of those in force as the first line of the file
it was given, since no two machines allow the same.
"""

from __future__ import annotations

import ctypes
import json
import os
import platform
import resource
import stat
import struct
import sys

NEW_USER, NEW_NET, NEW_IPC = 0x10000000, 0x40000000, 0x08000000
NO_NEW_PRIVILEGES, SET_SECCOMP = 38, 22
EPERM, ENOSYS = 1, 38
# Numbers of system calls by machine: everything that makes a process, runs a program, opens a socket, reaches into
# another process, makes namespaces, or leaves things in the kernel after its end. But for execve: it is needed once more,
# to become the runner; after that Landlock leaves it nothing to run but another interpreter as shut in as this one.
DENIED = {
    "x86_64": (0xC000003E, (57, 58, 322, 41, 62, 200, 234, 101, 310, 311, 434, 424, 438, 272, 308, 425, 321, 250, 248, 249, 323, 298, 112, 109, 129, 297, 29, 64, 68)),
    "aarch64": (0xC00000B7, (281, 198, 129, 130, 131, 117, 270, 271, 434, 424, 438, 97, 268, 425, 280, 219, 217, 218, 282, 241, 157, 154, 138, 240, 194, 190, 186)),
}  # fmt: skip
CLONE = {"x86_64": 56, "aarch64": 220}
CLONE3 = 435  # its flags are out of a filter's sight; refused as unknown, libc falls back to clone
THREAD = 0x10000
X32 = 0x40000000  # the other table of system calls of x86_64

LANDLOCK = {"create": 444, "add": 445, "restrict": 446}
EXECUTE, WRITE, READ, LIST = 1, 2, 4, 8
REMOVE_DIR, REMOVE_FILE, MAKE_DIR, MAKE_FILE, TRUNCATE = 1 << 4, 1 << 5, 1 << 7, 1 << 8, 1 << 14
FILE_RIGHTS = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 5: (1 << 16) - 1}

libc = ctypes.CDLL(None, use_errno=True)


def limit(settings: dict[str, int]) -> None:
    for name, most in settings.items():
        kind = getattr(resource, f"RLIMIT_{name}")
        hard = resource.getrlimit(kind)[1]
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (most, most))


def without_network() -> bool:
    unshare = getattr(libc, "unshare", None)
    return unshare is not None and unshare(NEW_USER | NEW_NET | NEW_IPC) == 0


def without_processes() -> bool:
    """A seccomp filter: no new process, no program but by landlock's leave, no socket, no signal to anybody."""
    machine = platform.machine()
    if sys.platform != "linux" or machine not in DENIED:
        return False
    audit, numbers = DENIED[machine]

    def step(code: int, value: int, yes: int = 0, no: int = 0) -> bytes:
        return struct.pack("=HBBI", code, yes, no, value)

    load, equal, above, bits, give = 0x20, 0x15, 0x35, 0x45, 0x06
    refuse, kill, allow = 0x00050000, 0x80000000, 0x7FFF0000
    steps = [step(load, 4), step(equal, audit, 1, 0), step(give, kill), step(load, 0)]
    steps += [step(above, X32, 0, 1), step(give, refuse | EPERM)]
    steps += [step(equal, CLONE3, 0, 1), step(give, refuse | ENOSYS)]
    for number in numbers:
        steps += [step(equal, number, 0, 1), step(give, refuse | EPERM)]
    steps += [step(equal, CLONE[machine], 0, 3), step(load, 16), step(bits, THREAD, 1, 0), step(give, refuse | EPERM)]
    steps += [step(give, allow)]
    code = b"".join(steps)
    held = ctypes.create_string_buffer(code, len(code))
    program = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(steps), ctypes.addressof(held)))
    return bool(libc.prctl(SET_SECCOMP, 2, program, 0, 0) == 0)


def without_files(readable: list[str], runnable: list[str], folder: str) -> bool:
    """A Landlock domain: only these may be read, only those run, and only the folder be written to."""
    if sys.platform != "linux":
        return False
    abi = libc.syscall(LANDLOCK["create"], None, 0, 1)
    if abi < 1:
        return False
    rights = FILE_RIGHTS[max(known for known in FILE_RIGHTS if known <= abi)]
    network = 3 if abi >= 4 else 0  # bind and connect, TCP
    outside = 3 if abi >= 6 else 0  # abstract sockets, signals
    attributes = struct.pack("=QQQ", rights, network, outside)[: 8 if abi < 4 else 16 if abi < 6 else 24]
    ruleset = libc.syscall(LANDLOCK["create"], attributes, len(attributes), 0)
    if ruleset < 0:
        return False
    every = dict.fromkeys(readable, READ | LIST) | dict.fromkeys(runnable, READ | EXECUTE)
    every[folder] = READ | LIST | WRITE | REMOVE_DIR | REMOVE_FILE | MAKE_DIR | MAKE_FILE | TRUNCATE
    for path, wanted in every.items():
        allow_beneath(ruleset, path, wanted & rights)
    done = bool(libc.syscall(LANDLOCK["restrict"], ruleset, 0) == 0)
    os.close(ruleset)
    return done


def allow_beneath(ruleset: int, path: str, rights: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    if not stat.S_ISDIR(os.fstat(place).st_mode):
        rights &= EXECUTE | WRITE | READ | TRUNCATE
    libc.syscall(LANDLOCK["add"], ruleset, 1, struct.pack("=Qi", rights, place), 0)
    os.close(place)


def main() -> None:
    settings = json.loads(sys.argv[1])
    limit(settings["limits"])
    in_force = ["network namespace"] if without_network() else []
    if sys.platform == "linux" and libc.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0) == 0:
        if without_files(settings["readable"], settings["runnable"], settings["folder"]):
            in_force.append("landlock")
        if without_processes():
            in_force.append("seccomp")
    os.write(settings["result"], (json.dumps(in_force) + "\n").encode())
    forks = "may" if "seccomp" in in_force else "limit"
    arguments = [str(settings["result"]), settings["folder"], settings["seconds"], forks]
    os.execve(sys.executable, [sys.executable, "-I", "-S", "-c", settings["runner"], *arguments], {})


main()
