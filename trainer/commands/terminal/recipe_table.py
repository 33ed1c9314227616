"""What the automatic recipe has tried, as a table."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.table import Table

if TYPE_CHECKING:
    from trainer.recipe.choices import Choice
    from trainer.recipe.search import Trial


def recipe_table(trials: "Sequence[Trial]", winner: "Choice | None") -> Table:
    """A row for each trial, in the order in which they were made; the winner's last row is marked."""
    table = Table(
        "encoder", "pictures", "known", "new", "untuned", "head", "cost", title="What was tried", title_justify="left"
    )
    table.caption = "mAP on held-out pictures; cost of a query in passes of EfficientNet-Lite0"
    last = max((place for place, trial in enumerate(trials) if trial.choice == winner and trial.verdict), default=None)
    for place, trial in enumerate(trials):
        cost, style = f"{trial.choice.cost:.1f}", "bold green" if place == last else None
        if trial.verdict is None:
            table.add_row(_short(trial.choice), str(trial.pictures), "", "", "", trial.remark, cost, style="dim")
            continue
        verdict = trial.verdict
        known, new = (_figure(verdict.tuned.get(name)) for name in ("known", "new"))
        untuned = " / ".join(_figure(value) for value in verdict.frozen.values())
        head = (
            "none" if verdict.head is None else f"general {verdict.head.general:.0%}, shrunk {verdict.head.shrinkage:g}"
        )
        table.add_row(_short(trial.choice), str(trial.pictures), known, new, untuned, head, cost, style=style)
    return table


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _short(choice: "Choice") -> str:
    """Its name without what all networks of the search have in common."""
    return choice.name.replace("efficientnet-", "")
