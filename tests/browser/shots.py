"""Pictures for people to look at (``tests/browser/screenshots``), and when a page has drawn what it was told."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from playwright.async_api import Error

if TYPE_CHECKING:
    from playwright.async_api import Page

SHOTS = Path(__file__).parent / "screenshots"
LOOKS = [
    ("390", 390, 844, "dark"),
    ("1080p", 1920, 1080, "dark"),
    ("1080p", 1920, 1080, "light"),
    ("4k", 3840, 2160, "light"),
]
"""What a screen is looked at in: its room at each size, its colours in both schemes at the one that most desks have."""
TRIES = 3
NO_SURFACE = "Unable to capture screenshot"
"""What Chromium says while it makes the surface of a page anew, as after a change of its size."""
SIZED = "([width, height]) => innerWidth === width && innerHeight === height"
TWO_FRAMES = "() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))"


async def drawn(page: Page) -> None:
    """Wait until the page has drawn what it knows: a media query is told in one frame, what it changes in the next."""
    await page.evaluate(TWO_FRAMES)


async def resize(page: Page, width: int, height: int) -> None:
    """Give the page another size in CSS pixels, and wait until it has drawn itself in it."""
    await page.set_viewport_size({"width": width, "height": height})
    await page.wait_for_function(
        "([width, height]) => innerWidth === width && innerHeight === height", arg=[width, height]
    )
    await drawn(page)


async def shot(page: Page, name: str, *, full_page: bool = False) -> None:
    """Write what the page shows as a PNG of this name; a surface that is being made anew is waited for."""
    for last in (*[False] * (TRIES - 1), True):
        await drawn(page)
        try:
            await page.screenshot(path=SHOTS / name, full_page=full_page)
        except Error as error:
            if last or NO_SURFACE not in error.message:
                raise
        else:
            return
