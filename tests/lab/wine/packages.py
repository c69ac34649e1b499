"""Stand-ins of the lab for a product's packages: MSI of the old build, MSI and MSP of the new one, from one source.

They have the names, folders, services and registry keys that the guide of Microsoft Identity Manager goes by, and
nothing of its programs. Installing, patching and removing them is done by the Windows Installer of Wine, which is a
real one, if not Windows'. What a package of ours proves about the publisher's is: nothing.

    packages/sync/4.6.673.0/Synchronization Service/Synchronization Service.msi      as on SP2's medium, hotfix included
    packages/sync/4.7.12.0/Synchronization Service/Synchronization Service.msi       as on SP3's
    packages/sync/MIMSyncService_x64_KB5085154.msp                                   from the one to the other
    packages/sync/wrong-baseline.msp                                                 made for another version
    packages/service/...

A package fails when the registry of the machine says so: HKLM\\Software\\HandrailLab, value PrereqMissing (launch
condition), FailEarly, FailNow or FailLate set to 1.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from tests.lab.wine import msp

HERE = Path(__file__).parent
OLD, NEW = "4.6.673.0", "4.7.12.0"
_PREFIX = "x86_64-w64-mingw32"
_LIBRARIES = ("-ladvapi32", "-lversion", "-lshell32")
_COMPILER = _PREFIX + "-gcc"
_WISHES = {"PREREQMISSING": "PrereqMissing", "FAILEARLY": "FailEarly", "FAILNOW": "FailNow", "FAILLATE": "FailLate"}
"""Property -> the value of the registry that sets it."""
_FAILURES = {"FAILEARLY": 1450, "FAILNOW": 6550, "FAILLATE": 6650}
"""Custom actions that fail on demand, and where in the sequence."""

_REDIRECTS = """<configuration>
  <runtime>
    <assemblyBinding xmlns="urn:schemas-microsoft-com:asm.v1">
      <dependentAssembly>
        <assemblyIdentity name="Microsoft.MetadirectoryServicesEx" publicKeyToken="31bf3856ad364e35" />
        <bindingRedirect oldVersion="3.3.0.0-{0}" newVersion="{1}" />
      </dependentAssembly>
    </assemblyBinding>
  </runtime>
</configuration>
"""
_OLD_REDIRECTS, _NEW_REDIRECTS = _REDIRECTS.format("4.1.3.0", "4.1.4.0"), _REDIRECTS.format("4.1.4.0", "4.1.5.0")
_SERVICE_CONFIG = """<?xml version="1.0" encoding="utf-8"?>
<configuration>
  <resourceManagementService externalHostName="lab" dataReadTimeoutInSeconds="90"{0} />
