/** The registry: every subject of the panel, in the order of their screens. A new one is added here and nowhere else. */
import { account } from "./account/subject.ts";
import { activity } from "./activity/subject.ts";
import { categories } from "./categories/subject.ts";
import { home } from "./home/subject.ts";
import { imports } from "./imports/subject.ts";
import { journey } from "./journey/subject.ts";
import { palette } from "./palette/subject.ts";
import { part } from "./part/subject.ts";
import { parts } from "./parts/subject.ts";
import { people } from "./people/subject.ts";
import { stock } from "./stock/subject.ts";
import { sync } from "./sync/subject.ts";
import type { Subject } from "./subject.ts";

export const SUBJECTS: readonly Subject[] = [home, stock, parts, part, categories, imports, activity, sync, people, account, palette, journey];
