"""How a step is done without the program: what to type, and how to see that it worked.

One entry per action; `{name}` is the step's parameter of that name. A line that needs a parameter which the step does
not have is left out; `{name?}` may be missing. Actions without an entry are told by their values alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from handrail.reporting.byhand_back import PUT_BACK, PUT_BACK_OLDER
from handrail.reporting.byhand_customised import CUSTOMISED
from handrail.reporting.byhand_entry import ByHand
from handrail.reporting.byhand_linux import FILES, TREES, command

_AS_IT_IS = ("arguments", "properties", "typed", "looked")
"""Values that are parts of a line, or whole ones, and not to be quoted."""

_FIELD = re.compile(r"\{(?P<name>\w+)(?P<optional>\??)\}")


def _cluster(
    do: tuple[str, ...] = (), look: tuple[str, ...] = (), expect: str = "", back: tuple[str, ...] = ()
) -> ByHand:
    """What is done to a PostgreSQL cluster, by its superuser unless the step names another."""
    return ByHand(do, look, expect, {"user": "postgres"}, back)


BY_HAND: Mapping[str, ByHand] = {
    "service.stop": ByHand(("sc stop {name}",), ("sc query {name}",), "STATE is STOPPED."),
    "service.start": ByHand(("sc start {name}",), ("sc query {name}",), "STATE is RUNNING."),
    "service.running": ByHand(look=("sc query {name}",), expect="STATE is RUNNING."),
    "iis.stop": ByHand(("iisreset /stop",), ("sc query W3SVC",), "STATE is STOPPED."),
    "iis.start": ByHand(("iisreset /start",), ("sc query W3SVC",), "STATE is RUNNING."),
    "os.supported": ByHand(look=("winver",), expect="It is one of: {in}."),
    "software.install": ByHand(("{path} {arguments}",), expect="Programs and Features lists it: {detect}."),
    "software.present": ByHand(("appwiz.cpl",), expect="Programs and Features lists it: {detect}."),
    "installer.source": ByHand(
        look=(
            r"reg query HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall /s /reg:64",
            r"reg query HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall /s /reg:32",
        ),
        expect="Find the entry whose DisplayName is like {product}; note its InstallSource and its product code.",
    ),
    "drive.map": ByHand(
        ("subst {drive} {folder}",), ("dir {drive}\\",), "The drive is there, and a file can be written to it."
    ),
    "drive.unmap": ByHand(("subst {drive} /D",), ("subst",), "{drive} is no longer listed."),
    "media.open": ByHand(
        ("powershell -Command \"Mount-DiskImage -ImagePath '{path}'\"",),
        expect="The content can be read. An archive is unpacked instead of mounted; note where the content lies.",
    ),
    "media.close": ByHand(
        ("powershell -Command \"Dismount-DiskImage -ImagePath '{path}'\"",), expect="No drive holds it any more."
    ),
    "media.not_mounted": ByHand(
        look=("powershell -Command Get-Volume",), expect="No drive holds {path}. No drive is labelled {label}."
    ),
    "folder.copy": ByHand(
        (r'robocopy "{source}\{subfolder?}" "{target}" /E /COPY:DAT /R:2 /W:2',),
        expect="robocopy ends below 8, and every file is at the target with the same hash.",
    ),
    "file.copy": ByHand(
        (r'copy /y "{source}\{subfolder?}\{name}" "{target}"',),
        (r'certutil -hashfile "{source}\{subfolder?}\{name}" SHA256', r'certutil -hashfile "{target}\{name}" SHA256'),
        "Both hashes are the same. They are {sha256}.",
    ),
    "installer.check_package": ByHand(expect="The package {name} in {folder} has product version {version}."),
    "installer.patch": ByHand(
        (
            'cd /d "{folder}"',
            "msiexec /p {patch} {properties?} /qn /norestart /l*v {log}",
        ),
        expect="It ends with 0 or 3010 (restart needed). Programs and Features shows build {build}. {file} shows build "
        "{build} too.",
        defaults={"properties": {"REINSTALLMODE": "emus", "REINSTALL": "ALL"}},
    ),
    "installer.install": ByHand(
        ("msiexec /i {package} {properties?} /qn /norestart /l*v {log}",),
        expect="It ends with 0 or 3010 (restart needed). Programs and Features shows build {build}. {file} shows build "
        "{build} too.",
    ),
    "registry.export": ByHand(
        ("reg export {keys} {file} /y",),
        expect="Each of these keys is in a file of its own, at or beside {file}: {keys}.",
        back=("reg import {file}",),
    ),
    "registry.import": ByHand(expect="Each of these files was imported (reg import FILE): {files}."),
    "registry.remove_values": ByHand(
        (
            "reg query {root} /s /f {data} /d",
            'reg export "KEY THAT IT SHOWS" {backup} /y',
            'reg delete "KEY THAT IT SHOWS" /v "NAME THAT IT SHOWS" /f',
        ),
        ("reg query {root} /s /f {data} /d",),
        "Nothing is found any more. Only the values that the first query shows were removed, each exported before.",
    ),
    "installer.uninstall": ByHand(
        ("appwiz.cpl", "msiexec /x PRODUCTCODE REBOOT=ReallySuppress /qn /norestart /l*v {log}"),
        expect="Removed there or by its product code, nothing like {product} is listed any more. {file} is gone. "
        "Still there: {keeps}. Left alone where it is still at one of these builds: {unless}.",
    ),
    "folder.backup": ByHand(
        (r'robocopy "{folder}" "{to}\NEWFOLDER" /E /COPY:DAT /R:2 /W:2',),
        expect="robocopy ends below 8; note the name that you gave to the new folder.",
        back=(r'robocopy "{made}" "{folder}" /MIR /IS /COPY:DAT /R:2 /W:2',),
    ),
    "folder.prove": ByHand(
        (r'robocopy "{folder}" "{backup}" /E /L /NJH',),
        expect="It lists no file as new, newer, older or changed, and files of the copy can be opened.",
    ),
    "sqlserver.backup": ByHand(
        (
            "sqlcmd -S {server} -E -b -Q \"BACKUP DATABASE [{database}] TO DISK = N'{to}\\NEWFILE.bak' "
            'WITH CHECKSUM, COPY_ONLY, INIT"',
        ),
        expect="It says that the backup was processed; note the name that you gave to the file.",
        back=(
            'sqlcmd -S {server} -E -b -Q "ALTER DATABASE [{database}] SET SINGLE_USER WITH ROLLBACK IMMEDIATE"',
            "sqlcmd -S {server} -E -b -Q \"RESTORE DATABASE [{database}] FROM DISK = N'{file}' "
            'WITH REPLACE, CHECKSUM"',
            'sqlcmd -S {server} -E -b -Q "ALTER DATABASE [{database}] SET MULTI_USER"',
        ),
    ),
    "sqlserver.prove": ByHand(
        look=(
            "sqlcmd -S {server} -E -b -Q \"RESTORE VERIFYONLY FROM DISK = N'{file}' WITH CHECKSUM\"",
            "sqlcmd -S {server} -E -b -Q \"RESTORE HEADERONLY FROM DISK = N'{file}'\"",
        ),
        expect="The backup set is valid, names {database}, and was finished just now.",
    ),
    "sqlserver.online": ByHand(
        look=("sqlcmd -S {server} -E -b -Q \"SELECT state_desc FROM sys.databases WHERE name = N'{database}'\"",),
        expect="ONLINE.",
    ),
    "sqlserver.count": ByHand(
        (
            '{tool} -S {server} -E -d {database} -Q "SELECT o.name, i.rows FROM sysobjects o JOIN sysindexes i '
            "ON i.id = o.id AND i.indid < 2 WHERE o.xtype = 'U'\"",
        ),
        expect="Note the tables of {database} and how many rows each has.",
        defaults={"tool": "sqlcmd"},
    ),
    "sqlserver.rows_kept": ByHand(
        look=(
            '{tool} -S {server} -E -d {database} -Q "SELECT o.name, i.rows FROM sysobjects o JOIN sysindexes i '
            "ON i.id = o.id AND i.indid < 2 WHERE o.xtype = 'U'\"",
        ),
        expect="Every table that was noted is there, and none has fewer rows. Noted were: {before}.",
        defaults={"tool": "sqlcmd"},
    ),
    "sqlserver.files": ByHand(
        look=(
            "{tool} -S {server} -E -Q \"SELECT filename FROM master.dbo.sysaltfiles WHERE dbid = DB_ID('{database}')\"",
        ),
        expect="Every file that it lists is there (dir).",
        defaults={"tool": "sqlcmd"},
    ),
    "keys.export": ByHand(
        (r'"{tool}" /e "{to}\NEWFILE.bin" /u:{account} *',),
        expect="The tool asks for the password of {account}: type it there, never on the line. Note the file's name "
        "and its SHA-256 (certutil -hashfile).",
        back_says="Leave the keys alone unless the product cannot read them any more; then open the sealed file, "
        "import it with the same tool, and delete what you opened. Never abandon the key set (/a): stored passwords "
        "are lost with it.",
    ),
    "keys.import": ByHand(
        ('"{tool}" /i "{file}" {key_set} /u:{account} *',),
        ('"{tool}" /c {key_set} /u:{account} *',),
        "The tool says that the key set can be used. If only the sealed file is there, open it first, and delete what "
        "you opened afterwards.",
        {"key_set": "{0E19E162-827E-4077-82D4-E6ABD531636E}"},
    ),
    "keys.prove": ByHand(
        look=("certutil -hashfile {file} SHA256",), expect="The hash is the one noted, and the file is not empty."
    ),
    "secret.seal": ByHand(
        ('age --recipient PUBLICKEY --output "{file}.age" "{file}"',),
        ('age --decrypt --identity IDENTITY.txt --output "{file}.again" "{file}.age"', 'fc /b "{file}" "{file}.again"'),
        "Give --recipient once for everybody who shall be able to open it. There is no difference. Only then delete "
        "{file} and {file}.again. Where age does not run (Windows before 7 and Server 2008 R2), do this on a machine "
        "where it does, and leave no plain copy there.",
    ),
    "secret.open": ByHand(
        ('age --decrypt --identity IDENTITY.txt --output "{to}" "{file}"',),
        ('certutil -hashfile "{to}" SHA256',),
        "The hash is the one noted: {sha256}. It lies there readable until the step that shreds it; go there without "
        "a break.",
    ),
    "secret.shred": ByHand(
        ('sdelete -p 1 "{file}"',),
        ('dir "{file}"',),
        "It is not there any more. Without sdelete, use del, and count what was in it as readable for whoever gets the "
        "disk. Delete every copy that was made of it, too.",
    ),
    "product.version": ByHand(
        ("appwiz.cpl",),
        expect="Programs and Features shows {product} at {build}. The properties of {file} show {build}.",
    ),
    "file.version": ByHand(expect="The properties of {file} show file version {build}."),
    "sync.agents": ByHand(expect="The management agents load: {agents}."),
    "sync.import": ByHand(expect="Run profile {profile} of {agents} ends with success."),
    "sync.export_space": ByHand(
        (r'"{tool}" AGENT "{to}\NEWFOLDER\AGENT.xml"',),
        expect="Once for each of: {agents}. Each ends with 0 and leaves a file that is not empty; note the folder's "
        "name.",
        defaults={"tool": "csexport.exe", "agents": "every management agent"},
    ),
    "sync.compare_space": ByHand(
        expect="For each agent, {after} holds the same objects as {before}, each with the same attributes and values; "
        "only the order may differ. In the service's client, search the connector space for a few of them and look at "
        "their properties. May differ: {allow}.",
        defaults={"allow": "nothing"},
    ),
    "sync.search_space": ByHand(
        expect="Search Connector Space of {agent} finds at least {at_least} object(s). DN or anchor begins with: "
        "{name}. Subtree: {subtree}.",
        defaults={"at_least": 1},
    ),
    "sync.pending": ByHand(
        expect="Search Connector Space of each management agent, with the scope Pending Export: at most {deletions} "
        "object(s) wait to be deleted.",
        defaults={"deletions": 0},
    ),
    "sync.export_configuration": ByHand(
        (r'"{tool}" "{to}\NEWFOLDER"',),
        expect="It ends with 0. The folder must be new; it then holds MV.xml and a file for each management agent.",
        defaults={"tool": "svrexport.exe"},
    ),
    "sync.compare_configuration": ByHand(
        expect="The files of {before} and {after} say the same; server and export-date never count. "
        "May differ: {allow}.",
        defaults={"allow": "nothing"},
    ),
    "service.log_clean": ByHand(
        ("eventvwr",), expect="The log shows nothing at level {level?} or worse since then. Sources: {providers}."
    ),
    "service.object_update": ByHand(
        expect="Changing the object {object} through {address} and reading it back works; change it back."
    ),
    "portal.answers": ByHand(expect="{url} answers in a browser."),
    "host.reboot": ByHand(("shutdown /r /t 0",), expect="It is up again, with a new start time."),
    "vmm.installed": ByHand(
        look=(
            r'reg query "HKLM\SOFTWARE\Microsoft\Microsoft System Center Virtual Machine Manager Server" /s',
            "sc query SCVMMService",
            'sqlcmd -S {server} -E -Q "SELECT name, state_desc FROM sys.databases"',
        ),
        expect="Under InstallPath bin\\vmmservice.exe (of a console bin\\VmmAdminUI.exe) is of build {build}. A "
        "management server has its service, and the database that DatabaseName names is ONLINE.",
    ),
    "vmm.answers": ByHand(
        (r"notepad C:\ProgramData\Handrail\vmm\install.ini",),
        (r"type C:\ProgramData\Handrail\vmm\install.ini",),
        "It says, line by line: [OPTIONS], CreateNewSqlDatabase=0, SqlMachineName={server}, "
        "SqlDatabaseName={database}, VmmServiceLocalAccount=0, CreateNewLibraryShare=1; with an instance also "
        "SqlInstanceName, with distributed key management TopContainerName.",
    ),
    "vmm.rollup": ByHand(
        ("msiexec /p {folder}\\{patch} /qn /norestart /l*v {log}",),
        expect="Under InstallPath bin\\vmmservice.exe is of build {build}. Programs and Features does not change.",
    ),
    "wsman.compare": ByHand(
        look=(r'powershell -Command "Get-ChildItem WSMan:\localhost\Service"',),
        expect="MaxConcurrentOperationsPerUser is 1500 or more and MaxConnections 300 or more; if not, they are low.",
    ),
    "wsman.set": ByHand(
        (
            r'powershell -Command "cd WSMan:\localhost\Service; Set-Item MaxConnections {connections} -Force"',
            r'powershell -Command "cd WSMan:\localhost\Service; Set-Item MaxConcurrentOperationsPerUser {operations}"',
        ),
        (r'powershell -Command "Get-ChildItem WSMan:\localhost\Service"',),
        "Both have these values.",
        {"operations": 1500, "connections": 300},
    ),
    "postgresql.programs": _cluster(
        look=('"{bin}/postgres" --version', 'ls "{bin}/../share/extension"'),
        expect="It is {build}. These extensions are there: {extensions}.",
    ),
    "postgresql.as_planned": _cluster(
        look=(
            'psql -U "{user}" -c "SELECT datname, datcollate, encoding FROM pg_database" postgres',
            'psql -U "{user}" -c "SHOW data_checksums" postgres',
        ),
        expect="Locale {locale}, encoding {encoding}, checksums {checksums}. Extensions: {extensions}.",
    ),
    "postgresql.build": _cluster(
        look=('psql -U "{user}" -c "SHOW server_version" postgres', 'cat "{data}/PG_VERSION"'), expect="It is {build}."
    ),
    "postgresql.room": _cluster(
        look=('du -sh "{data}"', 'df -h "{folder}"'), expect="There is room for {times?} times the data directory."
    ),
    "postgresql.start": _cluster(
        ('"{bin}/pg_ctl" -D "{data}" -w start',), ('"{bin}/pg_ctl" -D "{data}" status',), "The server is running."
    ),
    "postgresql.stop": _cluster(
        ('"{bin}/pg_ctl" -D "{data}" -m fast -w stop',), ('"{bin}/pg_ctl" -D "{data}" status',), "No server is running."
    ),
    "postgresql.backup": _cluster(
        ('"{bin}/pg_basebackup" -U "{user}" -D "{to}/NEWFOLDER" -X stream -c fast --manifest-checksums=SHA256',),
        ('"{bin}/pg_verifybackup" "{to}/NEWFOLDER"',),
        "The backup is verified; note the name that you gave to the folder.",
        back=('mv "{data}" "{data}.aside"', 'cp -a "{made}" "{data}"'),
    ),
    "postgresql.prove_backup": _cluster(
        ('cp -a "{folder}" SCRATCH', '"{bin}/pg_ctl" -D SCRATCH -o "-p 54321" -w start'),
        expect="The scratch server starts and holds what the original holds. Stop and remove it afterwards.",
    ),
    "postgresql.dump": _cluster(
        ('"{programs}/pg_dumpall" -U "{user}" -f "{to}/NEWFILE.sql"',),
        expect="It ends with 0 and the file ends with the words that the dump is complete; note its name.",
    ),
    "postgresql.load": _cluster(
        ('psql -U "{user}" -X -v ON_ERROR_STOP=1 -f "{file}" postgres',), expect="It ends with 0 and without an error."
    ),
    "postgresql.create": _cluster(
        ('"{bin}/initdb" -D "{data}" -U "{user}"',),
        expect="Locale, encoding and checksums are those of the cluster in {like_data} (initdb --locale, --encoding).",
    ),
    "postgresql.upgrade_check": _cluster(
        ('"{new_bin}/pg_upgrade" -b "{old_bin}" -B "{new_bin}" -d "{old_data}" -D "{new_data}" --check',),
        expect="It says that the clusters are compatible.",
    ),
    "postgresql.upgrade": _cluster(
        ('"{new_bin}/pg_upgrade" -b "{old_bin}" -B "{new_bin}" -d "{old_data}" -D "{new_data}"',),
        expect="It says that the upgrade is complete.",
    ),
    "postgresql.upgrade_linked": _cluster(
        ('"{new_bin}/pg_upgrade" -b "{old_bin}" -B "{new_bin}" -d "{old_data}" -D "{new_data}" --link',),
        expect="It says that the upgrade is complete. Never start the old cluster again.",
    ),
    "postgresql.update_extensions": _cluster(
        ('psql -U "{user}" -c "ALTER EXTENSION NAME UPDATE" DATABASE',),
        expect="Done for every extension and database.",
    ),
    "postgresql.analyze": _cluster(
        ('"{bin}/vacuumdb" -U "{user}" --all --analyze-in-stages',), expect="It ends with 0."
    ),
    "postgresql.set_aside": _cluster(
        ('"{bin}/pg_ctl" -D "{data}" -m fast -w stop', 'mv "{data}" "{data}.aside"'), expect="Nothing is deleted."
    ),
    "postgresql.remove": _cluster(
        ('rm -r "{data}"',), expect="Only after the hold before it was answered, and while no server uses it."
    ),
    **CUSTOMISED,
    **PUT_BACK,
    **TREES,
    "barrier": ByHand(expect="All steps before this one have ended."),
}


_OLDER: Mapping[str, ByHand] = {
    "folder.backup": ByHand(
        (r'xcopy "{folder}" "{to}\NEWFOLDER" /E /I /H /K /Y /Q',),
        expect="xcopy ends with 0; note the name that you gave to the new folder.",
        back=(r'del /f /s /q /a "{folder}\*"', r'xcopy "{made}" "{folder}" /E /I /H /K /R /Y /Q'),
    ),
    "folder.copy": ByHand(
        (r'xcopy "{source}\{subfolder?}" "{target}" /E /I /H /K /Y /Q',),
        expect="xcopy ends with 0, and every file is at the target with the same content (fc /b).",
    ),
    "sqlserver.backup": ByHand(
        ("osql -S {server} -E -b -Q \"BACKUP DATABASE [{database}] TO DISK = N'{to}\\NEWFILE.bak' WITH INIT\"",),
        expect="It says that the backup was processed; note the name that you gave to the file.",
        back=(
            'osql -S {server} -E -b -Q "ALTER DATABASE [{database}] SET SINGLE_USER WITH ROLLBACK IMMEDIATE"',
            "osql -S {server} -E -b -Q \"RESTORE DATABASE [{database}] FROM DISK = N'{file}' WITH REPLACE\"",
            'osql -S {server} -E -b -Q "ALTER DATABASE [{database}] SET MULTI_USER"',
        ),
    ),
    "sqlserver.prove": ByHand(
        look=(
            "osql -S {server} -E -b -Q \"RESTORE VERIFYONLY FROM DISK = N'{file}'\"",
            "osql -S {server} -E -b -Q \"RESTORE HEADERONLY FROM DISK = N'{file}'\"",
        ),
        expect="The backup set is valid, names {database}, and was finished just now.",
    ),
    "sqlserver.online": ByHand(
        look=("osql -S {server} -E -b -Q \"SELECT DATABASEPROPERTYEX(N'{database}', 'Status')\"",),
        expect="ONLINE.",
    ),
}
"""With the tools of Windows Server 2003 and SQL Server 2000, where a step asks for them."""


_BY_MODE: Mapping[tuple[str, str], ByHand] = {
    ("vmm.setup", "uninstall"): ByHand(
        ("appwiz.cpl",),
        ("sc query SCVMMService",),
        "Remove the {part} of Virtual Machine Manager, build {build}. On the page Database Options choose Retain "
        "database, never Remove database. Afterwards the program is gone, and {database?} is ONLINE.",
    ),
    ("vmm.setup", "install"): ByHand(
        (r"{media}\setup.exe",),
        expect="Install the {part}. On the page Database configuration choose Existing database, {database?} on "
        "{server?}, never New database. Afterwards its program is of build {build}.",
    ),
}
"""Where an action does one of two opposite things."""


def by_hand(uses: str, with_: Mapping[str, Any]) -> ByHand:
    """How this step is done by hand; empty when there are no words for it."""
    own = command(uses, with_) or (FILES.get(uses) if str(with_.get("file", "")).startswith("/") else None)
    if own is not None:
        return own
    by_mode = _BY_MODE.get((uses, str(with_.get("mode"))))
    older = {**_OLDER, **PUT_BACK_OLDER}.get(uses) if with_.get("tool") in ("osql", "xcopy") else None
    return older or by_mode or BY_HAND.get(uses, ByHand())


def lines(templates: tuple[str, ...], with_: Mapping[str, Any], show: Callable[[Any], str]) -> tuple[str, ...]:
    """The lines with the step's values in them; what needs a value that is not there is left out."""
    filled = (_fill(template, with_, show, quote) for template in templates)
    return tuple(line for line in filled if line)


