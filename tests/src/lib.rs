//! Support for end-to-end tests: the built program `yice` with a port and a data folder of its own.
//!
//! The program must have been built before (`cargo build -p registry --bin yice`); it is looked for
//! where this crate's own tests were built, or under the path in `PROGRAM`. Its database is the
//! embedded one, whatever `DATABASE_URL` says.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use flate2::read::GzDecoder;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

/// How long the program may take for a start, an import or a stop, on a busy machine and unoptimised.
const PATIENCE: Duration = Duration::from_secs(180);

/// The path of the built program.
///
/// # Errors
/// Where it is not built.
pub fn program() -> Result<PathBuf> {
    if let Some(path) = std::env::var_os("PROGRAM") {
        return Ok(PathBuf::from(path));
    }
    // Tests are built into target/debug/deps, programs into target/debug.
    let test = std::env::current_exe()?;
    let built = test
        .ancestors()
        .nth(2)
        .context("the tests run outside of a target folder")?
        .join("yice");
    ensure!(
        built.is_file(),
        "{} is missing: run `cargo build -p registry --bin yice`",
        built.display()
    );
    Ok(built)
}

/// The program over a data folder, with nothing of the caller's settings.
///
/// # Errors
/// Where it is not built.
pub fn command(data: &Path) -> Result<Command> {
    let mut command = Command::new(program()?);
    for (name, _) in std::env::vars_os() {
        if name == "DATABASE_URL" || name.to_string_lossy().starts_with("YICE_") {
            command.env_remove(name);
        }
    }
    command.env("YICE_DATA", data);
    // Away from the tree, where a developer may have a yice.toml.
    command.current_dir("/");
    Ok(command)
}

/// Runs a command of the program to its end.
///
/// # Errors
/// Where it can't be run.
pub fn run(data: &Path, arguments: &[&str]) -> Result<Output> {
    Ok(command(data)?.args(arguments).stdin(Stdio::null()).output()?)
}

/// [`run`] for a command that is expected to succeed; returns what it printed.
///
/// # Errors
/// Where it fails, with what it said.
pub fn succeed(data: &Path, arguments: &[&str]) -> Result<String> {
    let output = run(data, arguments)?;
    ensure!(
        output.status.success(),
        "yice {}: {}\n{}",
        arguments.join(" "),
        output.status,
        words(&output)
    );
    Ok(String::from_utf8(output.stdout)?)
}

