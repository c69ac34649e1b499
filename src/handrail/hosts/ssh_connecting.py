"""How a line to a host is opened over SSH, and in which words it is said that it could not be."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import asyncssh

from handrail.errors import HostUnreachable
from handrail.hosts.ssh_trust import Trust, plain
from handrail.hosts.ssh_way import Stop

CIPHERS = (
    "aes128-gcm@openssh.com",
    "aes256-gcm@openssh.com",
    "chacha20-poly1305@openssh.com",
    "aes128-ctr",
    "aes192-ctr",
    "aes256-ctr",
)
"""AES-GCM first: it is twice as fast as what asyncssh would choose."""

DROPPED_TRIES = 3
"""A busy sshd drops lines before anybody has proved who he is (MaxStartups). Nothing has begun then."""


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds: until a line must stand; between signs of life on a silent line; and after how many of those that were
    not answered it is lost; that a command whose line was lost may still take to end by itself; and between asking a
    command to end and ending it."""

    connect: float = 15.0
    keepalive: float = 5.0
    unanswered: int = 3
    grace: float = 10.0
    kill_after: float = 5.0


@dataclass(slots=True)
class Line:
    """A line that stands; `through` are the connections to jump hosts that carry it, the first first."""

    connection: asyncssh.SSHClientConnection
    through: list[asyncssh.SSHClientConnection] = field(default_factory=list)
    lost: asyncio.Event = field(default_factory=asyncio.Event)

    async def close(self) -> None:
        """Never raises and never waits for a silent host."""
        for one in (self.connection, *reversed(self.through)):
            one.close()
            try:
                async with asyncio.timeout(2.0):
                    await one.wait_closed()
            except Exception:
                one.abort()

    def abandon(self) -> None:
        """The same without waiting for anything."""
        for one in (self.connection, *reversed(self.through)):
            one.abort()


async def open_line(stops: Sequence[Stop], resolve: Callable[[str], str], patience: Patience) -> Line:
    """Raises HostUnreachable, with one sentence on what is wrong and what to do, and BadInput for a secret that is
    not there."""
    through: list[asyncssh.SSHClientConnection] = []
    line: Line | None = None
    try:
        for at, stop in enumerate(stops):
            line = await _reach(stop, stops[: at + 1], through[-1] if through else None, resolve, patience)
            through.append(line.connection)
    except HostUnreachable as error:
        for one in reversed(through):
            one.abort()
        if len(through) == len(stops) - 1:
            raise
        raise HostUnreachable(f"{stops[-1].name}: on the way there, {error.message}", error.advice) from error
    except BaseException:
        for one in reversed(through):
            one.abort()
        raise
    assert line is not None
    line.through = through[:-1]
    return line


async def _reach(
    stop: Stop,
    way: Sequence[Stop],
    tunnel: asyncssh.SSHClientConnection | None,
    resolve: Callable[[str], str],
    patience: Patience,
) -> Line:
    proof, trust = await asyncio.to_thread(lambda: (_proof(stop, resolve), Trust(stop)))
    async with _agent(stop, proof) as keys:
        return await _try(stop, way, tunnel, replace(proof, keys=(*proof.keys, *keys)), trust, patience)


async def _try(
    stop: Stop,
    way: Sequence[Stop],
    tunnel: asyncssh.SSHClientConnection | None,
    proof: _Proof,
    trust: Trust,
    patience: Patience,
) -> Line:
    for left in range(DROPPED_TRIES - 1, -1, -1):
        for kinds in trust.kinds():
            try:
                return await _connect(stop, tunnel, proof, trust, kinds, patience)
            except asyncssh.HostKeyNotVerifiable as error:
                if not trust.worth_another(kinds):
                    raise trust.refusal(error) from error
            except (
                asyncssh.KeyExchangeFailed,
                asyncssh.ConnectionLost,
                ConnectionResetError,
                BrokenPipeError,
            ) as error:
                if trust.worth_another(kinds):
                    continue  # it has no key of this kind
                if trust.shown is not None:
                    raise trust.refusal(None) from error
                if not left or isinstance(error, asyncssh.KeyExchangeFailed):
                    raise _refusal(way, proof, error, patience) from error
                break
            except (asyncssh.Error, OSError, TimeoutError, UnicodeError) as error:
                raise _refusal(way, proof, error, patience) from error
        await asyncio.sleep(0.2 * (DROPPED_TRIES - left))
    raise AssertionError("unreachable")


