"""The client alone: `arena.chat.many` over one chat, without judging and without a database.

python -m bench.calls.judging_client PROMPTS BASE_URL CONCURRENCY     # a file of prompts as JSON; a JSON line out
"""

from __future__ import annotations

import asyncio
import importlib
import json
import resource
import sys
import time
from functools import partial
from pathlib import Path

from arena.chat import Endpoint, Message, many, open_chat, patiently


async def asked(prompts: list[list[dict[str, str]]], base_url: str, concurrency: int) -> int:
    """How many of the prompts were answered."""
    endpoint = Endpoint("openai", "vocabulary", base_url, options={"temperature": 0.0})
    messages = [[Message(**one) for one in each] for each in prompts]
    async with open_chat(endpoint) as chat:
        calls = (partial(patiently, partial(chat.complete, each)) for each in messages)
        return len([one async for one in many(calls, concurrency=concurrency)])


def peak() -> float:
    """Megabytes at the high-water mark of this process."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def main() -> None:
    path, base_url, concurrency = sys.argv[1:]
    prompts = json.loads(Path(path).read_text())
    for late in ("aiohttp", "arena.chat.openai"):  # imported with the first call otherwise
        importlib.import_module(late)
    before = time.process_time()
    answered = asyncio.run(asked(prompts, base_url, int(concurrency)))
    print(json.dumps({"ended": time.time(), "ok": answered, "cpu": time.process_time() - before, "peak": peak()}))


if __name__ == "__main__":
    main()