/// Everything that a command printed, on both streams.
#[must_use]
pub fn words(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// The token of the tests' own account on a data folder that is served; the account is made with the first one, and may do
/// everything.
///
/// # Errors
/// Where it can't be made.
fn token(data: &Path) -> Result<String> {
    let kept = data.join("tests.token");
    if let Ok(token) = fs::read_to_string(&kept) {
        return Ok(token);
    }
    let roles = [
        "--role",
        "asset_manager",
        "--role",
        "administrator",
        "--role",
        "auditor",
        "--role",
        "title_clerk",
    ];
    succeed(data, &[&["user", "add", "tests"], roles.as_slice()].concat())?;
    let token = succeed(data, &["user", "token", "tests", "--name", "tests"])?
        .trim()
        .to_owned();
    fs::write(kept, &token)?;
    Ok(token)
}

/// Waits until something holds.
///
/// # Panics
/// Where it does not come to hold.
pub fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !holds() {
        assert!(Instant::now() < deadline, "still waiting: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// A port on the loopback address that nobody listens on just now.
///
/// # Errors
/// Where none is to be had.
pub fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// A served registry. Dropping it stops it as Ctrl-C does.
#[derive(Debug)]
pub struct Registry {
    child: Child,
    address: SocketAddr,
    data: PathBuf,
    /// The token that requests are made with.
    token: Option<String>,
}

/// What the server answered.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The header lines, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body as it came.
    pub body: Vec<u8>,
}

impl Answer {
    /// The value of a header, by its name in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// Where it is none.
    pub fn json(&self) -> Result<Value> {
        serde_json::from_slice(&self.body)
            .with_context(|| format!("status {}: {}", self.status, String::from_utf8_lossy(&self.body)))
    }
}

impl Registry {
    /// Serves a data folder on a free port, and waits until it is ready.
    ///
    /// # Errors
    /// Where it does not become ready, with what it said.
    pub fn start(data: &Path) -> Result<Self> {
        Self::start_with(data, &[])
    }

    /// [`Registry::start`] with more arguments for `yice serve`.
    ///
    /// # Errors
    /// Where it does not become ready, with what it said.
    pub fn start_with(data: &Path, arguments: &[&str]) -> Result<Self> {
        let address = SocketAddr::from(([127, 0, 0, 1], free_port()?));
        fs::create_dir_all(data)?;
        let log = File::create(Self::log_path(data))?;
        let child = command(data)?
            .args(["serve", "--listen", &address.to_string()])
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .process_group(0)
            .spawn()?;
        let mut registry = Self {
            child,
            address,
            data: data.to_path_buf(),
            token: None,
        };
        registry.wait_until_ready()?;
        registry.token = Some(token(data)?);
        Ok(registry)
    }

    /// The address as the page is opened with, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The process id of the program.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What the program printed so far.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(Self::log_path(&self.data)).unwrap_or_default()
    }

    /// Asks for an address below the server's.
    ///
    /// # Errors
    /// Where there is no answer.
    pub fn get(&self, path: &str) -> Result<Answer> {
        self.ask("GET", path, &[], &[])
    }

    /// Asks for JSON, and fails unless the status says that all is well.
    ///
    /// # Errors
    /// Where the answer is a problem or no JSON.
    pub fn get_json(&self, path: &str) -> Result<Value> {
        let answer = self.get(path)?;
        ensure!(
            answer.status == 200,
            "GET {path}: {} {}",
            answer.status,
            String::from_utf8_lossy(&answer.body)
        );
        answer.json()
    }

    /// The unpacked vector tile of a layer that a point lies in; empty where there is nothing in it.
    ///
    /// # Errors
    /// Where the answer is a problem or isn't packed.
    pub fn tile(&self, layer: &str, zoom: u8, (longitude, latitude): (f64, f64), query: &str) -> Result<Vec<u8>> {
        let width = f64::from(1_u32 << zoom);
        let column = (longitude + 180.0) / 360.0 * width;
        let row = (1.0 - latitude.to_radians().tan().asinh() / std::f64::consts::PI) / 2.0 * width;
        let answer = self.get(&format!(
            "/tiles/{layer}/{zoom}/{}/{}.mvt{query}",
            column.floor(),
            row.floor()
        ))?;
        if answer.status == 204 {
            return Ok(Vec::new());
        }
        ensure!(
            answer.status == 200,
            "{} {}",
            answer.status,
            String::from_utf8_lossy(&answer.body)
        );
        ensure!(
            answer.header("content-encoding") == Some("gzip"),
            "{:?}",
            answer.headers
        );
        let mut unpacked = Vec::new();
        GzDecoder::new(answer.body.as_slice()).read_to_end(&mut unpacked)?;
        Ok(unpacked)
    }

    /// One request, with the token of the tests' own account unless a header says who asks. It is HTTP/1.0, so that the answer comes in one piece and ends with the connection.
    ///
    /// # Errors
    /// Where there is no answer, or none in the form of HTTP.
    pub fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Result<Answer> {
        let mut stream = TcpStream::connect_timeout(&self.address, Duration::from_secs(5))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let mut head = format!(
            "{method} {path} HTTP/1.0\r\nhost: {}\r\ncontent-length: {}\r\n",
            self.address,
            body.len()
        );
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        let says_who = headers
            .iter()
            .any(|(name, _)| ["authorization", "cookie"].contains(name));
        if let Some(token) = self.token.as_ref().filter(|_| !says_who) {
            head.push_str(&format!("authorization: Bearer {token}\r\n"));
        }
        stream.write_all(format!("{head}\r\n").as_bytes())?;
        stream.write_all(body)?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        let end = answer
            .windows(4)
            .position(|four| four == b"\r\n\r\n")
            .context("an answer without an end of its head")?;
        let head = String::from_utf8(answer[..end].to_vec())?;
        let mut lines = head.split("\r\n");
        let status = lines
            .next()
            .and_then(|line| line.split(' ').nth(1))
            .context("no status")?
            .parse()?;
        let headers = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
            .collect();
        Ok(Answer {
            status,
            headers,
            body: answer[end + 4..].to_vec(),
        })
    }

    /// Uploads a file as the page does, waits until its import is over, and returns it.
    ///
    /// # Errors
    /// Where the upload is refused, or the import does not end.
    pub fn import(&self, file: &Path, fields: &[(&str, &str)]) -> Result<Value> {
        let boundary = "a-boundary-that-no-file-holds";
        let mut body = Vec::new();
        for (name, value) in fields {
            write!(
                body,
                "--{boundary}\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
            )?;
        }
        let name = file.file_name().context("a file without a name")?.to_string_lossy();
        write!(
            body,
            "--{boundary}\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
             content-type: application/octet-stream\r\n\r\n"
        )?;
        body.extend(fs::read(file)?);
        write!(body, "\r\n--{boundary}--\r\n")?;
        let content_type = format!("multipart/form-data; boundary={boundary}");
        let answer = self.ask("POST", "/api/v1/imports", &[("content-type", &content_type)], &body)?;
        ensure!(
            answer.status == 202,
            "{} {}",
            answer.status,
            String::from_utf8_lossy(&answer.body)
        );
        let id = answer.json()?["id"]
            .as_str()
            .context("an import without an id")?
            .to_owned();
        let deadline = Instant::now() + PATIENCE;
        loop {
            let import = self.get_json(&format!("/api/v1/imports/{id}"))?;
            match import["state"].as_str() {
                Some("done" | "failed" | "cancelled") => return Ok(import),
                _ if Instant::now() > deadline => bail!("the import does not end: {import}"),
                _ => thread::sleep(Duration::from_millis(50)),
            }
        }
    }

    /// Stops it as Ctrl-C in a terminal does, and returns how it ended.
    ///
    /// # Errors
    /// Where it does not end.
    pub fn interrupt(mut self) -> Result<ExitStatus> {
        kill(Pid::from_raw(self.child.id().cast_signed()), Signal::SIGINT)?;
        self.wait()
    }

    /// Holds the program as it is (`SIGSTOP`) while its database goes on, until [`Self::thaw`] or a kill.
    ///
    /// # Errors
    /// Where it is no longer running.
    pub fn freeze(&self) -> Result<()> {
        Ok(kill(Pid::from_raw(self.child.id().cast_signed()), Signal::SIGSTOP)?)
    }

    /// Lets a frozen program go on.
    ///
    /// # Errors
    /// Where it is no longer running.
    pub fn thaw(&self) -> Result<()> {
        Ok(kill(Pid::from_raw(self.child.id().cast_signed()), Signal::SIGCONT)?)
    }

    /// `kill -9` of the program and of every process of its database.
    ///
    /// # Errors
    /// Where it was no longer running.
    pub fn kill_everything(mut self) -> Result<()> {
        self.strike()?;
        self.child.wait()?;
        Ok(())
    }

    /// [`Registry::kill_everything`] while others are still asking.
    ///
    /// # Errors
    /// Where it was no longer running.
    pub fn strike(&self) -> Result<()> {
        let database = database_processes(&self.data);
        ensure!(!database.is_empty(), "there is no database to kill");
        // The program first: it must not get to see that its database is gone.
        kill(Pid::from_raw(self.child.id().cast_signed()), Signal::SIGKILL)?;
        for pid in database {
            // Those that end with the first of them are gone already.
            kill(Pid::from_raw(pid), Signal::SIGKILL).ok();
        }
        Ok(())
    }

    fn log_path(data: &Path) -> PathBuf {
        data.join("program.log")
    }

    fn wait_until_ready(&mut self) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if self.get("/readyz").is_ok_and(|answer| answer.status == 200) {
                return Ok(());
            }
            if let Some(status) = self.child.try_wait()? {
                bail!("yice ended ({status}):\n{}", self.log());
            }
            ensure!(Instant::now() < deadline, "yice does not become ready:\n{}", self.log());
            thread::sleep(Duration::from_millis(50));
        }
    }

    fn wait(&mut self) -> Result<ExitStatus> {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            thread::sleep(Duration::from_millis(10));
        }
        bail!("yice does not end:\n{}", self.log())
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            let pid = Pid::from_raw(self.child.id().cast_signed());
            // A failing test must not leave a server behind, nor wait for one that hangs.
            if kill(pid, Signal::SIGINT).is_err() || self.wait().is_err() {
                self.child.kill().ok();
                self.child.wait().ok();
            }
        }
    }
}

