"""The console for browsers, and who may sign in to it."""

from __future__ import annotations

from typing import Annotated

import typer

from handrail.cli.commands.parameters import Store


def serve(
    context: typer.Context,
    folder: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[FOLDER]...", help="Where estates, plans and rehearsals lie; by default here.", show_default=False
        ),
    ] = None,
    store: Store = None,
    host: Annotated[str, typer.Option("--host", metavar="ADDRESS", help="Where to listen.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", metavar="N", min=0, max=65535, help="0 for any free one.")] = 8417,
    certificate: Annotated[
        str | None, typer.Option("--certificate", metavar="FILE", help="For TLS: a certificate, and --key.")
    ] = None,
    key: Annotated[str | None, typer.Option("--key", metavar="FILE", help="The certificate's key.")] = None,
    public_url: Annotated[
        str | None,
        typer.Option("--public-url", metavar="URL", help="How people reach it, when that is not where it listens."),
    ] = None,
    proxy_header: Annotated[
        str | None,
        typer.Option("--proxy-header", metavar="NAME", help="The header in which a trusted proxy says who it is."),
    ] = None,
    proxy_from: Annotated[
        list[str] | None,
        typer.Option("--proxy-from", metavar="NETWORK", help="Where that proxy is; may be repeated."),
    ] = None,
) -> int:
    """Show plans and runs in a browser, to everybody with an account.

    At first it prints a code, with which the first account is made. Beyond this machine it needs TLS:

      handrail serve upgrades/ --host 0.0.0.0 --certificate console.pem --key console.key
    """
    from handrail.cli import serving

    return serving.serve(
        context.obj,
        folder or [],
        store,
        host,
        port,
        certificate,
        key,
        public_url,
        proxy_header,
        proxy_from or [],
    )