async def _connect(
    stop: Stop,
    tunnel: asyncssh.SSHClientConnection | None,
    proof: _Proof,
    trust: Trust,
    kinds: Sequence[str],
    patience: Patience,
) -> Line:
    lost = asyncio.Event()

    class Client(asyncssh.SSHClient):
        def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:  # noqa: ARG002
            return trust.accepts(key)

        def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
            lost.set()

    async with asyncio.timeout(patience.connect):
        connection = await asyncssh.connect(
            stop.address,
            stop.port,
            tunnel=tunnel or (),
            config=None,
            client_factory=Client,
            username=stop.user,
            password=proof.password,
            client_keys=list(proof.keys) or None,
            agent_path=None,
            known_hosts=trust.known,
            **({"server_host_key_algs": list(kinds)} if kinds else {}),
            encryption_algs=list(CIPHERS),
            compression_algs=None,
            gss_host=None,
            keepalive_interval=patience.keepalive,
            keepalive_count_max=patience.unanswered,
            connect_timeout=None,
            login_timeout=patience.connect,
        )
    return Line(connection, lost=lost)


# -- who we are ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Proof:
    """What we can show an sshd. `says` is that in words, without a secret."""

    keys: Sequence[asyncssh.SSHKeyPair]
    agent: str | None
    password: str | None = field(repr=False)
    says: str


def _proof(stop: Stop, resolve: Callable[[str], str]) -> _Proof:
    connect = stop.connect
    keys: Sequence[asyncssh.SSHKeyPair] = ()
    says: list[str] = []
    if connect.key is not None:
        keys = _keys(stop, connect.key, resolve(connect.passphrase) if connect.passphrase else None)
        says.append(f"the key {connect.key}")
    agent: str | None = None
    if connect.agent is not False:
        path = os.environ.get("SSH_AUTH_SOCK")
        if path and Path(path).exists():
            agent = path
            says.append("the keys of the agent")
        elif connect.agent:
            raise HostUnreachable(
                f"{stop.name}: connect.agent asks for an agent, and none is running here.",
                "Start one (ssh-agent) and add the key (ssh-add), or name the key file in connect.key.",
            )
    if connect.key is None and connect.password is None:
        keys = _default_keys()
        says += ["the keys in ~/.ssh"] if keys else []
    password = resolve(connect.password) if connect.password else None
    if password is not None:
        says.append("the password")
    return _Proof(keys, agent, password, " or ".join(says))


@contextlib.asynccontextmanager
async def _agent(stop: Stop, proof: _Proof) -> AsyncIterator[Sequence[asyncssh.SSHKeyPair]]:
    """The keys of the agent, as long as it is asked to sign with them. They are shown after a key that was named: an
    sshd lets nobody try many."""
    if proof.agent is None:
        yield ()
        return
    try:
        agent = await asyncssh.connect_agent(proof.agent)
    except (OSError, asyncssh.Error, ValueError) as error:
        if stop.connect.agent:
            raise HostUnreachable(
                f"{stop.name}: connect.agent asks for an agent, and the one here does not answer: {plain(error)}.",
                "Start one (ssh-agent) and add the key (ssh-add), or name the key file in connect.key.",
            ) from error
        yield ()
        return
    async with agent:
        yield await agent.get_keys()


