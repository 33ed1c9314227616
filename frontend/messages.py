"""Error messages of the page: what happened, and what to do."""

from dataclasses import dataclass, replace

from frontend.api.connection import ApiError, ApiRefused, ApiTimeout, ApiUnreachable
from frontend.formatting import FORMATS, megabytes


@dataclass(frozen=True)
class ErrorMessage:
    """What the page says of a failure. `status` is the HTTP status of the page."""

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
    """The text for a refusal; `explanation` and `status` replace those of the API."""

    title: str
    advice: str
    explanation: str | None = None
    status: int | None = None
    command: str | None = None


URL_FAILED = ErrorText(
    "The picture at this address could not be fetched",
    "Check the address, or save the picture and search with the file.",
)
KEY_REFUSED = ErrorText(
    "The search service refuses the key of this page",
    "Whoever runs the page sets a key that the service knows, and starts the page again:",
    explanation="The service needs a key. The key of this page is missing, unknown or has too few rights.",
    status=502,
    command="LOOKALIKE_FRONTEND_API_KEY=... lookalike page",
)
SERVICE_FAILED = ErrorText(
    "The search service failed", "Try again. If it happens again, look into the log of the service.", status=502
)
NOT_THE_API = ErrorText(
    "The search service gave an answer this page does not understand",
    "Check that LOOKALIKE_API_URL is the address of the API, and that the API has the version of this page.",
    explanation="The answer does not follow the API's contract.",
    status=502,
)
SEARCH_REFUSED = ErrorText(
    "This search could not be done",
    "If the picture is the reason: open it, save it again as JPEG and search with the new file.",
)
BY_CODE = {
    "broken_image": ErrorText("This picture is damaged", "Open it, save it again as JPEG and use the new file."),
    "bundle_damaged": ErrorText("This model is damaged", "The log of the service says more. Train a new model."),
    "bundle_missing": ErrorText("This model is not there", "It may have been removed. See the list of models."),
    "cluster_missing": ErrorText("There is no such cluster", "The clusters change with the model. See their list."),
    "dismissal_missing": ErrorText("There is no such dismissal", "It may have been undone already."),
    "entry_missing": ErrorText(
        "This picture is no longer in the bin", "It may have been restored, or deleted for good. Look at the bin again."
    ),
    "face_missing": ErrorText("No face was found in this picture", "Use a picture that shows a face from the front."),
    "internal_error": SERVICE_FAILED,
    "key_missing": KEY_REFUSED,
    "method_not_allowed": NOT_THE_API,
    "not_found": NOT_THE_API,
    "overloaded": ErrorText("The search service is busy", "Try again in a moment."),
    "picture_missing": ErrorText("The file of this picture is missing", "Add the picture again."),
    "picture_unavailable": ErrorText("The store of the pictures does not answer", "Try again in a moment."),
    "report_missing": ErrorText("There is no such report", "Not every model has a report."),
    "storage_full": ErrorText("The storage of the service is full", "Make room there, then try again.", status=507),
    "too_many_pixels": ErrorText("This picture has too many pixels", "Save a smaller version and use that."),
    "unsupported_by_model": ErrorText("This model cannot do that", "All other searches work."),
    "url_failed": URL_FAILED,
    "url_refused": URL_FAILED,
    "url_timeout": URL_FAILED,
    "write_unavailable": ErrorText("Nothing can be changed at the moment", "Searching works. Try again in a moment."),
}
BY_STATUS = {
    400: SEARCH_REFUSED,
    401: KEY_REFUSED,
    403: KEY_REFUSED,
    404: ErrorText(
        "This picture is not in the catalogue",
        "It may have been deleted. Start from another picture, or from one of your own.",
    ),
    410: ErrorText(
        "This link has expired",
        "The model or the server has changed since it was made. Search with the picture again.",
    ),
    415: ErrorText("This kind of file cannot be searched", f"Save it as {FORMATS} and try again."),
    422: SEARCH_REFUSED,
    429: ErrorText("Too many searches in a short time", "Wait a moment, then try again."),
    503: ErrorText(
        "The search service is not ready",
        "If it is starting, try again in a moment. If there is no model yet, this command trains one:",
        command="make demo",
    ),
}
ADD_BY_STATUS = {
    400: ErrorText("This picture could not be added", "Open it, save it again as JPEG, and add the new file."),
    409: ErrorText("Another picture has this name already", "Rename the file and add it again."),
    415: ErrorText("This kind of file cannot be added", f"Save it as {FORMATS} and add the new file."),
    422: ErrorText("This picture could not be added", "Open it, save it again as JPEG, and add the new file."),
    429: ErrorText("Too many pictures in a short time", "Wait a moment, then continue."),
}
PAGE_TITLES = {400: "This link or form has a mistake", 422: "This link or form has a mistake"}


def too_large(limit_bytes: int) -> ErrorMessage:
    """For an upload above the limit."""
    return ErrorMessage(
        413,
        "This picture is too large",
        f"Pictures of up to {megabytes(limit_bytes)} can be searched.",
        "Save a smaller version, or take a screenshot of it, and search with that.",
    )


def no_picture() -> ErrorMessage:
    """For a form sent without a file."""
    return ErrorMessage(
        400,
        "No picture was selected",
        "The form was sent without a picture.",
        "Select a picture, enter the address of one, or start from a picture of the catalogue.",
    )


def refused_by_page(status: int, name: str, description: str | None) -> ErrorMessage:
    """For what the page itself refuses: an unknown page, a mistake in a link, a bug."""
    return ErrorMessage(status, PAGE_TITLES.get(status, name), description or "", "Go back, or start a new search.")


def explain(error: ApiError, *, limit_bytes: int) -> ErrorMessage:
    """The message for a failed call of the API."""
    if isinstance(error, ApiRefused):
        return _explain_refusal(error, limit_bytes)
    if isinstance(error, ApiUnreachable):
        return ErrorMessage(
            503,
            "The search service is not running",
            "This page works, but it cannot reach the service that compares the pictures.",
            "Start the service, then try again.",
            command="lookalike api",
        )
    if isinstance(error, ApiTimeout):
        return ErrorMessage(
            504,
            "The search service takes too long",
            "It did not answer in time. It may be busy or blocked.",
            "Wait a moment and try again. If it goes on, restart the service.",
        )
    return ErrorMessage(502, NOT_THE_API.title, NOT_THE_API.explanation or "", NOT_THE_API.advice)


def explain_adding(error: ApiError, *, limit_bytes: int) -> ErrorMessage:
    """Why a picture could not be added, and what to do."""
    message = explain(error, limit_bytes=limit_bytes)
    if message.status == 413:
        limit = f"Pictures of up to {megabytes(limit_bytes)} can be added."
        return replace(message, explanation=limit, advice="Save a smaller version and add that.")
    if not isinstance(error, ApiRefused) or error.problem.code in BY_CODE:
        return message
    text = ADD_BY_STATUS.get(error.problem.status)
    return replace(message, status=error.problem.status, title=text.title, advice=text.advice) if text else message


def _explain_refusal(error: ApiRefused, limit_bytes: int) -> ErrorMessage:
    problem = error.problem
    if problem.status == 413:
        return too_large(limit_bytes)
    words = BY_CODE.get(problem.code or "") or BY_STATUS.get(problem.status) or SERVICE_FAILED
    return ErrorMessage(
        words.status or problem.status,
        words.title,
        words.explanation or problem.detail or problem.title,
        words.advice,
        command=words.command,
        reference=problem.request_id,
        retry_after_seconds=error.retry_after_seconds,
    )
