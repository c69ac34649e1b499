"""The server itself: on loopback, or with TLS; nothing else."""

from __future__ import annotations

import asyncio
import contextlib
import re
import signal
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from errno import EADDRINUSE
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol

from handrail.console.context import LOCAL_NAMES, Network, Proxy, Settings
from handrail.console.headers import host_of
from handrail.errors import BadInput

_AUTHORITY = re.compile(r"(\[[0-9a-f:.]+\]|[\w.-]+)(:[0-9]{1,5})?")

CONNECTIONS = 2000
PATIENCE = 15.0
"""Seconds that a connection may take until its first request has arrived, or between two requests."""


def settings_of(
    host: str,
    certificate: str | None,
    key: str | None,
    public_url: str | None = None,
    proxy_header: str | None = None,
    proxy_from: Sequence[str] = (),
) -> Settings:
    """How people reach the console, from what the command line says. BadInput: see its sentences."""
    if bool(certificate) != bool(key):
        raise BadInput("TLS needs both a certificate and its key.", "Name both: --certificate FILE --key FILE.")
    if not is_loopback(host) and not certificate:
        raise BadInput(
            f"The console does not listen on {host} without TLS: passwords would cross the network in the clear.",
            "Name --certificate FILE --key FILE, or listen on 127.0.0.1.",
        )
    if bool(proxy_header) != bool(proxy_from):
        raise BadInput(
            "A proxy's header is only believed when it comes from the proxy.",
            "Name both: --proxy-header NAME --proxy-from NETWORK.",
        )
    hosts = set(LOCAL_NAMES)
    if not is_any(host):
        hosts.add(host.lower())
    if certificate and key:
        hosts |= names_in(Path(certificate))
        tls_context(certificate, key)
    secure, origin = bool(certificate), ""
    if public_url:
        scheme, _, authority = public_url.rstrip("/").lower().partition("://")
        if scheme not in ("http", "https") or not _AUTHORITY.fullmatch(authority):
            raise BadInput(
                f"--public-url {public_url!r} is not how people would reach a console.",
                "Write it like https://upgrade.example.com.",
            )
        if scheme == "http" and not is_loopback(host_of(authority)):
            raise BadInput("--public-url must begin with https://: passwords would cross the network in the clear.")
        hosts.add(host_of(authority))
        secure = secure or scheme == "https"
        origin = f"{scheme}://{authority.removesuffix(':443' if scheme == 'https' else ':80')}"  # as browsers say it
    proxy = Proxy(proxy_header.lower(), networks_of(proxy_from)) if proxy_header else None
    return Settings(frozenset(hosts), secure, origin, proxy)


def address(settings: Settings, host: str, port: int) -> str:
    """What to type into a browser; where we listen everywhere, with a name that the certificate has."""
    if is_any(host):
        host = next((one for one in sorted(settings.hosts - LOCAL_NAMES) if "*" not in one), "localhost")
    shown = f"[{host}]" if ":" in host else host
    return f"{'https' if settings.secure else 'http'}://{shown}:{port}"


def networks_of(given: Sequence[str]) -> tuple[Network, ...]:
    found: list[Network] = []
    for text in given:
        try:
            found.append(ip_network(text))
        except ValueError as error:
            raise BadInput(f"--proxy-from {text!r} is no network: {error}.", "Write it like 10.0.0.5/32.") from None
    return tuple(found)


def is_loopback(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def is_any(host: str) -> bool:
    try:
        return ip_address(host).is_unspecified
    except ValueError:
        return False


def names_in(certificate: Path) -> set[str]:
    """The names and addresses that a certificate is for. BadInput when it cannot be read."""
    from cryptography import x509

    try:
        found = x509.load_pem_x509_certificate(certificate.read_bytes())
        names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except OSError as error:
        raise BadInput(f"The certificate {certificate} cannot be read: {error.strerror}.") from error
    except x509.ExtensionNotFound:
        return set()
    except ValueError as error:
        raise BadInput(f"{certificate} is not a certificate in PEM form.") from error
    addresses = {str(one) for one in names.get_values_for_type(x509.IPAddress)}
    return {one.lower() for one in names.get_values_for_type(x509.DNSName)} | addresses


def tls_context(certificate: str, key: str) -> ssl.SSLContext:
    """For a server; TLS 1.2 at least. BadInput when the files cannot be used."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        Path(key).open("rb").close()
    except OSError as error:
        raise BadInput(
            f"The key {key} cannot be read: {error.strerror}.", "Whoever runs the console has to be able to read it."
        ) from error
    try:
        context.load_cert_chain(certificate, key, password=_no_password)
    except (OSError, ValueError) as error:
        raise BadInput(
            f"The certificate {certificate} with the key {key} cannot be used: {_because(error)}.",
            "Both must be in PEM form, belong together, and the key must not need a password.",
        ) from error
    return context


def _because(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return "the key is not that of the certificate" if "MISMATCH" in str(error.reason) else "one of them is no PEM"
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)


def _no_password() -> str:
    raise ValueError("the key needs a password")


def bind(host: str, port: int) -> socket.socket:
    """A socket that listens. BadInput when it cannot."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=256)
    except (OSError, UnicodeError) as error:
        # What Python adds in parentheses says the same once more.
        because = str(error.strerror).partition(" (")[0] if isinstance(error, OSError) else "no machine is called so"
        advice = "Choose another with --port." if isinstance(error, OSError) and error.errno == EADDRINUSE else ""
        raise BadInput(f"The console cannot listen on {host} port {port}: {because}.", advice) from error


class Patient(H11Protocol):
    """A connection on which nothing is asked in time is closed: nobody holds them all by being slow."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn is narrower than asyncio
        super().connection_made(transport)
        self._waiting = self.loop.call_later(PATIENCE, self._give_up)

    def _give_up(self) -> None:
        if self.cycle is None and not self.transport.is_closing():
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._waiting.cancel()
        super().connection_lost(exc)


def serve(
    app: FastAPI,
    listening: socket.socket,
    *,
    certificate: str | None = None,
    key: str | None = None,
    ready: Callable[[], None] = lambda: None,
) -> None:
    """Answer requests until a signal ends it. Live pages get two seconds to end."""
    server = server_of(app, certificate, key)
    server.ready = ready
    server.run(sockets=[listening])


def server_of(app: FastAPI, certificate: str | None = None, key: str | None = None) -> Server:
    """With TLS when there is a certificate."""
    tls: dict[str, Any] = {}
    if certificate and key:
        tls = {"ssl_context_factory": lambda *_: tls_context(certificate, key), "ssl_certfile": certificate}
    config = uvicorn.Config(
        app,
        http=Patient,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=CONNECTIONS,
        timeout_keep_alive=int(PATIENCE),
        timeout_graceful_shutdown=2,
        **tls,
    )
    return Server(config)


class Server(uvicorn.Server):
    """Says when it listens, and ends like a command: uvicorn itself would raise the signal anew that ended it."""

    ready: Callable[[], None] = staticmethod(lambda: None)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {one: signal.signal(one, self.handle_exit) for one in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for one, handler in before.items():
                signal.signal(one, handler)
