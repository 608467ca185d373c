import { mount } from "@vue/test-utils";
import { expect, test } from "vitest";
import { defineComponent, h, shallowRef } from "vue";
import { useJsonLd } from "./useJsonLd.ts";

function scripts(): HTMLScriptElement[] {
  return [...document.head.querySelectorAll<HTMLScriptElement>("script[type='application/ld+json']")];
}

test("the server's description gives way to the page's own, whose addresses begin with the site's origin", () => {
  document.head.innerHTML = '<script id="json-ld" type="application/ld+json">{}</script>';
  const described = shallowRef<object | null>(null);
  const page = mount(defineComponent({ setup: () => (useJsonLd(described), () => h("div")) }));
  described.value = { name: "/a", url: "/parts/1/a", image: ["/media/a.jpg"], offers: { url: "https://elsewhere.example/" } };
  return page.vm.$nextTick().then(() => {
    expect(scripts().map((script) => JSON.parse(script.textContent) as unknown)).toEqual([
      { name: "/a", url: `${location.origin}/parts/1/a`, image: [`${location.origin}/media/a.jpg`], offers: { url: "https://elsewhere.example/" } },
    ]);
    page.unmount();
    expect(scripts()).toEqual([]);
  });
});
