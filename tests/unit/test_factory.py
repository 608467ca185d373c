"""What a web process loads."""

import subprocess
import sys

from config import REPOSITORY


def test_a_web_process_does_without_the_command_line() -> None:
    build = "create_app(load_settings(), has_commands=False)"
    program = f"import sys; from app.factory import create_app; from config import load_settings; {build}"
    loaded = f"{program}; print(*{{'app.commands', 'alembic', 'flask_migrate'}} & {{*sys.modules}})"
    done = subprocess.run([sys.executable, "-c", loaded], cwd=REPOSITORY, check=True, capture_output=True, text=True)
    assert done.stdout.strip() == ""
