"""Requests that may be repeated: the answer is kept with the commit, and given again under the same key."""

from holdall.web.idempotency.kept_answer import KeptAnswers, is_hidden, kept_answers
from holdall.web.idempotency.repeatable import Repeatable

__all__ = ["KeptAnswers", "Repeatable", "is_hidden", "kept_answers"]
