"""Registry, SQL Server, key sets, management agents: what was made by this attempt, and what is there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support import virtual_time
from tests.support.scripted_host import Answer, ScriptedHost, receipt
from tests.support.windows_says import NO_KEY, key, table, tree

from handrail.actions import build
from handrail.actions.protocol import ActFailed, InDoubt, Observation
from handrail.actions.receipts import folder_below, path
from handrail.actions.registry import ImportKeys, numbered
from handrail.actions.sync import names_in, returned
from handrail.errors import BadInput
from handrail.hosts.protocol import Exited, Lost
from handrail.probing.reg_text import Value, fits, number, products_in, values_in
from handrail.probing.sql_text import messages_in, rows_in

PRODUCTS = "HKLM\\SOFTWARE\\Classes\\Installer\\Products"
LABEL = "MIM-X22-20157"
ABOVE = "HKEY_LOCAL_MACHINE\\SOFTWARE\\Classes\\Installer\\Products\\5A7C\\SourceList\\Media"
FOUND = key(ABOVE, {"DiskPrompt": f"Disk {LABEL}", "1": f"{LABEL};1", "2": "Another;1"})
SEARCH = f"reg query {PRODUCTS} /s /f {LABEL} /d"
REMOVE = {"root": PRODUCTS, "data": LABEL, "backup": "D:\\Backup\\label.reg"}
NO_MATCH = Exited(1, b"End of search: 0 match(es) found.\r\n")


def observed(uses: str, with_: Mapping[str, Any], answers: Mapping[str, Answer | list[Answer]]) -> Observation:
    return virtual_time.run(build(uses, with_).observe(ScriptedHost(answers), receipt()))


@pytest.mark.parametrize(
    ("says", "state", "values"),
    [
        (FOUND, "not_done", [f"{ABOVE}\\DiskPrompt", f"{ABOVE}\\1"]),
        (NO_MATCH, "done", []),
        (Exited(1, "Ende der Suche: 0 Übereinstimmung(en) gefunden.".encode("cp437")), "done", []),
        (NO_KEY, "unknown", None),
        ("", "unknown", None),
        (Exited(1, b"", b"ERROR: Access is denied."), "unknown", None),
    ],
)
def test_only_values_that_carry_the_label_are_meant(says: Answer, state: str, values: list[str] | None) -> None:
    seen = observed("registry.remove_values", REMOVE, {SEARCH: says})

    assert seen.state == state
    assert seen.evidence.get("values") == values


def test_values_are_exported_before_they_are_removed() -> None:
    export = f"reg export {ABOVE} D:\\Backup\\label.reg /y"
    removed = [f"reg delete {ABOVE} /v {name} /f" for name in ("DiskPrompt", "1")]
    host = ScriptedHost(
        {"cmd /c mkdir D:\\Backup": 0, SEARCH: FOUND, export: 0, **dict.fromkeys(removed, 0)},
        {"D:\\Backup\\label.reg": b"Windows Registry Editor Version 5.00"},
    )

    virtual_time.run(build("registry.remove_values", REMOVE).act(host, receipt()))

    assert host.commands == [SEARCH, "cmd /c mkdir D:\\Backup", export, *removed]


def test_nothing_is_removed_when_the_export_left_no_file() -> None:
    export = f"reg export {ABOVE} D:\\Backup\\label.reg /y"
    host = ScriptedHost({"cmd /c mkdir D:\\Backup": 0, SEARCH: FOUND, export: 0})

    with pytest.raises(ActFailed, match="is not there"):
        virtual_time.run(build("registry.remove_values", REMOVE).act(host, receipt()))
    assert not [one for one in host.commands if "delete" in one]


def test_removed_values_come_back_from_their_export() -> None:
    action = build("registry.remove_values", REMOVE)
    before = observed("registry.remove_values", REMOVE, {SEARCH: FOUND})

    assert action.undo(before) == ImportKeys(("D:\\Backup\\label.reg",))
    assert action.undo(Observation("done")) is None


@pytest.mark.parametrize("label", ["", " ", "E:", "   x "])
def test_a_label_that_could_be_anything_is_refused(label: str) -> None:
    with pytest.raises(BadInput):
        build("registry.remove_values", {**REMOVE, "data": label})


def test_a_default_value_is_removed_as_such() -> None:
    found = key(ABOVE, {"(Default)": LABEL})
    host = ScriptedHost(
        {
            "cmd /c mkdir D:\\Backup": 0,
            SEARCH: found,
            f"reg export {ABOVE} D:\\Backup\\label.reg /y": 0,
            f"reg delete {ABOVE} /ve /f": 0,
        },
        {"D:\\Backup\\label.reg": b"x"},
    )

    virtual_time.run(build("registry.remove_values", REMOVE).act(host, receipt()))


def test_exported_keys_are_this_attempts() -> None:
    with_ = {"keys": ["HKLM\\A", "HKLM\\B"], "file": "D:\\k.reg"}
    exports = {f"reg export HKLM\\{one} D:\\k-{at}.reg /y": 0 for at, one in ((1, "A"), (2, "B"))}
    host = ScriptedHost({"cmd /c mkdir D:\\": 1, **exports}, {"D:\\k-1.reg": b"a", "D:\\k-2.reg": b"b"})
    action = build("registry.export", with_)

    assert virtual_time.run(action.observe(host, receipt())).state == "not_done"
    virtual_time.run(action.act(host, receipt()))
    assert virtual_time.run(action.observe(host, receipt())).outputs["files"] == ["D:\\k-1.reg", "D:\\k-2.reg"]
    assert virtual_time.run(action.observe(host, receipt(attempt=2))).state == "not_done"
    host.files["D:\\k-2.reg"] = b"other"
    assert virtual_time.run(action.observe(host, receipt())).state == "not_done"


def test_a_damaged_receipt_is_no_receipt() -> None:
    host = ScriptedHost(files={path(receipt()): b'{"receipt": "another"}'})
    action = build("registry.import", {"files": ["D:\\k.reg"]})

    assert virtual_time.run(action.observe(host, receipt())).state == "unknown"


def sqlcmd(query: str, server: str = "sql01") -> str:
    return f"sqlcmd -S {server} -E -b -W -w 65535 -s | -Q {query}"


DB = {"server": "sql01", "database": "FIMService"}
FOLDER = folder_below("D:\\Backup", receipt())
FILE = f"{FOLDER}\\FIMService-{'x' * 8}.bak"
MISSING = Exited(1, b"Msg 3201, Level 16, State 2, Server SQL01, Line 1\r\nCannot open backup device. error 2(...)\r\n")
LOGIN = Exited(1, b"", b"Sqlcmd: Error: Login failed for user 'CONTOSO\\upgrade'.")


def header(database: str = "FIMService", name: str = "NULL") -> str:
    return table("BackupName|BackupType|DatabaseName|BackupFinishDate", f"{name}|1|{database}|2026-11-20 22:01:02.000")


def the_file() -> str:
    seen = virtual_time.run(
        build("sqlserver.backup", {**DB, "to": "D:\\Backup"}).observe(ScriptedHost(otherwise=MISSING), receipt())
    )
    return str(seen.evidence["file"])


@pytest.mark.parametrize(
    ("says", "state"),
    [
        (header(), "done"),
        (header("FIMSynchronizationService"), "not_done"),
        (header(name="*** INCOMPLETE ***"), "not_done"),
        (MISSING, "not_done"),
        (Exited(1, b"Meldung 3201, Ebene 16, Status 2, Server SQL01, Zeile 1"), "not_done"),
        (LOGIN, "unknown"),
        ("", "unknown"),
        ("garbage\n-----\n", "unknown"),
    ],
)
def test_a_database_is_backed_up_when_the_server_reads_the_header_of_this_attempts_file(
    says: Answer, state: str
) -> None:
    file = the_file()
    assert file.startswith(FOLDER)
    answers = {
        sqlcmd(f"RESTORE HEADERONLY FROM DISK = N'{file}'"): says,
        sqlcmd("SELECT is_broker_enabled FROM sys.databases WHERE name = N'FIMService'"): table(
            "is_broker_enabled", "1"
        ),
    }

    seen = observed("sqlserver.backup", {**DB, "to": "D:\\Backup"}, answers)

    assert seen.state == state
    if state == "done":
        assert seen.outputs == {
            "file": file,
            "finished": "2026-11-20 22:01:02.000",
            "backup_set": None,
            "broker": True,
            "bytes": None,
            "made_at": "2026-11-20T22:00:00Z",
        }


def test_a_backup_is_made_with_checksums_and_apart_from_regular_ones() -> None:
    file = the_file()
    made = sqlcmd(f"EXECUTE master.sys.xp_create_subdir N'{FOLDER}'")
    taken = sqlcmd(f"BACKUP DATABASE [FIMService] TO DISK = N'{file}' WITH CHECKSUM, COPY_ONLY, INIT")
    host = ScriptedHost({made: 0, taken: 0})

    virtual_time.run(build("sqlserver.backup", {**DB, "to": "D:\\Backup"}).act(host, receipt()))

    assert host.commands == [made, taken]


def test_names_are_quoted_for_the_server() -> None:
    host = ScriptedHost(otherwise=Exited(0))

    virtual_time.run(
        build("sqlserver.backup", {"server": "s", "database": "a]b'c", "to": "D:\\it's"}).act(host, receipt())
    )

    assert "N'D:\\it''s\\" in host.commands[0]
    assert "BACKUP DATABASE [a]]b'c] TO" in host.commands[1]


@pytest.mark.parametrize(
    ("head", "verify", "state"),
    [
        (header(), 0, "done"),
        (header(), 1, "not_done"),
        (header("Other"), 0, "not_done"),
        (MISSING, 0, "not_done"),
        (LOGIN, 0, "unknown"),
        (header(), Lost("gone"), "unknown"),
    ],
)
def test_a_backup_is_proved_by_reading_all_of_it(head: Answer, verify: Answer, state: str) -> None:
    answers = {
        sqlcmd("RESTORE HEADERONLY FROM DISK = N'D:\\a.bak'"): head,
        sqlcmd("RESTORE VERIFYONLY FROM DISK = N'D:\\a.bak' WITH CHECKSUM"): verify,
    }

    assert observed("sqlserver.prove", {**DB, "file": "D:\\a.bak"}, answers).state == state


@pytest.mark.parametrize(
    ("says", "state"),
    [
        (table("state_desc", "ONLINE"), "done"),
        (table("state_desc", "RESTORING"), "not_done"),
        (table("state_desc"), "not_done"),
        (LOGIN, "unknown"),
        ("", "unknown"),
    ],
)
def test_a_database_is_online_when_the_server_says_so(says: Answer, state: str) -> None:
    query = sqlcmd("SELECT state_desc FROM sys.databases WHERE name = N'FIMService'")

    assert observed("sqlserver.online", DB, {query: says}).state == state


KEYS = {"tool": "C:\\Sync\\miiskmu.exe", "to": "D:\\Backup", "account": "C\\svc", "password": "env:KEY"}
KEY_FILE = f"{FOLDER}\\keys.bin"
EXPORT = f"C:\\Sync\\miiskmu.exe /e {KEY_FILE} /u:C\\svc *"


def test_keys_are_exported_with_a_password_that_is_typed() -> None:
    host = ScriptedHost({f"cmd /c mkdir {FOLDER}": 0, EXPORT: 0, f"script hash-tree {KEY_FILE}": tree(keys__bin="a")})
    action = build("keys.export", KEYS)

    assert virtual_time.run(action.observe(host, receipt())).state == "not_done"
    virtual_time.run(action.act(host, receipt(KEY="hunter2")))
    done = virtual_time.run(action.observe(host, receipt()))

    moment = "2026-11-20T22:00:00Z"
    assert done.outputs == {"file": KEY_FILE, "sha256": "a" * 64, "bytes": 1, "made_at": moment}
    assert host.stdin == [b"hunter2\r\n"]
    assert "hunter2" not in str(host.commands) + str(host.files) + str(done)
    assert virtual_time.run(action.observe(host, receipt(attempt=2))).state == "not_done"


def test_a_tool_that_repeats_the_password_does_not_get_it_into_the_evidence() -> None:
    host = ScriptedHost({f"cmd /c mkdir {FOLDER}": 0, EXPORT: Exited(1, b"Enter password: hunter2\r\nAccess denied")})

    with pytest.raises(ActFailed, match="Access denied") as failed:
        virtual_time.run(build("keys.export", KEYS).act(host, receipt(KEY="hunter2")))
    assert "hunter2" not in str(failed.value) + str(failed.value.evidence)


@pytest.mark.parametrize("hashed", [3, "a" * 64 + "|0|keys.bin\n"])
def test_a_key_tool_that_says_0_and_wrote_nothing_is_caught(hashed: Answer) -> None:
    host = ScriptedHost({f"cmd /c mkdir {FOLDER}": 0, EXPORT: 0, f"script hash-tree {KEY_FILE}": hashed})
    action = build("keys.export", KEYS)

    with pytest.raises(ActFailed, match="is not there"):
        virtual_time.run(action.act(host, receipt(KEY="hunter2")))
    assert virtual_time.run(action.observe(host, receipt())).state == "not_done"


def test_without_a_password_none_is_typed() -> None:
    """A managed account has none."""
    host = ScriptedHost(
        {
            f"cmd /c mkdir {FOLDER}": 0,
            EXPORT.removesuffix(" *"): 0,
            f"script hash-tree {KEY_FILE}": tree(keys__bin="a"),
        }
    )

    virtual_time.run(build("keys.export", {**KEYS, "password": None}).act(host, receipt()))

    assert host.stdin == []


@pytest.mark.parametrize(
    ("hashed", "state"),
    [
        (tree(keys__bin="a"), "done"),
        (tree(keys__bin="b"), "not_done"),
        ("a" * 64 + "|0|keys.bin\n", "not_done"),
        (3, "not_done"),
        ("garbage", "unknown"),
    ],
)
def test_keys_are_proved_byte_for_byte(hashed: Answer, state: str) -> None:
    with_ = {"file": "D:\\keys.bin", "sha256": "A" * 64}

    assert observed("keys.prove", with_, {"script hash-tree D:\\keys.bin": hashed}).state == state


WMIC = "wmic /namespace:\\\\root\\MicrosoftIdentityIntegrationServer path MIIS_ManagementAgent"
NAMES = "\r\r\n\r\r\nName=HR\r\r\n\r\r\n\r\r\nName=AD Contoso\r\r\n"


def executed(result: str) -> str:
    says = "Executing\nMethod execution successful.\nOut Parameters:\ninstance of __PARAMETERS\n"
    return f'{says}{{\n\tReturnValue = "{result}";\n}};\n'


@pytest.mark.parametrize(
    ("agents", "says", "state"),
    [
        ([], NAMES, "done"),
        (["HR"], NAMES, "done"),
        (["HR", "Payroll"], NAMES, "not_done"),
        ([], "No Instance(s) Available.", "not_done"),
        (["HR"], Exited(2147749902, b"", b"ERROR: Description = Invalid namespace"), "unknown"),
    ],
)
def test_agents_load(agents: list[str], says: Answer, state: str) -> None:
    answer = {WMIC + " get Name /value": Exited(0, says.encode("utf-16")) if isinstance(says, str) else says}

    assert observed("sync.agents", {"agents": agents}, answer).state == state


def test_an_import_of_all_agents_succeeds_when_each_does() -> None:
    runs = {f"{WMIC} where Name='{one}' call Execute Full Import": executed("success") for one in ("HR", "AD Contoso")}
    host = ScriptedHost({WMIC + " get Name /value": NAMES, **runs})
    action = build("sync.import", {"profile": "Full Import"})

    assert virtual_time.run(action.observe(host, receipt())).state == "not_done"
    virtual_time.run(action.act(host, receipt()))
    seen = virtual_time.run(action.observe(host, receipt()))
    assert seen.outputs["results"] == {"HR": "success", "AD Contoso": "success"}


@pytest.mark.parametrize(
    "says", [executed("stopped-extension-dll-load"), "", Exited(1), executed("completed-no-objects")]
)
def test_an_import_that_ends_otherwise_failed(says: Answer) -> None:
    host = ScriptedHost({f"{WMIC} where Name='HR' call Execute Full Import": says})
    action = build("sync.import", {"profile": "Full Import", "agents": ["HR"]})

    with pytest.raises(ActFailed):
        virtual_time.run(action.act(host, receipt()))
    assert virtual_time.run(action.observe(host, receipt())).state == "not_done"


def test_an_import_whose_answer_was_lost_is_in_doubt() -> None:
    host = ScriptedHost({f"{WMIC} where Name='HR' call Execute Full Import": Lost("gone")})

    with pytest.raises(InDoubt):
        virtual_time.run(build("sync.import", {"profile": "Full Import", "agents": ["HR"]}).act(host, receipt()))


@given(st.text())
def test_reading_what_tools_print_never_fails(text: str) -> None:
    products_in(text)
    rows_in(text)
    messages_in(text)
    names_in(text)
    returned(text)


@given(st.text(), st.text())
def test_a_pattern_never_fails(name: str, pattern: str) -> None:
    assert fits(name, pattern) in (True, False)


def test_patterns_know_the_star_alone() -> None:
    assert fits("Microsoft Identity Manager [x]", "microsoft*[x]")
    assert not fits("Microsoft Identity Manager", "Microsoft?Identity*")
    assert fits("a?b", "a?b")


def test_registry_values() -> None:
    text = key("HKEY_LOCAL_MACHINE\\X", {"Name with  blanks": "data    with    blanks", "Empty": ""})
    empty = "\nHKEY_LOCAL_MACHINE\\Y\n    Nothing    REG_SZ\n"

    assert [(one.name, one.data) for one in values_in(text + empty)] == [
        ("Name with  blanks", "data    with    blanks"),
        ("Empty", ""),
        ("Nothing", ""),
    ]
    assert number(Value("k", "n", "REG_DWORD", "0x80eb1")) == 528049
    assert number(Value("k", "n", "REG_DWORD", "zz")) is None


def test_one_file_for_each_key() -> None:
    assert numbered("D:\\a.reg", 1) == ["D:\\a.reg"]
    assert numbered("D:\\a.reg", 2) == ["D:\\a-1.reg", "D:\\a-2.reg"]
