"""A rule's own measures in plain words: what they are made of, over which time, of which readings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ioc.domain.feed import FeedSpec, Label
from ioc.rules.language.kinds import Measure, Take
from ioc.rules.words.clauses import Codes, DisplayLabel, clause_words, duration_words, inner, pick

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
TAKES: Mapping[Take, tuple[str, str]] = {
    Take.MAX: ("lấy giá trị lớn nhất", "taking the largest"), Take.MIN: ("lấy giá trị nhỏ nhất", "taking the smallest"),
    Take.AVG: ("lấy trung bình", "taking their mean"), Take.SUM: ("lấy tổng", "taking their sum"),
    Take.COUNT: ("đếm số có giá trị", "counting those with a value"),
}  # fmt: skip
OF_NO_UNIT = frozenset({"count", "distinct", "vn_aqi", "nesterov"})


def measure_label(
    measure: Measure, *, over_us: int | None, names: Mapping[str, DisplayLabel], specs: Sequence[FeedSpec]
) -> DisplayLabel:
    """Return how a measure is told: a label in both languages and its unit; ``over_us`` None: of two readings."""
    field = names.get(measure.field or "")
    of_all = measure.aggregate == "count" and measure.field is None
    wanted = "percentile" if measure.percentile else "all" if of_all else measure.aggregate
    templates = (CHANGES if over_us is None else AGGREGATES).get(wanted, ("{f}", "{f}"))

    def text(*, vi: bool) -> str:
        feeds = ", ".join(inner(pick(spec.label, vi=vi)) for spec in specs)
        what = inner(pick(field.label, vi=vi)) if field else measure.field or feeds
        return templates[not vi].format(f=what, w=duration_words(over_us, vi=vi), p=measure.percentile)

    unit = "" if field is None or measure.aggregate in OF_NO_UNIT or measure.take is Take.COUNT else field.unit
    return DisplayLabel(
        Label(text(vi=True), text(vi=False)), f"{unit}/h" if measure.aggregate == "rate" and unit else unit
    )


def measure_remarks(
    measures: Sequence[Measure], names: Mapping[str, DisplayLabel], *, vi: bool, codes: Codes
) -> list[str]:
    """Return what is to be said of measures beside their names: which readings they take, and apart for what."""
    said: list[str] = []
    for measure in measures:
        if measure.where is not None:
            where = clause_words(measure.where.text, names, vi=vi, codes=codes)
            said.append(f"chỉ tính tin có {inner(where)}" if vi else f"only readings with {inner(where)}")
        if measure.per is not None and measure.take is not None:
            per = inner(pick(names[measure.per].label, vi=vi)) if measure.per in names else measure.per
            take = TAKES[measure.take][not vi]
            said.append(f"tính riêng từng {per}, {take}" if vi else f"for each {per} apart, {take}")
    return list(dict.fromkeys(said))
