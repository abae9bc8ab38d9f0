"""A rule's own measures in plain words: what they are made of, over which time, of which readings."""

import re
from collections.abc import Mapping
from typing import Any

from ioc.api.condition_words import Codes, Told, condition_words, duration_words, inner, pick
from ioc.domain.feed import FeedSpec, Label
from ioc.rules.kinds import Kind
from ioc.rules.load_kinds import CORRELATED

AGGREGATES = {
    "sum": ("tổng {f} trong {w}", "sum of {f} over {w}"),
    "avg": ("{f} trung bình {w}", "{w} mean of {f}"),
    "nowcast": ("{f} trung bình NowCast {w}", "{w} NowCast mean of {f}"),
    "min": ("{f} thấp nhất trong {w}", "lowest {f} in {w}"),
    "max": ("{f} cao nhất trong {w}", "highest {f} in {w}"),
    "first": ("{f} đầu tiên trong {w}", "first {f} in {w}"),
    "last": ("{f} mới nhất trong {w}", "latest {f} in {w}"),
    "delta": ("mức thay đổi của {f} trong {w}", "change of {f} in {w}"),
    "rate": ("tốc độ thay đổi của {f} trong {w}", "rate of change of {f} over {w}"),
    "rise": ("mức tăng của {f} kể từ lúc thấp nhất trong {w}", "rise of {f} from its lowest in {w}"),
    "fall": ("mức giảm của {f} kể từ lúc cao nhất trong {w}", "fall of {f} from its highest in {w}"),
    "distinct": ("số {f} khác nhau trong {w}", "number of different {f} in {w}"),
    "count": ("số tin có {f} trong {w}", "number of readings with {f} in {w}"),
    "laeq": ("LAeq {w} của {f}", "{w} LAeq of {f}"),
    "antecedent_rain": (
        "{f} tích lũy {w}, mỗi ngày trước đó giảm còn 85%",
        "{f} summed over {w}, each day before counting 85%",
    ),
    "percentile": ("bách phân vị {p} của {f} trong {w}", "{p}th percentile of {f} over {w}"),
    "all": ("số tin {f} trong {w}", "number of {f} readings in {w}"),
    "vn_aqi": ("chỉ số VN_AQI giờ", "hourly VN_AQI"),
    "nesterov": ("chỉ số cháy rừng P của Nesterov", "Nesterov's fire index P"),
}
"""Templates: {f} the field, {w} the window, {p} the percentile."""
CHANGES = {
    "delta": ("mức thay đổi của {f} so với lần đo trước", "change of {f} since the reading before"),
    "rate": ("tốc độ thay đổi của {f} so với lần đo trước", "rate of change of {f} since the reading before"),
}
TAKES = {
    "max": ("lấy giá trị lớn nhất", "taking the largest"), "min": ("lấy giá trị nhỏ nhất", "taking the smallest"),
    "avg": ("lấy trung bình", "taking their mean"), "sum": ("lấy tổng", "taking their sum"),
    "count": ("đếm số có giá trị", "counting those with a value"),
}  # fmt: skip
EXTRAS = frozenset({"where", "per", "take"})
PERCENTILE = re.compile(r"p(\d{1,2})")
OF_KINDS: Mapping[Kind, Mapping[str, Told]] = {
    Kind.ABSENCE: {"silent": Told(Label("mất tín hiệu", "silent"))},
    Kind.SEQUENCE: {
        "complete": Told(Label("đủ chuỗi", "the chain is complete")),
        "took": Told(Label("cả chuỗi diễn ra", "the chain took"), "s"),
    },
    Kind.NEAR: {
        "n": Told(Label("số tin trong cụm", "number of readings in the cluster")),
        "devices": Told(Label("số nguồn gửi trong cụm", "number of sources in the cluster")),
    },
    Kind.ZONE: {"inside": Told(Label("ở trong vùng", "inside the place"))},
    Kind.CORRELATE: {name: Told(Label(vi, en)) for name, vi, en in CORRELATED},
}
"""What the kinds find out beside measures."""


def measures_in(body: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return a rule's measures by name; `delta: F` and `rate: F` are short forms of one."""
    found = body.get("measure")
    if isinstance(found, Mapping):
        return dict(found)
    return {name: {name: body[name]} for name in ("delta", "rate") if name in body}


def made_of(measure: Mapping[str, Any]) -> tuple[str, object]:
    """Return a measure's aggregate and what it is of."""
    return next(((str(name), of) for name, of in measure.items() if name not in EXTRAS), ("", None))


def measure_field(body: Mapping[str, Any], name: str) -> str | None:
    """Return the field that a measure looks at, None where it looks at events or at several fields."""
    measure = measures_in(body).get(name)
    of = None if measure is None else made_of(measure)[1]
    return of if isinstance(of, str) else None


def told_measure(measure: Mapping[str, Any], *, over: object, names: Mapping[str, Told], specs: list[FeedSpec]) -> Told:
    """Return how a measure is told: a label in both languages and its unit."""
    aggregate, of = made_of(measure)
    field = names.get(str(of)) if isinstance(of, str) else None
    percentile = PERCENTILE.fullmatch(aggregate)
    wanted = "percentile" if percentile else "all" if aggregate == "count" and of is True else aggregate
    templates = (AGGREGATES if over else CHANGES).get(wanted, ("{f}", "{f}"))
    label = Label(*(
        _filled(templates[not vi], field, of=of, specs=specs, percent=percentile[1] if percentile else "",
                over=duration_words(over, vi=vi), vi=vi)
        for vi in (True, False)
    ))  # fmt: skip
    plain = aggregate in ("count", "distinct", "vn_aqi", "nesterov") or measure.get("take") == "count"
    unit = "" if plain or field is None else f"{field.unit}/h" if aggregate == "rate" and field.unit else field.unit
    return Told(label, unit)


def _filled(
    template: str, field: Told | None, *, of: object, specs: list[FeedSpec], percent: str, over: str, vi: bool
) -> str:
    what = ", ".join(inner(pick(spec.label, vi=vi)) for spec in specs) if of is True else str(of)
    return template.format(f=inner(pick(field.label, vi=vi)) if field else what, w=over, p=percent)


def measure_remarks(body: Mapping[str, Any], names: dict[str, Told], *, vi: bool, codes: Codes) -> list[str]:
    """Return what is to be said of measures beside their names: which readings they take, and apart for what."""
    said: list[str] = []
    for measure in measures_in(body).values():
        if measure.get("where"):
            where = condition_words(str(measure["where"]), names, vi=vi, codes=codes)
            said.append(f"chỉ tính tin có {inner(where)}" if vi else f"only readings with {inner(where)}")
        if measure.get("per"):
            per = inner(pick(names[str(measure["per"])].label, vi=vi)) if measure["per"] in names else measure["per"]
            take = TAKES.get(str(measure.get("take")), ("", ""))[not vi]
            said.append(f"tính riêng từng {per}, {take}" if vi else f"for each {per} apart, {take}")
    return list(dict.fromkeys(said))
