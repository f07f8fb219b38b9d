//! `GET /styles/{name}.json`: ready styles of the MapLibre kind for the tiles, which QGIS reads too.
//!
//! The colours are the page's; a test holds them against its palette.

use axum::extract::Path;
use axum::response::Response;
use serde_json::{Value, json};

use super::asked::Asked;
use crate::request::{Problem, ProblemKind};

/// A theme: the attribute that is shown, and the colour of each of its values.
struct Theme {
    name: &'static str,
    title: &'static str,
    colours: &'static [(&'static str, &'static str)],
}

static THEMES: [Theme; 3] = [
    Theme {
        name: "title_status",
        title: "权属登记情况 Title status",
        colours: &[
            ("unified", "#1B7F5C"),
            ("other_handed", "#6FB7E9"),
            ("other_not_handed", "#2F5FA8"),
            ("none_handed", "#F2B134"),
            ("none_not_handed", "#C8415A"),
            ("other", "#8A8F98"),
        ],
    },
    Theme {
        name: "usage",
        title: "用途 Usage",
        colours: &[
            ("administrative_office", "#3B6FB6"),
            ("housing_security", "#E08E45"),
            ("technical", "#7A9A3A"),
            ("public_service", "#2CA6A4"),
            ("commercial", "#B5477A"),
            ("idle_land", "#C9B458"),
            ("other", "#9AA0A6"),
        ],
    },
    Theme {
        name: "occupancy",
        title: "使用状态 Occupancy",
        colours: &[
            ("in_use", "#8FA3BF"),
            ("idle", "#E4572E"),
            ("let", "#2CA6A4"),
            ("lent", "#7CCBC9"),
            ("rented_in", "#9B7FC7"),
            ("borrowed_in", "#C7B5E3"),
            ("under_repair", "#F2B134"),
            ("vacating", "#F7D58B"),
            ("dangerous", "#B3261E"),
            ("demolished", "#5A6675"),
        ],
    },
];

/// A value that nobody has filled in.
const UNKNOWN: &str = "#B4BAC3";

/// `GET /styles/{name}.json`
pub(super) async fn get_style(Path(name): Path<String>, asked: Asked) -> Result<Response, Problem> {
    let bare = name.strip_suffix(".json").unwrap_or(&name);
    let theme = THEMES.iter().find(|theme| theme.name == bare).ok_or_else(|| {
        let names: Vec<String> = THEMES.iter().map(|theme| format!("{}.json", theme.name)).collect();
        Problem::new(ProblemKind::NotFound, format!("there is no style {bare:?}"))
            .remedy(format!("there are {}", names.join(", ")))
    })?;
    asked.refuse_all_but(&["f"])?;
    asked.form(&[
        ("json", "application/json application/vnd.mapbox.style+json"),
        ("mbs", "application/vnd.mapbox.style+json"),
    ])?;
    Ok(asked.json("application/json", &style(&asked, theme)))
}

fn style(asked: &Asked, theme: &Theme) -> Value {
    let mut colour = vec![json!("match"), json!(["get", theme.name])];
    for (value, shade) in theme.colours {
        colour.push(json!(value));
        colour.push(json!(shade));
    }
    colour.push(json!(UNKNOWN));
    let colour = Value::Array(colour);
    let totals = |layer: &str, at: u8| {
        json!({
            "id": format!("{layer}-totals"), "type": "circle", "source": "yice", "source-layer": format!("{layer}_totals"),
            "maxzoom": at,
            "paint": {
                "circle-color": "#1F5FBF", "circle-opacity": 0.55, "circle-stroke-color": "#FFFFFF", "circle-stroke-width": 1,
                "circle-radius": ["interpolate", ["linear"], ["get", "count"], 1, 4, 100, 10, 10000, 22],
            },
        })
    };
    let label = |layer: &str, at: u8, field: &str| {
        json!({
            "id": format!("{layer}-label"), "type": "symbol", "source": "yice", "source-layer": layer, "minzoom": at,
            "layout": {"text-field": ["coalesce", ["get", field], ["get", "code"], ""],
                       "text-font": ["noto-sans-regular"], "text-size": 11, "text-max-width": 10},
            "paint": {"text-color": "#1D2733", "text-halo-color": "#FFFFFF", "text-halo-width": 1.4},
        })
    };
    json!({
        "version": 8,
        "name": format!("一策 Yice: {}", theme.title),
        "metadata": {"yice:theme": theme.name},
        "glyphs": asked.address("/glyphs/{fontstack}/{range}.pbf"),
        "sources": {"yice": {"type": "vector", "url": asked.address("/tiles/parcels,buildings,sites")}},
        "layers": [
            {"id": "ground", "type": "background", "paint": {"background-color": "#F4F2EE"}},
            {"id": "parcels", "type": "fill", "source": "yice", "source-layer": "parcels",
             "paint": {"fill-color": colour, "fill-opacity": 0.4}},
            {"id": "parcels-outline", "type": "line", "source": "yice", "source-layer": "parcels",
             "paint": {"line-color": colour, "line-width": ["interpolate", ["linear"], ["zoom"], 12, 0.4, 14, 0.9, 18, 2]}},
            {"id": "buildings", "type": "fill", "source": "yice", "source-layer": "buildings",
             "paint": {"fill-color": colour, "fill-opacity": 0.8}},
            {"id": "sites-outline", "type": "line", "source": "yice", "source-layer": "sites",
             "filter": ["!=", ["geometry-type"], "Point"],
             "paint": {"line-color": "#43566E", "line-width": ["interpolate", ["linear"], ["zoom"], 12, 1, 18, 2.5],
                       "line-dasharray": [3, 2]}},
            {"id": "sites", "type": "circle", "source": "yice", "source-layer": "sites",
             "filter": ["==", ["geometry-type"], "Point"],
             "paint": {"circle-color": "#FFFFFF", "circle-stroke-color": "#43566E", "circle-stroke-width": 2,
                       "circle-radius": ["interpolate", ["linear"], ["zoom"], 10, 3, 16, 7]}},
            totals("parcels", 13),
            totals("buildings", 13),
            totals("sites", 10),
            label("parcels", 17, "code"),
            label("buildings", 16, "name"),
            label("sites", 13, "name"),
        ],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_colours_are_those_of_the_page() {
        let palette = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../web/src/palette.ts")).unwrap();
        assert!(palette.contains(UNKNOWN));
        for theme in &THEMES {
            let (_, of_theme) = palette.split_once(&format!("  {}: {{", theme.name)).unwrap();
            let (of_theme, _) = of_theme.split_once("}").unwrap();
            let entries = of_theme.lines().filter(|line| line.contains('#')).count();
            assert_eq!(entries, theme.colours.len(), "{}", theme.name);
            for (value, colour) in theme.colours {
                assert!(
                    of_theme.contains(&format!("{value}: \"{colour}\"")),
                    "{} {value}",
                    theme.name
                );
            }
        }
    }
}
