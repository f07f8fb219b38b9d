import { createPinia } from "pinia";
import { createApp } from "vue";
import { createRouter, createWebHistory } from "vue-router";
import "element-plus/dist/index.css";
import "element-plus/theme-chalk/dark/css-vars.css";
import "@/styles/tokens.css";
import "@/styles/page.css";
import App from "@/App.vue";
import { i18n } from "@/language";
import MapPage from "@/panels/MapPage.vue";
import { connectAddressBar } from "@/state/address-bar";

const router = createRouter({
  history: createWebHistory(),
  routes: [{ path: "/:rest(.*)*", component: MapPage }],
});

const app = createApp(App).use(createPinia()).use(i18n).use(router);
void router.isReady().then(() => {
  connectAddressBar(router);
  app.mount("#page");
});
