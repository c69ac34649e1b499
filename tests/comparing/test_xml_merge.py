"""The three-way merge of .config files: what it keeps, joins, and asks; and its laws for any three files."""

from __future__ import annotations

from xml.sax.saxutils import quoteattr

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handrail.comparing.config_merge import decided, losses, merge
from handrail.comparing.fates import Fate, counted, questions
from handrail.comparing.xml_merge import Merged
from handrail.errors import BadInput

ASSEMBLY = "Microsoft.MetadirectoryServicesEx"
TOKEN = "31bf3856ad364e35"
NAME = "miiserver.exe.config"


def a_redirect(old: str, new: str, name: str = ASSEMBLY, token: str = TOKEN) -> str:
    return f"""      <dependentAssembly>
        <assemblyIdentity name="{name}" publicKeyToken="{token}" culture="neutral" />
        <bindingRedirect oldVersion="{old}" newVersion="{new}" />
      </dependentAssembly>
"""


def a_config(redirects: str = "", add: str = "", more: str = "", before: str = "") -> bytes:
    runtime = f"""  <runtime>
    <assemblyBinding xmlns="urn:schemas-microsoft-com:asm.v1">
{redirects}    </assemblyBinding>
  </runtime>
"""
    return f"""<?xml version="1.0" encoding="utf-8"?>
<configuration>
{before}  <appSettings>
    <add key="PollInterval" value="10" />
{add}  </appSettings>
{more}{runtime}</configuration>
""".encode()


OLD = a_config(a_redirect("3.3.0.0-4.1.3.0", "4.1.4.0"))
NEW = a_config(a_redirect("3.3.0.0-4.1.4.0", "4.1.5.0"))


def fates(merged: Merged) -> dict[str, str]:
    return {one.item: one.fate for one in merged.fates}


def test_a_file_that_nobody_customised_becomes_what_ships_now() -> None:
    assert merge(OLD, OLD, NEW, NAME) == Merged(NEW, ())


def test_a_file_that_does_not_change_stays_as_it_was_customised() -> None:
    mine = a_config(a_redirect("3.3.0.0-4.1.3.0", "4.1.4.0"), '    <add key="Timeout" value="30"/>\n')

    assert merge(OLD, mine, OLD, NAME).data == mine


def test_an_added_setting_and_the_new_redirect_both_stand_in_the_result_and_the_rest_keeps_its_looks() -> None:
    mine = a_config(
        a_redirect("3.3.0.0-4.1.3.0", "4.1.4.0"), '    <!-- ours -->\n    <add key="Timeout" value="30" />\n'
    )
    merged = merge(OLD, mine, NEW, NAME)

    assert merged.data == a_config(
        a_redirect("3.3.0.0-4.1.4.0", "4.1.5.0"), '    <!-- ours -->\n    <add key="Timeout" value="30" />\n'
    )
    assert fates(merged) == {"appSettings/comment": "carried", "appSettings/add[key=Timeout]": "carried"}


def test_a_new_redirect_that_an_edited_file_lacks_is_put_in() -> None:
    """E4, the way it goes wrong with an installer that keeps edited files."""
    mine = a_config("", '    <add key="Timeout" value="30" />\n')
    merged = merge(a_config(), mine, NEW, NAME)

    assert b'newVersion="4.1.5.0"' in merged.data
    assert b'key="Timeout"' in merged.data
    assert not merged.needs_person


def test_a_redirect_of_ones_own_survives_an_installer_that_overwrites() -> None:
    """E4, the other way."""
    own = a_redirect("0.0.0.0-12.0.0.0", "13.0.0.0", "Newtonsoft.Json", "30ad4fe6b2a6aeed")
    mine = a_config(a_redirect("3.3.0.0-4.1.3.0", "4.1.4.0") + own)
    merged = merge(OLD, mine, NEW, NAME)

    assert merged.data == a_config(a_redirect("3.3.0.0-4.1.4.0", "4.1.5.0") + own)
    assert fates(merged) == {"redirect of Newtonsoft.Json (30ad4fe6b2a6aeed)": "carried"}


