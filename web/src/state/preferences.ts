// What this reader likes, kept in this browser: language and light or dark.
import { defineStore } from "pinia";
import { ref, watch } from "vue";
import type { Language } from "@/format";

type Appearance = "light" | "dark";

const languageKey = "yice.language";
const appearanceKey = "yice.appearance";

function stored(key: string): string | null {
  try {
    return window.localStorage.getItem(key);
  } catch {
    return null; // storage can be switched off
  }
}

function store(key: string, value: string): void {
  try {
    window.localStorage.setItem(key, value);
  } catch {
    // the choice then lasts as long as the page
  }
}

function isLanguage(text: string | null): text is Language {
  return text === "zh" || text === "en";
}

function firstLanguage(): Language {
  const asked = new URLSearchParams(window.location.search).get("lang");
  const kept = stored(languageKey);
  if (isLanguage(asked)) return asked;
  return isLanguage(kept) ? kept : "zh";
}

export const usePreferencesStore = defineStore("preferences", () => {
  const language = ref<Language>(firstLanguage());
  const appearance = ref<Appearance>(stored(appearanceKey) === "dark" ? "dark" : "light");

  watch(
    language,
    (chosen) => {
      store(languageKey, chosen);
      document.documentElement.lang = chosen === "zh" ? "zh-CN" : "en";
    },
    { immediate: true },
  );
  watch(
    appearance,
    (chosen) => {
      store(appearanceKey, chosen);
      document.documentElement.classList.toggle("dark", chosen === "dark");
    },
    { immediate: true },
  );

  return { language, appearance };
});
