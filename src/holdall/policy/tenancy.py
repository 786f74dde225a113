"""Tenancy: records of several tenants in one collection, each seen and written by its own users alone."""

from __future__ import annotations

from holdall.errors import DeclarationError
from holdall.model import Model, field
from holdall.policy.rule import When
from holdall.policy.user import me
from holdall.query import Expression, Value

__all__ = ["Tenanted", "tenant_field", "tenant_rule"]


class Tenanted(Model, abstract=True):
    """Records of a tenant: whatever the policy, users see and write those of their own tenant alone.

    New records get the tenant of who makes them, ``me.tenant``, which nobody changes. Users without a tenant see none.
    A model that keeps its tenant otherwise names the field itself: ``__tenant__ = "office"`` compares it with
    ``me.office``.

    >>> from holdall import Holdall, Model, field
    >>> class Note(Tenanted):
    ...     id: int = field(pk=True)
    ...     text: str
    >>> async def example() -> None:
    ...     app = Holdall("notes")
    ...     app.add_store("main", "memory:")
    ...     app.add(Note, store="main")
    ...     async with app.session(User("ann", attributes={"tenant": "north"})) as session:
    ...         session.add(Note(id=1, text="hello"))
    ...     async with app.session(User("eve", attributes={"tenant": "south"})) as session:
    ...         print(await session.get(Note, 1), await session.count(Note.where()))
    ...     async with app.session() as session:
    ...         print((await session.require(Note, 1)).tenant)
    >>> import asyncio
    >>> asyncio.run(example())
    None 0
    north
    """

    __tenant__ = "tenant"

    tenant: str = field(default="", length=(0, 100))


def tenant_field(model: Value) -> str | None:
    """The name of the field that says whose a record is; None without tenants. Example: :class:`Tenanted`."""
    return getattr(model, "__tenant__", None)


def tenant_rule(model: Value) -> When | None:
    """The rule that a record is of the user's tenant; None for models without tenants.

    Raises DeclarationError where the model has no such field. Example: :class:`Tenanted`.
    """
    name = tenant_field(model)
    if name is None:
        return None
    found = getattr(model, name, None)
    if not isinstance(found, Expression):
        raise DeclarationError(f"{model.__name__} has no field {name!r}, which its __tenant__ names")
    return When(found == getattr(me, name))
