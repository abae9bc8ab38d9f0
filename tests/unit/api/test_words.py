"""Rules of every kind in plain words of both languages."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

import pytest

from ioc.api import rule_words, wire_rules
from ioc.api.condition_words import condition_words, duration_words, told_names
from ioc.domain.feed import FeedSpec, FieldSpec, FieldType, Label
from ioc.packs.loader import load_pack

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
FEEDS = {spec.id: spec for spec in (RAIN, RIVER, AIR, WIFI)}
CODES = {"zone": {"hoa-binh": Label("Khu vực Hòa Bình", "Hòa Bình")},
         "domain": {"disaster": Label("Thiên tai", "Disasters")}}  # fmt: skip
PM = {"nowcast": "pm2_5", "per": "device", "take": "max"}
HIGH = [{"severity": "high"}]


def told(**body: Any) -> dict[str, str]:
    return rule_words.describe(body, FEEDS, CODES)


def test_a_threshold_with_its_duration_and_its_end():
    body = {"feed": "rainfall", "levels": [{"severity": "high", "when": "rain_24h_mm >= 100.0", "for": "90m"}],
            "clear": {"when": "rain_24h_mm < 80.5", "for": "1h"}}  # fmt: skip
    assert told(**body) == {
        "vi": "Cao: Mưa 24 giờ từ 100 mm trở lên, kéo dài 90 phút. Hết khi mưa 24 giờ dưới 80,5 mm, kéo dài 1 giờ",
        "en": "High: 24 h rain at least 100 mm for 90 min. Ends when 24 h rain below 80.5 mm for 1 h",
    }


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
    ({"antecedent_rain": "rain_mm"}, "mưa trong kỳ tích lũy 6 giờ, mỗi ngày trước đó giảm còn 85%",
     "rain in the period summed over 6 h, each day before counting 85%"),
])  # fmt: skip
def test_every_aggregate_has_its_words_and_its_fields_unit(measure: dict[str, Any], vi: str, en: str):
    found = told(feed="rainfall", over="6h", measure={"m": measure}, levels=[{"severity": "low", "when": "m > 5.0"}])
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
    found = told(feed="rainfall", over="6h", measure={"m": measure}, levels=[{"severity": "low", "when": "m >= 3"}])
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
    assert found["vi"] == ("Các điều kiện của luật khác đang cùng báo, kể cả luật chỉ theo dõi. Cao: Số luật từ 2 trở "
                           "lên. Chỉ tính khi lĩnh vực là Thiên tai và mức độ từ “Trung bình” trở lên. "
                           "Mỗi xã, phường có cảnh báo riêng")  # fmt: skip


def test_what_has_no_words_stays_as_it_is_written():
    names = told_names([RAIN, WIFI])

    def vi(when: str) -> str:
        return condition_words(when, names, vi=True, codes={})

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
    names = told_names([RAIN])
    assert condition_words('zone in ["hoa-binh", "x"]', names, vi=True, codes=CODES) == (
        "khu vực là một trong: Khu vực Hòa Bình, “x”"
    )
    pack = load_pack("hoabinh")
    alerts = rule_words.describe({"feed": "alert", "where": 'rule == "rain.24h" && severity == "high"', "levels": HIGH},
                                 pack.feeds, wire_rules.codes_of(pack))  # fmt: skip
    assert "Chỉ tính khi luật là Mưa rất to trong 24 giờ và mức độ là Cao" in alerts["vi"]


def test_names_keep_their_letters_wherever_they_stand():
    air = FeedSpec("air", Label("Không khí", "Air"), "environment", {
        "ph": FieldSpec("ph", Label("pH", "pH")), "disk": FieldSpec("disk", Label("Ổ đĩa", "Disk"))})  # fmt: skip
    body = {"feed": "air", "levels": [{"severity": "low", "when": "ph < 5.5 && disk > 9"}]}
    assert rule_words.describe(body, {"air": air})["vi"] == "Lưu ý: pH dưới 5,5 và ổ đĩa trên 9"


def test_limits_that_take_turns_and_holidays_alone():
    dated = [{"value": value, "unit": "mm", "source": "", "verified": True, "valid_from": f"20{day}-01-01"}
             for value, day in ((5, 20), (6, 27))]  # fmt: skip
    found = told(feed="rainfall", levels=[{"severity": "low", "when": "rain_mm > limit"}], limit=dated,
                 active={"holidays": "only"})  # fmt: skip
    assert found["vi"] == "Lưu ý: Mưa trong kỳ trên ngưỡng đang có hiệu lực. Chỉ áp dụng vào ngày lễ"


def test_a_rule_names_its_own_measures_and_what_its_kind_finds_out():
    body = {"feed": "air", "over": "12h", "measure": {"pm": PM}, "levels": HIGH}
    assert rule_words.own_names(rule_words.Words(body, FEEDS)) == {
        "pm": {"label": {"vi": "bụi mịn PM2.5 trung bình NowCast 12 giờ",
                         "en": "12 h NowCast mean of fine particles PM2.5"}, "unit": "µg/m³"},
    }  # fmt: skip
    silence = rule_words.own_names(rule_words.Words({"feed": "air", "absent": "5m", "levels": HIGH}, FEEDS))
    assert silence["silent"]["label"]["vi"] == "mất tín hiệu"
    assert rule_words.own_names(rule_words.Words({"feed": "air", "levels": HIGH}, FEEDS)) == {}


def test_a_body_that_nobody_would_accept_is_still_told():
    assert told(feed="rainfall", over="1h", absent="5m", levels=[{"severity": "low", "when": "x > 1"}])["vi"] == (
        "Lưu ý: X trên 1"
    )


def test_durations_keep_the_unit_they_are_written_in():
    assert [duration_words(text, vi=True) for text in ("90m", "24h", "1d", "30s", None)] == [
        "90 phút", "24 giờ", "1 ngày", "30 giây", "",
    ]  # fmt: skip
    assert [duration_words(text, vi=False) for text in ("1d", "3d", "1h")] == ["1 day", "3 days", "1 h"]


def test_every_rule_of_the_pack_is_told_by_labels_alone_and_in_nfc():
    pack = load_pack("hoabinh")
    codes = wire_rules.codes_of(pack)
    fields = {name for spec in pack.feeds.values() for name in spec.fields if "_" in name}
    for rule in pack.rules:
        for item in rule_words.sentences(rule.body, pack.feeds, codes):
            assert set(re.findall(r"\w+", f"{item['vi']} {item['en']}")).isdisjoint(fields), (rule.id, item)
            assert "&&" not in item["vi"]
            assert unicodedata.is_normalized("NFC", item["vi"])
