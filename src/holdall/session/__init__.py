"""Sessions: a unit of work over all stores."""

from holdall.session.binding import Binding
from holdall.session.bindings import Bindings
from holdall.session.commit.calls.ready_set import Strategy
from holdall.session.commit.outcome.result import CommitResult, Task, TaskState
from holdall.session.commit.plan.guarantee import Guarantee
from holdall.session.commit.plan.order import Edge, Order, order_nodes
from holdall.session.commit.plan.plan import Batch, Plan, Step
from holdall.session.commit.plan.rights import rights_of_removal
from holdall.session.commit.recovery.recovery import Recovery
from holdall.session.commit.recovery.rounds import Recovered, recovering
from holdall.session.commit.recovery.unfinished import Unfinished
from holdall.session.commit.recovery.unfinished_commit import UnfinishedCommit
from holdall.session.compensation import Compensate, Compensation
from holdall.session.damage import Readable, damaged_fields
from holdall.session.dao.activity import SessionState
from holdall.session.dao.auto_add import adding_new_records
from holdall.session.dao.dao import DAO
from holdall.session.dao.dao_records import bind_dao
from holdall.session.dao.query_call import QueryCall
from holdall.session.journal.journal import LEASE
from holdall.session.journal.log_record import CallState, Operation, Part
from holdall.session.journal.row import JournalState
from holdall.session.query_function import query
from holdall.session.references.explanation import Explanation
from holdall.session.session import Session

__all__ = [
    "DAO",
    "LEASE",
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
    "Readable",
    "Recovered",
    "Recovery",
    "Session",
    "SessionState",
    "Step",
    "Strategy",
    "Task",
    "TaskState",
    "Unfinished",
    "UnfinishedCommit",
    "adding_new_records",
    "bind_dao",
    "damaged_fields",
    "order_nodes",
    "query",
    "recovering",
    "rights_of_removal",
]
