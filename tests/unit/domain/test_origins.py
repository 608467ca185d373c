"""Origins are compared in one canonical form, and anything else is refused with a remedy."""

from pathlib import Path

import pytest

from app.domain.origins import Host, is_origin, listed_host, normal_origin, parse_host
from config import SettingsError, load_settings


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("https://shop.example", "https://shop.example"), ("HTTPS://Shop.EXAMPLE", "https://shop.example"),
        ("http://shop.example:80", "http://shop.example"), ("https://shop.example:443", "https://shop.example"),
        ("https://shop.example:80", "https://shop.example:80"), ("https://shop.example.", "https://shop.example"),
        ("http://localhost:5173", "http://localhost:5173"), ("http://[::1]:8000", "http://[::1]:8000"),
        ("http://[0:0::1]:80", "http://[::1]"), ("https://xn--bcher-kva.example", "https://xn--bcher-kva.example"),
        ("http://192.0.2.1:08000", "http://192.0.2.1:8000"),
    ],
)  # fmt: skip
def test_an_origin_has_one_form(text: str, origin: str) -> None:
    assert normal_origin(text) == origin
    assert is_origin(text, frozenset([origin]))


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("*", "name each origin"), ("null", "sandboxed"), ("NULL", "sandboxed"), ("shop.example", "begins with https"),
        ("//shop.example", "begins with https"), ("ws://shop.example", "begins with https"), ("https://shop.example/", "no path"),
        ("https://shop.example/a", "no path"), ("https://shop.example?x", "no path"), ("https://shop.example#x", "no path"),
        ("https://bücher.example", "xn--"), ("https://user@shop.example", "such as"), ("https://shop.example:0", "no port 0"),
        ("https://shop.example:65536", "no port"), ("https://shop.example:", "such as"), ("https://shop .example", "such as"),
        ("https://a.example https://b.example", "such as"), ("https://*.shop.example", "such as"), ("https://", "such as"),
        ("https://shop..example", "such as"), ("https://[::1", "such as"), ("https://shop.example\n", "such as"),
    ],
)  # fmt: skip
def test_what_is_none_is_refused_with_the_remedy_and_by_the_name_of_its_setting(text: str, remedy: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=remedy):
        normal_origin(text)
    assert not is_origin(text, frozenset([text, "https://shop.example"]))
    listed = {"LOCKSTEP_HOME": str(tmp_path), "LOCKSTEP_ALLOWED_ORIGINS": f"https://a.example, {text},https://b.example/b"}
    with pytest.raises(SettingsError) as refused:
        load_settings(listed)
    # White space around an item does not belong to it.
    named = [line for line in str(refused.value).splitlines() if "LOCKSTEP_ALLOWED_ORIGINS" in line]
    assert len(named) == 2 if text == text.strip() else 1


def test_a_list_may_have_spaces_and_a_comma_at_its_end_and_names_nothing_twice(tmp_path: Path) -> None:
    environ = {
        "LOCKSTEP_HOME": str(tmp_path),
        "LOCKSTEP_ALLOWED_ORIGINS": " https://A.example ,http://b.example:80,https://a.example, ",
    }
    assert load_settings(environ).allowed_origins == ("https://a.example", "http://b.example")
    assert load_settings({"LOCKSTEP_HOME": str(tmp_path)}).allowed_origins == ()


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("Shop.EXAMPLE.", Host("shop.example", "")), ("shop.example.:0443", Host("shop.example", ":443")),
        ("shop.example:", Host("shop.example", "")), ("[0:0::1]:80", Host("[::1]", ":80")), ("::FFFF", Host("[::ffff]", "")),
        ("192.0.2.1:8000", Host("192.0.2.1", ":8000")),
        *((text, None) for text in ("", " ", "a b", "<a>", "a_b", ".a", "a..b", "..", "[a]", "[::1].", "[::1", "a:0", "a:65536")),
        *((text, None) for text in ("a\n", "\x00", "ü", "*", "a@b", "a/b", "a:b", "%41")),
    ],
)  # fmt: skip
def test_a_host_has_one_form_and_a_page_can_be_there(text: str, host: Host | None) -> None:
    assert parse_host(text) == host
    if host:
        assert normal_origin(f"http://{host.name}{host.port}").startswith(f"http://{host.name}")


@pytest.mark.parametrize(
    ("text", "listed", "is_served"),
    [
        ("::1", "[::1]", "[0::1]:8000"), ("[::1]:8000", "[::1]", "[::1]"), ("Shop.example.", "shop.example", "SHOP.EXAMPLE:8000"),
        ("Bücher.example", "xn--bcher-kva.example", "xn--bcher-kva.example"), (".a.example", ".a.example", "b.a.example"),
        # As browsers send it today.
        ("straße.example", "xn--strae-oqa.example", "XN--Strae-OQA.example"), (".a.example", ".a.example", "a.example"),
    ],
)  # fmt: skip
def test_a_host_is_listed_in_the_form_of_those_that_are_asked(text: str, listed: str, is_served: str) -> None:
    assert listed_host(text) == listed
    host = parse_host(is_served)
    assert host is not None
    assert host.is_among([listed])
    assert not host.is_among(["other.example", ".example.example"])


@pytest.mark.parametrize("text", ["*", "*.shop.example", "https://shop.example", "shop.example/", ".", "a_b", "[::1", "a b"])
def test_a_setting_that_lists_no_host_is_refused_with_the_remedy(text: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"LOCKSTEP_ALLOWED_HOSTS: .*write the host alone"):
        load_settings({"LOCKSTEP_HOME": str(tmp_path), "LOCKSTEP_ALLOWED_HOSTS": f"shop.example,{text}"})
