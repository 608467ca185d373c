import "@lockstep/shared/tokens.css";
import "@lockstep/shared/ui/controls.css";
import { createPinia } from "pinia";
import { createApp } from "vue";
import App from "./App.vue";
import { createLive, liveKey } from "./live.ts";
import { createSiteRouter } from "./router.ts";

const app = createApp(App);
app.use(createPinia());

const live = createLive();
app.provide(liveKey, live);
app.use(createSiteRouter());
app.mount("#app");
live.open();
