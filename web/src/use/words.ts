// Words and figures in the reader's language, as every panel needs them.
import { computed } from "vue";
import { useI18n } from "vue-i18n";
import { formatArea, formatAreaBeside, formatAreaShort, formatCount, type Duration, type Language } from "@/format";
import { ProblemError } from "@/api/http";
import type { ImportReason, Problem } from "@/api/types";
import { usePreferencesStore } from "@/state/preferences";
import { unitKey, type LayerName, type Theme } from "@/vocabulary";

/** The server says a sentence in both languages with a slash between: the half that is asked for. */
export function halfOf(text: string, language: Language): string {
  const halves = text.split(" / ");
  const [zh = "", en = ""] = halves;
  const signs = (pattern: RegExp) => en.match(pattern)?.length ?? 0;
  // Names in it stay Chinese; the sentence around them is English.
  const isPair = halves.length === 2 && /\p{Script=Han}/u.test(zh) && signs(/\p{Script=Han}/gu) < signs(/[a-z]/gi);
  if (!isPair) return text;
  return language === "zh" ? zh : en;
}

/** An article as the reader's law books name it. */
export function articleOf(article: string, language: Language): string {
  return language === "zh" ? article.replaceAll(/ art\. ([\d–-]+)/g, "\u7b2c$1\u6761").replaceAll("; ", "\uff1b") : article;
}

export function useWords() {
  const { t, te } = useI18n();
  const preferences = usePreferencesStore();
  const language = computed(() => preferences.language);

  /** What a problem means and what happened this time. */
  function sentence(problem: Problem): string {
    const kind = problem.type.split(":").at(-1) ?? "";
    const title = te(`problem.${kind}`) ? t(`problem.${kind}`) : problem.title;
    const detail = halfOf(problem.detail ?? "", language.value);
    const rule = problem.rule;
    // A rule's code says something to whoever looks it up; other names are the program's own.
    const code = /^[A-Z]+-\d/.test(rule?.id ?? "") ? rule?.id : null;
    const law = rule == null ? "" : [code, articleOf(rule.source, language.value)].filter(Boolean).join(language.value === "zh" ? "\uff0c" : ", ");
    const said = law === "" ? detail : `${detail}${language.value === "zh" ? `\uff08${law}\uff09` : ` (${law})`}`;
    return said === "" ? title : `${title}${language.value === "zh" ? "\uff1a" : ": "}${said}`;
  }

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
    /** The unit that a rule compares in. */
    ruleUnit: (unit: string) => (te(unitKey(unit)) ? t(unitKey(unit)) : unit),
    /** Who did something: a person by the name of the account, the program by what it did. */
    actorName: (actor: string | null) => {
      if (actor === null) return "\u2014";
      const [kind, name] = actor.split(":");
      if (name !== undefined && te(`actor.${kind}`)) return t(`actor.${kind}`, { name: te(`actor.${name}`) ? t(`actor.${name}`) : name });
      return te(`actor.${actor}`) ? t(`actor.${actor}`) : actor;
    },
    reason: (reason: ImportReason) => (language.value === "zh" ? reason.zh : reason.en),
    /** Where the law says so: articles as they are cited in the reader's language. */
    lawPlace: (source: string) => (language.value === "zh" ? source.replaceAll(/\s*art\. (\d+)/g, (_, article: string) => t("law.article", { n: article })) : source),
    problem: sentence,
    remedy: (problem: Problem) => (problem.remedy ? halfOf(problem.remedy, language.value) : null),
    /** A failure, with what to do about it. */
    refusal: (error: unknown) => {
      if (!(error instanceof ProblemError)) return t("server.lost_short");
      const way = error.problem.remedy ? halfOf(error.problem.remedy, language.value) : "";
      return [sentence(error.problem), way].filter((text) => text !== "").join(language.value === "zh" ? "\u3002" : ". ");
    },
    failure: (error: unknown) => (error instanceof ProblemError ? sentence(error.problem) : t("server.lost_short")),
    duration: ({ years, months, days }: Duration) => {
      const parts: string[] = [];
      if (years > 0) parts.push(t("duration.years", { n: years }, years));
      if (months > 0) parts.push(t("duration.months", { n: months }, months));
      if (parts.length === 0) parts.push(t("duration.days", { n: days }, days));
      return parts.join(" ");
    },
  };
}
