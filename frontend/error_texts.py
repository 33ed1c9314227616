"""What the page says of each problem of the API, by the problem's code, else by its HTTP status."""

from dataclasses import dataclass

from frontend.languages.texts import N_


@dataclass(frozen=True)
class ErrorText:
    """The text for a refusal; `explanation` and `status` replace those of the API."""

    title: str
    advice: str
    explanation: str | None = None
    status: int | None = None
    command: str | None = None


URL_FAILED = ErrorText(
    N_("The picture at this address could not be fetched"),
    N_("Check the address, or save the picture and search with the file."),
)
KEY_REFUSED = ErrorText(
    N_("The search service refuses the key of this page"),
    N_("Whoever runs the page sets a key that the service knows, and starts the page again:"),
    explanation=N_("The service needs a key. The key of this page is missing, unknown or has too few rights."),
    status=502,
    command="LOOKALIKE_FRONTEND_API_KEY=... lookalike page",
)
SERVICE_FAILED = ErrorText(
    N_("The search service failed"), N_("Try again. If it happens again, look into the log of the service."), status=502
)
NOT_THE_API = ErrorText(
    N_("The search service gave an answer this page does not understand"),
    N_("Check that LOOKALIKE_API_URL is the address of the API, and that the API has the version of this page."),
    explanation=N_("The answer does not follow the API's contract."),
    status=502,
)
SEARCH_REFUSED = ErrorText(
    N_("This search could not be done"),
    N_("If the picture is the reason: open it, save it again as JPEG and search with the new file."),
)
BY_CODE = {
    "broken_image": ErrorText(
        N_("This picture is damaged"), N_("Open it, save it again as JPEG and use the new file.")
    ),
    "bundle_damaged": ErrorText(
        N_("This model is damaged"), N_("The log of the service says more. Train a new model.")
    ),
    "bundle_missing": ErrorText(N_("This model is not there"), N_("It may have been removed. See the list of models.")),
    "cluster_missing": ErrorText(
        N_("There is no such cluster"), N_("The clusters change with the model. See their list.")
    ),
    "dismissal_missing": ErrorText(N_("There is no such dismissal"), N_("It may have been undone already.")),
    "entry_missing": ErrorText(
        N_("This picture is no longer in the bin"),
        N_("It may have been restored, or deleted for good. Look at the bin again."),
    ),
    "face_missing": ErrorText(
        N_("No face was found in this picture"), N_("Use a picture that shows a face from the front.")
    ),
    "internal_error": SERVICE_FAILED,
    "key_missing": KEY_REFUSED,
    "method_not_allowed": NOT_THE_API,
    "not_found": NOT_THE_API,
    "overloaded": ErrorText(N_("The search service is busy"), N_("Try again in a moment.")),
    "picture_missing": ErrorText(N_("The file of this picture is missing"), N_("Add the picture again.")),
    "picture_unavailable": ErrorText(N_("The store of the pictures does not answer"), N_("Try again in a moment.")),
    "report_missing": ErrorText(N_("There is no such report"), N_("Not every model has a report.")),
    "storage_full": ErrorText(
        N_("The storage of the service is full"), N_("Make room there, then try again."), status=507
    ),
    "too_many_pixels": ErrorText(N_("This picture has too many pixels"), N_("Save a smaller version and use that.")),
    "unsupported_by_model": ErrorText(N_("This model cannot do that"), N_("All other searches work.")),
    "url_failed": URL_FAILED,
    "url_refused": URL_FAILED,
    "url_timeout": URL_FAILED,
    "write_unavailable": ErrorText(
        N_("Nothing can be changed at the moment"), N_("Searching works. Try again in a moment.")
    ),
}
BY_STATUS = {
    400: SEARCH_REFUSED,
    401: KEY_REFUSED,
    403: KEY_REFUSED,
    404: ErrorText(
        N_("This picture is not in the catalogue"),
        N_("It may have been deleted. Start from another picture, or from one of your own."),
    ),
    410: ErrorText(
        N_("This link has expired"),
        N_("The model or the server has changed since it was made. Search with the picture again."),
    ),
    415: ErrorText(N_("This kind of file cannot be searched"), N_("Save it as %(formats)s and try again.")),
    422: SEARCH_REFUSED,
    429: ErrorText(N_("Too many searches in a short time"), N_("Wait a moment, then try again.")),
    503: ErrorText(
        N_("The search service is not ready"),
        N_("If it is starting, try again in a moment. If there is no model yet, this command trains one:"),
        command="make demo",
    ),
}
ADD_BY_STATUS = {
    400: ErrorText(N_("This picture could not be added"), N_("Open it, save it again as JPEG, and add the new file.")),
    409: ErrorText(N_("Another picture has this name already"), N_("Rename the file and add it again.")),
    415: ErrorText(N_("This kind of file cannot be added"), N_("Save it as %(formats)s and add the new file.")),
    422: ErrorText(N_("This picture could not be added"), N_("Open it, save it again as JPEG, and add the new file.")),
    429: ErrorText(N_("Too many pictures in a short time"), N_("Wait a moment, then continue.")),
}
PAGE_TEXTS = {
    400: (N_("This link or form has a mistake"), ""),
    403: (N_("Forbidden"), ""),
    404: (N_("Not Found"), N_("There is no such page, or nothing to show on it.")),
    405: (N_("Method Not Allowed"), N_("This page does not take such a request.")),
    422: (N_("This link or form has a mistake"), ""),
    500: (N_("Internal Server Error"), N_("This is a mistake in the page. Its log says more.")),
}
"""What the page itself refuses, by status: title and explanation."""
EXPLANATIONS = {
    "unparseable": N_("The service cannot read what was sent."),
    "key_missing": N_("The service needs a key."),
    "key_unknown": N_("The service does not know the key."),
    "insufficient_scope": N_("The key has too few rights."),
    "cross_origin_refused": N_("The service takes this for a request of another site."),
    "not_found": N_("The service knows no such address."),
    "item_missing": N_("There is no picture with this id, or the model does not know it yet."),
    "picture_missing": N_("The entry in the catalogue is there, but its file is gone."),
    "bundle_missing": N_("There is no model with this name."),
    "report_missing": N_("The report of this model has no such file."),
    "cluster_missing": N_("The model has no cluster with this number."),
    "dismissal_missing": N_("There is no dismissal with this number."),
    "entry_missing": N_("There is no such entry in the bin."),
    "method_not_allowed": N_("The service does not do this at that address."),
    "request_timeout": N_("The picture came too slowly, or its transfer stopped."),
    "item_exists": N_("There is a picture with this id already."),
    "idempotency_conflict": N_("Another request came under the same key before."),
    "cursor_expired": N_("The model that found these matches is no longer loaded."),
    "precondition_failed": N_("The picture has been changed meanwhile."),
    "too_many_bytes": N_("The picture is larger than the service accepts."),
    "unsupported_format": N_("It is no picture in a known format."),
    "unsupported_body": N_("The service does not know this kind of request."),
    "range_unsatisfiable": N_("The file is shorter than what was requested of it."),
    "broken_image": N_("The file is damaged or cut short."),
    "too_many_pixels": N_("The picture is wider or higher than the service accepts."),
    "face_missing": N_("It shows no face that is large and sharp enough."),
    "unsupported_by_model": N_("The model that answers was not made for this."),
    "url_refused": N_("The service does not fetch pictures from this address."),
    "invalid_parameter": N_("A value is missing, unknown or too large or small."),
    "rate_limited": N_("The service limits how much one client may do in a minute."),
    "internal_error": N_("This is a mistake in the service. Its log says more."),
    "url_failed": N_("The other site did not send a picture."),
    "not_ready": N_("Nothing can be searched at the moment."),
    "bundle_damaged": N_("Its files are not as they were written."),
    "picture_unavailable": N_("The entry in the catalogue is there, but its file cannot be read at the moment."),
    "overloaded": N_("Too many requests are waiting."),
    "write_unavailable": N_("Another change is under way, or the storage of the service takes none."),
    "url_timeout": N_("The other site took too long."),
    "storage_full": N_("Nothing was saved, because there is no room."),
}
"""By code, for languages other than that of the API. In English, its own words say more."""
