//! Random histories on every engine against a model that is written for clarity.

#![allow(clippy::unwrap_used, reason = "tests unwrap")]

mod common;

use std::{sync::Arc, time::Duration};

use common::{Engine, Rig, limit, selection, topic};
use proptest::prelude::*;
use tidings_hub::{Lookup, Pattern, Position, Publication, Selection, Topic};
use tidings_log::{Retention, TopicRule};

const TOPICS: [&str; 6] = ["a", "b", "brief.1", "brief.2", "few.1", "few.2"];
const SELECTIONS: [&[&str]; 10] = [
    &["a"],
    &["few.1"],
    &["brief.1"],
    &["a", "few.2", "brief.2"],
    &["few.*"],
    &["*.1", "b"],
    &["*"],
    &["none"],
    &["none", "n*"],
    &["few.1", "few.2"],
];

#[derive(Clone, Debug)]
enum Step {
    Append(Vec<(Vec<usize>, Option<u8>, usize)>),
    Read { back: u64, selection: usize, entries: usize, bytes: usize },
    Find(u64),
    FindOwn(u8),
    Newest { selection: usize, count: usize },
    Topics { selection: usize, after: Option<usize>, limit: usize },
    Advance(u64),
    Reopen,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let one = (prop::collection::vec(0..TOPICS.len(), 1..4), prop::option::of(0..40_u8), 0..80_usize);
    let some = 0..SELECTIONS.len();
    let step = prop_oneof![
        6 => prop::collection::vec(one, 1..12).prop_map(Step::Append),
        4 => (0..150_u64, some.clone(), 1..20_usize, 1..600_usize)
            .prop_map(|(back, selection, entries, bytes)| Step::Read { back, selection, entries, bytes }),
        1 => (0..200_u64).prop_map(Step::Find),
        1 => (0..40_u8).prop_map(Step::FindOwn),
        2 => (some.clone(), 0..30_usize).prop_map(|(selection, count)| Step::Newest { selection, count }),
        1 => (some, prop::option::of(0..TOPICS.len()), 0..8_usize)
            .prop_map(|(selection, after, limit)| Step::Topics { selection, after, limit }),
        1 => (0..40_u64).prop_map(Step::Advance),
        1 => Just(Step::Reopen),
    ];
    prop::collection::vec(step, 1..60)
}

/// Limits that are met within a few steps.
fn retention() -> Retention {
    let rule = |pattern, events, age: Option<u64>| TopicRule {
        pattern: Pattern::new(pattern).unwrap(),
        events,
        age: age.map(Duration::from_secs),
    };
    Retention {
        events: Some(120),
        topics: vec![
            rule("few.*", Some(5), None),
            rule("brief.1", Some(9), Some(60)),
            rule("brief.*", None, Some(60)),
        ],
        ..Retention::unlimited()
    }
}

struct Event {
    position: Position,
    time: u64,
    publication: Publication,
}

/// Everything there ever was.
#[derive(Default)]
struct Model(Vec<Event>);

impl Model {
    /// Whether the topic's rule still keeps the event of this offset.
    fn keeps(&self, topic: &Topic, offset: usize, now: u64) -> bool {
        let retention = retention();
        let Some(rule) = retention.topics.iter().find(|rule| rule.pattern.matches(topic.as_str())) else {
            return true;
        };
        let newer =
            self.0[offset + 1..].iter().filter(|event| event.publication.topics.contains(topic)).count();
        let young = rule.age.is_none_or(|age| self.0[offset].time >= now - age.as_millis() as u64);
        rule.events.is_none_or(|events| (newer as u64) < events) && young
    }

    fn visible(&self, offset: usize, selection: &Selection, now: u64) -> bool {
        let topics = &self.0[offset].publication.topics;
        topics.iter().any(|topic| selection.matches(topic) && self.keeps(topic, offset, now))
    }

    /// Whether something that matches is gone from one of the topics.
    fn hides(&self, offset: usize, selection: &Selection, now: u64) -> bool {
        let topics = &self.0[offset].publication.topics;
        topics.iter().any(|topic| selection.matches(topic) && !self.keeps(topic, offset, now))
    }
}

