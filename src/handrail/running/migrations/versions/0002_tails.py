"""What long commands print, for those who look from another machine."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "tails",
        sa.Column("run", sa.String, primary_key=True),
        sa.Column("host", sa.String, primary_key=True),
        sa.Column("at", sa.String, nullable=False),
        sa.Column("said", sa.Text, nullable=False),
    )


def downgrade() -> None:
    raise NotImplementedError("a store is never taken back to an older revision: use the backup made before")
