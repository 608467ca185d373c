/** The register: every subject of the panel, in the order of its screens. A new one is added here and nowhere else. */
import type { Subject } from "./subject.ts";
import { stock } from "./stock/subject.ts";

export const SUBJECTS: readonly Subject[] = [stock];
