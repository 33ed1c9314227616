"""Backups that are made while clients add, change and delete: every item in them is whole."""

import threading
from contextlib import closing
from pathlib import Path

import httpx2
import numpy as np
import pytest

from retrieval import bundle
from retrieval.catalogue import Catalogue
from tests.conftest import free_port, serving
from tests.support.bundles import picture
from tests.test_upgrade import Api
from tests.trainer.releases.quiet import Quiet
from trainer.backup.create import create
from trainer.backup.restore import restore

WRITERS = 3


def write(address: str, number: int, stop: threading.Event) -> None:
    """Add, replace and delete few items again and again, so that a backup meets many that have just gone."""
    random = np.random.default_rng(number)
    with httpx2.Client(base_url=address, timeout=60) as client:
        while not stop.is_set():
            id_ = f"writer-{number}-{random.integers(6)}"
            gone = client.delete("/item", params={"id": id_})
            assert gone.status_code in {204, 404}, gone.text
            if gone.status_code == 204 and random.random() < 0.3:
                continue
            data = picture(int(random.integers(1_000_000)))
            answer = client.post("/items", files={"file": data}, data={"id": id_, "label": str(number)})
            assert answer.status_code in {200, 201}, answer.text


@pytest.mark.parametrize("rounds", [2, pytest.param(25, marks=pytest.mark.slow)])
def test_every_item_of_a_backup_is_whole_while_others_write(artifacts: Path, tmp_path: Path, rounds: int) -> None:
    port, stop = free_port(), threading.Event()
    with serving("api", port, "/readyz", artifacts=artifacts, api_port=port) as address:
        writers = [threading.Thread(target=write, args=(address, number, stop)) for number in range(WRITERS)]
        for writer in writers:
            writer.start()
        try:
            backups = [tmp_path / f"backup-{number}" for number in range(rounds)]
            abouts = [create(artifacts, target, Quiet()) for target in backups]
        finally:
            stop.set()
            for writer in writers:
                writer.join()
    for target, about in zip(backups, abouts, strict=True):
        assert about.missing == ()
        new = tmp_path / f"new-{target.name}"
        restore(target, new, Quiet())
        with closing(Catalogue(bundle.catalogue_url(new))) as catalogue:
            result = list(catalogue.items())
        assert len(result) == about.items >= 12
        for item in result:
            assert (new / item.location).is_file()
    port = free_port()
    with serving("api", port, "/readyz", artifacts=tmp_path / f"new-{backups[-1].name}", api_port=port) as address:
        api = Api(address)
        assert len(api.ids()) == abouts[-1].items
        assert api.all_are_hits_of_themselves()
