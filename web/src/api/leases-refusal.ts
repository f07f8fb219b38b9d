// Why something about a lease was refused, in the reader's language where it has words for it.
import { ProblemError } from "@/api/http";

interface Words {
  t: (key: string) => string;
  te: (key: string) => boolean;
  failure: (error: unknown) => string;
}

export function leaseRefusal(error: unknown, { t, te, failure }: Words): string {
  const key = `lease_refusal.${error instanceof ProblemError ? (error.problem.code ?? "") : ""}`;
  return te(key) ? t(key) : failure(error);
}
