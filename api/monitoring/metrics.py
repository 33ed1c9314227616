"""What this process counts and measures, as Prometheus reads it. Each application has a registry of its own."""

import logging
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from api.limits import Pool
from api.schemas.search.answer import SearchAnswer
from api.serving.engine import Engine
from retrieval.errors import CatalogueError

logger = logging.getLogger(__name__)

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
CLUSTERS = tuple(2**power for power in range(15))
UNKNOWN = "none"
"""The operation of a request for an address that there is not."""


class Metrics:
    """Counted as it happens; what is a state, such as the queue, is looked at when it is asked for."""

    def __init__(self, engine: Engine, pool: Pool, writers: Pool) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "lookalike_requests", "Requests that were answered.", ["operation", "status"], registry=self._registry
        )
        self._seconds = Histogram(
            "lookalike_request_seconds",
            "From the first byte of a request to the end of its answer.",
            ["operation"],
            buckets=SECONDS,
            registry=self._registry,
        )
        self._steps = Histogram(
            "lookalike_search_step_seconds",
            "Parts of a search; total also holds the wait for a worker and the look into the catalogue.",
            ["step"],
            buckets=SECONDS,
            registry=self._registry,
        )
        self._searches = Counter(
            "lookalike_searches",
            "Searches that were answered, also those of a batch, and whether the answer is certified.",
            ["metric", "exact"],
            registry=self._registry,
        )
        self._opened = Histogram(
            "lookalike_clusters_opened", "Clusters that a search opened.", buckets=CLUSTERS, registry=self._registry
        )
        self._registry.register(_States(engine, pool, writers))

    def answered(self, operation: str, status: int, seconds: float) -> None:
        """Count a request."""
        self._requests.labels(operation, str(status)).inc()
        self._seconds.labels(operation).observe(seconds)

    def searched(self, answer: SearchAnswer, *, alone: bool) -> None:
        """Count a search. One of a batch has shared its time with the others, so its steps are not its own."""
        self._searches.labels(answer.metric or "words", str(answer.exact).lower()).inc()
        self._opened.observe(answer.clusters_opened)
        if alone:
            for step, milliseconds in answer.milliseconds.model_dump().items():
                self._steps.labels(step).observe(milliseconds / 1000)

    def text(self) -> bytes:
        """Everything, in Prometheus's text format. Blocking: it asks the catalogue."""
        return generate_latest(self._registry)


class _States(Collector):
    """What is loaded and waiting at the moment."""

    def __init__(self, engine: Engine, pool: Pool, writers: Pool) -> None:
        self._engine = engine
        self._pools = {"": pool, "write_": writers}

    def describe(self) -> list[Metric]:
        """Nothing ahead of time; else registering would ask the catalogue."""
        return []

    def collect(self) -> Iterator[Metric]:
        ready = self._engine.readiness.status
        yield _gauge("lookalike_ready", "1 where searches are answered.", ready in ("ready", "degraded"))
        yield _gauge("lookalike_degraded", "1 where /readyz has something to tell.", ready == "degraded")
        replicas = self._engine.replicas
        this = GaugeMetricFamily("lookalike_replica_info", "This server among those of its database.", labels=["name"])
        this.add_metric([replicas.name], 1)
        yield this
        yield _gauge("lookalike_replicas", "Servers that share the database, this one included.", replicas.count)
        writable = self._engine.writing.problem is None
        yield _gauge("lookalike_writable", "1 where items can be added, changed and deleted.", writable)
        for name, pool in self._pools.items():
            what = "Changes" if name else "Searches and other reads"
            yield _gauge(f"lookalike_{name}queue_waiting", f"{what} that wait for a worker.", pool.waiting)
            yield _gauge(f"lookalike_{name}queue_places", f"{what} that may wait.", pool.queue)
            yield _gauge(f"lookalike_{name}workers_busy", f"Workers that are at {what.lower()}.", pool.busy)
        yield from self._bundles()
        yield from self._catalogue()

    def _bundles(self) -> Iterator[Metric]:
        loaded = self._engine.loaded
        info = GaugeMetricFamily(
            "lookalike_bundle_info", "What is loaded.", labels=["bundle", "encoder", "stage", "precision", "live"]
        )
        clusters = GaugeMetricFamily("lookalike_clusters", "Clusters of a bundle.", labels=["bundle"])
        vectors = GaugeMetricFamily("lookalike_vectors", "Items that a bundle has vectors of.", labels=["bundle"])
        query_cache = CounterMetricFamily(
            "lookalike_remembered",
            "Query pictures whose vector was remembered, or not.",
            labels=["bundle", "outcome"],
        )
        for place, snapshot in enumerate(loaded):
            encoder = snapshot.bundle.manifest.encoder
            live = "true" if place == 0 else "false"
            info.add_metric([snapshot.id, encoder.name, encoder.stage, encoder.precision, live], 1)
            clusters.add_metric([snapshot.id], len(snapshot.bundle.clusters))
            vectors.add_metric([snapshot.id], len(snapshot.store))
            query_cache.add_metric([snapshot.id, "hit"], snapshot.query_cache.hits)
            query_cache.add_metric([snapshot.id, "miss"], snapshot.query_cache.misses)
        yield from (info, clusters, vectors, query_cache)

    def _catalogue(self) -> Iterator[Metric]:
        live = self._engine.snapshot
        if live is None:
            return
        try:
            yield _gauge("lookalike_catalogue_items", "Items in the catalogue.", live.catalogue.count())
        except CatalogueError as error:  # the rest is still worth reading
            logger.warning("the items cannot be counted: %s", error)


def _gauge(name: str, documentation: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, documentation, float(value))
