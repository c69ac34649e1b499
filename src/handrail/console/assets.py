"""The files that pages need: style sheet, scripts and a sign. Nothing of anybody is in them."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

KINDS = (".css", ".js", ".svg")


class Assets(StaticFiles):
    """Only the kinds of file that pages are made of, whatever else lies in the folder. Browsers keep them, and ask
    whether they are still the same."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        if not path.endswith(KINDS):
            raise HTTPException(404)
        answer = await super().get_response(path, scope)
        answer.headers["Cache-Control"] = "no-cache"
        return answer
