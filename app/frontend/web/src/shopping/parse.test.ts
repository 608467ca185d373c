import { expect, it } from "vitest";
import { parseList } from "./parse.ts";
import { quantityOf } from "./quantity.ts";

const read = (text: string): string[] => parseList(text).lines.map(({ asked, quantity }) => `${quantity} of ${asked}`);

it.each([
  ["6204-2RS\t3", "3 of 6204-2RS"],
  ["3\t6204-2RS", "3 of 6204-2RS"],
  ["6204-2RS, 3", "3 of 6204-2RS"],
  ["6204-2RS;3", "3 of 6204-2RS"],
  ["6204-2RS\tBall bearing, sealed\t3", "3 of 6204-2RS"],
  ["3x 6204-2RS", "3 of 6204-2RS"],
  ["3 x 6204-2RS", "3 of 6204-2RS"],
  ["3 × 6204-2RS", "3 of 6204-2RS"],
  ["6204-2RS x3", "3 of 6204-2RS"],
  ["6204-2RS x 3", "3 of 6204-2RS"],
  ["6204-2RS 3 pcs", "3 of 6204-2RS"],
  ["6204-2RS (3 pcs.)", "3 of 6204-2RS"],
  ["3 pcs 6204-2RS", "3 of 6204-2RS"],
  ["3 Stk. 6204-2RS", "3 of 6204-2RS"],
  ["6204-2RS 3 Stück", "3 of 6204-2RS"],
  ["6204-2RS: 3", "3 of 6204-2RS"],
  ["6204-2RS qty 3", "3 of 6204-2RS"],
  ["6204-2RS, qty: 3", "3 of 6204-2RS"],
  ["6204-2RS 3", "3 of 6204-2RS"],
  ["3 6204-2RS", "3 of 6204-2RS"],
  ["6204 3", "3 of 6204"],
  ["3 6204", "3 of 6204"],
  ["6204-2RS - 3 pcs", "3 of 6204-2RS"],
  ["6204-2RS – 3 Stück", "3 of 6204-2RS"],
  ["6204-2RS - 3", "3 of 6204-2RS"],
  ["6204-2RS / 3", "3 of 6204-2RS"],
  ["6204-2RS => 3", "3 of 6204-2RS"],
  ["6204-2RS: 3 pcs", "3 of 6204-2RS"],
  ["6204-2RS x 3 pcs", "3 of 6204-2RS"],
  ["6204-2RS (3)", "3 of 6204-2RS"],
  ["6204-2RS (qty 3)", "3 of 6204-2RS"],
  ["6204-2RS qty=3", "3 of 6204-2RS"],
  ["3x6204-2RS", "3 of 6204-2RS"],
  ["3xHM8x40-A2", "3 of HM8x40-A2"],
  ["3 of 6204-2RS", "3 of 6204-2RS"],
  ["3 Stück von 6204-2RS", "3 of 6204-2RS"],
  ["6204-2RS 3 Stück je 2,50 €", "3 of 6204-2RS"],
  ["Menge: 3 6204-2RS", "3 of 6204-2RS"],
  ["Artikel: 6204-2RS, Menge: 3", "3 of 6204-2RS"],
  ["Part no. 6204-2RS qty 3", "3 of 6204-2RS"],
  ["1.) 6204-2RS - 3 pcs", "3 of 6204-2RS"],
  ["* 3 x 6204-2RS", "3 of 6204-2RS"],
  ["6204-2RS | 3", "3 of 6204-2RS"],
  ["| 6204-2RS | 3 |", "3 of 6204-2RS"],
  ["6204-2RS 1.000 Stück", "1000 of 6204-2RS"],
  ["1.000 Stück 6204-2RS", "1000 of 6204-2RS"],
  ["- 1,000 x 6204-2RS", "1000 of 6204-2RS"],
  ["6204-2RS x 1,000", "1000 of 6204-2RS"],
  ["6204-2RS, 1,000", "1000 of 6204-2RS"],
  ["608,100", "100 of 608"],
  ["DIN 912,100 pcs", "100 of DIN 912"],
  ["ISO 4014 M8x40 - 3", "3 of ISO 4014 M8x40"],
  ["1;6204-2RS;3", "3 of 6204-2RS"],
  ["6204-2RS", "1 of 6204-2RS"],
  ["> - 6204-2RS\t1,000", "1000 of 6204-2RS"],
  ["6204-2RS;1.000", "1000 of 6204-2RS"],
  ["6204-2RS\t3.0", "3 of 6204-2RS"],
  ["DIN 912", "1 of DIN 912"],
  ["DIN 912 M6x20", "1 of DIN 912 M6x20"],
  ["Bolt M8 x 40", "1 of Bolt M8 x 40"],
  ["Ring 20 x 30", "1 of Ring 20 x 30"],
  ["20x47x14", "1 of 20x47x14"],
  ["20x1000 mm rod", "1 of 20x1000 mm rod"],
  ["Ring 20 - 30", "1 of Ring 20 - 30"],
  ["Bolt M8 x 40 pcs", "1 of Bolt M8 x 40 pcs"],
  ["Bearing, sealed", "1 of Bearing, sealed"],
  ['1/4" hose\t2', '2 of 1/4" hose'],
  ["\u200b6204-2RS\u00a0\t 3 ", "3 of 6204-2RS"],
  ['="00123";4', "4 of 00123"],
])("%j is %s", (text, said) => expect(read(text)).toEqual([said]));

