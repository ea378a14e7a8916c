//! What the system knows of the process, under the names that every Prometheus library gives it. Read from `/proc`; where
//! there is none, these metrics are left out.

use std::{fmt, fs};

use prometheus_client::registry::Unit;
use rustix::{
    param::{clock_ticks_per_second, page_size},
    process::{Resource, getrlimit},
};

use super::out::{Out, Value};

#[derive(Debug, PartialEq)]
struct Process {
    cpu_seconds: f64,
    /// Since the Unix epoch.
    start_seconds: f64,
    resident_bytes: f64,
    virtual_bytes: f64,
    threads: f64,
}

impl Process {
    fn read() -> Option<Self> {
        let (stat, system) = (fs::read_to_string("/proc/self/stat"), fs::read_to_string("/proc/stat"));
        Self::parse(&stat.ok()?, &system.ok()?, clock_ticks_per_second() as f64, page_size() as f64)
    }

    /// As `proc_pid_stat(5)` and `proc_stat(5)` have it.
    fn parse(stat: &str, system: &str, ticks: f64, page: f64) -> Option<Self> {
        // The name, the second field, may hold anything; what follows its parenthesis is the third field.
        let (_, fields) = stat.rsplit_once(')')?;
        let fields: Vec<&str> = fields.split_ascii_whitespace().collect();
        let field = |number: usize| fields.get(number - 3)?.parse::<f64>().ok();
        let boot = system.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse::<f64>().ok()?;
        Some(Self {
            cpu_seconds: (field(14)? + field(15)?) / ticks,
            start_seconds: boot + field(22)? / ticks,
            resident_bytes: field(24)? * page,
            virtual_bytes: field(23)?,
            threads: field(20)?,
        })
    }
}

pub(super) fn write(out: &mut Out<'_>) -> fmt::Result {
    if let Some(process) = Process::read() {
        let gauges = [
            (
                "process_start_time",
                "When the process started, since the Unix epoch",
                Unit::Seconds,
                process.start_seconds,
            ),
            (
                "process_resident_memory",
                "Memory that the process has in use",
                Unit::Bytes,
                process.resident_bytes,
            ),
            ("process_virtual_memory", "Address space of the process", Unit::Bytes, process.virtual_bytes),
        ];
        for (name, help, unit, value) in gauges {
            out.standard(name, help, Some(unit), &Value::Gauge(value))?;
        }
        let (help, value) = ("CPU time that the process has used", Value::Counter(process.cpu_seconds));
        out.standard("process_cpu", help, Some(Unit::Seconds), &value)?;
        out.standard("process_threads", "Threads of the process", None, &Value::Gauge(process.threads))?;
    }
    if let Ok(files) = fs::read_dir("/proc/self/fd") {
        // The directory that is being read is one of them.
        let open = files.count().saturating_sub(1) as f64;
        out.standard("process_open_fds", "Open files and connections", None, &Value::Gauge(open))?;
    }
    match getrlimit(Resource::Nofile).current {
        Some(most) => {
            let value = Value::Gauge(most as f64);
            out.standard("process_max_fds", "How many may be open", None, &value)
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_spaces_and_parentheses_moves_no_field() {
        let numbers: Vec<String> = (4..=52).map(|number: u32| number.to_string()).collect();
        let stat = format!("7 (a) b) S {}", numbers.join(" "));
        let process = Process::parse(&stat, "cpu 1\nbtime 1000\n", 10.0, 4096.0);
        let expected = Process {
            cpu_seconds: 2.9,
            start_seconds: 1002.2,
            resident_bytes: 24.0 * 4096.0,
            virtual_bytes: 23.0,
            threads: 20.0,
        };
        assert_eq!(process, Some(expected));
        assert_eq!(Process::parse("7 (a", "", 10.0, 4096.0), None);
    }
}
