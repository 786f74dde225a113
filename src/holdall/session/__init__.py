"""Sessions: a unit of work over all stores."""

from holdall.session.binding import Binding, Bindings
from holdall.session.order import Edge, Order, order_nodes
from holdall.session.plan import Entry, Plan, Step
from holdall.session.result import CommitResult, Guarantee, Task, TaskState
from holdall.session.session import Session

__all__ = [
    "Binding",
    "Bindings",
    "CommitResult",
    "Edge",
    "Entry",
    "Guarantee",
    "Order",
    "Plan",
    "Session",
    "Step",
    "Task",
    "TaskState",
    "order_nodes",
]
