"""QGIS as a client, without a screen: features by its OAPIF provider, tiles with the ready style, both drawn."""

import json
import os
import sys
import urllib.request

from qgis.core import (
    QgsApplication,
    QgsAuthMethodConfig,
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsFeatureRequest,
    QgsMapRendererSequentialJob,
    QgsMapSettings,
    QgsProject,
    QgsRectangle,
    QgsVectorLayer,
    QgsVectorTileLayer,
)
from qgis.PyQt.QtCore import QSize
from qgis.PyQt.QtGui import QColor

URL = os.environ["YICE_URL"]
WORK = os.environ["GIS_WORK"]
TOKEN = os.environ["YICE_TOKEN"]


def expect(name, wanted, found):
    print(f"ok {name}" if wanted == found else f"not ok {name}: wanted {wanted!r}, found {found!r}", flush=True)


def ask(path):
    request = urllib.request.Request(URL + path, headers={"Authorization": "Bearer " + TOKEN})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def draw(layer, extent, crs, name):
    """Draws a layer to a picture; gives the number of colours and the share of points that are not the ground."""
    settings = QgsMapSettings()
    settings.setLayers([layer])
    settings.setDestinationCrs(crs)
    settings.setExtent(extent)
    settings.setOutputSize(QSize(800, 600))
    settings.setBackgroundColor(QColor("white"))
    job = QgsMapRendererSequentialJob(settings)
    job.start()
    job.waitForFinished()
    image = job.renderedImage()
    image.save(os.path.join(WORK, name))
    points = [image.pixel(x, y) for x in range(0, 800, 2) for y in range(0, 600, 2)]
    ground = max(set(points), key=points.count)
    return len(set(points)), sum(point != ground for point in points) / len(points)


QgsApplication.setPrefixPath("/usr", True)
application = QgsApplication([], False)
application.initQgis()

# The token is the password of a saved authentication, as somebody makes one in QGIS.
manager = QgsApplication.authManager()
manager.setMasterPassword("tests", True)
login = QgsAuthMethodConfig("Basic")
login.setName("yice")
login.setConfig("username", "tests")
login.setConfig("password", TOKEN)
expect("it keeps the token", True, manager.storeAuthenticationConfig(login)[0])

lonlat = QgsCoordinateReferenceSystem("OGC:CRS84")
mercator = QgsCoordinateReferenceSystem("EPSG:3857")
west, south, east, north = ask("/ogc/collections/parcels")["extent"]["spatial"]["bbox"][0]
x, y = (west + east) / 2, (south + north) / 2
box = QgsRectangle(x - 0.006, y - 0.0045, x + 0.006, y + 0.0045)

uri = f"pagingEnabled='true' pageSize='500' restrictToRequestBBOX='1' typename='parcels' url='{URL}/ogc' authcfg='{login.id()}'"
layer = QgsVectorLayer(uri, "parcels", "OAPIF")
expect("it opens the features", True, layer.isValid())
if not layer.isValid():
    print(layer.error().message(), file=sys.stderr)
    sys.exit(1)
expect("it knows their fields", True, {"code", "usage", "area_m2"} <= {field.name() for field in layer.fields()})
wanted = ask(f"/ogc/collections/parcels/items?limit=1&bbox={box.xMinimum()},{box.yMinimum()},{box.xMaximum()},{box.yMaximum()}")["numberMatched"]
found = [feature["code"] for feature in layer.getFeatures(QgsFeatureRequest().setFilterRect(box).setFlags(QgsFeatureRequest.ExactIntersect))]
expect("it reads those in a box", wanted, len(found))
colours, covered = draw(layer, box, lonlat, "features.png")
expect("it draws them", True, colours > 3 and covered > 0.3)

everything = QgsVectorLayer(uri.replace("restrictToRequestBBOX='1' ", ""), "parcels", "OAPIF")
ids = [feature["id"] for feature in everything.getFeatures()]
total = ask("/ogc/collections/parcels/items?limit=1")["numberMatched"]
expect("it pages through all", total, len(ids))
expect("it meets none twice", total, len(set(ids)))

# The style is asked for without the layer's authentication: here the token stands in the address.
style = URL.replace("://", f"://tests:{TOKEN}@") + "/styles/title_status.json"
tiles = QgsVectorTileLayer(
    f"type=xyz&url={URL}/tiles/parcels,buildings,sites/%7Bz%7D/%7Bx%7D/%7By%7D.mvt&zmin=0&zmax=20&styleUrl={style}&authcfg={login.id()}",
    "tiles",
)
expect("it opens the tiles", True, tiles.isValid())
loaded = tiles.loadDefaultStyle()
expect("it reads the ready style", True, loaded[1] if isinstance(loaded, tuple) else bool(loaded))
names = [style.layerName() for style in tiles.renderer().styles()]
expect("with our layers", True, {"parcels", "buildings"} <= set(names))
to_mercator = QgsCoordinateTransform(lonlat, mercator, QgsProject.instance())
colours, covered = draw(tiles, to_mercator.transformBoundingBox(box), mercator, "tiles.png")
expect("it draws them", True, colours > 3 and covered > 0.3)

sys.stdout.flush()
# QGIS's own end of the application is known to fail without a screen; nothing is lost by leaving at once.
os._exit(0)
