//! Settings: command-line flag, else environment `YICE_*`, else `yice.toml`, else default. Each remembers its origin.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use figment::Figment;
use figment::providers::{Env, Format, Serialized, Toml};
use serde::{Deserialize, Serialize};

/// The base map under the registry's own layers.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct BaseMap {
    /// Tile addresses with `{z}`, `{x}`, `{y}`: an approved base map such as 天地图 (tianditu.gov.cn, WMTS `w` matrix set).
    pub tiles: Vec<String>,
    /// The credit and map-approval number (审图号) to show.
    pub attribution: String,
}

/// A text that is never shown, neither in a log nor by `yice config`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// What it is.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("***")
    }
}

impl Serialize for Secret {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("***")
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // By way of any value: a reader of texts would print what it found instead of one.
        match serde_json::Value::deserialize(deserializer) {
            Ok(serde_json::Value::String(text)) if !text.is_empty() => Ok(Self(text)),
            _ => Err(serde::de::Error::custom(
                "a secret is a text that is not empty; one of digits alone is written in quotes, or stands in a file",
            )),
        }
    }
}

/// Signing in through the organisation's own provider (OpenID Connect, 统一身份认证).
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct OidcSettings {
    /// The provider, as it names itself: what `/.well-known/openid-configuration` is under. `https`, except on this machine.
    #[serde(deserialize_with = "issuer")]
    pub issuer: String,
    /// What the provider calls this registry.
    pub client_id: String,
    /// The secret that the provider gave this registry; none for a public client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<Secret>,
    /// A file whose first line is the secret, instead of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_secret_file: Option<PathBuf>,
    /// The address under which people open the page, as `https://yice.example.gov.cn`. The provider must know
    /// `<public_url>/api/v1/session/oidc/callback` as where it may send people back to.
    #[serde(deserialize_with = "public_url")]
    pub public_url: String,
    /// What is asked for beside `openid`. A list, or one text with commas.
    #[serde(default = "scopes", deserialize_with = "words")]
    pub scopes: Vec<String>,
    /// The claim of the ID token that names somebody: shown to administrators, and matched with `link_by_name`.
    #[serde(default = "account_claim")]
    pub account_claim: String,
    /// Whoever comes for the first time is linked to the account whose name that claim holds. Only where the provider's
    /// names are given by the organisation and never again to another; never to an administrator's account.
    #[serde(default)]
    pub link_by_name: bool,
    /// Names and passwords are accepted beside the provider.
    #[serde(default = "yes")]
    pub password_sign_in: bool,
    /// What stands on the button, in Chinese.
    #[serde(default = "label_zh")]
    pub label_zh: String,
    /// What stands on the button, in English.
    #[serde(default = "label_en")]
    pub label_en: String,
}

impl OidcSettings {
    /// The secret, from where it is set.
    ///
    /// # Errors
    /// Words that name the file that can't be read.
    pub fn secret(&self) -> Result<Option<Secret>, String> {
        let Some(file) = &self.client_secret_file else {
            return Ok(self.client_secret.clone());
        };
        let text = std::fs::read_to_string(file)
            .map_err(|error| format!("oidc.client_secret_file: {} can't be read: {error}", file.display()))?;
        match text.lines().next().map(str::trim) {
            Some(line) if !line.is_empty() => Ok(Some(Secret(line.to_owned()))),
            _ => Err(format!(
                "oidc.client_secret_file: the first line of {} is empty",
                file.display()
            )),
        }
    }
}

fn yes() -> bool {
    true
}

fn scopes() -> Vec<String> {
    vec!["profile".to_owned()]
}

fn account_claim() -> String {
    "preferred_username".to_owned()
}

fn label_zh() -> String {
    "统一身份认证登录".to_owned()
}

fn label_en() -> String {
    "Sign in with your organisation's account".to_owned()
}

fn words<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    Ok(Written::deserialize(deserializer)?.words())
}

