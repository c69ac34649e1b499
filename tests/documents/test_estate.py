"""The estate file: read whole, written back equal, and every name checked both ways."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handrail.documents.estate import (
    EstateDocument,
    acceptance,
    estate_document,
    estate_from_json,
    estate_to_json,
)
from handrail.documents.tree import parse
from handrail.errors import BadDocument, BadInput
from handrail.model.estate import Acceptance, Connect, InstallationAim

ESTATE = """\
handrail: estate/v1
name: contoso
hosts:
  sync01:
    os: windows-server-2019
    software: {dotnet-framework: "4.8", iis: false}
    connect: {via: winrm, address: sync01.contoso.com, user: 'CONTOSO\\upgrade', password: "keyring:contoso/upgrade"}
    mounted_media: []
    labels: {site: emea}
  sync02: {}
  sql01:
databases:
  sync-db: {engine: sqlserver, version: 15.0.4375.4, host: sql01, name: FIMSynchronizationService}
accounts:
  svc-sync: {name: 'CONTOSO\\svc-mimsync', kind: domain}
media:
  sync-sp3: {product: mim, component: sync, release: 2016-sp3, build: 4.7.12.0, kind: msp, path: 'C:\\Media\\x.msp'}
deployments:
  identity:
    product: mim
    installations:
      - {component: sync, host: sync01, build: 4.6.34.0, database: sync-db, account: svc-sync, facts: {packs: []}}
aim:
  identity: {to: 2016-sp3, prefer: in-place, window: {start: a}, installations: {"sync@sync01": {host: sync02}}}
