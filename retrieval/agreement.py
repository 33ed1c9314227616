"""Whether a store of vectors has those of the catalogue's items, and no others: noted, so that nobody need list them.

A note says with which version of which catalogue a store agreed. Any change of the store takes the note away, and any
change of the catalogue gives it another version: so a note that fits is true, after a crash as well.
"""

from collections.abc import Collection

from retrieval.catalogue import Catalogue, State
from retrieval.vectors.base import Note, VectorStore


def agree(store: VectorStore, catalogue: Catalogue, without: Collection[str], state: State) -> bool:
    """Note that the store agrees with the catalogue in a state, but for items `without` a vector.

    Whoever calls it has compared the two in that state, or in an earlier one and written to both alike since. False
    where it cannot be so any more. Raises CatalogueError, VectorStoreError or StorageError.
    """
    if agreed_without(store, catalogue) is not None:
        return True
    with catalogue.writing():  # while no other process is between a vector and its item
        there = catalogue.get_many(list(without))
        missing = sorted(there.keys() - set(store.get_many(list(there)).ids))
        if catalogue.state() != state or len(store) + len(missing) != catalogue.count():
            return False
        store.keep_note(Note(state.catalogue, state.version, tuple(missing)))
    return True


def agreed_without(store: VectorStore, catalogue: Catalogue) -> list[str] | None:
    """The ids of the items without a vector, of which it is noted that there is none; None if nothing is known."""
    note, state = store.note(), catalogue.state()
    fits = note is not None and (note.catalogue, note.version) == (state.catalogue, state.version)
    return list(note.without) if note is not None and fits else None
