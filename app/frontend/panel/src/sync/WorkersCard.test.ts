import { mount } from "@vue/test-utils";
import { expect, it } from "vitest";
import type { Status } from "./figures.ts";
import WorkersCard from "./WorkersCard.vue";

function link(flower: string | null) {
  const card = mount(WorkersCard, { props: { status: { workers: [], beat_last_tick_seconds: 1, flower } as unknown as Status } });
  return { href: card.find("[data-testid=flower]").exists() ? card.get("[data-testid=flower]").attributes("href") : null, text: card.text() };
}

it("leads to Flower where it opens, and says who can open it", () => {
  expect(link("/flower/")).toMatchObject({ href: "/flower/", text: expect.stringContaining("Only administrators") });
  expect(link("http://127.0.0.1:5555/")).toMatchObject({ href: "http://127.0.0.1:5555/", text: expect.stringContaining("tunnel") });
  expect(link(null).href).toBeNull();
});
