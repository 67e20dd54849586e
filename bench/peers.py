"""The libraries we are measured against, pinned, in an environment that is thrown away after the run."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LIBRARIES = (
    "numpy==2.3.3",  # what arena-rank insists on
    "scipy==1.17.1",
    "pandas==3.1.1",
    "pyarrow==26.0.1",  # pandas' strings are slow without it
    "scikit-learn==1.9.1",
    "evalica==0.4.2",
    "krippendorff==0.9.0",
    "jax==0.8.1",
    "jaxtyping==0.3.11",
    "optax==0.2.8",
    "tqdm==4.70.1",
)
ALONE = (
    "arena-rank==0.1.1",  # asks for Hugging Face's datasets too, which the rating does not touch
    "fschat==0.2.36",  # asks for a web server and a model's tokenizer; its rating functions need neither
)
RATING = (LIBRARIES, ALONE)
# FastChat's judge: the clients that it was written for; it asks for a model's tokenizer and a web server too.
JUDGES = (("openai==0.28.1", "anthropic==2.14.0", "numpy==2.4.6", "requests==2.34.2", "tqdm==4.70.1"), ALONE[1:])


@contextmanager
def environment(kept: Path | None = None, *, which: tuple[tuple[str, ...], tuple[str, ...]] = RATING) -> Iterator[Path]:
    """The Python of an environment with the peers, those of `which` that come alone without what they ask for; `kept` is a
    folder to leave it in, or to find it in again."""
    if kept is not None:
        yield _made(kept, which)
        return
    with tempfile.TemporaryDirectory(prefix="peers-") as folder:
        yield _made(Path(folder), which)


def _made(folder: Path, which: tuple[tuple[str, ...], tuple[str, ...]]) -> Path:
    """The environment's Python, with what is missing installed. Raises CalledProcessError where pip cannot."""
    python = folder / "bin" / "python"
    if not python.exists():
        base = sys._base_executable or sys.executable  # not the project's own environment
        subprocess.run([base, "-m", "venv", str(folder)], check=True)
    install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*install, *which[0]], check=True, stdout=sys.stderr)
    subprocess.run([*install, "--no-deps", *which[1]], check=True, stdout=sys.stderr)
    return python
