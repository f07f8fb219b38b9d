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
  const documents = ref<DictionaryEntry[]>([]);
  /** From which state each role goes on. */
  const stepsOf = ref<Record<string, Set<string>>>({});
  let loading: Promise<void> | null = null;

  /** Reads the lists, once. */
  function load(): Promise<void> {
    loading ??= Promise.all([fetchDictionaries(), fetchTitleWorkflow()])
      .then(([dictionaries, workflow]) => {
        lists.value = dictionaries;
        states.value = workflow.states.map(({ id, zh, en }) => ({ code: id, zh, en }));
        const steps: Record<string, Set<string>> = {};
        for (const { from, roles } of workflow.transitions) {
          for (const role of roles) for (const state of from) (steps[role] ??= new Set()).add(state);
        }
        stepsOf.value = steps;
        documents.value = Object.entries(workflow.document_kinds).map(([code, label]) => ({ code, ...label }));
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
    states,
    /** The states that wait for somebody with one of these roles. */
    statesFor: (roles: string[]) => [...new Set(roles.flatMap((role) => [...(stepsOf.value[role] ?? [])]))],
    documents,
    documentName: (kind: string) => labelOf(documents.value, kind),
    stateName: (state: string) => labelOf(states.value, state),
  };
});
