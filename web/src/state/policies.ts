// The procedures of policy cases, read once: the page draws its stepper and its forms from them.
import { defineStore } from "pinia";
import { ref } from "vue";
import { fetchPolicyWorkflow, procedures, type PolicyWorkflow, type Procedure } from "@/api/policy";
import { usePreferencesStore } from "@/state/preferences";

export const usePoliciesStore = defineStore("policies", () => {
  const preferences = usePreferencesStore();
  const workflows = ref<Partial<Record<Procedure, PolicyWorkflow>>>({});
  let loading: Promise<void> | null = null;

  /** Reads them, once. */
  function load(): Promise<void> {
    loading ??= Promise.all(procedures.map(async (one) => [one, await fetchPolicyWorkflow(one)] as const))
      .then((read) => {
        workflows.value = Object.fromEntries(read);
      })
      .catch(() => {
        // Names stay codes until the server is back.
        loading = null;
      });
    return loading;
  }

  function nameOf(list: { id: string; zh: string; en: string }[] | undefined, id: string): string {
    return list?.find((one) => one.id === id)?.[preferences.language] ?? id;
  }

  return {
    workflows,
    load,
    stateName: (procedure: Procedure, state: string) => nameOf(workflows.value[procedure]?.states, state),
    routeName: (procedure: Procedure, route: string) => nameOf(workflows.value[procedure]?.routes, route),
    documentName: (procedure: Procedure, kind: string) => workflows.value[procedure]?.document_kinds[kind]?.[preferences.language] ?? kind,
  };
});