accept: mim/late@identity/sync@sync01
approvers: 2
"""


def document(text: str = ESTATE) -> EstateDocument:
    return estate_document(parse(text, "estate.yaml"))


def mistakes(text: str) -> str:
    with pytest.raises(BadDocument) as caught:
        document(text)
    return str(caught.value)


def test_an_estate_is_read_with_ids_from_its_keys() -> None:
    estate = document().estate
    assert estate.hosts["sync01"].connect == Connect(
        "winrm", "sync01.contoso.com", user="CONTOSO\\upgrade", password="keyring:contoso/upgrade"
    )
    assert estate.hosts["sql01"].os is None
    assert estate.hosts["sync01"].software == {"dotnet-framework": "4.8", "iis": False}
    installation = estate.deployments["identity"].installations[0]
    assert installation.subject == "identity/sync@sync01"
    assert estate.aim["identity"].installations == {"sync@sync01": InstallationAim(host="sync02")}
    assert estate.aim["identity"].facts == {"window": {"start": "a"}}
    assert estate.accept == (Acceptance("mim/late", "identity/sync@sync01"),)
    assert estate.approvers == 2


def test_direct_keys_that_only_a_guide_can_know_are_kept_aside() -> None:
    assert document().extra == {
        ("hosts", "sync01", "mounted_media"): [],
        ("aim", "identity", "window"): {"start": "a"},
    }


def test_an_estate_written_and_read_again_is_equal() -> None:
    estate = document().estate
    assert estate_from_json(estate_to_json(estate)) == estate


def test_an_aim_may_be_just_a_release() -> None:
    text = ESTATE.replace("  sync02: {}\n", "")
    lines = [line if "identity: {to" not in line else "  identity: 2016-sp3" for line in text.splitlines()]
    assert document("\n".join(lines)).estate.aim["identity"].to == "2016-sp3"


def test_a_rule_is_accepted_for_all_or_for_one_subject() -> None:
    assert acceptance("a/b") == Acceptance("a/b")
    assert acceptance("a/b@host:sql01") == Acceptance("a/b", "host:sql01")


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("handrail: estate/v1\n", "", "The key 'handrail' is missing. Begin the file with `handrail: estate/v1`."),
        ("estate/v1", "estate/v9", "1:11: This file is 'estate/v9'; this program reads 'estate/v1'."),
        ("estate/v1", "plan", "this is no estate file"),
        ("name: contoso\n", "", "lacks the key 'name'"),
        ("hosts:\n", "hosst:\n", "'hosst' is not known here. Did you mean 'hosts'?"),
        ("via: winrm", "vai: winrm", "Did you mean 'via'?"),
        ("host: sql01", "host: sql1", "The host 'sql1' is not in this estate. Did you mean 'sql01'?"),
        ("  sync02: {}", "  sync02: {}\n  idle: {}", "estate.yaml:11:3"),
        ("  sync02: {}", "  sync02: {}\n  idle: {}", "names the host 'idle'"),
        (
            "database: sync-db",
            "database: syncdb",
            "The database 'syncdb' is not in this estate. Did you mean 'sync-db'?",
        ),
        ("account: svc-sync", "account: svc", "The account 'svc' is not in this estate."),
        ('"sync@sync01"', '"snyc@sync01"', "The installation 'snyc@sync01' is not in this estate. Did you mean"),
        (
            "  identity: {to",
            "  idendity: {to",
            "The deployment 'idendity' is not in this estate. Did you mean 'identity'?",
        ),
        ("{host: sync02}", "{host: nowhere}", "The host 'nowhere' is not in this estate."),
        ("build: 4.6.34.0", "build: 4.6", "Write it in quotes"),
        ("approvers: 2", "approvers: -1", "between 0 and 20"),
        ("approvers: 2", "approvers: two", "'approvers' must be a whole number"),
        ("  sync02: {}", "  'sync 02': {}", "is empty or holds '/', '@' or a space"),
        ("product: mim\n    inst", "inst", "lacks the key 'product'"),
        ("kind: msp, ", "", "lacks the key 'kind'"),
    ],
)
def test_a_mistake_has_its_sentence(before: str, after: str, message: str) -> None:
    assert before in ESTATE
    assert message in mistakes(ESTATE.replace(before, after, 1))


def test_one_component_is_on_one_host_once() -> None:
    line = "      - {component: sync, host: sync01}\n"
    assert "sync@sync01 stands here a second time" in mistakes(ESTATE.replace("aim:\n", line + "aim:\n"))


_leaf = st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(["sync01", "x", "", "estate/v1", "2016-sp3"])
_keys = st.sampled_from(
    [
        "handrail",
        "name",
        "hosts",
        "databases",
        "accounts",
        "media",
        "deployments",
        "aim",
        "accept",
        "approvers",
        "rollout",
        "identity",
        "sync01",
        "facts",
        "installations",
        "product",
        "component",
        "host",
        "to",
        "connect",
        "software",
        "sync@sync01",
    ]
)
_any = st.recursive(_leaf, lambda x: st.lists(x, max_size=3) | st.dictionaries(_keys, x, max_size=5), max_leaves=20)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(_keys, _any, max_size=11))
def test_any_mapping_is_an_estate_or_bad_input(data: dict[str, object]) -> None:
    try:
        estate = estate_from_json({"handrail": "estate/v1", **data})
    except BadInput as error:
        assert str(error)
        return
    assert estate_from_json(estate_to_json(estate)) == estate


CUSTODIAN = "age1as8endtuuhnzls4j2ctr77guap7wwrf8sqrehtslcf99hxdqm3gslm9qf9"


def test_custodians_are_public_keys() -> None:
    estate = document(f"{ESTATE}custodians:\n  alice: {CUSTODIAN}\n").estate

    assert estate.custodians == {"alice": CUSTODIAN}
    assert estate_from_json(estate_to_json(estate)) == estate


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ("age1as8endtuuhnzls4j2ctr77guap7wwrf8sqrehtslcf99hxdqm3gslm9qf8", "no public age key"),
        ("alice@contoso.com", "no public age key"),
        ("AGE-SECRET-KEY-1QQQQ", "no longer secret"),
        ("12", "must be text"),
    ],
)
def test_a_custodian_without_a_public_key_is_a_mistake_at_its_place(key: str, says: str) -> None:
    """What stands there may be a secret, so it is not repeated."""
    said = mistakes(f"{ESTATE}custodians:\n  alice: {key}\n")

    line = ESTATE.count("\n") + 2
    assert said.startswith(f"estate.yaml:{line}:10: ") and says in said
    assert key not in said or key == "12"
