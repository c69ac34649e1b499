"""The console for browsers, and who may sign in to it."""

from __future__ import annotations

from typing import Annotated

import typer

from handrail.cli.commands.parameters import Format, Guides, Store


def serve(
    context: typer.Context,
    folder: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="FOLDER", help="Where estates, plans and rehearsals lie; by default here.", show_default=False
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
    guides: Guides = None,
) -> int:
    """Show plans and runs in a browser, to everybody with an account.

    At first it prints a code, with which the first account is made. Beyond this machine it needs TLS:

      handrail serve upgrades/ --host 0.0.0.0 --certificate web.pem --key web.key
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
        guides or [],
    )


Name = Annotated[str, typer.Argument(metavar="NAME", help="The name of the account.", show_default=False)]
Roles = Annotated[
    list[str] | None,
    typer.Option("--role", metavar="ROLE", help="operator, approver or administrator; may be repeated."),
]


def account_add(context: typer.Context, name: Name, role: Roles = None) -> int:
    """Make an account, and a code that its owner signs in with first.

    handrail account add anna --role operator --role approver
    """
    from handrail.cli import accounts

    return accounts.add(context.obj, name, role or [])


def account_list(context: typer.Context, format: Format = "text") -> int:
    """List the accounts.

    handrail account list --format json
    """
    from handrail.cli import accounts

    return accounts.list_(context.obj, format)


def account_roles(context: typer.Context, name: Name, role: Roles = None) -> int:
    """Give an account exactly these roles. Without one it may only look.

    handrail account roles anna --role approver
    """
    from handrail.cli import accounts

    return accounts.roles(context.obj, name, role or [])


def account_disable(
    context: typer.Context,
    name: Name,
    undo: Annotated[bool, typer.Option("--undo", help="Let somebody sign in again who was disabled.")] = False,
) -> int:
    """Sign somebody out everywhere, and let them in no more.

    handrail account disable anna
    """
    from handrail.cli import accounts

    return accounts.disable(context.obj, name, again=undo)


def account_password(context: typer.Context, name: Name) -> int:
    """End password and second factor; print a code for new ones.

    handrail account password anna
    """
    from handrail.cli import accounts

    return accounts.password(context.obj, name)
