// What a refusal about titles means, in the reader's language: the book's own words first, the server's sentence after.
import { ProblemError } from "@/api/http";
import { useWords } from "@/use/words";

export function useRefusals() {
  const { t, te, failure, remedy, language } = useWords();

  function fieldName(field: string): string {
    const name = field.replace(/^draft\./, "").split(/[.[]/)[0] ?? field;
    return te(`title_field.${name}`) ? t(`title_field.${name}`) : te(`case_field.${name}`) ? t(`case_field.${name}`) : name;
  }

  function refusal(error: unknown): string {
    if (!(error instanceof ProblemError)) return failure(error);
    const { code, field, status } = error.problem;
    const kind = error.problem.type.split(":").at(-1) ?? "";
    const known = kind === "idempotency_key_reused" ? `title_refusal.${kind}` : code == null ? null : `title_refusal.${code}`;
    const separator = language.value === "zh" ? "：" : ": ";
    const name = field == null ? "" : `${fieldName(field)}${separator}`;
    if (status === 412) return t("title_refusal.stale");
    if (known !== null && te(known)) return name + t(known) + (/\((TTL|COD|GEO|GOV)-\d+/.test(error.problem.detail ?? "") ? ` (${/((?:TTL|COD|GEO|GOV)-\d+)/.exec(error.problem.detail ?? "")?.[1] ?? ""})` : "");
    const more = remedy(error.problem);
    return name + failure(error) + (more === null ? "" : ` ${more}`);
  }

  return { refusal, fieldName };
}
