"""Estates in the console: what they are made of, what is found, and files that cannot be read."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from bench.estates import clients
from tests.support.console import Site, site
from tests.support.shipped import shipped

from handrail.console import estates
from handrail.console.desk import Desk
from handrail.console.documents import Documents
from handrail.console.estates import Assessments
from handrail.errors import BadInput
from handrail.guides.catalogue import SHIPPED

ESTATES = SHIPPED / "mim" / "estates"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("estates")
    served = folder / "served"
    served.mkdir()
    for name in ("contoso-blocked", "unknown-facts", "sp2-latest"):
        shutil.copy(ESTATES / f"{name}.yaml", served)
    (served / "bad.yaml").write_text("handrail: estate/v1\nname: <b>bad</b>\nhosts:\n  a: {oss: linux}\n")
    (served / "fleet.yaml").write_text(clients(120))
    with site(folder / "home", folders=(served,)) as made:
        made.app.state.assessments = Assessments(_documents(made))
        made.app.state.assessments._catalogue = shipped()
        yield made


def _documents(made: Site) -> Documents:
    desk = made.app.state.desk = Desk(made.console)
    return desk.documents


def id_of(made: Site, file: str) -> str:
    documents: Documents = made.app.state.desk.documents
    return next(one.id for one in documents.of("estate") if one.file == file)


def page(made: Site, file: str, **asked: str | int) -> str:
    answer = made.browser("viewer").get(f"/estates/{id_of(made, file)}", params=asked)
    assert answer.status_code == 200
    return str(answer.text)


def test_the_list_names_every_estate_and_says_what_is_wrong_with_the_others(made: Site) -> None:
    text = made.browser("viewer").get("/estates").text

    for file in ("contoso-blocked.yaml", "unknown-facts.yaml", "sp2-latest.yaml", "fleet.yaml"):
        assert file in text
    assert "identity to 2016-sp3" in text
    assert "bad.yaml:4:" in text
    assert "<b>bad</b>" not in text
    assert str(made.console.folders[0]) not in text


def test_the_list_says_what_is_blocked_once_that_is_known(made: Site) -> None:
    for _ in range(60):  # the list waits a second each time
        text = made.browser("viewer").get("/estates").text
        if "Blocked by 4 findings." in text:
            return
    raise AssertionError(text)


def test_findings_are_shown_by_level_with_remedy_and_source(made: Site) -> None:
    text = page(made, "contoso-blocked.yaml")

    assert "Blocked by" in text
    assert "<h2>Blockers</h2>" in text
    assert "<dt>do</dt>" in text
    assert "<dt>source</dt>" in text


def test_what_is_not_known_is_a_blocker_with_the_command_that_settles_it(made: Site) -> None:
    text = page(made, "unknown-facts.yaml")

    assert "unknown" in text
    assert "because something is not known" in text


def test_what_it_is_made_of_is_listed(made: Site) -> None:
    text = page(made, "sp2-latest.yaml")

    for title in ("Installations", "Hosts", "Databases", "Media"):
        assert f"<h3>{title}</h3>" in text


def test_hosts_come_page_by_page(made: Site) -> None:
    first, last = page(made, "fleet.yaml"), page(made, "fleet.yaml", page=2)

    assert "Page 1 of 2, 120 hosts" in first
    assert first.count("<td>windows-") == 100
    assert last.count("<td>windows-") == 20
    assert page(made, "fleet.yaml", page=99).count("<td>windows-") == 20


def test_hosts_and_installations_are_found_by_name_and_system(made: Site) -> None:
    found = page(made, "fleet.yaml", find="PC00007")
    assert found.count("<td>windows-") == 1
    assert found.count("<td>pc00007</td>") == 1
    assert "&lt;i&gt;" in page(made, "fleet.yaml", find="<i>")
    assert "No host and no installation has zzz." in page(made, "fleet.yaml", find="zzz")
    assert "find=windows&amp;page=2#made-of" in page(made, "fleet.yaml", find="windows")


def test_an_estate_that_is_not_there_is_not_found(made: Site) -> None:
    for name in ("nothing", "bad", "..%2Fserved%2Fbad.yaml", "sp2-latest.yaml"):
        assert made.browser("viewer").get(f"/estates/{name}").status_code == 404


def test_a_page_does_not_wait_for_a_long_assessment_and_it_is_made_once(
    made: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = next(one for one in made.app.state.desk.documents.of("estate") if one.file == "sp2-latest.yaml")
    go, made_times = threading.Event(), []
    assessments = Assessments(made.app.state.desk.documents)
    assessments._catalogue = shipped()
    make = assessments._make

    def slowly(one):  # type: ignore[no-untyped-def]
        made_times.append(1)
        go.wait(20)
        return make(one)

    monkeypatch.setattr(assessments, "_make", slowly)
    monkeypatch.setattr(made.app.state, "assessments", assessments, raising=False)
    monkeypatch.setattr(estates, "WAITS", 0.0)
    monkeypatch.setattr(Assessments.of, "__defaults__", (0.0,))
    assert "It is being assessed." in page(made, found.file)
    assert made.browser("viewer").get(f"/api/v1/estates/{found.id}/assessment").status_code == 202
    go.set()
    assert assessments.of(found, 20) is not None
    assert "It is being assessed." not in page(made, found.file)
    assert made_times == [1]


def test_an_authors_guides_judge_the_estates_too(tmp_path: Path) -> None:
    own, served = tmp_path / "ours", tmp_path / "served"
    own.mkdir()
    served.mkdir()
    for part in (SHIPPED / "miis").glob("*.yaml"):
        text = part.read_text("utf-8")
        (own / part.name).write_text(text.replace("guide: miis\n", "guide: ours\n", 1), "utf-8")
    estate = (SHIPPED / "miis" / "estates" / "contoso.yaml").read_text("utf-8")
    (served / "ours.yaml").write_text(estate.replace("product: miis", "product: ours"), "utf-8")
    documents = Documents((served,))
    (found,) = documents.of("estate")

    judged = Assessments(documents, (own,)).of(found, waits=120)

    assert judged is not None and judged[1].verdict != "blocked"
    with pytest.raises(BadInput, match="ours"):
        Assessments(documents).of(found, waits=120)
