import "@lockstep/shared/tokens.css";
import { createPinia } from "pinia";
import { createApp } from "vue";
import App from "./App.vue";
import { createPanelRouter } from "./router.ts";

const app = createApp(App);
app.use(createPinia());
app.use(createPanelRouter());
app.mount("#app");
