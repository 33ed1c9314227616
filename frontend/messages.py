"""What the page says: a score in words, and for each failure what happened and what to do."""

from dataclasses import dataclass

from frontend.api_client import ApiDown, ApiError, ApiRefused, ApiSlow

# Lower bounds of the cosine similarity. They describe a measured likeness, not a chance of being right.
LIKENESS = ((0.95, "nearly the same"), (0.8, "very close"), (0.6, "close"), (0.35, "somewhat alike"))
LEAST_LIKENESS = "barely alike"

FORMATS = "JPEG, PNG, WebP, GIF, BMP or PGM"


@dataclass(frozen=True)
class Trouble:
    """A failure for its reader. `status` is the page's own HTTP status."""

    status: int
    title: str
    happened: str
    advice: str
    command: str | None = None
    reference: str | None = None
    retry_after_seconds: int | None = None

    @property
    def passing(self) -> bool:
        """Whether the same request may succeed later."""
        return self.status >= 500 or self.status == 429


def likeness(cosine: float) -> str:
    """A cosine similarity in words, which agree with the two digits shown beside them."""
    return next((words for least, words in LIKENESS if round(cosine, 2) >= least), LEAST_LIKENESS)


def sureness(probability: float) -> str:
    """A probability of a true match, as people say it; never that something is certain or impossible."""
    percent = round(100 * probability)
    space = "\N{NO-BREAK SPACE}"
    if percent <= 0:
        return f"under 1{space}% sure"
    return f"over 99{space}% sure" if percent >= 100 else f"{percent}{space}% sure"


def attribute(value: str | bool | int | float) -> str:
    """One value of an attribute, as people write it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,.6g}" if isinstance(value, float) else str(value)


def megabytes(count: int) -> str:
    """A number of bytes, as people write it."""
    return f"{count / 1_000_000:.3g}\N{NO-BREAK SPACE}MB"


def too_large(limit_bytes: int) -> Trouble:
    """For an upload above the limit."""
    return Trouble(
        413,
        "This picture is too large",
        f"Pictures of up to {megabytes(limit_bytes)} can be searched.",
        "Save a smaller version of it, or take a screenshot of it, and search with that.",
    )


def no_picture() -> Trouble:
    """For a form sent without a file."""
    return Trouble(
        400,
        "No picture was chosen",
        "The form came without a picture.",
        "Choose one, or start from a picture of the catalogue.",
    )


def refused_by_page(status: int, name: str, description: str | None) -> Trouble:
    """For what this page turns away by itself: no such page, a link that makes no sense, a bug."""
    return Trouble(status, name, description or "", "Go back, or begin with a new search.")


def explain(error: ApiError, *, limit_bytes: int) -> Trouble:
    """What to tell the reader of the page about a failed call to the API."""
    if isinstance(error, ApiRefused):
        return _explain_refusal(error, limit_bytes)
    if isinstance(error, ApiDown):
        return Trouble(
            503,
            "The search service is not running",
            "This page works, but the service that compares the pictures cannot be reached, or broke off.",
            "Start it, then try again.",
            command="python -m api",
        )
    if isinstance(error, ApiSlow):
        return Trouble(
            504,
            "The search service takes too long",
            "It was reached, but did not answer in time. It may be busy or stuck.",
            "Wait a moment and try again. If this goes on, restart the service.",
        )
    return Trouble(
        502,
        "The search service gave an answer this page does not understand",
        "Something answered, but not the way the search service does.",
        "Check that LOOKALIKE_API_URL is its address, and that it is of the same version as this page.",
    )


def _explain_refusal(error: ApiRefused, limit_bytes: int) -> Trouble:
    problem = error.problem
    happened = problem.detail or problem.title
    match problem.status:
        case 400 | 422:
            title, advice = (
                "This search could not be done",
                "Try another picture, or open this one, save it again as JPEG and search with that.",
            )
        case 404 if problem.code in {"bundle_missing", "report_missing"}:
            title, advice = "There is no such report", "The model may have been removed, or came without a report."
        case 404:
            title, advice = (
                "This picture is not in the catalogue",
                "It may have been removed. Start from another one, or from a picture of your own.",
            )
        case 413:
            return too_large(limit_bytes)
        case 415:
            title, advice = "This kind of file cannot be searched", f"Save it as {FORMATS} and try again."
        case 429:
            title, advice = "Too many searches in a short time", "Wait a moment, then try again."
        case 503 if problem.code == "overloaded":
            title, advice = "The search service is busy", "Try again in a moment."
        case 503 if problem.code == "bundle_damaged":
            title, advice = (
                "This report cannot be shown",
                "The service's log says more. Training again makes another one.",
            )
        case 503:
            return Trouble(
                503,
                "The search service is not ready",
                happened,
                "If it is starting, try again in a moment. If no model has been trained yet, this does it:",
                command="make demo",
                reference=problem.request_id,
                retry_after_seconds=error.retry_after_seconds,
            )
        case _:
            return Trouble(
                502,
                "The search service failed",
                happened,
                "Try again. If it happens again, the service's log says why.",
                reference=problem.request_id,
            )
    return Trouble(
        problem.status,
        title,
        happened,
        advice,
        reference=problem.request_id,
        retry_after_seconds=error.retry_after_seconds,
    )
