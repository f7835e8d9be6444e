# SPDX-License-Identifier: GPL-2.0-or-later
"""Which side owns the guest, and each of its disks."""

from __future__ import annotations

from pathlib import Path

from ..core import files
from ..guest import disk
from ..judging import evidence, journey
from ..judging.oracle import DiskEvidence
from .management import Accepted, Guarantee, Management, guarantee
from .processes import DESTINATION, SOURCE, Processes


class Ownership:
    """By what the processes have said, and by what management has decided.

    `split` is whether the guest runs at both sides because they could not tell each
    other; `lost`, whether the destination has not got what the source believes to have
    sent. `guarantees` and `differences` are by disk, and of the last migration.
    """

    def __init__(self, processes: Processes) -> None:
        self.management = Management()
        self.split = False
        self._processes = processes
        self._begin()

    def _begin(self) -> None:
        """A migration begins: nothing has gone anywhere yet."""
        self.lost = False
        self.guarantees: dict[int, Guarantee] = {}
        self.differences: dict[int, disk.Difference] = {}
        # Where the guest goes, unless that is replaced before it has arrived.
        self._towards = self._processes.current.get(DESTINATION)
        # The destination's images, when management took the guest back.
        self._left: dict[int, str] = {}

    @property
    def statuses(self) -> list[str]:
        """All statuses of all migrations from the source."""
        return journey.outgoing(self._processes.source)

    @property
    def status(self) -> str:
        """The status of the last migration, by the last event."""
        return (self.statuses or [journey.BEGIN])[-1]

    @property
    def attempt(self) -> list[str]:
        """The statuses of the last migration."""
        seen = self.statuses
        begin = max((n for n, s in enumerate(seen) if s == "setup"), default=0)
        return seen[begin:]

    @property
    def arrived(self) -> bool:
        """Whether the destination says that it has got everything."""
        if not self._processes.is_complete:
            return False
        return journey.statuses(self._processes.destination)[-1:] == ["completed"]

    @property
    def handed_over(self) -> bool:
        """Whether the destination owns all, and the source has not taken it back."""
        return self.status == "completed" and not self.management.has_reclaimed

    @property
    def taken_over(self) -> bool:
        """Whether the guest runs at the destination, though the source can't tell."""
        alive = self._processes.destination.exit_code is None
        undecided = not (self.split or self.management.has_reclaimed)
        failed = self.status == "failed" and self.arrived
        return self._processes.starts_itself and failed and alive and undecided

    @property
    def would_run_twice(self) -> bool:
        """Whether `cont` would have it run at both sides, now or soon."""
        ended = self.status in (journey.BEGIN, "cancelled", "failed")
        alive = self.arrived and not self._processes.destination.killed
        return self._processes.starts_itself and (not ended or alive)

    def note(
        self, name: str, arguments: dict[str, object], position: int, written: set[str]
    ) -> None:
        """The source has carried out a command; see Accepted."""
        arrived = self.arrived or bool(self.guarantees)
        seen = (position, self.status, arrived, frozenset(written))
        command = Accepted(name, arguments, *seen)
        self.management.commands.append(command)
        if name == "migrate":
            self._begin()
        elif "job-id" in arguments or name == "blockdev-set-active":
            # A new job may copy to where the guest has been before.
            self._left = {} if command.activates is not False else self._left

    @property
    def thrown_away(self) -> bool:
        """Whether the destination was replaced while the migration went there."""
        return self._processes.destination is not self._towards

    def take_back(self) -> None:
        """Before the guest goes on here: nothing more may be written over there."""
        if self.handed_over and not self._processes.starts_itself and self.guarantees:
            self._left = self._images_there()

    @property
    def written_since(self) -> bool:
        """Whether something was written there after the guest was taken back."""
        return bool(self._left) and self._left != self._images_there()

    def _images_there(self) -> dict[int, str]:
        """What is in the destination's images."""
        images = {i: self._processes.image(DESTINATION, i) for i in self.guarantees}
        return {i: files.digest(image) for i, image in images.items()}

    def guarantee(self, number: int, end: int | None = None) -> Guarantee:
        """What is owed for a disk, after so many events, or by now."""
        job = f"m{number}"
        events = self._processes.source.events[:end]
        return guarantee(job, events, self.management.commands)

    def moved(self, number: int) -> bool:
        """Whether the guest has gone over to the target of this disk's mirror."""
        return self.guarantee(number) is Guarantee.MOVED

    def compare(self, number: int, start: int = 0) -> None:
        """Compare the images of a disk, from byte `start` on."""
        pair = [self._processes.image(side, number) for side in (SOURCE, DESTINATION)]
        self.differences[number] = disk.compare(pair[0], pair[1], start)

    def disk(self, number: int) -> DiskEvidence:
        """What has to be on a disk, for the oracle."""
        here = self._side(number) == SOURCE
        # What the guest was told elsewhere has nothing to do with the source's disk.
        vms = [self._processes.source] if here else self._processes.vms
        owed = self.guarantees.get(number) is Guarantee.OWED
        return DiskEvidence(
            name=f"disk{number}",
            difference=self.differences.get(number),
            acknowledged=evidence.said(vms).acknowledged.get(number, {}),
            found=evidence.found(self.image(number), number),
            must_match=owed and not self.management.has_reclaimed,
            written=False,
        )

    def image(self, number: int) -> Path | None:
        """Where the records of a disk have to be; None if QEMU owes none."""
        side = self._side(number)
        return self._processes.image(side, number) if side else None

    def _side(self, number: int) -> str | None:
        if self.split:
            return None
        if self.moved(number):
            return DESTINATION
        if not self.guarantees or self.management.has_reclaimed:
            return SOURCE
        return None if self.guarantees[number] is Guarantee.NONE else DESTINATION
