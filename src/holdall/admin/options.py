"""The options of the back office, as ``app.asgi(admin=Admin(...))`` takes them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import msgspec

from holdall.admin.views import AdminView, Chart, Counter, Note
from holdall.app import Holdall
from holdall.errors import DeclarationError
from holdall.model import Model
from holdall.policy import Authenticated, Role, User, as_rule, bound, is_plain
from holdall.policy.rule import Given
from holdall.query import ALWAYS, Value, did_you_mean
from holdall.users import Users

__all__ = ["COLOURS", "LANGUAGES", "Admin", "admin_of", "allows"]

LANGUAGES = ("en", "fr", "de")
COLOURS = ("blue", "azure", "indigo", "purple", "pink", "red", "orange", "yellow", "lime", "green", "teal", "cyan")
_PATH = re.compile(r"(/[A-Za-z0-9_-]+)+")


class Admin(msgspec.Struct, frozen=True, kw_only=True):
    """The back office of an application.

    ``path`` is where it is, ``title`` its name instead of the application's. ``users`` have the accounts that log in;
    those of the service's ``Authenticator`` otherwise. ``enter`` says who may come in, ``operators`` to whom the pages
    of stores, commits, events and accounts are shown. ``views`` have overrides for models, ``dashboard`` what the first
    page tells, counts and draws. ``colour`` is that of buttons and links, ``logo`` the path of a picture on this host.
    ``language`` and ``zone`` (a time zone of the IANA database) hold until somebody chooses others.

    >>> Admin(path="/office", title="Library").path
    '/office'
    >>> Admin(path="office")
    Traceback (most recent call last):
    holdall.errors.DeclarationError: Admin(): path is a path such as "/admin"
    """

    path: str = "/admin"
    title: str = ""
    users: Users | None = None
    enter: Value = Authenticated
    operators: Value = Role("admin")
    views: Mapping[type[Model], AdminView] = {}
    dashboard: Sequence[Counter | Chart | Note] = ()
    colour: str = "blue"
    logo: str = ""
    language: str = "en"
    zone: str = "UTC"

    def __post_init__(self) -> None:
        if not _PATH.fullmatch(self.path):
            raise DeclarationError('Admin(): path is a path such as "/admin"')
        if self.colour not in COLOURS:
            raise DeclarationError(f"Admin(): colour is one of {', '.join(COLOURS)}")
        if self.language not in LANGUAGES:
            raise DeclarationError(f"Admin(): language is one of {', '.join(LANGUAGES)}")
        if self.logo and (not self.logo.startswith("/") or self.logo.startswith("//")):
            raise DeclarationError('Admin(): logo is a path on this host, such as "/static/logo.svg"')
        for rule in (self.enter, self.operators):
            if not is_plain(as_rule(rule)):
                raise DeclarationError("Admin(): enter and operators are rules for users, such as Role('admin')")

    def demand_fits(self, app: Holdall) -> None:
        """Raise DeclarationError for views of models that are not there, or of fields that they have not."""
        bound = {binding.model: binding for binding in app.collections()}
        for model, view in self.views.items():
            binding = bound.get(model)
            if binding is None:
                raise DeclarationError(f"Admin(): {model.__name__} has a view, and is in no store of this application")
            known = {*binding.declaration.by_name, *binding.declaration.computed}
            for name in sorted(view.names - known):
                told = did_you_mean(name, sorted(known))
                raise DeclarationError(f"Admin(): {model.__name__} has no field {name!r}{told}")
        collections = {binding.collection for binding in bound.values()}
        for each in self.dashboard:
            if not isinstance(each, Note) and each.collection not in collections:
                told = did_you_mean(each.collection, sorted(collections))
                raise DeclarationError(f"Admin(): there is no collection {each.collection!r}{told}")


def admin_of(given: object) -> Admin:
    """The options by what ``app.asgi(admin=...)`` was given. Raises DeclarationError for anything else.

    >>> admin_of(True).path
    '/admin'
    """
    if given is True:
        return Admin()
    if isinstance(given, Admin):
        return given
    raise DeclarationError("asgi(): admin is True, False, or an Admin(...) of holdall.admin")


def allows(rule: Given, user: User) -> bool:
    """Whether a user meets a rule; nobody does where it raises.

    >>> allows(Role("admin"), User("ann")), allows(Authenticated, User("ann"))
    (False, True)
    """
    return bound(as_rule(rule), user) == ALWAYS
