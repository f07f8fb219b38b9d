// Words and figures in the reader's language, as every panel needs them.
import { computed } from "vue";
import { useI18n } from "vue-i18n";
import { formatArea, formatAreaBeside, formatAreaShort, formatCount, type Duration } from "@/format";
import { ProblemError } from "@/api/http";
import type { ImportReason, Problem } from "@/api/types";
import { usePreferencesStore } from "@/state/preferences";
import type { LayerName, Theme } from "@/vocabulary";

export function useWords() {
  const { t, te } = useI18n();
  const preferences = usePreferencesStore();
  const language = computed(() => preferences.language);

  return {
    t,
    te,
    language,
    count: formatCount,
    area: (area_m2: number) => formatArea(area_m2, language.value),
    areaShort: (area_m2: number) => formatAreaShort(area_m2, language.value),
    areaBeside: (area_m2: number, isLand: boolean) => formatAreaBeside(area_m2, isLand, language.value),
    layerName: (layer: LayerName) => t(`layer.${layer}`),
    /** The word for a value of a theme; an unknown one is shown as it came. */
    valueName: (theme: Theme, value: string) => (te(`${theme}.${value}`) ? t(`${theme}.${value}`) : value),
    reason: (reason: ImportReason) => (language.value === "zh" ? reason.zh : reason.en),
    problem: (problem: Problem) => [problem.title, problem.detail].filter(Boolean).join(language.value === "zh" ? "\uff1a" : ": "),
    failure: (error: unknown) =>
      error instanceof ProblemError ? [error.problem.title, error.problem.detail].filter(Boolean).join(" · ") : t("server.lost_short"),
    duration: ({ years, months, days }: Duration) => {
      const parts: string[] = [];
      if (years > 0) parts.push(t("duration.years", { n: years }, years));
      if (months > 0) parts.push(t("duration.months", { n: months }, months));
      if (parts.length === 0) parts.push(t("duration.days", { n: days }, days));
      return parts.join(" ");
    },
  };
}
