import { expect, test } from "vitest";
import { keepTyped } from "./takeover.ts";

const FORM = '<form><input type="search" name="q" value=""><input type="checkbox" name="in_stock" value="true"><a href="/parts/1/a">A</a></form>';

function page(): HTMLElement {
  const root = document.createElement("div");
  root.innerHTML = FORM;
  document.body.replaceChildren(root);
  return root;
}

function field(root: HTMLElement): HTMLInputElement {
  const found = root.querySelector<HTMLInputElement>("[name=q]");
  if (!found) throw new Error("There is no field.");
  return found;
}

test("what was typed before the application was there is typed into its field", () => {
  const root = page();
  field(root).value = "bear";
  field(root).focus();
  const restore = keepTyped(root);
  root.innerHTML = FORM;
  const heard: string[] = [];
  field(root).addEventListener("input", (event) => heard.push((event.target as HTMLInputElement).value));
  restore();
  expect(heard).toEqual(["bear"]);
  expect(document.activeElement).toBe(field(root));
});

test("a link that had the focus has it again, and a field that nobody touched hears nothing", () => {
  const root = page();
  root.querySelector("a")?.focus();
  const restore = keepTyped(root);
  root.innerHTML = FORM;
  let heard = 0;
  field(root).addEventListener("input", () => (heard += 1));
  restore();
  expect(heard).toBe(0);
  expect(document.activeElement).toBe(root.querySelector("a"));
});

test("of two fields of one name, each keeps its own", () => {
  const root = page();
  const twice = FORM + FORM;
  root.innerHTML = twice;
  const second = (): HTMLInputElement => root.querySelectorAll<HTMLInputElement>("[name=q]")[1] as HTMLInputElement;
  second().value = "belt";
  second().focus();
  const restore = keepTyped(root);
  root.innerHTML = twice;
  restore();
  expect([field(root).value, second().value]).toEqual(["", "belt"]);
  expect(document.activeElement).toBe(second());
});
