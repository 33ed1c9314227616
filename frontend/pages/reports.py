"""The bundles' reports, passed through from the API, each as a world of its own.

A report brings its own styles and scripts. So it is shown under the policy that the API, too, sends with it: it may
load nothing and reach nothing, and is kept apart from this page as if it came from somewhere else.
"""

from flask import Blueprint, Response, request

from frontend.forms.parameters import accepts
from frontend.pages.pictures import file_response
from frontend.rendering import api

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
    "Cross-Origin-Opener-Policy": "unsafe-none",  # browsers refuse any other one beside a sandbox
    "Referrer-Policy": "no-referrer",
}

reports = Blueprint("reports", __name__, url_prefix="/reports")


@reports.get("/<bundle>/<path:name>")
@accepts()
def report(bundle: str, name: str) -> Response:
    """A file of a bundle's report. Its name is a path, so that its links to its neighbours hold."""
    response = file_response(api().report(bundle, name, request.headers.get("If-None-Match")))
    response.headers.update(REPORT_HEADERS)
    return response
