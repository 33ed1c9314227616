"""Databases of every earlier form are brought to the form of today, with all that is in them; others are refused."""

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import op
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from retrieval.catalogue import Catalogue, Dismissals, Item, schema
from retrieval.catalogue.table import METADATA
from retrieval.errors import CatalogueError

GOLDEN = Path(__file__).parents[2] / "golden"
FORMS = ["8b5fefd", "2659729", "4c0cb74"]
"""The commits that changed the tables: items alone, with replies, with dismissals (version 0.1.0)."""


@contextmanager
def connected(url: str) -> Iterator[sa.Connection]:
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def restore(form: str, url: str) -> None:
    """Fill the empty database with what the golden one holds."""
    parsed = sa.make_url(url)
    if parsed.get_backend_name() == "sqlite":
        name = "artifacts-4c0cb74/catalogue.sqlite" if form == "4c0cb74" else f"catalogue-{form}.sqlite"
        shutil.copy(GOLDEN / name, str(parsed.database))
        return
    with connected(url) as connection:
        connection.exec_driver_sql((GOLDEN / f"catalogue-{form}.postgresql.sql").read_text())


def dump(url: str, *tables: str) -> dict[str, list[tuple[object, ...]]]:
    """The columns that 0.1.0 had, of these tables."""
    rows: dict[str, list[tuple[object, ...]]] = {}
    with connected(url) as connection:
        for table in tables:
            columns = ", ".join(schema.FIRST_TABLES[table])
            selected = connection.execute(sa.text(f"SELECT {columns} FROM {table}"))  # noqa: S608
            rows[table] = sorted((tuple(row) for row in selected), key=str)
    return rows


def version(url: str) -> object:
    with connected(url) as connection:
        return connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalars().all()


@pytest.mark.parametrize("form", FORMS)
def test_a_database_of_every_earlier_form_keeps_all_it_has(form: str, url: str) -> None:
    restore(form, url)
    with connected(url) as connection:
        tables = set(sa.inspect(connection).get_table_names()) & schema.FIRST_TABLES.keys()
    assert len(tables) == 1 + FORMS.index(form)
    before = dump(url, *tables)
    assert all(before.values())
    with closing(Catalogue(url)) as catalogue, closing(Dismissals(url)) as dismissals:
        assert catalogue.count() == len(before["items"])
        assert catalogue.reply("order-1") is not None or "replies" not in tables
        assert bool(dismissals.all()) == ("dismissals" in tables)
        with catalogue.writing() as rows:
            rows.insert([Item("new", "images/new.jpg", "0" * 64, "image/jpeg", 8, 8, None, {"a": 1}, "api")])
        dismissals.dismiss(["new", catalogue.ids()[0]])
        assert catalogue.get("new").attributes == {"a": 1}
    with closing(Catalogue(url)) as catalogue, catalogue.writing() as rows:
        rows.delete(["new"])
    assert dump(url, "items")["items"] == before["items"]
    assert version(url) == [schema.VERSION]


def test_the_migrations_lead_to_the_tables_that_the_code_uses(url: str) -> None:
    Catalogue(url).close()
    with connected(url) as connection:
        # FTS5 and tsvector, which SQLAlchemy has no type for; what they hold is tested beside this.
        options = {"include_name": lambda name, kind, _parents: kind != "table" or not name.startswith("words")}
        assert compare_metadata(MigrationContext.configure(connection, opts=options), METADATA) == []


def test_the_version_that_the_code_wants_is_the_newest_migration() -> None:
    config = Config()
    config.set_main_option("script_location", schema.MIGRATIONS)
    assert ScriptDirectory.from_config(config).get_current_head() == schema.VERSION


@pytest.mark.parametrize("form", [None, "8b5fefd", "4c0cb74"])
def test_many_may_open_and_upgrade_at_once(form: str | None, url: str) -> None:
    if form:
        restore(form, url)

    def open_and_count(_: int) -> int:
        with closing(Catalogue(url)) as catalogue:
            return catalogue.count()

    with ThreadPoolExecutor(6) as threads:
        counts = set(threads.map(open_and_count, range(12)))
    assert len(counts) == 1
    assert version(url) == [schema.VERSION]


def test_an_upgrade_that_fails_leaves_the_database_as_it_was(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    restore("2659729", url)
    before = dump(url, "items", "replies")
    made = op.create_table

    def fail_at_the_last(name: str, *arguments: Any, **options: Any) -> None:
        made(name, *arguments, **options)
        if name == "dismissals":
            raise RuntimeError("the power fails")

    monkeypatch.setattr(op, "create_table", fail_at_the_last)
    with pytest.raises(RuntimeError, match="the power fails"):
        Catalogue(url)
    with connected(url) as connection:
        assert set(sa.inspect(connection).get_table_names()) == {"items", "replies"}
    assert dump(url, "items", "replies") == before
    monkeypatch.undo()
    Catalogue(url).close()
    assert version(url) == [schema.VERSION]


def test_a_database_of_a_newer_version_is_refused_and_stays_as_it_is(url: str) -> None:
    Catalogue(url).close()
    with connected(url) as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '0999'"))
    for kind in (Catalogue, Dismissals):
        with pytest.raises(CatalogueError, match=rf"is of version '0999', .* up to '{schema.VERSION}': a newer"):
            kind(url)
    assert version(url) == ["0999"]


@pytest.mark.parametrize("table", schema.FIRST_TABLES)
def test_tables_of_another_program_are_refused_and_stay_as_they_are(table: str, url: str) -> None:
    with connected(url) as connection:
        connection.execute(sa.text(f"CREATE TABLE {table} (id TEXT, price REAL)"))
    with pytest.raises(CatalogueError, match=rf"a table {table} with the columns id, price, not [a-z]"):
        Catalogue(url)
    with connected(url) as connection:
        assert sa.inspect(connection).get_table_names() == [table]


def test_tables_besides_ours_are_left_alone(url: str) -> None:
    with connected(url) as connection:
        connection.execute(sa.text("CREATE TABLE orders (id INTEGER)"))
        connection.execute(sa.text("INSERT INTO orders VALUES (7)"))
    Catalogue(url).close()
    with connected(url) as connection:
        assert connection.execute(sa.text("SELECT id FROM orders")).scalars().all() == [7]
