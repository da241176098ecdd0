//! How far the getting of artifacts is, while it goes on.

use super::key::Key;
use super::notice::{Notice, Tell};
use std::sync::Arc;
use tokio::sync::mpsc;

/// What a store tells, for whoever follows it.
pub struct Notices(mpsc::UnboundedReceiver<Notice>);

/// Where a store tells what it does, and where that is read.
pub fn notices() -> (Tell, Notices) {
    let (sender, receiver) = mpsc::unbounded_channel();
    // Work that nobody follows has nobody to tell.
    let tell = Arc::new(move |notice: &Notice| drop(sender.send(notice.clone())));
    (tell, Notices(receiver))
}

impl Notices {
    /// Does the work that gets what is missing; every notice is shown as it comes, with the count of what is there by
    /// then, and of all.
    pub async fn during<T>(
        &mut self,
        missing: Vec<Key>,
        work: impl Future<Output = T>,
        mut show: impl FnMut(&Notice, usize, usize),
    ) -> T {
        let total = missing.len();
        let mut left = missing;
        let mut note = |notice: Notice| {
            if let Notice::Obtained { key, .. } = &notice {
                left.retain(|missing| missing != key);
            }
            show(&notice, total - left.len(), total);
        };
        let mut work = std::pin::pin!(work);
        let done = loop {
            tokio::select! {
                biased;
                Some(notice) = self.0.recv() => note(notice),
                done = &mut work => break done,
            }
        };
        while let Ok(notice) = self.0.try_recv() {
            note(notice);
        }
        done
    }
}

#[cfg(test)]
mod tests {
    use super::super::key::Architecture;
    use super::*;

    #[tokio::test]
    async fn what_is_there_is_counted_once_and_nothing_is_lost_at_the_end() {
        let key = |name: &str| Key {
            name: name.into(),
            version: "1".into(),
            variant: None,
            arch: Architecture::Amd64,
        };
        let (tell, mut notices) = notices();
        let got = |name: &str| Notice::Obtained {
            key: key(name),
            from: "a mirror".into(),
            size: 0,
            seconds: 0,
            unlocked: false,
        };
        let work = async {
            for notice in [
                Notice::Installing("Go".into()),
                got("a"),
                got("part"),
                got("a"),
                got("b"),
            ] {
                tell(&notice);
            }
        };
        let mut shown = vec![];
        let show = |_: &Notice, done: usize, total: usize| shown.push((done, total));
        notices.during(vec![key("a"), key("b")], work, show).await;
        assert_eq!(shown, [(0, 2), (1, 2), (1, 2), (1, 2), (2, 2)]);
    }
}
