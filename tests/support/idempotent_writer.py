"""A program that posts notes under keys of their own, and tells of each before and after; it is killed meanwhile."""

from __future__ import annotations

import asyncio
import sys

from holdall.testing.client import Client
from tests.support.shelves import library


async def main(url: str) -> None:
    async with Client(library(url).asgi(create=True, idempotency=True)) as client:
        for number in range(100_000):
            print(f"begin {number}", flush=True)
            given = {"idempotency-key": f'"{number}"'}
            answer = await client.request("POST", "/notes", json={"text": str(number)}, headers=given)
            print(f"end {number} {answer.body.decode()}", flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
