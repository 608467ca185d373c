"""Flower's configuration: it reads this file from the working directory, whatever command starts it.

Anyone who can open Flower can shut down the worker, so it needs its own password and does not start without one.
"""

import sys

from config import FLOWER_USER, SettingsError, load_settings

try:
    _password = load_settings().flower_password
except SettingsError as error:
    sys.exit(str(error))
if not _password:
    sys.exit("Flower does not start without a password: set LOCKSTEP_FLOWER_PASSWORD.")
basic_auth = [f"{FLOWER_USER}:{_password}"]
