"""Detached commands: they outlive our connection and our death, and what they leave is the receipt of an attempt.

A job is a folder on the host, named after run, step and attempt. It comes into being whole, by one rename, made by the
process that then runs the command: so a second starter finds the first, and there is never a job without its process.

    JOB/name   the job's whole name
    JOB/pid    the process, when it was started and under which boot: a number alone would be reused
    JOB/out    what the command printed, standard error included
    JOB/exit   its exit code, renamed into place after its end

No `exit` and no process: it was killed, or the machine was; what it did is unknown.

A job has a session of its own, so neither a hang-up nor the end of sshd takes it along. Where systemd runs it would
still belong to our login and end with it (KillUserProcesses), or with whatever service we came through: there
`systemd-run` gives it a scope of its own. Nothing secret is on a command line: input arrives on standard input, and
variables by whatever way the host takes them.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Collection, Sequence
from dataclasses import replace

from handrail.errors import HostUnreachable
from handrail.hosts import windows_jobs, windows_tail
from handrail.hosts.jobs import JobState
from handrail.hosts.protocol import Command, Exited, Host, Outcome

__all__ = ["JobState", "folder", "poll", "run", "start_or_attach"]

SYSTEMD = "/run/systemd/system"
"""Is there where systemd runs the machine (sd_booted)."""

OUTPUT_LIMIT = 4 * 1024 * 1024
"""Bytes of a job's output that we fetch, from its end."""

# /var/tmp outlives a reboot and every account may write there; the folder must be ours alone, or somebody else could
# have prepared "our" jobs.
_SPOOL = """
set -u
umask 077
spool=/var/tmp/handrail-jobs-$(id -u)
mkdir "$spool" 2> /dev/null
if [ -L "$spool" ] || [ ! -O "$spool" ]; then echo "$spool belongs to another account" >&2; exit 73; fi
job=$spool/$1
"""

# $1 the job, $2 where it is prepared, the rest the command. Its standard input is fd 0, already without a name.
_WRAPPER = """
spool=$1 job=$2 new=$3
shift 3
started=$(sed 's/^.*) //' "/proc/$$/stat" | cut -d' ' -f20)
echo "$$ $started $(cat /proc/sys/kernel/random/boot_id)" > "$new/pid"
mv -T "$new" "$job" 2> /dev/null || { rm -rf "$new"; exit 0; }
"$@" > "$job/out" 2>&1
echo $? > "$job/exit.new"
mv -T "$job/exit.new" "$job/exit"
"""

# $1 the job's folder, $2 its name, $3 the bytes of its input, $4 the wrapper, $5 where systemd shows that it runs, the
# rest the command. Of input that did not arrive whole nothing is used. A scope that cannot be had is done without,
# unless the wrapper began in it: then it has moved or removed what was prepared.
_START = (
    _SPOOL
    + """
if [ -d "$job" ]; then exit 0; fi
name=$2 size=$3 wrapper=$4 systemd=$5
shift 5
new=$(mktemp -d "$spool/.new.XXXXXX") || exit 73
: > "$new/out"
printf '%s\\n' "$name" > "$new/name"
cat > "$new/in"
if [ "$(wc -c < "$new/in")" -ne "$size" ]; then rm -rf "$new"; echo "its input did not arrive whole" >&2; exit 74; fi
exec 3< "$new/in"
rm "$new/in"
scope=
if [ -d "$systemd" ] && command -v systemd-run > /dev/null; then
  if [ "$(id -u)" -eq 0 ]; then scope=system
  elif [ -e "/var/lib/systemd/linger/$(id -un)" ]; then scope=user; fi
fi
begin='
  scope=$1 wrapper=$2 new=$5
  shift 2
  if [ "$scope" ]; then
    systemd-run "--$scope" --scope --quiet --collect setsid sh -c "$wrapper" handrail-job "$@"
    if [ ! -d "$new" ]; then exit; fi
  fi
  exec sh -c "$wrapper" handrail-job "$@"
'
setsid -f sh -c "$begin" handrail-job "$scope" "$wrapper" "$spool" "$job" "$new" "$@" \\
  <&3 3<&- > /dev/null 2>&1 || exit 71
until [ -d "$job" ]; do sleep 0.01; done
"""
)

# $1 days. Standard input: the runs whose jobs stay. Prints the folders that went. An ended job is one with an exit
# code, or without a process under this boot.
_PRUNE = (
    _SPOOL.replace('mkdir "$spool" 2> /dev/null', 'if [ ! -d "$spool" ]; then exit 0; fi').replace("$1", ".")
    + """
minutes=$(($1 * 1440))
keep=$(cat)
cd "$spool" || exit 73
find . -mindepth 1 -maxdepth 1 -type d ! -name '.*' -mmin "+$minutes" | while IFS= read -r one; do
  run=$(cut -d/ -f1 "$one/name" 2> /dev/null)
  case "
$keep
" in *"
$run
"*) if [ "$run" ]; then continue; fi ;; esac
  if [ ! -s "$one/exit" ]; then
    read -r pid started boot < "$one/pid" || continue
    if [ "$boot" = "$(cat /proc/sys/kernel/random/boot_id)" ] &&
      cat /proc/[0-9]*/stat 2> /dev/null | sed 's/^.*) //' |
      awk -v session="$pid" '$4 == session && $1 != "Z" { found = 1 } END { exit !found }'; then continue; fi
  elif [ -z "$(find "$one/exit" -mmin "+$minutes")" ]; then continue; fi
  rm -rf "$one" && printf '%s\\n' "${one#./}"
done
find . -mindepth 1 -maxdepth 1 -type d -name '.new.*' -mmin +1440 -exec rm -rf {} +
"""
)

