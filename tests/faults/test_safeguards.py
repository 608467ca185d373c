"""The table of safeguards in docs/guarantees.md is made by a script that takes each out of the sources; it takes long."""

from tests.faults.safeguards import BEGIN, END, PAGE, SAFEGUARDS, stale


def test_every_safeguard_can_be_taken_out_of_the_sources_as_they_are() -> None:
    assert stale() == []


def test_the_table_names_every_safeguard() -> None:
    table = PAGE.read_text().partition(BEGIN)[2].partition(END)[0].splitlines()
    assert [row.split(" | ")[0].removeprefix("| ") for row in table[4:] if row] == [one.name for one in SAFEGUARDS]
