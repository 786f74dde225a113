"""Holdall's service whose view has a ``get_many`` of its own, which adds nothing."""

from __future__ import annotations

from bench.ours.app import Book, app
from holdall.web.views import AsyncRestView, Listing, ListingResult, include_view


class BookView(AsyncRestView[Book]):
    """The ten fields."""

    prefix = "/books"

    async def get_many(self, query_params: Listing) -> ListingResult[Book]:
        """Answer as the view does without this."""
        return await super().get_many(query_params)


include_view(app, BookView)
