"""Sentences name their subject: none begins with "it", "what" or "who"; idioms that hide a plain verb are out."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.prose import faults_in, sentences_of_docstrings, sentences_of_documents, sentences_of_messages
from tests.support.sources import HOUSE, PACKAGE, by_folder, house_files, place_of

_GENERATED = ("docs/files.md",)
_DOCUMENTS = [path for path in house_files(HOUSE, "*.md") if place_of(path) not in _GENERATED]
_FOLDERS = by_folder(house_files(PACKAGE, "*.py"))


@pytest.mark.parametrize("path", _DOCUMENTS, ids=place_of)
def test_sentences_of_a_document_name_their_subject(path: Path) -> None:
    assert [sentence for sentence in sentences_of_documents(path) if faults_in(sentence)] == []


@pytest.mark.parametrize("paths", _FOLDERS.values(), ids=_FOLDERS)
def test_docstrings_and_messages_of_modules_name_their_subject(paths: list[Path]) -> None:
    told = [(path, text) for path in paths for text in (*sentences_of_docstrings(path), *sentences_of_messages(path))]
    assert [(place_of(path), sentence) for path, sentence in told if faults_in(sentence)] == []


@pytest.mark.parametrize(
    "sentence",
    [
        "It lists the stores.",
        "What came back.",
        "Who asks waits.",
        "So many keys, and no more.",
        "Return what came of it.",
        "The page tells of it.",
        "Wait for so many seconds.",
        "The key as it is by now.",
        "The commit is settled by whoever meets it.",
    ],
)
def test_a_riddle_is_seen(sentence: str) -> None:
    assert faults_in(sentence)


@pytest.mark.parametrize(
    "sentence",
    [
        "Return the stores.",
        "A store says what it can do.",
        "The page lists so many that no more fit.",
        "Items come at the end.",
    ],
)
def test_a_plain_sentence_passes(sentence: str) -> None:
    assert not faults_in(sentence)


def test_sentences_are_found_everywhere(tmp_path: Path) -> None:
    code = tmp_path / "code.py"
    code.write_text('"""One. Two.\n\n>>> It()\n"""\ndef f():\n    raise ValueError(f"{f} is wrong")\n')
    assert [*sentences_of_docstrings(code), *sentences_of_messages(code)] == ["One.", "Two.", "{} is wrong"]
    page = tmp_path / "page.md"
    page.write_text("# What is a title\n\n- **Bold.** It is one.\n\n| a | What b |\n\n```sh\nWhat is code\n```\n")
    assert list(sentences_of_documents(page)) == ["Bold.", "It is one.", "a", "What b"]
