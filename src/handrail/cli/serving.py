"""`serve`: the console for browsers."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from handrail.cli.options import folders as folders_of
from handrail.cli.output import Output
from handrail.cli.sessions import opened
from handrail.errors import BadInput

NEEDED = ("fastapi", "uvicorn", "jinja2", "multipart", "argon2")


def serve(
    output: Output,
    folders: Sequence[str],
    store: str | None,
    host: str,
    port: int,
    certificate: str | None,
    key: str | None,
    public_url: str | None,
    proxy_header: str | None,
    proxy_from: Sequence[str],
    guides: Sequence[str],
) -> int:
    """Serve what is in `folders` and the store, until a signal ends it."""
    need_extra()
    from handrail.console.app import create_app
    from handrail.console.making import opened_console
    from handrail.console.serving import address, bind, settings_of
    from handrail.console.serving import serve as answer

    found = settings_of(host, certificate, key, public_url, proxy_header, proxy_from)
    served = tuple(_folder(one) for one in folders) or (Path.cwd(),)
    written = tuple(one.absolute() for one in folders_of(guides))
    with opened(output, store=store, guides=written) as session:

        def complain(sentence: str) -> None:
            output.complain(f"handrail: {sentence}")

        with opened_console(session, found, folders=served, store=store, guides=written, complain=complain) as console:
            listening = bind(host, port)
            where = public_url or address(found, host, listening.getsockname()[1])

            def ready() -> None:
                output.line(f"Handrail's console is at {where.rstrip('/')}/")
                if console.set_up.code:
                    output.line(
                        "Nobody can sign in yet. Make the first account there, within 30 minutes, with this code:"
                    )
                    output.line(f"  {console.set_up.code}")
                output.line("Stop it with Ctrl-C.")
                output.flush()

            with listening:
                answer(create_app(console), listening, certificate=certificate, key=key, ready=ready)
    output.line("The console has stopped.")
    return 0


def need_extra() -> None:
    """BadInput when what the console is built with is not installed."""
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise BadInput(
            f"The console needs packages that are not installed ({', '.join(missing)}).",
            "Install them: pip install 'handrail[console]'.",
        )


def _folder(text: str) -> Path:
    path = Path(text)
    if not path.is_dir():
        raise BadInput(
            f"{text!r} {'is not a folder' if path.exists() else 'does not exist'}.",
            "Name a folder that holds estates, plans or rehearsals.",
        )
    return path.absolute()
