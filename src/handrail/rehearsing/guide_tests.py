"""Guides tested: every scenario in their folders, on all cores, and which of their demands are shown by one."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path

from handrail.errors import BadInput, HandrailError, Place, UnknownName, suggestion
from handrail.guides.catalogue import FILE, Catalogue, CompiledGuide
from handrail.model.guide import Demand
from handrail.rehearsing.expecting import Renderings
from handrail.rehearsing.naming import meant, nothing
from handrail.rehearsing.trial import Trial, attempt

FOLDER = "scenarios"


@dataclass(frozen=True, slots=True)
class Coverage:
    """One demand of a guide, and the titles of the scenarios that show it (those that passed)."""

    id: str
    demand: Demand
    scenarios: tuple[str, ...]

    @property
    def shown(self) -> bool:
        return bool(self.scenarios)


@dataclass(frozen=True, slots=True)
class GuideTest:
    """`whole`: all its scenarios were tried, so that a demand without one is a failure."""

    guide: str
    title: str
    trials: tuple[Trial, ...]
    coverage: tuple[Coverage, ...]
    whole: bool = True

    @property
    def passed(self) -> bool:
        """A guide without scenarios has shown nothing, so it does not pass."""
        shown = not self.whole or all(one.shown for one in self.coverage)
        return shown and bool(self.trials) and all(trial.passed for trial in self.trials)


@dataclass(frozen=True, slots=True)
class Chosen:
    """Scenario files of one guide."""

    guide: CompiledGuide
    files: tuple[Path, ...]
    whole: bool = True


Progress = Callable[[Chosen, Trial], None]


def choose(names: Sequence[str], catalogue: Catalogue) -> list[Chosen]:
    """What `names` mean: guides by name, folders that hold guides, scenario files; all guides when there are none.

    A folder's guides have to be in the catalogue. UnknownName or BadInput for a name that means nothing.
    """
    by_folder = {compiled.folder.resolve(): compiled for compiled in catalogue.guides.values()}
    if not names:
        return [_whole(one) for _, one in sorted(catalogue.guides.items())]
    found: dict[Path, Chosen] = {}
    for name in names:
        for chosen in _meant(name, catalogue, by_folder):
            folder = chosen.guide.folder.resolve()
            old = found.get(folder)
            if old is not None and not old.whole:
                files = tuple(dict.fromkeys((*old.files, *chosen.files)))
                chosen = replace(chosen, files=chosen.files if chosen.whole else files)
            if old is None or not old.whole:
                found[folder] = chosen
    return list(found.values())


def scenario_name(guide: str, file: str | Path) -> str:
    """What people call it: `GUIDE/FILE`, without its ending."""
    return f"{guide}/{Path(file).stem}"


def only(chosen: Sequence[Chosen], patterns: Sequence[str]) -> list[Chosen]:
    """Those of the scenarios that one of the patterns means: `GUIDE/FILE`, `FILE`, or with `*`. BadInput for a pattern
    that means none."""
    names = {scenario_name(one.guide.guide.name, path): path for one in chosen for path in one.files}
    wanted: set[Path] = set()
    for pattern in patterns:
        found = meant(pattern, names)
        if not found:
            raise BadInput(nothing(pattern, list(names), "scenario"), "Scenarios are called as their files are.")
        wanted.update(names[one] for one in found)
    kept = [replace(one, files=tuple(file for file in one.files if file in wanted), whole=False) for one in chosen]
    return [one for one in kept if one.files]


def guide_folders(names: Sequence[str]) -> list[Path]:
    """The folders of an author's guides that these names lead into: for loading them into a catalogue."""
    found: dict[Path, None] = {}
    for name in names:
        path = Path(name)
        if path.is_dir() and ((path / FILE).is_file() or list(path.glob(f"*/{FILE}"))):
            found[path] = None
        elif path.is_file():
            folder = _guide_above(path)
            if folder is not None:
                found[folder] = None
    return list(found)


def _whole(compiled: CompiledGuide) -> Chosen:
    folder = compiled.folder / FOLDER
    files = sorted((*folder.glob("**/*.yaml"), *folder.glob("**/*.yml")))
    return Chosen(compiled, tuple(files))


