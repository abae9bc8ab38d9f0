/** What changes rarely: domains, areas, zones, feeds, the server's status. Domains are read again every 20 s. */
import { ask } from "../api/client";
import { searchable, wholeNames } from "../format/search";
import { dateTime } from "../format/time";
import { say } from "../i18n/index.svelte";
import { clock } from "./clock.svelte";
import type { Page } from "../api/client";
import type { Area, Domain, Feed, Status, Zone } from "../api/types";

let domains = $state.raw<Domain[]>([]);
let areas = $state.raw<Area[]>([]);
let zones = $state.raw<Zone[]>([]);
let feeds = $state.raw<Feed[]>([]);
let status = $state.raw<Status | null>(null);
let placeTexts = $state.raw<ReadonlyMap<string, string>>(new Map());

const SUCCESSOR_STEPS_MAX = 16;

/**
 * Every name of today's units, former ones too: who types "Thịnh Lang" or "huyện Lương Sơn" means what covers it now.
 */
function placeTextsOf(units: readonly Area[], zoneList: readonly Zone[]): Map<string, string> {
  const found = new Map<string, string[]>();
  const add = (code: string, area: Area): void => {
    found.set(code, [...(found.get(code) ?? []), area.name.vi, area.name.en, area.short.vi, ...area.aliases]);
  };
  const wholes = new Map<string, string>();
  const today = new Set(units.filter((unit) => unit.valid_to === null).map((unit) => unit.code));
  for (const unit of units) {
    const zone = zoneList.find((one) => one.former_code === unit.code);
    if (zone) wholes.set(zone.code, wholeNames(unit.name.vi, unit.name.en, unit.short.vi, ...unit.aliases));
    if (unit.valid_to === null) add(unit.code, unit);
    else if (!zone) {
      let codes = unit.successors;
      for (let step = 0; step < SUCCESSOR_STEPS_MAX && codes.some((code) => !today.has(code)); step += 1) {
        codes = codes.flatMap((code) =>
          today.has(code) ? [code] : (units.find((one) => one.code === code && one !== unit)?.successors ?? []),
        );
      }
      for (const code of codes) add(code, unit);
    }
  }
  const texts = new Map(
    [...found].map(([code, names]) => [
      code,
      names
        .filter(Boolean)
        .map((name) => `\n${searchable(name)}`)
        .join(""),
    ]),
  );
  for (const zone of zoneList)
    for (const code of zone.areas) texts.set(code, `${texts.get(code) ?? ""}\n${wholes.get(zone.code) ?? ""}`);
  return texts;
}

export const city = {
  get domains(): Domain[] {
    return domains;
  },
  get areas(): Area[] {
    return areas;
  },
  get zones(): Zone[] {
    return zones;
  },
  get feeds(): Feed[] {
    return feeds;
  },
  get status(): Status | null {
    return status;
  },
  feed(id: string | null | undefined): Feed | undefined {
    return feeds.find((feed) => feed.id === id);
  },
  field(feedId: string | null | undefined, name: string | null | undefined): Feed["fields"][number] | undefined {
    return city.feed(feedId)?.fields.find((field) => field.name === name);
  },
  /** A value of a field as people are told it: a code by the words that the pack has for it. */
  told(feedId: string | null | undefined, name: string | null | undefined, value: unknown): unknown {
    const field = typeof value === "string" ? city.field(feedId, name) : undefined;
    if (field === undefined || typeof value !== "string") return value;
    if (field.type === "time") return dateTime(value);
    const words = field.words[value];
    return words ? say(words) : value;
  },
  /** The names that a place has or had, as search reads them: each on a line of its own. */
  placeText(area: string | null): string {
    return area === null ? "" : (placeTexts.get(area) ?? "");
  },
  hearDomain(change: Partial<Domain> & { id: string }): void {
    if (!domains.some((domain) => domain.id === change.id)) return;
    domains = domains.map((domain) => (domain.id === change.id ? { ...domain, ...change } : domain));
  },
  async loadDomains(): Promise<void> {
    domains = (await ask<Page<Domain>>("/domains")).items;
  },
  async load(): Promise<void> {
    const [areaList, zoneList, feedList, now] = await Promise.all([
      ask<Page<Area>>("/areas?on=all"),
      ask<Page<Zone>>("/zones"),
      ask<Page<Feed>>("/feeds"),
      ask<Status>("/status"),
    ]);
    // The map and the filters speak of the units of the two zones; a province above them is no place of its own.
    areas = areaList.items.filter((area) => area.zone && area.valid_to === null);
    placeTexts = placeTextsOf(areaList.items, zoneList.items);
    zones = zoneList.items;
    feeds = feedList.items;
    status = now;
    clock.hear({ time: now.time, position: 0 });
  },
};