@pytest.mark.parametrize(
    ("mine", "becomes", "fate"),
    [
        (("2.0.0.0-4.1.3.0", "4.1.4.0"), ("2.0.0.0-4.1.4.0", "4.1.5.0"), "merged"),  # a wider range of one's own
        (("3.3.0.0-4.1.2.0", "4.1.3.0"), ("3.3.0.0-4.1.4.0", "4.1.5.0"), "dropped"),  # what ships goes farther
        (("3.3.0.0-4.1.9.0", "4.1.10.0"), ("3.3.0.0-4.1.9.0", "4.1.10.0"), "merged"),  # 10 is more than 5
        (("3.3.0.0-4.1.4.0", "4.1.5.0"), ("3.3.0.0-4.1.4.0", "4.1.5.0"), "carried"),  # done by hand already
    ],
)
def test_redirects_that_both_changed_are_joined_by_range_and_version(
    mine: tuple[str, str], becomes: tuple[str, str], fate: str
) -> None:
    merged = merge(OLD, a_config(a_redirect(*mine)), NEW, NAME)

    assert merged.data == a_config(a_redirect(*becomes))
    assert fates(merged) == {f"redirect of {ASSEMBLY} ({TOKEN})": fate}


def test_an_assembly_is_the_same_by_name_token_and_culture_whatever_their_case() -> None:
    mine = OLD.replace(ASSEMBLY.encode(), ASSEMBLY.upper().encode()).replace(b' culture="neutral"', b"")
    other_token = a_config(a_redirect("3.3.0.0-4.1.3.0", "4.1.4.0") + a_redirect("1.0.0.0", "2.0.0.0", token="0" * 16))

    assert merge(OLD, mine, NEW, NAME).data.count(b"bindingRedirect") == 1
    assert merge(OLD, other_token, NEW, NAME).data.count(b"bindingRedirect") == 2


def test_a_redirect_that_was_taken_out_and_ships_changed_needs_a_person_and_stays_in_the_proposal() -> None:
    merged = merge(OLD, a_config(), NEW, NAME)

    assert merged.needs_person
    assert b'newVersion="4.1.5.0"' in merged.data


def test_a_value_that_both_changed_needs_a_person_and_the_proposal_has_the_customised_one() -> None:
    mine, new = (OLD.replace(b'value="10"', b'value="%d"' % number) for number in (25, 60))
    merged = merge(OLD, mine, new, NAME)

    assert merged.data == mine
    assert questions(merged.fates) == [
        f"{NAME}: appSettings/add[key=PollInterval]/@value: what ships now has '60' Yours: 25. "
        "Decide what stands there, and write it."
    ]


def test_two_attributes_of_one_element_changed_by_two_sides_both_stand() -> None:
    base, mine, new = (
        a_config(more=f'  <trace level="{level}" file="{file}" />\n')
        for level, file in (("1", "a"), ("2", "a"), ("1", "b"))
    )
    merged = merge(base, mine, new, NAME)

    assert merged.data == a_config(more='  <trace level="2" file="b" />\n')
    assert fates(merged) == {"trace/@level": "carried"}


def test_a_setting_that_was_taken_out_stays_out_unless_it_changed() -> None:
    with_it = a_config(add='    <add key="Old" value="1" />\n')
    changed = a_config(add='    <add key="Old" value="2" />\n')

    assert merge(with_it, a_config(), with_it, NAME).data == a_config()
    assert merge(with_it, a_config(), changed, NAME).needs_person


def test_a_changed_setting_that_does_not_ship_any_more_needs_a_person() -> None:
    base, mine = (a_config(add=f'    <add key="Old" value="{value}" />\n') for value in (1, 2))

    assert merge(base, mine, a_config(), NAME).needs_person


def test_a_custom_section_and_its_declaration_come_along() -> None:
    sections = '  <configSections>\n    <section name="our" type="Our.Section" />\n  </configSections>\n'
    mine = a_config(before=sections, more='  <our><rule id="1">yes</rule></our>\n')
    merged = merge(a_config(), mine, NEW, NAME)

    assert merged.data.index(b"<configSections>") < merged.data.index(b"<appSettings>")
    assert b'<our><rule id="1">yes</rule></our>' in merged.data
    assert set(fates(merged).values()) == {"carried"}


