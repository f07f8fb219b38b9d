//! Room on the disk.

use std::path::Path;

use super::initialise::ROOM_NEEDED_MIB;
use super::refused::ClusterRefused;

/// Free space for unprivileged users on the disk of a folder, in MiB.
pub(super) fn free_mib(folder: &Path) -> Option<u64> {
    let stat = nix::sys::statvfs::statvfs(folder).ok()?;
    Some(stat.blocks_available() * stat.fragment_size() / (1024 * 1024))
}

/// The refusal for a disk without the room for a cluster.
pub(super) fn disk_full(folder: &Path) -> ClusterRefused {
    ClusterRefused::DiskFull {
        folder: folder.to_path_buf(),
        free_mib: free_mib(folder).unwrap_or(0),
        needed_mib: ROOM_NEEDED_MIB,
    }
}

/// The refusal for a full disk, where that is what `output` complains of.
pub(super) fn lack_of_room(folder: &Path, output: &str) -> Option<ClusterRefused> {
    output.contains("No space left on device").then(|| disk_full(folder))
}
