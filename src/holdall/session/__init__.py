"""Sessions: a unit of work over all stores."""

from holdall.session.access_report import AccessReport, RuleReport, explain_access
from holdall.session.adding_together import add_together
from holdall.session.binding import Binding, Relationship
from holdall.session.bindings import Bindings
from holdall.session.commit.calls.ready_set import Strategy
from holdall.session.commit.outcome.result import CommitResult, Task, TaskState
from holdall.session.commit.plan.guarantee import Guarantee
from holdall.session.commit.plan.order import Edge, Order, order_nodes
from holdall.session.commit.plan.plan import Batch, Plan, Step
from holdall.session.commit.plan.presets import read_only_fields
from holdall.session.commit.plan.rights import rights_of_removal
from holdall.session.commit.recovery.recovery import Recovery
from holdall.session.commit.recovery.rounds import Recovered, recovering
from holdall.session.commit.recovery.unfinished import Unfinished
from holdall.session.commit.recovery.unfinished_commit import UnfinishedCommit
from holdall.session.compensation import Compensate, Compensation
from holdall.session.damage import Readable, damaged_fields, records_of
from holdall.session.dao.activity import SessionState
from holdall.session.dao.auto_add import adding_new_records
from holdall.session.dao.dao import DAO
from holdall.session.dao.dao_records import bind_dao
from holdall.session.dao.query_call import QueryCall
from holdall.session.estimating import COUNTED, Estimate
from holdall.session.instrument import Act, CommitAct, Instrument
from holdall.session.journal.journal import LEASE
from holdall.session.journal.log_record import CallState, Operation, Part
from holdall.session.journal.row import JournalState
from holdall.session.meeting import keys_meeting
from holdall.session.named_rows import NamedRow, SqlRows
from holdall.session.named_verbs import ActingVerbs, Application, application_of
from holdall.session.open_act import OpenAct
from holdall.session.persistence import Persistence, StoreCall, StoreHandler
from holdall.session.query_function import query
from holdall.session.ready_creates import ReadyCreates
from holdall.session.ready_reads import ReadyReads, Sight
from holdall.session.references.explanation import Explanation
from holdall.session.session import Session
from holdall.session.sql_query import SqlQuery
from holdall.session.store_in_middleware import in_middleware, store_within
from holdall.session.sync_named_verbs import SyncActingVerbs
from holdall.session.sync_session import SyncSession
from holdall.session.sync_store_verbs import SyncStoreVerbs
from holdall.session.upserting import Upserted
from holdall.session.waiting import PortalCall, Wait

__all__ = [
    "COUNTED",
    "DAO",
    "LEASE",
    "AccessReport",
    "Act",
    "ActingVerbs",
    "Application",
    "Batch",
    "Binding",
    "Bindings",
    "CallState",
    "CommitAct",
    "CommitResult",
    "Compensate",
    "Compensation",
    "Edge",
    "Estimate",
    "Explanation",
    "Guarantee",
    "Instrument",
    "JournalState",
    "NamedRow",
    "OpenAct",
    "Operation",
    "Order",
    "Part",
    "Persistence",
    "Plan",
    "PortalCall",
    "QueryCall",
    "Readable",
    "ReadyCreates",
    "ReadyReads",
    "Recovered",
    "Recovery",
    "Relationship",
    "RuleReport",
    "Session",
    "SessionState",
    "Sight",
    "SqlQuery",
    "SqlRows",
    "Step",
    "StoreCall",
    "StoreHandler",
    "Strategy",
    "SyncActingVerbs",
    "SyncSession",
    "SyncStoreVerbs",
    "Task",
    "TaskState",
    "Unfinished",
    "UnfinishedCommit",
    "Upserted",
    "Wait",
    "add_together",
    "adding_new_records",
    "application_of",
    "bind_dao",
    "damaged_fields",
    "explain_access",
    "in_middleware",
    "keys_meeting",
    "order_nodes",
    "query",
    "read_only_fields",
    "records_of",
    "recovering",
    "rights_of_removal",
    "store_within",
]
