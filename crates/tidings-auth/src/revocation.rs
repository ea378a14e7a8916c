//! Revocations: tokens and users that are refused although their signature is good.

mod fuzz;
mod journal;
mod target;

use std::{
    collections::HashMap,
    io,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
    time::SystemTime,
};

use serde::{Deserialize, Serialize};
use tidings_hub::Bearer;
use tokio::task::spawn_blocking;

pub use self::fuzz::fuzz;
use self::journal::{Entry, Journal};
pub(crate) use self::target::id;
pub use self::target::{Target, TargetError};

/// A revocation. In JSON `{"token": "ID"}` or `{"user": "NAME"}`, and perhaps `"until"` in seconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revocation {
    /// What is revoked.
    #[serde(flatten)]
    pub target: Target,
    /// When it ends, as when the token expires anyway. Without it, never.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "crate::time::seconds")]
    pub until: Option<SystemTime>,
}

/// Why revocations cannot be kept or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RevocationError {
    /// The file cannot be read or written.
    #[error("{0}: check the path, its permissions and the room on the disk")]
    Io(#[from] io::Error),
    /// A line of the file is not one that was written there.
    #[error("line {0} is no revocation: repair or remove it")]
    Line(usize),
}

/// The revocations of a hub.
#[derive(Debug)]
pub(crate) struct Revocations {
    in_force: RwLock<InForce>,
    /// Held while a change is written. A revocation is in the memory before: nobody waits for the disk to refuse.
    journal: Mutex<Option<Journal>>,
}

type Ends = HashMap<String, Option<SystemTime>>;

#[derive(Debug, Default)]
struct InForce {
    tokens: Ends,
    users: Ends,
}

impl Revocations {
    /// Reads what the file holds, if there is to be one, and takes out of it what is no longer in force: it would grow for
    /// ever.
    pub(crate) fn open(path: Option<&Path>) -> Result<Arc<Self>, RevocationError> {
        let (mut in_force, mut lines) = (InForce::default(), 0);
        let mut journal = match path {
            Some(path) => Some(Journal::open(path, |entry| {
                lines += 1;
                in_force.apply(entry);
            })?),
            None => None,
        };
        let now = SystemTime::now();
        in_force.forget_ended(now);
        if let (Some(journal), Some(path)) = (&mut journal, path)
            && lines > in_force.tokens.len() + in_force.users.len()
        {
            journal.rewrite(path, in_force.list(now).into_iter().map(Entry::Revoke))?;
        }
        Ok(Arc::new(Self { in_force: RwLock::new(in_force), journal: Mutex::new(journal) }))
    }

    /// Whether somebody is refused.
    pub(crate) fn cover(&self, bearer: &Bearer, now: SystemTime) -> bool {
        self.read().cover(bearer, now)
    }

    /// Refuses from this call on; the future ends when that is kept. It is kept also if the future is dropped. Needs a
    /// Tokio runtime.
    pub(crate) fn revoke(
        self: &Arc<Self>,
        Revocation { target, until }: Revocation,
    ) -> impl Future<Output = Result<(), RevocationError>> + Send + use<> {
        self.write().insert(target.clone(), until);
        let this = Arc::clone(self);
        let kept = spawn_blocking(move || {
            let mut journal = lock(&this.journal);
            // What holds now, and not what held at the call: whoever came between has changed it, and may have been
            // written before.
            let entry = this.read().entry(target);
            append(&mut journal, &entry)
        });
        async { kept.await.map_err(io::Error::other)? }
    }

    /// Takes a revocation back once that is kept. False when there was none. It goes on if the future is dropped.
    pub(crate) async fn lift(self: &Arc<Self>, target: Target) -> Result<bool, RevocationError> {
        let this = Arc::clone(self);
        let lifted = spawn_blocking(move || {
            let mut journal = lock(&this.journal);
            if this.read().until(&target).is_none() {
                return Ok(false);
            }
            append(&mut journal, &Entry::Lift(target.clone()))?;
            this.write().remove(target);
            Ok(true)
        });
        lifted.await.map_err(io::Error::other)?
    }

    /// Those in force, in a fixed order.
    pub(crate) fn list(&self, now: SystemTime) -> Vec<Revocation> {
        self.read().list(now)
    }

    /// For a change. What has ended is forgotten on the occasion.
    fn write(&self) -> RwLockWriteGuard<'_, InForce> {
        let mut in_force = self.in_force.write().unwrap_or_else(PoisonError::into_inner);
        in_force.forget_ended(SystemTime::now());
        in_force
    }

    fn read(&self) -> RwLockReadGuard<'_, InForce> {
        self.in_force.read().unwrap_or_else(PoisonError::into_inner)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn append(journal: &mut Option<Journal>, entry: &Entry) -> Result<(), RevocationError> {
    match journal {
        Some(journal) => Ok(journal.append(entry)?),
        None => Ok(()),
    }
}

