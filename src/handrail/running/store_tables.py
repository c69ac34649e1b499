"""What all stores share: how they are named, making their tables, bringing them to the newest revision."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from handrail.errors import BadInput, StoreNewer
from handrail.running.schema import metadata

HOW = "Write sqlite:///PATH or postgresql://USER@HOST/DATABASE."


def parsed_url(url: str) -> URL:
    """BadInput when it is none; it is not repeated, as it may hold a password."""
    try:
        return make_url(url)
    except (ArgumentError, ValueError) as error:
        raise BadInput("What was given as the store is no URL.", HOW) from error


def without_password(url: str) -> str:
    """The URL of a store as it may be shown. BadInput when it is none."""
    if "://" not in url:
        return url
    parsed = parsed_url(url)
    if parsed.password is None and "password" not in parsed.query:
        return url
    shown = parsed._replace(password=None).difference_update_query(["password"])
    return shown.render_as_string(hide_password=False)


def no_text() -> BadInput:
    """For a name, such as a run's, that was typed and cannot be stored."""
    return BadInput(
        "A name that was given holds bytes that are no text.", "Type it anew, as `handrail status` shows it."
    )


def create_tables(connection: sa.Connection, revision: str) -> None:
    """Without Alembic, which takes longer to load than a whole run; a test holds both ways equal."""
    metadata.create_all(connection)
    connection.execute(sa.text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)"))
    connection.execute(sa.text("INSERT INTO alembic_version VALUES (:revision)"), {"revision": revision})


def migrate_tables(connection: sa.Connection, newest: str, migrations: Path) -> None:
    """In the transaction that `connection` has begun."""
    from alembic import command  # slow to load, and needed only here
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(migrations).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, newest)


def refuse_newer(store: str, found: str, revisions: tuple[str, ...]) -> None:
    """StoreNewer unless this program knows the revision that was found."""
    if found not in revisions:
        raise StoreNewer(
            f"The store {store} was written by a newer Handrail (revision {found}; this one knows {revisions[-1]}).",
            "Use that Handrail, or another store.",
        )
