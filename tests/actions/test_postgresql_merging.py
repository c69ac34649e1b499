"""Configuration carried to a new major: what people changed wins, what the new version lacks is named, rules stay."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from handrail.actions.postgresql.merging import (
    Fate,
    merge_rules,
    merge_settings,
    references,
    rules,
)
from handrail.actions.postgresql.merging import settings as in_force

OLD = """\
# CONNECTIONS
#port = 5432
max_connections = 100
shared_buffers = 128MB
#old_snapshot_threshold = -1
dynamic_shared_memory_type = posix
"""
NEW = """\
# CONNECTIONS AND AUTHENTICATION
#port = 5432
max_connections = 100
shared_buffers = 128MB
#reserved_connections = 0
dynamic_shared_memory_type = posix
huge = new
"""
KNOWN = {"port", "max_connections", "shared_buffers", "dynamic_shared_memory_type", "reserved_connections", "huge"}


def merged(custom: str, old: str = OLD, new: str = NEW) -> dict[str, str]:
    return in_force(merge_settings(old, custom, new, KNOWN, "17").text)


def fates(custom: str, old: str = OLD, new: str = NEW) -> dict[str, str]:
    return {fate.what: fate.fate for fate in merge_settings(old, custom, new, KNOWN, "17").fates}


def test_untouched_configuration_becomes_the_new_versions() -> None:
    result = merge_settings(OLD, OLD, NEW, KNOWN, "17")

    assert result.text == NEW
    assert result.fates == ()


def test_a_changed_setting_is_carried_with_its_comment() -> None:
    custom = OLD.replace("max_connections = 100", "max_connections = 40   # the pooler has 30")
    result = merge_settings(OLD, custom, NEW, KNOWN, "17")

    assert "max_connections = 40   # the pooler has 30" in result.text
    assert "#reserved_connections = 0" in result.text
    assert result.fates == (Fate("max_connections", "carried"),)


def test_a_setting_that_the_new_version_lacks_is_taken_out_and_named() -> None:
    custom = OLD.replace("#old_snapshot_threshold = -1", "old_snapshot_threshold = 60")
    result = merge_settings(OLD, custom, NEW, KNOWN, "17")

    assert "old_snapshot_threshold" not in in_force(result.text)
    assert "#old_snapshot_threshold = 60" in result.text
    assert result.dropped == ("old_snapshot_threshold",)


def test_a_shipped_setting_that_the_new_version_lacks_goes_too() -> None:
    """Even when nobody changed it, and its place in the file was changed on both sides."""
    old = OLD + "gone = 1\n"
    custom = old.replace("gone = 1", "gone = 1  # why?")
    assert "gone" not in merged(custom, old=old)


def test_settings_that_say_where_the_old_cluster_lies_stay_behind() -> None:
    result = merge_settings(OLD, OLD + "data_directory = '/srv/15'\n", NEW, KNOWN | {"data_directory"}, "17")

    assert "data_directory" not in in_force(result.text)
    assert result.dropped == ("data_directory",)


def test_settings_of_extensions_are_carried() -> None:
    assert merged(OLD + "pg_stat_statements.max = 500\n")["pg_stat_statements.max"] == "500"


def test_where_both_changed_the_customised_value_wins_and_that_is_said() -> None:
    new = NEW.replace("shared_buffers = 128MB", "shared_buffers = 256MB")
    custom = OLD.replace("shared_buffers = 128MB", "shared_buffers = 4GB")

    assert merged(custom, new=new)["shared_buffers"] == "4GB"
    assert fates(custom, new=new)["shared_buffers"] == "merged"


def test_a_file_that_was_written_anew_still_gets_what_the_new_version_ships() -> None:
    result = merged("port = 6000\nmax_connections = 10\n")

    assert result["port"] == "6000"
    assert result["huge"] == "new"


def test_spellings_of_settings_are_understood() -> None:
    text = "Port 6000\nname = 'it''s # not a comment' # this is\n  a.b='x'\nbroken =\n#no = 1\ninclude_dir 'conf.d'\n"

    assert in_force(text) == {"port": "6000", "name": "'it''s # not a comment'", "a.b": "'x'"}


NAMES = st.sampled_from(sorted(KNOWN | {"gone", "ext.level"}))
VALUES = st.sampled_from(["1", "on", "'a b'", "'it''s'", "64MB"])
LINES = st.lists(st.tuples(NAMES, VALUES, st.sampled_from(["", "#", "  "])), max_size=8)


def _text(lines: list[tuple[str, str, str]]) -> str:
    return "".join(f"{mark}{name} = {value}\n" for name, value, mark in lines)


@given(LINES, LINES, LINES)
@settings(max_examples=50, deadline=None)
def test_every_customisation_is_in_force_or_named(
    old: list[tuple[str, str, str]], custom: list[tuple[str, str, str]], new: list[tuple[str, str, str]]
) -> None:
    result = merge_settings(_text(old), _text(custom), _text(new), KNOWN, "17")
    before, wanted, now = in_force(_text(old)), in_force(_text(custom)), in_force(result.text)

    assert all("." in name or name in KNOWN for name in now)
    for name, value in wanted.items():
        if before.get(name) != value:
            assert now.get(name) == value or name in result.dropped
    assert {fate.what for fate in result.fates} >= {name for name in wanted if before.get(name) != wanted[name]}


HBA_OLD = "# TYPE  DATABASE\nlocal   all   all   trust\nhost    all   all   127.0.0.1/32   trust\n"
HBA_NEW = "# TYPE  DATABASE  USER\nlocal   all   all   trust\nhost    all   all   127.0.0.1/32   trust\n# new words\n"


def test_rules_nobody_touched_come_from_the_new_version() -> None:
    assert merge_rules(HBA_OLD, HBA_OLD, HBA_NEW, "pg_hba.conf").text == HBA_NEW


def test_added_and_removed_rules_are_carried() -> None:
    custom = HBA_OLD.replace("trust\nhost", "peer\nhost") + "hostssl app app 10.0.0.0/8 scram-sha-256\n"
    result = merge_rules(HBA_OLD, custom, HBA_NEW, "pg_hba.conf")

    assert rules(result.text) == rules(custom)
    assert "# new words" in result.text or result.text == custom
    assert Fate("pg_hba.conf: hostssl app app 10.0.0.0/8 scram-sha-256", "carried") in result.fates


def test_a_new_rule_of_the_new_version_lets_nobody_in() -> None:
    new = HBA_NEW + "host all all 0.0.0.0/0 trust\n"
    custom = HBA_OLD.replace("trust\nhost", "peer\nhost")

    assert rules(merge_rules(HBA_OLD, custom, new, "pg_hba.conf").text) == rules(custom)


RULES = st.lists(st.sampled_from(["local all all peer", "host a b ::1/128 md5", "# words", "", "local  a a trust"]))


@given(RULES, RULES, RULES)
@settings(max_examples=50, deadline=None)
def test_the_customised_rules_are_exactly_those_in_force(old: list[str], custom: list[str], new: list[str]) -> None:
    texts = ["".join(line + "\n" for line in lines) for lines in (old, custom, new)]
    result = rules(merge_rules(texts[0], texts[1], texts[2], "pg_hba.conf").text)

    assert result == rules(texts[1])


def test_files_that_the_configuration_names_come_along() -> None:
    text = (
        "ssl_cert_file = 'server.crt'\ninclude_dir = 'conf.d'\nssl_key_file = '/etc/ssl/key'\nssl_ca_file = '/d/ca'\n"
    )

    assert references(text, "/d") == ["server.crt", "conf.d", "ca"]
    assert references("include = '../../etc/passwd'\n", "/d") == []
