import { mount } from "@vue/test-utils";
import { expect, it } from "vitest";
import { nextTick } from "vue";
import ConfirmDialog from "./ConfirmDialog.vue";

it("does not close by being confirmed: whoever asked does that, once the answer is there", async () => {
  const said: string[] = [];
  const dialog = mount(ConfirmDialog, {
    attachTo: document.body,
    props: { open: true, title: "Delete it?", action: "Delete", onConfirm: () => said.push("confirm"), onCancel: () => said.push("cancel") },
  });
  await nextTick();
  document.querySelector<HTMLButtonElement>("[data-testid=confirm]")?.click();
  expect(said).toEqual(["confirm"]);
  dialog.unmount();
});
