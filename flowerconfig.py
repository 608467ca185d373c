"""Flower's configuration: it reads this file from the working directory, whatever command starts it.

Anyone who can open Flower can shut down the worker, so it needs its own password and does not start without one.
"""

import sys

from config import FLOWER_USER, settings_or_exit

_settings = settings_or_exit()
if not _settings.flower_password:
    sys.exit("Flower does not start without a password: set LOCKSTEP_FLOWER_PASSWORD.")
basic_auth = [f"{FLOWER_USER}:{_settings.flower_password}"]
url_prefix = _settings.flower_path.strip("/")
# The tasks that were seen outlast a restart; those of the last minute do not outlast a crash.
persistent = True
db = str(_settings.home / "flower-tasks")
state_save_interval = 60_000
max_tasks = 10_000
