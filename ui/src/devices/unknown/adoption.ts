/** Adopting an unknown device to its end, and taking that back: both go batch by batch, as releases do. */
import { ask } from "../../api/client";
import type { Adoption, Release, ReleaseStep } from "../../api/types";

export type AdoptForm = {
  feed: string;
  why: string;
  name?: { vi: string };
  area?: string;
  lat?: number;
  lon?: number;
  expected_period_seconds?: number;
};

const path = (device: string): string => `/devices/unknown/${encodeURIComponent(device)}`;

export async function adopt(device: string, form: AdoptForm, onstep: (release: Release) => void): Promise<Release> {
  let step: ReleaseStep = await ask<Adoption>(`${path(device)}/adopt`, { method: "POST", body: form });
  onstep(step.release);
  while (!step.release.done) {
    step = await ask<ReleaseStep>(`/dead-letters/releases/${step.release.id}/continue`, { method: "POST" });
    onstep(step.release);
  }
  return step.release;
}

export async function undoAdoption(release: number, why: string): Promise<Release> {
  let found: Release;
  do found = await ask<Release>(`/dead-letters/releases/${release}/undo`, { method: "POST", body: { why } });
  while (found.undone_at === null);
  return found;
}

export async function ignoreDevice(device: string, reason: string): Promise<void> {
  await ask(`${path(device)}/ignore`, { method: "POST", body: { reason } });
}

export async function stopIgnoring(device: string): Promise<void> {
  await ask(`${path(device)}/ignore/undo`, { method: "POST" });
}