# Prints one word, and the code if there is one; then a line end and the output's end.
_POLL = (
    _SPOOL
    + """
if [ ! -d "$job" ]; then echo absent; exit 0; fi
alive() {
  read -r pid started boot < "$job/pid" || return 1
  [ "$boot" = "$(cat /proc/sys/kernel/random/boot_id)" ] || return 1
  now=$(sed 's/^.*) //' "/proc/$pid/stat" 2> /dev/null | cut -d' ' -f1,20)
  [ "${now#? }" = "$started" ] && [ "${now%% *}" != Z ] && return 0
  # The wrapper may be gone while the command goes on in its session.
  cat /proc/[0-9]*/stat 2> /dev/null | sed 's/^.*) //' |
    awk -v session="$pid" '$4 == session && $1 != "Z" { found = 1 } END { exit !found }'
}
if [ -s "$job/exit" ]; then echo "exited $(cat "$job/exit")"
elif alive; then echo running
elif [ -s "$job/exit" ]; then echo "exited $(cat "$job/exit")"
else echo dead_unknown; fi
tail -c "$2" "$job/out" 2> /dev/null
"""
)


def folder(job: str) -> str:
    """The job's folder name: readable, safe as a file name, and different for different jobs."""
    readable = re.sub(r"[^A-Za-z0-9._@+-]+", "-", job)[-120:].lstrip(".")
    return f"{readable}.{hashlib.sha256(job.encode()).hexdigest()[:12]}"


async def start_or_attach(host: Host, job: str, command: Command) -> None:
    """Start `command` as `job`, unless that job is there already, running or ended. Raises HostUnreachable when the
    host did not answer: the job may or may not have started, and asking again is safe."""
    if host.windows:
        await windows_jobs.start_or_attach(host, job, command)
        return
    size = str(len(command.stdin))
    argv = ("sh", "-c", _START, "start", folder(job), job, size, _WRAPPER, SYSTEMD, *command.argv)
    _answer(host, job, await host.execute(replace(command, argv=argv, timeout=60.0)))


async def poll(host: Host, job: str) -> JobState:
    """How the job stands. Raises HostUnreachable when the host did not answer."""
    if host.windows:
        return await windows_jobs.poll(host, job)
    command = Command(("sh", "-c", _POLL, "poll", folder(job), str(OUTPUT_LIMIT)), timeout=60.0)
    head, _, out = _answer(host, job, await host.execute(command)).partition(b"\n")
    words = head.decode("ascii", "replace").split()
    match words:
        case ["absent"]:
            return JobState("absent")
        case ["running"]:
            return JobState("running", out=out)
        case ["exited", code] if code.isdigit():
            return JobState("exited", int(code), out)
        case _:
            return JobState("dead_unknown", out=out)


async def run(host: Host, job: str, command: Command, patience: float | None = None) -> JobState:
    """Start or find the job and wait for its end, `patience` seconds at most (`command.timeout` when None).

    Still `running` after that: it goes on, and the same call finds it again. A silent host is asked for as long."""
    clock = asyncio.get_running_loop().time
    end = clock() + (command.timeout if patience is None else patience)
    pause = 0.02
    started = False
    tail = windows_tail.Tail(host, job) if host.windows else None
    while True:
        try:
            if not started:
                await start_or_attach(host, job, command)
                started = True
            state = await poll(host, job)
            if state.state != "running" or clock() >= end:
                return state
            if tail is not None:
                await tail.look()
        except HostUnreachable:
            if clock() >= end:
                raise
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, 2.0)


def is_at_work(words: Sequence[str], out: bytes) -> bool:
    """Whether `out` is what a job has printed that is still at work. `words`: the command line that was asked, on
    Windows the name of a reviewed script and its arguments."""
    if windows_tail.is_look(words):
        return True
    return tuple(words[:2]) == ("sh", "-c") and tuple(words[3:4]) == ("poll",) and out.startswith(b"running\n")


async def prune(host: Host, keep: Collection[str], days: int) -> list[str]:
    """Remove what ended jobs left behind `days` ago and earlier, but of no run in `keep`; the folders that went. Raises
    HostUnreachable when the host did not answer."""
    command = Command(("sh", "-c", _PRUNE, "prune", str(days)), stdin="\n".join(keep).encode(), timeout=120.0)
    return _answer(host, "old jobs", await host.execute(command)).decode("utf-8", "replace").splitlines()


def _answer(host: Host, job: str, outcome: Outcome) -> bytes:
    if not isinstance(outcome, Exited):
        raise HostUnreachable(f"{host.name} did not answer when asked after {job}.", "Ask again: handrail resume.")
    if outcome.code != 0:
        because = outcome.error_text.strip() or f"exit code {outcome.code}"
        raise HostUnreachable(f"{host.name}: the job {job} could not be started or found: {because}.")
    return outcome.out
