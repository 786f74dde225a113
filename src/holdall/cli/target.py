"""From ``module:app`` on the command line to the application it means."""

from __future__ import annotations

import importlib
import inspect
import os
import sys
from typing import Annotated, Any, TypeAlias

import typer

from holdall.app import Holdall
from holdall.cli.blame import blame
from holdall.cli.failure import MISUSE, REFUSED, Failure
from holdall.errors import HoldallError

__all__ = ["Target", "TargetText", "named"]

TargetText: TypeAlias = Annotated[
    str, typer.Argument(metavar="MODULE:APP", help="A Holdall, its asgi(), or a function that returns one of them.")
]


class Target:
    """An application found by name; raises Failure where there is none."""

    def __init__(self, text: str) -> None:
        self.text = text
        found = _made(text, named(text, "module:app, as in library:app"))
        # What asgi() gives knows its application; the command line must not know the web framework.
        self._service = None if isinstance(found, Holdall) else found
        app = found if isinstance(found, Holdall) else getattr(found, "holdall", None)
        if not isinstance(app, Holdall):
            raise Failure(
                f"{text} is {_described(found)}; it must be a Holdall, what its asgi() gives,"
                " or a function that returns one of them",
                MISUSE,
            )
        self.app = app

    def service(self, **options: object) -> Any:
        """The application's REST service: its own if the target is one, else a new one with these options.

        Raises Failure where a new one cannot be made.
        """
        if self._service is not None:
            return self._service
        try:
            return self.app.asgi(**options)
        except HoldallError as error:
            raise Failure(str(error)) from error


def named(text: str, form: str) -> Any:
    """The value that a module has under a name, both given in a text of this form. Raises Failure where it has none."""
    module_name, separator, path = text.partition(":")
    if not (separator and module_name and path):
        raise Failure(f"{text!r} is not of the form {form}", MISUSE)
    if module_name.endswith(".py") or "/" in module_name or os.sep in module_name:
        raise Failure(f"{module_name!r} is a file; name the module as an import does: {form}", MISUSE)
    found: Any = _module(module_name)
    for name in path.split("."):
        if not hasattr(found, name):
            raise Failure(f"module {module_name} has no {path}", MISUSE)
        found = getattr(found, name)
    return found


def _module(name: str) -> Any:
    here = os.getcwd()
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(f"{error.name}.")):
            raise Failure(f"there is no module {error.name}, neither in this folder nor installed", MISUSE) from error
        raise Failure(f"module {name} {blame(error)}") from error
    except (Exception, SystemExit) as error:
        raise Failure(f"module {name} {blame(error)}") from error


def _made(text: str, found: object) -> Any:
    if isinstance(found, Holdall) or hasattr(found, "holdall") or not callable(found):
        return found
    try:
        inspect.signature(found).bind()
    except TypeError as error:
        raise Failure(f"{text} cannot be called without arguments: {error}", MISUSE) from error
    except ValueError:
        return found  # built in and silent about its arguments: surely none of ours
    try:
        made = found()
    except Exception as error:
        raise Failure(f"{text}() {blame(error)}", REFUSED) from error
    if inspect.iscoroutine(made):
        made.close()
        raise Failure(f"{text} is an async function; the one that makes the application must not be", MISUSE)
    return made


def _described(found: object) -> str:
    return "None" if found is None else f"of type {type(found).__name__}"