/// The process ids of the embedded database of a data folder: the main process and its children.
#[must_use]
pub fn database_processes(data: &Path) -> Vec<i32> {
    let Some(main) = fs::read_to_string(data.join("postgres/postmaster.pid"))
        .ok()
        .and_then(|text| text.lines().next()?.trim().parse::<i32>().ok())
        .filter(|pid| is_running(*pid))
    else {
        return Vec::new();
    };
    let mut processes = vec![main];
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<i32>().ok()) else {
            continue;
        };
        // "pid (name) state parent …"; the name may itself hold spaces and brackets.
        let parent = fs::read_to_string(entry.path().join("stat"))
            .ok()
            .and_then(|text| text.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse::<i32>().ok());
        if parent == Some(main) {
            processes.push(pid);
        }
    }
    processes
}

/// Whether a process runs; one that ended but was not yet collected doesn't.
#[must_use]
pub fn is_running(pid: i32) -> bool {
    fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|command_line| !command_line.is_empty())
}

/// A made-up parcel: a square of some 80 m in a row of such squares in Jinan.
#[derive(Debug, Clone)]
pub struct Parcel {
    /// Its place in the row, from 0 in the west.
    pub place: u32,
    /// Its code, by which it is found again.
    pub code: String,
    /// Its name.
    pub name: String,
}

