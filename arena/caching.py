"""A cache in Redis that may be away: what cannot be kept is not kept, and nobody's page fails for it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.core.cache.backends.redis import RedisCache
from redis.exceptions import RedisError

log = logging.getLogger(__name__)


def _or(instead: Callable[..., Any], method: Callable[..., Any]) -> Callable[..., Any]:
    """The method, or what `instead` says where Redis does not answer."""

    @wraps(method)
    def tried(*args: Any, **how: Any) -> Any:
        try:
            return method(*args, **how)
        except (RedisError, OSError) as error:
            log.warning("the cache is away (%s)", error)
            return instead(*args, **how)

    return tried


class PatientRedisCache(RedisCache):
    """As Django's own; a read finds nothing and a write is let go while Redis is away."""

    get = _or(lambda self, key, default=None, version=None: default, RedisCache.get)
    get_many = _or(lambda self, keys, version=None: {}, RedisCache.get_many)
    has_key = _or(lambda self, key, version=None: False, RedisCache.has_key)
    add = _or(lambda self, *args, **how: True, RedisCache.add)
    set = _or(lambda self, *args, **how: None, RedisCache.set)
    set_many = _or(lambda self, data, *args, **how: [], RedisCache.set_many)
    touch = _or(lambda self, *args, **how: False, RedisCache.touch)
    incr = _or(lambda self, key, delta=1, version=None: delta, RedisCache.incr)
    delete = _or(lambda self, *args, **how: False, RedisCache.delete)
    delete_many = _or(lambda self, *args, **how: None, RedisCache.delete_many)
