import { mount } from "@vue/test-utils";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import SearchField from "./SearchField.vue";

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

function setUp(value = "") {
  const shown = mount(SearchField, { props: { value, label: "Search", placeholder: "", clearLabel: "Clear" } });
  const input = shown.get("input");
  const type = async (text: string) => {
    await input.setValue(text);
    await vi.advanceTimersByTimeAsync(300);
    const last = shown.emitted<[string, boolean]>("search")?.at(-1);
    if (last) await shown.setProps({ value: last[0] });
  };
  return { shown, input, type, told: () => shown.emitted("search") ?? [] };
}

it("typing on continues a search; Enter or leaving the field ends it", async () => {
  const { input, type, told, shown } = setUp();
  await type("be");
  await type("bear");
  expect(told()).toEqual([["be", false], ["bear", true]]);
  await input.trigger("blur");
  await type("belt");
  expect(told().at(-1)).toEqual(["belt", false]);
  shown.vm.finish();
  await type("");
  expect(told().at(-1)).toEqual(["", false]);
});

it("after a step back what is typed next is another search", async () => {
  const { input, type, told, shown } = setUp();
  await type("bear");
  await shown.setProps({ value: "" });
  expect(input.element.value).toBe("");
  await type("belt");
  expect(told().at(-1)).toEqual(["belt", false]);
});

it("the text is the typist's: what is answered while they type on does not overwrite it", async () => {
  const { input, shown } = setUp();
  await input.setValue("bear");
  await vi.advanceTimersByTimeAsync(300);
  await input.setValue("bearing ");
  await shown.setProps({ value: "bear" });
  expect(input.element.value).toBe("bearing ");
});
