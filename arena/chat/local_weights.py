"""Loading the weights of a model onto this machine: once per process, from a folder, a hub id or a GGUF file.

torch is imported with the first load. Code that comes with a model is never run.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from arena.chat.base import ChatError, Endpoint

T = TypeVar("T")

REQUIREMENTS = "requirements-torch.txt"
MISSING = f"torch is not installed: python -m pip install -r {REQUIREMENTS}"
NOT_HERE = 404  # as an endpoint says that a model is not there: nothing else is asked of it then

PRECISIONS: Mapping[str, str] = {
    "auto": "auto",
    "float32": "float32",
    "fp32": "float32",
    "float16": "float16",
    "fp16": "float16",
    "bfloat16": "bfloat16",
    "bf16": "bfloat16",
}
"""What may be written as `dtype`, and the name it has in torch; "auto" is what the weights were saved in."""

KINDS = {
    "AutoModelForCausalLM": "model that writes texts",
    "AutoModelForSequenceClassification": "reward model",
}
"""What a model is that these classes of transformers load, in words for people."""

_DEVICE = re.compile(r"auto|cpu|mps|cuda(:\d{1,2})?")
_LONGEST_REASON = 300


@dataclass(frozen=True, slots=True)
class Weights:
    """Which weights, in which precision, on which device; "auto" takes a graphics card where there is one.

    The default precision is float32 on a processor and the saved one elsewhere.
    """

    model: str
    dtype: str = ""
    device: str = "auto"

    @classmethod
    def of(cls, endpoint: Endpoint) -> Weights:
        """Those of an endpoint. Raises ChatError (permanent) for a precision or a device that is none."""
        dtype, device = str(endpoint.options.get("dtype") or ""), str(endpoint.options.get("device") or "auto")
        if dtype and dtype.removeprefix("torch.") not in PRECISIONS:
            raise refusal(f"option 'dtype' must be one of {', '.join(PRECISIONS)}, not {dtype!r:.40}")
        if not _DEVICE.fullmatch(device):
            raise refusal(f"option 'device' must be auto, cpu, mps, cuda or cuda:N, not {device!r:.40}")
        if not endpoint.model.strip():
            raise refusal("a local model is a folder, a hub id or a .gguf file; none is named")
        return cls(endpoint.model, PRECISIONS.get(dtype.removeprefix("torch."), ""), device)

    @property
    def source(self) -> tuple[str, dict[str, str]]:
        """The first argument of `from_pretrained`, and those that a GGUF file adds."""
        if self.model.endswith(".gguf"):
            path = Path(self.model)
            return str(path.parent), {"gguf_file": path.name}
        return self.model, {}


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model in memory with its tokenizer, ready to be run."""

    model: Any
    tokenizer: Any
    device: Any


def refusal(message: str, *, status: int | None = 400) -> ChatError:
    """A permanent ChatError; with NOT_HERE as status it stands for every other call too."""
    return ChatError(message, transient=False, status=status)


_held: dict[tuple[str, Weights], Any] = {}
_locks: dict[tuple[str, Weights], threading.Lock] = {}
_guard = threading.Lock()
_under_way: list[str] = []


def once(kind: str, weights: Weights, make: Callable[[], T]) -> T:
    """What `make` returns for these weights, made once per process; the others wait for it. Failures are not kept."""
    with _guard:
        lock = _locks.setdefault((kind, weights), threading.Lock())
    with lock:
        if (kind, weights) not in _held:
            _held[(kind, weights)] = make()
        made: T = _held[(kind, weights)]
        return made


def load(auto_class: str, weights: Weights) -> Loaded:
    """The model of these weights as a transformers class (`AutoModelForCausalLM`, …), with its tokenizer.

    Takes seconds to minutes, during which `loading` names it. Raises ChatError (permanent) where torch, the model or a package
    it needs is missing, and where there is no room for it.
    """
    _under_way.append(weights.model)
    try:
        return _loaded(auto_class, weights)
    finally:
        _under_way.remove(weights.model)


def loading() -> list[str]:
    """The models whose weights this process is loading at the moment."""
    return list(dict.fromkeys(_under_way))


def _loaded(auto_class: str, weights: Weights) -> Loaded:
    if Path(weights.model).is_absolute() and not Path(weights.model).exists():
        raise refusal(f"there is no {weights.model} on the machine of this worker", status=NOT_HERE)
    # Bars that are redrawn do not go with lines of progress, nor into a worker's log. torch imports what draws them.
    os.environ.setdefault("TQDM_DISABLE", "1")
    torch = torch_or_refusal()
    import transformers

    transformers.utils.logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    torch.set_num_threads(_threads())
    source, gguf = weights.source
    device = _device(torch, weights.device)
    dtype = weights.dtype or ("float32" if device.type == "cpu" else "auto")
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(source, trust_remote_code=False, **gguf)
        model, told = getattr(transformers, auto_class).from_pretrained(
            source,
            dtype="auto" if dtype == "auto" else getattr(torch, dtype),
            trust_remote_code=False,
            output_loading_info=True,
            **gguf,
        )
        # transformers makes up at random what is not there, as the head of an encoder that is to write.
        if lacking := sorted(told["missing_keys"]):
            raise refusal(
                f"{weights.model!r} is no {KINDS[auto_class]}: its weights have no {lacking[0]}", status=NOT_HERE
            )
        model = model.to(device).eval()
    except ChatError:
        raise
    except ImportError as error:
        raise refusal(
            f"a package is missing: {_line(error)}; python -m pip install -r {REQUIREMENTS}", status=NOT_HERE
        ) from error
    except Exception as error:  # files of weights have families of errors of their own
        raise refusal(f"the model {weights.model!r} cannot be loaded: {_line(error)}", status=NOT_HERE) from error
    return Loaded(model, tokenizer, device)


def _threads() -> int:
    """How many threads of the processor a model takes: what the operator says, else all cores but one.

    The site keeps its own algebra to one (OMP_NUM_THREADS, see the settings). With as many threads as cores, each waits for the
    others whenever anything else runs.
    """
    told = os.environ.get("OMP_NUM_THREADS", "")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return int(told) if told.isdigit() and int(told) > 1 else max(1, cores - 1)


def torch_or_refusal() -> Any:
    """The torch module. Raises ChatError (permanent), which says what to install, where there is none."""
    try:
        import torch
    except ImportError as error:
        raise refusal(MISSING, status=NOT_HERE) from error
    return torch


def _device(torch: Any, name: str) -> Any:
    if name != "auto":
        return torch.device(name)
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:_LONGEST_REASON] or type(error).__name__
