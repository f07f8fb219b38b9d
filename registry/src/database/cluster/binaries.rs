//! Which of the PostgreSQL installations on the machine to use.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::refused::ClusterRefused;

/// The oldest PostgreSQL that the registry's SQL runs on.
pub(super) const OLDEST_MAJOR: u32 = 15;

/// The extensions that the migrations create.
const EXTENSIONS: [&str; 3] = ["postgis", "btree_gist", "pg_trgm"];

/// One PostgreSQL installation.
#[derive(Debug, Clone)]
pub(super) struct Installation {
    /// The folder with `postgres` and `initdb`.
    pub binaries: PathBuf,
    /// Major version, such as 15.
    pub major: u32,
    /// The version as printed, such as `15.20`.
    version: String,
}

impl Installation {
    /// The installation to start the cluster with.
    ///
    /// `named` is the folder the user insists on; without it every usual place is looked into.
    /// `made_by` is the major version that wrote the existing files, if there are any: only that
    /// version can read them. Otherwise the newest with all extensions wins.
    pub fn choose(named: Option<&Path>, cluster_folder: &Path, made_by: Option<u32>) -> Result<Self, ClusterRefused> {
        let places = named.map_or_else(usual_places, |folder| vec![folder.to_path_buf()]);
        let missing = || ClusterRefused::PostgresMissing {
            searched: listed(places.iter().map(|place| place.display().to_string())),
        };
        let mut found = Vec::new();
        let mut unusable = None;
        for place in &places {
            if place.join("postgres").is_file() && place.join("initdb").is_file() {
                match Self::inspect(place) {
                    Ok(installation) => found.push(installation),
                    // One broken installation is no reason to pass over a sound one.
                    Err(refused) => unusable = Some(refused),
                }
            }
        }
        found.sort_by_key(|installation| std::cmp::Reverse(installation.major));
        let Some(newest) = found.first() else {
            return Err(unusable.unwrap_or_else(missing));
        };
        if newest.major < OLDEST_MAJOR {
            return Err(ClusterRefused::PostgresTooOld {
                found: newest.version.clone(),
                binaries: newest.binaries.clone(),
                needed: OLDEST_MAJOR,
            });
        }
        if let Some(made_by) = made_by {
            let available = listed(found.iter().map(|it| it.major.to_string()));
            let same_major = found
                .into_iter()
                .find(|installation| installation.major == made_by)
                .ok_or(ClusterRefused::OtherMajorVersion {
                    folder: cluster_folder.to_path_buf(),
                    made_by,
                    available,
                })?;
            same_major.check_extensions()?;
            return Ok(same_major);
        }
        let mut first_refusal = None;
        for installation in found {
            if installation.major < OLDEST_MAJOR {
                continue;
            }
            match installation.check_extensions() {
                Ok(()) => return Ok(installation),
                Err(refused) => first_refusal = first_refusal.or(Some(refused)),
            }
        }
        Err(first_refusal.unwrap_or_else(missing))
    }

    fn inspect(binaries: &Path) -> Result<Self, ClusterRefused> {
        let program = binaries.join("postgres");
        let unusable = |answer: String| ClusterRefused::PostgresUnusable {
            program: program.clone(),
            answer,
        };
        let output = Command::new(&program)
            .arg("--version")
            .output()
            .map_err(|error| unusable(error.to_string()))?;
        let answer = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        // "postgres (PostgreSQL) 15.20 (Debian 15.20-0+deb12u1)", or "… 19beta1" before a release.
        let version = answer
            .split_once("(PostgreSQL)")
            .and_then(|(_, rest)| rest.split_whitespace().next())
            .unwrap_or_default();
        let digits: String = version.chars().take_while(char::is_ascii_digit).collect();
        let major = digits.parse().map_err(|_| {
            let complaint = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            unusable(if answer.is_empty() { complaint } else { answer.clone() })
        })?;
        Ok(Self {
            binaries: binaries.to_path_buf(),
            major,
            version: version.to_owned(),
        })
    }

    fn check_extensions(&self) -> Result<(), ClusterRefused> {
        let Some(share) = self.share_folder() else {
            // Nowhere to look: `create extension` in the migrations has the last word.
            return Ok(());
        };
        for extension in EXTENSIONS {
            let control_file = share.join("extension").join(format!("{extension}.control"));
            if !control_file.is_file() {
                return Err(ClusterRefused::ExtensionMissing {
                    extension,
                    major: self.major,
                    control_file,
                });
            }
        }
        Ok(())
    }

    /// The folder that holds `extension/*.control`, asked from the installation's own `pg_config`.
    fn share_folder(&self) -> Option<PathBuf> {
        let answered = folder_from_pg_config(&self.binaries.join("pg_config"), "--sharedir");
        let beside = self.binaries.parent().map(|prefix| prefix.join("share"));
        answered
            .into_iter()
            .chain([PathBuf::from(format!("/usr/share/postgresql/{}", self.major))])
            .chain(beside)
            .find(|folder| folder.is_dir())
    }
}

/// The folders where servers are installed, in no order of preference, without repetition.
fn usual_places() -> Vec<PathBuf> {
    let mut places = Vec::new();
    let mut add = |place: PathBuf| {
        let place = fs::canonicalize(&place).unwrap_or(place);
        if !places.contains(&place) {
            places.push(place);
        }
    };
    // Debian keeps majors side by side; the packages of postgresql.org for Fedora and its kin too.
    for pattern in ["/usr/lib/postgresql", "/usr/local/pgsql", "/opt/postgresql"] {
        let parent = Path::new(pattern);
        add(parent.join("bin"));
        for version in fs::read_dir(parent).into_iter().flatten().flatten() {
            add(version.path().join("bin"));
        }
    }
    for folder in fs::read_dir("/usr").into_iter().flatten().flatten() {
        if folder.file_name().to_string_lossy().starts_with("pgsql-") {
            add(folder.path().join("bin"));
        }
    }
    if let Some(folder) = folder_from_pg_config(Path::new("pg_config"), "--bindir") {
        add(folder);
    }
    for folder in std::env::split_paths(std::env::var_os("PATH").as_deref().unwrap_or(OsStr::new(""))) {
        if folder.join("postgres").is_file() {
            add(folder);
        }
    }
    places
}

fn folder_from_pg_config(pg_config: &Path, question: &str) -> Option<PathBuf> {
    let output = Command::new(pg_config).arg(question).output().ok()?;
    let answer = String::from_utf8(output.stdout).ok()?;
    let folder = PathBuf::from(answer.trim());
    (output.status.success() && folder.is_absolute()).then_some(folder)
}

fn listed(items: impl Iterator<Item = String>) -> String {
    items.collect::<Vec<_>>().join(", ")
}
