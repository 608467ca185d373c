import { expect, it } from "vitest";
import { plain } from "./plain.ts";

it.each([
  ["5 < 6 &amp; 7\n kN", "5 < 6 &amp; 7 kN"],
  ["<p>For <b>lath</b>es</p><ul><li>M8</li><li>up&nbsp;to 5 &lt; 6</li></ul>a<br>b", "For lathes M8 up to 5 < 6 a b"],
  ["", ""],
])("of %j says %j", (text, said) => {
  expect(plain(text)).toBe(said);
});
