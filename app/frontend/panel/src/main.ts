import "@lockstep/shared/tokens.css";
import "@lockstep/shared/ui/controls.css";
import "./ui/panel.css";
import { createPinia } from "pinia";
import { createApp } from "vue";
import { i18n, speakAsChosen } from "./i18n.ts";
import { applyPreferences } from "./preferences.ts";
import App from "./shell/App.vue";
import { createPanelRouter } from "./shell/router.ts";

applyPreferences();
// Without the other catalogue the panel speaks English, and works.
await speakAsChosen().catch(() => undefined);

const app = createApp(App);
app.use(createPinia());
app.use(i18n);
app.use(createPanelRouter());
app.mount("#app");
