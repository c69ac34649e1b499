"""Asking a host about the way to it: what `assessing/transport.py` judges. Nothing on the host is changed.

Each question stands alone: what is not answered is left out and named in `unread`, and the others are asked still.
"""

from __future__ import annotations

import asyncio
import csv
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from handrail.assessing.transport import Asked
from handrail.assessing.transport_wants import Wants
from handrail.errors import HandrailError, HostUnreachable
from handrail.hosts import powershell
from handrail.hosts.protocol import Command, Exited, Host, Lost
from handrail.probing.reg_text import values_in
from handrail.probing.services import state_of
from handrail.probing.shell import Undetermined, decoded, execute, run, said
from handrail.probing.systems import CURRENT_VERSION

PATIENCE = 30.0
"""Seconds that one question may take."""

CODE_PAGES = r"HKLM\SYSTEM\CurrentControlSet\Control\Nls\CodePage"
_ADMINISTRATORS, _LOCAL = "S-1-5-32-544", ("S-1-5-113", "S-1-5-114")
_LEVELS = ((16384, "system"), (12288, "high"), (8192, "medium"), (0, "low"))

Now = Callable[[], float]


@dataclass
class _Answers:
    facts: dict[str, Any] = field(default_factory=dict)
    unread: dict[str, str] = field(default_factory=dict)


class _Silent(Exception):
    """The host does not answer any more: nothing else need be asked."""


async def ask(host: Host, wants: Wants, *, via: str, now: Now = time.time) -> Asked:
    """The facts of one host. Never raises for what the host does."""
    answers = _Answers()
    try:
        await _first(host)
        if host.windows:
            await _windows(host, wants, via, now, answers)
        else:
            await _linux(host, wants, now, answers)
    except (_Silent, HandrailError) as error:
        return Asked(answers.facts, answers.unread, str(error))
    except TimeoutError:
        return Asked(answers.facts, answers.unread, "it does not answer in time.")
    return Asked(answers.facts, answers.unread)


async def _first(host: Host) -> None:
    """Whether it answers at all. Raises HandrailError, TimeoutError or _Silent."""
    argv = ("cmd", "/c", "ver") if host.windows else ("uname", "-s")
    async with asyncio.timeout(2 * PATIENCE):
        outcome = await host.execute(Command(argv, timeout=PATIENCE))
    if isinstance(outcome, Lost):
        raise _Silent(f"the line was lost ({outcome.because}).")
    if not isinstance(outcome, Exited):
        raise _Silent("it does not answer in time.")


async def _fact(answers: _Answers, names: tuple[str, ...], work: Awaitable[Mapping[str, Any]]) -> None:
    try:
        answers.facts.update(await work)
    except HostUnreachable as gone:
        raise _Silent(str(gone)) from gone
    except (Undetermined, HandrailError, ValueError) as error:
        answers.unread.update(dict.fromkeys(names, str(error).rstrip(".")))


# -- Windows ----------------------------------------------------------------------------------------------------------


async def _windows(host: Host, wants: Wants, via: str, now: Now, answers: _Answers) -> None:
    await _fact(answers, ("wine",), _wine(host))
    await _fact(answers, ("build", "installation"), _version(host))
    if answers.facts.get("wine"):
        return
    await _fact(answers, ("integrity", "administrator"), _token(host))
    await _fact(answers, ("scheduler",), _scheduler(host))
    await _fact(answers, ("oem_code_page",), _code_page(host))
    await _fact(answers, ("powershell", "language_mode", "skew"), _powershell(host, now))
    if wants.accounts:
        await _fact(answers, ("batch_logon",), _batch_logon(host, wants.accounts))
    if via != "winrm":
        return
    await _fact(answers, ("shell_memory_mb", "shells_per_user"), _shells(host))
    if str(answers.facts.get("powershell") or "").startswith("3."):
        await _fact(answers, ("has_kb2842230",), _hotfix(host, "KB2842230", "has_kb2842230"))


async def _wine(host: Host) -> Mapping[str, Any]:
    answer = await run(host, "reg", "query", r"HKLM\SOFTWARE\Wine", timeout=PATIENCE)
    return {"wine": answer.code == 0}


async def _version(host: Host) -> Mapping[str, Any]:
    answer = await run(host, "reg", "query", CURRENT_VERSION, timeout=PATIENCE)
    values = {one.name: one.data for one in values_in(decoded(answer.out))}
    build = values.get("CurrentBuildNumber", "").strip()
    if answer.code != 0 or not build.isdecimal():
        raise Undetermined(f"reg query ended with {answer.code}: {said(answer) or 'no text'}")
    # Windows Server 2003 has no such value.
    return {"build": int(build), "installation": values.get("InstallationType", "Server")}


