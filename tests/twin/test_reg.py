"""The registry and `reg`."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.twins import PRODUCTS, UNINSTALL, Console, a_twin

from handrail.errors import NotRehearsed
from handrail.twin.mechanisms import installer, registry
from handrail.twin.things import Key
from handrail.twin.tools import reg_files

KEY = "HKLM\\SOFTWARE\\Contoso"


def test_a_value_is_printed_as_windows_prints_it() -> None:
    text = Console(a_twin())(
        "reg", "query", "HKLM\\SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion", "/v", "CurrentBuildNumber"
    ).text

    assert text == (
        "\r\nHKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion\r\n"
        "    CurrentBuildNumber    REG_SZ    17763\r\n\r\n"
    )


@pytest.mark.parametrize("arguments", [(KEY,), ("HKLM\\SOFTWARE", "/v", "nothing")])
def test_what_is_not_there_is_1_on_standard_error(arguments: tuple[str, ...]) -> None:
    answer = Console(a_twin())("reg", "query", *arguments)

    assert (answer.code, answer.text) == (1, "")
    assert answer.error_text.startswith("ERROR: The system was unable to find")


def test_the_32_bit_view_shows_its_own_keys_under_the_same_path() -> None:
    console = Console(a_twin())
    old, new = (console("reg", "query", UNINSTALL, "/s", f"/reg:{view}").text for view in (32, 64))

    assert "Visual C++" in old and "Visual C++" not in new
    assert "WOW6432Node" not in old
    assert "Microsoft Identity Manager" in new and "Microsoft Identity Manager" not in old


def test_what_both_views_share_is_seen_in_both() -> None:
    console = Console(a_twin())
    assert (
        console("reg", "query", PRODUCTS, "/s", "/reg:32").text
        == console("reg", "query", PRODUCTS, "/s", "/reg:64").text
    )


def test_a_search_tells_how_much_it_found() -> None:
    console = Console(a_twin())
    found = console("reg", "query", PRODUCTS, "/s", "/f", "Synchronization Service.msi", "/d")
    missing = console("reg", "query", PRODUCTS, "/s", "/f", "no such thing", "/d")

    assert (found.code, missing.code) == (0, 1)
    assert found.text.endswith("End of search: 1 match(es) found.\r\n")
    assert missing.text.strip() == "End of search: 0 match(es) found."


def test_values_are_added_and_removed_one_by_one() -> None:
    console = Console(a_twin())
    console("reg", "add", KEY, "/v", "Name", "/t", "REG_SZ", "/d", "one two", "/f")
    console("reg", "add", KEY, "/v", "Number", "/t", "REG_DWORD", "/d", "16", "/f")

    text = console("reg", "query", KEY).text
    assert "    Name    REG_SZ    one two\r\n    Number    REG_DWORD    0x10\r\n" in text
    assert console("reg", "delete", KEY, "/v", "Name", "/f").code == 0
    assert console("reg", "delete", KEY, "/v", "Name", "/f").code == 1
    assert console("reg", "query", KEY, "/v", "Number").code == 0
    assert console("reg", "delete", KEY, "/f").code == 0
    assert console("reg", "query", KEY).code == 1


def test_setting_what_is_set_is_no_effect() -> None:
    console = Console(a_twin())
    for _ in range(2):
        console("reg", "add", KEY, "/v", "Name", "/d", "one", "/f")

    assert len(console.twin.effects()) == 1


def test_an_export_brings_back_what_was_removed() -> None:
    console = Console(a_twin())
    before = console("reg", "query", PRODUCTS, "/s").text
    assert console("reg", "export", PRODUCTS, "C:\\products.reg", "/y").code == 0
    console("reg", "delete", PRODUCTS, "/f")

    assert console("reg", "import", "C:\\products.reg").code == 0
    assert console("reg", "query", PRODUCTS, "/s").text == before


def test_an_export_into_nowhere_or_over_a_file_is_refused() -> None:
    console = Console(a_twin())

    assert console("reg", "export", PRODUCTS, "C:\\nowhere\\a.reg", "/y").code == 1
    assert console("reg", "import", "C:\\nothing.reg").code == 1
    assert console("reg", "import", "C:\\Media\\sp3.msp").code == 1


@pytest.mark.parametrize("argv", [("save", PRODUCTS, "x"), ("delete", PRODUCTS), ("query", PRODUCTS, "/z")])
def test_what_would_ask_or_is_unknown_is_not_rehearsed(argv: tuple[str, ...]) -> None:
    with pytest.raises(NotRehearsed):
        Console(a_twin())("reg", *argv)


def test_a_product_code_is_packed_as_windows_installer_does() -> None:
    assert installer.packed("{59518B15-FC64-4CF9-A4D1-0EE1B4A63088}") == "51B8159546CF9FC44A1DE01E4B6A0388"


TEXTS = st.text(st.characters(codec="utf-16", exclude_characters="\0\r\n"), max_size=20)
VALUES = st.one_of(
    st.tuples(st.sampled_from(["REG_SZ", "REG_EXPAND_SZ"]), TEXTS),
    st.integers(0, 2**32 - 1).map(registry.number),
    st.lists(TEXTS.filter(lambda text: text and "\\" not in text), max_size=3).map(registry.lines),
)


@settings(max_examples=30, deadline=None)
@given(st.dictionaries(TEXTS, VALUES, max_size=4))
def test_every_exported_value_is_read_back_as_it_was(values: dict[str, registry.Value]) -> None:
    data = reg_files.write([("HKEY_LOCAL_MACHINE\\SOFTWARE\\X", Key("HKEY_LOCAL_MACHINE\\SOFTWARE\\X", values))])

    assert reg_files.read(data) == [("HKEY_LOCAL_MACHINE\\SOFTWARE\\X", values)]
