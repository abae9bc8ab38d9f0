"""Rules of every kind in plain words of both languages."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from ioc.api.plain_language import rules as rule_words
from ioc.api.serializers import rules as rules_json
from ioc.domain.feed import FeedSpec, FieldSpec, FieldType, Label
from ioc.packs.loader import load_pack
from ioc.rules.words.clauses import Codes, clause_words, display_labels, duration_words
from ioc.rules.words.rule_words import RuleWords

RAIN = FeedSpec("rainfall", Label("Lượng mưa", "Rainfall"), "disaster", {
    "rain_mm": FieldSpec("rain_mm", Label("Mưa trong kỳ", "Rain in the period"), unit="mm"),
    "rain_24h_mm": FieldSpec("rain_24h_mm", Label("Mưa 24 giờ", "24 h rain"), unit="mm")})  # fmt: skip
RIVER = FeedSpec("river_level", Label("Mực nước sông", "River level"), "disaster", {
    "level_cm": FieldSpec("level_cm", Label("Mực nước", "Water level"), unit="cm")})  # fmt: skip
AIR = FeedSpec("air", Label("Không khí", "Air"), "environment", {
    "pm2_5": FieldSpec("pm2_5", Label("Bụi mịn PM2.5", "Fine particles PM2.5"), unit="µg/m³"),
    "no2": FieldSpec("no2", Label("NO₂", "NO₂"), unit="µg/m³")})  # fmt: skip
WIFI = FeedSpec("wifi", Label("Wi-Fi", "Wi-Fi"), "tourism", {
    "up": FieldSpec("up", Label("Hoạt động", "Up"), FieldType.BOOLEAN),
    "word": FieldSpec("word", Label("Vi phạm", "Violation"), FieldType.TEXT)})  # fmt: skip
WEATHER = FeedSpec("weather", Label("Thời tiết", "Weather"), "disaster", {
    name: FieldSpec(name, Label(name, name)) for name in ("temperature_c", "humidity_pct", "rain_mm")})  # fmt: skip
FEEDS = {spec.id: spec for spec in (RAIN, RIVER, AIR, WIFI, WEATHER)}
CODES = {"zone": {"hoa-binh": Label("Khu vực Hòa Bình", "Hòa Bình")},
         "domain": {"disaster": Label("Thiên tai", "Disasters")}}  # fmt: skip
PM = {"nowcast": "pm2_5", "per": "device", "take": "max"}
HIGH = [{"severity": "high"}]
FRAME = {"rule": "told", "title": {"vi": "Q", "en": "Q"}, "domain": "disaster", "summary": {"vi": "Q", "en": "Q"}}


def words(body: dict[str, Any], feeds: Mapping[str, FeedSpec] = FEEDS, codes: Codes = CODES) -> RuleWords:
    rule = rule_words.rule_of({**FRAME, **body}, feeds)
    assert rule is not None, "a rule that the loader takes"
    return rule_words.words_of(rule, feeds, codes)


def told(**body: Any) -> dict[str, str]:
    return rule_words.join_sentences(rule_words.sentences(words(body)))


def test_a_threshold_with_its_duration_and_its_end():
    body = {"feed": "rainfall", "levels": [{"severity": "high", "when": "rain_24h_mm >= 100.0", "for": "90m"}],
            "clear": {"when": "rain_24h_mm < 80.5", "for": "1h"}}  # fmt: skip
    assert told(**body) == {
        "vi": "Cao: Mưa 24 giờ từ 100 mm trở lên, kéo dài 90 phút. Hết khi mưa 24 giờ dưới 80,5 mm, kéo dài 1 giờ",
        "en": "High: 24 h rain at least 100 mm for 90 min. Ends when 24 h rain below 80.5 mm for 1 h",
    }


def test_values_of_a_text_have_the_words_of_the_feed():
    kinds = {"fire": Label("cháy", "fire"), "flood": Label("ngập", "flooding")}
    calls = FeedSpec("calls", Label("Tin báo", "Calls"), "security", {
        "kind": FieldSpec("kind", Label("Loại", "Kind"), FieldType.TEXT, values=("fire", "flood", "x"), words=kinds),
    })  # fmt: skip
    levels = [{"severity": "low", "when": 'kind in ["flood", "x"]'}, {"severity": "high", "when": 'kind == "fire"'}]
    said = rule_words.join_sentences(rule_words.sentences(words({"feed": "calls", "levels": levels}, {"calls": calls})))
    assert said["vi"].startswith("Lưu ý: Loại là một trong: “ngập”, “x”. Cao: Loại là “cháy”")
    assert said["en"].startswith("Low: Kind is one of: “flooding”, “x”. High: Kind is “fire”")


def test_how_long_a_reading_counts_when_it_counts_and_that_it_only_watches():
    found = told(feed="wifi", by=["zone"], levels=[{"severity": "low", "when": "up == false"}], hold="30m",
                 refire="10m", active={"days": ["mon", "sun"], "hours": "22:00-06:00", "holidays": "exclude"},
                 mode="monitor", where='zone == "hoa-binh" && word != "none"', clear={"for": "2m"})  # fmt: skip
    assert found["vi"].split(". ") == [
        "Lưu ý: Hoạt động là “không”",
        "Hết khi không còn mức nào đúng, kéo dài 2 phút",
        "Chỉ tính khi khu vực là Khu vực Hòa Bình và vi phạm khác “none”",
        "Mỗi khu vực có cảnh báo riêng",
        "Mỗi tin có hiệu lực 30 phút, không có tin mới thì cảnh báo tự hết",
        "Tái diễn trong vòng 10 phút thì mở lại chính cảnh báo cũ",
        "Chỉ áp dụng từ 22:00–06:00, thứ Hai, Chủ nhật, trừ ngày lễ",
        "Theo dõi, không báo: chỉ đếm, không tạo cảnh báo",
    ]
    assert found["en"].split(". ")[4:] == [
        "A reading counts for 30 min; without a newer one the alert ends by itself",
        "If it returns within 10 min the same alert opens again",
        "Counts only from 22:00–06:00, Monday, Sunday, not on holidays",
        "Monitored: it counts and raises no alert",
    ]


def test_an_alert_that_people_end_says_so_and_until_when_and_not_that_it_ends_by_itself():
    due = {"acknowledge": "15m", "resolve": "24h"}
    found = told(feed="wifi", by=["event"], levels=[{"severity": "low", "when": "up == false"}], hold="30m",
                 clear={"when": "up == true"}, ends="by_person", due=due)  # fmt: skip
    assert found["vi"].split(". ")[1:] == [
        "Chỉ kết thúc khi trực ban ghi kết quả xử lý",
        "Phải có người nhận trong 15 phút, phải xử lý xong trong 24 giờ",
        "Mỗi tin có cảnh báo riêng",
    ]
    assert found["en"].split(". ")[1:3] == [
        "Ends only when somebody tells its outcome",
        "To be taken within 15 min, to be done within 24 h",
    ]
    assert "ends by itself" not in found["en"]


def test_a_window_says_its_aggregate_its_length_and_for_what_it_is_taken_apart():
    found = told(feed="air", by=["zone"], over="12h", measure={"pm": PM},
                 levels=[{"severity": "medium", "when": "pm > 80.0", "for": "3h"}])  # fmt: skip
    assert found["vi"] == ("Trung bình: Bụi mịn PM2.5 trung bình NowCast 12 giờ trên 80 µg/m³, kéo dài 3 giờ. "
                           "Tính riêng từng thiết bị, lấy giá trị lớn nhất. Mỗi khu vực có cảnh báo riêng")  # fmt: skip
    assert found["en"].startswith("Medium: 12 h NowCast mean of fine particles PM2.5 above 80 µg/m³ for 3 h. For each")


@pytest.mark.parametrize(("measure", "vi", "en"), [
    ({"sum": "rain_mm"}, "tổng mưa trong kỳ trong 6 giờ", "sum of rain in the period over 6 h"),
    ({"avg": "rain_mm"}, "mưa trong kỳ trung bình 6 giờ", "6 h mean of rain in the period"),
    ({"min": "rain_mm"}, "mưa trong kỳ thấp nhất trong 6 giờ", "lowest rain in the period in 6 h"),
    ({"max": "rain_mm"}, "mưa trong kỳ cao nhất trong 6 giờ", "highest rain in the period in 6 h"),
    ({"first": "rain_mm"}, "mưa trong kỳ đầu tiên trong 6 giờ", "first rain in the period in 6 h"),
    ({"last": "rain_mm"}, "mưa trong kỳ mới nhất trong 6 giờ", "latest rain in the period in 6 h"),
    ({"delta": "rain_mm"}, "mức thay đổi của mưa trong kỳ trong 6 giờ", "change of rain in the period in 6 h"),
    ({"rise": "rain_mm"}, "mức tăng của mưa trong kỳ kể từ lúc thấp nhất trong 6 giờ",
     "rise of rain in the period from its lowest in 6 h"),
    ({"fall": "rain_mm"}, "mức giảm của mưa trong kỳ kể từ lúc cao nhất trong 6 giờ",
     "fall of rain in the period from its highest in 6 h"),
    ({"p95": "rain_mm"}, "bách phân vị 95 của mưa trong kỳ trong 6 giờ",
     "95th percentile of rain in the period over 6 h"),
    ({"laeq": "rain_mm"}, "LAeq 6 giờ của mưa trong kỳ", "6 h LAeq of rain in the period"),
    ({"antecedent_rain": "rain_mm"}, "mưa trong kỳ tích lũy 7 ngày, mỗi ngày trước đó giảm còn 85%",
     "rain in the period summed over 7 days, each day before counting 85%"),
])  # fmt: skip
def test_every_aggregate_has_its_words_and_its_fields_unit(measure: dict[str, Any], vi: str, en: str):
    over = "7d" if "antecedent_rain" in measure else "6h"
    found = told(feed="rainfall", over=over, measure={"m": measure}, levels=[{"severity": "low", "when": "m > 5.0"}])
    assert found == {
        "vi": f"Lưu ý: {vi[:1].upper()}{vi[1:]} trên 5 mm",
        "en": f"Low: {en[:1].upper()}{en[1:]} above 5 mm",
    }


@pytest.mark.parametrize(("measure", "vi"), [
    ({"count": True}, "Số tin lượng mưa trong 6 giờ"), ({"count": "rain_mm"}, "Số tin có mưa trong kỳ trong 6 giờ"),
    ({"distinct": "rain_mm"}, "Số mưa trong kỳ khác nhau trong 6 giờ"), ({"vn_aqi": True}, "Chỉ số VN_AQI giờ"),
    ({"nesterov": True}, "Chỉ số cháy rừng P của Nesterov"),
])  # fmt: skip
def test_a_number_of_things_has_no_unit(measure: dict[str, Any], vi: str):
    asks = {"vn_aqi": ("air", "12h"), "nesterov": ("weather", "60d")}
    feed, over = asks.get(next(iter(measure)), ("rainfall", "6h"))
    found = told(feed=feed, over=over, measure={"m": measure}, levels=[{"severity": "low", "when": "m >= 3"}])
    assert found["vi"] == f"Lưu ý: {vi} từ 3 trở lên"


def test_a_measure_says_which_readings_it_takes_and_a_rate_is_per_hour():
    found = told(feed="river_level", over="1h", measure={"m": {"rate": "level_cm", "where": "level_cm > 100"}},
                 levels=[{"severity": "low", "when": "m > 5.0"}])  # fmt: skip
    assert found["vi"] == ("Lưu ý: Tốc độ thay đổi của mực nước trong 1 giờ trên 5 cm/h. "
                           "Chỉ tính tin có mực nước trên 100 cm")  # fmt: skip


def test_a_change_against_the_reading_before_and_a_limit_by_its_name():
    found = told(feed="river_level", rate="level_cm", levels=[{"severity": "medium", "when": "rate > limit"}],
                 limit={"value": 30, "unit": "cm/h", "source": "", "verified": False})  # fmt: skip
    assert found == {
        "vi": "Trung bình: Tốc độ thay đổi của mực nước so với lần đo trước trên ngưỡng 30 cm/h",
        "en": "Medium: Rate of change of water level since the reading before above the limit 30 cm/h",
    }


def test_silence_of_a_key_and_of_one_field():
    found = told(feed="river_level", absent="15m", levels=[{"severity": "medium"}, {"severity": "high", "for": "1h"}])
    assert found == {
        "vi": "Trung bình: Không nhận được tin mực nước sông nào quá 15 phút. "
        "Cao: Không nhận được tin mực nước sông nào quá 15 phút, rồi thêm 1 giờ",
        "en": "Medium: No river level reading for 15 min. High: No river level reading for 15 min, and 1 h more",
    }
    assert "tin bụi mịn PM2.5 nào" in told(feed="air", absent={"for": "1h", "field": "pm2_5"}, levels=HIGH)["vi"]


def test_a_sequence_says_its_steps_in_order():
    found = told(sequence=[{"feed": "rainfall", "where": "rain_mm > 30"}, {"feed": "river_level"}], within="2h",
                 by=["area"], levels=[*HIGH, {"severity": "critical", "when": "complete && took < 600.0"}])  # fmt: skip
    assert found["vi"] == (
        "Lần lượt trong vòng 2 giờ: lượng mưa: mưa trong kỳ trên 30 mm; rồi có tin mực nước sông. Cao: Đủ chuỗi. "
        "Khẩn cấp: Đủ chuỗi và cả chuỗi diễn ra dưới 600 giây. Mỗi xã, phường có cảnh báo riêng"
    )
    assert found["en"].startswith("One after another within 2 h: rainfall: rain in the period above 30 mm; then any")


def test_a_cluster_says_its_distance_and_its_time():
    found = told(feed="wifi", near={"radius": "1.5km", "over": "2h", "min": 3}, by=["zone"],
                 levels=[{"severity": "low"}, {"severity": "high", "when": "n >= 5 && devices >= 3"}])  # fmt: skip
    assert found["vi"] == (
        "Các tin Wi-Fi cách nhau không quá 1,5 km trong vòng 2 giờ là một cụm. Lưu ý: Số tin trong cụm từ 3 trở lên. "
        "Cao: Số tin trong cụm từ 5 trở lên và số nguồn gửi trong cụm từ 3 trở lên. Mỗi khu vực có cụm riêng"
    )


def test_a_place_is_entered_or_left():
    entered = told(feed="wifi", enter={"circle": [105.34, 20.82], "radius": "300m", "margin": "50m"}, levels=HIGH)
    assert entered["vi"] == (
        "Vị trí đi vào vùng bán kính 300 m quanh 20,82; 105,34, chỉ tính là ra ngoài khi cách biên trên 50 m. "
        "Cao: Ở trong vùng"
    )
    left = told(feed="wifi", leave={"polygon": [[1, 1], [1, 2], [2, 1]]}, levels=HIGH)
    assert left == {"vi": "Vị trí ra khỏi vùng đa giác 3 đỉnh. Cao: Không ở trong vùng",
                    "en": "The position leaves a polygon of 3 corners. High: Not inside the place"}  # fmt: skip


def test_a_correlation_speaks_of_rules_and_of_domains_by_their_names():
    found = told(feed="alert", by=["area"], where='domain == "disaster" && rank >= 2',
                 levels=[{"severity": "high", "when": "rules >= 2"}])  # fmt: skip
    assert found["vi"] == ("Các điều kiện của quy tắc khác đang cùng báo, kể cả quy tắc theo dõi, "
                           "không báo. Cao: Số quy tắc từ 2 trở "
                           "lên. Chỉ tính khi lĩnh vực là Thiên tai và mức độ từ “Trung bình” trở lên. "
                           "Mỗi xã, phường có cảnh báo riêng")  # fmt: skip


def test_what_has_no_words_stays_as_it_is_written():
    names = display_labels([RAIN, WIFI])

    def vi(when: str) -> str:
        return clause_words(when, names, vi=True, codes={})

    assert vi('word.startsWith("a&&b") || !(rain_mm - 2.5 > rain_24h_mm)') == (
        "vi phạm bắt đầu bằng “a&&b” hoặc không (mưa trong kỳ - 2,5 > mưa 24 giờ)"
    )
    assert vi('word.matches("x.*")') == "vi phạm.matches(“x.*”)"
    assert vi('word in ["x", "y"] && unknown_name == 3 && size(word) > 2') == (
        "vi phạm là một trong: “x”, “y” và unknown_name bằng 3 và size(vi phạm) > 2"
    )
    assert vi("rain_mm > 5.0 * rain_24h_mm") == "mưa trong kỳ > 5 × mưa 24 giờ"
    assert vi("rain_mm in [1.5, 2]") == "mưa trong kỳ là một trong: 1,5 mm, 2 mm"


def test_codes_are_told_by_their_names_in_comparisons_and_lists():
    names = display_labels([RAIN])
    assert clause_words('zone in ["hoa-binh", "x"]', names, vi=True, codes=CODES) == (
        "khu vực là một trong: Khu vực Hòa Bình, “x”"
    )
    pack = load_pack("hoabinh")
    body = {"feed": "alert", "where": 'rule == "rain.24h" && severity == "high"',
            "levels": [{"severity": "high", "when": "rules >= 2"}]}  # fmt: skip
    alerts = rule_words.sentences(words(body, pack.feeds, rules_json.codes_of(pack)))
    assert "Chỉ tính khi quy tắc là Mưa rất to trong 24 giờ và mức độ là Cao" in [item["vi"] for item in alerts]


def test_names_keep_their_letters_wherever_they_stand():
    air = FeedSpec("air", Label("Không khí", "Air"), "environment", {
        "ph": FieldSpec("ph", Label("pH", "pH")), "disk": FieldSpec("disk", Label("Ổ đĩa", "Disk"))})  # fmt: skip
    body = {"feed": "air", "levels": [{"severity": "low", "when": "ph < 5.5 && disk > 9"}]}
    assert [item["vi"] for item in rule_words.sentences(words(body, {"air": air}))] == ["pH dưới 5,5 và ổ đĩa trên 9"]


def test_limits_that_take_turns_and_holidays_alone():
    dated = [{"value": value, "unit": "mm", "source": "", "verified": True, "valid_from": f"20{day}-01-01"}
             for value, day in ((5, 20), (6, 27))]  # fmt: skip
    found = told(feed="rainfall", levels=[{"severity": "low", "when": "rain_mm > limit"}], limit=dated,
                 active={"holidays": "only"})  # fmt: skip
    assert found["vi"] == "Lưu ý: Mưa trong kỳ trên ngưỡng đang có hiệu lực. Chỉ áp dụng vào ngày lễ"


def test_a_limit_that_each_place_has_its_own_of_says_so_and_the_rules_own_for_the_others():
    own = {"value": 150, "unit": "mm", "source": "", "verified": True}
    body = {"feed": "rainfall", "levels": [{"severity": "low", "when": "rain_mm > limit"}]}
    assert told(**body, limit={"table": "rain", **own}) == {
        "vi": "Lưu ý: Mưa trong kỳ trên ngưỡng riêng của từng nơi (không có thì 150 mm)",
        "en": "Low: Rain in the period above the limit of each place (else 150 mm)",
    }


def test_a_rule_names_its_own_measures_and_what_its_kind_finds_out():
    level = [{"severity": "high", "when": "pm > 80.0"}]
    body = {"feed": "air", "over": "12h", "measure": {"pm": PM}, "levels": level}
    assert rule_words.own_names(words(body)) == {
        "pm": {"label": {"vi": "bụi mịn PM2.5 trung bình NowCast 12 giờ",
                         "en": "12 h NowCast mean of fine particles PM2.5"}, "unit": "µg/m³"},
    }  # fmt: skip
    silence = rule_words.own_names(words({"feed": "air", "absent": "5m", "levels": HIGH}))
    assert silence["silent"]["label"]["vi"] == "mất tín hiệu"
    reading = [{"severity": "high", "when": "pm2_5 > 80.0"}]
    assert rule_words.own_names(words({"feed": "air", "levels": reading})) == {}


@pytest.mark.parametrize("body", [
    {"feed": "rainfall", "over": "1h", "absent": "5m", "levels": HIGH}, {"feed": "gone", "levels": HIGH}, {"levels": 3},
])  # fmt: skip
def test_a_body_that_nobody_would_accept_has_no_words(body: dict[str, Any]):
    assert rule_words.rule_of({**FRAME, **body}, FEEDS) is None
    row = {"id": "told", "version": 1, "hash": "h", "enabled": True, "body": FRAME}
    shown = rules_json.rule(row, None, feeds=FEEDS, open_alerts=0, text="written", codes=CODES)
    assert (shown["words"], shown["text"], shown["yaml"]) == ([], {"vi": "", "en": ""}, "written")


def test_a_duration_is_told_in_the_largest_unit_that_says_it_whole():
    durations = (timedelta(minutes=90), timedelta(hours=24), timedelta(days=3), timedelta(seconds=30), timedelta())
    numbers = [length // timedelta(microseconds=1) for length in durations]
    assert [duration_words(number, vi=True) for number in numbers] == ["90 phút", "24 giờ", "3 ngày", "30 giây", ""]
    assert [duration_words(number, vi=False) for number in numbers] == ["90 min", "24 h", "3 days", "30 s", ""]


def test_what_is_not_written_is_not_told_and_what_is_reads_the_same_however_it_is_written():
    body = {"feed": "wifi", "levels": [{"severity": "low", "when": "up == false"}]}
    usual = {"by": "device", "refire": "5m", "active": {"hours": "00:00-24:00"}, "mode": "alert"}
    assert told(**body, **usual) == told(**body)
    hour = [told(**body, hold=text) for text in ("1h", "60m", "3600s")]
    assert hour[0] == hour[1] == hour[2]


def test_every_rule_of_the_pack_is_told_by_labels_alone_and_in_nfc():
    pack = load_pack("hoabinh")
    codes = rules_json.codes_of(pack)
    fields = {name for spec in pack.feeds.values() for name in spec.fields if "_" in name}
    for rule in pack.rules:
        for item in rule_words.sentences(words(dict(rule.body), pack.feeds, codes)):
            assert set(re.findall(r"\w+", f"{item['vi']} {item['en']}")).isdisjoint(fields), (rule.id, item)
            assert "&&" not in item["vi"]
            assert unicodedata.is_normalized("NFC", item["vi"])