/// Reads the provider's address.
fn issuer<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    let (is_safe, rest) = match (text.strip_prefix("https://"), text.strip_prefix("http://")) {
        (Some(rest), _) => (true, rest),
        (None, Some(rest)) => (is_of_this_machine(rest), rest),
        (None, None) => (false, ""),
    };
    if is_safe && !rest.is_empty() && !rest.contains(['?', '#', ' ', '@']) {
        Ok(text)
    } else {
        Err(serde::de::Error::custom(format!(
            "oidc.issuer: {text:?} is no provider's address; write it as https://sso.example.gov.cn/realms/gov"
        )))
    }
}

/// Reads the address of the page; without the slash at its end.
fn public_url<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    let site = text.trim_end_matches('/');
    let rest = site.strip_prefix("https://").or_else(|| site.strip_prefix("http://"));
    if rest.is_some_and(|rest| !rest.is_empty() && !rest.contains(['/', '?', '#', ' ', '@'])) {
        Ok(site.to_owned())
    } else {
        Err(serde::de::Error::custom(format!(
            "oidc.public_url: {text:?} is no address of a page; write it as https://yice.example.gov.cn, without a path"
        )))
    }
}

fn is_of_this_machine(rest: &str) -> bool {
    let host = rest.split('/').next().unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    name == "localhost"
        || name
            .trim_matches(['[', ']'])
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

/// Everything that can be set.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Where the embedded database, its keys and its logs live.
    pub data: PathBuf,
    /// A PostgreSQL of your own; the embedded one is not started then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub database_url: Option<String>,
    /// The address to answer on.
    pub listen: SocketAddr,
    /// The folder with PostgreSQL's programs, where it can't be found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub postgresql_binaries: Option<PathBuf>,
    /// The file with the key that signs the ledger's heads; `ledger.key` in the data folder unless told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ledger_key: Option<PathBuf>,
    /// Memory for finished tiles, MiB.
    pub tile_cache_mib: u64,
    /// What to log, as `tracing` filters are written.
    pub log: String,
    /// The base map; the bundled one unless told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_map: Option<BaseMap>,
    /// Other sites whose pages may read the tiles, the styles and the OGC API, as `https://gis.example.cn`; `*` is every
    /// site. A list, or one text with commas. None unless told.
    #[serde(deserialize_with = "origins")]
    pub cors_origins: Vec<String>,
    /// Names and addresses, beside those of this machine, under which the server may be asked, as `yice.example.gov.cn`:
    /// without scheme and port. A list, or one text with commas.
    #[serde(deserialize_with = "hosts")]
    pub hosts: Vec<String>,
    /// The page is served over https, by a proxy in front: the session's cookie is sent over nothing else.
    pub https: bool,
    /// A session that nobody uses ends after so many minutes.
    pub session_idle_minutes: u32,
    /// However busy it is, a session ends after so many hours.
    pub session_hours: u32,
    /// `/metrics` is read from this machine without signing in. Not behind a proxy on the same machine: whatever it passes
    /// on comes from this machine too.
    pub metrics_on_loopback: bool,
    /// Proxies whose word on who asks (`X-Forwarded-For`) is believed; wrong passwords are counted by address.
    #[serde(deserialize_with = "addresses")]
    pub trusted_proxies: Vec<IpAddr>,
    /// Signing in through the organisation's own provider; by name and password alone unless told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oidc: Option<OidcSettings>,
}

/// A list, or one text with commas between.
#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    List(Vec<String>),
    Text(String),
}

impl Written {
    fn words(self) -> Vec<String> {
        match self {
            Self::List(words) => words,
            Self::Text(text) => text
                .split(',')
                .map(|word| word.trim().to_owned())
                .filter(|word| !word.is_empty())
                .collect(),
        }
    }
}

/// Reads names and addresses of this server.
fn hosts<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let hosts = Written::deserialize(deserializer)?.words();
    for host in &hosts {
        let is_name = !host.is_empty() && host.chars().all(|c| c.is_alphanumeric() || ".-_".contains(c));
        if !is_name && host.parse::<IpAddr>().is_err() {
            return Err(serde::de::Error::custom(format!(
                "hosts: {host:?} is no name or address; write it as yice.example.gov.cn, without scheme and port"
            )));
        }
    }
    Ok(hosts)
}

/// Reads addresses of proxies.
fn addresses<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<IpAddr>, D::Error> {
    let parse = |text: String| {
        text.parse()
            .map_err(|_| serde::de::Error::custom(format!("trusted_proxies: {text:?} is no IP address")))
    };
    Written::deserialize(deserializer)?
        .words()
        .into_iter()
        .map(parse)
        .collect()
}

