"""The rules of the category tree, on trees of any shape."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from app.domain.categories import DEEPEST, Node, Tree, category_slug
from app.domain.errors import DuplicateError, InvalidFieldError


@st.composite
def trees(draw: st.DrawFn) -> dict[int, int | None]:
    """Parents by category; each one's parent came before it."""
    count = draw(st.integers(1, 30))
    back = draw(st.integers(1, 30))
    return {n: draw(st.one_of(st.none(), st.integers(max(1, n - back), n - 1))) if n > 1 else None for n in range(1, count + 1)}


def tree_of(parents: dict[int, int | None]) -> Tree:
    return Tree(Node(n, f"Name {n}", f"slug-{n}", parent) for n, parent in parents.items())


def is_sound(parents: dict[int, int | None]) -> bool:
    """Whether every category reaches the top within the allowed steps."""
    for category_id in parents:
        at: int | None = category_id
        for _ in range(DEEPEST):
            at = None if at is None else parents[at]
        if at is not None:
            return False
    return True


@given(parents=trees(), data=st.data())
def test_a_move_is_allowed_exactly_if_it_leaves_a_tree_that_is_not_too_deep(
    parents: dict[int, int | None], data: st.DataObject
) -> None:
    assume(is_sound(parents))
    moved = data.draw(st.sampled_from(sorted(parents)))
    place = data.draw(st.one_of(st.none(), st.sampled_from(sorted(parents))))
    try:
        tree_of(parents).check_place(place, moved)
        allowed = True
    except InvalidFieldError:
        allowed = False
    assert allowed == is_sound(parents | {moved: place})


@given(parents=trees())
def test_what_is_below_a_category_is_what_has_it_on_its_path(parents: dict[int, int | None]) -> None:
    tree = tree_of(parents)
    for category_id in parents:
        below = sorted(n for n in parents if category_id in [step["id"] for step in tree.path(n)])
        assert sorted(tree.below(category_id)) == below


@pytest.mark.parametrize(
    ("name", "slug"),
    [("Hex bolts", "hex-bolts"), ("100", "category-100"), ("螺丝", "category"), ("3-D", "3-d"), ("--", "category")],
)
def test_a_slug_holds_a_letter(name: str, slug: str) -> None:
    assert category_slug(name) == slug


@pytest.mark.parametrize("name", ["Hex bolts", "hex BOLTS", "Hex  bolts", "Hex\u00a0bolts", "He\u200dx bolts"])
def test_a_name_that_nobody_could_tell_from_one_beside_it_is_taken(name: str) -> None:
    tree = Tree([Node(1, "Hex bolts", "a", None), Node(2, "Nuts", "b", None), Node(3, "Hex bolt", "c", None)])
    for category_id in (None, 3):
        with pytest.raises(DuplicateError, match="'Hex bolts' is taken"):
            tree.check_names(name, None, None, category_id)
    tree.check_names(name, 2, None)
    # It may be spelt anew itself.
    tree.check_names(name, None, None, 1)


def test_two_that_an_earlier_release_has_let_stand_beside_each_other_may_be_changed_otherwise() -> None:
    tree = Tree([Node(1, "Bolts", "a", None), Node(2, "bolts", "b", None), Node(3, "BOLTS", "c", 1)])
    tree.check_names("bolts", None, "d", 2)
    for name, parent_id, category_id in (("bOLTS", None, 2), ("BOLTS", None, 3)):
        with pytest.raises(DuplicateError):
            tree.check_names(name, parent_id, None, category_id)
