"""The load: keep-alive connections over bare sockets, one request under way on each; cheap enough to fill a server."""

from __future__ import annotations

import re
import select
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from statistics import quantiles

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_ANSWER_SECONDS = 10.0
_CHUNK = 64 * 1024
_LARGE_CHUNK = 1 << 20


def requests_per_second(
    port: int, method: str, paths: list[str], body: str, connections: int, seconds: float, most: int | None = None
) -> float:
    """Answers per second over this many seconds, or until ``most`` are there; paths are asked for in turn.

    Raises ValueError for an answer that is not 200 or 201, TimeoutError where none comes.
    """
    return _rate(port, [_request(port, method, path, body.encode()) for path in paths], connections, seconds, most)


def latency(
    port: int, method: str, paths: list[str], body: str, connections: int, seconds: float, percent: int
) -> float:
    """Seconds within which so many percent of the answers have come, each counted from the end of its request.

    The first answer on each connection is left out: all of these are asked for at once. Raises as
    ``requests_per_second``.
    """
    spent: list[float] = []
    requests = [_request(port, method, path, body.encode()) for path in paths]
    _rate(port, requests, connections, seconds, None, spent)
    return quantiles(spent, n=100)[percent - 1]


def _rate(
    port: int,
    requests: list[bytes],
    connections: int,
    seconds: float,
    most: int | None,
    spent: list[float] | None = None,
) -> float:
    """Answers per second; the seconds that each took are added to ``spent``."""
    poll = select.epoll()
    sockets: dict[int, socket.socket] = {}
    parts: dict[int, bytes] = {}
    sent_at: dict[int, float] = {}
    sent = done = 0
    try:
        for _ in range(connections):
            connection = socket.create_connection(("127.0.0.1", port))
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            number = connection.fileno()
            sockets[number], parts[number] = connection, b""
            poll.register(number, select.EPOLLIN)
        start = time.perf_counter()
        for connection in sockets.values():
            connection.sendall(requests[sent % len(requests)])
            sent += 1
        while True:
            events = poll.poll(_ANSWER_SECONDS)
            if not events:
                raise TimeoutError(f"no answer in {_ANSWER_SECONDS:.0f} s to {requests[0].splitlines()[0].decode()}")
            for number, _ in events:
                connection = sockets[number]
                answer = parts[number] + connection.recv(_CHUNK)
                if not _is_whole(answer):
                    parts[number] = answer
                    continue
                parts[number] = b""
                done += 1
                if spent is not None and number in sent_at:
                    spent.append(time.perf_counter() - sent_at[number])
                connection.sendall(requests[sent % len(requests)])
                if spent is not None:
                    sent_at[number] = time.perf_counter()
                sent += 1
            elapsed = time.perf_counter() - start
            if elapsed >= seconds or (most is not None and done >= most):
                return done / elapsed
    finally:
        for connection in sockets.values():
            connection.close()
        poll.close()


def megabytes_per_second(port: int, method: str, size: int, connections: int, seconds: float) -> float:
    """Megabytes that are put to, or got from, a path for each connection in a second; each is put once at least.

    Raises ValueError for an answer that is not 200 or 201.
    """
    body = bytes(range(256)) * (size // 256) if method == "PUT" else b""
    start, count = time.perf_counter(), 0

    def exchanged(number: int) -> None:
        nonlocal count
        with socket.create_connection(("127.0.0.1", port), timeout=_ANSWER_SECONDS) as connection:
            while True:
                connection.sendall(_request(port, method, f"/books/{number}/scan", body))
                answer = bytearray()
                while not _is_whole_file(answer):
                    answer += connection.recv(_LARGE_CHUNK)
                count += 1
                if time.perf_counter() - start >= seconds:
                    return

    with ThreadPoolExecutor(connections) as threads:
        list(threads.map(exchanged, range(connections)))
    return count * size / 1e6 / (time.perf_counter() - start)


def _is_whole_file(answer: bytearray) -> bool:
    """As ``_is_whole``, of an answer that may be large."""
    end = answer.find(b"\r\n\r\n", 0, 4_096)
    return end >= 0 and _is_whole(bytes(answer[: end + 4]), len(answer))


def exchange(port: int, method: str, path: str, body: str) -> bytes:
    """The body of the answer to one request."""
    with socket.create_connection(("127.0.0.1", port), timeout=_ANSWER_SECONDS) as connection:
        connection.sendall(_request(port, method, path, body.encode()))
        answer = connection.recv(_CHUNK)
        while not _is_whole(answer):
            answer += connection.recv(_CHUNK)
    return answer.partition(b"\r\n\r\n")[2]


def _request(port: int, method: str, path: str, body: bytes) -> bytes:
    head = f"{method} {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\naccept: application/json\r\n"
    if body:
        head += f"content-type: application/json\r\ncontent-length: {len(body)}\r\n"
    return head.encode() + b"\r\n" + body


def _is_whole(answer: bytes, size: int | None = None) -> bool:
    if not answer.startswith(b"HTTP/1.1 20"):
        raise ValueError(answer[:300].decode(errors="replace"))
    end = answer.find(b"\r\n\r\n")
    if end < 0:
        return False
    length = _LENGTH.search(answer, 0, end + 4)
    if length is None:
        raise ValueError(f"an answer without a length: {answer[:300]!r}")
    return (size or len(answer)) >= end + 4 + int(length[1])
