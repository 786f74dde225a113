"""Names for hand-written access: DAOs, query functions and the words they use.

>>> from holdall.dao import DAO, query
"""

from holdall.session import QueryCall, SessionState, Strategy, TaskState, query
from holdall.store import CommitClass, Feature
from holdall.stores.dao import DAO

__all__ = ["DAO", "CommitClass", "Feature", "QueryCall", "SessionState", "Strategy", "TaskState", "query"]
