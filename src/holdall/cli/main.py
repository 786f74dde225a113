"""The entry point: runs the command that was asked for and turns failures into a message and an exit code."""

from __future__ import annotations

import sys

from holdall.cli.failure import Failure

__all__ = ["main"]


def main() -> None:
    """Run the command line; always ends in SystemExit: 0 done, 1 refused, 2 not understood. Example: ``README.md``."""
    try:
        # The packages of the extra are imported here, so that their absence can be told in a sentence.
        from holdall.cli.program import program

        program(prog_name="holdall")
    except ModuleNotFoundError as error:
        if error.name not in ("typer", "rich", "uvicorn"):
            raise
        _fail(Failure(f"this needs the package {error.name}: pip install 'holdall[cli,web]'"))
    except Failure as failure:
        _fail(failure)
    except KeyboardInterrupt:
        sys.exit(130)


def _fail(failure: Failure) -> None:
    print(f"holdall: {failure}", file=sys.stderr)
    sys.exit(failure.code)
