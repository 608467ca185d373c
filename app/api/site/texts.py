"""The texts of the site, by language. The application has them from the same files (`web/src/strings/`)."""

from pathlib import Path
from typing import Any

import orjson

LANGUAGES = {"en": "English", "de": "Deutsch"}
_FOLDER = Path(__file__).parents[2] / "templates" / "site" / "texts"
TEXTS: dict[str, dict[str, Any]] = {language: orjson.loads((_FOLDER / f"{language}.json").read_bytes()) for language in LANGUAGES}
