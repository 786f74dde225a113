"""Sentences of docstrings, documents and messages, and what is wrong with their language."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.support.examples import docstrings
from tests.support.sources import parsed

__all__ = ["faults_in", "sentences_of_docstrings", "sentences_of_documents", "sentences_of_messages"]

_NO_NOUN = re.compile(
    r"^(?:It|It's|What|What's|Who|Whoever|Whatever|So many|So much|That which|Those that|Those who|He|She|He who)\b"
)
_IDIOM = re.compile(
    r"\bwhat (?:has |had |have )?(?:came|come|comes|became|becomes?) of\b"
    r"|\b(?:tell|tells|told|telling) of\b"
    r"|\bas it is by now\b|\bby now\b"
    r"|\bso (?:many|much)\b(?! (?:as|that))"
    r"|\bwhoever\b|\bnobody else will\b",
    re.IGNORECASE,
)
_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z`\"(])")
_CODE = re.compile(r"^\s*(?:>>>|\.\.\.|├|│|└)", re.MULTILINE)
_FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_MARKUP = re.compile(r"^(?:[-*] |#+ |> |\d+\. )|\*\*|^\| ", re.MULTILINE)


def faults_in(sentence: str) -> list[str]:
    """A subject that no noun comes before, and idioms that say less than a plain verb."""
    return _NO_NOUN.findall(sentence) + _IDIOM.findall(sentence)


def _sentences(paragraph: str) -> list[str]:
    return [each for each in _END.split(" ".join(paragraph.split())) if each]


def sentences_of_docstrings(path: Path) -> Iterator[str]:
    """The sentences of every docstring of a file, code apart."""
    for _, _, text in docstrings(path):
        for paragraph in re.split(r"\n\s*\n", text):
            if not _CODE.search(paragraph):
                yield from _sentences(paragraph)


def sentences_of_documents(path: Path) -> Iterator[str]:
    """The sentences of a Markdown page: of paragraphs, items and the cells of tables, not its headings and code."""
    text = _FENCE.sub("", path.read_text())
    for paragraph in re.split(r"\n\s*\n|\n(?=[-*] |\d+\. |\||#)", text):
        if paragraph.lstrip().startswith("#"):
            continue
        for cell in paragraph.split(" | ") if paragraph.lstrip().startswith("|") else [paragraph]:
            yield from _sentences(_MARKUP.sub("", cell.strip().strip("|").strip()))


def sentences_of_messages(path: Path) -> Iterator[str]:
    """The texts that a file raises errors with; what is put in stands as ``{}``."""
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Raise) and node.exc is not None:
            parts = list(ast.walk(node.exc))
            inner = {id(item) for part in parts if isinstance(part, ast.JoinedStr) for item in part.values}
            for part in parts:
                if isinstance(part, ast.JoinedStr):
                    yield "".join(str(item.value) if isinstance(item, ast.Constant) else "{}" for item in part.values)
                elif isinstance(part, ast.Constant) and isinstance(part.value, str) and id(part) not in inner:
                    yield part.value
