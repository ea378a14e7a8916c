//! What the benchmark of the index calls.

use std::{sync::Arc, time::Instant};

use super::{Index, RunOf};
use crate::{batch::Batch, log::Entry, naming::Naming, rights::ReadRights, selector::Selection};

/// Sorts the entries, again with each call, into an index in which each of these selections, with these rights, has a
/// subscriber, and returns how many runs there were: for the benchmark alone.
#[doc(hidden)]
pub fn sorter(
    subscribers: Vec<(Selection, Arc<ReadRights>)>,
    entries: &[Arc<Entry>],
) -> impl FnMut() -> usize + use<> {
    let mut index = Index::default();
    for (subscriber, (selection, read)) in subscribers.into_iter().enumerate() {
        let class = index.join(&Arc::new(selection), &read, &Naming::Own);
        index.go_live(class, subscriber);
    }
    let batch = Batch::encode(entries, Instant::now());
    move || {
        index.sort_in(&batch);
        let runs = index.touched.len();
        while let Some((of, run)) = index.next_run() {
            index.done(of, run);
            // The same offsets come again.
            let group = match of {
                RunOf::Group(group) => group,
                RunOf::Class(class) => {
                    index.classes[class].own.iter_mut().for_each(|own| own.last = None);
                    index.classes[class].group
                }
            };
            index.groups[group].last = None;
        }
        runs
    }
}