async fn run(engine: Engine, steps: &[Step]) {
    let mut rig = Rig::new(engine, retention());
    let mut model = Model::default();
    let all = Selection::all();
    for step in steps {
        let now = rig.clock.now();
        let next = model.0.len();
        // The writer frees segments behind the answer: a look that this happened under is taken again.
        loop {
            let oldest = rig.log().status().oldest as usize;
            let kept = |offset: usize, selection: &Selection| {
                offset >= oldest && model.visible(offset, selection, now)
            };
            let sure: Box<dyn Fn() + '_> = match step {
                Step::Read { back, selection: chosen, entries, bytes } => {
                    let selection = selection(SELECTIONS[*chosen]);
                    let from = (next as u64).saturating_sub(*back) as usize;
                    let page = rig
                        .log()
                        .read(from as u64, selection.clone(), limit(*entries, *bytes))
                        .await
                        .unwrap();
                    let (model, kept) = (&model, &kept);
                    Box::new(move || {
                        let to = page.next as usize;
                        assert!(to <= next && (to > from || to == next));
                        let expected: Vec<_> =
                            (from..to).filter(|&offset| kept(offset, &selection)).collect();
                        let got: Vec<_> =
                            page.entries.iter().map(|entry| entry.position.offset as usize).collect();
                        assert_eq!(got, expected, "{step:?}");
                        for entry in &page.entries {
                            let event = &model.0[entry.position.offset as usize];
                            assert_eq!(entry.publication, event.publication);
                            assert_eq!((entry.position, entry.time), (event.position, event.time));
                        }
                        assert!(got.len() <= *entries);
                        let size = |entry: &Publication| {
                            entry.data.len() + entry.id.as_ref().map_or(0, |id| id.len())
                        };
                        let sum: usize = page.entries.iter().map(|entry| size(&entry.publication)).sum();
                        assert!(got.len() == 1 || sum <= *bytes);
                        let gone = (from.max(oldest)..to)
                            .any(|offset| model.hides(offset, &selection, now) && !kept(offset, &selection));
                        let may =
                            from < oldest || (from..to).any(|offset| model.hides(offset, &selection, now));
                        assert!(page.gap || !(gone || from < oldest), "a gap is not told: {step:?}");
                        assert!(!page.gap || may, "a gap that is none: {step:?}");
                    })
                }
                Step::Find(back) => {
                    let offset = next.saturating_sub(*back as usize);
                    let Some(event) = model.0.get(offset) else { break };
                    let found = rig.log().find(event.position.to_string()).await.unwrap();
                    // A place is known as long as nothing behind it has gone.
                    let is_known = offset + 1 >= oldest;
                    let expected = if is_known { Lookup::After(offset as u64 + 1) } else { Lookup::Expired };
                    Box::new(move || assert_eq!(found, expected, "{step:?}"))
                }
                Step::FindOwn(id) => {
                    let id = format!("own{id}");
                    let found = rig.log().find(id.clone()).await.unwrap();
                    let known = (0..next)
                        .rfind(|&n| model.0[n].publication.id.as_deref() == Some(&*id))
                        .filter(|&offset| kept(offset, &all));
                    let expected = known.map_or(Lookup::Unknown, |offset| Lookup::After(offset as u64 + 1));
                    Box::new(move || assert_eq!(found, expected, "{step:?}"))
                }
                Step::Newest { selection: chosen, count } => {
                    let selection = selection(SELECTIONS[*chosen]);
                    let from = rig.log().newest(selection.clone(), *count).await.unwrap() as usize;
                    let kept = &kept;
                    Box::new(move || {
                        let matching: Vec<_> = (0..next).filter(|&offset| kept(offset, &selection)).collect();
                        let first = matching.len().saturating_sub(*count);
                        assert_eq!(from, matching.get(first).copied().unwrap_or(next), "{step:?}");
                    })
                }
                Step::Topics { selection: chosen, after, limit } => {
                    let selection = selection(SELECTIONS[*chosen]);
                    let after = after.map(|after| topic(TOPICS[after]));
                    let got = rig.log().topics(selection.clone(), after.clone(), *limit).await.unwrap();
                    let (model, limit) = (&model, *limit);
                    Box::new(move || {
                        let mut expected = Vec::new();
                        for name in TOPICS.map(topic) {
                            let of: Vec<_> = (oldest..next)
                                .filter(|&n| {
                                    model.0[n].publication.topics.contains(&name)
                                        && model.keeps(&name, n, now)
                                })
                                .collect();
                            if let Some(&last) = of.last() {
                                let event = &model.0[last];
                                let id = event.publication.id.as_deref().map(str::to_owned);
                                expected.push((
                                    name,
                                    of.len() as u64,
                                    id.unwrap_or(event.position.to_string()),
                                ));
                            }
                        }
                        expected.retain(|(name, ..)| {
                            selection.matches(name) && after.as_ref().is_none_or(|after| name > after)
                        });
                        expected.truncate(limit);
                        let got: Vec<_> = got
                            .iter()
                            .map(|one| (one.topic.clone(), one.events, one.last_id.clone()))
                            .collect();
                        assert_eq!(got, expected, "{step:?}");
                    })
                }
                Step::Append(_) | Step::Advance(_) | Step::Reopen => break,
            };
            if rig.log().status().oldest as usize == oldest {
                sure();
                break;
            }
        }
        match step {
            Step::Append(batch) => append(&rig, &mut model, batch).await,
            Step::Advance(seconds) => rig.clock.advance(Duration::from_secs(*seconds)),
            Step::Reopen => {
                rig.reopen().await;
            }
            _ => {}
        }
        let status = rig.log().status();
        assert_eq!(status.next as usize, model.0.len());
        assert!(status.next - status.oldest >= status.next.min(120), "more was let go than the limit says");
    }
}

