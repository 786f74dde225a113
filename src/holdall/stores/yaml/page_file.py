"""The file of a record that is a page: front matter between lines of ``---``, and below it a text that is a field."""

from __future__ import annotations

import re

import msgspec

from holdall.query import Schema, Value
from holdall.stores.yaml.bounds import Bounds
from holdall.stores.yaml.document import changed_record, new_record
from holdall.stores.yaml.errors import Misfit, Unreadable, uneditable
from holdall.stores.yaml.files import Folder
from holdall.stores.yaml.parse import parse
from holdall.stores.yaml.record import Row
from holdall.stores.yaml.record_file import RecordFile
from holdall.stores.yaml.same import same
from holdall.stores.yaml.source import Source

__all__ = ["PageFile"]

_BEGIN = re.compile(r"\A\ufeff?---[ \t]*(?:\r\n?|\n)")
_END = re.compile(r"(?<=[\r\n])(?:---|\.\.\.)[ \t]*(?:\r\n?|\n|\Z)")


class PageFile(RecordFile):
    """As ``RecordFile``; the field ``body`` is the text below the front matter, and the others lie in it."""

    def __init__(
        self, store: str, folder: Folder, schema: Schema, bounds: Bounds, body: str, extensions: tuple[str, ...]
    ) -> None:
        super().__init__(store, folder, schema, bounds)
        self.extensions = extensions
        self._body = schema.by_name[body]
        self._place = schema.positions[body]
        others = tuple([field for field in schema.fields if field.name != body])
        self._front = msgspec.structs.replace(schema, fields=others, unique=(), indexes=())

    def values(self, text: str) -> Value:
        """The values of a page, its text among them. Raises Unreadable and Misfit."""
        front, _, body = _parts(text)
        found = parse(Source(front).text)
        values = {} if found is None else found
        if not isinstance(values, dict):
            return values
        if self._body.column in values:
            raise Misfit("it is the text below the front matter; take it out of that", self._body.name)
        return {**values, self._body.column: Source(body).text}

    def new_text(self, row: Row) -> str:
        """The text of a new page. Raises StoreError for a text that cannot be kept."""
        front = new_record(self._front, self._without_body(row))
        text = f"---\n{front}---\n{row[self._place]}"
        try:
            return self._checked(text, row)
        except (Misfit, Unreadable) as error:
            raise uneditable(self._store, self._folder_name, error) from error

    def changed_text(self, text: str, old: Row, new: Row) -> str:
        """The text of a page with another row; all that stays the same stays as it is."""
        front, mark, body = _parts(text)
        before, after = self._without_body(old), self._without_body(new)
        if parse(Source(front).text) is None:
            front += new_record(self._front, after)
        elif not same(before, after):
            front = changed_record(self._front, front, before, after)
        if not same(old[self._place], new[self._place]):
            ends = _BEGIN.match(front)
            end = "\n" if ends is None else ends[0].lstrip("\ufeff-").strip(" \t")
            body = str(new[self._place]).replace("\n", end)
        return self._checked(front + mark + body, new)

    def _without_body(self, row: Row) -> Row:
        return (*row[: self._place], *row[self._place + 1 :])

    def _checked(self, text: str, row: Row) -> str:
        """The text, once it is seen that it gives this text of the record. Raises Unreadable."""
        *_, body = _parts(text)
        if Source(body).text != row[self._place]:
            raise Unreadable(f"the text of {self._body.name} holds a carriage return, which no line ends with there")
        return text


def _parts(text: str) -> tuple[str, str, str]:
    """The front matter with the line that begins it, the line that ends it, and the text below. Raises Unreadable."""
    begin = _BEGIN.match(text)
    end = None if begin is None else _END.search(text, begin.end())
    if end is None:
        raise Unreadable("it has no front matter: a line of ---, the fields, and another line of --- begin a page")
    mark = end[0] if end[0][-1] in "\r\n" else f"{end[0]}\n"
    return text[: end.start()], mark, text[end.end() :]
