"""The Redis store: a hash for each record, on a server of Redis 7 or Valkey without modules, or on a cluster."""

from holdall.stores.redis.collection import RedisCollection
from holdall.stores.redis.store import RedisStore, open_redis

__all__ = ["RedisCollection", "RedisStore", "open_redis"]
