"""The way to a host over SSH: its own sshd, and those of jump hosts before it."""

from __future__ import annotations

import getpass
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from handrail.errors import BadInput
from handrail.model.estate import Connect
from handrail.model.estate import Host as EstateHost

PORT = 22


@dataclass(frozen=True, slots=True)
class Stop:
    """One sshd on the way. `name` is what the estate calls it."""

    name: str
    connect: Connect
    address: str
    port: int
    user: str

    @property
    def place(self) -> str:
        return f"{self.user}@{self.address}:{self.port}"


def way_to(name: str, hosts: Mapping[str, EstateHost]) -> tuple[Stop, ...]:
    """The sshds that the line to host `name` goes through, itself last. BadInput when the estate says nonsense, or
    when we have no name."""
    return _way(name, hosts, (), _our_name())


def _our_name() -> str:
    """Who we are where nobody else is named. The SSH library wants it in any case."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # as in a container that runs as some number
        raise BadInput("The user that Handrail runs as has no name here, and SSH needs one.", "Set USER.") from None


def _way(name: str, hosts: Mapping[str, EstateHost], seen: tuple[str, ...], us: str) -> tuple[Stop, ...]:
    if name in seen:
        raise BadInput(f"The jump hosts of {seen[0]} go round in a circle: {' -> '.join((*seen, name))}.")
    connect = hosts[name].connect
    if connect is None or connect.via != "ssh":
        raise BadInput(
            f"The line to {seen[0] if seen else name} goes through {name}, and that is not reached over SSH.",
            f"Give {name} a connect with via: ssh.",
        )
    stops: list[Stop] = []
    for jump in connect.jump:
        stops += _way(jump, hosts, (*seen, name), us) if jump in hosts else [_loose(name, jump, connect, us)]
    user = connect.user or us
    return (*stops, Stop(name, replace(connect, jump=()), connect.address or name, connect.port or PORT, user))


def _loose(name: str, jump: str, connect: Connect, us: str) -> Stop:
    """A jump host that is no host of the estate. It is shown the same keys, and never the host's password."""
    user, at, rest = jump.rpartition("@")
    has_port = rest.count(":") == 1 or (rest.startswith("[") and not rest.endswith("]"))
    address, _, port = rest.rpartition(":") if has_port else (rest, "", "")
    if not address or (at and not user) or (port and not re.fullmatch("[0-9]{1,5}", port)) or int(port or 1) > 65535:
        raise BadInput(
            f"{jump!r}, a jump host of {name}, is neither a host of the estate nor user@address:port.",
            "Write the name of a host, or an address.",
        )
    known = Connect(
        via="ssh", key=connect.key, passphrase=connect.passphrase, agent=connect.agent, known_hosts=connect.known_hosts
    )
    return Stop(jump, known, address.strip("[]"), int(port) if port else PORT, user or us)
