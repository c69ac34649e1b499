"""One shell on a Linux host that is kept open and runs one command after the other.

Every command in a channel of its own would start the account's login shell each time, with all that its start files
do. A kept shell starts it once, and replaces it by a plain `sh` with a clean environment, which then reads jobs from
its standard input, a line each. Nothing but that `sh` stands in a process list: values of the environment and input
arrive on the line as well.

What holds for a command here as for one started locally: a session of its own; it has ended when all that hold its
output have; its output may be any bytes. Each job brings a mark of its own, random, behind which its end is told.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Mapping

import asyncssh

from handrail.errors import BadInput, FileMissing, HostError, HostUnreachable
from handrail.hosts.local import PATH
from handrail.hosts.output import Framed
from handrail.hosts.protocol import Command, Exited

INLINE = 4096
"""Bytes of input that travel in the job's own line, if they are plain text."""
LONG_LINE = 2048
"""Bytes from which a job is read as a block: a shell reads lines byte by byte."""

START = (
    'exec env -i HOME="$HOME" USER="$USER" LOGNAME="$LOGNAME" '
    f"PATH={PATH} LANG=C.UTF-8 LC_ALL=C.UTF-8 sh -c 'IFS= read -r job && eval \"$job\"'"
)
"""Understood by every login shell that knows exec, env and single quotes."""

# Of a line that was cut off nothing is run: what is complete ends with #.
#
# `job MARK FOLDER EXPORTS SIZE INPUT ARGV...`: SIZE is - (no input), = (INPUT is it) or the bytes that follow the job.
# Its standard output and error go straight to ours (3 and 4). What it leaves running with its output open is waited
# for, as whoever starts a process with pipes waits for their end: only processes that came into being meanwhile can
# hold them, and those have the numbers since. Where that cannot be known, the shell says so and is not used again.
_LOOP = r"""
exec 3>&1 4>&2 2> /dev/null
cd /
last() { l=; read -r l l l l l 2> /dev/null < /proc/loadavg; }
holds() { [ -d "/proc/$1" ] || return 1
  [ "/proc/$1/fd/1" -ef "/proc/$$/fd/3" ] || [ "/proc/$1/fd/2" -ef "/proc/$$/fd/4" ] ||
  [ "/proc/$1/fd/1" -ef "/proc/$$/fd/4" ] || [ "/proc/$1/fd/2" -ef "/proc/$$/fd/3" ]; }
go() {
  case $1 in */*) ;; *) command -v -- "$1" > /dev/null || { echo "$1: not found" >&2; exit 127; } ;; esac
  exec setsid "$@" 3>&- 4>&- 9>&-
}
job() {
  t=$1 d=$2 e=$3 n=$4 i=$5 f= s=
  shift 5
  case $n in
  - | =) ;;
  *)
    f=$(mktemp -p /dev/shm 2> /dev/null || mktemp) && head -c "$n" > "$f" && [ "$(wc -c < "$f")" -eq "$n" ] || {
      rm -f "$f"
      printf '%sinput\n' "$t"
      printf '%s\n' "$t" >&4
      exit
    } ;;
  esac
  last; a=$l
  r=$(
    exec 9>&1 >&3 2>&4
    if [ "$d" ]; then cd -- "$d" 2> /dev/null || { rm -f "$f"; echo folder >&9; exit 126; }; fi
    eval "$e"
    case $n in
    -) go "$@" < /dev/null ;;
    =) printf %s "$i" | go "$@" ;;
    *) exec < "$f"; rm -f "$f"; go "$@" ;;
    esac
  )
  c=$?
  last
  if [ -z "$a" ] || [ -z "$l" ] || [ "$l" -lt "$a" ] || [ $((l - a)) -gt 5000 ]; then s=spent; else
    while [ "$a" -lt "$l" ]; do
      a=$((a + 1))
      while holds "$a"; do s=spent; sleep 0.05; last; done
    done
  fi
  printf '%s%s %s %s\n' "$t" "$c" "$r" "$s"
  printf '%s\n' "$t" >&4
  if [ "$s" ]; then exit; fi
}
command -v setsid > /dev/null && [ -r /proc/self/stat ] || { echo "@ not Linux"; exit; }
read -r s < "/proc/$$/stat"
set -- ${s##*) }
echo "@ $$ ${20}"
while IFS= read -r l; do
  case $l in L*) l=$(head -c "${l#L}") ;; esac
  case $l in *'#') eval "$l" ;; *) exit ;; esac
done
"""

