//! The clock source, fast. When it ticks is not tested here: that is `next_tick`'s unit tests.

#![allow(clippy::unwrap_used, reason = "a test that fails panics")]

mod support;

use support::{Fixture, data};

#[tokio::test]
async fn ticks_are_whole_multiples_and_none_comes_twice() {
    let fixture =
        Fixture::start(["kind = \"clock\"\ntopic = \"time\"\nevery = \"20ms\"\ntemplate = \"{{unix_ms}}\""]);
    let ticks: Vec<i64> = data(&fixture.wait_for(5).await).iter().map(|text| text.parse().unwrap()).collect();
    assert!(ticks.iter().all(|tick| tick % 20 == 0), "{ticks:?}");
    assert!(ticks.windows(2).all(|pair| pair[0] < pair[1]), "{ticks:?}");
    assert!(fixture.sources.is_ready());
}

#[tokio::test]
async fn the_time_in_beijing_as_a_chinese_sentence() {
    let fixture = Fixture::start([r#"
        kind = "clock"
        topic = "time"
        every = "10ms"
        timezone = "+08:00"
        template = '{"id":{{unix}},"message":"欢迎来到 Tidings，现在是北京时间 {{date:%Y-%m-%d %H:%M:%S}}"}'
    "#]);
    let text = data(&fixture.wait_for(1).await).remove(0);
    let event: serde_json::Value = serde_json::from_str(&text).unwrap();
    let time = event["message"].as_str().unwrap().strip_prefix("欢迎来到 Tidings，现在是北京时间 ").unwrap();
    let time: jiff::Timestamp = format!("{time}+08:00").parse().unwrap();
    assert_eq!(event["id"].as_i64(), Some(time.as_second()));
}

#[tokio::test]
async fn the_default_is_json_with_the_time() {
    let fixture = Fixture::start(["kind = \"clock\"\ntopic = \"time\"\nevery = \"10ms\""]);
    let text = data(&fixture.wait_for(1).await).remove(0);
    let event: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert!(event["time"].as_str().unwrap().parse::<jiff::Timestamp>().is_ok(), "{text}");
}
