//! The programs and images a cluster is made of: found in the cache, fetched from a mirror or from
//! their publishers, or built from pinned sources; and always compared with a locked digest.

mod build;
mod cache;
mod command;
mod digest;
mod document;
mod download;
mod image;
mod key;
mod lock;
mod manifest;
mod mirror;
mod notice;
mod official;
mod official_lock;
mod progress;
mod registry;
mod selection;
mod store;
mod toolchain;

pub use cache::{Cache, Record, cache_folder};
pub use key::{Architecture, Key};
pub use lock::Lock;
pub use manifest::{Artifact, Manifest};
pub use notice::{Notice, Tell, megabytes};
pub use official_lock::{OfficialDigests, lock_official};
pub use progress::{Notices, notices};
pub use selection::{Missing, Selection, with_parts};
pub use store::{Obtained, Store, delivered};
