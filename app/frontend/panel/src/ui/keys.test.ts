import { expect, it } from "vitest";
import { letterOf } from "./keys.ts";

it("a letter is known on keyboards of any script, and under Caps Lock", () => {
  expect(["z", "Z"].map((key) => letterOf({ key, code: "KeyZ" }))).toEqual(["z", "z"]);
  // Russian, Greek, Hebrew, Arabic; Polish with AltGr.
  expect(["я", "ζ", "ז", "ئ", "ż"].map((key) => letterOf({ key, code: "KeyZ" }))).toEqual(["z", "z", "z", "z", "z"]);
});

it("the letter counts and not its place where there is one, and other keys stay what they are", () => {
  expect(letterOf({ key: "z", code: "KeyY" })).toBe("z");
  expect(letterOf({ key: "ü", code: "BracketLeft" })).toBe("ü");
  expect(letterOf({ key: "é", code: "Digit2" })).toBe("é");
  expect(letterOf({ key: "Enter", code: "Enter" })).toBe("enter");
  expect(letterOf({ key: "Dead", code: "KeyE" })).toBe("dead");
});