</configuration>
"""


@dataclass(frozen=True, slots=True)
class Product:
    """`folder` and `package` as on the media; `programs` below `path`, the first one being the service's; `texts`: file
    -> its content in the old build and in the new one; `registry`: key below HKLM -> values."""

    id: str
    title: str
    folder: str
    package: str
    patch: str
    code: str
    upgrade: str
    patch_code: str
    path: tuple[str, ...]
    service: str
    service_title: str
    programs: tuple[str, ...]
    texts: Mapping[str, tuple[str, str]]
    registry: Mapping[str, Mapping[str, str]]


_ROOT = ("Microsoft Forefront Identity Manager", "2010")
_SERVICES = r"SYSTEM\CurrentControlSet\Services"

SYNC = Product(
    id="sync",
    title="Microsoft Identity Manager Synchronization Service",
    folder="Synchronization Service",
    package="Synchronization Service.msi",
    patch="MIMSyncService_x64_KB5085154.msp",
    code="{4E1A5E0A-0001-4000-9000-000000000001}",
    upgrade="{4E1A5E0A-0001-4000-9000-0000000000FF}",
    patch_code="{4E1A5E0A-0001-4000-9000-000000000012}",
    path=(*_ROOT, "Synchronization Service"),
    service="FIMSynchronizationService",
    service_title="Forefront Identity Manager Synchronization Service",
    programs=(
        r"Bin\miiserver.exe", r"Bin\mmsscrpt.exe", r"Bin\miiskmu.exe", r"Bin\miisactivate.exe", r"Bin\svrexport.exe",
        r"Bin\maexport.exe", r"Bin\csexport.exe", r"Bin\Microsoft.MetadirectoryServicesEx.dll",
        r"UIShell\miisclient.exe",
    ),
    texts={
        r"Bin\miiserver.exe.config": (_OLD_REDIRECTS, _NEW_REDIRECTS),
        r"Bin\mmsscrpt.exe.config": (_OLD_REDIRECTS, _NEW_REDIRECTS),
        "dllhost.exe.config": (_OLD_REDIRECTS, _NEW_REDIRECTS),
        r"Extensions\lab-rules.dll": ("rules extension of the lab", "rules extension of the lab"),
        r"MaData\readme.txt": ("working files of management agents", "working files of management agents"),
    },
    registry={
        rf"{_SERVICES}\FIMSynchronizationService\Parameters": {
            "Path": "[PRODUCTDIR]", "Server": "[SQLSERVER]", "Instance": "", "DBName": "[SQLDATABASE]",
        },
    },
)  # fmt: skip
SERVICE = Product(
    id="service",
    title="Microsoft Identity Manager Service and Portal",
    folder="Service and Portal",
    package="Service and Portal.msi",
    patch="MIMService_x64_KB5085154.msp",
    code="{4E1A5E0A-0002-4000-9000-000000000001}",
    upgrade="{4E1A5E0A-0002-4000-9000-0000000000FF}",
    patch_code="{4E1A5E0A-0002-4000-9000-000000000012}",
    path=(*_ROOT, "Service"),
    service="FIMService",
    service_title="Forefront Identity Manager Service",
    programs=(
        "Microsoft.ResourceManagement.Service.exe", "Microsoft.ResourceManagement.dll",
        "Microsoft.IdentityManagement.SolutionPackUtility.exe",
    ),
    texts={
        "Microsoft.ResourceManagement.Service.exe.config": (
            _SERVICE_CONFIG.format(""), _SERVICE_CONFIG.format(' requireTls12="true"'),
        ),
    },
    registry={rf"{_SERVICES}\FIMService": {"DatabaseServer": "[SQLSERVER]", "DatabaseName": "[SQLDATABASE]"}},
)  # fmt: skip
PRODUCTS = (SYNC, SERVICE)
DATABASES = {"sync": "FIMSynchronizationService", "service": "FIMService"}
_MARK = r"SOFTWARE\HandrailLab\Products"


def build(target: Path, work: Path) -> None:
    """All packages, below `target`. RuntimeError says what failed. `work` is a folder for what lies in between."""
    made = _compile(work / "programs")
    for product in PRODUCTS:
        files = {build_: _lay_out(product, build_, made[build_], work / product.id / build_) for build_ in (OLD, NEW)}
        for build_ in (OLD, NEW):
            folder = target / product.id / build_ / product.folder
            folder.mkdir(parents=True)
            _package(product, build_, files[build_], folder / product.package)
            (folder / "readme.txt").write_text(f"A stand-in of the lab for {product.title} {build_}.\r\n")
        old = target / product.id / OLD / product.folder / product.package
        rows = [line.split("\t") for line in _run("msiinfo", "export", old, "Registry").splitlines()]
        mark = next(row[0] for row in rows if row[2:4] == [_MARK + "\\", product.id])
        patch = msp.Patch(
            title=f"{product.title} SP3",
            product=product.code,
            upgrade=product.upgrade,
            code=product.patch_code,
            of=OLD,
            to=NEW,
            files={_key(name): (path, NEW if _versioned(name) else "") for name, path in files[NEW].items()},
            registry={mark: NEW},
        )
        msp.write(target / product.id / product.patch, patch)
        wrong = replace(patch, of="4.9.1", flags=msp.SAME_VERSION_TOO)
        msp.write(target / product.id / "wrong-baseline.msp", wrong)


def _key(name: str) -> str:
    """Of a file, in the tables of its package."""
    return "f_" + re.sub(r"[^A-Za-z0-9]", "_", name)


def _versioned(name: str) -> bool:
    return name.endswith((".exe", ".dll")) and not name.endswith("-rules.dll")


def _compile(work: Path) -> dict[str, dict[str, Path]]:
    """Build -> "service" and "tool": what all programs of all products are copies of, with the build in their
    resources. Each finds out by itself what it is called."""
    work.mkdir(parents=True)
    commands: list[Sequence[str | Path]] = [
        (_COMPILER, "-O1", "-municode", "-w", "-c", HERE / "tools" / f"product_{one}.c", "-o", work / f"{one}.o")
        for one in ("service", "tool")
    ]  # fmt: skip
    resource = (HERE / "tools" / "version.rc.in").read_text()
    for build_ in (OLD, NEW):
        text = resource.replace("@NUMBERS@", build_.replace(".", ",")).replace("@VERSION@", build_)
        (work / f"{build_}.rc").write_text(text)
        commands.append((f"{_PREFIX}-windres", work / f"{build_}.rc", "-O", "coff", "-o", work / f"{build_}.res"))
    _all(commands)
    found = {build_: {one: work / f"{one}-{build_}.exe" for one in ("service", "tool")} for build_ in (OLD, NEW)}
    _all(
        (_COMPILER, "-s", "-municode", work / f"{one}.o", work / f"{build_}.res", "-o", path, *_LIBRARIES)
        for build_, made in found.items()
        for one, path in made.items()
    )  # fmt: skip
    return found


def _all(commands: Iterable[Sequence[str | Path]]) -> None:
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for _ in pool.map(lambda one: _run(*one), commands):
            pass


def _lay_out(product: Product, build_: str, made: Mapping[str, Path], work: Path) -> dict[str, Path]:
    """File below the product's folder -> where it lies now."""
    work.mkdir(parents=True)
    found = {name: work / name.rpartition("\\")[2] for name in (*product.programs, *product.texts)}
    for name in product.programs:
        shutil.copy(made["service" if name == product.programs[0] else "tool"], found[name])
    for name, texts in product.texts.items():
        found[name].write_bytes(texts[build_ == NEW].replace("\n", "\r\n").encode())
    return found


