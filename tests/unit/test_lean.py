"""What processes that run all the time do not load."""

import importlib
import subprocess
import sys

import pytest

from app.lean import without
from config import REPOSITORY


def test_what_is_left_out_is_found_again_afterwards() -> None:
    sys.modules.pop("this", None)
    with without("this", "json"):
        with pytest.raises(ImportError):
            importlib.import_module("this")
        # It was there before.
        assert importlib.import_module("json")
    assert importlib.util.find_spec("this") is not None


def test_the_application_does_without_what_few_shops_use_until_somebody_does() -> None:
    unused = {"webauthn", "PIL", "cryptography.x509"}
    program = f"import sys, app.factory; print(*{unused} & {{*sys.modules}})"
    done = subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, check=True, capture_output=True, text=True)
    assert done.stdout.strip() == ""
