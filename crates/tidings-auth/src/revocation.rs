//! Revocations: tokens and users that are refused although their signature is good.

mod journal;
mod target;

use std::{
    collections::HashMap,
    io,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard},
    time::SystemTime,
};

use serde::{Deserialize, Serialize};
use tidings_hub::Bearer;
use tokio::task::spawn_blocking;

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
    /// Held during a change, so that the file has the order of the memory.
    journal: Mutex<Option<Journal>>,
}

type Ends = HashMap<String, Option<SystemTime>>;

#[derive(Debug, Default)]
struct InForce {
    tokens: Ends,
    users: Ends,
}

impl Revocations {
    /// Reads what the file holds, if there is to be one.
    pub(crate) fn open(path: Option<&Path>) -> Result<Arc<Self>, RevocationError> {
        let mut in_force = InForce::default();
        let journal = match path {
            Some(path) => Some(Journal::open(path, |entry| in_force.apply(entry))?),
            None => None,
        };
        Ok(Arc::new(Self { in_force: RwLock::new(in_force), journal: Mutex::new(journal) }))
    }

    /// Whether somebody is refused.
    pub(crate) fn cover(&self, bearer: &Bearer, now: SystemTime) -> bool {
        self.read().cover(bearer, now)
    }

    /// Refuses at once, and returns when that is kept. It is kept also if the future is dropped.
    pub(crate) async fn revoke(self: &Arc<Self>, revocation: Revocation) -> Result<(), RevocationError> {
        let this = Arc::clone(self);
        let kept = spawn_blocking(move || {
            let mut journal = lock(&this.journal);
            let entry = Entry::Revoke(revocation);
            this.apply(entry.clone());
            append(&mut journal, &entry)
        });
        kept.await.map_err(io::Error::other)?
    }

    /// Takes a revocation back once that is kept. False when there was none. It goes on if the future is dropped.
    pub(crate) async fn lift(self: &Arc<Self>, target: Target) -> Result<bool, RevocationError> {
        let this = Arc::clone(self);
        let lifted = spawn_blocking(move || {
            let mut journal = lock(&this.journal);
            if !this.read().holds(&target) {
                return Ok(false);
            }
            let entry = Entry::Lift(target);
            append(&mut journal, &entry)?;
            this.apply(entry);
            Ok(true)
        });
        lifted.await.map_err(io::Error::other)?
    }

    /// Those in force, in a fixed order.
    pub(crate) fn list(&self, now: SystemTime) -> Vec<Revocation> {
        let in_force = self.read();
        let tokens = sorted(&in_force.tokens, now).map(|(id, until)| (Target::Token(id), until));
        let users = sorted(&in_force.users, now).map(|(user, until)| (Target::User(user), until));
        tokens.chain(users).map(|(target, until)| Revocation { target, until }).collect()
    }

    fn apply(&self, entry: Entry) {
        let mut in_force = self.in_force.write().unwrap_or_else(PoisonError::into_inner);
        in_force.forget_ended(SystemTime::now());
        in_force.apply(entry);
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
            Entry::Revoke(Revocation { target, until }) => {
                let (ends, name) = self.of(target);
                ends.insert(name, until);
            }
            Entry::Lift(target) => {
                let (ends, name) = self.of(target);
                ends.remove(&name);
            }
        }
    }

    fn of(&mut self, target: Target) -> (&mut Ends, String) {
        match target {
            Target::Token(id) => (&mut self.tokens, id),
            Target::User(user) => (&mut self.users, user),
        }
    }

    fn holds(&self, target: &Target) -> bool {
        match target {
            Target::Token(id) => self.tokens.contains_key(id),
            Target::User(user) => self.users.contains_key(user),
        }
    }

    fn cover(&self, bearer: &Bearer, now: SystemTime) -> bool {
        let covers = |ends: &Ends, name: &Option<Box<str>>| {
            name.as_deref().and_then(|name| ends.get(name)).is_some_and(|until| is_on(*until, now))
        };
        covers(&self.tokens, &bearer.token) || covers(&self.users, &bearer.user)
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
        Bearer { user: Some(name.into()), token: None }
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
        let bearer = Bearer { user: Some("7".into()), token: Some("t".into()) };
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
        let now = SystemTime::now();
        assert_eq!(open().list(now), [revocation(Target::Token("t".to_owned()))]);
        let text = fs::read_to_string(&path).unwrap();
        let expected = [
            "{\"revoke\":{\"user\":\"a\"}}",
            "{\"revoke\":{\"token\":\"t\"}}",
            "{\"lift\":{\"user\":\"a\"}}",
        ];
        assert_eq!(text.lines().collect::<Vec<_>>(), expected);
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
