"""What every vector store whose state lies in PostgreSQL does alike; `VectorStore` says what each method promises."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from retrieval.clusters import Numbers, Vectors
from retrieval.errors import VectorMissing
from retrieval.vectors.base import Members, Note
from retrieval.vectors.postgresql.state import StateTables


class StateStore(ABC):
    """The part of a VectorStore that its state answers. Every process that opens the store sees every change."""

    def __init__(self, states: StateTables) -> None:
        self._states = states
        self._tables = states.tables

    def __len__(self) -> int:
        return len(self._states)

    def get(self, item_id: str) -> Vectors:
        members = self.get_many([item_id])
        if not members.ids:
            raise VectorMissing(f"there is no vector of the id {item_id!r}")
        vector: Vectors = members.vectors[0]
        return vector

    @abstractmethod
    def get_many(self, ids: Sequence[str]) -> Members: ...

    def cluster_stamps(self) -> Numbers:
        return self._states.refresh().stamps

    def ids(self) -> tuple[str, ...]:
        return tuple(self.held())

    def held(self) -> dict[str, str | None]:
        return self._states.held()

    def note(self) -> Note | None:
        return self._states.note()

    def keep_note(self, note: Note) -> None:
        self._states.keep_note(note)

    def close(self) -> None:
        self._states.close()
