"""``python -m tools.build_docs``: write ``docs/stores.md`` from the reports that the conformance runs left behind."""

from __future__ import annotations

import ast
import json
import sys
from pathlib import Path
from typing import TypedDict

from holdall.testing.conformance.report import PROTOCOLS

__all__ = ["Report", "page"]

_HOUSE = Path(__file__).resolve().parents[1]
_REPORTS = _HOUSE / "build" / "conformance"
_PAGE = _HOUSE / "docs" / "stores.md"
_VOCABULARY = _HOUSE / "src" / "holdall" / "store" / "capabilities.py"
_CONTRACT = sorted((_HOUSE / "src" / "holdall" / "store").glob("*.py"))

_PROMISES = {
    "tx": "a real transaction",
    "batch": "an atomic batch",
    "idemp": "single calls, repeatable",
    "once": "single calls, not repeatable",
}

_INTRODUCTION = """\
# What each store can do

Written by `make docs` from a run of the conformance suite; not by hand. **yes**: declared, and seen to behave as
`evaluate` defines it. **refused**: not declared, and seen to be refused with `Unsupported` before anything is sent.
**declared**: declared and not tried. **no**: neither declared nor tried. **FAILED**: the run found a fault.
"""


class Report(TypedDict):
    """One store's run, as the suite writes it."""

    store: str
    commit: str
    declared: list[str]
    verified: list[str]
    refused: list[str]
    failed: list[str]


def page(reports: list[Report], absences: dict[str, str]) -> str:
    """The page for these runs; ``absences`` says, by feature or part, what Holdall does without it."""
    parts = [
        _INTRODUCTION,
        _table("Commits", [["all or nothing by", *(_PROMISES[each["commit"]] for each in reports)]], reports),
    ]
    titles = {"feature": "Features", "protocol": "Optional parts", "operator": "Operators", "kind": "Kinds of value"}
    known = {name for each in reports for name in (*each["declared"], *each["refused"], *each["failed"])}
    for group, title in titles.items():
        names = sorted(name for name in known if name.startswith(f"{group}:"))
        rows = [[name.partition(":")[2], *(_state(name, each) for each in reports)] for name in names]
        parts.append(_table(title, rows, reports))
    lines = [f"- **{feature}**: {absence}" for feature, absence in sorted(absences.items())]
    parts.append("## Where one is absent\n\n" + "\n".join(lines) + "\n")
    return "\n".join(parts)


def _state(name: str, report: Report) -> str:
    if name in report["failed"]:
        return "FAILED"
    if name in report["verified"]:
        return "yes"
    if name in report["refused"]:
        return "refused"
    return "declared" if name in report["declared"] else "no"


def _table(title: str, rows: list[list[str]], reports: list[Report]) -> str:
    header = ["", *(report["store"] for report in reports)]
    lines = [header, ["---"] * len(header), *rows]
    return f"## {title}\n\n" + "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def _absences(source: str) -> dict[str, str]:
    """From the vocabulary's own docstrings: what stands after ``Absent:`` below each feature."""
    (feature,) = (node for node in ast.parse(source).body if isinstance(node, ast.ClassDef) and node.name == "Feature")
    found = {}
    for member, said in zip(feature.body, feature.body[1:], strict=False):
        match member, said:
            case ast.Assign(value=ast.Constant(value=str(name))), ast.Expr(value=ast.Constant(value=str(text))):
                found[name] = text.partition("Absent: ")[2]
    return found


def _parts_absent(*files: Path) -> dict[str, str]:
    """From the contract's own docstrings: the sentences after ``In its absence`` in each optional part."""
    nodes = (node for file in files for node in ast.parse(file.read_text()).body)
    classes = (node for node in nodes if isinstance(node, ast.ClassDef))
    said = {node.name: (ast.get_docstring(node) or "").partition("In its absence ")[2] for node in classes}
    parts = {part.__name__ for part in PROTOCOLS}  # others are parts of a transaction, and stand beside their features
    return {name: text.partition("\n\n")[0].replace("``", "`") for name, text in said.items() if text and name in parts}


def main() -> int:
    """Write the page; 1 where there is no report to write it from."""
    paths = sorted(_REPORTS.glob("*.json"), key=lambda path: path.name.lower())
    if not paths:
        print("no conformance report yet: make docs writes them", file=sys.stderr)
        return 1
    reports: list[Report] = [json.loads(path.read_text()) for path in paths]
    absences = _absences(_VOCABULARY.read_text()) | _parts_absent(*_CONTRACT)
    _PAGE.write_text(page(reports, absences))
    print(f"{_PAGE.relative_to(_HOUSE)}: {', '.join(report['store'] for report in reports)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
