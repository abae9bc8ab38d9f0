/** Which feeds have a VN_AQI: those that measure dust. */
import { city } from "../live/city.svelte";

const DUST = ["pm2_5", "pm10"];

export function isAir(feed: string | null | undefined): boolean {
  return city.feed(feed)?.fields.some((field) => DUST.includes(field.name)) ?? false;
}
