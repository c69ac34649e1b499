"""Secrets that a helper of the local configuration prints, and files that nobody else can read."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from handrail.actions.secrets import SecretStore
from handrail.documents.config import Helper
from handrail.errors import BadInput


def store(*run: str, timeout: float = 20.0, keep: float = 300.0) -> SecretStore:
    helpers = {"vault": Helper(run, timeout, keep)}
    return SecretStore({}, helpers=lambda: helpers)


def python(program: str, *arguments: str) -> Sequence[str]:
    return sys.executable, "-c", program, *arguments


def refused(secrets: SecretStore, reference: str) -> str:
    with pytest.raises(BadInput) as found:
        secrets.resolve(reference)
    return str(found.value)


def test_the_first_line_is_the_secret() -> None:
    secrets = store("printf", "%s\\n", "hunter2-{{name}}", "something else")

    assert secrets.resolve("exec:vault/contoso/upgrade") == "hunter2-contoso/upgrade"
    assert secrets.redact("it is hunter2-contoso/upgrade") == "it is ***"


def test_nothing_goes_through_a_shell() -> None:
    assert store("echo", "$HOME;{{name}}").resolve("exec:vault/a@b=c+d") == "$HOME;a@b=c+d"


@pytest.mark.parametrize("name", ["-rf", "../other", "a/../../b", "a\nb", "a;b", "$(id)", "a" * 600, "a'b", "--x=y"])
def test_a_name_that_could_mean_something_else_to_the_helper_is_not_handed_to_it(name: str) -> None:
    assert "a name that is not handed to a command" in refused(store("echo", "{{name}}"), f"exec:vault/{name}")


def test_only_helpers_of_this_machine_are_asked() -> None:
    secrets = store("echo", "{{name}}")

    assert "'vualt', which is not configured" in refused(secrets, "exec:vualt/x")
    assert "Did you mean 'vault'?" in refused(secrets, "exec:vualt/x")
    assert "is not configured" in refused(SecretStore({}), "exec:vault/x")
    assert "is not configured" in refused(secrets, "exec:/bin/echo")


def test_a_helper_that_needs_a_name_is_given_one_and_another_is_not() -> None:
    assert "which needs to be told" in refused(store("echo", "{{name}}"), "exec:vault")
    assert "which takes no name" in refused(store("echo", "hunter2"), "exec:vault/x")
    assert store("echo", "hunter2").resolve("exec:vault") == "hunter2"


def test_a_helper_that_fails_says_why_and_shows_nothing_that_it_printed() -> None:
    program = "import sys; print('hunter2-raw'); sys.exit('denied: token hunter2-raw of known-secret has no rights')"
    secrets = store(*python(program))
    secrets.hide("known-secret")

    said = refused(secrets, "exec:vault")

    assert "ended with 1: denied: token *** of *** has no rights" in said
    assert "hunter2-raw" not in said


def test_a_helper_that_hangs_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    mark = tmp_path / "child"
    program = f"sleep 60 & echo $! > {mark}; wait"
    began = time.monotonic()

    assert "gave no answer within 1 seconds" in refused(store("sh", "-c", program, timeout=1.0), "exec:vault")

    assert time.monotonic() - began < 20
    for _ in range(100):
        state = Path(f"/proc/{mark.read_text()}/stat")
        if not state.exists() or ") Z " in state.read_text():
            return
        time.sleep(0.02)
    pytest.fail("what the helper started still runs")


def test_what_a_helper_leaves_running_does_not_keep_its_answer_from_us() -> None:
    began = time.monotonic()

    assert store("sh", "-c", "sleep 60 & echo hunter2", timeout=50.0).resolve("exec:vault") == "hunter2"

    assert time.monotonic() - began < 20


def test_a_helper_that_is_not_there_is_named() -> None:
    assert "cannot be started: /not/there" in refused(store("/not/there"), "exec:vault")


def test_a_helper_gets_nothing_to_read_and_cannot_ask_us() -> None:
    assert "empty" in refused(store("cat"), "exec:vault")


def test_an_answer_is_used_again_for_a_while(tmp_path: Path) -> None:
    count = tmp_path / "count"
    program = f"open({str(count)!r}, 'a').write('x'); print('hunter2')"
    for keep, asked in ((300.0, 1), (0.0, 3)):
        count.write_text("")
        secrets = store(*python(program), keep=keep)
        for _ in range(3):
            secrets.resolve("exec:vault")

        assert len(count.read_text()) == asked


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o620, 0o666])
def test_a_secret_file_that_others_can_read_or_write_is_refused(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "secret"
    file.write_text("hunter2\n")
    file.chmod(mode)

    said = refused(SecretStore({}), f"file:{file}")

    assert "can be read by others" in said and "chmod 600" in said and "hunter2" not in said
    file.chmod(0o400)
    assert SecretStore({}).resolve(f"file:{file}") == "hunter2"


@pytest.mark.parametrize("content", [b"hunter2", b"hunter2\n", b"hunter2\r\nmore", b"\xef\xbb\xbfhunter2\n"])
def test_line_ends_and_marks_of_editors_are_no_part_of_a_secret(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "secret"
    file.write_bytes(content)
    file.chmod(0o600)

    assert SecretStore({}).resolve(f"file:{file}") == "hunter2"


def test_a_pipe_can_be_a_secret_file() -> None:
    """As of `file:/dev/fd/3` with `3< <(vault read ...)` in a shell."""
    read, write = os.pipe()
    os.write(write, b"hunter2\n")
    os.close(write)

    assert SecretStore({}).resolve(f"file:/dev/fd/{read}") == "hunter2"
    os.close(read)


def test_a_keyring_entry_without_a_service_is_ours() -> None:
    asked = []
    secrets = SecretStore({}, keyring=lambda service, user: asked.append((service, user)) or "hunter2")  # type: ignore[func-returns-value]

    secrets.resolve("keyring:svc-sync")
    secrets.resolve("keyring:contoso/svc/sync")

    assert asked == [("handrail", "svc-sync"), ("contoso", "svc/sync")]