# $1 the shell, $2 when it was started, $3 how long what runs in it may go on, $4 how long between asking and ending,
# both in fifths of a second. Ends what runs below it, and then it.
END = r"""
mine() {
  cat /proc/[0-9]*/stat 2> /dev/null | sed 's/^\([0-9]*\) (.*) /\1 /' | awk -v top="$1" -v began="$2" '
    { parent[$1] = $3; session[$1] = $5; state[$1] = $2; start[$1] = $21 }
    END {
      if (start[top] != began) exit
      mine[top] = 1
      do {
        more = 0
        for (p in parent)
          if (!(p in mine) && ((parent[p] in mine) || ((session[p] in mine) && session[p] != session[top]))) {
            mine[p] = 1
            more = 1
          }
      } while (more)
      for (p in mine) if (p != top && state[p] != "Z") print p
    }'
}
top=$1 began=$2 left=$3 kill_after=$4
over() { p=$(mine "$top" "$began"); [ -z "$p" ]; }
until over || [ "$left" -le 0 ]; do sleep 0.2; left=$((left - 1)); done
for signal in TERM KILL; do
  if [ -z "$p" ]; then break; fi
  kill -s "$signal" $p 2> /dev/null
  left=$kill_after
  until over || [ "$left" -le 0 ]; do sleep 0.2; left=$((left - 1)); done
done
if [ "$p" ]; then exit 1; fi
read -r s 2> /dev/null < "/proc/$top/stat" || exit 0
set -- ${s##*) }
if [ "${20}" = "$began" ]; then kill -s KILL "$top" 2> /dev/null; fi
exit 0
"""


class LineLost(Exception):
    """The channel ended before the command's end was told. The text says how."""


def quoted(text: str) -> str:
    """One word for the kept shell, on one line."""
    if "\0" in text:
        raise BadInput("A command holds a zero byte, which no argument can.")
    return "'" + text.replace("'", "'\\''").replace("\n", "'\"$N\"'") + "'"


def job_of(mark: str, command: Command) -> bytes:
    """The job's line, and the input behind it. BadInput for what cannot be said."""
    size, inline, rest = "-", "", b""
    if command.stdin:
        if len(command.stdin) <= INLINE and not re.search(rb"[^\t\n -~]", command.stdin):
            size, inline = "=", command.stdin.decode("ascii")
        else:
            size, rest = str(len(command.stdin)), command.stdin
    words = (mark, command.cwd or "", exports(command.env), size, inline, *command.argv)
    line = ("job " + " ".join(quoted(one) for one in words) + " #").encode("utf-8", "surrogateescape")
    head = b"L%d\n" % len(line) if len(line) >= LONG_LINE else b""
    return head + line + (b"" if head else b"\n") + rest


def exports(env: Mapping[str, str]) -> str:
    for name in env:
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
            raise BadInput(f"{name!r} cannot be the name of an environment variable.")
    return "; ".join(f"export {name}={quoted(value)}" for name, value in env.items())


