"""Jobs over HTTP: asked for, listed, shown and cancelled; nothing is done by the API itself."""

from contextlib import closing

import pytest
from fastapi.testclient import TestClient

from retrieval import bundle
from retrieval.catalogue import Catalogue
from tests.api.conftest import OpenApi, Shop
from tests.api.test_errors import check_problem

NO_JOB = "0" * 32


@pytest.fixture
def api(own_shop: Shop, open_api: OpenApi) -> TestClient:
    """An API that may be written to."""
    return open_api(artifacts=own_shop.artifacts)


def test_a_job_is_written_down_shown_and_cancelled(api: TestClient, own_shop: Shop) -> None:
    answer = api.post("/jobs", json={"kind": "learn"})
    assert answer.status_code == 202, answer.text
    job = answer.json()
    assert (job["kind"], job["state"], job["attempts"]) == ("learn", "waiting", 0)
    again = api.post("/jobs", json={"kind": "learn"})
    assert (again.status_code, again.json()) == (200, job)
    with closing(Catalogue(bundle.catalogue_url(own_shop.artifacts))) as catalogue:
        taken = catalogue.jobs.take("worker", 60)
        assert taken is not None
        catalogue.jobs.renew(taken, 60, ("Refitting the head", 1, 2))
    shown = api.get(f"/jobs/{job['job']}").json()
    assert (shown["state"], shown["step"], shown["done"], shown["total"]) == ("running", "Refitting the head", 1, 2)
    other = api.post("/jobs", json={"kind": "report"}).json()
    page = api.get("/jobs", params={"limit": 1}).json()
    assert page["jobs"] == [other]
    assert api.get(page["next"]).json() == {"jobs": [shown], "next": None}
    cancelled = api.post(f"/jobs/{job['job']}/cancel")
    assert cancelled.status_code == 200 and cancelled.json()["state"] == "cancelled"


def test_what_is_no_job_is_refused(api: TestClient) -> None:
    for body in ({"kind": "shell"}, {}, {"kind": "learn", "source": "/etc"}):
        check_problem(api.post("/jobs", json=body), 422, "invalid_parameter")
    check_problem(api.get(f"/jobs/{NO_JOB}"), 404, "entry_missing")
    check_problem(api.post(f"/jobs/{NO_JOB}/cancel"), 404, "entry_missing")
    check_problem(api.get("/jobs/x"), 422, "invalid_parameter")
