"""Sessions: a unit of work over all stores."""

from holdall.session.binding import Binding, Bindings
from holdall.session.order import Edge, Order, order_nodes
from holdall.session.plan import Batch, Plan, Step
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
    "Session",
    "Step",
    "Task",
    "TaskState",
    "order_nodes",
]
