import type { SpecificationFacet } from "@lockstep/shared/types.ts";
import { mount } from "@vue/test-utils";
import { expect, it } from "vitest";
import type { SpecificationFilters as Filters } from "../specifications.ts";
import SpecificationFilters from "./SpecificationFilters.vue";

const values = (count: number) => Array.from({ length: count }, (_, index) => ({ value: String(index + 1), count: index + 1 }));
const bore: SpecificationFacet = { name: "Bore", unit: "mm", kind: "range", values: [{ value: "20", count: 3 }, { value: "25", count: 1 }], min: "6", max: "80" };
const seal: SpecificationFacet = { name: "Seal", unit: "", kind: "values", values: [{ value: "2RS", count: 4 }, { value: "ZZ", count: 2 }], min: null, max: null };

function setUp(specifications: SpecificationFacet[], filters: Filters = {}, errors: Record<string, string[]> = {}) {
  const shown = mount(SpecificationFilters, { props: { specifications, counted: true, filters, errors } });
  const changes = () => (shown.emitted("change") ?? []).flat();
  const boxes = () => shown.findAll<HTMLInputElement>("input[type=checkbox]");
  const labels = () => shown.findAll("label.check").map((label) => label.text());
  return { shown, changes, boxes, labels };
}

it("values have their counts and are chosen with their unit; what is chosen can be left again", async () => {
  const { shown, changes, boxes, labels } = setUp([bore], { "spec.Bore": ["25 mm"] });
  expect(labels()).toEqual(["20 mm (3)", "25 mm (1)"]);
  await boxes()[0]?.setValue(true);
  await boxes()[1]?.setValue(false);
  expect(changes()).toEqual([{ "spec.Bore": ["25 mm", "20 mm"] }, {}]);
  expect(shown.get("summary").text()).toContain("1 chosen");
});

it("a number is meant in the field's unit, and any other unit is left as it was typed", async () => {
  const { shown, changes } = setUp([bore]);
  const [low, high] = shown.findAll<HTMLInputElement>(".range input");
  expect([low?.element.placeholder, high?.element.placeholder]).toEqual(["6 mm", "80 mm"]);
  await low?.setValue("20");
  expect([low?.element.value, changes()]).toEqual(["20 mm", [{ "spec.Bore.min": ["20 mm"] }]]);
  await high?.setValue("0.984 in");
  expect(changes()[1]).toEqual({ "spec.Bore.min": ["20 mm"], "spec.Bore.max": ["0.984 in"] });
});

it("what is wrong with a range is said at its field, and what was typed stays", async () => {
  const { shown } = setUp([bore], { "spec.Bore.min": ["5 furlongs"] }, { "spec.Bore.min": ["There is no unit furlongs here."] });
  const [low, high] = shown.findAll<HTMLInputElement>(".range input");
  const message = shown.get(`#${low?.attributes("aria-describedby")}`);
  expect([message.text(), low?.element.value, low?.attributes("aria-invalid"), high?.attributes("aria-invalid")]).toEqual([
    "There is no unit furlongs here.", "5 furlongs", "true", "false",
  ]);
});

it("the first three that tell the parts apart are open at first, and those that are filtered by", () => {
  const same: SpecificationFacet = { ...seal, values: [{ value: "2RS", count: 4 }] };
  const names = ["A", "B", "C", "D", "E"].map((name) => ({ ...(name === "A" ? same : seal), name }));
  const { shown } = setUp([...names, { ...bore, name: "F", values: [], min: "6", max: "6" }], { "spec.F.min": ["6 mm"] });
  expect(shown.findAll("details").filter((one) => one.element.open).map((one) => one.attributes("data-name"))).toEqual(["B", "C", "D", "F"]);
});

it("what is being typed stays while counts and ranges change around it", async () => {
  const { shown } = setUp([bore]);
  const low = shown.get<HTMLInputElement>(".range input");
  low.element.value = "1";
  await low.trigger("input");
  await shown.setProps({ specifications: [{ ...bore, min: "8", values: [] }] });
  expect([low.element.value, low.element.placeholder]).toEqual(["1", "8 mm"]);
});

it("more than eight values wait to be asked for, with those that are chosen among the shown ones", async () => {
  const { shown, labels } = setUp([{ ...seal, values: values(12) }], { "spec.Seal": ["11"] });
  expect(labels()).toHaveLength(9);
  expect(labels().at(-1)).toBe("11 (11)");
  const more = shown.get("button");
  expect([more.text(), more.attributes("aria-expanded")]).toEqual(["Show all 12", "false"]);
  await more.trigger("click");
  expect(labels()).toHaveLength(12);
  expect(shown.find("input[type=search]").exists()).toBe(false);
});

it("among more than twenty values one can search", async () => {
  const { shown, labels } = setUp([{ ...seal, values: values(30) }]);
  const field = shown.get("input[type=search]");
  await field.setValue("2");
  expect(labels().map((label) => label.split(" ")[0])).toEqual(["2", "12", "20", "21", "22", "23", "24", "25", "26", "27", "28", "29"]);
  await field.setValue("no such value");
  expect(shown.get("[role=status]").text()).not.toBe("");
});

it("a box that was ticked stays when it is left, though no part has that value any more", async () => {
  const { shown, labels, boxes } = setUp([seal], { "spec.Seal": ["open"] });
  expect(labels()).toEqual(["2RS (4)", "ZZ (2)", "open (0)"]);
  const box = boxes()[2]?.element;
  await shown.setProps({ filters: {} });
  expect([labels().length, boxes()[2]?.element === box, boxes()[2]?.element.disabled]).toEqual([3, true, false]);
});

it("counts that are not those of these filters are not shown", async () => {
  const { shown, labels } = setUp([seal]);
  await shown.setProps({ counted: false });
  expect(labels()).toEqual(["2RS", "ZZ"]);
});
