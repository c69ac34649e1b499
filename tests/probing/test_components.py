"""What is made of answers of hosts: one component, one system, one list of clusters. Nothing is guessed."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from dataclasses import replace
from typing import Any, TypeVar

import pytest
from tests.support.scripted_host import ScriptedHost
from tests.support.windows_says import key, listed

from handrail.hosts.protocol import Exited, Lost
from handrail.model.detection import Detect, DetectSoftware, RegistryValue, UsedDatabase
from handrail.probing import clusters, components, software, systems
from handrail.probing.readings import Reading, Unread, Witness
from handrail.probing.shell import Undetermined

T = TypeVar("T")
LIST = "reg query HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Uninstall /s"
SHOP = Detect(uninstall=("Shop *",), but_not=("*Agent*",), folder="C:\\Shop", file="shop.exe")
CODE = "{11111111-2222-3333-4444-555555555555}"


def done(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


def host(wide: str = "", narrow: str = "", more: Mapping[str, Any] | None = None) -> ScriptedHost:
    """A host with these lists of products, 64 and 32 bit, where C:\\Shop\\shop.exe is there."""
    answers: dict[str, Any] = {f"{LIST} /reg:64": wide, f"{LIST} /reg:32": narrow, "cmd /c dir C:\\Shop\\shop.exe": 0}
    return ScriptedHost({**answers, **(more or {})})


def versioned(listed_as: str, file: str) -> ScriptedHost:
    return host(listed("Shop Server", listed_as), more={"script file-version C:\\Shop\\shop.exe": file})


def test_the_build_is_what_list_and_file_both_say() -> None:
    assert done(components.build_of(versioned("2.0.0.0", "2.0.0.0"), SHOP)) == "2.0.0.0"
    with pytest.raises(Undetermined, match=r"listed at 2\.0\.0\.0, and its shop\.exe is 1\.0\.0\.0"):
        done(components.build_of(versioned("2.0.0.0", "1.0.0.0"), SHOP))


def test_where_versions_of_files_cannot_be_read_the_list_tells_the_build() -> None:
    assert done(components.build_of(versioned("2.0.0.0", "no version"), SHOP)) == "2.0.0.0"


def test_what_only_a_file_tells_is_unknown_without_it() -> None:
    by_file = replace(SHOP, build="file")

    assert done(components.build_of(versioned("1.0.0.0", "1.0.7.0"), by_file)) == "1.0.7.0"
    with pytest.raises(Undetermined):
        done(components.build_of(versioned("1.0.0.0", "no version"), by_file))


def test_a_neighbour_in_the_list_is_not_it_and_without_its_file_it_is_not_there() -> None:
    assert not done(components.is_there(host(listed("Shop Agent", "2.0.0.0")), SHOP))
    gone = host(listed("Shop Server", "2.0.0.0"), more={"cmd /c dir C:\\Shop\\shop.exe": 1})
    assert not done(components.is_there(gone, SHOP))


def test_a_list_of_which_only_one_view_could_be_read_tells_nothing() -> None:
    half = host(listed("Shop Server", "2.0.0.0"), more={f"{LIST} /reg:32": Exited(5)})

    with pytest.raises(Undetermined):
        done(components.is_there(half, SHOP))


def test_the_view_tells_the_architecture() -> None:
    assert done(components.architecture_of(host(listed("Shop Server", "2.0.0.0")), SHOP)) == "x64"
    assert done(components.architecture_of(host("", listed("Shop Server", "2.0.0.0")), SHOP)) == "x86"


def test_registered_patches_are_named_by_their_own_names() -> None:
    packed = "HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Installer\\UserData\\S-1-5-18\\Products\\"
    packed += "11111111222233334444555555555555\\Patches"
    patched = host(
        listed("Shop Server", "2.0.0.0", CODE),
        more={f"reg query {packed} /s": key("HKEY_LOCAL_MACHINE\\X\\Patches\\ABC", {"DisplayName": "Hotfix KB1"})},
    )

    assert done(components.patches_of(patched, SHOP)) == ["Hotfix KB1"]


@pytest.mark.parametrize(
    ("account", "kind"),
    [
        ("LocalSystem", "local-system"),
        (r"NT AUTHORITY\SYSTEM", "local-system"),
        (r"NT AUTHORITY\NetworkService", "local"),
        (r"NT Service\MSSQLSERVER", "local"),
        (r".\svc", "local"),
        (r"CONTOSO\svc", "domain"),
        ("svc@contoso.com", "domain"),
        (r"CONTOSO\svc$", "gmsa"),
        ("svc$@contoso.com", "gmsa"),
    ],
)
def test_the_name_of_an_account_tells_its_kind(account: str, kind: str) -> None:
    assert components.kind_of(account) == kind


def test_accounts_are_one_whatever_their_spelling_but_not_whatever_their_name() -> None:
    assert components.is_same_account(r"CONTOSO\Svc", r"contoso\svc")
    assert components.is_same_account(r"CONTOSO\svc", "svc@contoso.com")
    assert components.is_same_account("LocalSystem", r"NT AUTHORITY\SYSTEM")
    assert not components.is_same_account(r"CONTOSO\svc", r"FABRIKAM\svc")
    assert not components.is_same_account(r"CONTOSO\svc", "other@contoso.com")


@pytest.mark.parametrize(
    ("server", "machine", "instance"),
    [
        ("sql01", "sql01", None),
        (r"SQL01\MIM", "SQL01", "MIM"),
        (r"tcp:sql01.contoso.com\MIM,1433", "sql01.contoso.com", "MIM"),
        (".", None, None),
        ("(local)", None, None),
        ("localhost", None, None),
        (r"APP01\X", None, "X"),
        ("app01", None, None),
        ("", None, None),
    ],
)
def test_a_server_is_a_machine_and_an_instance(server: str, machine: str | None, instance: str | None) -> None:
    assert components.machine_of(server, "app01.contoso.com") == (machine, instance)


def test_which_database_is_used_is_unknown_when_its_key_does_not_say() -> None:
    used = UsedDatabase("HKLM\\Shop", "Server", named="Shop")
    said = host(more={"reg query HKLM\\Shop": key("HKEY_LOCAL_MACHINE\\Shop", {"Server": r"sql01\A"})})

    assert done(components.database_of(said, used)) == components.Database(r"sql01\A", "sql01", "A", "Shop")
    for silent in (1, key("HKEY_LOCAL_MACHINE\\Shop", {"Other": "x"})):
        with pytest.raises(Undetermined):
            done(components.database_of(host(more={"reg query HKLM\\Shop": silent}), used))


def test_software_by_the_least_number_of_its_version() -> None:
    named = DetectSoftware(
        registry=RegistryValue("HKLM\\NDP", "Release"), versions={"460798": "4.7", "528040": "4.8", "533320": "4.8.1"}
    )

    def of(release: str) -> str | bool:
        said = f"\nHKEY_LOCAL_MACHINE\\NDP\n    Release    REG_DWORD    {release}\n"
        return done(software.version_of(ScriptedHost({"reg query HKLM\\NDP": said}), named))

    assert of(hex(528040)) == "4.8"
    assert of(hex(528372)) == "4.8"
    assert of(hex(533325)) == "4.8.1"
    assert of(hex(1)) is False
    assert done(software.version_of(ScriptedHost({"reg query HKLM\\NDP": 1}), named)) is False


def test_the_newest_of_several_is_the_version_and_none_is_absence() -> None:
    named = DetectSoftware(uninstall=("Driver *",))
    two = host(listed("Driver 18", "18.6.7.0", "a"), listed("Driver 19", "19.3.1.0", "b"))

    assert done(software.version_of(two, named)) == "19.3.1"
    assert done(software.version_of(host(), named)) is False


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ('ID=debian\nVERSION_ID="12"\n', "debian-12"),
        ('ID="rocky"\nVERSION_ID="9.4"\n', "rocky-9"),
        ("ID=ubuntu\nVERSION_ID='22.04'\n", "ubuntu-22.04"),
        ("ID=arch\n", "arch"),
        ("PRETTY_NAME=x\n", None),
    ],
)
def test_linux_calls_itself_as_estates_do(text: str, name: str | None) -> None:
    assert systems.linux_in(text) == name


def test_clusters_are_those_that_run_and_those_that_lie_about_each_once() -> None:
    text = "runs|/usr/lib/postgresql/15/bin|/data/a\nruns|/usr/lib/postgresql/15/bin|/data/a\nlies||/data/b\n"
    text += "lies|/usr/lib/postgresql/15/bin|/data/a\nhidden||\nprograms|/usr/lib/postgresql/17/bin|\n"

    found = clusters.found_in(text)

    assert [(one.data, one.runs, one.bin) for one in found.clusters] == [
        ("/data/a", True, "/usr/lib/postgresql/15/bin"),
        ("/data/b", False, ""),
    ]
    assert found.programs == ("/usr/lib/postgresql/15/bin", "/usr/lib/postgresql/17/bin")
    assert found.hidden


def test_a_witness_asks_once_and_says_by_what_it_knows() -> None:
    asked = host(listed("Shop Server", "2.0.0.0"))
    witness = Witness(asked)

    first = done(witness.probe(lambda: components.is_there(witness, SHOP)))
    again = done(witness.probe(lambda: components.is_there(witness, SHOP)))

    assert isinstance(first, Reading)
    assert isinstance(again, Reading)
    assert first.commands == again.commands
    assert len(first.commands) == len(asked.commands) == 3
    assert (first.host, first.value) == ("sync01", True)


def test_a_lost_line_is_silence_and_what_is_not_understood_is_not() -> None:
    lost, odd = (
        Witness(host(more={f"{LIST} /reg:64": Lost("gone")})),
        Witness(host(more={f"{LIST} /reg:64": Exited(5)})),
    )

    silent = done(lost.probe(lambda: components.is_there(lost, SHOP)))
    unclear = done(odd.probe(lambda: components.is_there(odd, SHOP)))

    assert isinstance(silent, Unread)
    assert silent.silent
    assert isinstance(unclear, Unread)
    assert not unclear.silent
    assert unclear.settle.startswith("reg query")


def test_a_probe_never_writes() -> None:
    with pytest.raises(AssertionError, match="a probe writes"):
        done(Witness(host()).write("C:\\x", b""))
