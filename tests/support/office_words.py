"""The texts of the back office that are to be in every language."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from holdall.admin.filters import OPERATORS
from holdall.admin.menu import OPERATIONS
from holdall.admin.pages.logins import KEYS
from holdall.admin.visit import SAID
from tests.support.sources import PACKAGE, house_files, parsed

__all__ = ["texts"]

_IN_TEMPLATE = re.compile(r"""\b_\("((?:[^"\\]|\\.)*)"|\b_\('((?:[^'\\]|\\.)*)'""")
_MADE = ("yes", "no", "auto", "light", "dark", "as the system has it", "read", "create", "update", "delete")
_STATES = ("well", "down", "unknown", "created", "changed", "deleted")
_COMMITS = ("begun", "decided", "undoing", "listed", "aborted", "written", "not written", "refused", "calls")
_CLASSES = (*("a transaction", "an indivisible batch", "single calls, repeatable", "single calls, not repeatable"),)
_JOBS = ("planning", "running", "cancelled", "done")
_FAULTS = ("unreadable", "dangling", "one-sided", "shared")


def texts() -> set[str]:
    """Every text that templates and pages say by themselves."""
    found = {
        *SAID.values(),
        *OPERATIONS.values(),
        *_MADE[:3],
        *_MADE[3:],
        *_STATES,
        *_COMMITS,
        *_CLASSES,
        *_JOBS,
        *_FAULTS,
    }
    found |= {told for _, told in KEYS}
    for _, operator in OPERATORS:
        found |= {operator, operator.partition(" (")[0]}
    for path in house_files(PACKAGE / "admin", "*.html"):
        found |= {one or other for one, other in _IN_TEMPLATE.findall(path.read_text())}
    for path in house_files(PACKAGE / "admin", "*.py"):
        found |= set(_said(parsed(path)))
    return found - {"auto"}


def _said(tree: ast.Module) -> Iterator[str]:
    """The texts that are given to ``words``."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(
                func=ast.Name(id="words") | ast.Attribute(attr="words"), args=[ast.Constant(value=str(text)), *_]
            ):
                yield text
