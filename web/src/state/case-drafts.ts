// What is typed in a case and not saved yet: it stays while another panel is looked at, and when the case is read again.
import { defineStore } from "pinia";
import { reactive } from "vue";
import type { CaseForm } from "@/titles/case-form";

export type CaseDraft = { read: CaseForm; form: CaseForm };

export const useCaseDraftsStore = defineStore("case-drafts", () => {
  const drafts = reactive(new Map<string, CaseDraft>());
  return { drafts };
});
