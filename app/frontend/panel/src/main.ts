import "@lockstep/shared/tokens.css";
import "@lockstep/shared/ui/controls.css";
import { createPinia } from "pinia";
import { createApp } from "vue";
import App from "./shell/App.vue";
import { createPanelRouter } from "./shell/router.ts";

const app = createApp(App);
app.use(createPinia());
app.use(createPanelRouter());
app.mount("#app");
