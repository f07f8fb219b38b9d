// The one owner of the map object. It is given what is wished and reconciles; it tells back what it shows.
import "maplibre-gl/dist/maplibre-gl.css";
import {
  Map as MapLibreMap,
  setWorkerUrl,
  type FilterSpecification,
  type GeoJSONSource,
  type LayerSpecification,
  type MapGeoJSONFeature,
  type MapMouseEvent,
  type VectorTileSource,
} from "maplibre-gl";
import workerUrl from "maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url";
import type { Geometry, Position } from "geojson";
import type { BoundingBox, MapSettings, TileJson } from "@/api/types";
import type { AssetReference, Camera } from "@/state/address";
import type { CountsInView } from "@/state/map-readout";
import { isLayerName, notFilled, type LayerName } from "@/vocabulary";
import { graticule } from "@/map/graticule";
import { drawRing, hatchNames, hatchPixels } from "@/map/images";
import { layerChanges } from "@/map/layer-changes";
import { labelPoints } from "@/map/labels";
import { scaleBar } from "@/map/scale";
import { assetSource, buildLayers, buildSources, labelSource, labelZooms, overlaySources, type Look, type OverlaySource } from "@/map/style";

setWorkerUrl(workerUrl);

export type Padding = { top: number; right: number; bottom: number; left: number };

export type MapStart = { settings: MapSettings; tileJson: TileJson };

export type MapWish = {
  look: Look;
  camera: Camera | null;
  /** What the panels cover, in pixels. */
  padding: Padding;
  /** `?as_of=…&known_at=…` or nothing. */
  tileQuery: string;
  /** Grows when the tiles have to be asked for again. */
  revision: number;
  selectedId: string | null;
  overlays: Record<OverlaySource, Geometry | null>;
  /** The corners of the shape that is being drawn; null while nothing is drawn. */
  drawing: Position[] | null;
  /** The asset whose row is under the pointer in a table. */
  flashed: { layer: LayerName; feature_id: number } | null;
};

export type MapListener = {
  onCamera(camera: Camera): void;
  onSelect(asset: AssetReference | null): void;
  onPointer(position: { longitude: number; latitude: number } | null): void;
  /** A corner of the shape that is being drawn. */
  onCorner(position: { longitude: number; latitude: number }): void;
  /** Its end: a double click, or a click on the first corner. */
  onDrawn(): void;
  onCounts(counts: CountsInView | null, isTotalled: boolean): void;
  onView(readout: { scale: { metres: number; pixels: number }; bearing: number; bounds: BoundingBox }): void;
  onTrouble(): void;
};

type FeatureState = { layer: LayerName; featureId: string | number };
type Target = { layer: LayerName; id: string; featureId: string | number | undefined };

const longestScaleBar_px = 110;
/** Deeper than this the tiles are enlarged: their grid is finer than a pixel of any screen. */
const deepestTileZoom = 18;
/** Tiles below hold totals, in which no single asset is drawn. */
const assetsFromZoom = 12;
const countPause_ms = 120;
const ringPixelRatio = 2;
/** So near to the first corner a click closes the shape. */
const closingReach_px = 9;

/** What a click prefers where several lie on each other: the smaller thing. */
const clickOrder: LayerName[] = ["buildings", "parcels", "sites"];

function isStillnessPreferred(): boolean {
  return window.matchMedia("(prefers-reduced-motion: reduce)").matches;
}

function isSameCamera(left: Camera, right: Camera): boolean {
  return (
    Math.abs(left.zoom - right.zoom) < 0.006 &&
    Math.abs(left.longitude - right.longitude) < 0.00001 &&
    Math.abs(left.latitude - right.latitude) < 0.00001 &&
    Math.abs(left.bearing - right.bearing) < 0.6
  );
}

