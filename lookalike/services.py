"""`lookalike api` and `lookalike page`: the two services, with the options that they have as modules of their own."""

import sys

import typer


def api(context: typer.Context) -> None:
    """Serve the published bundle over HTTP, or make an API key.

    Example: `lookalike api --port 8080`
    """
    from api.__main__ import main

    sys.exit(main(context.args, prog="lookalike api"))


def page(context: typer.Context) -> None:
    """Serve the page that people search with; it needs the address of an API.

    Example: `lookalike page --api-url http://127.0.0.1:8000`
    """
    from frontend.__main__ import main

    sys.exit(main(context.args, prog="lookalike page"))
