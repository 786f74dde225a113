"""The OpenAPI document's part about the collections."""

from holdall.web.openapi.document import contribute, contribution

__all__ = ["contribute", "contribution"]
