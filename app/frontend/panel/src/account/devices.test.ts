import { expect, it } from "vitest";
import { deviceName } from "./devices.ts";

it.each([
  ["Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0 Safari/537.36 Edg/120.0", "Edge, Windows"],
  ["Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0", "Firefox, Linux"],
  ["Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605 Version/17.0 Mobile/15E Safari/604.1", "Safari, iOS"],
  ["python-httpx/0.27", "python-httpx/0.27"],
  [null, ""],
])("%s is %s", (agent, name) => expect(deviceName(agent)).toBe(name));
