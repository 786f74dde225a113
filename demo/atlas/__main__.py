"""``python -m demo.atlas``: load the atlas on the first start, then serve it; ``--check`` asks itself and ends."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from demo.atlas.agency import PATH, beside_agency
from demo.atlas.application import FOLDER, atlas
from demo.atlas.checking import check
from demo.atlas.editors import Editors
from demo.atlas.loading import load
from demo.atlas.office import back_office
from demo.atlas.questions import QUESTIONS
from demo.atlas.source import Source
from holdall import Holdall
from holdall.cli import Failure, listen, run_server
from holdall.errors import HoldallError


def main() -> int:
    """Run the demo; the exit code."""
    options = _options()
    console = Console()
    try:
        if options.check:
            with tempfile.TemporaryDirectory(prefix="atlas-check-", dir=_made(FOLDER.parent)) as scratch:
                return check(_opened(Path(scratch) / "atlas", options.limit, console), console)
        listener = listen("127.0.0.1", options.port, "choose another: make run PORT=8001")
        port = listener.getsockname()[1]
        app = _opened(options.folder, options.limit, console, f"http://127.0.0.1:{port}{PATH}")
        editors = Editors(app)
        service = app.asgi(authenticate=editors, admin=back_office(editors.users), lifespan=editors.living)
        run_server(beside_agency(service), listener, lambda address: _welcome(address, editors, console))
    except Failure as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ninterrupted; the next start loads from the beginning", file=sys.stderr)
        return 130
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m demo.atlas", description="A world atlas, served by Holdall.")
    parser.add_argument("--port", type=int, default=os.environ.get("PORT", "8000"), help="also as PORT=")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the records are kept")
    parser.add_argument("--limit", type=int, help="load only so many cities, the largest")
    parser.add_argument("--check", action="store_true", help="load anew, ask itself three questions, end with 0 or 1")
    return parser.parse_args()


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _opened(folder: Path, limit: int | None, console: Console, agency: str = "") -> Holdall:
    """The atlas, loaded if it is not there yet. Raises Failure where what is there does not fit the models."""
    if not folder.exists():
        _load(folder, limit, console)
    app = atlas(folder, agency=agency)

    async def inspect() -> None:
        try:
            await app.verify()
        finally:
            await app.close()

    try:
        asyncio.run(inspect())
    except HoldallError as error:
        raise Failure(
            f"{error}\nThe records in {folder} were made by other models. They can be made again:"
            f" remove the folder (rm -r {folder}) and start anew."
        ) from error
    return app


def _load(folder: Path, limit: int | None, console: Console) -> None:
    with console.status("reading what GeoNames knows"):
        source = Source(limit)
    columns = (TextColumn("loading the atlas"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("", total=len(source))
        load(folder, source, lambda number: progress.advance(task, number))


def _welcome(address: str, editors: Editors, console: Console) -> None:
    console.print(f"\nThe world atlas is served. Its back office: {address}/admin", highlight=False)
    console.print(f"  login {editors.login}, password {editors.password}\n", highlight=False, markup=False)
    console.print(f"For programs: {address}/docs, or try:\n", highlight=False)
    for question in QUESTIONS:
        console.print(f"  # {question.meaning}", style="dim", highlight=False, soft_wrap=True)
        console.print(f"  curl '{address}{question.path}'\n", highlight=False, markup=False, soft_wrap=True)
    console.print(
        f"Everyone may read. To change records, add: -H 'Authorization: Bearer {editors.token}'",
        highlight=False,
        soft_wrap=True,
    )
    console.print("Ctrl-C ends it.", highlight=False)


if __name__ == "__main__":
    sys.exit(main())
