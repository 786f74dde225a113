"""One call to make, and what all calls of a store share."""

from __future__ import annotations

import ssl
from collections.abc import Mapping

import msgspec
from yarl import URL

from holdall.store import PoolOptions
from holdall.stores.rest.limits import Rate, Retries

__all__ = ["Request", "Settings"]


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything about calls that is the same for all of a store's."""

    url: str
    headers: Mapping[str, str]
    pooling: PoolOptions
    read_timeout: float | None
    idle_timeout: float
    retries: Retries
    rate: Rate | None
    tls: ssl.SSLContext | None
    max_answer_bytes: int
    proxy: str | None = None


class Request(msgspec.Struct, gc=False):
    """One call to make. ``place`` names it in messages: method and path, never values."""

    method: str
    url: URL
    place: str
    headers: Mapping[str, str] | None = None
    body: bytes | None = None
    is_write: bool = False
    is_repeatable: bool = True