async fn append(rig: &Rig, model: &mut Model, batch: &[(Vec<usize>, Option<u8>, usize)]) {
    let publications: Vec<_> = batch
        .iter()
        .map(|(topics, id, size)| Publication {
            topics: topics.iter().map(|&number| topic(TOPICS[number])).collect(),
            id: id.map(|id| format!("own{id}").into()),
            ..Publication::new(topic("a"), "x".repeat(*size))
        })
        .collect();
    let now = rig.clock.now();
    let oldest = rig.log().status().oldest as usize;
    let before = model.0.len();
    let answer = rig.log().append(publications.clone()).await.unwrap();
    let oldest_after = rig.log().status().oldest as usize;
    for (publication, appended) in publications.into_iter().zip(answer) {
        let known = publication.id.as_ref().and_then(|id| {
            let same = |&offset: &usize| model.0[offset].publication.id.as_ref() == Some(id);
            (0..model.0.len()).rev().find(same)
        });
        let offset = appended.position.offset as usize;
        if appended.duplicate {
            assert_eq!(Some(offset), known);
            assert!(offset >= oldest);
            continue;
        }
        if let Some(known) = known {
            // Within its batch an id counts whatever the topics' rules say.
            assert!(known < before, "a double within a batch");
            let gone = known < oldest_after || !(0..before).contains(&known) || {
                let view = Model::view(model, before);
                !view.visible(known, &Selection::all(), now)
            };
            assert!(gone, "own id {known} is kept and was accepted again");
        }
        assert_eq!(offset, model.0.len());
        model.0.push(Event { position: appended.position, time: now, publication });
    }
}

impl Model {
    /// The model as it was at this length.
    fn view(&self, length: usize) -> Model {
        let copy = |event: &Event| Event {
            position: event.position,
            time: event.time,
            publication: event.publication.clone(),
        };
        Model(self.0[..length].iter().map(copy).collect())
    }
}

fn check(engine: Engine, cases: u32) {
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    let runtime = Arc::new(tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap());
    proptest!(config, |(steps in steps())| {
        runtime.block_on(run(engine, &steps));
    });
}

#[test]
fn the_memory_log_does_what_the_model_does() {
    check(Engine::Memory, 200);
}

#[test]
fn the_disk_log_does_what_the_model_does() {
    check(Engine::Disk, 40);
}

#[test]
fn the_disk_log_with_small_segments_does_what_the_model_does() {
    check(Engine::SmallDisk, 80);
}
