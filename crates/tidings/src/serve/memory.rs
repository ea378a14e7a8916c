//! The ceiling of the program's memory: how much there is, how much it has, and what is said when that is too much.
//!
//! It is measured as the kernel counts it, which is what kills a program that has too much. The allocator gives back what
//! is not needed within a second, so that it falls when a crowd leaves.

use std::{fs, path::Path, sync::Arc, time::Duration};

use rustix::param::page_size;
use tidings_http::{MemoryPressure, Quotas};
use tidings_sources::ByteSize;
use tokio::task::JoinHandle;

use crate::config::Memory;

/// How often it is measured. What can come in meanwhile is little beside what is left above the ceiling.
const EVERY: Duration = Duration::from_millis(250);
/// Where a control group of version 2 has its limit, seen from a container or below the whole tree.
const GROUPS: &str = "/sys/fs/cgroup";

/// The ceiling in bytes. `None` where it cannot be found out how much there is, which is said: on other systems than Linux.
pub(super) fn ceiling(memory: Memory) -> Option<u64> {
    match memory {
        Memory::Bytes(bytes) => Some(bytes),
        Memory::Share(percent) => {
            let available = available();
            if available.is_none() {
                tracing::warn!(
                    "how much memory there is cannot be found out, so that there is no ceiling: set limits.memory to a \
                     number of bytes"
                );
            }
            Some(available? / 100 * u64::from(percent))
        }
    }
}

/// Measures, until what it answers is dropped.
pub(super) fn watch(quotas: &Arc<Quotas>) -> Watch {
    let quotas = quotas.clone();
    Watch(tokio::spawn(async move {
        let mut ticks = tokio::time::interval(EVERY);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            // Elsewhere than on Linux there is nothing to measure.
            let Some(bytes) = resident() else { return };
            if let Some(pressure) = quotas.note_memory(bytes) {
                say(pressure, ByteSize(bytes));
            }
        }
    }))
}

/// Measures as long as it is there.
#[derive(Debug)]
pub(super) struct Watch(JoinHandle<()>);

impl Drop for Watch {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn say(pressure: MemoryPressure, bytes: ByteSize) {
    match pressure {
        MemoryPressure::None => tracing::info!(%bytes, "there is memory again, and room for everybody"),
        MemoryPressure::Streams => {
            tracing::warn!(%bytes, "memory is short (setting limits.memory): new subscribers are told to come back");
        }
        MemoryPressure::All => {
            tracing::error!(
                %bytes,
                "memory is far above what it may be (setting limits.memory): publishers are told to come back, too"
            );
        }
    }
}

/// The memory that the program has of its own: what is resident but for pages of files, such as the program itself, which
/// the kernel takes back when it needs them (proc_pid_statm(5), the second field less the third, in pages).
fn resident() -> Option<u64> {
    let text = fs::read_to_string("/proc/self/statm").ok()?;
    let mut fields = text.split(' ').skip(1).map(str::parse::<u64>);
    let (resident, of_files) = (fields.next()?.ok()?, fields.next()?.ok()?);
    resident.saturating_sub(of_files).checked_mul(page_size() as u64)
}

/// The memory that there is: the machine's, or less where its control group or one above it allows less.
fn available() -> Option<u64> {
    let group = fs::read_to_string("/proc/self/cgroup").ok();
    let group = group.as_deref().and_then(|text| text.lines().find_map(|line| line.strip_prefix("0::")));
    let path = Path::new(GROUPS).join(group.unwrap_or_default().trim_start_matches('/'));
    let groups = path.ancestors().take_while(|path| path.starts_with(GROUPS));
    let limits = groups.filter_map(|path| fs::read_to_string(path.join("memory.max")).ok());
    // "max" is none.
    limits.filter_map(|text| text.trim().parse().ok()).chain(machine()).min()
}

/// All of the machine's, by sysinfo(2): `/proc/meminfo` is hidden from a service that sees nothing but processes in
/// `/proc` (systemd's `ProcSubset=pid`).
#[cfg(target_os = "linux")]
fn machine() -> Option<u64> {
    let info = rustix::system::sysinfo();
    // Their type is that of the machine's words.
    #[allow(clippy::useless_conversion)]
    u64::from(info.totalram).checked_mul(info.mem_unit.into())
}

#[cfg(not(target_os = "linux"))]
fn machine() -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_there_is_and_what_it_has_is_found_out() {
        let meminfo = fs::read_to_string("/proc/meminfo").unwrap();
        let total = meminfo.strip_prefix("MemTotal:").unwrap().lines().next().unwrap().trim();
        let total: u64 = total.strip_suffix(" kB").unwrap().parse().unwrap();
        assert_eq!(machine(), Some(total << 10));
        let (available, resident) = (available().unwrap(), resident().unwrap());
        assert!(resident > 1 << 18 && resident < available, "{resident} of {available}");
        let ceiling = ceiling(Memory::Share(50)).unwrap();
        assert!(ceiling <= available / 2 && ceiling > available / 3, "{ceiling} of {available}");
        assert_eq!(super::ceiling(Memory::Bytes(7)), Some(7));
    }
}
