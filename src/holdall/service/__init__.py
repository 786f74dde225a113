"""Contexts: each is one request or task, with its meta data, session, resources and services."""

from holdall.service.base_service import BaseService
from holdall.service.command import Command, Dal
from holdall.service.context import Context
from holdall.service.core import ContextState
from holdall.service.dal_block import DalBlock, SyncDalBlock
from holdall.service.meta import Meta
from holdall.service.opening import RESERVED_NAMES, active_core, active_session, new_context
from holdall.service.registry import Registry
from holdall.service.request import Handler, MethodRequest
from holdall.service.services import Service, SyncService
from holdall.service.sync_context import SyncContext
from holdall.service.typed import awaited, waited
from holdall.service.value_resource import ValueResource

__all__ = [
    "RESERVED_NAMES",
    "BaseService",
    "Command",
    "Context",
    "ContextState",
    "Dal",
    "DalBlock",
    "Handler",
    "Meta",
    "MethodRequest",
    "Registry",
    "Service",
    "SyncContext",
    "SyncDalBlock",
    "SyncService",
    "ValueResource",
    "active_core",
    "active_session",
    "awaited",
    "new_context",
    "waited",
]
