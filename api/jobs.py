"""Jobs are written down, listed and cancelled; a worker does them. Blocking."""

from api.errors import Refusal
from api.items.replies import Answer, Ticket, live_of, once, remember
from api.links import link
from api.schemas.jobs import JobAnswer, JobBody, JobListAnswer
from api.serving.engine import Engine
from retrieval.catalogue import Catalogue

NO_JOB = "There is no such job; GET /jobs lists them."


def add_job(engine: Engine, body: JobBody, ticket: Ticket | None, key: str | None) -> Answer:
    """Ask for a job; where one of its kind is waiting already, that one is the answer (200)."""

    def change() -> Answer:
        with live_of(engine).catalogue.writing() as rows:
            job, is_new = rows.jobs.add(body.kind, key)
            answer = Answer(202 if is_new else 200, JobAnswer.of(job).model_dump_json())
            remember(rows, ticket, answer)
        return answer

    return once(engine, ticket, change)


def cancel_job(engine: Engine, name: str, ticket: Ticket | None) -> Answer:
    """Cancel a job; one that has ended stays as it is. Raises Refusal (entry_missing)."""

    def change() -> Answer:
        with live_of(engine).catalogue.writing() as rows:
            job = rows.jobs.cancel(name)
            if job is None:
                raise Refusal("entry_missing", NO_JOB)
            answer = Answer(200, JobAnswer.of(job).model_dump_json())
            remember(rows, ticket, answer)
        return answer

    return once(engine, ticket, change)


def get_job(catalogue: Catalogue, name: str) -> JobAnswer:
    """One job. Raises Refusal (entry_missing)."""
    job = catalogue.jobs.get(name)
    if job is None:
        raise Refusal("entry_missing", NO_JOB)
    return JobAnswer.of(job)


def list_jobs(catalogue: Catalogue, limit: int, cursor: str | None) -> JobListAnswer:
    """Some jobs, the latest first."""
    jobs = catalogue.jobs.listed(limit=limit + 1, before=cursor)
    page = jobs[:limit]
    further = {"limit": limit, "cursor": page[-1].job} if len(jobs) > limit else None
    return JobListAnswer(jobs=[JobAnswer.of(each) for each in page], next=link("/jobs", further) if further else None)
