"""The examples in docstrings, found in the source: also those of properties, decorated functions and moved classes."""

from __future__ import annotations

import ast
import doctest
import importlib
import io
from collections.abc import Iterator
from pathlib import Path

import holdall
from tests.support.sources import PACKAGE, house_files, parsed

__all__ = ["MODULES", "docstrings", "examples", "failures", "module_of"]

MODULES = [path for path in house_files(PACKAGE, "*.py") if ">>>" in path.read_text()]


def module_of(path: Path) -> str:
    """The name under which a file of the package is imported."""
    return ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")


def docstrings(path: Path) -> Iterator[tuple[str, int, str]]:
    """The name, the line and the text of every docstring of a file; its own comes first, under no name."""
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            text = ast.get_docstring(node)
            if text is not None:
                yield ("", 1, text) if isinstance(node, ast.Module) else (node.name, node.lineno, text)


def examples(path: Path) -> Iterator[doctest.DocTest]:
    """The examples of every docstring of a file; they see the module's names and those of ``holdall``."""
    module = importlib.import_module(module_of(path))
    seen = {**vars(module), **{name: getattr(holdall, name) for name in holdall.__all__}}
    for name, line, text in docstrings(path):
        if ">>>" in text:
            yield doctest.DocTestParser().get_doctest(text, dict(seen), f"{path.stem}.{name}", str(path), line)


def failures(path: Path) -> str:
    """Run the examples of a file; what went otherwise than its docstrings say, empty where nothing did.

    Raises AssertionError where there are none.
    """
    out = io.StringIO()
    found = list(examples(path))
    assert found, f"{path} has no examples"
    for test in found:
        doctest.DocTestRunner(verbose=False).run(test, out=out.write)
    return out.getvalue()
