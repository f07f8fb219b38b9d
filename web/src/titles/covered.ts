// What a certificate may cover: the asset itself, and the parcels and buildings that belong together with it.
import type { Asset, RelatedObject } from "@/api/types";

export function mayCover(asset: Asset | null): { parcels: RelatedObject[]; buildings: RelatedObject[] } {
  if (asset === null) return { parcels: [], buildings: [] };
  const own: RelatedObject = { id: asset.id, code: asset.code ?? null, name: asset.name ?? null };
  return asset.layer === "parcels" ? { parcels: [own], buildings: asset.buildings ?? [] } : { parcels: asset.parcels ?? [], buildings: [own] };
}