class Shell(asyncssh.SSHClientSession[bytes]):
    """A kept shell on one channel. `number` and `began` say which process it is."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._channel: asyncssh.SSHClientChannel[bytes] | None = None
        self._hello: asyncio.Future[bytes] = self._loop.create_future()
        self._greeting = b""
        self._out: Framed | None = None
        self._err: Framed | None = None
        self._ended: asyncio.Future[None] | None = None
        self.closed: asyncio.Future[str] = self._loop.create_future()
        self.usable = False
        self.once = False
        """Not to be kept after the next command."""
        self.number = 0
        self.began = ""

    # -- what asyncssh calls ------------------------------------------------------------------------------------

    def connection_made(self, chan: asyncssh.SSHClientChannel[bytes]) -> None:
        self._channel = chan

    def data_received(self, data: bytes, datatype: int | None) -> None:
        if not self._hello.done():
            if datatype is None:
                self._greet(data)
            return
        stream = self._out if datatype is None else self._err
        if stream is None or self._ended is None or self._ended.done():
            self.usable = False  # output that belongs to no command: nobody must take it for his
            return
        stream.feed(data)
        assert self._out is not None and self._err is not None
        if self._out.said is not None and self._err.said is not None:
            self._ended.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        self.usable = False
        if not self.closed.done():
            self.closed.set_result(str(exc or "") or "its session was closed")
        if not self._hello.done():
            self._hello.set_result(b"")
        if self._ended is not None and not self._ended.done():
            self._ended.set_exception(LineLost(self.closed.result()))

    # -- what we do ---------------------------------------------------------------------------------------------

    def _greet(self, data: bytes) -> None:
        """Whatever start files print comes before the shell's own line."""
        self._greeting = (self._greeting + data)[-65536:]
        found = re.search(rb"^@ (.*)\n", self._greeting, re.MULTILINE)
        if found:
            self._hello.set_result(found[1])

    async def start(self, host: str) -> None:
        """Raises HostUnreachable when there is no such shell to be had on the host."""
        assert self._channel is not None
        script = f"N=$(printf '\\n_'); N=${{N%_}}; eval {quoted(_LOOP)}\n"
        self._channel.write(script.encode())
        hello = await asyncio.shield(self._hello)
        words = hello.decode("ascii", "replace").split()
        if len(words) == 2 and words[0].isdigit():
            self.number, self.began, self.usable = int(words[0]), words[1], True
            return
        if words:
            raise HostUnreachable(
                f"{host} is not a Linux with /proc and setsid, which Handrail needs there.",
                "Say which operating system it has (os), if it is a Windows.",
            )
        said = " ".join(self._greeting.decode("utf-8", "replace").split())[-200:]
        raise HostUnreachable(
            f"{host}: no shell could be started over SSH" + (f": {said}." if said else "."),
            "The account needs a login shell that runs commands, and no forced command.",
        )

    async def run(self, host: str, command: Command) -> Exited:
        """Run a command and wait for its end; the caller keeps the time. Raises LineLost when that was not told,
        FileMissing when its folder is not there and HostError when its input could not be brought there."""
        assert self._channel is not None and self.usable
        mark = secrets.token_hex(16)
        job = job_of(mark, command)
        self._out = Framed(mark.encode(), command.most)
        self._err = Framed(mark.encode(), command.most)
        self._ended = self._loop.create_future()
        self.usable = False
        try:
            self._channel.write(job)
        except OSError as error:  # closed since we looked; nothing was sent
            raise HostUnreachable(f"{host}: the line was lost before the command was sent.") from error
        await self._ended
        assert self._out.said is not None
        code, *more = self._out.said.decode("ascii", "replace").split()
        if code == "input":
            raise HostError(f"{host}: there is no room for the input of {command.argv[0]}.", "Is /tmp full there?")
        clean = not self._out.stray and not self._err.stray
        self.usable = clean and not more and not self.once and not self.closed.done()
        if "folder" in more:
            self.usable = more == ["folder"] and not self.closed.done()
            raise FileMissing(f"{host}: the folder {command.cwd} is not there.")
        out, cut = self._out.kept.take()
        err, _ = self._err.kept.take()
        self._out = self._err = None
        return Exited(int(code), out, err, cut)

    def close(self) -> None:
        self.usable = False
        if self._channel is not None:
            self._channel.close()


async def open_shell(connection: asyncssh.SSHClientConnection, host: str) -> Shell:
    """Raises asyncssh.ChannelOpenError when the host gives us no more channels, HostUnreachable when no shell."""
    _, session = await connection.create_session(Shell, START, encoding=None)
    assert isinstance(session, Shell)
    shell = session
    try:
        await shell.start(host)
    except BaseException:
        shell.close()
        raise
    return shell
