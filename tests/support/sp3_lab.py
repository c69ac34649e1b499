"""A machine out of Wine with the lab's Synchronization Service and Service on it, as somebody left it who installed
them years ago from a mapped drive that is no longer there; and what the way to SP3 does to it, counted by the machine
itself."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.lab.wine.packages import DATABASES, NEW, OLD, PRODUCTS, SERVICE, SYNC, Product
from tests.support import wine
from tests.support.wine import WineMachine

ESTATE = Path(__file__).parents[1] / "real" / "sp3-lab.yaml"
PASSWORD = "Lab-7tulips-and-a-hat"
SOURCE = "E:"
MEDIA = r"C:\Media"
SP2, SP3 = rf"{MEDIA}\MIM2016SP2.iso", rf"{MEDIA}\MIM2016SP3.iso"
UNINSTALL = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall"
ACCOUNTS = {SYNC.id: r"LAB\svc-mimsync", SERVICE.id: r"LAB\svc-mimservice"}

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
    for product in PRODUCTS:
        machine.bring(wine.package(product.id, OLD), rf"C:\lab-source\{product.folder}")
        machine.bring(wine.patch(product.id), rf"{MEDIA}\{product.patch}")
        machine.add_database(DATABASES[product.id])
    bring_medium(machine)
    machine.add_image(SP3, "MIM_SP3_ENU", {product.folder: wine.package(product.id, NEW) for product in PRODUCTS})
    machine.write(r"C:\lab\agents.txt", "HR\nAD\n")
    lines = [*PLATFORM, rf"subst {SOURCE} C:\lab-source"]
    lines += [rf'msiexec /i "{SOURCE}\{product.folder}\{product.package}" /qn' for product in PRODUCTS]
    lines += [f"subst {SOURCE} /D", r"rmdir /s /q C:\lab-source"]
    for product in PRODUCTS:
        lines += [as_whom(product), f"sc start {product.service}"]
    machine.must(" && ".join(lines))
    forget_packages(machine)


def as_whom(product: Product) -> str:
    """The command that says as whom the product's service runs, which the lab's packages cannot."""
    key = rf"HKLM\SYSTEM\CurrentControlSet\Services\{product.service}"
    return rf"reg add {key} /v ObjectName /d {ACCOUNTS[product.id]} /f"


def forget_packages(machine: WineMachine) -> None:
    """Windows Installer looks for the source that its own copy came from only when that copy is gone."""
    for cached in machine.path(r"C:\windows\Installer").glob("*.ms?"):
        cached.unlink()


def bring_medium(machine: WineMachine) -> None:
    """SP2's, as the estate has it."""
    machine.add_image(SP2, "MIM_SP2_ENU", {product.folder: wine.package(product.id, OLD) for product in PRODUCTS})


def install_by_hand(machine: WineMachine, product: Product) -> None:
    """What a person does on the way back: setup of SP2 from its medium, with the account of before."""
    machine.bring(wine.package(product.id, OLD), rf"C:\lab-hand\{product.folder}")
    setup = rf'msiexec /i "C:\lab-hand\{product.folder}\{product.package}" /qn'
    machine.must(" && ".join((setup, as_whom(product), f"sc start {product.service}")))


def estate(machine: WineMachine, target: Path) -> Path:
    line = machine.open_line()
    target.write_text(ESTATE.read_text().replace("@connect@", line.connect))
    return target


@dataclass(frozen=True, slots=True)
class Seen:
    """A product as it stands on the machine. `stored`: what its database holds."""

    listed: str
    program: str
    config: str
    service: str
    stored: str


def look(machine: WineMachine) -> Mapping[str, Seen]:
    """Every product of the lab, by its id."""
    return {product.id: _seen(machine, product) for product in PRODUCTS}


def _seen(machine: WineMachine, product: Product) -> Seen:
    said = machine.run(rf'reg query "{UNINSTALL}\{product.code}" /v DisplayVersion').out
    listed = re.search(r"REG_SZ\s+(\S+)", said)
    state = re.search(r"STATE\s*:\s*\d+\s+(\w+)", machine.run(f"sc query {product.service}").out)
    folder = "C:\\Program Files\\" + "\\".join(product.path)
    config = machine.path(rf"{folder}\{next(iter(product.texts))}")
    return Seen(
        listed=listed[1] if listed else "",
        program=_version(machine.path(rf"{folder}\{product.programs[0]}")),
        config=config.read_text() if config.exists() else "",
        service=state[1] if state else "",
        stored=database(machine, product).read_text().partition("\n")[2],
    )


def database(machine: WineMachine, product: Product) -> Path:
    """The file that stands for its database: the first line is its state, whatever follows what it holds."""
    return machine.path(rf"C:\lab\sql\{DATABASES[product.id]}.txt")


def drives(machine: WineMachine) -> str:
    return machine.run("subst").out.strip()


def jobs(machine: WineMachine) -> Counter[str]:
    """COMPONENT/STEP -> how many jobs it left. Their names end with the attempt and a digest."""
    folder = machine.path(r"C:\ProgramData\Handrail\jobs")
    names = [one.name for one in folder.iterdir()] if folder.is_dir() else []
    mould = r"^.*?-(sync|service)-mim01-2016-sp3-(.+?)-\d+-[0-9a-f]{8}$"
    return Counter(re.sub(mould, r"\1/\2", name) for name in names)


def _version(program: Path) -> str:
    import struct

    if not program.exists():
        return ""
    data = program.read_bytes()
    high, low = struct.unpack_from("<II", data, data.index(struct.pack("<I", 0xFEEF04BD)) + 8)
    return f"{high >> 16}.{high & 0xFFFF}.{low >> 16}.{low & 0xFFFF}"
