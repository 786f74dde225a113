"""Models and fields: what a record type is, how its records are checked and how they know their changes."""

from holdall.model.adoption import AdoptedClass, AdoptedField, AdoptedTarget, Adopter, Refusal, query_for
from holdall.model.attributes import MutableAttribute
from holdall.model.codec import RowCodec
from holdall.model.construct import construction_hooks
from holdall.model.csv_input import CsvInput
from holdall.model.csv_output import csv_lines, csv_objects, csv_row, json_names, without_formula
from holdall.model.declaration import Declaration
from holdall.model.decorators import check, computed
from holdall.model.field import Field
from holdall.model.field_type import FieldType
from holdall.model.gateway import gateway_of
from holdall.model.inputs import Inputs
from holdall.model.inverse_edits import BackEdit, catch_up, edits_of
from holdall.model.json_input import JsonInput
from holdall.model.json_output import JsonOutput
from holdall.model.json_schema import FORMS, InlineSchemas, field_schema, type_schema
from holdall.model.json_value import UNENCODABLE
from holdall.model.line_input import Lines, LongLine, lines_in
from holdall.model.manager import Manager, ResultSet
from holdall.model.many import Many, Related
from holdall.model.model import Model
from holdall.model.names import Annotation, Names, names_around
from holdall.model.native import track_all
from holdall.model.nested_reference import NestedReference
from holdall.model.object_id import ObjectId
from holdall.model.options import MISSING, Fill, OnDelete, back, field
from holdall.model.ordered import LONGEST_PLACE, Ordered, place_between, places
from holdall.model.own_form import Schemas
from holdall.model.pydantic_form import RECORD_ERROR, RECORD_MARK
from holdall.model.reference import GivenKey, Ref, Reference, record_in, session_of
from holdall.model.reference_slots import items_of, leads_to, placed_items, refers_to, replace_items, slot_of
from holdall.model.repeated_names import are_plainly_distinct, has_repeated_names
from holdall.model.row_output import RowOutput
from holdall.model.rules import Digits, Ge, Gt, Le, Length, Lt, OneOf, Pattern
from holdall.model.sample import sample_of, text_matching
from holdall.model.schema import schema_of
from holdall.model.soft_deleted import SoftDeleted, deletion_field, is_soft_deleted, turns_deletion
from holdall.model.stamped import Stamped
from holdall.model.state import Frozen, State
from holdall.model.stream import Stream, stream
from holdall.model.text_input import decode_compared, decode_text
from holdall.model.tracking import (
    InstanceState,
    Record,
    SessionAccess,
    SessionLink,
    Trust,
    changed_of,
    gc_track,
    hidden_ends,
    old_of,
    old_values_of,
    set_track,
    state_of,
    track_of,
)
from holdall.model.transitions import Transitions
from holdall.model.trigger import EventKind, Trigger, changed, created, deleted
from holdall.model.types import JSON
from holdall.model.value_codec import Codec, register_codec
from holdall.model.withheld import WITHHELD
from holdall.model.write import assign

__all__ = [
    "FORMS",
    "JSON",
    "LONGEST_PLACE",
    "MISSING",
    "RECORD_ERROR",
    "RECORD_MARK",
    "UNENCODABLE",
    "WITHHELD",
    "AdoptedClass",
    "AdoptedField",
    "AdoptedTarget",
    "Adopter",
    "Annotation",
    "BackEdit",
    "Codec",
    "CsvInput",
    "Declaration",
    "Digits",
    "EventKind",
    "Field",
    "FieldType",
    "Fill",
    "Frozen",
    "Ge",
    "GivenKey",
    "Gt",
    "InlineSchemas",
    "Inputs",
    "InstanceState",
    "JsonInput",
    "JsonOutput",
    "Le",
    "Length",
    "Lines",
    "LongLine",
    "Lt",
    "Manager",
    "Many",
    "Model",
    "MutableAttribute",
    "Names",
    "NestedReference",
    "ObjectId",
    "OnDelete",
    "OneOf",
    "Ordered",
    "Pattern",
    "Record",
    "Ref",
    "Reference",
    "Refusal",
    "Related",
    "ResultSet",
    "RowCodec",
    "RowOutput",
    "Schemas",
    "SessionAccess",
    "SessionLink",
    "SoftDeleted",
    "Stamped",
    "State",
    "Stream",
    "Transitions",
    "Trigger",
    "Trust",
    "are_plainly_distinct",
    "assign",
    "back",
    "catch_up",
    "changed",
    "changed_of",
    "check",
    "computed",
    "construction_hooks",
    "created",
    "csv_lines",
    "csv_objects",
    "csv_row",
    "decode_compared",
    "decode_text",
    "deleted",
    "deletion_field",
    "edits_of",
    "field",
    "field_schema",
    "gateway_of",
    "gc_track",
    "has_repeated_names",
    "hidden_ends",
    "is_soft_deleted",
    "items_of",
    "json_names",
    "leads_to",
    "lines_in",
    "names_around",
    "old_of",
    "old_values_of",
    "place_between",
    "placed_items",
    "places",
    "query_for",
    "record_in",
    "refers_to",
    "register_codec",
    "replace_items",
    "sample_of",
    "schema_of",
    "session_of",
    "set_track",
    "slot_of",
    "state_of",
    "stream",
    "text_matching",
    "track_all",
    "track_of",
    "turns_deletion",
    "type_schema",
    "without_formula",
]
