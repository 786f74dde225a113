"""``python -m tools.build_site MKDOCS``: put the site together in ``build/site``, build it, look for outside requests.

The pages are those of ``docs``, the README and its neighbours; the reference has every name that a door exports, from
the docstrings, and ``llms.txt`` lists all pages for assistants. The site has its fonts, scripts and styles itself.
"""

from __future__ import annotations

import importlib
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tools.build_errors import pages as error_pages

__all__ = ["configuration", "doors", "index", "llms", "outside_requests", "readable", "reference", "relinked"]

_HOUSE = Path(__file__).resolve().parents[1]
_PACKAGE = _HOUSE / "src" / "holdall"
_SITE = _HOUSE / "build" / "site"
_SOURCE, _PYTHON, _HTML = _SITE / "source", _SITE / "python", _SITE / "html"

_ROOT_PAGES = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security-policy.md",
    "CODE_OF_CONDUCT.md": "code-of-conduct.md",
}
_LINK = re.compile(r"(\]\(\s*)(?!\w+:)([^)#\s]+)")

NAV: dict[str, list[str]] = {
    "First steps": ["index", "tutorial", "command-line", "models", "session", "queries"],
    "How to": [
        *("http", "back-office", "views", "users", "actions", "events", "attachments"),
        *("assistants", "services", "jobs", "tasks"),
        *("import-export", "existing-databases", "revisions", "moving", "testing", "seeing"),
    ],
    "Stores": ["stores", "sql", "sqlite", "mongo", "redis", "yaml", "rest"],
    "Run it": ["production", "deployment", "security", "errors"],
    "Explanation": ["commits", "references", "policies", "performance", "comparison", "words"],
    "Coming from": [
        f"coming-from/{name}" for name in ("sqlalchemy", "restio", "fastapi-restly", "polydatum", "repocket", "backo")
    ],
    "Project": [
        *("public", "changelog", "contributing", "security-policy", "code-of-conduct", "architecture", "files"),
        *sorted(f"decisions/{path.stem}" for path in (_HOUSE / "docs" / "decisions").glob("*.md")),
    ],
}
"""The pages, by what a reader wants; the reference comes last."""


def doors() -> list[str]:
    """The modules whose names are public, as ``docs/public.md`` says: those that the page names, and every room."""
    named = re.findall(r"`(holdall(?:\.\w+)*|\.\w+)`", (_HOUSE / "docs" / "public.md").read_text())
    asked = [f"holdall.testing{name}" if name.startswith(".") else name for name in named]
    rooms = sorted(path.parent for path in _PACKAGE.glob("*/__init__.py"))
    stores = sorted(path.parent for path in (_PACKAGE / "stores").glob("*/__init__.py"))
    testing = sorted(path.with_suffix("") for path in (_PACKAGE / "testing").glob("[!_]*.py"))
    every = [".".join(path.relative_to(_PACKAGE.parent).parts) for path in (*rooms, *stores, *testing)]
    found = list[str]()
    for name in dict.fromkeys([*asked, *every]):
        try:
            module = importlib.import_module(name)
        except ModuleNotFoundError:
            continue  # a group of entry points
        if getattr(module, "__all__", None):
            found.append(name)
    return found


def reference() -> Iterator[tuple[str, str]]:
    """The name and text of a page for each door; an object that several doors export is told of at the first."""
    told = dict[int, str]()
    for door in doors():
        module = importlib.import_module(door)
        parts = [f"# {door}\n", (module.__doc__ or "").strip().partition("\n\n")[0] + "\n"]
        for name in sorted(module.__all__):
            value = getattr(module, name)
            place = told.setdefault(id(value), door) if hasattr(value, "__module__") else door
            if place == door:
                parts.append(f"::: {door}.{name}\n    options:\n      heading_level: 2\n")
            else:
                parts.append(f"## {name}\n\nSee [{place}.{name}][{place}.{name}].\n")
        yield door, "\n".join(parts)


