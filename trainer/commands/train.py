"""`lookalike train`: pictures in, a published bundle out."""

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from trainer.commands.releases.publish import REFUSED, show_release
from trainer.commands.terminal.arguments import Artifacts, ConfigFile, check_sources, is_published
from trainer.commands.terminal.console import Display, out, scores_table, silenced, skipped_table


def train(
    source: Annotated[
        str, typer.Option(help="A folder, a CSV file, or one of pottery (a generated demo), flowers102, lfw, celeba.")
    ],
    config: ConfigFile = Path("demo"),
    artifacts: Artifacts = Path("artifacts"),
    resume: Annotated[bool, typer.Option(help="Go on with the same run where it was stopped.")] = False,
    unless_published: Annotated[
        bool, typer.Option("--unless-published", help="Do nothing where a bundle is published already.")
    ] = False,
    tensorboard: Annotated[Path | None, typer.Option(help="Folder for TensorBoard events of every epoch.")] = None,
) -> None:
    """Train on a source of pictures and publish the result.

    Where it is significantly worse than what is live, it is kept, but not published (exit 3).

    Example: `lookalike train --source ~/Pictures/shoes --config unlabelled`
    """
    check_sources(source)
    if unless_published and is_published(artifacts):
        out.print(Text(f"A bundle is published in {artifacts}: nothing to do."), soft_wrap=True)
        return
    from trainer.config import load_config
    from trainer.threads import thread_count

    settings = load_config(config)
    thread_count()  # a setting that is wrong is told before anything slow is imported
    from trainer.run.inputs import read_inputs

    display = Display()
    inputs = read_inputs(source, settings, artifacts, display)
    with display.step("Loading TensorFlow"), silenced():
        from trainer.run import pipeline
        from trainer.training import history
    if tensorboard:
        display = Display(history.tensorboard(tensorboard))
    outcome = pipeline.run(inputs, display, resume=resume)
    if outcome.skipped:
        out.print(skipped_table(outcome.skipped, outcome.skipped_csv))
    if outcome.scores:
        out.print(scores_table(outcome.scores, "On held-out pictures of this source"))
    if show_release(outcome.release, artifacts):
        raise typer.Exit(REFUSED)
    out.print(f"Published bundle [bold]{outcome.bundle_id}[/] with {outcome.items} items in", Text(f"{artifacts}."))
    out.print("An API that is running takes it up within seconds.", style="dim")
