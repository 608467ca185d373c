"""House rules that no linter checks."""

import ast
import re
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
# Names that build statements. `Engine`, `Connection` and `Row` only serve as types of what is passed through.
_STATEMENTS = {"text", "select", "insert", "update", "delete", "func"}


def test_statements_stand_in_the_store_alone() -> None:
    outside = [
        f"{path.relative_to(REPOSITORY)}: {alias.name}"
        for path in (REPOSITORY / "app").rglob("*.py")
        if not path.is_relative_to(REPOSITORY / "app" / "store") and not path.is_relative_to(REPOSITORY / "app" / "models")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "sqlalchemy"
        for alias in node.names
        if alias.name in _STATEMENTS
    ]
    assert outside == []


def test_every_test_that_the_security_document_names_exists() -> None:
    named = re.findall(r"`([\w/]+\.py)::(\w+)`", (REPOSITORY / "docs" / "security.md").read_text())
    assert len(named) > 100
    gone = [f"{file}::{name}" for file, name in named if f"def {name}(" not in _source(REPOSITORY / "tests" / file)]
    assert gone == []


def _source(path: Path) -> str:
    return path.read_text() if path.is_file() else ""
