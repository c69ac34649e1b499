"""Windows Remote Management for tests, on loopback: WS-Management over HTTP, as Microsoft's MS-WSMV has it.

It has shells and commands (WinRS), basic, NTLM with sealed messages, and certificates; TLS; faults on demand; and it
runs processes of this machine or functions of a test (`winrm_commands`), for instance those of a twin (`winrm_twin`).
It is no Windows: what it proves is the road, not what lies at its end.

It lives in a thread of its own, so that it answers whatever the test's own loop is doing.
"""

from __future__ import annotations

import asyncio
import base64
import os
import re
import ssl
import struct
import threading
import uuid
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from xml.sax.saxutils import escape

import spnego
from aiohttp import web
from tests.support import winrm_scripts
from tests.support.pki import Papers
from tests.support.winrm_commands import Answer, Asked, Function, Process, Running, argv_of

from handrail.hosts import powershell

SOAP = "http://www.w3.org/2003/05/soap-envelope"
ADDRESSING = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
TRANSFER = "http://schemas.xmlsoap.org/ws/2004/09/transfer"
WSMAN = "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"
SHELL = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell"
FAULT = "http://schemas.microsoft.com/wbem/wsman/1/wsmanfault"
MUTUAL = "http://schemas.dmtf.org/wbem/wsman/1/wsman/secprofile/https/mutual"
NS = {"s": SOAP, "a": ADDRESSING, "w": WSMAN, "r": SHELL}

OPERATION_TIMEOUT = 2150858793
SHELL_NOT_FOUND = 2150858843
QUOTA_SHELLS = 2150859173
ABORTED = 995


class Fault(Exception):
    def __init__(self, code: int, text: str, status: int = 500) -> None:
        super().__init__(text)
        self.code, self.text, self.status = code, text, status


class Dropped(Exception):
    pass


NOT_FOUND = Fault(SHELL_NOT_FOUND, "The request for the Windows Remote Shell failed because the shell was not found.")


@dataclass(slots=True)
class Mishap:
    """What befalls the next `action`: `drop` cuts the line when it was asked, `silent` never answers, `half` carries it
    out and cuts the line within the answer, `late` carries it out and cuts the line before it; or a fault."""

    action: str
    what: Literal["drop", "silent", "half", "late"] | Fault


@dataclass(slots=True)
class Shell:
    id: str
    env: dict[str, str]
    cwd: str | None
    commands: dict[str, Running] = field(default_factory=dict)

    def close(self) -> None:
        for one in self.commands.values():
            one.kill()


@dataclass(slots=True)
class Call:
    """One request, the parts that the actions need."""

    body: ET.Element
    shell: str | None
    options: dict[str, str]
    patience: float
    budget: int


