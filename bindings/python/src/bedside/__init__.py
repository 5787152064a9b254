"""Shared end-of-life care plans, offline first.

Everything of the library, and a few things that Python expects of it: ``with`` for what has to be given back, and generators
for what comes in pages or one after another.
"""

from __future__ import annotations

import queue
from collections.abc import Generator, Iterator
from contextlib import contextmanager

from . import _generated
from ._generated import *  # noqa: F403
from ._generated import Device, Draft, Event, KeyStore, Observer, PlanRow

__all__ = [*_generated.__all__, "all_plans", "editing", "events", "opened"]


@contextmanager
def opened(directory: str, key_store: KeyStore) -> Iterator[Device]:
    """A device, locked; its keys leave memory and its files are released when the block ends."""
    device = Device.open(directory, key_store)
    try:
        yield device
    finally:
        device.lock()
        device.suspend()


@contextmanager
def editing(device: Device, plan: str) -> Iterator[Draft]:
    """A draft that is saved when the block ends, unless it ends with an exception."""
    draft = device.draft(plan)
    yield draft
    draft.commit()


@contextmanager
def events(device: Device) -> Iterator["queue.SimpleQueue[Event]"]:
    """Everything that changes while the block lasts, the current sync status first."""

    heard: queue.SimpleQueue[Event] = queue.SimpleQueue()

    class Listener(Observer):
        def told(self, event: Event) -> None:
            heard.put(event)

    subscription = device.subscribe(Listener())
    try:
        yield heard
    finally:
        subscription.cancel()


def all_plans(device: Device, page_size: int = 200) -> Generator[PlanRow, None, None]:
    """Every plan, by name, page by page as they are asked for."""
    after = None
    while True:
        page = device.plans(after, page_size)
        yield from page.rows
        after = page.next
        if after is None:
            return
