"""Whole runs that seal secrets: what is secret stands in nothing that we keep, whatever it is written as."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pyrage
import pytest
from tests.support import on_twin
from tests.support.plans import sample_plan, step

from handrail.documents.plan import freeze
from handrail.guides.catalogue import SHIPPED
from handrail.model.estate import Connect, Host
from handrail.model.plan import Plan
from handrail.restoring.custody import IDENTITY, PROGRAM
from handrail.running.home import Home
from handrail.running.session import open_session
from handrail.twin.mechanisms import keys
from handrail.twin.things import Entry
from handrail.twin.world import open_twin

KEYS = b"twin key set \x00\x01\x02\xff" * 40
SHA256 = hashlib.sha256(KEYS).hexdigest()
ALICE = pyrage.x25519.Identity.generate()


def spellings(secret: bytes) -> Iterator[bytes]:
    """A secret as it may have come into a file: raw, as hex, in base64, as a text that lost some of it."""
    yield from (secret, secret.hex().encode(), secret.hex().upper().encode(), base64.b64encode(secret)[:-4])
    yield secret.decode("utf-8", "replace").encode()
    yield repr(secret)[2:-1].encode()


def kept(home: Path, leaving_out: tuple[str, ...]) -> dict[str, bytes]:
    """Everything in the home folder: database, write-ahead log, locks, whatever else."""
    return {
        str(path.relative_to(home)): path.read_bytes()
        for path in home.rglob("*")
        if path.is_file() and not any(one in str(path.relative_to(home)) for one in leaving_out)
    }


def test_a_run_on_the_twin_keeps_neither_keys_nor_identity(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The pretend hosts' disks are in the home folder too; only there lie the sealed keys, and nowhere open ones."""
    home = tmp_path / "home"
    estate = tmp_path / "contoso.yaml"
    shipped = (SHIPPED / "miis" / "estates" / "contoso.yaml").read_text()
    # Nothing says that valid keys are there, so the plan opens the sealed ones for setup.
    shipped = shipped.replace("key_sets: [svc-miis]", "key_sets: []")
    estate.write_text(f"{shipped}\ncustodians:\n  alice: {ALICE.to_public()}\n")
    made = on_twin.plan_file(estate, tmp_path / "plan.json")
    with open_session(Home(home)) as session:
        run = session.start(made, "eve", target="twin")
        assert asyncio.run(session.carry_out(run, "eve")).status.state == "succeeded"
        assert asyncio.run(session.verify(run, "eve")).exit_code == 0
        outputs = {
            name.rpartition("/")[2]: session.schedule(run).outputs(name) for name in (one.id for one in made.steps)
        }

    twin = open_twin(Home(home).twin(run))
    plain = [entry.path for host in twin.hosts for entry in twin.machine(host).all(Entry) if keys.is_export(entry)]
    sealed = asyncio.run(twin.host("iifp01").read(outputs["secure-seal-keys"]["file"]))
    twin.close()
    identity = (Home(home).twin(run) / "custody" / IDENTITY).read_text().split()[-1]
    secret = pyrage.decrypt(sealed, [pyrage.x25519.Identity.from_str(identity)])

    assert plain == []
    assert pyrage.decrypt(sealed, [ALICE]) == secret
    assert hashlib.sha256(secret).hexdigest() == outputs["secure-keys"]["sha256"]
    assert set(outputs["secure-seal-keys"]["holders"]) == {PROGRAM, "alice"}
    assert not (home / "custody").exists(), "a rehearsal touches no real identity"
    said = "".join(capfd.readouterr()).encode()
    looked = {"printed": said, **kept(home, ("twin.db", IDENTITY))}
    assert "store.db" in looked and outputs["secure-keys"]["sha256"].encode() in b"".join(looked.values())
    for name, data in looked.items():
        assert not [one for one in (*spellings(secret), *spellings(identity.encode())) if one in data], name


@pytest.fixture
def real(tmp_path: Path) -> Plan:
    """A plan that seals a file of this very machine, opens and shreds it."""
    file = tmp_path / "keys.bin"
    file.write_bytes(KEYS)
    seal = step("seal", "Seal", "secret.seal", with_={"file": str(file), "sha256": SHA256}, lasting=True)
    late = {"file": {"late": f"{seal.id}.file"}, "sha256": {"late": f"{seal.id}.plain_sha256"}, "to": str(file)}
    opened = step("open", "Open", "secret.open", with_=late, after=(seal.id,))
    shred = step("shred", "Shred", "secret.shred", with_={"file": str(file)}, after=(opened.id,), lasting=True)
    sample = sample_plan()
    estate = replace(
        sample.estate,
        hosts={**sample.estate.hosts, "sync01": Host("sync01", connect=Connect())},
        custodians={"alice": str(ALICE.to_public())},
    )
    return freeze(
        replace(
            sample,
            estate=estate,
            steps=(seal, opened, shred),
            findings=(),
            errata=(),
            point_of_no_return=None,
            downtime={},
        )
    )


def test_a_run_on_a_real_host_keeps_neither_the_file_nor_our_identity(tmp_path: Path, real: Plan) -> None:
    home = tmp_path / "home"
    with open_session(Home(home)) as session:
        run = session.start(real, "eve")
        assert asyncio.run(session.carry_out(run, "eve")).status.state == "succeeded"
        assert asyncio.run(session.verify(run, "eve")).exit_code == 0

    sealed = (tmp_path / "keys.bin.age").read_bytes()
    identity = (home / "custody" / IDENTITY).read_text().split()[-1]
    assert not (tmp_path / "keys.bin").exists()
    assert pyrage.decrypt(sealed, [ALICE]) == KEYS
    assert pyrage.decrypt(sealed, [pyrage.x25519.Identity.from_str(identity)]) == KEYS
    for name, data in kept(home, (IDENTITY,)).items():
        assert not [one for one in (*spellings(KEYS), *spellings(identity.encode())) if one in data], name


def test_another_process_opens_what_this_one_sealed(tmp_path: Path, real: Plan) -> None:
    """As a resumed run does: it finds the identity in the home folder."""
    home = Home(tmp_path / "home")
    first = freeze(replace(real, steps=real.steps[:1]))
    for made in (first, real):
        with open_session(home) as session:
            run = session.start(made, "eve")
            assert asyncio.run(session.carry_out(run, "eve")).status.state == "succeeded"


def test_a_damaged_identity_fails_the_step_in_one_clear_sentence(tmp_path: Path, real: Plan) -> None:
    home = Home(tmp_path / "home")
    (home.make().custody).mkdir(mode=0o700)
    (home.custody / IDENTITY).write_text("AGE-SECRET-KEY-1QQQQQ\n")
    (home.custody / IDENTITY).chmod(0o600)

    with open_session(home) as session:
        run = session.start(real, "eve")
        ended = asyncio.run(session.carry_out(run, "eve")).status
        because = next(one.because for one in ended.steps if one.state != "pending")

    assert ended.state == "failed" and "is damaged" in because and "QQQQQ" not in because
    assert (tmp_path / "keys.bin").read_bytes() == KEYS
