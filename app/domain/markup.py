"""Which parts of a text are HTML, and which only look like it: `Ioff<Imax`, `vector<int>`, `<info@shop.example>`.

An HTML parser takes every `<` before a letter for the beginning of an element, and a sanitiser then drops what it does not know,
up to the next `>` or to the end of the text. So what is not HTML is told apart here, before any parser sees it. Nothing here
makes a text safe: that is the job of the sanitiser, which comes afterwards.
"""

import html
import re
from collections.abc import Iterator
from typing import NamedTuple

# Every HTML element, including obsolete ones, and the two other languages that may be embedded (WHATWG HTML, index of elements
# and 16.2).
_ELEMENTS = """
    a abbr address area article aside audio b base bdi bdo blockquote body br button canvas caption cite code col colgroup data
    datalist dd del details dfn dialog div dl dt em embed fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6 head header
    hgroup hr html i iframe img input ins kbd label legend li link main map mark math menu meta meter nav noscript object ol
    optgroup option output p picture pre progress q rp rt ruby s samp script search section select selectedcontent slot small
    source span strong style sub summary sup svg table tbody td template textarea tfoot th thead time title tr track u ul var
    video wbr
    acronym applet basefont bgsound big blink center dir font frame frameset image isindex keygen listing marquee menuitem
    multicol nextid nobr noembed noframes param plaintext rb rtc spacer strike tt xmp
"""
ELEMENTS = frozenset(_ELEMENTS.split())
# Their content up to the closing tag is not markup, for a parser with scripting enabled.
_RAW = frozenset(("iframe", "noembed", "noframes", "noscript", "script", "style", "textarea", "title", "xmp"))
# Elements of other languages, never meant as text: everything up to the last closing tag belongs to them.
_FOREIGN = ("svg", "math")
# What a word processor adds to HTML, as in <o:p>.
_WORD_PROCESSOR = re.compile(r"(?:o|v|w|st1):[a-z]+")
# Attributes that may have no value, or one without quotes. Any name may have one in quotes. So `a<b and c>d` has no element.
_FLAGS = """
    allowfullscreen alt async autofocus autoplay checked compact contenteditable controls declare default defer disabled download
    draggable formnovalidate hidden inert ismap itemscope loop multiple muted nohref nomodule noresize noshade novalidate nowrap
    open playsinline popover readonly required reversed selected
"""
_VALUED = """
    abbr accept action align alink allow archive as axis background behavior bgcolor border cellpadding cellspacing char charoff
    charset cite class classid clear code codebase codetype color cols colspan content coords data datetime dir enctype face
    for form formaction frame frameborder headers height high href hreflang hspace http-equiv id is itemid itemprop itemtype kind
    label lang language link list longdesc low marginheight marginwidth max maxlength media method min minlength name object
    optimum pattern ping placeholder poster preload profile prompt rel rev role rows rowspan rules sandbox scheme scope scrolling
    shape size sizes slot span spellcheck src srcdoc srclang srcset standby start step style summary tabindex target text title
    translate type usemap valign value valuetype version vlink vspace width wrap xmlns
"""
_WITHOUT_VALUE = frozenset(_FLAGS.split())
_WITHOUT_QUOTES = _WITHOUT_VALUE | frozenset(_VALUED.split())
_ADDRESSES = frozenset(("href", "src", "action", "formaction", "data", "background", "xlink:href"))
_PREFIXED = re.compile(r"(?:data|aria)-.+|(?:xml|xlink|xmlns):.+|on[a-z]+")

# HTML's white space is these five characters: in `a <b\u00a0c>` the element would be called `b\u00a0c`.
_SPACE = " \\t\\n\\f\\r"
_ATTRIBUTE = rf"""({{}}[^{_SPACE}"'<>/=]++)(?:[{_SPACE}]*+=[{_SPACE}]*+({{}}"[^"]*"|'[^']*'|[^{_SPACE}"'<>][^{_SPACE}<>]*+))?"""
_ATTRIBUTES = re.compile(_ATTRIBUTE.format("", ""))
_TAG = re.compile(rf"<(/?)([A-Za-z][^{_SPACE}/<>]*+)((?:[{_SPACE}/]*+{_ATTRIBUTE.format('?:', '?:')})*+)[{_SPACE}/]*+>")
# Nearly every text has only tags like these, of elements that hold markup: looking at each takes thirty times as long.
_ORDINARY = re.compile(rf"""(?:[^<]++|<(?:/?[A-Za-z0-9]++|[A-Za-z0-9]++(?:[{_SPACE}]++[a-z-]++="[^"<>]*+")*+ ?/?)>)*+""")
_NAMES = re.compile("</?([A-Za-z0-9]+)")
_HOLD_MARKUP = ELEMENTS - _RAW - {*_FOREIGN, "plaintext"}
_COMMENT_END = re.compile("--!?>")
_DECLARATION = re.compile(r"<!doctype\b[^<>]*>|<!\[(?:if [^\]<>]*|endif)\]>", re.IGNORECASE)
# A browser reads a link's scheme without white space and control characters.
_UNREAD = re.compile(r"[\x00-\x20]+")
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):", re.IGNORECASE)


