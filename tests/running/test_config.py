"""The configuration of a machine: read whole, with every mistake in its place, and only when nobody else wrote it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from handrail.documents.config import Config, Helper, config_of
from handrail.errors import BadDocument, BadInput
from handrail.running.config import local_secrets, read_config
from handrail.running.home import Home

VAULT = 'secrets:\n  vault: {run: [echo, "hunter2-{{name}}"], timeout: 5}\n'


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home").make()
    home.config.write_text(VAULT)
    home.config.chmod(0o644)
    return home


def test_what_is_configured_is_used(home: Home) -> None:
    assert read_config(home.config) == Config({"vault": Helper(("echo", "hunter2-{{name}}"), 5.0)})
    assert local_secrets(home).resolve("exec:vault/upgrade") == "hunter2-upgrade"


def test_without_a_configuration_there_is_none(tmp_path: Path) -> None:
    assert read_config(tmp_path / "config.yaml") == Config()


@pytest.mark.parametrize(
    ("text", "place", "says"),
    [
        ("secrest: {}", ":1:1", "Did you mean 'secrets'?"),
        ("secrets:\n  vault: {runs: [a]}", ":2:11", "Did you mean 'run'?"),
        ("secrets:\n  vault: {timeout: 3}", ":2:10", "lacks the key 'run'"),
        ("secrets:\n  vault: {run: []}", ":2:16", "names no program"),
        ('secrets:\n  vault: {run: ["{{name}}"]}', ":2:16", "must not choose the program"),
        ("secrets:\n  vault: {run: [a], timeout: 0}", ":2:30", "between 0 and 3600"),
        ("secrets:\n  vault: {run: [a], keep: -1}", ":2:27", "must not be negative"),
        ("secrets:\n  a/b: {run: [a]}", ":2:3", "cannot be called so"),
        ("secrets:\n  vault: a b c", ":2:10", "must be a mapping"),
        ("secrets: [", ":1", "not YAML"),
    ],
)
def test_every_mistake_has_its_place_and_a_way_out(text: str, place: str, says: str) -> None:
    with pytest.raises(BadInput) as refused:
        config_of(text, "config.yaml")

    assert f"config.yaml{place}" in str(refused.value) and says in str(refused.value)


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(BadDocument) as refused:
        config_of("secrets:\n  a: {run: [], timeout: 0}\n  b: {run: [x], keep: -1}\n", "config.yaml")

    assert len(refused.value.mistakes) == 3


@pytest.mark.parametrize(("mode", "folder"), [(0o664, 0o700), (0o646, 0o700), (0o600, 0o770), (0o600, 0o777)])
def test_a_configuration_that_others_may_write_names_no_command_of_ours(home: Home, mode: int, folder: int) -> None:
    home.config.chmod(mode)
    home.path.chmod(folder)

    with pytest.raises(BadInput, match="names commands") as refused:
        local_secrets(home).resolve("exec:vault/upgrade")

    assert "chmod go-w" in refused.value.advice


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_configuration_of_somebody_else_is_refused(home: Home) -> None:
    os.chown(home.config, 65534, 65534)

    with pytest.raises(BadInput, match="by another account"):
        read_config(home.config)


def test_a_broken_configuration_harms_nobody_who_does_not_use_it(home: Home) -> None:
    home.config.write_text("secrets: [")

    assert local_secrets(home).redact("as it is") == "as it is"