def relinked(text: str, folder: str) -> str:
    """The text of a page in a folder of the site, with links to files around ``docs`` leading to their pages.

    >>> relinked("[a](../CHANGELOG.md) [b](../LICENSE) [c](x.md#y)", "")
    '[a](changelog.md) [b](LICENSE) [c](x.md#y)'
    """
    depth = folder.count("/") + 1 if folder else 0

    def lead(match: re.Match[str]) -> str:
        path = match[2]
        plain = path.removeprefix("../" * (depth + 1)) if path.startswith("../" * (depth + 1)) else None
        if plain is None:
            return match[0]
        return match[1] + "../" * depth + _ROOT_PAGES.get(plain, plain)

    return _LINK.sub(lead, text)


def index(text: str) -> str:
    """A page from the root of the repository, with links as they are in the site.

    >>> index("[a](docs/models.md#x) [b](CONTRIBUTING.md)")
    '[a](models.md#x) [b](contributing.md)'
    """
    return _LINK.sub(lambda match: match[1] + _ROOT_PAGES.get(match[2], match[2].removeprefix("docs/")), text)


def readable(source: str) -> str:
    """A module whose docstrings are Markdown: examples stand in fences, and roles are plain code.

    >>> readable('    >>> 1 + 1\\n    2\\n\\n    Example: :class:`Query`.')
    '    ```pycon\\n    >>> 1 + 1\\n    2\\n    ```\\n\\n    Example: `Query`.'
    """
    lines, is_inside, indent = list[str](), False, ""
    for line in re.sub(r":(?:class|func|meth|mod|data):`~?([^`]+)`", r"`\1`", source).split("\n"):
        stripped = line.strip()
        if not is_inside and stripped.startswith(">>> "):
            is_inside, indent = True, line[: len(line) - len(line.lstrip())]
            lines.append(f"{indent}```pycon")
        elif is_inside and (not stripped or stripped.startswith('"""')):
            is_inside = False
            lines.append(f"{indent}```")
        lines.append(line)
    return "\n".join([*lines, f"{indent}```"] if is_inside else lines)


def configuration(pages: list[str]) -> dict[str, object]:
    """The settings of mkdocs, with the pages of the reference."""
    nav: list[dict[str, object]] = [{title: [f"{page}.md" for page in pages]} for title, pages in NAV.items()]
    nav.append({"Reference": [{page: f"reference/{page}.md"} for page in pages]})
    plain = {"show_root_heading": True, "show_root_full_path": False, "show_source": False, "docstring_style": None}
    more = {
        "members_order": "source",
        "show_symbol_type_heading": True,
        "separate_signature": True,
        "show_bases": False,
    }
    return {
        "site_name": "Holdall",
        "site_description": "One model, any store, one API.",
        "docs_dir": str(_SOURCE),
        "site_dir": str(_HTML),
        "use_directory_urls": False,
        "theme": {
            "name": "material",
            "font": False,
            "features": ["navigation.tabs", "navigation.top", "toc.follow", "content.code.copy", "search.suggest"],
            "palette": [
                {
                    "media": f"(prefers-color-scheme: {scheme})",
                    "scheme": name,
                    "toggle": {"icon": icon, "name": "Colours"},
                }
                for scheme, name, icon in (
                    ("light", "default", "material/weather-night"),
                    ("dark", "slate", "material/weather-sunny"),
                )
            ],
        },
        "plugins": [
            "search",
            {"mkdocstrings": {"handlers": {"python": {"paths": [str(_PYTHON)], "options": plain | more}}}},
        ],
        "markdown_extensions": [
            "tables",
            "admonition",
            "pymdownx.superfences",
            "pymdownx.highlight",
            "attr_list",
            {"toc": {"permalink": True}},
        ],
        "validation": {
            "links": dict.fromkeys(("not_found", "anchors", "absolute_links", "unrecognized_links"), "warn")
        },
        "nav": nav,
    }


def llms(pages: dict[str, str]) -> str:
    """An index of pages for assistants (llmstxt.org): a title, what the whole is, and a line for each page."""
    lines = [
        "# Holdall",
        "",
        "> One model, any store, one API: typed records over SQL, MongoDB, Redis, YAML and REST.",
        "",
    ]
    for title, names in NAV.items():
        lines += [f"## {title}", ""]
        for name in names:
            heading, said = _said(pages[f"{name}.md"])
            lines.append(f"- [{heading}]({name}.md): {said}")
        lines.append("")
    return "\n".join(lines)


