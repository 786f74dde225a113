"""A program over the package that openapi-python-client makes of the document. Run by ``tests/web/test_clients.py``."""

from __future__ import annotations

import sys

from shop_client import Client  # type: ignore[import-not-found]
from shop_client.api.articles import (  # type: ignore[import-not-found]
    articles_create,
    articles_delete,
    articles_get,
    articles_list,
    articles_replace,
)
from shop_client.models import (  # type: ignore[import-not-found]
    AllOfArticle,
    Article,
    NewArticle,
    Problem,
)

client = Client(base_url=sys.argv[1])
made = articles_create.sync_detailed(client=client, body=NewArticle(name="Lamp", price="3.50"))
assert made.status_code == 201, made
lamp = made.parsed
assert isinstance(lamp, Article), lamp
assert (lamp.name, lamp.price) == ("Lamp", "3.50")

refused = articles_create.sync(client=client, body=NewArticle(name=""))
assert isinstance(refused, Problem), refused
assert refused.status == 422, refused

listed = articles_list.sync(client=client, name="Lamp", page_size=5)
assert listed is not None, listed
assert listed.total_count == 1, listed

# by PUT: where one of several bodies is a list, as in PATCH, the package asks isinstance() of list[...]
changed = articles_replace.sync_detailed(lamp.id, client=client, body=AllOfArticle(name="Lamp", price="4.00"))
assert changed.status_code == 200, changed
assert articles_delete.sync_detailed(lamp.id, client=client).status_code == 204
absent = articles_get.sync_detailed(lamp.id, client=client)
assert absent.status_code == 404, absent
print("done")
