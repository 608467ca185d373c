"""The table of safeguards in docs/guarantees.md is made by a script that takes each out of the sources; it takes long."""

from config import REPOSITORY
from tests.faults.safeguards import BEGIN, END, PAGE, SAFEGUARDS, stale


def test_every_safeguard_can_be_taken_out_of_the_sources_as_they_are() -> None:
    assert stale() == []


def test_what_is_left_of_a_python_file_without_a_safeguard_can_be_compiled() -> None:
    for safeguard in SAFEGUARDS:
        texts: dict[str, str] = {}
        for edit in safeguard.edits:
            text = texts.get(edit.file) or (REPOSITORY / edit.file).read_text()
            texts[edit.file] = text.replace(edit.old, edit.new)
        for file, text in texts.items():
            if file.endswith(".py"):
                compile(text, file, "exec")


def test_the_table_names_every_safeguard() -> None:
    table = PAGE.read_text().partition(BEGIN)[2].partition(END)[0].splitlines()
    assert [row.split(" | ")[0].removeprefix("| ") for row in table[4:] if row] == [one.name for one in SAFEGUARDS]
