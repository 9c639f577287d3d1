"""The settings that people try, all of them tried again."""

from __future__ import annotations

import pytest

from scripts.operations.context import Context
from tests.simulated_gpu import needs
from tests.simulated_gpu.document import SETTINGS
from tests.simulated_gpu.document import kept as read_kept
from tests.simulated_gpu.settings import run_settings
from tests.simulated_gpu.settings_rows import SettingRow, SettingsTable

pytestmark = [pytest.mark.simulated, needs.COMPILER, needs.X86]


def what_counts(row: SettingRow) -> tuple[object, ...]:
    return row.question, row.label, row.endings, row.telling, row.nvrtc


def test_every_setting_does_what_is_kept_of_it() -> None:
    kept = read_kept(SettingsTable, SETTINGS)
    found = run_settings(Context())
    assert [what_counts(row) for row in found.rows] == [what_counts(row) for row in kept.rows]
