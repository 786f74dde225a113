"""``python -m tools.try_wheel PYTHON WHEEL…``: install each wheel into a bare environment and run the tutorial there.

The scaffold of ``holdall new`` is made, checked and asked, too, so that files beside modules are known to be in it.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

__all__ = ["program_of", "runner"]

_HOUSE = Path(__file__).resolve().parents[1]
_PAGES = ("docs/tutorial.md", "README.md")
_EXTRAS = "[cli,web,sql,admin]"
_FENCE = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


def program_of(page: str) -> str:
    """The blocks of Python of a page, one after the other.

    >>> program_of("```python\\na = 1\\n```\\ntext\\n```python\\nb = a\\n```\\n")
    'a = 1\\n\\nb = a\\n'
    """
    return "\n".join(_FENCE.findall(page))


def runner(source: str) -> str:
    """A program that runs this one, in which ``await`` stands at the top level."""
    return (
        "import ast, asyncio, inspect\n"
        f"code = compile({source!r}, 'page', 'exec', flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)\n"
        "made = eval(code, {'__name__': '__main__'})\n"
        "asyncio.run(made) if inspect.iscoroutine(made) else None\n"
    )


def _try(python: str, wheel: str) -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}

        def run(*command: str, within: Path = folder) -> None:
            print("$", " ".join(command)[:100], flush=True)
            subprocess.run(command, cwd=within, env=environment, check=True)  # noqa: S603 - commands of this file

        run(os.path.abspath(python), "-m", "venv", str(folder / "bare"))
        bare = str(folder / "bare" / "bin" / "python")
        run(bare, "-m", "pip", "--disable-pip-version-check", "-qq", "install", f"{Path(wheel).resolve()}{_EXTRAS}")
        run(bare, "-m", "holdall", "doctor")
        for page in _PAGES:
            (folder / "page").mkdir()
            run(bare, "-c", runner(program_of((_HOUSE / page).read_text())), within=folder / "page")
            (folder / "page").rename(folder / Path(page).stem)
        run(bare, "-m", "holdall", "new", "shop")
        run(bare, "-m", "holdall", "create", "shop:app", within=folder / "shop")
        run(bare, "-m", "holdall", "query", "shop:app", "tasks", "--count", within=folder / "shop")


def main() -> int:
    """Try all wheels; ends with the error of the first that does not run."""
    python, *wheels = sys.argv[1:]
    for wheel in wheels:
        print(f"trying {wheel}")
        _try(python, wheel)
    return 0 if wheels else 2


if __name__ == "__main__":
    sys.exit(main())
