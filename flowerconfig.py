"""Flower's configuration: it reads this file itself, by whatever command it is started here.

Whoever sees Flower can end the worker, so it has a password of its own, and does not start without.
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
