//! Work of this computer that blocks: programs that lookups run, large files.

use tokio::runtime::{Handle, RuntimeFlavor};

/// Does work that blocks the thread, without holding up what else runs.
pub fn blocking<T>(work: impl FnOnce() -> T) -> T {
    let is_shared = |handle: Handle| handle.runtime_flavor() == RuntimeFlavor::MultiThread;
    match Handle::try_current().is_ok_and(is_shared) {
        true => tokio::task::block_in_place(work),
        false => work(),
    }
}