@dataclass
class Endpoint:
    """`log` is what was asked (action, shell), `lines` the commands that were begun, `mishaps` what shall go wrong.
    `runner` is a function, or None for processes of this machine. `ended` is told when a shell is closed."""

    auth: Literal["basic", "ntlm", "certificate", "credssp"] = "ntlm"
    user: str = "admin"
    password: str = "hunter2-ß"
    papers: Papers | None = None
    runner: Function | None = None
    most_shells: int = 30
    deaf: bool = False
    old: bool = False
    """Windows Server 2008 R2: does not know the question after a shell."""
    ended: Callable[[str], None] | None = None
    port: int = 0
    log: list[tuple[str, str | None]] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    mishaps: list[Mishap] = field(default_factory=list)
    shells: dict[str, Shell] = field(default_factory=dict)
    _contexts: dict[object, Any] = field(default_factory=dict)

    def fails(self, action: str, what: Literal["drop", "silent", "half", "late"] | Fault) -> None:
        self.mishaps.append(Mishap(action, what))

    def asked(self, action: str) -> int:
        return sum(one == action for one, _ in self.log)

    def app(self) -> web.Application:
        app = web.Application(client_max_size=8 << 20)
        app.router.add_post("/wsman", self._http)
        return app

    def tls(self) -> ssl.SSLContext | None:
        if self.papers is None:
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.papers.server, self.papers.server_key)
        if self.auth == "certificate":
            context.verify_mode = ssl.CERT_OPTIONAL
            context.load_verify_locations(self.papers.ca)
        return context

    # Who is it, and is the message sealed?

    async def _http(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        try:
            if self.auth in ("ntlm", "credssp"):
                return await self._negotiated(request, body)
            allowed = self._is_admin(request) if self.auth == "basic" else self._is_certified(request)
            if not allowed:
                challenge = 'Basic realm="WSMAN"' if self.auth == "basic" else "Negotiate"
                return web.Response(status=401, headers={"WWW-Authenticate": challenge})
            status, xml, mishap = await self._soap(body)
            return await self._sent(
                request, mishap, status, xml, {"Content-Type": "application/soap+xml;charset=UTF-8"}
            )
        except Dropped:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()

    def _is_admin(self, request: web.Request) -> bool:
        ways = (f"{self.user}:{self.password}".encode(one, "ignore") for one in ("latin-1", "utf-8"))
        return request.headers.get("Authorization") in [f"Basic {base64.b64encode(one).decode()}" for one in ways]

    def _is_certified(self, request: web.Request) -> bool:
        assert request.transport is not None
        shown = request.transport.get_extra_info("peercert")
        return bool(shown) and request.headers.get("Authorization") == MUTUAL

    async def _negotiated(self, request: web.Request, body: bytes) -> web.StreamResponse:
        way = "CredSSP" if self.auth == "credssp" else "Negotiate"
        refused = web.Response(status=401, headers={"WWW-Authenticate": way})
        key = request.transport  # the context belongs to the connection; kept, so that no other is taken for it
        offered = re.match(r"(Negotiate|NTLM|CredSSP) (\S+)", request.headers.get("Authorization", ""))
        context = self._contexts.get(key)
        if offered:
            if context is None or context.complete:
                sealing = spnego.NegotiateOptions.none if self.papers else spnego.NegotiateOptions.wrapping_winrm
                protocol = "credssp" if self.auth == "credssp" else "negotiate"
                context = self._contexts[key] = spnego.server(protocol=protocol, options=sealing)
            try:
                token = context.step(base64.b64decode(offered[2]))
            except spnego.exceptions.SpnegoError:
                self._contexts.pop(key, None)
                return refused
            headers = {"WWW-Authenticate": f"{offered[1]} {base64.b64encode(token).decode()}"} if token else {}
            if not context.complete:
                return web.Response(status=401, headers=headers)
            if not body:
                return web.Response(status=200, headers=headers)
        elif context is None or not context.complete:
            return refused
        if self.papers is not None:
            status, xml, mishap = await self._soap(body)
            return await self._sent(
                request, mishap, status, xml, {"Content-Type": "application/soap+xml;charset=UTF-8"}
            )
        return await self._sealed(context, request, body)

    async def _sealed(self, context: Any, request: web.Request, body: bytes) -> web.StreamResponse:
        content_type = request.headers.get("Content-Type", "")
        if not content_type.startswith("multipart/encrypted"):
            return web.Response(status=400)  # as with AllowUnencrypted=false
        sealed = body.split(b"\tContent-Type: application/octet-stream\r\n", 1)[1]
        sealed = sealed.rsplit(b"--Encrypted Boundary--\r\n", 1)[0]
        size = struct.unpack("<i", sealed[:4])[0]
        try:
            plain = context.unwrap_winrm(sealed[4 : 4 + size], sealed[4 + size :])
        except spnego.exceptions.SpnegoError:
            return web.Response(status=400)
        status, xml, mishap = await self._soap(plain)
        header, data, padding = context.wrap_winrm(xml)
        found = re.search(r'protocol="([^"]+)"', content_type)
        assert found
        head = (
            f"--Encrypted Boundary\r\n\tContent-Type: {found[1]}\r\n"
            f"\tOriginalContent: type=application/soap+xml;charset=UTF-8;Length={len(xml) + padding}\r\n"
            "--Encrypted Boundary\r\n\tContent-Type: application/octet-stream\r\n"
        )
        out = head.encode() + struct.pack("<i", len(header)) + header + data + b"--Encrypted Boundary--\r\n"
        kind = f'multipart/encrypted;protocol="{found[1]}";boundary="Encrypted Boundary"'
        return await self._sent(request, mishap, status, out, {"Content-Type": kind})

    async def _sent(
        self, request: web.Request, mishap: Mishap | None, status: int, body: bytes, headers: dict[str, str]
    ) -> web.StreamResponse:
        if mishap is None:
            return web.Response(status=status, body=body, headers=headers)
        if mishap.what == "half":
            response = web.StreamResponse(status=status, headers={**headers, "Content-Length": str(len(body))})
            await response.prepare(request)
            await response.write(body[: len(body) // 2])
            await asyncio.sleep(0.05)
        raise Dropped

    # What is asked

    async def _soap(self, body: bytes) -> tuple[int, bytes, Mishap | None]:
        envelope = ET.fromstring(body)

        def header(path: str) -> str:
            return (envelope.findtext("s:Header/" + path, "", NS) or "").strip()

        action = header("a:Action")
        verb = action.rsplit("/", 1)[1]
        call = self._call(envelope, header)
        self.log.append((verb, call.shell))
        mishap = next((one for one in self.mishaps if one.action == verb), None)
        if mishap is not None:
            self.mishaps.remove(mishap)
        try:
            if mishap is not None and isinstance(mishap.what, Fault):
                raise mishap.what
            if mishap is not None and mishap.what == "drop":
                raise Dropped
            if mishap is not None and mishap.what == "silent":
                await asyncio.sleep(3600)
            answer: str = await getattr(self, "_" + verb.lower())(call)
            status, told = 200, action + "Response"
        except Fault as fault:
            mishap = None
            status, told, text = fault.status, ADDRESSING + "/fault", escape(fault.text)
            answer = (
                "<s:Fault><s:Code><s:Value>s:Receiver</s:Value><s:Subcode><s:Value>w:Failed</s:Value></s:Subcode>"
                f'</s:Code><s:Reason><s:Text xml:lang="en-US">{text}</s:Text></s:Reason><s:Detail>'
                f'<f:WSManFault xmlns:f="{FAULT}" Code="{fault.code}" Machine="lab"><f:Message>{text}</f:Message>'
                "</f:WSManFault></s:Detail></s:Fault>"
            )
        whole = (
            f'<s:Envelope xmlns:s="{SOAP}" xmlns:a="{ADDRESSING}" xmlns:w="{WSMAN}" xmlns:rsp="{SHELL}" '
            f'xmlns:x="{TRANSFER}"><s:Header><a:Action>{told}</a:Action><a:MessageID>uuid:{uuid.uuid4()}'
            f"</a:MessageID><a:RelatesTo>{header('a:MessageID')}</a:RelatesTo></s:Header>"
            f"<s:Body>{answer}</s:Body></s:Envelope>"
        )
        return status, whole.encode(), mishap

    def _call(self, envelope: ET.Element, header: Callable[[str], str]) -> Call:
        selectors = envelope.iterfind("s:Header/w:SelectorSet/w:Selector", NS)
        options = envelope.iterfind("s:Header/w:OptionSet/w:Option", NS)
        body = envelope.find("s:Body", NS)
        assert body is not None
        return Call(
            body,
            next((one.text for one in selectors if one.get("Name") == "ShellId"), None),
            {str(one.get("Name")): one.text or "" for one in options},
            float(re.sub(r"[^\d.]", "", header("w:OperationTimeout") or "PT60S") or 60),
            (int(header("w:MaxEnvelopeSize") or 153600) - 4096) * 3 // 4,  # base64 grows by a third
        )

    def _shell(self, id: str | None) -> Shell:
        if id not in self.shells:
            raise NOT_FOUND
        return self.shells[id]

    async def _create(self, call: Call) -> str:
        if len(self.shells) >= self.most_shells:
            text = f"This user is allowed a maximum number of {self.most_shells} concurrent shells."
            raise Fault(QUOTA_SHELLS, text)
        wanted = call.body.find("r:Shell", NS)
        assert wanted is not None
        id = str(uuid.uuid4()).upper()
        variables = wanted.iterfind("r:Environment/r:Variable", NS)
        env = {str(one.get("Name")): one.text or "" for one in variables}
        self.shells[id] = Shell(id, env, wanted.findtext("r:WorkingDirectory", None, NS))
        return (
            f"<x:ResourceCreated><a:Address>http://lab/wsman</a:Address><a:ReferenceParameters><w:ResourceURI>{SHELL}/cmd"
            f'</w:ResourceURI><w:SelectorSet><w:Selector Name="ShellId">{id}</w:Selector></w:SelectorSet>'
            f"</a:ReferenceParameters></x:ResourceCreated><rsp:Shell><rsp:ShellId>{id}</rsp:ShellId>"
            f"<rsp:ResourceUri>{SHELL}/cmd</rsp:ResourceUri><rsp:Owner>{self.user}</rsp:Owner></rsp:Shell>"
        )

    async def _command(self, call: Call) -> str:
        shell, id = self._shell(call.shell), str(uuid.uuid4()).upper()
        line = call.body.findtext("r:CommandLine/r:Command", "", NS)
        self.lines.append(line)
        if self.runner is None and shell.cwd is not None and not Path(shell.cwd).is_dir():
            raise Fault(2147942667, "The directory name is invalid.")
        asked = Asked(argv_of(line), b"", shell.env, shell.cwd, shell.id, line)
        with_input = call.options.get("WINRS_CONSOLEMODE_STDIN", "TRUE").upper() == "FALSE"
        if self.runner is None and powershell.recognise(asked.argv) is None:
            process = Process(asked, self.deaf)
            shell.commands[id] = process
            await process.start(with_input)
        else:
            answer = Answer(self.runner or winrm_scripts.carry_out, asked)
            shell.commands[id] = answer
            if not with_input:
                answer.start()
        return f"<rsp:CommandResponse><rsp:CommandId>{id}</rsp:CommandId></rsp:CommandResponse>"

    async def _send(self, call: Call) -> str:
        shell = self._shell(call.shell)
        for stream in call.body.iterfind("r:Send/r:Stream", NS):
            data = base64.b64decode(stream.text or "")
            end = (stream.get("End") or "").lower() == "true"
            await shell.commands[str(stream.get("CommandId"))].feed(data, end)
        return "<rsp:SendResponse/>"

    async def _receive(self, call: Call) -> str:
        shell = self._shell(call.shell)
        wanted = call.body.find("r:Receive/r:DesiredStream", NS)
        assert wanted is not None
        id = str(wanted.get("CommandId"))
        running = shell.commands[id]
        found = await running.fetch(call.budget, call.patience)
        if shell.id not in self.shells:
            raise Fault(ABORTED, "The I/O operation has been aborted because of either a thread exit or a request.")
        if found is None:
            raise Fault(OPERATION_TIMEOUT, "The operation did not complete within the time specified.")
        pieces, done = found
        xml = "".join(
            f'<rsp:Stream Name="{name}" CommandId="{id}">{base64.b64encode(data).decode()}</rsp:Stream>'
            for name, data in pieces
        )
        state = f"{SHELL}/CommandState/{'Done' if done else 'Running'}"
        code = f"<rsp:ExitCode>{(running.code or 0) % 2**32}</rsp:ExitCode>" if done else ""
        return (
            f'<rsp:ReceiveResponse>{xml}<rsp:CommandState CommandId="{id}" State="{state}">{code}</rsp:CommandState>'
            "</rsp:ReceiveResponse>"
        )

    async def _signal(self, call: Call) -> str:
        shell = self._shell(call.shell)
        signal = call.body.find("r:Signal", NS)
        assert signal is not None
        running = shell.commands.get(str(signal.get("CommandId")))
        if running is not None:
            if "ctrl_c" in (signal.findtext("r:Code", "", NS) or ""):
                running.interrupt()
            else:
                shell.commands.pop(str(signal.get("CommandId")))
                running.kill()
        return "<rsp:SignalResponse/>"

    async def _delete(self, call: Call) -> str:
        self.forget(self._shell(call.shell).id)
        return ""

    async def _get(self, call: Call) -> str:
        if self.old:
            raise Fault(2150858752, "The service cannot process the request; the resource URI is missing.")
        return f"<rsp:Shell><rsp:ShellId>{self._shell(call.shell).id}</rsp:ShellId></rsp:Shell>"

    def forget(self, id: str) -> None:
        """End a shell, with all that runs in it."""
        self.shells.pop(id).close()
        if self.ended is not None:
            self.ended(id)

    def restart(self) -> None:
        """As when the machine or its Windows Remote Management is restarted: all shells are gone."""
        for id in list(self.shells):
            self.forget(id)


@contextmanager
def loop_in_thread() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield loop
    finally:
        asyncio.run_coroutine_threadsafe(_call_off(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


async def _call_off() -> None:
    others = [one for one in asyncio.all_tasks() if one is not asyncio.current_task()]
    if others:
        await asyncio.wait(others, timeout=0.5)  # what was killed is still being read to its end
    for one in others:
        one.cancel()
    await asyncio.gather(*others, return_exceptions=True)


@contextmanager
def serving(*endpoints: Endpoint) -> Iterator[asyncio.AbstractEventLoop]:
    """The endpoints answer on ports of their own (`port`) until the end, in the loop that is given."""
    with loop_in_thread() as loop, _known_to_ntlm(endpoints):
        runners = [asyncio.run_coroutine_threadsafe(_begin(one), loop).result(10) for one in endpoints]
        try:
            yield loop
        finally:
            for endpoint, runner in zip(endpoints, runners, strict=True):
                asyncio.run_coroutine_threadsafe(_end(endpoint, runner), loop).result(10)


async def _begin(endpoint: Endpoint) -> web.AppRunner:
    runner = web.AppRunner(endpoint.app(), access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", endpoint.port, ssl_context=endpoint.tls())
    await site.start()
    endpoint.port = runner.addresses[0][1]
    return runner


async def _end(endpoint: Endpoint, runner: web.AppRunner) -> None:
    endpoint.restart()
    await runner.cleanup()


@contextmanager
def _known_to_ntlm(endpoints: tuple[Endpoint, ...]) -> Iterator[None]:
    """pyspnego's server looks accounts up in a file that a variable names."""
    import tempfile

    before = os.environ.get("NTLM_USER_FILE")
    with tempfile.TemporaryDirectory() as folder:
        accounts = Path(folder, "accounts")
        accounts.write_text("".join(f":{one.user}:{one.password}\n" for one in endpoints), encoding="utf-8")
        os.environ["NTLM_USER_FILE"] = str(accounts)
        try:
            yield
        finally:
            os.environ.pop("NTLM_USER_FILE")
            if before is not None:
                os.environ["NTLM_USER_FILE"] = before
