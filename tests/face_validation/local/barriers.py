"""What axe finds on a page: barriers for people who see it otherwise, or do not see it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from axe_playwright_python.sync_playwright import Axe

SCREENS = [(1280, "en-GB"), (390, "es-ES")]  # width in pixels, and language


@contextmanager
def screen(browser: Any, width: int, locale: str, address: str) -> Iterator[Any]:
    """The page at `address` on such a screen; in the end nothing on it may be wider than the screen."""
    # axe is a script of another origin, which the page's policy forbids.
    page = browser.new_page(viewport={"width": width, "height": 844}, locale=locale, bypass_csp=True)
    page.set_default_timeout(120_000)
    page.goto(address)
    yield page
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()


def assert_no_barrier(page: Any) -> None:
    """In light and in dark colours."""
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        found = Axe().run(page, options={"resultTypes": ["violations"]})
        assert found.violations_count == 0, found.generate_report()
