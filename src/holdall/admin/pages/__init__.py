"""The pages of the back office; ``table`` has all of them."""

from holdall.admin.pages.table import PAGES

__all__ = ["PAGES"]
