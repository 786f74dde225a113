"""Classes of the standard library that every model can have as values: addresses, paths, time zones, fractions.

None of these modules is imported before a model uses a class of it.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pathlib import PurePath

from holdall.model.names import Annotation
from holdall.model.value_codec import AnyCodec, Codec, codec_of
from holdall.query import Value

__all__ = ["codec_for"]

_BY_TEXT = {
    "ipaddress": ("IPv4Address", "IPv6Address", "IPv4Network", "IPv6Network", "IPv4Interface", "IPv6Interface"),
    "fractions": ("Fraction",),
}
"""Classes whose text says everything. Its order is not theirs, so they are not sorted by it."""

_MODULES = {*_BY_TEXT, "zoneinfo", "pathlib"}
_FORMATS = {"IPv4Address": "ipv4", "IPv6Address": "ipv6"}


def codec_for(annotation: Annotation) -> AnyCodec | None:
    """Return the codec that a class is registered with, else that of a class of the standard library, or None.

    >>> from fractions import Fraction
    >>> codec_for(Fraction), codec_for(int)
    (Codec(Fraction, str), None)
    """
    return codec_of(annotation) or (_standard(annotation) if isinstance(annotation, type) else None)


@cache
def _standard(kind: type[Value]) -> AnyCodec | None:
    module, name = kind.__module__.partition(".")[0], kind.__name__
    if module not in _MODULES or getattr(import_module(module), name, None) is not kind:
        return None
    if name in _BY_TEXT.get(module, ()):
        schema = {"type": "string", "format": _FORMATS[name]} if name in _FORMATS else None
        return Codec(kind, str, encode=str, decode=kind, schema=schema)
    if module == "zoneinfo" and name == "ZoneInfo":
        return Codec(kind, str, encode=lambda zone: zone.key, decode=kind, ordered=True)
    if module == "pathlib" and issubclass(kind, PurePath):
        return Codec(kind, str, encode=lambda path: path.as_posix(), decode=kind, ordered=True)
    return None
