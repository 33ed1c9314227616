"""The reports of bundles, passed on from the API and isolated from the page.

A report has its own styles and scripts. It is served under the policy that the API uses for it as well: it can load
nothing and has an origin of its own, so that it cannot reach the page.
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
    """A file of a bundle's report. Names are paths, so that links between its files work."""
    response = file_response(api().report(bundle, name, request.headers.get("If-None-Match")))
    response.headers.update(REPORT_HEADERS)
    return response
