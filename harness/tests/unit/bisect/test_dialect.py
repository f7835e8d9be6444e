# SPDX-License-Identifier: GPL-2.0-or-later
"""Each QEMU is told in its own words."""

from __future__ import annotations

import asyncio
from typing import Any

from fake_vm import FakeVM

from switchover.bisect.dialect import Dialect

# As query-qmp-schema has it, names of types left as they are.
OLD: list[dict[str, Any]] = [
    {"meta-type": "command", "name": "blockdev-add", "arg-type": "1"},
    {"meta-type": "object", "name": "1", "members": [{"name": "options"}]},
    {"meta-type": "command", "name": "migrate", "arg-type": "2"},
    {"meta-type": "object", "name": "2", "members": [{"name": "uri"}]},
]


NEW: list[dict[str, Any]] = [
    {"meta-type": "command", "name": "blockdev-add", "arg-type": "1"},
    {"meta-type": "object", "name": "1", "members": [{"name": "driver"}]},
    {"meta-type": "command", "name": "migrate", "arg-type": "2"},
    {"meta-type": "object", "name": "2", "members": [{"name": "channels"}]},
    {"meta-type": "command", "name": "migrate-set-parameters", "arg-type": "3"},
    {"meta-type": "object", "name": "3", "members": [{"name": "max-bandwidth"}]},
]


def dialect(schema: list[dict[str, Any]], *commands: str) -> Dialect:
    listed = [{"name": command} for command in commands]
    vm: Any = FakeVM(query_commands=[listed], query_qmp_schema=[schema])
    return asyncio.run(Dialect.of(vm))


def test_an_old_qemu_is_told_in_its_own_words() -> None:
    old = dialect(OLD, "nbd-server-add")
    assert old.migrate("exec:cat") == ("migrate", {"uri": "exec:cat"})
    assert old.bandwidth(1) == ("migrate_set_speed", {"value": 1})
    assert old.export("d")[0] == "nbd-server-add"
    assert list(old.add_file("n", "f")) == ["options"]


def test_a_new_qemu_is_told_in_its_own_words() -> None:
    new = dialect(NEW, "block-export-add")
    ((channel,),) = new.migrate("exec:cat")[1].values()
    assert channel["addr"] == {"transport": "exec", "args": ["/bin/sh", "-c", "cat"]}
    ((channel,),) = new.incoming("unix:s")[1].values()
    assert channel["addr"] == {"transport": "socket", "type": "unix", "path": "s"}
    assert new.bandwidth(1) == ("migrate-set-parameters", {"max_bandwidth": 1})
    assert new.export("d")[0] == "block-export-add"
    assert new.add_file("n", "f")["node-name"] == "n"
    assert not new.takes("unheard-of", "x")
