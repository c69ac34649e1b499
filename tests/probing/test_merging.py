"""`--update` renews what discovery wrote, and leaves alone what people wrote."""

from __future__ import annotations

from typing import Any

from handrail.documents.nodes import read_yaml
from handrail.documents.read import Keys
from handrail.probing.drafting import Draft, Missing
from handrail.probing.estate_file import NOT_READ, READ, scalar
from handrail.probing.merging import merge
from handrail.probing.readings import Reading, Unread


def reading(value: Any) -> Reading:
    return Reading(value, ("reg query X",), "db01", "2026-11-22T10:00:00+00:00")


def drafted(facts: dict[str, Any], **host: Any) -> Draft:
    """A draft of one host with these facts and one installation on it."""
    entry = {**host, "facts": facts}
    made = Draft({"handrail": "estate/v1", "name": "shop", "hosts": {"db01": entry}})
    made.data["deployments"] = {"shop": {"product": "mim", "installations": [{"component": "sync", "host": "db01"}]}}
    keys: Keys = ("hosts", "db01")
    made.read |= {(*keys, name): reading(value) for name, value in host.items()}
    made.read |= {(*keys, "facts", name): reading(value) for name, value in facts.items()}
    return made


FILE = f"""# ours, by hand
handrail: estate/v1
name: shop   # a name

hosts:
  db01:
    os: windows-server-2016        # {READ}db01 2026-11-21 09:00: reg query X
    # a remark of ours
    service_pack: 1
    facts:
      mounted_media: []            # {READ}db01 2026-11-21 09:00: script:mounted-media
      wsman: {{max_connections: 25}}
    # {NOT_READ}host:db01.computer_name: it did not say; settle it with: hostname
    # {NOT_READ}host:db01.key_sets: it did not say
deployments:
  shop:
    product: mim
    installations:
      - {{component: sync, host: db01}}
aim:
  shop: {{to: 2016-sp3}}           # what we want
"""


def test_what_discovery_wrote_is_renewed_and_what_people_wrote_is_kept_and_told() -> None:
    found = merge(
        FILE, drafted({"wsman": {"max_connections": 300}, "mounted_media": ["iso"]}, os="windows-server-2019")
    )

    read = read_yaml(found.text, "estate.yaml")[0]["hosts"]["db01"]
    assert read["os"] == "windows-server-2019"
    assert read["facts"]["mounted_media"] == ["iso"]
    assert read["facts"]["wsman"] == {"max_connections": 25}
    (kept,) = found.kept
    assert (kept.keys[-1], kept.written, kept.reading.value) == (
        "wsman",
        {"max_connections": 25},
        {"max_connections": 300},
    )
    assert f"# {READ}db01 2026-11-22 10:00: reg query X" in found.text


def test_comments_and_order_of_people_stay() -> None:
    found = merge(FILE, drafted({}, os="windows-server-2019"))

    for line in ("# ours, by hand", "name: shop   # a name", "    # a remark of ours", "# what we want"):
        assert line in found.text
    assert found.text.index("hosts:") < found.text.index("deployments:") < found.text.index("aim:")


def test_a_fact_that_people_wrote_beside_the_other_keys_is_not_written_twice() -> None:
    found = merge(FILE, drafted({"service_pack": 2}))

    assert "service_pack: 2" not in found.text
    assert [one.written for one in found.kept] == [1]


def test_what_is_new_is_added_with_where_it_comes_from() -> None:
    found = merge(FILE, drafted({"key_sets": ["svc"]}))

    assert read_yaml(found.text, "")[0]["hosts"]["db01"]["facts"]["key_sets"] == ["svc"]
    assert ("hosts", "db01", "facts", "key_sets") in found.changed


def test_what_was_not_read_before_and_is_read_now_is_no_longer_named() -> None:
    draft = drafted({"key_sets": ["svc"]})
    draft.missing.append(Missing("host:db01.computer_name", ("hosts", "db01"), Unread("it did not say", "hostname")))

    found = merge(FILE, draft)

    assert f"{NOT_READ}host:db01.computer_name" in found.text
    assert f"{NOT_READ}host:db01.key_sets" not in found.text


def test_nothing_to_say_changes_nothing() -> None:
    once = merge(FILE, drafted({"key_sets": ["svc"]}, os="windows-server-2019")).text

    assert merge(once, drafted({"key_sets": ["svc"]}, os="windows-server-2019")).text == once


def test_a_value_is_written_so_that_it_is_read_as_itself() -> None:
    values = ["4.8", "4.6.34.0", "", "null", "yes", "1e5", "0x1F", "C:\\x y", "it's", "a: b", "#c", "-", "2026-11-20"]
    values += ["line\nbreak", "[x]", "*x", "/var/lib", "~", "true", 'quo"te', " blank "]
    for value in [*values, 1, 1.5, True, False, None, [1, "a, b"], {"a b": ["c: d"]}, [], {}]:
        assert read_yaml(f"v: {scalar(value)}\n", "")[0]["v"] == value, value
