"""``holdall new``: a project that runs, with models, an application, tests and a Dockerfile."""

from __future__ import annotations

import keyword
import sys
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Annotated

import typer

from holdall.cli.failure import MISUSE, Failure
from holdall.errors import HoldallError
from holdall.query import Kind
from holdall.store import Feature, Provisioned, Store, extra_of, open_store

__all__ = ["new"]

Name = Annotated[str, typer.Argument(metavar="NAME", help="Its name, which a folder and a package get: shop.")]
Url = Annotated[str | None, typer.Option("--store", metavar="URL", help="Where records are kept; else a SQLite file.")]

WithAdmin = Annotated[bool, typer.Option("--admin", help="With accounts, and the back office at /admin.")]

_FILES = {
    "models.py.txt": "{package}/models.py",
    "application.py.txt": "{package}/application.py",
    "init.py.txt": "{package}/__init__.py",
    "conftest.py.txt": "tests/conftest.py",
    "test.py.txt": "tests/test_{package}.py",
    "pyproject.toml.txt": "pyproject.toml",
    "README.md.txt": "README.md",
    "Dockerfile.txt": "Dockerfile",
    "gitignore.txt": ".gitignore",
}
_ADMIN = """
users = Users(app, store="main")  # accounts: holdall user add
app.identify(Authenticator(users))
SavedLists(app, store="main")  # lists that each user saves under names
service = app.asgi(admin=True)  # with the back office, at /admin
"""
_GENERATED = "int = field(pk=True, generated=True)"
_RANDOM = "UUID = field(pk=True, default_factory=uuid4)"


def new(name: Name, url: Url = None, admin: WithAdmin = False) -> None:
    """Write a project into a new folder: two models, an application that serves them, tests and a Dockerfile."""
    package = _package(name)
    folder = Path(name)
    if folder.exists():
        raise Failure(f"{folder} is there already: choose another name, or remove it")
    url = url or f"sqlite:///{package}.db"
    store = _store(url)
    is_generating = Feature.GENERATED_KEYS in store.capabilities.features
    is_counting = is_generating and Kind.INT in store.capabilities.generated_kinds
    values = {
        "name": name,
        "package": package,
        "variable": package.upper(),
        "url": url.replace("\\", "\\\\").replace('"', '\\"'),
        "extras": ",".join(["cli", "web", *(["admin"] if admin else []), *filter(None, [extra_of(url)])]),
        "key": _GENERATED if is_counting else _RANDOM,
        "imports": "" if is_counting else "from uuid import UUID, uuid4\n",
    }
    values |= _with_admin(package) if admin else _without_admin(package)
    for source, place in _FILES.items():
        path = folder / place.format(package=package)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(Template(_text(source)).substitute(values), encoding="utf-8")
    steps = "\n  ".join(line.partition("#")[0].rstrip() for line in values["serving"].splitlines())
    print(f"{folder} is written; now:\n  cd {folder}\n  {steps}")


def _without_admin(package: str) -> dict[str, str]:
    return {
        "admin_imports": "",
        "admin": "",
        "names": "app",
        "quoted": '"app"',
        "served": "app",
        "serving": f"holdall serve {package}:app --create --reload    # http://127.0.0.1:8000/docs",
    }


def _with_admin(package: str) -> dict[str, str]:
    steps = (
        f"holdall create {package}:app",
        f"holdall user add {package}:users ann --role admin    # asks for a password",
        f"holdall serve {package}:service --reload    # http://127.0.0.1:8000/admin",
    )
    return {
        "admin_imports": "\nfrom holdall.admin import SavedLists\nfrom holdall.users import Authenticator, Users",
        "admin": _ADMIN,
        "names": "app, service, users",
        "quoted": '"app", "service", "users"',
        "served": "service",
        "serving": "\n".join(steps),
    }


def _text(source: str) -> str:
    return (files("holdall.cli") / "scaffold" / source).read_text(encoding="utf-8")


def _package(name: str) -> str:
    package = name.replace("-", "_")
    if not package.isidentifier() or keyword.iskeyword(package) or not package.isascii() or package != package.lower():
        raise Failure(f"{name!r} is no name of a package: write small letters, digits and -, as in book-shop", MISUSE)
    if package in sys.stdlib_module_names or package in ("holdall", "tests"):
        raise Failure(f"{name!r} is the name of a module that is needed: choose another", MISUSE)
    return package


def _store(url: str) -> Store:
    try:
        store = open_store("main", url)
    except HoldallError as error:
        raise Failure(str(error), MISUSE) from error
    if not isinstance(store, Provisioned):
        raise Failure(
            f"{url.partition(':')[0]} has collections of its own: holdall inspect {url} writes models for them", MISUSE
        )
    return store
