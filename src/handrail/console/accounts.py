"""Who may sign in, and what they may do. Passwords are kept as Argon2id hashes, tokens and codes as SHA-256. The secret
of a second factor is kept as it is: codes are made from it."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import time
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from handrail.console.database import Database
from handrail.console.passwords import refuse_weak
from handrail.console.second_factor import accepted_step
from handrail.errors import BadInput, UnknownName

if TYPE_CHECKING:
    import sqlite3

    from argon2 import PasswordHasher

ROLES = ("viewer", "operator", "approver", "administrator")
"""A viewer reads everything; everybody with an account is one. An operator starts, resumes and answers runs, an
approver approves plans and answers holds, an administrator looks after accounts."""

TOKEN = "handrail_"
"""What every token begins with, so that scanners for leaked secrets can know one."""
TOKEN_DAYS = 90

CODE_LASTS = 24 * 3600.0
"""Seconds for which somebody can set a password with the code that an administrator gave them."""
RECOVERY_CODES = 10
HALFWAY = 5 * 60.0
"""Seconds between a right password and the code of the second factor."""
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"""None that looks like another."""
_NONE = "*"
"""In place of a password's hash: nothing fits."""
_NAME = re.compile(r"\w[\w.@\\-]{0,63}")


@dataclass(frozen=True, slots=True)
class Account:
    """`created` and `changed` (its password, last) are seconds since 1970; so is `invited`, until when a code can be
    used to set a password, or None; and `factor_changed`, when a second factor was last set up or dropped. `factor`:
    it has one."""

    key: str
    name: str
    roles: frozenset[str]
    enabled: bool
    created: float
    changed: float
    has_password: bool
    invited: float | None
    factor: bool = False
    factor_changed: float | None = None


@dataclass(frozen=True, slots=True)
class Token:
    """What is known of a token, without the token. Times are seconds since 1970."""

    id: str
    account: str
    label: str
    created: float
    until: float
    used: float | None


