"""Bells through Redis: Channels' layer, with a way to ring from ordinary code over a connection that is kept."""

from __future__ import annotations

from functools import lru_cache

import redis
from channels_redis.pubsub import RedisPubSubChannelLayer, RedisPubSubLoopLayer

REDIS_SECONDS = 5.0  # a Redis that takes longer is not there


class RedisLayer(RedisPubSubChannelLayer):
    """Its `group_send` needs an event loop: from ordinary code that is a thread, a loop and a connection for every bell."""

    def ring(self, group: str, message: dict[str, str]) -> None:
        """What `group_send` does. Raises RedisError."""
        (url,) = self._kwargs["hosts"]
        channel = RedisPubSubLoopLayer(**self._kwargs, channel_layer=self)._get_group_channel_name(group)
        _publisher(url).publish(channel, self.serialize(message))


@lru_cache(maxsize=4)
def _publisher(url: str) -> redis.Redis:
    """Threads share its connections, and a process that was forked makes its own."""
    return redis.Redis.from_url(url, socket_timeout=REDIS_SECONDS, socket_connect_timeout=REDIS_SECONDS)
