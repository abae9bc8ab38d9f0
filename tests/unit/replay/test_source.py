"""Recorded files: rows with their lines, bad ones named, none too long to hold."""

import pytest

from ioc.errors import InvalidInputError
from ioc.replay.source import LINE_CHARACTERS_MAX, RecordSource, fingerprint


def _file(tmp_path, content, name="data.csv"):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_reads_csv_rows_with_their_line_and_number(tmp_path):
    rows = list(RecordSource(_file(tmp_path, "Date,a\r\n2000-01-01,1\r\n\r\n2000-01-02,2\r\n")).rows())
    assert [(row.number, row.line, row.cells) for row in rows] == [
        (1, 2, {"Date": "2000-01-01", "a": "1"}),
        (2, 4, {"Date": "2000-01-02", "a": "2"}),
    ]


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_finds_the_delimiter_in_the_header(tmp_path, mark):
    assert RecordSource(_file(tmp_path, f"Date{mark}a{mark}b\n")).columns == ("Date", "a", "b")


def test_a_byte_order_mark_is_no_part_of_the_first_column(tmp_path):
    assert RecordSource(_file(tmp_path, b"\xef\xbb\xbfDate,a\n")).columns == ("Date", "a")


def test_reads_ndjson_and_names_what_is_no_object(tmp_path):
    rows = list(RecordSource(_file(tmp_path, '{"t":"x","a":1}\n\n[1]\nnope\n{"a":2}\n', "data.ndjson")).rows())
    assert [row.cells for row in rows] == [{"t": "x", "a": 1}, None, None, {"a": 2}]
    assert [row.line for row in rows] == [1, 3, 4, 5]


def test_a_file_without_a_known_suffix_is_told_by_its_first_character(tmp_path):
    assert RecordSource(_file(tmp_path, '{"a":1}\n', "data.log")).ndjson
    assert not RecordSource(_file(tmp_path, "Date,a\n", "data.log")).ndjson


def test_a_row_with_another_number_of_cells_is_bad(tmp_path):
    rows = list(RecordSource(_file(tmp_path, "Date,a\nx\nx,1,2\nx,1\n")).rows())
    assert [row.problem for row in rows] == ["1 cells, the header has 2", "3 cells, the header has 2", ""]


def test_an_overlong_line_is_one_bad_row_and_the_next_is_read(tmp_path):
    long = "x" * (3 * LINE_CHARACTERS_MAX)
    for name, content in (
        ("a.csv", f"Date,a\n{long}\nd,1\n"),
        ("a.ndjson", f'{{"a":0}}\n{{"a":"{long}"}}\n{{"a":1}}\n'),
    ):
        rows = list(RecordSource(_file(tmp_path, content, name)).rows())
        assert rows[-2].cells is None
        assert rows[-1].cells is not None


def test_a_quote_that_never_closes_ends_as_a_bad_row(tmp_path):
    content = 'Date,a\nd,1\n"open,2\n' + "d,3\n" * 60_000
    rows = list(RecordSource(_file(tmp_path, content)).rows())
    assert rows[1].cells is None
    assert rows[-1].cells is not None


@pytest.mark.parametrize("content", ["", "\n", "a,a\n"])
def test_a_header_that_cannot_be_used_is_refused(tmp_path, content):
    with pytest.raises(InvalidInputError):
        RecordSource(_file(tmp_path, content))


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(InvalidInputError, match="No such file"):
        RecordSource(tmp_path / "none.csv")


def test_the_fingerprint_follows_the_content_and_not_the_name(tmp_path):
    first = fingerprint(_file(tmp_path, "Date,a\nd,1\n", "one.csv"))
    assert first == fingerprint(_file(tmp_path, "Date,a\nd,1\n", "two.csv"))
    assert first.lines == 2
    assert first != fingerprint(_file(tmp_path, "Date,a\nd,2\n", "one.csv"))
