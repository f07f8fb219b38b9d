//! What regions have set of the standard (`registry/standards/space.toml`), read and checked once.

use std::sync::OnceLock;

use rust_embed::RustEmbed;
use serde::Deserialize;
use space_standard::{Parameters, TownshipLimits};

#[derive(RustEmbed)]
#[folder = "standards"]
struct Files;

/// The settings of all regions.
#[derive(Debug, Clone)]
pub struct Settings {
    regions: Vec<RegionSettings>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct RegionSettings {
    code: String,
    zh: String,
    en: String,
    township: Option<TownshipLimits>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    region: Vec<RegionSettings>,
}

/// Why the file can't be used: a fault of whoever wrote it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the file standards/space.toml can't be used: {reason}")]
pub struct SettingsRefused {
    reason: String,
}

impl Settings {
    fn read(text: &str) -> Result<Self, SettingsRefused> {
        let refused = |reason: String| SettingsRefused { reason };
        let file: File = toml::from_str(text).map_err(|error| refused(error.to_string()))?;
        for region in &file.region {
            let is_code = !region.code.is_empty() && region.code.chars().all(|digit| digit.is_ascii_digit());
            if !is_code || region.zh.is_empty() || region.en.is_empty() {
                return Err(refused(format!(
                    "the region {:?} needs a division code and its source in both languages",
                    region.code
                )));
            }
        }
        Ok(Self { regions: file.region })
    }

    /// The regions that have figures of their own.
    pub fn codes(&self) -> impl Iterator<Item = &str> {
        self.regions.iter().map(|region| region.code.as_str())
    }

    /// The figures that hold in a region: its own, or those of the nearest above it that has some.
    #[must_use]
    pub fn of_region(&self, code: Option<&str>) -> Parameters {
        let mut parameters = Parameters::default();
        let nearest = self
            .regions
            .iter()
            .filter(|region| code.is_some_and(|code| code.starts_with(&region.code)))
            .max_by_key(|region| region.code.len());
        if let Some(township) = nearest.and_then(|region| region.township) {
            parameters.township = township;
        }
        parameters
    }
}

/// The settings that this program was built with.
///
/// # Errors
/// Where the file is at fault; a test keeps that from happening.
pub fn settings() -> Result<&'static Settings, SettingsRefused> {
    static READ: OnceLock<Result<Settings, SettingsRefused>> = OnceLock::new();
    READ.get_or_init(|| {
        let held = Files::get("space.toml").ok_or_else(|| SettingsRefused {
            reason: "it is missing".to_owned(),
        })?;
        Settings::read(&String::from_utf8_lossy(&held.data))
    })
    .as_ref()
    .map_err(Clone::clone)
}

impl From<SettingsRefused> for crate::request::Fault {
    fn from(refused: SettingsRefused) -> Self {
        Self::Impossible {
            what: refused.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_has_its_own_figures_or_those_of_the_nearest_above() {
        let text = "[[region]]\ncode = \"23\"\nzh = \"甲\"\nen = \"a\"\ntownship = { chief_m2 = 20, deputy_m2 = 15.5, below_m2 = 9, service_m2 = 7, is_confirmed = true }\n\
                    [[region]]\ncode = \"2308\"\nzh = \"乙\"\nen = \"b\"\ntownship = { chief_m2 = 18, deputy_m2 = 12, below_m2 = 9, service_m2 = 7, is_confirmed = true }\n";
        let read = Settings::read(text).unwrap();
        let chief = |code| read.of_region(code).township.chief_m2.to_string();
        assert_eq!(chief(Some("230811")), "18");
        assert_eq!(chief(Some("230102")), "20");
        assert_eq!(chief(Some("320400")), "24");
        assert_eq!(chief(None), "24");
        assert!(!read.of_region(Some("320400")).township.is_confirmed);
        assert!(settings().unwrap().of_region(Some("2301")).township.is_confirmed);
        let refused = Settings::read("[[region]]\ncode = \"x\"\nzh = \"\"\nen = \"\"\n").unwrap_err();
        assert!(refused.to_string().contains("division code"));
    }
}
