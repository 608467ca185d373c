"""What buyers say for what the catalog says: the shop's own words, added and removed."""

from app.contract.events import Actor
from app.domain.content import normalised
from app.domain.errors import InvalidFieldError
from app.store import synonyms as rows
from app.store.transaction import TransactionManager, UnitOfWork


def add_synonym(transactions: TransactionManager, actor: Actor, term: str, means: str, *, one_way: bool = False) -> int:
    """Let searches for `term` find `means` as well, and the other way round unless `one_way`; return how many rows are new.

    Raises:
        InvalidFieldError: if both are the same to a search, or one is nothing.
    """
    term, means = normalised(term), normalised(means)

    def work(unit_of_work: UnitOfWork) -> int:
        if rows.say_the_same(unit_of_work.connection, term, means):
            raise InvalidFieldError("means", "is the same as the term to every search already, or nothing at all")
        return sum(rows.insert(unit_of_work, *pair) for pair in _pairs(term, means, one_way=one_way))

    return transactions.run(actor, work)


def remove_synonym(transactions: TransactionManager, actor: Actor, term: str, means: str, *, one_way: bool = False) -> int:
    """Take a synonym back, both ways unless `one_way`; return how many rows are gone."""
    pairs = _pairs(term, means, one_way=one_way)
    return transactions.run(actor, lambda unit_of_work: sum(rows.delete(unit_of_work, *pair) for pair in pairs))


def _pairs(term: str, means: str, *, one_way: bool) -> list[tuple[str, str]]:
    return [(term, means)] if one_way else [(term, means), (means, term)]
