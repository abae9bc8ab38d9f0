/** Every device of the registry, merged from the list and the stream; drawn at most every half second. */
import { askAll } from "../api/client";
import type { Device } from "../api/types";
import { fold } from "../format/search";
import { Batch } from "./batch";

const known = new Map<string, Device>();
const folded = new Map<string, string>();
let all = $state.raw<Device[]>([]);
let loaded = $state(false);

const batch = new Batch(() => {
  all = [...known.values()];
}, 500);

function take(device: Device): void {
  const before = known.get(device.id);
  if (before && device.version < before.version) return;
  if (before && (device.last_seen ?? "") < (before.last_seen ?? "")) return;
  known.set(device.id, device);
  if (!before || before.version !== device.version || !folded.has(device.id)) {
    folded.set(
      device.id,
      fold([device.id, device.name.vi, device.name.en, device.area_name?.vi, device.area_name?.en, device.place, device.feed].filter(Boolean).join(" ")),
    );
  }
}

export const devices = {
  get all(): Device[] {
    return all;
  },
  get loaded(): boolean {
    return loaded;
  },
  get(id: string): Device | undefined {
    return known.get(id);
  },
  searchText(id: string): string {
    return folded.get(id) ?? "";
  },
  async load(): Promise<number> {
    const list = await askAll<Device>("/devices?limit=500", 20);
    const listed = new Set(list.items.map((device) => device.id));
    for (const id of known.keys()) if (!listed.has(id)) known.delete(id);
    for (const device of list.items) take(device);
    loaded = true;
    batch.mark();
    return list.position;
  },
  hear(device: Device): void {
    take(device);
    batch.mark();
  },
};
