"""The way in which the methods of a REST view are called: awaited, or in a thread."""

from __future__ import annotations

import inspect

from holdall.errors import DeclarationError
from holdall.web.views.sync_rest import RestView
from holdall.web.views.view import View

__all__ = ["demand_called_in_threads"]


def demand_called_in_threads(view: type[View]) -> None:
    """Raise DeclarationError for a method that is async and stands in the place of one that is called in a thread."""
    if not issubclass(view, RestView):
        return
    for name in dir(RestView):
        if inspect.iscoroutinefunction(getattr(view, name)) and not inspect.iscoroutinefunction(
            getattr(RestView, name)
        ):
            raise DeclarationError(
                f"{view.__name__}.{name} is async, and a RestView calls it in a thread: write def {name}, or derive"
                f" {view.__name__} from AsyncRestView"
            )
