"""OWSLib as a client of OGC API – Features."""

import json
import os
from urllib.parse import parse_qs, urlparse

from owslib.ogcapi.features import Features
from owslib.util import Authentication

URL = os.environ["YICE_URL"] + "/ogc"


def expect(name, wanted, found):
    print(f"ok {name}" if wanted == found else f"not ok {name}: wanted {wanted!r}, found {found!r}")


features = Features(URL, auth=Authentication(username="tests", password=os.environ["YICE_TOKEN"]))
expect("it reads the landing page", True, any(link["rel"] == "conformance" for link in features.links))
expect("it reads the conformance", True, "http://www.opengis.net/spec/ogcapi-features-3/1.0/conf/filter" in features.conformance()["conformsTo"])
expect("it reads the definition", "3.0.3", features.api()["openapi"])
expect("it lists the collections of features", ["buildings", "parcels", "sites"], sorted(features.feature_collections()))
collection = features.collection("parcels")
expect("it reads a collection", "http://www.opengis.net/def/crs/EPSG/0/4490", collection["storageCrs"])
queryables = features.collection_queryables("parcels")
expect("it reads the queryables", True, {"code", "usage", "area_m2", "geometry"} <= set(queryables["properties"]))

# Page after page by the links, to the end.
seen, totals, pages = [], set(), 0
page = features.collection_items("parcels", limit=1777)
while True:
    pages += 1
    seen += [feature["id"] for feature in page["features"]]
    totals.add(page["numberMatched"])
    expect(f"page {pages} says how much it holds", len(page["features"]), page["numberReturned"])
    following = [link["href"] for link in page["links"] if link["rel"] == "next"]
    if not following or pages > 100:
        break
    asked = {name: values[0] for name, values in parse_qs(urlparse(following[0]).query).items()}
    page = features.collection_items("parcels", **asked)
expect("it pages through all", totals, {len(seen)})
expect("it meets none twice", len(seen), len(set(seen)))
expect("in several pages", True, pages > 3)

feature = features.collection_item("parcels", seen[0])
expect("it reads one", seen[0], feature["id"])
code = feature["properties"]["code"]
expect("it finds it by its code", [seen[0]], [one["id"] for one in features.collection_items("parcels", code=code)["features"]])

west, south, east, north = collection["extent"]["spatial"]["bbox"][0]
x, y = (west + east) / 2, (south + north) / 2
box = [x - 0.01, y - 0.005, x + 0.01, y + 0.005]
in_box = features.collection_items("parcels", bbox=box, limit=1)["numberMatched"]
expect("a box holds some", True, 10 < in_box < len(seen))
text = "S_INTERSECTS(geometry, BBOX({}, {}, {}, {}))".format(*box)
expect("CQL2 as text finds the same", in_box, features.collection_items("parcels", limit=1, filter=text, **{"filter-lang": "cql2-text"})["numberMatched"])
written = json.dumps({"op": "s_intersects", "args": [{"property": "geometry"}, {"bbox": box}]})
expect("CQL2 as JSON finds the same", in_box, features.collection_items("parcels", limit=1, filter=written, **{"filter-lang": "cql2-json"})["numberMatched"])
large = features.collection_items("parcels", limit=10000, filter="area_m2 > 5000 AND code LIKE '1%'")
expect("what is found is what was asked for", True, large["numberMatched"] > 0 and all(
    one["properties"]["area_m2"] > 5000 and one["properties"]["code"].startswith("1") for one in large["features"]))
expect("a time before everything holds nothing", 0, features.collection_items("parcels", datetime_="1900-01-01")["numberMatched"])
try:
    features.collection_items("parcels", filter="nothing = 1")
    expect("a refusal is one", "an error", "an answer")
except RuntimeError as error:
    expect("a refusal says what is wrong", True, "no property" in str(error))
