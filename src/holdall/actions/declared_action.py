"""An action as an application has it: for one collection, under a name and a policy."""

from __future__ import annotations

import inspect

import msgspec

from holdall.actions.action import AnyAction
from holdall.actions.on import On
from holdall.actions.result import Result
from holdall.errors import DeclarationError
from holdall.model import Inputs
from holdall.policy import ActionPolicy, User
from holdall.query import ALWAYS, Compare, Condition, Op, Value

__all__ = ["DeclaredAction"]


class DeclaredAction(msgspec.Struct, frozen=True, eq=False):
    """An action that was added to an application: its class, the model it is about, its policy and its result.

    >>> class Book(Model):
    ...     id: int = field(pk=True)
    >>> class Print(Action[Book], on=One):
    ...     '''Send a book to the printer.'''
    ...     async def run(self, context: Context, book: Book) -> int: ...
    >>> app = Holdall("library")
    >>> app.add_store("main", "memory:")
    >>> app.add(Book, store="main")
    >>> app.add_action(Print)
    >>> (found,) = app.actions("book")
    >>> found.name, found.on, found.title, found.is_async, found.result.annotation.__name__
    ('print', <On.ONE: 'one'>, 'Send a book to the printer.', True, 'int')
    >>> [given.name for given in found.inputs.fields], found.is_for(ANONYMOUS)
    ([], False)
    """

    kind: type[AnyAction]
    model: Value
    collection: str
    policy: ActionPolicy
    result: Result
    on: On
    """The records it is done on."""
    is_async: bool
    """Whether it runs on the event loop."""

    @classmethod
    def of(cls, kind: type[AnyAction], model: Value, collection: str, policy: ActionPolicy) -> DeclaredAction:
        """The action of a class. Raises DeclarationError where it says too little, or its policy does not fit."""
        name = kind.__name__
        run = getattr(kind, "run", None)
        if kind.__on__ is None:
            raise DeclarationError(f"{name}: say on what it is done, as in class {name}(Action[Book], on=One)")
        if not inspect.isfunction(run):
            raise DeclarationError(f"{name} has no method run: write async def run(self, context, ...)")
        if inspect.isgeneratorfunction(run) or inspect.isasyncgenfunction(run):
            raise DeclarationError(f"{name}.run returns its result, and has no yield")
        if kind.__deleted__ and (model.__holdall__.deletion is None or kind.__on__ is On.NOTHING):
            raise DeclarationError(f"{name} is done on deleted records: class {model.__name__}(SoftDeleted)")
        settled = policy.of(model)
        if kind.__on__ is On.NOTHING and not settled.is_plain:
            raise DeclarationError(f"{name} is done on nothing, so that its policy cannot speak of records")
        for given in kind.__inputs__.model.__holdall__.relations:
            if not given.is_stored:
                raise DeclarationError(f"{name}.{given.name}: an input cannot be the other end of references")
        result = Result.of(name, run, kind.__names__, model)
        if result.is_content and kind.__on__ is On.EACH:
            raise DeclarationError(f"{name} gives a file, so that it is done on one record or on all together")
        if result.is_content and kind.__as_job__:
            raise DeclarationError(f"{name} gives a file, which no job keeps: put it into the field of a record")
        is_async = inspect.iscoroutinefunction(inspect.unwrap(vars_of(kind, "run")))
        return cls(kind, model, collection, settled, result, kind.__on__, is_async)

    @property
    def name(self) -> str:
        """The name by which it is called. Example: :class:`DeclaredAction`."""
        return self.kind.__action_name__

    @property
    def wanted(self) -> Condition:
        """The condition on records that it is done on: of most actions none. Example: :class:`DeclaredAction`."""
        deletion = self.model.__holdall__.deletion if self.kind.__deleted__ else None
        return ALWAYS if deletion is None else Compare((deletion.name,), Op.IS_NULL, False)

    @property
    def inputs(self) -> Inputs:
        """The inputs it takes. Example: :class:`DeclaredAction`."""
        return self.kind.__inputs__

    @property
    def title(self) -> str:
        """The first paragraph of its docstring, else its name in words. Example: :class:`DeclaredAction`."""
        text = inspect.getdoc(self.kind) if self.kind.__doc__ else ""
        first = " ".join((text or "").partition("\n\n")[0].split())
        return first or self.name.replace("-", " ").replace("_", " ").capitalize()

    def is_for(self, user: User) -> bool:
        """Whether the user knows that it is there. Example: :class:`DeclaredAction`."""
        return self.policy.is_seen(user)


def vars_of(kind: type, name: str) -> Value:
    """The function of a class by a name, as it was written."""
    return inspect.getattr_static(kind, name)
