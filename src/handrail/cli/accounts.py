"""`account`: who may sign in to the console, for whoever owns the machine that it runs on."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from handrail.cli import settings
from handrail.cli.output import Output
from handrail.cli.serving import need_extra

if TYPE_CHECKING:
    from handrail.console.accounts import Account, Accounts


def add(output: Output, name: str, roles: Sequence[str]) -> int:
    with _accounts() as accounts:
        account = accounts.add(name, None, roles)
        _note("account-added", account, roles=sorted(account.roles))
        output.line(f"{account.name} has an account: {_roles(account)}.")
        _tell_code(output, accounts, account)
    return 0


def list_(output: Output, format: str) -> int:
    with _accounts() as accounts:
        known = accounts.all()
    if format == "json":
        output.json(
            {
                "schema": "handrail/accounts/v1",
                "accounts": [
                    {
                        "name": one.name,
                        "roles": sorted(one.roles),
                        "enabled": one.enabled,
                        "password": one.has_password,
                        "created": _moment(one.created),
                    }
                    for one in known
                ],
            }
        )
        return 0
    if not known:
        output.line("There are no accounts yet. Begin with `handrail serve`, or: handrail account add NAME")
    longest = max((len(one.name) for one in known), default=0)
    for one in known:
        state = "disabled" if not one.enabled else "" if one.has_password else "no password yet"
        output.line(f"{one.name:<{longest}}  {_roles(one)}" + (f"  ({state})" if state else ""))
    return 0


def roles(output: Output, name: str, given: Sequence[str]) -> int:
    with _accounts() as accounts:
        accounts.set_roles(name, given)
        account = accounts.get(name)
    _note("roles-changed", account, roles=sorted(account.roles))
    output.line(f"{account.name}: {_roles(account)}.")
    return 0


def disable(output: Output, name: str, *, again: bool) -> int:
    with _accounts() as accounts:
        accounts.set_enabled(name, again)
        account = accounts.get(name)
    _note("enabled" if again else "disabled", account)
    said = "may sign in again." if again else "is disabled and was signed out everywhere."
    output.line(f"{account.name} {said}")
    return 0


def password(output: Output, name: str) -> int:
    with _accounts() as accounts:
        account = accounts.get(name)
        _note("password-reset", account)
        output.line(f"The old password of {account.name} does not count any more, nor their second factor.")
        _tell_code(output, accounts, account)
    return 0


def _tell_code(output: Output, accounts: Accounts, account: Account) -> None:
    code = accounts.invite(account.name)
    output.line("They set a password of their own with this code, at /password in the console, within a day:")
    output.line(f"  {code}")


def _roles(account: Account) -> str:
    return ", ".join(sorted(account.roles))


def _moment(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


@contextlib.contextmanager
def _accounts() -> Iterator[Accounts]:
    need_extra()
    from handrail.console.making import opened_accounts

    with opened_accounts(settings.home().make()) as (accounts, _):
        yield accounts


def _note(what: str, account: Account, **more: object) -> None:
    """Into the console's log, as if it had been done there."""
    from handrail.console.making import security_log

    security_log(settings.home()).note(what, who=settings.who(), address="command line", account=account.name, **more)
