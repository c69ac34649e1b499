"""From what an estate says about reaching a host to the host. The one place that knows all kinds of hosts."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from handrail.errors import BadInput
from handrail.hosts.protocol import Host
from handrail.model import estate

Resolve = Callable[[str], str]
"""The secret behind a reference. Raises BadInput when there is none."""


def open_host(name: str, hosts: Mapping[str, estate.Host], resolve: Resolve) -> Host:
    """The host `name` of an estate. No line is opened and no secret looked up before the first question to it.

    Raises BadInput when the estate does not say how it is reached, or says what cannot be done here.
    """
    known = hosts.get(name)
    connect = known.connect if known is not None else None
    if known is None or connect is None:
        raise BadInput(
            f"The estate does not say how host {name} is reached.",
            "Give it a `connect`, or carry the plan out on its twin with --twin.",
        )
    if connect.jobs == "user" and not (connect.user and connect.password):
        raise BadInput(f"Host {name}: `jobs: user` needs `user` and `password`.", "A task runs as it by its password.")
    if connect.via == "local":
        from handrail.hosts.local import LocalHost

        return LocalHost(name, user=connect.user)
    if connect.via == "ssh":
        from handrail.hosts.ssh import SshHost
        from handrail.hosts.ssh_way import way_to

        return SshHost(name, way_to(name, hosts), resolve, windows=known.is_windows, sessions=connect.sessions)
    if connect.via == "winrm":
        from handrail.hosts.winrm import WinrmHost

        return WinrmHost(name, connect, resolve, os=known.os)
    raise BadInput(f"Host {name} is to be reached via {connect.via}, which this version cannot do.")
