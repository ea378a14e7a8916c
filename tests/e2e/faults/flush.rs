//! A flush that fails: the file system is on a loop device, whose backing file has no room for what is written back.
//!
//! What it proves, of the real program on a real file system (ext4): when `fdatasync` fails, the publisher is told 503,
//! the log stops for good and says so, even when the disk is well again, because nobody can know what the kernel has thrown
//! away; `/readyz` says so, and nothing of what was answered is lost: after a restart it is all there, and publishing goes on.
//!
//! What it does not prove: anything about loss of power. It needs root and loop devices, and fails where it has none.

use std::{
    fs::{self, File},
    path::Path,
    process::Command,
};

use tempfile::TempDir;

use crate::support::{Hub, Options, SmallDisk, run, wait_until};

const ROOM: &str = "24m";
const DEVICE_BYTES: u64 = 64 << 20;
const EVENT_BYTES: usize = 50_000;

/// A file system on a file. The loop device goes with the mount.
struct Mounted(TempDir);

impl Mounted {
    fn new(image: &Path) -> Self {
        let directory = tempfile::tempdir().unwrap();
        run(Command::new("mount").args(["-o", "loop"]).arg(image).arg(directory.path()));
        let mounted = Self(directory);
        mounted.write_page_by_page();
        mounted
    }

    /// The loop driver takes a write that its file takes in part for a whole one, and would lie to the file system.
    fn write_page_by_page(&self) {
        let mut find = Command::new("findmnt");
        let source = find.args(["-no", "SOURCE"]).arg(self.0.path()).output().unwrap().stdout;
        let source = String::from_utf8(source).unwrap();
        let device = source.trim().trim_start_matches("/dev/");
        fs::write(format!("/sys/block/{device}/queue/max_sectors_kb"), "4").unwrap();
    }

    fn unmount(self) {
        run(Command::new("umount").arg(self.0.path()));
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        Command::new("umount").args(["--lazy", "--quiet"]).arg(self.0.path()).output().ok();
    }
}

#[test]
fn a_failed_flush_stops_the_log_for_good_and_loses_nothing() {
    let disk = SmallDisk::mount(ROOM);
    let image = disk.path().join("image");
    File::create(&image).unwrap().set_len(DEVICE_BYTES).unwrap();
    run(Command::new("mkfs.ext4").args(["-q", "-F", "-O", "^has_journal"]).arg(&image));
    let mounted = Mounted::new(&image);
    let data = mounted.0.path().join("data");
    let mut hub = Hub::with(Options { data: Some(data.clone()), ..Options::default() });
    let mut publisher = hub.connect();
    let mut answered = Vec::new();
    let mut publish = |number: usize| {
        let data = format!("{number} {}", "x".repeat(EVENT_BYTES));
        let answer = publisher.request("POST", "/topics/a", &[], data.as_bytes()).unwrap();
        match answer.status() {
            200 => {
                answered.push(data);
                None
            }
            _ => Some(answer.problem(503)),
        }
    };
    assert_eq!((0..20).find_map(&mut publish), None);
    let ballast = disk.fill();
    let detail = (20..2000).find_map(&mut publish).expect("a flush fails");
    wait_until("it is seen", || hub.get("/readyz").status() == 503);
    assert_eq!(hub.metric("tidings_log_healthy"), 0.0);
    assert_eq!(hub.get("/livez").status(), 200);

    // The disk is well again; the log cannot know what it still has.
    fs::remove_file(ballast).unwrap();
    disk.wait_for_room(4 << 20);
    let again = publish(5000);
    let problem = hub.get("/readyz").text();
    assert!(again.is_some(), "taken again after {detail}: {problem}");
    assert!(problem.contains("restart"), "{problem}");
    eprintln!("{} answered, then: {detail}", answered.len());
    hub.kill();
    mounted.unmount();
    let mounted = Mounted::new(&image);
    // Where it was is where it is.
    let hub = Hub::with(Options { data: Some(mounted.0.path().join("data")), ..Options::default() });
    let kept = hub.listen("topic=a&last_event_id=earliest").data(answered.len());
    assert!(kept == answered);
    hub.publish("a", "goes on");
    assert_eq!(hub.get("/readyz").status(), 200);
    drop(hub);
    mounted.unmount();
}