def _said(text: str) -> tuple[str, str]:
    """The heading of a page, and its first sentence."""
    heading = next((line[2:] for line in text.splitlines() if line.startswith("# ")), "")
    text = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    prose = [part for part in text.split("\n\n") if part and part[0] not in "#`|-[" and not part.startswith("  ")]
    sentence = re.split(r"(?<=[.:])\s", " ".join(prose[0].split()))[0] if prose else ""
    return heading, re.sub(r"\[([^]]+)\]\([^)]*\)", r"\1", sentence).removesuffix(":")


def outside_requests(text: str) -> list[str]:
    """The addresses elsewhere that a page of HTML or a style would ask by itself; links that a reader follows are none.

    >>> outside_requests('<script src="https://cdn.example/x.js"></script><a href="https://example.org">x</a>')
    ['https://cdn.example/x.js']
    """
    loaded = r"<(?:script|img|iframe|source|video|audio|embed)\b[^>]*?\bsrc=[\"']?((?:https?:)?//[^\"'\s>]+)"
    kinds = "stylesheet|icon|preload|preconnect|prefetch"
    linked = rf"<link\b(?=[^>]*\brel=[\"']?(?:{kinds}))[^>]*?\bhref=[\"']?((?:https?:)?//[^\"'\s>]+)"
    styled = r"(?:url\(\s*[\"']?|@import\s+[\"'])((?:https?:)?//[^\"'\s)]+)"
    return [found for pattern in (loaded, linked, styled) for found in re.findall(pattern, text)]


def _assemble() -> None:
    shutil.rmtree(_SITE, ignore_errors=True)
    shutil.copytree(_HOUSE / "docs", _SOURCE, ignore=shutil.ignore_patterns("requirements.lock", "__pycache__"))
    for name, page in _ROOT_PAGES.items():
        (_SOURCE / page).write_text(index((_HOUSE / name).read_text()))
    for path in _SOURCE.rglob("*.md"):
        folder = path.parent.relative_to(_SOURCE).as_posix()
        path.write_text(relinked(path.read_text(), "" if folder == "." else folder))
    known = {path.relative_to(_SOURCE).with_suffix("").as_posix() for path in _SOURCE.rglob("*.md")}
    if lost := known ^ {page for pages in NAV.values() for page in pages}:
        raise SystemExit(f"NAV of tools/build_site.py and docs/ do not agree about {', '.join(sorted(lost))}")
    pages = {path.relative_to(_SOURCE).as_posix(): path.read_text() for path in _SOURCE.rglob("*.md")}
    (_SOURCE / "llms.txt").write_text(llms(pages))
    (_SOURCE / "llms-full.txt").write_text("\n\n".join(pages[f"{name}.md"] for names in NAV.values() for name in names))
    (_SOURCE / "errors").mkdir()
    for name, text in error_pages().items():
        (_SOURCE / f"{name}.md").write_text(text)
    (_SOURCE / "reference").mkdir()
    names = list[str]()
    for name, text in reference():
        names.append(name)
        (_SOURCE / "reference" / f"{name}.md").write_text(text)
    for path in _PACKAGE.rglob("*.py"):
        place = _PYTHON / path.relative_to(_HOUSE / "src")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(readable(path.read_text()))
    (_SITE / "mkdocs.yml").write_text(json.dumps(configuration(names), indent=1))  # JSON is YAML


def main() -> int:
    """Build the site; 1 where a link leads nowhere, or a page would ask somebody else for a part of it."""
    _assemble()
    built = subprocess.run([sys.argv[1], "build", "--strict", "--quiet", "-f", str(_SITE / "mkdocs.yml")], check=False)  # noqa: S603
    if built.returncode:
        return 1
    asked = {
        f"{path.relative_to(_HTML)}: {address}"
        for path in _HTML.rglob("*")
        if path.suffix in (".html", ".css")
        for address in outside_requests(path.read_text())
    }
    for line in sorted(asked):
        print(f"outside request: {line}", file=sys.stderr)
    print(f"{_HTML.relative_to(_HOUSE)}: {sum(1 for _ in _HTML.rglob('*.html'))} pages")
    return 1 if asked else 0


if __name__ == "__main__":
    sys.exit(main())
