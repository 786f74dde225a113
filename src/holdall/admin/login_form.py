"""The page to log in, which leads back to the page that was asked for, with the texts that were typed there."""

from __future__ import annotations

from starlette.responses import Response

from holdall.admin.drafts import draft_of
from holdall.admin.visit import Visit

__all__ = ["login_form"]


async def login_form(
    visit: Visit,
    *,
    back: str | None = None,
    draft: str | None = None,
    login: str = "",
    failed: bool = False,
    status: int = 401,
) -> Response:
    """The page; without ``back`` and ``draft`` they are those of the request itself."""
    request = visit.request
    if back is None:
        back = visit.address + (f"?{request.url.query}" if request.url.query else "")
    if draft is None:
        draft = await draft_of(visit, visit.site.limits.max_body) if request.method == "POST" else ""
    return visit.page(
        "login.html",
        status,
        back=back,
        draft=draft,
        login=login,
        failed=failed,
        has_login=visit.site.users is not None,
    )
