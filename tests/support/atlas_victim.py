"""A process that dies within a commit over two stores of the atlas, after it is decided."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from demo.atlas import City, atlas
from demo.atlas.diary import Visit
from holdall.testing.failpoints import Failpoint, armed


async def main(folder: Path, key: int) -> None:
    """Add a city and a visit to it, and die."""
    app = atlas(folder)
    async with app.session() as session:
        city = City(id=key, name="Left", country="FR", latitude=0.0, longitude=0.0, population=1, timezone="UTC")
        session.add(city)
        session.add(Visit(title="Left behind", city=city, status="draft"))
        with armed(Failpoint.DECIDED, lambda: os._exit(9)):
            await session.commit()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
