/** What a part's page says besides the part, and whatever leads to comparing and to the shopping list. */
import { formatClock, formatNumber } from "@lockstep/shared/format.ts";

const lines = (count: number): string => (count === 1 ? "1 line" : `${formatNumber(count)} lines`);

export const buyer = {
  youPay: (total: string) => `You pay ${total}`,
  soldFrom: (quantity: number) => `Sold from ${formatNumber(quantity)} pieces`,
  wrongQuantity: "Type a whole number from 1",
  moreThanThere: (available: number) => `Only ${formatNumber(available)} in stock`,
  checked: (age: string) => `Checked ${age}`,
  checkedAt: (time: number) => `Checked at ${formatClock(time)}`,
  codeHint: "Our staff can open this page as you see it now by this code.",
  copyCode: (code: string) => `Copy the code ${code}`,
  copied: "Copied",
  notCopied: "Could not be copied",
  stockChanged: (status: string) => `Stock: ${status}`,
  textChanged: "The description was updated",
  specificationsChanged: "The specifications were updated",
  nameChanged: "The name was updated",
  picturesChanged: "The pictures were updated",
  nothingInstead: "Nothing like it is in stock at the moment.",
  enlarge: "Enlarge the picture",

  // Comparing
  compareThis: (name: string) => `Compare ${name}`,

  // The shopping list
  listCount: (count: number) => `List ${lines(count)}`,
  addThisToList: (name: string) => `Add to list: ${name}`,
  added: (quantity: number) => `${formatNumber(quantity)} on the list`,
  listFull: (most: number) => `A list has up to ${formatNumber(most)} lines. Take some out first.`,
};
