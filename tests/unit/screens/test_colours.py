"""The colours of severity: a graver one stands out more from its ground than a lesser one, to every eye."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest

TOKENS = Path(__file__).parents[3] / "ui" / "src" / "styles" / "tokens.css"
SEVERITIES = ("info", "low", "medium", "high", "critical")
STEP_MIN = 1.05
"""So much more contrast has each severity at least than the one below it."""
DEUTERANOPE = ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881))
"""Machado, Oliveira and Fernandes 2009, severity 1.0, on linear sRGB."""
Colour = tuple[float, float, float]


def tokens(theme: str) -> dict[str, str]:
    block = re.search(rf':root\[data-theme="{theme}"\] \{{(.*?)\n\}}', TOKENS.read_text(), re.DOTALL)
    assert block is not None
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block[1]))


def linear(text: str) -> Colour:
    red, green, blue = (int(text[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return _line(red), _line(green), _line(blue)


def _line(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4


def seen(colour: Colour, eye: str) -> Colour:
    if eye == "grey":
        return colour
    red, green, blue = (min(1.0, max(0.0, sum(a * b for a, b in zip(row, colour, strict=True)))) for row in DEUTERANOPE)
    return red, green, blue


def luminance(colour: Colour) -> float:
    return 0.2126 * colour[0] + 0.7152 * colour[1] + 0.0722 * colour[2]


def contrasts(theme: str, ground: str, suffix: str, eye: str) -> list[float]:
    """Return each severity's contrast with the ground, from the least severity to the gravest."""
    found = tokens(theme)
    under = luminance(seen(linear(found[ground]), eye))
    values = [luminance(seen(linear(found[f"{name}{suffix}"]), eye)) for name in SEVERITIES]
    return [(max(value, under) + 0.05) / (min(value, under) + 0.05) for value in values]


@pytest.mark.parametrize("eye", ["grey", "deuteranope"])
@pytest.mark.parametrize("suffix", ["", "-fill"])
@pytest.mark.parametrize("theme", ["dark", "light"])
def test_a_graver_severity_stands_out_more(theme: str, suffix: str, eye: str):
    found = contrasts(theme, "surface", suffix, eye)
    steps = [after / before for before, after in pairwise(found)]
    assert min(steps) >= STEP_MIN, dict(zip(SEVERITIES, found, strict=True))


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_on_the_dark_ground_luminance_rises_and_texts_and_marks_can_be_read(theme: str):
    for ground in ("surface", "raised"):
        assert min(contrasts(theme, ground, "", "grey")) >= 4.5
        assert min(contrasts(theme, ground, "-fill", "grey")) >= 2.75
    values = [luminance(linear(tokens(theme)[name])) for name in SEVERITIES]
    assert values == sorted(values, reverse=theme == "light")
