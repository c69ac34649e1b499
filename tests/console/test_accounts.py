"""Accounts, passwords, tokens and sittings: what is kept of them, and when they end."""

from __future__ import annotations

import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from tests.support.console import CHEAP, PASSWORD

from handrail.console.accounts import Accounts, hashed_secret
from handrail.console.database import Database, open_database
from handrail.console.limits import Buckets
from handrail.console.log import SecurityLog
from handrail.console.passwords import is_common, refuse_weak
from handrail.console.set_up import LASTS, TRIES, SetUp
from handrail.console.sittings import IDLE, Sittings
from handrail.console.sittings import LONGEST as LONGEST_SITTING
from handrail.errors import BadInput, StoreError, StoreNewer, UnknownName


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with open_database(tmp_path / "console" / "accounts.db") as opened:
        yield opened


@pytest.fixture
def accounts(database: Database, clock: Clock) -> Accounts:
    made = Accounts(database, CHEAP, clock)
    made.add("anna", PASSWORD, ["administrator"])
    return made


@pytest.fixture
def sittings(database: Database, clock: Clock) -> Sittings:
    return Sittings(database, clock)


# -- passwords --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "password",
    [
        "elf zeichen",
        "short",
        "            ",
        "a          b",  # several spaces count as one
        "x" * 129,
    ],
)
def test_a_password_has_12_to_128_characters(password: str) -> None:
    with pytest.raises(BadInput):
        refuse_weak(password)


@pytest.mark.parametrize(
    "password",
    [
        "vier blaue Boote segeln",
        "correct horse battery staple",
        "nurkleinbuchstabenhier",
        "98 61 20 43 75 37",
        "ねこがそらをとんでいるよう",
        "🦊🐝🌲🚲🎈🧭🪵🧩🛶🪁🫐🥁",
        "möwen ’quer§",
        "qT7vX2mL9pZ4wK8r" * 8,
    ],
)
def test_any_characters_will_do_and_none_are_demanded(password: str, accounts: Accounts) -> None:
    accounts.set_password("anna", password)

    assert accounts.check("anna", password) is not None


@pytest.mark.parametrize(
    "password",
    [
        "passwordpassword",
        "Password1234!",
        "P@ssw0rd2026",
        "qwertyuiop123",
        "123456789012",
        "aaaaaaaaaaaaaa",
        "abcabcabcabcabc",
        "Handrail2026!!",
        "administrator1",
        "WelcomeWelcome1",
        "iloveyou1234567",
        "Contoso-Handrail",
        "Summer2026Summer",
        "letmeinletmein",
        "anna.schmidt.anna",
    ],
)
def test_what_is_guessed_first_is_refused(password: str) -> None:
    with pytest.raises(BadInput, match="guessed first"):
        refuse_weak(password, "anna.schmidt@contoso.com")


def test_no_part_of_a_password_is_cut_off(accounts: Accounts) -> None:
    long = "qT7vX2mL9pZ4wK8r" * 8
    accounts.set_password("anna", long)

    assert accounts.check("anna", long) is not None
    assert accounts.check("anna", long[:-1]) is None
    assert accounts.check("anna", long + "x") is None


def test_a_long_common_password_is_still_common() -> None:
    assert is_common("password" * 15)
    assert not is_common("die password kommission tagt morgens um vier")


def test_passwords_are_kept_as_argon2id_with_a_salt_of_their_own(tmp_path: Path) -> None:
    with open_database(tmp_path / "accounts.db") as database:
        accounts = Accounts(database, PasswordHasher())
        for name in ("one", "two"):
            accounts.add(name, PASSWORD, [])
        first, second = (row["password"] for row in database.all("SELECT password FROM accounts"))

    assert first.startswith("$argon2id$v=19$m=65536,t=3,p=4$") and first != second
    for path in tmp_path.rglob("*"):
        assert PASSWORD.encode() not in path.read_bytes()


def test_a_hash_with_old_settings_is_made_anew_when_its_owner_signs_in(database: Database, accounts: Accounts) -> None:
    stronger = Accounts(database, PasswordHasher(time_cost=2, memory_cost=16, parallelism=1))

    assert stronger.check("anna", PASSWORD) is not None
    row = database.one("SELECT password FROM accounts")
    assert row is not None and "m=16,t=2" in row["password"]


def test_a_name_is_one_name_however_it_is_written(accounts: Accounts) -> None:
    accounts.add("Jürgen", PASSWORD, [])

    assert accounts.check("JU\u0308RGEN ", PASSWORD) is not None
    with pytest.raises(BadInput, match="already"):
        accounts.add("jürgen", PASSWORD, [])


