from __future__ import annotations

from uuid import UUID

from holdall import Holdall, Model, field
from holdall.stores.redis import RedisCollection


# field odd is of the types Own, which no field is guessed for, and is left out
# its records are not listed yet: holdall create lists them, so that queries find them
class User(Model, table="User"):
    id: UUID = field(pk=True)
    name: str


# its records are not listed yet: holdall create lists them, so that queries find them
class Visit(Model):
    id: int = field(pk=True)
    page_in_full: str = field(column="page, in full")
    tags: list[str]
    seconds: float


# cache is left out:
#   keys app:cache:… are of type string; records are hashes


# nameless is left out:
#   no field of its hashes holds the key that is in their names


# plain is left out:
#   field name of app:plain:… has values that are neither JSON nor in envelopes


app = Holdall("redis")
app.add_store(
    "main",
    "redis://",
    prefix="app",
    collections={"user": RedisCollection(name="hogwarts.models:User", encoding="typed")},
)
app.add(User, Visit, store="main")
