"""A machine out of Wine with the lab's Synchronization Service on it, as somebody left it who installed it years ago
from a mapped drive that is no longer there; and what the way to SP3 does to it, counted by the machine itself."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tests.lab.wine.packages import NEW, OLD, SYNC
from tests.support import wine
from tests.support.wine import WineMachine

ESTATE = Path(__file__).parents[1] / "real" / "sp3-lab.yaml"
PASSWORD = "Lab-7tulips-and-a-hat"
SOURCE = "E:"
MEDIA = r"C:\Media"
UNINSTALL = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall"
FOLDER = "C:\\Program Files\\" + "\\".join(SYNC.path)

PLATFORM = (
    r'reg add "HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion" /v CurrentBuildNumber /d 17763 /f',
    r'reg add "HKLM\SOFTWARE\Microsoft\NET Framework Setup\NDP\v4\Full" /v Version /d 4.8.03761 /f',
    r'reg add "HKLM\SOFTWARE\Microsoft\NET Framework Setup\NDP\v4\Full" /v Release /t REG_DWORD /d 528049 /f',
    rf'reg add "{UNINSTALL}\oledb" /v DisplayName /d "Microsoft OLE DB Driver 18 for SQL Server" /f',
    rf'reg add "{UNINSTALL}\oledb" /v DisplayVersion /d 18.6.7.0 /f',
    rf'reg add "{UNINSTALL}\vc" /v DisplayName /d "Microsoft Visual C++ 2015-2022 Redistributable (x64) - 14.38" /f',
    rf'reg add "{UNINSTALL}\vc" /v DisplayVersion /d 14.38.33130.0 /f',
)
"""What the machine says of itself, for the checks of the platform to read. It is Wine all the same."""


def prepare(machine: WineMachine) -> None:
    """Everything that stood there before anybody thought of SP3."""
    folder = wine.package(SYNC.id, OLD)
    machine.bring(folder, rf"C:\lab-source\{SYNC.folder}")
    bring_medium(machine)
    machine.add_image(rf"{MEDIA}\MIM2016SP3.iso", "MIM_SP3_ENU", {SYNC.folder: wine.package(SYNC.id, NEW)})
    machine.bring(wine.patch(SYNC.id), rf"{MEDIA}\{SYNC.patch}")
    machine.add_database("FIMSynchronizationService")
    machine.write(r"C:\lab\agents.txt", "HR\nAD\n")
    lines = (
        *PLATFORM,
        rf"subst {SOURCE} C:\lab-source",
        rf'msiexec /i "{SOURCE}\{SYNC.folder}\{SYNC.package}" /qn',
        f"subst {SOURCE} /D",
        r"rmdir /s /q C:\lab-source",
        rf"reg add HKLM\SYSTEM\CurrentControlSet\Services\{SYNC.service} /v ObjectName /d LAB\svc-mimsync /f",
        f"sc start {SYNC.service}",
    )
    machine.must(" && ".join(lines))
    # Windows Installer looks for the source that its own copy came from only when that copy is gone.
    for cached in machine.path(r"C:\windows\Installer").glob("*.ms?"):
        cached.unlink()


def bring_medium(machine: WineMachine) -> None:
    """SP2's, as the estate has it."""
    folder = wine.package(SYNC.id, OLD)
    machine.add_image(rf"{MEDIA}\MIM2016SP2.iso", "MIM_SP2_ENU", {SYNC.folder: folder})


def estate(machine: WineMachine, target: Path) -> Path:
    line = machine.open_line()
    target.write_text(ESTATE.read_text().replace("@connect@", line.connect))
    return target


@dataclass(frozen=True, slots=True)
class Seen:
    """The machine as it stands. `jobs`: how often each detached command was begun, by the folders that they left."""

    listed: str
    program: str
    config: str
    service: str
    drives: str
    jobs: Counter[str]


def look(machine: WineMachine) -> Seen:
    said = machine.run(rf'reg query "{UNINSTALL}\{SYNC.code}" /v DisplayVersion').out
    listed = re.search(r"REG_SZ\s+(\S+)", said)
    state = re.search(r"STATE\s*:\s*\d+\s+(\w+)", machine.run(f"sc query {SYNC.service}").out)
    config = machine.path(rf"{FOLDER}\Bin\miiserver.exe.config")
    return Seen(
        listed=listed[1] if listed else "",
        program=_version(machine.path(rf"{FOLDER}\{SYNC.programs[0]}")),
        config=config.read_text() if config.exists() else "",
        service=state[1] if state else "",
        drives=machine.run("subst").out.strip(),
        jobs=jobs(machine),
    )


def jobs(machine: WineMachine) -> Counter[str]:
    """Step -> how many jobs it left. Their names end with the attempt and a digest."""
    folder = machine.path(r"C:\ProgramData\Handrail\jobs")
    names = [one.name for one in folder.iterdir()] if folder.is_dir() else []
    return Counter(re.sub(r"^.*-2016-sp3-(.+?)-\d+-[0-9a-f]{8}$", r"\1", name) for name in names)


def _version(program: Path) -> str:
    import struct

    if not program.exists():
        return ""
    data = program.read_bytes()
    high, low = struct.unpack_from("<II", data, data.index(struct.pack("<I", 0xFEEF04BD)) + 8)
    return f"{high >> 16}.{high & 0xFFFF}.{low >> 16}.{low & 0xFFFF}"
