/** What changes rarely: domains, areas, zones, feeds, the server's status. Domains are read again every 20 s. */
import { ask } from "../api/client";
import { clock } from "./clock.svelte";
import type { Area, Domain, Feed, Page, Status, Zone } from "../api/types";

let domains = $state.raw<Domain[]>([]);
let areas = $state.raw<Area[]>([]);
let zones = $state.raw<Zone[]>([]);
let feeds = $state.raw<Feed[]>([]);
let status = $state.raw<Status | null>(null);

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
  hearDomain(change: Partial<Domain> & { id: string }): void {
    if (!domains.some((domain) => domain.id === change.id)) return;
    domains = domains.map((domain) => (domain.id === change.id ? { ...domain, ...change } : domain));
  },
  async loadDomains(): Promise<void> {
    domains = (await ask<Page<Domain>>("/domains")).items;
  },
  async load(): Promise<void> {
    const [areaList, zoneList, feedList, now] = await Promise.all([
      ask<Page<Area>>("/areas"),
      ask<Page<Zone>>("/zones"),
      ask<Page<Feed>>("/feeds"),
      ask<Status>("/status"),
    ]);
    // The map and the filters speak of the units of the two zones; a province above them is no place of its own.
    areas = areaList.items.filter((area) => area.zone);
    zones = zoneList.items;
    feeds = feedList.items;
    status = now;
    clock.hear({ time: now.time, position: 0 });
  },
};
