"""Jobs: long work that somebody asks for and a worker does, in a table of the catalogue's database.

A worker takes a job for the seconds of a lease, and renews that while it works; so a job whose worker was killed is
taken up again by another one. (Queue libraries were looked at: none serves both SQLite and PostgreSQL without a server
of its own.)
"""

from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, TypeAlias, get_args

import sqlalchemy as sa

from retrieval.catalogue.database import Database
from retrieval.catalogue.table import JOBS, new_entry

Kind: TypeAlias = Literal["learn", "train", "health", "report"]
State: TypeAlias = Literal["waiting", "running", "done", "failed", "cancelled"]
KINDS: tuple[Kind, ...] = get_args(Kind)
MAX_ATTEMPTS = 3
"""Times that a job is begun: one that takes its worker down each time is given up."""
GIVEN_UP = f"Its worker was stopped {MAX_ATTEMPTS} times before it was done, so it was given up."
MAX_KEPT = 1_000
"""Jobs that are remembered."""
OPEN: tuple[State, ...] = ("waiting", "running")


@dataclass(frozen=True, slots=True)
class Job:
    """One job. `outcome`: what it has said at its end. `lease`: until when it is its worker's."""

    job: str
    kind: Kind
    state: State
    step: str | None
    done: int | None
    total: int | None
    outcome: str | None
    asked_by: str | None
    attempts: int
    worker: str | None
    lease: datetime | None
    created: datetime
    started: datetime | None
    ended: datetime | None


COLUMNS = [JOBS.c[field.name] for field in fields(Job)]
ALL = sa.select(*COLUMNS)


class JobReader:
    """What can be asked of the jobs. Every method raises CatalogueError where the database cannot answer."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, job: str) -> Job | None:
        """None where there is none of this name."""
        with self._database.transaction() as connection:
            return _one(connection, ALL.where(JOBS.c.job == job))

    def listed(self, *, limit: int, before: str | None = None) -> list[Job]:
        """The latest first, or those that come after the job `before` in this order."""
        query = ALL.order_by(JOBS.c.job.desc()).limit(limit)
        if before is not None:
            query = query.where(JOBS.c.job < before)
        with self._database.transaction() as connection:
            return [Job(*row) for row in connection.execute(query)]

    def take(self, worker: str, lease_seconds: float) -> Job | None:
        """The job that has waited longest, or whose worker was lost; it is this worker's from now on."""
        with self._database.transaction(writing=True) as connection:
            now = datetime.now(UTC)
            lost = sa.and_(JOBS.c.state == "running", JOBS.c.lease < now)
            _update(
                connection, sa.and_(lost, JOBS.c.attempts >= MAX_ATTEMPTS), state="failed", outcome=GIVEN_UP, ended=now
            )
            next_one = ALL.where(sa.or_(JOBS.c.state == "waiting", lost)).order_by(JOBS.c.job).limit(1)
            job = _one(connection, next_one.with_for_update(skip_locked=True))
            if job is None:
                return None
            _update(
                connection,
                JOBS.c.job == job.job,
                state="running",
                worker=worker,
                lease=now + timedelta(seconds=lease_seconds),
                attempts=job.attempts + 1,
                started=now,
                step=None,
                done=None,
                total=None,
            )
            return _one(connection, ALL.where(JOBS.c.job == job.job))

    def renew(self, job: Job, lease_seconds: float, progress: tuple[str | None, int | None, int | None]) -> bool:
        """Keep a job and tell its step, and how much of that is done; False where it was cancelled, or is another's."""
        step, done, total = progress
        lease = datetime.now(UTC) + timedelta(seconds=lease_seconds)
        with self._database.transaction(writing=True) as connection:
            return _update(connection, _held(job), lease=lease, step=step, done=done, total=total) > 0

    def end(self, job: Job, state: State, outcome: str | None) -> bool:
        """Say what became of a job; `waiting`: it is to be done anew. False where it was cancelled, or is another's."""
        ended = None if state == "waiting" else datetime.now(UTC)
        attempts = job.attempts - 1 if state == "waiting" else job.attempts
        with self._database.transaction(writing=True) as connection:
            return (
                _update(
                    connection, _held(job), state=state, outcome=outcome, ended=ended, attempts=attempts, lease=None
                )
                > 0
            )


class JobChanges:
    """What can be done to the jobs in one transaction; `Changes.jobs` has it."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def add(self, kind: Kind, asked_by: str | None) -> tuple[Job, bool]:
        """A new job, and True; or the one of its kind that is waiting already, which will do the same."""
        waiting = _one(self._connection, ALL.where(JOBS.c.kind == kind, JOBS.c.state == "waiting").limit(1))
        if waiting is not None:
            return waiting, False
        now = datetime.now(UTC)
        values = {"job": new_entry(now), "kind": kind, "state": "waiting", "asked_by": asked_by, "attempts": 0}
        self._connection.execute(sa.insert(JOBS).values(**values, created=now))
        self._forget()
        return Job(*self._connection.execute(ALL.where(JOBS.c.job == values["job"])).one()), True

    def cancel(self, job: str) -> Job | None:
        """The job, which nobody does any more unless it has ended already; None where there is none."""
        _update(
            self._connection,
            sa.and_(JOBS.c.job == job, JOBS.c.state.in_(OPEN)),
            state="cancelled",
            ended=datetime.now(UTC),
            lease=None,
        )
        return _one(self._connection, ALL.where(JOBS.c.job == job))

    def _forget(self) -> None:
        """Delete the oldest of the jobs that have ended, beyond those that are remembered."""
        kept = sa.select(JOBS.c.job).order_by(JOBS.c.job.desc()).limit(MAX_KEPT)
        self._connection.execute(sa.delete(JOBS).where(JOBS.c.state.not_in(OPEN), JOBS.c.job.not_in(kept)))


def _held(job: Job) -> sa.ColumnElement[bool]:
    return sa.and_(JOBS.c.job == job.job, JOBS.c.state == "running", JOBS.c.worker == job.worker)


def _update(connection: sa.Connection, which: sa.ColumnElement[bool], **values: object) -> int:
    return int(connection.execute(sa.update(JOBS).where(which).values(**values)).rowcount)


def _one(connection: sa.Connection, query: sa.Select[Any]) -> Job | None:
    row = connection.execute(query).one_or_none()
    return None if row is None else Job(*row)
