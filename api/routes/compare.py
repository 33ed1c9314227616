"""POST /compare: two pictures, same or not."""

from fastapi import APIRouter, Request

from api.deps import FetcherDep, PoolDep, ServedDep
from api.openapi.bodies import body_of, form_body
from api.openapi.problems import problems
from api.routes.explore import BODY_PROBLEMS
from api.schemas.search.compare import COMPARE_EXAMPLES, CompareAnswer, CompareBody, CompareForm
from api.search.compare import compare
from api.security.keys import Read
from api.web.bodies import read_either

router = APIRouter(tags=["search"], dependencies=[Read])


@router.post(
    "/compare/file",
    operation_id="compare_by_file",
    summary="As POST /compare, by a form: for generated clients",
    responses=problems(*BODY_PROBLEMS),
    openapi_extra={"requestBody": form_body(CompareForm)},
)
@router.post(
    "/compare",
    operation_id="compare",
    summary="Whether two pictures show the same, with the probability that they do",
    responses=problems(*BODY_PROBLEMS),
    openapi_extra={"requestBody": body_of(CompareForm, CompareBody, COMPARE_EXAMPLES)},
)
async def post_compare(request: Request, served: ServedDep, fetcher: FetcherDep, pool: PoolDep) -> CompareAnswer:
    """Send exactly one of `file`, `image_base64`, `url` and `id`, and exactly one of these names with `other_` before
    it. Where faces are compared, it is the largest face of each, unless `face` and `other_face` name another one.
    """
    body = await read_either(request, CompareForm, CompareBody)
    downloads = await fetcher.fetch_all(body.urls())
    return await pool.run(compare, served.of(body.bundle), body, downloads)