fn sorted(ends: &Ends, now: SystemTime) -> impl Iterator<Item = (String, Option<SystemTime>)> {
    let mut ends: Vec<_> = ends.iter().filter(|(_, until)| is_on(**until, now)).collect();
    ends.sort_unstable();
    ends.into_iter().map(|(name, until)| (name.clone(), *until)).collect::<Vec<_>>().into_iter()
}

fn is_on(until: Option<SystemTime>, now: SystemTime) -> bool {
    until.is_none_or(|until| until > now)
}

impl InForce {
    fn apply(&mut self, entry: Entry) {
        match entry {
            Entry::Revoke(Revocation { target, until }) => self.insert(target, until),
            Entry::Lift(target) => self.remove(target),
        }
    }

    fn insert(&mut self, target: Target, until: Option<SystemTime>) {
        match target {
            Target::Token(id) => self.tokens.insert(id, until),
            Target::User(user) => self.users.insert(user, until),
        };
    }

    fn remove(&mut self, target: Target) {
        match target {
            Target::Token(id) => self.tokens.remove(&id),
            Target::User(user) => self.users.remove(&user),
        };
    }

    fn until(&self, target: &Target) -> Option<Option<SystemTime>> {
        match target {
            Target::Token(id) => self.tokens.get(id),
            Target::User(user) => self.users.get(user),
        }
        .copied()
    }

    /// The line of the file that makes this of a target.
    fn entry(&self, target: Target) -> Entry {
        match self.until(&target) {
            Some(until) => Entry::Revoke(Revocation { target, until }),
            None => Entry::Lift(target),
        }
    }

    fn cover(&self, bearer: &Bearer, now: SystemTime) -> bool {
        let covers = |ends: &Ends, name: &Option<Box<str>>| {
            name.as_deref().and_then(|name| ends.get(name)).is_some_and(|until| is_on(*until, now))
        };
        covers(&self.tokens, &bearer.token) || covers(&self.users, &bearer.user)
    }

    fn list(&self, now: SystemTime) -> Vec<Revocation> {
        let tokens = sorted(&self.tokens, now).map(|(id, until)| (Target::Token(id), until));
        let users = sorted(&self.users, now).map(|(user, until)| (Target::User(user), until));
        tokens.chain(users).map(|(target, until)| Revocation { target, until }).collect()
    }

    fn forget_ended(&mut self, now: SystemTime) {
        self.tokens.retain(|_, until| is_on(*until, now));
        self.users.retain(|_, until| is_on(*until, now));
    }
}

#[cfg(test)]
mod tests {
    use std::{
        fs::{self, OpenOptions},
        io::Write as _,
        time::Duration,
    };

    use super::*;

    fn user(name: &str) -> Bearer {
        Bearer { user: Some(name.into()), ..Bearer::default() }
    }

    fn revocation(target: Target) -> Revocation {
        Revocation { target, until: None }
    }

    fn target(name: &str) -> Target {
        Target::User(name.to_owned())
    }

    #[tokio::test]
    async fn a_revocation_covers_its_user_or_token() {
        let covers = async |target: Target, bearer: &Bearer| {
            let revocations = Revocations::open(None).unwrap();
            revocations.revoke(revocation(target)).await.unwrap();
            revocations.cover(bearer, SystemTime::now())
        };
        let bearer = Bearer { user: Some("7".into()), token: Some("t".into()), ..Bearer::default() };
        assert!(covers(target("7"), &bearer).await);
        assert!(covers(Target::Token("t".to_owned()), &bearer).await);
        assert!(!covers(Target::Token("7".to_owned()), &bearer).await);
        assert!(!covers(target("7"), &Bearer::default()).await);
    }

    #[tokio::test]
    async fn revocations_end_or_are_lifted() {
        let revocations = Revocations::open(None).unwrap();
        let now = SystemTime::now();
        let until = Some(now + Duration::from_secs(60));
        revocations.revoke(Revocation { target: target("a"), until }).await.unwrap();
        revocations.revoke(revocation(target("b"))).await.unwrap();
        assert!(revocations.cover(&user("a"), now) && revocations.cover(&user("b"), now));
        assert!(!revocations.cover(&user("a"), now + Duration::from_secs(60)));
        assert_eq!(revocations.list(now).len(), 2);
        assert!(revocations.lift(target("b")).await.unwrap());
        assert!(!revocations.lift(target("b")).await.unwrap());
        assert!(!revocations.cover(&user("b"), now));
    }

