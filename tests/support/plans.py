"""A small plan and what belongs to it, made by hand, for tests that show plans or carry them out."""

from __future__ import annotations

from dataclasses import replace

from handrail.model.estate import Aim, Deployment, Estate, Host, Installation
from handrail.model.finding import Citation, Finding
from handrail.model.journal import RunStatus, StepStatus
from handrail.model.plan import (
    Because,
    Condition,
    Erratum,
    GuideRef,
    Hop,
    Plan,
    Rejected,
    Remedy,
    Step,
    WayBack,
)

MANUAL = Citation("manual", "Upgrading", "https://example.com/manual", "The manual")
SYNC = "identity/sync@sync01"
SERVICE = "identity/service@svc01"
ID = f"{SYNC}/2016-sp3"

BLOCKER = Finding("x/os", "blocker", SYNC, "sync01 runs an old system.", "Upgrade it first.", MANUAL)
UNKNOWN = Finding("x/disk", "blocker", "host:sync01", "Free space is not known.", "Run `df`.", MANUAL, unknown=True)
ACCEPTED = Finding("x/odd", "blocker", SYNC, "This is odd.", "Think twice.", MANUAL, accepted=True)
RISK = Finding("x/key", "risk", SYNC, "The key tool may crash.", "Save first.", MANUAL)
NOTE = Finding("x/window", "note", "estate", "No window was named.", "Name one.", MANUAL)


def step(name: str, title: str, uses: str = "service.stop", **more: object) -> Step:
    """A step of the sync installation; `more` overrides its fields."""
    made = Step(f"{ID}/{name}", title, SYNC, "sync01", uses, 1, "do", MANUAL, takes=60.0)
    return replace(made, **more)  # type: ignore[arg-type]


def sample_plan() -> Plan:
    """One hop with nearly everything that a plan can hold."""
    source = step(
        "source", "Find the installation source", "installer.source", kind="check", with_={"product": "Sync*"}
    )
    stop = step("stop", "Stop the service", with_={"name": "SyncService"}, downtime=True, way_back=WayBack("undo"))
    backup = step(
        "backup",
        "Back up the database",
        "sqlserver.backup",
        kind="back-up",
        with_={"server": "sql01", "database": "Sync", "to": "D:\\Backup"},
        after=(stop.id,),
        downtime=True,
    )
    prove = step(
        "prove",
        "Prove the backup",
        "sqlserver.prove",
        kind="prove",
        with_={"server": "sql01", "database": "Sync", "file": {"late": f"{backup.id}.file"}},
        after=(backup.id,),
        protects=("database",),
        downtime=True,
    )
    clean = step(
        "patch-error-clean",
        "Remove what names the old medium",
        "registry.remove_values",
        with_={"root": "HKLM\\SOFTWARE", "data": "SP2_LABEL", "backup": "D:\\Backup\\keys.reg"},
        when=(Condition(f"{ID}/patch", error="insert-disk"),),
    )
    patch = step(
        "patch",
        "Install the patch",
        "installer.patch",
        with_={
            "folder": {"late": f"{source.id}.path"},
            "patch": "sync.msp",
            "product": "Sync Service",
            "build": "4.7.12.0",
            "file": "miiserver.exe",
            "log": "C:\\Logs\\patch log.txt",
        },
        after=(prove.id,),
        changes=("database",),
        way_back=WayBack("restore", (prove.id,)),
        downtime=True,
        lasting=True,
        errata=("E9",),
        remedies=(
            Remedy("insert-disk", (clean.id,), log="Insert (?P<label>.*)", says="It looks for a disk.", source=MANUAL),
        ),
    )
    wizard = step(
        "wizard",
        "Go through the wizard",
        "person.do",
        kind="person",
        with_={"instructions": ["Choose Next.", "Type the server."], "values": {"Server": "sql01"}},
        after=(patch.id,),
        changes=("config",),
    )
    hold = step("look", "Look at it", "hold", kind="hold", host=None, with_={"question": "Go on?"}, after=(wizard.id,))
    service = replace(
        step("start", "Start the other service", "service.start", with_={"name": "Other"}),
        id=f"{SERVICE}/2016-sp3/start",
        installation=SERVICE,
        host="svc01",
        after=(hold.id,),
        because=(Because(hold.id, "The engine comes first.", MANUAL),),
        way_back=WayBack("undo"),
    )
    steps = (source, stop, backup, prove, patch, clean, wizard, hold, service)
    return Plan(
        digest="sha256:" + "ab" * 32,
        estate=Estate(
            "contoso",
            hosts={"sync01": Host("sync01"), "svc01": Host("svc01")},
            deployments={
                "identity": Deployment(
                    "identity",
                    "mim",
                    (
                        Installation("identity", "sync", "sync01", "4.6.673.0"),
                        Installation("identity", "service", "svc01", "4.6.673.0"),
                    ),
                )
            },
            aim={"identity": Aim("identity", "2016-sp3")},
        ),
        aim={"identity": "2016-sp3"},
        guides=(GuideRef("mim", "sha256:" + "cd" * 32),),
        findings=(RISK, NOTE),
        hops=(
            Hop(
                SYNC,
                "4.6.673.0",
                "2016-sp3",
                "patch",
                "It keeps the database.",
                MANUAL,
                (Rejected("in-place", "There is no installer for it."),),
                "4.7.12.0",
            ),
        ),
        steps=steps,
        point_of_no_return=wizard.id,
        downtime={SYNC: ((stop.id, patch.id),)},
        errata=(Erratum("E9", "Map the drive twice.", "We map it once.", "Once is enough.", MANUAL),),
    )


def status_of(plan: Plan, state: str, **states: str) -> RunStatus:
    """A run of `plan`; `states` by the last part of a step's id, the others are pending."""
    steps = tuple(
        StepStatus(one.id, states.get(one.id.rpartition("/")[2], "pending"), because="because of this")  # type: ignore[arg-type]
        for one in plan.steps
    )
    return RunStatus("contoso-1", plan.digest, state, steps)  # type: ignore[arg-type]
