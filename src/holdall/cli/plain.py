"""Text of others on the terminal, such as errors and keys: what a terminal would obey is shown, and not done."""

from __future__ import annotations

__all__ = ["line", "lines"]


def line(text: object) -> str:
    r"""Return text as one line that says nothing to a terminal.

    >>> print(line("closed\n\x1b[2J"))
    closed\n\x1b[2J
    """
    return "".join([each if each.isprintable() else repr(each)[1:-1] for each in str(text)])


def lines(text: object) -> str:
    r"""Return text with its line breaks, which says nothing else to a terminal.

    >>> print(lines("two records\n  \x1b[2J"))
    two records
      \x1b[2J
    """
    return "\n".join(map(line, str(text).split("\n")))
