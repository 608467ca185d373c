import { afterEach, expect, it, vi } from "vitest";
import { copyText } from "./clipboard.ts";

afterEach(() => vi.unstubAllGlobals());

it("says whether a text was copied, also where there is no clipboard", async () => {
  const writeText = vi.fn(() => Promise.resolve());
  vi.stubGlobal("navigator", { clipboard: { writeText } });
  expect(await copyText("LS-1")).toBe(true);
  expect(writeText).toHaveBeenCalledWith("LS-1");
  writeText.mockRejectedValue(new Error("not allowed"));
  expect(await copyText("LS-1")).toBe(false);
  vi.stubGlobal("navigator", {});
  expect(await copyText("LS-1")).toBe(false);
});
