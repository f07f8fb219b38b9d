// Land-use classes as certificates name them, in the editions there are (GB/T 21010-2017 and -2007). What a class is called
// stands with the other words. Planning classes (YDYH-2023) have no closed list here: their code is typed.

const classes: Record<string, { words: string; codes: string[] }> = {
  "GB21010-2017": {
    words: "land_use_2017",
    codes: ["0801", "0802", "0803", "0804", "0805", "0806", "0807", "0808", "0809", "0810", "0501", "0502", "0503", "0504", "0505", "0506", "0507", "0601", "0602", "0603", "0604", "0701", "0702", "0901", "0902", "0903", "0904", "0905", "0906", "1001", "1002", "1003", "1004", "1005", "1006", "1007", "1008", "1009", "1109", "1201"],
  },
  "GB21010-2007": { words: "land_use_2007", codes: ["081", "083", "084", "085", "086", "087", "088", "051", "052", "053", "054", "061", "063", "071"] },
};

/** What a class of 2007 may be in 2017. One to many: it is asked, never guessed. */
const since2017: Record<string, string[]> = {
  "081": ["0801"], "083": ["0803", "0804"], "084": ["0805", "0806"], "085": ["0506", "0807", "0808"], "086": ["0809"], "087": ["0810"], "088": ["0906"],
  "051": ["0501", "0502"], "052": ["0503", "0504"], "053": ["0505"], "054": ["0507"], "071": ["0701"],
};

export function landUseCodes(scheme: string): string[] {
  return classes[scheme]?.codes ?? [];
}

/** The key of the word for a class; none for one that is not in the list. */
export function landUseWord(scheme: string | undefined, code: string | undefined): string | null {
  const edition = classes[scheme ?? ""];
  return edition === undefined || code === undefined || !edition.codes.includes(code) ? null : `${edition.words}.${code}`;
}

export function successorsOf(scheme: string, code: string): string[] {
  return scheme === "GB21010-2007" ? (since2017[code] ?? []) : [];
}
