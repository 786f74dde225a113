"""Sessions: a unit of work over all stores."""

from holdall.session.auto_add import adding_new_records
from holdall.session.binding import Binding, Bindings
from holdall.session.handwritten import bind_dao
from holdall.session.order import Edge, Order, order_nodes
from holdall.session.phase import SessionState
from holdall.session.plan import Batch, Plan, Step
from holdall.session.query_function import QueryCall, query
from holdall.session.result import CommitResult, Guarantee, Task, TaskState
from holdall.session.session import Session

__all__ = [
    "Batch",
    "Binding",
    "Bindings",
    "CommitResult",
    "Edge",
    "Guarantee",
    "Order",
    "Plan",
    "QueryCall",
    "Session",
    "SessionState",
    "Step",
    "Task",
    "TaskState",
    "adding_new_records",
    "bind_dao",
    "order_nodes",
    "query",
]
