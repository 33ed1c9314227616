"""`lookalike learn`: the live bundle's head refitted with what people corrected, judged and added."""

from pathlib import Path

import typer
from rich.text import Text

from trainer.commands.releases.publish import REFUSED, show_release
from trainer.commands.terminal.arguments import Artifacts, check_published
from trainer.commands.terminal.console import Display, out, scores_table, skipped_table


def learn(artifacts: Artifacts = Path("artifacts")) -> None:
    """Learn from corrected labels, from feedback and from added items, and publish the result.

    The network stays as it is: its head is fitted anew, from features that are kept, in seconds. The same pictures as
    before are held out to check it. Where it is significantly worse than what is live, it is kept, but not published
    (exit 3).

    Example: `lookalike learn --artifacts artifacts`
    """
    check_published(artifacts)
    from trainer.threads import thread_count

    thread_count()  # a setting that is wrong is told before anything slow is imported
    from trainer.learning.learn import learn as refit

    learned = refit(artifacts, Display())
    if learned.skipped:
        out.print(skipped_table(learned.skipped))
    out.print(scores_table(learned.scores, "On held-out pictures, with the labels of today"))
    said = (
        f"Learned from {learned.items} items, {learned.corrected} of them corrected, and {learned.judged} judged pairs."
    )
    if learned.unusable:
        said += f" {learned.unusable} judgements tell nothing: repeated, or of pictures that are no items."
    out.print(Text(said), soft_wrap=True)
    if show_release(learned.release, artifacts):
        raise typer.Exit(REFUSED)
    out.print(f"Published bundle [bold]{learned.bundle_id}[/] in", Text(f"{artifacts}."))
    out.print("An API that is running takes it up within seconds.", style="dim")
