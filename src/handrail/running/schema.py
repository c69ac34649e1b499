"""The tables of the store, and which revisions of them there have been."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, MetaData, String, Table, Text

REVISIONS = ("0001", "0002")
"""Oldest first; the last one is what this program reads and writes. Each is a file in `migrations/versions/`."""

metadata = MetaData()

plans = Table(
    "plans",
    metadata,
    Column("digest", String, primary_key=True),
    Column("document", Text, nullable=False),
)

runs = Table(
    "runs",
    metadata,
    Column("run", String, primary_key=True),
    Column("plan", String, nullable=False),
    Column("estate", String, nullable=False),
    Column("target", String, nullable=False),
    Column("created", String, nullable=False),
    Column("who", String, nullable=False),
)

lanes = Table(
    "lanes",
    metadata,
    Column("run", String, primary_key=True),
    Column("lane", String, primary_key=True),
    Column("epoch", Integer, nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("hash", String, nullable=False),
)

events = Table(
    "events",
    metadata,
    Column("run", String, primary_key=True),
    Column("lane", String, primary_key=True),
    Column("sequence", Integer, primary_key=True),
    Column("position", Integer, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("at", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("step", String, nullable=True),
    Column("attempt", Integer, nullable=False),
    Column("data", Text, nullable=False),
    Column("previous", String, nullable=False),
    Column("hash", String, nullable=False),
    Index("events_by_position", "run", "position", unique=True),
)

tails = Table(
    "tails",
    metadata,
    Column("run", String, primary_key=True),
    Column("host", String, primary_key=True),
    Column("at", String, nullable=False),
    Column("said", Text, nullable=False),
)
"""What long commands print while workers carry a run (`tails.py`). It may be emptied at any time."""