    #[tokio::test]
    async fn a_revocation_is_in_force_before_the_disk_has_it() {
        let folder = tempfile::tempdir().unwrap();
        let revocations = Revocations::open(Some(&folder.path().join("revocations"))).unwrap();
        let writing = lock(&revocations.journal);
        let kept = revocations.revoke(revocation(target("a")));
        assert!(revocations.cover(&user("a"), SystemTime::now()));
        drop(writing);
        kept.await.unwrap();
    }

    #[tokio::test]
    async fn the_file_ends_as_the_memory_does_whatever_came_between() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("revocations");
        let revocations = Revocations::open(Some(&path)).unwrap();
        let now = SystemTime::now();
        let until = Some(std::time::UNIX_EPOCH + Duration::from_secs(99_999_999_999));
        for round in 0..20 {
            let name = format!("{round}");
            let first = revocations.revoke(revocation(target(&name)));
            let lifted = revocations.lift(target(&name));
            let second = revocations.revoke(Revocation { target: target(&name), until });
            let (first, _, second) = tokio::join!(first, lifted, second);
            first.and(second).unwrap();
        }
        assert_eq!(Revocations::open(Some(&path)).unwrap().list(now), revocations.list(now));
    }

    #[tokio::test]
    async fn revocations_outlive_the_process() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("revocations");
        let open = || Revocations::open(Some(&path)).unwrap();
        {
            let revocations = open();
            revocations.revoke(revocation(target("a"))).await.unwrap();
            revocations.revoke(revocation(Target::Token("t".to_owned()))).await.unwrap();
            revocations.lift(target("a")).await.unwrap();
        }
        let expected = [
            "{\"revoke\":{\"user\":\"a\"}}",
            "{\"revoke\":{\"token\":\"t\"}}",
            "{\"lift\":{\"user\":\"a\"}}",
        ];
        let text = || fs::read_to_string(&path).unwrap();
        assert_eq!(text().lines().collect::<Vec<_>>(), expected);
        let now = SystemTime::now();
        assert_eq!(open().list(now), [revocation(Target::Token("t".to_owned()))]);
        // What does not count any more was taken out.
        assert_eq!(text(), format!("{}\n", expected[1]));
    }

    #[tokio::test]
    async fn a_file_that_was_rewritten_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("revocations"), folder.path().join("link"));
        append_text(&path, "{\"revoke\":{\"user\":\"a\",\"until\":7}}\n{\"revoke\":{\"user\":\"b\"}}\n");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        // Of a crash in the middle of the same.
        append_text(&folder.path().join("revocations.new"), "{\"revoke\":{\"user\":\"z\"}}\n");
        let revocations = Revocations::open(Some(&link)).unwrap();
        revocations.revoke(revocation(target("c"))).await.unwrap();
        let expected = "{\"revoke\":{\"user\":\"b\"}}\n{\"revoke\":{\"user\":\"c\"}}\n";
        assert_eq!(fs::read_to_string(&path).unwrap(), expected);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
        let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&path).unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600);
    }

    #[tokio::test]
    async fn a_file_that_cannot_be_replaced_is_used_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("revocations");
        let old = "{\"revoke\":{\"user\":\"a\"}}\n{\"lift\":{\"user\":\"a\"}}\n";
        append_text(&path, old);
        // Nobody can make a file of this name.
        fs::create_dir_all(folder.path().join("revocations.new/in the way")).unwrap();
        let revocations = Revocations::open(Some(&path)).unwrap();
        revocations.revoke(revocation(target("b"))).await.unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text, format!("{old}{{\"revoke\":{{\"user\":\"b\"}}}}\n"));
    }

    fn append_text(path: &Path, text: &str) {
        OpenOptions::new().append(true).create(true).open(path).unwrap().write_all(text.as_bytes()).unwrap();
    }

    #[tokio::test]
    async fn a_torn_last_line_is_cut() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("revocations");
        append_text(&path, "{\"revoke\":{\"user\":\"a\"}}\n{\"revoke\":{\"us");
        let revocations = Revocations::open(Some(&path)).unwrap();
        revocations.revoke(revocation(target("b"))).await.unwrap();
        let now = SystemTime::now();
        assert_eq!(Revocations::open(Some(&path)).unwrap().list(now).len(), 2);
    }

    #[tokio::test]
    async fn a_last_line_that_lacks_its_end_counts() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("revocations");
        append_text(&path, "{\"revoke\":{\"user\":\"a\"}}");
        let revocations = Revocations::open(Some(&path)).unwrap();
        revocations.revoke(revocation(target("b"))).await.unwrap();
        assert_eq!(Revocations::open(Some(&path)).unwrap().list(SystemTime::now()).len(), 2);
    }

    #[test]
    fn a_line_that_was_not_written_here_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("revocations");
        append_text(&path, "{\"revoke\":{\"user\":\"a\"}}\nnonsense\n");
        assert!(matches!(Revocations::open(Some(&path)), Err(RevocationError::Line(2))));
    }
}
