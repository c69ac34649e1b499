"""The application: who stands at the door, which pages there are, and what is said when one fails."""

from __future__ import annotations

from pathlib import Path

from fastapi import Depends, FastAPI

from handrail import __version__
from handrail.console import (
    answers,
    api,
    estates,
    evidence,
    factors,
    journals,
    now,
    people,
    plan_view,
    plans,
    refusals,
    rehearsals,
    runs,
    signing_in,
)
from handrail.console.assets import Assets
from handrail.console.bodies import Bodies
from handrail.console.context import Console
from handrail.console.guarding import Door, checked
from handrail.console.headers import Names, Shell
from handrail.console.rendering import make_environment

STATIC = Path(__file__).parent / "static"


def create_app(console: Console) -> FastAPI:
    """The console as an ASGI application. `console` must stay open as long as it is used."""
    app = FastAPI(
        title="Handrail",
        version=__version__,
        docs_url=None,  # they would load scripts from elsewhere
        redoc_url=None,
        openapi_url="/api/openapi.json",
        dependencies=[Depends(checked)],
    )
    app.state.console = console
    app.state.templates = make_environment()
    refusals.install(app)
    app.include_router(now.make_router())
    app.include_router(signing_in.make_router())
    app.include_router(factors.make_router())
    app.include_router(people.make_router())
    app.include_router(runs.make_router())
    app.include_router(plan_view.make_router())
    app.include_router(plans.make_router())
    app.include_router(estates.make_router())
    app.include_router(rehearsals.make_router())
    app.include_router(journals.make_router())
    app.include_router(evidence.make_router())
    app.include_router(answers.make_router())
    api.install(app)
    app.mount("/static", Assets(directory=STATIC))
    # The last one added is met first.
    app.add_middleware(Bodies)
    app.add_middleware(Door, console=console)
    app.add_middleware(Names, settings=console.settings)
    app.add_middleware(Shell, console=console)
    return app
