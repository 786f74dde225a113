"""Names for hand-written access: DAOs, query functions and the words they use.

>>> from holdall.dao import DAO, query
"""

from holdall.session import DAO, QueryCall, SessionState, Strategy, TaskState, query
from holdall.store import CommitClass, Feature

__all__ = ["DAO", "CommitClass", "Feature", "QueryCall", "SessionState", "Strategy", "TaskState", "query"]
