"""How a bundle goes live: the one door that `run`, `publish` and `rollback` go through.

Nothing that is served is touched until all that is new is there and durable. Then, in this order:

    1. items that the bundle has no vectors for are embedded       (into its own store)
    2. a new source's items are added to the catalogue             (the old ones stay as they are)
    3. a line in PUBLISHED                                         (or a row in the database that servers share)
    4. CURRENT, or that row of the database                        <- the moment at which it goes live
    5. the new source's items replace the old ones                 (they wait in pending/ until then)

So whatever a crash leaves live finds every item that it found, or would have found, in undisturbed service. Between 2
and 5 the catalogue lists items besides, which that bundle has no vectors for: searches pass over them, and the next
release, of whichever bundle, finishes what was begun.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from retrieval import bundle
from retrieval.bundle import Bundle
from retrieval.catalogue import BATCH, Catalogue, Item
from retrieval.durable import sync
from retrieval.errors import BundleDamaged, BundleMissing, LookalikeError
from trainer.errors import ReleaseError
from trainer.progress import Listener
from trainer.releases import gate, log, missing_vectors, pending, pinned
from trainer.releases.gate import Change
from trainer.releases.lock import alone
from trainer.releases.log import Why
from trainer.releases.pinned import Pin
from trainer.releases.select_pinned import from_items, from_source
from trainer.sources.base import Skipped


@dataclass(frozen=True, slots=True)
class Release:
    """What became of a bundle that was to go live. `refused` says why it did not; None where it did.

    `before` was live until then. `change` is None where there was nothing to compare with. `without` are items that
    the bundle cannot embed, so that its searches do not find them.
    """

    bundle_id: str
    before: str | None
    change: Change | None = None
    refused: str | None = None
    embedded: int = 0
    without: Sequence[Skipped] = ()


def publish(
    artifacts: Path,
    bundle_id: str,
    listener: Listener,
    *,
    why: Why = "publish",
    forced: bool = False,
    pin: str | None = None,
) -> Release:
    """Make a bundle live unless it is damaged, or significantly worse than the live one on the pinned queries.

    `forced`: even then, as long as it can be served. `pin`: a source whose labelled pictures are pinned
    first. Raises BundleMissing, PublisherBusy, and what keeps a bundle from being served.
    """
    _folder(artifacts, bundle_id)  # before anything is written
    with alone(artifacts):
        live = log.live_id(artifacts)
        _finish(artifacts, live, listener)
        loaded, damage = _open(artifacts, bundle_id, forced=forced)
        if loaded is None:
            return Release(bundle_id, live, refused=damage)
        if pin is not None:
            pinned.write(artifacts, from_source(pin, artifacts, loaded, listener))
            sync(artifacts)  # whatever becomes of the bundle
        stored = pinned.read(artifacts)
        pins = _that_count(artifacts, bundle_id, stored or [])
        change = _judge(artifacts, loaded, live, pins, listener)
        if change and change.significantly_worse and not forced:
            return Release(bundle_id, live, change, refused="it is significantly worse than the live one")
        if not any(pin.query for pin in pins) and (
            selected := from_items(_candidates(artifacts, bundle_id), artifacts, loaded)
        ):
            pinned.write(artifacts, selected)
        return _go_live(artifacts, loaded, live, change, "forced" if forced else why, listener)


def rollback(artifacts: Path, listener: Listener) -> Release:
    """Make the bundle live that was live before. Raises ReleaseError where there is none, and PublisherBusy."""
    with alone(artifacts):
        live = log.live_id(artifacts)
        _finish(artifacts, live, listener)
        target = log.before(artifacts)
        if target is None:
            raise ReleaseError(
                f"Before {live or 'now'} no bundle was live in {artifacts} that is still there. "
                "`lookalike bundles` lists what can be published."
            )
        loaded, _ = _open(artifacts, target, forced=True)  # damage is an error here: there is nobody to ask
        if loaded is None:
            raise BundleMissing(f"There is no bundle {target} in {artifacts}.")
        return _go_live(artifacts, loaded, live, None, "rollback", listener)


def _open(artifacts: Path, bundle_id: str, *, forced: bool) -> tuple[Bundle | None, str]:
    """The bundle, or None and what is wrong with it. Raises BundleMissing, and if forced what keeps it from loading."""
    folder = _folder(artifacts, bundle_id)
    if forced:
        return bundle.load(folder), ""
    try:
        bundle.verify(folder)
        return bundle.load(folder), ""
    except BundleDamaged as error:
        return None, str(error)


def _folder(artifacts: Path, bundle_id: str) -> Path:
    """The folder of a bundle. Raises BundleMissing where there is none."""
    folder = bundle.fetched(artifacts, bundle_id)
    if folder.name != bundle_id or not folder.is_dir():
        raise BundleMissing(f"There is no bundle {bundle_id} in {artifacts}. `lookalike bundles` lists them.")
    return folder


def _judge(artifacts: Path, loaded: Bundle, live: str | None, pins: Sequence[Pin], listener: Listener) -> Change | None:
    """What would change; None, with a note that says why, where that cannot be known."""
    if live is None or live == loaded.manifest.id:
        return None
    if not pins:
        listener.note(
            "No labelled picture is pinned that is still an item, so nothing is compared with the live bundle."
        )
        return None
    try:
        served = bundle.load(bundle.fetched(artifacts, live))
    except LookalikeError as error:
        listener.note(f"The live bundle cannot be opened, so there is nothing to compare with: {error}")
        return None
    change = gate.compare(artifacts, loaded, served, pins, listener)
    if change is None:
        listener.note("None of the pinned queries is left. Pin others: lookalike publish BUNDLE --pin SOURCE.")
    return change


def _that_count(artifacts: Path, bundle_id: str, pins: Sequence[Pin]) -> list[Pin]:
    """Without what was pinned as an item and is none any more once the bundle is live: nobody searches for it.

    With the labels that people gave to items since; an item whose label they took away is not asked about.
    """
    digests = {pin.sha256 for pin in pins if pin.origin == "items"}
    if not digests:
        return list(pins)
    with closing(Catalogue(bundle.catalogue_url(artifacts))) as catalogue:
        corrected = {item_id: each.now.label for item_id, each in catalogue.corrections.all().items()}
    items = {item.sha256: item for item in _candidates(artifacts, bundle_id) if item.sha256 in digests}
    counting: list[Pin] = []
    for pin in pins:
        item = items.get(pin.sha256)
        if pin.origin == "source":
            counting.append(pin)
        elif item is not None:
            by_people = item.label if item.origin == "api" else corrected.get(item.id, pin.label)
            counting += [] if by_people is None else [replace(pin, label=by_people)]
    return counting


def _finish(artifacts: Path, live: str | None, listener: Listener) -> None:
    """Do the last step of a release that a crash has kept from it: the catalogue gets the live bundle's items."""
    if live is None or not bundle.pending_path(artifacts, live).exists():
        return
    try:
        with closing(Catalogue(bundle.catalogue_url(artifacts))) as catalogue:
            catalogue.replace_source(pending.read(artifacts, live))
    except ReleaseError as error:
        listener.note(f"The catalogue stays as it is: {error}")
        return
    pending.discard(artifacts, live)


