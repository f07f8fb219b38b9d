// The closed lists of the register, read once: what a code is called in the reader's language.
import { defineStore } from "pinia";
import { ref } from "vue";
import { fetchDictionaries, fetchTitleWorkflow } from "@/api/registry";
import type { DictionaryEntry, Dictionaries } from "@/api/types";
import { usePreferencesStore } from "@/state/preferences";

export const useDictionariesStore = defineStore("dictionaries", () => {
  const preferences = usePreferencesStore();
  const lists = ref<Dictionaries>({});
  const states = ref<DictionaryEntry[]>([]);
  let loading: Promise<void> | null = null;

  /** Reads the lists, once. */
  function load(): Promise<void> {
    loading ??= Promise.all([fetchDictionaries(), fetchTitleWorkflow()])
      .then(([dictionaries, workflow]) => {
        lists.value = dictionaries;
        states.value = workflow.states.map(({ id, zh, en }) => ({ code: id, zh, en }));
      })
      .catch(() => {
        // Codes are shown until the server is back.
        loading = null;
      });
    return loading;
  }

  function labelOf(entries: DictionaryEntry[] | undefined, code: string): string {
    const entry = entries?.find((one) => one.code === code);
    return entry === undefined ? code : entry[preferences.language];
  }

  return {
    lists,
    load,
    options: (list: string) => lists.value[list] ?? [],
    label: (list: string, code: string | null | undefined) => (code == null ? "" : labelOf(lists.value[list], code)),
    stateName: (state: string) => labelOf(states.value, state),
  };
});
