/**
 * The rules as this screen knows them: read when it opens, again when the stream says that one has changed, and for
 * their health.
 */
import { ask, askAll, Problem } from "../api/client";
import type { Rule, RuleAction } from "../api/types";
import { searchable } from "../format/search";
import { t } from "../i18n/index.svelte";
import { change, type Outcome } from "../live/change";
import { ruleChanges } from "../live/rules";
import type { WayBack } from "../live/undo";

const PAGES_MAX = 20;

const LIST_EVERY_MS = 30_000;
const ONE_EVERY_MS = 10_000;
const SETTLE_MS = 250;

let list = $state.raw<Rule[]>([]);
let loaded = $state(false);
let fault = $state.raw<unknown>(null);

export type Switch = Extract<RuleAction, "enable" | "disable" | "monitor" | "alert" | "reset">;
export type Saved = Outcome<Rule>;

export const rules = {
  get list(): Rule[] {
    return list;
  },
  get loaded(): boolean {
    return loaded;
  },
  get fault(): unknown {
    return fault;
  },
  get(id: string): Rule | undefined {
    return list.find((rule) => rule.id === id);
  },
  searchText: (rule: Rule): string =>
    searchable(
      rule.id,
      rule.title.vi,
      rule.title.en,
      ...rule.words.flatMap((one) => [one.vi, one.en]),
      ...rule.limits.map((one) => one.source),
    ),
  async load(): Promise<void> {
    try {
      list = (await askAll<Rule>("/rules", PAGES_MAX)).items;
      loaded = true;
      fault = null;
    } catch (cause) {
      fault = cause;
    }
  },
  /** Read one rule again: its health moves all the time, and the whole list is large. */
  async refresh(id: string): Promise<void> {
    try {
      rules.hear(await ask<Rule>(`/rules/${encodeURIComponent(id)}`));
    } catch (cause) {
      if (cause instanceof Problem && cause.status === 404) rules.forget(id);
    }
  },
  /**
   * Read now, and again whenever something may have changed, until the returned function is called; of one rule, that
   * one often.
   */
  follow(id: string | null): () => void {
    let settling: ReturnType<typeof setTimeout> | null = null;
    const soon = (): void => {
      settling ??= setTimeout(() => {
        settling = null;
        void rules.load();
      }, SETTLE_MS);
    };
    if (!loaded || id === null) void rules.load();
    const timer = setInterval(
      () => {
        if (!document.hidden) void (id === null || !loaded ? rules.load() : rules.refresh(id));
      },
      id === null ? LIST_EVERY_MS : ONE_EVERY_MS,
    );
    const forget = ruleChanges.listen(soon);
    return () => {
      clearInterval(timer);
      if (settling !== null) clearTimeout(settling);
      forget();
    };
  },
  hear(rule: Rule): void {
    const before = rules.get(rule.id);
    if (before && before.version > rule.version) return;
    list = before ? list.map((one) => (one.id === rule.id ? rule : one)) : [...list, rule];
  },
  forget(id: string): void {
    list = list.filter((rule) => rule.id !== id);
  },
  save(rule: Rule | null, id: string, yaml: string, why: string): Promise<Saved> {
    const path = rule ? `/rules/${encodeURIComponent(id)}` : "/rules";
    return change(
      () => ask<Rule>(path, { method: rule ? "PUT" : "POST", body: { yaml, why }, version: rule?.version }),
      TOLD,
    );
  },
  turn(rule: Rule, to: Switch, why: string): Promise<Saved> {
    return change(
      () =>
        ask<Rule>(`/rules/${encodeURIComponent(rule.id)}/${to}`, {
          method: "POST",
          body: { why },
          version: rule.version,
        }),
      TOLD,
    );
  },
  async remove(rule: Rule, why: string): Promise<Saved> {
    const saved = await change(async () => {
      await ask<undefined>(`/rules/${encodeURIComponent(rule.id)}`, {
        method: "DELETE",
        body: { why },
        version: rule.version,
      });
      return rule;
    }, TOLD);
    if ("done" in saved) rules.forget(rule.id);
    return saved;
  },
};

const TOLD = { hear: (rule: Rule) => rules.hear(rule), explain };

/** Who has changed the rule meanwhile, and to which version. */
export function lostWords(current: Rule): string {
  return t("rule.lostSwitch", { who: current.changed?.by ?? t("rule.byPack"), version: current.version });
}

/** The way back from a change that made the rule `after`: none where somebody has changed it again since. */
export function wayBack(after: Rule, back: () => Promise<Saved>): WayBack<Rule> {
  return {
    async back() {
      const current = rules.get(after.id);
      return [current && current.version !== after.version ? { lost: current } : await back()];
    },
    lost: () => t("rule.lostUndo"),
    many: () => t("rule.lostUndo"),
  };
}

export function explain(problem: Problem): string {
  if (problem.status === 0) return t("action.unreachable");
  if (problem.status === 403) return t("action.forbidden");
  if (problem.status === 429) return t("rule.tooMany");
  return t("action.refused", { reason: problem.message });
}
