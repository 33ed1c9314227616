"""The worker: takes one job after the other, and does each as a command in a process of its own.

A job that is cancelled is stopped within a second. A worker that is asked to end gives its job back.
"""

import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from retrieval import bundle
from retrieval.catalogue import Catalogue
from retrieval.catalogue.records.jobs import Job, State
from retrieval.errors import BundleError, LookalikeError
from trainer.jobs.progress import SETTING, read_progress

LEASE_SECONDS = 60.0
LOOK_SECONDS = 1.0
RENEW_SECONDS = 2.0
STOP_SECONDS = 20.0
"""That a command has to end by itself, before it is killed."""
REFUSED = 3
MAX_OUTCOME = 2_000
"""Characters that are kept of what a command has said last."""

Tell = Callable[[str], None]
"""Told of each job that begins and ends."""


def work(artifacts: Path, tell: Tell, *, stopping: Callable[[], bool], once: bool = False) -> None:
    """Do jobs until `stopping`; with `once`, until none is waiting. Waits for the first bundle that is published.

    A database that cannot be reached now is tried again.
    """
    name = secrets.token_hex(16)
    while not stopping():
        job = None
        try:
            bundle.current(artifacts)
            with closing(Catalogue(bundle.catalogue_url(artifacts))) as catalogue:
                while not stopping() and (job := catalogue.jobs.take(name, LEASE_SECONDS)) is not None:
                    tell(f"{job.kind}: begun")
                    state = _do(artifacts, catalogue, job, stopping)
                    tell(f"{job.kind}: {state}")
                    job = None
        except BundleError:
            pass
        except LookalikeError as error:
            tell(f"Waiting: {error}")
        if once:
            return
        time.sleep(LOOK_SECONDS)


def _do(artifacts: Path, catalogue: Catalogue, job: Job, stopping: Callable[[], bool]) -> State:
    """What became of a job."""
    command = command_of(artifacts, job)
    if isinstance(command, str):
        catalogue.jobs.end(job, "failed", command)
        return "failed"
    with TemporaryDirectory() as folder:
        progress, said = Path(folder) / "progress.json", Path(folder) / "said.txt"
        with said.open("wb") as lines:
            process = subprocess.Popen(  # noqa: S603 - it runs our own command
                [sys.executable, "-P", "-m", "trainer", *command],
                stdout=lines,
                stderr=lines,
                stdin=subprocess.DEVNULL,
                env={**os.environ, **_environment(), SETTING: str(progress)},
            )
        kept = _watch(catalogue, job, process, progress, stopping)
        if process.returncode is None:
            _stop(process)
        outcome = said.read_text(encoding="utf-8", errors="replace").strip()[-MAX_OUTCOME:]
    if not kept:
        return "cancelled"
    if stopping() and process.returncode != 0:
        catalogue.jobs.end(job, "waiting", None)
        return "waiting"
    state: State = "done" if process.returncode in (0, REFUSED) else "failed"
    return state if catalogue.jobs.end(job, state, outcome) else "cancelled"


def _watch(
    catalogue: Catalogue, job: Job, process: "subprocess.Popen[bytes]", progress: Path, stopping: Callable[[], bool]
) -> bool:
    """Until the process ends or is to be stopped. False where the job is not ours any more."""
    renewed = 0.0
    while process.poll() is None and not stopping():
        if time.monotonic() - renewed >= RENEW_SECONDS:
            renewed = time.monotonic()
            if not catalogue.jobs.renew(job, LEASE_SECONDS, read_progress(progress)):
                return False
        time.sleep(0.1)
    return True


def _stop(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def command_of(artifacts: Path, job: Job) -> Sequence[str] | str:
    """The arguments of the command line that do a job, or why it cannot be done."""
    where = ["--artifacts", str(artifacts)]
    live = bundle.current(artifacts)
    if job.kind == "learn":
        return ["learn", *where]
    if job.kind in ("report", "health"):
        out = ["--out", str(artifacts / "reports" / live)]
        return ["report", *where, *out, "--health" if job.kind == "health" else "--no-health"]
    training = bundle.fetched(artifacts, live) / bundle.TRAINING
    try:
        source = (training / "source.txt").read_text(encoding="utf-8")
    except (OSError, ValueError):
        return f"Bundle {live} does not tell what its pictures were read from. Run lookalike train --source once."
    return ["train", "--source", source, "--config", str(training / "config.toml"), *where]


def _environment() -> dict[str, str]:
    """Nothing that is told is broken into lines, and our packages are found from wherever this was started."""
    home = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join(filter(None, (home, os.environ.get("PYTHONPATH"))))
    return {"COLUMNS": "200", "PYTHONPATH": path, "NO_COLOR": "1", "TERM": "dumb"}