async def _token(host: Host) -> Mapping[str, Any]:
    """Names of groups are translated, their SIDs are not. Windows Server 2003 has no levels."""
    answer = await run(host, "whoami", "/groups", "/fo", "csv", "/nh", timeout=PATIENCE)
    rows = [row for row in csv.reader(decoded(answer.out).splitlines()) if len(row) >= 3]
    sids = {one for row in rows for one in row if re.fullmatch(r"S-1-[0-9-]+", one)}
    if answer.code != 0 or not sids:
        raise Undetermined(f"whoami /groups ended with {answer.code}: {said(answer) or 'no text'}")
    labels = [int(one.rpartition("-")[2]) for one in sids if one.startswith("S-1-16-")]
    if not labels:
        raise Undetermined("whoami /groups names no integrity level")
    level = next(name for least, name in _LEVELS if max(labels) >= least)
    member = _ADMINISTRATORS in sids or level == "system"
    return {"integrity": level, "administrator": member, "local_account": bool(sids & set(_LOCAL))}


async def _scheduler(host: Host) -> Mapping[str, Any]:
    return {"scheduler": await state_of(host, "Schedule")}


async def _code_page(host: Host) -> Mapping[str, Any]:
    answer = await run(host, "reg", "query", CODE_PAGES, "/v", "OEMCP", timeout=PATIENCE)
    found = [one.data for one in values_in(decoded(answer.out)) if one.name.upper() == "OEMCP"]
    if answer.code != 0 or not found or not found[0].strip().isdecimal():
        raise Undetermined(f"reg query ended with {answer.code}")
    return {"oem_code_page": int(found[0])}


async def _powershell(host: Host, now: Now) -> Mapping[str, Any]:
    before = now()
    answer = await execute(host, powershell.command("transport-facts", timeout=4 * PATIENCE))
    after = now()
    if answer.code in (1, 127, 9009) and "=" not in answer.text:
        return {"powershell": None}
    said_ = dict(line.strip().split("=", 1) for line in decoded(answer.out).splitlines() if "=" in line)
    if answer.code != 0 or "language" not in said_:
        raise Undetermined(f"PowerShell ended with {answer.code}: {said(answer) or 'no text'}")
    facts: dict[str, Any] = {"powershell": said_.get("version") or "1.0", "language_mode": said_["language"]}
    with_utc = said_.get("utc", "")
    if re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", with_utc):
        facts |= _skewed(datetime.fromisoformat(with_utc).replace(tzinfo=UTC).timestamp(), before, after)
    return facts


async def _batch_logon(host: Host, accounts: tuple[str, ...]) -> Mapping[str, Any]:
    """An account that no right names may have it through a group, which nobody can see from here: left out."""
    answer = await execute(host, powershell.command("batch-logon", *accounts, timeout=4 * PATIENCE))
    lines = [line.strip().split("=", 1) for line in decoded(answer.out).splitlines() if "=" in line]
    if answer.code != 0:
        raise Undetermined(f"the rights of accounts cannot be read: {said(answer) or 'no text'}")
    rights = {name.strip(): {one.strip().lstrip("*").casefold() for one in value.split(",")} for name, value in lines}
    found = {}
    for account in accounts:
        names = {account.casefold(), *rights.get(f"sid of {account}", ())}
        if names & rights.get("SeDenyBatchLogonRight", set()):
            found[account] = False
        elif names & rights.get("SeBatchLogonRight", set()):
            found[account] = True
    return {"batch_logon": found}


async def _shells(host: Host) -> Mapping[str, Any]:
    """`winrm` is a script of cmd. The names that it prints are never translated."""
    answer = await run(host, "cmd", "/c", "winrm", "get", "winrm/config/winrs", timeout=PATIENCE)
    found = {name: int(value) for name, value in re.findall(r"(?m)^\s*(\w+)\s*=\s*(\d{1,10})\b", decoded(answer.out))}
    if answer.code != 0 or "MaxMemoryPerShellMB" not in found:
        raise Undetermined(f"winrm ended with {answer.code}: {said(answer) or 'no text'}")
    return {"shell_memory_mb": found["MaxMemoryPerShellMB"], "shells_per_user": found.get("MaxShellsPerUser", 0)}


async def _hotfix(host: Host, number: str, fact: str) -> Mapping[str, Any]:
    answer = await run(host, "wmic", "qfe", "get", "HotFixID", "/value", timeout=4 * PATIENCE)
    text = decoded(answer.out).replace("\0", "")
    if answer.code != 0 or "HotFixID=" not in text:
        raise Undetermined(f"wmic qfe ended with {answer.code}: {said(answer) or 'no text'}")
    return {fact: f"HotFixID={number}" in text.split()}


# -- Linux ------------------------------------------------------------------------------------------------------------