class Markup(NamedTuple):
    """A stretch of a text that is HTML: a tag, together with its element's content if that is not markup itself, or a comment.

    `name` is that of the element that begins there; empty for a closing tag, `!` for a comment or a declaration.
    """

    begin: int
    end: int
    name: str = ""
    attributes: tuple[tuple[str, str], ...] = ()

    def parts(self) -> Iterator[tuple[str, str]]:
        """Yield what it consists of, as kind and name: `element`, `attribute`, `address` (by its scheme) or `comment`."""
        if self.name:
            yield ("comment", "") if self.name == "!" else ("element", self.name)
        for name, value in self.attributes:
            address = _UNREAD.sub("", html.unescape(value.strip("\"'"))) if name in _ADDRESSES else ""
            scheme = _SCHEME.match(address)
            yield ("address", scheme[1].lower()) if scheme else ("attribute", name)


def markup(text: str) -> Iterator[Markup]:
    """Yield the stretches of a text that are HTML, in order; every other `<` is an ordinary character."""
    foreign = _foreign(text)
    # From here on no comment ends: searched for only once, so that a text with many beginnings does not take long.
    unfinished = len(text)
    at = text.find("<")
    while at >= 0:
        found = None
        if text.startswith("<!--", at) and at < unfinished:
            # `<!-->` is a whole comment.
            if end := _COMMENT_END.search(text, at + 2):
                found = Markup(at, end.end(), "!")
            else:
                unfinished = at
        elif declaration := _DECLARATION.match(text, at):
            found = Markup(at, declaration.end(), "!")
        elif tag := _TAG.match(text, at):
            found = _element(text, tag, is_foreign=any(begin <= at < end for begin, end in foreign))
        if found:
            yield found
        at = text.find("<", found.end if found else at + 1)


def escaped(text: str) -> str:
    """Return a text, read as HTML, with each `<` that is not markup as `&lt;`, so that no parser takes it for markup."""
    if _ORDINARY.fullmatch(text) and _HOLD_MARKUP.issuperset(_NAMES.findall(text.lower())):
        return text
    pieces, at = [], 0
    for found in markup(text):
        pieces += [text[at : found.begin].replace("<", "&lt;"), text[found.begin : found.end]]
        at = found.end
    return "".join((*pieces, text[at:].replace("<", "&lt;")))


def _foreign(text: str) -> list[tuple[int, int]]:
    """Return where drawings and formulas are: for each kind, from the first one's start to the last one's end."""
    spans = []
    for name in _FOREIGN:
        begin = re.search(rf"<{name}(?=[{_SPACE}/>])", text, re.IGNORECASE)
        end = text.lower().rfind(f"</{name}")
        if begin and begin.start() < end:
            spans.append((begin.start(), end + len(f"</{name}>")))
    return spans


def _element(text: str, tag: re.Match[str], *, is_foreign: bool) -> Markup | None:
    closing, name = tag[1], tag[2].lower()
    attributes = tuple((key.lower(), value) for key, value in _ATTRIBUTES.findall(tag[3]))
    is_known = name in ELEMENTS or is_foreign or _WORD_PROCESSOR.fullmatch(name)
    if not is_known or (closing and attributes) or not all(is_foreign or _is_attribute(*one) for one in attributes):
        return None
    end = tag.end()
    if name == "plaintext" and not closing:
        end = len(text)
    elif name in _RAW and not closing:
        finish = re.compile(rf"</{name}(?=[{_SPACE}/>])", re.IGNORECASE).search(text, end)
        end = finish.start() if finish else len(text)
    return Markup(tag.start(), end, "" if closing else name, attributes)


def _is_attribute(name: str, value: str) -> bool:
    if value[:1] in {'"', "'"}:
        return True
    known = _WITHOUT_QUOTES if value else _WITHOUT_VALUE
    return name in known or (bool(value) and _PREFIXED.fullmatch(name) is not None)
