"""Citizens' reports over HTTP: posted once, again when the door is full, counted when it refuses."""

import threading

import pytest

from simulators.citizens import Citizens
from simulators.reading_id import ReadingIds


class OneReport:
    """A generator with one report to tell."""

    def __init__(self):
        self.left = [{"category": "flooding", "text": "Ngập", "urgency": "urgent", "lat": 20.8, "lon": 105.3}]

    def reading(self, moment):  # noqa: ARG002
        return self.left.pop() if self.left else None


def _tell(url, done):
    citizens = Citizens(OneReport(), url=url, key="ioc_feed_k", device="app-cong-dan", ids=ReadingIds(2017, boot="b"))
    citizens.start(lambda: 1.0)
    for _ in range(100):
        if done(citizens.tally):
            break
        threading.Event().wait(0.05)
    citizens.close()
    return citizens.tally


def test_a_report_is_posted_with_key_id_time_and_place(served):
    url, answers, heard = served
    answers.append((202, {}, {"accepted": 1, "duplicate": 0, "rejected": []}))
    tally = _tell(url, lambda tally: tally.accepted)
    assert (tally.sent, tally.accepted, tally.refused) == (1, 1, 0)
    path, key, body = heard[0]
    assert (path, key) == ("/api/v1/feeds/citizen_report/events?device=app-cong-dan", "Bearer ioc_feed_k")
    assert body["id"] == "2017-b-1"
    assert body["time"].endswith("+07:00")
    assert (body["text"], body["lat"]) == ("Ngập", 20.8)


def test_a_full_door_gets_the_same_report_again(served):
    url, answers, heard = served
    answers.append((503, {"Retry-After": "0"}, {}))
    answers.append((202, {}, {"accepted": 1, "duplicate": 0, "rejected": []}))
    tally = _tell(url, lambda tally: tally.accepted)
    assert (tally.sent, tally.accepted) == (1, 1)
    assert heard[0] == heard[1]


@pytest.mark.parametrize(
    "answer",
    [
        (202, {}, {"accepted": 0, "duplicate": 0, "rejected": [{"index": 0, "reason": "no_area"}]}),
        (403, {}, {"detail": "no"}),
    ],
)
def test_a_refusal_is_counted_with_the_door_s_words(served, answer):
    url, answers, heard = served
    answers.append(answer)
    tally = _tell(url, lambda tally: tally.refused)
    assert (tally.refused, tally.accepted, len(heard)) == (1, 0, 1)
    assert str(answer[0]) in tally.last_refusal