def test_rules_in_another_order_keep_it() -> None:
    def rules(*names: str) -> bytes:
        return a_config(
            more="  <authorization>\n" + "".join(f'    <allow users="{n}" />\n' for n in names) + "  </authorization>\n"
        )

    merged = merge(rules("a", "b", "c"), rules("c", "a", "b"), rules("a", "b", "c", "d"), NAME)

    assert merged.data == rules("c", "a", "b", "d")
    assert fates(merged) == {"authorization: order": "carried"}
    assert merge(rules("a", "b", "c"), rules("c", "a", "b"), rules("b", "a", "c"), NAME).needs_person


def test_without_the_old_stock_differences_need_a_person_but_redirects_do_not() -> None:
    mine = a_config(a_redirect("3.0.0.0-4.1.3.0", "4.1.4.0"), '    <add key="Timeout" value="30" />\n')
    merged = merge(None, mine, NEW, NAME)

    assert fates(merged) == {
        "appSettings/add[key=Timeout]": "needs-a-person",
        f"redirect of {ASSEMBLY} ({TOKEN})": "merged",
    }
    assert merge(None, NEW, NEW, NAME) == Merged(NEW, ())


def test_secrets_are_in_no_row() -> None:
    base = a_config(add='    <add key="ServicePassword" value="old-secret" />\n')
    string = '<add name="db" connectionString="Server=x;Password=geheim;" />'
    text = f"  <connectionStrings>\n    {string}\n  </connectionStrings>\n"
    mine = a_config(add='    <add key="ServicePassword" value="hunter2" />\n', more=text)
    new = a_config(add='    <add key="ServicePassword" value="shipped-secret" />\n')
    told = " ".join(str(one) for one in merge(base, mine, new, NAME).fates)

    assert "ServicePassword" in told
    assert "connectionStrings" in told
    for secret in ("hunter2", "geheim", "old-secret", "shipped-secret"):
        assert secret not in told


