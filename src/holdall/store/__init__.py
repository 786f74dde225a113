"""The store contract: what every store can be asked, and how it says what it can do."""

from holdall.query import Row
from holdall.store.acting import acting_for, acting_session
from holdall.store.blocks import Blocks, reset_here
from holdall.store.capabilities import Capabilities, CommitClass, Feature, Limits
from holdall.store.change import APPLIED, Change, KeyOf, Members, Outcome, Verb
from holdall.store.contract import Rows, Store, StoreTransaction, Transactional
from holdall.store.damaged import Damaged
from holdall.store.demand import demand_changes, demand_query, demand_schema
from holdall.store.expected import Expected
from holdall.store.footprint import Footprint, footprint_of
from holdall.store.forking import AnewInChild, Forkable, keep_for_ever, watch_forks
from holdall.store.held import Held, demand_unreserved
from holdall.store.idle import has_news
from holdall.store.json_text import UNDECODABLE, is_bounded_json, is_too_deep, json_from_text, may_pass_bounds
from holdall.store.keys_to_come import awaits_key, no_earlier_add, positions_awaited, with_made_keys
from holdall.store.optional import (
    Aggregating,
    Appending,
    Counting,
    Disclosing,
    KeyMaking,
    Naming,
    Obstructed,
    Placed,
    Provisioned,
    RecordAccess,
    Reserving,
    Streaming,
)
from holdall.store.options import demand_options, options_of
from holdall.store.preparable import Deferring, Preparable
from holdall.store.record_methods import RecordMethods, defines_method, missing_method
from holdall.store.registry import open_store, refuse_fragment
from holdall.store.reservation import RESERVATION_FORMAT, Hold, Reservation
from holdall.store.runs import Run, Runs, expects

__all__ = [
    "APPLIED",
    "RESERVATION_FORMAT",
    "UNDECODABLE",
    "Aggregating",
    "AnewInChild",
    "Appending",
    "Blocks",
    "Capabilities",
    "Change",
    "CommitClass",
    "Counting",
    "Damaged",
    "Deferring",
    "Disclosing",
    "Expected",
    "Feature",
    "Footprint",
    "Forkable",
    "Held",
    "Hold",
    "KeyMaking",
    "KeyOf",
    "Limits",
    "Members",
    "Naming",
    "Obstructed",
    "Outcome",
    "Placed",
    "Preparable",
    "Provisioned",
    "RecordAccess",
    "RecordMethods",
    "Reservation",
    "Reserving",
    "Row",
    "Rows",
    "Run",
    "Runs",
    "Store",
    "StoreTransaction",
    "Streaming",
    "Transactional",
    "Verb",
    "acting_for",
    "acting_session",
    "awaits_key",
    "defines_method",
    "demand_changes",
    "demand_options",
    "demand_query",
    "demand_schema",
    "demand_unreserved",
    "expects",
    "footprint_of",
    "has_news",
    "is_bounded_json",
    "is_too_deep",
    "json_from_text",
    "keep_for_ever",
    "may_pass_bounds",
    "missing_method",
    "no_earlier_add",
    "open_store",
    "options_of",
    "positions_awaited",
    "refuse_fragment",
    "reset_here",
    "watch_forks",
    "with_made_keys",
]
