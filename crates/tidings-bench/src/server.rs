//! What the server costs: the CPU time and memory of its processes, as the kernel counts them.

use std::{collections::HashMap, fs, time::Duration};

use nix::{time::clock_getcpuclockid, unistd::Pid};

use crate::error::Error;

/// The processes that were named, and all that they have started, and those in turn.
#[derive(Clone, Debug)]
pub(crate) struct Server {
    roots: Vec<i32>,
}

/// Bytes of all processes together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Memory {
    /// Resident anonymous memory: heap and stacks. Pages shared by a parent and its children count for each.
    pub(crate) anonymous: u64,
    /// Proportional share: all resident memory, of which what is shared counts in parts.
    pub(crate) proportional: u64,
}

impl Server {
    /// The server that these processes are; `None` if there are none.
    ///
    /// # Errors
    /// If one of them does not exist.
    pub(crate) fn new(roots: &[i32]) -> Result<Option<Self>, Error> {
        if let Some(&pid) = roots.iter().find(|&&pid| cpu_of(pid).is_none()) {
            return Err(Error::NoProcess { pid });
        }
        Ok((!roots.is_empty()).then(|| Self { roots: roots.to_vec() }))
    }

    /// The CPU time used so far, exact to the nanosecond. What a process has used that has ended is forgotten.
    pub(crate) fn cpu(&self) -> Duration {
        self.processes().into_iter().filter_map(cpu_of).sum()
    }

    /// The memory in use.
    pub(crate) fn memory(&self) -> Memory {
        self.processes().into_iter().fold(Memory::default(), |sum, pid| Memory {
            anonymous: sum.anonymous + field(pid, "status", "RssAnon:").unwrap_or_default(),
            proportional: sum.proportional + field(pid, "smaps_rollup", "Pss:").unwrap_or_default(),
        })
    }

    fn processes(&self) -> Vec<i32> {
        let mut children: HashMap<i32, Vec<i32>> = HashMap::new();
        let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
        for pid in entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()) {
            if let Some(parent) = parent_of(pid) {
                children.entry(parent).or_default().push(pid);
            }
        }
        let mut found = self.roots.clone();
        let mut at = 0;
        while let Some(pid) = found.get(at) {
            // One that was named may be a child of another that was.
            let new = children.remove(pid).unwrap_or_default();
            let new: Vec<i32> = new.into_iter().filter(|pid| !found.contains(pid)).collect();
            found.extend(new);
            at += 1;
        }
        found
    }
}

fn cpu_of(pid: i32) -> Option<Duration> {
    // 0 would be this process.
    let pid = Some(Pid::from_raw(pid)).filter(|pid| pid.as_raw() > 0)?;
    clock_getcpuclockid(pid).and_then(|clock| clock.now()).map(Duration::from).ok()
}

/// The fourth field of `/proc/PID/stat`; the second may contain anything, in parentheses.
fn parent_of(pid: i32) -> Option<i32> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    text.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

/// A field that is given in KiB.
fn field(pid: i32, file: &str, name: &str) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/{file}")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    let kib: u64 = line.trim().trim_end_matches(" kB").parse().ok()?;
    Some(kib * 1024)
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn a_process_is_measured_with_its_children() {
        let own = i32::try_from(std::process::id()).unwrap();
        let mut child = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let child_pid = i32::try_from(child.id()).unwrap();
        let server = Server::new(&[own]).unwrap().unwrap();
        assert!(server.processes().contains(&child_pid));
        assert!(server.memory().anonymous > 0 && server.memory().proportional > 0);
        let before = server.cpu();
        let begun = std::time::Instant::now();
        while begun.elapsed() < Duration::from_millis(50) {}
        assert!(server.cpu() > before);
        let both = Server::new(&[own, child_pid]).unwrap().unwrap();
        assert_eq!(both.processes().iter().filter(|pid| **pid == child_pid).count(), 1);
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(matches!(Server::new(&[child_pid]), Err(Error::NoProcess { .. })));
        assert!(Server::new(&[]).unwrap().is_none());
    }
}
