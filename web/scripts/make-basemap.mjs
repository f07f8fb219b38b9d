// Makes public/basemap/*.geojson from Natural Earth extracts and from Cambridge's open spaces.
// Usage: node scripts/make-basemap.mjs FOLDER_WITH_THE_DATA_SETS   (needs GDAL's ogr2ogr)
// The results are committed: this is run only when the sources change.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";

const source = process.argv[2];
if (source === undefined) throw new Error("name the folder with the data sets");
const target = new URL("../public/basemap/", import.meta.url).pathname;

// Natural Earth gives romanised names only; these are the names in use. A name that is missing here stays romanised.
const placeNames = {
  Hengshui: "衡水", Zhucheng: "诸城", Xinyi: "新沂", Yangzhou: "扬州", Jieshou: "界首", Tongling: "铜陵", Maanshan: "马鞍山",
  "Fuyang|Anhui": "阜阳", "Fuyang|Zhejiang": "富阳", Cangzhou: "沧州", Huanghua: "黄骅", Nangong: "南宫", Linqing: "临清",
  Yishui: "沂水", Shanxian: "单县", Pingyi: "平邑", Pingdu: "平度", Laiwu: "莱芜", Buizhou: "滨州", Liaocheng: "聊城",
  Rizhao: "日照", Dezhou: "德州", Jingdezhen: "景德镇", Taizhou: "泰州", Shuyang: "沭阳", Lianyungang: "连云港",
  Huaibei: "淮北", Wuhu: "芜湖", Luan: "六安", Bengbu: "蚌埠", Anqing: "安庆", Macheng: "麻城", Huangshi: "黄石",
  Shangqiu: "商丘", Jining: "济宁", Weifang: "潍坊", Taian: "泰安", Heze: "菏泽", Laiyang: "莱阳", Jiujiang: "九江",
  Changzhou: "常州", Zhenjiang: "镇江", Nantong: "南通", Jiaxing: "嘉兴", Huzhou: "湖州", Shaoxing: "绍兴", Jinhua: "金华",
  Xuanzhou: "宣州", Weihai: "威海", Yancheng: "盐城", Yantai: "烟台", Zaozhuang: "枣庄", "Suzhou|Jiangsu": "苏州",
  "Suzhou|Anhui": "宿州", Xuzhou: "徐州", Wuxi: "无锡", Hefei: "合肥", Qingdao: "青岛", Linyi: "临沂", Huaiyin: "淮安",
  Ningbo: "宁波", Huainan: "淮南", Zibo: "淄博", Jinan: "济南", Nanjing: "南京", Hangzhou: "杭州", Shanghai: "上海",
};
const waterNames = {
  "Hongze Hu": "洪泽湖", "Tai Hu": "太湖", "Poyang Hu": "鄱阳湖", "Gaoyou Hu": "高邮湖", "Shijiu Hu": "石臼湖", "Chao Hu": "巢湖",
  "Weishan Hu": "微山湖", "Ge Hu": "滆湖", "Dongping Hu": "东平湖", "Luoma Hu": "骆马湖", "Wuchang Hu": "武昌湖",
  "Xinanjiang Shuiku": "新安江水库", Yangtze: "长江", Huai: "淮河", Huang: "黄河", Fuchun: "富春江", Ying: "颍河", Xiang: "湘江",
};

const round = (coordinates, digits) =>
  Array.isArray(coordinates[0]) ? coordinates.map((inner) => round(inner, digits)) : coordinates.map((n) => Number(n.toFixed(digits)));

function read(name) {
  return JSON.parse(gunzipSync(readFileSync(join(source, "basemap-east-china", `${name}.geojson.gz`))).toString("utf8")).features;
}

function feature(kind, { properties, geometry }) {
  const kept = { kind, rank: Math.round(properties.scalerank ?? 9) };
  const name = properties.name ?? null;
  if (kind === "place") {
    kept.name_zh = placeNames[`${name}|${properties.adm1name}`] ?? placeNames[name] ?? name;
    kept.name_en = name === "Buizhou" ? "Binzhou" : name;
  } else if (name !== null && (kind === "lake" || kind === "river")) {
    kept.name_zh = waterNames[name] ?? null;
    kept.name_en = name;
  }
  return { type: "Feature", properties: kept, geometry: { ...geometry, coordinates: round(geometry.coordinates, 4) } };
}

const layers = [["land", "land"], ["lake", "lakes"], ["river", "rivers"], ["river", "rivers_yongzhou"], ["urban", "urban_areas"], ["place", "populated_places"]];
const features = layers.flatMap(([kind, name]) => read(name).map((one) => feature(kind, one)));
writeFileSync(join(target, "east-china.geojson"), JSON.stringify({ type: "FeatureCollection", features }));

const folder = mkdtempSync(join(tmpdir(), "basemap-"));
const simplified = join(folder, "open_space.geojson");
execFileSync("ogr2ogr", ["-f", "GeoJSON", "-simplify", "0.00001", "-lco", "COORDINATE_PRECISION=5", simplified,
  `/vsigzip/${join(source, "cambridge-parcels", "open_space.geojson.gz")}`]);
const green = JSON.parse(readFileSync(simplified, "utf8")).features
  .filter((one) => one.geometry !== null)
  .map(({ properties, geometry }) => ({ type: "Feature", properties: { kind: "green", name_zh: properties.NAME, name_en: properties.NAME }, geometry }));
writeFileSync(join(target, "cambridge-open-space.geojson"), JSON.stringify({ type: "FeatureCollection", features: green }));
