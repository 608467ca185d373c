import "@lockstep/shared/tokens.css";
import "@lockstep/shared/ui/controls.css";
import { setLocale } from "@lockstep/shared/format.ts";
import { createPinia } from "pinia";
import { createApp } from "vue";
import App from "./App.vue";
import { useFirst } from "./first.ts";
import { pageLocale } from "./language.ts";
import { createLive, liveKey } from "./live.ts";
import { createSiteRouter } from "./router.ts";
import { loadStrings } from "./strings.ts";
import { keepTyped } from "./takeover.ts";

const app = createApp(App);
app.use(createPinia());

const live = createLive();
app.provide(liveKey, live);
const router = createSiteRouter();
app.use(router);

async function start(): Promise<void> {
  const locale = pageLocale();
  setLocale(locale, []);
  // Until the page's own script is there, the server's HTML stays; a script that cannot be loaded leaves it as it is.
  await Promise.all([router.isReady(), loadStrings(locale)]);
  const forget = useFirst();
  const root = document.getElementById("app");
  const restore = root && keepTyped(root);
  app.mount("#app");
  live.open();
  // By then every answer that came with the page has been taken and shown, all of it before the browser paints.
  setTimeout(() => {
    forget();
    restore?.();
  });
  // What the head says of the first page is not true of others.
  router.afterEach((to, from) => {
    if (to.fullPath !== from.fullPath) document.head.querySelectorAll("[data-page]").forEach((element) => element.remove());
  });
}

void start();
