//! The settings of the embedded server that follow from the machine.

use std::fs;

/// Settings for a machine with `memory_mib` of memory, in the form of `postgresql.conf`.
///
/// The same machine also holds the map's index, so the database takes an eighth for its own
/// buffers and counts on half for the operating system's cache. Durability is left at full: the
/// registry is the record, and a power cut must lose nothing that was answered for.
pub(super) fn settings(memory_mib: u64) -> String {
    let shared_buffers = (memory_mib / 8).clamp(128, 4096);
    let effective_cache = (memory_mib / 2).max(512);
    let maintenance = (memory_mib / 32).clamp(64, 1024);
    let work = (memory_mib / 512).clamp(8, 64);
    format!(
        "\
# Written anew at every start from the memory of this machine. Put settings of your own below the
# line in postgresql.conf that includes this file, or use `alter system`: both win over these.
shared_buffers = {shared_buffers}MB
effective_cache_size = {effective_cache}MB
maintenance_work_mem = {maintenance}MB
work_mem = {work}MB
max_connections = 100
# Local disks answer random reads nearly as fast as sequential ones.
random_page_cost = 1.1
# Compiling a plan costs more than the registry's short queries take.
jit = off
# An import writes much at once; checkpoints should not chase it.
max_wal_size = 4GB
min_wal_size = 1GB
wal_compression = on
fsync = on
synchronous_commit = on
full_page_writes = on
timezone = 'UTC'
log_timezone = 'UTC'
log_line_prefix = '%m [%p] '
log_checkpoints = off
"
    )
}

/// The memory of this machine, or what its container may use of it, in MiB.
pub(super) fn memory_mib() -> u64 {
    let machine = fs::read_to_string("/proc/meminfo").ok().and_then(|text| {
        let line = text.lines().find(|line| line.starts_with("MemTotal:"))?;
        let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
        Some(kib / 1024)
    });
    let container = fs::read_to_string("/sys/fs/cgroup/memory.max")
        .ok()
        .and_then(|text| text.trim().parse::<u64>().ok())
        .map(|bytes| bytes / (1024 * 1024));
    // Where neither can be read, the settings of a small machine are safe anywhere.
    machine.into_iter().chain(container).min().unwrap_or(1024)
}
