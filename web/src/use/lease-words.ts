// What is said of a lease, in the reader's language.
import type { EndUser } from "@/api/leases";
import { formatYuan } from "@/policy-records";
import { useWords } from "@/use/words";

/** The list of words that each field is one of. */
const lists: Record<string, string> = {
  direction: "lease_direction",
  lessor_kind: "lessor_kind",
  lessee_kind: "lessee_kind",
  lessee_size: "firm_size",
  lessee_sector: "firm_sector",
  rent_basis: "rent_basis",
  rhythm: "rent_rhythm",
  price_basis: "price_basis",
};

export function useLeaseWords() {
  const { t, area, language } = useWords();

  /** Who sits there at last: two of the same name are told apart by what they are. */
  function endUser({ name, kind, size, sector }: EndUser): string {
    const more = [t(`lessee_kind.${kind}`), size ? t(`firm_size.${size}`) : null, sector ? t(`firm_sector.${sector}`) : null].filter(Boolean).join(" · ");
    return language.value === "zh" ? `${name}（${more}）` : `${name} (${more})`;
  }
  const listed = (items: string[]) => items.join(language.value === "zh" ? "、" : ", ");

  /** The value of a field of a statement; `numbers` are the rooms' own. */
  function said(field: string, value: unknown, numbers: ReadonlyMap<string, string>): string {
    if (value === null || value === undefined) return "—";
    const list = lists[field];
    if (list !== undefined) return t(`${list}.${String(value)}`);
    if (typeof value === "boolean") return t(value ? "lease.sublet_yes" : "lease.sublet_no");
    if (field === "end_users") return (value as EndUser[]).map(endUser).join("\n");
    if (field === "rooms") return listed((value as { room_id: string }[]).map(({ room_id }) => numbers.get(room_id) ?? room_id));
    if (typeof value === "number") return field.endsWith("_m2") ? area(value) : String(value);
    return ["rent", "deposit", "land_income"].includes(field) ? formatYuan(String(value)) : String(value);
  }

  return { endUser, listed, said };
}
