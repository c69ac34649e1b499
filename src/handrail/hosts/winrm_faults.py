"""What can go wrong between us and Windows Remote Management, said in one sentence and what to do.

Errors of the libraries below (pypsrp, requests, spnego) are told apart by their class names and codes, so that this
file needs none of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from handrail.errors import HostUnreachable

OPERATION_TIMEOUT = 2150858793
SHELL_NOT_FOUND = 2150858843
ABORTED = 995
QUOTA_SHELLS = 2150859173
QUOTA_OPERATIONS = 2150859174
QUOTAS = {
    QUOTA_SHELLS: ("shells", "MaxShellsPerUser"),
    QUOTA_OPERATIONS: ("operations", "MaxConcurrentOperationsPerUser"),
    2150859172: ("operations", "MaxConcurrentOperationsPerUser"),
    2150859175: ("shells of all users", "MaxConcurrentUsers"),
    2150859176: ("processes in a shell", "MaxProcessesPerShell"),
}
NO_FOLDER = (267, 2147942667, 2147942403)
"""ERROR_DIRECTORY and ERROR_PATH_NOT_FOUND, as Windows says them of a working folder."""
DENIED = (5, 2147942405, -2147024891)

_NOT_DISPATCHED = (400, 401, 403, 404, 405, 411, 413, 503)
"""HTTP answers that come from before the part of Windows that carries commands out."""

_TEXTS: tuple[tuple[str, str, str], ...] = (
    (
        "clock skew|KRB_AP_ERR_SKEW",
        "its clock and ours are too far apart for Kerberos",
        "Set both clocks; five minutes apart is the most that Kerberos takes.",
    ),
    (
        "hostname.*doesn't match|Hostname mismatch|IP address mismatch",
        "its certificate is made out to another name",
        "Reach it by the name in its certificate (`connect.address`), or give it a certificate for this name.",
    ),
    (
        "certificate has expired|certificate is not yet valid",
        "its certificate is not valid today",
        "Give it a new certificate; look at both clocks too.",
    ),
    (
        "CERTIFICATE_VERIFY_FAILED|certificate verify failed",
        "its certificate comes from nobody whom we trust",
        "Name the authority that signed it in `connect.ca` (a PEM file).",
    ),
    (
        "UNSUPPORTED_PROTOCOL|unsupported protocol|PROTOCOL_VERSION|WRONG_VERSION_NUMBER|NO_PROTOCOLS",
        "it speaks no TLS that we accept",
        "Look at the port; for an old Windows lower `connect.tls_floor`, or use ntlm or kerberos with `tls: false`.",
    ),
    (
        "EOF occurred in violation of protocol",
        "it broke off while TLS was being agreed upon",
        "It may speak no TLS on this port, or only an older one than we accept (`connect.tls_floor`).",
    ),
    (
        "CERTIFICATE_REQUIRED|certificate required|UNKNOWN_CA|unknown ca|bad certificate",
        "it does not accept our certificate",
        "Look at `connect.certificate`, and whether it is mapped to an account there.",
    ),
    (
        "No module named .(gssapi|krb5)|requires the Python gssapi|No Kerberos",
        "Kerberos cannot be spoken here",
        "Install it with: pip install 'pyspnego[kerberos]' (it needs the Kerberos libraries of the system).",
    ),
    (
        "not found in Kerberos database|SERVER_NOT_FOUND|S_PRINCIPAL_UNKNOWN",
        "Kerberos knows no such host",
        "Give its full name as `connect.address`; Kerberos knows no addresses in numbers.",
    ),
    (
        "Cannot find KDC|Cannot contact any KDC|Cannot locate KDC",
        "no domain controller answers for its realm",
        "Look at DNS and at /etc/krb5.conf of this machine.",
    ),
    (
        "8009030c|LOGON_DENIED|LOGON_FAILURE|C000006D|PREAUTH_FAILED|"
        "Decrypt integrity check failed|Preauthentication failed|Password incorrect|password was incorrect",
        "the password is wrong, or the account may not log on there",
        "Look at `connect.user` and the secret behind `connect.password`.",
    ),
    ("Name or service not known|getaddrinfo|NameResolution", "there is no such name", "Look at `connect.address`."),
    (
        "Connection refused|NewConnectionError",
        "nothing listens there",
        "Look at `connect.port`, and whether Windows Remote Management runs: winrm quickconfig.",
    ),
    ("No route to host|Network is unreachable", "there is no way to it from here", "Look at the network."),
)


def unreachable(host: str, error: BaseException) -> HostUnreachable:
    """For an error before anything of a command was begun."""
    because, advice = reason(error)
    return HostUnreachable(f"{host} cannot be used over WinRM: {because}.", advice)


def lost(error: BaseException) -> str:
    """Why the outcome of a command that may have begun is unknown."""
    number = code(error)
    if number == SHELL_NOT_FOUND:
        return "its shell is gone: the machine or Windows Remote Management was restarted"
    if number == ABORTED:
        return "Windows ended the operation: its shell or Windows Remote Management was closed"
    if is_silent(error):
        return "the host fell silent"
    if _named(error, "ConnectionError", "ChunkedEncodingError", "ProtocolError"):
        return "the line was dropped"
    return reason(error)[0]


def reason(error: BaseException) -> tuple[str, str]:
    """What happened, and what to do."""
    number = code(error)
    if number in QUOTAS:
        what, setting = QUOTAS[number]
        return (
            f"its quota of {what} is used up",
            f"End what else uses the account there, lower `connect.sessions`, or raise {setting} there.",
        )
    if number in DENIED or number == 403:
        return (
            "access is denied",
            "The account must be a local administrator there with a full token: a domain account, or "
            "LocalAccountTokenFilterPolicy set to 1.",
        )
    if _named(error, "AuthenticationError"):
        if "did not respon" in str(error):
            return "it offers none of our ways to prove who we are", "Look at `connect.auth`."
        return (
            "the password is wrong, or the account may not log on there",
            "Look at `connect.user`, `connect.password` and `connect.auth`.",
        )
    text = _whole(error)
    for pattern, because, advice in _TEXTS:
        if re.search(pattern, text, re.IGNORECASE):
            return because, advice
    if is_silent(error):
        return "it does not answer", "Look whether it is up, and whether a firewall stands between."
    if _named(error, "SpnegoError", "InvalidTokenError", "BadMICError", "NoCredentialError", "InvalidCredentialError"):
        return f"the two sides do not agree on who we are ({_line(error)})", "Look at `connect.auth` and `user`."
    if _named(error, "WSManFaultError"):
        return f"Windows Remote Management says {_line(error)}", "Try the same by hand: winrs -r:HOST ver."
    if _named(error, "WinRMTransportError"):
        return f"it answered with HTTP {number}", "Look at the address and port: is that Windows Remote Management?"
    if _named(error, "ConnectionError", "ProtocolError", "ChunkedEncodingError", "SSLError"):
        return "the line was dropped", "Try again; look at what stands between."
    return f"it answered with something that is not understood ({type(error).__name__}: {_line(error)})", ""


def code(error: BaseException) -> int | None:
    """The number of a fault, or the status of HTTP."""
    if not _named(error, "WSManFaultError", "WinRMTransportError"):
        return None
    number = getattr(error, "code", None)
    try:
        return int(number) if number is not None else None
    except (TypeError, ValueError):
        return None


def not_begun(error: BaseException) -> bool:
    """Whether a refusal of the request to begin a command says surely that nothing was begun."""
    if _named(error, "AuthenticationError"):
        return True
    number = code(error)
    if _named(error, "WinRMTransportError"):
        return number in _NOT_DISPATCHED
    return number is not None and number not in (OPERATION_TIMEOUT, ABORTED)


def is_silent(error: BaseException) -> bool:
    return code(error) == OPERATION_TIMEOUT or _named(error, "ReadTimeout", "ConnectTimeout", "Timeout", "TimeoutError")


def _named(error: BaseException, *names: str) -> bool:
    return any(one.__name__ in names for one in type(error).__mro__)


def _whole(error: BaseException) -> str:
    """An error and what it came from, as one text to look for words in."""
    return " | ".join(f"{type(one).__name__}: {one}" for one in _chain(error))


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: list[BaseException] = []
    waiting: list[BaseException | None] = [error]
    while waiting and len(seen) < 12:
        one = waiting.pop(0)
        if one is None or one in seen:
            continue
        seen.append(one)
        yield one
        waiting += [one.__cause__, one.__context__, *(each for each in one.args if isinstance(each, BaseException))]
        because = getattr(one, "reason", None)
        waiting.append(because if isinstance(because, BaseException) else None)


def _line(error: BaseException, most: int = 300) -> str:
    told = getattr(error, "reason", None)
    text = " ".join((told if isinstance(told, str) and told else str(error)).split()).rstrip(".")
    return text if len(text) <= most else text[:most] + "…"
