import { expect, it } from "vitest";
import { found, MAX_RECENT, remembered } from "./search.ts";

const choices = ["Imports", "New part", "Parts", "Light colours"].map((label) => ({ id: label, label }));
const labels = (typed: string) => found(choices, typed).map(({ label }) => label);

it("each word has to be somewhere, and what begins so comes first", () => {
  expect(labels("part")).toEqual(["Parts", "New part"]);
  expect(labels("PART new")).toEqual(["New part"]);
  expect(labels(" ")).toHaveLength(choices.length);
  expect(labels("belt")).toEqual([]);
});

it("what was chosen lately comes first, once, and not for ever", () => {
  const many = Array.from({ length: 9 }, (_, id) => ({ id: String(id) })).reduce<{ id: string }[]>(remembered, []);
  expect(many.map(({ id }) => id)).toEqual(["8", "7", "6", "5", "4", "3"]);
  expect(many).toHaveLength(MAX_RECENT);
  expect(remembered(many, { id: "5" }).map(({ id }) => id)).toEqual(["5", "8", "7", "6", "4", "3"]);
});