@pytest.mark.parametrize("name", ["", " ", "..", ".hidden", "a/b", "<script>", "a\nb", "x" * 65, "a b", "a'b", "\\x"])
def test_a_name_is_a_plain_word(name: str, accounts: Accounts) -> None:
    with pytest.raises(BadInput, match="cannot be the name"):
        accounts.add(name, PASSWORD, [])


def test_the_last_administrator_stays_one(accounts: Accounts) -> None:
    with pytest.raises(BadInput, match="last administrator"):
        accounts.set_roles("anna", [])
    with pytest.raises(BadInput, match="last administrator"):
        accounts.set_enabled("anna", False)
    accounts.add("bert", PASSWORD, ["administrator"])
    accounts.set_enabled("anna", False)

    assert accounts.check("anna", PASSWORD) is None
    with pytest.raises(BadInput, match="last administrator"):
        accounts.set_roles("bert", ["operator"])


def test_a_role_that_is_none_is_refused(accounts: Accounts) -> None:
    with pytest.raises(UnknownName, match="aprover"):
        accounts.set_roles("anna", ["aprover"])


# -- codes ------------------------------------------------------------------------------------------------------


def test_a_code_sets_a_password_once_and_within_a_day(accounts: Accounts, clock: Clock) -> None:
    accounts.add("bert", None, ["operator"])
    code = accounts.invite("bert")

    assert accounts.check("bert", "") is None
    assert accounts.accept("bert", "AAAAA-BBBBB-CCCCC-DDDDD", "grüne Wiesen am Fluss") is None
    assert accounts.accept("anna", code, "grüne Wiesen am Fluss") is None
    with pytest.raises(BadInput):
        accounts.accept("bert", code, "weak")
    assert accounts.accept("bert", code.lower().replace("-", " "), "grüne Wiesen am Fluss") is not None
    assert accounts.accept("bert", code, "noch andere Wiesen hier") is None
    assert accounts.check("bert", "grüne Wiesen am Fluss") is not None

    late = accounts.invite("bert")
    clock.now += 24 * 3600 + 1
    assert accounts.accept("bert", late, "noch andere Wiesen hier") is None


def test_a_code_can_never_be_used_as_a_password(accounts: Accounts) -> None:
    code = accounts.invite("anna")

    assert accounts.check("anna", code) is None and accounts.check("anna", "*") is None


def test_the_first_code_expires_and_stands_few_tries(clock: Clock) -> None:
    one, other = SetUp(needed=True, clock=clock), SetUp(needed=True, clock=clock)
    assert one.code != other.code and len(one.code) == 23

    for _ in range(TRIES):
        assert not one.fits("AAAAA-AAAAA-AAAAA-AAAAA")
    assert not one.fits(one.code) and not one.open

    assert other.fits(other.code.lower())
    clock.now += LASTS
    assert not other.fits(other.code)


# -- tokens and sittings ----------------------------------------------------------------------------------------


def test_only_hashes_of_secrets_are_kept(
    accounts: Accounts, sittings: Sittings, database: Database, tmp_path: Path
) -> None:
    account = accounts.get("anna")
    token, secret, code = accounts.new_token("anna", "nightly"), sittings.begin(account, "::1"), accounts.invite("anna")
    again = sittings.begin(account, "::1")

    assert len({secret, again}) == 2 and len(secret) >= 43  # 256 bits
    database.do("PRAGMA wal_checkpoint(TRUNCATE)")
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("accounts.db*"))
    for one in (token, secret, again, code, code.replace("-", ""), PASSWORD):
        assert one.encode() not in kept
    assert hashed_secret(again).encode() in kept


def test_a_token_ends_when_its_time_is_over_or_its_account_is_disabled(accounts: Accounts, clock: Clock) -> None:
    accounts.add("bert", PASSWORD, ["administrator"])
    short, long = accounts.new_token("bert", "a", 1), accounts.new_token("bert", "b", 30)
    clock.now += 86_401

    assert accounts.of_token(short) is None
    found = accounts.of_token(long)
    assert found is not None and found.name == "bert"
    accounts.set_enabled("bert", False)
    assert accounts.of_token(long) is None


