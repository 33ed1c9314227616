"""Pages, styles and scripts are sent compressed. Pictures are compressed already, and pass through as they come."""

import gzip

from flask import Flask, Response, request

TEXTS = {"text/html", "text/css", "text/javascript", "application/json", "image/svg+xml", "text/csv"}
MIN_BYTES = 500  # less is not worth it
LEVEL = 6


def install(app: Flask) -> None:
    """Compress what an app answers, for clients that read gzip."""
    app.after_request(_compress)


def _compress(response: Response) -> Response:
    if response.mimetype not in TEXTS or "Content-Encoding" in response.headers:
        return response
    response.vary.add("Accept-Encoding")
    is_static = request.endpoint == "static"
    if response.status_code != 200 or not request.accept_encodings["gzip"] or (response.is_streamed and not is_static):
        return response
    response.direct_passthrough = False  # a style or script is small, and read as a whole
    data = response.get_data()
    if len(data) < MIN_BYTES:
        return response
    response.set_data(gzip.compress(data, LEVEL, mtime=0))
    response.headers["Content-Encoding"] = "gzip"
    etag, _ = response.get_etag()
    if etag is not None:  # the same file in other bytes
        response.set_etag(etag, weak=True)
    return response
