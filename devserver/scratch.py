"""`python -m devserver.scratch COMMAND…`: runs a command with new, empty servers that are discarded afterwards."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from devserver.embedded import EmbeddedServers

if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="lockstep-") as home, EmbeddedServers(Path(home)) as servers:
        code = subprocess.run(sys.argv[1:], env=os.environ | servers.environ, check=False).returncode
    sys.exit(code)
