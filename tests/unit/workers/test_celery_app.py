"""What beat, Flower and workers load."""

import subprocess
import sys

from config import REPOSITORY


def test_beat_and_flower_do_without_the_application() -> None:
    program = "import sys, workers.timetable, workers.celery_app; print(*{'app.container', 'sqlalchemy'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, check=True, capture_output=True, text=True)
    assert done.stdout.strip() == ""


def test_workers_do_without_what_only_customers_and_staff_ask_for() -> None:
    unused = {"webauthn", "app.api", "alembic", "PIL", "cryptography", "rich", "requests", "tornado", "valkey"}
    program = f"import sys; from workers import celery_app; celery_app._know_the_tasks(); print(*{unused} & {{*sys.modules}})"
    done = subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, check=True, capture_output=True, text=True)
    assert done.stdout.strip() == ""


def test_workers_and_beat_do_without_flower_and_shells_for_queues() -> None:
    unused = {"flower", "tornado", "click_repl", "prompt_toolkit"}
    program = f"import sys; from workers.__main__ import app; app.Worker, app.Beat; print(*{unused} & {{*sys.modules}})"
    done = subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, check=True, capture_output=True, text=True)
    assert done.stdout.strip() == ""
