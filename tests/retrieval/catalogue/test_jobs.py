"""Jobs are done once each, by one worker at a time, and taken up again when a worker is lost."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from retrieval.catalogue import Catalogue
from retrieval.catalogue.records.jobs import GIVEN_UP, MAX_ATTEMPTS, Job, Kind

NONE = (None, None, None)
LONG, OVER = 60.0, -1.0


@pytest.fixture
def catalogue(url: str) -> Iterator[Catalogue]:
    with closing(Catalogue(url)) as opened:
        yield opened


def add(catalogue: Catalogue, kind: Kind) -> tuple[Job, bool]:
    with catalogue.writing() as rows:
        return rows.jobs.add(kind, "ada")


def cancel(catalogue: Catalogue, job: Job) -> Job | None:
    with catalogue.writing() as rows:
        return rows.jobs.cancel(job.job)


def taken(catalogue: Catalogue, worker: str = "w", seconds: float = LONG) -> Job:
    job = catalogue.jobs.take(worker, seconds)
    assert job is not None
    return job


def test_a_job_goes_from_waiting_to_done_with_its_progress(catalogue: Catalogue) -> None:
    job, is_new = add(catalogue, "learn")
    assert is_new and (job.state, job.asked_by, job.attempts) == ("waiting", "ada", 0)
    assert add(catalogue, "learn") == (job, False)  # it would do the same
    running = taken(catalogue)
    assert (running.job, running.state, running.attempts) == (job.job, "running", 1)
    assert catalogue.jobs.renew(running, LONG, ("Refitting the head", 3, 4))
    told = catalogue.jobs.get(job.job)
    assert told is not None and (told.step, told.done, told.total) == ("Refitting the head", 3, 4)
    assert catalogue.jobs.end(running, "done", "all good")
    told = catalogue.jobs.get(job.job)
    assert told is not None and (told.state, told.outcome) == ("done", "all good") and told.ended is not None
    assert catalogue.jobs.take("w", LONG) is None
    assert add(catalogue, "learn")[1]


def test_jobs_are_taken_in_order_and_listed_the_latest_first(catalogue: Catalogue) -> None:
    names = [add(catalogue, kind)[0].job for kind in ("train", "learn", "report")]
    assert [taken(catalogue).job for _ in names] == names
    assert [job.job for job in catalogue.jobs.listed(limit=9)] == names[::-1]
    assert [job.job for job in catalogue.jobs.listed(limit=1, before=names[1])] == names[:1]
    assert catalogue.jobs.get("0" * 32) is None


def test_a_job_whose_worker_was_lost_is_taken_up_again_but_not_for_ever(catalogue: Catalogue) -> None:
    job, _ = add(catalogue, "learn")
    lost = taken(catalogue, "first", OVER)
    again = taken(catalogue, "second", OVER)
    assert (again.job, again.attempts) == (job.job, 2)
    assert not catalogue.jobs.renew(lost, LONG, NONE)  # it is another's by now
    assert not catalogue.jobs.end(lost, "done", None)
    for _ in range(MAX_ATTEMPTS - 2):
        taken(catalogue, "third", OVER)
    assert catalogue.jobs.take("fourth", LONG) is None
    told = catalogue.jobs.get(job.job)
    assert told is not None and (told.state, told.outcome) == ("failed", GIVEN_UP)


def test_a_cancelled_job_is_nobodys(catalogue: Catalogue) -> None:
    waiting, _ = add(catalogue, "learn")
    assert (cancelled := cancel(catalogue, waiting)) is not None and cancelled.state == "cancelled"
    assert catalogue.jobs.take("w", LONG) is None
    add(catalogue, "learn")
    running = taken(catalogue)
    cancel(catalogue, running)
    assert not catalogue.jobs.renew(running, LONG, NONE)
    assert not catalogue.jobs.end(running, "done", None)
    add(catalogue, "learn")
    ended = taken(catalogue)
    catalogue.jobs.end(ended, "done", None)
    assert (kept := cancel(catalogue, ended)) is not None and kept.state == "done"


def test_a_job_that_is_given_back_is_begun_anew_and_does_not_count(catalogue: Catalogue) -> None:
    add(catalogue, "learn")
    for _ in range(MAX_ATTEMPTS + 1):
        job = taken(catalogue)
        assert job.attempts == 1
        assert catalogue.jobs.end(job, "waiting", None)


def test_many_workers_take_each_job_once(catalogue: Catalogue) -> None:
    for kind in ("train", "learn", "report", "health"):
        add(catalogue, kind)
    with ThreadPoolExecutor(4) as threads:
        jobs = list(threads.map(lambda number: catalogue.jobs.take(f"w{number}", LONG), range(8)))
    assert len({job.job for job in jobs if job}) == 4 == sum(job is not None for job in jobs)
