"""A later release than this one: a copy of the sources with small edits, each of which fails loudly when it no longer applies."""

import shutil
from pathlib import Path

from config import REPOSITORY

# What a host runs.
_SOURCES = ("app", "devserver", "migrations", "workers", "celeryconfig.py", "config.py", "flowerconfig.py", "wsgi.py", "Procfile")
_MIGRATION = '''"""What the later release needs.

Revision ID: later
Revises: {head}
"""

from alembic import op

from migrations.steps import build_index

revision = "later"
down_revision = "{head}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute("ALTER TABLE parts ADD COLUMN IF NOT EXISTS colour text")
        build_index("ix_parts_colour", "parts (colour)")


def downgrade() -> None:
    raise NotImplementedError
'''


def edit(sources: Path, file: str, old: str, new: str) -> None:
    """Replace one piece of a file.

    Raises:
        ValueError: unless it is there exactly once.
    """
    path = sources / file
    text = path.read_text()
    if text.count(old) != 1:
        raise ValueError(f"{file} has {old!r} {text.count(old)} times; what the later release differs in has to be written anew")
    path.write_text(text.replace(old, new))


def later_release(sources: Path, head: str) -> None:
    """Make a later release in the directory `sources`.

    It writes events of stock in a format that this release does not know; events with a field, and messages to pages with a
    number, of which this one knows nothing; and a new category as an event of a new type. Its migration follows `head`.
    """
    sources.mkdir()
    for name in _SOURCES:
        if (REPOSITORY / name).is_dir():
            shutil.copytree(REPOSITORY / name, sources / name, ignore=shutil.ignore_patterns("__pycache__", "frontend"))
        else:
            shutil.copy(REPOSITORY / name, sources / name)
    (sources / "app" / "frontend").mkdir()
    (sources / "app" / "frontend" / "dist").symlink_to(REPOSITORY / "app" / "frontend" / "dist")
    payload = "app/store/payload.py"
    edit(
        sources,
        payload,
        '"format": FORMAT,',
        '"format": 99 if event.aspect == "stock" else FORMAT,\n        "channel": "counter",',
    )
    edit(sources, payload, "> FORMAT:", "> 99:")
    edit(sources, "app/sync/publisher.py", '"version": newest.version,', '"version": newest.version,\n            "format": 2,')
    edit(sources, "app/contract/events.py", '= "category.created"', '= "category.opened"')
    (sources / "migrations" / "versions" / "later.py").write_text(_MIGRATION.format(head=head))


def change_layout(sources: Path) -> None:
    """Make it a release that calls the keys of the cache by other names."""
    edit(sources, "app/contract/cache_keys.py", 'LAYOUT = "', 'LAYOUT = "later-')
    edit(sources, "app/contract/cache_keys.py", 'return f"part:{part_id}"', 'return f"part:{part_id}:body"')
    edit(sources, "app/contract/cache_keys.py", '    "": Aspect.CONTENT,', '    "body": Aspect.CONTENT,')
