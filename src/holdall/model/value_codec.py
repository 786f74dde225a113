"""Codecs: how values of a class that Holdall does not know are kept, and the classes whose codec every model takes."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Collection, Mapping
from typing import Generic, TypeAlias, TypeVar

from holdall.errors import DeclarationError
from holdall.model.field_type import FieldType
from holdall.model.rules import Rule
from holdall.query import Asked, Value

__all__ = ["AnyCodec", "Codec", "codec_of", "register_codec"]

T = TypeVar("T")
B = TypeVar("B")

AnyCodec: TypeAlias = "Codec[Value, Value]"
"""A codec, whatever it keeps."""

_TRIALS = 100


class Codec(Generic[T, B]):
    """How values of a class of one's own are kept in every store, and what they are in JSON.

    ``kept`` is a type that a field can have (``str``, ``int``, ``Decimal``, ``dict[str, int]``, a struct, ...), with
    ``rules`` on it; ``encode`` makes such a value and ``decode`` the value of the class again. Two values
    are equal if the same is kept of them; conditions, ``unique`` and rules given to ``field`` are about that, too.

    - ``ordered=True``: values may be sorted and compared by ``<``, in the order of what is kept. Without it that is
      refused, by name, and equality, and text operators where text is kept, are not.
    - ``secret=True``: no condition but ``is_null`` and no sort may ask for it, and JSON shows ``**********``.
    - ``mutable`` says whether values may be changed in place, which sessions then notice; without it, values of a class
      that is not hashable may.
    - ``to_json`` and ``from_json`` are for another form in JSON than that of what is kept, ``schema`` its JSON Schema.
    - ``example`` is tried at once: DeclarationError is raised where ``decode`` does not give back what ``encode`` was
      given. Without one, each codec is tried on the first values that fields are given.

    ``decode`` and ``from_json`` raise ValueError for what stands for no value.

    >>> from holdall import Codec
    >>> class Money:
    ...     def __init__(self, cents: int) -> None:
    ...         self.cents = cents
    >>> MONEY = Codec(Money, int, encode=lambda money: money.cents, decode=Money, ordered=True, example=Money(1))
    >>> class Book(Model):
    ...     id: int = field(pk=True)
    ...     price: Money = field(codec=MONEY, ge=0)
    >>> Book.price >= Money(500)
    Compare(path=('price',), op=<Op.GE: 'ge'>, value=500)
    """

    def __init__(
        self,
        type: type[T],  # noqa: A002 - the word for it
        kept: builtins.type[B],
        *,
        encode: Callable[[T], B],
        decode: Callable[[B], T],
        rules: Collection[Rule] = (),
        ordered: bool = False,
        secret: bool = False,
        mutable: bool | None = None,
        to_json: Callable[[T], object] | None = None,
        from_json: Callable[[Value], T] | None = None,
        schema: Mapping[str, Value] | None = None,
        example: T | None = None,
    ) -> None:
        self.type = type
        self.name = getattr(type, "__name__", str(type))
        self.kept = kept
        self.rules = tuple(rules)
        self.asked = Asked.NOTHING if secret else Asked.ORDER if ordered else Asked.EQUALITY
        self.is_secret = secret
        self.is_mutable = getattr(type, "__hash__", None) is None if mutable is None else mutable
        self.schema = schema
        self._encode = encode
        self._decode = decode
        self._to_json = to_json
        self._from_json = from_json
        self._trials = _TRIALS
        self._demand_fitting()
        if example is not None:
            self.demand_round_trip(example)

    def __repr__(self) -> str:
        return f"Codec({self.name}, {getattr(self.kept, '__name__', self.kept)})"

    @property
    def has_own_json(self) -> bool:
        """Whether JSON has another form than that of what is kept."""
        return self._to_json is not None or self.is_secret

    def accepts(self, value: object) -> bool:
        """Whether the value is one of the class."""
        return isinstance(value, self.type)

    def encode(self, value: T) -> B:
        """Return what is kept of a value. Raises ValueError where nothing can be."""
        try:
            return self._encode(value)
        except Exception as error:
            raise ValueError(f"this {self.name} cannot be kept") from error

    def decode(self, kept: B) -> T:
        """Return the value of which this is kept. Raises ValueError where there is none."""
        try:
            found = self._decode(kept)
        except Exception as error:
            raise ValueError(f"no {self.name} is kept as this") from error
        if not self.accepts(found):
            raise ValueError(f"what is kept does not become a {self.name}")
        return found

    def to_json(self, value: T) -> object:
        """Return what JSON shows of a value, where it has a form of its own there."""
        if self._to_json is not None:
            return self._to_json(value)
        return "**********"

    def from_json(self, given: Value) -> T | None:
        """Return the value that JSON gives in a form of its own; None where it has none and is what is kept.

        Raises ValueError where it stands for no value.
        """
        if self._from_json is None:
            return None
        try:
            found = self._from_json(given)
        except Exception as error:
            raise ValueError(f"must be a {self.name}") from error
        if not self.accepts(found):
            raise ValueError(f"must be a {self.name}")
        return found

    def try_out(self, value: T) -> None:
        """Demand that one of the first values comes back as it was; later ones are trusted."""
        if self._trials:
            self.demand_round_trip(value)
            self._trials -= 1

    def demand_round_trip(self, value: T) -> None:
        """Raise DeclarationError where ``decode`` does not give back what ``encode`` was given."""
        if not self.accepts(value):
            raise DeclarationError(f"the codec of {self.name} is given an example that is no {self.name}")
        try:
            kept = self.encode(value)
        except ValueError as error:
            raise DeclarationError(f"the codec of {self.name} cannot encode its example") from error
        try:
            back = self.decode(kept)
            is_same = self.encode(back) == kept and (not _has_equality(value) or bool(back == value))
        except ValueError as error:
            reason = f"decode refuses what encode gave ({type(error.__cause__ or error).__name__})"
        else:
            if is_same:
                return
            reason = f"decode makes another {self.name} of what encode gave"
        raise DeclarationError(
            f"the codec of {self.name} loses something: {reason}; let encode give all that decode needs"
        )

    def completed(self, made: FieldType, kept: FieldType, where: str) -> FieldType:
        """Return the type of fields with this codec, as it is ``made`` of that of what is ``kept``: for codecs that
        derive from this one and have more to say. ``where`` names the field in errors.
        """
        return made

    def _demand_fitting(self) -> None:
        where = f"the codec of {self.name}"
        if self._from_json is not None and self._to_json is None and not self.is_secret:
            raise DeclarationError(f"{where} has from_json without to_json: what is shown could not be given back")
        if self._to_json is not None and self._from_json is None and not self.is_secret:
            raise DeclarationError(f"{where} has to_json without from_json: what is shown could not be given back")
        if self.has_own_json and not self.is_secret and self.schema is None:
            raise DeclarationError(f"{where} has a form of its own in JSON: give its JSON Schema, schema={{...}}")
        given: tuple[object, object] = self._encode, self._decode
        if not all(map(callable, given)):
            raise DeclarationError(f"{where} takes functions for encode and decode")


def _has_equality(value: object) -> bool:
    """Whether values of its class are compared by more than what they are."""
    return getattr(type(value), "__eq__", None) is not object.__eq__


_registered: dict[object, AnyCodec] = {}


def register_codec(codec: Codec[T, B]) -> Codec[T, B]:
    """Let every model that is declared from now on keep values of the codec's class by it; return the codec.

    A class has one codec in a program, whichever application its models are added to, as models are declared before
    there is any; ``field(codec=...)`` and ``Annotated[Money, codec]`` take precedence. Raises DeclarationError where
    the class has another one.

    >>> from holdall import Codec, register_codec
    >>> class Colour(str): ...
    >>> register_codec(Codec(Colour, str, encode=str, decode=Colour))
    Codec(Colour, str)
    """
    known = _registered.get(codec.type)
    if known is not None and known is not codec:
        raise DeclarationError(f"{codec.name} has a codec already; give yours to single fields, as field(codec=...)")
    _registered[codec.type] = codec
    return codec


def codec_of(annotation: object) -> AnyCodec | None:
    """Return the codec that a class is registered with, or None. Example: :func:`register_codec`."""
    try:
        return _registered.get(annotation)
    except TypeError:  # what cannot be hashed is no class
        return None
