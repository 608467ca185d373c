"""Hundreds of pages that lose their connection in the same moment, because the web processes die (`bench.pages`)."""

from bench.pages import all_come_back, kill_web
from bench.system import System

PAGES = 400


def test_pages_that_all_come_back_at_once_are_all_served(system: System, many_parts: list[int]) -> None:
    kill_web(system)
    found = all_come_back(system, many_parts, PAGES, processes=1)
    assert sum(page.seconds is not None for page in found) == PAGES
