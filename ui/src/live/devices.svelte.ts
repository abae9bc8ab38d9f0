/** Every device of the registry, merged from the list and the stream; drawn at most every half second. */
import { askAll } from "../api/client";
import type { Device, StreamGone } from "../api/types";
import { searchable } from "../format/search";
import { Batch } from "./batch";
import { city } from "./city.svelte";

const known = new Map<string, Device>();
const texts = new Map<string, string>();
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
  if (before?.version !== device.version || !texts.has(device.id)) {
    texts.set(
      device.id,
      searchable(
        device.id,
        device.name.vi,
        device.name.en,
        device.area_name?.vi,
        device.area_name?.en,
        device.place,
        device.feed,
      ),
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
  /** Its own names alone: what is found by them comes before what is found by its place. */
  nameText: (device: Device): string => texts.get(device.id) ?? "",
  /** What search reads of a device: its own names, and every name that its place has or had. */
  searchText: (device: Device): string => (texts.get(device.id) ?? "") + city.placeText(device.area),
  async load(): Promise<number> {
    const list = await askAll<Device>("/devices?limit=500", 20);
    const listed = new Set(list.items.map((device) => device.id));
    for (const id of known.keys()) if (!listed.has(id)) known.delete(id);
    for (const device of list.items) take(device);
    loaded = true;
    batch.mark();
    return list.position;
  },
  hear(device: Device | StreamGone): void {
    // It has left the registry, or the places that this account sees.
    if ("gone" in device) known.delete(device.id);
    else take(device);
    batch.mark();
  },
  /** Draw at once what has been heard. */
  draw(): void {
    batch.flush();
  },
};
