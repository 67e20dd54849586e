"""Bells through a real Redis: heard by whoever listens as Channels does, and rung without a connection for each."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator

import pytest
import redis
from django.test import override_settings

from arena.live import ring
from arena.redis_layer import RedisLayer
from bench import servers


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory) -> Iterator[str]:
    """The Redis that CI started, else one of our own for as long as these tests take."""
    if url := os.environ.get("TEST_REDIS_URL"):
        yield url
        return
    try:
        with servers.redis(tmp_path_factory.mktemp("redis")) as url:
            yield url
    except servers.NotThere as missing:
        pytest.skip(str(missing))


def layers(url: str):
    how = {"BACKEND": "arena.redis_layer.RedisLayer", "CONFIG": {"hosts": [url], "prefix": "test-bells"}}
    return override_settings(CHANNEL_LAYERS={"default": how})


def test_a_bell_from_ordinary_code_is_heard_by_who_is_in_the_group(redis_url):
    async def heard() -> dict:
        layer = RedisLayer(hosts=[redis_url], prefix="test-bells")
        mine = await layer.new_channel()
        await layer.group_add("run-1", mine)
        with layers(redis_url):
            await asyncio.to_thread(ring, "run-2")
            await asyncio.to_thread(ring, "run-1")
        async with asyncio.timeout(10):
            told = await layer.receive(mine)
        await layer.flush()
        return told

    assert asyncio.run(heard()) == {"type": "rang", "topic": "run-1"}


def test_many_bells_take_one_connection(redis_url):
    seen = redis.Redis.from_url(redis_url)
    with layers(redis_url):
        ring("run-1")
        before = seen.info("stats")["total_connections_received"]
        for _ in range(20):
            ring("run-1")
    assert seen.info("stats")["total_connections_received"] == before


def test_a_bell_without_redis_is_no_error(caplog):
    with layers(f"redis://127.0.0.1:{servers.free_port()}/0"):
        ring("run-1")
    assert "nobody could be told" in caplog.text
