"""Actions: named verbs of collections, with typed inputs and policies of their own."""

from holdall.actions.action import Action, copied, inputs_of, made_of, name_of
from holdall.actions.actions import Actions
from holdall.actions.declared_action import DeclaredAction
from holdall.actions.on import All, Each, Nothing, On, One
from holdall.actions.result import Result
from holdall.actions.running import Running

__all__ = [
    "Action",
    "Actions",
    "All",
    "DeclaredAction",
    "Each",
    "Nothing",
    "On",
    "One",
    "Result",
    "Running",
    "copied",
    "inputs_of",
    "made_of",
    "name_of",
]
