"""Secrets are referred to, found, and never repeated."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handrail.actions.secrets import HIDDEN, SHORTEST, SecretStore, redacted, system_keyring
from handrail.errors import BadInput


def store(**environment: str) -> SecretStore:
    return SecretStore(
        environment, keyring=lambda service, user: {"contoso/upgrade": "hunter2"}.get(f"{service}/{user}")
    )


def test_where_secrets_are_looked_up(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("hunter2\nnot this\n")
    file.chmod(0o600)

    assert store(PASS="hunter2").resolve("env:PASS") == "hunter2"
    assert store().resolve(f"file:{file}") == "hunter2"
    assert store().resolve("keyring:contoso/upgrade") == "hunter2"


@pytest.mark.parametrize(
    "reference",
    ["", "hunter2", "env:", "env:NOT_SET", "file:/not/there", "keyring:contoso", "keyring:a/b", "vault:x", "env:EMPTY"],
)
def test_a_reference_that_leads_nowhere_is_refused_in_a_sentence(reference: str) -> None:
    with pytest.raises(BadInput) as refused:
        store(EMPTY="").resolve(reference)

    assert refused.value.message.endswith(".")


def test_what_should_have_been_a_reference_is_not_repeated() -> None:
    """Somebody may have written the secret itself."""
    with pytest.raises(BadInput) as refused:
        store().resolve("hunter2")

    assert "hunter2" not in str(refused.value)


def test_a_folder_or_bytes_are_no_secret_file(tmp_path: Path) -> None:
    binary = tmp_path / "binary"
    binary.write_bytes(b"\xff\xfe\x00\xff")

    for path in (tmp_path, binary):
        with pytest.raises(BadInput):
            store().resolve(f"file:{path}")


def test_without_keyring_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)

    with pytest.raises(BadInput, match="not installed") as refused:
        system_keyring("contoso", "upgrade")
    assert "env:NAME" in refused.value.advice


def test_what_was_given_out_is_hidden_wherever_it_stands() -> None:
    secrets = store(LONG="hunter2-long", SHORT="hunter2")
    for name in ("SHORT", "LONG"):
        secrets.resolve(f"env:{name}")

    shown = secrets.redact({"hunter2": ["a hunter2-long b", ("hunter2",)], "n": 7, "b": "hunter2".encode("utf-16-le")})

    assert shown == {HIDDEN: [f"a {HIDDEN} b", (HIDDEN,)], "n": 7, "b": HIDDEN.encode()}
    assert "hunter2" not in repr(secrets)


@given(st.text(min_size=SHORTEST).filter(lambda one: one not in HIDDEN and HIDDEN not in one), st.text(), st.text())
def test_no_text_keeps_a_secret(secret: str, before: str, after: str) -> None:
    """Unless hiding it puts it together anew, which no replacement can rule out."""
    shown = redacted(before + secret + after, {secret})

    assert HIDDEN in shown
    assert len(shown) <= len(before + after) + len(HIDDEN) * 2 + len(secret)


def test_a_secret_that_was_made_here_is_hidden_too() -> None:
    secrets = store()
    secrets.hide("AGE-SECRET-KEY-1QQQ")

    assert secrets.redact("it was AGE-SECRET-KEY-1QQQ") == f"it was {HIDDEN}"
