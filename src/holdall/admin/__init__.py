"""The back office: pages for people over all collections, made of their declarations."""

from holdall.admin.mounting import add_back_office
from holdall.admin.options import Admin
from holdall.admin.saved_lists import SavedList, SavedLists
from holdall.admin.views import AdminView, Chart, Computed, Counter, Note

__all__ = [
    "Admin",
    "AdminView",
    "Chart",
    "Computed",
    "Counter",
    "Note",
    "SavedList",
    "SavedLists",
    "add_back_office",
]
