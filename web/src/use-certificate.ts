// The use certificate and the record of a lease as sheets of paper.
import type { UseCertificate } from "@/api/agreements";
import { certificate as words, madeUp, registrations, roomTypes } from "@/language/on-paper.zh";
import type { Sheet, SheetTable } from "@/printed-sheet";

/** m², two decimals. */
export function areaOnPaper(area_m2: number | null): string {
  return area_m2 === null ? "" : area_m2.toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
}

export function dayOnPaper(day: string): string {
  const [year = 0, month = 0, date = 0] = day.split("-").map(Number);
  return words.day(year, month, date);
}

/** The last day on which it holds: what is kept is the first day on which it doesn't. */
function lastDay(endsOn: string): string {
  const day = new Date(`${endsOn}T00:00:00Z`);
  day.setUTCDate(day.getUTCDate() - 1);
  return dayOnPaper(day.toISOString().slice(0, 10));
}

const joined = (parts: (string | null)[], sign: string) => parts.filter((part) => part !== null && part !== "").join(sign);

/** The use certificate as the Office Measures have it (art. 18). */
export function certificateSheet(said: UseCertificate): Sheet {
  const from = dayOnPaper(said.starts_on);
  const facts: [string, string | null][] = [
    [words.unit, said.unit.name ?? said.unit.code ?? ""],
    [words.addresses, said.addresses.join(words.between)],
    [words.purpose, said.purpose],
    [words.approved, said.approved_area_m2 === null ? "—" : words.squareMetres(areaOnPaper(said.approved_area_m2))],
    [words.actual, words.both(areaOnPaper(said.use_area_m2), areaOnPaper(said.building_area_m2), said.rooms.length)],
    [words.term, said.ends_on === null ? words.without_term(from) : words.from_to(from, lastDay(said.ends_on))],
    [words.agreement, joined([said.agreement_no, said.signed_on === null ? null : words.signed(dayOnPaper(said.signed_on))], words.comma)],
    [words.transferSlip, said.transfer_slip_no],
    [words.registration, said.registration === null ? null : (registrations[said.registration] ?? said.registration)],
    [words.certified, said.certified_on === null ? null : dayOnPaper(said.certified_on)],
  ];
  return {
    name: `${words.title} ${said.certificate_no}`,
    title: words.title,
    number: words.number(said.certificate_no),
    watermark: said.made_up ? madeUp : undefined,
    facts: facts.filter((fact): fact is [string, string] => fact[1] !== null),
    tables: [
      {
        heading: words.rooms,
        head: words.head,
        rows: said.rooms.map((room) => [
          room.building ?? "",
          words.floor(room.floor),
          room.number,
          joined([room.name, room.room_type === null ? null : (roomTypes[room.room_type] ?? room.room_type)], " / "),
          areaOnPaper(room.use_area_m2),
          areaOnPaper(room.building_area_m2),
        ]),
        figures: [4, 5],
        foot: [words.sum, "", words.count(said.rooms.length), "", areaOnPaper(said.use_area_m2), areaOnPaper(said.building_area_m2)],
      },
    ],
    notes: said.rooms_lacking_area > 0 ? [...words.notes, words.lacking(said.rooms_lacking_area)] : words.notes,
    signatures: [words.issuer, words.asOf(dayOnPaper(said.as_of))],
  };
}

/** What the registry holds of a lease, by the labels and values that the page shows. */
export function leaseSheet(said: { title: string; number: string | null; isMadeUp: boolean }, facts: [string, string][], rent: SheetTable): Sheet {
  return {
    name: joined([said.title, said.number], " "),
    title: said.title,
    number: said.number ?? undefined,
    watermark: said.isMadeUp ? madeUp : undefined,
    facts,
    tables: rent.rows.length > 0 ? [rent] : [],
    notes: [],
    signatures: [],
  };
}
