"""A pack of one ward, one feed, one device and one rule, sound as it stands."""

from __future__ import annotations

from pathlib import Path

import pytest

PACK = """\
pack: small
title: {vi: "Nhỏ", en: "Small"}
timezone: Asia/Ho_Chi_Minh
number_prefix: S
zones:
  - id: hoa-binh
    name: {vi: "Hòa Bình", en: "Hòa Bình"}
    former_code: "148"
    areas: ["04795"]
    bbox: [105.2, 20.7, 105.5, 21.1]
domains:
  - id: disaster
    number: X15
    label: {vi: "Thiên tai", en: "Disaster"}
    spark_field: {feed: rainfall, field: rain_24h_mm}
units:
  - {id: kttv, name: {vi: "Đài KTTV", en: "Hydro-met office"}}
layers:
  - {id: song-da, label: {vi: "Sông Đà", en: "Đà river"}, source: sketch}
"""
AREAS = """\
code,valid_from,valid_to,level,zone,parent,name_vi,name_en,short_vi,short_en,lat,lon,centre_source,aliases,successors
04807,2020-01-01,2025-07-01,ward,hoa-binh,,Phường Phương Lâm,Phương Lâm Ward,,,20.815,105.34,estimate,Phương Lâm,04795
04795,2025-07-01,,ward,hoa-binh,,Phường Hòa Bình,Hòa Bình Ward,P. HB,Hòa Bình,20.8235,105.342,estimate,Hoà Bình|HB,
"""
DEVICES = """\
id,feed,name_vi,name_en,area,lat,lon,parent,owner,place,expected_period_seconds,critical,gateway
rain-1,rainfall,Trạm mưa 1,Gauge 1,04795,20.8172,105.3375,,kttv,Phương Lâm,600,true,false
rain-2,rainfall,Trạm mưa 2,Gauge 2,04795,20.8370,105.3410,rain-1,kttv,,,,
"""
FEED = """\
feed: rainfall
label: {vi: "Lượng mưa", en: "Rainfall"}
domain: disaster
main_field: rain_24h_mm
expected_period: 10m
fields:
  rain_24h_mm:
    label: {vi: "Mưa 24 giờ", en: "24 h rain"}
    unit: mm
    possible: [0, 2000]
    plausible: [0, 600]
  note:
    label: {vi: "Ghi chú", en: "Note"}
    type: text
    values: [a, b]
simulate:
  fields:
    rain_24h_mm: {range: [0, 4], peaks: [16]}
    note: {value: a}
"""
RULE = """\
# comment
rule: rain.24h
feed: rainfall
levels:
  - {severity: high, when: 'rain_24h_mm > 100.0'}
limit: {value: 100, valid_from: 2021-07-01}
"""
CALENDAR = """\
holidays:
  - {date: 2026-01-01, vi: "Tết Dương lịch", en: "New Year's Day", source: "Điều 112", verified: true}
  - {date: 2026-02-17, vi: "Mùng 1 Tết", en: "Lunar New Year", source: "âm lịch", verified: false}
"""
SYSTEMS = """\
systems:
  - id: 1
    name: {vi: "Mưa", en: "Rain"}
    direction: [in]
    feeds: [rainfall]
  - id: 2
    name: {vi: "Dân cư", en: "Population"}
    direction: [in, out]
    reason: {vi: "Chỉ tra cứu", en: "Looked up only"}
"""
LAYER = '{"type":"FeatureCollection","features":[]}\n'


@pytest.fixture
def small_pack(tmp_path: Path) -> Path:
    """Return the folder of the small pack."""
    folder = tmp_path / "small"
    for name, text in {
        "pack.yaml": PACK,
        "areas.csv": AREAS,
        "devices.csv": DEVICES,
        "feeds/rainfall.yaml": FEED,
        "rules/rain.24h.yaml": RULE,
        "calendar.yaml": CALENDAR,
        "systems.yaml": SYSTEMS,
        "layers/song-da.geojson": LAYER,
    }.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder
