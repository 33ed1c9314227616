"""GET /bundles, which of them is live, and their reports."""

import asyncio
from typing import Annotated
from urllib.parse import unquote

from fastapi import APIRouter, Path, Response

from api.deps import EngineDep, PoolDep, WritersDep
from api.errors import Refusal
from api.openapi.problems import problems
from api.schemas.bundles import BundleAnswer, BundlesAnswer
from api.security.keys import Admin, Read
from api.serving import bundles
from api.serving.engine import Engine
from api.web.conditional import IfNoneMatch, is_known
from api.web.write_headers import Plain
from retrieval.bundle import Library

# A report brings its own styles and scripts, and may load and reach nothing else: not the network, not this API in the
# reader's name. The page in front of this API sends the same policy.
REPORT_HEADERS = {
    "Content-Security-Policy": "; ".join(
        (
            "default-src 'none'",
            "script-src 'unsafe-inline'",
            "style-src 'unsafe-inline'",
            "img-src data:",
            "font-src data:",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
            "sandbox allow-scripts allow-downloads",
        )
    ),
    "Cache-Control": "no-cache",  # asked for again each time, sent again only if it is another one
    "Referrer-Policy": "no-referrer",
}

BundleId = Annotated[str, Path(alias="id", examples=["20261122-101500-efficientnet-lite0"])]
NOT_LIVE = "The bundle cannot be served; what was live goes on, and is the published one."
NOTHING_LIVE = "The bundle was published, but it cannot be served, and nothing is; /readyz says why."

router = APIRouter(tags=["bundles"])


@router.get(
    "/bundles",
    dependencies=[Read],
    operation_id="list_bundles",
    summary="The bundles that can be served, newest first, and which one is live",
    responses=problems("overloaded"),
)
async def list_bundles(engine: EngineDep, pool: PoolDep) -> BundlesAnswer:
    loaded = [snapshot.id for snapshot in engine.loaded]
    return await pool.run(bundles.list_bundles, engine.library, engine.stores, loaded)


@router.post(
    "/bundles/{id}/activate",
    dependencies=[Admin, Plain],
    operation_id="activate_bundle",
    summary="Make a bundle the live one, without an outage",
    responses=problems("bundle_missing", "bundle_damaged", "overloaded"),
)
async def activate_bundle(bundle_id: BundleId, engine: EngineDep, pool: WritersDep) -> BundleAnswer:
    """Answers once it is live: checked, loaded beside the one that was, and with vectors of all items.

    Requests that are under way are answered by what they began with. Where the bundle cannot be served, the one that
    was live goes on and stays the published one, and the answer says why.
    """
    await pool.run(bundles.publish, engine.library, engine.stores, bundle_id)
    await engine.follow()
    loaded = [snapshot.id for snapshot in engine.loaded]
    if bundle_id not in loaded[:1]:
        raise Refusal("bundle_damaged", await _not_live(engine, bundle_id))
    return await pool.run(bundles.show_bundle, engine.library, engine.stores, bundle_id, loaded)


async def _not_live(engine: Engine, bundle_id: str) -> str:
    """Publish again what is live, which the next start can serve; returns what to say of the bundle that is not."""
    why, live = engine.readiness.detail, engine.snapshot
    if live is None:
        return NOTHING_LIVE
    # Not in the pool, which may be full: this must not be left undone.
    await asyncio.to_thread(engine.library.take_back, bundle_id, live.id)
    await engine.follow()  # so that /readyz speaks of what is published now
    return f"{NOT_LIVE} {why}" if why else NOT_LIVE


@router.get(
    "/bundles/{id}/report/{name:path}",
    dependencies=[Read],
    operation_id="get_report",
    summary="A file of a bundle's report; index.html is where it begins",
    response_class=Response,
    responses={
        200: {"description": "The file.", "content": {"text/html": {}, "text/csv": {}, "application/json": {}}},
        304: {"description": "What the client has is still good."},
        **problems("bundle_missing", "report_missing", "bundle_damaged", "overloaded"),
    },
)
async def get_report(
    bundle_id: BundleId,
    name: Annotated[str, Path(description="The file's name, below report/.", examples=["index.html"])],
    engine: EngineDep,
    pool: PoolDep,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Only what the bundle's manifest lists, and only as it was written."""
    # The path reaches the routes undecoded: see web/middleware.py.
    return await pool.run(_report, engine.library, bundle_id, unquote(name), if_none_match)


def _report(library: Library, bundle_id: str, name: str, if_none_match: str | None) -> Response:
    file = bundles.find_report(library, bundle_id, name)
    headers = {"ETag": f'"{file.entry.sha256}"', **REPORT_HEADERS}
    if is_known(headers["ETag"], if_none_match):
        return Response(status_code=304, headers=headers)
    return Response(file.read(), headers=headers, media_type=file.media_type)
