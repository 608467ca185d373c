import { mount } from "@vue/test-utils";
import { expect, test } from "vitest";
import RichText from "./RichText.vue";

test("a plain text is shown as it was typed, entities and all", () => {
  const text = "5 < 6 & 7 &amp; 8\nsecond line";
  const shown = mount(RichText, { props: { text, label: "Description" } });
  expect(shown.text()).toBe(text);
  expect(shown.element.tagName).toBe("P");
});

test("what only looked like a tag is shown as it was typed", () => {
  const shown = mount(RichText, { props: { text: "<p>Leakage Ioff&lt;Imax<br>\nvector&lt;int&gt; &amp;lt; x</p>", label: "Description" } });
  expect(shown.element.textContent).toBe("Leakage Ioff<Imax\nvector<int> &lt; x");
});

test("a rich text is shown with its elements", () => {
  const shown = mount(RichText, { props: { text: "<p>For <strong>high</strong> loads</p><ul><li>one</li></ul>", label: "Description" } });
  expect(shown.find("strong").text()).toBe("high");
  expect(shown.findAll("li")).toHaveLength(1);
});