export class YiceMap {
  readonly #map: MapLibreMap;
  readonly #listener: MapListener;
  readonly #settings: MapSettings;
  readonly #tileTemplate: string;
  #wish: MapWish;
  #layers: LayerSpecification[];
  #isStyleReady = false;
  #refreshesWhenIdle = false;
  #hovered: FeatureState | null = null;
  #flashed: FeatureState | null = null;
  #labelMark = "";
  #countTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(container: HTMLElement, start: MapStart, wish: MapWish, listener: MapListener) {
    const { settings, tileJson } = start;
    this.#listener = listener;
    this.#settings = settings;
    this.#wish = wish;
    this.#tileTemplate = new URL(tileJson.tiles[0] ?? "", window.location.origin).href.replaceAll("%7B", "{").replaceAll("%7D", "}");
    this.#layers = buildLayers(wish.look, settings.base_map.kind === "raster");
    const sources = buildSources(settings, [this.#tileAddress(wish)], {
      minzoom: tileJson.minzoom ?? 0,
      maxzoom: Math.min(tileJson.maxzoom ?? deepestTileZoom, deepestTileZoom),
    });
    this.#map = new MapLibreMap({
      container,
      style: { version: 8, glyphs: `${window.location.origin}/glyphs/{fontstack}/{range}.pbf`, sources, layers: this.#layers },
      ...this.#startingView(),
      attributionControl: false,
      localIdeographFontFamily: '"PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", "Source Han Sans SC", sans-serif',
      minZoom: 2,
      maxZoom: 21,
      maxPitch: 0,
      fadeDuration: isStillnessPreferred() ? 0 : 150,
    });
    this.#connect();
  }

  /** Makes the map what is wished; only what differs is touched. */
  reconcile(wish: MapWish): void {
    const before = this.#wish;
    this.#wish = wish;
    if (wish.camera !== null && before.camera !== wish.camera && !isSameCamera(wish.camera, this.#camera())) {
      this.#map.jumpTo({ center: [wish.camera.longitude, wish.camera.latitude], zoom: wish.camera.zoom, bearing: wish.camera.bearing });
    }
    if (!this.#isStyleReady) return;
    this.#reconcileLayers();
    if (wish.tileQuery !== before.tileQuery) {
      this.#map.getSource<VectorTileSource>(assetSource)?.setTiles([this.#tileAddress(wish)]);
    } else if (wish.revision !== before.revision) {
      this.#refreshTiles();
    }
    for (const name of overlaySources) {
      if (wish.overlays[name] !== before.overlays[name]) this.#setOverlay(name, wish.overlays[name]);
    }
    if (wish.flashed !== before.flashed) this.#flash(wish.flashed);
    if ((wish.drawing === null) !== (before.drawing === null)) this.#prepareDrawing(wish.drawing !== null);
    if (wish.look.theme !== before.look.theme || wish.look.subjectLayer !== before.look.subjectLayer) this.#countSoon();
  }

  /** Asks for the tiles anew. One that is on its way is not asked for twice and keeps what it brings, though that may be
   *  older than the change: when all is there, they are asked for once more, which costs nothing where they are current. */
  #refreshTiles(): void {
    this.#map.refreshTiles(assetSource);
    if (this.#refreshesWhenIdle) return;
    this.#refreshesWhenIdle = true;
    void this.#map.once("idle", () => {
      this.#refreshesWhenIdle = false;
      if (this.#map.getSource(assetSource) !== undefined) this.#map.refreshTiles(assetSource);
    });
  }

  zoomBy(step: number): void {
    this.#map.easeTo({ zoom: Math.round(this.#map.getZoom() * 2) / 2 + step, ...this.#pace() });
  }

  turnNorth(): void {
    this.#map.easeTo({ bearing: 0, ...this.#pace() });
  }

  /** Everything there is, or the configured start where there is nothing. */
  showAll(): void {
    if (this.#settings.bounds === null) this.#map.easeTo({ center: this.#settings.center, zoom: this.#settings.zoom, ...this.#pace() });
    else this.moveTo(this.#settings.bounds);
  }

  moveTo([west, south, east, north]: BoundingBox): void {
    this.#map.fitBounds([west, south, east, north], { padding: this.#room(48), maxZoom: 18, ...this.#pace() });
  }

  /** Moves no further than needed for an asset's box to be seen: drawn by itself, and not under a panel. */
  uncover([west, south, east, north]: BoundingBox): void {
    // A flight to it is under way already.
    if (this.#map.isMoving()) return;
    if (this.#map.getZoom() < assetsFromZoom) return this.moveTo([west, south, east, north]);
    const { clientWidth: width, clientHeight: height } = this.#map.getContainer();
    const room = this.#room(16);
    const [first, second] = [this.#map.project([west, north]), this.#map.project([east, south])];
    const isShown = first.x >= room.left && second.x <= width - room.right && first.y >= room.top && second.y <= height - room.bottom;
    if (isShown) return;
    const isTooLarge = second.x - first.x > width - room.left - room.right || second.y - first.y > height - room.top - room.bottom;
    const isFarAway = second.x < 0 || first.x > width || second.y < 0 || first.y > height;
    if (isTooLarge || isFarAway || second.x - first.x < 4) return this.moveTo([west, south, east, north]);
    this.#map.easeTo({
      center: [(west + east) / 2, (south + north) / 2],
      offset: [(room.left - room.right) / 2, (room.top - room.bottom) / 2],
      ...this.#pace(),
    });
  }

  resize(): void {
    this.#map.resize();
  }

  destroy(): void {
    clearTimeout(this.#countTimer);
    this.#map.remove();
  }

  #startingView() {
    const { camera } = this.#wish;
    if (camera !== null) return { center: [camera.longitude, camera.latitude] as [number, number], zoom: camera.zoom, bearing: camera.bearing };
    const { bounds, center, zoom } = this.#settings;
    return bounds === null ? { center, zoom } : { bounds, fitBoundsOptions: { padding: this.#room(24), maxZoom: 16 } };
  }

  /** The padding of the panels and some air; little enough to leave room on a small window. */
  #room(air_px: number): Padding {
    const { top, right, bottom, left } = this.#wish.padding;
    return { top: top + air_px, right: right + air_px, bottom: bottom + air_px, left: left + air_px };
  }

  #pace() {
    return isStillnessPreferred() ? { duration: 0 } : { duration: 450 };
  }

  #tileAddress(wish: MapWish): string {
    return `${this.#tileTemplate}${wish.tileQuery}`;
  }

  #camera(): Camera {
    const { lng, lat } = this.#map.getCenter();
    return { longitude: lng, latitude: lat, zoom: this.#map.getZoom(), bearing: this.#map.getBearing() };
  }

  #connect(): void {
    const map = this.#map;
    map.setMissingStyleImageResolver((name) => {
      const image = drawRing(name, ringPixelRatio);
      if (image !== null && !map.hasImage(name)) map.addImage(name, image, { pixelRatio: ringPixelRatio });
      return Promise.resolve();
    });
    map.once("style.load", () => {
      for (const [hatch, name] of Object.entries(hatchNames)) map.addImage(name, hatchPixels(hatch as keyof typeof hatchNames), { pixelRatio: 2 });
      this.#isStyleReady = true;
      this.#reconcileLayers();
      const tiles = map.getSource<VectorTileSource>(assetSource);
      if (tiles?.tiles?.[0] !== this.#tileAddress(this.#wish)) tiles?.setTiles([this.#tileAddress(this.#wish)]);
      for (const name of overlaySources) this.#setOverlay(name, this.#wish.overlays[name]);
      this.#prepareDrawing(this.#wish.drawing !== null);
      this.#drawGraticule();
      this.#tellView();
      this.#listener.onCamera(this.#camera());
    });
    map.on("move", () => this.#tellView());
    map.on("moveend", () => {
      this.#drawGraticule();
      this.#listener.onCamera(this.#camera());
    });
    map.on("idle", () => {
      this.#placeLabels();
      this.#countSoon();
    });
    map.on("click", (event) => (this.#wish.drawing === null ? this.#click(event) : this.#draw(event, this.#wish.drawing)));
    map.on("dblclick", () => {
      if (this.#wish.drawing !== null) this.#listener.onDrawn();
    });
    map.on("mousemove", (event) => {
      this.#listener.onPointer({ longitude: event.lngLat.lng, latitude: event.lngLat.lat });
      this.#hover(event);
    });
    map.on("mouseout", () => {
      this.#listener.onPointer(null);
      this.#setHovered(null);
    });
    // Tiles that fail while the server is away come again when it is back; anything else is worth a word.
    map.on("error", () => this.#listener.onTrouble());
  }

  #reconcileLayers(): void {
    const wanted = buildLayers(this.#wish.look, this.#settings.base_map.kind === "raster");
    for (const change of layerChanges(this.#layers, wanted)) {
      if (change.kind === "remove") this.#map.removeLayer(change.id);
      else if (change.kind === "add") this.#map.addLayer(change.layer, change.before);
      else if (change.kind === "filter") this.#map.setFilter(change.id, change.filter as FilterSpecification | null);
      else if (change.kind === "paint") this.#map.setPaintProperty(change.id, change.name as never, change.value as never);
      else this.#map.setLayoutProperty(change.id, change.name as never, change.value as never);
    }
    this.#layers = wanted;
  }

  #setOverlay(name: OverlaySource, geometry: Geometry | null): void {
    this.#map.getSource<GeoJSONSource>(name)?.setData(geometry ?? { type: "FeatureCollection", features: [] });
  }

  #drawGraticule(): void {
    const bounds = this.#map.getBounds();
    this.#map.getSource<GeoJSONSource>("graticule")?.setData(graticule(bounds.getWest(), bounds.getSouth(), bounds.getEast(), bounds.getNorth()));
  }

  /** One label for each asset in view, in the middle of its largest visible piece. */
  #placeLabels(): void {
    const layers = (Object.keys(labelZooms) as LayerName[]).filter((layer) => this.#map.getZoom() >= labelZooms[layer]);
    const ids = this.#drawnLayerIds(layers.flatMap((layer) => [`${layer}-count`, `${layer}-point`]));
    const pieces = ids.length === 0 ? [] : this.#map.queryRenderedFeatures({ layers: ids });
    const labels = labelPoints(pieces.map(({ sourceLayer, properties, geometry }) => ({ layer: sourceLayer ?? "", properties, geometry })));
    // Setting the same points again would wake the map from its rest, which would ask for them again.
    const mark = JSON.stringify(labels);
    if (mark === this.#labelMark) return;
    this.#labelMark = mark;
    this.#map.getSource<GeoJSONSource>(labelSource)?.setData(labels);
  }

  #tellView(): void {
    const bounds = this.#map.getBounds();
    this.#listener.onView({
      scale: scaleBar(this.#map.getCenter().lat, this.#map.getZoom(), longestScaleBar_px),
      bearing: this.#map.getBearing(),
      bounds: [bounds.getWest(), bounds.getSouth(), bounds.getEast(), bounds.getNorth()],
    });
  }

  #drawnLayerIds(ids: string[]): string[] {
    return ids.filter((id) => this.#map.getLayer(id) !== undefined);
  }

  #targetsAt(event: MapMouseEvent): Target[] {
    const ids = this.#drawnLayerIds(["parcels-fill", "parcels-outline", "buildings-fill", "buildings-outline", "sites-line", "sites-point"]);
    const targets: Target[] = [];
    for (const feature of this.#map.queryRenderedFeatures(event.point, { layers: ids })) {
      const layer = feature.sourceLayer ?? "";
      const id: unknown = feature.properties["id"];
      if (!isLayerName(layer) || typeof id !== "string") continue;
      if (!targets.some((one) => one.id === id)) targets.push({ layer, id, featureId: feature.id });
    }
    return targets.sort((left, right) => clickOrder.indexOf(left.layer) - clickOrder.indexOf(right.layer));
  }

  #totalAt(event: MapMouseEvent): MapGeoJSONFeature | undefined {
    return this.#map.queryRenderedFeatures(event.point, { layers: this.#drawnLayerIds(["totals"]) })[0];
  }

  #click(event: MapMouseEvent): void {
    const total = this.#totalAt(event);
    if (total !== undefined) {
      const [longitude = 0, latitude = 0] = total.geometry.type === "Point" ? total.geometry.coordinates : [];
      this.#map.easeTo({ center: [longitude, latitude], zoom: this.#map.getZoom() + 2, ...this.#pace() });
      return;
    }
    const targets = this.#targetsAt(event);
    // A second click on the same spot goes on to what lies underneath.
    const selected = targets.findIndex((one) => one.id === this.#wish.selectedId);
    const target = targets[(selected + 1) % Math.max(1, targets.length)];
    this.#listener.onSelect(target === undefined ? null : { layer: target.layer, id: target.id });
  }

  /** While a shape is drawn a double click ends it, and nothing is picked. */
  #prepareDrawing(isDrawing: boolean): void {
    if (isDrawing) this.#map.doubleClickZoom.disable();
    else this.#map.doubleClickZoom.enable();
    this.#map.getCanvas().style.cursor = isDrawing ? "crosshair" : "";
    if (isDrawing) this.#setHovered(null);
  }

  #draw(event: MapMouseEvent, corners: Position[]): void {
    // The second click of a double click is no corner of its own.
    if (event.originalEvent.detail > 1) return;
    const [longitude = 0, latitude = 0] = corners[0] ?? [];
    const isClosed = corners.length >= 3 && this.#map.project([longitude, latitude]).dist(event.point) <= closingReach_px;
    if (isClosed) this.#listener.onDrawn();
    else this.#listener.onCorner({ longitude: event.lngLat.lng, latitude: event.lngLat.lat });
  }

  #hover(event: MapMouseEvent): void {
    if (this.#map.isMoving() || this.#wish.drawing !== null) return;
    const [target] = this.#targetsAt(event);
    const isClickable = target !== undefined || this.#totalAt(event) !== undefined;
    this.#map.getCanvas().style.cursor = isClickable ? "pointer" : "";
    this.#setHovered(target?.featureId === undefined ? null : { layer: target.layer, featureId: target.featureId });
  }

  #setHovered(next: FeatureState | null): void {
    if (this.#hovered?.layer === next?.layer && this.#hovered?.featureId === next?.featureId) return;
    this.#setState(this.#hovered, false);
    this.#setState(next, true);
    this.#hovered = next;
  }

  #flash(next: MapWish["flashed"]): void {
    this.#setState(this.#flashed, false);
    this.#flashed = next === null ? null : { layer: next.layer, featureId: next.feature_id };
    this.#setState(this.#flashed, true);
  }

  #setState(feature: FeatureState | null, hover: boolean): void {
    if (feature === null || this.#map.getSource(assetSource) === undefined) return;
    this.#map.setFeatureState({ source: assetSource, sourceLayer: feature.layer, id: feature.featureId }, { hover });
  }

  #countSoon(): void {
    clearTimeout(this.#countTimer);
    this.#countTimer = setTimeout(() => this.#count(), countPause_ms);
  }

  /** Counts what is drawn in the window by value of the theme: single assets, or the sum of the totals. */
  #count(): void {
    const { subjectLayer: layer, theme } = this.#wish.look;
    if (layer === null || !this.#isStyleReady) return this.#listener.onCounts(null, false);
    const counts: CountsInView = { layer, total: 0, byValue: {} };
    const add = (value: string, count: number) => {
      counts.byValue[value] = (counts.byValue[value] ?? 0) + count;
    };
    const totals = this.#map.queryRenderedFeatures({ layers: this.#drawnLayerIds(["totals-count"]) });
    for (const { properties } of totals) {
      const count = Number(properties["count"] ?? 0);
      let filled = 0;
      for (const [name, value] of Object.entries(properties)) {
        if (!name.startsWith(`${theme}:`)) continue;
        add(name.slice(theme.length + 1), Number(value));
        filled += Number(value);
      }
      if (count > filled) add(notFilled, count - filled);
      counts.total += count;
    }
    const seen = new Set<string>();
    for (const { properties } of this.#map.queryRenderedFeatures({ layers: this.#drawnLayerIds([`${layer}-count`, `${layer}-point`]) })) {
      const id = String(properties["id"]);
      if (seen.has(id)) continue;
      seen.add(id);
      const value: unknown = properties[theme];
      add(typeof value === "string" ? value : notFilled, 1);
      counts.total += 1;
    }
    this.#listener.onCounts(counts, totals.length > 0);
  }
}
