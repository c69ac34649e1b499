"""Windows Installer: done is what the list and the file say, whatever the exit code was."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support import virtual_time
from tests.support.scripted_host import Answer, ScriptedHost, receipt
from tests.support.windows_says import CODE, NO_KEY, UNINSTALL_32, UNINSTALL_64, installed, listed

from handrail.actions import build
from handrail.actions.exit_codes import INSTALLER, installer
from handrail.actions.installer import Install, Patch
from handrail.actions.installer_log import LIMIT, cause, kept, masked
from handrail.actions.protocol import ActFailed, InDoubt, Observation
from handrail.errors import BadInput
from handrail.hosts.protocol import Exited, Lost
from handrail.model.version import compared
from handrail.probing.reg_text import packed

NAME = "Microsoft Identity Manager Synchronization Service"
OLD, NEW = "4.6.673.0", "4.7.12.0"
FILE = "C:\\Sync\\Bin\\miiserver.exe"
GIVEN = "C:\\Patch\\sp3.log"
LOG = "C:\\Patch\\sp3-20261120-1-1.log"
PATCH = Patch(
    folder="E:\\Synchronization Service",
    patch="MIMSyncService_x64_KB5085154.msp",
    product="Microsoft Identity Manager Synchronization*",
    build=NEW,
    log=GIVEN,
    file=FILE,
)
LINE = (
    'msiexec /p "E:\\Synchronization Service\\MIMSyncService_x64_KB5085154.msp" REINSTALL=ALL REINSTALLMODE=emus '
    f"/qn /norestart /l*v {LOG}"
)
FILE_VERSION = f"script file-version {FILE}"
LOG_1603 = (
    "MSI (s) (A0:3C) [22:00:01:123]: Doing action: InstallFiles\n"
    "Error 1706. Please insert the disk: MIM-X22-20157\n"
    "MSI (s) (A0:3C): Product: MIM -- Installation failed.\n"
    "Action ended 22:00:02: InstallFiles. Return value 3.\n"
    "Action ended 22:00:02: INSTALL. Return value 3.\n"
)


def host_at(
    build: str | None, file: str | int | None, exits: int | None = None, log: str | None = None
) -> ScriptedHost:
    """A host where product and file are at these builds, and where the patch would end with `exits`."""
    answers: dict[str, Answer] = dict(installed(listed(NAME, build)) if build else installed())
    answers[FILE_VERSION] = 3 if file is None else (file + "\n" if isinstance(file, str) else file)
    answers["cmd /c mkdir C:\\Patch"] = 1  # the folder of the log is there already
    host = ScriptedHost(answers, jobs={LINE: exits if exits is not None else NotImplemented})
    if log is not None:
        host.files[LOG] = log.encode("utf-16")
    return host


@pytest.mark.parametrize(
    ("build", "file", "state"),
    [
        (NEW, NEW, "done"),
        (OLD, OLD, "not_done"),
        (NEW, OLD, "not_done"),
        (OLD, NEW, "not_done"),
        (NEW, None, "not_done"),
        (None, OLD, "not_done"),
        ("4.7.20.0", "4.7.20.0", "unknown"),
        ("not a version", OLD, "unknown"),
        (NEW, "garbage", "unknown"),
        (NEW, 1, "unknown"),
    ],
)
def test_a_build_is_installed_when_list_and_file_both_say_so(
    build: str | None, file: str | int | None, state: str
) -> None:
    host = host_at(build, file)

    assert virtual_time.run(PATCH.observe(host, receipt())).state == state
    assert not host.changing


def test_0_and_nothing_happened_is_caught() -> None:
    """A wrong baseline may end with 0 and change nothing."""
    host = host_at(OLD, OLD, exits=0)

    assert virtual_time.run(PATCH.act(host, receipt())).exit == 0
    seen = virtual_time.run(PATCH.observe(host, receipt()))
    assert (seen.state, seen.outputs["exit"]) == ("not_done", 0)


def test_0_with_a_new_entry_and_old_files_is_caught() -> None:
    host = host_at(NEW, OLD, exits=0)

    virtual_time.run(PATCH.act(host, receipt()))
    assert virtual_time.run(PATCH.observe(host, receipt())).state == "not_done"


def test_1603_and_it_happened_is_recognised() -> None:
    """A failure after everything was installed: acting says that it failed, observing says that it is there."""
    host = host_at(NEW, NEW, exits=1603, log=LOG_1603)

    with pytest.raises(ActFailed):
        virtual_time.run(PATCH.act(host, receipt()))
    seen = virtual_time.run(PATCH.observe(host, receipt()))
    assert (seen.state, seen.outputs["exit"]) == ("done", 1603)


@pytest.mark.parametrize(("code", "restart"), [(0, False), (3010, True), (1641, True)])
def test_a_restart_is_asked_for_by_the_exit_code_of_this_very_attempt(code: int, restart: bool) -> None:
    host = host_at(NEW, NEW, exits=code)

    assert virtual_time.run(PATCH.act(host, receipt())).outputs["reboot_required"] is restart
    assert virtual_time.run(PATCH.observe(host, receipt())).outputs["reboot_required"] is restart
    assert virtual_time.run(PATCH.observe(host, receipt(attempt=2))).outputs["reboot_required"] is False


def test_a_file_in_use_keeps_its_version_until_the_restart() -> None:
    host = host_at(NEW, OLD, exits=3010)

    virtual_time.run(PATCH.act(host, receipt()))
    seen = virtual_time.run(PATCH.observe(host, receipt()))
    assert seen.state == "done" and "restart" in seen.because


@pytest.mark.parametrize("code", sorted(set(INSTALLER) - {0, 1641, 3010}))
def test_every_other_code_says_what_it_means(code: int) -> None:
    with pytest.raises(ActFailed, match=str(code)) as failed:
        virtual_time.run(PATCH.act(host_at(OLD, OLD, exits=code), receipt()))

    assert installer(code).says in str(failed.value)
    assert failed.value.evidence.exit == code


def test_1603_carries_the_log_and_its_cause() -> None:
    with pytest.raises(ActFailed) as failed:
        virtual_time.run(PATCH.act(host_at(OLD, OLD, exits=1603, log=LOG_1603), receipt()))

    assert "insert the disk: MIM-X22-20157" in failed.value.evidence.log
    assert "Error 1706" in failed.value.evidence.details["cause"]
    assert "INSTALL. Return" not in failed.value.evidence.details["cause"]


def test_each_attempt_is_a_job_and_a_log_of_its_own() -> None:
    again = LINE.replace("-1.log", "-2.log")
    host = host_at(OLD, OLD)
    host.jobs = {LINE: 1603, again: 0}

    with pytest.raises(ActFailed):
        virtual_time.run(PATCH.act(host, receipt()))
    virtual_time.run(PATCH.act(host, receipt(attempt=2)))
    virtual_time.run(PATCH.act(host, receipt(attempt=2)))

    assert [one for one in host.commands if one.startswith("job: ")] == ["job: " + LINE, "job: " + again]


def test_a_patch_that_is_gone_without_exit_code_is_in_doubt() -> None:
    host = host_at(OLD, OLD)
    host.jobs = {LINE: Lost("the machine was switched off")}

    with pytest.raises(InDoubt, match="left no exit code"):
        virtual_time.run(PATCH.act(host, receipt()))
    assert virtual_time.run(PATCH.observe(host, receipt())).state == "not_done"


def test_one_view_of_the_list_is_not_enough_to_say_that_nothing_is_there() -> None:
    host = ScriptedHost({UNINSTALL_64: "\n", UNINSTALL_32: Exited(1, b"", b"ERROR: Access is denied.")}, otherwise=None)

    seen = virtual_time.run(build("installer.source", {"product": "X*"}).observe(host, receipt()))

    assert seen.state == "unknown" and "Access is denied" in seen.because


def test_two_products_that_fit_are_one_too_many() -> None:
    both = installed(listed(NAME, OLD), listed(NAME + " Language Pack", OLD, code="{0}"))
    seen = virtual_time.run(build("installer.source", {"product": "Microsoft*"}).observe(ScriptedHost(both), receipt()))

    assert seen.state == "unknown" and "2 products" in seen.because


@pytest.mark.parametrize(
    ("source", "path", "drive"),
    [
        ("E:\\Synchronization Service\\", "E:\\Synchronization Service", "E:"),
        ("e:\\", "e:\\", "E:"),
        ("\\\\files\\mim\\Sync\\", "\\\\files\\mim\\Sync", ""),
    ],
)
def test_where_a_product_was_installed_from(source: str, path: str, drive: str) -> None:
    code = packed(CODE)
    package = f"reg query HKLM\\SOFTWARE\\Classes\\Installer\\Products\\{code}\\SourceList /v PackageName"
    key = "\nHKEY_LOCAL_MACHINE\\X\n    PackageName    REG_SZ    Synchronization Service.msi\n"
    host = ScriptedHost({**installed(listed(NAME, OLD, source=source)), package: key})

    seen = virtual_time.run(build("installer.source", {"product": NAME}).observe(host, receipt()))

    assert seen.outputs == {
        "path": path,
        "drive": drive,
        "product_code": CODE,
        "build": OLD,
        "package": "Synchronization Service.msi",
    }


def test_a_product_without_source_or_package_name() -> None:
    package = f"reg query HKLM\\SOFTWARE\\Classes\\Installer\\Products\\{packed(CODE)}\\SourceList /v PackageName"
    without = ScriptedHost({**installed(listed(NAME, OLD, source=""))})
    nameless = ScriptedHost({**installed(listed(NAME, OLD)), package: NO_KEY})
    action = build("installer.source", {"product": NAME})

    assert virtual_time.run(action.observe(without, receipt())).state == "not_done"
    assert virtual_time.run(action.observe(nameless, receipt())).outputs["package"] is None


@pytest.mark.parametrize(
    ("says", "state"),
    [
        (f"ProductName=MIM\nProductVersion={OLD}\nProductCode={CODE}\n", "done"),
        (f"ProductName=MIM\nProductVersion={NEW}\nProductCode={CODE}\n", "not_done"),
        (3, "not_done"),
        ("ProductName=MIM\n", "unknown"),
        (1, "unknown"),
    ],
)
def test_a_package_is_checked_by_its_product_version(says: Answer, state: str) -> None:
    """A package of the next service pack under the same name is the failure that the guide warns of."""
    host = ScriptedHost({"script msi-version E:\\S\\a.msi": says})
    action = build("installer.check_package", {"folder": "E:\\S", "name": "a.msi", "version": OLD})

    assert virtual_time.run(action.observe(host, receipt())).state == state


def test_install_runs_the_package_itself() -> None:
    action = Install(package="C:\\m\\PCNS.msi", product="PCNS*", build=NEW, log=GIVEN)

    assert action.command(receipt()).argv == ("msiexec", "/i", "C:\\m\\PCNS.msi", "/qn", "/norestart", "/l*v", LOG)


@pytest.mark.parametrize("name", ["SERVICEPASSWORD", "SERVICE_ACCOUNT_PASSWORD", "sql_pwd"])
def test_a_password_is_no_property(name: str) -> None:
    with pytest.raises(BadInput, match=name) as refused:
        Install(package="C:\\a.msi", product="X", build=NEW, log=LOG, properties={name: "hunter2"})

    assert "hunter2" not in str(refused.value)


def test_a_patch_has_no_undo() -> None:
    assert PATCH.undo(Observation("not_done")) is None


def test_packed_codes() -> None:
    assert packed("{59518B15-FC64-4CF9-A4D1-0EE1B4A63088}") == "51B8159546CF9FC44A1DE01E4B6A0388"
    assert packed("MIM") is None


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("Property(S): SERVICEPASSWORD = hunter2", "Property(S): SERVICEPASSWORD = ***"),
        (
            'Command Line: SERVICE_ACCOUNT_PASSWORD="hunter 2" REBOOT=R',
            "Command Line: SERVICE_ACCOUNT_PASSWORD=*** REBOOT=R",
        ),
        (
            "PROPERTY CHANGE: Adding SQLPWD property. Its value is 'hunter2'.",
            "PROPERTY CHANGE: Adding SQLPWD property. Its value is ***.",
        ),
    ],
)
def test_a_log_that_repeats_passwords_is_masked(text: str, hidden: str) -> None:
    assert masked(text) == hidden


def test_of_a_long_log_the_telling_lines_and_the_end_are_kept() -> None:
    text = "insert the disk: LABEL-1\n" + "nothing\n" * LIMIT + "the end"

    assert "LABEL-1" in kept(text) and kept(text).endswith("the end")
    assert len(kept(text)) < LIMIT * 1.2


@given(st.text())
def test_reading_a_log_never_fails(text: str) -> None:
    assert isinstance(cause(text) + kept(text), str)


@given(st.text(max_size=30), st.text(max_size=30))
def test_comparing_what_is_no_version_says_so(one: str, other: str) -> None:
    assert compared(one, other) in (None, -1, 0, 1)


def test_versions_compare_as_numbers() -> None:
    assert compared("4.6.34.0", "4.6.258.0") == -1
    assert compared("4.6.673", "4.6.673.0") == 0
