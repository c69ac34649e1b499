"""What was hidden stands nowhere, in no form that another program may have given it."""

from __future__ import annotations

import base64
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.encodings import ENCODERS, NASTY

from handrail.actions.redacting import HIDDEN, RedactingStream, Redactor

SECRETS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=4, max_size=24)

EXACT = sorted(name for name in ENCODERS if "read as" not in name)
"""What is read as something that it is not loses characters; then a few are told from others by luck."""


@pytest.mark.parametrize("encoder", ENCODERS)
@pytest.mark.parametrize("shape", NASTY)
def test_a_secret_is_found_in_whatever_form(shape: str, encoder: str) -> None:
    written = ENCODERS[encoder](NASTY[shape])
    redactor = Redactor([NASTY[shape]])

    for text in (written, written.decode("utf-8", "replace")):
        shown = redactor.redact(text)

        assert shown != text and not redactor.finds(shown)
        assert len(shown) <= len(text) - len(NASTY[shape]) + len(HIDDEN)


@given(SECRETS.filter(lambda one: any(letter.isalnum() for letter in one)), st.sampled_from(EXACT))
@settings(max_examples=60, deadline=None)
def test_any_secret_is_found_in_any_form(secret: str, encoder: str) -> None:
    assert Redactor([secret]).finds(ENCODERS[encoder](secret))


@pytest.mark.parametrize("shape", NASTY)
def test_what_is_no_secret_stays_as_it_is(shape: str) -> None:
    text = r"C:\Program Files\X\y.exe has build 4.6.673.0 ??? '' \\ && 100%% dXNlcg== — Größe"

    assert Redactor([NASTY[shape]]).redact({"a": [text, 7, None, True, 1.5]}) == {"a": [text, 7, None, True, 1.5]}


@pytest.mark.parametrize(
    "encoder", ["UTF-8", "JSON in ASCII", "URL", "base64 in lines of 19", "UTF-16, little end first"]
)
def test_a_secret_that_comes_in_pieces_is_hidden_wherever_it_is_cut(encoder: str) -> None:
    written = b"before " + ENCODERS[encoder](NASTY["QUOTES"]) + b" after" * 40
    redactor = Redactor(NASTY.values())
    whole = redactor.redact(written)

    for size in (1, 2, 3, 7, 20, len(written)):
        came: list[bytes] = []
        stream = RedactingStream(redactor, came.append)
        for at in range(0, len(written), size):
            stream.feed(written[at : at + size])
        stream.close()

        assert b"".join(came) == whole


def test_a_stream_holds_back_no_more_than_a_secret_may_need() -> None:
    redactor = Redactor(["hunter2"])
    came: list[bytes] = []
    stream = RedactingStream(redactor, came.append)

    stream.feed(b"x" * 10_000)

    assert len(b"".join(came)) == 10_000 - redactor.longest
    assert redactor.longest < 1_000


def test_without_secrets_nothing_is_held_back() -> None:
    came: list[bytes] = []

    RedactingStream(Redactor(), came.append).feed(b"x")

    assert came == [b"x"]


def test_of_two_secrets_with_one_beginning_the_longer_is_hidden() -> None:
    assert Redactor(["hunter2", "hunter2-long"]).redact("a hunter2-long b") == f"a {HIDDEN} b"


def test_lines_of_a_long_secret_are_hidden_one_by_one() -> None:
    """What others print is taken apart into lines."""
    redactor = Redactor(["-----BEGIN\nMIIEvQIBADANBg\nab\n-----END"])

    assert redactor.redact(["MIIEvQIBADANBg", "ab"]) == [HIDDEN, "ab"]


def test_a_base64_of_something_else_is_left_alone() -> None:
    text = base64.b64encode(b"nothing that anybody wants to hide, however long it may be").decode()

    assert Redactor(NASTY.values()).redact(text) == text


def test_a_secret_may_be_learned_while_others_are_being_hidden() -> None:
    redactor = Redactor()
    threads = [threading.Thread(target=redactor.hide, args=(f"secret-number-{number}",)) for number in range(6)]
    for one in threads:
        one.start()
        redactor.redact("meanwhile")
    for one in threads:
        one.join()

    assert redactor.redact([f"secret-number-{number}" for number in range(6)]) == [HIDDEN] * 6
    assert "secret-number" not in repr(redactor)


def test_what_stands_across_the_lines_of_a_list_is_hidden_too() -> None:
    """Outputs are taken apart into lines, and lines of base64 or of a secret do not end where it does."""
    lines = ["before", *base64.encodebytes(b"x" * 54 + NASTY["UNICODE"].encode() + b"y" * 60).decode().splitlines(), 7]
    redactor = Redactor(NASTY.values())

    shown = redactor.redact(["a first-line", "second-line b", *lines])

    assert shown[:2] == ["a ***", "*** b"] and shown[2] == "before" and shown[-1] == 7
    assert redactor.redact(tuple(lines)) == tuple(shown[2:])
    assert not redactor.finds("\n".join(map(str, shown)))
    assert any(one.startswith("eHh4") and one.endswith("***") for one in map(str, shown))
