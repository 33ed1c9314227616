"""The items that become the catalogue's when a bundle goes live: kept beside it until then.

    artifacts/pending/<id>.jsonl    one item a line; the last line says how many there are

An item is new to the catalogue, and so `created`, when it is read from there.

A run whose bundle the gate refuses leaves them here, so that `publish --force` does all that the run would have done.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path

from retrieval.bundle import pending_path
from retrieval.catalogue import Item
from retrieval.durable import sync, write_atomically
from trainer.errors import ReleaseError


def write(artifacts: Path, bundle_id: str, items: Iterable[Item]) -> None:
    """Keep these items, all of them or none; durably once CURRENT is."""
    path = pending_path(artifacts, bundle_id)
    path.parent.mkdir(parents=True, exist_ok=True)
    count = 0
    with write_atomically(path) as draft, draft.open("w", encoding="utf-8") as file:
        for item in items:
            file.write(json.dumps({name: value for name, value in asdict(item).items() if name != "created"}) + "\n")
            count += 1
        file.write(json.dumps({"items": count}) + "\n")


def read(artifacts: Path, bundle_id: str) -> Iterator[Item]:
    """The items, in order. Raises ReleaseError for a file that is not whole, before or after the last item."""
    path = pending_path(artifacts, bundle_id)
    count, announced = 0, None
    try:
        with path.open(encoding="utf-8") as file:
            for line in file:
                fields = json.loads(line)
                if announced is None and "items" in fields:
                    announced = fields["items"]
                    continue
                yield Item(**fields)
                count += 1
    except (OSError, ValueError, TypeError) as error:
        raise ReleaseError(f"{path} cannot be read ({error}). Run the training again.") from error
    if announced != count:
        raise ReleaseError(f"{path} holds {count} items and says {announced}: it is not whole. Run the training again.")


def discard(artifacts: Path, bundle_id: str) -> None:
    """Forget the items, durably: they are in the catalogue, which may change from now on."""
    path = pending_path(artifacts, bundle_id)
    if path.exists():
        path.unlink()
        sync(path.parent)
