"""`discover` from the command line: what hosts are, what is never written over, and what it says."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.command import Said, handrail

from handrail.documents.estate import read_estate
from handrail.guides.catalogue import SHIPPED

VMM = SHIPPED / "vmm" / "estates" / "fabric.yaml"


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> tuple[Said, Path]:
    folder = tmp_path_factory.mktemp("found")
    return handrail("discover", VMM, "--twin", "-o", folder / "estate.yaml", home=folder), folder / "estate.yaml"


def test_it_says_what_it_found_and_names_what_it_could_not_read(found: tuple[Said, Path]) -> None:
    said, path = found

    assert said.code == 0, said.err
    assert "vmm01: windows-server-2012-r2; vmm server 3.2.8117.0" in said.out
    assert "vmm/server@vmm01.key_storage: setup was told" in said.out
    assert f"Written to {path}" in said.out
    assert "# not read: vmm/server@vmm01.key_storage" in path.read_text()
    assert "build: 3.2.8117.0" in path.read_text()


def test_what_it_wrote_is_assessed_once_an_aim_is_given(found: tuple[Said, Path], tmp_path: Path) -> None:
    assessed = handrail("assess", found[1], "--to", "vmm=2016", "--format", "json", home=tmp_path)

    assert assessed.code == 3
    unknown = [one["message"] for one in assessed.json["findings"] if one["unknown"]]
    assert any("key_storage" in one for one in unknown), "what could not be read blocks"


def test_an_estate_is_never_written_over(found: tuple[Said, Path], tmp_path: Path) -> None:
    before = found[1].read_bytes()

    refused = handrail("discover", VMM, "--twin", "-o", found[1], home=tmp_path)

    assert refused.code == 2
    assert "is there already" in refused.err
    assert "--update" in refused.err
    assert found[1].read_bytes() == before


def test_bringing_it_up_to_date_with_nothing_new_changes_nothing(found: tuple[Said, Path], tmp_path: Path) -> None:
    path = tmp_path / "estate.yaml"
    mine = found[1].read_text().replace("os: windows-server-2012-r2", "os: windows-server-2016", 1)
    kept = "\n".join(line.partition("# read:")[0].rstrip() if "os: windows-server-2016" in line else line
                     for line in mine.splitlines())  # fmt: skip
    path.write_text(kept + "\n")

    again = handrail("discover", VMM, "--twin", "-o", path, "--update", home=tmp_path)

    assert again.code == 0, again.err
    assert "Kept as it was written: hosts vmm01 os: the file says 'windows-server-2016'" in again.out
    dated = [line for line in path.read_text().splitlines() if "# read:" not in line]
    assert dated == [line for line in kept.splitlines() if "# read:" not in line]


def test_a_file_in_another_encoding_is_brought_up_to_date_too(tmp_path: Path) -> None:
    path = tmp_path / "estate.yaml"
    path.write_bytes(VMM.read_text().encode("utf-16"))

    said = handrail("discover", VMM, "--twin", "-o", path, "--update", home=tmp_path)

    assert said.code == 0, said.err
    assert "hosts:" in path.read_text("utf-8")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "No host is named."),
        (("no/such/file.yaml",), "names no host, and there is no such file"),
        (("db01", "db01"), "The host 'db01' is named twice."),
        (("db 01",), "names no host"),
        (("db01:65536",), "Ports go from 1 to 65535."),
        (("db01:" + "9" * 30,), "names no host"),
        (("db01", "--update"), "--update needs the file"),
        (("db01", "--format", "json"), "Name one with -o ESTATE."),
        (("db01", "--twin"), "--twin needs one estate file."),
        (("db01", "--via", "telnet"), "telnet"),
    ],
)
def test_what_cannot_be_meant_is_refused(arguments: tuple[str, ...], says: str, tmp_path: Path) -> None:
    refused = handrail("discover", *arguments, home=tmp_path)

    assert refused.code == 2, refused.out
    assert says in " ".join(refused.err.split())


def test_a_plain_list_names_hosts_and_where_they_are(tmp_path: Path) -> None:
    """Nothing listens there, so that each is left out, with its name."""
    path = tmp_path / "hosts.txt"
    path.write_text("# ours\ndb01 postgres@127.0.0.1:1\n\ndb02  127.0.0.1:1  # second\n")

    said = handrail("discover", path, "-o", tmp_path / "estate.yaml", home=tmp_path)

    assert said.code == 1
    assert "db01 was left out" in said.err
    assert "db02 was left out" in said.err
    assert "No host could be read, so nothing was written." in said.err
    assert not (tmp_path / "estate.yaml").exists()


def test_what_a_list_says_of_its_hosts_for_waves_and_workers_is_kept(tmp_path: Path) -> None:
    """No probe reads labels and zones, so what people wrote beside the way to a host is theirs."""
    listed = tmp_path / "hosts.yaml"
    text = VMM.read_text("utf-8").replace("  vmm01:\n", "  vmm01:\n    labels: {ring: canary}\n    zone: emea\n", 1)
    assert "ring" in text
    listed.write_text(text)

    assert handrail("discover", listed, "--twin", "-o", tmp_path / "estate.yaml", home=tmp_path).code in (0, 1)

    host = read_estate(tmp_path / "estate.yaml", whole=False).estate.hosts["vmm01"]
    assert (host.labels, host.zone) == ({"ring": "canary"}, "emea")