it("a header names the columns, whatever stands between them", () => {
  expect(read("Pos;Menge;Artikelnummer;Text\n1;10;A-1;7 mm\n2;;A-2;\n")).toEqual(["10 of A-1", "1 of A-2"]);
  expect(read('"Part number","Description","Qty"\n"A ""1""","Bolt, M8","1,200"\r\nB,"two\nlines",3')).toEqual(['1200 of A "1"', "3 of B"]);
});

it("a header is found under many names and after what an e-mail says first, and no position or name is taken for a number", () => {
  expect(read("Pos.\tArt.-Nr.\tBezeichnung\tMenge\tME\tPreis\n10\tA-1\tLager 20x47\t1.000\tSt\t2,50\n20\tB-2\tLager\t5\tSt\t1,00")).toEqual(["1000 of A-1", "5 of B-2"]);
  expect(read("Item\tPart Number\tQty. (pcs)\n1\tA-1\t10")).toEqual(["10 of A-1"]);
  expect(read("Artikel;Artikelnummer;Bestellmenge\nLager;A-1;10")).toEqual(["10 of A-1"]);
  expect(read("We need:\n| SKU | Qty |\n|---|---|\n| A-1 | 10 |\nB-2 - 3 pcs")).toEqual(["1 of We need:", "10 of A-1", "3 of B-2"]);
});

it("a first column that counts the rows is no quantity", () => {
  expect(read("10\tA-1\t3\n20\tB-2\t4\n30\tC-3\t5")).toEqual(["3 of A-1", "4 of B-2", "5 of C-3"]);
  expect(read("1;A-1;3 pcs\n2;B-2;4 pcs")).toEqual(["3 of A-1", "4 of B-2"]);
  expect(read("1;A-1;3.50\n2;B-2;4.00")).toEqual(["1 of A-1", "2 of B-2"]);
  expect(read("10;A-1;Bearing")).toEqual(["10 of A-1"]);
});

it("of two bare numbers in a line the part stands where it does in the other lines, or where they are larger", () => {
  expect(read("608 12")).toEqual(["12 of 608"]);
  expect(read("12 608")).toEqual(["12 of 608"]);
  expect(read("608 1000\n6204-2RS 3")).toEqual(["1000 of 608", "3 of 6204-2RS"]);
  expect(read("1000 608\n3 6204-2RS")).toEqual(["1000 of 608", "3 of 6204-2RS"]);
  expect(read("608 700\n6204 12\n6205 3")).toEqual(["700 of 608", "12 of 6204", "3 of 6205"]);
  expect(read("DIN 912\n608 12")).toEqual(["1 of DIN 912", "12 of 608"]);
});

it("of two columns of numbers the larger ones are the parts", () => {
  expect(read("3\t6204\n10\t608")).toEqual(["3 of 6204", "10 of 608"]);
  expect(read("6204\t3\n608\t10")).toEqual(["3 of 6204", "10 of 608"]);
});

it("lines of an e-mail may each be written in another way", () => {
  expect(read("Please send:\n\n 3x A-1\n• B-2, 5\nC-3 10 pcs\n---\n")).toEqual(["1 of Please send:", "3 of A-1", "5 of B-2", "10 of C-3"]);
});

it("nothing is ordered none times, nor of more than there can be", () => {
  expect(parseList("A\t0\nB\t2")).toEqual({ lines: [{ asked: "B", quantity: 2 }], skipped: 1 });
  expect(quantityOf("2147483648")).toBeNull();
  expect(quantityOf("2.5")).toBeNull();
  expect(quantityOf("-3")).toBeNull();
  expect(parseList(" \n;\n,,\n").lines).toEqual([]);
});

it("a text that is too long for a line is cut, and a whole book takes no time", () => {
  expect(read("x".repeat(300))[0]).toHaveLength("1 of ".length + 200);
  expect(parseList('"'.repeat(50_000)).lines.length).toBeLessThan(2);
  expect(parseList(`${"1,000 ".repeat(400)}\n`.repeat(80)).lines.length).toBe(80);
  expect(parseList("1x ".repeat(20_000) + "\n" + "a,".repeat(20_000)).lines.length).toBe(2);
});
