"""An OpenAPI document as the thing that ``holdall inspect`` looks at: a file, or the URL of one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, build_opener

from holdall.cli.failure import REFUSED, Failure

__all__ = ["api_document", "is_document"]

_SUFFIXES = (".json", ".yaml", ".yml")
_SECONDS = 30.0
_MOST_BYTES = 32 * 2**20


class _NoRedirects(HTTPRedirectHandler):
    """Leads nowhere else: the document is where the user says, or is not taken."""

    def redirect_request(self, *_: object) -> None:
        """Follow no redirect."""


def is_document(url: str) -> bool:
    """Whether this names an OpenAPI document instead of a store.

    >>> is_document("https://api.example.com/openapi.json"), is_document("sqlite:///shop.db")
    (True, False)
    """
    if urlsplit(url).scheme in ("http", "https"):
        return True
    return url.endswith(_SUFFIXES) and Path(url).is_file()


@contextmanager
def api_document(url: str) -> Iterator[Path]:
    """The document as a file. Raises Failure for one that cannot be had."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https"):
        yield Path(url)
        return
    if parts.scheme == "http" and not _is_here(parts.hostname or ""):
        raise Failure("a document of another machine is asked for by https: alone", REFUSED)
    suffix = Path(parts.path).suffix
    with TemporaryDirectory() as folder:
        place = Path(folder) / f"document{suffix if suffix in _SUFFIXES else '.json'}"
        place.write_bytes(_content(url))
        yield place


def _content(url: str) -> bytes:
    try:
        with build_opener(_NoRedirects()).open(url, timeout=_SECONDS) as answer:
            content: bytes = answer.read(_MOST_BYTES + 1)
    except (URLError, OSError, ValueError) as error:
        status = f" (status {error.code})" if hasattr(error, "code") else ""
        raise Failure(f"the document cannot be had{status}: {type(error).__name__}", REFUSED) from error
    if len(content) > _MOST_BYTES:
        raise Failure(f"the document is larger than {_MOST_BYTES} bytes", REFUSED)
    return content


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
