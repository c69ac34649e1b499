"""A guide: one product's upgrade knowledge, as its author wrote it.

Texts may hold CEL between `{{ }}`; fields named `when`, `must` and `if_` are CEL. Nothing here is evaluated: `guides/`
compiles it, `assessing/` and `planning/` ask it. Every `source` reads `DOCUMENT#SECTION`, where DOCUMENT is a key of
`sources`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from handrail.model.detection import Detect, DetectSoftware
from handrail.model.finding import Level

Scope = Literal["installation", "host", "database", "account", "deployment", "estate"]


@dataclass(frozen=True, slots=True)
class Source:
    """`kind`: official, community, inference, memory or ours. Memory and inference may inform a note only.

    `revisions`: those in which the document was published, the oldest first; the last is in force unless an aim names
    another. `withdrawn_rule`: the finding when a move is taken that the last revision no longer has.
    """

    title: str
    publisher: str
    seen: str
    kind: Literal["official", "community", "inference", "memory", "ours"] = "official"
    url: str | None = None
    revisions: tuple[str, ...] = ()
    withdrawn_rule: str | None = None


@dataclass(frozen=True, slots=True)
class Continues:
    """An earlier guide whose line this one carries on. `components`: its names for them -> ours, where they differ."""

    guide: str
    components: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FactType:
    """`type` is text, number, whole, yes-no, version, list, map or any; `nullable` facts may be known to be absent.

    `default` is what it means when an estate does not state the fact, where a document says so ("all of them"); without
    one the fact is then unknown.
    """

    type: str
    says: str
    nullable: bool = False
    default: Any = None


@dataclass(frozen=True, slots=True)
class Release:
    """`builds` in ascending order. `from_medium`: the build is in no document; the medium tells. `series`: whatever
    begins with these numbers belongs to this release (15 and 15.18), where minor releases appear all the time.
    `shares` names releases that have some of the same builds, as products that were published together do."""

    title: str
    builds: tuple[str, ...] = ()
    from_medium: bool = False
    series: str | None = None
    source: str = ""
    shares: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Asset:
    """What must survive an upgrade. `at` is `host` or `database.host`, where it lies."""

    kind: Literal["database", "key-set", "folder", "config-file", "customisation", "language-pack", "binaries"]
    title: str


@dataclass(frozen=True, slots=True)
class Component:
    """`values` are constants that procedures read as `component.NAME`; `newest` is the newest build per release where
    that is not the release's own. Without `detect` discovery does not look for it."""

    title: str
    assets: Mapping[str, Asset] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)
    newest: Mapping[str, str] = field(default_factory=dict)
    client: bool = False
    detect: Detect | None = None


@dataclass(frozen=True, slots=True)
class MediumNeed:
    """Which medium an edge, a mend or a way back needs: all given keys must match. `build` may be `>=X`. For a way back
    they may hold expressions: `build: "{{hop.from}}"`."""

    kind: tuple[str, ...]
    release: str | None = None
    component: str | None = None
    product: str | None = None
    build: str | None = None


@dataclass(frozen=True, slots=True)
class From:
    """Where an edge begins: an exact build, or a release with optional bounds (`least` <= build < `below`), or
    bounds alone."""

    build: str | None = None
    release: str | None = None
    least: str | None = None
    below: str | None = None


@dataclass(frozen=True, slots=True)
class Announcement:
    """The finding that an edge raises: a note when it is planned, a blocker when only its media are missing."""

    rule: str
    says: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Edge:
    """A supported move of one component. `id` is its name; `from` is where it begins; `procedure` is what is carried
    out; `method` is how it is made, such as `patch` or `side-by-side`; `media` are those that it needs; `media_rule` is
    the finding when they are lacking, and has to be written where there are any; `announces` is a finding that it
    raises; `to` is a release or a build. `when` limits it to estates where it holds; `otherwise` says, for people, why
    it does not. `why` says why this method is good where it applies. Of several edges that apply, the one written first
    wins, unless the aim prefers another method. `revision`: it stands only in these revisions of the document that
    `source` names; `errata`: those that it follows (both also of requirements and steps)."""

    id: str
    component: str
    from_: From
    to: str
    method: str
    procedure: str
    source: str
    why: str = ""
    when: str | None = None
    otherwise: str = ""
    media: Mapping[str, MediumNeed] = field(default_factory=dict)
    media_rule: str | None = None
    announces: Announcement | None = None
    revision: tuple[str, ...] = ()
    errata: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Mend:
    """How a plan itself satisfies a requirement: when `media` (none, for what people do) are in the estate, `procedure`
    runs before the hop."""

    procedure: str
    media: Mapping[str, MediumNeed] = field(default_factory=dict)
    says: str = ""


