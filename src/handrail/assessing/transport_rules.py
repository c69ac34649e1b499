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
    """`says` is what is wrong, in general. `acceptable`: somebody may take the risk by name."""

    level: Level
    says: str
    source: Citation
    acceptable: bool = True


def _ours(section: str) -> Citation:
    return Citation("ours", section)


RULES: Mapping[str, Rule] = {
    "transport/unreachable": Rule(
        "blocker",
        "The host does not answer, or does not let us in.",
        _ours("a run begins only when every host of it answers"),
        False,
    ),
    "transport/no-connect": Rule(
        "blocker",
        "The estate does not say how the host is reached.",
        _ours("a host is reached as its estate says"),
        False,
    ),
    "transport/not-windows": Rule(
        "note",
        "What answers is Wine and not Windows.",
        _ours("Wine is no Windows: what it shows counts for a lab only"),
    ),
    # 1
    "transport/double-hop": Rule(
        "blocker",
        "A step has to get on from this host to another machine, and the way we log on does not let it.",
        _HOP,
    ),
    "transport/installer-account": Rule(
        "risk",
        "An installer reaches its database as the computer account of its host, which may lack the rights there.",
        _ours("installers run as SYSTEM, which other machines see as this one"),
    ),
    # 6
    "transport/shell-memory-quota": Rule(
        "risk", "A remote shell gets so little memory that tools may die of it.", _QUOTAS
    ),
    "transport/kb2842230": Rule(
        "risk",
        "This version of Windows Management Framework ignores the memory quota that is set for remote shells.",
        Citation("microsoft-kb2842230", "whole article", None, "Knowledge Base article 2842230"),
    ),
    # 7
    "transport/shell-quota": Rule(
        "blocker", "The account may have fewer than three remote shells on the host.", _QUOTAS
    ),
    # 8
    "transport/filtered-token": Rule(
        "blocker",
        "User Account Control gives our sessions a token without the rights of an administrator.",
        Citation("microsoft-remote-uac", "LocalAccountTokenFilterPolicy", _REMOTE, "UAC and remote restrictions"),
    ),
    "transport/no-administrator": Rule(
        "blocker",
        "The account that we come as is none of the host's administrators.",
        _ours("services, installers and tasks are an administrator's"),
    ),
    # 11
    "transport/restarts-itself": Rule(
        "risk",
        "A step restarts the machine that Handrail itself runs on.",
        _ours("who restarts his own machine goes down with it"),
    ),
    # 14
    "transport/task-scheduler": Rule(
        "blocker",
        "The host's Task Scheduler does not run, so nothing long can be started there.",
        _ours("long commands are scheduled tasks"),
        False,
    ),
    "transport/no-batch-logon": Rule(
        "blocker",
        "Long commands are to run as an account that may not log on as a batch job.",
        Citation(
            "microsoft-batch-logon",
            "Log on as a batch job",
            "https://learn.microsoft.com/previous-versions/windows/it-pro/windows-10/security/threat-protection/"
            "security-policy-settings/log-on-as-a-batch-job",
            "Security policy settings",
        ),
    ),
    # 15
    "transport/file-transfer": Rule(
        "risk",
        "The host's Windows Remote Management is slow with large files, or fails at them.",
        _ours("large files go slowly through a remote shell"),
    ),
    # 16
    "transport/code-page": Rule(
        "risk",
        "A step names something with letters that the host's console tools may garble.",
        _ours("old tools print names in the code page of their Windows"),
    ),
    # 17
    "transport/tls-floor": Rule(
        "risk",
        "The estate lets the host be spoken to over TLS 1.0 or 1.1.",
        _ours("protocols older than TLS 1.2 can be attacked"),
    ),
    "transport/certificate-tls13": Rule(
        "blocker",
        "The host is to be reached with a certificate over TLS 1.3, which its Windows Remote Management cannot do.",
        _ours("certificates over WinRM are asked for after the handshake, which TLS 1.3 has no way for"),
    ),
    # 18
    "transport/old-windows": Rule(
        "blocker",
        "The host runs a Windows that lacks what we drive hosts with.",
        _ours("Windows Server 2003 and 2008 lack what we drive hosts with"),
    ),
    # of no number
    "transport/language-mode": Rule(
        "blocker", "The host has no PowerShell, or lets our account run only a part of its language.", _MODES
    ),
    "transport/servercore": Rule(
        "risk",
        "The host has no desktop, and a person has something to do at it.",
        _ours("Server Core has no desktop for setup wizards"),
    ),
    "transport/clock-skew": Rule(
        "risk",
        "The host's clock differs from ours: from one minute on a risk, from five minutes on a blocker.",
        _ours("logs are read from the time on at which a step began"),
    ),
    # Linux
    "transport/rights": Rule(
        "blocker",
        "Our account may not write where a step has to, or is not whom a data directory belongs to.",
        _ours("a step needs the rights of whom its files belong to"),
        False,
    ),
    "transport/no-root": Rule(
        "blocker", "A step restarts the host, and our account may not do that.", _ours("only root restarts a machine")
    ),
    "transport/disk-space": Rule(
        "blocker",
        "There is little room where jobs or backups go: below 1 GiB a risk, below 100 MiB a blocker.",
        _ours("jobs and backups need room"),
    ),
    "transport/noexec": Rule(
        "blocker",
        "A program that a step starts lies on a file system that is mounted noexec.",
        _ours("a program cannot be started from a file system that is mounted noexec"),
    ),
    "transport/killed-at-logout": Rule(
        "blocker",
        "systemd would end what we leave running when our last session ends, and so our jobs.",
        Citation(
            "systemd-logind",
            "KillUserProcesses=",
            "https://www.freedesktop.org/software/systemd/man/latest/logind.conf.html",
            "logind.conf(5)",
        ),
    ),
    "transport/max-sessions": Rule(
        "risk",
        "sshd allows fewer sessions on one line than may be wanted at once.",
        Citation("openssh", "MaxSessions", "https://man.openbsd.org/sshd_config", "sshd_config(5)"),
    ),
}

TRANSPORT = "transport/"
ACCEPTABLE = frozenset(name for name, rule in RULES.items() if rule.acceptable)
