"""Plain data to a plan, every type checked, fast enough for a hundred thousand steps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar, get_args

from handrail.documents.read import Reading
from handrail.documents.tree import tree_of
from handrail.errors import BadInput
from handrail.model.detection import Detect, DetectSoftware
from handrail.model.estate import Estate
from handrail.model.finding import Citation, Finding, Level
from handrail.model.plan import (
    Because,
    Condition,
    Erratum,
    Fact,
    Fleet,
    GoesBack,
    GuideRef,
    Hop,
    Plan,
    Recognition,
    Rejected,
    Remedy,
    Step,
    WayBack,
)
from handrail.model.signature import Kind

Json = Mapping[str, Any]
T = TypeVar("T")
_ANEW = "Make it anew with `handrail plan`."
_LEVELS: Any = frozenset(get_args(Level))
_KINDS: Any = frozenset(get_args(Kind))
_WAYS: Any = frozenset(("undo", "restore", "none"))


def _keys(names: str) -> frozenset[str]:
    return frozenset(names.split())


_PLAN = _keys(
    "schema digest estate aim guides findings hops steps point_of_no_return downtime errata back detect fleet goes_back"
)
_STEP = _keys(
    "id title installation host uses revision with when kind lasting takes after because rests_on leaves way_back "
    "downtime source protects proves changes no_return soak tolerant until remedies says errata"
)
_CITATION = _keys("document section url title")
_FINDING = _keys("rule level unknown accepted subject message remedy source")
_HOP = _keys("installation from to method why not source build")
_REMEDY = _keys("error steps retries wait log exit says source")
_CONDITION = _keys("step ended error output equals")
_FACT = _keys("address value")
_BECAUSE = _keys("after reason source")
_WAY = _keys("kind from by")
_ERRATUM = _keys("id says we_do because source")


class PlanShape:
    """Reads one plan. Equal citations, ways back, remedies and lists of names become one object each: a plan repeats
    them."""

    def __init__(self, estate: Callable[[Any], Estate]) -> None:
        self._estate = estate
        self._citations: dict[tuple[Any, ...], Citation] = {}
        self._known: dict[Any, Any] = {}

    def plan(self, data: Json, steps: tuple[Step, ...] | None = None, back: tuple[Step, ...] | None = None) -> Plan:
        """`steps`, `back`: those that were read already."""
        _nothing_else(data, _PLAN, "the plan")
        return Plan(
            digest=_text(data, "digest"),
            estate=self._estate(_of(data, "estate", dict)),
            aim={key: _is(value, str, key) for key, value in _of(data, "aim", dict).items()},
            guides=tuple(GuideRef(*_pair(one, "name", "digest", "a guide")) for one in _list(data, "guides")),
            findings=tuple(self._finding(one) for one in _list(data, "findings")),
            hops=tuple(self._hop(one) for one in _list(data, "hops")),
            steps=tuple(map(self.step, _list(data, "steps"))) if steps is None else steps,
            point_of_no_return=_text_or_none(data, "point_of_no_return"),
            downtime={name: _spans(spans) for name, spans in _of(data, "downtime", dict).items()},
            errata=tuple(self._erratum(one) for one in _list(data, "errata", ())),
            back=tuple(map(self.step, _list(data, "back", ()))) if back is None else back,
            goes_back=_goes_back(data),
            detect=_recognition(data),
            fleet=_record(Fleet, data["fleet"]) if data.get("fleet") is not None else None,
        )

    def step(self, data: Json) -> Step:
        kind = _choice(data, "kind", _KINDS)
        way = _of(data, "way_back", dict)
        _nothing_else(data, _STEP, "a step")
        _nothing_else(way, _WAY, "a way back")
        return Step(
            id=_text(data, "id"),
            title=_text(data, "title"),
            installation=_text(data, "installation"),
            host=_text_or_none(data, "host"),
            uses=_text(data, "uses"),
            revision=_of(data, "revision", int),
            kind=kind,
            source=self._citation(data),
            with_=_of(data, "with", dict),
            when=tuple(_condition(one) for one in _list(data, "when")),
            lasting=_of(data, "lasting", bool),
            takes=float(_of(data, "takes", (int, float))),
            after=self._once(_texts(data, "after")),
            because=tuple(self._because(one) for one in _list(data, "because")),
            rests_on=tuple(_fact(one) for one in _list(data, "rests_on")),
            leaves=tuple(_fact(one) for one in _list(data, "leaves")),
            way_back=self._once(WayBack(_choice(way, "kind", _WAYS), _texts(way, "from"), _texts(way, "by", ()))),
            downtime=_of(data, "downtime", bool),
            protects=self._once(_texts(data, "protects", ())),
            proves=self._once(_texts(data, "proves", ())),
            changes=self._once(_texts(data, "changes", ())),
            remedies=self._once(tuple(self._remedy(one) for one in _list(data, "remedies", ()))),
            says=_text(data, "says", ""),
            errata=_texts(data, "errata", ()),
            no_return=_of(data, "no_return", bool) if "no_return" in data else False,
            until=_text_or_none(data, "until"),
            soak=float(_of(data, "soak", (int, float), 0.0)),
            tolerant=_of(data, "tolerant", bool) if "tolerant" in data else False,
        )

    def _once(self, value: T) -> T:
        found: T = self._known.setdefault(value, value)
        return found

    def _citation(self, data: Json) -> Citation:
        source = _of(data, "source", dict)
        _nothing_else(source, _CITATION, "a source")
        found = (source.get("document"), source.get("section"), source.get("url"), source.get("title"))
        try:
            return self._citations[found]
        except (KeyError, TypeError):
            pass
        citation = Citation(
            _text(source, "document"),
            _text(source, "section"),
            _text_or_none(source, "url"),
            _text_or_none(source, "title"),
        )
        self._citations[found] = citation
        return citation

    def _finding(self, data: Json) -> Finding:
        rule = _text(data, "rule")
        _nothing_else(data, _FINDING, "a finding")
        return Finding(
            rule=rule,
            level=_choice(data, "level", _LEVELS),
            subject=_text(data, "subject"),
            message=_text(data, "message"),
            remedy=_text(data, "remedy"),
            source=self._citation(data),
            unknown=_of(data, "unknown", bool),
            accepted=_of(data, "accepted", bool),
        )

    def _hop(self, data: Json) -> Hop:
        installation = _text(data, "installation")
        _nothing_else(data, _HOP, "a hop")
        return Hop(
            installation=installation,
            from_=_text(data, "from"),
            to=_text(data, "to"),
            method=_text(data, "method"),
            why=_text(data, "why"),
            source=self._citation(data),
            not_=tuple(Rejected(*_pair(one, "method", "because", "a method")) for one in _list(data, "not")),
            build=_text_or_none(data, "build"),
        )

    def _because(self, data: Json) -> Because:
        after = _text(data, "after")
        _nothing_else(data, _BECAUSE, "a reason")
        return Because(after, _text(data, "reason"), self._citation(data))

    def _remedy(self, data: Json) -> Remedy:
        error = _text(data, "error")
        _nothing_else(data, _REMEDY, "a remedy")
        return Remedy(
            error=error,
            steps=_texts(data, "steps"),
            log=_text_or_none(data, "log"),
            exit=tuple(_is(one, int, "exit") for one in _list(data, "exit", ())),
            retries=_of(data, "retries", int),
            wait=float(_of(data, "wait", (int, float))),
            says=_text(data, "says", ""),
            source=self._citation(data) if data.get("source") is not None else None,
        )

    def _erratum(self, data: Json) -> Erratum:
        id_ = _text(data, "id")
        _nothing_else(data, _ERRATUM, "an erratum")
        return Erratum(id_, _text(data, "says"), _text(data, "we_do"), _text(data, "because"), self._citation(data))


def _recognition(data: Json) -> Recognition:
    if "detect" not in data:
        return Recognition()
    told = _of(data, "detect", dict)
    components = {
        product: {name: _record(Detect, one) for name, one in _is(known, dict, product).items()}
        for product, known in _of(told, "components", dict).items()
    }
    software = {name: _record(DetectSoftware, one) for name, one in _of(told, "software", dict).items()}
    return Recognition(components, software)


def _record(cls: type[T], data: Any) -> T:
    reading = Reading(tree_of(data, "the plan"))
    record: T = reading.record(cls, data, ())
    reading.finish()
    return record


def _goes_back(data: Json) -> GoesBack | None:
    if data.get("goes_back") is None:
        return None
    return GoesBack(*_pair(_of(data, "goes_back", dict), "run", "plan", "the way back"))


def _pair(data: Json, one: str, other: str, what: str) -> tuple[str, str]:
    first = _text(data, one)
    _nothing_else(data, frozenset((one, other)), what)
    return first, _text(data, other)


def _condition(data: Json) -> Condition:
    step = _text(data, "step")
    _nothing_else(data, _CONDITION, "a condition")
    return Condition(
        step=step,
        ended=_texts(data, "ended", ()),
        error=_text_or_none(data, "error"),
        output=_text_or_none(data, "output"),
        equals=data.get("equals"),
    )


def _fact(data: Json) -> Fact:
    address = _text(data, "address")
    _nothing_else(data, _FACT, "a fact")
    return Fact(address, data.get("value"))


def _spans(data: Any) -> tuple[tuple[str, str], ...]:
    spans = []
    for span in _is(data, list, "downtime"):
        if not (isinstance(span, list) and len(span) == 2 and all(isinstance(end, str) for end in span)):
            raise BadInput("In this plan 'downtime' has an entry that is not [first step, last step].", _ANEW)
        spans.append((span[0], span[1]))
    return tuple(spans)


def _nothing_else(data: Json, known: frozenset[str], what: str) -> None:
    """What is not known here would not be done: what was approved would not be what runs. `data` is a mapping."""
    if not known.issuperset(data):
        more = next(key for key in data if key not in known)
        raise BadInput(
            f"In this plan {what} says {str(more)!r}, which this Handrail does not know.",
            "A newer one made it: use that one, or make the plan anew.",
        )


_REQUIRED: Any = object()


def _of(data: Json, key: str, kind: Any, default: Any = _REQUIRED) -> Any:
    try:
        value = data.get(key, default)
    except AttributeError:
        raise BadInput(f"In this plan something that should hold {key!r} is not a mapping.", _ANEW) from None
    if value is _REQUIRED:
        raise BadInput(f"This plan lacks {key!r}.", _ANEW)
    return _is(value, kind, key)


def _is(value: Any, kind: Any, key: str) -> Any:
    if not isinstance(value, kind) or (value is True or value is False) is not (kind is bool):
        raise BadInput(f"In this plan {key!r} is not what it should be.", _ANEW)
    return value


def _text(data: Json, key: str, default: Any = _REQUIRED) -> str:
    value: str = _of(data, key, str, default)
    return value


def _text_or_none(data: Json, key: str) -> str | None:
    value: str | None = _of(data, key, (str, type(None)), None)
    return value


def _list(data: Json, key: str, default: Any = _REQUIRED) -> Any:
    return _of(data, key, (list, tuple), default)


def _texts(data: Json, key: str, default: Any = _REQUIRED) -> tuple[str, ...]:
    entries = _of(data, key, (list, tuple), default)
    for entry in entries:
        if entry.__class__ is not str:
            raise BadInput(f"In this plan {key!r} holds something that is not text.", _ANEW)
    return tuple(entries)


def _choice(data: Json, key: str, choices: Any) -> Any:
    value = _text(data, key)
    if value not in choices:
        raise BadInput(f"In this plan {key!r} is {value!r}, which is not known.", _ANEW)
    return value
