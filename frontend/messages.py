"""Error messages of the page: what happened, and what to do."""

import re
from dataclasses import dataclass, replace

from frontend.api.connection import ApiError, ApiRefused, ApiTimeout, ApiUnreachable
from frontend.error_texts import (
    ADD_BY_STATUS,
    BY_CODE,
    BY_STATUS,
    EXPLANATIONS,
    NOT_THE_API,
    PAGE_TEXTS,
    SERVICE_FAILED,
)
from frontend.formatting import formats, megabytes
from frontend.languages.catalogues import SOURCE_LANGUAGE
from frontend.languages.preferences import language
from frontend.languages.texts import gettext

_FIELD_NAME = re.compile(r"[\w.\[\]-]+: ")
_ENDS = (".", "!", "?", ":", "。", "…")


@dataclass(frozen=True)
class ErrorMessage:
    """What the page says of a failure. `status` is the HTTP status of the page."""

    status: int
    title: str
    explanation: str
    advice: str
    details: str | None = None
    """What the API says in English, where the explanation is in another language."""
    command: str | None = None
    reference: str | None = None
    retry_after_seconds: int | None = None

    @property
    def reason(self) -> str:
        """What happened, in sentences."""
        return _in_sentences(self.title, self.explanation)

    @property
    def text(self) -> str:
        """What happened and what to do, in sentences."""
        return _in_sentences(self.title, self.explanation, self.advice)

    @property
    def is_temporary(self) -> bool:
        """Whether the same request may succeed later."""
        return self.status >= 500 or self.status == 429


def _in_sentences(*texts: str) -> str:
    """The texts that are not empty, each with a capital letter, unless it begins with a field's name, and an end."""
    stop = "。" if language() == "ja" else "."
    sentences = []
    for text in filter(None, map(str.strip, texts)):
        first = text[0] if _FIELD_NAME.match(text) else text[0].upper()
        sentences.append(f"{first}{text[1:]}{'' if text.endswith(_ENDS) else stop}")
    return " ".join(sentences)


def too_large(limit_bytes: int) -> ErrorMessage:
    """For an upload above the limit."""
    return ErrorMessage(
        413,
        gettext("This picture is too large"),
        gettext("Pictures of up to %(size)s can be searched.", size=megabytes(limit_bytes)),
        gettext("Save a smaller version, or take a screenshot of it, and search with that."),
    )


def no_picture() -> ErrorMessage:
    """For a form sent without a file."""
    return ErrorMessage(
        400,
        gettext("No picture was selected"),
        gettext("The form was sent without a picture."),
        gettext("Select a picture, enter the address of one, or start from a picture of the catalogue."),
    )


def refused_by_page(status: int, name: str, description: str | None) -> ErrorMessage:
    """For what the page itself refuses: an unknown page, a mistake in a link, a bug. `description`: why, if known."""
    title, explanation = PAGE_TEXTS.get(status, (name, ""))
    explanation = description or (gettext(explanation) if explanation else "")
    return ErrorMessage(status, gettext(title), explanation, gettext("Go back, or start a new search."))


def explain(error: ApiError, *, limit_bytes: int) -> ErrorMessage:
    """The message for a failed call of the API."""
    if isinstance(error, ApiRefused):
        return _explain_refusal(error, limit_bytes)
    if isinstance(error, ApiUnreachable):
        return ErrorMessage(
            503,
            gettext("The search service is not running"),
            gettext("This page works, but it cannot reach the service that compares the pictures."),
            gettext("Start the service, then try again."),
            command="lookalike api",
        )
    if isinstance(error, ApiTimeout):
        return ErrorMessage(
            504,
            gettext("The search service takes too long"),
            gettext("It did not answer in time. It may be busy or blocked."),
            gettext("Wait a moment and try again. If it goes on, restart the service."),
        )
    words = NOT_THE_API
    return ErrorMessage(502, gettext(words.title), gettext(words.explanation or words.title), gettext(words.advice))


def with_reason(message: ErrorMessage, reason: str | None) -> ErrorMessage:
    """The message with the reason that the API gives in English."""
    if not reason:
        return message
    if language() == SOURCE_LANGUAGE:
        return replace(message, explanation=reason)
    return replace(message, details=reason)


def explain_adding(error: ApiError, *, limit_bytes: int) -> ErrorMessage:
    """Why a picture could not be added, and what to do."""
    message = explain(error, limit_bytes=limit_bytes)
    if message.status == 413:
        limit = gettext("Pictures of up to %(size)s can be added.", size=megabytes(limit_bytes))
        return replace(message, explanation=limit, advice=gettext("Save a smaller version and add that."))
    if not isinstance(error, ApiRefused) or error.problem.code in BY_CODE:
        return message
    text = ADD_BY_STATUS.get(error.problem.status)
    if text is None:
        return message
    title, advice = gettext(text.title), gettext(text.advice, formats=formats())
    return replace(message, status=error.problem.status, title=title, advice=advice)


def _explain_refusal(error: ApiRefused, limit_bytes: int) -> ErrorMessage:
    problem = error.problem
    if problem.status == 413:
        return too_large(limit_bytes)
    code = problem.code or ""
    words = BY_CODE.get(code) or BY_STATUS.get(problem.status) or SERVICE_FAILED
    explanation, details = problem.detail or problem.title, None
    if words.explanation:
        explanation = gettext(words.explanation)
    elif language() != SOURCE_LANGUAGE:
        explanation, details = gettext(EXPLANATIONS[code]) if code in EXPLANATIONS else "", explanation
    return ErrorMessage(
        words.status or problem.status,
        gettext(words.title),
        explanation,
        gettext(words.advice, formats=formats()),
        details=details,
        command=words.command,
        reference=problem.request_id,
        retry_after_seconds=error.retry_after_seconds,
    )
