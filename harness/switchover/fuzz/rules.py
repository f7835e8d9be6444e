# SPDX-License-Identifier: GPL-2.0-or-later
"""Which steps a sequence may have: how it begins, and all rules for hypothesis."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import initialize

from . import ending, step
from .fault_rules import FaultRules
from .job_rules import JobRules, NodeRules
from .machine import AGREED, DISKS, mirror_options
from .migration_rules import PAUSES, MigrationRules
from .processes import DESTINATION, SERVER, SOURCE

beginnings = st.fixed_dictionaries(
    {
        "iothreads": st.booleans(),
        "paused": st.booleans(),
        "server": st.booleans(),
        "agreed": st.sets(st.sampled_from(AGREED), max_size=2),
        "how": st.sampled_from(ending.HOW),
        "mirrors": st.lists(mirror_options, min_size=1, max_size=DISKS),
        "clients": st.booleans(),
        "ready": st.booleans(),
        "pause": st.sampled_from([None, *PAUSES, PAUSES[1]]),
        "then": st.sampled_from(["migrate", "settle", "nothing"]),
    }
)


class Sequence(JobRules, NodeRules, MigrationRules, FaultRules):
    """Both sides; most often mirrors, and a migration that is under way."""

    @initialize(chosen=beginnings)
    def begin(self, chosen: dict[str, Any]) -> None:
        self._how = chosen["how"]
        self._nbd = SERVER if chosen["server"] else DESTINATION
        start = {"disks": DISKS, "iothreads": chosen["iothreads"]}
        self._connect(start, chosen["paused"], chosen["agreed"])
        mirrored = range(len(chosen["mirrors"]))
        # Before the mirrors: what writes to a node that is mirrored isn't copied.
        for number in mirrored if chosen["clients"] else ():
            self._export_to("client", number, True)
            self.client(number)
        for number, options in enumerate(chosen["mirrors"]):
            self.mirror(number, options)
        self.play(step.records(SOURCE))
        for number in mirrored if chosen["ready"] else ():
            self.is_ready(number)
        if chosen["pause"]:
            self.capability(chosen["pause"], True)
        if chosen["then"] != "nothing":
            self.migrate(chosen["then"] == "settle")
