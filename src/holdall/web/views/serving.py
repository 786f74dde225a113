"""A REST view where it is included: its collection, its dialect, its schemas, and its answers written."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress

import msgspec

from holdall.app import Holdall
from holdall.errors import FieldError, HoldallError, ValidationError
from holdall.model import Frozen, Record
from holdall.policy import Right
from holdall.query import AnyQuery, Json, Key, Value, both
from holdall.session import Session, read_only_fields
from holdall.web.asgi import Scope
from holdall.web.conditional import last_modified, tag_of_body
from holdall.web.cursor import Cursors
from holdall.web.dialects import Dialects
from holdall.web.envelopes import groups_page
from holdall.web.export import Exports
from holdall.web.formats import Format
from holdall.web.key import KeyText
from holdall.web.listing import Listing
from holdall.web.options import Options
from holdall.web.pages import Pages
from holdall.web.parameters import not_understood, parameters_of, unknown_parameter
from holdall.web.problem import Problem
from holdall.web.read_reply import conditional, is_dated, record_reply
from holdall.web.reply import Reply, json_reply
from holdall.web.rights import demand_removal, demand_right
from holdall.web.text_value import Unreadable
from holdall.web.view import CollectionView
from holdall.web.views.answers import Input, RecordResponse, ResponseShape
from holdall.web.views.declared import form_of, model_of
from holdall.web.views.forms import Form, written_by
from holdall.web.views.listed import Listed
from holdall.web.views.many import Many
from holdall.web.views.parameters import translated
from holdall.web.views.repeated import repeatable_of
from holdall.web.views.simple_rest import simple_rest
from holdall.web.views.view import is_own

__all__ = ["Serving"]

_encode = msgspec.json.Encoder().encode
_ABSENT = Problem(404, "not-found", "There is no such record.")


class Serving:
    """A REST view as it is served: everything that its requests share."""

    def __init__(self, app: Holdall, view: type[Value], options: Options, cursors: Cursors) -> None:
        model = model_of(view)
        app.bindings.configure()
        self.app = app
        self.options = options
        self.binding = binding = app.bindings.of_model(model)
        self.collection = CollectionView(binding)
        self.written = written_by(view)
        self.is_simple_rest = bool(getattr(view, "is_simple_rest", False))
        self.form = form_of(view, self.collection, self.written)
        self.keys = KeyText(binding.schema)
        self._dialects = Dialects(binding, app.bindings, cursors)
        pages = Pages(self.collection, cursors, options.max_page)
        self._listed = Listed(self.collection, self.form, options, self._dialects, pages)
        self.many = Many(self, self._dialects)
        self._exports = Exports(self.collection)
        self.repeatable = repeatable_of(app, binding, options)
        # schemas may hide what aggregates would look into and files would hold, and methods of a view change it
        are_own = is_own(view, "get_many") and is_own(view, "get_many_endpoint")
        self.lists_as_collections = self.form.is_derived and are_own and not self.is_simple_rest
        self._shows_one = all(is_own(view, name) for name in ("get_one", "handle_get_one", "get_one_endpoint"))

    def demand(self, right: Right, session: Session) -> None:
        """Raise Problem where the user of a request lacks a right, before anything of it is read."""
        demand_right(self.binding, right, session.user, self.options.challenge)
        if right is Right.DELETE:
            demand_removal(self.binding, session.user, self.options.challenge)

    def listing(self, query_string: bytes, own: Collection[str], session: Session) -> Listing:
        """The list request in a query string. Raises Problem for what is unknown, or looks into what is hidden."""
        window = None
        if self.is_simple_rest:
            query_string, window = simple_rest(query_string)
        listing = self._dialects.of(session.user).read(translated(query_string, self.form, own))
        listing = listing if window is None else window.of(listing)
        if (listing.is_grouped or listing.format is not Format.JSON) and not self.lists_as_collections:
            raise not_understood([unknown_parameter("aggregate" if listing.is_grouped else "format")])
        return self._visited(listing, session)

    def _visited(self, listing: Listing, session: Session) -> Listing:
        for _, binding in listing.visits:
            if not binding.policy.allows(Right.READ, session.user):
                raise Problem(422, "query", "Parameters cannot be understood; each is listed.")
        return listing

    def shown_of_one(self, query_string: bytes, own: Collection[str], session: Session) -> Listing | None:
        """Return what a request for one record wants to be shown of it, None for all. Raises Problem as ``listing``."""
        query_string = translated(query_string, self.form, own)
        if not query_string:
            return None
        if self.is_simple_rest:
            raise not_understood([unknown_parameter(name) for name, _ in parameters_of(query_string)])
        return self._visited(self._dialects.of(session.user).read_one(query_string), session)

    def key(self, text: str) -> Key:
        """The key that a path segment names; raises Problem (404) where it can be none."""
        try:
            return self.keys.read(text)
        except Unreadable:
            raise _ABSENT from None

    def meets(self, query: AnyQuery, key: Key) -> AnyQuery:
        """The query for the one record with this key, if the query means it."""
        return msgspec.structs.replace(query, condition=both(query.condition, self.collection.meets(key)), max_rows=1)

    @property
    def takes_keys(self) -> bool:
        """Whether clients choose the keys of records."""
        return set(self.binding.schema.key) <= set(self.binding.declaration.json_input.names)

    def whole(self, body: bytes, key: Key, session: Session) -> tuple[Input, dict[str, Json]]:
        """Return what a PUT gives for all of a record, and the members that clients cannot give.

        Raises ValidationError.
        """
        body, errors = self._allowed(body, session, is_new=False)
        with self._with(errors):
            return self.form.whole(body, self.collection.members_of(key))
        raise AssertionError("errors are raised")

    def values(self, view: Value, data: Input, *, is_new: bool) -> dict[str, Value]:
        """The values that a view's input has for fields, with those that its methods make of other ones."""
        form: Form = self.form
        values = form.sent(data, is_new=is_new, is_whole=view.writes.is_whole)
        made: dict[str, Value] = {}
        for name, method in self.written.items():
            if name in values:
                made |= getattr(view, method)(values.pop(name))
        return values | made

    def take(self, body: bytes, session: Session, *, is_new: bool) -> Input:
        """Return what the methods of a view are given of a body; raises ValidationError, also for fields that the user
        may not give.
        """
        body, errors = self._allowed(body, session, is_new=is_new)
        with self._with(errors):
            return self.form.take(body, is_new=is_new)
        raise AssertionError("errors are raised")

    def refused(self, names: Iterable[str], session: Session, *, is_new: bool) -> list[FieldError]:
        """The errors for those of these names that the user may not give a value."""
        refused = read_only_fields(self.binding, session.user, is_new=is_new)
        own = [(name, refused.get(self.form.names.get(name, name))) for name in names] if refused else []
        return [FieldError(name, error.code, error.message) for name, error in own if error is not None]

    def _allowed(self, body: bytes, session: Session, *, is_new: bool) -> tuple[bytes, list[FieldError]]:
        """The body without what the user may not give, and the errors for that."""
        if session.user.unrestricted or not self.binding.policy.has_fields:
            return body, []
        given = _decoded(body)
        if not isinstance(given, dict):
            return body, []
        errors = self.refused(given, session, is_new=is_new)
        wrong = {error.path for error in errors}
        return _encode({name: value for name, value in given.items() if name not in wrong}) if wrong else body, errors

    @contextmanager
    def _with(self, errors: list[FieldError]) -> Iterator[None]:
        """Within the block the errors of a body are raised with these."""
        try:
            yield
        except ValidationError as error:
            raise ValidationError(self.binding.model.__name__, [*errors, *error.errors]) from None if errors else error
        if errors:
            raise ValidationError(self.binding.model.__name__, errors)

    def make(self, session: Session, values: dict[str, Value]) -> Record:
        """Add a new record with these values to a session; raises ValidationError."""
        policy = self.binding.policy
        presets = policy.presets(session.user) if policy.has_fields and not session.user.unrestricted else {}
        return self.collection.admit(session, self.form.made({**presets, **values}))

    def change(
        self, session: Session, record: Record, data: Input, values: dict[str, Value], *, is_whole: bool = False
    ) -> None:
        """Give a record what was sent; raises ValidationError with everything that is refused.

        A whole record may have frozen fields as they are.
        """
        changes = self.form.changes(record, data, values)
        if is_whole:
            for name in read_only_fields(self.binding, session.user, is_new=False):
                changes.pop(name, None)  # a default for what the user may not give: it stays as it is
            frozen = [field for field in self.binding.declaration.stored if field.frozen & Frozen.UPDATE]
            for field in frozen:
                if field.name in changes and changes[field.name] == field.get(record):
                    del changes[field.name]
        self.collection.update(record, changes)

    def address(self, path: str, record: Record) -> str:
        """The path of a record below that of its collection."""
        return f"{path.rstrip('/')}/{self.keys.write(record.__key__())}"

    # --- answers ------------------------------------------------------------------------------------------------------

    async def body_of(self, session: Session, record: Record) -> bytes:
        """One record as the view shows it."""
        if not self.form.is_showing:
            return await self.collection.shown_one(record, self.collection.visible(session.user, None))
        await self._listed.prepared(session, [record], ())
        return _encode(self.form.show(record))

    async def reply(
        self,
        scope: Scope,
        session: Session,
        response: RecordResponse,
        paths: Collection[object],
        asked: Listing | None = None,
    ) -> Reply:
        """The answer that a method has asked for; ``asked`` is what is to be shown of one record that is read."""
        shape, found = response.shape, response.found
        if shape is ResponseShape.EMPTY:
            return Reply(response.status_code, [])
        if shape is ResponseShape.LISTING:
            if self.is_simple_rest:
                return await self._listed.array(scope, session, found, paths)
            listing = found.query_params
            if listing is not None and listing.format is not Format.JSON:
                streamed = Session(self.app.bindings, session.user)  # as that of the request ends before its answer
                return await self._exports.reply(scope, streamed, listing)
            if listing is not None and listing.is_grouped:
                body = groups_page(found.objects, listing)
            else:
                body = await self._listed.page(session, found, paths)
            return conditional(scope, body)
        is_read = scope["method"] in ("GET", "HEAD")
        moment = None if self.form.is_showing else self.collection.modified(found, session.user)
        if is_read and asked is not None:
            body = (await self._listed.data(session, [found], asked, paths))[1:-1]
            dated = self._shows_one and not asked.includes and is_dated(self.collection, asked.names)
            return record_reply(scope, body, moment, is_dated=dated)
        await self._listed.prepared(session, [found], paths)
        body = await (self.body_of(session, found) if is_read else self.fresh_body(session, found))
        if is_read:
            return record_reply(scope, body, moment, is_dated=self._shows_one and is_dated(self.collection, None))
        return json_reply(response.status_code, body, (b"etag", tag_of_body(body)), *last_modified(moment))

    async def fresh_body(self, session: Session, record: Record) -> bytes:
        """One record, which was just written, as the view shows it."""
        if self.collection.may_be_kept_otherwise:
            with suppress(HoldallError):  # the record was written, and is then shown as it was sent
                await session.refresh(record)
        return await self.body_of(session, record)


def _decoded(body: bytes) -> Json:
    """The JSON of a body; None where it is none, which its form tells."""
    try:
        return msgspec.json.decode(body)  # type: ignore[no-any-return]
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
