"""A correction over HTTP, a job, a worker: the next answers come from a bundle that has learned it."""

import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

from tests.conftest import ROOT, Trained, environment, free_port, serving


@pytest.mark.slow
def test_a_correction_changes_the_next_answers_through_the_worker(trained: Trained, tmp_path: Path) -> None:
    artifacts = Path(shutil.copytree(trained.artifacts, tmp_path / "artifacts"))
    worker = [sys.executable, "-m", "lookalike", "worker", "--artifacts", str(artifacts)]
    port = free_port()
    with (
        serving("api", port, "/readyz", artifacts=artifacts, api_port=port) as api,
        subprocess.Popen(worker, cwd=ROOT, env=environment()) as working,
        requests.Session() as session,
    ):
        session.trust_env = False
        try:
            items = session.get(f"{api}/items", params={"limit": 100}).json()["items"]
            one = items[0]
            other = next(item for item in items if item["label"] != one["label"])
            before = session.post(f"{api}/search", json={"id": one["id"], "k": 50}).json()
            changed = session.patch(f"{api}/item", params={"id": one["id"]}, json={"label": other["label"]})
            assert changed.status_code == 200
            body = {"id": one["id"], "item": other["id"], "verdict": "same"}
            assert session.post(f"{api}/feedback", json=body).status_code == 201
            asked = session.post(f"{api}/jobs", json={"kind": "learn"})
            assert asked.status_code == 202
            job = asked.json()
            while job["state"] in ("waiting", "running"):
                time.sleep(0.2)
                job = session.get(f"{api}/jobs/{job['job']}").json()
            assert job["state"] == "done", job["outcome"]
            while (after := session.post(f"{api}/search", json={"id": one["id"], "k": 50}).json())["bundle"] == before[
                "bundle"
            ]:
                time.sleep(0.2)
            cosines = [{hit["id"]: hit["cosine"] for hit in page["hits"]} for page in (before, after)]
            assert cosines[1][other["id"]] > cosines[0].get(other["id"], -1)
        finally:
            working.terminate()
