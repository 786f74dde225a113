"""Flags of stripes, drawn as pictures (PNG, RFC 2083): what is given is the stripes of some countries."""

from __future__ import annotations

import struct
import zlib

__all__ = ["FLAGS", "flag"]

_WIDTH, _HEIGHT = 90, 60  # pixels
_COLOURS = {
    "b": (0, 38, 84),
    "w": (255, 255, 255),
    "r": (206, 17, 38),
    "g": (0, 140, 69),
    "k": (0, 0, 0),
    "y": (255, 206, 0),
    "o": (255, 121, 0),
    "l": (65, 143, 222),
}
_STRIPES = """
FR|bwr IT|gwr BE|kyr IE|gwo RO|byr ML|gyr TD|byr CI|owg NG|gwg GN|ryg PE|rwr
DE-kry NL-rwb LU-rwl HU-rwg BG-wgr RU-wbr AT-rwr EE-lkw LT-ygr LV-rwr UA-ly PL-wr MC-rw
ID-rw YE-rwk GA-gyl SL-gwl AM-rbo BO-ryg CO-yybr MU-rbyg
"""
FLAGS = {each[:2]: each[2:] for each in _STRIPES.split()}
"""The stripes of flags by the code of the country: whether they stand (|) or lie (-), and a letter for each colour."""


def flag(stripes: str) -> bytes:
    """Draw a flag, as the content of a PNG file.

    >>> flag("|bwr")[:4]
    b'\\x89PNG'
    """
    direction, colours = stripes[0], [bytes(_COLOURS[each]) for each in stripes[1:]]
    number = len(colours)
    if direction == "|":
        line = b"".join(colours[place * number // _WIDTH] for place in range(_WIDTH))
        lines = [line] * _HEIGHT
    else:
        lines = [colours[place * number // _HEIGHT] * _WIDTH for place in range(_HEIGHT)]
    head = struct.pack(">IIBBBBB", _WIDTH, _HEIGHT, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + line for line in lines))
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", pixels) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
