"""How restore points are used, and proved in the hard way, by hand."""

from __future__ import annotations

from collections.abc import Mapping

from handrail.reporting.byhand_entry import ByHand

_ASK = '{tool} -S {server} -E -b -Q "'
_COUNT = (
    "SELECT o.name, i.rows FROM sysobjects o JOIN sysindexes i ON i.id = o.id AND i.indid < 2 WHERE o.xtype = 'U'\""
)

PUT_BACK: Mapping[str, ByHand] = {
    "sqlserver.restore": ByHand(
        (
            _ASK + "RESTORE HEADERONLY FROM DISK = N'{file}'\"",
            _ASK + 'ALTER DATABASE [{database}] SET SINGLE_USER WITH ROLLBACK IMMEDIATE"',
            _ASK + "RESTORE DATABASE [{database}] FROM DISK = N'{file}' WITH REPLACE, RECOVERY\"",
            _ASK + 'ALTER DATABASE [{database}] SET MULTI_USER"',
        ),
        (
            _ASK + "SELECT DATABASEPROPERTYEX(N'{database}', 'Status'), "
            "DATABASEPROPERTYEX(N'{database}', 'UserAccess')\"",
            _ASK + "SELECT TOP 1 restore_date FROM msdb.dbo.restorehistory WHERE destination_database_name = "
            "N'{database}' ORDER BY restore_history_id DESC\"",
        ),
        "Before anything else the header names {database}. It was finished at {finished}. If it does not fit, go no "
        "further. Afterwards the database is ONLINE and MULTI_USER, and was restored just now. If it says RESTORING, "
        "the restore broke off: repeat it. With messages to be delivered ({broker}), add ENABLE_BROKER to the restore.",
        {"tool": "sqlcmd"},
    ),
    "sqlserver.prove_restored": ByHand(
        (
            _ASK + "RESTORE FILELISTONLY FROM DISK = N'{file}'\"",
            _ASK + "RESTORE DATABASE [handrail_scratch] FROM DISK = N'{file}' WITH RECOVERY, MOVE N'LOGICALNAME' TO "
            "N'ANOTHER PATH'\"",
            _ASK + "DBCC CHECKDB (N'handrail_scratch') WITH NO_INFOMSGS\"",
            '{tool} -S {server} -E -d handrail_scratch -Q "' + _COUNT,
            _ASK + 'DROP DATABASE [handrail_scratch]"',
        ),
        expect="There is room for the sizes that the first line shows, with a MOVE for each logical name; never leave "
        "one out, or files of {database} are in the way. CHECKDB says nothing. Each table has its rows. "
        "Counted before were: {before}. The scratch database is gone afterwards.",
        defaults={"tool": "sqlcmd"},
    ),
    "folder.restore": ByHand(
        (r'robocopy "{backup}" "{folder}" /MIR /IS /COPY:DAT /R:2 /W:2',),
        (r'robocopy "{folder}" "{backup}" /E /L /NJH',),
        "Stop first whatever runs from {folder}. robocopy ends below 8, and the second line lists no file as new, "
        "newer, older or changed. Hashes are in {manifest}.",
    ),
    "folder.remove_copies": ByHand(
        expect="In {folder}, delete these files and no other, each only if its hash (certutil -hashfile FILE SHA256) "
        "is the one beside it: {files}."
    ),
    "config.restore": ByHand(
        (r'copy /y "{kept}" "{file}"',),
        (r'certutil -hashfile "{file}" SHA256',),
        "The hash is {sha256}.",
    ),
    "registry.prove": ByHand(
        expect="Each of {files} begins with Windows Registry Editor Version 5.00 and has the hash that was noted: "
        "{sha256}. These keys are in it: {keys}."
    ),
    "host.system_state": ByHand(
        look=("wbadmin get versions",),
        expect="The newest entry that can recover the system state is younger than {hours} hours; its version "
        "identifier is its time in UTC. To make one: wbadmin start systemstatebackup -backupTarget:DRIVE.",
        defaults={"hours": 168},
    ),
}

PUT_BACK_OLDER: Mapping[str, ByHand] = {
    "folder.restore": ByHand(
        (r'del /f /s /q /a "{folder}\*"', r'xcopy "{backup}" "{folder}" /E /I /H /K /R /Y /Q'),
        expect="Stop first whatever runs from {folder}. xcopy ends with 0, and every file has the same content (fc /b) "
        "as in {backup}. Hashes are in {manifest}.",
    ),
}
"""With the tools of Windows Server 2003."""
