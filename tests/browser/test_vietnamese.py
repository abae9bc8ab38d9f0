"""Who reads Vietnamese meets no English and no code: every screen is read word by word, with a few exceptions."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.acceptance.instance import items

pytestmark = pytest.mark.timeout(240)
DICTIONARIES = Path(__file__).parents[2] / "ui" / "src" / "i18n"
ALLOWED = {
    "camera", "mqtt", "wi-fi", "yaml", "email", "internet", "nowcast", "english", "radio", "ioc", "ctrl", "enter",
    "crowd", "data", "high", "rain", "river",
}  # fmt: skip
"""Words of English that Vietnamese has taken, names of things, keys of the keyboard."""
SHORT = {"the", "and", "for", "are", "not", "you", "was", "has", "all", "new", "off"}
CODE = re.compile(
    r"\b[a-z]+_[a-z_]+\b|\{\w+\}|\bundefined\b|\bnull\b|\bNaN\b|\[object|\b(?:nav|drill|rule|alert)\.[a-z]+\b"
)
READ = """() => {
  const left = "code, pre, kbd, textarea, script, style, noscript, [lang=en], .code, option";
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode;
    if (!node.parentElement.closest(left) && node.data.trim()) found.push(node.data.trim());
  }
  for (const element of document.querySelectorAll("[aria-label], [title], [placeholder]")) {
    if (element.closest(left)) continue;
    for (const name of ["aria-label", "title", "placeholder"]) {
      if (element.getAttribute(name)) found.push(element.getAttribute(name));
    }
  }
  return found;
}"""


def english_words() -> set[str]:
    """Return the words of the English dictionary that no Vietnamese text has."""

    def words(language: str) -> set[str]:
        texts = json.loads((DICTIONARIES / f"{language}.json").read_text(encoding="utf-8")).values()
        return {word for text in texts for word in re.findall(r"[^\W\d_]+(?:-[^\W\d_]+)*", text.lower())}

    only = words("en") - words("vi")
    return {word for word in only if word.isascii() and (len(word) > 3 or word in SHORT)} - ALLOWED


def problems(texts: list[str], names: set[str], english: set[str]) -> list[tuple[str, str]]:
    """Return (what, text) of each text that has English or code; ids of devices and rules are names, not code."""
    wrong = []
    for text in texts:
        bare = " ".join(part for part in re.split(r"[\s·,;()]+", text) if part.strip(".:") not in names)
        wrong += [(found, text) for found in CODE.findall(bare)]
        wrong += [(word, text) for word in re.findall(r"[a-z]+(?:-[a-z]+)*", bare.lower()) if word in english]
    return wrong


def test_the_reader_finds_english_and_code():
    english = english_words()
    assert len(english) > 300
    for text in ("The rules were removed", "Trạng thái: work_state", "{n} cảnh báo", "undefined", "nav.alerts"):
        assert problems([text], set(), english), text
    assert problems(["Trạm đo mưa Hòa Bình · rain-hoa-binh", "Camera cầu Hòa Bình 1"], {"rain-hoa-binh"}, english) == []


async def test_no_english_and_no_code_on_any_screen(visit, instance):
    desk = await visit(1366, 768)
    with instance.signed_in(instance.username, instance.password) as client:
        alerts = items(client, "/api/v1/alerts", limit=200)
        names = {device["id"] for device in items(client, "/api/v1/devices", limit=500)}
        rules = {rule["id"]: rule for rule in items(client, "/api/v1/rules")}
        people = {user["username"] for user in items(client, "/api/v1/users", limit=500)}
        values = {"agency": "UBND xã Lương Sơn", "on_time_pct": 100, "missing": 0}
        entered = client.post("/api/v1/manual/report_summary", json={"id": "screen-words-1", "values": values})
        assert entered.status_code in (200, 201), entered.text  # one that is of no device
        tables = {table["name"] for table in items(client, "/api/v1/limits/tables")}
    names |= tables | set(rules) | people | {alert["rule"] for alert in alerts}
    # Rules of other tests have the words that those gave them: only the pack's are the product's.
    by_rule = {alert["rule"]: alert["id"] for alert in alerts if rules.get(alert["rule"], {}).get("source") == "pack"}
    paths = [
        "/",
        "/alerts",
        "/alerts?view=closed",
        "/devices",
        "/rules",
        "/drills",
        "/manual?feed=reservoir",
        "/performance",
        "/quality",
        "/indicators",
        "/limits",
        "/contacts",
        "/roster",
        "/shift-log",
        "/lookups",
        "/silences",
    ]
    paths.append("/nowhere")
    paths += [f"/alerts/{alert}" for alert in list(by_rule.values())[:5]]
    paths += [
        "/devices/res-hoa-binh",
        "/devices/rain-hoa-binh",
        *(f"/rules/{rule}" for rule in ("rain.24h", "air.vn-aqi")),
    ]
    english, wrong = english_words(), set()
    for path in paths:
        await desk.go(path)
        await desk.page.get_by_test_id("live-state").wait_for()
        await desk.page.wait_for_timeout(700)
        wrong |= {(path, *found) for found in problems(await desk.page.evaluate(READ), names, english)}
    for key in ("?", "Escape", "Control+k"):
        await desk.page.keyboard.press(key)
        await desk.page.wait_for_timeout(200)
        wrong |= {(key, *found) for found in problems(await desk.page.evaluate(READ), names, english)}
    assert not wrong, "\n".join(map(str, sorted(wrong)))
