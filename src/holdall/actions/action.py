"""Actions: named verbs with typed inputs, declared as classes; an instance is one set of inputs."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from typing import ClassVar, Generic, TypeAlias, TypeVar, dataclass_transform, get_args, get_origin

from holdall.actions.on import On
from holdall.errors import DeclarationError, StateError
from holdall.model import Inputs, Model, Names, Record, field, names_around
from holdall.query import Value

__all__ = ["Action", "AnyAction", "copied", "inputs_of", "made_of", "name_of"]

M = TypeVar("M", bound=Model)

_OWN = frozenset({"run"})
_NAME = re.compile(r"[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*")
_PARAMETERS = {On.NOTHING: 1, On.ONE: 2, On.EACH: 2, On.ALL: 2}


@dataclass_transform(kw_only_default=True, eq_default=False, frozen_default=True, field_specifiers=(field,))
class Action(Generic[M]):
    """A named verb of a collection: ``class Vote(Action[Book], on=Each)``.

    Annotations are its inputs, which are declared, validated and refused as the fields of a model are; ``@check`` says
    what several of them must keep. ``run(self, context, ...)``, async or not, does the work in one context, whose
    session is committed when it returns; with ``on=One`` and ``on=Each`` it takes a record, with ``on=All`` a list of
    them. An annotation of its result is what callers get, and may be a model, a list of one, or any type with a JSON.

    ``name`` is how the action is called from outside; without it, the class name in lower case with hyphens. Where
    somebody else changed a record meanwhile, a request runs the action anew; with ``repeat=False`` it is refused.
    With ``deleted=True`` it is done on records that are soft deleted, and finds these alone. With ``as_job=True`` it is
    long work, which requests and commands start as a job.
    The inputs of an action never change.

    >>> class Book(Model):
    ...     id: int = field(pk=True)
    ...     score: float = 0.0
    ...     votes: int = 0
    >>> class Vote(Action[Book], on=Each):
    ...     score: float = field(ge=0, le=10)
    ...     async def run(self, context: Context, book: Book) -> float:
    ...         book.score = (book.score * book.votes + self.score) / (book.votes + 1)
    ...         book.votes += 1
    ...         return book.score
    >>> Vote(score=11, more=1)
    Traceback (most recent call last):
    holdall.errors.ValidationError: Vote is not valid: more: is not a field; score: must be at most 10
    >>> app = Holdall("library")
    >>> app.add_store("main", "memory:")
    >>> app.add(Book, store="main", policy=Policy(read=Everyone, write=Nobody))
    >>> app.add_action(Vote, policy=ActionPolicy(execute=Role("reader")))
    >>> async def example():
    ...     async with app.session() as session:
    ...         session.add_all([Book(id=1), Book(id=2)])
    ...     async with app.session(User("ann", roles=frozenset({"reader"}))) as session:
    ...         book = await session.require(Book, 1)
    ...         print(await session.act(Vote(score=8), book))
    ...         print(await session.act(Vote(score=6), Book.where(Book.id < 9)))
    >>> import asyncio
    >>> asyncio.run(example())
    8.0
    [7.0, 6.0]
    """

    __inputs__: ClassVar[Inputs]
    __on__: ClassVar[On | None] = None
    __action_name__: ClassVar[str] = ""
    __repeat__: ClassVar[bool] = True
    __deleted__: ClassVar[bool] = False
    __as_job__: ClassVar[bool] = False
    __names__: ClassVar[Names]
    __about__: ClassVar[Value] = None
    _given: ClassVar[Record]  # of each instance

    def __init_subclass__(
        cls,
        *,
        on: On | None = None,
        name: str | None = None,
        repeat: bool | None = None,
        deleted: bool | None = None,
        as_job: bool | None = None,
        **unknown: object,
    ) -> None:
        """Read the class; raises DeclarationError for anything in it that cannot work."""
        super().__init_subclass__()
        for option in unknown:
            raise DeclarationError(
                f"{cls.__name__}: an action has no option {option!r}; it has on, name, repeat, deleted, as_job"
            )
        if on is not None and not isinstance(on, On):
            raise DeclarationError(f"{cls.__name__}: on= is Nothing, One, Each or All")
        if repeat is not None and not isinstance(repeat, bool):
            raise DeclarationError(f"{cls.__name__}: repeat= is True or False")
        if deleted is not None and not isinstance(deleted, bool):
            raise DeclarationError(f"{cls.__name__}: deleted= is True or False")
        if as_job is not None and not isinstance(as_job, bool):
            raise DeclarationError(f"{cls.__name__}: as_job= is True or False")
        cls.__names__ = names_around(cls.__name__, cls.__module__, 1)
        inherited: Inputs | None = getattr(cls, "__inputs__", None)
        cls.__inputs__ = Inputs.of_class(cls, cls.__names__, inherited)
        for given in cls.__inputs__.fields:
            if given.name in _OWN or given.name.startswith("_"):
                raise DeclarationError(f"{cls.__name__}: an input cannot be named {given.name!r}")
        cls.__on__ = on or cls.__on__
        cls.__action_name__ = name_of("an action", name) if name is not None else _hyphened(cls.__name__)
        cls.__repeat__ = cls.__repeat__ if repeat is None else repeat
        cls.__deleted__ = cls.__deleted__ if deleted is None else deleted
        cls.__as_job__ = cls.__as_job__ if as_job is None else as_job
        cls.__about__ = _model_in(cls) or cls.__about__
        run = vars(cls).get("run")
        if run is not None and cls.__on__ is not None:
            _demand_parameters(cls.__name__, run, cls.__on__)

    def __init__(self, /, *args: object, **values: object) -> None:
        if type(self) is Action:
            raise DeclarationError("Action is what actions derive from: class Vote(Action[Book], on=Each)")
        object.__setattr__(self, "_given", self.__inputs__.model(*args, **values))

    def __getattr__(self, name: str) -> Value:
        if name.startswith("_") or all(given.name != name for given in self.__inputs__.fields):
            raise AttributeError(f"{type(self).__name__} has no input {name!r}")
        return getattr(self._given, name)

    def __setattr__(self, name: str, value: object) -> None:
        if name == "__orig_class__":  # typing says so of Duplicate[Book](...)
            return
        raise StateError(f"the inputs of {type(self).__name__} never change: make another one, with another {name}")

    def __delattr__(self, name: str) -> None:
        self.__setattr__(name, None)

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self) or not isinstance(other, Action):
            return NotImplemented
        return all(given.get(self._given) == given.get(other._given) for given in self.__inputs__.fields)

    def __repr__(self) -> str:
        return repr(self._given)


AnyAction: TypeAlias = Action[Value]
"""An action, whatever it is about."""


def inputs_of(action: AnyAction) -> Record:
    """The inputs of an action, as the record of no store that they are validated as. Example: :class:`Action`."""
    return action._given


def made_of(kind: type[AnyAction], record: Record) -> AnyAction:
    """The action of a class with inputs that were read. Example: :class:`Action`."""
    made = kind.__new__(kind)
    object.__setattr__(made, "_given", record)
    return made


def copied(action: AnyAction, others: Mapping[str, Value]) -> AnyAction:
    """The same action, validated anew, that shares nothing that can be changed; with others for some inputs.

    Example: :class:`Action`.
    """
    inputs = action.__inputs__
    if not others and not inputs.model.__holdall__.mutable:
        return action
    return made_of(type(action), inputs.copied(action._given, others))


def name_of(what: str, name: object) -> str:
    """The name, as it may stand in a path. Raises DeclarationError for another one. Example: :class:`Action`."""
    if not isinstance(name, str) or not _NAME.fullmatch(name) or len(name) > 100:
        raise DeclarationError(f"the name of {what} has small letters, digits and hyphens, as in 'french-books'")
    return name


def _hyphened(name: str) -> str:
    found = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "-", name).lower().strip("_")
    return name_of("an action", found)


def _model_in(cls: type) -> Value:
    """The model that a class names in brackets; None where it leaves that to those who add it."""
    for base in vars(cls).get("__orig_bases__", ()):
        origin = get_origin(base)
        if isinstance(origin, type) and issubclass(origin, Action):
            (about,) = get_args(base)
            if not isinstance(about, TypeVar):
                return getattr(about, "__forward_arg__", about)
    return None


def _demand_parameters(name: str, run: Value, on: On) -> None:
    """Raise DeclarationError for a method that cannot be called with what it is to be given."""
    told = {On.NOTHING: "(self, context)", On.ALL: "(self, context, records)"}.get(on, "(self, context, record)")
    try:
        inspect.signature(run).bind(None, *[None] * _PARAMETERS[on])
    except (TypeError, ValueError):
        raise DeclarationError(f"{name}.run is a method of {told}, as the action is on={on.name.title()}") from None
