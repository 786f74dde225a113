"""A release: the changelog is dated, the version goes up, and a tree that is not ready is refused."""

from __future__ import annotations

import pytest

from tools.release import ReleaseError, dated, notes_of, versioned
from tools.try_wheel import program_of, runner

_CHANGELOG = "# Changelog\n\n## 0.2.0, not yet released\n\n- New.\n\n## 0.1.0, 2029-01-31\n\n- Old.\n"


def test_the_part_of_the_version_gets_its_day_and_becomes_the_notes() -> None:
    made = dated(_CHANGELOG, "0.2.0", "2030-01-31")
    assert "## 0.2.0, 2030-01-31\n" in made
    assert (notes_of(made, "0.2.0"), notes_of(made, "0.1.0"), notes_of(made, "9.9.9")) == ("- New.", "- Old.", "")


@pytest.mark.parametrize(
    "changelog, version",
    [
        (_CHANGELOG, "0.3.0"),
        (_CHANGELOG.replace("not yet released", "2030-01-31"), "0.2.0"),
        ("# Changelog\n\n## 0.2.0, not yet released\n\n## 0.1.0, 2029-01-31\n\n- Old.\n", "0.2.0"),
    ],
)
def test_a_changelog_that_says_nothing_of_it_is_refused(changelog: str, version: str) -> None:
    with pytest.raises(ReleaseError):
        dated(changelog, version, "2030-01-31")


def test_the_version_is_one_and_goes_up() -> None:
    project = 'name = "holdall"\nversion = "0.9.1"\n'
    assert versioned(project, "0.10.0rc1") == 'name = "holdall"\nversion = "0.10.0rc1"\n'
    assert versioned(project, "0.9.1") == project
    for wrong in ("", "0.10", "v0.10.0", "0.10.0-beta", "0.9.0", "latest"):
        with pytest.raises(ReleaseError):
            versioned(project, wrong)


def test_the_program_of_a_page_runs_with_await_at_its_top_level(capsys: pytest.CaptureFixture[str]) -> None:
    page = (
        "```python\nimport asyncio\n```\ntext\n```sh\nls\n```\n```python\nprint(await asyncio.sleep(0, 'done'))\n```\n"
    )
    exec(runner(program_of(page)), {})
    assert capsys.readouterr().out == "done\n"