@pytest.mark.parametrize("coding", ["utf-8-sig", "utf-16", "cp1252"])
def test_encoding_mark_declaration_and_line_ends_are_kept(coding: str) -> None:
    def written(text: bytes) -> bytes:
        label = {"utf-8-sig": "utf-8", "utf-16": "utf-16", "cp1252": "windows-1252"}[coding]
        return text.decode().replace("utf-8", label).replace("\n", "\r\n").encode(coding)

    mine = a_config(add='    <add key="Grüße" value="ja" />\n')

    assert merge(written(a_config()), written(mine), written(NEW), NAME).data == written(
        a_config(a_redirect("3.3.0.0-4.1.4.0", "4.1.5.0"), '    <add key="Grüße" value="ja" />\n')
    )


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        (b"<configuration><a></configuration>", "not well-formed"),
        (b'<!DOCTYPE x [<!ENTITY a "b">]><configuration>&a;</configuration>', "document type"),
        (b"<configuration>\xff</configuration>", "not written in utf-8"),
        (b'<?xml version="1.0" encoding="nonsense"?><configuration />', "unknown"),
        (b"<configuration>" + b" " * (17 << 20) + b"</configuration>", "bytes long"),
    ],
)
def test_what_is_no_configuration_is_one_clear_sentence(broken: bytes, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        merge(OLD, broken, NEW, NAME)


def test_what_a_person_left_out_is_found_and_what_was_decided_is_told() -> None:
    mine = OLD.replace(b'value="10"', b'value="25"').replace(
        b"  </appSettings>", b'    <add key="Timeout" value="30" />\n  </appSettings>'
    )
    new = NEW.replace(b'value="10"', b'value="60"')
    merged = merge(OLD, mine, new, NAME)
    good = merged.data.replace(b'value="25"', b'value="60"')
    without_setting = good.replace(b'    <add key="Timeout" value="30" />\n', b"")

    assert losses(OLD, mine, new, merged, good, NAME) == []
    assert [one.item for one in losses(OLD, mine, new, merged, without_setting, NAME)][:1] == [
        "appSettings/add[key=Timeout]"
    ]
    lost = losses(OLD, mine, new, merged, good.replace(b"4.1.5.0", b"4.1.4.0"), NAME)
    assert [one.because for one in lost] == ["a binding redirect is missing"]
    assert [(one.item, one.fate) for one in decided(merged, mine, new, good, NAME)] == [
        ("appSettings/add[key=PollInterval]/@value", "dropped")
    ]
    assert [one.fate for one in decided(merged, mine, new, merged.data, NAME)] == ["carried"]


def test_fates_are_counted_with_the_worst_first() -> None:
    rows = [Fate("a", "b", "carried"), Fate("a", "c", "needs-a-person"), Fate("a", "d", "carried")]

    assert counted(rows) == "1 needing a person, 2 carried"


# -- laws ---------------------------------------------------------------------------------------------------------

_words = st.sampled_from(["a", "b", "c", "d"])
_values = st.sampled_from(["1", "2", "3"])
_versions = st.sampled_from(["1.0.0.0", "2.0.0.0", "3.0.0.0", "10.0.0.0"])


@st.composite
def configs(draw: st.DrawFn) -> bytes:
    adds = draw(st.lists(st.tuples(_words, _values), max_size=4, unique_by=lambda one: one[0]))
    rules = draw(st.lists(st.tuples(st.sampled_from(["allow", "deny"]), _words), max_size=4, unique=True))
    sections = draw(st.lists(st.tuples(_words, _values, _values), max_size=3, unique_by=lambda one: one[0]))
    bindings = draw(
        st.lists(st.tuples(_words, _versions, _versions, _versions), max_size=3, unique_by=lambda one: one[0])
    )
    lines = ["<configuration>"]
    empty = draw(st.booleans())
    if adds or empty:
        lines += [
            "  <appSettings>",
            *(f"    <add key={quoteattr(k)} value={quoteattr(v)} />" for k, v in adds),
            "  </appSettings>",
        ]
    if draw(st.booleans()):
        lines.append(f"  <!-- {draw(_words)} -->")
    for name, one, text in sections:
        lines.append(f"  <section-{name} one={quoteattr(one)}>{text}</section-{name}>")
    if rules:
        lines += [
            "  <authorization>",
            *(f"    <{kind} users={quoteattr(user)} />" for kind, user in rules),
            "  </authorization>",
        ]
    if bindings:
        lines += ["  <runtime>", '    <assemblyBinding xmlns="urn:schemas-microsoft-com:asm.v1">']
        for name, low, high, new in bindings:
            low, high = sorted((low, high), key=lambda one: int(one.split(".")[0]))
            lines.append(a_redirect(f"{low}-{high}", new, name).rstrip("\n"))
        lines += ["    </assemblyBinding>", "  </runtime>"]
    return ("\n".join([*lines, "</configuration>"]) + "\n").encode()


@given(configs(), configs())
@settings(max_examples=60, deadline=None)
def test_what_one_side_alone_changed_is_the_result_byte_for_byte(base: bytes, other: bytes) -> None:
    assert merge(base, base, other, NAME) == Merged(other, ())
    assert merge(base, other, base, NAME).data == other
    assert not merge(base, other, base, NAME).needs_person
    assert merge(base, other, other, NAME).data == other
    assert not merge(base, other, other, NAME).needs_person


@given(configs(), configs(), configs())
@settings(max_examples=120, deadline=None)
def test_merging_again_changes_nothing(base: bytes, mine: bytes, new: bytes) -> None:
    once = merge(base, mine, new, NAME)

    assert merge(base, mine, new, NAME) == once
    assert merge(base, once.data, new, NAME).data == once.data
    assert losses(base, mine, new, once, once.data + b"\n", NAME) == []


@given(configs(), configs())
@settings(max_examples=60, deadline=None)
def test_without_the_old_stock_merging_again_changes_nothing_either(mine: bytes, new: bytes) -> None:
    once = merge(None, mine, new, NAME)

    assert merge(None, once.data, new, NAME).data == once.data


@given(configs(), configs(), configs())
@settings(max_examples=60, deadline=None)
def test_no_redirect_of_what_ships_is_missing_but_where_a_person_decides(base: bytes, mine: bytes, new: bytes) -> None:
    from lxml import etree

    from handrail.comparing.redirects import lacking, redirects

    merged = merge(base, mine, new, NAME)
    before, own, ships = (redirects(etree.fromstring(one)) for one in (base, mine, new))
    untouched = {one: some for one, some in ships.items() if own.get(one) == before.get(one)}

    assert not lacking(redirects(etree.fromstring(merged.data)), untouched)
