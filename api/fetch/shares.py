"""Places that many clients share, of which none can take more than its share."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass


@dataclass(slots=True)
class _Share:
    """One client's places, and how many of its tasks are here, those that wait among them."""

    places: asyncio.Semaphore
    users: int = 0


class Shares:
    """`places` for all clients together, and `share` for each. For one event loop; it keeps nothing of who is gone."""

    def __init__(self, *, places: int, share: int) -> None:
        self._places = asyncio.Semaphore(places)
        self._share = share
        self._clients: dict[str, _Share] = {}

    @asynccontextmanager
    async def place(self, client: str) -> AsyncIterator[None]:
        """Wait for a place of the client's, and then for one of all. `client`: any name by which it is known."""
        share = self._clients.setdefault(client, _Share(asyncio.Semaphore(self._share)))
        share.users += 1
        try:
            async with share.places, self._places:
                yield
        finally:
            share.users -= 1
            if not share.users:
                del self._clients[client]

    def __len__(self) -> int:
        """How many clients have a place, or wait for one."""
        return len(self._clients)
