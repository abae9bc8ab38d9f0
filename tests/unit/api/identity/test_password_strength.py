"""Which passwords are found early, and which are not."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioc.api.identity.password_strength import GUESSES_LOG10_MIN, guesses_log10, words
from ioc.api.identity.passwords import check_policy, one_time_password
from ioc.errors import InvalidInputError


@pytest.mark.parametrize(
    "password",
    [
        "password1234", "Password12345678", "P@ssw0rd2025!!", "qwertyuiop123456", "1qaz2wsx3edc4rfv", "Hòa Bình 2025",
        "HoaBinh@2025", "hoabinhhoabinh", "Mật khẩu 123456", "Matkhau@123456", "trungtamdieuhanh", "Lương Sơn 152!@#",
        "aaaaaaaaaaaaaaaa", "abcabcabcabcabc", "123456789012", "20/11/1990 20/11/1990", "iloveyou12345678",
        "anhyeuem14022025", "truc.ban.2026", "admin-admin-admin", "operator12345",
    ],
)  # fmt: skip
def test_what_a_guesser_tries_first_is_refused(password: str):
    assert guesses_log10(password) < GUESSES_LOG10_MIN
    with pytest.raises(InvalidInputError):
        check_policy(password, username="lan")


GOOD = (
    "thuyền về bến cũ chiều nay", "correct horse battery staple", "xK9#mQ2$vL7@", "mưa to ở đập tràn đêm qua",
)  # fmt: skip


@pytest.mark.parametrize("password", GOOD)
def test_sentences_and_chance_are_taken(password: str):
    check_policy(password, username="lan")


def test_the_accounts_own_name_is_worth_nothing():
    with pytest.raises(InvalidInputError):
        check_policy("hoang-thi-mai xin chao", username="hoang-thi-mai")
    assert guesses_log10("maivanhoang77", own=("mai", "van", "hoang")) < GUESSES_LOG10_MIN


def test_the_list_is_a_real_one():
    assert len(words()) > 9_000
    assert {"password", "iloveyou", "matkhau", "hoabinh"} <= words().keys()


@given(st.text(max_size=400))
def test_any_text_is_judged_in_no_time(text: str):
    words()
    began = time.process_time()
    assert guesses_log10(text) >= 0
    assert time.process_time() - began < 0.5


@pytest.mark.parametrize("username", ["lan", "a", "hoang-thi-mai"])
def test_our_own_one_time_passwords_are_strong(username: str):
    for _ in range(50):
        check_policy(one_time_password(username=username), username=username)


def test_a_one_time_password_that_holds_the_users_name_is_drawn_again(monkeypatch: pytest.MonkeyPatch):
    drawn = iter("A0CB5oRutLanDQcfro6d" + "x8Wq2mZr7Tk5Vb9Yc3Pd")
    monkeypatch.setattr("ioc.api.identity.passwords.secrets.choice", lambda _: next(drawn))
    assert one_time_password(username="lan") == "x8Wq2mZr7Tk5Vb9Yc3Pd"
