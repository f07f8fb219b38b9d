//! A short run that is the same each time.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rand::SeedableRng;
use rand::rngs::StdRng;

use crate::Target;
use crate::mutate::mutate;

/// No input may take longer, however slow and busy the machine.
const LONGEST: Duration = Duration::from_secs(60);

/// Real files of this length at most are taken as they are, in bytes.
const LONGEST_SEED: u64 = 24 << 10;

/// Under plain `cargo test` the targets share a process: one at a time, so that the longest time means something.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// Feeds a target with its seeds as they are, and then with that many inputs made from them.
///
/// # Panics
/// Where the target does, or an input takes more than a minute; the input is left in a file, which the words name.
pub fn drive(target: Target, inputs: usize) {
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let seeds = seeds(target);
    assert!(!seeds.is_empty(), "{} has no seeds", target.name);
    let wanted = std::env::var("YICE_FUZZ_INPUTS")
        .ok()
        .and_then(|count| count.parse().ok());
    let inputs = wanted.unwrap_or(inputs);
    let (to_worker, for_worker) = channel::<Vec<u8>>();
    let (to_driver, for_driver) = channel();
    let worker = std::thread::Builder::new()
        .name(target.name.to_owned())
        .spawn(move || {
            for input in for_worker {
                (target.feed)(&input);
                if to_driver.send(()).is_err() {
                    return;
                }
            }
        })
        .expect("a thread for the target");
    // The seed of the randomness is the target's name: what one target is fed with depends on no other.
    let mut random = StdRng::from_seed(std::array::from_fn(|index| {
        *target.name.as_bytes().get(index).unwrap_or(&0)
    }));
    let mut fed = 0;
    let mut next = || {
        fed += 1;
        if let Some(seed) = seeds.get(fed - 1) {
            return Some(seed.clone());
        }
        if fed > seeds.len() + inputs {
            return None;
        }
        use rand::seq::IndexedRandom;
        let mut input = seeds.choose(&mut random)?.clone();
        let other = seeds.choose(&mut random)?;
        mutate(&mut input, other, target.words, &mut random);
        Some(input)
    };
    while let Some(input) = next() {
        let kept = input.clone();
        let _sent = to_worker.send(input);
        match for_driver.recv_timeout(LONGEST) {
            Ok(()) => {}
            Err(RecvTimeoutError::Timeout) => {
                panic!(
                    "an input takes more than {LONGEST:?}: {}",
                    left_in(target, &kept).display()
                );
            }
            Err(RecvTimeoutError::Disconnected) => {
                panic!("an input breaks a promise: {}", left_in(target, &kept).display());
            }
        }
    }
    drop(to_worker);
    worker.join().expect("the target ends");
}

/// Leaves the input where `cargo fuzz run` can take it from.
fn left_in(target: Target, input: &[u8]) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/fuzz-failures");
    let path = folder.join(format!("{}-{}", target.name, std::process::id()));
    let written = std::fs::create_dir_all(&folder).and_then(|()| std::fs::write(&path, input));
    assert!(written.is_ok(), "the input can't be kept: {input:?}");
    path
}

/// The seeds in the tree, among them every input that broke a promise once, and of the larger sets what is small.
fn seeds(target: Target) -> Vec<Vec<u8>> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("../seeds").join(target.name);
    let mut paths = Vec::new();
    files(&own, &mut |path| paths.push(path));
    if let Some(larger) = std::env::var_os("YICE_TEST_DATA") {
        files(Path::new(&larger), &mut |path| {
            let is_one = path
                .extension()
                .is_some_and(|extension| target.endings.iter().any(|ending| extension == *ending));
            let is_small = std::fs::metadata(&path).is_ok_and(|metadata| metadata.len() <= LONGEST_SEED);
            if is_one && is_small {
                paths.push(path);
            }
        });
    }
    paths.iter().filter_map(|path| std::fs::read(path).ok()).collect()
}

fn files(folder: &Path, each: &mut impl FnMut(PathBuf)) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    let mut entries: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            files(&path, each);
        } else {
            each(path);
        }
    }
}
