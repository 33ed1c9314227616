"""What is written of each epoch: history.csv, and events that TensorBoard reads."""

import csv
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from retrieval.errors import BundleDamaged
from trainer.progress import Epoch
from trainer.training.epochs.history import read_history, tensorboard, write_history

EPOCHS = [
    Epoch("head", 0, None, 0.5, 0.25, 0.125),
    Epoch("head", 1, 0.1, 0.75, 0.5, 2.5),
    Epoch("autoencoder", 1, 0.3, None, None, 1e-9),
]


def events(folder: Path) -> dict[tuple[str, str, int], float]:
    """All scalars in the folder's event files, by run, name and step."""
    result = {}
    for path in folder.glob("*/events*"):
        for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
            event = tf.compat.v1.Event.FromString(record)
            for value in event.summary.value:
                result[path.parent.name, value.tag, event.step] = float(tf.make_ndarray(value.tensor))
    return result


def test_a_line_for_each_epoch_from_which_the_epoch_can_be_read_back(tmp_path: Path) -> None:
    write_history(tmp_path / "history.csv", EPOCHS)
    with (tmp_path / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    read = [
        Epoch(row["stage"], int(row["epoch"]), loss, recall, mean, float(row["seconds"]))
        for row in rows
        for loss, recall, mean in [[float(row[k]) if row[k] else None for k in list(row)[2:5]]]
    ]
    assert read == EPOCHS


def test_no_epoch_is_only_the_header(tmp_path: Path) -> None:
    write_history(tmp_path / "history.csv", [])
    assert (tmp_path / "history.csv").read_text().split() == ["stage,epoch,loss,recall_at_1,map,seconds"]


def test_tensorboard_has_a_run_for_each_stage_and_no_point_where_nothing_was_measured(tmp_path: Path) -> None:
    watch = tensorboard(tmp_path)
    for number, epoch in enumerate(EPOCHS, start=1):
        watch(epoch)
        assert len({(run, step) for run, _name, step in events(tmp_path)}) == number  # written as it happens
    wanted = {
        (epoch.stage, name, epoch.epoch): np.float32(getattr(epoch, name))
        for epoch in EPOCHS
        for name in ("loss", "recall_at_1", "map", "seconds")
        if getattr(epoch, name) is not None
    }
    assert events(tmp_path) == wanted


def test_epochs_are_read_back(tmp_path: Path) -> None:
    write_history(tmp_path / "history.csv", EPOCHS)
    assert read_history((tmp_path / "history.csv").read_text(), "history.csv") == EPOCHS


@pytest.mark.parametrize("text", ["stage,epoch\nhead,1\n", "stage,epoch,loss,recall_at_1,map,seconds\nhead,one,,,,1\n"])
def test_what_holds_no_epochs_is_named(text: str) -> None:
    with pytest.raises(BundleDamaged, match=r"history\.csv does not hold epochs"):
        read_history(text, "history.csv")
