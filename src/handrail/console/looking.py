"""What the console keeps beside its pages so that many can look: who follows runs, what going back costs, who listens.
One per process, made when somebody looks for the first time."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING

from handrail.console.following import Following
from handrail.console.live import Hub
from handrail.console.pricing import Pricing
from handrail.console.run_view import RunView
from handrail.console.step_view import StepView

if TYPE_CHECKING:
    from jinja2 import Environment
    from starlette.requests import HTTPConnection

    from handrail.console.context import Console


class Looking:
    def __init__(self, console: Console, templates: Environment, hub: Hub) -> None:
        self.following = Following(console.session)
        self.pricing = Pricing(console.session)
        self.hub = hub
        self._templates = templates
        self._everywhere = f" --store {console.store}" if console.store else ""

    def view(self, run: str) -> RunView:
        return RunView(self.following, self.pricing, self._templates, run, self._everywhere)

    def step_view(self, run: str, step: str) -> StepView:
        return StepView(self.following, self._templates, run, step)


def looking_of(connection: HTTPConnection) -> Looking:
    """What the console that a request came to keeps; made once."""
    state = connection.app.state
    found = getattr(state, "looking", None)
    if found is None:
        hub = Hub(noted=_noting(state.console))
        found = state.looking = Looking(state.console, state.templates, hub)
    assert isinstance(found, Looking)
    return found


def _noting(console: Console) -> Callable[[Exception], None]:
    """Writes a failure of a watcher into the console's log: nobody's request failed."""

    def note(error: Exception) -> None:
        frames = traceback.extract_tb(error.__traceback__)[-12:]
        where = [f"{one.filename.rpartition('handrail/')[2]}:{one.lineno} {one.name}" for one in frames]
        console.log.note("failed", path="live", error=f"{type(error).__name__}: {error}", where=where)

    return note
