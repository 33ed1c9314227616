"""`lookalike worker`: does the jobs that the API writes down."""

import signal
from pathlib import Path
from typing import Annotated

import typer

from trainer.commands.terminal.arguments import Artifacts
from trainer.commands.terminal.console import err


def worker(
    artifacts: Artifacts = Path("artifacts"),
    once: Annotated[bool, typer.Option("--once", help="End when no job is waiting.")] = False,
) -> None:
    """Do the jobs that were asked for with POST /jobs: learn, train, health, report.

    Each is a process of its own. Several workers may run, also on several machines that share the artifacts folder and
    the database; a job whose worker was killed is taken up again after a minute. Ctrl-C gives a job back and ends.

    Example: `lookalike worker --artifacts artifacts`
    """
    from trainer.jobs.worker import work

    stopped = False

    def stop(_signal: int, _frame: object) -> None:
        nonlocal stopped
        stopped = True

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)

    def tell(text: str) -> None:
        err.print(text, highlight=False, soft_wrap=True, markup=False)

    work(artifacts, tell, stopping=lambda: stopped, once=once)
