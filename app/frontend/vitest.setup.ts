/** Tests of the panel ask for any text, whatever has been loaded. */
import { allTexts } from "./panel/src/i18n.ts";

await allTexts();
