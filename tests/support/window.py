"""Windows of a browser with scripts in which somebody is logged in, with all that they complain about.

Chromium is at ``CHROMIUM``, /usr/bin/chromium otherwise; pictures go to build/browser.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import msgspec

from tests.support.back_office import PASSWORD
from tests.support.sources import HOUSE

__all__ = ["CHROMIUM", "LOOKS", "PICTURES", "Look", "Window", "browser"]

CHROMIUM = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))
PICTURES = HOUSE / "build" / "browser"
_FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
_SECONDS = 60_000  # milliseconds that a step may take on a busy machine


class Look(msgspec.Struct, frozen=True):
    """Light or dark, and how wide a window is."""

    name: str
    scheme: str
    width: int


LOOKS = (Look("light", "light", 1280), Look("dark", "dark", 1280), Look("narrow", "light", 390))


@contextmanager
def browser() -> Iterator[Any]:
    """A browser, which ends with the block."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=str(CHROMIUM), args=list(_FLAGS))
        yield started
        started.close()


class Window:
    """A window of somebody who is logged in; as a block it ends with a look at its complaints."""

    def __init__(self, address: str, chromium: Any, login: str, look: Look = LOOKS[0], **options: Any) -> None:
        self.address, self.look = address, look
        size = {"width": look.width, "height": 900}
        self.context = chromium.new_context(color_scheme=look.scheme, viewport=size, **options)
        self.context.set_default_timeout(_SECONDS)
        self.complaints: list[str] = []
        self.page = self.context.new_page()
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", self._asked)
        self.open("/")
        self.page.fill("#login", login)
        self.page.fill("#password", PASSWORD)
        self.page.click("main button")
        self.page.wait_for_url(f"{address}/")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.close()
        else:
            self.context.close()

    def open(self, path: str) -> None:
        """Go to a page of the back office."""
        self.page.goto(self.address + path)

    def picture(self, name: str) -> None:
        """Keep a picture of the page, and see that it is whole: accessible, no wider than the window, nothing run."""
        from axe_playwright_python.sync_playwright import Axe

        PICTURES.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=PICTURES / f"{name}-{self.look.name}.png", full_page=True)
        found = Axe().run(self.page).response["violations"]
        grave = [each for each in found if each["impact"] in ("serious", "critical")]
        assert [(each["id"], each["nodes"][0]["html"]) for each in grave] == [], name
        assert self.page.evaluate("document.documentElement.scrollWidth") <= self.look.width, name
        assert self.page.evaluate("window.canary") is None, name

    def close(self) -> None:
        """End it, and see that it did not complain."""
        assert self.complaints == []
        assert self.page.evaluate("window.canary") is None
        self.context.close()

    def _said(self, message: Any) -> None:
        if message.type in ("error", "warning") and "Failed to load resource" not in message.text:
            self.complaints.append(message.text)

    def _asked(self, request: Any) -> None:
        if not request.url.startswith((self.address, "data:")):
            self.complaints.append(f"outside: {request.url}")
