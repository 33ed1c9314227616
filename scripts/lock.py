"""Pin and hash what each service installs, from the lists in pyproject.toml: `make lock`.

What is pinned already keeps its version if the lists allow it; `make lock UPGRADE=1` renews all. One resolution for
all services first, so that they agree on every version; then each list is cut from it. The files hold no address of a
registry, so they install from whichever one pip is set up to use.
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FILES = {
    "api": ("api", "milvus", "postgresql", "s3"),
    "frontend": ("frontend",),
    "trainer": ("trainer", "milvus", "postgresql", "s3"),
    "trainer-gpu": ("trainer-gpu", "milvus", "postgresql", "s3"),
    "build": ("build",),
    "dev": ("dev",),
}
COMPILE = (
    *("pip", "compile", "--quiet", "--universal", "--python-version", "3.11", "--generate-hashes"),
    *("--no-header", "--no-emit-index-url", "--no-emit-find-links", "--no-annotate"),
    *(("--upgrade",) if os.environ.get("UPGRADE") else ()),
)
PIN = re.compile(r"^[A-Za-z0-9][^\\\n]*==[^\\\n]*", re.MULTILINE)


def compile_extras(extras: tuple[str, ...], target: Path, constraint: Path | None = None) -> None:
    """Write the pinned closure of these extras, within the versions of `constraint`."""
    options = [part for extra in extras for part in ("--extra", extra)]
    within = ["--constraint", str(constraint)] if constraint else []
    command = [sys.executable, "-m", "uv", *COMPILE, *options, *within, "pyproject.toml", "-o", str(target)]
    subprocess.run(command, cwd=ROOT, check=True)
    note = f"# {', '.join(extras)} of pyproject.toml, pinned and hashed. Renew with `make lock`.\n"
    target.write_text(note + target.read_text())
    print(target.name)


def _read(path: Path) -> str:
    return path.read_text() if path.exists() else ""


def main() -> None:
    """Resolve all services together, then each alone within that."""
    folder = ROOT / "requirements"
    folder.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        everything = Path(scratch) / "everything.txt"
        pins = {pin.strip() for name in FILES for pin in PIN.findall(_read(folder / f"{name}.txt"))}
        everything.write_text("\n".join(sorted(pins)))  # uv prefers what stands in the file that it writes
        compile_extras(tuple(dict.fromkeys(extra for extras in FILES.values() for extra in extras)), everything)
        for name, extras in FILES.items():
            compile_extras(extras, folder / f"{name}.txt", everything)


if __name__ == "__main__":
    main()
