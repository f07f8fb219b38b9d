import vuePlugin from "eslint-plugin-vue";
import tseslint from "typescript-eslint";
import vueParser from "vue-eslint-parser";

const maplibreOnlyInMap = {
  paths: [{ name: "maplibre-gl", message: "only src/map/ may import maplibre-gl" }],
  patterns: [{ group: ["maplibre-gl/*"], message: "only src/map/ may import maplibre-gl" }],
};

export default tseslint.config(
  { ignores: ["dist/", "node_modules/", "public/", "mock/.cache/"] },
  ...tseslint.configs.strict,
  ...vuePlugin.configs["flat/recommended"],
  {
    files: ["**/*.vue"],
    languageOptions: {
      parser: vueParser,
      parserOptions: { parser: tseslint.parser, sourceType: "module" },
    },
  },
  {
    rules: {
      "no-console": "error",
      "@typescript-eslint/no-unused-vars": ["error", { varsIgnorePattern: "^_", argsIgnorePattern: "^_" }],
      "no-restricted-imports": ["error", maplibreOnlyInMap],
      "vue/multi-word-component-names": "off",
      "vue/max-attributes-per-line": "off",
      "vue/singleline-html-element-content-newline": "off",
      "vue/html-self-closing": "off",
      "vue/html-indent": "off",
      "vue/html-closing-bracket-newline": "off",
      "vue/multiline-html-element-content-newline": "off",
      "vue/first-attribute-linebreak": "off",
      "vue/no-v-html": "error",
    },
  },
  { files: ["src/map/**"], rules: { "no-restricted-imports": "off" } },
  { files: ["mock/**", "scripts/**"], rules: { "no-console": "off" } },
);
