import { createI18n } from "vue-i18n";
import en from "@/language/en";
import zh from "@/language/zh";

export const i18n = createI18n({ legacy: false, locale: "zh", fallbackLocale: false, messages: { zh, en } });