def _meant(name: str, catalogue: Catalogue, by_folder: dict[Path, CompiledGuide]) -> Iterator[Chosen]:
    if name in catalogue.guides:
        yield _whole(catalogue.guides[name])
        return
    path = Path(name)
    if path.is_file():
        folder = _guide_above(path)
        if folder is None or folder.resolve() not in by_folder:
            raise BadInput(
                "No guide stands above this scenario.", f"Put it into a folder below a {FILE}.", Place(str(path))
            )
        yield Chosen(by_folder[folder.resolve()], (path,), whole=False)
        return
    if not path.is_dir():
        raise UnknownName("The guide or folder", name, catalogue.guides)
    root = path.resolve()
    inside = [one for folder, one in by_folder.items() if folder == root or folder.parent == root]
    if inside:
        yield from map(_whole, inside)
        return
    above = _guide_above(path)
    files = tuple(sorted(path.glob("**/*.yaml")))
    if above is None or above.resolve() not in by_folder or not files:
        raise BadInput(f"There is no {FILE} and no scenario in this folder.", "Name another one.", Place(str(path)))
    yield Chosen(by_folder[above.resolve()], files, whole=False)


def _guide_above(path: Path) -> Path | None:
    return next((one for one in path.absolute().parents if (one / FILE).is_file()), None)


# -- trying -------------------------------------------------------------------------------------------------------


def try_guides(
    chosen: Sequence[Chosen],
    catalogue: Catalogue,
    renderings: Renderings,
    *,
    processes: int | None = None,
    progress: Progress | None = None,
) -> list[GuideTest]:
    """Try every chosen scenario, several at a time. `progress` is told of each, in the order of the files."""
    files = [(number, path) for number, one in enumerate(chosen) for path in one.files]
    trials: dict[int, list[Trial]] = {}
    tried = _tried([path for _, path in files], catalogue, renderings, processes or os.cpu_count() or 1)
    with closing(tried):
        for (number, _), trial in zip(files, tried, strict=True):
            checked = _covering(trial, chosen[number].guide)
            trials.setdefault(number, []).append(checked)
            if progress is not None:
                progress(chosen[number], checked)
    return [_judged(one, trials.get(number, [])) for number, one in enumerate(chosen)]


def _covering(trial: Trial, compiled: CompiledGuide) -> Trial:
    """Demands that the guide does not list are mistakes of the scenario."""
    demands = compiled.guide.demands
    unknown = [id for id in trial.covers if id not in demands]
    place = Place(trial.file)
    mistakes = [
        BadInput(f"The guide {compiled.guide.name} lists no demand {id!r}.", suggestion(id, demands), place)
        for id in unknown
    ]
    return replace(trial, mistakes=(*trial.mistakes, *mistakes))


def _judged(chosen: Chosen, trials: list[Trial]) -> GuideTest:
    guide = chosen.guide.guide
    coverage = tuple(
        Coverage(id, demand, tuple(one.title for one in trials if id in one.covers and one.passed))
        for id, demand in guide.demands.items()
    )
    return GuideTest(guide.name, guide.title, tuple(trials), coverage, chosen.whole)


def _tried(
    files: list[Path], catalogue: Catalogue, renderings: Renderings, processes: int
) -> Generator[Trial, None, None]:
    workers = min(processes, len(files))
    if workers < 2 or not hasattr(os, "fork"):
        yield from (_timed(path, catalogue, renderings) for path in files)
        return
    # Forked children have the guides already, compiled; what they send back is small.
    with ProcessPoolExecutor(
        workers, mp_context=get_context("fork"), initializer=_equip, initargs=(catalogue, renderings)
    ) as pool:
        try:
            yield from pool.map(_in_child, files)
        except BrokenProcessPool:
            raise HandrailError(
                "A process that tried scenarios was ended from outside.", "Look for free memory, and try again."
            ) from None


_EQUIPMENT: list[tuple[Catalogue, Renderings]] = []
"""What a child process tries scenarios with; it is empty in ours."""


def _equip(catalogue: Catalogue, renderings: Renderings) -> None:
    # An interrupt is for our parent, which then ends us.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _EQUIPMENT[:] = [(catalogue, renderings)]


def _in_child(path: Path) -> Trial:
    catalogue, renderings = _EQUIPMENT[0]
    return _timed(path, catalogue, renderings)


def _timed(path: Path, catalogue: Catalogue, renderings: Renderings) -> Trial:
    begun = time.monotonic()
    trial = attempt(path, catalogue, renderings)
    return replace(trial, seconds=time.monotonic() - begun)
