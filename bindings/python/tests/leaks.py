"""Opens and closes a device over and over, in a process of its own, and looks at what stays.

Python takes no memory back late, so what grows is the library's. A connection to a database that is not given back alone has
more than sixty kilobytes.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import bedside

PIN = "271828"
WARM, CYCLES = 200, 1_000
CYCLE_BYTES_MAX = 1_024
UNLOCKS_WARM, UNLOCKS = 5, 25
UNLOCK_BYTES_MAX = 16 * 1_024


class Silent(bedside.Observer):
    def told(self, event: bedside.Event) -> None:
        pass


def resident() -> int:
    """Bytes of this process that are in memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def threads() -> int:
    return len(os.listdir("/proc/self/task"))


def main() -> None:
    if not Path("/proc/self/statm").exists():
        sys.exit("this test reads /proc, which only Linux has")
    with tempfile.TemporaryDirectory() as folder:
        home, keys = f"{folder}/device", bedside.file_key_store(f"{folder}/keys")
        bedside.Device.create(home, keys, PIN).suspend()

        def cycle() -> None:
            with bedside.opened(home, keys) as device:
                subscription, cancel = device.subscribe(Silent()), bedside.Cancel()
                assert bedside.objects_alive() == before + 3, "what an app holds is counted"
                device.status()
                subscription.cancel()
                cancel.cancel()

        def unlock() -> None:
            with bedside.opened(home, keys) as device:
                device.unlock(PIN)
                device.plans(None, 10)

        before = bedside.objects_alive()
        for act, warm, times, most in [
            (cycle, WARM, CYCLES, CYCLE_BYTES_MAX),
            (unlock, UNLOCKS_WARM, UNLOCKS, UNLOCK_BYTES_MAX),
        ]:
            for _ in range(warm):
                act()
            memory, running = resident(), threads()
            for _ in range(times):
                act()
            grown = resident() - memory
            assert bedside.objects_alive() == before, f"{bedside.objects_alive() - before} objects stay"
            assert threads() <= running, f"{threads()} threads, {running} before"
            print(f"{times} times {act.__name__}: {grown / times:.0f} bytes stay of each, at most {most}")
            assert grown <= times * most, f"{grown} bytes more after {times} times"


main()
