"""Private names of others are used where nothing public does the same, each for a reason and guarded on this Python."""

from __future__ import annotations

import ast
import asyncio
import inspect
import re
import socket
import sys
from asyncio import sslproto
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import redis.asyncio
from asyncpg.prepared_stmt import PreparedStatement
from pymongo import AsyncMongoClient

from holdall.model import text_matching
from holdall.store import end_transport
from tests.support.sources import PACKAGE, house_files, parsed

_SELECTS = "SQLAlchemy has nothing public that says what a Select is sorted and cut by; tests/adoption/test_selects.py"
_USED: dict[tuple[str, str], str] = {
    ("adoption/selects.py", "_fetch_clause"): _SELECTS,
    ("adoption/selects.py", "_for_update_arg"): _SELECTS,
    ("adoption/selects.py", "_generate_cache_key"): _SELECTS,
    ("adoption/selects.py", "_limit_clause"): _SELECTS,
    ("adoption/selects.py", "_offset_clause"): _SELECTS,
    ("adoption/selects.py", "_order_by_clauses"): _SELECTS,
    ("adoption/selects.py", "_with_options"): _SELECTS,
    ("stores/sql/given_setup.py", "_conn"): "aiosqlite registers functions alone, and no collations",
    ("stores/sql/given_setup.py", "_execute"): "the same",
    ("stores/sql/statements.py", "_bind_processors"): _SELECTS,
    ("stores/sql/statements.py", "_generate_cache_key"): _SELECTS,
    ("model/attributes.py", "_track"): "track_of inlined: reading a value is a hot path",
    ("model/names.py", "_getframe"): "documented by Python: what a class body can see",
    ("session/gathering.py", "_ready"): "saves a tick of the loop",
    (
        "stores/redis/pool.py",
        "_parser",
    ): "a connection is ended at once, without its loop",
    ("stores/mongo/connection.py", "_topology"): "nothing public tells how connections are used",
    ("stores/mongo/connection.py", "_servers"): "the same",
    (
        "stores/sql/postgres_types.py",
        "_protocol",
    ): "nothing public takes types; tests/stores/sql/test_postgres_types.py",
    ("stores/sql/postgres_driver.py", "_PreparedStatement__bind_execute"): "a bound of rows without a transaction",
    ("stores/redis/pool.py", "_reader"): "the same",
    ("stores/redis/pool.py", "_writer"): "the same",
    (
        "stores/sql/postgres_connection.py",
        "_transport",
    ): "whether the server has said something",
    ("store/idle.py", "_loop"): "asyncio keeps the socket open whose loop has ended",
    ("store/idle.py", "_sock"): "the same",
    ("store/idle.py", "_ssl_protocol"): "the same",
    ("store/idle.py", "_transport"): "the same",
    ("model/sample.py", "re._parser"): "nothing public reads patterns",
}
"""By file and name, why a private name is used that the file does not define; those of others are guarded below."""

_PUBLIC = {"_replace", "_fields", "_field_defaults", "_asdict", "_make"}  # of named tuples


def _is_private(name: object) -> bool:
    return isinstance(name, str) and name.startswith("_") and not (name.startswith("__") and name.endswith("__"))


def _is_self(node: ast.expr) -> bool:
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Name) and node.func.id == "super"
    return isinstance(node, ast.Name) and node.id in ("self", "cls")


def _defined(tree: ast.Module) -> set[str]:
    """The names that a file defines: functions, what classes hold, and what is assigned to ``self``."""
    found = set[str]()
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                found.add(name)
            case ast.AnnAssign(target=ast.Name(id=name)) | ast.Name(id=name, ctx=ast.Store()):
                found.add(name)
            case ast.Attribute(attr=name, ctx=ast.Store()) if _is_self(node.value):
                found.add(name)
    return found


def _used(tree: ast.Module) -> Iterator[str]:
    """The private names that a file uses of what is not itself, and of modules of others."""
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(attr=name) if _is_private(name) and not _is_self(node.value):
                yield name
            case ast.Call(
                func=ast.Name(id="getattr" | "setattr" | "hasattr" | "delattr"), args=[_, ast.Constant(value=name), *_]
            ):
                if _is_private(name):
                    yield str(name)
            case (
                ast.Call(func=ast.Name(id="import_module"), args=[ast.Constant(value=str(name))])
                | ast.ImportFrom(module=str(name))
            ):
                if not name.startswith("holdall") and any(map(_is_private, name.split("."))):
                    yield name
                names = node.names if isinstance(node, ast.ImportFrom) and not name.startswith("holdall") else []
                yield from [item.name for item in names if _is_private(item.name)]