class Accounts:
    """The accounts in a database. Asking for a password takes a tenth of a second on purpose: not in an event loop."""

    def __init__(self, database: Database, hasher: PasswordHasher, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._hasher = hasher
        self._clock = clock
        self._nobody = ""  # a hash that no password fits, made when it is first needed

    # -- looking ------------------------------------------------------------------------------------------------

    def all(self) -> list[Account]:
        return [_account(row) for row in self._database.all("SELECT * FROM accounts ORDER BY key")]

    def any(self) -> bool:
        return self._database.one("SELECT 1 FROM accounts LIMIT 1") is not None

    def find(self, name: str) -> Account | None:
        row = self._database.one("SELECT * FROM accounts WHERE key = ?", key_of(name))
        return _account(row) if row else None

    def get(self, name: str) -> Account:
        """UnknownName when there is none."""
        found = self.find(name)
        if found is None:
            raise UnknownName("the account", name, (one.name for one in self.all()))
        return found

    def check(self, name: str, password: str) -> Account | None:
        """The account, when it is enabled and this is its password. Takes as long for a name that nobody has."""
        from argon2.exceptions import Argon2Error, InvalidHash

        self._nobody = self._nobody or self._hasher.hash(secrets.token_urlsafe())
        row = self._database.one("SELECT * FROM accounts WHERE key = ?", key_of(name))
        try:
            known = row["password"] if row is not None and row["password"] != _NONE else self._nobody
            self._hasher.verify(known, _normal(password)[:1000])
        except (Argon2Error, InvalidHash):
            return None
        if row is None or not row["enabled"] or known == self._nobody:
            return None
        if self._hasher.check_needs_rehash(row["password"]):
            self._database.do(
                "UPDATE accounts SET password = ? WHERE key = ? AND password = ?",
                self._hasher.hash(_normal(password)),
                row["key"],
                row["password"],
            )
        return _account(row)

    # -- changing -----------------------------------------------------------------------------------------------

    def add(self, name: str, password: str | None, roles: Iterable[str], *, first: bool = False) -> Account:
        """Make an account; without a password, one that nobody can sign in to but with a code (`invite`) or through a
        proxy. BadInput: the name is taken or cannot be one, the password is weak, a role is none; with `first`, there
        is an account already."""
        name = unicodedata.normalize("NFKC", name.strip())
        if not _NAME.fullmatch(name):
            raise BadInput(
                "That cannot be the name of an account.",
                "It begins with a letter or digit; up to 63 letters, digits and the characters . _ @ - \\ may follow.",
            )
        found = _roles(roles)
        hashed = _NONE
        if password is not None:
            refuse_weak(password, name)
            hashed = self._hasher.hash(_normal(password))
        now = self._clock()
        with self._database.transaction():
            if first and self.any():
                raise BadInput("The first account was made already.", "Sign in, or ask an administrator.")
            if self.find(name) is not None:
                raise BadInput(f"There is an account {name!r} already.", "Choose another name.")
            self._database.do(
                "INSERT INTO accounts (key, name, password, roles, enabled, created, changed)"
                " VALUES (?, ?, ?, ?, 1, ?, ?)",
                key_of(name),
                name,
                hashed,
                found,
                now,
                now,
            )
        return self.get(name)

    def set_password(self, name: str, password: str) -> None:
        """All sittings and tokens of the account end, and a code that was not used. Errors: UnknownName, BadInput."""
        account = self.get(name)
        refuse_weak(password, account.name)
        hashed = self._hasher.hash(_normal(password))
        with self._database.transaction():
            self._change(account.key, hashed, None)

    def invite(self, name: str, *, keep_factor: bool = False) -> str:
        """A code with which somebody sets the password of an account themselves, once and soon. The password that it
        had is gone, and all sittings and tokens with it; so is its second factor, unless that is kept."""
        account = self.get(name)
        code = new_code()
        with self._database.transaction():
            self._change(account.key, _NONE, code)
            if account.factor and not keep_factor:
                self._change_factor(account.key, None, -1)
        return code

    def accept(self, name: str, code: str, password: str) -> Account | None:
        """Set a password with a code; None when it is not the code, or no longer. BadInput (weak): the code stays."""
        row = self._database.one("SELECT * FROM accounts WHERE key = ? AND enabled", key_of(name))
        known = row["code"] if row is not None and row["code"] and row["code_until"] > self._clock() else None
        given = hashed_secret(plain_code(code))
        if row is None or known is None or not hmac.compare_digest(known, given):
            return None
        refuse_weak(password, row["name"])
        hashed = self._hasher.hash(_normal(password))
        with self._database.transaction():
            if not self._database.one("SELECT 1 FROM accounts WHERE key = ? AND code = ?", row["key"], known):
                return None  # somebody else was faster
            self._change(row["key"], hashed, None)
        return self.get(name)

    def _change(self, key: str, hashed: str, code: str | None) -> None:
        now = self._clock()
        self._database.do(
            "UPDATE accounts SET password = ?, changed = ?, code = ?, code_until = ? WHERE key = ?",
            hashed,
            now,
            hashed_secret(plain_code(code)) if code else None,
            now + CODE_LASTS if code else None,
            key,
        )
        self._end_all(key)

    def set_roles(self, name: str, roles: Iterable[str]) -> None:
        """BadInput when no enabled administrator would be left."""
        found = _roles(roles)
        with self._database.transaction():
            account = self.get(name)
            if "administrator" not in found.split():
                self._refuse_last(account)
            self._database.do("UPDATE accounts SET roles = ? WHERE key = ?", found, account.key)

    def set_enabled(self, name: str, enabled: bool) -> None:
        """Whoever is disabled is signed out everywhere. BadInput when no enabled administrator would be left."""
        with self._database.transaction():
            account = self.get(name)
            if not enabled:
                self._refuse_last(account)
                self._end_all(account.key)
            self._database.do("UPDATE accounts SET enabled = ? WHERE key = ?", int(enabled), account.key)

    def _refuse_last(self, account: Account) -> None:
        others = [one for one in self.all() if one.key != account.key and one.enabled and "administrator" in one.roles]
        if account.enabled and "administrator" in account.roles and not others:
            raise BadInput(
                f"{account.name} is the last administrator.", "Make somebody else an administrator before that."
            )

    def _end_all(self, key: str) -> None:
        self._database.do("UPDATE sittings SET ended = ? WHERE account = ? AND ended IS NULL", self._clock(), key)
        self._database.do("DELETE FROM tokens WHERE account = ?", key)
        self._database.do("DELETE FROM halfway WHERE account = ?", key)

    # -- second factors -----------------------------------------------------------------------------------------

    def set_factor(self, name: str, secret: str, code: str) -> list[str] | None:
        """Make the base32 `secret` the second factor, when `code` shows that somebody's app has it; the recovery codes,
        which are shown now and never again. None when it is not its code. All sittings of the account end."""
        account = self.get(name)
        step = accepted_step(secret, code, self._clock())
        if step is None:
            return None
        codes = [new_code() for _ in range(RECOVERY_CODES)]
        with self._database.transaction():
            self._change_factor(account.key, secret, step)
            for one in codes:
                self._database.do("INSERT INTO recoveries VALUES (?, ?)", account.key, hashed_secret(plain_code(one)))
        return codes

    def drop_factor(self, name: str) -> None:
        """All sittings of the account end. BadInput for an administrator."""
        with self._database.transaction():
            account = self.get(name)
            if "administrator" in account.roles:
                raise BadInput("An administrator needs a second factor.", "Set up another in its place.")
            self._change_factor(account.key, None, -1)

    def _change_factor(self, key: str, secret: str | None, step: int) -> None:
        now = self._clock()
        self._database.do(
            "UPDATE accounts SET factor = ?, factor_changed = ?, factor_step = ? WHERE key = ?", secret, now, step, key
        )
        self._database.do("DELETE FROM recoveries WHERE account = ?", key)
        self._database.do("DELETE FROM halfway WHERE account = ?", key)
        self._database.do("UPDATE sittings SET ended = ? WHERE account = ? AND ended IS NULL", now, key)

    def recoveries_left(self, name: str) -> int:
        row = self._database.one("SELECT count(*) AS n FROM recoveries WHERE account = ?", key_of(name))
        return int(row["n"]) if row else 0

    def go_halfway(self, account: Account) -> str:
        """The secret for the browser of somebody who has shown a password and has yet to show a code."""
        secret, now = secrets.token_urlsafe(32), self._clock()
        self._database.do("DELETE FROM halfway WHERE until <= ?", now)
        self._database.do("INSERT INTO halfway VALUES (?, ?, ?)", hashed_secret(secret), account.key, now + HALFWAY)
        return secret

    def halfway(self, secret: str) -> Account | None:
        """Who has shown a password in the browser that has this secret, not long ago."""
        row = self._database.one(
            "SELECT accounts.* FROM halfway JOIN accounts ON key = account"
            " WHERE secret = ? AND until > ? AND enabled AND factor IS NOT NULL",
            hashed_secret(secret),
            self._clock(),
        )
        return _account(row) if row else None

    def prove(self, secret: str, code: str) -> Literal["app", "recovery"] | None:
        """Go the other half of the way, with a code of the app or a recovery code: what it was, or None. Neither that
        code nor `secret` can be used again."""
        with self._database.transaction():
            account = self.halfway(secret)
            row = self._database.one("SELECT * FROM accounts WHERE key = ?", account.key) if account else None
            if row is None:
                return None
            step = accepted_step(row["factor"], code, self._clock(), row["factor_step"])
            if step is not None:
                self._database.do("UPDATE accounts SET factor_step = ? WHERE key = ?", step, row["key"])
            elif not self._database.do(
                "DELETE FROM recoveries WHERE account = ? AND code = ?", row["key"], hashed_secret(plain_code(code))
            ):
                return None
            self._database.do("DELETE FROM halfway WHERE secret = ?", hashed_secret(secret))
        return "recovery" if step is None else "app"

    # -- tokens -------------------------------------------------------------------------------------------------

    def new_token(self, name: str, label: str, days: int = TOKEN_DAYS) -> str:
        """A token for programs, with all roles of the account. It is shown now and never again."""
        account = self.get(name)
        label = " ".join(label.split())[:80] or "no name"
        if not 1 <= days <= 366:
            raise BadInput("A token lasts 1 to 366 days.")
        secret = TOKEN + secrets.token_urlsafe(32)
        now = self._clock()
        self._database.do(
            "INSERT INTO tokens VALUES (?, ?, ?, ?, ?, ?, NULL)",
            hashed_secret(secret),
            secrets.token_hex(8),
            account.key,
            label,
            now,
            now + days * 86400,
        )
        return secret

    def tokens(self, name: str) -> list[Token]:
        rows = self._database.all("SELECT * FROM tokens WHERE account = ? ORDER BY created", key_of(name))
        return [Token(*(row[one] for one in Token.__slots__)) for row in rows]

    def drop_token(self, name: str, token: str) -> None:
        """UnknownName when the account has no token of that id."""
        if not self._database.do("DELETE FROM tokens WHERE account = ? AND id = ?", key_of(name), token):
            raise UnknownName("the token", token, ())

    def of_token(self, secret: str) -> Account | None:
        """The enabled account that a token speaks for."""
        now = self._clock()
        row = self._database.one("SELECT * FROM tokens WHERE secret = ? AND until > ?", hashed_secret(secret), now)
        if row is None:
            return None
        if row["used"] is None or now - row["used"] > 60:
            self._database.do("UPDATE tokens SET used = ? WHERE secret = ?", now, row["secret"])
        account = self._database.one("SELECT * FROM accounts WHERE key = ? AND enabled", row["account"])
        return _account(account) if account else None


def key_of(name: str) -> str:
    """What two ways to write one name have in common. What is no text, such as half a character, is nobody's name."""
    text = name.encode("utf-8", "backslashreplace").decode()
    return unicodedata.normalize("NFKC", text.strip()).casefold()


def new_code() -> str:
    """Something to be read from one screen and typed into another: 100 random bits."""
    letters = "".join(secrets.choice(_LETTERS) for _ in range(20))
    return "-".join(letters[at : at + 5] for at in range(0, len(letters), 5))


def plain_code(code: str) -> str:
    """A code as people may type it, without what does not count."""
    return "".join(code.split()).replace("-", "").upper()


def hashed_secret(secret: str) -> str:
    """Of something random: nobody can guess it, so a fast hash is enough."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _normal(password: str) -> str:
    """The same password, however a keyboard composed its characters."""
    return unicodedata.normalize("NFKC", password)


def _roles(given: Iterable[str]) -> str:
    found = set(given) | {"viewer"}
    for one in sorted(found - set(ROLES)):
        raise UnknownName("the role", one, ROLES)
    return " ".join(one for one in ROLES if one in found)


def _account(row: sqlite3.Row) -> Account:
    return Account(
        row["key"],
        row["name"],
        frozenset(row["roles"].split()),
        bool(row["enabled"]),
        row["created"],
        row["changed"],
        row["password"] != _NONE,
        row["code_until"],
        row["factor"] is not None,
        row["factor_changed"],
    )
