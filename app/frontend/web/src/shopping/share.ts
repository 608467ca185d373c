/**
 * A list as the fragment of an address, which browsers send to nobody: `#list=` and the lines, compressed where the browser can.
 * What comes from a link is anybody's: it is bounded before it is looked at.
 */
import { isQuantity, MAX_LINES } from "./lines.ts";
import type { Asked } from "./parse.ts";

const PLAIN = "#list=";
const PACKED = "#list.z=";
/** Longer addresses do not survive every mail client and chat. */
export const MAX_LINK = 8_000;
/** Of a list that is unpacked, in bytes: more than 500 lines of the longest text. */
const MAX_UNPACKED = 500_000;

/** @returns the fragment, or null if it would be too long. */
export async function fragmentOf(lines: readonly Asked[]): Promise<string | null> {
  const text = lines.map(({ asked, quantity }) => `${quantity}*${asked.replace(/\n/g, " ")}`).join("\n");
  const plain = PLAIN + encodeURIComponent(text);
  const packed = PACKED + base64Of(await through(new CompressionStream("deflate-raw"), new TextEncoder().encode(text), Infinity));
  const shorter = packed.length < plain.length ? packed : plain;
  return shorter.length <= MAX_LINK ? shorter : null;
}

export function hasList(fragment: string): boolean {
  return fragment.startsWith(PLAIN) || fragment.startsWith(PACKED);
}

/** @returns the lines of a fragment, or null if they cannot be read. */
export async function linesOf(fragment: string): Promise<Asked[] | null> {
  try {
    return parsed(
      fragment.startsWith(PACKED)
        ? new TextDecoder("utf-8", { fatal: true }).decode(await through(new DecompressionStream("deflate-raw"), bytesOf(fragment.slice(PACKED.length)), MAX_UNPACKED))
        : decodeURIComponent(fragment.slice(PLAIN.length)),
    );
  } catch {
    return null;
  }
}

function parsed(text: string): Asked[] | null {
  const lines = text.split("\n").slice(0, MAX_LINES).map((line) => /^(\d{1,10})\*(.{1,200})$/u.exec(line));
  const asked = lines.flatMap((found) => (found && isQuantity(Number(found[1])) && found[2]?.trim() ? [{ quantity: Number(found[1]), asked: found[2].trim() }] : []));
  return asked.length > 0 ? asked : null;
}

async function through(stream: CompressionStream | DecompressionStream, bytes: Uint8Array<ArrayBuffer>, most: number): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  const reader = (new Blob([bytes]).stream().pipeThrough(stream) as ReadableStream<Uint8Array>).getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    size += next.value.length;
    if (size > most) {
      await reader.cancel();
      throw new RangeError("This is longer than any list.");
    }
    chunks.push(next.value);
  }
  const whole = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

function base64Of(bytes: Uint8Array): string {
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join("")).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(base64.replaceAll("-", "+").replaceAll("_", "/")), (character) => character.charCodeAt(0));
}