impl Parcel {
    /// The parcel at a place of the row, named by it.
    #[must_use]
    pub fn at(place: u32) -> Self {
        Self {
            place,
            code: format!("P{place:04}"),
            name: format!("地块{place}"),
        }
    }

    /// Longitude and latitude of its middle, in degrees of CGCS2000.
    #[must_use]
    pub fn middle(&self) -> (f64, f64) {
        (117.000_4 + 0.001 * f64::from(self.place), 36.650_4)
    }
}

/// Writes parcels into a GeoJSON file whose source key is the code.
///
/// # Errors
/// Where the file can't be written.
pub fn write_parcels(file: &Path, parcels: &[Parcel]) -> Result<()> {
    let features: Vec<Value> = parcels
        .iter()
        .map(|parcel| {
            let (longitude, latitude) = parcel.middle();
            let (west, east) = (longitude - 0.000_4, longitude + 0.000_4);
            let (south, north) = (latitude - 0.000_4, latitude + 0.000_4);
            json!({
                "type": "Feature",
                "id": parcel.code,
                "properties": {"code": parcel.code, "name": parcel.name},
                "geometry": {"type": "Polygon", "coordinates": [[
                    [west, south], [east, south], [east, north], [west, north], [west, south]
                ]]},
            })
        })
        .collect();
    Ok(fs::write(
        file,
        json!({"type": "FeatureCollection", "features": features}).to_string(),
    )?)
}

/// The folder with the larger sets of real files, where `YICE_TEST_DATA` names one.
#[must_use]
pub fn larger_sets() -> Option<PathBuf> {
    std::env::var_os("YICE_TEST_DATA").map(PathBuf::from)
}
