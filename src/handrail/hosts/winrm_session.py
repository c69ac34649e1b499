"""One session of Windows Remote Management: what `connect` says, made into what pypsrp needs. Import it late: pypsrp
is an extra.

A session belongs to one thread at a time: messages that are sealed by NTLM, Kerberos or CredSSP carry numbers. Its
connection is made once and never again in silence: a message that goes out on a connection made anew would be sealed
for another one, and nobody could say whether what went out on the old one arrived.
"""

from __future__ import annotations

import logging
import ssl
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pypsrp.wsman import WSMan
from requests.adapters import HTTPAdapter
from requests.auth import HTTPBasicAuth

from handrail.errors import BadInput
from handrail.model.estate import Connect

TLS = {
    "1.0": ssl.TLSVersion.TLSv1,
    "1.1": ssl.TLSVersion.TLSv1_1,
    "1.2": ssl.TLSVersion.TLSv1_2,
    "1.3": ssl.TLSVersion.TLSv1_3,
}


@dataclass(frozen=True, slots=True)
class Secrets:
    """What the references of `connect` stand for."""

    password: str | None = None
    passphrase: str | None = None

    def __repr__(self) -> str:
        return "Secrets(***)"


class NoNewConnection(Exception):
    """The connection is gone; this message was not sent."""


class _Adapter(HTTPAdapter):
    """Connects while `may_connect`, and with no less than the TLS that was asked for."""

    def __init__(self, context: ssl.SSLContext | None) -> None:
        self.may_connect = True
        self._context = context
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=0)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **more: Any) -> None:
        if self._context is not None:
            more["ssl_context"] = self._context
        super().init_poolmanager(connections, maxsize, block, **more)
        manager: Any = self.poolmanager
        manager.pool_classes_by_scheme = {
            scheme: self._guarded_pool(kind) for scheme, kind in manager.pool_classes_by_scheme.items()
        }

    def _guarded_pool(self, kind: Any) -> Callable[..., Any]:
        def pool(*arguments: Any, **named: Any) -> Any:
            made = kind(*arguments, **named)
            connection = made.ConnectionCls

            def guarded(*inner: Any, **more: Any) -> Any:
                line = connection(*inner, **more)
                connect = line.connect

                def checked() -> Any:
                    if not self.may_connect:
                        raise NoNewConnection
                    return connect()

                line.connect = checked
                return line

            made.ConnectionCls = guarded
            return made

        return pool


class Session:
    """`wsman` speaks for it. Raises BadInput when a file that `connect` names cannot be used."""

    def __init__(self, name: str, connect: Connect, secrets: Secrets, connect_timeout: float) -> None:
        _be_quiet()
        tls = connect.tls is not False
        auth = connect.auth or "negotiate"
        more: dict[str, Any] = {}
        if auth == "certificate":
            more = {"certificate_pem": connect.certificate, "certificate_key_pem": connect.key}
        self.wsman = WSMan(
            connect.address or name,
            port=connect.port,
            username=connect.user,
            password=secrets.password,
            ssl=tls,
            auth=auth,
            cert_validation=connect.ca or True,  # type: ignore[arg-type]  # a path is as good, as its documents say
            encryption="auto" if tls else "always",
            no_proxy=True,
            connection_timeout=connect_timeout,  # type: ignore[arg-type]  # typed as whole seconds
            # It would ask five times again; on the connection that is gone that is no use, and there is no other.
            reconnection_backoff=0.0,
            **more,
        )
        self._adapter = _Adapter(_context(name, connect, secrets.passphrase) if tls else None)
        session = self.wsman.transport._build_session()
        session.trust_env = False
        if auth == "basic":
            basic: Any = HTTPBasicAuth  # takes bytes too, whatever its types say
            session.auth = basic(_header_text(connect.user), _header_text(secrets.password))
        session.cert = None  # the context has it, whose key may be locked by a passphrase
        session.mount("https://", self._adapter)
        session.mount("http://", self._adapter)
        self.wsman.transport.session = session

    def settle(self) -> None:
        """From now on the connection is the one that there is: NoNewConnection once it is gone."""
        self._adapter.may_connect = False

    def within(self, operation: float, answer: float) -> None:
        """Seconds that Windows has for an operation, and that it may be silent."""
        self.wsman.operation_timeout = operation  # type: ignore[assignment]  # typed as whole seconds
        self.wsman.transport.read_timeout = answer  # type: ignore[assignment]  # the same

    def close(self) -> None:
        self.wsman.transport.close()


def _header_text(text: str | None) -> str | bytes:
    """Latin 1, as a header has it, and UTF-8 for what is not in it."""
    try:
        (text or "").encode("latin-1")
    except UnicodeEncodeError:
        return (text or "").encode()
    return text or ""


def _context(name: str, connect: Connect, passphrase: str | None) -> ssl.SSLContext:
    floor = connect.tls_floor or "1.2"
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if floor in ("1.0", "1.1"):
        # OpenSSL 3 has switched them off by this level, whatever the version says.
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the estate asks for it by name
        context.minimum_version = TLS[floor]
    try:
        if connect.ca:
            context.load_verify_locations(connect.ca)
        else:
            context.load_default_certs()
    except OSError as error:
        raise _unusable(name, connect.ca, error) from error
    try:
        if connect.certificate:
            context.load_cert_chain(connect.certificate, connect.key, passphrase or "")
    except OSError as error:
        raise _unusable(name, f"{connect.certificate} with {connect.key or 'itself as key'}", error) from error
    return context


def _unusable(name: str, path: object, error: OSError) -> BadInput:
    because = error.strerror if not isinstance(error, ssl.SSLError) and error.strerror else "it cannot be read as such"
    return BadInput(f"{name}: {path} cannot be used: {because}.", "These must be PEM files; see `connect.passphrase`.")


def _be_quiet() -> None:
    """They log whole messages, secrets in them, and errors that we tell in our own words."""
    for name in ("pypsrp", "spnego", "requests_credssp"):
        logger = logging.getLogger(name)
        logger.propagate = False
        if not logger.handlers:
            logger.addHandler(logging.NullHandler())
