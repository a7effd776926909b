"""Many processes, each on a random walk on the same database: `python -m tests.torture.walkers`.

Reads what to do as JSON from stdin, and prints as JSON what was taken, refused and failed.
"""

import json
import os
import random
import sys
import time
import traceback
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from flask import Flask

from tests.support.databases import settings
from tests.support.walk import Cast, Walk
from tracker import create_app
from tracker.clock import utc_now
from tracker.database import db


@dataclass(frozen=True)
class Orders:
    """What the walkers are told."""

    database_url: str
    folder: str
    cast: Cast
    processes: int
    seconds: float
    seed: int

    def to_text(self) -> str:
        """Return them as JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def from_text(cls, text: str) -> "Orders":
        """Return what `to_text` wrote."""
        told = json.loads(text)
        members: dict[str, Any] = {
            name: tuple(v) if isinstance(v, list) else v for name, v in told["cast"].items()
        }
        return cls(**{**told, "cast": Cast(**members)})


def walk(app: Flask, orders: Orders, number: int) -> dict[str, object]:
    """Walk until the time is over; return what happened."""
    failures: Counter[str] = Counter()
    slowest = 0.0
    with app.app_context():
        chance = random.Random(orders.seed * 1000 + number)  # noqa: S311 - no secret
        one = Walk(orders.cast, app.config["SETTINGS"].uploads_path, utc_now, chance)
        end = time.monotonic() + orders.seconds
        while (begun := time.monotonic()) < end:
            try:
                one.step()
            except Exception as error:  # noqa: BLE001 - told to the test
                frames = traceback.extract_tb(error.__traceback__)
                ours = [
                    f"{frame.name}:{frame.lineno}" for frame in frames if "walk" in frame.filename
                ]
                failures[f"{type(error).__name__}: {str(error)[:300]} ({ours})"] += 1
                db.session.rollback()
            slowest = max(slowest, time.monotonic() - begun)
        db.session.remove()
        db.engine.dispose()
    return {"taken": one.taken, "refused": one.refused, "failed": failures, "slowest": slowest}


def main() -> None:
    """Let them walk, and print the sums."""
    orders = Orders.from_text(sys.stdin.read())
    # Made once, and connected to nothing yet: each process connects for itself.
    app = create_app(settings(orders.database_url, Path(orders.folder)))
    pipes = []
    for number in range(orders.processes):
        reader, writer = os.pipe()
        if os.fork() == 0:
            os.close(reader)
            with os.fdopen(writer, "w") as answer:
                json.dump(walk(app, orders, number), answer)
            os._exit(0)
        os.close(writer)
        pipes.append(reader)
    sums: dict[str, Counter[str]] = {name: Counter() for name in ("taken", "refused", "failed")}
    slowest = 0.0
    for reader in pipes:
        with os.fdopen(reader) as answer:
            found = json.load(answer)
        slowest = max(slowest, found.pop("slowest"))
        for name, counts in found.items():
            sums[name].update(counts)
    json.dump({**sums, "slowest": slowest}, sys.stdout)


if __name__ == "__main__":
    main()
