/** Descriptions without the editor: what is HTML, how it reads, and a copy with nothing in it that could run or load anything. */
const ELEMENTS = new Set("p br strong b em i u sub sup ul ol li h3 h4 a code pre blockquote hr table thead tbody tr th td".split(" "));
const SCHEMES = ["http", "https", "mailto"];

/** Whether a link may lead there: the API drops every other one. */
export function isAllowed(url: string): boolean {
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec([...url].filter((character) => character > " ").join(""))?.[1]?.toLowerCase();
  return scheme === undefined || SCHEMES.includes(scheme);
}

/** The server's own rule: a text without a tag is not HTML, and `&amp;` in it is literal. */
export function isHtml(text: string): boolean {
  return /<[a-z/!?]/i.test(text);
}

/**
 * What is typed has not been at the server yet, so the preview shows a copy that is built anew, of the elements that the API lets
 * through (app/services/rich_text.py) and a link's address, and of nothing else.
 */
export function safeHtml(text: string): string {
  if (!isHtml(text)) return text;
  // Parsed without a window: nothing in it runs or loads.
  const parsed = new DOMParser().parseFromString(text, "text/html");
  const made = document.implementation.createHTMLDocument("");
  made.body.append(...copies(parsed.body, made));
  return made.body.innerHTML;
}

function copies(from: Element, document: Document): Node[] {
  return [...from.childNodes].flatMap((node): Node[] => {
    if (node.nodeType === 3) return [document.createTextNode(node.textContent ?? "")];
    if (node.nodeType !== 1) return [];
    const element = node as Element;
    const name = element.localName;
    if (["script", "style", "svg", "math", "template"].includes(name)) return [];
    const inside = copies(element, document);
    if (!ELEMENTS.has(name)) return inside;
    const copy = document.createElement(name);
    const kept = name === "a" ? ["href"] : name === "td" || name === "th" ? ["colspan", "rowspan"] : [];
    for (const attribute of kept) {
      const value = element.getAttribute(attribute);
      if (value !== null && (attribute !== "href" || isAllowed(value))) copy.setAttribute(attribute, value);
    }
    copy.append(...inside);
    return [copy];
  });
}

/** A description as people read it, for comparing: blocks are lines. */
export function asText(text: string): string {
  if (!isHtml(text)) return text;
  const spaced = text.replace(/<(?:br|\/(?:p|li|h3|h4|tr|blockquote|pre))\b[^>]*>/gi, "$&\n").replace(/<\/t[dh]>/gi, "$&\t");
  return (new DOMParser().parseFromString(spaced, "text/html").body.textContent ?? "").replace(/\n{2,}/g, "\n").trim();
}