# $1: whether root is needed; the rest are folders. One word, `=` and a value on each line; of folders more, apart by
# bars, the path last. sshd takes the first value that it reads, logind the last.
_LINUX = r"""
root=$1
shift
echo "uid=$(id -u)"
echo "user=$(id -un)"
echo "time=$(date +%s)"
if [ -d /run/systemd/system ]; then
  echo systemd=yes
  kill=$(busctl get-property org.freedesktop.login1 /org/freedesktop/login1 \
    org.freedesktop.login1.Manager KillUserProcesses 2> /dev/null)
  case $kill in
    "b true") echo kill=yes ;;
    "b false") echo kill=no ;;
    *) cd /etc/systemd || cd /
       echo "kill=$(cat /usr/lib/systemd/logind.conf.d/*.conf logind.conf logind.conf.d/*.conf 2> /dev/null |
         sed -n 's/^[[:space:]]*KillUserProcesses[[:space:]]*=[[:space:]]*//p' | tail -n 1)" ;;
  esac
  if [ -e "/var/lib/systemd/linger/$(id -un)" ]; then echo linger=yes; else echo linger=no; fi
else
  echo systemd=no
fi
if [ "$root" = yes ]; then
  if ! command -v sudo > /dev/null 2>&1; then echo sudo=none
  elif sudo -n true > /dev/null 2>&1; then echo sudo=free
  else echo sudo=asks; fi
fi
if [ -r /etc/ssh/sshd_config ]; then
  most=$(cat /etc/ssh/sshd_config.d/*.conf /etc/ssh/sshd_config 2> /dev/null |
    sed -n 's/^[[:space:]]*[Mm]ax[Ss]essions[[:space:]]\{1,\}\([0-9]\{1,\}\).*/\1/p' | head -n 1)
  echo "sessions=${most:-10}"
fi
for path in "$@"; do
  near=$path
  while [ ! -e "$near" ] && [ "$near" != / ]; do near=$(dirname "$near"); done
  there=no writable=no
  [ -e "$path" ] && there=yes
  [ -w "$near" ] && writable=yes
  free=$(df -Pk "$near" 2> /dev/null | awk 'NR == 2 { print $4 }')
  # Of several mounts on one another, the last one listed is on top.
  options=$(findmnt -no OPTIONS -T "$near" 2> /dev/null | tail -n 1)
  echo "folder=$there|$(stat -c %U "$near" 2> /dev/null)|$writable|$free|$options|$path"
done
"""


async def _linux(host: Host, wants: Wants, now: Now, answers: _Answers) -> None:
    root = "yes" if wants.reboots else "no"
    before = now()
    await _fact(
        answers,
        ("uid", "user", "skew", "systemd", "kill_user_processes", "max_sessions", "folders"),
        _ask_linux(host, ("sh", "-c", _LINUX, "transport", root, *wants.folders), before, now),
    )


async def _ask_linux(host: Host, argv: tuple[str, ...], before: float, now: Now) -> Mapping[str, Any]:
    answer = await run(host, *argv, timeout=PATIENCE)
    after = now()
    lines = [line.partition("=") for line in answer.text.splitlines() if "=" in line]
    words = {name: value.strip() for name, _, value in lines if name != "folder"}
    if answer.code != 0 or not words.get("uid", "").isdecimal():
        raise Undetermined(f"sh ended with {answer.code}: {said(answer) or 'no text'}")
    facts: dict[str, Any] = {
        "uid": int(words["uid"]),
        "user": words.get("user", ""),
        "systemd": words.get("systemd") == "yes",
        "linger": words.get("linger") == "yes",
        "folders": dict(_folder(value) for name, _, value in lines if name == "folder" and value.count("|") >= 5),
    }
    if words.get("time", "").isdecimal():
        facts |= _skewed(float(words["time"]), before, after)
    if "sudo" in words:
        facts["sudo"] = words["sudo"]
    if facts["systemd"]:
        # Said nowhere, systemd leaves processes alone (Debian, RHEL and SUSE build it so).
        facts["kill_user_processes"] = words.get("kill", "").casefold() in ("yes", "true", "1", "on")
    if words.get("sessions", "").isdecimal():
        facts["max_sessions"] = int(words["sessions"])
    return facts


def _folder(line: str) -> tuple[str, dict[str, Any]]:
    there, owner, writable, free, options, path = line.split("|", 5)
    return path, {
        "there": there == "yes",
        "owner": owner or None,
        "writable": writable == "yes",
        "free": int(free) * 1024 if free.isdecimal() else None,
        "options": tuple(options.split(",")),
    }


def _skewed(theirs: float, before: float, after: float) -> dict[str, float]:
    """The host said its time, in whole seconds, at some moment between `before` and `after`."""
    return {"skew": theirs + 0.5 - (before + after) / 2, "skew_error": (after - before) / 2 + 0.5}
