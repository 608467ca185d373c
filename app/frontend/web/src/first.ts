/**
 * What the server has put into the page (app/api/site/pages.py): the answers that the page is made of, so that nothing of it is asked
 * for again, and the tokens under which they were read.
 */
import { hold, type Held } from "@lockstep/shared/http.ts";

interface First {
  answers: Held[];
  catalog?: string;
  categories?: string;
}

const NOTHING: First = { answers: [] };

function read(): First {
  const text = document.getElementById("first")?.textContent;
  return text ? (JSON.parse(text) as First) : NOTHING;
}

/** Read once: a page is older than anything that is read after it. */
export const first = read();

/** @returns a function to call when the first page has asked for what it needs. */
export function useFirst(): () => void {
  return hold(first.answers);
}