@dataclass(frozen=True, slots=True)
class Requirement:
    """A rule. `rule` is its name, such as `courier/space`; `says` is what people read when it does not hold;
    `remedy` is what they can do; `source` is where it comes from; `level` is how grave it is; `acceptable` says whether
    people may accept it by name; `mend` is how a plan can see to it by itself. `when` says whom it concerns; `must` is
    what has to hold (absent: the rule always speaks).

    `scope` is what it is asked of, once per hop target: an installation (of one of `components`, all when empty), its
    target host, its database, its account, its deployment, or the estate. `settle` is the command that would
    determine what is unknown. `ask`: `aim` asks once about the aimed release, of the estate as it is and as the plan's
    mends leave it; `hop` asks before every hop, of the estate carried forward to there. `tells_why_no_road`: where it
    speaks as a blocker of an installation that has no road, that is why, and nothing more general is said.
    """

    rule: str
    says: str
    remedy: str
    source: str
    level: Level = "blocker"
    scope: Scope = "installation"
    components: tuple[str, ...] = ()
    when: str | None = None
    must: str | None = None
    ask: Literal["aim", "hop"] = "aim"
    settle: str = ""
    acceptable: bool = False
    mend: Mend | None = None
    revision: tuple[str, ...] = ()
    errata: tuple[str, ...] = ()
    tells_why_no_road: bool = False


@dataclass(frozen=True, slots=True)
class WorksWith:
    """A state in between that is (not) supported: whenever `a` and `b` (component, optional releases) stand together in
    one deployment, `must` has to hold (CEL over `a.release`, `a.build`, `b.release`, `b.build`)."""

    a: str
    b: str
    must: str
    says: str
    source: str


@dataclass(frozen=True, slots=True)
class Order:
    """`first` before `then` (components) wherever both hop to a release in `to` (all when empty) within one deployment;
    or, with `one_by_one`, the hosts of that component strictly one after another. `across` takes in every deployment of
    the estate that has an aim: `first` and `then` are then products or components. `sequence` (with
    `across`) lists products or components of which every one comes before all that follow it; a guide sees to those
    that are its own."""

    because: str
    source: str
    first: str | None = None
    then: str | None = None
    one_by_one: str | None = None
    to: tuple[str, ...] = ()
    across: bool = False
    sequence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OnError:
    """What is done when a step fails with a known error. `error` is its name; `steps` are carried out first; `retries`
    says how often the step is then tried again, at most; `wait` is how many seconds after."""

    error: str
    steps: tuple[StepTemplate, ...] = ()
    retries: int = 1
    wait: float = 0.0


@dataclass(frozen=True, slots=True)
class When:
    """A condition known only during the run. `step` is an id in the same procedure; `ended` are states that it may have
    ended in; `error` is the known error that it failed with; `output` is one of its outputs; `equals` is what that has
    to be."""

    step: str
    ended: tuple[str, ...] = ()
    error: str | None = None
    output: str | None = None
    equals: Any = None


