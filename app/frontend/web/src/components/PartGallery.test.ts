import { mount } from "@vue/test-utils";
import { expect, it } from "vitest";
import PartGallery from "./PartGallery.vue";

const image = (id: number, file = `${id}`) => ({ id, url: `/media/${file}.jpg`, alt: `Picture ${id}`, width: 9, height: 6, srcset: [] });
const shownIn = (gallery: ReturnType<typeof mount>) => gallery.get(".main img").attributes("alt");

it("the picture that somebody looks at stays when others are moved, added or taken away", async () => {
  const gallery = mount(PartGallery, { props: { images: [image(1), image(2), image(3)], category: null } });
  expect(shownIn(gallery)).toBe("Picture 1");
  await gallery.get("[aria-label='Show picture 2 of 3']").trigger("click");
  await gallery.setProps({ images: [image(4), image(3), image(2)] });
  expect(shownIn(gallery)).toBe("Picture 2");
  expect(gallery.get("[aria-pressed=true]").attributes("aria-label")).toBe("Show picture 3 of 3");
  await gallery.setProps({ images: [image(4), image(3)] });
  expect(shownIn(gallery)).toBe("Picture 4");
});

it("one picture needs no choice, and none leaves a drawing", async () => {
  const gallery = mount(PartGallery, { props: { images: [image(1)], category: null } });
  expect(gallery.findAll(".thumb")).toHaveLength(0);
  await gallery.setProps({ images: [] });
  expect([gallery.find("img").exists(), gallery.find(".picture svg").exists(), gallery.find("button").exists()]).toEqual([false, true, false]);
});
