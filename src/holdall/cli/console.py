"""A Python prompt on an event loop: ``await`` may stand at the top level, and Ctrl-C ends what runs, not the prompt."""

from __future__ import annotations

import ast
import asyncio
import code
import inspect
from types import CodeType, FunctionType
from typing import Any

__all__ = ["Console", "complete"]


class Console(code.InteractiveConsole):
    """Reads Python and runs it with these names, what is awaited on the loop of a runner.

    The loop runs only while something is awaited; tasks that were begun go on with the next statement.
    """

    def __init__(self, names: dict[str, Any], runner: asyncio.Runner) -> None:
        super().__init__(names)
        self.compile.compiler.flags |= ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        self._runner = runner

    def runcode(self, code: CodeType) -> None:
        """Run a statement that was read, or print the traceback of what it raises."""
        try:
            self._run(code)
        except SystemExit:
            raise
        except BaseException:  # KeyboardInterrupt too: the prompt is left with exit()
            self.showtraceback()

    def run_source(self, source: str) -> None:
        """Run a program of several statements. Raises whatever it raises."""
        compiled = compile(source, "<input>", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        self._run(compiled)

    def _run(self, code: CodeType) -> None:
        """Run it on the loop, also where nothing is awaited: what it calls may ask for the loop that runs."""

        async def on_the_loop() -> None:
            found = FunctionType(code, self.locals)()
            if inspect.iscoroutine(found):
                await found

        self._runner.run(on_the_loop())


def complete(names: dict[str, Any]) -> None:
    """Let Tab complete these names, where the terminal has readline."""
    try:
        import readline
        import rlcompleter
    except ImportError:
        return
    readline.set_completer(rlcompleter.Completer(names).complete)
    readline.parse_and_bind("tab: complete")
