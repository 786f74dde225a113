"""The OpenAPI document's part about the collections."""

from holdall.web.openapi.document import contribute, contribution
from holdall.web.openapi.own_operations import ASKS_WHO, describe_own

__all__ = ["ASKS_WHO", "contribute", "contribution", "describe_own"]
