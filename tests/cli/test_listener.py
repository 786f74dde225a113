"""A port is taken before anything starts, or a sentence says why not."""

from __future__ import annotations

import errno
import socket
from typing import Any

import pytest

from holdall.cli.failure import MISUSE, Failure
from holdall.cli.listener import listen


def test_a_free_port_is_taken_and_a_taken_one_is_told() -> None:
    with listen("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        assert port > 0
        listener.listen()
        with pytest.raises(Failure, match=rf"port {port} on 127\.0\.0\.1 is in use; another, please"):
            listen("127.0.0.1", port, "another, please")


@pytest.mark.parametrize("host", ["192.0.2.1", "no.such.host.invalid", "a" * 70 + ".invalid"])
def test_an_address_of_elsewhere_is_misuse(host: str) -> None:
    with pytest.raises(Failure, match="is no address of this machine") as refused:
        listen(host, 0)
    assert refused.value.code == MISUSE


def test_a_port_of_the_system_needs_rights(monkeypatch: pytest.MonkeyPatch) -> None:
    class Refusing(socket.socket):
        def bind(self, address: Any) -> None:
            raise PermissionError(errno.EACCES, "not permitted")

    monkeypatch.setattr("holdall.cli.listener.socket.socket", Refusing)
    with pytest.raises(Failure, match="port 80 needs rights this user does not have"):
        listen("127.0.0.1", 80)
