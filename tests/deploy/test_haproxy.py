"""deploy/haproxy.cfg, in a real HAProxy: page and API work under the paths, and refusals arrive."""

from pathlib import Path
from typing import Any

import httpx2

from tests.conftest import free_port
from tests.deploy.conftest import DEPLOY, Site, needs, running, with_ports
from tests.support.bundles import picture


def test_page_and_api_work_behind_haproxy(prefixed: Site, tmp_path: Path) -> None:
    program, port = needs("haproxy"), free_port()
    text = (DEPLOY / "haproxy.cfg").read_text()
    ports = {5000: prefixed.page, 8000: prefixed.api}
    configuration = tmp_path / "haproxy.cfg"
    configuration.write_text(with_ports(text, listen=f"bind :80 -> bind 127.0.0.1:{port}", ports=ports))
    with (
        running(program, "-db", "-f", str(configuration), port=port) as address,
        httpx2.Client(base_url=address, headers={"Host": "shop.example:8080"}, timeout=60) as client,
    ):
        assert client.get("/lookalike").headers["location"] == "/lookalike/"
        assert "/lookalike/static/" in client.get("/lookalike/").text
        result = client.post("/lookalike/api/search", files={"file": picture(1)}).json()
        assert client.get(result["hits"][0]["image_url"]).status_code == 200
        assert client.get(result["next"]).status_code == 200
        big: dict[str, Any] = {"content": bytes(3_000_000), "headers": {"Content-Type": "text/plain"}}
        assert [client.post("/lookalike/api/items", **big).status_code for _ in range(12)] == [415] * 12
