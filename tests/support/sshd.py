"""A private sshd on loopback, for any user: its own keys, port and files in one folder. Missing is a failure."""

from __future__ import annotations

import getpass
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from handrail.hosts.ssh import SshHost
from handrail.hosts.ssh_connecting import Patience
from handrail.hosts.ssh_way import way_to
from handrail.model.estate import Connect
from handrail.model.estate import Host as EstateHost

QUICK = Patience(connect=10.0, keepalive=0.5, unanswered=3, grace=1.0, kill_after=1.0)
"""Seconds. A loaded machine is silent for a while without being gone."""


def program(name: str) -> str:
    """Full path of a program; sshd insists on its own."""
    found = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin:/sbin")
    assert found, f"{name} is not here: install openssh-server and openssh-client"
    return found


def keygen(path: Path, kind: str = "ed25519", passphrase: str = "") -> Path:
    subprocess.run(
        [program("ssh-keygen"), "-q", "-t", kind, "-N", passphrase, "-C", "", "-f", str(path)],
        check=True,
        stdin=subprocess.DEVNULL,
    )
    return path


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


@dataclass
class Sshd:
    """One sshd. `options` are lines of its configuration that stand before ours."""

    folder: Path
    port: int
    options: Mapping[str, object] = field(default_factory=dict)
    address: str = "127.0.0.1"
    process: subprocess.Popen[bytes] | None = None

    @property
    def key(self) -> Path:
        return self.folder / "id"

    @property
    def known_hosts(self) -> Path:
        return self.folder / "known_hosts"

    @property
    def user(self) -> str:
        return getpass.getuser()

    def configure(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        for name in ("id", "host"):
            if not (self.folder / name).exists():
                keygen(self.folder / name)
        shutil.copy(self.folder / "id.pub", self.folder / "authorized_keys")
        self.trust()
        ours = {
            "Port": self.port,
            "ListenAddress": self.address,
            "HostKey": self.folder / "host",
            "PidFile": "none",
            "AuthorizedKeysFile": self.folder / "authorized_keys",
            "StrictModes": "no",
            "UsePAM": "no",
            "UseDNS": "no",
            "PasswordAuthentication": "no",
            "KbdInteractiveAuthentication": "no",
            "PermitRootLogin": "prohibit-password",
            "MaxStartups": "200:30:400",
            "Subsystem": "sftp internal-sftp",
            # bash reads the account's .bashrc, however slow that is.
            "SetEnv": f"HOME={self.folder}",
        }
        lines = [f"{name} {value}" for name, value in {**ours, **self.options}.items()]
        (self.folder / "sshd_config").write_text("\n".join(lines) + "\n")

    def trust(self, name: str = "host") -> None:
        """Have the known hosts say that this sshd's key is `name`."""
        kind, text = (self.folder / f"{name}.pub").read_text().split()[:2]
        self.known_hosts.write_text(f"[{self.address}]:{self.port} {kind} {text}\n")

    def start(self) -> None:
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)  # for its privilege separation
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [program("sshd"), "-D", "-e", "-f", str(self.folder / "sshd_config")],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        end = time.monotonic() + 15
        while time.monotonic() < end:
            with socket.socket() as probe:
                if probe.connect_ex((self.address, self.port)) == 0:
                    return
            assert self.process.poll() is None, (self.folder / "log").read_text()
            time.sleep(0.02)
        raise AssertionError("sshd does not listen")

    def below(self) -> list[int]:
        """The processes that this sshd has started for its lines and that are still sshds."""
        assert self.process is not None
        found, parents = [], {self.process.pid}
        stats = {}
        for path in Path("/proc").glob("[0-9]*/stat"):
            try:
                name, _, rest = path.read_text().partition("(")[2].rpartition(") ")
            except OSError:
                continue
            stats[int(path.parent.name)] = (int(rest.split()[1]), name)
        for pid in sorted(stats):
            parent, name = stats[pid]
            if parent in parents and name.startswith("sshd"):
                parents.add(pid)
                found.append(pid)
        return found

    def signal_lines(self, number: signal.Signals) -> None:
        for pid in self.below():
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                continue

    def stop(self) -> None:
        if self.process is not None:
            self.signal_lines(signal.SIGKILL)
            self.process.kill()
            self.process.wait()
            self.process = None

    def connect(self, **more: object) -> Connect:
        known: dict[str, object] = {
            "via": "ssh",
            "address": self.address,
            "port": self.port,
            "user": self.user,
            "key": str(self.key),
            "agent": False,
            "known_hosts": str(self.known_hosts),
        }
        return Connect(**(known | more))  # type: ignore[arg-type]

    def host(self, name: str = "db01", patience: Patience = QUICK, **more: object) -> SshHost:
        """A host of ours on it; `more` differs from what reaches it."""
        return host_of({name: EstateHost(name, connect=self.connect(**more))}, name, patience)


def host_of(
    hosts: Mapping[str, EstateHost], name: str, patience: Patience = QUICK, secrets: Mapping[str, str] | None = None
) -> SshHost:
    known = hosts[name]
    assert known.connect is not None
    return SshHost(
        name,
        way_to(name, hosts),
        lambda reference: (secrets or {})[reference],
        windows=known.is_windows,
        sessions=known.connect.sessions,
        patience=patience,
    )


@contextmanager
def sshd(folder: Path, **options: object) -> Iterator[Sshd]:
    """A running sshd; `options` are words of sshd_config."""
    made = Sshd(folder, free_port(), options)
    made.configure()
    made.start()
    try:
        yield made
    finally:
        made.stop()
