"""`lookalike train`: pictures in, a published bundle out."""

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from trainer.commands.releases.publish import REFUSED, show_release
from trainer.commands.terminal.arguments import Artifacts, ConfigFile, Preset, check_sources, is_published
from trainer.commands.terminal.console import Display, out, scores_table, silenced, skipped_table
from trainer.commands.terminal.recipe_table import recipe_table


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
    minutes: Annotated[
        float | None,
        typer.Option(min=1, help="Find the best encoder and head by held-out pictures, within so many minutes in all."),
    ] = None,
    preset: Annotated[
        Preset, typer.Option(help="What a query may cost, with --minutes: fast, balanced or best.")
    ] = Preset.balanced,
    tensorboard: Annotated[Path | None, typer.Option(help="Folder for TensorBoard events of every epoch.")] = None,
) -> None:
    """Train on a source of pictures and publish the result.

    Where it is significantly worse than what is live, it is kept, but not published (exit 3).

    With `--minutes`, the recipe is found by measuring: which encoder, what of a picture, which head. The winner is
    written to `recipe.toml` in the artifacts folder, a configuration like any other.

    Example: `lookalike train --source ~/Pictures/shoes --minutes 10`
    """
    check_sources(source)
    if unless_published and is_published(artifacts):
        out.print(Text(f"A bundle is published in {artifacts}: nothing to do."), soft_wrap=True)
        return
    from trainer.config import load_config
    from trainer.places import remember_places
    from trainer.threads import thread_count

    settings = remember_places(artifacts, load_config(config))
    thread_count()  # a setting that is wrong is told before anything slow is imported
    from trainer.run.inputs import read_inputs

    display = Display()
    inputs = read_inputs(source, settings, artifacts, display)
    with display.step("Loading TensorFlow"), silenced():
        from trainer.run import pipeline
        from trainer.training.epochs import history
    if tensorboard:
        display = Display(history.tensorboard(tensorboard))
    recipe = fill_cache = None
    if minutes is not None:
        from trainer.recipe.find import find_recipe

        recipe = find_recipe(inputs, minutes, preset.value, display)
        out.print(recipe_table(recipe.trials, recipe.choice))
        out.print(Text(f"{recipe.reason} Written to {recipe.file}."), soft_wrap=True)
        inputs, fill_cache = recipe.inputs, recipe.fill_cache
    outcome = pipeline.run(inputs, display, resume=resume, fill_cache=fill_cache)
    if recipe is not None:
        from trainer.recipe.deeper import deepen

        outcome = deepen(recipe, outcome, display)
    if outcome.skipped:
        out.print(skipped_table(outcome.skipped, outcome.skipped_csv))
    if outcome.scores:
        out.print(scores_table(outcome.scores, "On held-out pictures of this source"))
    if show_release(outcome.release, artifacts):
        raise typer.Exit(REFUSED)
    out.print(f"Published bundle [bold]{outcome.bundle_id}[/] with {outcome.items} items in", Text(f"{artifacts}."))
    out.print("An API that is running takes it up within seconds.", style="dim")
