import { flushPromises, mount } from "@vue/test-utils";
import { expect, it } from "vitest";
import { defineComponent, h, onMounted, useTemplateRef } from "vue";
import ModalDialog from "./ModalDialog.vue";

/** As the log-in form does. */
const Eager = defineComponent(() => {
  const field = useTemplateRef<HTMLInputElement>("field");
  onMounted(() => field.value?.focus());
  return () => h("input", { ref: "field" });
});

it("gives the focus back to where it was, even if its content takes the focus as soon as it is there", async () => {
  const cell = document.createElement("input");
  document.body.append(cell);
  cell.focus();
  const dialog = mount(ModalDialog, { attachTo: document.body, props: { open: true, title: "Log in again", description: "Your session has ended." }, slots: { default: () => h(Eager) } });
  await flushPromises();
  expect(document.activeElement).not.toBe(cell);
  dialog.unmount();
  await new Promise((resolve) => setTimeout(resolve));
  expect(document.activeElement).toBe(cell);
  cell.remove();
});
