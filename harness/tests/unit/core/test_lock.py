# SPDX-License-Identifier: GPL-2.0-or-later
from __future__ import annotations

import os

import pytest

from switchover.core.errors import Busy
from switchover.core.lock import exclusive


@pytest.mark.usefixtures("project")
def test_a_second_run_is_told_who_is_at_work() -> None:
    with exclusive("base", "building base"):
        sentence = rf"another run \(pid {os.getpid()}\) is building base; wait"
        with pytest.raises(Busy, match=sentence), exclusive("base", "building base"):
            pass


@pytest.mark.usefixtures("project")
def test_it_is_free_again_after_an_error() -> None:
    with pytest.raises(KeyError), exclusive("base", "building base"):
        raise KeyError
    with exclusive("base", "building base"):
        pass


@pytest.mark.usefixtures("project")
def test_names_do_not_exclude_each_other() -> None:
    with exclusive("base", "building base"), exclusive("patched", "building it"):
        pass
