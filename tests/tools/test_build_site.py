"""The site: links lead to pages, examples stand in fences, nothing is asked of others, every public name is there."""

from __future__ import annotations

import importlib

import pytest

from tests.support.sources import HOUSE
from tools.build_site import NAV, configuration, doors, index, llms, outside_requests, readable, reference, relinked


def test_links_around_the_documents_lead_to_pages() -> None:
    assert relinked("[a](../CHANGELOG.md#x) [b](models.md) [c](https://x.example)", "") == (
        "[a](changelog.md#x) [b](models.md) [c](https://x.example)"
    )
    assert relinked("[a](../../README.md) [b](../models.md)", "coming-from") == "[a](../index.md) [b](../models.md)"
    assert index("[a](docs/models.md#x) [b](CONTRIBUTING.md)") == "[a](models.md#x) [b](contributing.md)"


def test_examples_of_docstrings_stand_in_fences() -> None:
    source = '    """Add.\n\n    >>> add(1)\n    2\n\n    See :class:`~a.B`.\n    """\n'
    assert readable(source) == (
        '    """Add.\n\n    ```pycon\n    >>> add(1)\n    2\n    ```\n\n    See `a.B`.\n    """\n'
    )
    assert readable('    """>>> 1\n    >>> 2\n    """') == '    """>>> 1\n    ```pycon\n    >>> 2\n    ```\n    """'


@pytest.mark.parametrize(
    "text",
    [
        '<script src="https://cdn.example/x.js"></script>',
        '<link rel="stylesheet" href="//fonts.example/css">',
        "<link href=https://x.example/i.png rel=icon>",
        "<img class='a' src='http://x.example/i.png'>",
        "body { background: url(https://x.example/i.png) }",
        '@import "https://x.example/a.css";',
    ],
)
def test_a_request_to_somebody_else_is_seen(text: str) -> None:
    assert len(outside_requests(text)) == 1


def test_a_link_that_a_reader_follows_is_none() -> None:
    page = '<a href="https://x.example">x</a><link rel="canonical" href="https://x.example"><img src="data:image/png">'
    assert outside_requests(page) == []
    theme = configuration([])["theme"]
    assert isinstance(theme, dict)
    assert theme["font"] is False


def test_every_name_that_a_door_exports_is_in_the_reference() -> None:
    pages = dict(reference())
    assert set(pages) == set(doors())
    assert {"holdall", "holdall.query", "holdall.errors", "holdall.stores.rest", "holdall.testing.factories"} <= set(
        pages
    )
    for door, text in pages.items():
        missing = [
            name
            for name in importlib.import_module(door).__all__
            if f"::: {door}.{name}\n" not in text and f"## {name}\n" not in text
        ]
        assert missing == [], door


def test_every_page_is_in_the_menu_and_in_the_list_for_assistants() -> None:
    listed = [page for pages in NAV.values() for page in pages]
    assert len(listed) == len(set(listed))
    written = {path.relative_to(HOUSE / "docs").with_suffix("").as_posix() for path in (HOUSE / "docs").rglob("*.md")}
    roots = {"index", "changelog", "contributing", "security-policy", "code-of-conduct"}
    assert written ^ set(listed) == roots, "add a new page to NAV of tools/build_site.py"
    told = llms({f"{page}.md": f"# T {page}\n\n```sh\nls\n```\n\nSays [this](x.md) first: more.\n" for page in listed})
    assert told.count("): Says this first\n") == len(listed)
