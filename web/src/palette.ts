// Colours that carry meaning, for the map and the legend alike. They stay apart for red-green blindness and on a poor
// projector; words and hatching always go with them.
import { notFilled, type Theme } from "@/vocabulary";

/** The one accent, as in tokens.css: what is selected. */
export const accent = "#1F5FBF";
export const darkAccent = "#6BA4F2";

export type Hatch = "unknown" | "idle" | "dangerous";

export const themeColours: Record<Theme, Record<string, string>> = {
  title_status: {
    unified: "#1B7F5C",
    other_handed: "#6FB7E9",
    other_not_handed: "#2F5FA8",
    none_handed: "#F2B134",
    none_not_handed: "#C8415A",
    other: "#8A8F98",
  },
  usage: {
    administrative_office: "#3B6FB6",
    housing_security: "#E08E45",
    technical: "#7A9A3A",
    public_service: "#2CA6A4",
    commercial: "#B5477A",
    idle_land: "#C9B458",
    other: "#9AA0A6",
  },
  occupancy: {
    in_use: "#8FA3BF",
    idle: "#E4572E",
    let: "#2CA6A4",
    lent: "#7CCBC9",
    rented_in: "#9B7FC7",
    borrowed_in: "#C7B5E3",
    under_repair: "#F2B134",
    vacating: "#F7D58B",
    dangerous: "#B3261E",
    demolished: "#5A6675",
  },
  case_phase: {
    preparing: "#F2B134",
    deciding: "#B8431F",
    carrying_out: "#234F94",
    finishing: "#1FA187",
    titling: "#B07CD6",
    none: "#D3D7DD",
  },
};

/** The ground under the grey hatching of a value that nobody has filled in. */
export const unknownColour = "#B4BAC3";

export function colourOf(theme: Theme, value: string): string {
  return themeColours[theme][value] ?? unknownColour;
}

/** Which hatching goes over a value, if any. */
export function hatchOf(theme: Theme, value: string): Hatch | null {
  // That there is no case is known.
  if (value === notFilled) return theme === "case_phase" ? null : "unknown";
  if (theme === "occupancy" && value === "idle") return "idle";
  if (theme === "occupancy" && value === "dangerous") return "dangerous";
  return null;
}

/** A value drawn as a dashed outline without fill. */
export function isOutlineOnly(theme: Theme, value: string): boolean {
  return theme === "occupancy" && value === "demolished";
}

/** A darker shade of a `#RRGGBB` colour, for outlines; `amount` 0 leaves it, 1 makes it black. */
export function darker(colour: string, amount: number): string {
  const channels = [1, 3, 5].map((at) => Math.round(parseInt(colour.slice(at, at + 2), 16) * (1 - amount)));
  return `#${channels.map((channel) => channel.toString(16).padStart(2, "0")).join("")}`;
}
