"""When the database stands still the room is told, on a screen that lives on, and told no longer once it is over."""

from __future__ import annotations

from tests.acceptance.test_frozen_database import frozen


async def test_a_frozen_database_shows_a_banner_that_leaves_by_itself(instance, visit):
    found = await visit()
    banner = found.page.get_by_test_id("trouble-banner")
    with frozen(instance):
        await banner.wait_for(timeout=10_000)
        assert "Cơ sở dữ liệu không ghi được" in await banner.inner_text()
        assert await found.page.get_by_test_id("cut-banner").count() == 0, "the stream lives on"
    await banner.wait_for(state="detached", timeout=15_000)
    # What the page asked for meanwhile was refused, as it should be; nothing else may have gone wrong.
    found.errors = [text for text in found.errors if "503" not in text]
