import { mount } from "@vue/test-utils";
import { expect, test } from "vitest";
import PartPicture from "./PartPicture.vue";

const image = {
  id: 1, url: "/media/a.jpg", alt: "A bearing", width: 900, height: 600,
  srcset: [{ width: 160, url: "/media/a-160.webp" }, { width: 900, url: "/media/a-900.webp" }],
};

test("a picture offers its sizes, so that the browser takes no more than it shows", () => {
  const img = mount(PartPicture, { props: { image, category: null, sizes: "5rem" } }).find("img");
  expect(img.attributes("srcset")).toBe("/media/a-160.webp 160w, /media/a-900.webp 900w");
  expect(img.attributes("sizes")).toBe("5rem");
  expect(img.attributes("src")).toBe("/media/a.jpg");
  expect(img.attributes("alt")).toBe("A bearing");
});

test("a picture that cannot be loaded gives way to the drawing, and the next one gets its chance", async () => {
  const shown = mount(PartPicture, { props: { image, category: null, sizes: "5rem" } });
  await shown.find("img").trigger("error");
  expect(shown.find("img").exists()).toBe(false);
  await shown.setProps({ image: { ...image, url: "/media/b.jpg" } });
  expect(shown.find("img").attributes("src")).toBe("/media/b.jpg");
});