/// Reads sites as a list or with commas between.
fn origins<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let sites = Written::deserialize(deserializer)?.words();
    for site in &sites {
        let name = site
            .strip_prefix("https://")
            .or_else(|| site.strip_prefix("http://"))
            .map(|rest| rest.trim_end_matches('/'));
        if site != "*" && name.is_none_or(|name| name.is_empty() || name.contains(['/', '?', '#', ' ', '@'])) {
            return Err(serde::de::Error::custom(format!(
                "cors_origins: {site:?} is no site; write it as https://gis.example.cn, without a path"
            )));
        }
    }
    Ok(sites)
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            data: PathBuf::from("data"),
            database_url: None,
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            postgresql_binaries: None,
            ledger_key: None,
            tile_cache_mib: 256,
            log: "info,sqlx=warn".to_owned(),
            base_map: None,
            cors_origins: Vec::new(),
            hosts: Vec::new(),
            https: false,
            session_idle_minutes: 30,
            session_hours: 12,
            metrics_on_loopback: false,
            trusted_proxies: Vec::new(),
            oidc: None,
        }
    }
}

/// A setting that can't be used.
#[derive(Debug, thiserror::Error)]
#[error("the settings can't be used: {reason}")]
pub struct SettingsRefused {
    /// What is wrong, with the setting's name and origin.
    pub reason: String,
}

/// The settings in force and where they came from.
#[derive(Debug)]
pub struct Resolved {
    /// What is in force.
    pub settings: Settings,
    figment: Figment,
}

impl Resolved {
    /// Merges flags over `YICE_*` over `yice.toml` over the defaults.
    ///
    /// # Errors
    /// [`SettingsRefused`] names a setting that is unknown or of the wrong form.
    pub fn load(flags: impl Serialize) -> Result<Self, SettingsRefused> {
        let figment = Figment::from(Serialized::defaults(Settings::default()))
            .merge(Toml::file("yice.toml"))
            // The name every PostgreSQL program knows; YICE_DATABASE_URL goes before it.
            .merge(Env::raw().only(&["DATABASE_URL"]))
            // Named by the tests and the benchmark, not settings of the program.
            .merge(
                Env::prefixed("YICE_")
                    .ignore(&["test_data", "url", "token", "user", "password", "log_format"])
                    .split("__"),
            )
            .merge(Serialized::globals(flags));
        let settings = figment.extract().map_err(|error| SettingsRefused {
            reason: error.to_string(),
        })?;
        Ok(Self { settings, figment })
    }

    /// Each setting with its value and origin; passwords are masked.
    #[must_use]
    pub fn lines(&self) -> Vec<(String, String, String)> {
        let Ok(serde_json::Value::Object(values)) = serde_json::to_value(&self.settings) else {
            return Vec::new();
        };
        values
            .into_iter()
            .map(|(name, value)| {
                let origin = self.figment.find_metadata(&name).map_or_else(
                    || "default".to_owned(),
                    |metadata| match &metadata.source {
                        Some(source) => format!("{} {source}", metadata.name),
                        None if metadata.name.contains("Settings") => "default".to_owned(),
                        None => metadata.name.to_string(),
                    },
                );
                let value = if name == "database_url" {
                    mask(value.as_str().unwrap_or_default())
                } else {
                    value.to_string()
                };
                (name, value, origin)
            })
            .collect()
    }
}

