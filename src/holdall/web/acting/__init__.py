"""Actions and selections over HTTP: ``/books/7/actions/vote`` and ``/books/selections/french-books``."""

from holdall.web.acting.beside import Beside

__all__ = ["Beside"]
