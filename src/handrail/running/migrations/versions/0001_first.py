"""The first tables: plans, runs, lanes and their events."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "plans",
        sa.Column("digest", sa.String, primary_key=True),
        sa.Column("document", sa.Text, nullable=False),
    )
    op.create_table(
        "runs",
        sa.Column("run", sa.String, primary_key=True),
        sa.Column("plan", sa.String, nullable=False),
        sa.Column("estate", sa.String, nullable=False),
        sa.Column("target", sa.String, nullable=False),
        sa.Column("created", sa.String, nullable=False),
        sa.Column("who", sa.String, nullable=False),
    )
    op.create_table(
        "lanes",
        sa.Column("run", sa.String, primary_key=True),
        sa.Column("lane", sa.String, primary_key=True),
        sa.Column("epoch", sa.Integer, nullable=False),
        sa.Column("sequence", sa.Integer, nullable=False),
        sa.Column("hash", sa.String, nullable=False),
    )
    op.create_table(
        "events",
        sa.Column("run", sa.String, primary_key=True),
        sa.Column("lane", sa.String, primary_key=True),
        sa.Column("sequence", sa.Integer, primary_key=True),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("epoch", sa.Integer, nullable=False),
        sa.Column("at", sa.String, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("step", sa.String, nullable=True),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("data", sa.Text, nullable=False),
        sa.Column("previous", sa.String, nullable=False),
        sa.Column("hash", sa.String, nullable=False),
    )
    op.create_index("events_by_position", "events", ["run", "position"], unique=True)


def downgrade() -> None:
    raise NotImplementedError("a store is never taken back to an older revision: use the backup made before")
