"""Results of the items of a bulk request: a result for each, or one problem for all that stood in the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from holdall.errors import FieldError
from holdall.web.bulk.items import Misunderstood
from holdall.web.preferences import Preferences
from holdall.web.problem import Problem
from holdall.web.reply import Reply, json_reply

__all__ = ["Result", "together", "told"]


class Result(msgspec.Struct, omit_defaults=True):
    """The end of one item, with the key, the place, the ETag and the JSON of its record, or with its problem."""

    status: int
    key: str = ""
    location: str = ""
    etag: str = ""
    data: msgspec.Raw | None = None
    problem: msgspec.Raw | None = None

    @classmethod
    def of(cls, problem: Problem) -> Result:
        """The result of an item that was refused."""
        return cls(problem.status, problem=msgspec.Raw(problem.document()))


def told(status: int, results: Sequence[Result], preferences: Preferences) -> Reply:
    """The answer with all results, without the records themselves where these are not wanted."""
    if preferences.is_minimal:
        for result in results:
            result.data = None
    return json_reply(status, msgspec.json.encode({"items": results}), *preferences.headers)


def together(problems: Mapping[int, Problem], within: str = "") -> Problem:
    """One problem for all items that stand in the way, each by its place; ``within`` an item its values lie there."""
    errors: list[FieldError] = []
    for place, problem in problems.items():
        if not problem.errors:
            errors.append(FieldError(str(place), problem.code, problem.detail))
        inside = () if isinstance(problem, Misunderstood) or not within else (within,)
        for error in problem.errors:
            path = ".".join([str(place), *inside, *([error.path] if error.path else [])])
            errors.append(FieldError(path, error.code, error.message))
    detail = "Nothing was written; each item that stands in the way is listed."
    if len({problem.status for problem in problems.values()}) == 1:
        return next(iter(problems.values())).among(detail, errors)
    return Problem(422, "invalid", detail, errors, has_pointers=True)