/// A database URL without its password.
fn mask(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    match rest.rsplit_once('@') {
        Some((account, place)) => match account.split_once(':') {
            Some((user, _)) => format!("{scheme}://{user}:***@{place}"),
            None => url.to_owned(),
        },
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use figment::Figment;
    use figment::providers::{Format, Serialized, Toml};

    use super::{Settings, mask};

    #[test]
    fn sites_are_written_as_a_list_or_with_commas() {
        let read = |written: &str| {
            Figment::from(Serialized::defaults(Settings::default()))
                .merge(Toml::string(written))
                .extract::<Settings>()
                .map(|settings| settings.cors_origins)
        };
        let two = ["https://gis.example.cn", "http://10.0.0.7:8000"];
        assert_eq!(read("").unwrap(), Vec::<String>::new());
        assert_eq!(
            read("cors_origins = 'https://gis.example.cn, http://10.0.0.7:8000'").unwrap(),
            two
        );
        assert_eq!(
            read("cors_origins = ['https://gis.example.cn', 'http://10.0.0.7:8000']").unwrap(),
            two
        );
        assert_eq!(read("cors_origins = '*'").unwrap(), ["*"]);
        for wrong in [
            "gis.example.cn",
            "https://",
            "https://gis.example.cn/map",
            "ftp://gis.example.cn",
            "https://a b",
        ] {
            let refused = read(&format!("cors_origins = '{wrong}'")).unwrap_err().to_string();
            assert!(refused.contains("cors_origins"), "{refused}");
        }
    }

    #[test]
    fn names_and_proxies_are_written_as_a_list_or_with_commas() {
        let read = |written: &str| {
            Figment::from(Serialized::defaults(Settings::default()))
                .merge(Toml::string(written))
                .extract::<Settings>()
        };
        let settings =
            read("hosts = 'yice.example.gov.cn, 10.0.0.5'\ntrusted_proxies = ['10.0.0.1', '::1']\nhttps = true")
                .unwrap();
        assert_eq!(settings.hosts, ["yice.example.gov.cn", "10.0.0.5"]);
        assert_eq!(settings.trusted_proxies.len(), 2);
        for wrong in [
            "hosts = 'https://yice.example.gov.cn'",
            "hosts = 'yice:8080'",
            "hosts = ['*']",
            "trusted_proxies = 'proxy'",
        ] {
            let refused = read(wrong).unwrap_err().to_string();
            assert!(refused.contains(wrong.split(' ').next().unwrap()), "{refused}");
        }
    }

    #[test]
    fn the_section_of_a_provider_is_read_and_its_secret_never_shown() {
        let read = |written: &str| {
            Figment::from(Serialized::defaults(Settings::default()))
                .merge(Toml::string(&format!("[oidc]\n{written}")))
                .extract::<Settings>()
                .map(|settings| settings.oidc.unwrap())
        };
        let whole = "issuer = 'https://sso.example.gov.cn/realms/gov'\nclient_id = 'yice'\nclient_secret = 'hush'\n\
                     public_url = 'https://yice.example.gov.cn/'\n";
        let oidc = read(whole).unwrap();
        assert_eq!(oidc.public_url, "https://yice.example.gov.cn");
        assert_eq!(oidc.scopes, ["profile"]);
        assert!(oidc.password_sign_in && !oidc.link_by_name);
        assert_eq!(oidc.secret().unwrap().unwrap().reveal(), "hush");
        assert!(!format!("{oidc:?}").contains("hush"));
        assert!(!serde_json::to_string(&oidc).unwrap().contains("hush"));
        for (right, wrong) in [
            ("https://sso.example.gov.cn/realms/gov", "http://sso.example.gov.cn"),
            ("https://sso.example.gov.cn/realms/gov", "http://127.0.0.1.example.cn"),
            ("https://sso.example.gov.cn/realms/gov", "sso.example.gov.cn"),
            ("https://yice.example.gov.cn/", "https://yice.example.gov.cn/map"),
            ("https://yice.example.gov.cn/", "yice.example.gov.cn"),
            ("client_id = 'yice'", ""),
        ] {
            assert!(read(&whole.replace(right, wrong)).is_err(), "{wrong}");
        }
        for near in ["http://127.0.0.1:4000", "http://localhost:4000/x", "http://[::1]:4000"] {
            assert!(
                read(&whole.replace("https://sso.example.gov.cn/realms/gov", near)).is_ok(),
                "{near}"
            );
        }
        let digits = read(&whole.replace("'hush'", "90125")).unwrap_err().to_string();
        assert!(!digits.contains("90125"), "{digits}");
    }

    #[test]
    fn passwords_are_masked() {
        assert_eq!(mask("postgres://yice:se:cr@t@db/yice"), "postgres://yice:***@db/yice");
        assert_eq!(mask("postgres://yice@db/yice"), "postgres://yice@db/yice");
    }
}
