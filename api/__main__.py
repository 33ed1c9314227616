"""`python -m api`: serve what is published, or print the OpenAPI document."""

import argparse
import json
import logging
import sys

import uvicorn
from pydantic import ValidationError

from api.main import create_app
from api.settings import Settings

EXAMPLE = """\
example:
  LOOKALIKE_ARTIFACTS=artifacts python -m api
  curl -F file=@picture.jpg -F k=5 http://127.0.0.1:8000/search
"""


def main() -> None:
    """Read the settings from the environment and serve until told to stop."""
    parser = argparse.ArgumentParser(
        prog="python -m api",
        description="Serve the published bundle over HTTP.",
        epilog=f"{EXAMPLE}\nsettings, from the environment:\n{_settings_help()}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--openapi", action="store_true", help="print the OpenAPI document and stop")
    arguments = parser.parse_args()
    try:
        settings = Settings()
    except ValidationError as error:
        parser.error("; ".join(f"LOOKALIKE_{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors()))
    app = create_app(settings)
    if arguments.openapi:
        json.dump(app.openapi(), sys.stdout, indent=2, ensure_ascii=False)
        sys.stdout.write("\n")
        return
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    # Its own configuration of logs would hide ours; a line for each request would cost time and says little.
    uvicorn.run(app, host=settings.api_host, port=settings.api_port, log_config=None, access_log=False)


def _settings_help() -> str:
    lines = []
    for name, field in Settings.model_fields.items():
        default = "" if field.default_factory or field.default is None else f" (default {field.default})"
        lines.append(f"  LOOKALIKE_{name.upper():<20} {field.description}{default}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
