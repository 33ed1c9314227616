"""What happened in each epoch of each stage: history.csv, and TensorBoard where it is asked for."""

import csv
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path

from retrieval.errors import BundleDamaged
from trainer.progress import Epoch, Watch


def write_history(path: Path, epochs: Sequence[Epoch]) -> None:
    """All epochs as CSV, in the order in which they were trained."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(Epoch)])
        writer.writeheader()
        writer.writerows(asdict(epoch) for epoch in epochs)


def read_history(text: str, where: str) -> list[Epoch]:
    """What `write_history` wrote; `where` names the file in errors. Raises BundleDamaged for anything else."""
    try:
        return [
            Epoch(
                row["stage"],
                int(row["epoch"]),
                _number(row["loss"]),
                _number(row["recall_at_1"]),
                _number(row["map"]),
                float(row["seconds"]),
            )
            for row in csv.DictReader(text.splitlines())
        ]
    except (KeyError, TypeError, ValueError) as error:
        raise BundleDamaged(
            f"{where} does not hold epochs ({error!r}). Publish another bundle, or train again."
        ) from error


def _number(text: str) -> float | None:
    return float(text) if text else None


def tensorboard(folder: Path) -> Watch:
    """Writes TensorBoard events, one run for each stage, as epochs end: `tensorboard --logdir folder` shows them."""
    import tensorflow as tf

    writers: dict[str, tf.summary.SummaryWriter] = {}

    def write(epoch: Epoch) -> None:
        if epoch.stage not in writers:
            writers[epoch.stage] = tf.summary.create_file_writer(str(folder / epoch.stage))
        with writers[epoch.stage].as_default(step=epoch.epoch):
            for name in ("loss", "recall_at_1", "map", "seconds"):
                if (value := getattr(epoch, name)) is not None:
                    tf.summary.scalar(name, value)
        writers[epoch.stage].flush()

    return write
