"""The atlas asking itself: a server on a free port, each question once, every answer looked at."""

from __future__ import annotations

import threading
import time

import uvicorn
from rich.console import Console

from demo.atlas.questions import QUESTIONS, Question, ask
from holdall import Holdall
from holdall.cli import Failure, listen

__all__ = ["check"]

_SECONDS = 30.0  # for the server to start, and again to end


def check(app: Holdall, console: Console) -> int:
    """Print each question with what became of it; 0 if every answer is right, else 1."""
    listener = listen("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(app.asgi(), log_level="warning"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        _wait(server, thread)
        wrong = [_told(f"http://127.0.0.1:{listener.getsockname()[1]}", console, question) for question in QUESTIONS]
    finally:
        server.should_exit = True
        thread.join(_SECONDS)
    return int(any(wrong))


def _wait(server: uvicorn.Server, thread: threading.Thread) -> None:
    end = time.monotonic() + _SECONDS
    while not server.started:
        if not thread.is_alive() or time.monotonic() > end:
            raise Failure("the server did not start")
        time.sleep(0.01)


def _told(address: str, console: Console, question: Question) -> bool:
    begun = time.perf_counter()
    wrong = ask(address, question)
    took = (time.perf_counter() - begun) * 1000
    console.print(f"{'WRONG' if wrong else 'right'}  {question.path}  {took:.0f} ms", highlight=False, soft_wrap=True)
    if wrong:
        console.print(f"       {wrong}", highlight=False, markup=False, soft_wrap=True)
    return wrong is not None
