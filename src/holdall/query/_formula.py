"""Formulas as they stand in paths: the text of a term, which is its name, with the term itself."""

from __future__ import annotations

from holdall.query.border import Value

__all__ = ["Formula"]


class Formula(str):
    """The only step of a path that leads to no field but to a value computed of fields: ``lower(author.name)``.

    A formula equals its text and hashes as that, so that paths, shapes and names of columns need not tell them apart.

    >>> from holdall.query import Call, Of, formula
    >>> lowered = formula(Call("lower", (Of(("author", "name")),)))
    >>> lowered, lowered.paths
    ('lower(author.name)', (('author', 'name'),))
    """

    __slots__ = ("outer", "paths", "term")

    term: Value
    """The ``Term`` that it is of."""
    paths: tuple[tuple[str, ...], ...]
    """What it is computed of, in the order of its text."""
    outer: tuple[tuple[str, ...], ...]
    """What it is computed of in the record of the query around."""

    @property
    def is_own(self) -> bool:
        """Whether all that it is computed of lies in the collection itself."""
        return all(len(path) == 1 for path in self.paths)
