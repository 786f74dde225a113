"""The store contract: what every store can be asked, and how it says what it can do."""

from holdall.query import Row
from holdall.store.acting import acting_for, acting_session
from holdall.store.backoff import pause_before, spread
from holdall.store.blocks import Blocks, reset_here
from holdall.store.bulk import (
    BulkChange,
    BulkChanging,
    Computed,
    changes_of_rows,
    demand_at_most,
    demand_settable,
    getter_of,
)
from holdall.store.capabilities import (
    OF_TABLES,
    OF_TRANSACTIONS,
    Capabilities,
    CommitClass,
    Feature,
    Isolation,
    Limits,
    LockMode,
)
from holdall.store.change import APPLIED, Change, KeyOf, Members, Outcome, Verb
from holdall.store.contract import Rows, Store, StoreTransaction, Transactional
from holdall.store.damaged import Damaged
from holdall.store.deadlines import Deadlines, Watchdog
from holdall.store.demand import (
    demand_changes,
    demand_isolation,
    demand_lock,
    demand_query,
    demand_schema,
    demand_whole_fields,
)
from holdall.store.describing import Described, Describing, Description, Look, NamingFields
from holdall.store.difference import ACCEPTABLE, DIFFERENCES, Difference, named
from holdall.store.expected import Expected, is_same_value
from holdall.store.explaining import Explaining, StorePlan
from holdall.store.fencing import MOVE_NOTES, MOVE_POSITIONS, Fence, Fencing, passing_of
from holdall.store.footprint import Footprint, footprint_of
from holdall.store.forking import AnewInChild, Forkable, keep_for_ever, watch_forks
from holdall.store.held import Held, demand_unreserved
from holdall.store.identity import IDENTITY_FORMAT, decode_identity, encode_identity, new_identity
from holdall.store.idle import end_transport, has_news
from holdall.store.json_text import UNDECODABLE, is_bounded_json, json_from_text, may_pass_bounds
from holdall.store.keys_asked import keys_asked
from holdall.store.keys_to_come import awaits_key, no_earlier_add, positions_awaited, with_made_keys
from holdall.store.native import Answer, Native, SpeaksSql
from holdall.store.observing import Observable, Observer, Seam, Sent
from holdall.store.optional import (
    Aggregating,
    Appending,
    Counting,
    Disclosing,
    Estimating,
    Exceeding,
    Identified,
    KeyMaking,
    Naming,
    Obstructed,
    Placed,
    Provisioned,
    RecordAccess,
    Reserving,
    Sampling,
    Streaming,
)
from holdall.store.options import demand_options, options_of
from holdall.store.own_rows import can_keep_rows, hidden_name
from holdall.store.pool_options import PoolOptions
from holdall.store.pooled import Pingable, Pooled, PoolFigures
from holdall.store.preparable import Deferring, Preparable
from holdall.store.ready import Readying, ReadyQuery, ready_part
from holdall.store.ready_addition import AddingReady, ReadyAddition, adding_part
from holdall.store.record_methods import RecordMethods, defines_method, missing_method
from holdall.store.registry import extra_of, open_store, refuse_fragment
from holdall.store.replicas import Replicated, may_read_replica, reading_replicas
from holdall.store.reservation import FENCE_PREFIX, RESERVATION_FORMAT, Hold, Reservation
from holdall.store.revising import Revisable, Revision, Revisions, Wishes
from holdall.store.runs import Run, Runs, expects, has_checks
from holdall.store.sampled import SampledField, annotation_of, columns_of_sample, sampled_field
from holdall.store.transactions import Isolating, Locking, Nesting

__all__ = [
    "ACCEPTABLE",
    "APPLIED",
    "DIFFERENCES",
    "FENCE_PREFIX",
    "IDENTITY_FORMAT",
    "MOVE_NOTES",
    "MOVE_POSITIONS",
    "OF_TABLES",
    "OF_TRANSACTIONS",
    "RESERVATION_FORMAT",
    "UNDECODABLE",
    "AddingReady",
    "Aggregating",
    "AnewInChild",
    "Answer",
    "Appending",
    "Blocks",
    "BulkChange",
    "BulkChanging",
    "Capabilities",
    "Change",
    "CommitClass",
    "Computed",
    "Counting",
    "Damaged",
    "Deadlines",
    "Deferring",
    "Described",
    "Describing",
    "Description",
    "Difference",
    "Disclosing",
    "Estimating",
    "Exceeding",
    "Expected",
    "Explaining",
    "Feature",
    "Fence",
    "Fencing",
    "Footprint",
    "Forkable",
    "Held",
    "Hold",
    "Identified",
    "Isolating",
    "Isolation",
    "KeyMaking",
    "KeyOf",
    "Limits",
    "LockMode",
    "Locking",
    "Look",
    "Members",
    "Naming",
    "NamingFields",
    "Native",
    "Nesting",
    "Observable",
    "Observer",
    "Obstructed",
    "Outcome",
    "Pingable",
    "Placed",
    "PoolFigures",
    "PoolOptions",
    "Pooled",
    "Preparable",
    "Provisioned",
    "ReadyAddition",
    "ReadyQuery",
    "Readying",
    "RecordAccess",
    "RecordMethods",
    "Replicated",
    "Reservation",
    "Reserving",
    "Revisable",
    "Revision",
    "Revisions",
    "Row",
    "Rows",
    "Run",
    "Runs",
    "SampledField",
    "Sampling",
    "Seam",
    "Sent",
    "SpeaksSql",
    "Store",
    "StorePlan",
    "StoreTransaction",
    "Streaming",
    "Transactional",
    "Verb",
    "Watchdog",
    "Wishes",
    "acting_for",
    "acting_session",
    "adding_part",
    "annotation_of",
    "awaits_key",
    "can_keep_rows",
    "changes_of_rows",
    "columns_of_sample",
    "decode_identity",
    "defines_method",
    "demand_at_most",
    "demand_changes",
    "demand_isolation",
    "demand_lock",
    "demand_options",
    "demand_query",
    "demand_schema",
    "demand_settable",
    "demand_unreserved",
    "demand_whole_fields",
    "encode_identity",
    "end_transport",
    "expects",
    "extra_of",
    "footprint_of",
    "getter_of",
    "has_checks",
    "has_news",
    "hidden_name",
    "is_bounded_json",
    "is_same_value",
    "json_from_text",
    "keep_for_ever",
    "keys_asked",
    "may_pass_bounds",
    "may_read_replica",
    "missing_method",
    "named",
    "new_identity",
    "no_earlier_add",
    "open_store",
    "options_of",
    "passing_of",
    "pause_before",
    "positions_awaited",
    "reading_replicas",
    "ready_part",
    "refuse_fragment",
    "reset_here",
    "sampled_field",
    "spread",
    "watch_forks",
    "with_made_keys",
]
