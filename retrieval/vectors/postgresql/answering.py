"""From the rows of one search to its answer, the same for every engine that keeps its state in PostgreSQL."""

import math
from typing import Protocol

import numpy as np

from retrieval.clusters import Metric, Numbers, Vectors
from retrieval.vectors.auto import Auto
from retrieval.vectors.base import Hits, Members, Probes
from retrieval.vectors.postgresql.state import State
from retrieval.vectors.probe import ranked_hits
from retrieval.vectors.rounds import Answer, Measured, search_rounds


class RowSearch(Protocol):
    """One search in one transaction: the rows that it has seen so far, by number."""

    @property
    def query(self) -> Vectors: ...
    @property
    def metric(self) -> Metric: ...
    @property
    def k(self) -> int: ...
    @property
    def selective(self) -> bool:
        """Whether only some items may be hits, and clusters are opened until k of these are there."""

    def scan(self, opened: Numbers, rim: float) -> Measured:
        """Of the rows in these clusters at least all that may be among the k nearest and lie within `rim`."""

    def members(self, rows: Numbers) -> Members:
        """Ids, vectors and clusters of rows that were seen, in this order."""


def search_clusters(state: State, search: RowSearch, auto: Auto, probes: Probes, within: float) -> Answer:
    """Open clusters nearest first, as `VectorStore.search` promises for these `probes`."""
    if probes == "all":
        opened = np.arange(len(state.members) if within > -math.inf else 0)
        return Answer(search.scan(opened, math.inf).rows, opened)
    limit, margin = auto.limits(probes, search.metric, state.size)
    return search_rounds(
        state.reach.view(search.query, search.metric),
        search.scan,
        k=search.k,
        limit=limit,
        margin=margin,
        short=isinstance(probes, int) and not search.selective,
        within=within,
    )


def hits_of(
    state: State, search: RowSearch, answer: Answer, within: float, *, recall: float | None, exact: bool
) -> Hits:
    """The k best of the answer's rows, ranked as every store ranks them."""
    members = search.members(answer.rows)
    best, cosine, euclidean = ranked_hits(
        search.query, members.vectors, members.ids, k=search.k, metric=search.metric, within=within
    )
    return Hits(
        ids=tuple(members.ids[row] for row in best),
        cosine=cosine,
        euclidean=euclidean,
        clusters=members.clusters[best].astype(np.int32),
        exact=exact,
        clusters_opened=len(answer.opened),
        clusters_total=len(state.members),
        vectors_read=max(int(state.members[answer.opened].sum()), len(best)),
        recall_estimate=recall,
    )
