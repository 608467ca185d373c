import { expect, it } from "vitest";
import { asText, isAllowed, safeHtml } from "./safeHtml.ts";
import { cleanPaste, toHtml } from "./richText.ts";

it("keeps the elements that the API lets through, and nothing that could run", () => {
  expect(safeHtml(`<p onclick="x()">a <b>b</b><img src=x onerror="x()"><script>x()</script></p><table><tbody><tr><td colspan="2" style="x">c</td></tr></tbody></table>`)).toBe(
    `<p>a <b>b</b></p><table><tbody><tr><td colspan="2">c</td></tr></tbody></table>`,
  );
  expect(safeHtml(`<a href="java\nscript:alert(1)">x</a><a href="https://a.example">y</a>`)).toBe(`<a>x</a><a href="https://a.example">y</a>`);
  expect(safeHtml("5 < 6 & 7 &amp; 8")).toBe("5 < 6 & 7 &amp; 8");
});

it("knows which addresses a link may have", () => {
  expect(["https://a.example", "mailto:a@b.example", "/parts/7"].every(isAllowed)).toBe(true);
  expect(["javascript:alert(1)", " JavaScript:alert(1)", "data:text/html,x"].some(isAllowed)).toBe(false);
});

it("reads a description as lines", () => {
  expect(asText("<p>One</p><ul><li>two</li><li>three &amp; four</li></ul>")).toBe("One\ntwo\nthree & four");
});

it("shows a plain text in the editor as it was typed", () => {
  expect(toHtml("5 < 6 &amp; 7\nnext\n\nlast")).toBe("<p>5 &lt; 6 &amp;amp; 7<br>next</p><p>last</p>");
});

it("cleans what a word processor puts on the clipboard", () => {
  const word = `<!--StartFragment--><style>p{}</style><h1 class="MsoTitle">Title</h1><p class="MsoNormal">Text<o:p></o:p></p>`;
  expect(cleanPaste(word)).toBe(`<h3>Title</h3><p class="MsoNormal">Text</p>`);
});
