"""House rules that no linter checks."""

import ast
import re
import tomllib
from collections import defaultdict
from pathlib import Path

from app.models import Base

REPOSITORY = Path(__file__).resolve().parents[2]
# Names that build statements. `Engine`, `Connection` and `Row` only serve as types of what is passed through.
_STATEMENTS = {"text", "select", "insert", "update", "delete", "func"}
_WRITES = re.compile(r"\b(?:INSERT INTO|UPDATE|DELETE FROM|MERGE INTO) ([a-z_]+)")
# As CONTRIBUTING.md says.
_WRITTEN_BY_SEVERAL = {
    "parts": {"categories.py", "content.py", "imports/bulk.py", "prices.py", "slugs.py"},
    "outbox_events": {"outbox.py", "transaction.py"},
    "outbox_deliveries": {"outbox.py", "transaction.py"},
}


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


def test_each_table_is_written_in_one_file() -> None:
    store = REPOSITORY / "app" / "store"
    writers: dict[str, set[str]] = defaultdict(set)
    for path in store.rglob("*.py"):
        for table in _WRITES.findall(" ".join(path.read_text().split())):
            if table in Base.metadata.tables:
                writers[table].add(str(path.relative_to(store)))
    assert writers["stock_levels"] == {"stock.py"}
    assert {table: files for table, files in writers.items() if len(files) > 1} == _WRITTEN_BY_SEVERAL


def test_the_documents_describe_the_ladder_that_is_checked() -> None:
    contracts = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    ladder = [set(re.findall(r"\w+", storey.replace("app.", ""))) for storey in contracts[0]["layers"]]
    told = (REPOSITORY / "CONTRIBUTING.md").read_text().split("checks it): ")[1].split(".\n")[0]
    assert [set(re.findall(r"`(\w+)`", storey)) for storey in told.split("→")] == ladder
    table = (REPOSITORY / "docs" / "architecture.md").read_text().split("## The ladder")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (`.+?) \|", table, re.MULTILINE)
    listed = [name for row in rows for name in re.findall(r"`(?:app\.)?(\w+)`", row) if name != "wsgi"]
    height = {name: at for at, storey in enumerate(ladder) for name in storey}
    assert sorted(listed) == sorted(height)
    assert [height[name] for name in listed] == sorted(height.values())


def test_every_test_that_the_security_document_names_exists() -> None:
    named = re.findall(r"`([\w/]+\.py)::(\w+)`", (REPOSITORY / "docs" / "security.md").read_text())
    assert len(named) > 100
    gone = [f"{file}::{name}" for file, name in named if f"def {name}(" not in _source(REPOSITORY / "tests" / file)]
    assert gone == []


def test_a_constant_that_limits_is_called_max() -> None:
    """As CONTRIBUTING.md says of names."""
    named = [
        f"{path.relative_to(REPOSITORY)}: {node.id}"
        for place in ("app", "bench", "demo", "devserver", "migrations", "ops", "tests", "workers")
        for path in (REPOSITORY / place).rglob("*.py")
        if not path.is_relative_to(REPOSITORY / "app" / "frontend")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and re.match(r"_?MOST(_|$)", node.id)
    ]
    assert named == []


def _source(path: Path) -> str:
    return path.read_text() if path.is_file() else ""
