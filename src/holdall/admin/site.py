"""The parts of the back office that all pages share: the application, the options, the gate, and the templates."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from jinja2 import Environment

from holdall.admin.described import Described, FieldInfo
from holdall.admin.fsck_run import FsckRun
from holdall.admin.gate import Gate
from holdall.admin.inner import Inner
from holdall.admin.job_runs import JobRuns
from holdall.admin.options import Admin
from holdall.admin.saved_lists import SavedList
from holdall.admin.views import AdminView
from holdall.events.audit import Audit
from holdall.model import MISSING, Model
from holdall.query import Value
from holdall.users import Users
from holdall.users.authenticator import Authenticator
from holdall.web.service import Service

__all__ = ["Site"]

_PREVIEWED = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "image/avif"})


class Site:
    """Everything that pages share. Example: ``docs/back-office.md``."""

    def __init__(self, service: Service, settings: Admin, templates: Environment) -> None:
        self.app = service.holdall
        self.settings = settings
        self.title = settings.title or self.app.name
        self.limits = service.settings
        self.inner = Inner(self.app, service.settings)
        self.gate = Gate(service.settings)
        self.users = settings.users or _users_of(service.settings.authenticate)
        self.check = FsckRun()
        self.jobs = JobRuns()
        self._templates = templates
        views: dict[type[Model], AdminView] = {SavedList: AdminView(is_hidden=True), **settings.views}
        self._views = {
            binding.collection: views[binding.model] for binding in self.app.collections() if binding.model in views
        }
        self.collections = {binding.model.__name__: binding.collection for binding in self.app.collections()}

    def view_of(self, collection: str) -> AdminView:
        """The overrides for a collection."""
        return self._views.get(collection) or AdminView()

    def searches(self, described: Described) -> bool:
        """Whether a collection has full-text search, in fields that the user may read."""
        fields = self.app.bindings.of_name(described.collection).declaration.search
        return bool(fields) and described.by_name.keys() >= set(fields)

    def trail_of(self, collection: str) -> str:
        """The collection that has the audit trail of another; nothing where there is none."""
        binding = self.app.bindings.of_name(collection)
        for sink in self.app.listeners.sinks:
            if isinstance(sink, Audit) and sink.watches(binding):
                return sink.binding.collection
        return ""

    def defaults(self, collection: str, fields: Iterable[FieldInfo]) -> dict[str, Value]:
        """The values that fields of a new record have where nobody gives others, as JSON shows them."""
        declaration, found = self.app.bindings.of_name(collection).declaration, dict[str, Value]()
        for each in fields:
            field = declaration.by_name[each.name]
            if field.options.default is not MISSING and field.options.default is not None and not field.is_relation:
                found[each.name] = msgspec.json.decode(msgspec.json.encode(field.shown(field.options.default)))
            elif field.options.default_factory in (list, tuple, set, dict):
                found[each.name] = {} if field.options.default_factory is dict else []
        return found

    def told(self, collection: str) -> str:
        """The first paragraph of what the class of a collection says of itself."""
        text = self.app.bindings.of_name(collection).model.__doc__ or ""
        return " ".join(text.strip().partition("\n\n")[0].split())

    @property
    def previewed(self) -> frozenset[str]:
        """The media types of files that a page shows: pictures that run nothing."""
        return _PREVIEWED

    def render(self, name: str, **values: Value) -> str:
        """The text of a template."""
        return self._templates.get_template(name).render(**values)


def _users_of(authenticate: object) -> Users | None:
    return authenticate.users if isinstance(authenticate, Authenticator) else None
