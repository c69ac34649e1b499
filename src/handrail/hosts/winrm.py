"""A Windows host over Windows Remote Management (WinRS: commands, no PowerShell remoting).

pypsrp speaks the protocol and blocks, so each line has a thread, `connect.sessions` of them at most. A command takes
the line that was used last: what runs one after another runs in one logon session.
"""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from handrail.errors import BadInput
from handrail.hosts import windows_files, windows_line
from handrail.hosts.protocol import Command, Outcome
from handrail.hosts.windows_jobs import JobAccount
from handrail.model.estate import Connect

if TYPE_CHECKING:
    from handrail.hosts.winrm_line import Line, Patience
    from handrail.hosts.winrm_session import Secrets

SESSIONS = 4
"""Commands that run at once on one host, when `connect.sessions` says nothing: Windows Server 2008 R2 takes five."""
UTF_8 = 65001

Resolve = Callable[[str], str]

_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


class WinrmHost:
    """The host `name` as `connect` says. Raises BadInput when that cannot be; nothing is opened or looked up yet.

    `patience` is for tests; `os` is what the estate says that it runs.
    """

    windows = True

    def __init__(
        self, name: str, connect: Connect, resolve: Resolve, os: str | None = None, patience: Patience | None = None
    ) -> None:
        self.name = name
        self._connect = checked(name, connect)
        self._resolve = resolve
        # Batch files fail in silence there when the code page is UTF-8.
        self._page = None if os == "windows-server-2003" else UTF_8
        self._patience = patience
        self._sessions = connect.sessions or SESSIONS
        self._places = asyncio.Semaphore(self._sessions)
        self._threads = ThreadPoolExecutor(self._sessions, thread_name_prefix=f"winrm-{name}")
        self._idle: list[Line] = []
        self._secrets: Secrets | None = None
        self._boot = windows_files.BootId()

    async def execute(self, command: Command) -> Outcome:
        """HostUnreachable when nothing of it was begun; BadInput when its command line cannot be said to Windows."""
        text = windows_line.for_cmd(command.argv)
        if not command.stdin and not windows_line.is_line(command.argv):
            # What asks for input gets none, instead of waiting for it. (A line may say its own.)
            text += " < nul"
        for one in (text, command.cwd or "", *command.env, *command.env.values()):
            if _NOT_XML.search(one):
                raise BadInput(f"{command.argv[0]}: there are signs in what it is given that WinRM cannot carry.")
        async with self._places:
            line = self._idle.pop() if self._idle else self._new_line()
            stop = threading.Event()
            work = asyncio.get_running_loop().run_in_executor(self._threads, line.run, command, text, stop)
            try:
                return await asyncio.shield(work)
            except asyncio.CancelledError:
                stop.set()
                with suppress(Exception):
                    await asyncio.shield(work)
                raise
            finally:
                if work.done():
                    self._idle.append(line)

    async def read(self, path: str) -> bytes:
        return await windows_files.read(self, path)

    async def write(self, path: str, data: bytes) -> None:
        await windows_files.write(self, path, data)

    async def put(self, source: Path, path: str) -> None:
        await windows_files.put(self, source, path, self._connect.address or self.name)

    async def get(self, path: str, target: Path) -> None:
        await windows_files.get(self, path, target)

    async def boot_id(self) -> str:
        return await self._boot.ask(self)

    def job_account(self) -> JobAccount | None:
        """Whom detached commands run as, when the estate says that it is not the system."""
        if self._connect.jobs != "user":
            return None
        assert self._connect.user and self._connect.password
        return JobAccount(self._connect.user, self._resolve(self._connect.password))

    async def close(self) -> None:
        """End our shells, and what still runs in them."""
        idle, self._idle = self._idle, []
        loop = asyncio.get_running_loop()
        await asyncio.gather(*(loop.run_in_executor(self._threads, line.close) for line in idle))
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _new_line(self) -> Line:
        from handrail.hosts.winrm_line import Line, Patience
        from handrail.hosts.winrm_session import Secrets, Session

        patience = self._patience or Patience()
        if self._secrets is None:
            password, passphrase = self._connect.password, self._connect.passphrase
            self._secrets = Secrets(
                self._resolve(password) if password else None, self._resolve(passphrase) if passphrase else None
            )
        secrets = self._secrets
        return Line(
            self.name, lambda: Session(self.name, self._connect, secrets, patience.connect), patience, self._page
        )


def checked(name: str, connect: Connect) -> Connect:
    """`connect` with what follows from the rest filled in. BadInput for what cannot be, or would be unsafe."""
    auth = connect.auth or ("certificate" if connect.certificate and not connect.password else "negotiate")
    tls = connect.tls is not False
    if find_spec("pypsrp") is None:
        raise BadInput(
            f"Host {name} is to be reached via winrm, which needs pypsrp.", "Install it: pip install 'handrail[winrm]'."
        )
    if not tls and auth in ("basic", "certificate"):
        raise BadInput(
            f"Host {name}: with `auth: {auth}` and `tls: false` everybody on the way could read everything.",
            "Leave `tls` out, or use ntlm, kerberos or credssp, which seal their messages.",
        )
    if not tls and (connect.ca or connect.tls_floor):
        raise BadInput(f"Host {name}: `ca` and `tls_floor` mean nothing with `tls: false`.", "Leave one of them out.")
    if auth == "certificate" and not connect.certificate:
        raise BadInput(f"Host {name}: `auth: certificate` needs `certificate`, and `key`.", "Name the PEM files.")
    if auth in ("basic", "ntlm", "credssp") and not (connect.user and connect.password):
        raise BadInput(
            f"Host {name}: `auth: {auth}` needs `user` and `password`.",
            "A password is a reference, as in keyring:SERVICE/USER.",
        )
    if auth == "kerberos" and (find_spec("gssapi") is None or find_spec("krb5") is None):
        raise BadInput(
            f"Host {name}: Kerberos needs the Python packages gssapi and krb5.",
            "Install it: pip install 'pyspnego[kerberos]' (it is built against the system's Kerberos libraries).",
        )
    if auth == "negotiate" and not (connect.user and connect.password) and find_spec("gssapi") is None:
        raise BadInput(
            f"Host {name}: without `user` and `password` only Kerberos is left, which needs the package gssapi.",
            "Name them, or install: pip install 'pyspnego[kerberos]'.",
        )
    if auth == "credssp" and find_spec("requests_credssp") is None:
        raise BadInput(f"Host {name}: CredSSP needs requests-credssp.", "Install it: pip install 'handrail[winrm]'.")
    return replace(connect, auth=auth, tls=tls)