def _keys(stop: Stop, name: str, passphrase: str | None) -> Sequence[asyncssh.SSHKeyPair]:
    path = Path(name).expanduser()
    try:
        return asyncssh.load_keypairs(str(path), passphrase)
    except FileNotFoundError:
        raise HostUnreachable(
            f"{stop.name}: the key file {path} is not there.", "Check connect.key, or make a key with ssh-keygen."
        ) from None
    except OSError as error:
        because = error.strerror or type(error).__name__
        raise HostUnreachable(f"{stop.name}: the key file {path} cannot be read: {because}.") from error
    except asyncssh.KeyEncryptionError as error:
        raise HostUnreachable(
            f"{stop.name}: the passphrase in connect.passphrase does not open the key file {path}."
            if passphrase
            else f"{stop.name}: the key file {path} is encrypted.",
            "Check what the reference in connect.passphrase stands for."
            if passphrase
            else "Give connect.passphrase a reference to its passphrase, or add the key to an agent.",
        ) from error
    except asyncssh.KeyImportError as error:
        if "assphrase" in str(error):
            raise HostUnreachable(
                f"{stop.name}: the key file {path} is encrypted.",
                "Give connect.passphrase a reference to its passphrase, or add the key to an agent.",
            ) from error
        raise HostUnreachable(
            f"{stop.name}: the file {path} holds no private key that can be used: {plain(error)}.",
            "connect.key names the private key, not the .pub file.",
        ) from error


def _default_keys() -> Sequence[asyncssh.SSHKeyPair]:
    found: list[asyncssh.SSHKeyPair] = []
    for kind in ("id_ed25519", "id_ecdsa", "id_rsa"):
        path = Path("~/.ssh").expanduser() / kind
        try:
            found += asyncssh.load_keypairs(str(path))
        except (OSError, ValueError, asyncssh.Error):
            continue  # not there, or encrypted: whoever wants that one names it
    return found


def _refusal(way: Sequence[Stop], proof: _Proof, error: BaseException, patience: Patience) -> HostUnreachable:
    """One sentence for what asyncssh and the system say."""
    stop = way[-1]
    name, place = stop.name, f"{stop.address}:{stop.port}"
    if isinstance(error, asyncssh.ChannelOpenError) and len(way) > 1:
        return HostUnreachable(
            f"{name}: the jump host {way[-2].name} has no way to {place}: {plain(error)}.",
            "Check connect.address as the jump host sees it, and whether its sshd allows forwarding.",
        )
    if isinstance(error, asyncssh.PermissionDenied):
        if not proof.says:
            return HostUnreachable(
                f"{name}: there is no key and no password to show {stop.place}.",
                "Give connect.key, connect.password or an agent.",
            )
        return HostUnreachable(
            f"{name}: {stop.place} does not accept {proof.says}.",
            "Check connect.user, and the reference in connect.password."
            if proof.password is not None
            else "Check connect.user and connect.key, and whether the public key stands in its authorized_keys.",
        )
    if isinstance(error, TimeoutError):
        return HostUnreachable(
            f"{name}: {place} did not answer within {patience.connect:g} seconds.",
            "Is the host up, and does a firewall let us through?",
        )
    if isinstance(error, ConnectionRefusedError):
        return HostUnreachable(
            f"{name}: {place} refuses the connection.", "Does sshd run there, and is connect.port right?"
        )
    if isinstance(error, socket.gaierror | UnicodeError):
        return HostUnreachable(
            f"{name}: no address is known for {stop.address!r}.", "Check connect.address and the name service."
        )
    if isinstance(error, asyncssh.KeyExchangeFailed):
        return HostUnreachable(
            f"{name}: {place} and we have no encryption in common: {plain(error)}.", "Bring its sshd up to date."
        )
    if isinstance(error, asyncssh.ConnectionLost | ConnectionResetError | BrokenPipeError):
        return HostUnreachable(
            f"{name}: {place} closed the line before it stood.",
            "Its log says why: too many lines at a time (MaxStartups), or a rule about addresses or accounts.",
        )
    if isinstance(error, asyncssh.ProtocolError | asyncssh.ProtocolNotSupported):
        return HostUnreachable(
            f"{name}: what answers at {place} does not speak SSH as it should: {plain(error)}.",
            "Check connect.address and connect.port.",
        )
    if isinstance(error, OSError):
        because = error.strerror or plain(error)
        return HostUnreachable(f"{name}: no line to {place}: {because}.", "Check connect.address and the network.")
    return HostUnreachable(f"{name}: no line to {place}: {plain(error)}.")
