"""Mark estimated tokens

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade():
    op.add_column("streams", sa.Column("is_estimate", sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade():
    op.drop_column("streams", "is_estimate")
