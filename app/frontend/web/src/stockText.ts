import type { StockState } from "@lockstep/shared/types.ts";
import { strings } from "./strings.ts";

export function stockText(stock: StockState): string {
  if (!stock.is_in_stock) return strings.stock.out;
  return stock.is_low_stock ? strings.stock.low(stock.available_stock) : strings.stock.inStock;
}
