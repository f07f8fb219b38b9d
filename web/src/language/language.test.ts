import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "vue/compiler-sfc";
import { describe, expect, it } from "vitest";
import { levels, roles } from "@/api/session";
import { taskErrands, taskKinds, taskUrgencies } from "@/api/tasks";
import en from "@/language/en";
import zh from "@/language/zh";
import { assetKeys, exportFormats, exportLabels, exportWarnings, importLayers, importOutcomes, mappableFields, themes, unitKey, valuesOf } from "@/vocabulary";

type Words = { [name: string]: string | Words };

function flatten(words: Words, prefix = ""): Map<string, string> {
  const flat = new Map<string, string>();
  for (const [name, value] of Object.entries(words)) {
    if (typeof value === "string") flat.set(prefix + name, value);
    else for (const [key, text] of flatten(value, `${prefix}${name}.`)) flat.set(key, text);
  }
  return flat;
}

const chinese = flatten(zh);
const english = flatten(en);
const source = new URL("..", import.meta.url).pathname;
const files = readdirSync(source, { recursive: true, encoding: "utf8" }).filter(
  (name) => /\.(vue|ts)$/.test(name) && !name.endsWith(".test.ts") && !name.startsWith("language/"),
);
const placeholders = (text: string) => [...new Set(text.match(/\{\w+\}/g) ?? [])].sort();

describe("both languages", () => {
  it("have the same keys", () => {
    expect([...english.keys()].sort()).toEqual([...chinese.keys()].sort());
  });
  it("fill the same places in every sentence", () => {
    for (const [key, text] of chinese) expect([key, placeholders(english.get(key) ?? "")]).toEqual([key, placeholders(text)]);
  });
  it("leave no text empty", () => {
    for (const words of [chinese, english]) for (const [key, text] of words) expect([key, text.trim()]).not.toEqual([key, ""]);
  });
  it("have a word for every unit that rules compare in", () => {
    const rules = readFileSync(join(source, "../../registry/rules/parameters.toml"), "utf8");
    const units = [...rules.matchAll(/^unit = "(.+)"$/gm)].map(([, unit]) => unitKey(unit ?? ""));
    expect(units.length).toBeGreaterThan(10);
    for (const key of units) expect([...chinese.keys()]).toContain(key);
  });
  it("have a word for every value of the closed lists", () => {
    const keys = [
      ...themes.flatMap((theme) => [`theme.${theme}`, ...valuesOf(theme).map((value) => `${theme}.${value}`)]),
      ...importLayers.map((layer) => `layer.${layer}`),
      ...assetKeys.map((key) => `import.asset_by_${key}`),
      ...importOutcomes.flatMap((outcome) => [`outcome.${outcome}`, `outcome_about.${outcome}`]),
      ...mappableFields.map((field) => `field.${field}`),
      ...exportFormats.flatMap((format) => [`export.format_${format}`, `export.about_${format}`]),
      ...exportLabels.map((labels) => `export.labels_${labels}`),
      ...roles.map((role) => `role.${role}`),
      ...levels.map((level) => `level.${level}`),
      ...exportWarnings.map((warning) => `export_warning.${warning}`),
      ...taskKinds.map((kind) => `task_kind.${kind}`),
      ...taskErrands.map((errand) => `task_awaited.${errand}`),
      ...taskUrgencies.map((urgency) => `task_urgency.${urgency}`),
    ];
    expect(keys.filter((key) => !chinese.has(key))).toEqual([]);
  });
  it("keep the signs that vue-i18n reads as its own in quotes", () => {
    const faulty = [...chinese, ...english].filter(([, text]) => /[@|]/.test(text.replaceAll(/\{'[^']*'\}/g, "")) && !/ \| /.test(text));
    expect(faulty).toEqual([]);
  });
  it("write Chinese with full-width punctuation", () => {
    const faulty = [...chinese].filter(([, text]) => /\p{Script=Han}[,;:!?(]|[,;:!?)]\p{Script=Han}/u.test(text));
    expect(faulty).toEqual([]);
  });
});

describe("the page's code", () => {
  it("uses only keys that exist", () => {
    const missing: string[] = [];
    for (const name of files) {
      for (const [, key = ""] of readFileSync(join(source, name), "utf8").matchAll(/\bt\(\s*"([^"]+)"/g)) {
        if (!chinese.has(key)) missing.push(`${name}: ${key}`);
      }
    }
    expect(missing).toEqual([]);
  });

  it("holds no Chinese of its own", () => {
    const found: string[] = [];
    for (const name of files) {
      const text = readFileSync(join(source, name), "utf8");
      text.split("\n").forEach((line, index) => {
        const code = line.replace(/^\s*(\/\/|\*|\/\*\*?).*$/, "");
        if (/\p{Script=Han}/u.test(code)) found.push(`${name}:${index + 1}`);
      });
    }
    // The signs of units in format.ts are part of the number formats.
    expect(found.filter((place) => !place.startsWith("format.ts:"))).toEqual([]);
  });

  it("holds no words in templates", () => {
    const found: string[] = [];
    for (const name of files.filter((file) => file.endsWith(".vue"))) {
      const template = parse(readFileSync(join(source, name), "utf8")).descriptor.template;
      const walk = (node: { type: number; content?: unknown; children?: unknown[] }): void => {
        if (node.type === 2 && typeof node.content === "string" && /\p{Letter}{2,}/u.test(node.content)) found.push(`${name}: ${node.content.trim()}`);
        for (const child of (node.children ?? []) as (typeof node)[]) walk(child);
      };
      if (template?.ast) walk(template.ast as never);
    }
    expect(found).toEqual([]);
    // It reads every template there is.
  }, 60_000);
});
