"""Files over HTTP: each field's content at a path of its own, and records sent together with their files."""

from holdall.web.attachments.field_files import FieldFiles
from holdall.web.attachments.forms import FORM, Forms
from holdall.web.attachments.own_routes import file_response, sent_file

__all__ = ["FORM", "FieldFiles", "Forms", "file_response", "sent_file"]
