"""Sessions: a unit of work over all stores."""

from holdall.session.auto_add import adding_new_records
from holdall.session.binding import Binding, Bindings
from holdall.session.entry import CallState, Operation, Part
from holdall.session.explanation import Explanation
from holdall.session.handwritten import bind_dao
from holdall.session.journal import JournalState
from holdall.session.order import Edge, Order, order_nodes
from holdall.session.phase import SessionState
from holdall.session.plan import Batch, Plan, Step
from holdall.session.query_function import QueryCall, query
from holdall.session.recovery import Recovered, Recovery, Unfinished, recovering
from holdall.session.result import CommitResult, Guarantee, Task, TaskState
from holdall.session.schedule import Strategy
from holdall.session.session import Session
from holdall.session.undo import Compensate, Compensation

__all__ = [
    "Batch",
    "Binding",
    "Bindings",
    "CallState",
    "CommitResult",
    "Compensate",
    "Compensation",
    "Edge",
    "Explanation",
    "Guarantee",
    "JournalState",
    "Operation",
    "Order",
    "Part",
    "Plan",
    "QueryCall",
    "Recovered",
    "Recovery",
    "Session",
    "SessionState",
    "Step",
    "Strategy",
    "Task",
    "TaskState",
    "Unfinished",
    "adding_new_records",
    "bind_dao",
    "order_nodes",
    "query",
    "recovering",
]
