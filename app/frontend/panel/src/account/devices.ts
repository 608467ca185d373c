/** What a session's user agent says to its owner: the browser and the system, as far as they are well known. */

const BROWSERS: readonly (readonly [RegExp, string])[] = [[/Edg\//, "Edge"], [/OPR\//, "Opera"], [/Firefox\//, "Firefox"], [/Chrome\//, "Chrome"], [/Safari\//, "Safari"]];
const SYSTEMS: readonly (readonly [RegExp, string])[] = [[/iPhone|iPad/, "iOS"], [/Android/, "Android"], [/Windows/, "Windows"], [/Mac OS X/, "macOS"], [/CrOS/, "ChromeOS"], [/Linux/, "Linux"]];

/** @returns "Firefox, Windows", or what the client calls itself; "" if it says nothing. */
export function deviceName(agent: string | null): string {
  if (!agent) return "";
  const named = [BROWSERS, SYSTEMS].flatMap((known) => known.find(([pattern]) => pattern.test(agent))?.[1] ?? []);
  return named.length > 0 ? named.join(", ") : (agent.split(/[\s(]/)[0] ?? "");
}
