"""Who fetches slowly leaves places to the others."""

import asyncio

import pytest
from starlette.datastructures import State
from starlette.requests import Request

from api.errors import Refusal
from api.fetch.addresses import AT_ONCE, read_endpoint
from api.fetch.client import Fetcher
from api.fetch.shares import Shares
from api.security.keys import client_of
from tests.api.fetch.sites import LIMIT_BYTES, PICTURE, Site


def test_one_client_cannot_take_every_place(site: Site) -> None:
    """A client with many URLs that never end takes its share; everybody else is answered meanwhile."""

    async def run() -> None:
        fetcher = Fetcher(
            seconds=60,
            limit_bytes=LIMIT_BYTES,
            allowed=[read_endpoint(f"127.0.0.1:{site.port}")],
            share=AT_ONCE // 2,
        )
        slow = [
            asyncio.create_task(fetcher.fetch_all([f"{site.url}/drip/{number}-{n}" for n in range(8)], client="slow"))
            for number in range(4)
        ]
        while len(site.requests) < AT_ONCE // 2:
            await asyncio.sleep(0.01)
        others = await asyncio.gather(
            *(fetcher.fetch_all([f"{site.url}/{number}"], client=f"other {number}") for number in range(40))
        )
        assert [other[f"{site.url}/{number}"] for number, other in enumerate(others)] == [PICTURE] * 40
        assert sum("drip" in path for _, path in site.requests) == AT_ONCE // 2
        assert not any(task.done() for task in slow)
        for task in slow:
            task.cancel()
        await asyncio.gather(*slow, return_exceptions=True)
        fetcher.close()

    asyncio.run(run())


def test_a_client_that_waits_for_its_own_share_is_told_in_time(site: Site) -> None:
    async def run() -> None:
        allowed = [read_endpoint(f"127.0.0.1:{site.port}")]
        fetcher = Fetcher(seconds=0.3, limit_bytes=LIMIT_BYTES, allowed=allowed, share=1)
        urls = [f"{site.url}/drip/1", f"{site.url}/2"]
        downloads = await fetcher.fetch_all(urls, client="slow")
        for url in urls:
            with pytest.raises(Refusal, match="url_timeout"):
                downloads[url]
        fetcher.close()

    asyncio.run(run())


def test_nothing_is_kept_of_who_is_gone() -> None:
    async def run() -> None:
        shares = Shares(places=2, share=1)
        for number in range(100):
            async with shares.place(f"client {number}"):
                assert len(shares) == 1
        assert len(shares) == 0

    asyncio.run(run())


@pytest.mark.parametrize(
    ("address", "key", "client"),
    [
        ("192.0.2.7", None, "192.0.2.7"),
        ("192.0.2.7", "key shop", "key shop"),
        ("2001:db8::1:2", None, "2001:db8::/64"),
        ("testclient", None, "testclient"),
    ],
)
def test_a_client_is_a_key_or_an_address_or_a_network(address: str, key: str | None, client: str) -> None:
    request = Request({"type": "http", "headers": [], "client": (address, 1), "state": State().__dict__["_state"]})
    request.state.client = key
    assert client_of(request) == client
