//! `tidings bench`: the load tool, of which all but printing is in `tidings-bench`.

use tidings_bench::{BenchArgs, Done};

use crate::standard::print;

/// Does what the arguments say, and prints the report.
///
/// # Errors
/// When there was no run, or one that went wrong.
pub(crate) fn run(args: &BenchArgs) -> anyhow::Result<()> {
    let Done::Report(report) = tidings_bench::run(args)? else { return Ok(()) };
    if args.wants_json() {
        print(report.to_json())?;
    } else {
        print(&report)?;
    }
    anyhow::ensure!(report.ok, "the run failed: {}", report.faults.join("; "));
    Ok(())
}
