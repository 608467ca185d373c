"""`python -m devserver`: what `make run` runs."""

import argparse
import shlex
import sys
from pathlib import Path

from config import REPOSITORY, SettingsError, load_settings
from devserver.errors import StartError
from devserver.supervisor import Supervisor


def main() -> int:
    """Run the whole system until a signal; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m devserver", description="Run the whole of Lockstep.")
    parser.add_argument("--procfile", type=Path, default=REPOSITORY / "Procfile", help="the processes to run")
    parser.add_argument("--prepare", default="flask --app wsgi prepare", help="the command to run before them")
    arguments = parser.parse_args()
    try:
        Supervisor(load_settings(), arguments.procfile, shlex.split(arguments.prepare)).run()
    except (SettingsError, StartError) as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
