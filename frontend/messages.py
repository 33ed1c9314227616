"""For each failure: what happened, and what to do."""

from dataclasses import dataclass, replace

from frontend.api.connection import ApiError, ApiRefused, ApiTimeout, ApiUnreachable
from frontend.formatting import FORMATS, megabytes


@dataclass(frozen=True)
class ErrorMessage:
    """A failure for its reader. `status` is the page's own HTTP status."""

    status: int
    title: str
    explanation: str
    advice: str
    command: str | None = None
    reference: str | None = None
    retry_after_seconds: int | None = None

    @property
    def is_temporary(self) -> bool:
        """Whether the same request may succeed later."""
        return self.status >= 500 or self.status == 429


@dataclass(frozen=True)
class ErrorText:
    """What to say of a refusal; `explanation` and `status` in place of the API's own."""

    title: str
    advice: str
    explanation: str | None = None
    status: int | None = None
    command: str | None = None


NO_REPORT = ErrorText("There is no such report", "The model may have come without one.")
NO_ADDRESS = ErrorText(
    "The picture at this address could not be fetched",
    "Check the address, or save the picture and search with the file.",
)
NO_ENTRY = ErrorText(
    "The search service does not let this page in",
    "Whoever runs the page sets a key that the service knows, and starts the page again:",
    explanation="It asks for a key, and the one this page has is missing, unknown or too weak.",
    status=502,
    command="LOOKALIKE_FRONTEND_API_KEY=... lookalike page",
)
FAILED = ErrorText(
    "The search service failed", "Try again. If it happens again, the service's log says why.", status=502
)
UNDONE = ErrorText(
    "This search could not be done",
    "If it is the picture: try another one, or open this one, save it again as JPEG and search with that.",
)
BY_CODE = {
    "bundle_missing": ErrorText("This model is not there", "It may have been removed: look at those there are."),
    "report_missing": NO_REPORT,
    "cluster_missing": ErrorText(
        "There is no such cluster", "Another model has other clusters: look at those there are."
    ),
    "bundle_damaged": ErrorText(
        "This model is damaged", "The service's log says more. Training again makes another one."
    ),
    "unsupported_by_model": ErrorText("This model cannot do that", "Searching works as before."),
    "url_refused": NO_ADDRESS,
    "url_failed": NO_ADDRESS,
    "url_timeout": NO_ADDRESS,
    "key_missing": NO_ENTRY,
    "storage_full": ErrorText("The service has no room left", "Whoever runs it makes room; then go on.", status=507),
    "overloaded": ErrorText("The search service is busy", "Try again in a moment."),
}
BY_STATUS = {
    400: UNDONE,
    401: NO_ENTRY,
    403: NO_ENTRY,
    404: ErrorText(
        "This picture is not in the catalogue",
        "It may have been removed. Start from another one, or from a picture of your own.",
    ),
    410: ErrorText(
        "This link was made with another model",
        "The numbers in it mean nothing to the one that is used now. Search with the picture again.",
    ),
    415: ErrorText("This kind of file cannot be searched", f"Save it as {FORMATS} and try again."),
    422: UNDONE,
    429: ErrorText("Too many searches in a short time", "Wait a moment, then try again."),
    503: ErrorText(
        "The search service is not ready",
        "If it is starting, try again in a moment. If no model has been trained yet, this does it:",
        command="make demo",
    ),
}

SMALLER = "Save a smaller version of it, and add that."
ADDING = {
    400: ErrorText("This picture could not be added", "Open it, save it again as JPEG, and add that."),
    409: ErrorText("Another picture has its name already", "Give it another one, and add it again."),
    415: ErrorText("This kind of file cannot be added", f"Save it as {FORMATS}, and add that."),
    422: ErrorText("This picture could not be added", "Open it, save it again as JPEG, and add that."),
    429: ErrorText("Too many pictures in a short time", "Wait a moment, then go on."),
}


def too_large(limit_bytes: int) -> ErrorMessage:
    """For an upload above the limit."""
    return ErrorMessage(
        413,
        "This picture is too large",
        f"Pictures of up to {megabytes(limit_bytes)} can be searched.",
        "Save a smaller version of it, or take a screenshot of it, and search with that.",
    )


def no_picture() -> ErrorMessage:
    """For a form sent without a file."""
    return ErrorMessage(
        400,
        "No picture was chosen",
        "The form came without a picture.",
        "Choose one, give the address of one, or start from a picture of the catalogue.",
    )


def refused_by_page(status: int, name: str, description: str | None) -> ErrorMessage:
    """For what this page turns away by itself: no such page, a link that makes no sense, a bug."""
    return ErrorMessage(status, name, description or "", "Go back, or begin with a new search.")


def explain(error: ApiError, *, limit_bytes: int) -> ErrorMessage:
    """What to tell the reader of the page about a failed call to the API."""
    if isinstance(error, ApiRefused):
        return _explain_refusal(error, limit_bytes)
    if isinstance(error, ApiUnreachable):
        return ErrorMessage(
            503,
            "The search service is not running",
            "This page works, but the service that compares the pictures cannot be reached, or broke off.",
            "Start it, then try again.",
            command="lookalike api",
        )
    if isinstance(error, ApiTimeout):
        return ErrorMessage(
            504,
            "The search service takes too long",
            "It was reached, but did not answer in time. It may be busy or stuck.",
            "Wait a moment and try again. If this goes on, restart the service.",
        )
    return ErrorMessage(
        502,
        "The search service gave an answer this page does not understand",
        "Something answered, but not the way the search service does.",
        "Check that LOOKALIKE_API_URL is its address, and that it is of the same version as this page.",
    )


def explain_adding(error: ApiError, *, limit_bytes: int) -> ErrorMessage:
    """What to tell of a picture that could not be added."""
    error_message = explain(error, limit_bytes=limit_bytes)
    if error_message.status == 413:
        return replace(
            error_message, explanation=f"Pictures of up to {megabytes(limit_bytes)} can be added.", advice=SMALLER
        )
    if isinstance(error, ApiRefused) and error.problem.status in ADDING:
        status, words = error.problem.status, ADDING[error.problem.status]
        return replace(error_message, status=status, title=words.title, advice=words.advice)
    return error_message


def _explain_refusal(error: ApiRefused, limit_bytes: int) -> ErrorMessage:
    problem = error.problem
    if problem.status == 413:
        return too_large(limit_bytes)
    words = BY_CODE.get(problem.code or "") or BY_STATUS.get(problem.status) or FAILED
    return ErrorMessage(
        words.status or problem.status,
        words.title,
        words.explanation or problem.detail or problem.title,
        words.advice,
        command=words.command,
        reference=problem.request_id,
        retry_after_seconds=error.retry_after_seconds,
    )
