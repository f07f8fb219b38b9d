//! How an address is asked about something that is registered.

use super::*;

/// The ways in which each address is asked; `ID` is the asset, `UNIT` a unit it has to do with.
pub(super) const QUERIES: [&str; 8] = [
    "",
    "?limit=1000&as_of=2022-06-01",
    "?limit=1000&count=true",
    "?format=csv&as_of=2022-06-01",
    "?q=ZZ",
    "?asset=ID",
    "?object=ID",
    "?building=ID&unit=UNIT",
];

/// The noun that an address is about: `leases` of `/api/v1/leases/{id}/account`.
pub(super) fn noun_of(path: &str) -> &str {
    path.strip_prefix("/api/v1/")
        .and_then(|rest| rest.split('/').next())
        .unwrap_or_default()
}

impl Asset {
    /// The id of what is called so and hangs on it.
    pub(super) fn id_of(&self, noun: &str) -> Option<&str> {
        self.hangs
            .iter()
            .chain(&self.told)
            .find(|(at, _)| *at == noun)
            .map(|(_, id)| id.as_str())
    }
}

impl World {
    /// Assets and what is none.
    pub(super) fn everything(&self) -> impl Iterator<Item = &Asset> {
        self.assets.iter().chain(&self.others)
    }

    /// Of those that are given, the ones that an address can be asked about: where its noun hangs on some, these.
    pub(super) fn about<'a>(&self, path: &str, among: &[&'a Asset]) -> Vec<&'a Asset> {
        let noun = noun_of(path);
        let having: Vec<&Asset> = among
            .iter()
            .copied()
            .filter(|asset| asset.id_of(noun).is_some())
            .collect();
        if having.is_empty() {
            // What is no asset has no address of a layer.
            let is_asset = |asset: &&Asset| ["parcels", "buildings", "sites"].contains(&asset.layer);
            among.iter().copied().filter(is_asset).collect()
        } else {
            having
        }
    }

    /// The address of something, as a route of the table has it.
    pub(super) fn uri(&self, path: &str, target: &Asset) -> String {
        let noun = noun_of(path);
        // Of what hangs there its id, of places and units theirs, else the asset's.
        let id = match noun {
            "relief-policies" => self.relief_policy.as_str(),
            "regions" => target.lay.last().map_or(NOWHERE, |(_, region)| &self.regions[region]),
            "units" => self.unit_of(target),
            _ => match target.id_of(noun) {
                Some(id) => id,
                None if self.everything().any(|asset| asset.id_of(noun).is_some()) => NOWHERE,
                None => &target.id,
            },
        };
        path.replace("{layers}", target.layer)
            .replace("{layer}", target.layer)
            .replace("{collection}", target.layer)
            .replace("{set}", "WebMercatorQuad")
            .replace("{feature}", &target.id)
            .replace("{asset}", &target.id)
            .replace("{line}", target.id_of("stocktaking-lines").unwrap_or(NOWHERE))
            .replace("{id}", id)
            .replace("{code}", "431103001002GB00003F00010001")
            .replace("{file}", "parcels.xlsx")
            .replace("{z}", "14")
            .replace("{matrix}", "14")
            .replace("{x}", "13271")
            .replace("{column}", "13271")
            .replace("{y}", "6936.mvt")
            .replace("{row}", "6936")
    }

    /// The unit that something has to do with: its own, else that of all rooms.
    fn unit_of<'a>(&'a self, target: &'a Asset) -> &'a str {
        target.id_of("filed-by").unwrap_or(&self.units[1])
    }

    /// A way of asking, about something.
    pub(super) fn query(&self, query: &str, target: &Asset) -> String {
        query.replace("ID", &target.id).replace("UNIT", self.unit_of(target))
    }
}

/// What of an answer somebody should not have been told, or what tells that they were told something.
pub(super) fn told<'a>(text: &str, uri: &str, asset: &'a Asset) -> Option<&'a String> {
    asset
        .secrets
        .iter()
        .find(|secret| text.contains(secret.as_str()) && !uri.contains(secret.as_str()))
}