def test_a_sitting_ends_when_nobody_is_there(accounts: Accounts, sittings: Sittings, clock: Clock) -> None:
    secret = sittings.begin(accounts.get("anna"), "::1")
    clock.now += IDLE - 1
    assert sittings.find(secret) is not None  # and that was a sign of life
    clock.now += IDLE - 1
    assert sittings.find(secret) is not None
    clock.now += IDLE + 1

    assert sittings.find(secret) is None


def test_a_sitting_ends_after_a_night_whatever_its_person_does(
    accounts: Accounts, sittings: Sittings, clock: Clock
) -> None:
    secret = sittings.begin(accounts.get("anna"), "::1")
    end = clock.now + LONGEST_SITTING
    while clock.now < end:
        assert sittings.find(secret) is not None
        clock.now += IDLE / 2

    assert sittings.find(secret) is None


def test_a_new_password_ends_all_sittings_and_tokens(accounts: Accounts, sittings: Sittings) -> None:
    secret, token = sittings.begin(accounts.get("anna"), "::1"), accounts.new_token("anna", "x")
    accounts.set_password("anna", "grüne Wiesen am Fluss")

    assert sittings.find(secret) is None and accounts.of_token(token) is None


# -- the file ---------------------------------------------------------------------------------------------------


def test_accounts_and_log_are_readable_by_their_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "home" / "console" / "accounts.db"
    with open_database(path) as database:
        Accounts(database, CHEAP).add("anna", PASSWORD, [])
        SecurityLog(path.with_name("security.log")).note("signed-in")

        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        for one in path.parent.iterdir():
            assert stat.S_IMODE(one.stat().st_mode) == 0o600, one


def test_a_file_of_a_newer_version_and_one_that_is_none_are_refused(tmp_path: Path) -> None:
    newer, other = tmp_path / "newer.db", tmp_path / "other.db"
    with sqlite3.connect(newer) as raw:
        raw.execute("PRAGMA user_version=99")
    raw.close()
    other.write_text("not a database, but long enough to be looked at " * 50)

    with pytest.raises(StoreNewer), open_database(newer):
        pass
    with pytest.raises(StoreError), open_database(other):
        pass


# -- the log ----------------------------------------------------------------------------------------------------


def test_a_line_of_the_log_is_one_line_whatever_came_from_outside(tmp_path: Path) -> None:
    log = SecurityLog(tmp_path / "security.log", redact=lambda what: what)
    log.note("sign-in-failed", who='x"}\n{"what": "signed-in", "who": "anna\u2028\x1b[2J', path="/" + "y" * 9000)
    lines = (tmp_path / "security.log").read_bytes().splitlines()

    assert len(lines) == 1 and len(lines[0]) < 1000 and b"\x1b" not in lines[0]


def test_the_log_hides_secrets_and_starts_anew_when_it_is_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("handrail.console.log.LARGEST", 200)
    hidden = {"hunter2": "***"}
    log = SecurityLog(tmp_path / "security.log", redact=lambda what: {**what, "who": hidden.get(what["who"], "")})
    for _ in range(6):
        log.note("failed", who="hunter2")
    kept = [path.read_text() for path in tmp_path.iterdir()]

    assert len(kept) == 2 and all(len(one) < 400 for one in kept)
    assert "hunter2" not in "".join(kept) and "***" in kept[0]


def test_a_log_that_cannot_be_written_is_complained_about_once(tmp_path: Path) -> None:
    said: list[str] = []
    log = SecurityLog(tmp_path / "missing" / "security.log", complain=said.append)
    log.note("a")
    log.note("b")

    assert len(said) == 1 and "cannot be written" in said[0]


# -- buckets ----------------------------------------------------------------------------------------------------


def test_a_bucket_fills_up_again(clock: Clock) -> None:
    bucket = Buckets(3, 10.0, clock)

    assert [bucket.take("a") for _ in range(3)] == [0, 0, 0]
    assert bucket.take("a") == pytest.approx(10.0)
    assert bucket.take("b") == 0
    clock.now += 10
    assert bucket.take("a") == 0 and bucket.take("a") > 0
    bucket.give_back("a")
    assert bucket.take("a") == 0
    clock.now += 1000
    assert [bucket.take("a") > 0 for _ in range(4)] == [False, False, False, True]


def test_no_account_can_be_tried_more_than_a_hundred_times_in_an_hour(clock: Clock) -> None:
    from handrail.console.limits import Limits

    fresh = Limits().accounts
    bucket = Buckets(fresh._size, fresh._every, clock)
    tried = 0
    for _ in range(3600):
        tried += bucket.take("anna") == 0
        clock.now += 1

    assert 60 < tried < 100
