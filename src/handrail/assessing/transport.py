"""Whether the way to a host will carry a plan: facts about the way, the estate and the plan in; findings out.

The facts are read by `probing/transport.py` and named here:

  everywhere  skew: seconds that the host's clock is ahead of ours; skew_error: by how many that may be wrong
  Windows     wine, build, installation, integrity (low, medium, high, system), administrator (a member of the group),
              local_account, scheduler (a service's state), oem_code_page, powershell (a version; None where there is
              none), language_mode, shell_memory_mb, shells_per_user, has_kb2842230, batch_logon {account: may}
  Linux       uid, user, sudo (free, asks, none), systemd, kill_user_processes, linger, max_sessions,
              folders {path: {there, owner, writable, free, options}}, free in bytes

One that is not there could not be read, and `Asked.unread` says why. Unknown is not fine: where a rule that can block
rests on it, that is a blocker marked unknown, whose remedy is the command that settles it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from handrail.assessing.transport_rules import ACCEPTABLE, RULES
from handrail.assessing.transport_wants import Wants, is_windows
from handrail.model.estate import Acceptance, Connect, Host
from handrail.model.finding import Finding, Level

MIB = 1024 * 1024
LITTLE, MUCH_TOO_LITTLE = 1024 * MIB, 100 * MIB
"""Free bytes for jobs and backups: below the first a risk, below the second a blocker."""

SHELL_MEMORY = 1024
"""MB that a remote shell gets since Windows Server 2012 R2; less makes tools die that need it."""

SESSIONS, FOR_FILES = 8, 1
"""Commands at once over SSH where the estate says nothing of it, and sessions for files."""

SKEW_RISK, SKEW_BLOCKS = 60.0, 300.0
"""Seconds. Kerberos refuses more than five minutes."""

SMALL_FILE = 20
"""MB that are sent over a WinRM shell; the host pulls larger ones itself."""

_VISTA, _WINDOWS_2008_R2, _WINDOWS_2012 = 6000, 7601, 9200


@dataclass(frozen=True, slots=True)
class Asked:
    """What asking one host gave. `trouble`: why it could not be asked at all."""

    facts: Mapping[str, Any] = field(default_factory=dict)
    unread: Mapping[str, str] = field(default_factory=dict)
    trouble: str = ""


def findings_of(host: Host, wants: Wants, asked: Asked) -> tuple[Finding, ...]:
    """All that is to be said of the way to one host."""
    connect = host.connect or Connect()
    found = [*_stated(host, connect, wants)]
    if asked.trouble and host.connect is None:
        message = f"The estate does not say how {host.name} is reached."
        found.append(_say("transport/no-connect", host, message, "Give it a `connect`: via local, ssh or winrm."))
        return tuple(found)
    if asked.trouble:
        settle = reaching(host.name, connect)
        remedy = f"Find out with `{settle}`, then try again." if settle else "Mend that, then try again."
        found.append(_say("transport/unreachable", host, f"{host.name}: {asked.trouble}", remedy, unknown=True))
        return tuple(found)
    found += _clock(host, asked)
    if is_windows(host) or "build" in asked.facts:
        found += _windows(host, connect, wants, asked)
    else:
        found += _linux(host, connect, wants, asked)
    return tuple(dict.fromkeys(found))


def judged(findings: Iterable[Finding], acceptances: Iterable[Acceptance]) -> tuple[Finding, ...]:
    """The findings with those accepted that an acceptance names and that may be, the gravest first."""
    named = tuple(acceptances)
    levels = {"blocker": 0, "risk": 1, "note": 2}

    def as_accepted(one: Finding) -> Finding:
        accepted = any(by.rule == one.rule and by.subject in (None, one.subject) for by in named)
        if one.level != "blocker" or not accepted:
            return one
        if one.rule in ACCEPTABLE:
            return replace(one, accepted=True)
        return replace(one, remedy=f"{one.remedy} This rule cannot be accepted.")

    made = dict.fromkeys(as_accepted(one) for one in findings)
    return tuple(sorted(made, key=lambda one: (levels[one.level], one.rule, one.subject, one.message)))


def reaching(name: str, connect: Connect) -> str:
    """The command that shows whether a host answers; empty for this machine itself."""
    address = connect.address or name
    if connect.via == "ssh":
        port = f"-p {connect.port} " if connect.port else ""
        hops = f"-J {','.join(connect.jump)} " if connect.jump else ""
        user = f"{connect.user}@" if connect.user else ""
        return f"ssh {hops}{port}{user}{address} exit"
    if connect.via == "winrm":
        scheme, usual = ("http", 5985) if connect.tls is False else ("https", 5986)
        return f"curl -v {scheme}://{address}:{connect.port or usual}/wsman"
    return ""


# -- what the estate and the plan say by themselves -------------------------------------------------------------------


def _stated(host: Host, connect: Connect, wants: Wants) -> Iterator[Finding]:
    if connect.via == "local":
        if wants.reboots:
            message = f"{host.name} is the machine that Handrail runs on, and {_steps(wants.reboots)} restarts it."
            yield _say("transport/restarts-itself", host, message, "When it is up again: handrail resume RUN.")
        return
    if is_windows(host):
        yield from _hops(host, connect, wants)
    if connect.via != "winrm":
        return
    if connect.tls_floor in ("1.0", "1.1") and connect.tls is not False:
        message = f"{host.name} may be spoken to over TLS {connect.tls_floor}."
        remedy = "Leave out `tls_floor` once the host speaks TLS 1.2 (Windows Server 2008 R2 needs KB3080079 for it)."
        yield _say("transport/tls-floor", host, message, remedy)
    if connect.auth == "certificate" and connect.tls_floor == "1.3":
        message = f"{host.name} is to be reached with a certificate over TLS 1.3, which its WinRM cannot do."
        yield _say("transport/certificate-tls13", host, message, "Say tls_floor: 1.2 for it, or another `auth`.")
    if old := _old(host.os or ""):
        yield _say("transport/old-windows", host, f"{host.name} runs {host.os}: {old}.", _OLD_REMEDY)


_OLD_REMEDY = (
    "Do its steps by hand as the runbook says (handrail plan --format markdown), or install WinRM 2.0 and PowerShell "
    "there and accept this by name."
)


def _old(os: str) -> str:
    if os == "windows-server-2003":
        return (
            "its WinRM and PowerShell were add-ons, its TLS is refused by OpenSSL of today, and its schtasks knows less"
        )
    if os == "windows-server-2008":
        return "its WinRM 1.1 speaks no TLS 1.2 without updates, and its PowerShell was an add-on"
    return ""


def _hops(host: Host, connect: Connect, wants: Wants) -> Iterator[Finding]:
    if not _carries_credentials(connect):
        others = {**{step: f"reads {path}" for step, path in wants.shares.items()}}
        others |= {step: f"asks {server}" for step, server in wants.servers.items()}
        if others:
            step, what = next(iter(others.items()))
            more = f" (and {len(others) - 1} more)" if len(others) > 1 else ""
            way = f"auth {connect.auth or 'negotiate'}" if connect.via == "winrm" else "a key"
            message = (
                f"{step}{more} {what} from {host.name}, and a session that was opened with {way} has no credentials "
                "for another machine: it gets there as ANONYMOUS LOGON."
            )
            remedy = (
                "Put files on the host itself and let steps for a server run on that server; or reach the host with "
                "auth: credssp (over SSH: with a password); or accept this where the other side lets everybody in."
            )
            yield _say("transport/double-hop", host, message, remedy)
    for step, server in wants.installers.items():
        message = f"{step} runs as SYSTEM: to the database on {server} it comes as the computer account of {host.name}."
        remedy = f"See that this account may do on {server} what setup does there; or say jobs: user for {host.name}."
        yield _say("transport/installer-account", host, message, remedy)


def _carries_credentials(connect: Connect) -> bool:
    if connect.via == "ssh":
        return connect.password is not None and connect.key is None
    return connect.via == "local" or connect.auth == "credssp"


# -- what the host said -----------------------------------------------------------------------------------------------


def _clock(host: Host, asked: Asked) -> Iterator[Finding]:
    skew = asked.facts.get("skew")
    if skew is None:
        if "skew" in asked.unread:
            yield _unknown("transport/clock-skew", host, asked, "skew", "`date -u` there and here")
        return
    surely = abs(skew) - float(asked.facts.get("skew_error", 0.0))
    if surely < SKEW_RISK:
        return
    side = "ahead of" if skew > 0 else "behind"
    message = f"The clock of {host.name} is {abs(skew):.0f} seconds {side} ours."
    remedy = "Set one of them right (w32tm /resync, chronyc makestep): logs are searched from when a step began."
    level: Level = "blocker" if surely >= SKEW_BLOCKS else "risk"
    yield _say("transport/clock-skew", host, message, remedy, level=level)


def _windows(host: Host, connect: Connect, wants: Wants, asked: Asked) -> Iterator[Finding]:
    facts = asked.facts
    if facts.get("wine"):
        message = f"{host.name} is Wine, not Windows: tokens, quotas, tasks and restarts are not its own."
        yield _say("transport/not-windows", host, message, "Take nothing that it shows for Windows' own doing.")
        return
    build = facts.get("build")
    if build is not None and build < _VISTA and host.os is None:
        message = f"{host.name} runs build {build} of Windows: {_old('windows-server-2003')}."
        yield _say("transport/old-windows", host, message, _OLD_REMEDY)
    if build is None or build >= _VISTA:
        yield from _token(host, asked)
        yield from _powershell(host, asked)
    if facts.get("scheduler") != "RUNNING":
        if facts.get("scheduler") is None:
            yield _unknown("transport/task-scheduler", host, asked, "scheduler", "`sc query Schedule` there")
        else:
            message = f"The Task Scheduler of {host.name} is {facts['scheduler']}, and long commands are its tasks."
            yield _say("transport/task-scheduler", host, message, "Start it: sc start Schedule.")
    yield from _batch(host, wants, asked)
    if wants.people and str(facts.get("installation", "")).casefold() == "server core":
        message = f"{host.name} is a Server Core, and {_steps(wants.people)} is for somebody at its desktop."
        yield _say("transport/servercore", host, message, "Know before how it is done there without one.")
    if wants.letters and facts.get("oem_code_page") not in (437, 65001):
        step, value = next(iter(wants.letters.items()))
        page = facts.get("oem_code_page")
        message = (
            f"{step} names {value!r}, and console tools of {host.name} print in code page {page or '(not known)'}: "
            "what they say may be misread."
        )
        yield _say("transport/code-page", host, message, "Use names in ASCII where you can.")
    if connect.via == "winrm":
        yield from _quotas(host, asked)
        if build is not None and build <= _WINDOWS_2008_R2:
            message = (
                f"{host.name} runs build {build}: its WinRM fails at files of about 100 MB and is slow long before."
            )
            remedy = f"Lay media out on the host itself; what is larger than {SMALL_FILE} MB it pulls from us."
            yield _say("transport/file-transfer", host, message, remedy)


def _token(host: Host, asked: Asked) -> Iterator[Finding]:
    facts = asked.facts
    integrity, member = facts.get("integrity"), facts.get("administrator")
    if integrity is None or member is None:
        yield _unknown("transport/filtered-token", host, asked, "integrity", "`whoami /groups` there")
    elif not member:
        message = f"The account that {host.name} is reached with is none of its administrators."
        yield _say("transport/no-administrator", host, message, "Put it into Administrators there, or use another.")
    elif integrity not in ("high", "system"):
        message = (
            f"{host.name} gives our sessions a filtered token ({integrity} integrity): an administrator without rights."
        )
        remedy = "Use a domain account that is an administrator there."
        if facts.get("local_account"):
            remedy += r" For a local one: LocalAccountTokenFilterPolicy=1 (DWORD) below "
            remedy += r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Policies\System."
        yield _say("transport/filtered-token", host, message, remedy)


def _powershell(host: Host, asked: Asked) -> Iterator[Finding]:
    facts = asked.facts
    if "powershell" not in facts:
        yield _unknown(
            "transport/language-mode", host, asked, "powershell", "`powershell -NoProfile -Command $PSVersionTable`"
        )
    elif facts["powershell"] is None:
        message = f"{host.name} has no PowerShell, which a few of our questions need."
        yield _say("transport/language-mode", host, message, "Install Windows Management Framework 3.0 or newer.")
    elif (mode := facts.get("language_mode")) != "FullLanguage":
        message = (
            f"PowerShell of {host.name} runs in {mode or 'a language mode that it does not say'}: our scripts cannot."
        )
        remedy = "Let the policy (AppLocker, Application Control) except the account, and look with "
        remedy += "`powershell -Command $ExecutionContext.SessionState.LanguageMode`."
        yield _say("transport/language-mode", host, message, remedy)


def _batch(host: Host, wants: Wants, asked: Asked) -> Iterator[Finding]:
    may = asked.facts.get("batch_logon", {})
    for account in wants.accounts:
        if account not in may:
            settle = "`secedit /export /areas USER_RIGHTS /cfg rights.inf` there, SeBatchLogonRight"
            yield _unknown("transport/no-batch-logon", host, asked, "batch_logon", settle)
        elif not may[account]:
            message = f"Long commands are to run as {account}, which may not log on as a batch job on {host.name}."
            yield _say(
                "transport/no-batch-logon", host, message, "Give it that right: secpol.msc, User Rights Assignment."
            )


def _quotas(host: Host, asked: Asked) -> Iterator[Finding]:
    facts = asked.facts
    memory, shells = facts.get("shell_memory_mb"), facts.get("shells_per_user")
    settle = "`winrm get winrm/config/winrs` there"
    if memory is None:
        yield _unknown("transport/shell-memory-quota", host, asked, "shell_memory_mb", settle)
    elif 0 < memory < SHELL_MEMORY:
        message = f"A remote shell of {host.name} gets {memory} MB; a tool that needs more dies with OutOfMemory."
        remedy = f'winrm set winrm/config/winrs @{{MaxMemoryPerShellMB="{SHELL_MEMORY}"}}. Long commands, being tasks, '
        remedy += "do not count."
        yield _say("transport/shell-memory-quota", host, message, remedy)
    if shells is None:
        yield _unknown("transport/shell-quota", host, asked, "shells_per_user", settle)
    elif shells < 3:
        message = f"{host.name} allows an account {shells} remote shells at a time: one is ours, and a lost one stays."
        yield _say("transport/shell-quota", host, message, 'winrm set winrm/config/winrs @{MaxShellsPerUser="30"}.')
    version = str(facts.get("powershell") or "")
    if version.startswith("3.") and facts.get("build", 0) <= _WINDOWS_2012:
        if "has_kb2842230" not in facts:
            yield _unknown("transport/kb2842230", host, asked, "has_kb2842230", "`wmic qfe get HotFixID` there")
        elif not facts["has_kb2842230"]:
            message = (
                f"{host.name} has Windows Management Framework 3.0 without KB2842230: it ignores the memory quota set."
            )
            yield _say("transport/kb2842230", host, message, "Install KB2842230, or a newer framework (5.1).")


def _linux(host: Host, connect: Connect, wants: Wants, asked: Asked) -> Iterator[Finding]:
    facts = asked.facts
    uid = facts.get("uid")
    if wants.reboots and uid != 0 and facts.get("sudo") != "free":
        message = (
            f"{_steps(wants.reboots)} restarts {host.name}, and {facts.get('user', 'our account')} may not do that."
        )
        remedy = "Reach it as root, or allow without a password: systemctl reboot (visudo, NOPASSWD)."
        if uid is None:
            yield _unknown("transport/no-root", host, asked, "uid", "`id -u; sudo -n true` there")
        else:
            yield _say("transport/no-root", host, message, remedy)
    yield from _folders(host, wants, asked)
    if connect.via == "ssh":
        yield from _sessions(host, connect, asked)
    if not facts.get("systemd") or uid == 0 or connect.via != "ssh":
        return
    if facts.get("kill_user_processes") is None:
        settle = "`loginctl show-user; grep -r KillUserProcesses /etc/systemd` there"
        yield _unknown("transport/killed-at-logout", host, asked, "kill_user_processes", settle)
    elif facts["kill_user_processes"] and not facts.get("linger"):
        user = facts.get("user", "our account")
        message = f"systemd of {host.name} ends whatever {user} left running when its last session ends: also our jobs."
        yield _say("transport/killed-at-logout", host, message, f"loginctl enable-linger {user}, there, as root.")


def _sessions(host: Host, connect: Connect, asked: Asked) -> Iterator[Finding]:
    """Commands then wait for one another: slow, and no more."""
    most, ours = asked.facts.get("max_sessions"), (connect.sessions or SESSIONS) + FOR_FILES
    if most is not None and most < ours:
        message = f"sshd of {host.name} allows {most} sessions on a line, and {ours} may be wanted there at once."
        remedy = f"Say sessions: {max(most - FOR_FILES, 1)} in its `connect`, or raise MaxSessions in sshd_config."
        yield _say("transport/max-sessions", host, message, remedy)


def _folders(host: Host, wants: Wants, asked: Asked) -> Iterator[Finding]:
    seen, user = asked.facts.get("folders", {}), asked.facts.get("user")
    for path, use in wants.folders.items():
        one = seen.get(path)
        if one is None:
            yield _unknown("transport/disk-space", host, asked, "folders", f"`df -Pk {path}` there")
            continue
        if use in ("jobs", "backup"):
            yield from _room(host, path, use, one)
        if use in ("jobs", "backup") and not one.get("writable"):
            message = f"{user or 'Our account'} may not write to {path} on {host.name}, where {_USES[use]}."
            yield _say("transport/rights", host, message, f"Make the folder, and give it to {user or 'the account'}.")
        if use == "data" and one.get("there") and user is not None and one.get("owner") not in (user, None):
            message = f"{path} on {host.name} belongs to {one['owner']}, and we come as {user}."
            yield _say("transport/rights", host, message, f"Reach the host as {one['owner']}: connect.user.")
        if use == "program" and "noexec" in one.get("options", ()):
            message = f"{path} on {host.name} lies on a file system that is mounted noexec: its programs cannot start."
            yield _say("transport/noexec", host, message, "Remount it without, or name a folder elsewhere.")


_USES = {"jobs": "the output of jobs lies", "backup": "backups go"}


def _room(host: Host, path: str, use: str, one: Mapping[str, Any]) -> Iterator[Finding]:
    free = one.get("free")
    if free is None or free >= LITTLE:
        return
    message = f"{path} on {host.name}, where {_USES[use]}, has {free // MIB:,} MiB left."
    level: Level = "blocker" if free < MUCH_TOO_LITTLE else "risk"
    yield _say("transport/disk-space", host, message, "Make room there, or use another place.", level=level)


# -- words ------------------------------------------------------------------------------------------------------------


def _say(
    rule: str, host: Host, message: str, remedy: str, *, level: Level | None = None, unknown: bool = False
) -> Finding:
    known = RULES[rule]
    return Finding(rule, level or known.level, f"host:{host.name}", message, remedy, known.source, unknown)


def _unknown(rule: str, host: Host, asked: Asked, fact: str, settle: str) -> Finding:
    because = asked.unread.get(fact, "it was not said")
    message = f"Not known of {host.name}: {fact} ({because}). So {rule} cannot be ruled out."
    return _say(rule, host, message, f"Find out with {settle}.", level="blocker", unknown=True)


def _steps(ids: tuple[str, ...]) -> str:
    return ids[0] + (f" (and {len(ids) - 1} more)" if len(ids) > 1 else "")