def _foreign(path: Path) -> set[str]:
    tree = parsed(path)
    return set(_used(tree)) - _defined(tree) - _PUBLIC


def test_private_names_are_used_for_a_reason() -> None:
    found = {
        (path.relative_to(PACKAGE).as_posix(), name) for path in house_files(PACKAGE, "*.py") for name in _foreign(path)
    }
    assert found == set(_USED)


@pytest.mark.parametrize(
    "line, name",
    [
        ("portal._event_loop_thread_id", "_event_loop_thread_id"),
        ("self._loop._ready", "_ready"),
        ("getattr(loop, '_ready', True)", "_ready"),
        ("from asyncio.events import _get_running_loop", "_get_running_loop"),
        ("from msgspec._core import Struct", "msgspec._core"),
        ("import_module('re._parser')", "re._parser"),
    ],
)
def test_a_private_name_is_found(tmp_path: Path, line: str, name: str) -> None:
    path = tmp_path / "code.py"
    path.write_text(f"class One:\n    def own(self):\n        self._mine = 1\n        {line}\n        other._mine\n")
    assert _foreign(path) == {name}


def test_the_part_in_c_uses_the_public_interface() -> None:
    text = (PACKAGE / "model" / "_write.c").read_text()
    assert not re.findall(r"\b_Py\w+|Py_BUILD_CORE|#include\s*[<\"]internal/", text)


# --- what they are on this Python and with these libraries ------------------------------------------------------------


def test_asyncio_tells_what_is_ready_to_run() -> None:
    async def seen() -> tuple[bool, bool]:
        loop = asyncio.get_running_loop()
        alone = bool(getattr(loop, "_ready", True))
        loop.call_soon(lambda: None)
        return alone, bool(getattr(loop, "_ready", True))

    assert asyncio.run(seen()) == (False, True), sys.version


def test_re_reads_patterns() -> None:
    assert text_matching(r"^(?:[A-Z]{2})-\d+$") == "AA-1", sys.version
    assert text_matching(r"[a-f]+x?") == "a"


def test_connections_of_redis_have_a_reader_a_writer_and_a_parser() -> None:
    connection = redis.asyncio.Connection()
    assert (connection._reader, connection._writer) == (None, None)
    assert callable(connection._parser.on_disconnect)


async def _pools() -> list[object]:
    client: AsyncMongoClient[dict[str, object]] = AsyncMongoClient("mongodb://127.0.0.1:1/x", connect=False)
    async with client:
        await client._get_topology()
        return [server.pool for server in client._topology._servers.values()]


def test_pools_of_pymongo_have_their_connections() -> None:
    (pool,) = asyncio.run(_pools())
    assert (getattr(pool, "active_sockets", None), len(getattr(pool, "conns", "none"))) == (0, 0)


def test_statements_of_asyncpg_take_a_bound_of_rows() -> None:
    execute = getattr(PreparedStatement, "_PreparedStatement__bind_execute")  # noqa: B009
    assert list(inspect.signature(execute).parameters) == ["self", "args", "limit", "timeout"]


def test_connections_of_asyncpg_have_a_transport() -> None:
    assert "_transport" in asyncpg.Connection.__slots__


async def _transport(plain: socket.socket) -> asyncio.BaseTransport:
    transport, _ = await asyncio.get_running_loop().create_connection(asyncio.Protocol, sock=plain)
    return transport


def test_transports_of_asyncio_have_a_loop_and_a_socket() -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        transport: Any = asyncio.run(_transport(ours))
        assert transport._loop.is_closed()
        assert ours.fileno() >= 0
        end_transport(transport)
        assert ours.fileno() == -1
        assert transport._sock is None


def test_transports_of_tls_go_through_a_plain_one() -> None:
    outer: Any = sslproto
    assert "_ssl_protocol" in outer._SSLProtocolTransport.__init__.__code__.co_names
    assert "_transport" in outer.SSLProtocol.__init__.__code__.co_names