def _package(product: Product, build_: str, files: Mapping[str, Path], target: Path) -> None:
    folder = next(iter(files.values())).parent
    (folder / "product.wxs").write_text(_source(product, build_, files))
    # wixl takes relative files only, so it runs among them.
    _run("wixl", "-a", "x64", "-o", target, "product.wxs", cwd=folder)
    # What wixl cannot say: the versions of files, and actions that fail on demand (type 19: stop with this text).
    queries = [f"UPDATE `File` SET `Version`='{build_}' WHERE `File`='{_key(one)}'" for one in files if _versioned(one)]
    for name, at in _FAILURES.items():
        queries.append(
            "INSERT INTO `CustomAction` (`Action`,`Type`,`Source`,`Target`) "
            f"VALUES ('{name.title()}',19,'','The lab was asked to fail here: {name}')"
        )
        queries.append(
            "INSERT INTO `InstallExecuteSequence` (`Action`,`Condition`,`Sequence`) "
            f"VALUES ('{name.title()}','{name}',{at})"
        )
    _run("msibuild", target, *(part for one in queries for part in ("-q", one)))


def _source(product: Product, build_: str, files: Mapping[str, Path]) -> str:
    """The package, as wixl reads it."""
    references: list[str] = []

    def component(inner: str) -> str:
        name = f"c{len(references)}"
        references.append(name)
        guid = f"{product.code[1:-5]}{0x100 + len(references):04X}"
        return f'<Component Id="{name}" Guid="{guid}" Win64="yes">{inner}</Component>'

    def files_in(folder: str) -> str:
        parts = ""
        for name, path in files.items():
            if name.rpartition("\\")[0] == folder:
                service = _service(product) if name == product.programs[0] else ""
                file = f'<File Id="{_key(name)}" Name="{path.name}" Source="{path.name}" KeyPath="yes"/>'
                parts += component(file + service)
        return parts

    inner = files_in("")
    for folder in sorted({name.rpartition("\\")[0] for name in files} - {""}):
        inner += f'<Directory Id="D{folder}" Name="{folder}">{files_in(folder)}</Directory>'
    for key, values in {**product.registry, _MARK: {product.id: build_}}.items():
        lines = "".join(
            f'<RegistryValue Name="{name}" Type="string" Value="{value}" KeyPath="{"no" if at else "yes"}"/>'
            for at, (name, value) in enumerate(values.items())
        )
        inner += component(f'<RegistryKey Root="HKLM" Key="{key}">{lines}</RegistryKey>')
    nested = f'<Directory Id="PRODUCTDIR" Name="{product.path[-1]}">{inner}</Directory>'
    for at, name in reversed(list(enumerate(product.path[:-1]))):
        nested = f'<Directory Id="D{at}" Name="{name}">{nested}</Directory>'
    wishes = "".join(
        f'<Property Id="{name}"><RegistrySearch Id="s{name}" Root="HKLM" Key="SOFTWARE\\HandrailLab" Name="{value}" '
        'Type="raw" Win64="yes"/></Property>'
        for name, value in _WISHES.items()
    )
    return f"""<?xml version="1.0" encoding="utf-8"?>
<Wix xmlns="http://schemas.microsoft.com/wix/2006/wi">
  <Product Id="{product.code[1:-1]}" Name="{product.title}" Language="1033" Version="{build_}"
           Manufacturer="Handrail's lab" UpgradeCode="{product.upgrade[1:-1]}">
    <Package Id="*" InstallerVersion="301" Compressed="yes" InstallScope="perMachine"/>
    <Media Id="1" Cabinet="lab.cab" EmbedCab="yes" DiskPrompt="disk 1"/>
    <Property Id="DiskPrompt" Value="Lab [1]"/>
    <Property Id="SQLSERVER" Value="sql01"/>
    <Property Id="SQLDATABASE" Value="{DATABASES[product.id]}"/>
    {wishes}
    <Directory Id="TARGETDIR" Name="SourceDir"><Directory Id="ProgramFiles64Folder">{nested}</Directory></Directory>
    <Condition Message="The lab was asked to miss a prerequisite.">NOT PREREQMISSING</Condition>
    <Feature Id="Main" Title="Main" Level="1">{"".join(f'<ComponentRef Id="{one}"/>' for one in references)}</Feature>
  </Product>
</Wix>
"""


def _service(product: Product) -> str:
    return (
        f'<ServiceInstall Id="si" Name="{product.service}" DisplayName="{product.service_title}" Type="ownProcess" '
        'Start="demand" ErrorControl="normal" Account="LocalSystem"/>'
        f'<ServiceControl Id="sc" Name="{product.service}" Stop="both" Remove="uninstall" Wait="yes"/>'
    )


def _run(*argv: str | Path, cwd: Path | None = None) -> str:
    done = subprocess.run(
        [str(one) for one in argv], cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise RuntimeError(f"{Path(argv[0]).name} ended with {done.returncode}: {(done.stdout + done.stderr)[-2000:]}")
    return done.stdout.replace("\r", "")
