"""Pages of the documentation that are made from the code: settings, commands, the HTTP API, and files of the root.

MkDocs calls `on_files` (see `hooks` in mkdocs.yml).
"""

import json
import re
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout, suppress
from io import StringIO
from pathlib import Path
from typing import Any

import typer
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from pydantic_core import PydanticUndefined
from pydantic_settings import BaseSettings
from typer.cli import get_docs_for_click

import api.__main__
import api.settings
import frontend.__main__
import frontend.settings
from lookalike.cli import app

ROOT = Path(__file__).resolve().parent.parent
COPIES = {  # pages that stand elsewhere in the repository
    "explanation/architecture.md": "ARCHITECTURE.md",
    "project/contributing.md": "CONTRIBUTING.md",
    "project/security.md": "SECURITY.md",
    "project/changes.md": "CHANGELOG.md",
    "reference/files.md": "artifacts/README.md",
}
METHODS = ("get", "post", "put", "patch", "delete")


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Add the pages that are made from the code."""
    pages = {page: (ROOT / source).read_text(encoding="utf-8") for page, source in COPIES.items()}
    pages["reference/cli.md"] = cli_page()
    pages["reference/settings.md"] = settings_page()
    pages["reference/http.md"] = http_page(json.loads((ROOT / "tests/api/openapi.json").read_text(encoding="utf-8")))
    for page, content in pages.items():
        files.append(File.generated(config, page, content=content))
    return files


def cli_page() -> str:
    """The help of every command; that of the services, which read their own options, is shown as they print it."""
    command = typer.main.get_command(app)
    text = get_docs_for_click(obj=command, ctx=typer.Context(command), name="lookalike", title="Command line")
    for name, service in (("api", api.__main__), ("page", frontend.__main__)):
        text += f"\n## Options of `lookalike {name}`\n\n```text\n{_printed_help(service.main, name)}```\n"
    return text


def _printed_help(main: Callable[[Sequence[str], str], int], name: str) -> str:
    printed = StringIO()
    with redirect_stdout(printed), suppress(SystemExit):
        main(["--help"], f"lookalike {name}")
    return printed.getvalue()


def settings_page() -> str:
    """Every setting of both services, with its default."""
    text = '# Settings\n\nEnvironment variables. A list is written as JSON: `["a", "b"]`.\n'
    for title, settings in (("The API", api.settings.Settings), ("The page", frontend.settings.Settings)):
        text += f"\n## {title}\n\n| variable | default | meaning |\n| --- | --- | --- |\n"
        text += "\n".join(_setting_rows(settings)) + "\n"
    return text


def _setting_rows(settings: type[BaseSettings]) -> list[str]:
    rows = []
    for name, field in settings.model_fields.items():
        default = "" if field.default in (None, PydanticUndefined, ()) else f"`{field.default}`"
        rows.append(f"| `LOOKALIKE_{name.upper()}` | {default} | {_cell(field.description or '')} |")
    return rows


def http_page(document: dict[str, Any]) -> str:
    """Every operation of the OpenAPI document: its parameters, its body and its answers."""
    text = "# HTTP API\n\nMade from the OpenAPI document. A running server shows it at `/docs` and `/openapi.json`.\n"
    for path, methods in document["paths"].items():
        for method in METHODS:
            if method in methods:
                text += _operation(path, method, methods[method])
    return text


def _operation(path: str, method: str, operation: dict[str, Any]) -> str:
    text = f"\n## {method.upper()} {path}\n\n{operation.get('summary', '')}\n\n{operation.get('description', '')}\n"
    if parameters := operation.get("parameters"):
        rows = (f"| `{each['name']}` | {each['in']} | {_cell(each.get('description', ''))} |" for each in parameters)
        text += "\n| parameter | in | meaning |\n| --- | --- | --- |\n" + "\n".join(rows) + "\n"
    if body := operation.get("requestBody"):
        text += "\nBody: " + ", ".join(f"`{kind}`" for kind in body.get("content", {})) + "\n"
    answers = operation["responses"].items()
    rows = (f"| {status} | {_cell(answer.get('description', ''))} |" for status, answer in answers)
    return text + "\n| status | meaning |\n| --- | --- |\n" + "\n".join(rows) + "\n"


def _cell(text: str) -> str:
    return re.sub(r"\s+", " ", text).replace("|", "\\|").replace("<", "&lt;")
