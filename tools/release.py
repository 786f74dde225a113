"""``python -m tools.release VERSION``: date the changelog, set the version, commit and tag; nothing is published."""

from __future__ import annotations

import datetime as dt
import re
import subprocess
import sys
from pathlib import Path

__all__ = ["ReleaseError", "dated", "notes_of", "versioned"]

_HOUSE = Path(__file__).resolve().parents[1]
_VERSION = re.compile(r"\d+\.\d+\.\d+(?:(?:a|b|rc)\d+)?")


class ReleaseError(Exception):
    """The tree is not as a release needs it."""


def dated(changelog: str, version: str, day: str) -> str:
    """The changelog with the part that is not yet released as that of a version. Raises ReleaseError without one.

    >>> dated("# Changelog\\n\\n## 0.2.0, not yet released\\n\\n- A.\\n", "0.2.0", "2030-01-31")
    '# Changelog\\n\\n## 0.2.0, 2030-01-31\\n\\n- A.\\n'
    """
    heading = f"## {version}, not yet released\n"
    if changelog.count("not yet released\n") != 1 or heading not in changelog:
        raise ReleaseError(f"CHANGELOG.md needs one part that is not yet released, {heading.strip()!r}")
    made = changelog.replace(heading, f"## {version}, {day}\n")
    if not notes_of(made, version):
        raise ReleaseError(f"CHANGELOG.md says nothing of {version}")
    return made


def notes_of(changelog: str, version: str) -> str:
    """What the changelog says of a version.

    >>> notes_of("# Changelog\\n\\n## 0.2.0, 2030-01-31\\n\\n- A.\\n\\n## 0.1.0, 2029-01-31\\n\\n- B.\\n", "0.2.0")
    '- A.'
    """
    parts = re.split(r"^## (\S+), [^\n]*\n", changelog, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True)).get(version, "").strip()


def versioned(project: str, version: str) -> str:
    """``pyproject.toml`` with this version. Raises ReleaseError for what is no version, or is older than what is there.

    >>> versioned('version = "0.1.0"\\n', "0.2.0")
    'version = "0.2.0"\\n'
    """
    if not _VERSION.fullmatch(version):
        raise ReleaseError(f"{version!r} is no version: write three numbers, as in 0.2.0")
    (now,) = re.findall(r'^version = "(.*)"$', project, re.MULTILINE)
    if _numbers(version) < _numbers(now):
        raise ReleaseError(f"{version} is older than {now}")
    return project.replace(f'version = "{now}"', f'version = "{version}"', 1)


def _numbers(version: str) -> list[int]:
    return [int(part) for part in re.split(r"\D+", version)[:3]]


def main() -> int:
    """Make the release; 1 where the tree is not as it needs to be."""
    version = sys.argv[1] if len(sys.argv) == 2 else ""
    changelog, project = _HOUSE / "CHANGELOG.md", _HOUSE / "pyproject.toml"
    try:
        if _git("status", "--porcelain"):
            raise ReleaseError("commit everything first")
        day = dt.datetime.now(dt.UTC).date().isoformat()
        texts = {
            project: versioned(project.read_text(), version),
            changelog: dated(changelog.read_text(), version, day),
        }
    except ReleaseError as error:
        print(f"no release: {error}", file=sys.stderr)
        return 1
    for path, text in texts.items():
        path.write_text(text)
    _git("commit", "-qam", f"release: {version}")
    _git("tag", "-a", f"v{version}", "-m", notes_of(changelog.read_text(), version))
    print(
        f"v{version} is tagged. Next: make wheel, look at build/dist, then git push --follow-tags and upload build/dist"
    )
    return 0


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=_HOUSE, check=True, capture_output=True, text=True).stdout  # noqa: S603, S607


if __name__ == "__main__":
    sys.exit(main())
