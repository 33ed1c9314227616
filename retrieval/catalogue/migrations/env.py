"""What Alembic runs the migrations in: the transaction that schema.py has opened, which commits all of them or none."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
