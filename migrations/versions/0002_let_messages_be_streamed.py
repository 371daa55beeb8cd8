"""Let messages be streamed

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

AT_WORK = sa.text("status IN ('queued', 'streaming')")


def upgrade():
    op.add_column("people", sa.Column("is_assistant", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("messages", sa.Column("asker_id", sa.BigInteger(), nullable=True))
    op.add_column("messages", sa.Column("error", sa.JSON(), nullable=True))
    op.add_column("memberships", sa.Column("answers", sa.String(10), nullable=False, server_default="mention"))
    op.add_column("memberships", sa.Column("read_seq", sa.BigInteger(), nullable=False, server_default="0"))
    op.create_table(
        "streams",
        sa.Column("message_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("gen", sa.Integer(), nullable=False),
        sa.Column("room_id", sa.String(36), nullable=False),
        sa.Column("author_id", sa.BigInteger(), nullable=False),
        sa.Column("asker_id", sa.BigInteger(), nullable=True),
        sa.Column("speaker", sa.String(40), nullable=True),
        sa.Column("status", sa.String(12), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("length", sa.Integer(), nullable=False),
        sa.Column("error_code", sa.String(30), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("beat_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("prompt_tokens", sa.Integer(), nullable=True),
        sa.Column("completion_tokens", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("message_id", "gen"),
    )
    op.create_index("streams_at_work", "streams", ["room_id", "status"], sqlite_where=AT_WORK, postgresql_where=AT_WORK)
    op.create_index("streams_by_time", "streams", ["created_at"])


def downgrade():
    op.drop_table("streams")
    for table, column in (
        ("memberships", "read_seq"),
        ("memberships", "answers"),
        ("messages", "error"),
        ("messages", "asker_id"),
        ("people", "is_assistant"),
    ):
        op.drop_column(table, column)
