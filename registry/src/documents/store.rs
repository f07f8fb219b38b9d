//! Where the bytes lie: each content once, under its SHA-256.

use std::path::Path as FilePath;
use std::sync::Arc;

use futures_util::TryStreamExt;
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{GetResult, ObjectStore, ObjectStoreExt, WriteMultipart};
use sha2::{Digest, Sha256};
use tokio::io::AsyncReadExt;

use crate::request::Fault;

/// Bytes read and sent at a time.
const CHUNK: usize = 5 << 20;
/// Chunks under way at a time.
const CHUNKS_AT_ONCE: usize = 2;

/// Why bytes could not be kept or given back.
#[derive(Debug, thiserror::Error)]
pub enum StoreFailed {
    /// The folder can't be made or used.
    #[error("the folder of papers {folder} can't be used")]
    Folder {
        /// Which.
        folder: String,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The store failed.
    #[error("the store of papers failed")]
    Store {
        /// What it said.
        #[from]
        source: object_store::Error,
    },
    /// The upload could not be read back.
    #[error("the upload could not be read back")]
    Upload {
        /// What the system said.
        #[from]
        source: std::io::Error,
    },
}

impl StoreFailed {
    /// As a fault of ours, with its causes.
    pub(super) fn fault(&self) -> Fault {
        let mut what = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            what.push_str(": ");
            what.push_str(&error.to_string());
            cause = error.source();
        }
        Fault::Impossible { what }
    }
}

/// The store of papers. Clones are the same store.
#[derive(Debug, Clone)]
pub struct DocumentStore {
    objects: Arc<dyn ObjectStore>,
}

impl DocumentStore {
    /// A folder of this machine, made where it is missing.
    ///
    /// A file is there whole or not at all, and once it was kept it outlasts a power cut: the crate `object_store` writes
    /// beside the final name, syncs the file, renames it, and syncs the folder.
    ///
    /// # Errors
    /// Where the folder can't be made.
    pub fn in_folder(folder: &FilePath) -> Result<Self, StoreFailed> {
        std::fs::create_dir_all(folder).map_err(|source| StoreFailed::Folder {
            folder: folder.display().to_string(),
            source,
        })?;
        let objects = LocalFileSystem::new_with_prefix(folder)?.with_fsync(true);
        Ok(Self {
            objects: Arc::new(objects),
        })
    }

    /// Memory that ends with the program: for tests.
    #[must_use]
    pub fn in_memory() -> Self {
        Self {
            objects: Arc::new(InMemory::new()),
        }
    }

    /// Keeps a file under its digest. What is there already is replaced by the same bytes, which mends a damaged one.
    pub(super) async fn keep(&self, sha256: &[u8; 32], file: std::fs::File) -> Result<(), StoreFailed> {
        let mut file = tokio::fs::File::from_std(file);
        let upload = self.objects.put_multipart(&place(sha256)).await?;
        let mut upload = WriteMultipart::new_with_chunk_size(upload, CHUNK);
        let mut buffer = vec![0; 1 << 18];
        loop {
            match file.read(&mut buffer).await {
                Ok(0) => break,
                Ok(read) => {
                    upload.wait_for_capacity(CHUNKS_AT_ONCE).await?;
                    upload.write(&buffer[..read]);
                }
                Err(error) => {
                    upload.abort().await?;
                    return Err(error.into());
                }
            }
        }
        upload.finish().await?;
        Ok(())
    }

    /// Opens a file; none where it is missing.
    pub(super) async fn open(&self, sha256: &[u8; 32]) -> Result<Option<GetResult>, StoreFailed> {
        match self.objects.get(&place(sha256)).await {
            Ok(found) => Ok(Some(found)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Reads a file to its end: how many bytes there are, and their digest. None where it is missing.
    pub(super) async fn digest(&self, sha256: &[u8; 32]) -> Result<Option<(u64, [u8; 32])>, StoreFailed> {
        let Some(found) = self.open(sha256).await? else {
            return Ok(None);
        };
        let (mut bytes, mut hash) = (0, Sha256::new());
        let mut chunks = found.into_stream();
        while let Some(chunk) = chunks.try_next().await? {
            bytes += chunk.len() as u64;
            hash.update(&chunk);
        }
        Ok(Some((bytes, hash.finalize().into())))
    }

    /// The store itself, for tests that do damage.
    #[cfg(test)]
    pub(super) fn objects(&self) -> &dyn ObjectStore {
        &*self.objects
    }
}

/// `sha256/ab/abcdef…`: a folder for each first byte, so that none grows beyond what people can list.
pub(super) fn place(sha256: &[u8; 32]) -> Path {
    let name = hex::encode(sha256);
    Path::from(format!("sha256/{}/{name}", &name[..2]))
}
