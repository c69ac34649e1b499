"""Every fact that an estate can state is read by a probe, or it is written down why none can."""

from __future__ import annotations

import pytest
from tests.support.shipped import shipped

from handrail.guides.catalogue import Catalogue
from handrail.guides.variables import SCOPES
from handrail.probing.facts import NOT_READ, READ

STATED = [
    *(("aim", name) for name in ("window", "revision", "refresh", "databases", "library_share", "installations")),
    *(("host", name) for name in ("service_pack", "key_sets", "deleted_profiles", "mounted_media", "software")),
    *(("host", name) for name in ("system_state_backup_age_days", "wsman")),
    ("database", "alias"),
    *(("account", name) for name in ("hardened", "member_of")),
    *(("installation", name) for name in ("groups", "language_packs", "customisations", "architecture", "language")),
    *(("installation", name) for name in ("service_address", "test_agents", "test_object", "test_user")),
    *(("installation", name) for name in ("key_storage", "dkm_container", "encrypted_settings")),
    *(("media", name) for name in ("release", "kind", "host", "label")),
]
"""What the requirements name as facts that an estate can state, by what they are stated of."""


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return shipped()


def is_settled(scope: str, name: str) -> bool:
    return (name in READ.get(scope, ())) != (name in NOT_READ.get(scope, {}))


@pytest.mark.parametrize(("scope", "name"), STATED, ids=lambda part: str(part))
def test_a_fact_of_the_requirements_is_read_or_it_is_said_why_not(scope: str, name: str) -> None:
    assert is_settled(scope, name)


def test_a_fact_that_a_shipped_guide_declares_is_read_or_it_is_said_why_not(catalogue: Catalogue) -> None:
    declared = {
        (scope, name)
        for one in catalogue.guides.values()
        for scope in SCOPES
        for name in one.guide.facts.get(scope, {})
        if scope != "aim"
    }

    assert not sorted(one for one in declared if not is_settled(*one))


def test_a_reason_is_a_sentence_and_settling_a_command_or_a_place() -> None:
    for facts in NOT_READ.values():
        for one in facts.values():
            assert len(one.because) > 10
            assert not one.because.endswith(".")
