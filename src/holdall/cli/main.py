"""The entry point: runs the command that was asked for and turns failures into a message and an exit code."""

from __future__ import annotations

import sys
import traceback

from holdall.cli.blame import blame
from holdall.cli.failure import FAULT, INTERRUPTED, Failure
from holdall.cli.plain import lines
from holdall.errors import HoldallError

__all__ = ["main"]

_OWN = ("typer", "rich", "uvicorn", "mcp")
_VERBOSE = "--verbose"


def main() -> None:
    """Run the command line; always ends in SystemExit: 0 done, 1 refused, 2 not understood, 70 for a fault in code, 130
    interrupted. ``--verbose`` shows the traceback of an error. Example: ``README.md``.
    """
    is_verbose = _taken(sys.argv)
    try:
        # The packages of the extra are imported here, so that their absence can be told in a sentence.
        from holdall.cli.program import program

        program(prog_name="holdall")
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except Exception as error:
        if is_verbose:
            traceback.print_exc()
        failure = _failure(error)
        print(lines(f"holdall: {failure}"), file=sys.stderr)
        sys.exit(failure.code)


def _taken(arguments: list[str]) -> bool:
    """Take ``--verbose`` out of the arguments, wherever it stands before ``--``; whether it was there."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    places = [place for place in range(1, end) if arguments[place] == _VERBOSE]
    for place in reversed(places):
        del arguments[place]
    return bool(places)


def _failure(error: Exception) -> Failure:
    if isinstance(error, Failure):
        return error
    if isinstance(error, ModuleNotFoundError) and error.name in _OWN:
        extra = "mcp" if error.name == "mcp" else "cli,web"
        return Failure(f"this needs the package {error.name}: pip install 'holdall[{extra}]'")
    if isinstance(error, HoldallError):
        return Failure(f"{type(error).__name__}: {error}\nholdall error {type(error).__name__} says what can be done")
    return Failure(f"the command {blame(error)}; --verbose shows the traceback", FAULT)
