"""What the application is made of: one `Console` in a process, in `request.app.state.console`."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from pathlib import Path
from typing import TYPE_CHECKING

from handrail.console.accounts import Accounts
from handrail.console.limits import Limits
from handrail.console.log import SecurityLog
from handrail.console.set_up import SetUp
from handrail.console.sittings import Sittings
from handrail.running.session import Session

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection

Network = IPv4Network | IPv6Network

LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class Proxy:
    """A server in front of us that has made sure who somebody is. `header` is lower case."""

    header: str
    networks: tuple[Network, ...]


@dataclass(frozen=True, slots=True)
class Settings:
    """How people reach the console. `hosts`: the names that a request may be for, lower case, without a port; `*.x`
    stands for one more label. `secure`: browsers see https. `origin`: of the address that --public-url named."""

    hosts: frozenset[str] = LOCAL_NAMES
    secure: bool = False
    origin: str = ""
    proxy: Proxy | None = None

    @property
    def proxy_header(self) -> str:
        return self.proxy.header if self.proxy else ""

    def cookie(self, name: str) -> str:
        """What a cookie is called: browsers bind the prefix to this very host, to https and to the whole of it."""
        return f"__Host-{name}" if self.secure else name


@dataclass(frozen=True, slots=True)
class Console:
    """`session` is open for the life of the application. `folders`: what is served. `store`: its URL, None for the
    home's own. `guides`: folders of guides beside the shipped ones."""

    session: Session
    accounts: Accounts
    sittings: Sittings
    log: SecurityLog
    set_up: SetUp
    settings: Settings = field(default_factory=Settings)
    limits: Limits = field(default_factory=Limits)
    folders: tuple[Path, ...] = ()
    store: str | None = None
    guides: tuple[Path, ...] = ()


def console_of(connection: HTTPConnection) -> Console:
    """The console that a request came to."""
    found = connection.app.state.console
    assert isinstance(found, Console)
    return found


def is_within(address: str, networks: Collection[Network]) -> bool:
    """Whether an address, as a socket names it, lies in one of the networks."""
    try:
        found: IPv4Address | IPv6Address = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, IPv6Address) and found.ipv4_mapped:
        found = found.ipv4_mapped
    return any(found in network for network in networks if network.version == found.version)
