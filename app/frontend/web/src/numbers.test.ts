import { afterEach, expect, it } from "vitest";
import { asTyped, meant } from "./numbers.ts";

afterEach(() => (document.documentElement.lang = ""));

it.each([
  ["12,5", "12.5"], ["12,5 mm", "12.5 mm"], ["1.234,50", "1234.50"], ["12,500 kg", "12.500 kg"], [",5", ".5"], ["-40,5 °C", "-40.5 °C"],
  ["0.984 in", "0.984 in"], ["M8", "M8"], ["1 1/2\"", "1 1/2\""], ["", ""],
])("a German %j means %j", (typed, said) => {
  document.documentElement.lang = "de-AT";
  expect(meant(typed)).toBe(said);
  document.documentElement.lang = "en";
  expect(meant(typed)).toBe(typed);
});

it.each([["12.5 mm", "12,5 mm"], ["-0.5", "-0,5"], ["12 mm", "12 mm"], ["1.234.567 mm", "1.234.567 mm"], ["M8", "M8"]])("in German %j is typed %j", (text, typed) => {
  document.documentElement.lang = "de";
  expect(asTyped(text)).toBe(typed);
  document.documentElement.lang = "en-GB";
  expect(asTyped(text)).toBe(text);
});
