"""Opening a line over SSH: who may, who may not, and in which words it is said."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.support.ssh_peers import peer, silent
from tests.support.sshd import QUICK, Sshd, free_port, host_of, keygen, program, sshd

from handrail.errors import BadInput, HostUnreachable
from handrail.hosts.protocol import Command, Exited
from handrail.hosts.ssh import SshHost
from handrail.hosts.ssh_way import way_to
from handrail.model.estate import Connect
from handrail.model.estate import Host as EstateHost

pytestmark = pytest.mark.real
HELLO = Command(("echo", "hello"), timeout=30)
SECRETS = {"env:RIGHT": "open sesame", "env:WRONG": "guessed-4711"}


def answers(host: SshHost) -> bool:
    async def ask() -> object:
        try:
            return await host.execute(HELLO)
        finally:
            await host.close()

    return asyncio.run(ask()) == Exited(0, b"hello\n")


def refusal(host: SshHost, *, within: float = 12.0) -> str:
    """What is said when no line can be opened. A file is refused in the same way."""
    begun = time.monotonic()
    with pytest.raises(HostUnreachable) as caught:
        answers(host)
    assert time.monotonic() - begun < within
    said = str(caught.value)
    assert said.startswith(f"{host.name}: ") and caught.value.advice and "\n" not in said
    return said


# -- who we are ---------------------------------------------------------------------------------------------------


def test_a_key_opens_the_line(server: Sshd) -> None:
    assert answers(server.host())


def test_a_key_behind_a_passphrase_opens_with_it_alone(server: Sshd, tmp_path: Path) -> None:
    with sshd(tmp_path / "sshd") as own:
        key = keygen(tmp_path / "locked", passphrase="open sesame")
        (own.folder / "authorized_keys").write_text((tmp_path / "locked.pub").read_text())
        for reference, said in (("env:RIGHT", None), ("env:WRONG", "does not open"), (None, "is encrypted")):
            connect = own.connect(key=str(key), passphrase=reference)
            host = host_of({"db01": EstateHost("db01", connect=connect)}, "db01", secrets=SECRETS)
            assert answers(host) if said is None else said in refusal(host)


def test_a_key_that_is_missing_or_none_is_named(server: Sshd, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no key\n")

    assert f"the key file {tmp_path}/none is not there" in refusal(server.host(key=str(tmp_path / "none")))
    assert "holds no private key" in refusal(server.host(key=str(tmp_path / "text")))


def test_a_wrong_key_is_not_accepted(server: Sshd, tmp_path: Path) -> None:
    said = refusal(server.host(key=str(keygen(tmp_path / "other"))))

    assert f"{server.user}@127.0.0.1:{server.port} does not accept the key {tmp_path}/other" in said
    assert "authorized_keys" in said


def test_nothing_to_show_is_said(server: Sshd, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))

    assert "there is no key and no password to show" in refusal(server.host(key=None))


@pytest.fixture
def agent(server: Sshd, tmp_path: Path) -> Iterator[str]:
    """An agent that holds eight strange keys before the right one: more than an sshd lets anybody try."""
    path = tmp_path / "agent"
    with subprocess.Popen([program("ssh-agent"), "-D", "-a", str(path)], stdout=subprocess.DEVNULL) as running:
        while not path.exists():
            time.sleep(0.01)
        keys = [keygen(tmp_path / "strange"), server.key]
        add = [program("ssh-add"), "-q", *map(str, keys)]
        subprocess.run(add, check=True, env={**os.environ, "SSH_AUTH_SOCK": str(path)})
        yield str(path)
        running.send_signal(signal.SIGTERM)


def test_an_agent_is_asked_unless_it_must_not_be(
    server: Sshd, agent: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SSH_AUTH_SOCK", agent)
    monkeypatch.setenv("HOME", str(tmp_path))

    assert answers(server.host(key=None, agent=None))
    assert answers(server.host(key=str(keygen(tmp_path / "wrong")), agent=None))
    assert "no key and no password" in refusal(server.host(key=None, agent=False))


def test_an_agent_that_is_asked_for_and_absent_is_said(server: Sshd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)

    assert "none is running here" in refusal(server.host(key=None, agent=True))


@pytest.mark.parametrize("way", ["password", "keyboard"])
def test_a_password_opens_the_line_and_a_wrong_one_does_not(way: str, tmp_path: Path) -> None:
    """Against a pretend peer, both as a password and in answer to a question at the keyboard."""

    async def ask() -> None:
        async with peer(tmp_path, SECRETS["env:RIGHT"], way) as port:
            connect = Connect(
                via="ssh", address="127.0.0.1", port=port, user="upgrade", password="env:RIGHT", agent=False,
                known_hosts=str(tmp_path / "known_hosts"),
            )  # fmt: skip
            right = host_of({"db01": EstateHost("db01", connect=connect)}, "db01", secrets=SECRETS)
            assert await right.execute(HELLO) == Exited(0, b"hello\n")
            await right.close()
            wrong = replace(connect, password="env:WRONG")
            host = host_of({"db01": EstateHost("db01", connect=wrong)}, "db01", secrets=SECRETS)
            with pytest.raises(HostUnreachable, match="does not accept the password") as caught:
                await host.execute(HELLO)
            assert SECRETS["env:WRONG"] not in str(caught.value)

    asyncio.run(ask())


# -- who they are -------------------------------------------------------------------------------------------------


def test_an_unknown_host_key_is_shown_with_the_line_to_add(server: Sshd, tmp_path: Path) -> None:
    (tmp_path / "known").write_text("")
    said = refusal(server.host(known_hosts=str(tmp_path / "known")))
    line = re.search(r"\[127\.0\.0\.1\]:\S+ \S+ \S+$", said)

    assert "is not known (SHA256:" in said and line
    (tmp_path / "known").write_text(line[0] + "\n")
    assert answers(server.host(known_hosts=str(tmp_path / "known")))


def test_a_changed_host_key_is_refused_with_both_fingerprints(server: Sshd, tmp_path: Path) -> None:
    kind, text = Path(f"{keygen(tmp_path / 'old')}.pub").read_text().split()[:2]
    (tmp_path / "known").write_text(f"[127.0.0.1]:{server.port} {kind} {text}\n")
    said = refusal(server.host(known_hosts=str(tmp_path / "known")))

    assert "has changed: it is SHA256:" in said and "says SHA256:" in said


def test_a_fingerprint_in_the_estate_is_the_only_one_accepted(server: Sshd, tmp_path: Path) -> None:
    """Also when it is of a kind of key that the host would not have shown first."""
    with sshd(tmp_path / "sshd") as own:
        own.stop()
        keygen(own.folder / "host-ecdsa", "ecdsa")
        with (own.folder / "sshd_config").open("a") as config:
            config.write(f"HostKey {own.folder / 'host-ecdsa'}\n")
        own.start()
        for name in ("host", "host-ecdsa"):
            told = subprocess.run(
                [program("ssh-keygen"), "-lf", str(own.folder / f"{name}.pub")], capture_output=True, text=True
            )
            assert answers(own.host(known_hosts=None, host_key=told.stdout.split()[1]))
        said = refusal(own.host(known_hosts=None, host_key="SHA256:" + "A" * 43))

    assert "and the estate says SHA256:AAAA" in said


def test_a_file_of_known_hosts_that_is_not_there_is_named(server: Sshd, tmp_path: Path) -> None:
    assert "none is not there" in refusal(server.host(known_hosts=str(tmp_path / "none")))


# -- the way ------------------------------------------------------------------------------------------------------


def test_a_refused_line_is_said_at_once(server: Sshd) -> None:
    assert "refuses the connection" in refusal(server.host(port=free_port()))


def test_a_silent_port_is_given_up_in_time(server: Sshd) -> None:
    with silent() as port:
        assert "did not answer within 1 seconds" in refusal(
            server.host(port=port, patience=replace(QUICK, connect=1.0)), within=6.0
        )


def test_a_name_without_an_address_is_said(server: Sshd) -> None:
    assert "no address is known for 'no-such-host.invalid'" in refusal(server.host(address="no-such-host.invalid"))


def test_what_does_not_speak_ssh_is_said(server: Sshd) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        child = os.fork()
        if child == 0:
            while True:
                listening.accept()[0].sendall(b"HTTP/1.0 400 Bad Request\r\n\r\n" * 20)
        try:
            said = refusal(server.host(port=listening.getsockname()[1]))
        finally:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)

    assert "does not speak SSH" in said or "closed the line before it stood" in said


def test_an_account_without_a_shell_is_said(tmp_path: Path) -> None:
    with sshd(tmp_path / "sshd", ForceCommand="echo Ask the operators") as own:
        assert "no shell could be started over SSH: Ask the operators" in refusal(own.host())


# -- jump hosts ---------------------------------------------------------------------------------------------------


def test_a_line_goes_through_jump_hosts_each_checked_by_itself(server: Sshd, tmp_path: Path) -> None:
    with sshd(tmp_path / "jump") as jump:
        hosts = {
            "db01": EstateHost("db01", connect=server.connect(jump=("bastion",))),
            "bastion": EstateHost("bastion", connect=jump.connect()),
        }
        assert answers(host_of(hosts, "db01"))

        stranger = EstateHost("bastion", connect=jump.connect(known_hosts=str(server.known_hosts)))
        said = refusal(host_of({**hosts, "bastion": stranger}, "db01"))
    assert said.startswith("db01: on the way there, bastion: the host key of")


def test_a_jump_host_may_be_an_address(server: Sshd) -> None:
    """It is shown the host's key and checked against the host's file."""
    connect = server.connect(jump=(f"{server.user}@127.0.0.1:{server.port}",))

    assert answers(host_of({"db01": EstateHost("db01", connect=connect)}, "db01"))


def test_what_a_jump_host_cannot_reach_is_said(server: Sshd) -> None:
    connect = server.connect(jump=(f"{server.user}@127.0.0.1:{server.port}",), port=free_port())

    assert "has no way to 127.0.0.1" in refusal(host_of({"db01": EstateHost("db01", connect=connect)}, "db01"))


@pytest.mark.parametrize(
    ("jumps", "said"),
    [
        ({"a": ("b",), "b": ("a",)}, "round in a circle: a -> b -> a"),
        ({"a": ("a",)}, "round in a circle"),
        ({"a": ("@",)}, "neither a host"),
        ({"a": ("bastion:x",)}, "neither a host"),
        ({"a": ("bastion:70000",)}, "neither a host"),
        ({"a": ("bastion:²",)}, "neither a host"),
    ],
)
def test_nonsense_about_jump_hosts_is_refused(jumps: dict[str, tuple[str, ...]], said: str) -> None:
    hosts = {name: EstateHost(name, connect=Connect(via="ssh", jump=jump)) for name, jump in jumps.items()}

    with pytest.raises(BadInput, match=said):
        way_to("a", hosts)


def test_a_user_without_a_name_is_told_so_before_anything_is_connected(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container that runs as some number. The SSH library would end with a fault of its own."""
    for one in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(one, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 3_000_000_019)
    hosts = {"a": EstateHost("a", connect=Connect(via="ssh", user="admin"))}

    with pytest.raises(BadInput, match="has no name here, and SSH needs one"):
        way_to("a", hosts)
    monkeypatch.setenv("USER", "anna")
    assert way_to("a", hosts)[0].user == "admin"
