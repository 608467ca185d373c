import { mount } from "@vue/test-utils";
import { createPinia, setActivePinia } from "pinia";
import { expect, it, vi } from "vitest";
import CategoryField from "./CategoryField.vue";

it("names what is chosen as soon as the categories are known", async () => {
  setActivePinia(createPinia());
  const items = [{ id: 2, name: "Bearings", slug: "bearings", parent_id: null }, { id: 5, name: "Series 62", slug: "series-62", parent_id: 2 }];
  vi.stubGlobal("fetch", async () => Response.json({ items, next_cursor: null }));
  const field = mount(CategoryField, { attachTo: document.body, props: { label: "Category", modelValue: 5 } });
  await vi.waitFor(() => expect(field.get("input").element.value).toBe("Bearings › Series 62"));
  field.unmount();
  vi.unstubAllGlobals();
});
