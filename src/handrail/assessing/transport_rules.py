"""What can be wrong with the way to a host: the rules, as data. What breaks them, `assessing/transport.py` finds.

Numbers in brackets are those of the table in docs/transports.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from handrail.model.finding import Citation, Level

_REMOTE = "https://learn.microsoft.com/troubleshoot/windows-server/windows-security/user-account-control-and-remote-restriction"
_HOP = Citation(
    "microsoft-second-hop",
    "the second hop",
    "https://learn.microsoft.com/powershell/scripting/security/remoting/ps-remoting-second-hop",
    "Making the second hop in PowerShell Remoting",
)
_QUOTAS = Citation(
    "microsoft-winrm-quotas",
    "MaxMemoryPerShellMB, MaxShellsPerUser",
    "https://learn.microsoft.com/windows/win32/winrm/quotas",
    "Quotas of Windows Remote Management",
)
_MODES = Citation(
    "microsoft-language-modes",
    "ConstrainedLanguage",
    "https://learn.microsoft.com/powershell/module/microsoft.powershell.core/about/about_language_modes",
    "about_Language_Modes",
)


@dataclass(frozen=True, slots=True)
class Rule:
    """`acceptable`: somebody may take the risk by name."""

    level: Level
    source: Citation
    acceptable: bool = True


def _ours(section: str) -> Citation:
    return Citation("ours", section)


RULES: Mapping[str, Rule] = {
    "transport/unreachable": Rule("blocker", _ours("a run begins only when every host of it answers"), False),
    "transport/no-connect": Rule("blocker", _ours("a host is reached as its estate says"), False),
    "transport/not-windows": Rule("note", _ours("Wine is no Windows: what it shows counts for a lab only")),
    # 1
    "transport/double-hop": Rule("blocker", _HOP),
    "transport/installer-account": Rule(
        "risk", _ours("installers run as SYSTEM, which other machines see as this one")
    ),
    # 6
    "transport/shell-memory-quota": Rule("risk", _QUOTAS),
    "transport/kb2842230": Rule(
        "risk", Citation("microsoft-kb2842230", "whole article", None, "Knowledge Base article 2842230")
    ),
    # 7
    "transport/shell-quota": Rule("blocker", _QUOTAS),
    # 8
    "transport/filtered-token": Rule(
        "blocker",
        Citation("microsoft-remote-uac", "LocalAccountTokenFilterPolicy", _REMOTE, "UAC and remote restrictions"),
    ),
    "transport/no-administrator": Rule("blocker", _ours("services, installers and tasks are an administrator's")),
    # 11
    "transport/restarts-itself": Rule("risk", _ours("who restarts his own machine goes down with it")),
    # 14
    "transport/task-scheduler": Rule("blocker", _ours("long commands are scheduled tasks"), False),
    "transport/no-batch-logon": Rule(
        "blocker",
        Citation(
            "microsoft-batch-logon",
            "Log on as a batch job",
            "https://learn.microsoft.com/previous-versions/windows/it-pro/windows-10/security/threat-protection/"
            "security-policy-settings/log-on-as-a-batch-job",
            "Security policy settings",
        ),
    ),
    # 15
    "transport/file-transfer": Rule("risk", _ours("large files go slowly through a remote shell")),
    # 16
    "transport/code-page": Rule("risk", _ours("old tools print names in the code page of their Windows")),
    # 17
    "transport/tls-floor": Rule("risk", _ours("protocols older than TLS 1.2 can be attacked")),
    "transport/certificate-tls13": Rule(
        "blocker", _ours("certificates over WinRM are asked for after the handshake, which TLS 1.3 has no way for")
    ),
    # 18
    "transport/old-windows": Rule("blocker", _ours("Windows Server 2003 and 2008 lack what we drive hosts with")),
    # of no number
    "transport/language-mode": Rule("blocker", _MODES),
    "transport/servercore": Rule("risk", _ours("Server Core has no desktop for setup wizards")),
    "transport/clock-skew": Rule("risk", _ours("logs are read from the time on at which a step began")),
    # Linux
    "transport/rights": Rule("blocker", _ours("a step needs the rights of whom its files belong to"), False),
    "transport/no-root": Rule("blocker", _ours("only root restarts a machine")),
    "transport/disk-space": Rule("blocker", _ours("jobs and backups need room")),
    "transport/noexec": Rule("blocker", _ours("a program cannot be started from a file system that is mounted noexec")),
    "transport/killed-at-logout": Rule(
        "blocker",
        Citation(
            "systemd-logind",
            "KillUserProcesses=",
            "https://www.freedesktop.org/software/systemd/man/latest/logind.conf.html",
            "logind.conf(5)",
        ),
    ),
    "transport/max-sessions": Rule(
        "risk", Citation("openssh", "MaxSessions", "https://man.openbsd.org/sshd_config", "sshd_config(5)")
    ),
}

TRANSPORT = "transport/"
ACCEPTABLE = frozenset(name for name, rule in RULES.items() if rule.acceptable)