def _candidates(artifacts: Path, bundle_id: str) -> Iterator[Item]:
    """The items that are live once the bundle is."""
    if bundle.pending_path(artifacts, bundle_id).exists():
        yield from pending.read(artifacts, bundle_id)
        return
    with closing(Catalogue(bundle.catalogue_url(artifacts))) as catalogue:
        yield from catalogue.items()


def _go_live(
    artifacts: Path, loaded: Bundle, live: str | None, change: Change | None, why: Why, listener: Listener
) -> Release:
    """The five steps, see the top of this file."""
    bundle_id = loaded.manifest.id
    waiting = bundle.pending_path(artifacts, bundle_id).exists()
    with closing(Catalogue(bundle.catalogue_url(artifacts))) as catalogue:
        digests = catalogue.digests("api" if waiting else None)
        if waiting:
            digests |= {item.id: item.sha256 for item in pending.read(artifacts, bundle_id)}
        ids = missing_vectors.missing(artifacts, loaded, digests)
        without: list[Skipped] = []
        if ids:
            items = _items(artifacts, catalogue, ids, bundle_id if waiting else None)
            without = missing_vectors.backfill_vectors(artifacts, loaded, items, len(ids), listener)
        if waiting:
            catalogue.add_source(pending.read(artifacts, bundle_id))
        if live != bundle_id:
            log.append(artifacts, bundle_id, why)
            bundle.publish(artifacts, bundle_id, forced=why in ("forced", "rollback"))
        if waiting:
            catalogue.replace_source(pending.read(artifacts, bundle_id))
            pending.discard(artifacts, bundle_id)
        if not without:
            missing_vectors.note_agreement(artifacts, loaded, catalogue)
    return Release(bundle_id, live, change, embedded=len(ids) - len(without), without=without)


def _items(artifacts: Path, catalogue: Catalogue, ids: Sequence[str], waiting: str | None) -> Iterator[Item]:
    """The items of these ids: those that wait to go live with a bundle, and those of the catalogue."""
    missing = dict.fromkeys(ids)
    for item in pending.read(artifacts, waiting) if waiting else ():
        if item.id in missing:
            del missing[item.id]
            yield item
    rest = list(missing)
    for start in range(0, len(rest), BATCH):
        yield from catalogue.get_many(rest[start : start + BATCH]).values()
