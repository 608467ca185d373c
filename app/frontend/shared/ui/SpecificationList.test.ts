import { mount } from "@vue/test-utils";
import { expect, it } from "vitest";
import SpecificationList from "./SpecificationList.vue";

const links = (value: string, unit = "") =>
  mount(SpecificationList, { props: { specifications: [{ name: "Sheet", value, unit, group: "" }], general: "General" } })
    .findAll("a").map((link) => [link.attributes("href"), link.attributes("rel")]);

it.each(["https://files.example/a.pdf?page=2", "https://files.example"])("%s is a link that tells nobody where one comes from", (value) => {
  expect(links(value)).toEqual([[value, "noopener nofollow"]]);
});

it.each(["http://files.example/", "javascript:alert(1)", "https://shop@files.example/", "see https://files.example/", "https://", "https://[", "HTTPS", ""])("%j is text", (value) => {
  expect(links(value)).toEqual([]);
});

it("a measure is no address", () => expect(links("https://files.example/", "mm")).toEqual([]));