def sentence(template: str, with_: Mapping[str, Any], show: Callable[[Any], str]) -> str:
    """Like `lines`, for words rather than commands."""
    kept = [_fill(one, with_, show, lambda text: text) for one in re.split(r"(?<=\.)\s+", template)]
    return " ".join(one for one in kept if one)


def used(entry: ByHand) -> frozenset[str]:
    """The parameters that an entry shows."""
    told = (*entry.do, *entry.look, entry.expect)
    return frozenset((*entry.covers, *(match["name"] for text in told for match in _FIELD.finditer(text))))


def quote(text: str) -> str:
    """As a Windows command line takes it."""
    if text.startswith(("<", '"')):  # to be filled in by hand, or quoted already
        return text
    return f'"{text}"' if text == "" or re.search(r"[\s&()^;,=]", text) else text


def _fill(template: str, with_: Mapping[str, Any], show: Callable[[Any], str], wrap: Callable[[str], str]) -> str:
    if any(_missing(with_.get(match["name"])) and not match["optional"] for match in _FIELD.finditer(template)):
        return ""

    def shown(match: re.Match[str]) -> str:
        given = with_.get(match["name"])
        quoted = template[: match.start()].count('"') % 2 == 1 or match["name"] in _AS_IT_IS
        if isinstance(given, Mapping) and match["name"] == "properties":
            return " ".join(f"{name}={show(one)}" for name, one in given.items())
        text = "" if _missing(given) else show(given)
        return text if quoted or not text else wrap(text)

    filled = _FIELD.sub(shown, template)
    return re.sub(r"(?<=\w)(\\\\+)(?=[\w{<.])", r"\\", re.sub(r"  +", " ", filled))


def _missing(given: Any) -> bool:
    return given is None or given == ""
