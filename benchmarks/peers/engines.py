"""Each engine as the benchmark drives it: build, open, search by cosine, add, remove. Rows are the ids of vectors."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap64

from retrieval.clusters import Clusters
from retrieval.encoding.projection import unit
from retrieval.filters import EVERYTHING
from retrieval.selection import Selection
from retrieval.vectors.margins import Margins
from retrieval.vectors.stores import EmbeddedStores

Vectors = NDArray[np.float32]
Rows = NDArray[np.int64]
Effort = int | str
"""What an engine may spend on a search: its own parameter."""

SEED = 0
LADDER = (1, 2, 4, 8, 16, 32, 64, 128)
EF_LADDER = (10, 20, 40, 80, 160, 320, 640)


class Engine(Protocol):
    """`filters` and `removes`: whether it can."""

    name: str
    efforts: Sequence[Effort]
    filters: bool
    removes: bool

    def build(self, folder: Path, vectors: Vectors) -> None:
        """Write an index of vectors float32 [n, d] into a folder."""

    def open(self, folder: Path) -> None:
        """Make it ready for searches."""

    def choose(self, rows: Rows) -> Any:
        """What `search` takes for searches among these rows alone: made once, as a filter that many searches share."""

    def search(self, query: Vectors, k: int, effort: Effort, only: Any = None) -> Sequence[int]:
        """The rows of about the k nearest."""

    def add(self, rows: Rows, vectors: Vectors) -> None:
        """Further vectors under new rows."""

    def remove(self, rows: Rows) -> None:
        """Take vectors away."""


class Lookalike:
    """Clusters fitted, probes calibrated and vectors written as a training run does it."""

    name = "Lookalike"
    efforts: Sequence[Effort] = (*LADDER, "auto")
    filters = removes = True

    def build(self, folder: Path, vectors: Vectors) -> None:
        from retrieval.clusters import Reach
        from trainer.evaluation.search_quality.probe_margins import measure_margins
        from trainer.indexing import fit_kmeans

        clusters = Clusters(fit_kmeans(vectors, None, SEED).cluster_centers_.astype(np.float32))
        assigned = clusters.assign(vectors)
        margins = measure_margins(Reach.nowhere(clusters).widened(vectors, assigned), vectors, assigned, SEED)
        arrays = margins.arrays() if margins else {}
        np.savez(folder / "clusters.npz", centroids=clusters.centroids, **arrays)  # type: ignore[arg-type]
        EmbeddedStores(folder).create("peers", clusters, ids=[str(row) for row in range(len(vectors))], vectors=vectors)

    def open(self, folder: Path) -> None:
        with np.load(folder / "clusters.npz") as arrays:
            clusters, margins = Clusters(arrays["centroids"]), Margins.of(arrays)
        self.store = EmbeddedStores(folder).open("peers", clusters, margins=margins)

    def choose(self, rows: Rows) -> Any:
        return Selection(
            EVERYTHING,
            BitMap64(rows.tolist()),
            lambda numbers: {each: str(each) for each in numbers},
            lambda ids: {each: int(each) for each in ids},
        )

    def search(self, query: Vectors, k: int, effort: Effort, only: Any = None) -> Sequence[int]:
        probes: Any = effort
        return [int(name) for name in self.store.search(query, k=k, metric="cosine", probes=probes, only=only).ids]

    def add(self, rows: Rows, vectors: Vectors) -> None:
        self.store.upsert([str(row) for row in rows.tolist()], vectors)

    def remove(self, rows: Rows) -> None:
        self.store.delete([str(row) for row in rows.tolist()])


class Faiss:
    """IVF with as many lists as we have clusters, or HNSW with 32 links."""

    def __init__(self, kind: str) -> None:
        self.name, self.kind = f"FAISS {kind}", kind
        self.efforts: Sequence[Effort] = LADDER if kind == "IVF" else EF_LADDER
        self.filters, self.removes = True, kind == "IVF"

    def build(self, folder: Path, vectors: Vectors) -> None:
        import faiss

        lists = round(4 * np.sqrt(len(vectors)))
        description = f"IVF{lists},Flat" if self.kind == "IVF" else "HNSW32"
        index = faiss.index_factory(vectors.shape[1], description, faiss.METRIC_INNER_PRODUCT)
        points = unit(vectors)
        index.train(points)
        index.add(points)
        faiss.write_index(index, str(folder / "index"))

    def open(self, folder: Path) -> None:
        import faiss

        self.index = faiss.read_index(str(folder / "index"))
        faiss.omp_set_num_threads(1)

    def choose(self, rows: Rows) -> Any:
        import faiss

        mask = np.zeros(self.index.ntotal, bool)
        mask[rows] = True
        self.bits = np.packbits(mask, bitorder="little")  # the selector only points to it
        return faiss.IDSelectorBitmap(len(mask), faiss.swig_ptr(self.bits))

    def search(self, query: Vectors, k: int, effort: Effort, only: Any = None) -> Sequence[int]:
        import faiss

        kinds: Any = faiss  # whose stubs do not know all of it
        selected = {} if only is None else {"sel": only}
        if self.kind == "IVF":
            params = kinds.SearchParametersIVF(nprobe=effort, **selected)
        else:
            params = kinds.SearchParametersHNSW(efSearch=effort, **selected)
        rows: list[int] = self.index.search(unit(query[None]), k, params=params)[1][0].tolist()
        return rows

    def add(self, rows: Rows, vectors: Vectors) -> None:
        if self.index.ntotal != rows[0]:
            raise ValueError(f"FAISS numbers vectors itself, from {self.index.ntotal} on; found {rows[0]}")
        self.index.add(unit(vectors))

    def remove(self, rows: Rows) -> None:
        import faiss

        self.index.remove_ids(faiss.IDSelectorBatch(rows))


class Hnswlib:
    name = "hnswlib"
    efforts: Sequence[Effort] = EF_LADDER
    filters = False  # it calls Python for each vector, and fails where it finds fewer than k
    removes = True

    def build(self, folder: Path, vectors: Vectors) -> None:
        import hnswlib

        index = hnswlib.Index("cosine", vectors.shape[1])
        index.init_index(len(vectors), M=16, ef_construction=200, random_seed=SEED)
        index.add_items(vectors, np.arange(len(vectors)))
        index.save_index(str(folder / "index"))
        (folder / "shape.json").write_text(json.dumps(vectors.shape))

    def open(self, folder: Path) -> None:
        import hnswlib

        count, dims = json.loads((folder / "shape.json").read_text())
        self.index = hnswlib.Index("cosine", dims)
        self.index.load_index(str(folder / "index"), max_elements=2 * count)

    def choose(self, rows: Rows) -> Any:
        raise NotImplementedError("its filters fail where they leave few vectors")

    def search(self, query: Vectors, k: int, effort: Effort, only: Any = None) -> Sequence[int]:
        if only is not None:
            raise NotImplementedError("its filters fail where they leave few vectors")
        self.index.set_ef(max(int(effort), k))
        rows: list[int] = self.index.knn_query(query, k, num_threads=1)[0][0].tolist()
        return rows

    def add(self, rows: Rows, vectors: Vectors) -> None:
        self.index.add_items(vectors, rows)

    def remove(self, rows: Rows) -> None:
        for row in rows.tolist():
            self.index.mark_deleted(row)


class Usearch:
    name = "usearch"
    efforts: Sequence[Effort] = EF_LADDER
    filters = False
    removes = True

    def build(self, folder: Path, vectors: Vectors) -> None:
        from usearch.index import Index

        index = Index(ndim=vectors.shape[1], metric="cos", dtype="f32")
        index.add(np.arange(len(vectors)), vectors)
        index.save(str(folder / "index"))

    def open(self, folder: Path) -> None:
        from usearch.index import Index

        self.index: Any = Index.restore(str(folder / "index"))

    def choose(self, rows: Rows) -> Any:
        raise NotImplementedError("its Python package searches without filters")

    def search(self, query: Vectors, k: int, effort: Effort, only: Any = None) -> Sequence[int]:
        if only is not None:
            raise NotImplementedError("its Python package searches without filters")
        self.index.expansion_search = effort
        rows: list[int] = self.index.search(query, k, threads=1).keys.tolist()
        return rows

    def add(self, rows: Rows, vectors: Vectors) -> None:
        self.index.add(rows, vectors)

    def remove(self, rows: Rows) -> None:
        self.index.remove(rows)


class Qdrant:
    """Local mode, in memory: it compares with everything, in NumPy. (On disk it commits each vector by itself.)"""

    name = "Qdrant, local"
    efforts: Sequence[Effort] = ("exact",)
    filters = removes = True

    def build(self, folder: Path, vectors: Vectors) -> None:  # noqa: ARG002 - it needs none
        from qdrant_client import QdrantClient, models

        self.client: Any = QdrantClient(":memory:")
        self.client.create_collection("peers", models.VectorParams(size=vectors.shape[1], distance="Cosine"))
        self.add(np.arange(len(vectors)), vectors)

    def open(self, folder: Path) -> None:
        """Nothing: it is built in memory."""

    def choose(self, rows: Rows) -> Any:
        from qdrant_client import models

        return models.Filter(must=[models.HasIdCondition(has_id=rows.tolist())])

    def search(self, query: Vectors, k: int, effort: Effort, only: Any = None) -> Sequence[int]:
        if effort != "exact":
            raise ValueError(f"local mode is exact; found the effort {effort}")
        answer = self.client.query_points("peers", query=query, limit=k, query_filter=only)
        return [int(point.id) for point in answer.points]

    def add(self, rows: Rows, vectors: Vectors) -> None:
        self.client.upload_collection("peers", vectors, ids=rows.tolist())

    def remove(self, rows: Rows) -> None:
        self.client.delete("peers", points_selector=rows.tolist())


ENGINES: Sequence[Engine] = (Lookalike(), Faiss("IVF"), Faiss("HNSW"), Hnswlib(), Usearch(), Qdrant())