@dataclass(frozen=True, slots=True)
class StepTemplate:
    """One step of a procedure.

    `id` is its own within the procedure; `title` is what people read; `says` tells them more, in the runbook; `source`
    is where it comes from, as DOCUMENT#SECTION. `uses` names an action, `hold`, `barrier`, or `procedure/NAME` to
    include another procedure's steps. `with_` values are CEL texts, plain values or `{late: STEP.output}`. `host` is
    CEL naming the host (default: the installation's). `if_` is decided when planning, `when` during the run. `after`
    defaults to the step written before it. `downtime` begins or ends an outage of the installation. `protects` and
    `proves`: assets of which the step makes or proves a restore point; `changes`: assets that it may destroy; `leaves`:
    facts that it brings about. `takes`: 90s, 5m, 1h. `each`: CEL yielding a list; the step is repeated for every item,
    which is `item` in its texts. `no_return`: what was there before cannot be gone back to as it stood; restoring is
    the only way then. `restores`: of a step in a way back, the assets that it builds anew, and so changes (a step that
    uses `restore` puts back its own by itself). `until`: of a passing state, the later step until which it has to last;
    a resumed run looks at it again first.
    """

    id: str
    uses: str
    source: str = ""
    title: str = ""
    with_: Mapping[str, Any] = field(default_factory=dict)
    host: str | None = None
    if_: str | None = None
    each: str | None = None
    when: tuple[When, ...] = ()
    after: tuple[str, ...] | None = None
    lasting: bool | None = None
    kind: str | None = None
    takes: str | None = None
    downtime: Literal["begins", "ends"] | None = None
    protects: tuple[str, ...] = ()
    proves: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()
    leaves: Mapping[str, Any] = field(default_factory=dict)
    on_error: tuple[OnError, ...] = ()
    says: str = ""
    errata: tuple[str, ...] = ()
    no_return: bool = False
    revision: tuple[str, ...] = ()
    restores: tuple[str, ...] = ()
    until: str | None = None


@dataclass(frozen=True, slots=True)
class Procedure:
    """`back` names the procedure that takes a hop made by this one back, once any step of it that `changes` an asset
    has begun. Its steps may read outputs of this procedure's steps; `uses: restore` puts back one asset from its
    restore point. `media`: what a way back needs beside the media of the hop, such as those of the build before it;
    only those that its planned steps read."""

    steps: tuple[StepTemplate, ...]
    title: str = ""
    back: str | None = None
    media: Mapping[str, MediumNeed] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class KnownError:
    """What a failed step's evidence says -> which error it is. `exit` lists exit codes; `log` is a regular expression,
    its named groups become outputs of the failed attempt. `cause` is for people."""

    cause: str
    source: str
    log: str | None = None
    exit: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class ErratumText:
    document: str
    says: str
    we_do: str
    because: str
    source: str


@dataclass(frozen=True, slots=True)
class Demand:
    """Something that users may demand of this guide, in one sentence. Scenarios show that it works."""

    says: str
    source: str


@dataclass(frozen=True, slots=True)
class Guide:
    """One product's upgrade knowledge.

    `name` is what estates call the product; `versioning` is how builds are compared, always as numbers: `windows`
    (exactly four of them, such as 4.6.34.0) or `dotted` (any count, zeros at the end aside); `sources` are the
    documents that rules cite; `releases` are those that there are; `components` are the parts that are installed;
    `edges` are the supported moves; `facts` are what estates may state beyond what every estate can, by scope;
    `requirements` are the rules; `works_with` says which releases may stand together; `order` says which component
    goes before which; `procedures` are how moves are made and taken back; `known_errors` are those that a log or an
    exit code tells; `errata` says where a document is wrong; `demands` are what users may demand, shown by scenarios;
    `unknown_build_rule` is the finding for a build that no release lists; `continues` names earlier guides whose line
    this one carries on; `software` says how software that rules name is recognised. `products`: further names under
    which estates may call for this guide; each is one of its components."""

    name: str
    title: str
    versioning: str
    sources: Mapping[str, Source]
    releases: Mapping[str, Release]
    components: Mapping[str, Component]
    edges: tuple[Edge, ...] = ()
    facts: Mapping[str, Mapping[str, FactType]] = field(default_factory=dict)
    requirements: tuple[Requirement, ...] = ()
    works_with: tuple[WorksWith, ...] = ()
    order: tuple[Order, ...] = ()
    procedures: Mapping[str, Procedure] = field(default_factory=dict)
    known_errors: Mapping[str, KnownError] = field(default_factory=dict)
    errata: Mapping[str, ErratumText] = field(default_factory=dict)
    demands: Mapping[str, Demand] = field(default_factory=dict)
    unknown_build_rule: str | None = None
    products: tuple[str, ...] = ()
    continues: tuple[Continues, ...] = ()
    software: Mapping[str, DetectSoftware] = field(default_factory=dict)
    digest: str = ""
