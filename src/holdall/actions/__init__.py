"""Actions: named verbs of collections, with typed inputs and policies of their own."""

from holdall.actions.action import Action, AnyAction, copied, inputs_of, made_of, name_of
from holdall.actions.actions import Actions
from holdall.actions.content import Content
from holdall.actions.declared_action import DeclaredAction
from holdall.actions.on import All, Each, Nothing, On, One
from holdall.actions.result import Result
from holdall.actions.running import End, Running

__all__ = [
    "Action",
    "Actions",
    "All",
    "AnyAction",
    "Content",
    "DeclaredAction",
    "Each",
    "End",
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
